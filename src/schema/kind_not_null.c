/*-------------------------------------------------------------------------
 *
 * kind_not_null.c
 *		Kind: not-null constraint, which servers have from 18 on.
 *
 * A valid one comes and goes with the column's being NOT NULL; what is here is
 * its name, whether children inherit it, and its comment.  One that is not
 * valid is here altogether: its column counts as one that takes nulls.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "schema/kinds.h"

static const char not_null_query[] =
	"SELECT 'pg_constraint'::regclass::oid, k.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, a.attnum::int4, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	QUALIFIED("n.nspname", "c.relname") " AS table, "
	"quote_ident(a.attname) AS column, "
	"CASE WHEN k.coninhcount > 0 AND (c.relispartition OR NOT k.conislocal) "
	"THEN 'inherited' END AS inherited, "
	"CASE WHEN NOT k.convalidated THEN 'NOT VALID' END AS not_valid, "
	"quote_ident(k.conname) AS name, "
	"quote_ident(c.relname || '_' || a.attname || '_not_null') AS "
	"default_name, "
	"CASE WHEN k.connoinherit THEN 'NO INHERIT' END AS no_inherit "
	"FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
	"JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1] "
	"WHERE k.contype = 'n' AND c.relpersistence <> 't' AND n.oid = ANY ($1) ";

static DbmigAction *
alter_table(DbmigDiff *diff, DbmigFact *fact, char *statement)
{
	DbmigAction *action = dbmig_act_alter(diff, fact, false, statement, NULL);

	/* the column becomes NOT NULL, or ceases to be, before */
	dbmig_wait_for_all(action, fact->parent->altered);
	dbmig_wait_for_all(action, fact->parent->polished);
	return action;
}

static const char add_pattern[] =
	"ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column}[ {no_inherit}] NOT VALID";

/* Does it come with the column? */
static bool
comes_with_column(const DbmigFact *fact)
{
	return dbmig_fact_value(fact, "not_valid") == NULL;
}

static void
create_not_null(DbmigDiff *diff, DbmigFact *fact)
{
	if (!comes_with_column(fact) && dbmig_fact_value(fact, "inherited") == NULL)
		fact->made = dbmig_act(diff, "create", fact,
							   dbmig_pattern(add_pattern, fact), NULL);
}

static void
drop_not_null(DbmigDiff *diff, DbmigFact *fact)
{
	if (!comes_with_column(fact) && dbmig_fact_value(fact, "inherited") == NULL)
		fact->gone = dbmig_act(diff, "drop", fact,
							   dbmig_pattern("ALTER TABLE {table} DROP CONSTRAINT {name}",
											 fact), NULL);
}

/* A valid one becomes so with its column; no ALTER leads back. */
static void
alter_not_valid(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				const DbmigRule *rule)
{
	if (!comes_with_column(after))
		(void) alter_table(diff, after, dbmig_pattern(add_pattern, after));
}

/* The constraint that makes a column NOT NULL; NULL if there is none. */
static const DbmigFact *
valid_not_null(const DbmigFact *column)
{
	ListCell   *lc;

	foreach(lc, column->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->kind == &dbmig_kind_not_null && comes_with_column(child))
			return child;
	}
	return NULL;
}

/*
 * The name that the statement which makes a column NOT NULL has to give; NULL
 * where the server chooses it, or where the constraint stays.  A child table's
 * can have that name already, which keeps the server from choosing it.
 */
const char *
dbmig_not_null_name(const DbmigFact *column)
{
	const DbmigFact *fact = valid_not_null(column);

	if (fact == NULL || !dbmig_is_new(fact) ||
		(!dbmig_has_heirs(column) &&
		 strcmp(dbmig_fact_value(fact, "name"),
				dbmig_fact_value(fact, "default_name")) == 0))
		return NULL;
	return dbmig_fact_value(fact, "name");
}

/*
 * Is a column NOT NULL because a parent table's is, and for no reason of its
 * own?
 */
bool
dbmig_not_null_by_parent(const DbmigFact *column)
{
	const DbmigFact *fact = valid_not_null(column);

	return fact && dbmig_fact_value(fact, "inherited") != NULL;
}

/*
 * The name of the constraint by which a column of a new partition is NOT NULL,
 * where the parent's has another one, so that the server has to be told; else
 * NULL.  The parent's name at first counts for a table that is to be like it.
 */
const char *
dbmig_not_null_own_name(const DbmigFact *column)
{
	const DbmigFact *source = dbmig_inherited_from(column);
	const DbmigFact *fact = valid_not_null(column);
	const DbmigFact *above = source ? valid_not_null(source) : NULL;
	const char *name;

	if (fact == NULL || above == NULL)
		return NULL;
	name = dbmig_fact_value(fact, "name");
	if (column->parent->apart && !dbmig_is_new(above) &&
		strcmp(name, dbmig_fact_value(above->twin, "name")) != 0)
		return name;
	return strcmp(name, dbmig_fact_value(above, "name")) != 0 ? name : NULL;
}

