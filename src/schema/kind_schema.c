/*-------------------------------------------------------------------------
 *
 * kind_schema.c
 *		Kinds: schema, extension, collation, sequence, sequence ownership.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char schema_query[] =
	"SELECT 'pg_namespace'::regclass::oid, n.oid, 0, 0::oid, 0::oid, 0, "
	"0::oid, 0::oid, 0, "
	"quote_ident(n.nspname), NULL::text, "
	DBMIG_OWNER("n.nspowner") ", "
	DBMIG_ACL("n.nspacl", "n", "n.nspowner") " "
	"FROM pg_namespace n WHERE n.oid = ANY ($1) ";

static const DbmigRule schema_rules[] = {
	DBMIG_OWNER_RULE("SCHEMA {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_schema = {
	.name = "schema",
	.query = schema_query,
	.flags = DBMIG_ONE_BY_ONE,
	RULES(schema_rules),
	.address = "SCHEMA {id}",
	.create = "CREATE SCHEMA {id}",
	.drop = "DROP SCHEMA {id}",
	.default_privileges = 'n'
};

static const char extension_query[] =
	"SELECT 'pg_extension'::regclass::oid, e.oid, 0, 0::oid, 0::oid, 0, "
	"0::oid, 0::oid, 0, "
	"quote_ident(e.extname), NULL::text, "
	"quote_ident(n.nspname) AS schema "
	"FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
	"WHERE e.extname NOT IN ('plpgsql', 'databrain_migrate') "
	"AND NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension m ON m.oid = "
	"d.refobjid AND m.extname = 'databrain_migrate' "
	"WHERE d.classid = 'pg_extension'::regclass AND d.objid = e.oid AND "
	"d.refclassid = 'pg_extension'::regclass) ";

static const DbmigRule extension_rules[] = {
	{.attribute = "schema", .how = DBMIG_ALTER,
		.set = "ALTER EXTENSION {id} SET SCHEMA {schema}"
	}
};

const DbmigKind dbmig_kind_extension = {
	.name = "extension",
	.query = extension_query,
	.flags = DBMIG_GLOBAL,
	RULES(extension_rules),
	.address = "EXTENSION {id}",
	.create = "CREATE EXTENSION {id} WITH SCHEMA {schema}",
	.drop = "DROP EXTENSION {id}",
	.hazard = "takes what the extension keeps in its own tables"
};

static const char collation_query[] =
	"SELECT 'pg_collation'::regclass::oid, c.oid, 0, "
	"'pg_namespace'::regclass::oid, c.collnamespace, 0, 0::oid, 0::oid, "
	"0, "
	QUALIFIED("n.nspname", "c.collname") ", 'c:' || "
	QUALIFIED("n.nspname", "c.collname") ", "
	"concat_ws(', ', CASE c.collprovider WHEN 'i' THEN 'provider = icu' "
	"WHEN 'c' THEN 'provider = libc' WHEN 'b' THEN 'provider = builtin' "
	"END, "
	"CASE WHEN NOT c.collisdeterministic THEN 'deterministic = false' END, "
	"CASE WHEN c.collcollate = c.collctype THEN 'locale = ' || "
	"quote_literal(c.collcollate) "
	"WHEN c.collcollate IS NOT NULL THEN 'lc_collate = ' || "
	"quote_literal(c.collcollate) || ', lc_ctype = ' || "
	"quote_literal(c.collctype) "
	"ELSE 'locale = ' || quote_literal(coalesce(to_jsonb(c) ->> "
	"'colllocale', to_jsonb(c) ->> 'colliculocale')) END, "
	"'rules = ' || quote_literal(to_jsonb(c) ->> 'collicurules')) AS "
	"definition, "
	DBMIG_OWNER("c.collowner") " "
	"FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule collation_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("COLLATION {id}")
};

const DbmigKind dbmig_kind_collation = {
	.name = "collation",
	.query = collation_query,
	RULES(collation_rules),
	.address = "COLLATION {id}",
	.create = "CREATE COLLATION {id} ({definition})",
	.drop = "DROP COLLATION {id}"
};

static const char sequence_query[] =
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, "
	"'pg_namespace'::regclass::oid, c.relnamespace, 0, "
	"o.refclassid, o.refobjid, o.refobjsubid, "
	QUALIFIED("n.nspname", "c.relname") ", 'n:' || "
	QUALIFIED("n.nspname", "c.relname") ", "
	"format_type(sq.seqtypid, NULL) AS type, "
	"CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END AS persistence, "
	SEQUENCE_OPTIONS("") " AS options, "
	"nullif(" SEQUENCE_CREATE("''") ", '') AS options_create, "
	DBMIG_OWNER("c.relowner") ", "
	DBMIG_ACL("c.relacl", "s", "c.relowner") " "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN "
	"pg_sequence sq ON sq.seqrelid = c.oid "
	"LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid "
	"= c.oid AND o.objsubid = 0 "
	"AND o.refclassid = 'pg_class'::regclass AND o.deptype = 'a' "
	"WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.oid = ANY ($1) "
	"AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = "
	"'pg_class'::regclass AND i.objid = c.oid AND i.deptype = 'i') ";

/* Does a table of the new inventory that is altered change the sequence wrongly? */
bool
dbmig_takes_along(const DbmigFact *table, const DbmigFact *sequence)
{
	const char *wanted;

	if (table == NULL || table->kind != &dbmig_kind_table || dbmig_is_new(table))
		return false;
	wanted = dbmig_fact_value(table, "persistence");
	return !dbmig_same_value(dbmig_fact_value(table->twin, "persistence"), wanted) &&
		!dbmig_same_value(dbmig_fact_value(sequence, "persistence"), wanted);
}

