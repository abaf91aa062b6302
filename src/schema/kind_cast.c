/*-------------------------------------------------------------------------
 *
 * kind_cast.c
 *		Kinds: cast, conversion, language, transform.
 *
 * A cast or transform has no schema of its own.  It counts as part of that of
 * its type or function, where one of them has a schema that is looked at, and
 * as global if they are all the system's or extensions'.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

#define TYPE_HOME(type) \
	"(SELECT t.typnamespace FROM pg_type t WHERE t.oid = " type \
	" AND t.typnamespace = ANY ($1))"
#define FUNCTION_HOME(function) \
	"(SELECT p.pronamespace FROM pg_proc p WHERE p.oid = " function \
	" AND p.pronamespace = ANY ($1))"

/* Is an object neither the system's nor an extension's? */
#define IS_PLAIN(catalog, prefix, object) \
	"EXISTS (SELECT FROM " catalog " o JOIN pg_namespace n ON n.oid = " \
	"o." prefix "namespace WHERE o.oid = " object " AND n.nspname <> " \
	"'pg_catalog' AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '" \
	catalog "'::regclass AND e.objid = o.oid AND e.deptype = 'e'))"
#define IS_PLAIN_TYPE(type) IS_PLAIN("pg_type", "typ", type)
#define IS_PLAIN_FUNCTION(function) IS_PLAIN("pg_proc", "pro", function)

/* A function with the types of its arguments */
#define FUNCTION_SIGNATURE(function) \
	"(SELECT " QUALIFIED("fn.nspname", "f.proname") " || '(' || " \
	"oidvectortypes(f.proargtypes) || ')' FROM pg_proc f " \
	"JOIN pg_namespace fn ON fn.oid = f.pronamespace WHERE f.oid = " function ")"

static const char cast_query[] =
	"SELECT 'pg_cast'::regclass::oid, c.oid, 0, "
	"CASE WHEN home.oid IS NOT NULL THEN 'pg_namespace'::regclass::oid END, "
	"home.oid, 0, 0::oid, 0::oid, 0, "
	"format('(%s AS %s)', format_type(c.castsource, NULL), "
	"format_type(c.casttarget, NULL)), NULL::text, "
	"CASE c.castmethod WHEN 'i' THEN 'WITH INOUT' WHEN 'b' THEN 'WITHOUT "
	"FUNCTION' ELSE 'WITH FUNCTION ' || " FUNCTION_SIGNATURE("c.castfunc")
	" END AS definition, "
	"CASE c.castcontext WHEN 'a' THEN 'ASSIGNMENT' WHEN 'i' THEN 'IMPLICIT' "
	"END AS context "
	"FROM pg_cast c, LATERAL (SELECT coalesce("
	TYPE_HOME("c.castsource") ", " TYPE_HOME("c.casttarget") ", "
	FUNCTION_HOME("c.castfunc") ") AS oid) home "
	"WHERE c.oid >= 16384 "
	/* a range type brings one to its multirange type */
	"AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = "
	"'pg_cast'::regclass AND d.objid = c.oid AND d.deptype = 'i') "
	"AND (home.oid IS NOT NULL OR NOT ("
	IS_PLAIN_TYPE("c.castsource") " OR " IS_PLAIN_TYPE("c.casttarget") " OR "
	IS_PLAIN_FUNCTION("c.castfunc") ")) ";

