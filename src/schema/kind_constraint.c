/*-------------------------------------------------------------------------
 *
 * kind_constraint.c
 *		Kinds: constraint, foreign key, index, statistics object.
 *
 * A check or foreign key that comes to a table with rows is added NOT VALID
 * and validated by a second statement, which lets writers go on.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "schema/kinds.h"

#define CONSTRAINT_HEAD \
	"SELECT 'pg_constraint'::regclass::oid, k.oid, 0, " \
	"'pg_class'::regclass::oid, c.oid, 0, "

#define CONSTRAINT_VALUES \
	"quote_ident(k.conname) AS name, " \
	"c.relkind AS relkind, " \
	"CASE WHEN k.convalidated THEN pg_get_constraintdef(k.oid) ELSE " \
	"regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') END AS " \
	"definition, " \
	"CASE WHEN NOT k.convalidated AND right(pg_get_constraintdef(k.oid), 13) " \
	"<> ' NOT ENFORCED' THEN ' NOT VALID' END AS not_valid"

/* The columns of the index i, as the server puts them into the name of a new one */
#define INDEX_COLUMNS \
	"(SELECT string_agg(coalesce(ta.attname, a.attname), '_' ORDER BY a.attnum) " \
	"FROM pg_attribute a LEFT JOIN pg_attribute ta ON ta.attrelid = i.indrelid " \
	"AND ta.attnum = i.indkey[a.attnum - 1] WHERE a.attrelid = i.indexrelid)"

/*
 * Of the index i, of a table of kind relkind: is it there for a partitioned
 * table but not for all partitions, and has a column of it been renamed, which
 * the server does not look at where it makes up a name?
 */
#define WHOLE_INDEX_VALUES(relkind) \
	"CASE WHEN " relkind " = 'p' AND NOT i.indisvalid THEN 'INVALID' END AS invalid, " \
	"CASE WHEN " relkind " = 'p' AND EXISTS (SELECT FROM pg_attribute a JOIN " \
	"pg_attribute ta ON ta.attrelid = i.indrelid AND ta.attnum = " \
	"i.indkey[a.attnum - 1] WHERE a.attrelid = i.indexrelid AND a.attname <> " \
	"ta.attname) THEN 'STALE' END AS stale"

static const char constraint_query[] =
	CONSTRAINT_HEAD " "
	"CASE WHEN k.conparentid <> 0 OR NOT k.conislocal THEN "
	"'pg_constraint'::regclass::oid END, coalesce(nullif(k.conparentid, "
	"0), CASE WHEN k.contype = 'c' AND k.coninhcount > 0 THEN "
	"(SELECT p.oid FROM pg_inherits h JOIN pg_constraint p ON p.conrelid = "
	"h.inhparent AND p.conname = k.conname WHERE h.inhrelid = c.oid ORDER BY "
	"h.inhseqno LIMIT 1) END, 0), 0, "
	QUALIFIED("n.nspname", "c.relname") " || ' ' || quote_ident(k.conname), "
	"CASE WHEN k.contype IN ('p', 'u', 'x') THEN 'n:' || "
	QUALIFIED("n.nspname", "k.conname") " END, "
	CONSTRAINT_VALUES ", "
	"k.contype AS type, "
	"CASE WHEN k.conparentid <> 0 OR k.coninhcount > 0 AND "
	"(c.relispartition OR NOT k.conislocal) THEN 'inherited' END AS "
	"inherited, "
	"CASE WHEN i.indisclustered THEN 'CLUSTER' END AS clustered, "
	"CASE WHEN i.indisreplident THEN 'REPLICA IDENTITY' END AS "
	"replica_identity, "
	QUALIFIED("n.nspname", "k.conname") " AS index, "
	"CASE WHEN k.contype <> 'c' THEN "
	"quote_literal(obj_description(k.conindid, 'pg_class')) END AS "
	"index_comment, "
	"CASE WHEN k.conparentid <> 0 AND k.contype <> 'c' AND k.conname <> "
	"CASE k.contype WHEN 'p' THEN c.relname || '_pkey' ELSE c.relname || '_' || "
	INDEX_COLUMNS " || CASE k.contype WHEN 'u' THEN '_key' ELSE '_excl' END END "
	"THEN 'OWN' END AS own_name, "
	WHOLE_INDEX_VALUES("c.relkind") " "
	"FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN "
	"pg_namespace n ON n.oid = c.relnamespace "
	"LEFT JOIN pg_index i ON i.indexrelid = k.conindid "
	"WHERE k.contype IN ('p', 'u', 'x', 'c') AND c.relpersistence <> 't' "
	"AND n.oid = ANY ($1) ";