/* What a table does to its sequences comes before what they do themselves. */
static void
alter_persistence(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				  const DbmigRule *rule)
{
	DbmigFact  *tables[] = {
		before->keeper ? before->keeper->parent->twin : NULL,
		after->keeper ? after->keeper->parent : NULL
	};
	DbmigAction *action = dbmig_act_alter(diff, after, true,
										  dbmig_pattern(dbmig_fact_value(after, "persistence") ?
														rule->set : rule->unset, after),
										  NULL);

	for (int i = 0; i < (int) lengthof(tables); i++)
	{
		if (!dbmig_takes_along(tables[i], after))
			continue;
		dbmig_make(diff, tables[i]);
		dbmig_wait_for_all(action, tables[i]->altered);
	}
}

static const DbmigRule sequence_rules[] = {
	{.attribute = "type", .how = DBMIG_ALTER,
		.set = "ALTER SEQUENCE {id} AS {type}"
	},
	{.attribute = "persistence", .how = DBMIG_ALTER,
		.flags = DBMIG_TAKEN_ALONG,
		.set = "ALTER SEQUENCE {id} SET UNLOGGED",
		.unset = "ALTER SEQUENCE {id} SET LOGGED",
		.alter = alter_persistence
	},
	{.attribute = "options", .how = DBMIG_ALTER,
		.set = "ALTER SEQUENCE {id} {options}"
	},
	{.attribute = "options_create", .how = DBMIG_INFO},
	DBMIG_OWNER_RULE("SEQUENCE {id}"),
	DBMIG_ACL_RULES
};

/*
 * A sequence that takes over from an identity column goes on where the
 * column's values end, once that has given up the name.
 */
static void
create_sequence(DbmigDiff *diff, DbmigFact *sequence)
{
	DbmigFact  *column = sequence->keeper;
	const DbmigFact *before = column ? column->twin : NULL;

	sequence->made = dbmig_act(diff, "create", sequence,
							   dbmig_pattern(sequence->kind->create, sequence), NULL);
	if (before == NULL || before->torn ||
		before->kind != &dbmig_kind_column ||
		dbmig_fact_value(before, "identity") == NULL)
		return;
	dbmig_make(diff, column);
	if (column->altered)
		dbmig_wait_for(sequence->made, llast(column->altered));
	dbmig_act_alter(diff, sequence, false,
					dbmig_carry_position(sequence->id, column), NULL);
}

const DbmigKind dbmig_kind_sequence = {
	.name = "sequence",
	.query = sequence_query,
	RULES(sequence_rules),
	.address = "SEQUENCE {id}",
	.write_create = create_sequence,
	.create = "CREATE [{persistence} ]SEQUENCE {id} AS {type}[ {options_create}]",
	.drop = "DROP SEQUENCE {id}",
	.default_privileges = 'S',
	.hazard = "forgets the sequence's position"
};

/* ownership: a sequence goes with a column */

static const char ownership_query[] =
	"SELECT 'pg_sequence'::regclass::oid, c.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname") ", NULL::text, "
	QUALIFIED("tn.nspname", "t.relname")
	" || '.' || quote_ident(a.attname) AS column "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = "
	"c.oid AND o.objsubid = 0 "
	"AND o.refclassid = 'pg_class'::regclass AND o.deptype = 'a' AND "
	"o.refobjsubid > 0 "
	"JOIN pg_class t ON t.oid = o.refobjid JOIN pg_namespace tn ON tn.oid = "
	"t.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = o.refobjsubid "
	"WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.oid = ANY ($1) ";

static const DbmigRule ownership_rules[] = {
	{.attribute = "column", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_ownership = {
	.name = "sequence ownership",
	.query = ownership_query,
	.flags = DBMIG_STANDS,
	RULES(ownership_rules),
	.create = "ALTER SEQUENCE {parent} OWNED BY {column}",
	.drop = "ALTER SEQUENCE {parent} OWNED BY NONE"
};
