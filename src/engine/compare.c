/*-------------------------------------------------------------------------
 *
 * compare.c
 *		Schemas from where they come, and the way from one to another.
 *
 * A source names a schema: "live" is that of the database, "model" what the
 * project's stored model declares, "revision:ID" what the revisions up to ID
 * build, "snapshot:NAME" what a snapshot keeps, "empty" is nothing.  Model and
 * revisions are texts; they are run in a sandbox.
 *
 * The server does not always deparse an expression to a text that, read again,
 * deparses to itself.  Where two texts differ, both are therefore read again
 * in a sandbox, and count as equal if the results are.
 *
 * Objects that are renamed are so before the two sides are compared, and after
 * that on the way back.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "base/settings.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "engine/kept.h"
#include "engine/sandbox.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "schema/rename.h"
#include "utils/acl.h"
#include "utils/builtins.h"

static const char revision_prefix[] = "revision:";
static const char snapshot_prefix[] = "snapshot:";

static bool
is_live(const char *source)
{
	return strcmp(source, "live") == 0;
}

static bool
is_snapshot(const char *source)
{
	return strncmp(source, snapshot_prefix, strlen(snapshot_prefix)) == 0;
}

static bool
is_revision(const char *source)
{
	return strncmp(source, revision_prefix, strlen(revision_prefix)) == 0;
}

static bool
is_model(const char *source)
{
	return strcmp(source, "model") == 0;
}

/* Is a source run as somebody? */
static bool
is_text(const char *source)
{
	return is_revision(source) || is_model(source);
}

/* Does a source say what there is, rather than what somebody wrote? */
static bool
is_complete(const char *source)
{
	return is_live(source) || is_snapshot(source);
}

/* A project's model; raises when it has none. */
static DbmigModel *
require_model(const char *project)
{
	DbmigModel *model = dbmig_model_find(project);

	if (model == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("project \"%s\" has no model", project),
				errhint("Set one with dbm_set_model()."));
	return model;
}

/* The text of a project's model. */
char *
dbmig_model_ddl(const char *project)
{
	return require_model(project)->ddl;
}

/* The project's model, which the caller may run. */
static DbmigModel *
usable_model(const char *project)
{
	DbmigModel *model = require_model(project);

	dbmig_note_script(NULL, "model");
	if (!dbmig_may_run_text_of(model->author))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("the model of project \"%s\" was written by another role",
					   project),
				dbmig_author_detail(model->author, "set"),
				errhint("Use it as its author with SET ROLE, or read it with dbm_model() and set it yourself."));
	dbmig_note_script(NULL, NULL);
	return model;
}

/*
 * Whom a model runs as: its author, or the caller if that one has fewer rights.
 * Names in the text are resolved where the caller has the say, such as in the
 * caller's temporary schema, so it must not run with rights of somebody else.
 */
static const char *
model_role(const DbmigModel *model)
{
	if (has_privs_of_role(GetUserId(), get_role_oid(model->author, false)))
		return model->author;
	return dbmig_current_role();
}

/* Run the project's model. */
static void
run_model(DbmigSandbox *sandbox, const char *project)
{
	DbmigModel *model = usable_model(project);

	dbmig_note_script(NULL, "model");
	if (dbmig_sandbox_run(sandbox, project, NULL, "model", model->ddl,
						  get_role_oid(model_role(model), false)) == 0)
		ereport(NOTICE,
				errmsg("the model of project \"%s\" has no statements", project),
				errdetail("It declares a schema that is empty."));
	dbmig_note_script(NULL, NULL);
}

/* Run the revisions up to one, as the caller. */
static void
run_revisions(DbmigSandbox *sandbox, const char *name, const char *target)
{
	DbmigProject *project = dbmig_project_load(name, NULL);
	bool	   *none = palloc0(sizeof(bool) * (project->graph->n + 1));
	DbmigPlan  *plan = dbmig_plan_upgrade(project->graph, none, target);

	for (int i = 0; i < plan->nsteps; i++)
	{
		CHECK_FOR_INTERRUPTS();
		dbmig_sandbox_run_revision(sandbox, project, plan->steps[i], DBMIG_UPGRADE);
	}
}

/*
 * Put the scripts of the revisions up to one, which the caller may run, in a
 * text.  What they state is noted, and what other revisions that are applied do.
 */
