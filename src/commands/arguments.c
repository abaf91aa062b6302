/*-------------------------------------------------------------------------
 *
 * arguments.c
 *		Arguments and results that all SQL-callable functions treat alike.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/commands.h"
#include "engine/engine.h"
#include "nodes/value.h"
#include "utils/array.h"
#include "utils/builtins.h"

/* A text argument that may not be NULL; name is what the caller calls it. */
char *
dbmig_text_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", name));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The project argument: NULL stands for databrain_migrate.project. */
const char *
dbmig_project_argument(FunctionCallInfo fcinfo, int n)
{
	return dbmig_project_name(PG_ARGISNULL(n) ? NULL :
							  text_to_cstring(PG_GETARG_TEXT_PP(n)));
}

/* The names in a text[] argument; none if it is NULL. */
char **
dbmig_names_argument(FunctionCallInfo fcinfo, int n, const char *name, int *count)
{
	Datum	   *elements;
	bool	   *nulls;
	char	  **names;

	*count = 0;
	if (PG_ARGISNULL(n))
		return NULL;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(n), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, count);
	names = palloc(sizeof(char *) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("%s must not contain nulls", name));
		names[i] = TextDatumGetCString(elements[i]);
	}
	return names;
}

/* A text argument that may be NULL. */
char *
dbmig_optional_text(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* The names in a text[] argument, as a list of String; NIL if it is NULL. */
static List *
names_list(FunctionCallInfo fcinfo, int n, const char *name)
{
	int			count;
	char	  **names = dbmig_names_argument(fcinfo, n, name, &count);
	List	   *result = NIL;

	for (int i = 0; i < count; i++)
		result = lappend(result, makeString(names[i]));
	return result;
}

/*
 * The arguments schemas, kinds, include, exclude, renames and concurrently, of
 * which the first is argument n.
 */
DbmigCompareOptions
dbmig_compare_arguments(FunctionCallInfo fcinfo, int n)
{
	DbmigCompareOptions options = {0};

	options.schemas = names_list(fcinfo, n, "schemas");
	options.kinds = names_list(fcinfo, n + 1, "kinds");
	options.include = dbmig_optional_text(fcinfo, n + 2);
	options.exclude = dbmig_optional_text(fcinfo, n + 3);
	options.renames = names_list(fcinfo, n + 4, "renames");
	options.concurrently = !PG_ARGISNULL(n + 5) && PG_GETARG_BOOL(n + 5);
	return options;
}

/* A text as a result's value; NULL becomes null. */
void
dbmig_text_result(Datum *values, bool *nulls, int n, const char *text)
{
	nulls[n] = text == NULL;
	values[n] = text ? CStringGetTextDatum(text) : (Datum) 0;
}
