/*-------------------------------------------------------------------------
 *
 * header.c
 *		The header comment of a revision script.
 *
 * The header is made of the lines at the top of a script that are blank, a
 * comment that starts with two dashes, or psql's \echo.  It ends at the first
 * other line.  Its comments look like this:
 *
 *		-- what the revision is for
 *		--
 *		-- Revision ID: 39015ae510e0
 *		-- Revises: 750bcd1e35fa
 *		-- Create Date: 2025-04-22 09:12:00+00
 *		-- Branch Labels: ingest
 *		-- Depends On: 1975ea83b712
 *		-- Replaces: 6e1f0b7a9c24, 0d4c2b1a3f56
 *		-- Transactional: no
 *
 * The first comment that is not empty is the message, unless it has one of
 * these keys.  All keys are optional, stand at most once, in any order and
 * case.  Revises, Branch Labels, Depends On and Replaces take a list separated
 * by commas; "base", or nothing, means no parent.  A Create Date without a time
 * zone is in UTC.  Any other comment is only that.
 *
 * As for the server's scanner, a line ends with \n, \r\n or \r.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "miscadmin.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#define BLANKS " \t\f\v"

typedef enum HeaderKey
{
	KEY_REVISION_ID,
	KEY_REVISES,
	KEY_CREATE_DATE,
	KEY_BRANCH_LABELS,
	KEY_DEPENDS_ON,
	KEY_REPLACES,
	KEY_TRANSACTIONAL,
	KEY_COUNT
} HeaderKey;

static const char *const key_names[] = {
	[KEY_REVISION_ID] = "Revision ID",
	[KEY_REVISES] = "Revises",
	[KEY_CREATE_DATE] = "Create Date",
	[KEY_BRANCH_LABELS] = "Branch Labels",
	[KEY_DEPENDS_ON] = "Depends On",
	[KEY_REPLACES] = "Replaces",
	[KEY_TRANSACTIONAL] = "Transactional",
};

StaticAssertDecl(lengthof(key_names) == KEY_COUNT, "a header key has no name");

/* Where an error is, for the error context. */
typedef struct HeaderPlace
{
	const char *file_name;
	int			line;
} HeaderPlace;

/* Add file and line to an error. */
static void
header_error_callback(void *arg)
{
	HeaderPlace *place = (HeaderPlace *) arg;

	errcontext("file \"%s\", line %d", place->file_name, place->line);
}

/* A copy of len bytes without the blanks at both ends. */
static char *
trimmed(const char *text, size_t len)
{
	size_t		skip = strspn(text, BLANKS);

	if (skip >= len)
		return pstrdup("");
	while (len > skip && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	return pnstrdup(text + skip, len - skip);
}

/*
 * Does this line belong to the header?  If it is a comment, *comment is set
 * to what follows its dashes, else to NULL.
 */
static bool
is_header_line(const char *line, const char **comment)
{
	const char *p = line + strspn(line, BLANKS);

	*comment = NULL;
	if (*p == '\0' || *p == '\n' || *p == '\r')
		return true;
	if (strncmp(p, "--", 2) == 0)
	{
		*comment = p + 2;
		return true;
	}
	return dbmig_is_echo(p);
}

/*
 * The length of the header of a text, which may be the beginning of a longer
 * one: then its last line may have been misjudged, since it was cut.
 */
int
dbmig_header_length(const char *text)
{
	const char *line = text + dbmig_mark_length(text);
	const char *comment;

	while (*line != '\0' && is_header_line(line, &comment))
	{
		CHECK_FOR_INTERRUPTS();
		line = dbmig_next_line(line);
	}
	return line - text;
}

/*
 * Which key does a trimmed comment have?  KEY_COUNT if none, else *value is
 * set to what follows the colon, in the comment itself.
 */
static HeaderKey
find_key(const char *comment, const char **value)
{
	for (int key = 0; key < KEY_COUNT; key++)
	{
		size_t		len = strlen(key_names[key]);

		if (pg_strncasecmp(comment, key_names[key], len) == 0)
		{
			const char *p = comment + len;

			p += strspn(p, BLANKS);
			if (*p == ':')
			{
				p++;
				*value = p + strspn(p, BLANKS);
				return (HeaderKey) key;
			}
		}
	}
	return KEY_COUNT;
}

/* Raise an error unless the value can be an identifier or a label. */
static void
check_name(HeaderKey key, const char *name)
{
	const char *reason;

	if (!dbmig_identifier_is_valid(name, &reason))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid value for \"%s\": \"%s\"",
					   key_names[key], name),
				errdetail("%s", reason));
}