static void
add_revisions(DbmigText *text, DbmigStated *stated, const char *name, const char *target)
{
	DbmigProject *project = dbmig_project_load(name, NULL);
	bool	   *others = palloc0(sizeof(bool) * (project->graph->n + 1));
	DbmigPlan  *plan = dbmig_plan_upgrade(project->graph, others, target);

	memcpy(others, project->applied, sizeof(bool) * project->graph->n);
	for (int i = 0; i < plan->nsteps; i++)
	{
		const DbmigRevision *revision = dbmig_revision(project, plan->steps[i]);
		char	   *script;

		CHECK_FOR_INTERRUPTS();
		dbmig_check_author(project, revision, DBMIG_UPGRADE);
		/* raises if there is none */
		(void) dbmig_step_is_transactional(project, plan->steps[i], DBMIG_UPGRADE);
		script = dbmig_revision_script(project, revision, DBMIG_UPGRADE);
		text->scripts = lappend(text->scripts, script);
		dbmig_note_stated(stated, script, text->deployer);
		others[plan->steps[i]] = false;
	}
	dbmig_note_stated_by_revisions(stated, project, others, text->deployer);
}

/* The caller, quoted. */
static const char *
quoted_role(void)
{
	return quote_identifier(dbmig_current_role());
}

/* Whose the objects are that a text makes, quoted. */
static const char *
runner_of(const char *project, const char *source)
{
	if (is_model(source))
		return quote_identifier(model_role(usable_model(project)));
	return quoted_role();
}

/*
 * The role that runs the project's revisions: the one that ran the last one that
 * is applied, or else the caller.
 */
static const char *
deployer_of(const char *project)
{
	const DbmigApplied *last = NULL;
	ListCell   *lc;

	foreach(lc, dbmig_applied_list(project, NULL))
	{
		const DbmigApplied *row = lfirst(lc);

		if (!row->stamped && (last == NULL || row->applied_at > last->applied_at))
			last = row;
	}
	return last ? last->applied_by : dbmig_current_role();
}

/*
 * What a text does not give to anybody belongs to whoever runs it, which says
 * nothing about the schema: count it as the role's that runs the revisions.
 */
static void
assign_to_deployer(DbmigInventory *inventory, const DbmigComparison *comparison,
				   const char *source, const char *other_runner)
{
	List	   *runners = list_make1(unconstify(char *, runner_of(comparison->project,
																  source)));

	if (other_runner)
		runners = lappend(runners, unconstify(char *, other_runner));
	dbmig_reassign(inventory, runners, quote_identifier(comparison->deployer));
}

/* What a source would have run, which the caller may. */
static DbmigText *
source_text(const char *project, const char *source, const char *deployer)
{
	DbmigText  *text = palloc0(sizeof(DbmigText));
	DbmigStated *stated = dbmig_stated_create();

	text->source = source;
	text->role = dbmig_current_role();
	text->deployer = deployer;
	text->stated = stated;
	if (is_revision(source))
		add_revisions(text, stated, project, source + strlen(revision_prefix));
	else if (is_model(source))
	{
		DbmigModel *model = usable_model(project);

		text->role = model_role(model);
		text->scripts = list_make1(model->ddl);
		dbmig_note_stated(stated, model->ddl, deployer);
	}
	return text;
}

/*
 * Settle which default privileges of the database do not surround what is built
 * for a source.  What a source states that is no text or empty are all; but a
 * text that is compared with "empty" has the say for both, and revisions have it
 * for each other, since they are applied one after another.
 */
static const DbmigStated *
settle_stated(DbmigText *text, const char *source, const DbmigText *other,
			  const char *other_source, List *schemas)
{
	DbmigStated *stated = dbmig_stated_create();

	if (text && is_text(source))
		dbmig_stated_add(stated, text->stated);
	if (other && is_text(other_source) &&
		(!is_text(source) || (is_revision(source) && is_revision(other_source))))
		dbmig_stated_add(stated, other->stated);
	if (is_complete(source) || (!is_text(source) && !is_text(other_source)))
	{
		stated->in_schemas = true;
		stated->everywhere = is_complete(source) || schemas == NIL;
	}
	if (text)
		text->stated = stated;
	return stated;
}

/* Build in a sandbox what a source names. */
static void
build(DbmigSandbox *sandbox, const DbmigComparison *comparison, bool is_from)
{
	const char *project = comparison->project;
	const char *source = is_from ? comparison->from_name : comparison->to_name;

	dbmig_sandbox_leave_to_text(sandbox, is_from ? comparison->from_stated :
								comparison->to_stated,
								get_role_oid(comparison->deployer, true));
	if (is_model(source))
		run_model(sandbox, project);
	else if (is_revision(source))
		run_revisions(sandbox, project, source + strlen(revision_prefix));
}

