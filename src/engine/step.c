/*-------------------------------------------------------------------------
 *
 * step.c
 *		One step of a plan: what is checked before, done, and recorded after.
 *
 * A step is one revision in one direction.  Who walks a plan holds the project
 * lock; runner.c walks in the caller's transaction, migrate.c commits after
 * each step.  State, log and the script's own effects belong to the same
 * transaction, except for a revision that cannot run in one.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/names.h"
#include "base/session.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

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
 * May the caller run what a role of this name wrote?  It runs with the caller's
 * rights, so its author must have them already: otherwise whoever may write it
 * could borrow them.
 */
bool
dbmig_may_run_text_of(const char *author)
{
	Oid			role = get_role_oid(author, true);

	return OidIsValid(role) && has_privs_of_role(role, GetUserId());
}

/* Why not: an errdetail().  did is what the author did to the text. */
int
dbmig_author_detail(const char *author, const char *did)
{
	if (OidIsValid(get_role_oid(author, true)))
		return errdetail("Role \"%s\" %s it, which does not have the privileges of role \"%s\".",
						 author, did, dbmig_current_role());
	return errdetail("Role \"%s\" %s it, which does not exist any more.",
					 author, did);
}

/* Raise an error unless the caller may run the script of a step. */
void
dbmig_check_author(const DbmigProject *project, const DbmigRevision *revision,
				   DbmigDirection direction)
{
	const char *author = script_author(revision, direction);

	if (author == NULL || dbmig_may_run_text_of(author))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("revision \"%s\" of project \"%s\" was written by another role",
				   revision->id, project->name),
			dbmig_author_detail(author, "registered"),
			OidIsValid(get_role_oid(author, true)) ?
			errhint("Run it as its author with SET ROLE, or read it with dbm_show('%s', '%s') and take it over with dbm_adopt('%s', '%s').",
					revision->id, project->name, revision->id, project->name) :
			errhint("Read it with dbm_show('%s', '%s') and take it over with dbm_adopt('%s', '%s').",
					revision->id, project->name, revision->id, project->name));
}

/*
 * May a step's script return to the roles that the session had before SET ROLE
 * or SET SESSION AUTHORIZATION?  Not if its author lacks their rights.  Then it
 * may leave nothing behind either that the session would run later.
 */
bool
dbmig_may_change_role(const DbmigStepRun *run)
{
	const char *author = script_author(dbmig_revision(run->project, run->node),
									   run->direction);
	Oid			role;

	if (author == NULL)
		return true;
	role = get_role_oid(author, false);
	return has_privs_of_role(role, GetSessionUserId()) &&
		has_privs_of_role(role, GetAuthenticatedUserId());
}

/*
 * Can this step run in a transaction?  Its header says so.  A step without a
 * script is refused here.
 */
bool
dbmig_step_is_transactional(const DbmigProject *project, int node,
							DbmigDirection direction)
{
	const DbmigRevision *revision = dbmig_revision(project, node);
	bool		upgrade = (direction == DBMIG_UPGRADE);
	DbmigScript *script = upgrade ? revision->upgrade : revision->downgrade;
	char	   *file_name;

	if (script)
		return dbmig_revision_header(project, revision, direction)->transactional;

	file_name = dbmig_revision_file(project, node, direction);
	if (!dbmig_has_script(revision, direction))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				upgrade ?
				errmsg("revision \"%s\" of project \"%s\" cannot be applied",
					   revision->id, project->name) :
				errmsg("revision \"%s\" of project \"%s\" cannot be downgraded",
					   revision->id, project->name),
				upgrade ?
				errdetail("It has no upgrade script.") :
				errdetail("It has no downgrade script."),
				errhint("Add a script file \"%s\".", file_name));
	return dbmig_header_parse(dbmig_revision_script(project, revision, direction),
							  file_name)->transactional;
}

/* Does the plan run the revision, or take away what it stands on? */
static bool
plan_touches(const DbmigProject *project, const DbmigPlan *plan, int node,
			 bool ground)
{
	const DbmigNode *n = &project->graph->nodes[node];

	for (int i = 0; i < plan->nsteps; i++)
	{
		if (!ground && plan->steps[i] == node)
			return true;
		for (int j = 0; ground && j < n->ndown; j++)
			if (plan->steps[i] == n->down[j])
				return true;
		for (int j = 0; ground && j < n->ndeps; j++)
			if (plan->steps[i] == n->deps[j])
				return true;
	}
	return false;
}

