/*-------------------------------------------------------------------------
 *
 * registry.c
 *		dbm_register, dbm_unregister and dbm_adopt: scripts in the catalog.
 *
 * The project lock is taken first, so that no script changes between the
 * moment a run looks at its author and the moment it reads its text.
 *
 * A registered script is checked by itself: its name, its header, its syntax.
 * Whether it fits the others is found when the project is loaded, because
 * files may be registered in any order.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "base/session.h"
#include "commands/commands.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(dbmig_register);
PG_FUNCTION_INFO_V1(dbmig_unregister);
PG_FUNCTION_INFO_V1(dbmig_adopt);

static bool
is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n\f\v")] == '\0';
}

/*
 * Are a script and the applied revision of its name two shapes of the same
 * history, of which one replaces the other?
 */
static bool
is_other_shape(const char *project, const DbmigApplied *state,
			   const DbmigScript *script)
{
	const DbmigHeader *header = script->header;
	const char *parent = strcmp(script->to, state->revision) == 0 ?
		script->from : script->to;
	char	   *text;

	if (header->nreplaces > 0)
		return state->ndown > 0 &&
			dbmig_names_include(header->replaces, header->nreplaces, state->down[0]);
	text = dbmig_applied_script(project, state->revision, true, NULL);
	if (text == NULL)
		return false;
	header = dbmig_header_parse(text, script->file_name);
	return dbmig_names_include(header->replaces, header->nreplaces, parent);
}

/*
 * Check a script of an applied revision.  Another place in the graph would make
 * the project unreadable, so even force does not help.  Another content is
 * refused because what ran would no longer be what is shown, or what is undone.
 */
static void
check_applied(const char *project, char *revision, DbmigScript *script,
			  const char *checksum, bool force)
{
	bool		upgrade = strcmp(revision, script->to) == 0;
	DbmigRevision place = {
		.id = revision,
		.upgrade = upgrade ? script : NULL,
		.downgrade = upgrade ? NULL : script,
		.state = dbmig_applied_find(project, revision)
	};
	char	   *known;

	if (place.state == NULL || is_other_shape(project, place.state, script))
		return;
	dbmig_check_revision(project, &place);
	if (force)
		return;
	known = dbmig_registered_script(project, script->from, script->to);
	if (known == NULL)
		known = dbmig_applied_script(project, revision, upgrade, NULL);
	/* a script that was missing changes nothing that is known */
	if (known == NULL ||
		strcmp(dbmig_script_checksum(known, script->file_name), checksum) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_IN_USE),
			errmsg("revision \"%s\" of project \"%s\" is applied",
				   revision, project),
			errdetail("Script \"%s\" differs from the one known when it was applied.",
					  script->file_name),
			errhint("Write a new revision, or register this one with force => true."));
}

/*
 * Register a script, under the project lock, which is kept.  Returns its
 * revision.
 */
char *
dbmig_register_script(char *file_name, const char *text, bool force)
{
	DbmigScript script = {0};
	DbmigRegistered row = {0};
	char	   *project;
	char	   *clean;
	char	   *old;
	char	   *revision;

	dbmig_file_name_parse(file_name, &project, &script.from, &script.to);
	dbmig_check_project(project);
	if (is_blank(text + dbmig_mark_length(text)))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("script \"%s\" is empty", file_name));

	script.file_name = file_name;
	script.header = dbmig_header_parse(text, file_name);
	if (script.header->revision &&
		strcmp(script.header->revision, script.from) != 0 &&
		strcmp(script.header->revision, script.to) != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				errmsg("header of script file \"%s\" contradicts its name", file_name),
				errdetail("Its Revision ID is \"%s\", which is neither \"%s\" nor \"%s\".",
						  script.header->revision, script.from, script.to));
	(void) dbmig_script_parse(text, file_name, &clean);

	row.from = script.from;
	row.to = script.to;
	row.checksum = dbmig_script_checksum(text, file_name);
	row.author = dbmig_current_role();

	dbmig_lock_project(project);
	if (script.header->revision == NULL)
		dbmig_assign_revisions(project,
							   lappend(dbmig_store_list(project), &script));
	revision = script.header->revision ? script.header->revision : script.revision;
	check_applied(project, revision, &script, row.checksum, force);

	/* the same again has no effect, the author included */
	old = dbmig_registered_script(project, script.from, script.to);
	if (old == NULL || strcmp(old, text) != 0)
		dbmig_registered_put(project, &row, text);
	return revision;
}

