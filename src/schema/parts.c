/*-------------------------------------------------------------------------
 *
 * parts.c
 *		What partitions have from the table that they are partitions of.
 *
 * An index of a partitioned table has a part on each partition, and so has a
 * constraint.  Part and whole are facts of their own; which whole a part is of,
 * its reference says.  So parts are matched by whole and table, not by name: an
 * index's part that has another name is renamed.  That of a foreign key is no
 * matter of difference, since pg_dump says nothing of it.
 *
 * A statement for the whole makes all parts, and gives them names of its own
 * choice.  Where these will do, a part comes along: with the whole, or with its
 * table when that is newer.  Where they will not do, an index is made part by
 * part, by ONLY and ATTACH PARTITION, and a foreign key's part is made before
 * the whole, which then takes it in.  A check that is to be not valid comes when
 * the tables are there, since a new partition has its parent's checks valid.
 *
 * Where the whole is there already, a new partition for which the server's
 * choice will not do is made as a table of its own, and attached when it has
 * what it is to have.  But where the parent has several indexes that the server
 * takes for the same, it is not known which of them it looks for first, so the
 * table has none of their parts before: the server clones each of them, and a
 * clone is known by its whole.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "schema/kinds.h"
#include "utils/builtins.h"

/* ---------------- parts and wholes ---------------- */

static bool
is_check(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_constraint &&
		*dbmig_fact_value(fact, "type") == 'c';
}

/* Is it an index, or a constraint that has one? */
static bool
has_index(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_index ||
		(fact->kind == &dbmig_kind_constraint && !is_check(fact));
}

static bool
is_foreign_key(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_foreign_key;
}

/*
 * The index of a partitioned table, or the constraint that has one, which this
 * one is a part of; NULL if of none.
 */
DbmigFact *
dbmig_part_of(const DbmigFact *fact)
{
	ListCell   *lc;

	if (!has_index(fact))
		return NULL;
	foreach(lc, fact->references)
	{
		DbmigFact  *used = lfirst(lc);

		if (used->parent != fact->parent && has_index(used))
			return used;
	}
	return NULL;
}

/* That a table is a partition, as a fact; NULL if it is none. */
DbmigFact *
dbmig_partition_fact(const DbmigFact *table)
{
	ListCell   *lc;

	foreach(lc, table->children)
	{
		DbmigFact  *child = lfirst(lc);

		if (child->kind == &dbmig_kind_partition)
			return child;
	}
	return NULL;
}

/* Is a table a partition of the one that is called like this one? */
bool
dbmig_is_partition_of(const DbmigFact *table, const DbmigFact *of)
{
	const DbmigFact *partition = dbmig_partition_fact(table);

	return partition && strcmp(dbmig_fact_value(partition, "of"), of->id) == 0;
}

/* Does a table stay a partition all the time? */
static bool
stays_attached(const DbmigFact *table)
{
	const DbmigFact *partition = dbmig_partition_fact(table);

	return partition && !dbmig_is_new(partition);
}

/* What the server calls an index. */
static const char *
index_name(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_index ? fact->id :
		dbmig_fact_value(fact, "index");
}

static bool
is_exclusion(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_constraint &&
		*dbmig_fact_value(fact, "type") == 'x';
}

static bool
is_unique(const DbmigFact *index)
{
	return index->kind == &dbmig_kind_constraint ||
		strncmp(dbmig_fact_value(index, "definition"), "CREATE UNIQUE", 13) == 0;
}

/* CREATE INDEX, as the definition of an index begins. */
static const char *
create_index(const DbmigFact *index)
{
	return is_unique(index) ? "CREATE UNIQUE INDEX " : "CREATE INDEX ";
}

/* An index's definition from the table's name on. */
static const char *
table_in_definition(const DbmigFact *index)
{
	return dbmig_fact_value(index, "definition") + strlen(create_index(index)) +
		strlen(dbmig_fact_value(index, "name")) + strlen(" ON ");
}

/* The statement that makes an index, with words put in their places. */
char *
dbmig_index_statement(const DbmigFact *index, const char *concurrently,
					  const char *only)
{
	return psprintf("%s%s%s ON %s%s", create_index(index), concurrently,
					dbmig_fact_value(index, "name"), only,
					table_in_definition(index));
}

