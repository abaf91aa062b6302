/*-------------------------------------------------------------------------
 *
 * autogenerate.c
 *		Writes the scripts that make a schema what the model says.
 *
 * Both directions come from one comparison.  Where the way to the model takes
 * several units, each is a revision of its own, since each is committed by
 * itself; what a revision's downgrade has to lead back to is then what the
 * units before it have built, which a sandbox tells.
 *
 * A script is meant to be read before it is committed: first it says what it
 * may cost and what it cannot do, and again so above each statement.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "engine/compare.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

/* A line of comment.  Names with line ends must not end it. */
void
dbmig_write_comment(StringInfo text, const char *indent, const char *comment)
{
	appendStringInfo(text, "-- %s", indent);
	for (const char *p = comment; *p; p++)
		appendStringInfoChar(text, *p == '\n' || *p == '\r' ? ' ' : *p);
	appendStringInfoChar(text, '\n');
}

static bool
is_unmanaged(const DbmigChange *change)
{
	return strcmp(change->change, "not managed") == 0;
}

/* Does it take away what no statement brings back? */
static bool
loses_data(const DbmigChange *change)
{
	return change->hazard && strcmp(change->change, "drop") == 0;
}

static bool
any(List *changes, bool (*has) (const DbmigChange *))
{
	ListCell   *lc;

	foreach(lc, changes)
	{
		if (has(lfirst(lc)))
			return true;
	}
	return false;
}

static bool
is_hazardous(const DbmigChange *change)
{
	return change->hazard && !is_unmanaged(change);
}

static bool
has_statement(const DbmigChange *change)
{
	return change->statement != NULL;
}

static bool
runs_outside(const DbmigChange *change)
{
	return !change->transactional;
}

/* Write a title and, below it, what is to be known of some changes. */
static void
write_list(StringInfo text, const char *title, List *changes,
		   bool (*has) (const DbmigChange *), bool with_hazard)
{
	ListCell   *lc;

	if (!any(changes, has))
		return;
	appendStringInfoString(text, "--\n");
	dbmig_write_comment(text, "", title);
	foreach(lc, changes)
	{
		const DbmigChange *change = lfirst(lc);

		if (!has(change))
			continue;
		dbmig_write_comment(text, "  ",
							psprintf("%s %s%s%s", change->kind, change->id,
									 with_hazard ? ": " : "",
									 with_hazard ? change->hazard : ""));
	}
}

static bool
is_long(const DbmigChange *change)
{
	return change->hazard || strchr(change->statement, '\n');
}

/* Do two statements, one behind the other, belong together? */
static bool
belong_together(const DbmigChange *a, const DbmigChange *b)
{
	return !is_long(a) && !is_long(b) &&
		(strcmp(a->whole, b->whole) == 0 || strcmp(a->kind, b->kind) == 0);
}

static void
write_statements(StringInfo text, List *changes)
{
	const DbmigChange *previous = NULL;
	ListCell   *lc;

	foreach(lc, changes)
	{
		const DbmigChange *change = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (change->statement == NULL)
			continue;
		if (previous == NULL || !belong_together(previous, change))
			appendStringInfoChar(text, '\n');
		if (change->hazard)
			dbmig_write_comment(text, "", psprintf("Hazard: %s", change->hazard));
		appendStringInfo(text, "%s;\n", change->statement);
		previous = change;
	}
}

/* What one script is made from. */
typedef struct Writing
{
	const DbmigComparison *comparison;
	List	   *changes;		/* those of this script */
	List	   *undone;			/* what a downgrade undoes; NIL: an upgrade */
	int			number;			/* of the revision, from 1 */
} Writing;

/* Say what the script is, and why it is one of several. */
static void
write_title(StringInfo text, const Writing *writing)
{
	bool		outside = any(writing->changes, runs_outside);

	if (writing->undone)
		dbmig_write_comment(text, "", "Generated: the way back.");
	else
		dbmig_write_comment(text, "", psprintf("Generated: from \"%s\" to \"%s\".",
										 writing->comparison->from_name,
										 writing->comparison->to_name));
	if (outside)
		dbmig_write_comment(text, "",
							"Run by CALL dbm_migrate(): these forms let others go on writing, and run in no transaction.");
	else if (!writing->undone && writing->number > 1)
		dbmig_write_comment(text, "",
							"A revision of its own, since values that the one before adds to an enum can be used only once it is committed.");
}

