/*-------------------------------------------------------------------------
 *
 * filename.c
 *		Names of projects and of script files.
 *
 * A project is named as an extension could be, but more strictly: core keeps
 * names with quotes or a dollar sign out of extension scripts, and a name
 * that is a part of a file name must not lead out of its directory.
 *
 * A revision script is named PROJECT--FROM--TO.sql.  No part contains "--" or
 * has a "-" at either end, so a name can be taken apart in one way only.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "graph/graph.h"
#include "store/store.h"

#define SUFFIX ".sql"

/*
 * Can a project bear this name?  If not, *reason is set to a sentence that
 * says why; reason may be NULL.
 */
bool
dbmig_project_is_valid(const char *project, const char **reason)
{
	size_t		len = strlen(project);
	const char *why = NULL;

	if (len == 0)
		why = "Project names must not be empty.";
	else if (len >= NAMEDATALEN)
		why = "Project names must not be longer than an identifier of the server.";
	else if (strstr(project, "--") != NULL)
		why = "Project names must not contain \"--\".";
	else if (strstr(project, "..") != NULL)
		why = "Project names must not contain \"..\".";
	else if (project[0] == '-' || project[len - 1] == '-')
		why = "Project names must not begin or end with \"-\".";
	else if (project[0] == '.')
		why = "Project names must not begin with \".\".";
	else
	{
		for (const char *p = project; *p != '\0'; p++)
		{
			if (!IS_HIGHBIT_SET(*p) && !isalnum((unsigned char) *p) &&
				strchr("_-.", *p) == NULL)
			{
				why = "Project names must consist of letters, digits, \"_\", \"-\" and \".\".";
				break;
			}
		}
	}
	if (reason)
		*reason = why;
	return why == NULL;
}

/* Raise an error unless a project can bear this name. */
void
dbmig_check_project(const char *project)
{
	const char *reason;

	if (!dbmig_project_is_valid(project, &reason))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid project name: \"%s\"", project),
				errdetail("%s", reason));
}

/*
 * Can FROM or TO be this?  If not, *reason is set to one or two sentences, in
 * the current memory context.
 */
static bool
end_is_valid(const char *end, const char **reason)
{
	const char *why;

	if (strcmp(end, "base") == 0 || dbmig_identifier_is_valid(end, &why))
		return true;
	*reason = psprintf("\"%s\" cannot name a revision.  %s", end, why);
	return false;
}

/*
 * Take a file name apart.  Returns the parts in the current memory context,
 * or false, with *reason set to sentences that say why, and *hint to one that
 * helps.
 */
static bool
parse_file_name(const char *file_name, char **project, char **from, char **to,
				const char **reason, const char **hint)
{
	const char *from_start;
	const char *to_start;
	const char *suffix;
	size_t		len = strlen(file_name);

	*hint = "Revision scripts are named PROJECT--FROM--TO.sql.";

	if (strpbrk(file_name, "/\\") != NULL)
	{
		*reason = "The name must not contain a directory.";
		return false;
	}
	suffix = file_name + len - Min(len, strlen(SUFFIX));
	if (strcmp(suffix, SUFFIX) != 0)
	{
		*reason = "The name does not end with \"" SUFFIX "\".";
		return false;
	}
	from_start = strstr(file_name, "--");
	if (from_start == NULL)
	{
		*reason = "The name does not contain \"--\".";
		return false;
	}
	*project = pnstrdup(file_name, from_start - file_name);
	if (!dbmig_project_is_valid(*project, reason))
		return false;

	from_start += strlen("--");
	to_start = strstr(from_start, "--");
	if (to_start == NULL)
	{
		*reason = "The name has only one part after the project.";
		if (strcmp(from_start, "base" SUFFIX) == 0)
			*hint = "PROJECT--base.sql is the install script of the project's extension.  The first revision has a script PROJECT--base--TO.sql.";
		return false;
	}
	*from = pnstrdup(from_start, to_start - from_start);
	to_start += strlen("--");
	*to = pnstrdup(to_start, suffix - to_start);

	if (!end_is_valid(*from, reason) || !end_is_valid(*to, reason))
		return false;
	if (strcmp(*from, *to) == 0)
	{
		*reason = "The script leads from a revision to the same revision.";
		return false;
	}
	return true;
}

/*
 * Take apart the name of a script of the given project.  Returns false if it
 * is no such name; never throws.
 */
bool
dbmig_file_name_split(const char *file_name, const char *project,
					  char **from, char **to)
{
	char	   *found;
	const char *reason;
	const char *hint;

	return parse_file_name(file_name, &found, from, to, &reason, &hint) &&
		strcmp(found, project) == 0;
}

/* Take apart the name of a script, or raise an error. */
void
dbmig_file_name_parse(const char *file_name, char **project,
					  char **from, char **to)
{
	const char *reason;
	const char *hint;

	if (!parse_file_name(file_name, project, from, to, &reason, &hint))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid script file name: \"%s\"", file_name),
				errdetail("%s", reason),
				errhint("%s", hint));
}

/* The name of the script that leads from one revision to another. */
char *
dbmig_file_name(const char *project, const char *from, const char *to)
{
	return psprintf("%s--%s--%s" SUFFIX, project, from, to);
}
