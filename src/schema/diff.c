/*-------------------------------------------------------------------------
 *
 * diff.c
 *		From two inventories to the statements that lead from one to the other.
 *
 * Facts are matched by kind and name.  A fact without a twin comes or goes; of
 * a pair whose attributes differ, the rules say whether it is altered in place
 * or torn down and made again.  Tearing spreads: to whatever uses a torn fact
 * and will use it again, and to what cannot stand while a column that it uses
 * gets another type.
 *
 * Every statement is an action.  Order comes from references alone: those of
 * the old facts say what has to be out of the way before, those of the new
 * ones what has to be there first, and nothing takes a name that something
 * which goes still bears.
 *
 * A diff writes its findings into the facts of both inventories; the next one
 * of the same inventories overwrites them.  The statements and whatever else
 * it makes are in the current memory context.
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

bool
dbmig_same_value(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

/* Does it have to be made?  Asked of a fact of the wanted inventory. */
bool
dbmig_is_new(const DbmigFact *fact)
{
	return fact->twin == NULL || fact->twin->torn;
}

/* Is it taken away?  Asked of a fact of the old inventory. */
bool
dbmig_goes(const DbmigFact *fact)
{
	return fact->twin == NULL || fact->torn;
}

/* Does one fact refer to another one? */
static bool
uses_fact(const DbmigFact *user, const DbmigFact *used)
{
	return used && list_member_ptr(user->references, used);
}

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

/* Add a statement; hazard is NULL if it has none. */
DbmigAction *
dbmig_act(DbmigDiff *diff, const char *change, DbmigFact *fact, char *statement,
		  const char *hazard)
{
	DbmigAction *action = palloc0(sizeof(DbmigAction));

	action->change = change;
	action->fact = fact;
	action->statement = statement;
	action->hazard = hazard;
	action->number = list_length(diff->actions);
	action->transactional = true;
	if (strcmp(change, "drop") == 0)
		action->weight = -fact->rank;
	else if (strcmp(change, "alter") == 0)
		action->weight = 1;
	else
		action->weight = 2 + fact->rank;
	diff->actions = lappend(diff->actions, action);
	return action;
}

/*
 * Add a statement that changes a fact.  The statements of one fact run in the
 * order in which they are added; those that matter to nothing else run after
 * the others.
 */
DbmigAction *
dbmig_act_alter(DbmigDiff *diff, DbmigFact *fact, bool matters, char *statement,
				const char *hazard)
{
	DbmigAction *action = dbmig_act(diff, "alter", fact, statement, hazard);

	if (matters)
	{
		if (fact->altered)
			dbmig_wait_for(action, llast(fact->altered));
		fact->altered = lappend(fact->altered, action);
	}
	else
	{
		if (fact->polished)
			dbmig_wait_for(action, llast(fact->polished));
		fact->polished = lappend(fact->polished, action);
		action->weight = 2 + fact->rank;
	}
	return action;
}

static void
reset(const DbmigInventory *inventory)
{
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];

		fact->twin = NULL;
		fact->torn = fact->rebuilt = fact->reshaped = false;
		fact->done = fact->uses_value = false;
		fact->in_parts = fact->apart = fact->late = false;
		fact->origin = DBMIG_BY_ITSELF;
		fact->made = fact->gone = fact->renamed = fact->completed = NULL;
		fact->altered = fact->polished = NIL;
	}
}

static int
compare_facts(const DbmigFact *a, const DbmigFact *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strcmp(a->id, b->id);
}

static void
match(const DbmigInventory *from, const DbmigInventory *to)
{
	int			i = 0;
	int			k = 0;

	while (i < from->n && k < to->n)
	{
		int			order = compare_facts(from->facts[i], to->facts[k]);

		CHECK_FOR_INTERRUPTS();
		if (order == 0)
		{
			from->facts[i]->twin = to->facts[k];
			to->facts[k]->twin = from->facts[i];
		}
		if (order <= 0)
			i++;
		if (order >= 0)
			k++;
	}
}

/*
 * Does the fact come from the same parent table's, on both sides?  To a table
 * that joins another parent table no change of that one's comes.
 */
static bool
is_inherited(const DbmigFact *before, const DbmigFact *after)
{
	const DbmigFact *part = after->kind == &dbmig_kind_not_null ?
		after->parent : after;
	const DbmigFact *source = dbmig_inherited_from(part);

	return dbmig_fact_value(before, "inherited") &&
		dbmig_fact_value(after, "inherited") &&
		(source == NULL || dbmig_was_attached(part, source->parent));
}

