/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *		dbm_snapshot, dbm_snapshots and dbm_drop_snapshot.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "commands/commands.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(dbmig_snapshot_call);
PG_FUNCTION_INFO_V1(dbmig_snapshots);
PG_FUNCTION_INFO_V1(dbmig_drop_snapshot_call);

/* dbm_snapshot(name, with_data, project) */
Datum
dbmig_snapshot_call(PG_FUNCTION_ARGS)
{
	char	   *name = dbmig_text_argument(fcinfo, 0, "name");
	bool		with_data = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);
	const char *project = dbmig_project_argument(fcinfo, 2);
	DbmigSnapshot *row = dbmig_take_snapshot(project, name, with_data);
	TupleDesc	desc;
	Datum		values[5];
	bool		nulls[5] = {0};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = CStringGetTextDatum(row->name);
	values[1] = dbmig_names_datum(row->heads, row->nheads);
	values[2] = Int32GetDatum(row->objects);
	values[3] = CStringGetTextDatum(row->fingerprint);
	dbmig_text_result(values, nulls, 4, row->dump);
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* The names in a list that the mirror shows; none for base. */
static Datum
heads_datum(const char *heads)
{
	char	   *copy = pstrdup(heads);
	char	  **names = palloc(sizeof(char *) * (strlen(heads) + 1));
	int			count = 0;

	for (char *name = strtok(copy, ","); name; name = strtok(NULL, ","))
		names[count++] = name;
	if (strcmp(heads, "base") == 0)
		count = 0;
	return dbmig_names_datum(names, count);
}

/* dbm_snapshots(project): those with names, then what was kept of states. */
Datum
dbmig_snapshots(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *project = dbmig_project_argument(fcinfo, 0);
	char	   *live;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	live = dbmig_live_fingerprint();
	foreach(lc, dbmig_snapshot_list(project))
	{
		const DbmigSnapshot *row = lfirst(lc);
		Datum		values[10];
		bool		nulls[10] = {0};

		CHECK_FOR_INTERRUPTS();
		values[0] = CStringGetTextDatum(row->name);
		values[1] = dbmig_names_datum(row->heads, row->nheads);
		values[2] = Int32GetDatum(row->objects);
		values[3] = CStringGetTextDatum(row->fingerprint);
		values[4] = BoolGetDatum(strcmp(row->fingerprint, live) == 0);
		values[5] = BoolGetDatum(true);
		dbmig_text_result(values, nulls, 6, row->dump);
		values[7] = CStringGetTextDatum(row->server_version);
		values[8] = CStringGetTextDatum(row->taken_by);
		values[9] = TimestampTzGetDatum(row->taken_at);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	foreach(lc, dbmig_fingerprint_list(project))
	{
		const DbmigFingerprint *row = lfirst(lc);
		Datum		values[10] = {0};
		bool		nulls[10] = {0};

		CHECK_FOR_INTERRUPTS();
		nulls[0] = true;
		values[1] = heads_datum(row->heads);
		values[2] = Int32GetDatum(row->objects);
		values[3] = CStringGetTextDatum(row->fingerprint);
		values[4] = BoolGetDatum(strcmp(row->fingerprint, live) == 0);
		values[5] = BoolGetDatum(row->has_inventory);
		nulls[6] = true;
		values[7] = CStringGetTextDatum(row->server_version);
		values[8] = CStringGetTextDatum(row->taken_by);
		values[9] = TimestampTzGetDatum(row->taken_at);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_drop_snapshot(name, project) */
Datum
dbmig_drop_snapshot_call(PG_FUNCTION_ARGS)
{
	char	   *name = dbmig_text_argument(fcinfo, 0, "name");

	dbmig_drop_snapshot(dbmig_project_argument(fcinfo, 1), name);
	PG_RETURN_VOID();
}
