/*-------------------------------------------------------------------------
 *
 * waits.c
 *		What the statements of a diff have to wait for.
 *
 * Order comes from references alone: those of the old facts say what has to be
 * out of the way before, those of the new ones what has to be there first, and
 * nothing takes a name that something which goes still bears.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "schema/kinds.h"

/* A name that is taken until an action has run. */
typedef struct Slot
{
	const char *name;
	DbmigAction *gone;
} Slot;

/* Let an action wait until another one has run; either may be missing. */
void
dbmig_wait_for(DbmigAction *waiting, DbmigAction *first)
{
	if (waiting == NULL || first == NULL || waiting == first)
		return;
	first->next = lappend(first->next, waiting);
	waiting->waits++;
}

void
dbmig_wait_for_all(DbmigAction *waiting, List *first)
{
	ListCell   *lc;

	foreach(lc, first)
		dbmig_wait_for(waiting, lfirst(lc));
}

static void
all_wait_for(List *waiting, DbmigAction *first)
{
	ListCell   *lc;

	foreach(lc, waiting)
		dbmig_wait_for(lfirst(lc), first);
}
static int
compare_slots(const void *a, const void *b)
{
	return strcmp(((const Slot *) a)->name, ((const Slot *) b)->name);
}

/* The names that become free, sorted. */
static Slot *
collect_slots(const DbmigInventory *from, int *count)
{
	Slot	   *slots = palloc(sizeof(Slot) * (from->n + 1));

	*count = 0;
	for (int i = 0; i < from->n; i++)
	{
		DbmigFact  *fact = from->facts[i];

		if ((fact->gone || fact->renamed) && fact->slot)
		{
			slots[*count].name = fact->slot;
			slots[(*count)++].gone = fact->gone ? fact->gone : fact->renamed;
		}
	}
	qsort(slots, *count, sizeof(Slot), compare_slots);
	return slots;
}

/*
 * Order by what has to be out of the way.  That a sequence goes with a column
 * is not in the way of the column's changes.
 */
static void
order_teardown(DbmigFact *fact)
{
	const DbmigFact *whole = fact->kind == &dbmig_kind_attribute ? fact->parent : fact;
	ListCell   *lc;

	foreach(lc, fact->references)
	{
		DbmigFact  *used = lfirst(lc);

		if (dbmig_is_merged(fact, used))
		{
			if (fact->gone && fact->gone->fact == fact)
				dbmig_wait_for(fact->gone, used->gone);
			continue;
		}

		/* a foreign key is dropped with its shares, so need not wait for them */
		if (fact->kind == &dbmig_kind_foreign_key && fact->keeper == used)
			continue;
		if (fact->gone && fact->torn && used->reshaped && used->twin &&
			dbmig_stores_row_type(fact, used))
			all_wait_for(dbmig_shape_actions(NIL, used->twin), fact->gone);
		if (fact->gone)
		{
			if (used->gone)
				dbmig_wait_for(used->gone, fact->gone);
			else if (used->twin && fact->kind != &dbmig_kind_ownership)
			{
				/* of a type that gets a successor, a column holds up the end */
				if (!(used->rebuilt && used->kind->rebuild && dbmig_is_plain_column(fact)))
					all_wait_for(used->twin->altered, fact->gone);
				all_wait_for(used->twin->polished, fact->gone);
			}
		}
		else if (fact->twin && used->gone)
		{
			dbmig_wait_for_all(used->gone, fact->twin->altered);
			/* the end of a type that got a successor */
			if (whole->rebuilt && whole->kind->rebuild)
				dbmig_wait_for_all(used->gone, whole->twin->polished);
		}
	}
}

