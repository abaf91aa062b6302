/*-------------------------------------------------------------------------
 *
 * filter.c
 *		Leaves facts out of a comparison.
 *
 * What is left out is not cut from both inventories: a view that nobody asked
 * about may stand on a column that changes, and then has to go and come again
 * as it was.  Instead the wanted inventory is made anew, and says of what is
 * left out what the old one says.  What cannot be as it was, since something
 * that it needs goes, is cut after all, and named as not managed: it is not
 * ours to drop.
 *
 * A fact is looked at with all that it is part of: what is said of a table is
 * said of its columns, constraints, indexes and triggers.  Patterns are also
 * matched with a schema's name; lists of kinds are not, since otherwise "schema"
 * would stand for everything.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "schema/schema.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* Does a name match a regular expression?  Raises if that is none. */
static bool
name_matches(const char *name, const char *pattern)
{
	/* the server keeps compiled expressions by their text */
	return DatumGetBool(DirectFunctionCall2Coll(textregexeq, C_COLLATION_OID,
												CStringGetTextDatum(name),
												CStringGetTextDatum(pattern)));
}

static bool
is_schema(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_schema;
}

static bool
lists_kind(List *kinds, const char *name)
{
	ListCell   *lc;

	foreach(lc, kinds)
	{
		if (strcmp(strVal(lfirst(lc)), name) == 0)
			return true;
	}
	return false;
}

/* Is a fact among those that are compared? */
static bool
is_selected(const DbmigFact *fact, const DbmigFilter *filter)
{
	bool		listed = filter->kinds == NIL;
	bool		included = filter->include == NULL;

	for (const DbmigFact *whole = fact; whole; whole = whole->parent)
	{
		if (!listed && (whole == fact || !is_schema(whole)))
			listed = lists_kind(filter->kinds, whole->kind->name);
		if (!included)
			included = name_matches(whole->id, filter->include);
		if (filter->exclude && name_matches(whole->id, filter->exclude))
			return false;
	}
	return listed && included;
}

/* A copy that is connected with nothing yet. */
static DbmigFact *
copy_fact(const DbmigFact *fact)
{
	DbmigFact  *copy = palloc0(sizeof(DbmigFact));

	copy->kind = fact->kind;
	copy->rank = fact->rank;
	copy->id = fact->id;
	copy->slot = fact->slot;
	copy->address = fact->address;
	copy->values = fact->values;
	copy->comment = fact->comment;
	copy->left_out = fact->left_out;
	return copy;
}

/* What the two inventories become one of. */
typedef struct Merge
{
	const DbmigInventory *old;
	const DbmigInventory *wanted;
	DbmigInventory result;		/* originals; some of them are baseless */
} Merge;

/* Will there be a fact like this one? */
static bool
is_there(const Merge *merge, const DbmigFact *fact)
{
	const DbmigFact *found = dbmig_inventory_find(&merge->result, fact);

	return found && !found->baseless;
}

/*
 * Is something missing that a fact cannot be without?  What is compared needs
 * only the whole that it is part of, what is left out all that it refers to.
 */
static bool
lacks_base(const Merge *merge, const DbmigFact *fact)
{
	ListCell   *lc;

	if (!fact->left_out)
		return fact->parent && !is_there(merge, fact->parent);
	foreach(lc, fact->references)
	{
		if (!is_there(merge, lfirst(lc)))
			return true;
	}
	return false;
}

/* Mark those who lack their base, and append them to the queue. */
static List *
mark_baseless(const Merge *merge, List *facts, List *queue)
{
	ListCell   *lc;

	foreach(lc, facts)
	{
		DbmigFact  *fact = lfirst(lc);

		if (fact->baseless || dbmig_inventory_find(&merge->result, fact) != fact ||
			!lacks_base(merge, fact))
			continue;
		fact->baseless = true;
		queue = lappend(queue, fact);
	}
	return queue;
}

/* Find all that cannot be, by what is not there and by each other. */
static void
find_baseless(const Merge *merge)
{
	List	   *queue = NIL;

	for (int i = 0; i < merge->result.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		queue = mark_baseless(merge, list_make1(merge->result.facts[i]), queue);
	}
	/* the queue grows while it is walked */
	for (int i = 0; i < list_length(queue); i++)
	{
		const DbmigFact *lost = list_nth(queue, i);
		const DbmigFact *old = dbmig_inventory_find(merge->old, lost);
		const DbmigFact *wanted = dbmig_inventory_find(merge->wanted, lost);

		CHECK_FOR_INTERRUPTS();
		if (old)
			queue = mark_baseless(merge, old->users, queue);
		if (wanted)
			queue = mark_baseless(merge, wanted->users, queue);
	}
}

/* Connect a copy as its original is. */
static void
connect_copy(DbmigFact *copy, const DbmigFact *original,
			 const DbmigInventory *inventory)
{
	ListCell   *lc;

	if (original->parent)
	{
		copy->parent = dbmig_inventory_find(inventory, original->parent);
		copy->parent->children = lappend(copy->parent->children, copy);
	}
	if (original->keeper)
		copy->keeper = dbmig_inventory_find(inventory, original->keeper);
	foreach(lc, original->references)
	{
		DbmigFact  *used = dbmig_inventory_find(inventory, lfirst(lc));

		if (used == NULL)
			continue;
		copy->references = lappend(copy->references, used);
		used->users = lappend(used->users, copy);
	}
}

