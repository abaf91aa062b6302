/*-------------------------------------------------------------------------
 *
 * compose.c
 *		From what a revision is to the texts of its files.
 *
 * A template is a text with placeholders ${name}.  Each is replaced once, so
 * that a value may contain anything; a name that is none of ours is an error.
 * A line all of whose placeholders come out empty is left out, by which the
 * optional lines of a header need no conditions.  The placeholder ${body}
 * stands alone on a line, since a body has as many lines as it likes.
 *
 * A template may be written by anybody and a body may begin with comments, so
 * nothing about a composed text is taken for granted: its header is read again
 * and has to say what was asked for, and its statements have to parse.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define BLANKS " \t\f\v\r\n"

const char	dbmig_default_template[] =
"-- ${message}\n"
"--\n"
"-- Revision ID: ${revision}\n"
"-- Revises: ${down_revision}\n"
"-- Create Date: ${create_date}\n"
"-- Branch Labels: ${branch_labels}\n"
"-- Depends On: ${depends_on}\n"
"-- Replaces: ${replaces}\n"
"-- Transactional: ${transactional}\n"
"\\echo Use \"ALTER EXTENSION ${project} UPDATE TO '${target}'\" to load this file. \\quit\n"
"\n"
"${body}\n";

typedef enum Placeholder
{
	AUTHOR,
	BODY,
	BRANCH_LABELS,
	CREATE_DATE,
	DEPENDS_ON,
	DOWN_REVISION,
	FILE_NAME,
	MESSAGE,
	PROJECT,
	REPLACES,
	REVISION,
	TARGET,
	TRANSACTIONAL,
	PLACEHOLDER_COUNT
} Placeholder;

static const char *const placeholder_names[] = {
	[AUTHOR] = "author",
	[BODY] = "body",
	[BRANCH_LABELS] = "branch_labels",
	[CREATE_DATE] = "create_date",
	[DEPENDS_ON] = "depends_on",
	[DOWN_REVISION] = "down_revision",
	[FILE_NAME] = "file_name",
	[MESSAGE] = "message",
	[PROJECT] = "project",
	[REPLACES] = "replaces",
	[REVISION] = "revision",
	[TARGET] = "target",
	[TRANSACTIONAL] = "transactional",
};

StaticAssertDecl(lengthof(placeholder_names) == PLACEHOLDER_COUNT,
				 "a placeholder has no name");

/* A point in time, to the second, in UTC. */
static char *
format_time(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(time, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				errmsg("timestamp out of range"));
	return psprintf("%04d-%02d-%02d %02d:%02d:%02d+00", tm.tm_year, tm.tm_mon,
					tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/*
 * Which placeholder begins at this "${"?  *end is set to what follows its
 * brace.  Raises an error if there is none of that name.
 */
static Placeholder
read_placeholder(const char *text, const char **end)
{
	const char *name = text + strlen("${");
	size_t		len = strcspn(name, "}\r\n");

	if (name[len] != '}')
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("placeholder in a template is not closed"),
				errdetail("It begins \"${%.*s\".",
						  pg_mbcliplen(name, len, NAMEDATALEN), name));
	*end = name + len + 1;
	for (int i = 0; i < PLACEHOLDER_COUNT; i++)
	{
		if (strlen(placeholder_names[i]) == len &&
			strncmp(name, placeholder_names[i], len) == 0)
			return (Placeholder) i;
	}
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_PARAMETER),
			errmsg("template has an unknown placeholder \"${%.*s}\"",
				   pg_mbcliplen(name, len, NAMEDATALEN), name),
			errhint("Placeholders are %s.",
					dbmig_join_names((char *const *) placeholder_names,
									 PLACEHOLDER_COUNT, ", ")));
}

