/*-------------------------------------------------------------------------
 *
 * trial.c
 *		Tries every revision of a project, up, down and up again.
 *
 * In a sandbox, from base on, parents first.  A downgrade has to leave what
 * its upgrade found, and the upgrade after it what the first one left.  A
 * script that fails ends the trial with its error.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/compare.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

/* What the work in the sandbox is told, and what it finds. */
typedef struct Trial
{
	const DbmigProject *project;
	List	   *results;		/* DbmigTrialResult */
} Trial;

static void
add_result(Trial *trial, char *name, char *difference)
{
	DbmigTrialResult *result = palloc(sizeof(DbmigTrialResult));

	result->name = name;
	result->difference = difference;
	trial->results = lappend(trial->results, result);
}

/* What leads from one inventory to the other; NULL if they are the same. */
static char *
difference(const DbmigInventory *from, const DbmigInventory *to)
{
	DbmigDiff  *diff = dbmig_diff(from, to, "CURRENT_USER");
	StringInfoData text;
	ListCell   *lc;

	if (diff->actions == NIL)
		return NULL;
	initStringInfo(&text);
	foreach(lc, diff->actions)
		appendStringInfo(&text, "%s;\n",
						 ((const DbmigAction *) lfirst(lc))->statement);
	return text.data;
}

static DbmigInventory *
read_now(const DbmigSandbox *sandbox)
{
	return dbmig_inventory_read(dbmig_sandbox_schemas(sandbox, NIL));
}

static void
run(DbmigSandbox *sandbox, const Trial *trial, int node,
	DbmigDirection direction, const char *text)
{
	const DbmigRevision *revision = dbmig_revision(trial->project, node);

	dbmig_check_author(trial->project, revision, direction);
	dbmig_sandbox_run(sandbox, trial->project->name, revision->id,
					  dbmig_revision_file(trial->project, node, direction),
					  text, GetUserId());
}

static void
try_revision(DbmigSandbox *sandbox, Trial *trial, int node)
{
	const DbmigRevision *revision = dbmig_revision(trial->project, node);
	char	   *up = dbmig_revision_script(trial->project, revision, DBMIG_UPGRADE);
	char	   *down = dbmig_revision_script(trial->project, revision,
											 DBMIG_DOWNGRADE);
	DbmigInventory *before = read_now(sandbox);
	DbmigInventory *after;

	run(sandbox, trial, node, DBMIG_UPGRADE, up);
	add_result(trial, psprintf("revision %s has a downgrade script", revision->id),
			   down ? NULL : pstrdup("There is none.\n"));
	if (down == NULL)
		return;
	after = read_now(sandbox);
	run(sandbox, trial, node, DBMIG_DOWNGRADE, down);
	add_result(trial, psprintf("downgrade of %s leaves what its upgrade found",
							   revision->id),
			   difference(read_now(sandbox), before));
	run(sandbox, trial, node, DBMIG_UPGRADE, up);
	add_result(trial, psprintf("upgrade to %s after its downgrade does the same again",
							   revision->id),
			   difference(read_now(sandbox), after));
}

static void
try_revisions(DbmigSandbox *sandbox, void *arg)
{
	Trial	   *trial = arg;

	for (int i = 0; i < trial->project->graph->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		try_revision(sandbox, trial, trial->project->graph->sorted[i]);
	}
}

/* Try every revision; returns a list of DbmigTrialResult. */
List *
dbmig_try_revisions(const DbmigProject *project)
{
	Trial		trial = {project, NIL};

	dbmig_in_sandbox(dbmig_managed_schemas(NIL), try_revisions, &trial);
	return trial.results;
}