static void
check_source(const char *source)
{
	if (!is_complete(source) && !is_revision(source) &&
		!is_model(source) && strcmp(source, "empty") != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("schema source \"%s\" is not known", source),
				errdetail("Sources are \"live\", \"model\", \"empty\", \"revision:ID\" and \"snapshot:NAME\"."));
}

/*
 * Leave out what a text did not make but the database has: extensions, and
 * casts and the like, are there in any sandbox.
 */
static void
select_declared(const DbmigSandbox *sandbox, DbmigInventory *inventory)
{
	int			n = 0;

	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];

		if (fact->kind == &dbmig_kind_extension &&
			!dbmig_sandbox_declares_extension(sandbox, fact->id))
			continue;
		if ((fact->kind->flags & DBMIG_SHARED_NAME) &&
			dbmig_sandbox_was_there(sandbox, fact->address.classid,
									fact->address.objid))
			continue;
		inventory->facts[n++] = fact;
	}
	inventory->n = n;
}

/* Has an inventory facts of a kind that are part of nothing else? */
static bool
has_kind(const DbmigInventory *inventory, const DbmigKind *kind)
{
	for (int i = 0; i < inventory->n; i++)
	{
		if (inventory->facts[i]->kind == kind &&
			inventory->facts[i]->parent == NULL)
			return true;
	}
	return false;
}

static int
compare_unmanaged(const DbmigUnmanaged *a, const DbmigUnmanaged *b)
{
	int			order = strcmp(a->kind, b->kind);

	return order != 0 ? order : strcmp(a->id, b->id);
}

static int
compare_unmanaged_cells(const ListCell *a, const ListCell *b)
{
	return compare_unmanaged(lfirst(a), lfirst(b));
}

/* Does a fact need something in a schema that a text does not have? */
static bool
needs_what_goes(const DbmigFact *fact, const DbmigInventory *text)
{
	ListCell   *lc;

	foreach(lc, fact->references)
	{
		const DbmigFact *used = lfirst(lc);

		if (!(used->kind->flags & DBMIG_GLOBAL) &&
			dbmig_inventory_find(text, used) == NULL)
			return true;
	}
	return false;
}

/*
 * A text that says nothing of a kind that lies outside of schemas, such as
 * publications, is taken to leave that kind alone: the database's are listed as
 * not managed.  One that cannot stay, since its function goes, is another
 * matter.
 */
static void
leave_unmentioned(const DbmigInventory *text, DbmigInventory *live)
{
	int			n = 0;

	for (int i = 0; i < live->n; i++)
	{
		DbmigFact  *fact = live->facts[i];
		const DbmigFact *root = dbmig_fact_root(fact);

		if (!(root->kind->flags & DBMIG_GLOBAL) || has_kind(text, root->kind) ||
			needs_what_goes(root, text))
		{
			live->facts[n++] = fact;
			continue;
		}
		if (fact == root)
		{
			DbmigUnmanaged *object = palloc(sizeof(DbmigUnmanaged));

			object->kind = pstrdup(fact->kind->name);
			object->id = fact->id;
			live->unmanaged = lappend(live->unmanaged, object);
		}
	}
	live->n = n;
	list_sort(live->unmanaged, compare_unmanaged_cells);
}

/* Read what a sandbox holds. */
static DbmigInventory *
read_sandbox(const DbmigSandbox *sandbox, List *schemas)
{
	DbmigInventory *inventory =
		dbmig_inventory_read(dbmig_sandbox_schemas(sandbox, schemas));

	select_declared(sandbox, inventory);
	return inventory;
}

/* Does a fact use something that becomes another type, as a column does? */
static bool
uses_rebuilt(const DbmigFact *fact, const DbmigInventory *to)
{
	ListCell   *lc;

	foreach(lc, fact->references)
	{
		const DbmigFact *used = lfirst(lc);
		const DbmigFact *twin = dbmig_inventory_find(to, used);

		for (int i = 0; twin && i < used->kind->nrules; i++)
		{
			if ((used->kind->rules[i].flags & DBMIG_REBUILDS) &&
				!dbmig_same_value(used->values[i], twin->values[i]))
				return true;
		}
	}
	return false;
}

/*
 * Make facts of a sandbox again by their statements, and read everything.
 * *done becomes the facts that could be made again.
 */
