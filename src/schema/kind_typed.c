/*-------------------------------------------------------------------------
 *
 * kind_typed.c
 *		Kind: typed table, which is that a table is one OF a type.
 *
 * It is a fact beside the table, which is made with columns of its own, and
 * ties them to the type once both have the same.  While the type or the columns
 * change they are apart.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char typed_table_query[] =
	"SELECT 'pg_class'::regclass::oid, c.oid, -1, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname") ", NULL::text, "
	"format_type(c.reloftype, NULL) AS type, "
	"(SELECT string_agg(quote_ident(a.attname) || ' ' || "
	"format_type(a.atttypid, a.atttypmod) || ' ' || "
	"a.attcollation::regcollation, E'\\n' ORDER BY a.attnum) "
	"FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT "
	"a.attisdropped) AS columns "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.reloftype <> 0 AND c.relpersistence <> 't' AND n.oid = ANY ($1) ";

static const DbmigRule typed_table_rules[] = {
	{.attribute = "type", .how = DBMIG_REPLACE},
	{.attribute = "columns", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_typed_table = {
	.name = "typed table",
	.query = typed_table_query,
	RULES(typed_table_rules),
	.create = "ALTER TABLE {parent} OF {type}",
	.drop = "ALTER TABLE {parent} NOT OF"
};
