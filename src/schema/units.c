/*-------------------------------------------------------------------------
 *
 * units.c
 *		Divides actions into units, each of which can run in one transaction.
 *
 * Almost everything can share a transaction.  A value that ALTER TYPE adds to
 * an enum cannot be used before its transaction has ended, so a unit ends where
 * a statement comes that might use one: any that makes or changes something
 * which depends on the enum.
 *
 * On request, indexes of tables that are there already are built and dropped
 * by forms that let others go on writing.  These run in no transaction, and
 * make up the last unit.  What moves there takes along whatever waits for it,
 * so only that moves whose followers can; the rest stays as it is.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "schema/kinds.h"

static void
mark_users(List *actions)
{
	ListCell   *lc;

	foreach(lc, actions)
		((DbmigAction *) lfirst(lc))->uses_value = true;
}

/* Mark the actions that might use the new values of an enum. */
static void
mark_users_of(const DbmigFact *enumeration)
{
	List	   *queue = list_copy(enumeration->users);

	/* the queue grows while it is walked */
	for (int i = 0; i < list_length(queue); i++)
	{
		DbmigFact  *user = list_nth(queue, i);

		CHECK_FOR_INTERRUPTS();
		if (user->uses_value)
			continue;
		user->uses_value = true;
		if (user->made)
			user->made->uses_value = true;
		mark_users(user->altered);
		mark_users(user->polished);
		queue = list_concat(queue, user->users);
	}
}

/* Does the action add a value to an enum that is there already? */
static bool
adds_value(const DbmigAction *action)
{
	return action->fact->kind == &dbmig_kind_enum && action->fact->twin &&
		!action->fact->twin->rebuilt && list_member_ptr(action->fact->altered, action);
}

/*
 * Give the ordered actions of a diff the numbers of their units.
 */
void
dbmig_divide(DbmigDiff *diff)
{
	int			unit = 0;
	bool		added = false;
	ListCell   *lc;

	foreach(lc, diff->actions)
	{
		const DbmigAction *action = lfirst(lc);

		if (adds_value(action) && !action->fact->uses_value)
		{
			((DbmigFact *) action->fact)->uses_value = true;
			mark_users_of(action->fact);
		}
	}
	foreach(lc, diff->actions)
	{
		DbmigAction *action = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (adds_value(action))
			added = true;
		else if (added && action->uses_value)
		{
			unit++;
			added = false;
		}
		action->unit = unit;
	}
}

/* A table, or materialized view, that is there before and after. */
static bool
stays(const DbmigFact *fact)
{
	return fact->twin && !fact->torn && !fact->twin->torn;
}

static bool
is_index(const DbmigFact *fact)
{
	return fact->kind == &dbmig_kind_index || fact->kind == &dbmig_kind_view_index;
}

static bool
is_partitioned(const DbmigFact *table)
{
	return table->kind == &dbmig_kind_table &&
		dbmig_fact_value(table, "partition_by");
}

/* The parts of a partitioned index that its statement makes too. */
static List *
index_parts(const DbmigFact *index)
{
	List	   *parts = NIL;
	ListCell   *lc;

	foreach(lc, index->users)
	{
		DbmigFact  *user = lfirst(lc);

		if (user->kind == index->kind && dbmig_inherited_from(user) == index)
			parts = lappend(parts, user);
	}
	return parts;
}

/* Can all parts of an index be built by themselves? */
static bool
can_build_parts(const DbmigFact *index)
{
	ListCell   *lc;

	/* as deep as partitions are */
	check_stack_depth();
	foreach(lc, index_parts(index))
	{
		const DbmigFact *part = lfirst(lc);

		if (part->twin || part->origin == DBMIG_WITH_TABLE ||
			!stays(part->parent) || !can_build_parts(part))
			return false;
	}
	return true;
}

/* The columns of a key as CREATE INDEX has them; NULL if it is not that plain. */
static char *
key_columns(const DbmigFact *constraint)
{
	const char *definition = dbmig_fact_value(constraint, "definition");
	const char *columns = strchr(definition, '(');
	const char *tail = strrchr(definition, ')');

	if (columns == NULL || tail == NULL ||
		strstr(definition, "NULLS NOT DISTINCT") ||
		strstr(definition, "WITHOUT OVERLAPS") ||
		(tail[1] && strncmp(tail + 1, " DEFERRABLE", 11) != 0))
		return NULL;
	return pnstrdup(columns, tail + 1 - columns);
}