/* Do all columns that one index has of its table belong to the other's? */
static bool
has_columns_of(const DbmigFact *index, const DbmigFact *of)
{
	ListCell   *lc;

	foreach(lc, of->references)
	{
		const DbmigFact *column = lfirst(lc);

		if (column->kind == &dbmig_kind_column && column->parent == of->parent &&
			!list_member_ptr(index->references, column) &&
			!(column->twin && list_member_ptr(index->references, column->twin)))
			return false;
	}
	return true;
}

/*
 * Could the server take one index of a table for the other?  It looks at
 * columns, expressions and operator families, but not at the order in which
 * values are sorted, nor, before 17, at the type of a key.
 */
static bool
is_alike(const DbmigFact *a, const DbmigFact *b)
{
	return is_unique(a) == is_unique(b) && !is_exclusion(a) && !is_exclusion(b) &&
		has_columns_of(a, b) && has_columns_of(b, a);
}

/* ---------------- matching ---------------- */

/* The part of the wanted inventory that has the same whole and table. */
static DbmigFact *
find_counterpart(const DbmigFact *part, const DbmigFact *whole)
{
	ListCell   *lc;

	foreach(lc, part->parent->twin->children)
	{
		DbmigFact  *child = lfirst(lc);

		if (child->kind == part->kind && dbmig_inherited_from(child) == whole->twin)
			return child;
	}
	return NULL;
}

/* Let what this one is a part of be made again, with all its parts. */
static void
tear_whole(DbmigFact *whole)
{
	DbmigFact  *above;

	while ((above = dbmig_inherited_from(whole)) != NULL)
		whole = above;
	whole->torn = true;
}

/*
 * A check is made again, not valid, where it is so on the whole, and to become
 * so on the part: no statement takes that back for the part alone.
 */
static void
match_check(const DbmigFact *part, DbmigFact *whole)
{
	if (part->twin && dbmig_fact_value(part, "not_valid") == NULL &&
		dbmig_fact_value(part->twin, "not_valid") &&
		dbmig_fact_value(whole, "not_valid") &&
		dbmig_fact_value(whole->twin, "not_valid"))
		tear_whole(whole);
}

/* Match a part of the old inventory, whose whole is matched already. */
static void
match_part(DbmigFact *part, DbmigFact *whole)
{
	DbmigFact  *found;

	if (whole->twin == NULL || part->parent->twin == NULL)
		return;
	if (is_check(part))
	{
		match_check(part, whole);
		return;
	}
	found = find_counterpart(part, whole);
	if (found == NULL)
	{
		/* no statement takes the part away alone */
		if (has_index(part) &&
			dbmig_is_partition_of(part->parent->twin, whole->twin->parent))
		{
			tear_whole(whole);
			part->torn = true;
		}
		return;
	}
	if (found == part->twin)
		return;
	if (part->twin)
		part->twin->twin = NULL;
	if (found->twin)
		found->twin->twin = NULL;
	part->twin = found;
	found->twin = part;
}

/*
 * Match the parts that partitions have, after everything was matched by name.
 */
void
dbmig_match_parts(const DbmigInventory *from)
{
	List	   *queue = NIL;

	for (int i = 0; i < from->n; i++)
	{
		DbmigFact  *fact = from->facts[i];

		if ((has_index(fact) || is_check(fact) || is_foreign_key(fact)) &&
			dbmig_inherited_from(fact) == NULL)
			queue = lappend(queue, fact);
	}
	/* the queue grows while it is walked, downwards */
	for (int i = 0; i < list_length(queue); i++)
	{
		DbmigFact  *whole = list_nth(queue, i);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, whole->users)
		{
			DbmigFact  *user = lfirst(lc);

			if (user->kind != whole->kind || dbmig_inherited_from(user) != whole)
				continue;
			match_part(user, whole);
			queue = lappend(queue, user);
		}
	}
}

static int
compare_slots(const void *a, const void *b)
{
	const DbmigFact *fact_a = *(DbmigFact *const *) a;
	const DbmigFact *fact_b = *(DbmigFact *const *) b;

	return strcmp(fact_a->slot, fact_b->slot);
}