static DbmigInventory *
read_again(DbmigSandbox *sandbox, List *facts, List *schemas, List **done)
{
	ListCell   *lc;

	*done = NIL;
	foreach(lc, facts)
	{
		const DbmigFact *fact = lfirst(lc);
		const DbmigKind *kind = fact->kind;
		List	   *statements = NIL;

		CHECK_FOR_INTERRUPTS();
		if (kind->reread)
			statements = list_make1(dbmig_pattern(kind->reread, fact));
		else if (kind->again)
			statements = list_make1(dbmig_pattern(kind->again, fact));
		else if (kind->create)
			statements = list_make2(dbmig_pattern(kind->drop, fact),
									dbmig_pattern(kind->create, fact));
		if (statements && dbmig_sandbox_try(sandbox, statements))
			*done = lappend(*done, lfirst(lc));
	}
	return read_sandbox(sandbox, schemas);
}

/*
 * Give expressions that differ in their spelling only the same text on both
 * sides.  The sandbox holds what one side says; where columns that an
 * expression uses have other types on the other side, it says nothing of how
 * the text is read there.
 */
void
dbmig_settle_spellings(DbmigSandbox *sandbox, DbmigInventory *from,
					   DbmigInventory *to, List *schemas)
{
	List	   *old = NIL;
	List	   *new = NIL;
	List	   *old_done;
	List	   *new_done;
	DbmigInventory *old_again;
	DbmigInventory *new_again;
	ListCell   *lc;

	for (int i = 0; i < from->n; i++)
	{
		DbmigFact  *fact = from->facts[i];
		DbmigFact  *twin = dbmig_inventory_find(to, fact);

		if (twin && dbmig_is_spelled_differently(fact, twin) &&
			!uses_rebuilt(fact, to))
		{
			old = lappend(old, fact);
			new = lappend(new, twin);
		}
	}
	if (old == NIL)
		return;

	new_again = read_again(sandbox, new, schemas, &new_done);
	old_again = read_again(sandbox, old, schemas, &old_done);
	foreach(lc, old)
	{
		DbmigFact  *fact = lfirst(lc);
		DbmigFact  *twin = list_nth(new, foreach_current_index(lc));
		const DbmigFact *a = dbmig_inventory_find(old_again, fact);
		const DbmigFact *b = dbmig_inventory_find(new_again, fact);

		if (!list_member_ptr(old_done, fact) || !list_member_ptr(new_done, twin))
			continue;
		for (int i = 0; a && b && i < fact->kind->nrules; i++)
		{
			if ((fact->kind->rules[i].flags & DBMIG_EXPRESSION) &&
				a->values[i] && dbmig_same_value(a->values[i], b->values[i]))
				fact->values[i] = twin->values[i];
		}
	}
}

/*
 * Make in a sandbox what an inventory describes.  What the caller may not make
 * is left out.
 */
static void
build_inventory(DbmigSandbox *sandbox, const DbmigInventory *inventory)
{
	DbmigInventory nothing = {0};
	DbmigDiff  *diff = dbmig_diff(&nothing, inventory, "CURRENT_USER");
	ListCell   *lc;

	foreach(lc, diff->actions)
	{
		CHECK_FOR_INTERRUPTS();
		(void) dbmig_sandbox_try(sandbox,
								 list_make1(((DbmigAction *) lfirst(lc))->statement));
	}
}

/*
 * Leave out what one side cannot speak of.  "empty" speaks of everything,
 * unless only some schemas are meant.
 */
static void
reconcile(DbmigComparison *comparison, List *schemas)
{
	const char *from = comparison->from_name;
	const char *to = comparison->to_name;

	if (is_complete(from) && !is_complete(to) &&
		(schemas || strcmp(to, "empty") != 0))
		leave_unmentioned(comparison->to, comparison->from);
	if (is_complete(to) && !is_complete(from) &&
		(schemas || strcmp(from, "empty") != 0))
		leave_unmentioned(comparison->from, comparison->to);
	if (is_snapshot(from) || is_snapshot(to))
	{
		dbmig_forget_secrets(comparison->from);
		dbmig_forget_secrets(comparison->to);
	}
}

/* What is to be done in a sandbox. */
typedef struct Reading
{
	DbmigComparison *comparison;
	List	   *schemas;
	const DbmigText *from_text; /* NULL: it is no text */
	const DbmigText *to_text;
	bool		is_from;		/* build the source that is led from? */
	DbmigKeeping *from;			/* where it is kept; NULL: it is no text */
	DbmigKeeping *to;
	List	   *questions;		/* what looked different */
	List	   *times;			/* present ones, once they are asked for */
	bool		from_has_times; /* are there such in it? */
	bool		to_has_times;
} Reading;