/* The inventory of copies of what has been found to be there. */
static DbmigInventory *
copy_result(const Merge *merge)
{
	DbmigInventory *result = palloc0(sizeof(DbmigInventory));
	DbmigFact **originals = palloc(sizeof(DbmigFact *) * (merge->result.n + 1));

	result->unmanaged = merge->wanted->unmanaged;
	result->facts = palloc(sizeof(DbmigFact *) * (merge->result.n + 1));
	for (int i = 0; i < merge->result.n; i++)
	{
		if (merge->result.facts[i]->baseless)
			continue;
		originals[result->n] = merge->result.facts[i];
		result->facts[result->n++] = copy_fact(merge->result.facts[i]);
	}
	for (int i = 0; i < result->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		connect_copy(result->facts[i], originals[i], result);
	}
	return result;
}

/* Does it go along with something that is compared, and goes? */
static bool
goes_along(const Merge *merge, const DbmigFact *fact)
{
	for (const DbmigFact *whole = fact->parent; whole; whole = whole->parent)
	{
		if (!whole->left_out && !is_there(merge, whole))
			return true;
	}
	return false;
}

/* Cut from the old inventory what is left out and cannot stay as it is. */
static void
cut_baseless(const Merge *merge, DbmigInventory *old)
{
	int			n = 0;

	for (int i = 0; i < old->n; i++)
	{
		DbmigFact  *fact = old->facts[i];

		if (!fact->baseless || !fact->left_out || goes_along(merge, fact))
		{
			old->facts[n++] = fact;
			continue;
		}
		if (fact->parent == NULL || !fact->parent->baseless)
		{
			DbmigUnmanaged *object = palloc(sizeof(DbmigUnmanaged));

			object->kind = pstrdup(fact->kind->name);
			object->id = fact->id;
			old->unmanaged = lappend(old->unmanaged, object);
		}
	}
	old->n = n;
}

/* Keep of the unmanaged objects those that the filter lets through. */
static void
filter_unmanaged(DbmigInventory *inventory, const DbmigFilter *filter)
{
	List	   *kept = NIL;
	ListCell   *lc;

	foreach(lc, inventory->unmanaged)
	{
		DbmigUnmanaged *object = lfirst(lc);

		if (filter->kinds == NIL &&
			(filter->include == NULL || name_matches(object->id, filter->include)) &&
			!(filter->exclude && name_matches(object->id, filter->exclude)))
			kept = lappend(kept, object);
	}
	inventory->unmanaged = kept;
}

static void
mark_left_out(const DbmigInventory *inventory, const DbmigFilter *filter)
{
	for (int i = 0; i < inventory->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		inventory->facts[i]->left_out = !is_selected(inventory->facts[i], filter);
		inventory->facts[i]->baseless = false;
	}
}

/* Is it a schema that holds something left out, or not left out? */
static bool
is_schema_with(const DbmigFact *fact, bool left_out)
{
	ListCell   *lc;

	if (!is_schema(fact))
		return false;
	foreach(lc, fact->children)
	{
		if (((const DbmigFact *) lfirst(lc))->left_out == left_out)
			return true;
	}
	return false;
}

/*
 * Restrict a comparison.  *wanted is set to an inventory, in the current memory
 * context, that differs from the old one only in what the filter lets through;
 * the old one may lose facts.
 */
void
dbmig_filter_inventories(DbmigInventory *old, DbmigInventory **wanted,
						 const DbmigFilter *filter)
{
	Merge		merge = {0};

	if (filter->kinds == NIL && filter->include == NULL && filter->exclude == NULL)
		return;

	merge.old = old;
	merge.wanted = *wanted;
	filter_unmanaged(old, filter);
	filter_unmanaged(*wanted, filter);
	mark_left_out(old, filter);
	mark_left_out(*wanted, filter);
	merge.result.facts = palloc(sizeof(DbmigFact *) * (old->n + (*wanted)->n + 1));
	for (int i = 0; i < (*wanted)->n; i++)
	{
		DbmigFact  *fact = (*wanted)->facts[i];

		/* a new schema has to be there for what is to be in it */
		if (!fact->left_out ||
			(is_schema_with(fact, false) &&
			 dbmig_inventory_find(old, fact) == NULL))
			merge.result.facts[merge.result.n++] = fact;
	}
	for (int i = 0; i < old->n; i++)
	{
		DbmigFact  *fact = old->facts[i];

		/* and an old one for what stays in it */
		if (fact->left_out ||
			(is_schema_with(fact, true) &&
			 dbmig_inventory_find(*wanted, fact) == NULL))
			merge.result.facts[merge.result.n++] = fact;
	}
	qsort(merge.result.facts, merge.result.n, sizeof(DbmigFact *), dbmig_compare_facts);
	find_baseless(&merge);
	*wanted = copy_result(&merge);
	cut_baseless(&merge, old);
}

/* Is there a kind by this name? */
bool
dbmig_is_kind(const char *name)
{
	for (int i = 0; i < dbmig_nkinds; i++)
	{
		if (strcmp(dbmig_kinds[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* The names of all kinds, separated by commas. */
char *
dbmig_kind_names(void)
{
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < dbmig_nkinds; i++)
	{
		/* two kinds of indexes share a name */
		if (i > 0 && dbmig_kinds[i] != &dbmig_kind_view_index)
			appendStringInfoString(&names, ", ");
		if (dbmig_kinds[i] != &dbmig_kind_view_index)
			appendStringInfoString(&names, dbmig_kinds[i]->name);
	}
	return names.data;
}
