/*-------------------------------------------------------------------------
 *
 * squash.c
 *		Makes one revision of a range of revisions.
 *
 * Its two scripts are what leads from the schema that the range begins with to
 * the one that it ends with, and back; both are built in sandboxes, with what
 * the range depends on on either side.  A comparison of schemas knows nothing
 * of rows, nor which old name became which new one: statements of the range that
 * it cannot stand for are listed as comments, for a person to take over.
 *
 * The revision keeps the identifier of the range's end; replaced.c says what
 * that is good for.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "base/session.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A squash under way. */
typedef struct Squash
{
	DbmigProject *project;
	int			first;			/* -1: the range begins at base */
	int			n;
	int		   *nodes;			/* the range, parents first */
	bool	   *is_member;		/* by node */
	List	   *deps;			/* nodes outside that the range depends on */
	int			nlost;			/* statements that a comparison cannot carry */
	int			nunmanaged;		/* objects that it does not manage */
	int			nhazards;		/* dangerous statements of the upgrade script */
} Squash;

static const DbmigNode *
node_of(const Squash *squash, int i)
{
	return &squash->project->graph->nodes[squash->nodes[i]];
}

static char **
append_name(char **names, int *count, const char *name)
{
	names = *count == 0 ? palloc(sizeof(char *)) :
		repalloc(names, sizeof(char *) * (*count + 1));
	names[(*count)++] = pstrdup(name);
	return names;
}

/* What the range depends on becomes what the new revision depends on. */
static void
set_dependencies(Squash *squash, DbmigHeader *header)
{
	for (int i = 0; i < squash->n; i++)
	{
		const DbmigNode *node = node_of(squash, i);

		for (int j = 0; j < node->ndeps; j++)
		{
			CHECK_FOR_INTERRUPTS();
			if (squash->is_member[node->deps[j]] ||
				list_member_int(squash->deps, node->deps[j]))
				continue;
			squash->deps = lappend_int(squash->deps, node->deps[j]);
			header->deps = append_name(header->deps, &header->ndeps, node->dep_ids[j]);
		}
	}
}

/*
 * The header of the new revision.  Labels of the range stay names of a revision
 * by this; what squashed revisions in it replaced is replaced by this one.
 */
static DbmigHeader *
make_header(Squash *squash, const char *message)
{
	DbmigHeader *header = palloc0(sizeof(DbmigHeader));
	const DbmigNode *last = node_of(squash, squash->n - 1);

	header->revision = pstrdup(last->id);
	header->has_revises = true;
	if (squash->first >= 0)
	{
		const DbmigNode *node = &squash->project->graph->nodes[squash->first];

		header->ndown = node->ndown;
		header->down = (char **) node->down_ids;
	}
	for (int i = 0; i < squash->n; i++)
	{
		const DbmigNode *node = node_of(squash, i);

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < node->nlabels; j++)
			header->labels = append_name(header->labels, &header->nlabels,
										 node->labels[j]);
		for (int j = 0; j < node->nreplaces; j++)
			header->replaces = append_name(header->replaces, &header->nreplaces,
										   node->replaces[j]);
		if (node != last)
			header->replaces = append_name(header->replaces, &header->nreplaces,
										   node->id);
	}
	set_dependencies(squash, header);

	header->message = message ? pstrdup(message) :
		psprintf("squash %s to %s", node_of(squash, 0)->id, last->id);
	header->transactional = true;
	header->has_create_date = true;
	header->create_date = GetCurrentTimestamp();
	return header;
}

/* The schema that the range begins with, as a source. */
static char *
source_before(const Squash *squash, const DbmigHeader *header)
{
	StringInfoData text;
	ListCell   *lc;

	if (header->ndown == 0 && squash->deps == NIL)
		return pstrdup("empty");
	initStringInfo(&text);
	appendStringInfoString(&text, "revision:");
	appendStringInfoString(&text,
						   dbmig_join_names(header->down, header->ndown, ","));
	foreach(lc, squash->deps)
		appendStringInfo(&text, "%s%s",
						 header->ndown > 0 || foreach_current_index(lc) ? "," : "",
						 squash->project->graph->nodes[lfirst_int(lc)].id);
	return text.data;
}

