/*-------------------------------------------------------------------------
 *
 * times.c
 *		Constants that say when a text was run.
 *
 * The server reads 'now' and 'today' in an expression once, where the expression
 * is written down: DEFAULT 'now'::timestamptz is the time at which the table was
 * made.  So the live schema has the time at which a revision was applied, and
 * what is built of the same text in a sandbox has the present time.  Neither
 * says what the schema should be.
 *
 * An expression with the present time in it, of a text that has such words, is
 * therefore taken to be another one that differs from it in times only.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "engine/compare.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/guc.h"

/* What a time consists of, in the pinned settings. */
static const char time_characters[] = "0123456789-:.+ ";

/* Has a text a constant that begins with the name of a time? */
bool
dbmig_names_time(const char *text)
{
	static const char *const names[] = {"now", "today", "tomorrow", "yesterday"};

	while ((text = strpbrk(text, "'$")) != NULL)
	{
		text++;
		text += strspn(text, " \t([{\"");
		for (int i = 0; i < (int) lengthof(names); i++)
		{
			int			length = strlen(names[i]);

			if (pg_strncasecmp(text, names[i], length) == 0 &&
				!isalnum((unsigned char) text[length]) && text[length] != '_')
				return true;
		}
	}
	return false;
}

static const char times_query[] =
"SELECT (name::timestamptz AT TIME ZONE 'UTC')::text || '+00', name::timestamp::text,"
" name::date::text, localtime::text, current_time::text "
"FROM (VALUES ('now'), ('today'), ('tomorrow'), ('yesterday')) AS named (name)";

/*
 * The present times, as deparsed expressions have them: a list of char * in the
 * current memory context.
 */
List *
dbmig_present_times(void)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *zone = pstrdup(GetConfigOption("TimeZone", false, false));
	int			level = dbmig_pin_settings();
	List	   *times = NIL;

	/* a day begins when it does where the text is run */
	(void) set_config_option("TimeZone", zone, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(times_query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "query failed: %s", times_query);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		for (int column = 1; column <= SPI_tuptable->tupdesc->natts; column++)
		{
			char	   *time = SPI_getvalue(SPI_tuptable->vals[row],
											SPI_tuptable->tupdesc, column);
			MemoryContext old = MemoryContextSwitchTo(context);

			times = lappend(times, pstrdup(time));
			MemoryContextSwitchTo(old);
		}
	}
	SPI_finish();
	AtEOXact_GUC(false, level);
	return times;
}

/* The first place in an expression that has a present time, or NULL. */
static const char *
find_time(const char *expression, const List *times)
{
	const char *first = NULL;
	ListCell   *lc;

	/* times stand in constants */
	if (expression == NULL || strchr(expression, '\'') == NULL)
		return NULL;
	foreach(lc, times)
	{
		const char *found = strstr(expression, lfirst(lc));

		if (found && (first == NULL || found < first))
			first = found;
	}
	return first;
}

/* Is an expression the same as another but for the present times in it? */
static bool
differs_in_time(const char *expression, const char *other, const List *times)
{
	const char *time;

	while ((time = find_time(expression, times)) != NULL)
	{
		int			before = time - expression;
		int			other_length;

		if (strncmp(expression, other, before) != 0)
			return false;
		other += before;
		other_length = strspn(other, time_characters);
		if (other_length == 0)
			return false;
		other += other_length;
		expression = time + strspn(time, time_characters);
	}
	return strcmp(expression, other) == 0;
}

/* Are there present times in an inventory? */
bool
dbmig_has_times(const DbmigInventory *inventory, const List *times)
{
	for (int i = 0; i < inventory->n; i++)
	{
		const DbmigFact *fact = inventory->facts[i];

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; k < fact->kind->nrules; k++)
		{
			if (find_time(fact->values[k], times))
				return true;
		}
	}
	return false;
}

/*
 * Let the expressions of one inventory that differ in present times only from
 * those of the other one be as there.
 */
void
dbmig_settle_times(DbmigInventory *inventory, const DbmigInventory *other,
				   const List *times)
{
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];
		const DbmigFact *twin = dbmig_inventory_find(other, fact);

		CHECK_FOR_INTERRUPTS();
		for (int k = 0; twin && k < fact->kind->nrules; k++)
		{
			if ((fact->kind->rules[k].flags & DBMIG_EXPRESSION) &&
				fact->values[k] && twin->values[k] &&
				find_time(fact->values[k], times) &&
				differs_in_time(fact->values[k], twin->values[k], times))
				fact->values[k] = twin->values[k];
		}
	}
}
