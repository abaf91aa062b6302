/*-------------------------------------------------------------------------
 *
 * check.c
 *		dbm_check: what is wrong with a project in this database; dbm_test:
 *		are its scripts and its model right?
 *
 * Whether the schema is as the model says, and as the applied revisions say,
 * are two questions: a model can be ahead of the revisions, and the database
 * can have been changed by hand.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/commands.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(dbmig_check);
PG_FUNCTION_INFO_V1(dbmig_test);

/* Where the rows go. */
typedef struct Report
{
	ReturnSetInfo *rsinfo;
	DbmigProject *project;
} Report;

static void
add_problem(Report *report, const char *problem, const char *revision,
			const char *object, const char *detail, const char *hint)
{
	const char *texts[] = {problem, revision, object, detail, hint};
	Datum		values[lengthof(texts)];
	bool		nulls[lengthof(texts)];

	for (int i = 0; i < (int) lengthof(texts); i++)
	{
		nulls[i] = texts[i] == NULL;
		values[i] = texts[i] ? CStringGetTextDatum(texts[i]) : (Datum) 0;
	}
	tuplestore_putvalues(report->rsinfo->setResult, report->rsinfo->setDesc,
						 values, nulls);
}

/* Is the script that ran still the one in the store? */
static void
check_script(Report *report, int node)
{
	const DbmigProject *project = report->project;
	const DbmigRevision *revision = dbmig_revision(project, node);
	char	   *file = dbmig_revision_file(project, node, DBMIG_UPGRADE);
	char	   *text;

	if (revision->upgrade == NULL)
	{
		add_problem(report, "missing file", revision->id, file,
					"The revision is applied, but its script is in no store.",
					"Put the file back, or write what is kept of it with dbm_export().");
		return;
	}
	text = dbmig_script_text(project->name, revision->upgrade);
	if (revision->state->checksum &&
		strcmp(revision->state->checksum, dbmig_script_checksum(text, file)) != 0)
		add_problem(report, "changed script", revision->id, file,
					"The script is not the one that was applied.",
					"Restore it, and write a new revision for what should be different.");
}

static void
check_revisions(Report *report)
{
	const DbmigProject *project = report->project;
	int			nheads;
	int		   *heads = dbmig_graph_heads(project->graph, &nheads);

	for (int i = 0; i < project->graph->n; i++)
	{
		int			node = project->graph->sorted[i];
		const DbmigRevision *revision = dbmig_revision(project, node);

		CHECK_FOR_INTERRUPTS();
		if (project->applied[node])
			check_script(report, node);
		else
			add_problem(report, "pending", revision->id, NULL,
						dbmig_revision_message(revision), "Run dbm_upgrade().");
	}
	for (int i = 0; nheads > 1 && i < nheads; i++)
		add_problem(report, "several heads", project->graph->nodes[heads[i]].id,
					NULL, "The revisions have more than one head.",
					"Join them with dbm_merge().");
}

static void
check_mirror(Report *report)
{
	Oid			extension;
	char	   *version;
	char	   *heads;

	if (!dbmig_extension_is_managed(report->project->name, &extension))
		return;
	version = dbmig_mirror_version(extension);
	heads = dbmig_heads_text(report->project);
	if (strcmp(version, heads) != 0)
		add_problem(report, "mirror", heads, report->project->name,
					psprintf(_("The extension says version \"%s\"."), version),
					"The next dbm_upgrade() or dbm_downgrade() corrects it.");
}

/* A row for each object that differs from what a source says. */
static void
check_schema(Report *report, const char *problem, const char *source,
			 const char *hint)
{
	DbmigComparison *comparison = dbmig_compare(report->project->name, "live",
												source, NIL);
	ListCell   *lc;

	foreach(lc, dbmig_comparison_changes(comparison, false))
	{
		const DbmigChange *change = lfirst(lc);

		if (change->statement == NULL || strcmp(change->change, "set") == 0)
			continue;
		add_problem(report, problem, NULL,
					psprintf("%s %s", change->kind, change->id), change->statement,
					hint);
	}
}