/* Order by what has to be there before. */
static void
order_building(DbmigFact *fact, const Slot *slots, int nslots)
{
	DbmigAction *named = fact->made ? fact->made : fact->renamed;
	ListCell   *lc;

	foreach(lc, fact->references)
	{
		DbmigFact  *used = lfirst(lc);

		if (dbmig_is_share_of_used(fact, used))
			continue;
		if (dbmig_is_taken_in(fact, used))
		{
			dbmig_wait_for(used->made, fact->made);
			dbmig_wait_for_all(used->made, fact->polished);
			continue;
		}
		if (dbmig_is_merged(fact, used))
		{
			if (used->made && used->made->fact == used)
				dbmig_wait_for(used->made, fact->made);
			continue;
		}
		dbmig_wait_for(fact->made, used->made);
		dbmig_wait_for_all(fact->made, used->made ? NIL : used->altered);
		if (used->completed && dbmig_part_of(fact) != used)
			dbmig_wait_for(fact->made, used->completed);
		if (fact->made && used->twin && used->twin->reshaped &&
			dbmig_stores_row_type(fact, used))
			dbmig_wait_for_all(fact->made, dbmig_shape_actions(NIL, used));
		if (fact->made == NULL)
		{
			all_wait_for(fact->altered, used->made);
			if (fact->altered)
				dbmig_wait_for_all(linitial(fact->altered), used->altered);
		}
	}

	all_wait_for(fact->altered, fact->made);
	all_wait_for(fact->polished, fact->made);
	all_wait_for(fact->polished, fact->completed);
	/* what is revoked on a table is revoked on its columns too */
	if (fact->made && fact->kind->grant_part)
	{
		foreach(lc, fact->parent->polished)
			all_wait_for(fact->polished, lfirst(lc));
	}
	for (const DbmigFact *source = fact; source;
		 source = source->kind == &dbmig_kind_column ?
		 dbmig_inherited_from(source) : NULL)
	{
		foreach(lc, fact->polished)
			dbmig_wait_for_all(lfirst(lc), source->altered);
	}

	if (fact->twin)
		dbmig_wait_for(fact->made, fact->twin->gone);
	if (named && fact->slot)
	{
		Slot		key = {fact->slot, NULL};
		const Slot *found = bsearch(&key, slots, nslots, sizeof(Slot),
									compare_slots);

		if (found)
			dbmig_wait_for(named, found->gone);
	}
}

static List *
add_column_actions(List *actions, const DbmigFact *table)
{
	ListCell   *lc;

	foreach(lc, table->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->kind != &dbmig_kind_column &&
			child->kind != &dbmig_kind_attribute)
			continue;
		if (child->gone)
			actions = lappend(actions, child->gone);
		if (child->made)
			actions = lappend(actions, child->made);
		actions = list_concat(actions, child->altered);
		/* that there are no nulls is passed on like the type */
		if (child->kind == &dbmig_kind_column && child->twin &&
			!dbmig_same_value(dbmig_fact_value(child, "not_null"),
							  dbmig_fact_value(child->twin, "not_null")))
			actions = list_concat(actions, child->polished);
	}
	return actions;
}

/* All that happens to the columns of a table or type, old and new. */
static List *
column_actions(const DbmigFact *table)
{
	List	   *actions = add_column_actions(NIL, table);

	return table->twin ? add_column_actions(actions, table->twin) : actions;
}

/*
 * A not-null constraint of a table that joins a new parent table can have the
 * name of that one's, which the server chooses anew unless it is still free.
 */
static void
name_after(const DbmigFact *column, const DbmigFact *table)
{
	ListCell   *lc;

	if (table->made == NULL || table->made->fact != table)
		return;
	if (column->made && column->made->fact == column)
		dbmig_wait_for(column->made, table->made);
	all_wait_for(column->polished, table->made);
	foreach(lc, column->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->kind == &dbmig_kind_not_null)
			all_wait_for(child->polished, table->made);
	}
}

/*
 * A table that leaves its parent table for good leaves before the parent's
 * columns change; one that comes back, or joins, does so after.
 */
