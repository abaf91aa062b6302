/*-------------------------------------------------------------------------
 *
 * kind_base_type.c
 *		Kinds: shell type, base type.
 *
 * A base type needs its input and output functions, which need the type.  So
 * it is two facts: the shell, which these functions refer to, and the type
 * itself, which refers to the functions, and which all others refer to.  The
 * catalogs have one row for both; facts.c sees to it that each reference leads
 * to the right one.  The shell is known by the row's address with a subid of 1,
 * unless there is nothing but a shell.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

/*
 * Types of one's own, neither an extension's nor those that the server makes as
 * arrays of others
 */
#define IS_BASE_TYPE \
	"t.typtype = 'b' AND n.oid = ANY ($1) AND NOT EXISTS (SELECT FROM " \
	"pg_type e WHERE e.typarray = t.oid) AND NOT EXISTS (SELECT FROM " \
	"pg_depend e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid " \
	"AND e.deptype = 'e')"

/* What it can; none stands for a function that there is not, NULL leaves it out */
#define SUPPORT(name, function, none) \
	"'" name " = ' || coalesce(" FUNCTION_NAME(function) ", " none ")"
#define BASE_OPTIONS(none) \
	"concat_ws(', ', " SUPPORT("RECEIVE", "t.typreceive", none) ", " \
	SUPPORT("SEND", "t.typsend", none) ", " \
	SUPPORT("TYPMOD_IN", "t.typmodin", none) ", " \
	SUPPORT("TYPMOD_OUT", "t.typmodout", none) ", " \
	SUPPORT("ANALYZE", "t.typanalyze", none) ", " \
	SUPPORT("SUBSCRIPT", "t.typsubscript", none) ", " \
	"'STORAGE = ' || CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN " \
	"'external' WHEN 'm' THEN 'main' ELSE 'extended' END)"

/* What no ALTER TYPE can change */
#define BASE_DEFINITION \
	"concat_ws(', ', 'INPUT = ' || " FUNCTION_NAME("t.typinput") ", " \
	"'OUTPUT = ' || " FUNCTION_NAME("t.typoutput") ", " \
	"'INTERNALLENGTH = ' || CASE t.typlen WHEN -1 THEN 'VARIABLE' ELSE " \
	"t.typlen::text END, " \
	"CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END, " \
	"'ALIGNMENT = ' || CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN " \
	"'int2' WHEN 'i' THEN 'int4' ELSE 'double' END, " \
	"'CATEGORY = ' || quote_literal(t.typcategory::text), " \
	"CASE WHEN t.typispreferred THEN 'PREFERRED = true' END, " \
	"'DEFAULT = ' || quote_literal(t.typdefault), " \
	"'ELEMENT = ' || format_type(nullif(t.typelem, 0), NULL), " \
	"'DELIMITER = ' || quote_literal(t.typdelim::text), " \
	"CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE = true' END)"

static const char shell_type_query[] =
	"SELECT 'pg_type'::regclass::oid, t.oid, CASE WHEN t.typisdefined THEN "
	"1 ELSE 0 END, "
	"'pg_namespace'::regclass::oid, t.typnamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "t.typname") ", 'n:' || "
	QUALIFIED("n.nspname", "t.typname") ", "
	"CASE WHEN t.typisdefined THEN " BASE_DEFINITION " END AS definition, "
	"CASE WHEN NOT t.typisdefined THEN "
	"quote_ident(pg_get_userbyid(t.typowner)) END AS owner "
	"FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
	"WHERE NOT t.typisdefined AND n.oid = ANY ($1) OR " IS_BASE_TYPE " ";

/* The owner of a type that stays a shell. */
static void
alter_shell_owner(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				  const DbmigRule *rule)
{
	if (dbmig_fact_value(after, "owner"))
		(void) dbmig_act_alter(diff, after, false,
							   dbmig_pattern("ALTER TYPE {id} OWNER TO {owner}", after),
							   NULL);
}

static const DbmigRule shell_type_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE},
	{.attribute = "owner", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.alter = alter_shell_owner
	}
};

const DbmigKind dbmig_kind_shell_type = {
	.name = "shell type",
	.query = shell_type_query,
	RULES(shell_type_rules),
	.address = "TYPE {id}",
	.create = "CREATE TYPE {id}",
	.drop = "DROP TYPE {id}[ CASCADE{?definition}]",
	.hazard = "takes along all that uses the type"
};

static const char base_type_query[] =
	"SELECT 'pg_type'::regclass::oid, t.oid, 0, "
	"'pg_type'::regclass::oid, t.oid, 1, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "t.typname") ", NULL::text, "
	BASE_DEFINITION " AS definition, "
	BASE_OPTIONS("NULL::text") " AS options_create, "
	BASE_OPTIONS("'NONE'") " AS options, "
	DBMIG_OWNER("t.typowner") ", "
	DBMIG_ACL("t.typacl", "T", "t.typowner") " "
	"FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
	"WHERE " IS_BASE_TYPE " ";

static const DbmigRule base_type_rules[] = {
	{.attribute = "definition", .how = DBMIG_INFO},
	{.attribute = "options_create", .how = DBMIG_INFO},
	{.attribute = "options", .how = DBMIG_ALTER,
		.set = "ALTER TYPE {id} SET ({options})"
	},
	DBMIG_OWNER_RULE("TYPE {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_base_type = {
	.name = "base type",
	.query = base_type_query,
	RULES(base_type_rules),
	.address = "TYPE {id}",
	.create = "CREATE TYPE {id} ({definition}, {options_create})",
	.default_privileges = 'T'
};