/* Is this rule's attribute of a pair to be looked at, and different? */
static bool
differs(const DbmigFact *before, const DbmigFact *after, int i)
{
	const DbmigRule *rule = &before->kind->rules[i];

	return rule->how != DBMIG_INFO &&
		!dbmig_same_value(before->values[i], after->values[i]);
}

/* Does a change of the parent table's reach this pair, so that it needs none? */
static bool
is_passed_on(const DbmigFact *before, const DbmigFact *after, int i)
{
	const DbmigRule *rule = &before->kind->rules[i];
	const DbmigFact *source;

	if (!(rule->flags & DBMIG_INHERITED) || !is_inherited(before, after))
		return false;
	if (!(rule->flags & DBMIG_INHERITED_CHANGE))
		return true;
	source = dbmig_inherited_from(before);
	return source == NULL || source->twin == NULL || differs(source, source->twin, i);
}

/* The privileges on a fact, those by default said in full. */
static const char *
privileges(const DbmigFact *fact)
{
	const char *acl = dbmig_fact_value(fact, "acl");

	if (acl == NULL)
		acl = dbmig_fact_value(fact, "acl_default");
	/* where nobody has said anything, the twin tells what the default is */
	return acl ? acl : dbmig_fact_value(fact->twin, "acl_default");
}

/* The names of the attributes in which a pair differs, and "comment". */
List *
dbmig_changed_attributes(const DbmigFact *before, const DbmigFact *after)
{
	List	   *names = NIL;

	for (int i = 0; i < before->kind->nrules; i++)
	{
		const DbmigRule *rule = &before->kind->rules[i];

		if (differs(before, after, i) && !is_passed_on(before, after, i) &&
			!(rule->alter == dbmig_alter_privileges &&
			  dbmig_same_value(privileges(before), privileges(after))))
			names = lappend(names, unconstify(char *, rule->attribute));
	}
	if (!dbmig_same_value(before->comment, after->comment))
		names = lappend(names, "comment");
	return names;
}

/* Can one become the other in place, in as many transactions as there may be? */
static bool
fits(const DbmigDiff *diff, const DbmigFact *before, const DbmigFact *after)
{
	const DbmigKind *kind = before->kind;

	return kind->fits(before, after) &&
		!(diff->units == DBMIG_ONE_UNIT && kind->needs_units &&
		  kind->needs_units(before, after));
}

/* Decide how a pair becomes one. */
static void
judge(const DbmigDiff *diff, DbmigFact *before, DbmigFact *after)
{
	const DbmigKind *kind = before->kind;

	for (int i = 0; i < kind->nrules; i++)
	{
		const DbmigRule *rule = &kind->rules[i];

		if (!differs(before, after, i))
			continue;
		if ((rule->flags & DBMIG_REBUILDS) ||
			((rule->flags & DBMIG_REBUILDS_UNLESS_FIT) &&
			 !fits(diff, before, after)))
			before->rebuilt = true;
		if (is_passed_on(before, after, i))
			continue;
		if (rule->how == DBMIG_REPLACE ||
			(rule->how == DBMIG_AGAIN && kind->fits && !kind->fits(before, after)))
			before->torn = true;
	}
}

/* Does anything of it change that something can depend on? */
static bool
is_altered(const DbmigFact *before)
{
	for (int i = 0; i < before->kind->nrules; i++)
	{
		if (differs(before, before->twin, i) &&
			!(before->kind->rules[i].flags & DBMIG_COSMETIC))
			return true;
	}
	return false;
}

/* Does it hold values of its own? */
static bool
is_plain_column(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_column &&
		dbmig_fact_value(fact, "generated") == NULL;
}

/* Has a table the fact from its parent table? */
static bool
comes_from_parent(const DbmigFact *fact)
{
	return (fact->kind == &dbmig_kind_column ||
			fact->kind == &dbmig_kind_constraint ||
			fact->kind == &dbmig_kind_foreign_key ||
			fact->kind == &dbmig_kind_index) &&
		dbmig_inherited_from(fact) != NULL;
}

/* Will the user of a part use another part of the whole that is made again? */
static bool
uses_whole_again(const DbmigFact *user, const DbmigFact *used)
{
	const DbmigFact *whole = used->parent;
	ListCell   *lc;

	if (whole == NULL || whole->twin == NULL || !dbmig_goes(whole))
		return false;
	foreach(lc, user->twin->references)
	{
		const DbmigFact *fact = lfirst(lc);

		if (fact == whole->twin || fact->parent == whole->twin)
			return true;
	}
	return false;
}

