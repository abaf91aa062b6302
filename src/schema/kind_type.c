/*-------------------------------------------------------------------------
 *
 * kind_type.c
 *		Kinds: enum, domain, domain constraint, composite type, its attribute,
 *		range type.
 *
 * A type that columns use is never dropped for a change: its columns would go
 * with it.  What no ALTER TYPE can do is done by a swap: the old type is
 * renamed, the new one made, the columns get the new one with their values
 * converted, and the old one goes.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "schema/kinds.h"

#define TYPE_HEAD \
	"SELECT 'pg_type'::regclass::oid, t.oid, 0, " \
	"'pg_namespace'::regclass::oid, t.typnamespace, 0, " \
	"0::oid, 0::oid, 0, " QUALIFIED("n.nspname", "t.typname") ", " \
	"'n:' || " QUALIFIED("n.nspname", "t.typname") ", "

#define TYPE_TAIL(type) \
	" FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace " \
	"WHERE t.typtype = '" type "' AND n.oid = ANY ($1)"

/*
 * Let the columns that use a type take its successor, and the composite types
 * that are swapped because of it be swapped.  Returns what has to be done
 * before the old type can go; a column waits for what makes the successor.
 */
static List *
move_columns(DbmigDiff *diff, DbmigFact *before, List *created)
{
	List	   *moved = NIL;
	ListCell   *lc;

	foreach(lc, before->users)
	{
		DbmigFact  *column = lfirst(lc);
		DbmigFact  *now = column->twin;
		const char *type;

		if (dbmig_goes(column))
			continue;
		if (column->kind == &dbmig_kind_attribute && column->parent != before)
		{
			dbmig_make(diff, now->parent);
			moved = list_concat(moved, now->parent->polished);
			continue;
		}
		if (column->kind != &dbmig_kind_column ||
			(dbmig_inherited_from(column) && dbmig_inherited_from(now)))
			continue;
		type = dbmig_fact_value(now, "type");
		/* a column that gets another type besides has its own statement */
		if (strcmp(dbmig_fact_value(column, "type"), type) == 0)
		{
			bool		array = strlen(type) > 2 &&
				strcmp(type + strlen(type) - 2, "[]") == 0;
			DbmigAction *action =
				dbmig_act_alter(diff, now, true,
								psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s::text%s::%s",
										 now->parent->id,
										 dbmig_fact_value(now, "name"), type,
										 dbmig_fact_value(now, "name"),
										 array ? "[]" : "", type),
								"rewrites the table; fails on values that the new type does not have");

			dbmig_wait_for_all(action, created);
			moved = lappend(moved, action);
		}
		else
		{
			dbmig_make(diff, now);
			moved = list_concat(moved, now->altered);
		}
	}
	return moved;
}

/* Put a new type in the place of an old one, under the columns that use it. */
static void
swap_type(DbmigDiff *diff, DbmigFact *before, DbmigFact *after)
{
	char	   *name = dbmig_aside(diff);
	List	   *created;
	DbmigAction *dropped;
	ListCell   *lc;

	(void) dbmig_act_alter(diff, after, true,
						   psprintf("ALTER %s RENAME TO %s",
									dbmig_pattern(before->kind->address, before),
									name),
						   NULL);
	created = list_make1(dbmig_act_alter(diff, after, true,
										 dbmig_pattern(after->kind->create, after),
										 NULL));
	foreach(lc, after->children)
	{
		DbmigFact  *child = lfirst(lc);

		dbmig_make(diff, child);
		created = lappend(created, child->made);
	}
	dropped = dbmig_act_alter(diff, after, false,
							  psprintf("DROP TYPE %s.%s", after->parent->id, name),
							  NULL);
	dbmig_wait_for_all(dropped, created);
	foreach(lc, move_columns(diff, before, created))
		dbmig_wait_for(dropped, lfirst(lc));
	dbmig_write_late(diff, after);
}

/* enum */

static const char enum_query[] =
	TYPE_HEAD " "
	"(SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY "
	"e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS "
	"labels, "
	DBMIG_OWNER("t.typowner") ", "
	DBMIG_ACL("t.typacl", "T", "t.typowner") " "
	TYPE_TAIL("e") " ";

