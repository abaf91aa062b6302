/*-------------------------------------------------------------------------
 *
 * kind_view.c
 *		Kinds: view, materialized view, their columns, defaults of view
 *		columns, rule.
 *
 * A view is replaced in place while its columns stay and new ones are only
 * appended; otherwise it is made again, with all that hangs on it.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

#define VIEW_QUERY(relkind) \
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, " \
	"'pg_namespace'::regclass::oid, c.relnamespace, 0, " \
	"0::oid, 0::oid, 0, " QUALIFIED("n.nspname", "c.relname") ", " \
	"'n:' || " QUALIFIED("n.nspname", "c.relname") ", " \
	"(SELECT string_agg(quote_ident(a.attname) || ' ' || " \
	"format_type(a.atttypid, a.atttypmod) || ' ' || " \
	"a.attcollation::regcollation || E'\\n', '' ORDER BY a.attnum) " \
	"FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND " \
	"NOT a.attisdropped) AS columns, " \
	"(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) " \
	"FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND " \
	"NOT a.attisdropped) AS names, " \
	"rtrim(pg_get_viewdef(c.oid), ';') AS definition, " \
	"array_to_string(c.reloptions, ', ') AS options, " \
	"(SELECT quote_ident(m.amname) FROM pg_am m WHERE m.oid = c.relam AND " \
	"m.amname <> 'heap') AS access_method, " \
	"(SELECT quote_ident(t.spcname) FROM pg_tablespace t WHERE t.oid = " \
	"c.reltablespace) AS tablespace, " \
	DBMIG_OWNER("c.relowner") ", " DBMIG_ACL("c.relacl", "r", "c.relowner") \
	" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
	"WHERE c.relkind = '" relkind \
	"' AND c.relpersistence <> 't' AND n.oid = ANY ($1)"

static const char view_query[] = VIEW_QUERY("v");
static const char materialized_view_query[] = VIEW_QUERY("m");

static const DbmigRule view_rules[] = {
	{.attribute = "columns", .how = DBMIG_INFO},
	{.attribute = "names", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_AGAIN,
		.flags = DBMIG_EXPRESSION
	},
	{.attribute = "options", .how = DBMIG_AGAIN},
	{.attribute = "access_method", .how = DBMIG_INFO},
	{.attribute = "tablespace", .how = DBMIG_INFO},
	DBMIG_OWNER_RULE("VIEW {id}"),
	DBMIG_ACL_RULES
};

/* Are the old columns the first ones of the new? */
static bool
view_fits(const DbmigFact *before, const DbmigFact *after)
{
	const char *old = dbmig_fact_value(before, "columns");
	const char *new = dbmig_fact_value(after, "columns");

	if (old == NULL || new == NULL)
		return old == new;
	return strncmp(old, new, strlen(old)) == 0;
}

#define CREATE_VIEW "VIEW {id}[ ({names})][ WITH ({options})] AS\n{definition}"

const DbmigKind dbmig_kind_view = {
	.name = "view",
	.query = view_query,
	RULES(view_rules),
	.address = "VIEW {id}",
	.grant_on = "TABLE {id}",
	.create = "CREATE " CREATE_VIEW,
	.again = "CREATE OR REPLACE " CREATE_VIEW,
	.drop = "DROP VIEW {id}",
	.default_privileges = 'r',
	.fits = view_fits
};