/* Can this action, of making something, be done while others write? */
static bool
can_build(const DbmigAction *action)
{
	const DbmigFact *fact = action->fact;

	if (fact->made != action || !fact->parent || !stays(fact->parent))
		return false;
	if (is_index(fact))
		return dbmig_fact_value(fact, "replica_identity") == NULL &&
			dbmig_inherited_from(fact) == NULL && can_build_parts(fact);
	return fact->kind == &dbmig_kind_constraint && fact->twin == NULL &&
		strchr("pu", *dbmig_fact_value(fact, "type")) &&
		dbmig_fact_value(fact, "inherited") == NULL &&
		dbmig_fact_value(fact, "replica_identity") == NULL &&
		!is_partitioned(fact->parent) && key_columns(fact);
}

/* Has a partitioned table a default partition? */
static bool
has_default_partition(const DbmigFact *partition)
{
	const char *of = dbmig_fact_value(partition, "of");
	ListCell   *lc;
	ListCell   *user;

	foreach(lc, partition->references)
	{
		const DbmigFact *table = lfirst(lc);

		if (table->kind != &dbmig_kind_table || strcmp(table->id, of) != 0)
			continue;
		foreach(user, table->users)
		{
			const DbmigFact *other = lfirst(user);

			if (other->kind == partition->kind &&
				strcmp(dbmig_fact_value(other, "bound"), "DEFAULT") == 0)
				return true;
		}
	}
	return false;
}

/* Can this action, of taking something away, be done while others write? */
static bool
can_remove(const DbmigAction *action)
{
	const DbmigFact *fact = action->fact;

	if (fact->gone != action || !fact->parent || !stays(fact->parent))
		return false;
	if (is_index(fact))
		return !is_partitioned(fact->parent) && fact->keeper == NULL;
	return fact->kind == &dbmig_kind_partition && fact->twin == NULL &&
		dbmig_fact_value(fact, "constraint") && !has_default_partition(fact);
}

/* What makes the index, made part by part, that this one serves; or NULL. */
static const DbmigAction *
action_for_whole(const DbmigAction *action)
{
	const DbmigFact *fact = action->fact;
	const DbmigFact *whole = fact;

	if (!is_index(fact) ||
		(action != fact->made && !list_member_ptr(fact->altered, action)))
		return NULL;
	while (dbmig_inherited_from(whole) && dbmig_inherited_from(whole)->in_parts)
		whole = dbmig_inherited_from(whole);
	return whole == fact ? NULL : whole->made;
}

/* Can an action stand in the last unit, as far as it alone is concerned? */
static bool
is_movable(const DbmigAction *action)
{
	const DbmigFact *fact = action->fact;
	const DbmigAction *whole = action_for_whole(action);

	if (can_build(action) || can_remove(action) || (whole && can_build(whole)))
		return true;
	/* what is said of a new index once it is there */
	if (fact->made == NULL || fact->made == action ||
		!list_member_ptr(fact->polished, action))
		return false;
	whole = action_for_whole(fact->made);
	return can_build(whole ? whole : fact->made);
}

/* Can an action move to the last unit, with all that waits for it? */
static bool
can_move(const DbmigAction *action)
{
	const DbmigAction *whole = action_for_whole(action);
	List	   *queue = list_make1(unconstify(DbmigAction *, whole ? whole : action));

	/* the queue grows while it is walked */
	for (int i = 0; i < list_length(queue); i++)
	{
		const DbmigAction *follower = list_nth(queue, i);

		CHECK_FOR_INTERRUPTS();
		if (!is_movable(follower))
			return false;
		queue = list_concat_unique_ptr(queue, follower->next);
	}
	return true;
}

/* Append a statement for the last unit. */
static void
append_statement(List **actions, const DbmigAction *origin,
				 const DbmigFact *fact, char *statement, const char *hazard)
{
	DbmigAction *action = palloc0(sizeof(DbmigAction));

	action->change = origin->change;
	action->fact = fact;
	action->statement = statement;
	action->hazard = hazard;
	*actions = lappend(*actions, action);
}

/*
 * Build an index: at once, or for a partitioned table part by part.  Only when
 * it has all its parts becomes it valid.
 */
static void
build_index(List **actions, const DbmigAction *origin, const DbmigFact *index)
{
	const char *hazard = strncmp(dbmig_fact_value(index, "definition"),
								 "CREATE UNIQUE", 13) == 0 ?
		"fails on rows that are not unique" : NULL;
	ListCell   *lc;

	/* as deep as partitions are */
	check_stack_depth();
	if (!is_partitioned(index->parent))
	{
		append_statement(actions, origin, index,
						 dbmig_index_statement(index, "CONCURRENTLY ", ""), hazard);
		return;
	}
	append_statement(actions, origin, index,
					 dbmig_index_statement(index, "", "ONLY "), NULL);
	foreach(lc, index_parts(index))
	{
		const DbmigFact *part = lfirst(lc);

		build_index(actions, origin, part);
		append_statement(actions, origin, part,
						 psprintf("ALTER INDEX %s ATTACH PARTITION %s", index->id,
								  part->id), NULL);
	}
}