static void
validate(DbmigDiff *diff, DbmigFact *fact, bool matters)
{
	(void) dbmig_act_alter(diff, fact, matters,
						   dbmig_pattern("ALTER TABLE {parent} VALIDATE CONSTRAINT {name}",
										 fact),
						   "fails on rows that break the constraint");
}

/* Make valid those parts of a constraint which are wanted so, though it is not. */
static void
validate_parts(DbmigDiff *diff, const DbmigFact *whole)
{
	ListCell   *lc;

	/* as deep as partitions are */
	check_stack_depth();
	foreach(lc, whole->users)
	{
		DbmigFact  *part = lfirst(lc);

		if (part->kind != whole->kind || dbmig_inherited_from(part) != whole ||
			dbmig_is_new(part))
			continue;
		if (dbmig_fact_value(part, "not_valid"))
			validate_parts(diff, part);
		else
			validate(diff, part, true);
	}
}

/*
 * Comment as before on a constraint that is made again, and on the parts that a
 * check has on partitions and child tables.
 */
static void
comment_again(DbmigDiff *diff, DbmigFact *fact, DbmigAction *made)
{
	ListCell   *lc;

	/* as deep as partitions are */
	check_stack_depth();
	if (fact->comment && dbmig_same_value(fact->comment, fact->twin->comment))
		dbmig_wait_for(dbmig_act_comment(diff, fact), made);
	foreach(lc, fact->kind == &dbmig_kind_constraint ? fact->users : NIL)
	{
		DbmigFact  *part = lfirst(lc);

		if (part->kind == fact->kind && dbmig_inherited_from(part) == fact &&
			!dbmig_is_new(part))
			comment_again(diff, part, made);
	}
}

/* Make valid, or take the validity back, which no ALTER does. */
static void
alter_not_valid(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				const DbmigRule *rule)
{
	DbmigAction *made;

	if (dbmig_fact_value(after, "not_valid") == NULL)
	{
		validate(diff, after, true);
		return;
	}
	(void) dbmig_act_alter(diff, after, true,
						   dbmig_pattern("ALTER TABLE {parent} DROP CONSTRAINT {name}",
										 after), NULL);
	made = dbmig_act_alter(diff, after, true,
						   dbmig_pattern("ALTER TABLE {parent} ADD CONSTRAINT {name} {definition}{not_valid}",
										 after), NULL);
	comment_again(diff, after, made);
	validate_parts(diff, after);
}

#define INDEX_MARK_RULES \
	{.attribute = "clustered", .how = DBMIG_ALTER, \
		.flags = DBMIG_LATE | DBMIG_COSMETIC, \
		.set = "ALTER TABLE {parent} CLUSTER ON {name}", \
		.unset = "ALTER TABLE {parent} SET WITHOUT CLUSTER" \
	}, \
	{.attribute = "replica_identity", .how = DBMIG_ALTER, \
		.flags = DBMIG_LATE | DBMIG_COSMETIC, \
		.set = "ALTER TABLE {parent} REPLICA IDENTITY USING INDEX {name}", \
		.unset = "ALTER TABLE {parent} REPLICA IDENTITY DEFAULT" \
	}

static const DbmigRule constraint_rules[] = {
	{.attribute = "name", .how = DBMIG_ALTER, .flags = DBMIG_COSMETIC,
		.alter = dbmig_rename_part
	},
	{.attribute = "relkind", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_EXPRESSION | DBMIG_INHERITED
	},
	{.attribute = "not_valid", .how = DBMIG_ALTER,
		.flags = DBMIG_INHERITED | DBMIG_INHERITED_CHANGE,
		.alter = alter_not_valid
	},
	{.attribute = "type", .how = DBMIG_INFO},
	{.attribute = "inherited", .how = DBMIG_INFO},
	INDEX_MARK_RULES,
	{.attribute = "index", .how = DBMIG_INFO},
	{.attribute = "index_comment", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "COMMENT ON INDEX {index} IS {index_comment}",
		.unset = "COMMENT ON INDEX {index} IS NULL"
	},
	{.attribute = "own_name", .how = DBMIG_INFO},
	{.attribute = "invalid", .how = DBMIG_INFO},
	{.attribute = "stale", .how = DBMIG_INFO}
};