/* Where answers to what only looks different are kept; NULL: nowhere. */
static DbmigKeeping *
notes(const Reading *reading)
{
	return reading->to ? reading->to : reading->from;
}

/*
 * Settle what only looks different.  Without a sandbox this returns false,
 * unless it is all known from before.
 */
static bool
settle(DbmigSandbox *sandbox, Reading *reading)
{
	DbmigComparison *comparison = reading->comparison;
	DbmigKeeping *kept = notes(reading);

	reading->questions = dbmig_spelling_questions(comparison->from, comparison->to,
												  kept == reading->to);
	if (dbmig_spelling_answer(kept ? kept->row : NULL, reading->questions))
		return true;
	if (sandbox == NULL)
		return false;
	dbmig_settle_spellings(sandbox, comparison->from, comparison->to,
						   reading->schemas);
	if (kept && kept->row)
	{
		dbmig_spelling_note(kept->row, reading->questions);
		kept->changed = true;
	}
	return true;
}

/* Does a text name times, that constants are then made of? */
static bool
names_time(const DbmigText *text)
{
	ListCell   *lc;

	foreach(lc, text ? text->scripts : NIL)
	{
		CHECK_FOR_INTERRUPTS();
		if (dbmig_names_time(lfirst(lc)))
			return true;
	}
	return false;
}

/*
 * Build one source and read it; when the other one is read already, settle what
 * only looks different.
 */
static void
read_source(DbmigSandbox *sandbox, void *arg)
{
	Reading    *reading = arg;
	DbmigComparison *comparison = reading->comparison;
	DbmigInventory *inventory;
	bool		has_times = false;

	build(sandbox, comparison, reading->is_from);
	inventory = read_sandbox(sandbox, reading->schemas);
	if (names_time(reading->is_from ? reading->from_text : reading->to_text))
	{
		if (reading->times == NIL)
			reading->times = dbmig_present_times();
		has_times = dbmig_has_times(inventory, reading->times);
	}
	if (dbmig_sandbox_is_steady(sandbox) && !has_times)
		dbmig_keep_inventory(reading->is_from ? reading->from : reading->to,
							 inventory);
	if (reading->is_from)
		reading->from_has_times = has_times;
	else
		reading->to_has_times = has_times;
	if (reading->is_from)
		comparison->from = inventory;
	else
		comparison->to = inventory;
	if (comparison->from == NULL || comparison->to == NULL)
		return;
	reconcile(comparison, reading->schemas);
	if (reading->to_has_times)
		dbmig_settle_times(comparison->to, comparison->from, reading->times);
	if (reading->from_has_times)
		dbmig_settle_times(comparison->from, comparison->to, reading->times);
	(void) settle(sandbox, reading);
}

/* Settle what only looks different, of two sources that needed no sandbox. */
static void
settle_complete(DbmigSandbox *sandbox, void *arg)
{
	Reading    *reading = arg;
	const DbmigComparison *comparison = reading->comparison;

	if (reading->to)
		build(sandbox, comparison, false);
	else if (reading->from)
		build(sandbox, comparison, true);
	else
		build_inventory(sandbox, comparison->to);
	(void) settle(sandbox, reading);
}

/* Keep of an inventory what is in these schemas, or in none; NIL: all. */
static DbmigInventory *
select_schemas(DbmigInventory *inventory, List *schemas)
{
	List	   *names = NIL;
	ListCell   *lc;
	int			n = 0;

	if (schemas == NIL)
		return inventory;
	foreach(lc, schemas)
		names = lappend(names,
						makeString(unconstify(char *, quote_identifier(strVal(lfirst(lc))))));
	for (int i = 0; i < inventory->n; i++)
	{
		const DbmigFact *root = dbmig_fact_root(inventory->facts[i]);

		if (root->kind != &dbmig_kind_schema ||
			list_member(names, makeString(root->id)))
			inventory->facts[n++] = inventory->facts[i];
	}
	inventory->n = n;
	return inventory;
}

/* Read a source that is no text; NULL if it is one. */
static DbmigInventory *
read_complete(const char *project, const char *source, List *managed, List *schemas)
{
	if (is_live(source))
		return dbmig_inventory_read(managed);
	if (is_snapshot(source))
		return select_schemas(dbmig_snapshot_inventory(project,
													   source + strlen(snapshot_prefix)),
							  schemas);
	return NULL;
}

