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
 * Neither function fails because of what is wrong: an error of a script or of
 * the model is a finding as any other.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/commands.h"
#include "common/hashfn.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(dbmig_check);
PG_FUNCTION_INFO_V1(dbmig_test);

/* Where the rows go, and what they are about. */
typedef struct Report
{
	ReturnSetInfo *rsinfo;
	const char *name;			/* of the project */
	DbmigProject *project;
} Report;

/* A comparison to be attempted, and what comes of it. */
typedef struct Question
{
	const char *project;
	const char *from;
	const char *to;
	DbmigComparison *comparison;
	List	   *changes;
} Question;

/* A script to be looked at, and what is wrong with it. */
typedef struct ScriptCheck
{
	const DbmigProject *project;
	const DbmigRevision *revision;
	const char *file_name;
	bool		changed;
} ScriptCheck;

static void
add_problem(Report *report, const char *problem, const char *revision,
			const char *object, const char *detail, const char *hint)
{
	const char *texts[] = {problem, revision, object, detail, hint};
	Datum		values[lengthof(texts)];
	bool		nulls[lengthof(texts)];

	for (int i = 0; i < (int) lengthof(texts); i++)
		dbmig_text_result(values, nulls, i, texts[i]);
	tuplestore_putvalues(report->rsinfo->setResult, report->rsinfo->setDesc,
						 values, nulls);
}

/* A row for what could not even be tried; hint is for want of a better one. */
static void
add_failure(Report *report, const char *problem, const DbmigFailure *failure,
			const char *hint)
{
	add_problem(report, problem, failure->revision, failure->file_name,
				dbmig_failure_text(failure),
				failure->error->hint ? failure->error->hint : hint);
}

/* Compare two schemas, for dbmig_attempt(); arg is a Question. */
static void
compare(void *arg)
{
	Question   *question = arg;

	question->comparison = dbmig_compare(question->project, question->from,
										 question->to, NULL);
	question->changes = dbmig_comparison_changes(question->comparison, false);
}

/* Load the project, for dbmig_attempt(); arg is a Report. */
static void
load(void *arg)
{
	Report	   *report = arg;

	report->project = dbmig_project_load_or_begin(report->name,
												  GetActiveSnapshot());
}

/*
 * Load the project that a report is about.  Returns why its scripts do not
 * make one, if so; then only what is applied is known.  A name that nothing
 * goes by is an error.
 */
static DbmigFailure *
load_or_fail(Report *report)
{
	DbmigFailure *failure = dbmig_attempt(load, report);

	if (failure)
		report->project = dbmig_project_load_state(report->name,
												   GetActiveSnapshot());
	else if (report->project->graph->n == 0 && !dbmig_model_find(report->name))
		report->project = dbmig_project_load(report->name, GetActiveSnapshot());
	return failure;
}

/* Is the script another one than was applied?  arg is a ScriptCheck. */
static void
compare_checksums(void *arg)
{
	ScriptCheck *check = arg;
	char	   *text = dbmig_script_text(check->project->name,
										 check->revision->upgrade);

	check->changed = strcmp(check->revision->state->checksum,
							dbmig_script_checksum(text, check->file_name)) != 0;
}

/* Are the scripts of an applied revision there, and still what they were? */
static void
check_scripts(Report *report, int node)
{
	const DbmigProject *project = report->project;
	const DbmigRevision *revision = dbmig_revision(project, node);
	char	   *file = dbmig_revision_file(project, node, DBMIG_UPGRADE);
	ScriptCheck check = {project, revision, file, false};
	DbmigFailure *failure;

	if (revision->upgrade == NULL)
		add_problem(report, "missing file", revision->id, file,
					"The revision is applied, but its script is in no store.",
					"Put the file back, or write what is kept of it with dbm_export().");
	if (revision->downgrade == NULL && revision->state->has_downgrade)
		add_problem(report, "missing file", revision->id,
					dbmig_revision_file(project, node, DBMIG_DOWNGRADE),
					"The downgrade script that there was when the revision was applied is in no store.",
					"Put the file back, or write what is kept of it with dbm_export().");
	if (revision->upgrade == NULL || revision->state->checksum == NULL)
		return;

	failure = dbmig_attempt(compare_checksums, &check);
	if (failure || check.changed)
		add_problem(report, "changed script", revision->id, file,
					failure ? dbmig_failure_text(failure) :
					"The script is not the one that was applied.",
					"Restore it, and write a new revision for what should be different.");
}