/* Add it, to a table that may hold rows in two steps. */
static void
add_constraint(DbmigDiff *diff, DbmigFact *fact)
{
	const char *relkind = dbmig_fact_value(fact, "relkind");
	bool		is_foreign = fact->kind == &dbmig_kind_foreign_key;
	bool		in_steps = !dbmig_is_new(fact->parent) &&
		dbmig_fact_value(fact, "not_valid") == NULL &&
		strstr(dbmig_fact_value(fact, "definition"), " NOT ENFORCED") == NULL &&
		(is_foreign ? strcmp(relkind, "r") == 0 : strcmp(relkind, "f") != 0 &&
		 strcmp(dbmig_fact_value(fact, "type"), "c") == 0);

	fact->made = dbmig_act(diff, "create", fact,
						   psprintf("ALTER TABLE %s%s%s",
									fact->in_parts ? "ONLY " : "",
									dbmig_pattern("{parent} ADD CONSTRAINT {name} {definition}[{not_valid}]",
												  fact),
									in_steps ? " NOT VALID" : ""),
						   NULL);
	if (in_steps)
		validate(diff, fact, false);
}

/* One that comes from a parent table may be there when the parent's is. */
static void
create_constraint(DbmigDiff *diff, DbmigFact *fact)
{
	DbmigFact  *source;

	if (dbmig_make_clone(diff, fact))
		return;
	if (fact->origin != DBMIG_WITH_WHOLE)
	{
		add_constraint(diff, fact);
		return;
	}
	source = dbmig_inherited_from(fact);
	dbmig_make(diff, source);
	fact->made = source->made;
	if (dbmig_fact_value(source, "not_valid") &&
		dbmig_fact_value(fact, "not_valid") == NULL)
		validate(diff, fact, false);
}

static bool
comes_with_table(const DbmigFact *fact)
{
	return fact->origin == DBMIG_WITH_TABLE && !fact->cloned;
}

const DbmigKind dbmig_kind_constraint = {
	.name = "constraint",
	.query = constraint_query,
	.flags = DBMIG_STANDS | DBMIG_DETACHES,
	RULES(constraint_rules),
	.address = "CONSTRAINT {name} ON {parent}",
	.write_create = create_constraint,
	.drop = "ALTER TABLE {parent} DROP CONSTRAINT {name}",
	.reread = "ALTER TABLE {parent} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition}[{not_valid}]",
	.comes_along = comes_with_table
};

/* foreign key */

static const char foreign_key_query[] =
	CONSTRAINT_HEAD " "
	"CASE WHEN k.conparentid <> 0 THEN 'pg_constraint'::regclass::oid END, "
	"k.conparentid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || ' ' || quote_ident(k.conname), NULL::text, "
	CONSTRAINT_VALUES ", "
	"CASE WHEN k.conparentid <> 0 THEN 'inherited' END AS inherited, "
	"CASE WHEN k.conname <> p.conname THEN 'OWN' END AS own_name "
	"FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN "
	"pg_namespace n ON n.oid = c.relnamespace "
	"LEFT JOIN pg_constraint p ON p.oid = k.conparentid "
	"WHERE k.contype = 'f' AND (p.oid IS NULL OR p.conrelid <> k.conrelid) "
	"AND c.relpersistence <> 't' AND n.oid = ANY ($1) ";

static const DbmigRule foreign_key_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "relkind", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_INHERITED
	},
	{.attribute = "not_valid", .how = DBMIG_ALTER,
		.flags = DBMIG_INHERITED,
		.alter = alter_not_valid
	},
	{.attribute = "inherited", .how = DBMIG_INFO},
	{.attribute = "own_name", .how = DBMIG_INFO}
};

const DbmigKind dbmig_kind_foreign_key = {
	.name = "foreign key",
	.query = foreign_key_query,
	.flags = DBMIG_DETACHES,
	RULES(foreign_key_rules),
	.address = "CONSTRAINT {name} ON {parent}",
	.write_create = create_constraint,
	.drop = "ALTER TABLE {parent} DROP CONSTRAINT {name}",
	.comes_along = comes_with_table
};

/* index; that of a materialized view has another parent, and is its own kind */