/* A pattern that an option or else a setting gives; NULL: none. */
static const char *
pattern_or_setting(const char *pattern, const char *setting)
{
	if (pattern == NULL)
		pattern = setting;
	return pattern && *pattern ? pattern : NULL;
}

/* What options and settings together leave of a comparison. */
DbmigFilter
dbmig_compare_filter(const DbmigCompareOptions *options)
{
	DbmigFilter filter;

	filter.kinds = options->kinds;
	filter.include = pattern_or_setting(options->include, dbmig_include);
	filter.exclude = pattern_or_setting(options->exclude, dbmig_exclude);
	return filter;
}

/* Raise an error unless these options can be met. */
static void
check_options(const DbmigCompareOptions *options)
{
	ListCell   *lc;

	dbmig_check_schemas(options->schemas);
	foreach(lc, options->kinds)
	{
		if (!dbmig_is_kind(strVal(lfirst(lc))))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no kind of objects \"%s\"", strVal(lfirst(lc))),
					errdetail("Kinds are: %s.", dbmig_kind_names()));
	}
}

/*
 * Read what is kept of a text; NULL if nothing is.  *keeping becomes where it is
 * kept, if all schemas are meant.
 */
static DbmigInventory *
read_kept(const char *project, const DbmigText *text, List *managed, List *schemas,
		  DbmigKeeping **keeping)
{
	if (schemas != NIL)
		return NULL;
	*keeping = dbmig_keeping(project, text, managed);
	return (*keeping)->row ?
		dbmig_inventory_from_jsonb((*keeping)->row->inventory) : NULL;
}

/* The same facts, in a list of its own. */
static DbmigInventory *
copy_inventory(const DbmigInventory *inventory)
{
	DbmigInventory *copy = palloc(sizeof(DbmigInventory));

	*copy = *inventory;
	copy->facts = palloc(sizeof(DbmigFact *) * (inventory->n + 1));
	memcpy(copy->facts, inventory->facts, sizeof(DbmigFact *) * inventory->n);
	return copy;
}

/*
 * Find what is renamed, by argument or by a comment in the model, and rename
 * it.  whole is the old side before anything was left out.
 */
static void
rename_objects(DbmigComparison *comparison, const DbmigInventory *whole, List *managed)
{
	const DbmigCompareOptions *options = &comparison->options;
	List	   *requests = dbmig_rename_requests(options->renames, comparison->from);
	bool		is_from = is_model(comparison->from_name);

	if (is_from != is_model(comparison->to_name))
		requests = list_concat(requests,
							   dbmig_model_renames(dbmig_model_ddl(comparison->project),
												   is_from ? comparison->from :
												   comparison->to, is_from));
	if (requests)
		dbmig_rename_old_side(comparison, whole, managed, options->schemas, requests);
}

/*
 * Read two schemas, as far as options and settings say.  No options: as the
 * settings say.
 */
DbmigComparison *
dbmig_compare(const char *project, const char *from, const char *to,
			  const DbmigCompareOptions *options)
{
	static const DbmigCompareOptions none = {0};
	DbmigComparison *comparison = palloc0(sizeof(DbmigComparison));
	List	   *managed;
	Reading		reading = {.comparison = comparison,.is_from = true};
	DbmigText  *from_text = NULL;
	DbmigText  *to_text = NULL;
	DbmigInventory *whole = NULL;
	DbmigFilter filter;

	if (options == NULL)
		options = &none;
	reading.schemas = options->schemas;
	managed = dbmig_managed_schemas(options->schemas);
	filter = dbmig_compare_filter(options);
	check_source(from);
	check_source(to);
	check_options(options);
	comparison->project = project;
	comparison->from_name = from;
	comparison->to_name = to;
	comparison->options = *options;
	comparison->deployer = deployer_of(project);

	/* what needs no sandbox first, since the sandbox settles what differs */
	comparison->from = read_complete(project, from, managed, options->schemas);
	comparison->to = read_complete(project, to, managed, options->schemas);
	if (comparison->from)
		whole = copy_inventory(comparison->from);
	if (comparison->from == NULL)
		from_text = source_text(project, from, comparison->deployer);
	if (comparison->to == NULL)
		to_text = source_text(project, to, comparison->deployer);
	reading.from_text = from_text;
	reading.to_text = to_text;
	comparison->from_stated = settle_stated(from_text, from, to_text, to,
											options->schemas);
	comparison->to_stated = settle_stated(to_text, to, from_text, from,
										  options->schemas);
	if (from_text)
		comparison->from = read_kept(project, from_text, managed, options->schemas,
									 &reading.from);
	if (to_text)
		comparison->to = read_kept(project, to_text, managed, options->schemas,
								   &reading.to);
	if (comparison->from && comparison->to)
	{
		reconcile(comparison, options->schemas);
		if (!settle(NULL, &reading))
			dbmig_in_sandbox(managed, settle_complete, &reading);
	}
	if (comparison->from == NULL)
		dbmig_in_sandbox(managed, read_source, &reading);
	reading.is_from = false;
	if (comparison->to == NULL)
		dbmig_in_sandbox(managed, read_source, &reading);

	/* what is kept is what was read; writing it takes memory that is free now */
	dbmig_spelling_swap(reading.questions);
	dbmig_keep(reading.from, managed);
	dbmig_keep(reading.to, managed);
	dbmig_spelling_swap(reading.questions);
	if (is_text(from))
		assign_to_deployer(comparison->from, comparison, from, NULL);
	if (is_text(to))
		assign_to_deployer(comparison->to, comparison, to, NULL);
	rename_objects(comparison, whole ? whole : comparison->from, managed);
	dbmig_filter_inventories(comparison->from, &comparison->to, &filter);
	return comparison;
}

