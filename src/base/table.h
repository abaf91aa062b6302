/*-------------------------------------------------------------------------
 *
 * table.h
 *		Rows of the engine's own tables; only src/base/catalog*.c include it.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_TABLE_H
#define DBMIG_TABLE_H

#include "access/genam.h"
#include "access/htup.h"
#include "access/tupdesc.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/*
 * Scan an index of one of our tables, or all of one.  Every scan goes through here, so that
 * each sees either the snapshot it was given or, with NULL, the latest one.
 */
typedef struct DbmigTableScan
{
	Relation	relation;
	SysScanDesc scan;
	Snapshot	snapshot;		/* ours to unregister, or NULL */
} DbmigTableScan;

extern Oid	dbmig_relation_oid(const char *name);

extern char *dbmig_get_text(HeapTuple tuple, int attnum, TupleDesc desc);
extern bool dbmig_get_bool(HeapTuple tuple, int attnum, TupleDesc desc);
extern int32 dbmig_get_int(HeapTuple tuple, int attnum, TupleDesc desc);
extern char **dbmig_get_names(HeapTuple tuple, int attnum, TupleDesc desc,
							  int *count);
extern Datum dbmig_names_datum(char **names, int count);
extern void dbmig_set_text(Datum *values, bool *nulls, int attnum,
						   const char *value);
extern Datum dbmig_client_address(bool *isnull);

extern void dbmig_text_key(ScanKey key, int attnum, const char *value);
extern void dbmig_begin_scan(DbmigTableScan *scan, const char *table,
							 const char *index, LOCKMODE lockmode,
							 Snapshot snapshot, int nkeys, ScanKey keys);
extern void dbmig_end_scan(DbmigTableScan *scan, LOCKMODE unlockmode);
extern void dbmig_insert_row(const char *table, Datum *values, bool *nulls);
extern void dbmig_update_row(DbmigTableScan *scan, HeapTuple tuple, Datum *values,
							 bool *nulls, bool *replace);
extern void dbmig_put_row(DbmigTableScan *scan, HeapTuple tuple,
						  const char *table, Datum *values, bool *nulls);

#endif							/* DBMIG_TABLE_H */
