/*-------------------------------------------------------------------------
 *
 * runner.c
 *		Walks a plan in the caller's transaction: all or nothing.
 *
 * The order of things is what makes a revision run exactly once.  First the
 * project lock is taken; then, with the latest snapshot, the state is read and
 * the plan made; then each step runs its script, and writes the state and the
 * log in the same transaction; at the end the mirror follows.  Nothing is
 * decided on what was read before the lock.
 *
 * Under REPEATABLE READ and SERIALIZABLE the data statements of a revision
 * see the transaction's snapshot.  If that is older than the project's last
 * step they would work on rows as they were before it, so such a call fails
 * with a serialization error, unless there is nothing to run.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/parse_func.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Is a run of this process under way?  A revision may not start another. */
static bool running = false;

/*
 * Begin a run, of which a process has one at a time.  Who calls this makes
 * sure that dbmig_leave_run() follows, also after an error.  function names
 * the call for messages.
 */
void
dbmig_enter_run(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
	if (creating_extension)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("revisions cannot be run by the script of an extension"),
				errdetail("What they create would become members of extension \"%s\".",
						  get_extension_name(CurrentExtensionObject)));
	if (running)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("%s cannot be called by a revision", function));
	if (dbmig_is_in_sandbox())
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("%s cannot be called by a model or a revision that is tried",
					   function));
	running = true;
}

/* Is a run of this process under way? */
bool
dbmig_is_running(void)
{
	return running;
}

void
dbmig_leave_run(void)
{
	dbmig_unwatch_waits();
	running = false;
}

static char **
copy_names(char **names, int count)
{
	char	  **copy = palloc(sizeof(char *) * (count + 1));

	for (int i = 0; i < count; i++)
		copy[i] = pstrdup(names[i]);
	return copy;
}

/* What a step did, in the current memory context. */
static DbmigStep *
report(const DbmigLogEntry *entry, const char *message)
{
	DbmigStep  *step = palloc(sizeof(DbmigStep));

	step->direction = entry->direction;
	step->revision = pstrdup(entry->revision);
	step->from = copy_names(entry->from, entry->nfrom);
	step->nfrom = entry->nfrom;
	step->message = pstrdup(message);
	step->statements = entry->statements;
	step->elapsed = entry->ended_at - entry->started_at;
	return step;
}

/* Run a plan; returns a list of DbmigStep. */
static List *
run_plan(DbmigProject *project, const DbmigPlan *plan,
		 MemoryContext report_context)
{
	MemoryContext step_context = AllocSetContextCreate(CurrentMemoryContext,
													   "dbmig step",
													   ALLOCSET_DEFAULT_SIZES);
	MemoryContext run_context = CurrentMemoryContext;
	List	   *steps = NIL;

	dbmig_check_plan(project, plan, true);
	if (plan->nsteps > 0)
		dbmig_check_snapshot(project->name);

	for (int i = 0; i < plan->nsteps; i++)
	{
		DbmigStepRun *run;

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(step_context);
		run = dbmig_begin_run(project, plan->steps[i], plan->direction);
		dbmig_run_step(run);
		if (dbmig_snapshot_each_step && i < plan->nsteps - 1)
			dbmig_keep_state(project);
		MemoryContextSwitchTo(report_context);
		steps = lappend(steps,
						report(&run->entry,
							   dbmig_revision_message(dbmig_revision(project,
																	 run->node))));
		MemoryContextSwitchTo(run_context);
		MemoryContextReset(step_context);
	}
	MemoryContextDelete(step_context);
	return steps;
}

/*
 * Make the applied revisions those of wanted, without running anything.  One
 * step for all, whose revision is the new current heads.
 */
static List *
stamp(DbmigProject *project, const bool *wanted, MemoryContext report_context)
{
	MemoryContext step_context = AllocSetContextCreate(CurrentMemoryContext,
													   "dbmig step",
													   ALLOCSET_DEFAULT_SIZES);
	MemoryContext run_context = CurrentMemoryContext;
	DbmigLogEntry entry = {0};
	List	   *steps;
	List	   *unfinished = dbmig_unfinished_list(project->name);
	ListCell   *lc;
	const char *message = "";
	bool		changed = unfinished != NIL;

	for (int i = 0; i < project->graph->n; i++)
		changed |= project->applied[i] != wanted[i];
	if (!changed)
		return NIL;
	dbmig_check_snapshot(project->name);

	entry.project = project->name;
	entry.direction = "stamp";
	entry.outcome = "done";
	entry.started_at = GetCurrentTimestamp();
	entry.from = dbmig_current_heads(project, &entry.nfrom);

	for (int i = 0; i < project->graph->n; i++)
	{
		const DbmigRevision *revision = dbmig_revision(project, i);

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(step_context);
		if (wanted[i] && !project->applied[i])
			dbmig_insert_applied(project, i,
								 dbmig_revision_script(project, revision,
													   DBMIG_UPGRADE),
								 NULL, true);
		else if (!wanted[i] && project->applied[i])
			dbmig_applied_delete(project->name, revision->id);
		project->applied[i] = wanted[i];
		MemoryContextSwitchTo(run_context);
		MemoryContextReset(step_context);
	}

	/* who stamps says how the revisions ended that were begun */
	foreach(lc, unfinished)
	{
		const DbmigUnfinished *begun = lfirst(lc);

		dbmig_unfinished_delete(project->name, begun->revision);
		ereport(NOTICE,
				errmsg("forgetting that the %s of revision \"%s\" stopped after statement %d",
					   begun->direction, begun->revision, begun->finished));
	}

	entry.to = dbmig_current_heads(project, &entry.nto);
	entry.revision = dbmig_heads_text(project);
	entry.ended_at = GetCurrentTimestamp();
	if (entry.nto == 1)
		message = dbmig_revision_message(dbmig_revision(project,
														dbmig_graph_lookup(project->graph,
																		   entry.to[0])));
	dbmig_announce("stamp_revision", &entry, "");
	dbmig_log_append(&entry);

	MemoryContextSwitchTo(report_context);
	steps = list_make1(report(&entry, message));
	MemoryContextSwitchTo(run_context);
	MemoryContextDelete(step_context);
	return steps;
}

