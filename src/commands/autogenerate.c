/*-------------------------------------------------------------------------
 *
 * autogenerate.c
 *		dbm_set_model, dbm_model and dbm_diff.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "commands/commands.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(dbmig_set_model);
PG_FUNCTION_INFO_V1(dbmig_model);
PG_FUNCTION_INFO_V1(dbmig_diff_sources);

/* dbm_set_model(ddl, project): whether it can run is found when it runs */
Datum
dbmig_set_model(PG_FUNCTION_ARGS)
{
	DbmigModel	model;
	const char *project = dbmig_project_argument(fcinfo, 1);

	PreventCommandIfReadOnly("dbm_set_model()");
	model.ddl = dbmig_text_argument(fcinfo, 0, "ddl");
	model.author = dbmig_current_role();
	dbmig_lock_project(project);
	dbmig_model_put(project, &model);
	PG_RETURN_VOID();
}

/* dbm_model(project) */
Datum
dbmig_model(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(dbmig_model_ddl(dbmig_project_argument(fcinfo, 0))));
}

/*
 * dbm_diff(from_source, to_source, schemas, kinds, include, exclude, renames,
 *			concurrently, project)
 */
Datum
dbmig_diff_sources(PG_FUNCTION_ARGS)
{
	char	   *from = dbmig_text_argument(fcinfo, 0, "from_source");
	char	   *to = dbmig_text_argument(fcinfo, 1, "to_source");
	DbmigCompareOptions options = dbmig_compare_arguments(fcinfo, 2);
	const char *project = dbmig_project_argument(fcinfo, 8);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DbmigComparison *comparison;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	comparison = dbmig_compare(project, from, to, &options);
	foreach(lc, dbmig_comparison_changes(comparison, false))
	{
		const DbmigChange *change = lfirst(lc);
		Datum		values[8];
		bool		nulls[8];

		nulls[0] = false;
		values[0] = Int32GetDatum(foreach_current_index(lc) + 1);
		dbmig_text_result(values, nulls, 1, change->change);
		dbmig_text_result(values, nulls, 2, change->kind);
		dbmig_text_result(values, nulls, 3, change->id);
		dbmig_text_result(values, nulls, 4, change->statement);
		dbmig_text_result(values, nulls, 5, change->hazard);
		nulls[6] = nulls[7] = change->statement == NULL;
		values[6] = Int32GetDatum(change->unit + 1);
		values[7] = BoolGetDatum(change->transactional);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
