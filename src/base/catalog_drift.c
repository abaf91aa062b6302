/*-------------------------------------------------------------------------
 *
 * catalog_drift.c
 *		The engine's table of DDL that did not come from it.
 *
 * A row is written by whoever runs DDL, in every transaction that does: so it
 * has no index to maintain and no number to draw, and takes no lock that
 * another writer would wait for.  Who reads it reads all of it.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/catalog.h"
#include "base/names.h"
#include "base/session.h"
#include "base/table.h"
#include "catalog/indexing.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

/* dbm.ddl */
enum
{
	Anum_ddl_recorded_at = 1,
	Anum_ddl_command,
	Anum_ddl_kinds,
	Anum_ddl_identities,
	Anum_ddl_role,
	Anum_ddl_session_role,
	Anum_ddl_client_addr,
	Anum_ddl_application_name,
	Anum_ddl_transaction_id,
	Anum_ddl_statement,
	Anum_ddl_glass_broken,
	Natts_ddl = Anum_ddl_glass_broken
};

/*
 * Where a row of dbm.applied was found that is committed; InvalidOid: nowhere.
 * Who deletes one lets all sessions forget it; see dbmig_applied_delete().
 */
static Oid	applied_relation = InvalidOid;

static void
forget_applied(Datum arg, Oid relation)
{
	if (relation == applied_relation || !OidIsValid(relation))
		applied_relation = InvalidOid;
}

/*
 * Is any revision of any project applied?  Every DDL command asks, so a session
 * remembers that it found one.
 */
bool
dbmig_any_applied(void)
{
	static bool registered = false;
	DbmigTableScan scan;
	HeapTuple	tuple;

	if (OidIsValid(applied_relation))
		return true;
	if (!registered)
		CacheRegisterRelcacheCallback(forget_applied, (Datum) 0);
	registered = true;

	dbmig_begin_scan(&scan, "applied", "applied_pkey", AccessShareLock, NULL, 0,
					 NULL);
	tuple = systable_getnext(scan.scan);
	if (HeapTupleIsValid(tuple) &&
		!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
		applied_relation = RelationGetRelid(scan.relation);
	dbmig_end_scan(&scan, AccessShareLock);
	return HeapTupleIsValid(tuple);
}

/* Add a row; what concerns the session is filled in here. */
void
dbmig_ddl_append(const DbmigDdl *row)
{
	Datum		values[Natts_ddl] = {0};
	bool		nulls[Natts_ddl] = {0};
	Relation	relation;
	HeapTuple	tuple;

	values[Anum_ddl_recorded_at - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	dbmig_set_text(values, nulls, Anum_ddl_command, row->command);
	values[Anum_ddl_kinds - 1] = dbmig_names_datum(row->kinds, row->nobjects);
	values[Anum_ddl_identities - 1] = dbmig_names_datum(row->identities,
														row->nobjects);
	dbmig_set_text(values, nulls, Anum_ddl_role,
				   dbmig_current_role());
	dbmig_set_text(values, nulls, Anum_ddl_session_role,
				   dbmig_session_role());
	values[Anum_ddl_client_addr - 1] =
		dbmig_client_address(&nulls[Anum_ddl_client_addr - 1]);
	dbmig_set_text(values, nulls, Anum_ddl_application_name,
				   application_name ? application_name : "");
	values[Anum_ddl_transaction_id - 1] =
		FullTransactionIdGetDatum(GetTopFullTransactionId());
	dbmig_set_text(values, nulls, Anum_ddl_statement, row->statement);
	values[Anum_ddl_glass_broken - 1] = BoolGetDatum(row->glass_broken);

	/* nothing in this command looks at it, so the server's next step shows it */
	relation = table_open(dbmig_relation_oid("ddl"), RowExclusiveLock);
	tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	CatalogTupleInsert(relation, tuple);
	heap_freetuple(tuple);
	table_close(relation, NoLock);
}

static int
compare_times(const ListCell *a, const ListCell *b)
{
	TimestampTz time_a = ((const DbmigDdl *) lfirst(a))->recorded_at;
	TimestampTz time_b = ((const DbmigDdl *) lfirst(b))->recorded_at;

	return time_a < time_b ? -1 : time_a > time_b;
}

/* All rows in the order in which they were written: list of DbmigDdl. */
List *
dbmig_ddl_list(void)
{
	List	   *rows = NIL;
	DbmigTableScan scan;
	HeapTuple	tuple;

	dbmig_begin_scan(&scan, "ddl", NULL, AccessShareLock, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);
		DbmigDdl   *row = palloc0(sizeof(DbmigDdl));
		bool		isnull;
		int			count;

		CHECK_FOR_INTERRUPTS();
		row->recorded_at = dbmig_get_time(tuple, Anum_ddl_recorded_at, desc);
		row->command = dbmig_get_text(tuple, Anum_ddl_command, desc);
		row->kinds = dbmig_get_names(tuple, Anum_ddl_kinds, desc, &row->nobjects);
		row->identities = dbmig_get_names(tuple, Anum_ddl_identities, desc, &count);
		row->nobjects = Min(row->nobjects, count);
		row->role = dbmig_get_text(tuple, Anum_ddl_role, desc);
		row->session_role = dbmig_get_text(tuple, Anum_ddl_session_role, desc);
		row->client_addr = heap_getattr(tuple, Anum_ddl_client_addr, desc, &isnull);
		row->has_client_addr = !isnull;
		if (row->has_client_addr)
			row->client_addr = datumCopy(row->client_addr, false, -1);
		row->application_name = dbmig_get_text(tuple, Anum_ddl_application_name, desc);
		row->transaction_id = DatumGetFullTransactionId(heap_getattr(tuple, Anum_ddl_transaction_id,
																	 desc, &isnull));
		row->statement = dbmig_get_text(tuple, Anum_ddl_statement, desc);
		row->glass_broken = dbmig_get_bool(tuple, Anum_ddl_glass_broken, desc);
		rows = lappend(rows, row);
	}
	dbmig_end_scan(&scan, AccessShareLock);
	list_sort(rows, compare_times);
	return rows;
}

/*
 * Delete the rows written before a time; returns how many.  Two who delete
 * do so one after the other; who writes waits for neither.
 */
int64
dbmig_ddl_delete(TimestampTz before)
{
	DbmigTableScan scan;
	HeapTuple	tuple;
	int64		count = 0;

	/* without waiting, rows that another one deleted would be found */
	LockRelationOid(dbmig_relation_oid("ddl"), ShareUpdateExclusiveLock);
	dbmig_begin_scan(&scan, "ddl", NULL, RowExclusiveLock, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		CHECK_FOR_INTERRUPTS();
		if (dbmig_get_time(tuple, Anum_ddl_recorded_at,
						   RelationGetDescr(scan.relation)) >= before)
			continue;
		CatalogTupleDelete(scan.relation, &tuple->t_self);
		count++;
	}
	dbmig_end_scan(&scan, NoLock);
	CommandCounterIncrement();
	return count;
}
