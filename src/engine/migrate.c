/*-------------------------------------------------------------------------
 *
 * migrate.c
 *		CALL dbm_migrate: one transaction per revision, and what cannot run in
 *		a transaction.
 *
 * The project lock is held as a session lock across the commits, so nobody
 * else moves the project in between; only while a worker runs a revision is it
 * let go, and then the step lock stands for it (see lock.c).  The target is
 * resolved once, to revisions; before each of them the newest log row tells
 * whether the project is still where the step before left it.
 *
 * A transactional step runs in a subtransaction: if it fails, that is rolled
 * back, the failure is logged and committed, and the error is raised again
 * with everything the server said.  The revisions before it stay.
 *
 * Memory: what lives across commits is in a context below the portal's; the
 * transactions' contexts go with each commit.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/settings.h"
#include "engine/engine.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A call under way. */
typedef struct Migration
{
	DbmigProject *project;
	DbmigPlan  *plan;
	int			at;				/* the step of the plan that runs */
	int64		newest;			/* log row that the last step left */
	MemoryContext context;		/* of all this */
} Migration;

/*
 * Get the project lock for the session, having waited for whoever runs
 * revisions.  Waiting is done without a snapshot, which a worker's concurrent
 * command would wait for.
 */
static void
lock_project(const char *project)
{
	for (;;)
	{
		SPI_commit();
		InvalidateCatalogSnapshot();
		if (dbmig_lock_project_session(project))
			return;
		SPI_commit();
		InvalidateCatalogSnapshot();
		dbmig_wait_for_step(project);
	}
}

/* Has anybody moved the project since our last step? */
static void
check_unmoved(const Migration *migration)
{
	const char *name = migration->project->name;

	dbmig_applied_lock();
	if (dbmig_log_newest(name) == migration->newest)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("project \"%s\" was changed while it was being migrated", name),
			errdetail("Its state is not the one that the last step left."),
			errhint("See dbm_log().  Call dbm_migrate() again to go on from the new state."));
}

/* Log that a step failed, in a transaction of its own. */
static void
log_failure(DbmigStepRun *run, const ErrorData *error)
{
	run->entry.outcome = "failed";
	run->entry.ended_at = GetCurrentTimestamp();
	run->entry.sqlstate = unpack_sql_state(error->sqlerrcode);
	run->entry.error = error->message;
	run->entry.line = dbmig_take_error_line();
	dbmig_log_append(&run->entry);
	SPI_commit();
}

/*
 * Do a part of a step in a subtransaction.  Returns NULL if it was done, or
 * the error if it failed; then everything is as if it had not been tried.
 */
static ErrorData *
attempt(void (*action) (DbmigStepRun *run, const DbmigUnfinished *begun),
		DbmigStepRun *run, const DbmigUnfinished *begun)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	run->nblockers = 0;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		action(run, begun);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		if (run->nblockers == 0)
			run->nblockers = dbmig_find_blockers(run->blockers, DBMIG_MAX_BLOCKERS);
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/*
 * A step failed.  Return if it shall be tried again, or log the failure and
 * raise the error.
 */
static void
give_up_or_wait(DbmigStepRun *run, ErrorData *error, int attempts)
{
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
	{
		char	   *blockers;

		if (attempts < dbmig_lock_retries)
		{
			SPI_commit();
			InvalidateCatalogSnapshot();
			dbmig_back_off(run, attempts);
			return;
		}
		blockers = dbmig_describe_processes(run->blockers, run->nblockers);
		if (blockers)
			error->detail = blockers;
	}
	log_failure(run, error);
	ReThrowError(error);
}

/* Keep what is to be kept of the schema, after the plan's last step or each. */
static void
keep_state(const Migration *migration)
{
	if (dbmig_snapshot_each_step || migration->at == migration->plan->nsteps - 1)
		dbmig_keep_state(migration->project);
}

static void
run_here(DbmigStepRun *run, const DbmigUnfinished *begun)
{
	dbmig_run_step(run);
}