static void
order_attachment(DbmigFact *fact)
{
	DbmigFact  *table = dbmig_attached_to(fact);
	ListCell   *lc;

	if (table == NULL)
		return;
	if (fact->gone && fact->gone->fact == fact)
	{
		if (!dbmig_leaves_for_good(fact))
			dbmig_wait_for_all(fact->gone, column_actions(table));
		else
		{
			all_wait_for(column_actions(table), fact->gone);
			if (!dbmig_goes(fact->parent))
				all_wait_for(column_actions(fact->parent), fact->gone);
		}
		/* until then the server keeps what comes from the parent table */
		foreach(lc, fact->parent->children)
		{
			const DbmigFact *part = lfirst(lc);

			if ((part->keeper || part->kind == &dbmig_kind_constraint) &&
				part->gone && part->gone->fact == part)
				dbmig_wait_for(part->gone, fact->gone);
			else if (part->keeper && part->gone == NULL && !dbmig_goes(part))
				dbmig_wait_for(part->keeper->gone, fact->gone);
			else if (part->kind == &dbmig_kind_foreign_key && part->keeper &&
					 part->gone == part->keeper->gone)
				dbmig_wait_for(fact->gone, part->gone);
		}
	}
	if (fact->made && fact->made->fact == fact)
	{
		/* one that is new has its partitions by then */
		foreach(lc, fact->parent->apart ? fact->parent->users : NIL)
		{
			const DbmigFact *other = lfirst(lc);

			if (dbmig_is_attachment(other))
				dbmig_wait_for(fact->made, other->made);
		}
		dbmig_wait_for_all(fact->made, column_actions(table));
		dbmig_wait_for_all(fact->made, column_actions(fact->parent));
		/* others may have to make place */
		foreach(lc, table->twin ? table->twin->users : NIL)
		{
			const DbmigFact *other = lfirst(lc);

			if (dbmig_is_attachment(other))
				dbmig_wait_for(fact->made, other->gone);
		}
		/* a table that joins must have all that others have from the parent */
		foreach(lc, fact->parent->children)
		{
			const DbmigFact *part = lfirst(lc);

			if (part->kind == &dbmig_kind_column)
				name_after(part, table);
			if (part->kind == &dbmig_kind_column ?
				dbmig_fact_value(part, "not_null") == NULL :
				!dbmig_comes_from_parent(part))
				continue;
			if (!dbmig_is_due_before(part))
			{
				if (part->made && part->made->fact == part)
					dbmig_wait_for(part->made, fact->made);
				all_wait_for(part->polished, fact->made);
				continue;
			}
			if (part->made != NULL && part->made->fact == part)
				dbmig_wait_for(fact->made, part->made);
			/* the server passes over an index that lacks parts */
			dbmig_wait_for(fact->made, part->completed);
			dbmig_wait_for_all(fact->made, part->polished);
		}
	}
}

/* A table is tied to its type while nothing happens to the columns of either. */
static void
order_typed_table(DbmigFact *fact)
{
	ListCell   *lc;

	foreach(lc, fact->references)
	{
		const DbmigFact *used = lfirst(lc);
		List	   *actions;

		if (used != fact->parent && used->kind != &dbmig_kind_composite)
			continue;
		actions = column_actions(used);
		if (fact->gone && fact->gone->fact == fact)
			all_wait_for(actions, fact->gone);
		if (fact->made && fact->made->fact == fact)
			dbmig_wait_for_all(fact->made, actions);
	}
}

/*
 * Let a column's statements that judge rows come after its new default, and a
 * table's options after its columns: without any that is long it has no TOAST
 * table to take them.
 */
static void
order_after_children(DbmigFact *fact)
{
	ListCell   *lc;

	if (fact->polished == NIL)
		return;
	foreach(lc, fact->children)
	{
		DbmigFact  *child = lfirst(lc);
		ListCell   *action;

		if (child->kind != &dbmig_kind_column && child->kind != &dbmig_kind_default)
			continue;
		foreach(action, fact->polished)
		{
			dbmig_wait_for(lfirst(action), child->made);
			dbmig_wait_for_all(lfirst(action), child->altered);
		}
	}
}

/* Let the statements of a diff wait for each other. */
void
dbmig_let_wait(const DbmigInventory *from, const DbmigInventory *to)
{
	int			nslots;
	Slot	   *slots = collect_slots(from, &nslots);

	for (int i = 0; i < from->n; i++)
	{
		order_teardown(from->facts[i]);
		if (dbmig_is_attachment(from->facts[i]))
			order_attachment(from->facts[i]);
		if (from->facts[i]->kind == &dbmig_kind_typed_table)
			order_typed_table(from->facts[i]);
	}
	for (int i = 0; i < to->n; i++)
	{
		order_building(to->facts[i], slots, nslots);
		if (dbmig_is_attachment(to->facts[i]))
			order_attachment(to->facts[i]);
		if (to->facts[i]->kind == &dbmig_kind_typed_table)
			order_typed_table(to->facts[i]);
		if (to->facts[i]->kind == &dbmig_kind_column ||
			to->facts[i]->kind == &dbmig_kind_table)
			order_after_children(to->facts[i]);
	}
}
