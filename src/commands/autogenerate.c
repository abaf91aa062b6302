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

#include "catalog/pg_type.h"
#include "commands/commands.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
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
	model.author = GetUserNameFromId(GetUserId(), false);
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

/* The names in an array argument, as a list of String; NIL for NULL. */
static List *
names_argument(FunctionCallInfo fcinfo, int n)
{
	List	   *names = NIL;
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	if (PG_ARGISNULL(n))
		return NIL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("schema names must not be null"));
		names = lappend(names, makeString(TextDatumGetCString(elements[i])));
	}
	return names;
}

static Datum
text_or_null(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text ? CStringGetTextDatum(text) : (Datum) 0;
}

/* dbm_diff(from_source, to_source, schemas, project) */
Datum
dbmig_diff_sources(PG_FUNCTION_ARGS)
{
	char	   *from = dbmig_text_argument(fcinfo, 0, "from_source");
	char	   *to = dbmig_text_argument(fcinfo, 1, "to_source");
	List	   *schemas = names_argument(fcinfo, 2);
	const char *project = dbmig_project_argument(fcinfo, 3);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DbmigComparison *comparison;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	comparison = dbmig_compare(project, from, to, schemas);
	foreach(lc, dbmig_comparison_changes(comparison, false))
	{
		const DbmigChange *change = lfirst(lc);
		Datum		values[6];
		bool		nulls[6];

		nulls[0] = false;
		values[0] = Int32GetDatum(foreach_current_index(lc) + 1);
		values[1] = text_or_null(change->change, &nulls[1]);
		values[2] = text_or_null(change->kind, &nulls[2]);
		values[3] = text_or_null(change->id, &nulls[3]);
		values[4] = text_or_null(change->statement, &nulls[4]);
		values[5] = text_or_null(change->hazard, &nulls[5]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
