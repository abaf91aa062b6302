/*-------------------------------------------------------------------------
 *
 * catalog_inventory.c
 *		The engine's table of inventories that need not be computed again.
 *
 * A row can be missing at any time, and whoever misses it computes it.  So
 * nobody waits to write one: who does not get the table's lock, which a writer
 * holds to the end of its transaction, leaves it to the other.  Readers do not
 * notice.  Since all writers hold that lock, no two of them meet in the index.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/catalog.h"
#include "base/names.h"
#include "base/table.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* How many rows a project may have. */
#define MAX_KEPT 8

/* dbm.inventory */
enum
{
	Anum_inventory_project = 1,
	Anum_inventory_key,
	Anum_inventory_source,
	Anum_inventory_inventory,
	Anum_inventory_spellings,
	Anum_inventory_kept_at,
	Natts_inventory = Anum_inventory_kept_at
};

static void *
kept_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigKept  *row = palloc(sizeof(DbmigKept));
	bool		isnull;

	row->inventory = DatumGetJsonbPCopy(heap_getattr(tuple, Anum_inventory_inventory,
													 desc, &isnull));
	row->spellings = dbmig_get_names(tuple, Anum_inventory_spellings, desc,
									 &row->nspellings);
	return row;
}

/* What is kept under a key; NULL if nothing is. */
DbmigKept *
dbmig_kept_find(const char *project, const char *key)
{
	return dbmig_read_row("inventory", DBMIG_KEY(project, key), kept_from_tuple);
}

/*
 * May this transaction write rows?  If so it holds, to its end, the lock that
 * dbmig_kept_put() asks for.  Never waits, and never raises an error because of
 * what the transaction is.
 */
bool
dbmig_kept_lock(void)
{
	return !XactReadOnly && !RecoveryInProgress() && !IsInParallelMode() &&
		ConditionalLockRelationOid(dbmig_relation_oid("inventory"),
								   ShareRowExclusiveLock);
}

typedef struct KeptAt
{
	ItemPointerData tid;
	TimestampTz at;
} KeptAt;

static int
compare_newest_first(const ListCell *a, const ListCell *b)
{
	const KeptAt *kept_a = lfirst(a);
	const KeptAt *kept_b = lfirst(b);

	return kept_a->at > kept_b->at ? -1 : kept_a->at < kept_b->at;
}

/* Delete a project's oldest rows. */
static void
delete_oldest(const char *project)
{
	List	   *rows = NIL;
	ScanKeyData key;
	DbmigTableScan scan;
	HeapTuple	tuple;

	dbmig_text_key(&key, Anum_inventory_project, project);
	dbmig_begin_scan(&scan, "inventory", "inventory_pkey", RowExclusiveLock, NULL,
					 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		KeptAt	   *row = palloc(sizeof(KeptAt));

		row->tid = tuple->t_self;
		row->at = dbmig_get_time(tuple, Anum_inventory_kept_at,
								 RelationGetDescr(scan.relation));
		rows = lappend(rows, row);
	}
	list_sort(rows, compare_newest_first);
	for (int i = MAX_KEPT; i < list_length(rows); i++)
		CatalogTupleDelete(scan.relation, &((KeptAt *) list_nth(rows, i))->tid);
	dbmig_end_scan(&scan, NoLock);
	list_free_deep(rows);
	CommandCounterIncrement();
}

/*
 * Keep an inventory, in place of what is kept under the key.  The caller has
 * dbmig_kept_lock().
 */
void
dbmig_kept_put(const char *project, const char *key, const char *source,
			   const DbmigKept *row)
{
	Datum		values[Natts_inventory] = {0};
	bool		nulls[Natts_inventory] = {0};
	bool		replace[Natts_inventory] = {0};
	DbmigTableScan scan;
	HeapTuple	tuple;

	values[Anum_inventory_spellings - 1] = dbmig_names_datum(row->spellings,
															 row->nspellings);
	values[Anum_inventory_kept_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	tuple = dbmig_find_row(&scan, "inventory", DBMIG_KEY(project, key),
						   RowExclusiveLock, NULL);
	if (HeapTupleIsValid(tuple))
	{
		/* the key says what the inventory is */
		replace[Anum_inventory_spellings - 1] = true;
		replace[Anum_inventory_kept_at - 1] = true;
		dbmig_update_row(&scan, tuple, values, nulls, replace);
		dbmig_end_scan(&scan, NoLock);
		CommandCounterIncrement();
		return;
	}
	dbmig_end_scan(&scan, NoLock);
	dbmig_set_text(values, nulls, Anum_inventory_project, project);
	dbmig_set_text(values, nulls, Anum_inventory_key, key);
	dbmig_set_text(values, nulls, Anum_inventory_source, source);
	values[Anum_inventory_inventory - 1] = JsonbPGetDatum(row->inventory);
	dbmig_insert_row("inventory", values, nulls);
	delete_oldest(project);
}
