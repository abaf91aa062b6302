/*-------------------------------------------------------------------------
 *
 * kind_routine.c
 *		Kinds: function and procedure, trigger, row-security policy.
 *
 * A function is replaced in place unless its result or the names of its
 * arguments change, or an argument loses its default.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char routine_query[] =
	"SELECT 'pg_proc'::regclass::oid, p.oid, 0, "
	"'pg_namespace'::regclass::oid, p.pronamespace, 0, "
	"CASE WHEN io.oid IS NOT NULL THEN 'pg_type'::regclass::oid END, io.oid, "
	"1, "
	QUALIFIED("n.nspname", "p.proname")
	" || '(' || oidvectortypes(p.proargtypes) || ')', "
	"'f:' || " QUALIFIED("n.nspname", "p.proname")
	" || '(' || oidvectortypes(p.proargtypes) || ')', "
	"CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS object, "
	"p.prokind AS prokind, "
	"pg_get_function_result(p.oid) AS result, "
	"p.proargmodes::text AS modes, "
	"p.proargnames::text AS names, "
	"p.pronargdefaults AS defaults, "
	"rtrim(pg_get_functiondef(p.oid), E'\\n') AS definition, "
	DBMIG_OWNER("p.proowner") ", "
	DBMIG_ACL("p.proacl", "f", "p.proowner") " "
	"FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
	/* the base type that it takes in or puts out */
	"LEFT JOIN LATERAL (SELECT t.oid FROM pg_type t WHERE t.typtype = 'b' "
	"AND t.oid = ANY (p.proargtypes || p.prorettype) AND p.oid IN ("
	BASE_TYPE_FUNCTIONS("t") ") LIMIT 1) io ON true "
	"WHERE p.prokind <> 'a' AND n.oid = ANY ($1) "
	"AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = "
	"'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')";

static const DbmigRule routine_rules[] = {
	{.attribute = "object", .how = DBMIG_REPLACE},
	{.attribute = "prokind", .how = DBMIG_REPLACE},
	{.attribute = "result", .how = DBMIG_REPLACE},
	{.attribute = "modes", .how = DBMIG_REPLACE},
	{.attribute = "names", .how = DBMIG_INFO},
	{.attribute = "defaults", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_AGAIN,
		.flags = DBMIG_EXPRESSION
	},
	DBMIG_OWNER_RULE("{object} {id}"),
	DBMIG_ACL_RULES
};

static bool
routine_fits(const DbmigFact *before, const DbmigFact *after)
{
	const char *names = dbmig_fact_value(before, "names");

	return (names == NULL ||
			dbmig_same_value(names, dbmig_fact_value(after, "names"))) &&
		atoi(dbmig_fact_value(before, "defaults")) <=
		atoi(dbmig_fact_value(after, "defaults"));
}

const DbmigKind dbmig_kind_routine = {
	.name = "function",
	.query = routine_query,
	RULES(routine_rules),
	.address = "{object} {id}",
	.create = "{definition}",
	.again = "{definition}",
	.drop = "DROP {object} {id}",
	.default_privileges = 'f',
	.fits = routine_fits
};

/* trigger */

static const char trigger_query[] =
	"SELECT 'pg_trigger'::regclass::oid, t.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, 0, "
	"CASE WHEN t.tgparentid <> 0 THEN 'pg_trigger'::regclass::oid END, "
	"t.tgparentid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || ' ' || quote_ident(t.tgname), NULL::text, "
	"quote_ident(t.tgname) AS name, "
	"CASE WHEN t.tgparentid <> 0 THEN 'inherited' END AS inherited, "
	"pg_get_triggerdef(t.oid) AS definition, "
	"CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE "
	"REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END AS enabled "
	"FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN "
	"pg_namespace n ON n.oid = c.relnamespace "
	"WHERE NOT t.tgisinternal AND n.oid = ANY ($1) ";

static const DbmigRule trigger_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "inherited", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE,
		.flags = DBMIG_EXPRESSION | DBMIG_INHERITED
	},
	{.attribute = "enabled", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER TABLE {parent} {enabled} TRIGGER {name}",
		.unset = "ALTER TABLE {parent} ENABLE TRIGGER {name}"
	}
};

/*
 * The statement that attaches a trigger's table, or a table above it, and brings
 * the trigger from there, as the fact that it makes; NULL if there is none.
 */
static DbmigFact *
find_attachment(const DbmigFact *trigger)
{
	DbmigFact  *result = NULL;
	DbmigFact  *partition;

	if (dbmig_fact_value(trigger, "inherited") == NULL)
		return NULL;
	for (const DbmigFact *table = trigger->parent;
		 table && (partition = dbmig_partition_fact(table)) != NULL;
		 table = dbmig_attached_to(partition))
	{
		if (dbmig_is_new(partition) && (table->apart || !dbmig_is_new(table)))
			result = partition;
	}
	return result;
}

