/*-------------------------------------------------------------------------
 *
 * kind_access.c
 *		Kinds: access method, operator family, its members, operator class.
 *
 * A family is always created by itself, and a class says which one is its own,
 * so the server never makes a family unasked.  Members that belong to a class
 * are part of its definition; the others belong to the family only.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char access_method_query[] =
	"SELECT 'pg_am'::regclass::oid, a.oid, 0, 0::oid, 0::oid, 0, "
	"0::oid, 0::oid, 0, "
	"quote_ident(a.amname), NULL::text, "
	"CASE a.amtype WHEN 't' THEN 'TABLE' ELSE 'INDEX' END AS type, "
	FUNCTION_NAME("a.amhandler") " AS handler "
	"FROM pg_am a WHERE a.oid >= 16384 ";

static const DbmigRule access_method_rules[] = {
	{.attribute = "type", .how = DBMIG_REPLACE},
	{.attribute = "handler", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_access_method = {
	.name = "access method",
	.query = access_method_query,
	.flags = DBMIG_GLOBAL | DBMIG_SHARED_NAME,
	RULES(access_method_rules),
	.address = "ACCESS METHOD {id}",
	.create = "CREATE ACCESS METHOD {id} TYPE {type} HANDLER {handler}",
	.drop = "DROP ACCESS METHOD {id}"
};

/* "schema.name USING method" of a family or class */
#define WITH_METHOD(schema, name) \
	QUALIFIED(schema, name) " || ' USING ' || quote_ident(m.amname)"

#define FAMILY_NAME(oid) \
	"(SELECT " QUALIFIED("fn.nspname", "f.opfname") " FROM pg_opfamily f " \
	"JOIN pg_namespace fn ON fn.oid = f.opfnamespace WHERE f.oid = " oid ")"

#define OPERATOR_MEMBER(amop) \
	"'OPERATOR ' || " amop ".amopstrategy || ' ' || (SELECT " \
	"quote_ident(rn.nspname) || '.' || r.oprname FROM pg_operator r JOIN " \
	"pg_namespace rn ON rn.oid = r.oprnamespace WHERE r.oid = " amop ".amopopr) " \
	"|| ' (' || format_type(" amop ".amoplefttype, NULL) || ', ' || " \
	"format_type(" amop ".amoprighttype, NULL) || ')' || " \
	"coalesce(' FOR ORDER BY ' || " FAMILY_NAME(amop ".amopsortfamily") ", '')"

#define FUNCTION_MEMBER(amproc) \
	"'FUNCTION ' || " amproc ".amprocnum || ' (' || " \
	"format_type(" amproc ".amproclefttype, NULL) || ', ' || " \
	"format_type(" amproc ".amprocrighttype, NULL) || ') ' || " \
	FUNCTION_NAME(amproc ".amproc") " || '(' || (SELECT " \
	"oidvectortypes(p.proargtypes) FROM pg_proc p WHERE p.oid = " \
	amproc ".amproc) || ')'"

/* Does a member belong to a class? */
#define MEMBER_OF(catalog, member, class) \
	"EXISTS (SELECT FROM pg_depend d WHERE d.classid = '" catalog "'::regclass " \
	"AND d.objid = " member ".oid AND d.refclassid = 'pg_opclass'::regclass " \
	class ")"

static const char operator_family_query[] =
	"SELECT 'pg_opfamily'::regclass::oid, o.oid, 0, "
	"'pg_namespace'::regclass::oid, o.opfnamespace, 0, 0::oid, 0::oid, 0, "
	WITH_METHOD("n.nspname", "o.opfname") ", NULL::text, "
	DBMIG_OWNER("o.opfowner") " "
	"FROM pg_opfamily o JOIN pg_namespace n ON n.oid = o.opfnamespace "
	"JOIN pg_am m ON m.oid = o.opfmethod WHERE n.oid = ANY ($1) ";

static const DbmigRule operator_family_rules[] = {
	DBMIG_OWNER_RULE("OPERATOR FAMILY {id}")
};

const DbmigKind dbmig_kind_operator_family = {
	.name = "operator family",
	.query = operator_family_query,
	RULES(operator_family_rules),
	.address = "OPERATOR FAMILY {id}",
	.create = "CREATE OPERATOR FAMILY {id}",
	.drop = "DROP OPERATOR FAMILY {id}"
};