/* What leads to the schema in between, and what it turns out to be. */
typedef struct Between
{
	const DbmigComparison *comparison;
	List	   *changes;		/* DbmigChange */
	DbmigInventory *inventory;
} Between;

static void
append_statement(StringInfo text, const char *statement)
{
	appendStringInfo(text, "%s;\n", statement);
}

/* Statements that build an inventory where there is nothing. */
static char *
build_text(const DbmigInventory *inventory)
{
	DbmigInventory nothing = {0};
	DbmigDiff  *diff = dbmig_diff(&nothing, inventory, quoted_role());
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	append_statement(&text, "SET check_function_bodies = off");
	foreach(lc, diff->actions)
		append_statement(&text, ((const DbmigAction *) lfirst(lc))->statement);
	return text.data;
}

/* Build what is led from, and lead some way to the other one. */
static void
read_between(DbmigSandbox *sandbox, void *arg)
{
	Between    *between = arg;
	const DbmigComparison *comparison = between->comparison;
	List	   *schemas = comparison->options.schemas;
	StringInfoData text;
	ListCell   *lc;

	/* the text of a complete source is written here, and nothing to look at */
	build(sandbox, comparison, true);
	if (is_complete(comparison->from_name))
		dbmig_sandbox_run(sandbox, comparison->project, NULL, comparison->from_name,
						  build_text(comparison->from), GetUserId());

	initStringInfo(&text);
	foreach(lc, between->changes)
	{
		const DbmigChange *change = lfirst(lc);

		/* a complete source has been renamed already */
		if (change->statement &&
			!(is_complete(comparison->from_name) &&
			  strcmp(change->change, "rename") == 0))
			append_statement(&text, change->statement);
	}
	dbmig_sandbox_run(sandbox, comparison->project, NULL, "autogenerate",
					  text.data, GetUserId());
	between->inventory = read_sandbox(sandbox, schemas);
	if (is_text(comparison->from_name))
		assign_to_deployer(between->inventory, comparison,
						   comparison->from_name, quoted_role());
	dbmig_settle_spellings(sandbox, between->inventory, comparison->to, schemas);
	dbmig_settle_spellings(sandbox, between->inventory, comparison->from, schemas);
}

/*
 * What the schema that is led from becomes by the first of the changes that
 * lead to the other.
 */
DbmigInventory *
dbmig_comparison_between(const DbmigComparison *comparison, List *changes)
{
	Between		between = {comparison, changes, NULL};
	DbmigFilter filter = dbmig_compare_filter(&comparison->options);

	dbmig_in_sandbox(dbmig_managed_schemas(comparison->options.schemas),
					 read_between, &between);
	dbmig_filter_inventories(comparison->from, &between.inventory, &filter);
	return between.inventory;
}

static DbmigChange *
make_change(const char *change, const char *kind, const char *id,
			const char *statement, const char *hazard)
{
	DbmigChange *row = palloc(sizeof(DbmigChange));

	row->change = change;
	row->kind = kind;
	row->id = id;
	row->statement = statement;
	row->hazard = hazard;
	row->whole = id;
	row->unit = 0;
	row->transactional = true;
	return row;
}