/* Run a step that can run in a transaction, and commit it. */
static void
run_in_transaction(Migration *migration, DbmigStepRun *run)
{
	for (int attempts = 0;; attempts++)
	{
		ErrorData  *error;

		check_unmoved(migration);
		error = attempt(run_here, run, NULL);
		if (error == NULL)
			break;
		give_up_or_wait(run, error, attempts);
	}
	dbmig_mirror_write(migration->project);
	keep_state(migration);
	migration->newest = dbmig_log_newest(migration->project->name);
	SPI_commit();
}

/*
 * Run a step in a worker, and record it.  Between tries the step lock is
 * kept, and with it everybody else out.
 */
static void
run_outside(Migration *migration, DbmigStepRun *run)
{
	const char *name = migration->project->name;

	check_unmoved(migration);
	dbmig_begin_step(name);
	for (int attempts = 0;; attempts++)
	{
		DbmigUnfinished *begun = dbmig_unfinished_find(name, run->entry.revision);
		ErrorData  *error;

		if (begun)
			dbmig_check_unfinished(run, begun);
		SPI_commit();
		error = attempt(dbmig_run_in_worker, run, begun);
		if (error == NULL)
			break;
		give_up_or_wait(run, error, attempts);
	}

	dbmig_retake_project(name);
	check_unmoved(migration);
	dbmig_unfinished_delete(name, run->entry.revision);
	dbmig_record_run(run);
	dbmig_mirror_write(migration->project);
	keep_state(migration);
	migration->newest = dbmig_log_newest(name);
	SPI_commit();
	dbmig_end_step(name);
}

/* Load the project and decide what to do. */
static void
prepare(Migration *migration, const char *name, const char *target)
{
	MemoryContext old = MemoryContextSwitchTo(migration->context);

	dbmig_applied_lock();
	migration->project = dbmig_project_load(name, NULL);
	migration->plan = dbmig_move_plan(migration->project, target);
	MemoryContextSwitchTo(old);

	dbmig_check_plan(migration->project, migration->plan, false);
	dbmig_relabel(migration->project);
	dbmig_mirror_check(migration->project);
	dbmig_mirror_write(migration->project);
	migration->newest = dbmig_log_newest(name);
	SPI_commit();
}

static void
walk(const char *name, const char *target, bool dump, MemoryContext context)
{
	Migration	migration = {.context = context};
	MemoryContext step_context = AllocSetContextCreate(context, "dbmig step",
													   ALLOCSET_DEFAULT_SIZES);

	lock_project(name);
	prepare(&migration, name, target);
	if (dump && migration.plan->nsteps > 0)
	{
		dbmig_dump_before(name);
		SPI_commit();
	}
	dbmig_report_run(target, migration.plan->nsteps);
	if (migration.plan->nsteps == 0)
		ereport(NOTICE, errmsg("project \"%s\": nothing to do", name));
	for (int i = 0; i < migration.plan->nsteps; i++)
	{
		int			node = migration.plan->steps[i];
		DbmigDirection direction = migration.plan->direction;
		DbmigStepRun *run;

		CHECK_FOR_INTERRUPTS();
		migration.at = i;
		MemoryContextSwitchTo(step_context);
		run = dbmig_begin_run(migration.project, node, direction);
		if (dbmig_step_is_transactional(migration.project, node, direction))
			run_in_transaction(&migration, run);
		else
			run_outside(&migration, run);
		MemoryContextSwitchTo(context);
		MemoryContextReset(step_context);
	}
	dbmig_unlock_project_session(name);
	dbmig_report_end();
}

/*
 * Move the project to a target with a commit after each revision.  Called by a
 * procedure that may commit.  Raises the error of the step that failed, after
 * having logged it.  With dump, the database is dumped before the first step.
 */
void
dbmig_migrate(const char *project, const char *target, bool dump)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context;

	dbmig_enter_run("dbm_migrate()");
	PG_TRY();
	{
		if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect_ext failed");
		context = AllocSetContextCreate(PortalContext, "dbmig migrate",
										ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(context);
		walk(MemoryContextStrdup(context, project),
			 MemoryContextStrdup(context, target), dump, context);
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
		SPI_finish();
	}
	PG_FINALLY();
	{
		dbmig_leave_run();
	}
	PG_END_TRY();
}