/*
 * Write lines as comments.  The mark keeps them from being read as lines of a
 * header, wherever they come to stand.
 */
static void
write_comment(StringInfo text, const char *lines)
{
	while (*lines)
	{
		int			length = strcspn(lines, "\r\n");

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(text, "-- | %.*s\n", length, lines);
		lines += length;
		lines += *lines == '\r' && lines[1] == '\n' ? 2 : *lines != '\0';
	}
}

/* Does a command say how the values of a column come out of the old ones? */
static bool
has_conversion(const AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AlterColumnType &&
			castNode(ColumnDef, command->def)->raw_default)
			return true;
	}
	return false;
}

/*
 * May running this statement do to rows what a comparison of the schemas before
 * and after does not show?
 */
static bool
is_lost(const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
	{
		case T_AlterTableStmt:
			return has_conversion((const AlterTableStmt *) raw->stmt);
		case T_DeclareCursorStmt:
		case T_ConstraintsSetStmt:
			return false;
		case T_TruncateStmt:
		case T_RenameStmt:		/* looks like a removal and an addition */
		case T_AlterObjectSchemaStmt:
		case T_RefreshMatViewStmt:
			return true;
		default:
			return dbmig_may_change_rows(raw);
	}
}

/* List the statements of a revision's script that are lost. */
static void
write_lost(Squash *squash, int node, DbmigDirection direction, StringInfo text)
{
	const DbmigRevision *revision = dbmig_revision(squash->project, node);
	char	   *script = dbmig_revision_script(squash->project, revision, direction);
	char	   *file_name = dbmig_revision_file(squash->project, node, direction);
	char	   *clean;
	ListCell   *lc;

	foreach(lc, dbmig_script_parse(script, file_name, &clean))
	{
		const DbmigStatement *statement = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (!is_lost(statement->raw))
			continue;
		squash->nlost++;
		appendStringInfo(text, "--\n-- Revision %s, %s, line %d:\n",
						 revision->id, file_name, statement->line);
		write_comment(text, pnstrdup(clean + statement->start, statement->length));
	}
}

/* Does the script of a revision run outside of a transaction? */
static bool
runs_outside(const Squash *squash, int node, DbmigDirection direction)
{
	return !dbmig_step_is_transactional(squash->project, node, direction);
}

/* What a person has to look at, behind the statements. */
static void
write_remarks(Squash *squash, DbmigDirection direction, StringInfo text)
{
	StringInfoData lost;
	StringInfoData outside;

	initStringInfo(&lost);
	initStringInfo(&outside);
	for (int i = 0; i < squash->n; i++)
	{
		int			node = squash->nodes[direction == DBMIG_UPGRADE ? i :
										 squash->n - 1 - i];

		if (runs_outside(squash, node, direction))
			appendStringInfo(&outside, "%s%s", outside.len ? ", " : "",
							 squash->project->graph->nodes[node].id);
		write_lost(squash, node, direction, &lost);
	}
	if (outside.len > 0)
		appendStringInfo(text,
						 "\n-- Ran outside of a transaction, but are plain statements here, with stronger\n"
						 "-- locks: what of %s is concurrent work.\n",
						 outside.data);
	if (lost.len > 0)
		appendStringInfo(text,
						 "\n-- Statements of the replaced scripts that may do to rows what a comparison\n"
						 "-- of schemas does not show.  Take over what is needed.\n"
						 "%s", lost.data);
}

/* The statements of one direction, with what there is to say about them. */
static char *
write_body(Squash *squash, const DbmigComparison *comparison,
		   DbmigDirection direction)
{
	List	   *changes = dbmig_comparison_changes(comparison,
												   direction == DBMIG_DOWNGRADE);
	StringInfoData text;
	bool		any = false;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, changes)
	{
		const DbmigChange *change = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (change->hazard)
			write_comment(&text, psprintf("%s %s: %s", change->kind, change->id,
										  change->hazard));
		if (change->statement == NULL)
		{
			squash->nunmanaged += direction == DBMIG_UPGRADE;
			continue;
		}
		if (change->hazard)
			squash->nhazards += direction == DBMIG_UPGRADE;
		appendStringInfo(&text, "%s;\n", change->statement);
		any = true;
	}
	if (!any)
		appendStringInfoString(&text, "-- No difference between the schemas.\n");
	write_remarks(squash, direction, &text);
	return text.data;
}