/*
 * A revision that stopped half way can go on in the direction that it had.
 * Until then nothing can be built on the half of it that is left, nor can what
 * it stands on be taken away.
 */
static void
check_unfinished(const DbmigProject *project, const DbmigPlan *plan)
{
	ListCell   *lc;

	foreach(lc, dbmig_unfinished_list(project->name))
	{
		const DbmigUnfinished *begun = lfirst(lc);
		bool		upgrade = strcmp(begun->direction, "upgrade") == 0;
		int			node = dbmig_graph_lookup(project->graph, begun->revision);
		bool		in_the_way;

		if (node < 0 || begun->attempted == 0)
			continue;
		if (upgrade == (plan->direction == DBMIG_UPGRADE))
			in_the_way = plan_touches(project, plan, node, false) &&
				dbmig_step_is_transactional(project, node, plan->direction);
		else
			in_the_way = !upgrade || plan_touches(project, plan, node, true);
		if (in_the_way)
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("%s of revision \"%s\" of project \"%s\" stopped half way",
						   begun->direction, begun->revision, project->name),
					errdetail_plural("%d statement of its script ran, outside of a transaction.",
									 "%d statements of its script ran, outside of a transaction.",
									 begun->finished, begun->finished),
					errhint("CALL dbm_migrate() in that direction goes on with it.  If you completed or undid it by hand, say so with dbm_stamp()."));
	}
}

/*
 * What can be known before anything runs is refused before anything runs.
 * in_transaction: also refuse revisions that cannot run in one.
 */
void
dbmig_check_plan(const DbmigProject *project, const DbmigPlan *plan,
				 bool in_transaction)
{
	check_unfinished(project, plan);
	for (int i = 0; i < plan->nsteps; i++)
	{
		const DbmigRevision *revision = dbmig_revision(project, plan->steps[i]);

		CHECK_FOR_INTERRUPTS();
		dbmig_check_author(project, revision, plan->direction);
		if (!dbmig_step_is_transactional(project, plan->steps[i],
										 plan->direction) && in_transaction)
			ereport(ERROR,
					errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
					errmsg("revision \"%s\" of project \"%s\" cannot run in a transaction",
						   revision->id, project->name),
					errdetail("Its header says \"Transactional: no\"."),
					errhint("Run it by CALL dbm_migrate(), outside of a transaction block."));
	}
}

/* Refuse to run revisions on a snapshot older than the project's last step. */
void
dbmig_check_snapshot(const char *project)
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

/* What a step does, in the words of Alembic's log. */
char *
dbmig_step_line(const char *what, const DbmigLogEntry *entry, const char *message)
{
	/* of base nothing is said */
	return psprintf("Running %s %s -> %s%s%s", what,
					dbmig_join_names(entry->from, entry->nfrom, ", "),
					dbmig_join_names(entry->to, entry->nto, ", "),
					message[0] ? ", " : "", message);
}

/* Say what is about to run. */
void
dbmig_announce(const char *what, const DbmigLogEntry *entry, const char *message)
{
	char	   *line = dbmig_step_line(what, entry, message);

	ereport(NOTICE, errmsg_internal("%s", line));
	pfree(line);
}

/*
 * Fill in what is recorded of an applied revision, except for who did it, when
 * and how.  upgrade is the text of its upgrade script, checksum its checksum if
 * that is known.
 */
void
dbmig_describe_applied(const DbmigProject *project, int node,
					   const char *upgrade, const char *checksum,
					   DbmigApplied *row)
{
	const DbmigNode *n = &project->graph->nodes[node];
	const DbmigRevision *revision = n->owner;
	char	   *file_name = dbmig_revision_file(project, node, DBMIG_UPGRADE);
	const DbmigHeader *header = revision->upgrade ? revision->upgrade->header :
		dbmig_header_parse(upgrade, file_name);

	row->revision = revision->id;
	row->down = (char **) n->down_ids;
	row->ndown = n->ndown;
	row->deps = (char **) n->dep_ids;
	row->ndeps = n->ndeps;
	row->labels = (char **) n->labels;
	row->nlabels = n->nlabels;
	row->message = header->message;
	row->has_create_date = header->has_create_date;
	row->create_date = header->create_date;
	row->upgrade_author = (char *) script_author(revision, DBMIG_UPGRADE);
	row->downgrade_author = (char *) script_author(revision, DBMIG_DOWNGRADE);
	row->transactional = header->transactional;
	row->checksum = checksum ? (char *) checksum :
		dbmig_script_checksum(upgrade, file_name);
}