#define INDEX_QUERY(relkinds) \
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, " \
	"'pg_class'::regclass::oid, t.oid, 0, " \
	"CASE WHEN c.relispartition THEN 'pg_class'::regclass::oid END, " \
	"h.inhparent, 0, " \
	QUALIFIED("n.nspname", "c.relname") ", 'n:' || " \
	QUALIFIED("n.nspname", "c.relname") ", " \
	"quote_ident(c.relname) AS name, " \
	"CASE WHEN c.relispartition THEN 'inherited' END AS inherited, " \
	"CASE WHEN c.relkind = 'I' THEN replace(pg_get_indexdef(c.oid), ' ON " \
	"ONLY ', ' ON ') " \
	"ELSE pg_get_indexdef(c.oid) END AS definition, " \
	"(SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = " \
	"c.reltablespace) AS tablespace, " \
	"CASE WHEN i.indexprs IS NOT NULL THEN " \
	"(SELECT string_agg(a.attnum || ' SET STATISTICS ' || " \
	"a.attstattarget, ', ALTER COLUMN ' ORDER BY a.attnum) " \
	"FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= " \
	"0) END AS statistics, " \
	"CASE WHEN i.indisclustered THEN 'CLUSTER' END AS clustered, " \
	"CASE WHEN i.indisreplident THEN 'REPLICA IDENTITY' END AS " \
	"replica_identity, " \
	"CASE WHEN c.relispartition AND c.relname <> t.relname || '_' || " \
	INDEX_COLUMNS " || '_idx' THEN 'OWN' END AS own_name, " \
	WHOLE_INDEX_VALUES("t.relkind") " " \
	"FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN " \
	"pg_namespace n ON n.oid = c.relnamespace " \
	"JOIN pg_class t ON t.oid = i.indrelid " \
	"LEFT JOIN pg_inherits h ON h.inhrelid = c.oid " \
	"WHERE t.relkind IN (" relkinds \
	") AND t.relpersistence <> 't' AND n.oid = ANY ($1) " \
	"AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid " \
	"AND k.contype IN ('p', 'u', 'x'))"

static const char index_query[] = INDEX_QUERY("'r', 'p'");
static const char view_index_query[] = INDEX_QUERY("'m'");

static const DbmigRule index_rules[] = {
	{.attribute = "name", .how = DBMIG_ALTER, .flags = DBMIG_COSMETIC,
		.alter = dbmig_rename_part
	},
	{.attribute = "inherited", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_EXPRESSION | DBMIG_INHERITED
	},
	{.attribute = "tablespace", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER INDEX {id} SET TABLESPACE {tablespace}",
		.unset = "ALTER INDEX {id} SET TABLESPACE pg_default",
		.hazard = "moves the index's file"
	},
	{.attribute = "statistics", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER INDEX {id} ALTER COLUMN {statistics}",
		.unset = "ALTER INDEX {id} ALTER COLUMN 1 SET STATISTICS -1"
	},
	INDEX_MARK_RULES,
	{.attribute = "own_name", .how = DBMIG_INFO},
	{.attribute = "invalid", .how = DBMIG_INFO},
	{.attribute = "stale", .how = DBMIG_INFO}
};

/* One that comes from a parent table may be there when the parent's is. */
static void
create_index(DbmigDiff *diff, DbmigFact *fact)
{
	DbmigFact  *source;

	if (dbmig_make_clone(diff, fact))
		return;
	if (fact->origin != DBMIG_WITH_WHOLE)
	{
		fact->made = dbmig_act(diff, "create", fact,
							   dbmig_index_statement(fact, "",
													 fact->in_parts ? "ONLY " : ""),
							   NULL);
		return;
	}
	source = dbmig_inherited_from(fact);
	dbmig_make(diff, source);
	fact->made = source->made;
}

const DbmigKind dbmig_kind_index = {
	.name = "index",
	.query = index_query,
	.flags = DBMIG_STANDS,
	RULES(index_rules),
	.address = "INDEX {id}",
	.write_create = create_index,
	.create = "{definition}",
	.drop = "DROP INDEX {id}",
	.comes_along = comes_with_table
};

const DbmigKind dbmig_kind_view_index = {
	.name = "index",
	.stored_as = "index of a materialized view",
	.query = view_index_query,
	.flags = DBMIG_STANDS,
	RULES(index_rules),
	.address = "INDEX {id}",
	.create = "{definition}",
	.drop = "DROP INDEX {id}"
};

/* statistics object */

static const char statistics_query[] =
	"SELECT 'pg_statistic_ext'::regclass::oid, s.oid, 0, "
	"'pg_class'::regclass::oid, s.stxrelid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "s.stxname") ", 's:' || "
	QUALIFIED("n.nspname", "s.stxname") ", "
	"pg_get_statisticsobjdef(s.oid) AS definition, "
	"CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END AS target, "
	DBMIG_OWNER("s.stxowner") " "
	"FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule statistics_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_EXPRESSION
	},
	{.attribute = "target", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER STATISTICS {id} SET STATISTICS {target}",
		.unset = "ALTER STATISTICS {id} SET STATISTICS -1"
	},
	DBMIG_OWNER_RULE("STATISTICS {id}")
};

const DbmigKind dbmig_kind_statistics = {
	.name = "statistics object",
	.query = statistics_query,
	.flags = DBMIG_STANDS,
	RULES(statistics_rules),
	.address = "STATISTICS {id}",
	.create = "{definition}",
	.drop = "DROP STATISTICS {id}"
};