/* dbm_register(file_name, script, force) */
Datum
dbmig_register(PG_FUNCTION_ARGS)
{
	char	   *file_name = dbmig_text_argument(fcinfo, 0, "file name");
	char	   *text = dbmig_text_argument(fcinfo, 1, "script");
	bool		force = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);

	PreventCommandIfReadOnly("dbm_register()");
	PG_RETURN_TEXT_P(cstring_to_text(dbmig_register_script(file_name, text, force)));
}

/*
 * The registered scripts of a revision, by its identifier or a unique prefix,
 * which is replaced by the identifier.  Looks at names and headers only, so
 * that a script that spoils the graph can be removed.
 */
static List *
find_registered(const char *project, char **revision)
{
	List	   *exact = NIL;
	List	   *begins = NIL;
	List	   *scripts = dbmig_store_list(project);
	const char *found = NULL;
	ListCell   *lc;

	dbmig_assign_revisions(project, scripts);
	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);
		const char *id = script->revision;

		CHECK_FOR_INTERRUPTS();
		if (script->directory)
			continue;
		if (strcmp(id, *revision) == 0)
			exact = lappend(exact, script);
		else if (strlen(*revision) >= 4 &&
				 strncmp(id, *revision, strlen(*revision)) == 0)
		{
			if (found && strcmp(found, id) != 0)
				ereport(ERROR,
						errcode(ERRCODE_AMBIGUOUS_ALIAS),
						errmsg("revision identifier \"%s\" is ambiguous", *revision),
						errdetail("It could be \"%s\" or \"%s\".", found, id));
			found = id;
			begins = lappend(begins, script);
		}
	}
	if (exact != NIL)
		return exact;
	if (found)
		*revision = pstrdup(found);
	return begins;
}

static void
not_registered(const char *project, const char *revision)
{
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("project \"%s\" has no registered script of revision \"%s\"",
				   project, revision));
}

/* Those scripts that an applied revision does not need, having another shape. */
static List *
other_shape(const char *project, const DbmigApplied *applied, List *scripts)
{
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);

		(void) dbmig_script_header(project, script);
		if (is_other_shape(project, applied, script))
			others = lappend(others, script);
	}
	return others;
}

/* dbm_unregister(revision, project) */
Datum
dbmig_unregister(PG_FUNCTION_ARGS)
{
	char	   *revision = dbmig_text_argument(fcinfo, 0, "revision");
	const char *project = dbmig_project_argument(fcinfo, 1);
	List	   *scripts;
	DbmigApplied *applied;
	ListCell   *lc;

	PreventCommandIfReadOnly("dbm_unregister()");
	dbmig_lock_project(project);
	scripts = find_registered(project, &revision);
	if (scripts == NIL)
		not_registered(project, revision);
	applied = dbmig_applied_find(project, revision);
	if (applied)
		scripts = other_shape(project, applied, scripts);
	if (scripts == NIL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("revision \"%s\" of project \"%s\" is applied",
					   revision, project),
				errhint("Downgrade below it first."));
	foreach(lc, scripts)
	{
		const DbmigScript *script = lfirst(lc);

		dbmig_registered_delete(project, script->from, script->to);
	}
	PG_RETURN_VOID();
}

/* dbm_adopt(revision, project) */
Datum
dbmig_adopt(PG_FUNCTION_ARGS)
{
	char	   *revision = dbmig_text_argument(fcinfo, 0, "revision");
	const char *project = dbmig_project_argument(fcinfo, 1);
	List	   *scripts;
	DbmigApplied *applied;
	ListCell   *lc;

	PreventCommandIfReadOnly("dbm_adopt()");
	dbmig_lock_project(project);
	scripts = find_registered(project, &revision);
	applied = dbmig_applied_find(project, revision);
	if (scripts == NIL &&
		(applied == NULL ||
		 (applied->upgrade_author == NULL && applied->downgrade_author == NULL)))
		not_registered(project, revision);
	foreach(lc, scripts)
	{
		const DbmigScript *script = lfirst(lc);

		dbmig_registered_set_author(project, script->from, script->to,
									dbmig_current_role());
	}
	if (applied)
		dbmig_applied_set_author(project, revision, dbmig_current_role());
	PG_RETURN_VOID();
}
