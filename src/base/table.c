/*-------------------------------------------------------------------------
 *
 * table.c
 *		Rows of the engine's own tables: scans, writes, and column values.
 *
 * Rows are read with catalog scans and written with the catalog heap
 * functions.  That keeps three promises: a write never depends on the
 * transaction's snapshot, so it cannot fail with a serialization error after
 * a revision has run; no privilege on the tables is needed, and none has to be
 * granted; and no rule, trigger or operator of anybody's runs in between.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define SCHEMA_NAME "dbm"

/* The most columns that a primary key of these tables has. */
#define MAX_KEY_COLUMNS 3

/*
 * OID of one of the engine's relations.  They are there as long as the
 * extension is; a C function called after a script dropped it gets an error.
 */
Oid
dbmig_relation_oid(const char *name)
{
	Oid			schema = get_namespace_oid(SCHEMA_NAME, true);
	Oid			relation = InvalidOid;

	if (OidIsValid(schema))
		relation = get_relname_relid(name, schema);
	if (!OidIsValid(relation))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("relation \"%s.%s\" does not exist", SCHEMA_NAME, name),
				errhint("It belongs to the extension \"databrain_migrate\"."));
	return relation;
}

/* ---------------- columns ---------------- */

char *
dbmig_get_text(HeapTuple tuple, int attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

bool
dbmig_get_bool(HeapTuple tuple, int attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return !isnull && DatumGetBool(value);
}

int32
dbmig_get_int(HeapTuple tuple, int attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? 0 : DatumGetInt32(value);
}

/* A column of type timestamptz; 0 when it is null. */
TimestampTz
dbmig_get_time(HeapTuple tuple, int attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(value);
}

/* The elements of a text[] column; NULL elements are left out. */
char **
dbmig_get_names(HeapTuple tuple, int attnum, TupleDesc desc, int *count)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	char	  **names;

	*count = 0;
	if (isnull)
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &n);
	names = palloc(sizeof(char *) * (n + 1));
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			names[(*count)++] = TextDatumGetCString(elements[i]);
	}
	return names;
}

void
dbmig_set_text(Datum *values, bool *nulls, int attnum, const char *value)
{
	nulls[attnum - 1] = (value == NULL);
	if (value)
		values[attnum - 1] = CStringGetTextDatum(value);
}

/* ---------------- scans and writes ---------------- */

/* A scan key for equality on a text column of collation "C". */
void
dbmig_text_key(ScanKey key, int attnum, const char *value)
{
	ScanKeyInit(key, attnum, BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(value));
}

/*
 * Begin a scan of a table by an index; NULL scans all of the table.  A NULL
 * snapshot is the latest one.
 */
void
dbmig_begin_scan(DbmigTableScan *scan, const char *table, const char *index,
				 LOCKMODE lockmode, Snapshot snapshot, int nkeys, ScanKey keys)
{
	scan->snapshot = NULL;
	if (snapshot == NULL)
		snapshot = scan->snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan->relation = table_open(dbmig_relation_oid(table), lockmode);
	scan->scan = systable_beginscan(scan->relation,
									index ? dbmig_relation_oid(index) : InvalidOid,
									index != NULL, snapshot, nkeys, keys);
}

/* Locks that protect a write are kept to the end of the transaction. */
void
dbmig_end_scan(DbmigTableScan *scan, LOCKMODE unlockmode)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, unlockmode);
	if (scan->snapshot)
		UnregisterSnapshot(scan->snapshot);
}

void
dbmig_insert_row(const char *table, Datum *values, bool *nulls)
{
	Relation	relation = table_open(dbmig_relation_oid(table), RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);

	CatalogTupleInsert(relation, tuple);
	heap_freetuple(tuple);
	table_close(relation, NoLock);
	CommandCounterIncrement();
}

/* Replace columns of the row that an open scan stands on. */
void
dbmig_update_row(DbmigTableScan *scan, HeapTuple tuple, Datum *values,
				 bool *nulls, bool *replace)
{
	HeapTuple	changed = heap_modify_tuple(tuple, RelationGetDescr(scan->relation),
											values, nulls, replace);

	CatalogTupleUpdate(scan->relation, &tuple->t_self, changed);
	heap_freetuple(changed);
}

/* ---------------- rows by primary key ---------------- */

/* Begin a scan of the rows with this key, or with this beginning of one. */
static void
begin_key_scan(DbmigTableScan *scan, const char *table, const char *const *key,
			   LOCKMODE lockmode, Snapshot snapshot)
{
	ScanKeyData keys[MAX_KEY_COLUMNS];
	char		index[NAMEDATALEN];
	int			n;

	for (n = 0; key[n]; n++)
	{
		Assert(n < MAX_KEY_COLUMNS);
		dbmig_text_key(&keys[n], n + 1, key[n]);
	}
	snprintf(index, sizeof(index), "%s_pkey", table);
	dbmig_begin_scan(scan, table, index, lockmode, snapshot, n, keys);
}

/*
 * Begin a scan and stand on the first row with this key; NULL if there is
 * none.  The caller ends the scan.
 */
HeapTuple
dbmig_find_row(DbmigTableScan *scan, const char *table, const char *const *key,
			   LOCKMODE lockmode, Snapshot snapshot)
{
	begin_key_scan(scan, table, key, lockmode, snapshot);
	return systable_getnext(scan->scan);
}

/* What the reader makes of the row with this key; NULL if there is none. */
void *
dbmig_read_row(const char *table, const char *const *key, DbmigRowReader reader)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, table, key, AccessShareLock, NULL);
	void	   *row = NULL;

	if (HeapTupleIsValid(tuple))
		row = reader(tuple, RelationGetDescr(scan.relation));
	dbmig_end_scan(&scan, AccessShareLock);
	return row;
}

/* A list of what the reader makes of the rows, ascending by primary key. */
List *
dbmig_read_rows(const char *table, const char *const *key, Snapshot snapshot,
				DbmigRowReader reader)
{
	List	   *rows = NIL;
	DbmigTableScan scan;
	HeapTuple	tuple;

	begin_key_scan(&scan, table, key, AccessShareLock, snapshot);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		CHECK_FOR_INTERRUPTS();
		rows = lappend(rows, reader(tuple, RelationGetDescr(scan.relation)));
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return rows;
}

/* Write a whole row over the one with this key, or insert it if there is none. */
void
dbmig_put_row(const char *table, const char *const *key, Datum *values,
			  bool *nulls)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, table, key, RowExclusiveLock, NULL);

	if (HeapTupleIsValid(tuple))
	{
		int			natts = RelationGetNumberOfAttributes(scan.relation);
		bool	   *replace = palloc(sizeof(bool) * natts);

		memset(replace, true, sizeof(bool) * natts);
		dbmig_update_row(&scan, tuple, values, nulls, replace);
		pfree(replace);
		dbmig_end_scan(&scan, NoLock);
		CommandCounterIncrement();
	}
	else
	{
		dbmig_end_scan(&scan, NoLock);
		dbmig_insert_row(table, values, nulls);
	}
}

/* Delete the row with this key; false if there is none. */
bool
dbmig_delete_row(const char *table, const char *const *key)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, table, key, RowExclusiveLock, NULL);

	if (HeapTupleIsValid(tuple))
		CatalogTupleDelete(scan.relation, &tuple->t_self);
	dbmig_end_scan(&scan, NoLock);
	CommandCounterIncrement();
	return HeapTupleIsValid(tuple);
}