/* What bears a name in the old inventory; NULL if nothing does. */
static const DbmigFact *
find_holder(DbmigDiff *diff, const DbmigFact *wanted)
{
	DbmigFact **found;

	if (wanted->slot == NULL)
		return NULL;
	if (diff->holders == NULL)
	{
		diff->holders = palloc(sizeof(DbmigFact *) * (diff->from->n + 1));
		for (int i = 0; i < diff->from->n; i++)
		{
			if (diff->from->facts[i]->slot)
				diff->holders[diff->nholders++] = diff->from->facts[i];
		}
		qsort(diff->holders, diff->nholders, sizeof(DbmigFact *), compare_slots);
	}
	found = bsearch(&wanted, diff->holders, diff->nholders, sizeof(DbmigFact *),
					compare_slots);
	return found ? *found : NULL;
}

/* Give a part of an index its name, where it has another one. */
void
dbmig_rename_part(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				 const DbmigRule *rule)
{
	const char *name = dbmig_fact_value(after, "name");
	const char *old = dbmig_fact_value(before, "name");
	const DbmigFact *holder = find_holder(diff, after);
	const char *pattern = after->kind == &dbmig_kind_index ?
		"ALTER INDEX %s.%s RENAME TO %s" : "ALTER TABLE %s RENAME CONSTRAINT %s TO %s";
	const char *in = after->kind == &dbmig_kind_index ?
		after->parent->parent->id : after->parent->id;

	/* two can have each other's names */
	if (holder && !dbmig_goes(holder))
	{
		char	   *aside = dbmig_aside(diff);

		before->renamed = dbmig_act_alter(diff, after, false,
										  psprintf(pattern, in, old, aside), NULL);
		old = aside;
	}
	after->renamed = dbmig_act_alter(diff, after, false,
									 psprintf(pattern, in, old, name), NULL);
	if (before->renamed == NULL)
		before->renamed = after->renamed;
}

/* ---------------- parts that are clones ---------------- */

/*
 * Does a table become a partition when its parent has several indexes that the
 * server could take this part for?  Then it is not known which one it takes.
 */
static bool
has_rival(const DbmigFact *part)
{
	const DbmigFact *partition = dbmig_partition_fact(part->parent);
	const DbmigFact *whole = dbmig_inherited_from(part);
	ListCell   *lc;

	if (partition == NULL || !dbmig_is_new(partition) || dbmig_is_new(whole))
		return false;
	foreach(lc, part->parent->children)
	{
		const DbmigFact *child = lfirst(lc);
		const DbmigFact *other = child == part || !has_index(child) ? NULL :
			dbmig_inherited_from(child);

		if (other && !dbmig_is_new(other) && is_alike(child, part))
			return true;
	}
	return false;
}

/* Is a part to be made by the server, so that its whole is certain? */
static bool
is_clone(const DbmigFact *part)
{
	const DbmigFact *whole;

	if (!has_index(part))
		return false;
	for (; (whole = dbmig_inherited_from(part)) != NULL; part = whole)
	{
		if (has_rival(part))
			return true;
	}
	return false;
}

/*
 * Let go what the server could take for a part instead of making one.  Returns
 * whether there was anything, so that what uses it has to go as well.
 */
bool
dbmig_tear_rivals(const DbmigInventory *to)
{
	bool		torn = false;

	for (int i = 0; i < to->n; i++)
	{
		const DbmigFact *fact = to->facts[i];
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		if (fact->parent == NULL || fact->parent->twin == NULL || !is_clone(fact))
			continue;
		foreach(lc, fact->parent->twin->children)
		{
			DbmigFact  *child = lfirst(lc);

			if (!has_index(child) || dbmig_goes(child) || !is_alike(child, fact))
				continue;
			child->torn = true;
			torn = true;
		}
	}
	return torn;
}

/* Can the server give one of the parts that are alike another name? */
static bool
needs_names(const DbmigFact *part)
{
	ListCell   *lc;

	foreach(lc, part->parent->children)
	{
		const DbmigFact *child = lfirst(lc);
		const DbmigFact *whole;

		if (!child->cloned || !is_alike(child, part))
			continue;
		whole = dbmig_inherited_from(child);
		if (dbmig_fact_value(child, "own_name") ||
			(whole->twin && dbmig_fact_value(whole->twin, "stale")))
			return true;
	}
	return false;
}