/* Add a key by way of its index. */
static void
build_key(List **actions, const DbmigAction *origin)
{
	const DbmigFact *fact = origin->fact;
	const char *name = dbmig_fact_value(fact, "name");
	const char *definition = dbmig_fact_value(fact, "definition");

	append_statement(actions, origin, fact,
					 psprintf("CREATE UNIQUE INDEX CONCURRENTLY %s ON %s %s", name,
							  fact->parent->id, key_columns(fact)),
					 "fails on rows that are not unique");
	append_statement(actions, origin, fact,
					 psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s",
							  fact->parent->id, name,
							  *dbmig_fact_value(fact, "type") == 'p' ?
							  "PRIMARY KEY" : "UNIQUE",
							  name, strrchr(definition, ')') + 1),
					 NULL);
}

/*
 * Detach a partition.  The server would leave a constraint on it that says what
 * its bounds said, unless there is one already: so it gets one, for the while.
 */
static void
detach(List **actions, const DbmigAction *origin, char *name)
{
	const DbmigFact *fact = origin->fact;

	append_statement(actions, origin, fact,
					 psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s) NOT VALID",
							  fact->parent->id, name,
							  dbmig_fact_value(fact, "constraint")), NULL);
	append_statement(actions, origin, fact,
					 psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
							  fact->parent->id, name), NULL);
	append_statement(actions, origin, fact,
					 psprintf("%s CONCURRENTLY", origin->statement), NULL);
	append_statement(actions, origin, fact,
					 psprintf("ALTER TABLE %s DROP CONSTRAINT %s",
							  fact->parent->id, name), NULL);
}

/* Is an index's successor built under its name, while it is there? */
static bool
has_successor(const DbmigFact *index)
{
	return index->twin && index->twin->made &&
		index->twin->made->fact == index->twin && can_move(index->twin->made);
}

/*
 * Drop an index, at once or, where another one is built first under its name,
 * at the end.
 */
static void
drop_index(List **actions, List **last, const DbmigAction *origin, DbmigDiff *diff)
{
	const DbmigFact *index = origin->fact;
	const char *schema = index->parent->parent->id;
	char	   *name;

	if (!has_successor(index))
	{
		append_statement(actions, origin, index,
						 psprintf("DROP INDEX CONCURRENTLY %s", index->id), NULL);
		return;
	}
	name = dbmig_aside(diff);
	append_statement(actions, origin, index,
					 psprintf("ALTER INDEX %s RENAME TO %s", index->id, name), NULL);
	append_statement(last, origin, index,
					 psprintf("DROP INDEX CONCURRENTLY %s.%s", schema, name), NULL);
}

/* Write an action for the last unit. */
static void
move_action(DbmigDiff *diff, DbmigAction *action, List **moved, List **last)
{
	const DbmigFact *fact = action->fact;

	if (action_for_whole(action))
		return;					/* done with the whole */
	if (can_build(action) && is_index(fact))
		build_index(moved, action, fact);
	else if (can_build(action))
		build_key(moved, action);
	else if (can_remove(action) && is_index(fact))
		drop_index(moved, last, action, diff);
	else if (can_remove(action))
		detach(moved, action, dbmig_aside(diff));
	else
		append_statement(moved, action, fact, action->statement, action->hazard);
}

/*
 * Move what others need not wait for into a last unit, by forms that run in no
 * transaction.
 */
void
dbmig_make_concurrent(DbmigDiff *diff)
{
	List	   *kept = NIL;
	List	   *moved = NIL;
	List	   *last = NIL;
	int			unit;
	ListCell   *lc;

	foreach(lc, diff->actions)
	{
		DbmigAction *action = lfirst(lc);
		const DbmigAction *whole = action_for_whole(action);

		CHECK_FOR_INTERRUPTS();
		action->moved = whole ? whole->moved : can_move(action);
		if (action->moved)
			move_action(diff, action, &moved, &last);
		else
			kept = lappend(kept, action);
	}
	moved = list_concat(moved, last);
	unit = kept ? ((DbmigAction *) llast(kept))->unit + 1 : 0;
	foreach(lc, moved)
	{
		DbmigAction *action = lfirst(lc);

		action->unit = unit;
		action->transactional = false;
	}
	diff->actions = list_concat(kept, moved);
}