/* The labels of an enum, as constants. */
List *
dbmig_enum_labels(const DbmigFact *fact)
{
	const char *p = dbmig_fact_value(fact, "labels");
	List	   *labels = NIL;

	while (p && *p)
	{
		const char *start = p;

		p += *p == 'E' ? 2 : 1;
		while (*p != '\'' || p[1] == '\'')
			p += *p == '\'' ? 2 : 1;
		p++;
		labels = lappend(labels, pnstrdup(start, p - start));
		if (*p == ',')
			p += 2;
	}
	return labels;
}

bool
dbmig_has_label(List *labels, const char *label)
{
	ListCell   *lc;

	foreach(lc, labels)
	{
		if (strcmp(lfirst(lc), label) == 0)
			return true;
	}
	return false;
}

/*
 * Is a label used by something that the same script makes or changes?  The
 * server refuses to use a label in the transaction that added it.
 */
static bool
is_used_at_once(const DbmigFact *enumeration, const char *label)
{
	char	   *constant = psprintf("%s::%s", label, enumeration->id);
	ListCell   *lc;

	foreach(lc, enumeration->users)
	{
		const DbmigFact *user = lfirst(lc);

		for (int i = 0; i < user->kind->nrules; i++)
		{
			if (user->values[i] && strstr(user->values[i], constant))
				return true;
		}
	}
	return false;
}

/* Can the new labels be had by adding to the old ones? */
static bool
only_adds_labels(const DbmigFact *before, const DbmigFact *after)
{
	List	   *new = dbmig_enum_labels(after);
	List	   *kept = NIL;
	List	   *old = dbmig_enum_labels(before);
	ListCell   *lc;

	foreach(lc, new)
	{
		if (dbmig_has_label(old, lfirst(lc)))
			kept = lappend(kept, lfirst(lc));
	}
	if (list_length(kept) != list_length(old))
		return false;
	foreach(lc, old)
	{
		if (strcmp(lfirst(lc), list_nth(kept, foreach_current_index(lc))) != 0)
			return false;
	}
	return true;
}

/* Is a label that is new also used? */
static bool
uses_new_label(const DbmigFact *before, const DbmigFact *after)
{
	List	   *old = dbmig_enum_labels(before);
	ListCell   *lc;

	foreach(lc, dbmig_enum_labels(after))
	{
		if (!dbmig_has_label(old, lfirst(lc)) && is_used_at_once(after, lfirst(lc)))
			return true;
	}
	return false;
}

/* Add labels in their places, each next to one that is there already. */
static void
add_labels(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
		   const DbmigRule *rule)
{
	List	   *old = dbmig_enum_labels(before);
	const char *previous = NULL;
	ListCell   *lc;

	foreach(lc, dbmig_enum_labels(after))
	{
		const char *label = lfirst(lc);

		if (!dbmig_has_label(old, label))
			(void) dbmig_act_alter(diff, after, true,
								   previous || old == NIL ?
								   psprintf("ALTER TYPE %s ADD VALUE %s%s%s", after->id,
											label, previous ? " AFTER " : "",
											previous ? previous : "") :
								   psprintf("ALTER TYPE %s ADD VALUE %s BEFORE %s", after->id,
											label, (char *) linitial(old)),
								   "the value cannot be used before the transaction has ended");
		previous = label;
	}
}