/*
 * Can a column hold values that have this attribute?  Such values are lost when
 * the attribute is dropped.
 */
static bool
is_held(const DbmigFact *attribute)
{
	ListCell   *lc;

	foreach(lc, attribute->parent->users)
	{
		const DbmigFact *user = lfirst(lc);

		if (user->kind == &dbmig_kind_column || user->kind == &dbmig_kind_domain ||
			(user->kind == attribute->kind && user->parent != attribute->parent))
			return true;
	}
	return false;
}

/*
 * Is one fact used only because it is the partition's share of another one?
 * The server makes that of a foreign key for each partition that comes.
 */
static bool
is_share_of_used(const DbmigFact *user, const DbmigFact *used)
{
	return user->kind == &dbmig_kind_foreign_key && comes_from_parent(used) &&
		uses_fact(user, dbmig_inherited_from(used));
}

/* Is the user's table still a partition of the other's, when this one goes? */
static bool
stays_partition(const DbmigFact *user, const DbmigFact *used)
{
	return !dbmig_goes(used->parent) && user->parent->twin &&
		dbmig_is_partition_of(user->parent->twin, used->parent);
}

/* Has the user of a fact to go because of what happens to it? */
static bool
is_torn_by(const DbmigFact *user, const DbmigFact *used)
{
	if (dbmig_goes(used))
	{
		if (user->parent == used)
			return true;
		/* a column of the table's own outlives that of the parent table */
		if (user->kind == &dbmig_kind_column && user->kind == used->kind &&
			user->parent != used->parent &&
			dbmig_fact_value(user, "inherited") == NULL)
			return false;
		/* a partition that leaves takes its share of a key's index along */
		if (is_share_of_used(user, used) && !dbmig_goes(used->parent))
			return false;
		/* a table that leaves its parent table keeps what it had from there */
		if (comes_from_parent(user) && dbmig_inherited_from(user) == used &&
			(dbmig_fact_value(user->twin, "inherited") == NULL ||
			 used->parent->twin == NULL) && !stays_partition(user, used))
			return false;
		if (used->twin && uses_fact(user->twin, used->twin))
			return true;
		/* one that will use something else instead is altered before */
		return !is_altered(user) || uses_whole_again(user, used);
	}
	if (used->rebuilt)
	{
		/* a column can use another one as its parent's, or in an expression */
		if (used->kind == &dbmig_kind_column)
			return !(user->kind->flags & DBMIG_STANDS) &&
				(user->kind != used->kind || user->parent == used->parent);
		/* of a type: a column moves to the new one, as attributes do */
		if (user->kind == &dbmig_kind_attribute &&
			(user->parent == used || is_held(user)))
			return false;
		return !is_plain_column(user);
	}
	return used->reshaped && dbmig_stores_row_type(user, used);
}

/* Spread from what goes, and from what is rebuilt, to all that cannot stand. */
static void
tear(const DbmigInventory *from)
{
	List	   *queue = NIL;

	for (int i = 0; i < from->n; i++)
	{
		DbmigFact  *fact = from->facts[i];

		if (dbmig_goes(fact) || fact->rebuilt)
			queue = lappend(queue, fact);
		if (fact->rebuilt &&
			(fact->kind == &dbmig_kind_attribute || fact->kind == &dbmig_kind_column) &&
			!fact->parent->reshaped)
		{
			fact->parent->reshaped = true;
			queue = lappend(queue, fact->parent);
		}
	}
	/* the queue grows while it is walked */
	for (int i = 0; i < list_length(queue); i++)
	{
		DbmigFact  *used = list_nth(queue, i);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, used->users)
		{
			DbmigFact  *user = lfirst(lc);

			if (dbmig_goes(user))
				continue;
			if (is_torn_by(user, used))
				user->torn = true;
			else if (used->reshaped && !used->rebuilt && !dbmig_goes(used))
			{
				user = dbmig_reshaped_by(user, used);
				if (user == NULL || user->reshaped)
					continue;
				user->reshaped = true;
			}
			else
			{
				/* what has an attribute of the type gets a successor too */
				if (user->kind == &dbmig_kind_attribute && user->parent != used)
					user = user->parent;
				else if (!is_plain_column(user))
					continue;
				if (!used->rebuilt || user->rebuilt || dbmig_goes(user))
					continue;
				user->rebuilt = true;
			}
			queue = lappend(queue, user);
		}
	}
}

