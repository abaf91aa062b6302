/*-------------------------------------------------------------------------
 *
 * author.c
 *		Makes new revisions.
 *
 * The project lock comes first and the project is read after it, so two
 * sessions that make a revision at once do so one after the other, and the
 * second sees what the first has made.  Everything about the revision is
 * checked, its scripts composed and parsed, before any of it is stored.
 *
 * Where databrain_migrate.versions_path is set, scripts become files there,
 * by who may have the server write files; otherwise they are registered, with
 * the caller as their author.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "base/session.h"
#include "base/settings.h"
#include "catalog/pg_authid.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define RANDOM_BYTES 6			/* of an identifier, two digits each */

/* What stands where a script has no statements yet. */
#define UPGRADE_REMARK "-- Put the statements that upgrade here."
#define DOWNGRADE_REMARK "-- Put the statements that undo them here."
#define MERGE_REMARK "-- Nothing to do: a merge only joins its parents."

/* The directory that scripts are to be written to; NULL: they are registered */
static char *
target_directory(void)
{
	char	   *directory;

	if (dbmig_versions_path == NULL || *dbmig_versions_path == '\0')
		return NULL;
	directory = pstrdup(dbmig_versions_path);
	canonicalize_path(directory);
	return directory;
}

/* Raise an error if the caller may not write where scripts go. */
static void
check_may_write(void)
{
	char	   *directory = target_directory();

	if (directory == NULL ||
		has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("permission denied to write scripts into directory \"%s\"",
				   directory),
			errdetail("Only roles with privileges of the \"%s\" role may have the server write files.",
					  "pg_write_server_files"),
			errhint("Where databrain_migrate.versions_path is empty, revisions are written into the catalog."));
}

/*
 * The template of a project.  Scripts made from it will run with the caller's
 * rights, so who set it must have them already.
 */
static const char *
usable_template(const char *project)
{
	char	   *author;
	char	   *template = dbmig_template_text(project, &author);

	if (template == NULL)
		return dbmig_default_template;
	if (dbmig_may_run_text_of(author))
		return template;
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("template of project \"%s\" was written by another role",
				   project),
			dbmig_author_detail(author, "set"),
			errhint("Read it with dbm_template() and set it again with dbm_set_template()."));
}

/*
 * Lock a project to write a revision of it.  Returns the template for its
 * scripts.
 */
const char *
dbmig_begin_draft(const char *project)
{
	check_may_write();
	dbmig_lock_project(project);
	return usable_template(project);
}

/* An identifier that no revision and no label has yet. */
static char *
random_identifier(const DbmigGraph *graph)
{
	uint8		bytes[RANDOM_BYTES];
	char		hex[RANDOM_BYTES * 2 + 1];

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (!pg_strong_random(bytes, sizeof(bytes)))
			ereport(ERROR,
					errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("could not generate random values"));
		hex[hex_encode((const char *) bytes, sizeof(bytes), hex)] = '\0';
	} while (!dbmig_name_is_free(graph, hex));
	return pstrdup(hex);
}

/* "merge a, b and c" */
static char *
merge_message(char **names, int count)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, "merge ");
	for (int i = 0; i < count; i++)
		appendStringInfo(&text, "%s%s",
						 i == 0 ? "" : i < count - 1 ? ", " : " and ", names[i]);
	return text.data;
}

/* The revision's place in the graph, checked. */
static void
set_parents(DbmigHeader *header, const DbmigProject *project,
			const DbmigDraft *draft)
{
	const DbmigGraph *graph = project->graph;
	int		   *parents = dbmig_resolve_parents(graph, project->applied,
												draft->parents, draft->splice,
												&header->ndown);

	if (draft->merge && header->ndown < 2)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a merge needs at least two revisions"),
				header->ndown == 1 ?
				errdetail("\"%s\" stands for revision \"%s\" alone.",
						  draft->parents, graph->nodes[parents[0]].id) :
				errdetail("\"%s\" stands for no revision.", draft->parents));
	header->has_revises = true;
	header->down = palloc(sizeof(char *) * (header->ndown + 1));
	for (int i = 0; i < header->ndown; i++)
		header->down[i] = pstrdup(graph->nodes[parents[i]].id);
}

/* The revision's names, checked. */
static void
set_names(DbmigHeader *header, const DbmigGraph *graph, const DbmigDraft *draft)
{
	if (draft->revision)
		dbmig_check_new_name(graph, draft->revision, "revision identifier");
	header->revision = draft->revision ? draft->revision :
		random_identifier(graph);

	if (draft->label == NULL)
		return;
	dbmig_check_new_name(graph, draft->label, "branch label");
	if (strcmp(draft->label, header->revision) == 0)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("branch label \"%s\" is the identifier of the revision itself",
					   draft->label),
				errdetail("Identifiers and branch labels must differ from each other."));
	header->nlabels = 1;
	header->labels = palloc(sizeof(char *));
	header->labels[0] = draft->label;
}

