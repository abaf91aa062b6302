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
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "engine/engine.h"
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

bool
dbmig_is_running(void)
{
	return running;
}

static char *
current_role(void)
{
	return GetUserNameFromId(GetUserId(), false);
}

/* Who registered the text that a step would run; NULL: a file of the server */
static const char *
script_author(const DbmigRevision *revision, DbmigDirection direction)
{
	const DbmigScript *script = direction == DBMIG_UPGRADE ?
		revision->upgrade : revision->downgrade;

	if (script)
		return script->author;
	if (revision->state == NULL)
		return NULL;
	return direction == DBMIG_UPGRADE ?
		revision->state->upgrade_author : revision->state->downgrade_author;
}

/*
 * A script runs with the caller's rights, so its author must have them
 * already: otherwise whoever may register could borrow them.
 */
static void
check_author(const DbmigProject *project, const DbmigRevision *revision,
			 DbmigDirection direction)
{
	const char *author = script_author(revision, direction);
	Oid			role;

	if (author == NULL)
		return;
	role = get_role_oid(author, true);
	if (OidIsValid(role) && has_privs_of_role(role, GetUserId()))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("revision \"%s\" of project \"%s\" was written by another role",
				   revision->id, project->name),
			OidIsValid(role) ?
			errdetail("Role \"%s\" registered it, which does not have the privileges of role \"%s\".",
					  author, current_role()) :
			errdetail("Role \"%s\" registered it, which does not exist any more.",
					  author),
			errhint("Run it as its author with SET ROLE, or read it with dbm_show('%s') and take it over with dbm_adopt('%s').",
					revision->id, revision->id));
}

/* What can be known before anything runs is refused before anything runs. */
static void
check_plan(const DbmigProject *project, const DbmigPlan *plan)
{
	for (int i = 0; i < plan->nsteps; i++)
	{
		const DbmigRevision *revision = dbmig_revision(project, plan->steps[i]);
		bool		transactional;

		CHECK_FOR_INTERRUPTS();
		check_author(project, revision, plan->direction);

		if (plan->direction == DBMIG_UPGRADE)
			transactional = revision->upgrade->header->transactional;
		else if (revision->downgrade)
			transactional =
				dbmig_script_header(project->name, revision->downgrade)->transactional;
		else if (revision->state->has_downgrade)
			transactional =
				dbmig_header_parse(dbmig_revision_script(project, revision,
														 DBMIG_DOWNGRADE),
								   dbmig_revision_file(project, plan->steps[i],
													   DBMIG_DOWNGRADE))->transactional;
		else
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("revision \"%s\" of project \"%s\" cannot be downgraded",
						   revision->id, project->name),
					errdetail("It has no downgrade script."),
					errhint("Add a script file \"%s\".",
							dbmig_revision_file(project, plan->steps[i],
												DBMIG_DOWNGRADE)));
		if (!transactional)
			ereport(ERROR,
					errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
					errmsg("revision \"%s\" of project \"%s\" cannot run in a transaction",
						   revision->id, project->name),
					errdetail("Its header says \"Transactional: no\"."),
					errhint("Run it by CALL dbm_migrate()."));
	}
}

/* Refuse to run revisions on a snapshot older than the project's last step. */
static void
check_snapshot(const char *project)
{
	if (!IsolationUsesXactSnapshot() ||
		dbmig_log_is_visible(project, GetTransactionSnapshot()))
		return;
	ereport(ERROR,
			errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			errmsg("could not serialize access due to concurrent migration of project \"%s\"",
				   project),
			errdetail("The project was changed after this transaction took its snapshot."),
			errhint("The transaction might succeed if retried."));
}

/* " a, b" as Alembic's log lines have it; base is left empty */
static void
append_names(StringInfo line, char **names, int count)
{
	for (int i = 0; i < count; i++)
		appendStringInfo(line, "%s%s", i ? ", " : "", names[i]);
}

/* Say what is about to run, in the words of Alembic's log. */
static void
announce(const char *what, char **from, int nfrom, char **to, int nto,
		 const char *message)
{
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "Running %s ", what);
	append_names(&line, from, nfrom);
	appendStringInfoString(&line, " -> ");
	append_names(&line, to, nto);
	if (message[0])
		appendStringInfo(&line, ", %s", message);
	ereport(NOTICE, errmsg_internal("%s", line.data));
	pfree(line.data);
}

