/*-------------------------------------------------------------------------
 *
 * restraint.c
 *		Keeps statements that the engine wrote from running what users wrote.
 *
 * In a sandbox the engine makes objects again that it found in a schema.  Who
 * put them there may have fewer rights than who compares.  Definitions name
 * functions, and some statements call them although no row is there: a call
 * with constants is worked out by the planner.  A rollback does not undo all
 * that a superuser's function can do.
 *
 * While the restraint is on, calling a function in SQL or a procedural language
 * is an error.  Only superusers make functions in C, and event triggers.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "fmgr.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

static needs_fmgr_hook_type previous_needs_hook = NULL;
static fmgr_hook_type previous_hook = NULL;

static bool restrained = false;

static bool
is_of_user(Oid function)
{
	HeapTuple	tuple;
	Form_pg_proc form;
	bool		result;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result = form->prolang != INTERNALlanguageId &&
		form->prolang != ClanguageId && form->prorettype != EVENT_TRIGGEROID;
	ReleaseSysCache(tuple);
	return result;
}

static bool
is_looked_at(Oid function)
{
	return (restrained && is_of_user(function)) ||
		(previous_needs_hook && previous_needs_hook(function));
}

/* Called around each call of a function that is looked at, and of others. */
static void
look(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	if (event == FHET_START && restrained && is_of_user(function->fn_oid))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("function %s is not called while schemas are compared",
					   get_func_name(function->fn_oid)));
	if (previous_hook)
		previous_hook(event, function, private);
}

/* Turn the restraint on or off; returns whether it was on. */
bool
dbmig_restrain(bool on)
{
	bool		was = restrained;

	restrained = on;
	return was;
}

/* Called once in each process that loads the library. */
void
dbmig_install_restraint(void)
{
	previous_needs_hook = needs_fmgr_hook;
	needs_fmgr_hook = is_looked_at;
	previous_hook = fmgr_hook;
	fmgr_hook = look;
}