static char *
function_name(DbmigDirection direction)
{
	return direction == DBMIG_UPGRADE ? "dbm_upgrade" : "dbm_downgrade";
}

/* May the caller execute the function for this direction? */
bool
dbmig_may_run(DbmigDirection direction)
{
	const Oid	types[] = {TEXTOID, TEXTOID};
	List	   *name = list_make2(makeString("pg_catalog"),
								  makeString(function_name(direction)));

	return dbmig_may_execute(LookupFuncName(name, lengthof(types), types, false),
							 GetUserId());
}

/*
 * The plan for a target that itself says the direction.  Which function it
 * stands for is known when it is resolved; calling that by another door takes
 * the same privilege.
 */
DbmigPlan *
dbmig_move_plan(const DbmigProject *project, const char *target)
{
	DbmigPlan  *plan = dbmig_plan_move(project->graph, project->applied, target);

	if (!dbmig_may_run(plan->direction))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION,
					   function_name(plan->direction));
	return plan;
}

static DbmigPlan *
make_plan(const DbmigProject *project, DbmigCommand command, const char *target)
{
	switch (command)
	{
		case DBMIG_RUN_UPGRADE:
			return dbmig_plan_upgrade(project->graph, project->applied, target);
		case DBMIG_RUN_DOWNGRADE:
			return dbmig_plan_downgrade(project->graph, project->applied, target);
		default:
			return dbmig_move_plan(project, target);
	}
}

static List *
run_locked(const char *name, DbmigCommand command, const char *target,
		   MemoryContext report_context)
{
	DbmigProject *project;
	DbmigPlan  *plan;
	List	   *steps;

	if (command == DBMIG_RUN_STAMP || command == DBMIG_RUN_STAMP_PURGE)
	{
		project = dbmig_project_load_forgetting(name);
		dbmig_relabel(project);
		steps = stamp(project,
					  dbmig_plan_stamp(project->graph, project->applied, target,
									   command == DBMIG_RUN_STAMP_PURGE),
					  report_context);
		dbmig_mirror_write(project);
		if (steps != NIL)
			dbmig_keep_state(project);
		return steps;
	}

	/* most calls find nothing to do, and can know it without the scripts */
	project = dbmig_project_load_quick(name);
	plan = make_plan(project, command, target);
	if (plan->nsteps > 0 && project->without_scripts)
	{
		project = dbmig_project_load(name, NULL);
		plan = make_plan(project, command, target);
	}

	dbmig_relabel(project);
	dbmig_mirror_check(project);
	dbmig_mirror_write(project);
	dbmig_report_run(target, plan->nsteps);
	steps = run_plan(project, plan, report_context);
	if (steps != NIL)
	{
		dbmig_mirror_write(project);
		dbmig_keep_state(project);
		dbmig_report_end();
	}
	return steps;
}

/*
 * Do what a call wants, in the caller's transaction.  Returns a list of
 * DbmigStep in the current memory context; NIL when there was nothing to do.
 * function names the call for messages.
 */
List *
dbmig_run(const char *project, DbmigCommand command, const char *target,
		  const char *function)
{
	MemoryContext caller_context = CurrentMemoryContext;
	MemoryContext volatile run_context = NULL;
	List	   *volatile steps = NIL;

	dbmig_enter_run(function);
	PG_TRY();
	{
		run_context = AllocSetContextCreate(CurrentMemoryContext, "dbmig run",
											ALLOCSET_DEFAULT_SIZES);
		dbmig_lock_project(project);
		MemoryContextSwitchTo(run_context);
		steps = run_locked(project, command, target, caller_context);
	}
	PG_FINALLY();
	{
		dbmig_leave_run();
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(run_context);
	return steps;
}