static char **
copy_names(char **names, int count)
{
	char	  **copy = palloc(sizeof(char *) * (count + 1));

	for (int i = 0; i < count; i++)
		copy[i] = pstrdup(names[i]);
	return copy;
}

/* Record a revision as applied, with the texts that belong to it. */
static void
insert_applied(const DbmigProject *project, int node, const char *upgrade,
			   bool stamped)
{
	const DbmigNode *n = &project->graph->nodes[node];
	const DbmigRevision *revision = n->owner;
	const DbmigHeader *header = revision->upgrade->header;
	DbmigApplied row = {0};

	row.revision = revision->id;
	row.down = (char **) n->down_ids;
	row.ndown = n->ndown;
	row.deps = (char **) n->dep_ids;
	row.ndeps = n->ndeps;
	row.labels = (char **) n->labels;
	row.nlabels = n->nlabels;
	row.message = header->message;
	row.has_create_date = header->has_create_date;
	row.create_date = header->create_date;
	row.upgrade_author = revision->upgrade->author;
	if (revision->downgrade)
		row.downgrade_author = revision->downgrade->author;
	row.transactional = header->transactional;
	row.checksum = dbmig_script_checksum(upgrade, revision->upgrade->file_name);
	row.applied_at = GetCurrentTimestamp();
	row.applied_by = current_role();
	row.stamped = stamped;
	dbmig_applied_insert(project->name, &row, upgrade,
						 dbmig_revision_script(project, revision, DBMIG_DOWNGRADE));
}

/* Run one step; the report is allocated in report_context. */
static DbmigStep *
run_step(const DbmigProject *project, int node, DbmigDirection direction,
		 MemoryContext report_context)
{
	const DbmigNode *n = &project->graph->nodes[node];
	const DbmigRevision *revision = n->owner;
	bool		upgrade = (direction == DBMIG_UPGRADE);
	char	  **parents = (char **) n->down_ids;
	char	   *self[1];
	char	   *file_name = dbmig_revision_file(project, node, direction);
	char	   *text = dbmig_revision_script(project, revision, direction);
	DbmigLogEntry entry = {0};
	MemoryContext old;
	DbmigStep  *step;

	self[0] = revision->id;

	entry.project = project->name;
	entry.revision = revision->id;
	entry.direction = upgrade ? "upgrade" : "downgrade";
	entry.from = upgrade ? parents : self;
	entry.nfrom = upgrade ? n->ndown : 1;
	entry.to = upgrade ? self : parents;
	entry.nto = upgrade ? 1 : n->ndown;
	entry.outcome = "done";
	entry.file = file_name;

	announce(entry.direction, entry.from, entry.nfrom, entry.to, entry.nto,
			 dbmig_revision_message(revision));

	entry.started_at = GetCurrentTimestamp();
	entry.statements = dbmig_execute_script(project->name, revision->id,
											file_name, text);
	entry.ended_at = GetCurrentTimestamp();
	entry.checksum = dbmig_script_checksum(text, file_name);

	if (upgrade)
		insert_applied(project, node, text, false);
	else
		dbmig_applied_delete(project->name, revision->id);
	dbmig_log_append(&entry);

	old = MemoryContextSwitchTo(report_context);
	step = palloc0(sizeof(DbmigStep));
	step->direction = entry.direction;
	step->revision = pstrdup(revision->id);
	step->from = copy_names(entry.from, entry.nfrom);
	step->nfrom = entry.nfrom;
	step->message = pstrdup(dbmig_revision_message(revision));
	step->statements = entry.statements;
	step->elapsed = entry.ended_at - entry.started_at;
	MemoryContextSwitchTo(old);
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

	check_plan(project, plan);
	check_snapshot(project->name);

	for (int i = 0; i < plan->nsteps; i++)
	{
		int			node = plan->steps[i];
		DbmigStep  *step;

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(step_context);
		step = run_step(project, node, plan->direction, report_context);
		MemoryContextSwitchTo(report_context);
		steps = lappend(steps, step);
		MemoryContextSwitchTo(run_context);
		MemoryContextReset(step_context);
		project->applied[node] = (plan->direction == DBMIG_UPGRADE);
	}
	MemoryContextDelete(step_context);
	return steps;
}