/* Write the statement for an attribute that gets or loses its value. */
static void
write_alter(DbmigDiff *diff, DbmigFact *before, DbmigFact *after, int i)
{
	const DbmigRule *rule = &after->kind->rules[i];
	const char *pattern;
	int			first = list_length(diff->actions);

	if (rule->alter)
	{
		rule->alter(diff, before, after, rule);
		for (int k = first; k < list_length(diff->actions); k++)
			((DbmigAction *) list_nth(diff->actions, k))->anytime =
				(rule->flags & DBMIG_ANYTIME) != 0;
		return;
	}
	pattern = after->values[i] ? rule->set : rule->unset;
	if (pattern == NULL)
		elog(ERROR, "kind \"%s\" has no statement for attribute \"%s\"",
			 after->kind->name, rule->attribute);
	dbmig_act_alter(diff, after, !(rule->flags & DBMIG_COSMETIC),
					dbmig_pattern(pattern, after),
					rule->hazard)->anytime = (rule->flags & DBMIG_ANYTIME) != 0;
}

static void
write_comment(DbmigDiff *diff, DbmigFact *fact)
{
	DbmigAction *action =
		dbmig_act_alter(diff, fact, false,
						dbmig_pattern(fact->comment ?
									  "COMMENT ON {address} IS {comment}" :
									  "COMMENT ON {address} IS NULL", fact),
						NULL);

	action->anytime = true;
}

/* Statements for what CREATE did not say. */
void
dbmig_write_late(DbmigDiff *diff, DbmigFact *fact)
{
	for (int i = 0; i < fact->kind->nrules; i++)
	{
		const DbmigRule *rule = &fact->kind->rules[i];

		if (!(rule->flags & DBMIG_LATE) ||
			(fact->values[i] == NULL &&
			 !(rule->alter == dbmig_alter_privileges &&
			   dbmig_has_default_privileges(diff, fact))))
			continue;
		if (strcmp(rule->attribute, "owner") == 0 &&
			strcmp(fact->values[i], diff->role) == 0)
			continue;
		write_alter(diff, NULL, fact, i);
	}
	if (fact->comment)
		write_comment(diff, fact);
}

/*
 * Does a new owner get what others were to keep?  ALTER ... OWNER TO gives it
 * the privileges of the old one, also where they are the same on both sides.
 */
static bool
is_given_to_owner(const DbmigFact *before, const DbmigFact *after, int i)
{
	return after->kind->rules[i].alter == dbmig_alter_privileges &&
		after->values[i] != NULL &&
		!dbmig_same_value(dbmig_fact_owner(before), dbmig_fact_owner(after));
}

/*
 * Does the change of a column's type take back what stays the same on both
 * sides?  That of a column which comes from a parent table goes with it.
 */
static bool
is_lost_with_type(const DbmigFact *before, const DbmigFact *after, int i)
{
	return (after->kind->rules[i].flags & DBMIG_LOST_WITH_TYPE) &&
		before->rebuilt && after->values[i] != NULL;
}

/* Statements for a pair that stays. */
static void
write_changes(DbmigDiff *diff, DbmigFact *before, DbmigFact *after)
{
	const DbmigKind *kind = after->kind;
	bool		again = false;

	if (before->rebuilt && kind->rebuild)
	{
		kind->rebuild(diff, before, after);
		return;
	}
	for (int i = 0; i < kind->nrules; i++)
	{
		const DbmigRule *rule = &kind->rules[i];

		if ((!differs(before, after, i) && !is_given_to_owner(before, after, i) &&
			 !is_lost_with_type(before, after, i)) ||
			is_passed_on(before, after, i))
			continue;
		if (rule->how == DBMIG_AGAIN)
		{
			if (!again)
				(void) dbmig_act_alter(diff, after, true,
									   dbmig_pattern(kind->again, after),
									   rule->hazard);
			again = true;
		}
		else
			write_alter(diff, before, after, i);
	}
	if (dbmig_same_value(before->comment, after->comment))
		return;
	/* that of a partition's keeps its name, but here the name is needed */
	if (kind == &dbmig_kind_foreign_key && strcmp(before->id, after->id) != 0)
		dbmig_rename_part(diff, before, after, NULL);
	write_comment(diff, after);
}

/*
 * Write the statements that bring a fact of the wanted inventory about, once;
 * its parent's first.
 */