/* Split a list of names at its commas.  Returns how many there are. */
static int
parse_names(HeaderKey key, const char *value, char ***names)
{
	int			n = 1;
	int			i = 0;

	if (*value == '\0')
		return 0;
	for (const char *p = value; *p != '\0'; p++)
	{
		if (*p == ',')
			n++;
	}
	*names = palloc(n * sizeof(char *));
	for (;;)
	{
		size_t		len = strcspn(value, ",");

		CHECK_FOR_INTERRUPTS();
		(*names)[i] = trimmed(value, len);
		check_name(key, (*names)[i]);
		i++;
		if (value[len] == '\0')
			break;
		value += len + 1;
	}
	Assert(i == n);
	return n;
}

/*
 * A point in time, by the server's own rules, but the same in every session:
 * what the text does not say is not taken from the caller's settings.
 */
static TimestampTz
parse_time(const char *value)
{
	int			nest_level = NewGUCNestLevel();
	Datum		result;

	(void) set_config_option("timezone", "UTC", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("datestyle", "ISO, YMD", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	result = DirectFunctionCall3(timestamptz_in, CStringGetDatum(value),
								 ObjectIdGetDatum(InvalidOid),
								 Int32GetDatum(-1));
	AtEOXact_GUC(false, nest_level);
	return DatumGetTimestampTz(result);
}

/* Put the value of a key into the header. */
static void
set_key(DbmigHeader *header, HeaderKey key, const char *value)
{
	switch (key)
	{
		case KEY_REVISION_ID:
			check_name(key, value);
			header->revision = pstrdup(value);
			break;
		case KEY_REVISES:
			header->has_revises = true;
			if (strcmp(value, "base") != 0)
				header->ndown = parse_names(key, value, &header->down);
			break;
		case KEY_CREATE_DATE:
			header->has_create_date = true;
			header->create_date = parse_time(value);
			break;
		case KEY_BRANCH_LABELS:
			header->nlabels = parse_names(key, value, &header->labels);
			break;
		case KEY_DEPENDS_ON:
			header->ndeps = parse_names(key, value, &header->deps);
			break;
		case KEY_REPLACES:
			header->nreplaces = parse_names(key, value, &header->replaces);
			break;
		case KEY_TRANSACTIONAL:
			if (!parse_bool(value, &header->transactional))
				ereport(ERROR,
						errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid value for \"%s\": \"%s\"",
							   key_names[key], value),
						errhint("Use yes or no."));
			break;
		case KEY_COUNT:
			Assert(false);
			break;
	}
}

/*
 * Read the header of a script.  The result is in the current memory context.
 * Errors bear the file name and the line in their context.
 */
DbmigHeader *
dbmig_header_parse(const char *text, const char *file_name)
{
	DbmigHeader *header = palloc0(sizeof(DbmigHeader));
	bool		seen[KEY_COUNT] = {false};
	HeaderPlace place = {.file_name = file_name};
	ErrorContextCallback callback;
	const char *line = text + dbmig_mark_length(text);
	const char *comment;

	callback.callback = header_error_callback;
	callback.arg = &place;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	header->transactional = true;
	for (; *line != '\0' && is_header_line(line, &comment);
		 line = dbmig_next_line(line))
	{
		HeaderKey	key;
		char	   *content;
		const char *value;

		CHECK_FOR_INTERRUPTS();
		place.line++;
		if (comment == NULL)
			continue;

		content = trimmed(comment, strcspn(comment, "\r\n"));
		key = find_key(content, &value);
		if (key != KEY_COUNT)
		{
			if (seen[key])
				ereport(ERROR,
						errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("\"%s\" is given more than once",
							   key_names[key]));
			seen[key] = true;
			set_key(header, key, value);

			/* the first comment is no message, so there is none */
			if (header->message == NULL)
				header->message = pstrdup("");
		}
		else if (header->message == NULL && *content != '\0')
			header->message = pstrdup(content);
		pfree(content);
	}
	if (header->message == NULL)
		header->message = pstrdup("");
	header->body = line - text;

	error_context_stack = callback.previous;
	return header;
}