/* Fill in one line of a template, unless all its placeholders are empty. */
static void
render_line(StringInfo result, const char *line, const char *end,
			const char *const *values)
{
	int			start = result->len;
	bool		any = false;	/* placeholder */
	bool		filled = false;

	while (line < end)
	{
		Placeholder placeholder;

		if (line[0] != '$' || line[1] != '{')
		{
			appendStringInfoChar(result, *line++);
			continue;
		}
		placeholder = read_placeholder(line, &line);
		appendStringInfoString(result, values[placeholder]);
		any = true;
		filled |= values[placeholder][0] != '\0';
	}
	if (any && !filled)
	{
		result->len = start;
		result->data[start] = '\0';
	}
}

/* Fill in a template.  The result ends with a line end. */
static char *
render(const char *template, const char *const *values)
{
	StringInfoData result;
	const char *next;

	initStringInfo(&result);
	for (const char *line = template; *line != '\0'; line = next)
	{
		CHECK_FOR_INTERRUPTS();
		next = dbmig_next_line(line);
		render_line(&result, line, next, values);
	}

	/* neither a body nor its absence leaves blank lines at the end */
	while (result.len > 0 && strchr(BLANKS, result.data[result.len - 1]))
		result.len--;
	result.data[result.len] = '\0';
	appendStringInfoChar(&result, '\n');
	return result.data;
}

/* Only a body may have more than one line. */
static void
check_values(const char *const *values)
{
	for (int i = 0; i < PLACEHOLDER_COUNT; i++)
	{
		if (i != BODY && strpbrk(values[i], "\r\n") != NULL)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s of a revision must not have more than one line",
						   placeholder_names[i]));
	}
}

/* A detail about one line of a header, unless it says what it should. */
static char *
compare_line(const char *key, const char *wanted, const char *found)
{
	if (strcmp(wanted, found) == 0)
		return NULL;
	return psprintf(_("Its %s would be read as \"%s\" instead of \"%s\"."),
					key, found, wanted);
}

/*
 * Does a header say what was wanted?  Returns NULL if so, else a sentence.
 */
static char *
compare_headers(const DbmigHeader *wanted, const DbmigHeader *found)
{
	char	   *detail;

	detail = compare_line(_("message"), wanted->message, found->message);
	if (detail == NULL)
		detail = compare_line("\"Revision ID\"", wanted->revision,
							  found->revision ? found->revision : "");
	if (detail == NULL && !found->has_revises)
		detail = pstrdup(_("It would have no line \"Revises\"."));
	if (detail == NULL)
		detail = compare_line("\"Revises\"",
							  dbmig_join_names(wanted->down, wanted->ndown, ", "),
							  dbmig_join_names(found->down, found->ndown, ", "));
	if (detail == NULL)
		detail = compare_line("\"Branch Labels\"",
							  dbmig_join_names(wanted->labels, wanted->nlabels, ", "),
							  dbmig_join_names(found->labels, found->nlabels, ", "));
	if (detail == NULL)
		detail = compare_line("\"Depends On\"",
							  dbmig_join_names(wanted->deps, wanted->ndeps, ", "),
							  dbmig_join_names(found->deps, found->ndeps, ", "));
	if (detail == NULL)
		detail = compare_line("\"Replaces\"",
							  dbmig_join_names(wanted->replaces, wanted->nreplaces, ", "),
							  dbmig_join_names(found->replaces, found->nreplaces, ", "));
	if (detail == NULL)
		detail = compare_line("\"Transactional\"",
							  wanted->transactional ? "yes" : "no",
							  found->transactional ? "yes" : "no");

	/* a date is for people, and a template may leave it out */
	if (detail == NULL && found->has_create_date)
		detail = compare_line("\"Create Date\"",
							  wanted->has_create_date ? format_time(wanted->create_date) : "",
							  format_time(found->create_date));
	return detail;
}

/*
 * Fill in a template and read the result back.  *detail is set to a sentence
 * that says what is wrong with its header, or to NULL.
 */
