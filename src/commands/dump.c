/*-------------------------------------------------------------------------
 *
 * dump.c
 *		dbm_dump, dbm_dumps and dbm_restore.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "catalog/pg_type.h"
#include "commands/commands.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(dbmig_dump_call);
PG_FUNCTION_INFO_V1(dbmig_dumps);
PG_FUNCTION_INFO_V1(dbmig_restore_call);

static Datum
interval_datum(int64 microseconds)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = microseconds;
	return IntervalPGetDatum(interval);
}

static Datum
names_datum(char **names, int count)
{
	return dbmig_names_datum(names, count);
}

/* A row as the result of a function. */
static Datum
row_datum(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	TupleDesc	desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* dbm_dump(format, schemas, data, all_databases, project) */
Datum
dbmig_dump_call(PG_FUNCTION_ARGS)
{
	DbmigDump	dump = {0};
	Datum		values[6];
	bool		nulls[6] = {0};

	dump.format = dbmig_text_argument(fcinfo, 0, "format");
	dump.schemas = dbmig_names_argument(fcinfo, 1, "schemas", &dump.nschemas);
	if (!PG_ARGISNULL(1) && dump.nschemas == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("schemas must not be empty"),
				errhint("Without it, the whole database is dumped."));
	dump.data = PG_ARGISNULL(2) || PG_GETARG_BOOL(2);
	dump.all_databases = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);
	dump.project = pstrdup(dbmig_project_argument(fcinfo, 4));
	dbmig_dump(&dump);

	values[0] = CStringGetTextDatum(dump.file);
	values[1] = CStringGetTextDatum(dbmig_dump_file_path(dump.file));
	values[2] = names_datum(dump.heads, dump.nheads);
	values[3] = Int64GetDatum(dump.size);
	values[4] = CStringGetTextDatum(dump.sha256);
	values[5] = interval_datum(dump.elapsed);
	return row_datum(fcinfo, values, nulls);
}

/* dbm_dumps(verify): a row for each dump on record. */
Datum
dbmig_dumps(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	bool		verify = PG_ARGISNULL(0) || PG_GETARG_BOOL(0);
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, dbmig_dump_list())
	{
		const DbmigDump *dump = lfirst(lc);
		Datum		values[15];
		bool		nulls[15] = {0};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(dump->file);
		dbmig_text_result(values, nulls, 1, dbmig_dump_file_path(dump->file));
		values[2] = CStringGetTextDatum(dbmig_dump_status(dump, verify));
		values[3] = CStringGetTextDatum(dump->database);
		values[4] = CStringGetTextDatum(dump->project);
		values[5] = names_datum(dump->heads, dump->nheads);
		values[6] = CStringGetTextDatum(dump->format);
		nulls[7] = (dump->nschemas == 0);
		values[7] = names_datum(dump->schemas, dump->nschemas);
		values[8] = BoolGetDatum(dump->data);
		values[9] = BoolGetDatum(dump->all_databases);
		values[10] = Int64GetDatum(dump->size);
		values[11] = CStringGetTextDatum(dump->sha256);
		values[12] = CStringGetTextDatum(dump->dumped_by);
		values[13] = TimestampTzGetDatum(dump->dumped_at);
		values[14] = interval_datum(dump->elapsed);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_restore(dump, into_database, replace) */
Datum
dbmig_restore_call(PG_FUNCTION_ARGS)
{
	char	   *dump = dbmig_text_argument(fcinfo, 0, "dump");
	char	   *database = dbmig_text_argument(fcinfo, 1, "into_database");
	bool		replace = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	TimestampTz started = GetCurrentTimestamp();
	char	   *path = dbmig_restore(dump, database, replace);
	Datum		values[3];
	bool		nulls[3] = {0};

	values[0] = CStringGetTextDatum(database);
	values[1] = CStringGetTextDatum(path);
	values[2] = interval_datum(GetCurrentTimestamp() - started);
	return row_datum(fcinfo, values, nulls);
}