static const DbmigRule enum_rules[] = {
	{.attribute = "labels", .how = DBMIG_ALTER,
		.flags = DBMIG_REBUILDS_UNLESS_FIT,
		.alter = add_labels
	},
	DBMIG_OWNER_RULE("TYPE {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_enum = {
	.name = "enum",
	.query = enum_query,
	RULES(enum_rules),
	.address = "TYPE {id}",
	.create = "CREATE TYPE {id} AS ENUM ([{labels}])",
	.drop = "DROP TYPE {id}",
	.default_privileges = 'T',
	.fits = only_adds_labels,
	.needs_units = uses_new_label,
	.rebuild = swap_type
};

/* domain */

static const char domain_query[] =
	TYPE_HEAD " "
	"format_type(t.typbasetype, t.typtypmod) AS type, "
	"(SELECT " QUALIFIED("cn.nspname", "co.collname")
	" FROM pg_collation co JOIN pg_namespace cn ON cn.oid = "
	"co.collnamespace "
	"JOIN pg_type b ON b.oid = t.typbasetype WHERE co.oid = t.typcollation "
	"AND t.typcollation <> b.typcollation) AS collation, "
	"pg_get_expr(t.typdefaultbin, 0) AS default, "
	"CASE WHEN t.typnotnull THEN 'NOT NULL' END AS not_null, "
	DBMIG_OWNER("t.typowner") ", "
	DBMIG_ACL("t.typacl", "T", "t.typowner") " "
	TYPE_TAIL("d") " ";

/* Does a column or type use it as part of something else? */
static bool
is_contained(const DbmigFact *domain)
{
	ListCell   *lc;

	foreach(lc, domain->users)
	{
		const DbmigFact *user = lfirst(lc);

		if (user->kind == &dbmig_kind_attribute ||
			(user->kind == &dbmig_kind_column &&
			 strcmp(dbmig_fact_value(user, "type"), domain->id) != 0))
			return true;
	}
	return false;
}

/*
 * The server does not look into arrays and composites, so it refuses to make a
 * domain stricter that stands in one.
 */
static bool
domain_fits(const DbmigFact *before, const DbmigFact *after)
{
	return !is_contained(before);
}

static const DbmigRule domain_rules[] = {
	{.attribute = "type", .how = DBMIG_ALTER, .flags = DBMIG_REBUILDS},
	{.attribute = "collation", .how = DBMIG_ALTER, .flags = DBMIG_REBUILDS},
	{.attribute = "default", .how = DBMIG_ALTER, .flags = DBMIG_EXPRESSION,
		.set = "ALTER DOMAIN {id} SET DEFAULT {default}",
		.unset = "ALTER DOMAIN {id} DROP DEFAULT"
	},
	{.attribute = "not_null", .how = DBMIG_ALTER,
		.flags = DBMIG_REBUILDS_UNLESS_FIT,
		.set = "ALTER DOMAIN {id} SET NOT NULL",
		.unset = "ALTER DOMAIN {id} DROP NOT NULL",
		.hazard = "fails if a column of the domain holds nulls"
	},
	DBMIG_OWNER_RULE("DOMAIN {id}"),
	DBMIG_ACL_RULES
};

/* Can the constraint be part of CREATE DOMAIN, since it uses nothing else? */
static bool
check_comes_along(const DbmigFact *check)
{
	return list_length(check->references) == 1 &&
		dbmig_fact_value(check, "not_valid") == NULL;
}

/*
 * CREATE DOMAIN, with such constraints as can be in it: once an array or a
 * composite contains the domain, the server adds none.
 */
static void
create_domain(DbmigDiff *diff, DbmigFact *domain)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, dbmig_pattern(domain->kind->create, domain));
	foreach(lc, domain->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->kind == &dbmig_kind_domain_constraint && check_comes_along(child))
			appendStringInfoString(&text,
								   dbmig_pattern(" CONSTRAINT {name} {definition}", child));
	}
	domain->made = dbmig_act(diff, "create", domain, text.data, NULL);
}

const DbmigKind dbmig_kind_domain = {
	.name = "domain",
	.query = domain_query,
	RULES(domain_rules),
	.address = "DOMAIN {id}",
	.create = "CREATE DOMAIN {id} AS {type}[ COLLATE {collation}][ DEFAULT {default}][ {not_null}]",
	.write_create = create_domain,
	.reread = "[ALTER DOMAIN {id} SET DEFAULT {default}]",
	.drop = "DROP DOMAIN {id}",
	.fits = domain_fits,
	.rebuild = swap_type,
	.default_privileges = 'T'
};

static const char domain_constraint_query[] =
	"SELECT 'pg_constraint'::regclass::oid, k.oid, 0, "
	"'pg_type'::regclass::oid, t.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "t.typname")
	" || ' ' || quote_ident(k.conname), NULL::text, "
	"quote_ident(k.conname) AS name, "
	"regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS "
	"definition, "
	"CASE WHEN NOT k.convalidated THEN ' NOT VALID' END AS not_valid "
	"FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN "
	"pg_namespace n ON n.oid = t.typnamespace "
	"WHERE k.contype = 'c' AND n.oid = ANY ($1) ";