static const DbmigRule materialized_view_rules[] = {
	{.attribute = "columns", .how = DBMIG_INFO},
	{.attribute = "names", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_EXPRESSION
	},
	{.attribute = "options", .how = DBMIG_REPLACE},
	{.attribute = "access_method", .how = DBMIG_REPLACE},
	{.attribute = "tablespace", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("MATERIALIZED VIEW {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_materialized_view = {
	.name = "materialized view",
	.query = materialized_view_query,
	RULES(materialized_view_rules),
	.address = "MATERIALIZED VIEW {id}",
	.grant_on = "TABLE {id}",
	.create = "CREATE MATERIALIZED VIEW {id}[ ({names})][ USING {access_method}][ WITH ({options})][ TABLESPACE {tablespace}] AS\n{definition}",
	.drop = "DROP MATERIALIZED VIEW {id}",
	.default_privileges = 'r'
};

/* column of a view */

static const char view_column_query[] =
	"SELECT 'pg_class'::regclass::oid, c.oid, a.attnum::int4, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	"quote_ident(a.attname) AS name, "
	"CASE WHEN c.relkind = 'm' AND a.attstorage <> t.typstorage THEN CASE "
	"a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' "
	"WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END END AS storage, "
	"CASE t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN "
	"'m' THEN 'MAIN' ELSE 'EXTENDED' END AS type_storage, "
	"CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, "
	DBMIG_ACL("a.attacl", "c", "c.relowner") " "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
	"a.attisdropped "
	"JOIN pg_type t ON t.oid = a.atttypid "
	"WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't' AND n.oid = "
	"ANY ($1) ";

static const DbmigRule view_column_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "storage", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER MATERIALIZED VIEW {parent} ALTER COLUMN {name} SET STORAGE {storage}",
		.unset = "ALTER MATERIALIZED VIEW {parent} ALTER COLUMN {name} SET STORAGE {type_storage}"
	},
	{.attribute = "type_storage", .how = DBMIG_INFO},
	{.attribute = "statistics", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER MATERIALIZED VIEW {parent} ALTER COLUMN {name} SET STATISTICS {statistics}",
		.unset = "ALTER MATERIALIZED VIEW {parent} ALTER COLUMN {name} SET STATISTICS -1"
	},
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_view_column = {
	.name = "view column",
	.query = view_column_query,
	.flags = DBMIG_WITH_PARENT,
	RULES(view_column_rules),
	.address = "COLUMN {id}",
	.grant_on = "TABLE {parent}",
	.grant_part = " ({name})"
};

static const char view_default_query[] =
	"SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, a.attnum::int4, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	QUALIFIED("n.nspname", "c.relname") " AS view, "
	"quote_ident(a.attname) AS column, "
	"pg_get_expr(d.adbin, 0) AS expression "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid "
	"JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
	"WHERE c.relkind = 'v' AND n.oid = ANY ($1) ";

static const DbmigRule view_default_rules[] = {
	{.attribute = "view", .how = DBMIG_INFO},
	{.attribute = "column", .how = DBMIG_INFO},
	{.attribute = "expression", .how = DBMIG_AGAIN,
		.flags = DBMIG_EXPRESSION
	}
};

const DbmigKind dbmig_kind_view_default = {
	.name = "view column default",
	.query = view_default_query,
	.flags = DBMIG_DETACHES,
	RULES(view_default_rules),
	.create = "ALTER VIEW {view} ALTER COLUMN {column} SET DEFAULT {expression}",
	.again = "ALTER VIEW {view} ALTER COLUMN {column} SET DEFAULT {expression}",
	.drop = "ALTER VIEW {view} ALTER COLUMN {column} DROP DEFAULT"
};

/* rule, of a table or view */

static const char rule_query[] =
	"SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || ' ' || quote_ident(r.rulename), NULL::text, "
	"quote_ident(r.rulename) AS name, "
	"regexp_replace(rtrim(pg_get_ruledef(r.oid), ';'), '^CREATE RULE', "
	"'CREATE OR REPLACE RULE') AS definition, "
	"CASE r.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE "
	"REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END AS enabled "
	"FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN "
	"pg_namespace n ON n.oid = c.relnamespace "
	"WHERE r.rulename <> '_RETURN' AND n.oid = ANY ($1) ";

static const DbmigRule rule_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_AGAIN,
		.flags = DBMIG_EXPRESSION
	},
	{.attribute = "enabled", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER TABLE {parent} {enabled} RULE {name}",
		.unset = "ALTER TABLE {parent} ENABLE RULE {name}"
	}
};

const DbmigKind dbmig_kind_rule = {
	.name = "rule",
	.query = rule_query,
	.flags = DBMIG_DETACHES,
	RULES(rule_rules),
	.address = "RULE {name} ON {parent}",
	.create = "{definition}",
	.again = "{definition}",
	.drop = "DROP RULE {name} ON {parent}"
};