/*
 * Make a part as a clone of its whole, which is what the server does when the
 * table becomes a partition and has no such index.  Then only the whole tells
 * which part it is, so it is found by that, and put aside, since the name that
 * it is to have can be another one's at first.  Returns false if the part is not
 * to be made so.
 */
bool
dbmig_make_clone(DbmigDiff *diff, DbmigFact *part)
{
	DbmigFact  *whole;
	DbmigFact  *partition;
	char	   *aside;
	char	   *body;

	if (!part->cloned)
		return false;
	whole = dbmig_inherited_from(part);
	partition = dbmig_partition_fact(part->parent);
	dbmig_make(diff, whole);
	dbmig_make(diff, partition);
	part->made = partition->made;
	/* a table that becomes a partition has its own partitions by then */
	if (whole->cloned && whole->made != whole->parent->made)
	{
		part->made = whole->made;
		dbmig_wait_for(whole->made, partition->made);
	}
	if (!needs_names(part))
		return true;

	aside = dbmig_aside(diff);
	body = psprintf("BEGIN EXECUTE (SELECT format('ALTER INDEX %%s RENAME TO %s', i.indexrelid::regclass) "
					"FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indexrelid "
					"WHERE i.indrelid = %s::regclass AND h.inhparent = %s::regclass); END",
					aside, quote_literal_cstr(part->parent->id),
					quote_literal_cstr(index_name(whole)));
	(void) dbmig_act_alter(diff, part, true,
						   psprintf("DO %s", quote_literal_cstr(body)), NULL);
	part->renamed = dbmig_act_alter(diff, part, true,
									psprintf("ALTER INDEX %s.%s RENAME TO %s",
											 part->parent->parent->id, aside,
											 dbmig_fact_value(part, "name")),
									NULL);
	return true;
}

/*
 * Let a clone be looked for when its whole has its name, and get its own one
 * when those like it are put aside.
 */
static void
order_clone(DbmigFact *part)
{
	ListCell   *lc;

	if (part->renamed == NULL)
		return;
	dbmig_wait_for(linitial(part->altered), dbmig_inherited_from(part)->renamed);
	foreach(lc, part->parent->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->cloned && child->renamed && is_alike(child, part))
			dbmig_wait_for(part->renamed, linitial(child->altered));
	}
}

/* ---------------- planning ---------------- */

/* The uppermost of what a fact is a part of, or the fact itself. */
static const DbmigFact *
uppermost(const DbmigFact *fact)
{
	const DbmigFact *whole;

	while ((whole = dbmig_inherited_from(fact)) != NULL)
		fact = whole;
	return fact;
}

/* Let a new partition be made as a table of its own, to be attached. */
static void
set_apart(DbmigFact *table)
{
	if (dbmig_is_new(table) && dbmig_fact_value(table, "bound"))
		table->apart = true;
}

/*
 * Let an index be made by a statement of its own: then what it is a part of is
 * made without its parts, or its table before it is attached.
 */
static void
make_in_parts(DbmigFact *part)
{
	DbmigFact  *whole;

	for (; (whole = dbmig_part_of(part)) != NULL; part = whole)
	{
		if (!dbmig_is_new(whole))
		{
			set_apart(part->parent);
			return;
		}
		if (whole->in_parts)
			return;
		whole->in_parts = true;
	}
}

/*
 * Would the server, where it looks for a part on a table that is there, find
 * another index than this one?
 */
static bool
is_ambiguous(const DbmigFact *part)
{
	ListCell   *lc;

	if (dbmig_is_new(part->parent))
		return false;
	foreach(lc, part->parent->twin->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (has_index(child) && child != part->twin && !dbmig_goes(child) &&
			dbmig_part_of(child) == NULL && is_alike(child, part))
			return true;
	}
	return false;
}

