/*-------------------------------------------------------------------------
 *
 * import.c
 *		dbm_import_alembic: takes over a project that Alembic has run so far.
 *
 * Revisions go through the same checks as by dbm_register, then the project is
 * loaded, which finds what does not fit together, then the state is stamped.
 * Nothing is run, and an error leaves nothing behind.
 *
 * A script that the store has already stays as it is: its header may say what
 * Alembic's text does not tell.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/commands.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(dbmig_import_alembic);

/* Compare revisions by identifier; for list_sort(). */
static int
compare_revisions(const ListCell *a, const ListCell *b)
{
	return strcmp(((const DbmigAlembicRevision *) lfirst(a))->id,
				  ((const DbmigAlembicRevision *) lfirst(b))->id);
}

/* The revisions sorted by identifier; one that comes twice is an error. */
static List *
sort_revisions(const List *revisions, const char *name)
{
	List	   *sorted = list_copy(revisions);
	const DbmigAlembicRevision *previous = NULL;
	ListCell   *lc;

	list_sort(sorted, compare_revisions);
	foreach(lc, sorted)
	{
		const DbmigAlembicRevision *revision = lfirst(lc);

		if (previous && strcmp(previous->id, revision->id) == 0)
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("revision \"%s\" is in \"%s\" twice", revision->id, name),
					errdetail("It begins in line %d and in line %d.",
							  previous->line, revision->line));
		previous = revision;
	}
	return sorted;
}

/*
 * Add to the upgrades the dependencies that only the downgrades tell.  Both
 * lists are sorted, so they are walked side by side.
 */
static void
add_dependencies(List *upgrades, List *downgrades)
{
	int			at = 0;
	ListCell   *lc;

	foreach(lc, downgrades)
	{
		const DbmigAlembicRevision *downgrade = lfirst(lc);
		DbmigAlembicRevision *upgrade;
		ListCell   *dep;

		while (at < list_length(upgrades) &&
			   strcmp(((DbmigAlembicRevision *) list_nth(upgrades, at))->id,
					  downgrade->id) < 0)
			at++;
		if (at == list_length(upgrades))
			return;
		upgrade = list_nth(upgrades, at);
		if (strcmp(upgrade->id, downgrade->id) != 0)
			continue;
		foreach(dep, downgrade->deps)
		{
			bool		known = false;
			ListCell   *other;

			foreach(other, upgrade->deps)
				known |= strcmp(lfirst(other), lfirst(dep)) == 0;
			if (!known)
				upgrade->deps = lappend(upgrade->deps, lfirst(dep));
		}
	}
}