/* Record a revision as applied, with the texts that belong to it. */
void
dbmig_insert_applied(const DbmigProject *project, int node,
					 const char *upgrade, const char *checksum, bool stamped)
{
	const DbmigRevision *revision = dbmig_revision(project, node);
	DbmigApplied row = {0};

	dbmig_describe_applied(project, node, upgrade, checksum, &row);
	row.applied_at = GetCurrentTimestamp();
	row.applied_by = dbmig_current_role();
	row.stamped = stamped;
	dbmig_applied_insert(project->name, &row, upgrade,
						 dbmig_revision_script(project, revision, DBMIG_DOWNGRADE));
}

/*
 * Describe a step: find its script, and fill in of the log row what is known
 * before it runs.  Everything is allocated in the current memory context.
 */
DbmigStepRun *
dbmig_describe_run(const DbmigProject *project, int node, DbmigDirection direction)
{
	const DbmigNode *n = &project->graph->nodes[node];
	const DbmigRevision *revision = n->owner;
	bool		upgrade = (direction == DBMIG_UPGRADE);
	char	  **parents = (char **) n->down_ids;
	DbmigStepRun *run = palloc0(sizeof(DbmigStepRun));
	char	  **self = palloc(sizeof(char *));

	self[0] = revision->id;
	run->project = project;
	run->node = node;
	run->direction = direction;
	run->file_name = dbmig_revision_file(project, node, direction);
	run->text = dbmig_revision_script(project, revision, direction);

	run->entry.project = project->name;
	run->entry.revision = revision->id;
	run->entry.direction = upgrade ? "upgrade" : "downgrade";
	run->entry.from = upgrade ? parents : self;
	run->entry.nfrom = upgrade ? n->ndown : 1;
	run->entry.to = upgrade ? self : parents;
	run->entry.nto = upgrade ? 1 : n->ndown;
	run->entry.outcome = "done";
	run->entry.file = run->file_name;
	run->entry.checksum = dbmig_script_checksum(run->text, run->file_name);
	return run;
}

/* Get ready to run a step: describe it, and say so. */
DbmigStepRun *
dbmig_begin_run(const DbmigProject *project, int node, DbmigDirection direction)
{
	DbmigStepRun *run = dbmig_describe_run(project, node, direction);

	run->entry.started_at = GetCurrentTimestamp();
	dbmig_announce(run->entry.direction, &run->entry,
				   dbmig_revision_message(dbmig_revision(project, node)));
	dbmig_report_step(run);
	return run;
}

/* Record a step that is done: the state and the log. */
void
dbmig_record_run(DbmigStepRun *run)
{
	const DbmigProject *project = run->project;

	run->entry.ended_at = GetCurrentTimestamp();
	if (run->direction == DBMIG_UPGRADE)
		dbmig_insert_applied(project, run->node, run->text,
							 run->entry.checksum, false);
	else
		dbmig_applied_delete(project->name, run->entry.revision);
	dbmig_log_append(&run->entry);
	project->applied[run->node] = (run->direction == DBMIG_UPGRADE);
}

/* Run a step in the current transaction, and record it. */
void
dbmig_run_step(DbmigStepRun *run)
{
	Oid			user;
	int			security;

	/* an error restores this when it ends the (sub)transaction */
	GetUserIdAndSecContext(&user, &security);
	if (!dbmig_may_change_role(run))
		SetUserIdAndSecContext(user, security | SECURITY_LOCAL_USERID_CHANGE |
							   SECURITY_RESTRICTED_OPERATION);
	run->entry.statements = dbmig_execute_script(run->project->name,
												 run->entry.revision,
												 run->file_name, run->text);
	SetUserIdAndSecContext(user, security);
	dbmig_record_run(run);
}