/* The scripts of one revision, upgrade first; downgrade may be NULL. */
static List *
compose_revision(List *files, const char *template, const char *project,
				 DbmigHeader *header, const char *upgrade, bool transactional,
				 const char *downgrade, bool returns_transactional)
{
	const char *author = dbmig_current_role();

	header->transactional = transactional;
	files = lappend(files,
					dbmig_compose_script(template, project, author, header, true,
										 upgrade));
	header->transactional = returns_transactional;
	if (downgrade)
		files = lappend(files,
						dbmig_compose_script(template, project, author, header,
											 false, downgrade));
	return files;
}

/* The revisions that a revision of this header will stand on, as a target. */
static char *
foundation(const DbmigHeader *header)
{
	char	   *parents = dbmig_join_names(header->down, header->ndown, ",");

	if (header->ndeps == 0)
		return parents;
	return psprintf("%s%s%s", parents, header->ndown > 0 ? "," : "",
					dbmig_join_names(header->deps, header->ndeps, ","));
}

/*
 * Compose the scripts of generated revisions, each the parent of the next one.
 * What others refer to stands where they look for it: the label and the
 * dependencies with the first, a given identifier with the last.
 */
static List *
compose_generated(const char *template, const DbmigProject *project,
				  const DbmigHeader *given, const DbmigDraft *draft)
{
	List	   *revisions = dbmig_autogenerate(project->name, draft->compare_with,
											   foundation(given), draft->compare);
	DbmigHeader header = *given;
	List	   *files = NIL;
	int			count = list_length(revisions);
	ListCell   *lc;

	foreach(lc, revisions)
	{
		const DbmigGenerated *generated = lfirst(lc);
		int			number = foreach_current_index(lc) + 1;

		if (count > 1)
			header.message = psprintf("%s (%d of %d)", given->message, number, count);
		if (number > 1)
		{
			header.ndown = 1;
			header.down = palloc(sizeof(char *));
			header.down[0] = header.revision;
			header.nlabels = header.ndeps = 0;
		}
		header.revision = number == count ? given->revision :
			random_identifier(project->graph);
		files = compose_revision(files, template, draft->project, &header,
								 generated->upgrade, generated->transactional,
								 generated->downgrade,
								 generated->returns_transactional);
	}
	return files;
}

/*
 * Check a new revision and compose its scripts, upgrade first.  Returns a list
 * of DbmigFile in the current memory context, for dbmig_store_files(); until
 * then nothing has changed, but that the project is locked.  Where statements
 * are to be generated, the list holds the scripts of as many revisions as that
 * takes, or of none.
 */
List *
dbmig_draft_files(const DbmigDraft *draft)
{
	DbmigHeader *header = palloc0(sizeof(DbmigHeader));
	const char *template;
	DbmigProject *project;
	const char *upgrade = draft->upgrade;
	const char *downgrade = draft->downgrade;

	template = dbmig_begin_draft(draft->project);
	project = dbmig_project_load_or_begin(draft->project, NULL);

	set_parents(header, project, draft);
	set_names(header, project->graph, draft);
	header->ndeps = draft->ndeps;
	header->deps = dbmig_resolve_dependencies(project->graph, project->applied,
											  draft->deps, draft->ndeps);
	header->message = draft->message ? draft->message :
		merge_message(header->down, header->ndown);
	header->has_create_date = true;
	header->create_date = GetCurrentTimestamp();

	if (draft->compare)
		return compose_generated(template, project, header, draft);
	if (upgrade == NULL)
	{
		upgrade = draft->merge ? MERGE_REMARK : UPGRADE_REMARK;
		if (downgrade == NULL)
			downgrade = draft->merge ? MERGE_REMARK : DOWNGRADE_REMARK;
	}
	if (downgrade == NULL)
		ereport(NOTICE,
				errmsg("revision \"%s\" has no downgrade script",
					   header->revision),
				errdetail("Only upgrade_sql was given."));
	return compose_revision(NIL, template, draft->project, header, upgrade,
							draft->transactional, downgrade, draft->transactional);
}

/*
 * Store what dbmig_draft_files() returned.  Files are written last of all: no
 * rollback would remove them.
 */
void
dbmig_store_files(const char *project, List *files)
{
	char	   *directory = target_directory();
	ListCell   *lc;

	if (directory)
	{
		dbmig_write_files(directory, files);
		return;
	}
	foreach(lc, files)
	{
		const DbmigFile *file = lfirst(lc);
		DbmigRegistered row = {0};

		row.from = file->from;
		row.to = file->to;
		row.checksum = dbmig_script_checksum(file->text, file->file_name);
		row.author = dbmig_current_role();
		dbmig_registered_put(project, &row, file->text);
	}
}