/* The identifiers of the current heads. */
static char **
current_heads(const DbmigProject *project, int *count)
{
	int		   *heads = dbmig_graph_maximal(project->graph, project->applied, count);
	char	  **names = palloc(sizeof(char *) * (*count + 1));

	for (int i = 0; i < *count; i++)
		names[i] = dbmig_revision(project, heads[i])->id;
	return names;
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
	DbmigStep  *step;
	List	   *steps;
	const char *message = "";
	bool		changed = false;

	for (int i = 0; i < project->graph->n; i++)
		changed |= project->applied[i] != wanted[i];
	if (!changed)
		return NIL;
	check_snapshot(project->name);

	entry.project = project->name;
	entry.direction = "stamp";
	entry.outcome = "done";
	entry.started_at = GetCurrentTimestamp();
	entry.from = current_heads(project, &entry.nfrom);

	for (int i = 0; i < project->graph->n; i++)
	{
		const DbmigRevision *revision = dbmig_revision(project, i);

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(step_context);
		if (wanted[i] && !project->applied[i])
			insert_applied(project, i,
						   dbmig_revision_script(project, revision, DBMIG_UPGRADE),
						   true);
		else if (!wanted[i] && project->applied[i])
			dbmig_applied_delete(project->name, revision->id);
		project->applied[i] = wanted[i];
		MemoryContextSwitchTo(run_context);
		MemoryContextReset(step_context);
	}

	entry.to = current_heads(project, &entry.nto);
	entry.revision = dbmig_heads_text(project);
	entry.ended_at = GetCurrentTimestamp();
	if (entry.nto == 1)
		message = dbmig_revision_message(dbmig_revision(project,
														dbmig_graph_lookup(project->graph,
																		   entry.to[0])));
	announce("stamp_revision", entry.from, entry.nfrom, entry.to, entry.nto, "");
	dbmig_log_append(&entry);

	MemoryContextSwitchTo(report_context);
	step = palloc0(sizeof(DbmigStep));
	step->direction = entry.direction;
	step->revision = pstrdup(entry.revision);
	step->from = copy_names(entry.from, entry.nfrom);
	step->nfrom = entry.nfrom;
	step->message = pstrdup(message);
	step->elapsed = entry.ended_at - entry.started_at;
	steps = list_make1(step);
	MemoryContextSwitchTo(run_context);
	MemoryContextDelete(step_context);
	return steps;
}

/*
 * Which function a target stands for is known when it is resolved; calling it
 * by another door takes the same privilege.
 */
static void
check_execute(DbmigDirection direction)
{
	char	   *name = direction == DBMIG_UPGRADE ? "dbm_upgrade" : "dbm_downgrade";
	const Oid	types[] = {TEXTOID, TEXTOID};
	Oid			function = LookupFuncName(list_make2(makeString("pg_catalog"),
													 makeString(name)),
										  lengthof(types), types, false);

	if (!dbmig_may_execute(function, GetUserId()))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, name);
}

static List *
run_locked(const char *name, DbmigCommand command, const char *target,
		   MemoryContext report_context)
{
	DbmigProject *project = dbmig_project_load(name, NULL);
	DbmigPlan  *plan = NULL;
	List	   *steps;

	switch (command)
	{
		case DBMIG_RUN_UPGRADE:
			plan = dbmig_plan_upgrade(project->graph, project->applied, target);
			break;
		case DBMIG_RUN_DOWNGRADE:
			plan = dbmig_plan_downgrade(project->graph, project->applied, target);
			break;
		case DBMIG_RUN_MOVE:
			plan = dbmig_plan_move(project->graph, project->applied, target);
			check_execute(plan->direction);
			break;
		case DBMIG_RUN_STAMP:
		case DBMIG_RUN_STAMP_PURGE:
			steps = stamp(project,
						  dbmig_plan_stamp(project->graph, project->applied, target,
										   command == DBMIG_RUN_STAMP_PURGE),
						  report_context);
			dbmig_mirror_write(project);
			return steps;
	}

	dbmig_mirror_check(project);
	dbmig_mirror_write(project);
	steps = run_plan(project, plan, report_context);
	if (steps != NIL)
		dbmig_mirror_write(project);
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
	MemoryContext run_context;
	List	   *volatile steps = NIL;

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

	run_context = AllocSetContextCreate(CurrentMemoryContext, "dbmig run",
										ALLOCSET_DEFAULT_SIZES);
	dbmig_lock_project(project);

	PG_TRY();
	{
		running = true;
		MemoryContextSwitchTo(run_context);
		steps = run_locked(project, command, target, caller_context);
	}
	PG_FINALLY();
	{
		running = false;
	}
	PG_END_TRY();

	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(run_context);
	return steps;
}