/* Decide for an index, or a constraint that has one, whether it stands apart. */
static void
plan_index(DbmigFact *fact)
{
	DbmigFact  *whole = dbmig_part_of(fact);

	if (dbmig_is_new(fact) && dbmig_fact_value(fact, "invalid"))
	{
		fact->in_parts = true;
		make_in_parts(fact);
	}
	if (whole == NULL || fact->cloned)
		return;
	if (dbmig_is_new(fact) &&
		(dbmig_fact_value(fact, "own_name") ||
		 (!dbmig_is_new(whole) && dbmig_fact_value(whole->twin, "stale"))))
		make_in_parts(fact);
	else if (dbmig_is_new(whole) && is_ambiguous(fact))
		make_in_parts(fact);
}

/*
 * A new table has its parent's checks valid at once.  One that is to be not
 * valid comes to all tables when these are there, or else the table gets it
 * before it is attached.
 */
static void
plan_check(DbmigFact *fact)
{
	DbmigFact  *whole = dbmig_inherited_from(fact);

	if (whole == NULL || !dbmig_is_new(fact) ||
		dbmig_fact_value(fact, "not_valid") == NULL)
		return;
	if (!dbmig_is_new(whole))
		set_apart(fact->parent);
	for (; whole && dbmig_is_new(whole); whole = dbmig_inherited_from(whole))
		whole->late = true;
}

/* A foreign key's part with a name of its own is there before the whole. */
static void
plan_foreign_key(DbmigFact *fact)
{
	if (dbmig_is_new(fact) && dbmig_fact_value(fact, "own_name") &&
		!dbmig_is_new(uppermost(fact)))
		set_apart(fact->parent);
}

/* Which statement makes a part of the wanted inventory? */
static DbmigOrigin
find_origin(const DbmigFact *part, const DbmigFact *whole)
{
	bool		with_table = dbmig_is_new(part->parent) && !part->parent->apart;
	bool		with_whole = dbmig_is_new(whole) && whole->origin != DBMIG_WITH_TABLE;

	if (is_check(part))
	{
		if (with_table)
			return with_whole && whole->late ? DBMIG_WITH_WHOLE : DBMIG_WITH_TABLE;
		return with_whole && dbmig_was_attached(part, whole->parent) ?
			DBMIG_WITH_WHOLE : DBMIG_BY_ITSELF;
	}
	if (is_foreign_key(part))
	{
		if (with_whole)
			return dbmig_fact_value(part, "own_name") ? DBMIG_BY_ITSELF :
				DBMIG_WITH_WHOLE;
		return with_table ? DBMIG_WITH_TABLE : DBMIG_BY_ITSELF;
	}
	if (whole->in_parts)
		return DBMIG_BY_ITSELF;
	if (with_table || part->cloned)
		return DBMIG_WITH_TABLE;
	return with_whole ? DBMIG_WITH_WHOLE : DBMIG_BY_ITSELF;
}

/*
 * Decide how the parts come that have to be made, when it is known what has.
 */
void
dbmig_plan_parts(const DbmigInventory *to)
{
	List	   *queue = NIL;

	for (int i = 0; i < to->n; i++)
	{
		DbmigFact  *fact = to->facts[i];

		CHECK_FOR_INTERRUPTS();
		fact->cloned = dbmig_is_new(fact) && is_clone(fact);
		if (has_index(fact))
			plan_index(fact);
		else if (is_check(fact))
			plan_check(fact);
		else if (is_foreign_key(fact))
			plan_foreign_key(fact);
		else
			continue;
		if (dbmig_inherited_from(fact) == NULL)
		{
			queue = lappend(queue, fact);
			/* what it is a part of can be out of sight */
			if (dbmig_fact_value(fact, "inherited") && dbmig_is_new(fact->parent))
				fact->origin = DBMIG_WITH_TABLE;
		}
	}
	/* the queue grows while it is walked, downwards */
	for (int i = 0; i < list_length(queue); i++)
	{
		DbmigFact  *whole = list_nth(queue, i);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, whole->users)
		{
			DbmigFact  *user = lfirst(lc);

			if (user->kind != whole->kind || dbmig_inherited_from(user) != whole)
				continue;
			user->late = user->late || whole->late;
			if (dbmig_is_new(user))
				user->origin = find_origin(user, whole);
			queue = lappend(queue, user);
		}
	}
}

/* ---------------- order ---------------- */