/* Can every revision of the range be downgraded? */
static bool
has_way_back(const Squash *squash)
{
	for (int i = 0; i < squash->n; i++)
	{
		const DbmigRevision *revision = dbmig_revision(squash->project,
													   squash->nodes[i]);

		if (!dbmig_has_script(revision, DBMIG_DOWNGRADE))
		{
			ereport(NOTICE,
					errmsg("the squashed revision has no downgrade script"),
					errdetail("Revision \"%s\" has none.", revision->id));
			return false;
		}
	}
	return true;
}

/* A range of which an upgrade script is not known cannot be built. */
static void
check_scripts(const Squash *squash)
{
	for (int i = 0; i < squash->n; i++)
		(void) dbmig_step_is_transactional(squash->project, squash->nodes[i],
										   DBMIG_UPGRADE);
}

/* Raise an error if the store has a script of this name already. */
static void
check_new_file(const char *project, const DbmigFile *file)
{
	ListCell   *lc;

	foreach(lc, dbmig_store_list(project))
	{
		const DbmigScript *script = lfirst(lc);

		if (strcmp(script->file_name, file->file_name) == 0)
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("script \"%s\" already exists", file->file_name),
					errdetail("It is %s.", dbmig_script_place(script)));
	}
}

/* Tell the user what to look at. */
static void
warn_of_losses(const Squash *squash)
{
	if (squash->nlost > 0)
		ereport(WARNING,
				errmsg_plural("%d statement of the replaced scripts may do to rows what a comparison of schemas does not show",
							  "%d statements of the replaced scripts may do to rows what a comparison of schemas does not show",
							  squash->nlost, squash->nlost),
				errdetail("The new scripts have them as comments only."),
				errhint("Read the new scripts, and take over what is needed."));
	if (squash->nhazards > 0)
		ereport(WARNING,
				errmsg_plural("%d statement of the new upgrade script is a hazard",
							  "%d statements of the new upgrade script are hazards",
							  squash->nhazards, squash->nhazards),
				errdetail("A comment before each says why."));
	if (squash->nunmanaged > 0)
		ereport(WARNING,
				errmsg_plural("%d object is of a kind that is not compared",
							  "%d objects are of a kind that is not compared",
							  squash->nunmanaged, squash->nunmanaged),
				errdetail("The new scripts have them as comments only."));
}

/*
 * Compose the scripts of one revision that replaces a range.  Returns a list of
 * DbmigFile in the current memory context, for dbmig_store_files(), upgrade
 * first.  message may be NULL.  The project is locked; nothing else has changed.
 */
List *
dbmig_squash_files(const char *name, const char *from, const char *to,
				   const char *message)
{
	const char *template = dbmig_begin_draft(name);
	const char *author = dbmig_current_role();
	Squash		squash = {.project = dbmig_project_load(name, NULL)};
	const DbmigGraph *graph = squash.project->graph;
	DbmigHeader *header;
	DbmigCompareOptions whole = {.include = "",.exclude = "",.in_one = true,.in_script = true};
	DbmigComparison *comparison;
	DbmigFile  *file;
	List	   *files = NIL;

	squash.nodes = dbmig_resolve_squash(graph, squash.project->applied, from, to,
										&squash.first, &squash.n);
	squash.is_member = palloc0(sizeof(bool) * graph->n);
	for (int i = 0; i < squash.n; i++)
		squash.is_member[squash.nodes[i]] = true;
	check_scripts(&squash);
	header = make_header(&squash, message);

	comparison = dbmig_compare(name, source_before(&squash, header),
							   psprintf("revision:%s", header->revision), &whole);
	file = dbmig_compose_script(template, name, author, header, true,
								write_body(&squash, comparison, DBMIG_UPGRADE));
	check_new_file(name, file);
	files = lappend(files, file);
	if (has_way_back(&squash))
		files = lappend(files,
						dbmig_compose_script(template, name, author, header, false,
											 write_body(&squash, comparison,
														DBMIG_DOWNGRADE)));
	warn_of_losses(&squash);
	return files;
}