/* The script of this name in a list sorted by name; NULL if there is none. */
static DbmigScript *
find_script(const List *scripts, const char *file_name)
{
	int			low = 0;
	int			high = list_length(scripts);

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		DbmigScript *script = list_nth(scripts, middle);
		int			result = strcmp(script->file_name, file_name);

		if (result == 0)
			return script;
		if (result < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* Does the store's script do what this one does, at the same place? */
static bool
is_same_script(const char *project, DbmigScript *known, const char *text,
			   const DbmigHeader *header)
{
	const DbmigHeader *other = dbmig_script_header(project, known);

	if (strcmp(dbmig_script_checksum(dbmig_script_text(project, known),
									 known->file_name),
			   dbmig_script_checksum(text, known->file_name)) != 0)
		return false;
	if (!other->has_revises)
		return header->ndown <= 1;
	if (other->ndown != header->ndown)
		return false;
	for (int i = 0; i < header->ndown; i++)
	{
		if (strcmp(other->down[i], header->down[i]) != 0)
			return false;
	}
	return true;
}

/* Register one script, unless the store has it. */
static void
register_revision(const char *project, const List *known_scripts,
				  const DbmigAlembicRevision *revision, bool upgrade)
{
	DbmigHeader header = {0};
	DbmigFile  *file;
	DbmigScript *known;
	ListCell   *lc;

	header.message = revision->message;
	header.revision = revision->id;
	header.ndown = revision->ndown;
	header.down = revision->down;
	header.deps = palloc(sizeof(char *) * (list_length(revision->deps) + 1));
	foreach(lc, revision->deps)
		header.deps[header.ndeps++] = lfirst(lc);
	header.transactional = revision->transactional;
	file = dbmig_compose_script(dbmig_default_template, project, "", &header,
								upgrade, revision->body.data);

	known = find_script(known_scripts, file->file_name);
	if (known == NULL)
		(void) dbmig_register_script(file->file_name, file->text, false);
	else if (!is_same_script(project, known, file->text, &header))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("revision \"%s\" exists in project \"%s\" with another script",
					   revision->id, project),
				errdetail("The existing one is %s.", dbmig_script_place(known)));
}

/* Register all scripts of a list. */
static void
register_revisions(const char *project, const List *known_scripts,
				   const List *revisions, bool upgrade)
{
	ListCell   *lc;

	foreach(lc, revisions)
	{
		CHECK_FOR_INTERRUPTS();
		register_revision(project, known_scripts, lfirst(lc), upgrade);
	}
}

/*
 * Stamp what Alembic has recorded in this database.  A project with a state
 * keeps it: the engine may have gone on since an earlier import.  Returns what
 * was stamped, by node.
 */
static bool *
stamp(const DbmigProject *project)
{
	bool	   *state = dbmig_alembic_state(project);
	bool	   *stamped = palloc0(sizeof(bool) * (project->graph->n + 1));
	bool		any = false;
	bool		same = true;

	if (state == NULL)
		return stamped;
	for (int i = 0; i < project->graph->n; i++)
	{
		any |= project->applied[i];
		same &= project->applied[i] == state[i];
	}
	if (same)
		return stamped;
	if (any)
	{
		ereport(NOTICE,
				errmsg("table \"%s\" is ignored, because project \"%s\" has a state already",
					   DBMIG_ALEMBIC_TABLE, project->name));
		return stamped;
	}

	(void) dbmig_run(project->name, DBMIG_RUN_STAMP,
					 dbmig_state_text(project->graph, state),
					 "dbm_import_alembic()");
	return state;
}

/* dbm_import_alembic(upgrade_sql, downgrade_sql, project) */
Datum
dbmig_import_alembic(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *upgrade_sql = dbmig_text_argument(fcinfo, 0, "upgrade_sql");
	const char *name = dbmig_project_argument(fcinfo, 2);
	List	   *upgrades;
	List	   *downgrades = NIL;
	List	   *known_scripts;
	DbmigProject *project;
	bool	   *stamped;
	ListCell   *lc;

	PreventCommandIfReadOnly("dbm_import_alembic()");
	InitMaterializedSRF(fcinfo, 0);

	upgrades = dbmig_alembic_parse(upgrade_sql, "upgrade_sql", true);
	if (!PG_ARGISNULL(1))
		downgrades = dbmig_alembic_parse(text_to_cstring(PG_GETARG_TEXT_PP(1)),
										 "downgrade_sql", false);
	add_dependencies(sort_revisions(upgrades, "upgrade_sql"),
					 sort_revisions(downgrades, "downgrade_sql"));

	dbmig_lock_project(name);
	known_scripts = dbmig_store_list(name);
	register_revisions(name, known_scripts, upgrades, true);
	register_revisions(name, known_scripts, downgrades, false);

	project = dbmig_project_load(name, NULL);
	stamped = stamp(project);

	foreach(lc, upgrades)
	{
		const DbmigAlembicRevision *revision = lfirst(lc);
		int			node = dbmig_graph_lookup(project->graph, revision->id);
		Datum		values[3];
		bool		nulls[3] = {0};

		values[0] = CStringGetTextDatum(revision->id);
		values[1] = CStringGetTextDatum(dbmig_revision_message(dbmig_revision(project,
																			  node)));
		values[2] = BoolGetDatum(stamped[node]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
