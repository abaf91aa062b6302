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
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

/*
 * A scan of an index of one of our tables, or of all of one.  Every scan goes
 * through here, so that each sees either the snapshot it was given or, with
 * NULL, the latest one.
 */
typedef struct DbmigTableScan
{
	Relation	relation;
	SysScanDesc scan;
	Snapshot	snapshot;		/* ours to unregister, or NULL */
} DbmigTableScan;

/*
 * Values of the first columns of a table, none of them NULL.  They are of type
 * text, and the columns of its primary key, whose index is named as the server
 * does it.
 */
#define DBMIG_KEY(...)	((const char *const[]) {__VA_ARGS__, NULL})

/* Makes a row of a tuple, in the current memory context. */
typedef void *(*DbmigRowReader) (HeapTuple tuple, TupleDesc desc);

extern Oid	dbmig_relation_oid(const char *name);

extern char *dbmig_get_text(HeapTuple tuple, int attnum, TupleDesc desc);
extern bool dbmig_get_bool(HeapTuple tuple, int attnum, TupleDesc desc);
extern int32 dbmig_get_int(HeapTuple tuple, int attnum, TupleDesc desc);
extern TimestampTz dbmig_get_time(HeapTuple tuple, int attnum, TupleDesc desc);
extern char **dbmig_get_names(HeapTuple tuple, int attnum, TupleDesc desc,
							  int *count);
extern void dbmig_set_text(Datum *values, bool *nulls, int attnum,
						   const char *value);

extern void dbmig_text_key(ScanKey key, int attnum, const char *value);
extern void dbmig_begin_scan(DbmigTableScan *scan, const char *table,
							 const char *index, LOCKMODE lockmode,
							 Snapshot snapshot, int nkeys, ScanKey keys);
extern void dbmig_end_scan(DbmigTableScan *scan, LOCKMODE unlockmode);
extern void dbmig_insert_row(const char *table, Datum *values, bool *nulls);
extern void dbmig_update_row(DbmigTableScan *scan, HeapTuple tuple, Datum *values,
							 bool *nulls, bool *replace);

extern HeapTuple dbmig_find_row(DbmigTableScan *scan, const char *table,
								const char *const *key, LOCKMODE lockmode,
								Snapshot snapshot);
extern void *dbmig_read_row(const char *table, const char *const *key,
							DbmigRowReader reader);
extern List *dbmig_read_rows(const char *table, const char *const *key,
							 Snapshot snapshot, DbmigRowReader reader);
extern void dbmig_put_row(const char *table, const char *const *key,
						  Datum *values, bool *nulls);
extern bool dbmig_delete_row(const char *table, const char *const *key);

#endif							/* DBMIG_TABLE_H */