void
dbmig_make(DbmigDiff *diff, DbmigFact *fact)
{
	const DbmigKind *kind = fact->kind;
	DbmigFact  *parent = fact->parent;

	if (fact->done)
		return;
	fact->done = true;
	if (parent)
		dbmig_make(diff, parent);

	if (!dbmig_is_new(fact))
	{
		write_changes(diff, fact->twin, fact);
		return;
	}

	if (parent && dbmig_is_new(parent) && parent->made &&
		((kind->flags & DBMIG_WITH_PARENT) ||
		 (kind->comes_along && kind->comes_along(fact))))
		fact->made = parent->made;
	else if (kind->write_create)
		kind->write_create(diff, fact);
	else if (kind->create)
		fact->made = dbmig_act(diff, "create", fact,
							   dbmig_pattern(kind->create, fact), NULL);
	else if (parent && parent->altered)
		fact->made = llast(parent->altered);
	dbmig_write_late(diff, fact);
}

/* Is it that a table belongs to another one? */
static bool
is_attachment(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_partition ||
		fact->kind == &dbmig_kind_inheritance;
}

/*
 * Does a table leave its parent table for good?  That it is to join another
 * one changes nothing.  Asked of a fact of the old inventory.
 */
static bool
leaves_for_good(const DbmigFact *attachment)
{
	const DbmigFact *table = dbmig_attached_to(attachment);

	return attachment->twin == NULL || (table && table->twin == NULL);
}

/*
 * What takes a fact of the old inventory along when dropped, besides its
 * parent.  A table that leaves its parent table for good does so first, and
 * keeps all but the triggers, and foreign keys that go from both: rows may be
 * in their way.
 */
static DbmigFact *
keeper_of(const DbmigFact *fact)
{
	const DbmigFact *table = fact->parent;
	ListCell   *lc;

	if (fact->keeper == NULL || table == NULL || dbmig_goes(table) ||
		fact->kind == &dbmig_kind_trigger ||
		(fact->kind == &dbmig_kind_foreign_key && dbmig_goes(fact->keeper) &&
		 !dbmig_goes(fact->keeper->parent)))
		return fact->keeper;
	foreach(lc, table->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (is_attachment(child) && leaves_for_good(child) &&
			uses_fact(child, fact->keeper->parent))
			return NULL;
	}
	return fact->keeper;
}

/*
 * Is one constraint the table's own as well as its parent table's?  Such a one
 * is there before the parent's, which merges with it, and outlives it.
 */
static bool
is_merged(const DbmigFact *fact, const DbmigFact *used)
{
	return fact->kind == &dbmig_kind_constraint &&
		(used->kind == fact->kind || used->kind == &dbmig_kind_index) &&
		dbmig_fact_value(fact, "inherited") == NULL;
}

/* Has it to be dropped before the parent that takes it along? */
static bool
is_in_the_way(DbmigFact *fact)
{
	ListCell   *lc;

	/* what comes from a parent table cannot be dropped by itself */
	if (!(fact->kind->flags & DBMIG_DETACHES) || keeper_of(fact))
		return false;
	foreach(lc, fact->references)
	{
		DbmigFact  *used = lfirst(lc);

		/* what it has besides from a parent table does not hold it */
		if (is_merged(fact, used))
			continue;
		if (used->gone && used->gone != fact->parent->gone)
			return true;
	}
	return false;
}

/* How a partition leaves for good, which takes its triggers from the parent. */
static DbmigFact *
find_detachment(const DbmigFact *part)
{
	ListCell   *lc;

	foreach(lc, part->parent->children)
	{
		DbmigFact  *child = lfirst(lc);

		if (child->kind == &dbmig_kind_partition && child->gone &&
			leaves_for_good(child))
			return child;
	}
	return NULL;
}

/*
 * Find or write the statement that takes a fact of the old inventory away.
 * Those that may detach come in a second round, when it is known what takes
 * away what they use.
 */
