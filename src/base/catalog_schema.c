/*-------------------------------------------------------------------------
 *
 * catalog_schema.c
 *		The engine's tables about schemas: models and dumps.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/catalog.h"
#include "base/table.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* dbm.model */
enum
{
	Anum_model_project = 1,
	Anum_model_ddl,
	Anum_model_author,
	Anum_model_set_at,
	Natts_model = Anum_model_set_at
};

/* dbm.dump */
enum
{
	Anum_dump_file = 1,
	Anum_dump_database,
	Anum_dump_project,
	Anum_dump_heads,
	Anum_dump_format,
	Anum_dump_schemas,
	Anum_dump_data,
	Anum_dump_all_databases,
	Anum_dump_size,
	Anum_dump_sha256,
	Anum_dump_dumped_by,
	Anum_dump_dumped_at,
	Anum_dump_elapsed,
	Natts_dump = Anum_dump_elapsed
};

/* ---------------- dbm.model ---------------- */

static HeapTuple
begin_model_scan(DbmigTableScan *scan, const char *project, LOCKMODE lockmode)
{
	ScanKeyData key;

	dbmig_text_key(&key, Anum_model_project, project);
	dbmig_begin_scan(scan, "model", "model_pkey", lockmode, NULL, 1, &key);
	return systable_getnext(scan->scan);
}

/* A project's model; NULL when it has none. */
DbmigModel *
dbmig_model_find(const char *project)
{
	DbmigTableScan	scan;
	HeapTuple	tuple = begin_model_scan(&scan, project, AccessShareLock);
	DbmigModel *model = NULL;

	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);

		model = palloc(sizeof(DbmigModel));
		model->ddl = dbmig_get_text(tuple, Anum_model_ddl, desc);
		model->author = dbmig_get_text(tuple, Anum_model_author, desc);
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return model;
}

/* Store a project's model in place of the one it has. */
void
dbmig_model_put(const char *project, const DbmigModel *model)
{
	Datum		values[Natts_model] = {0};
	bool		nulls[Natts_model] = {0};
	DbmigTableScan	scan;
	HeapTuple	tuple;

	dbmig_set_text(values, nulls, Anum_model_project, project);
	dbmig_set_text(values, nulls, Anum_model_ddl, model->ddl);
	dbmig_set_text(values, nulls, Anum_model_author, model->author);
	values[Anum_model_set_at - 1] =
		TimestampTzGetDatum(GetCurrentStatementStartTimestamp());

	tuple = begin_model_scan(&scan, project, RowExclusiveLock);
	dbmig_put_row(&scan, tuple, "model", values, nulls);
}

/* ---------------- dbm.dump ---------------- */

static DbmigDump *
dump_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigDump  *row = palloc0(sizeof(DbmigDump));
	bool		isnull;

	row->file = dbmig_get_text(tuple, Anum_dump_file, desc);
	row->database = dbmig_get_text(tuple, Anum_dump_database, desc);
	row->project = dbmig_get_text(tuple, Anum_dump_project, desc);
	row->heads = dbmig_get_names(tuple, Anum_dump_heads, desc, &row->nheads);
	row->format = dbmig_get_text(tuple, Anum_dump_format, desc);
	row->schemas = dbmig_get_names(tuple, Anum_dump_schemas, desc, &row->nschemas);
	row->data = dbmig_get_bool(tuple, Anum_dump_data, desc);
	row->all_databases = dbmig_get_bool(tuple, Anum_dump_all_databases, desc);
	row->size = DatumGetInt64(heap_getattr(tuple, Anum_dump_size, desc, &isnull));
	row->sha256 = dbmig_get_text(tuple, Anum_dump_sha256, desc);
	row->dumped_by = dbmig_get_text(tuple, Anum_dump_dumped_by, desc);
	row->dumped_at = DatumGetTimestampTz(heap_getattr(tuple, Anum_dump_dumped_at,
													  desc, &isnull));
	row->elapsed = DatumGetIntervalP(heap_getattr(tuple, Anum_dump_elapsed,
												  desc, &isnull))->time;
	return row;
}

/* The dumps on record that a key picks, by file name; NULL picks all. */
static List *
scan_dumps(ScanKey key)
{
	List	   *rows = NIL;
	DbmigTableScan	scan;
	HeapTuple	tuple;

	dbmig_begin_scan(&scan, "dump", "dump_pkey", AccessShareLock, NULL, key ? 1 : 0, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		CHECK_FOR_INTERRUPTS();
		rows = lappend(rows,
					   dump_from_tuple(tuple, RelationGetDescr(scan.relation)));
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return rows;
}

/* All dumps on record, by file name. */
List *
dbmig_dump_list(void)
{
	return scan_dumps(NULL);
}

/* The dump in a file; NULL when there is none on record. */
DbmigDump *
dbmig_dump_find(const char *file)
{
	ScanKeyData key;
	List	   *rows;

	dbmig_text_key(&key, Anum_dump_file, file);
	rows = scan_dumps(&key);
	return rows == NIL ? NULL : linitial(rows);
}

/* Put a dump on record. */
void
dbmig_dump_insert(const DbmigDump *row)
{
	Datum		values[Natts_dump] = {0};
	bool		nulls[Natts_dump] = {0};
	Interval   *elapsed = palloc0(sizeof(Interval));

	elapsed->time = row->elapsed;

	dbmig_set_text(values, nulls, Anum_dump_file, row->file);
	dbmig_set_text(values, nulls, Anum_dump_database, row->database);
	dbmig_set_text(values, nulls, Anum_dump_project, row->project);
	values[Anum_dump_heads - 1] = dbmig_names_datum(row->heads, row->nheads);
	dbmig_set_text(values, nulls, Anum_dump_format, row->format);
	nulls[Anum_dump_schemas - 1] = (row->nschemas == 0);
	values[Anum_dump_schemas - 1] = dbmig_names_datum(row->schemas, row->nschemas);
	values[Anum_dump_data - 1] = BoolGetDatum(row->data);
	values[Anum_dump_all_databases - 1] = BoolGetDatum(row->all_databases);
	values[Anum_dump_size - 1] = Int64GetDatum(row->size);
	dbmig_set_text(values, nulls, Anum_dump_sha256, row->sha256);
	dbmig_set_text(values, nulls, Anum_dump_dumped_by, row->dumped_by);
	values[Anum_dump_dumped_at - 1] = TimestampTzGetDatum(row->dumped_at);
	values[Anum_dump_elapsed - 1] = IntervalPGetDatum(elapsed);
	dbmig_insert_row("dump", values, nulls);
}