/* Let what makes a column NOT NULL wait, be it the change of a parent table's. */
static void
let_parents_wait(DbmigDiff *diff, const DbmigFact *column, DbmigAction *action)
{
	DbmigFact  *source = dbmig_inherited_from(column);
	ListCell   *lc;

	for (; source; source = dbmig_inherited_from(source))
	{
		if (!dbmig_is_new(source) &&
			dbmig_fact_value(source->twin, "not_null") != NULL)
			continue;
		dbmig_make(diff, source);
		dbmig_wait_for(source->made, action);
		foreach(lc, source->altered)
			dbmig_wait_for(lfirst(lc), action);
		foreach(lc, source->polished)
			dbmig_wait_for(lfirst(lc), action);
	}
}

/*
 * The server changes the name in all tables that inherit, and finds it nowhere
 * else: let new partitions wait that are to have another one.
 */
static void
let_partitions_wait(DbmigDiff *diff, const DbmigFact *column, DbmigAction *action)
{
	ListCell   *lc;

	/* as deep as tables inherit */
	check_stack_depth();
	foreach(lc, column->users)
	{
		DbmigFact  *user = lfirst(lc);
		DbmigFact  *partition;

		if (user->kind != column->kind || dbmig_inherited_from(user) != column)
			continue;
		partition = dbmig_partition_fact(user->parent);
		if (partition && dbmig_is_new(user->parent) && dbmig_not_null_own_name(user))
		{
			dbmig_make(diff, partition);
			dbmig_wait_for(partition->made, action);
		}
		let_partitions_wait(diff, user, action);
	}
}

/*
 * Change its name.  That of one that comes from a parent table cannot be
 * changed, but before the table is attached it can, and before the parent's
 * column becomes NOT NULL.
 */
static void
alter_name(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
		   const DbmigRule *rule)
{
	bool		inherited = dbmig_fact_value(after, "inherited") != NULL;
	const DbmigFact *source = dbmig_inherited_from(after->parent);
	DbmigAction *action;
	char	   *statement;
	ListCell   *lc;

	if (!comes_with_column(after) || (inherited && !comes_with_column(before)))
		return;
	statement = psprintf("ALTER TABLE %s RENAME CONSTRAINT %s TO %s",
						 dbmig_fact_value(after, "table"),
						 dbmig_fact_value(before, "name"),
						 dbmig_fact_value(after, "name"));
	if (inherited && source && dbmig_was_attached(after->parent, source->parent))
	{
		let_parents_wait(diff, after->parent,
						 dbmig_act_alter(diff, after, false, statement, NULL));
		return;
	}
	action = alter_table(diff, after, statement);
	let_partitions_wait(diff, after->parent, action);
	foreach(lc, inherited ? after->parent->parent->children : NIL)
	{
		const DbmigFact *child = lfirst(lc);

		if (dbmig_is_attachment(child))
			dbmig_wait_for(child->made, action);
	}
}

static void
alter_no_inherit(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				 const DbmigRule *rule)
{
	if (comes_with_column(after))
		(void) alter_table(diff, after,
						   dbmig_pattern(dbmig_fact_value(after, "no_inherit") ?
										 "ALTER TABLE {table} ALTER CONSTRAINT {name} NO INHERIT" :
										 "ALTER TABLE {table} ALTER CONSTRAINT {name} INHERIT",
										 after));
}

/*
 * One that comes from a parent table goes with that one's.  Where the column
 * is to stay NOT NULL it becomes so again, which makes a new one.
 */
static bool
is_lost(const DbmigFact *before, const DbmigFact *after)
{
	const DbmigFact *column = after->parent;
	const DbmigFact *source = dbmig_inherited_from(column);

	return comes_with_column(after) &&
		dbmig_fact_value(before, "inherited") != NULL &&
		source && source->twin &&
		dbmig_fact_value(source, "not_null") == NULL &&
		dbmig_fact_value(source->twin, "not_null") != NULL &&
		dbmig_was_attached(column, source->parent);
}

static const DbmigRule not_null_rules[] = {
	{.attribute = "table", .how = DBMIG_INFO},
	{.attribute = "column", .how = DBMIG_INFO},
	{.attribute = "inherited", .how = DBMIG_INFO},
	{.attribute = "not_valid", .how = DBMIG_ALTER,
		.flags = DBMIG_COSMETIC | DBMIG_INHERITED,
		.alter = alter_not_valid
	},
	{.attribute = "name", .how = DBMIG_ALTER,
		.flags = DBMIG_COSMETIC | DBMIG_INHERITED,
		.alter = alter_name
	},
	{.attribute = "default_name", .how = DBMIG_INFO},
	{.attribute = "no_inherit", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC | DBMIG_INHERITED,
		.alter = alter_no_inherit
	}
};

const DbmigKind dbmig_kind_not_null = {
	.name = "not-null constraint",
	.flags = DBMIG_STANDS,
	.query = not_null_query,
	RULES(not_null_rules),
	.address = "CONSTRAINT {name} ON {table}",
	.write_create = create_not_null,
	.write_drop = drop_not_null,
	.comes_along = comes_with_column,
	.is_lost = is_lost
};
