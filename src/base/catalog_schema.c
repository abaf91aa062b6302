/*-------------------------------------------------------------------------
 *
 * catalog_schema.c
 *		The engine's tables about schemas: models, dumps and snapshots.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/catalog.h"
#include "base/names.h"
#include "base/table.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
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

/* dbm.snapshot */
enum
{
	Anum_snapshot_project = 1,
	Anum_snapshot_name,
	Anum_snapshot_heads,
	Anum_snapshot_objects,
	Anum_snapshot_fingerprint,
	Anum_snapshot_inventory,
	Anum_snapshot_dump,
	Anum_snapshot_server_version,
	Anum_snapshot_taken_by,
	Anum_snapshot_taken_at,
	Natts_snapshot = Anum_snapshot_taken_at
};

/* dbm.fingerprint */
enum
{
	Anum_fingerprint_project = 1,
	Anum_fingerprint_heads,
	Anum_fingerprint_objects,
	Anum_fingerprint_fingerprint,
	Anum_fingerprint_inventory,
	Anum_fingerprint_server_version,
	Anum_fingerprint_taken_by,
	Anum_fingerprint_taken_at,
	Natts_fingerprint = Anum_fingerprint_taken_at
};

/* ---------------- dbm.model ---------------- */

static void *
model_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigModel *model = palloc(sizeof(DbmigModel));

	model->ddl = dbmig_get_text(tuple, Anum_model_ddl, desc);
	model->author = dbmig_get_text(tuple, Anum_model_author, desc);
	return model;
}

/* A project's model; NULL when it has none. */
DbmigModel *
dbmig_model_find(const char *project)
{
	return dbmig_read_row("model", DBMIG_KEY(project), model_from_tuple);
}

/* Store a project's model in place of the one it has. */
void
dbmig_model_put(const char *project, const DbmigModel *model)
{
	Datum		values[Natts_model] = {0};
	bool		nulls[Natts_model] = {0};

	dbmig_set_text(values, nulls, Anum_model_project, project);
	dbmig_set_text(values, nulls, Anum_model_ddl, model->ddl);
	dbmig_set_text(values, nulls, Anum_model_author, model->author);
	values[Anum_model_set_at - 1] =
		TimestampTzGetDatum(GetCurrentStatementStartTimestamp());
	dbmig_put_row("model", DBMIG_KEY(project), values, nulls);
}

/* ---------------- dbm.dump ---------------- */

static void *
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
	row->dumped_at = dbmig_get_time(tuple, Anum_dump_dumped_at, desc);
	row->elapsed = DatumGetIntervalP(heap_getattr(tuple, Anum_dump_elapsed,
												  desc, &isnull))->time;
	return row;
}

/* All dumps on record, by file name. */
List *
dbmig_dump_list(void)
{
	return dbmig_read_rows("dump", DBMIG_KEY(NULL), NULL, dump_from_tuple);
}

/* The dump in a file; NULL when there is none on record. */
DbmigDump *
dbmig_dump_find(const char *file)
{
	return dbmig_read_row("dump", DBMIG_KEY(file), dump_from_tuple);
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

/* ---------------- dbm.snapshot ---------------- */

/* A jsonb column; NULL when it is null. */
static Jsonb *
get_jsonb(HeapTuple tuple, int attnum, TupleDesc desc)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, attnum, desc, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

static void *
snapshot_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigSnapshot *row = palloc(sizeof(DbmigSnapshot));

	row->name = dbmig_get_text(tuple, Anum_snapshot_name, desc);
	row->heads = dbmig_get_names(tuple, Anum_snapshot_heads, desc, &row->nheads);
	row->objects = dbmig_get_int(tuple, Anum_snapshot_objects, desc);
	row->fingerprint = dbmig_get_text(tuple, Anum_snapshot_fingerprint, desc);
	row->dump = dbmig_get_text(tuple, Anum_snapshot_dump, desc);
	row->server_version = dbmig_get_text(tuple, Anum_snapshot_server_version, desc);
	row->taken_by = dbmig_get_text(tuple, Anum_snapshot_taken_by, desc);
	row->taken_at = dbmig_get_time(tuple, Anum_snapshot_taken_at, desc);
	return row;
}

/* A project's snapshots, by name. */
List *
dbmig_snapshot_list(const char *project)
{
	return dbmig_read_rows("snapshot", DBMIG_KEY(project), NULL,
						   snapshot_from_tuple);
}

/*
 * The snapshot of a name, and its inventory unless that is NULL; NULL when
 * there is none.
 */
