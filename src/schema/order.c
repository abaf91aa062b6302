/*-------------------------------------------------------------------------
 *
 * order.c
 *		Puts actions into an order in which they can run.
 *
 * Kahn's algorithm with a heap.  Among the actions that wait for nothing the
 * choice is by weight, kind and name, or by number for columns, so the same two
 * inventories give the same text in any database.  A cycle is a mistake in the rules of a kind; it
 * is an error that names those who wait for each other.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/binaryheap.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "schema/schema.h"

/*
 * By name; but columns are added in the order that their table has them in,
 * before other things happen to its columns.
 */
static int
compare_places(const DbmigAction *a, const DbmigAction *b)
{
	int			order = 0;

	if (a->fact->kind->flags & DBMIG_NUMBERED)
	{
		bool		creates_a = strcmp(a->change, "create") == 0;
		bool		creates_b = strcmp(b->change, "create") == 0;

		order = strcmp(a->fact->parent->id, b->fact->parent->id);
		if (order == 0)
			order = creates_b - creates_a;
		if (order == 0 && creates_a)
			order = dbmig_fact_number(a->fact) - dbmig_fact_number(b->fact);
	}
	return order != 0 ? order : strcmp(a->fact->id, b->fact->id);
}

/* For the heap, whose first is its greatest: earlier counts as greater. */
static int
compare_actions(Datum a, Datum b, void *arg)
{
	const DbmigAction *action_a = (const DbmigAction *) DatumGetPointer(a);
	const DbmigAction *action_b = (const DbmigAction *) DatumGetPointer(b);
	int			order;

	if (action_a->weight != action_b->weight)
		return action_a->weight < action_b->weight ? 1 : -1;
	if (action_a->fact->rank != action_b->fact->rank)
		return action_a->fact->rank < action_b->fact->rank ? 1 : -1;
	order = compare_places(action_a, action_b);
	if (order != 0)
		return order < 0 ? 1 : -1;
	return action_a->number < action_b->number ? 1 : -1;
}

/*
 * Raise an error that shows one cycle among the actions left over.  Each of
 * them waits for another one that is left over; walking back along these has
 * to come round.
 */
static void
report_cycle(List *actions)
{
	int			n = list_length(actions);
	DbmigAction **before = palloc0(sizeof(DbmigAction *) * (n + 1));
	DbmigAction *action = NULL;
	StringInfoData detail;
	ListCell   *lc;

	/* numbers are places in the list */
	foreach(lc, actions)
	{
		DbmigAction *first = lfirst(lc);
		ListCell   *next;

		if (first->waits == 0)
			continue;
		action = first;
		foreach(next, first->next)
			before[((DbmigAction *) lfirst(next))->number] = first;
	}
	for (int i = 0; i < n; i++)
		action = before[action->number];

	initStringInfo(&detail);
	for (DbmigAction *at = action;;)
	{
		appendStringInfo(&detail, "%s\n", at->statement);
		at = before[at->number];
		if (at == action)
			break;
	}
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("cannot find an order for the statements of %s %s",
				   action->fact->kind->name, action->fact->id),
			errdetail_internal("These statements wait for each other:\n%s",
							   detail.data),
			errhint("Make this change in two steps, with a revision for each."));
}

/* The same actions, each behind those it waits for. */
List *
dbmig_order(List *actions)
{
	binaryheap *ready = binaryheap_allocate(list_length(actions) + 1,
											compare_actions, NULL);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, actions)
	{
		DbmigAction *action = lfirst(lc);

		if (action->waits == 0)
			binaryheap_add_unordered(ready, PointerGetDatum(action));
	}
	binaryheap_build(ready);

	while (!binaryheap_empty(ready))
	{
		DbmigAction *action = (DbmigAction *) DatumGetPointer(binaryheap_remove_first(ready));

		CHECK_FOR_INTERRUPTS();
		result = lappend(result, action);
		foreach(lc, action->next)
		{
			DbmigAction *next = lfirst(lc);

			if (--next->waits == 0)
				binaryheap_add(ready, PointerGetDatum(next));
		}
	}
	binaryheap_free(ready);

	if (list_length(result) < list_length(actions))
		report_cycle(actions);
	return result;
}