/* Has a part to be joined to its whole by a statement? */
static bool
has_to_join(const DbmigFact *part, const DbmigFact *whole)
{
	if (dbmig_is_new(part) && (part->made == NULL || part->made->fact != part))
		return false;
	if (dbmig_is_new(whole))
		return whole->in_parts;
	/* a table that is attached joins with what it has */
	return stays_attached(part->parent) &&
		(dbmig_is_new(part) || dbmig_part_of(part->twin) != whole->twin);
}

/*
 * Join a part to its whole.  Only with all its parts becomes the whole valid,
 * so what needs it waits for the last one.
 */
static void
join_part(DbmigDiff *diff, DbmigFact *part, DbmigFact *whole)
{
	DbmigAction *action =
		dbmig_act_alter(diff, part, true,
						psprintf("ALTER INDEX %s ATTACH PARTITION %s",
								 index_name(whole), index_name(part)), NULL);
	const DbmigFact *partition = dbmig_partition_fact(part->parent);
	DbmigFact  *top = whole;

	dbmig_wait_for(action, whole->made);
	if (partition)
		dbmig_wait_for(action, partition->made);
	while (dbmig_part_of(top))
		top = dbmig_part_of(top);
	dbmig_wait_for(action, top->completed);
	for (; whole; whole = dbmig_part_of(whole))
		whole->completed = action;
}

/*
 * Order an index that is made without its parts: the table has its partitions
 * by then, and the columns of a key are NOT NULL in all of them.
 */
static void
order_whole(DbmigFact *whole)
{
	ListCell   *lc;

	foreach(lc, whole->parent->users)
	{
		const DbmigFact *user = lfirst(lc);

		if (user->kind == &dbmig_kind_partition && user->parent != whole->parent)
			dbmig_wait_for(whole->made, user->made);
	}
	foreach(lc, whole->references)
	{
		const DbmigFact *used = lfirst(lc);

		if (used->kind == &dbmig_kind_column)
			dbmig_wait_for_all(whole->made, used->polished);
	}
}

/*
 * Order an index of a partition with regard to others that the server could
 * take for it: those that go do so before, and those that come do so after.
 */
static void
order_part(DbmigFact *part)
{
	const DbmigFact *table = part->parent;
	const DbmigFact *partition = dbmig_partition_fact(table);
	ListCell   *lc;

	if (partition == NULL)
		return;
	foreach(lc, dbmig_is_new(table) ? NIL : table->twin->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (!has_index(child) || child->gone == NULL || !is_alike(child, part) ||
			child->gone->fact != child)
			continue;
		dbmig_wait_for(part->made, child->gone);
		if (partition->made && partition->made->fact == partition)
			dbmig_wait_for(partition->made, child->gone);
	}
	foreach(lc, table->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child == part || !has_index(child) || dbmig_part_of(child) ||
			child->made == NULL || child->made->fact != child ||
			!is_alike(child, part))
			continue;
		dbmig_wait_for(child->made, part->made);
		dbmig_wait_for_all(child->made, part->altered);
		dbmig_wait_for(child->made, partition->made);
	}
}

/*
 * Join what was made part by part, and put all of it in order, when all other
 * statements are written.
 */
void
dbmig_join_parts(DbmigDiff *diff)
{
	for (int i = 0; i < diff->to->n; i++)
	{
		DbmigFact  *fact = diff->to->facts[i];
		DbmigFact  *whole = dbmig_part_of(fact);

		CHECK_FOR_INTERRUPTS();
		if (whole && has_to_join(fact, whole))
			join_part(diff, fact, whole);
		if (whole)
			order_part(fact);
		if (fact->in_parts)
			order_whole(fact);
		if (fact->cloned)
			order_clone(fact);
	}
}

/*
 * Is a foreign key's part there before the whole, which takes it in?
 */
bool
dbmig_is_taken_in(const DbmigFact *part, const DbmigFact *whole)
{
	return is_foreign_key(part) && part->made && part->made->fact == part &&
		whole->made && is_foreign_key(whole->made->fact) &&
		dbmig_inherited_from(part) == whole;
}

/* Has a table to have this part before it is attached? */
bool
dbmig_is_due_before(const DbmigFact *part)
{
	const DbmigFact *whole = dbmig_part_of(part);

	if (whole && whole->in_parts)
		return false;
	return part->made == NULL || part->made->fact == part ||
		part->made == part->parent->made;
}