DbmigSnapshot *
dbmig_snapshot_find(const char *project, const char *name, Jsonb **inventory)
{
	DbmigSnapshot *row = NULL;
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, "snapshot",
									   DBMIG_KEY(project, name),
									   AccessShareLock, NULL);

	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);

		row = snapshot_from_tuple(tuple, desc);
		if (inventory)
			*inventory = get_jsonb(tuple, Anum_snapshot_inventory, desc);
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return row;
}

void
dbmig_snapshot_insert(const char *project, const DbmigSnapshot *row, Jsonb *inventory)
{
	Datum		values[Natts_snapshot] = {0};
	bool		nulls[Natts_snapshot] = {0};

	dbmig_set_text(values, nulls, Anum_snapshot_project, project);
	dbmig_set_text(values, nulls, Anum_snapshot_name, row->name);
	values[Anum_snapshot_heads - 1] = dbmig_names_datum(row->heads, row->nheads);
	values[Anum_snapshot_objects - 1] = Int32GetDatum(row->objects);
	dbmig_set_text(values, nulls, Anum_snapshot_fingerprint, row->fingerprint);
	values[Anum_snapshot_inventory - 1] = JsonbPGetDatum(inventory);
	dbmig_set_text(values, nulls, Anum_snapshot_dump, row->dump);
	dbmig_set_text(values, nulls, Anum_snapshot_server_version, row->server_version);
	dbmig_set_text(values, nulls, Anum_snapshot_taken_by, row->taken_by);
	values[Anum_snapshot_taken_at - 1] = TimestampTzGetDatum(row->taken_at);
	dbmig_insert_row("snapshot", values, nulls);
}

void
dbmig_snapshot_delete(const char *project, const char *name)
{
	(void) dbmig_delete_row("snapshot", DBMIG_KEY(project, name));
}

/* ---------------- dbm.fingerprint ---------------- */

static void *
fingerprint_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigFingerprint *row = palloc(sizeof(DbmigFingerprint));

	row->heads = dbmig_get_text(tuple, Anum_fingerprint_heads, desc);
	row->objects = dbmig_get_int(tuple, Anum_fingerprint_objects, desc);
	row->fingerprint = dbmig_get_text(tuple, Anum_fingerprint_fingerprint, desc);
	row->has_inventory = !heap_attisnull(tuple, Anum_fingerprint_inventory, desc);
	row->server_version = dbmig_get_text(tuple, Anum_fingerprint_server_version, desc);
	row->taken_by = dbmig_get_text(tuple, Anum_fingerprint_taken_by, desc);
	row->taken_at = dbmig_get_time(tuple, Anum_fingerprint_taken_at, desc);
	return row;
}

/* A project's fingerprints, by heads. */
List *
dbmig_fingerprint_list(const char *project)
{
	return dbmig_read_rows("fingerprint", DBMIG_KEY(project), NULL,
						   fingerprint_from_tuple);
}

/*
 * The fingerprint of the state with these heads, and its inventory, which may
 * not have been kept, unless that is NULL; NULL when there is none.
 */
DbmigFingerprint *
dbmig_fingerprint_find(const char *project, const char *heads, Jsonb **inventory)
{
	DbmigFingerprint *row = NULL;
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, "fingerprint",
									   DBMIG_KEY(project, heads),
									   AccessShareLock, NULL);

	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);

		row = fingerprint_from_tuple(tuple, desc);
		if (inventory)
			*inventory = get_jsonb(tuple, Anum_fingerprint_inventory, desc);
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return row;
}

/* Store a fingerprint in place of the one that its state has. */
void
dbmig_fingerprint_put(const char *project, const DbmigFingerprint *row,
					  Jsonb *inventory)
{
	Datum		values[Natts_fingerprint] = {0};
	bool		nulls[Natts_fingerprint] = {0};

	dbmig_set_text(values, nulls, Anum_fingerprint_project, project);
	dbmig_set_text(values, nulls, Anum_fingerprint_heads, row->heads);
	values[Anum_fingerprint_objects - 1] = Int32GetDatum(row->objects);
	dbmig_set_text(values, nulls, Anum_fingerprint_fingerprint, row->fingerprint);
	nulls[Anum_fingerprint_inventory - 1] = inventory == NULL;
	values[Anum_fingerprint_inventory - 1] = JsonbPGetDatum(inventory);
	dbmig_set_text(values, nulls, Anum_fingerprint_server_version, row->server_version);
	dbmig_set_text(values, nulls, Anum_fingerprint_taken_by, row->taken_by);
	values[Anum_fingerprint_taken_at - 1] = TimestampTzGetDatum(row->taken_at);
	dbmig_put_row("fingerprint", DBMIG_KEY(project, row->heads), values, nulls);
}

void
dbmig_fingerprint_delete(const char *project, const char *heads)
{
	(void) dbmig_delete_row("fingerprint", DBMIG_KEY(project, heads));
}