static void
take_away(DbmigDiff *diff, DbmigFact *fact, bool detach)
{
	DbmigFact  *parent = fact->parent;
	DbmigFact  *leave;
	DbmigFact  *keeper = keeper_of(fact);

	if (fact->done || !dbmig_goes(fact) ||
		(!detach && (fact->kind->flags & DBMIG_DETACHES)))
		return;
	fact->done = true;
	if (parent)
		take_away(diff, parent, detach);
	if (keeper)
		take_away(diff, keeper, detach);

	if (parent && parent->gone && !(parent->kind->flags & DBMIG_ONE_BY_ONE) &&
		!is_in_the_way(fact))
		fact->gone = parent->gone;
	else if (keeper && keeper->gone)
		fact->gone = keeper->gone;
	else if (fact->keeper && fact->kind == &dbmig_kind_trigger &&
			 (leave = find_detachment(fact)) != NULL)
		fact->gone = leave->gone;
	else if (fact->kind->write_drop)
		fact->kind->write_drop(diff, fact);
	else if (fact->kind->drop)
		fact->gone = dbmig_act(diff, "drop", fact,
							   dbmig_pattern(fact->kind->drop, fact),
							   fact->kind->hazard);
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

		if (is_merged(fact, used))
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
				if (!(used->rebuilt && used->kind->rebuild && is_plain_column(fact)))
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

		if (is_share_of_used(fact, used))
			continue;
		if (dbmig_is_taken_in(fact, used))
		{
			dbmig_wait_for(used->made, fact->made);
			dbmig_wait_for_all(used->made, fact->polished);
			continue;
		}
		if (is_merged(fact, used))
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
		if (!leaves_for_good(fact))
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

			if (is_attachment(other))
				dbmig_wait_for(fact->made, other->made);
		}
		dbmig_wait_for_all(fact->made, column_actions(table));
		dbmig_wait_for_all(fact->made, column_actions(fact->parent));
		/* others may have to make place */
		foreach(lc, table->twin ? table->twin->users : NIL)
		{
			const DbmigFact *other = lfirst(lc);

			if (is_attachment(other))
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
				!comes_from_parent(part))
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

/*
 * The statements that lead from one inventory to another, in an order in which
 * they can run, and as many units as there may be.  role is who will run them,
 * quoted.
 */
DbmigDiff *
dbmig_diff_in_units(const DbmigInventory *from, const DbmigInventory *to,
					const char *role, DbmigUnits units)
{
	DbmigDiff  *diff = palloc0(sizeof(DbmigDiff));
	Slot	   *slots;
	int			nslots;

	diff->from = from;
	diff->to = to;
	diff->role = role;
	diff->units = units;

	reset(from);
	reset(to);
	match(from, to);
	dbmig_match_parts(from);
	for (int i = 0; i < from->n; i++)
	{
		if (from->facts[i]->twin)
			judge(diff, from->facts[i], from->facts[i]->twin);
	}
	for (int i = 0; i < to->n; i++)
	{
		DbmigFact  *fact = to->facts[i];

		if ((fact->kind->flags & DBMIG_JUDGES_PARENT) && dbmig_is_new(fact) &&
			fact->parent->twin &&
			!fact->parent->kind->fits(fact->parent->twin, fact->parent))
			fact->parent->twin->rebuilt = true;
	}
	tear(from);
	dbmig_plan_parts(to);

	for (int i = 0; i < from->n; i++)
		take_away(diff, from->facts[i], false);
	for (int i = 0; i < from->n; i++)
		take_away(diff, from->facts[i], true);
	for (int i = 0; i < to->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		dbmig_make(diff, to->facts[i]);
	}

	dbmig_republish(diff);
	dbmig_join_parts(diff);
	slots = collect_slots(from, &nslots);
	for (int i = 0; i < from->n; i++)
	{
		order_teardown(from->facts[i]);
		if (is_attachment(from->facts[i]))
			order_attachment(from->facts[i]);
		if (from->facts[i]->kind == &dbmig_kind_typed_table)
			order_typed_table(from->facts[i]);
	}
	for (int i = 0; i < to->n; i++)
	{
		order_building(to->facts[i], slots, nslots);
		if (is_attachment(to->facts[i]))
			order_attachment(to->facts[i]);
		if (to->facts[i]->kind == &dbmig_kind_typed_table)
			order_typed_table(to->facts[i]);
		if (to->facts[i]->kind == &dbmig_kind_column ||
			to->facts[i]->kind == &dbmig_kind_table)
			order_after_children(to->facts[i]);
	}
	diff->actions = dbmig_order(diff->actions);
	if (units != DBMIG_ONE_UNIT)
		dbmig_divide(diff);
	if (units == DBMIG_CONCURRENTLY)
		dbmig_make_concurrent(diff);
	return diff;
}

/* The same, such that all of it can run in one transaction. */
DbmigDiff *
dbmig_diff(const DbmigInventory *from, const DbmigInventory *to, const char *role)
{
	return dbmig_diff_in_units(from, to, role, DBMIG_ONE_UNIT);
}