static const char family_member_query[] =
	"SELECT 'pg_amop'::regclass::oid, a.oid, 0, "
	"'pg_opfamily'::regclass::oid, o.oid, 0, 0::oid, 0::oid, 0, "
	WITH_METHOD("n.nspname", "o.opfname")
	" || ' ' || x.name, NULL::text, x.name AS name, "
	OPERATOR_MEMBER("a") " AS definition "
	"FROM pg_amop a JOIN pg_opfamily o ON o.oid = a.amopfamily "
	"JOIN pg_namespace n ON n.oid = o.opfnamespace JOIN pg_am m ON m.oid = "
	"o.opfmethod, "
	"LATERAL (SELECT format('OPERATOR %s (%s, %s)', a.amopstrategy, "
	"format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)) "
	"AS name) x "
	"WHERE n.oid = ANY ($1) AND NOT " MEMBER_OF("pg_amop", "a", "")
	" UNION ALL "
	"SELECT 'pg_amproc'::regclass::oid, a.oid, 0, "
	"'pg_opfamily'::regclass::oid, o.oid, 0, 0::oid, 0::oid, 0, "
	WITH_METHOD("n.nspname", "o.opfname") " || ' ' || x.name, NULL::text, "
	"x.name, " FUNCTION_MEMBER("a") " "
	"FROM pg_amproc a JOIN pg_opfamily o ON o.oid = a.amprocfamily "
	"JOIN pg_namespace n ON n.oid = o.opfnamespace JOIN pg_am m ON m.oid = "
	"o.opfmethod, "
	"LATERAL (SELECT format('FUNCTION %s (%s, %s)', a.amprocnum, "
	"format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, "
	"NULL)) AS name) x "
	"WHERE n.oid = ANY ($1) AND NOT " MEMBER_OF("pg_amproc", "a", "") " ";

static const DbmigRule family_member_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_family_member = {
	.name = "operator family member",
	.query = family_member_query,
	.flags = DBMIG_DETACHES,
	RULES(family_member_rules),
	.create = "ALTER OPERATOR FAMILY {parent} ADD {definition}",
	.drop = "ALTER OPERATOR FAMILY {parent} DROP {name}"
};

static const char operator_class_query[] =
	"SELECT 'pg_opclass'::regclass::oid, o.oid, 0, "
	"'pg_namespace'::regclass::oid, o.opcnamespace, 0, 0::oid, 0::oid, 0, "
	WITH_METHOD("n.nspname", "o.opcname") ", NULL::text, "
	QUALIFIED("n.nspname", "o.opcname") " AS name, "
	"CASE WHEN o.opcdefault THEN 'DEFAULT ' ELSE '' END || 'FOR TYPE ' || "
	"format_type(o.opcintype, NULL) || ' USING ' || quote_ident(m.amname) || "
	"' FAMILY ' || " FAMILY_NAME("o.opcfamily") " || E' AS\\n    ' || "
	"coalesce((SELECT string_agg(member, E',\\n    ' ORDER BY place, number, "
	"member COLLATE \"C\") FROM ("
	"SELECT 1, 0, 'STORAGE ' || format_type(o.opckeytype, NULL) "
	"WHERE o.opckeytype <> 0 "
	"UNION ALL "
	"SELECT 2, a.amopstrategy, " OPERATOR_MEMBER("a")
	" FROM pg_amop a WHERE a.amopfamily = o.opcfamily AND "
	MEMBER_OF("pg_amop", "a", "AND d.refobjid = o.oid")
	" UNION ALL "
	"SELECT 3, a.amprocnum, " FUNCTION_MEMBER("a")
	" FROM pg_amproc a WHERE a.amprocfamily = o.opcfamily AND "
	MEMBER_OF("pg_amproc", "a", "AND d.refobjid = o.oid")
	") AS members (place, number, member)), "
	"'STORAGE ' || format_type(o.opcintype, NULL)) AS definition, "
	DBMIG_OWNER("o.opcowner") " "
	"FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace "
	"JOIN pg_am m ON m.oid = o.opcmethod WHERE n.oid = ANY ($1) ";

static const DbmigRule operator_class_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("OPERATOR CLASS {id}")
};

const DbmigKind dbmig_kind_operator_class = {
	.name = "operator class",
	.query = operator_class_query,
	RULES(operator_class_rules),
	.address = "OPERATOR CLASS {id}",
	.create = "CREATE OPERATOR CLASS {name} {definition}",
	.drop = "DROP OPERATOR CLASS {id}"
};
