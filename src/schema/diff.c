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
 * Every statement is an action; waits.c says which of them wait for others.
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
		fact->in_parts = fact->cloned = fact->apart = fact->late = false;
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
	if (kind->is_lost && kind->is_lost(before, after))
		before->torn = true;
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
bool
dbmig_is_plain_column(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_column &&
		dbmig_fact_value(fact, "generated") == NULL;
}

/* Has a table the fact from its parent table? */
bool
dbmig_comes_from_parent(const DbmigFact *fact)
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
bool
dbmig_is_share_of_used(const DbmigFact *user, const DbmigFact *used)
{
	return user->kind == &dbmig_kind_foreign_key && dbmig_comes_from_parent(used) &&
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
		if (dbmig_is_share_of_used(user, used) && !dbmig_goes(used->parent))
			return false;
		/* a table that leaves its parent table keeps what it had from there */
		if (dbmig_comes_from_parent(user) && dbmig_inherited_from(user) == used &&
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
		return !dbmig_is_plain_column(user);
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
				else if (!dbmig_is_plain_column(user))
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

/* Write the comment on a fact, or that it has none. */
DbmigAction *
dbmig_act_comment(DbmigDiff *diff, DbmigFact *fact)
{
	DbmigAction *action =
		dbmig_act_alter(diff, fact, false,
						dbmig_pattern(fact->comment ?
									  "COMMENT ON {address} IS {comment}" :
									  "COMMENT ON {address} IS NULL", fact),
						NULL);

	action->anytime = true;
	return action;
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
		(void) dbmig_act_comment(diff, fact);
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

/*
 * Does the table that a sequence belongs to, on either side, change whether it
 * is logged, and the sequence with it, against what is wanted of that one?
 */
static bool
is_taken_along(const DbmigFact *before, const DbmigFact *after, int i)
{
	return (after->kind->rules[i].flags & DBMIG_TAKEN_ALONG) &&
		(dbmig_takes_along(before->keeper ? before->keeper->parent->twin : NULL, after) ||
		 dbmig_takes_along(after->keeper ? after->keeper->parent : NULL, after));
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
			 !is_lost_with_type(before, after, i) && !is_taken_along(before, after, i)) ||
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
	(void) dbmig_act_comment(diff, after);
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
bool
dbmig_is_attachment(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_partition ||
		fact->kind == &dbmig_kind_inheritance;
}

/*
 * Does a table leave its parent table for good?  That it is to join another
 * one changes nothing.  Asked of a fact of the old inventory.
 */
bool
dbmig_leaves_for_good(const DbmigFact *attachment)
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

		if (dbmig_is_attachment(child) && dbmig_leaves_for_good(child) &&
			uses_fact(child, fact->keeper->parent))
			return NULL;
	}
	return fact->keeper;
}

/*
 * Is one constraint the table's own as well as its parent table's?  Such a one
 * is there before the parent's, which merges with it, and outlives it.
 */
bool
dbmig_is_merged(const DbmigFact *fact, const DbmigFact *used)
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
		if (dbmig_is_merged(fact, used))
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
			dbmig_leaves_for_good(child))
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
	do
	{
		tear(from);
	} while (dbmig_tear_rivals(to));
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
	dbmig_let_wait(from, to);
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