static void
check_revisions(Report *report, bool with_pending)
{
	const DbmigProject *project = report->project;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "dbmig check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int			nheads;
	int		   *heads;

	for (int i = 0; i < project->graph->n; i++)
	{
		int			node = project->graph->sorted[i];
		const DbmigRevision *revision = dbmig_revision(project, node);

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(context);
		if (project->applied[node])
			check_scripts(report, node);
		else if (with_pending)
			add_problem(report, "pending", revision->id, NULL,
						dbmig_revision_message(revision), "Run dbm_upgrade().");
	}
	heads = dbmig_graph_heads(project->graph, &nheads);
	for (int i = 0; nheads > 1 && i < nheads; i++)
		add_problem(report, "several heads", project->graph->nodes[heads[i]].id,
					NULL, "The revisions have more than one head.",
					"Join them with dbm_merge().");
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static void
check_mirror(Report *report)
{
	const char *name = report->name;
	Oid			extension;
	char	   *version;
	char	   *heads;

	if (!dbmig_extension_is_managed(name, &extension))
		return;
	version = dbmig_mirror_version(extension);
	heads = dbmig_heads_text(report->project);
	if (strcmp(version, heads) == 0)
		return;
	add_problem(report, "mirror", heads, name,
				psprintf(_("The extension says version \"%s\"."), version),
				dbmig_mirror_unreached(report->project) ?
				psprintf(_("If the schema is as that revision leaves it, record it with dbm_stamp('%s'); otherwise with dbm_stamp('%s')."),
						 version, heads) :
				"The next dbm_upgrade() or dbm_downgrade() corrects it.");
}

/* What a comparison says of an object. */
typedef struct ObjectChanges
{
	const char *object;			/* the key */
	StringInfoData statements;
} ObjectChanges;

static uint32
hash_object(const void *key, Size size)
{
	const char *object = *(const char *const *) key;

	return DatumGetUInt32(hash_any((const unsigned char *) object, strlen(object)));
}

static int
compare_objects(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* A row for each object that a comparison has statements for. */
static void
add_changes(Report *report, const char *problem, const List *changes,
			const char *hint)
{
	HASHCTL		control = {0};
	HTAB	   *objects;
	List	   *order = NIL;
	ListCell   *lc;

	control.keysize = sizeof(char *);
	control.entrysize = sizeof(ObjectChanges);
	control.hash = hash_object;
	control.match = compare_objects;
	control.hcxt = CurrentMemoryContext;
	objects = hash_create("dbmig changed objects", 64, &control,
						  HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	foreach(lc, changes)
	{
		const DbmigChange *change = lfirst(lc);
		const char *object = psprintf("%s %s", change->kind, change->id);
		ObjectChanges *entry;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (change->statement == NULL || strcmp(change->change, "set") == 0)
			continue;
		entry = hash_search(objects, &object, HASH_ENTER, &found);
		if (!found)
		{
			initStringInfo(&entry->statements);
			order = lappend(order, entry);
		}
		appendStringInfo(&entry->statements, "%s%s", found ? ";\n" : "",
						 change->statement);
	}
	foreach(lc, order)
	{
		const ObjectChanges *entry = lfirst(lc);

		add_problem(report, problem, NULL, entry->object, entry->statements.data,
					hint);
	}
	hash_destroy(objects);
}

/* How many tables there are, and how many of them another schema has too. */
static int
count_tables(const DbmigInventory *inventory, const DbmigInventory *other,
			 int *shared)
{
	int			n = 0;

	*shared = 0;
	for (int i = 0; i < inventory->n; i++)
	{
		const DbmigFact *fact = inventory->facts[i];

		if (fact->kind != &dbmig_kind_table || fact->left_out)
			continue;
		n++;
		if (dbmig_inventory_find(other, fact))
			(*shared)++;
	}
	return n;
}

static void
add_broken_revision(Report *report, const DbmigFailure *failure)
{
	add_failure(report, "broken revision", failure,
				"Whatever the revisions need must be built by them, or by extensions that they create.");
}

/* Does the state say that nothing is applied although everything is there? */
static bool
is_state_lost(Report *report)
{
	Question	question = {
		.project = report->name,.from = "live",.to = "revision:heads"
	};
	DbmigFailure *failure = dbmig_attempt(compare, &question);
	const char *heads;
	int			shared;

	if (failure)
	{
		add_broken_revision(report, failure);
		return false;
	}
	(void) count_tables(question.comparison->from, question.comparison->to,
						&shared);
	if (shared == 0)
		return false;

	heads = dbmig_has_changes(question.changes) ?
		dbmig_locate_live(report->project) : "heads";
	if (heads)
		add_problem(report, "state lost", strcmp(heads, "heads") == 0 ? NULL : heads,
					NULL,
					"No revision counts as applied, but the schema is what they build.",
					psprintf(_("Set the state with dbm_stamp('%s')."), heads));
	else
		add_problem(report, "state lost", NULL, NULL,
					"No revision counts as applied, but there are tables that they build.",
					"Find with dbm_diff('live', 'revision:ID') what the schema is closest to, and set the state with dbm_stamp('ID').");
	return true;
}

/*
 * Is the schema what the applied revisions build?  Returns whether none of
 * their tables is there.
 */
static bool
check_drift(Report *report)
{
	Question	question = {.project = report->name,.from = "live"};
	DbmigFailure *failure;
	int			shared;

	question.to = psprintf("revision:%s", dbmig_heads_text(report->project));
	failure = dbmig_attempt(compare, &question);
	if (failure)
		add_broken_revision(report, failure);
	else if (count_tables(question.comparison->to, question.comparison->from,
						  &shared) > 0 && shared == 0)
	{
		add_problem(report, "schema lost", NULL, NULL,
					"Revisions count as applied, but none of the tables that they build is there.",
					"Restore the schema, or build it anew with dbm_stamp('base') and dbm_upgrade().");
		return true;
	}
	else
		add_changes(report, "drift", question.changes,
					"The applied revisions build something else: see dbm_drift() for how to undo it, or to make a revision of it.");
	return false;
}

/* Is the schema what the model says? */
static void
check_model(Report *report)
{
	Question	question = {
		.project = report->name,.from = "live",.to = "model"
	};
	DbmigFailure *failure = dbmig_attempt(compare, &question);

	if (failure)
		add_failure(report, "broken model", failure,
					"Correct the model, and set it with dbm_set_model().");
	else
		add_changes(report, "model", question.changes,
					"Write a revision for it, or correct the model.");
}

/*
 * A revision that stopped half way, outside of a transaction.  Returns whether
 * there is one.
 */
static bool
check_unfinished(Report *report)
{
	List	   *steps = dbmig_unfinished_list(report->name);
	ListCell   *lc;

	foreach(lc, steps)
	{
		const DbmigUnfinished *step = lfirst(lc);

		add_problem(report, "unfinished", step->revision, NULL,
					psprintf(_("Its %s stopped after %d statements, and does not run in a transaction."),
							 step->direction, step->finished),
					"CALL dbm_migrate() goes on with it.");
	}
	return steps != NIL;
}

/*
 * dbm_check(project).  What can be wrong only because something else is, is
 * not looked at.
 */
Datum
dbmig_check(PG_FUNCTION_ARGS)
{
	Report		report = {.name = dbmig_project_argument(fcinfo, 0)};
	DbmigFailure *failure;
	bool		lost = false;

	InitMaterializedSRF(fcinfo, 0);
	report.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	failure = load_or_fail(&report);
	if (failure)
		add_failure(&report, "broken project", failure,
					"Correct the scripts; until then no revision can be run.");
	else if (check_unfinished(&report))
		check_revisions(&report, true);
	else if (dbmig_has_applied(report.project))
	{
		lost = check_drift(&report);
		check_revisions(&report, true);
	}
	else if (report.project->graph->n > 0)
	{
		lost = is_state_lost(&report);
		check_revisions(&report, !lost);
	}
	check_mirror(&report);
	if (!lost && dbmig_model_find(report.name))
		check_model(&report);
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

/* The statements of changes, or NULL. */
static char *
statement_lines(const List *changes)
{
	StringInfoData text;
	ListCell   *lc;

	if (!dbmig_has_changes(changes))
		return NULL;
	initStringInfo(&text);
	foreach(lc, changes)
	{
		const DbmigChange *change = lfirst(lc);

		if (change->statement)
			appendStringInfo(&text, "%s;\n", change->statement);
	}
	return text.data;
}

/* What is to be done to the newest revision's schema to have the model's. */
static char *
model_difference(const char *project, bool has_revisions)
{
	Question	question = {.project = project,.to = "model"};
	DbmigFailure *failure;

	question.from = has_revisions ? "revision:heads" : "empty";
	failure = dbmig_attempt(compare, &question);
	return failure ? dbmig_failure_lines(failure) : statement_lines(question.changes);
}

/* dbm_test(project) */
Datum
dbmig_test(PG_FUNCTION_ARGS)
{
	Report		report = {.name = dbmig_project_argument(fcinfo, 0)};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DbmigFailure *failure = load_or_fail(&report);
	bool		has_model = dbmig_model_find(report.name) != NULL;
	List	   *results = NIL;
	ListCell   *lc;
	int			nheads;
	int			number = 1;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	(void) dbmig_graph_heads(report.project->graph, &nheads);
	if (failure == NULL)
		results = dbmig_try_revisions(report.project);

	add_line(rsinfo, psprintf("1..%d", list_length(results) + 1 + has_model));
	if (failure)
		add_test(rsinfo, number++, "the scripts make a project",
				 dbmig_failure_lines(failure));
	else
		add_test(rsinfo, number++, "there is one head",
				 nheads == 1 ? NULL : psprintf("There are %d.\n", nheads));
	foreach(lc, results)
	{
		const DbmigTrialResult *result = lfirst(lc);

		add_test(rsinfo, number++, result->name, result->difference);
	}
	if (has_model)
		add_test(rsinfo, number++, "the model is what the revisions build",
				 model_difference(report.name, failure ||
								  report.project->graph->n > 0));
	return (Datum) 0;
}