static const DbmigRule domain_constraint_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_EXPRESSION
	},
	{.attribute = "not_valid", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_domain_constraint = {
	.name = "domain constraint",
	.query = domain_constraint_query,
	.flags = DBMIG_DETACHES | DBMIG_JUDGES_PARENT,
	RULES(domain_constraint_rules),
	.address = "CONSTRAINT {name} ON DOMAIN {parent}",
	.create = "ALTER DOMAIN {parent} ADD CONSTRAINT {name} {definition}[{not_valid}]",
	.drop = "ALTER DOMAIN {parent} DROP CONSTRAINT {name}",
	.comes_along = check_comes_along
};

/* composite type; pg_depend and comments know it by its pg_type row */

static const char composite_query[] =
	"SELECT 'pg_type'::regclass::oid, t.oid, 0, "
	"'pg_namespace'::regclass::oid, t.typnamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "t.typname") ", 'n:' || "
	QUALIFIED("n.nspname", "t.typname") ", "
	"(SELECT string_agg(format('%I %s %s', a.attname, format_type(a.atttypid, "
	"a.atttypmod), a.attcollation::regcollation), ', ' ORDER BY a.attname) FROM "
	"pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
	"a.attisdropped) AS attributes, "
	DBMIG_OWNER("t.typowner") ", "
	DBMIG_ACL("t.typacl", "T", "t.typowner") " "
	"FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN "
	"pg_class c ON c.oid = t.typrelid "
	"WHERE c.relkind = 'c' AND n.oid = ANY ($1) ";

/* An attribute changes by a statement of its own, unless the type is swapped. */
static void
leave_to_attributes(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
					const DbmigRule *rule)
{
}

static const DbmigRule composite_rules[] = {
	{.attribute = "attributes", .how = DBMIG_ALTER,
		.flags = DBMIG_COSMETIC | DBMIG_REBUILDS_UNLESS_FIT,
		.alter = leave_to_attributes
	},
	DBMIG_OWNER_RULE("TYPE {id}"),
	DBMIG_ACL_RULES
};

/* Does an attribute that stays get another type or collation? */
static bool
is_retyped(const DbmigFact *attribute)
{
	return attribute->twin &&
		(!dbmig_same_value(dbmig_fact_value(attribute, "type"),
						   dbmig_fact_value(attribute->twin, "type")) ||
		 !dbmig_same_value(dbmig_fact_value(attribute, "collation"),
						   dbmig_fact_value(attribute->twin, "collation")));
}

/* The server changes no attribute of a type that a column has. */
static bool
composite_fits(const DbmigFact *before, const DbmigFact *after)
{
	bool		retyped = false;
	ListCell   *lc;

	foreach(lc, before->children)
		retyped |= is_retyped(lfirst(lc));
	foreach(lc, before->users)
	{
		if (retyped && ((DbmigFact *) lfirst(lc))->kind == &dbmig_kind_column)
			return false;
	}
	return true;
}

/* CREATE TYPE with some attributes, in the order of the list. */
static char *
composite_statement(const DbmigFact *type, List *attributes)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfo(&text, "CREATE TYPE %s AS (", type->id);
	foreach(lc, attributes)
		appendStringInfo(&text, "%s\n    %s", foreach_current_index(lc) ? "," : "",
						 dbmig_pattern("{name} {type}[ COLLATE {collation}]", lfirst(lc)));
	appendStringInfoString(&text, attributes ? "\n)" : ")");
	return text.data;
}

static void
create_composite(DbmigDiff *diff, DbmigFact *type)
{
	List	   *attributes = list_copy(type->children);

	list_sort(attributes, dbmig_compare_numbers);
	type->made = dbmig_act(diff, "create", type,
						   composite_statement(type, attributes), NULL);
}

/*
 * Put a type whose attributes have other types in the place of an old one.
 * Values go over as text, attribute by attribute, so the new type has at first
 * what the old one has left when attributes were dropped, in the same order;
 * new attributes are added after that.
 */
static void
swap_composite(DbmigDiff *diff, DbmigFact *before, DbmigFact *after)
{
	char	   *name = dbmig_aside(diff);
	List	   *old = list_copy(before->children);
	List	   *kept = NIL;
	DbmigAction *created;
	DbmigAction *dropped;
	ListCell   *lc;

	list_sort(old, dbmig_compare_numbers);
	foreach(lc, old)
	{
		DbmigFact  *attribute = lfirst(lc);

		if (!dbmig_goes(attribute))
			kept = lappend(kept, attribute->twin);
	}
	(void) dbmig_act_alter(diff, after, true,
						   psprintf("ALTER TYPE %s RENAME TO %s", after->id, name),
						   NULL);
	created = dbmig_act_alter(diff, after, true,
							  composite_statement(after, kept), NULL);
	foreach(lc, kept)
	{
		DbmigFact  *attribute = lfirst(lc);

		attribute->done = true;
		attribute->made = created;
		dbmig_write_late(diff, attribute);
	}
	dropped = dbmig_act_alter(diff, after, false,
							  psprintf("DROP TYPE %s.%s", after->parent->id, name),
							  NULL);
	dbmig_wait_for(dropped, created);
	foreach(lc, move_columns(diff, before, list_make1(created)))
		dbmig_wait_for(dropped, lfirst(lc));
	dbmig_write_late(diff, after);
}