/*
 * Nothing counts as applied, but everything is there: a dump without rows was
 * restored.
 */
static void
check_state(Report *report)
{
	DbmigComparison *comparison = dbmig_compare(report->project->name, "live",
												"revision:heads", NIL);
	bool		holds_table = false;
	ListCell   *lc;

	for (int i = 0; i < comparison->from->n; i++)
		holds_table |= comparison->from->facts[i]->kind == &dbmig_kind_table;
	foreach(lc, dbmig_comparison_changes(comparison, false))
	{
		if (((const DbmigChange *) lfirst(lc))->statement)
			return;
	}
	if (holds_table)
		add_problem(report, "state lost", NULL, NULL,
					"No revision counts as applied, but the schema is what they build.",
					"Set the state with dbm_stamp('heads').");
}

static bool
any_applied(const DbmigProject *project)
{
	for (int i = 0; i < project->graph->n; i++)
	{
		if (project->applied[i])
			return true;
	}
	return false;
}

/* dbm_check(project) */
Datum
dbmig_check(PG_FUNCTION_ARGS)
{
	const char *name = dbmig_project_argument(fcinfo, 0);
	Report		report;

	InitMaterializedSRF(fcinfo, 0);
	report.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	report.project = dbmig_project_load(name, GetActiveSnapshot());

	check_revisions(&report);
	check_mirror(&report);
	if (any_applied(report.project))
		check_schema(&report, "drift",
					 psprintf("revision:%s", dbmig_heads_text(report.project)),
					 "The applied revisions build something else: undo the change, or write a revision for it.");
	else if (report.project->graph->n > 0)
		check_state(&report);
	if (dbmig_model_find(name))
		check_schema(&report, "model", "model",
					 "Write a revision for it, or correct the model.");
	return (Datum) 0;
}

static void
add_line(ReturnSetInfo *rsinfo, const char *line)
{
	Datum		value = CStringGetTextDatum(line);
	bool		isnull = false;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
}

/* A test's line in TAP, and why it failed. */
static void
add_test(ReturnSetInfo *rsinfo, int number, const char *name, const char *difference)
{
	add_line(rsinfo, psprintf("%sok %d - %s", difference ? "not " : "", number, name));
	while (difference && *difference)
	{
		int			length = strcspn(difference, "\n");

		add_line(rsinfo, psprintf("# %.*s", length, difference));
		difference += length + (difference[length] == '\n');
	}
}

/* The statements that lead from the newest revision to the model, or NULL. */
static char *
model_difference(const char *project)
{
	DbmigComparison *comparison = dbmig_compare(project, "revision:heads",
												"model", NIL);
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, dbmig_comparison_changes(comparison, false))
	{
		const DbmigChange *change = lfirst(lc);

		if (change->statement)
			appendStringInfo(&text, "%s;\n", change->statement);
	}
	return text.len > 0 ? text.data : NULL;
}

/* dbm_test(project) */
Datum
dbmig_test(PG_FUNCTION_ARGS)
{
	const char *name = dbmig_project_argument(fcinfo, 0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DbmigProject *project = dbmig_project_load(name, GetActiveSnapshot());
	bool		has_model = dbmig_model_find(name) != NULL;
	List	   *results;
	ListCell   *lc;
	int			nheads;
	int			number = 1;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) dbmig_graph_heads(project->graph, &nheads);
	results = dbmig_try_revisions(project);
	add_line(rsinfo, psprintf("1..%d", list_length(results) + 1 + has_model));
	add_test(rsinfo, number++, "there is one head",
			 nheads == 1 ? NULL : psprintf("There are %d.\n", nheads));
	foreach(lc, results)
	{
		const DbmigTrialResult *result = lfirst(lc);

		add_test(rsinfo, number++, result->name, result->difference);
	}
	if (has_model)
		add_test(rsinfo, number++, "the model is what the revisions build",
				 model_difference(name));
	return (Datum) 0;
}
