/*-------------------------------------------------------------------------
 *
 * migrate.c
 *		The procedure dbm_migrate, and dbm_progress.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/commands.h"
#include "engine/engine.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(dbmig_migrate_call);
PG_FUNCTION_INFO_V1(dbmig_progress);

/*
 * CALL dbm_migrate(target, project, dump).  Where the server does not let a
 * procedure commit, it works as the functions do.
 */
Datum
dbmig_migrate_call(PG_FUNCTION_ARGS)
{
	char	   *target = dbmig_text_argument(fcinfo, 0, "target");
	const char *project = dbmig_project_argument(fcinfo, 1);
	bool		dump = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	bool		atomic = !IsA(fcinfo->context, CallContext) ||
		((CallContext *) fcinfo->context)->atomic;

	if (atomic || IsSubTransaction())
	{
		if (dump)
		{
			dbmig_lock_project(project);
			dbmig_dump_before(project);
		}
		if (dbmig_run(project, DBMIG_RUN_MOVE, target, "dbm_migrate()") == NIL)
			ereport(NOTICE, errmsg("project \"%s\": nothing to do", project));
	}
	else
		dbmig_migrate(project, target, dump);
	PG_RETURN_VOID();
}

/*
 * The phase of an index build of a process; NULL when it does none.  The view
 * hides it from other roles, so it is read as the superuser: the query is
 * constant, and all that it calls is the server's.
 */
static char *
index_phase(int pid)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(pid)};
	MemoryContext context = CurrentMemoryContext;
	char	   *phase = NULL;
	Oid			caller;
	int			security;

	GetUserIdAndSecContext(&caller, &security);
	SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
						   security | SECURITY_LOCAL_USERID_CHANGE);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("SELECT phase FROM pg_catalog.pg_stat_progress_create_index "
							  "WHERE pid OPERATOR(pg_catalog.=) $1",
							  1, types, values, NULL, true, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
	{
		phase = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
		if (phase)
			phase = MemoryContextStrdup(context, phase);
	}
	SPI_finish();
	SetUserIdAndSecContext(caller, security);
	return phase;
}

/*
 * May the caller see the statements of a process?  Those whom pg_stat_activity
 * shows them may: a script's text is not for everybody.
 */
static bool
may_see_statement(const DbmigActivity *activity)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) ||
		has_privs_of_role(GetUserId(), activity->role);
}

static void
put_progress(FunctionCallInfo fcinfo, int pid)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DbmigActivity run;
	DbmigActivity worker;
	const DbmigActivity *script = &run;
	int			script_pid = pid;
	char	   *phase;
	Datum		values[12];
	bool		nulls[12] = {0};

	if (!dbmig_read_activity(pid, &run))
		return;
	if (run.worker > 0 && dbmig_read_activity(run.worker, &worker))
	{
		script = &worker;
		script_pid = run.worker;
	}
	phase = index_phase(script_pid);

	values[0] = CStringGetTextDatum(run.project);
	values[1] = Int32GetDatum(pid);
	values[2] = CStringGetTextDatum(run.target);
	values[3] = CStringGetTextDatum(run.revision);
	values[4] = Int32GetDatum(run.step);
	values[5] = Int32GetDatum(run.steps);
	values[6] = Int32GetDatum(script->number);
	values[7] = Int32GetDatum(script->count);
	values[8] = CStringGetTextDatum(script->statement);
	nulls[8] = !may_see_statement(script);
	values[9] = TimestampTzGetDatum(run.started_at);
	values[10] = DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(script_pid));
	nulls[11] = (phase == NULL);
	if (phase)
		values[11] = CStringGetTextDatum(phase);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * dbm_progress(): a row for each session of this database that holds a
 * project's lock.
 */
Datum
dbmig_progress(PG_FUNCTION_ARGS)
{
	LockData   *locks;
	List	   *pids = NIL;

	InitMaterializedSRF(fcinfo, 0);
	locks = GetLockStatusData();
	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];

		CHECK_FOR_INTERRUPTS();
		/* the session that asks is not one that migrates meanwhile */
		if (lock->holdMask != 0 && lock->pid != MyProcPid &&
			dbmig_is_project_lock(&lock->locktag) &&
			!list_member_int(pids, lock->pid))
		{
			pids = lappend_int(pids, lock->pid);
			put_progress(fcinfo, lock->pid);
		}
	}
	return (Datum) 0;
}