/* The body of a script. */
static char *
write_script(const Writing *writing)
{
	StringInfoData text;

	initStringInfo(&text);
	write_title(&text, writing);
	if (writing->undone && any(writing->changes, loses_data))
		dbmig_write_comment(&text, "", "It deletes data; see below.");
	write_list(&text, "Gone with the upgrade, and made again without its data:",
			   writing->undone, loses_data, false);
	write_list(&text, "Hazards:", writing->changes, is_hazardous, true);
	write_list(&text, "Not managed, so not compared:", writing->changes,
			   is_unmanaged, true);
	if (!any(writing->changes, has_statement))
		appendStringInfoString(&text, "--\n-- There is nothing to do.\n");
	write_statements(&text, writing->changes);
	return text.data;
}

/* The changes of one unit.  What is not managed is told with the first one. */
static List *
changes_of_unit(List *changes, int unit)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, changes)
	{
		DbmigChange *change = lfirst(lc);

		if (change->unit == unit)
			result = lappend(result, change);
	}
	return result;
}

/*
 * Write the revision for one unit.  before is what it finds, *after is set to
 * what it leaves; all says what leads from the very first to the very last.
 */
static DbmigGenerated *
generate(const DbmigComparison *comparison, List *all, int unit, int last,
		 DbmigInventory *before, DbmigInventory **after)
{
	DbmigGenerated *generated = palloc(sizeof(DbmigGenerated));
	DbmigComparison step = *comparison;
	Writing		upgrade = {comparison, changes_of_unit(all, unit), NIL, unit + 1};
	Writing		downgrade = {comparison, NIL, upgrade.changes, unit + 1};

	generated->transactional = !any(upgrade.changes, runs_outside);
	*after = comparison->to;
	if (unit < last)
	{
		List	   *so_far = NIL;

		for (int i = 0; i <= unit; i++)
			so_far = list_concat(so_far, changes_of_unit(all, i));
		*after = dbmig_comparison_between(comparison, so_far);
	}
	step.from = before;
	step.to = *after;
	if (unit > 0)
		step.rename_steps = NIL;
	step.options.concurrently = !generated->transactional;
	downgrade.changes = dbmig_comparison_changes(&step, true);

	generated->returns_transactional = !any(downgrade.changes, runs_outside);
	generated->upgrade = write_script(&upgrade);
	generated->downgrade = write_script(&downgrade);
	return generated;
}

static int
last_unit(List *changes)
{
	int			last = 0;
	ListCell   *lc;

	foreach(lc, changes)
		last = Max(last, ((const DbmigChange *) lfirst(lc))->unit);
	return last;
}

/* Is the live schema what is wanted, in place of the model? */
static bool
is_adopting(const char *compare_with)
{
	return strcmp(compare_with, "drift") == 0;
}

/* The source that compare_with stands for, revisions being what is built on. */
static char *
base_source(const char *compare_with, const char *revisions)
{
	if (strcmp(compare_with, "live") == 0)
		return pstrdup("live");
	if (strcmp(compare_with, "revisions") != 0 && !is_adopting(compare_with))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("compare_with must be \"revisions\", \"live\" or \"drift\", not \"%s\"",
					   compare_with));
	return *revisions ? psprintf("revision:%s", revisions) : pstrdup("empty");
}

/*
 * Write the scripts that lead to the model, and back, from the live schema or
 * from what the revisions (a target; may be empty) build; or from there to the
 * live schema, so that the revisions adopt what drifted.  Returns a list of
 * DbmigGenerated in the current memory context, in the order in which they are
 * to run: NIL, and a NOTICE, if there is nothing to do.
 */
List *
dbmig_autogenerate(const char *project, const char *compare_with,
				   const char *revisions, const DbmigCompareOptions *options)
{
	DbmigComparison *comparison =
		dbmig_compare(project, base_source(compare_with, revisions),
					  is_adopting(compare_with) ? "live" : "model", options);
	List	   *changes = dbmig_comparison_changes(comparison, false);
	DbmigInventory *before = comparison->from;
	List	   *result = NIL;
	int			last = last_unit(changes);

	if (!any(changes, has_statement))
	{
		ereport(NOTICE,
				is_adopting(compare_with) ?
				errmsg("no revision is needed: nothing has drifted") :
				errmsg("no revision is needed: \"%s\" and the model do not differ",
					   comparison->from_name));
		return NIL;
	}
	for (int unit = 0; unit <= last; unit++)
	{
		DbmigInventory *after;

		result = lappend(result, generate(comparison, changes, unit, last, before,
										  &after));
		before = after;
	}
	return result;
}
