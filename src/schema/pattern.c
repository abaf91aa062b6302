/*-------------------------------------------------------------------------
 *
 * pattern.c
 *		Writes a statement by its pattern; schema.h describes the language.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "schema/schema.h"

/* The value of a placeholder's name of this length; NULL when it has none. */
static const char *
placeholder_value(const DbmigFact *fact, const char *name, int length)
{
	char	   *text = pnstrdup(name, length);

	if (strcmp(text, "id") == 0)
		return fact->id;
	if (strcmp(text, "parent") == 0)
		return fact->parent ? fact->parent->id : NULL;
	if (strcmp(text, "address") == 0)
		return dbmig_pattern(fact->kind->address, fact);
	if (strcmp(text, "comment") == 0)
		return fact->comment;
	return dbmig_fact_value(fact, text);
}

/*
 * Write a pattern's stretch up to a bracket or its end.  Returns where it
 * stopped, and sets *complete to false if a value was asked for in vain.
 */
static const char *
write_stretch(StringInfo out, const char *p, const DbmigFact *fact, bool *complete)
{
	while (*p && *p != '[' && *p != ']')
	{
		const char *end;
		const char *value;
		char		mark = 0;

		if (*p != '{')
		{
			appendStringInfoChar(out, *p++);
			continue;
		}
		p++;
		if (*p == '?' || *p == '!')
			mark = *p++;
		end = strchr(p, '}');
		Assert(end != NULL);
		value = placeholder_value(fact, p, end - p);
		if ((value == NULL) != (mark == '!'))
			*complete = false;
		else if (mark == 0)
			appendStringInfoString(out, value);
		p = end + 1;
	}
	return p;
}

/*
 * Fill in a pattern; the result is in the current memory context.  A value
 * that is missing outside of brackets is a mistake in the kind.
 */
char *
dbmig_pattern(const char *pattern, const DbmigFact *fact)
{
	StringInfoData out;
	const char *p = pattern;

	initStringInfo(&out);
	while (*p)
	{
		int			length;
		bool		complete = true;

		p = write_stretch(&out, p, fact, &complete);
		if (!complete)
			elog(ERROR, "pattern \"%s\" lacks a value for %s %s", pattern,
				 fact->kind->name, fact->id);
		if (*p == '\0')
			break;
		Assert(*p == '[');
		length = out.len;
		p = write_stretch(&out, p + 1, fact, &complete);
		Assert(*p == ']');
		p++;
		if (!complete)
		{
			out.len = length;
			out.data[length] = '\0';
		}
	}
	return out.data;
}