static DbmigFile *
compose(const char *template, const char *project, const char *author,
		const DbmigHeader *header, bool upgrade, const char *body,
		char **detail)
{
	DbmigFile  *file = palloc0(sizeof(DbmigFile));
	const char *parent = header->ndown > 0 ? header->down[0] : "base";
	const char *values[PLACEHOLDER_COUNT];
	char	   *clean;

	file->from = pstrdup(upgrade ? parent : header->revision);
	file->to = pstrdup(upgrade ? header->revision : parent);
	file->file_name = dbmig_file_name(project, file->from, file->to);

	values[AUTHOR] = author;
	values[BODY] = body;
	values[BRANCH_LABELS] = dbmig_join_names(header->labels, header->nlabels, ", ");
	values[CREATE_DATE] = header->has_create_date ?
		format_time(header->create_date) : "";
	values[DEPENDS_ON] = dbmig_join_names(header->deps, header->ndeps, ", ");
	values[DOWN_REVISION] = header->ndown > 0 ?
		dbmig_join_names(header->down, header->ndown, ", ") : "base";
	values[FILE_NAME] = file->file_name;
	values[MESSAGE] = header->message;
	values[PROJECT] = quote_identifier(project);
	values[REPLACES] = dbmig_join_names(header->replaces, header->nreplaces, ", ");
	values[REVISION] = header->revision;
	values[TARGET] = file->to;
	values[TRANSACTIONAL] = header->transactional ? "" : "no";
	check_values(values);

	file->text = render(template, values);
	*detail = compare_headers(header,
							  dbmig_header_parse(file->text, file->file_name));
	(void) dbmig_script_parse(file->text, file->file_name, &clean);
	pfree(clean);
	return file;
}

/*
 * The script of one direction of a revision, in the current memory context.
 * The header's revision, message and parents say which; its body is the given
 * one.  Raises an error if the text would not be that script.
 */
DbmigFile *
dbmig_compose_script(const char *template, const char *project,
					 const char *author, const DbmigHeader *header,
					 bool upgrade, const char *body)
{
	char	   *detail;
	DbmigFile  *file = compose(template, project, author, header, upgrade,
							   body, &detail);

	if (detail)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("header of script file \"%s\" would not say what it should",
					   file->file_name),
				errdetail_internal("%s", detail),
				errhint("Look for header lines at the beginning of the script's text, or in the message."));
	return file;
}

/*
 * Raise an error unless ${body} stands on a line of its own, once.
 */
static void
check_body_line(const char *template)
{
	const char *body = strstr(template, "${body}");
	const char *before;
	const char *after;

	if (body == NULL || strstr(body + 1, "${body}") != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("template must have the placeholder \"${body}\" once"));
	before = body;
	while (before > template && strchr(" \t", before[-1]) != NULL)
		before--;
	after = body + strlen("${body}");
	after += strspn(after, " \t");
	if ((before > template && strchr("\r\n", before[-1]) == NULL) ||
		(*after != '\0' && strchr("\r\n", *after) == NULL))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("placeholder \"${body}\" must stand on a line of its own"));
}

/*
 * Raise an error unless scripts can be composed with this template: both ways,
 * of a revision with everything in its header and of one with as little as
 * there can be.
 */
void
dbmig_check_template(const char *template, const char *project)
{
	char	   *down[] = {"1b2c3d4e5f60", "2c3d4e5f6071"};
	char	   *labels[] = {"label"};
	char	   *deps[] = {"3d4e5f607182"};
	DbmigHeader full = {0};
	DbmigHeader least = {0};

	check_body_line(template);

	full.message = "message";
	full.revision = "0a1b2c3d4e5f";
	full.ndown = lengthof(down);
	full.down = down;
	full.nlabels = lengthof(labels);
	full.labels = labels;
	full.ndeps = lengthof(deps);
	full.deps = deps;
	full.has_create_date = true;
	least.message = "message";
	least.revision = full.revision;
	least.transactional = true;

	for (int i = 0; i < 4; i++)
	{
		char	   *detail;

		(void) compose(template, project, "author", i < 2 ? &full : &least,
					   i % 2 == 0, "SELECT 1;", &detail);
		if (detail)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("template does not give scripts the header they need"),
					errdetail_internal("%s", detail),
					errhint("See the default template: it is what dbm_template() shows where none was set."));
	}
}
