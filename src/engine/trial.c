/*-------------------------------------------------------------------------
 *
 * trial.c
 *		Tries every revision of a project, up, down and up again.
 *
 * In a sandbox, from base on, parents first.  A downgrade has to leave what
 * its upgrade found, and the upgrade after it what the first one left.  What
 * fails is undone and noted, and the trial goes on with the revisions that do
 * not stand on it: after a downgrade or a second upgrade that fails, from what
 * the first upgrade left.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* What the work in the sandbox is told, and what it finds. */
typedef struct Trial
{
	const DbmigProject *project;
	DbmigSandbox *sandbox;
	MemoryContext context;		/* of the results */
	List	   *results;		/* DbmigTrialResult */
	bool	   *built;			/* which revisions are there, by node */
	int			node;			/* the one that is tried */
	DbmigInventory *before;		/* what it found */
	DbmigInventory *after;		/* and left */
	const char *doing;			/* the test that an error would belong to */
} Trial;

/* Note a result; its texts are copied. */
static void
add_result(Trial *trial, const char *name, const char *difference)
{
	MemoryContext old = MemoryContextSwitchTo(trial->context);
	DbmigTrialResult *result = palloc(sizeof(DbmigTrialResult));

	result->name = pstrdup(name);
	result->difference = difference ? pstrdup(difference) : NULL;
	trial->results = lappend(trial->results, result);
	MemoryContextSwitchTo(old);
}

/*
 * What leads from one inventory to the other, as far as the settings have it
 * looked at; NULL if they are the same.
 */
static char *
difference(DbmigInventory *from, DbmigInventory *to)
{
	DbmigCompareOptions options = {0};
	DbmigFilter filter = dbmig_compare_filter(&options);
	DbmigDiff  *diff;
	StringInfoData text;
	ListCell   *lc;

	dbmig_filter_inventories(from, &to, &filter);
	diff = dbmig_diff(from, to, "CURRENT_USER");
	if (diff->actions == NIL)
		return NULL;
	initStringInfo(&text);
	foreach(lc, diff->actions)
		appendStringInfo(&text, "%s;\n",
						 ((const DbmigAction *) lfirst(lc))->statement);
	return text.data;
}

static DbmigInventory *
read_now(const Trial *trial)
{
	return dbmig_inventory_read(dbmig_sandbox_schemas(trial->sandbox, NIL));
}

static const char *
tried_revision(const Trial *trial)
{
	return dbmig_revision(trial->project, trial->node)->id;
}

/* The first upgrade, for dbmig_attempt(). */
static void
go_up(void *arg)
{
	Trial	   *trial = arg;

	trial->before = read_now(trial);
	dbmig_sandbox_run_revision(trial->sandbox, trial->project, trial->node,
							   DBMIG_UPGRADE);
	trial->after = read_now(trial);
}

/* Down and up again, for dbmig_attempt(). */
static void
go_down_and_up(void *arg)
{
	Trial	   *trial = arg;
	char	   *left;

	trial->doing = psprintf("downgrade of %s leaves what its upgrade found",
							tried_revision(trial));
	dbmig_sandbox_run_revision(trial->sandbox, trial->project, trial->node,
							   DBMIG_DOWNGRADE);
	left = difference(read_now(trial), trial->before);
	add_result(trial, trial->doing, left);

	trial->doing = psprintf("upgrade to %s after its downgrade does the same again",
							tried_revision(trial));
	dbmig_sandbox_run_revision(trial->sandbox, trial->project, trial->node,
							   DBMIG_UPGRADE);
	add_result(trial, trial->doing, difference(read_now(trial), trial->after));
}

/* A revision that the tried one needs and that could not be built, or NULL. */
static const char *
missing_ground(const Trial *trial)
{
	const DbmigNode *node = &trial->project->graph->nodes[trial->node];

	for (int i = 0; i < node->ndown + node->ndeps; i++)
	{
		int			ground = i < node->ndown ? node->down[i] :
			node->deps[i - node->ndown];

		if (!trial->built[ground])
			return trial->project->graph->nodes[ground].id;
	}
	return NULL;
}

static void
try_revision(Trial *trial)
{
	const DbmigRevision *revision = dbmig_revision(trial->project, trial->node);
	const char *ground = missing_ground(trial);
	DbmigFailure *failure;

	if (ground)
	{
		add_result(trial, psprintf("upgrade to %s", revision->id),
				   psprintf("It needs %s, which could not be built.\n", ground));
		return;
	}
	failure = dbmig_attempt(go_up, trial);
	if (failure)
	{
		add_result(trial, psprintf("upgrade to %s", revision->id),
				   dbmig_failure_lines(failure));
		return;
	}
	trial->built[trial->node] = true;

	add_result(trial, psprintf("revision %s has a downgrade script", revision->id),
			   dbmig_has_script(revision, DBMIG_DOWNGRADE) ? NULL : "There is none.\n");
	if (!dbmig_has_script(revision, DBMIG_DOWNGRADE))
		return;
	failure = dbmig_attempt(go_down_and_up, trial);
	if (failure)
		add_result(trial, trial->doing, dbmig_failure_lines(failure));
}

static void
try_revisions(DbmigSandbox *sandbox, void *arg)
{
	Trial	   *trial = arg;
	MemoryContext context = AllocSetContextCreate(trial->context, "dbmig trial",
												  ALLOCSET_DEFAULT_SIZES);
	DbmigStated *stated = dbmig_stated_create();
	bool	   *all = palloc(sizeof(bool) * (trial->project->graph->n + 1));
	MemoryContext old;

	memset(all, true, sizeof(bool) * trial->project->graph->n);
	dbmig_note_stated_by_revisions(stated, trial->project, all,
								   dbmig_current_role());
	dbmig_sandbox_leave_to_text(sandbox, stated, InvalidOid);
	old = MemoryContextSwitchTo(context);
	trial->sandbox = sandbox;
	for (int i = 0; i < trial->project->graph->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		trial->node = trial->project->graph->sorted[i];
		try_revision(trial);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Try every revision; returns a list of DbmigTrialResult. */
List *
dbmig_try_revisions(const DbmigProject *project)
{
	Trial		trial = {.project = project,.context = CurrentMemoryContext};

	trial.built = palloc0(sizeof(bool) * (project->graph->n + 1));
	dbmig_in_sandbox(dbmig_managed_schemas(NIL), try_revisions, &trial);
	return trial.results;
}
