/*-------------------------------------------------------------------------
 *
 * identifier.c
 *		Which texts may name a revision or a branch.
 *
 * Identifiers stand in file names (where "--" separates them), in targets
 * (where + - @ : and , have a meaning) and in lists, so that they must be free
 * of all of these.  A single "-" inside is allowed; resolve.c says how a
 * target such as "feature-1" is read.  Bytes of other scripts than ASCII count
 * as letters, whatever the encoding.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"

/* words with a meaning of their own in targets */
static const char *const reserved_words[] = {
	"head", "heads", "base", "current"
};

/*
 * Tell whether a byte may stand anywhere in an identifier.
 */
static bool
is_word_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || IS_HIGHBIT_SET(c);
}

/*
 * Tell whether "name" may be an identifier or a label; if not, *reason is set
 * to a constant sentence that says why.
 */
bool
dbmig_identifier_is_valid(const char *name, const char **reason)
{
	size_t		len = strlen(name);
	size_t		i;

	*reason = NULL;
	if (len == 0)
	{
		*reason = "It must not be empty.";
		return false;
	}
	if (len > DBMIG_MAX_IDENTIFIER)
	{
		*reason = "It must not be longer than "
			CppAsString2(DBMIG_MAX_IDENTIFIER) " bytes.";
		return false;
	}
	for (i = 0; i < lengthof(reserved_words); i++)
	{
		if (strcmp(name, reserved_words[i]) == 0)
		{
			*reason = "The words \"head\", \"heads\", \"base\" and \"current\" have a meaning of their own.";
			return false;
		}
	}
	for (i = 0; i < len; i++)
	{
		if (!is_word_byte((unsigned char) name[i]) &&
			name[i] != '.' && name[i] != '-')
		{
			*reason = "Only letters, digits, \"_\", \".\" and \"-\" are allowed.";
			return false;
		}
	}
	if (!is_word_byte((unsigned char) name[0]) ||
		!is_word_byte((unsigned char) name[len - 1]))
	{
		*reason = "It must begin and end with a letter, a digit or \"_\".";
		return false;
	}
	if (strstr(name, "--") != NULL)
	{
		*reason = "It must not contain \"--\".";
		return false;
	}
	return true;
}

/*
 * Raise an error unless "name" may be an identifier; "what" says what it would
 * name, such as "revision identifier".
 */
void
dbmig_check_identifier(const char *name, const char *what)
{
	const char *reason;

	if (!dbmig_identifier_is_valid(name, &reason))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid %s \"%s\"", what, name),
				errdetail("%s", reason));
}