static const DbmigRule cast_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE},
	{.attribute = "context", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_cast = {
	.name = "cast",
	.query = cast_query,
	.flags = DBMIG_GLOBAL | DBMIG_SHARED_NAME,
	RULES(cast_rules),
	.address = "CAST {id}",
	.create = "CREATE CAST {id} {definition}[ AS {context}]",
	.drop = "DROP CAST {id}"
};

/* conversion */

static const char conversion_query[] =
	"SELECT 'pg_conversion'::regclass::oid, c.oid, 0, "
	"'pg_namespace'::regclass::oid, c.connamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.conname") ", NULL::text, "
	"CASE WHEN c.condefault THEN 'DEFAULT' END AS default, "
	"format('FOR %L TO %L FROM %s', pg_encoding_to_char(c.conforencoding), "
	"pg_encoding_to_char(c.contoencoding), " FUNCTION_NAME("c.conproc")
	") AS definition, "
	DBMIG_OWNER("c.conowner") " "
	"FROM pg_conversion c JOIN pg_namespace n ON n.oid = c.connamespace "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule conversion_rules[] = {
	{.attribute = "default", .how = DBMIG_REPLACE},
	{.attribute = "definition", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("CONVERSION {id}")
};

const DbmigKind dbmig_kind_conversion = {
	.name = "conversion",
	.query = conversion_query,
	RULES(conversion_rules),
	.address = "CONVERSION {id}",
	.create = "CREATE [{default} ]CONVERSION {id} {definition}",
	.drop = "DROP CONVERSION {id}"
};

/* language */

static const char language_query[] =
	"SELECT 'pg_language'::regclass::oid, l.oid, 0, 0::oid, 0::oid, 0, "
	"0::oid, 0::oid, 0, "
	"quote_ident(l.lanname), NULL::text, "
	"CASE WHEN l.lanpltrusted THEN 'TRUSTED' END AS trusted, "
	FUNCTION_NAME("l.lanplcallfoid") " AS handler, "
	FUNCTION_NAME("l.laninline") " AS inline, "
	FUNCTION_NAME("l.lanvalidator") " AS validator, "
	DBMIG_OWNER("l.lanowner") ", "
	DBMIG_ACL("l.lanacl", "l", "l.lanowner") " "
	"FROM pg_language l WHERE l.oid >= 16384 ";

static const DbmigRule language_rules[] = {
	/* only a trusted one has privileges, which it would keep */
	{.attribute = "trusted", .how = DBMIG_REPLACE},
	{.attribute = "handler", .how = DBMIG_AGAIN},
	{.attribute = "inline", .how = DBMIG_AGAIN},
	{.attribute = "validator", .how = DBMIG_AGAIN},
	DBMIG_OWNER_RULE("LANGUAGE {id}"),
	DBMIG_ACL_RULES
};

#define CREATE_LANGUAGE \
	"[{trusted} ]LANGUAGE {id} HANDLER {handler}[ INLINE {inline}][ VALIDATOR {validator}]"

const DbmigKind dbmig_kind_language = {
	.name = "language",
	.query = language_query,
	.flags = DBMIG_GLOBAL | DBMIG_SHARED_NAME,
	RULES(language_rules),
	.address = "LANGUAGE {id}",
	.create = "CREATE " CREATE_LANGUAGE,
	.again = "CREATE OR REPLACE " CREATE_LANGUAGE,
	.drop = "DROP LANGUAGE {id}"
};

/* transform */

static const char transform_query[] =
	"SELECT 'pg_transform'::regclass::oid, tr.oid, 0, "
	"CASE WHEN home.oid IS NOT NULL THEN 'pg_namespace'::regclass::oid END, "
	"home.oid, 0, 0::oid, 0::oid, 0, "
	"format('FOR %s LANGUAGE %I', format_type(tr.trftype, NULL), l.lanname), "
	"NULL::text, "
	"concat_ws(', ', 'FROM SQL WITH FUNCTION ' || "
	FUNCTION_SIGNATURE("tr.trffromsql") ", 'TO SQL WITH FUNCTION ' || "
	FUNCTION_SIGNATURE("tr.trftosql") ") AS definition "
	"FROM pg_transform tr JOIN pg_language l ON l.oid = tr.trflang, "
	"LATERAL (SELECT coalesce(" TYPE_HOME("tr.trftype") ", "
	FUNCTION_HOME("tr.trffromsql") ", " FUNCTION_HOME("tr.trftosql")
	") AS oid) home "
	"WHERE home.oid IS NOT NULL OR NOT (" IS_PLAIN_TYPE("tr.trftype") " OR "
	IS_PLAIN_FUNCTION("tr.trffromsql") " OR " IS_PLAIN_FUNCTION("tr.trftosql")
	") ";

static const DbmigRule transform_rules[] = {
	{.attribute = "definition", .how = DBMIG_AGAIN}
};

const DbmigKind dbmig_kind_transform = {
	.name = "transform",
	.query = transform_query,
	.flags = DBMIG_GLOBAL | DBMIG_SHARED_NAME,
	RULES(transform_rules),
	.address = "TRANSFORM {id}",
	.create = "CREATE TRANSFORM {id} ({definition})",
	.again = "CREATE OR REPLACE TRANSFORM {id} ({definition})",
	.drop = "DROP TRANSFORM {id}"
};