static bool
trigger_comes_along(const DbmigFact *fact)
{
	return dbmig_fact_value(fact, "inherited") != NULL &&
		find_attachment(fact) == NULL;
}

/* CREATE TRIGGER, unless the parent table's comes with what attaches the table. */
static void
create_trigger(DbmigDiff *diff, DbmigFact *trigger)
{
	DbmigFact  *source = find_attachment(trigger);

	if (source == NULL)
		source = dbmig_inherited_from(trigger);
	if (source && dbmig_is_new(source))
	{
		dbmig_make(diff, source);
		trigger->made = source->made;
	}
	else
		trigger->made = dbmig_act(diff, "create", trigger,
								  dbmig_pattern(trigger->kind->create, trigger), NULL);
}

const DbmigKind dbmig_kind_trigger = {
	.name = "trigger",
	.query = trigger_query,
	.flags = DBMIG_DETACHES,
	RULES(trigger_rules),
	.address = "TRIGGER {name} ON {parent}",
	.write_create = create_trigger,
	.create = "{definition}",
	.drop = "DROP TRIGGER {name} ON {parent}",
	.comes_along = trigger_comes_along
};

/* policy */

static const char policy_query[] =
	"SELECT 'pg_policy'::regclass::oid, p.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || ' ' || quote_ident(p.polname), NULL::text, "
	"quote_ident(p.polname) AS name, "
	"CASE WHEN NOT p.polpermissive THEN 'RESTRICTIVE' END AS restrictive, "
	"CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' "
	"THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command, "
	"(SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE "
	"quote_ident(pg_get_userbyid(r)) END, ', ' "
	"ORDER BY pg_get_userbyid(r) COLLATE \"C\") FROM unnest(p.polroles) r) "
	"AS roles, "
	"pg_get_expr(p.polqual, p.polrelid) AS \"using\", "
	"pg_get_expr(p.polwithcheck, p.polrelid) AS \"check\" "
	"FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN "
	"pg_namespace n ON n.oid = c.relnamespace "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule policy_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "restrictive", .how = DBMIG_REPLACE},
	{.attribute = "command", .how = DBMIG_REPLACE},
	{.attribute = "roles", .how = DBMIG_ALTER,
		.set = "ALTER POLICY {name} ON {parent} TO {roles}"
	},
	{.attribute = "using", .how = DBMIG_REPLACE, .flags = DBMIG_EXPRESSION},
	{.attribute = "check", .how = DBMIG_REPLACE, .flags = DBMIG_EXPRESSION}
};

const DbmigKind dbmig_kind_policy = {
	.name = "policy",
	.query = policy_query,
	.flags = DBMIG_DETACHES,
	RULES(policy_rules),
	.address = "POLICY {name} ON {parent}",
	.create = "CREATE POLICY {name} ON {parent}[ AS {restrictive}] FOR {command} TO {roles}[ USING ({using})][ WITH CHECK ({check})]",
	.drop = "DROP POLICY {name} ON {parent}"
};

/* default privileges of a role, everywhere or in a schema */

static const char default_privileges_query[] =
	"SELECT 'pg_default_acl'::regclass::oid, d.oid, 0, CASE WHEN n.oid IS "
	"NOT NULL THEN 'pg_namespace'::regclass::oid END, n.oid, 0, 0::oid, "
	"0::oid, 0, "
	"concat_ws(' ', quote_ident(pg_get_userbyid(d.defaclrole)), "
	"d.defaclobjtype, quote_ident(n.nspname)), NULL::text, "
	"quote_ident(pg_get_userbyid(d.defaclrole)) AS role, "
	"quote_ident(n.nspname) AS schema, "
	"d.defaclobjtype AS type, "
	"CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' "
	"WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' "
	"WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS objects, "
	"coalesce(" DBMIG_ACL_LINES("d.defaclacl") ", '') AS acl, "
	"CASE WHEN n.oid IS NULL THEN "
	DBMIG_ACL_LINES("acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)")
	" END AS acl_default "
	"FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = "
	"d.defaclnamespace "
	"WHERE d.defaclnamespace = 0 OR n.oid = ANY ($1) ";

static const DbmigRule default_privileges_rules[] = {
	{.attribute = "role", .how = DBMIG_INFO},
	{.attribute = "schema", .how = DBMIG_INFO},
	{.attribute = "type", .how = DBMIG_INFO},
	{.attribute = "objects", .how = DBMIG_INFO},
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_default_privileges = {
	.name = "default privileges",
	.query = default_privileges_query,
	RULES(default_privileges_rules),
	.grant_prefix = "ALTER DEFAULT PRIVILEGES FOR ROLE {role}[ IN SCHEMA {schema}] ",
	.grant_on = "{objects}",
	.write_drop = dbmig_drop_privileges
};