const DbmigKind dbmig_kind_composite = {
	.name = "composite type",
	.query = composite_query,
	RULES(composite_rules),
	.address = "TYPE {id}",
	.write_create = create_composite,
	.drop = "DROP TYPE {id}",
	.fits = composite_fits,
	.rebuild = swap_composite,
	.default_privileges = 'T'
};

static const char attribute_query[] =
	"SELECT 'pg_class'::regclass::oid, c.oid, a.attnum::int4, "
	"'pg_type'::regclass::oid, c.reltype, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	"quote_ident(a.attname) AS name, "
	"a.attnum AS number, "
	"format_type(a.atttypid, a.atttypmod) AS type, "
	"(SELECT " QUALIFIED("cn.nspname", "co.collname")
	" FROM pg_collation co JOIN pg_namespace cn ON cn.oid = "
	"co.collnamespace "
	"WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation) AS "
	"collation "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
	"a.attisdropped "
	"JOIN pg_type t ON t.oid = a.atttypid "
	"WHERE c.relkind = 'c' AND n.oid = ANY ($1) ";

static const DbmigRule attribute_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "number", .how = DBMIG_INFO},
	{.attribute = "type", .how = DBMIG_ALTER, .flags = DBMIG_REBUILDS,
		.set = "ALTER TYPE {parent} ALTER ATTRIBUTE {name} TYPE {type}[ COLLATE {collation}]",
		.hazard = "fails if a column uses the type"
	},
	{.attribute = "collation", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_attribute = {
	.name = "attribute",
	.query = attribute_query,
	.flags = DBMIG_WITH_PARENT | DBMIG_NUMBERED,
	RULES(attribute_rules),
	.address = "COLUMN {id}",
	.create = "ALTER TYPE {parent} ADD ATTRIBUTE {name} {type}[ COLLATE {collation}]",
	.drop = "ALTER TYPE {parent} DROP ATTRIBUTE {name}",
	.hazard = "deletes the attribute's values in every column of the type"
};

/* range type */

static const char range_query[] =
	TYPE_HEAD " "
	"(SELECT concat_ws(', ', 'subtype = ' || format_type(r.rngsubtype, NULL), "
	"CASE WHEN NOT o.opcdefault THEN 'subtype_opclass = ' || "
	QUALIFIED("opn.nspname", "o.opcname") " END, "
	"(SELECT 'collation = ' || " QUALIFIED("cn.nspname", "co.collname")
	" FROM pg_collation co JOIN pg_namespace cn ON cn.oid = "
	"co.collnamespace "
	"WHERE co.oid = r.rngcollation AND r.rngcollation <> st.typcollation), "
	"'canonical = ' || (SELECT " QUALIFIED("pn.nspname", "p.proname")
	" FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE "
	"p.oid = r.rngcanonical), "
	"'subtype_diff = ' || (SELECT " QUALIFIED("pn.nspname", "p.proname")
	" FROM pg_proc p JOIN pg_namespace pn ON pn.oid = p.pronamespace WHERE "
	"p.oid = r.rngsubdiff), "
	"'multirange_type_name = ' || " QUALIFIED("mn.nspname", "m.typname") ") "
	"FROM pg_range r JOIN pg_type st ON st.oid = r.rngsubtype JOIN "
	"pg_opclass o ON o.oid = r.rngsubopc "
	"JOIN pg_namespace opn ON opn.oid = o.opcnamespace "
	"JOIN pg_type m ON m.oid = r.rngmultitypid JOIN pg_namespace mn ON "
	"mn.oid = m.typnamespace "
	"WHERE r.rngtypid = t.oid) AS definition, "
	DBMIG_OWNER("t.typowner") ", "
	DBMIG_ACL("t.typacl", "T", "t.typowner") " "
	TYPE_TAIL("r") " ";

static const DbmigRule range_rules[] = {
	{.attribute = "definition", .how = DBMIG_ALTER, .flags = DBMIG_REBUILDS},
	DBMIG_OWNER_RULE("TYPE {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_range = {
	.name = "range type",
	.query = range_query,
	RULES(range_rules),
	.address = "TYPE {id}",
	.create = "CREATE TYPE {id} AS RANGE ({definition})",
	.rebuild = swap_type,
	.drop = "DROP TYPE {id}",
	.default_privileges = 'T'
};