/* Say of each object that no kind stands for where it is. */
static List *
unmanaged_changes(List *changes, const DbmigInventory *from, const DbmigInventory *to)
{
	int			i = 0;
	int			k = 0;

	while (i < list_length(from->unmanaged) || k < list_length(to->unmanaged))
	{
		const DbmigUnmanaged *a = i < list_length(from->unmanaged) ?
			list_nth(from->unmanaged, i) : NULL;
		const DbmigUnmanaged *b = k < list_length(to->unmanaged) ?
			list_nth(to->unmanaged, k) : NULL;
		int			order = a == NULL ? 1 : b == NULL ? -1 : compare_unmanaged(a, b);
		const DbmigUnmanaged *object = order <= 0 ? a : b;

		CHECK_FOR_INTERRUPTS();
		changes = lappend(changes,
						  make_change("not managed", object->kind, object->id, NULL,
									  order < 0 ? "only in the old schema; drop it by hand if need be" :
									  order > 0 ? "only in the new schema; create it by hand" :
									  "in both schemas, where it may differ; it is not compared"));
		if (order <= 0)
			i++;
		if (order >= 0)
			k++;
	}
	return changes;
}

static DbmigChange *
action_change(const DbmigAction *action)
{
	DbmigChange *row = make_change(action->change, action->fact->kind->name,
								   action->fact->id, action->statement,
								   action->hazard);

	row->whole = dbmig_fact_whole(action->fact)->id;
	row->unit = action->unit;
	row->transactional = action->transactional;
	return row;
}

/* What a unit begins with whose functions may name what comes after them. */
static DbmigChange *
unchecked_bodies(int unit)
{
	DbmigChange *row = make_change("set", "setting", "check_function_bodies",
								   "SET check_function_bodies = off", NULL);

	row->unit = unit;
	return row;
}

/* The statements that rename, or that take it back, as a list of DbmigChange. */
static List *
rename_changes(const DbmigComparison *comparison, bool backward)
{
	List	   *changes = NIL;
	ListCell   *lc;

	foreach(lc, comparison->rename_steps)
	{
		const DbmigRenameStep *step = lfirst(lc);
		DbmigChange *change = make_change("rename", step->kind->name, step->id,
										  backward ? step->backward : step->forward,
										  NULL);

		changes = backward ? lcons(change, changes) : lappend(changes, change);
	}
	return changes;
}

/*
 * What leads from one schema to the other, or back: a list of DbmigChange in
 * the order in which the statements run.  Behind them stands what is not
 * managed.  The way back takes a single unit, unless concurrent forms are asked
 * for.
 */
List *
dbmig_comparison_changes(const DbmigComparison *comparison, bool backward)
{
	const DbmigInventory *from = backward ? comparison->to : comparison->from;
	const DbmigInventory *to = backward ? comparison->from : comparison->to;
	DbmigUnits	units = comparison->options.concurrently ? DBMIG_CONCURRENTLY :
		backward || comparison->options.in_one ? DBMIG_ONE_UNIT : DBMIG_UNITS;
	const char *role = comparison->options.in_script ?
		quote_identifier(comparison->deployer) : quoted_role();
	DbmigDiff  *diff = dbmig_diff_in_units(from, to, role, units);
	Bitmapset  *makers = NULL;	/* units that make functions */
	List	   *changes = NIL;
	int			unit = -1;
	ListCell   *lc;

	if (!backward)
	{
		dbmig_note_likely_renames(diff);
		changes = rename_changes(comparison, false);
	}
	foreach(lc, diff->actions)
	{
		const DbmigAction *action = lfirst(lc);

		if (action->fact->kind == &dbmig_kind_routine &&
			strcmp(action->change, "drop") != 0)
			makers = bms_add_member(makers, action->unit);
	}
	foreach(lc, diff->actions)
	{
		const DbmigAction *action = lfirst(lc);

		if (action->unit != unit && bms_is_member(action->unit, makers))
			changes = lappend(changes, unchecked_bodies(action->unit));
		unit = action->unit;
		changes = lappend(changes, action_change(action));
	}
	if (backward)
	{
		const DbmigAction *last = diff->actions ? llast(diff->actions) : NULL;
		List	   *renames = rename_changes(comparison, true);

		foreach(lc, last ? renames : NIL)
		{
			DbmigChange *change = lfirst(lc);

			change->unit = last->unit;
			change->transactional = last->transactional;
		}
		changes = list_concat(changes, renames);
	}
	return unmanaged_changes(changes, from, to);
}

/* Is there a statement among the changes? */
bool
dbmig_has_changes(const List *changes)
{
	ListCell   *lc;

	foreach(lc, changes)
	{
		if (((const DbmigChange *) lfirst(lc))->statement)
			return true;
	}
	return false;
}
