/*-------------------------------------------------------------------------
 *
 * kind_table.c
 *		Kinds: table, partition, inheritance, column, default.
 *
 * A table is created with its columns and with such defaults as cannot need
 * the table; everything else on it is a statement of its own.  That a table is
 * a partition, or inherits, is a fact beside the table: it can come and go
 * while the table's rows stay.
 *
 * What comes from a parent table (inherited) is not made, changed or dropped
 * by itself: the parent's statement does it.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "base/compat.h"
#include "schema/kinds.h"
#include "utils/builtins.h"

static const char table_query[] =
	"SELECT 'pg_class'::regclass::oid, c.oid, 0, "
	"'pg_namespace'::regclass::oid, c.relnamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname") ", 'n:' || "
	QUALIFIED("n.nspname", "c.relname") ", "
	"CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END AS persistence, "
	"CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS "
	"partition_by, "
	"CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END "
	"AS bound, "
	"CASE WHEN NOT c.relispartition THEN (SELECT string_agg("
	QUALIFIED("pn.nspname", "p.relname") ", ', ' ORDER BY i.inhseqno) "
	"FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN "
	"pg_namespace pn ON pn.oid = p.relnamespace "
	"WHERE i.inhrelid = c.oid) END AS inherits, "
	"(SELECT quote_ident(a.amname) FROM pg_am a WHERE a.oid = c.relam AND "
	"a.amname <> 'heap') AS access_method, "
	"(SELECT quote_ident(t.spcname) FROM pg_tablespace t WHERE t.oid = "
	"c.reltablespace) AS tablespace, "
	DBMIG_OPTIONS("c.reloptions || (SELECT array_agg('toast.' || o) FROM pg_class t, unnest(t.reloptions) o WHERE t.oid = c.reltoastrelid)")
	" AS options, "
	"CASE c.relkind WHEN 'f' THEN 'FOREIGN' END AS foreign, "
	"(SELECT quote_ident(s.srvname) FROM pg_foreign_table f JOIN "
	"pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid) AS "
	"server, "
	"(SELECT " FOREIGN_OPTIONS("f.ftoptions")
	" FROM pg_foreign_table f WHERE f.ftrelid = c.oid) AS foreign_options, "
	"(SELECT " FOREIGN_OPTION_LINES("f.ftoptions")
	" FROM pg_foreign_table f WHERE f.ftrelid = c.oid) AS "
	"foreign_option_lines, "
	"CASE WHEN c.relrowsecurity THEN 'ENABLE' END AS row_security, "
	"CASE WHEN c.relforcerowsecurity THEN 'FORCE' END AS force_row_security, "
	"CASE WHEN c.relkind <> 'f' THEN CASE c.relreplident WHEN 'f' THEN "
	"'FULL' WHEN 'n' THEN 'NOTHING' END END AS replica_identity, "
	DBMIG_OWNER("c.relowner") ", "
	DBMIG_ACL("c.relacl", "r", "c.relowner") " "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND "
	"n.oid = ANY ($1) ";

static const DbmigRule table_rules[] = {
	{.attribute = "persistence", .how = DBMIG_ALTER,
		.set = "ALTER TABLE {id} SET UNLOGGED",
		.unset = "ALTER TABLE {id} SET LOGGED",
		.hazard = "rewrites the table"
	},
	{.attribute = "partition_by", .how = DBMIG_REPLACE},
	{.attribute = "bound", .how = DBMIG_INFO},
	{.attribute = "inherits", .how = DBMIG_INFO},
	{.attribute = "access_method", .how = DBMIG_ALTER,
		.set = "ALTER TABLE {id} SET ACCESS METHOD {access_method}",
		.unset = "ALTER TABLE {id} SET ACCESS METHOD heap",
		.hazard = "rewrites the table"
	},
	{.attribute = "tablespace", .how = DBMIG_ALTER,
		.set = "ALTER TABLE {id} SET TABLESPACE {tablespace}",
		.unset = "ALTER TABLE {id} SET TABLESPACE pg_default",
		.hazard = "moves the table's files"
	},
	{.attribute = "options", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.alter = dbmig_alter_options
	},
	{.attribute = "foreign", .how = DBMIG_REPLACE},
	{.attribute = "server", .how = DBMIG_REPLACE},
	{.attribute = "foreign_options", .how = DBMIG_INFO},
	{.attribute = "foreign_option_lines", .how = DBMIG_ALTER,
		.flags = DBMIG_COSMETIC,
		.alter = dbmig_alter_foreign_options
	},
	{.attribute = "row_security", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC | DBMIG_ANYTIME,
		.set = "ALTER TABLE {id} ENABLE ROW LEVEL SECURITY",
		.unset = "ALTER TABLE {id} DISABLE ROW LEVEL SECURITY"
	},
	{.attribute = "force_row_security", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC | DBMIG_ANYTIME,
		.set = "ALTER TABLE {id} FORCE ROW LEVEL SECURITY",
		.unset = "ALTER TABLE {id} NO FORCE ROW LEVEL SECURITY"
	},
	{.attribute = "replica_identity", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER TABLE {id} REPLICA IDENTITY {replica_identity}",
		.unset = "ALTER TABLE {id} REPLICA IDENTITY DEFAULT"
	},
	DBMIG_OWNER_RULE("TABLE {id}"),
	DBMIG_ACL_RULES
};

/* A default comes with its column unless it may need the table. */
static bool
default_comes_along(const DbmigFact *fact)
{
	const DbmigFact *column = fact->parent;
	ListCell   *lc;

	if (dbmig_fact_value(column, "inherited"))
		return false;
	if (!dbmig_is_new(column->parent))
		return true;
	foreach(lc, fact->references)
	{
		const DbmigFact *used = lfirst(lc);

		if (used->kind == &dbmig_kind_routine)
			return false;
	}
	return true;
}

static const char column_pattern[] =
"{name} {type}[ OPTIONS ({foreign_options})][ COLLATE {collation}][ GENERATED ALWAYS AS {generated}]";
static const char column_identity[] =
"[ GENERATED {identity} AS IDENTITY ({identity_create})]";

/*
 * A column as in CREATE TABLE and ADD COLUMN.  A new table that inherits has its
 * parent's NOT NULL by that.
 */
static char *
column_definition(const DbmigFact *column)
{
	StringInfoData text;
	const char *name = dbmig_not_null_name(column);
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, dbmig_pattern(column_pattern, column));
	foreach(lc, column->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->kind == &dbmig_kind_default && default_comes_along(child))
			appendStringInfo(&text, " DEFAULT %s",
							 dbmig_fact_value(child, "expression"));
	}
	if (!dbmig_is_new(column->parent) || !dbmig_not_null_by_parent(column))
	{
		if (name)
			appendStringInfo(&text, " CONSTRAINT %s NOT NULL", name);
		else if (dbmig_fact_value(column, "not_null") &&
				 !dbmig_fact_value(column, "identity"))
			appendStringInfoString(&text, " NOT NULL");
	}
	appendStringInfoString(&text, dbmig_pattern(column_identity, column));
	return text.data;
}

static char *
column_statement(const DbmigFact *column, const char *what)
{
	return psprintf("ALTER TABLE %s ALTER COLUMN %s %s", column->parent->id,
					dbmig_fact_value(column, "name"), what);
}

/* What makes a column NOT NULL, under the name that its constraint is to have. */
static char *
not_null_statement(const DbmigFact *column)
{
	const char *name = dbmig_not_null_name(column);

	if (name == NULL)
		return column_statement(column, "SET NOT NULL");
	return psprintf("ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s",
					column->parent->id, name, dbmig_fact_value(column, "name"));
}

/* Has the column a default of its own now? */
static bool
has_default(const DbmigFact *column)
{
	ListCell   *lc;

	foreach(lc, column->children)
	{
		if (((const DbmigFact *) lfirst(lc))->kind == &dbmig_kind_default)
			return true;
	}
	return false;
}

/*
 * Give the columns that a new table has from its parent what they have besides,
 * and take away what they are not to have.
 */
static void
alter_inherited_columns(DbmigDiff *diff, DbmigFact *table)
{
	ListCell   *lc;

	foreach(lc, table->children)
	{
		DbmigFact  *column = lfirst(lc);
		const DbmigFact *source;

		if (column->kind != &dbmig_kind_column ||
			(source = dbmig_inherited_from(column)) == NULL)
			continue;
		if (dbmig_fact_value(column, "not_null") &&
			dbmig_fact_value(source, "not_null") == NULL)
			(void) dbmig_act_alter(diff, column, false,
								   not_null_statement(column), NULL);
		if (table->apart && dbmig_not_null_own_name(column))
			(void) dbmig_act_alter(diff, column, false,
								   psprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL, ADD CONSTRAINT %s NOT NULL %s",
											table->id, dbmig_fact_value(column, "name"),
											dbmig_not_null_own_name(column),
											dbmig_fact_value(column, "name")), NULL);
		if (has_default(source) && !has_default(column) && !table->apart)
			(void) dbmig_act_alter(diff, column, false,
								   dbmig_pattern("ALTER TABLE ONLY {parent} ALTER COLUMN {name} DROP DEFAULT",
												 column), NULL);
	}
}

/*
 * What CREATE TABLE ... PARTITION OF says of columns: the names that constraints
 * have other than the parent's.  Nothing where there are none.
 */
static char *
partition_columns(const DbmigFact *table)
{
	StringInfoData text;
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, table->children)
	{
		DbmigFact  *child = lfirst(lc);

		if (child->kind == &dbmig_kind_column && dbmig_not_null_own_name(child))
			columns = lappend(columns, child);
	}
	list_sort(columns, dbmig_compare_numbers);
	initStringInfo(&text);
	foreach(lc, columns)
		appendStringInfo(&text, "%s\n    %s CONSTRAINT %s NOT NULL",
						 lc == list_head(columns) ? "(" : ",",
						 dbmig_fact_value(lfirst(lc), "name"),
						 dbmig_not_null_own_name(lfirst(lc)));
	if (columns)
		appendStringInfoString(&text, "\n) ");
	return text.data;
}

/* CREATE TABLE, with its columns. */
static void
create_table(DbmigDiff *diff, DbmigFact *table)
{
	StringInfoData text;
	List	   *columns = NIL;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, dbmig_pattern("CREATE [{persistence} ][{foreign} ]TABLE {id} ",
												table));
	if (dbmig_fact_value(table, "bound"))
	{
		foreach(lc, table->children)
		{
			const DbmigFact *child = lfirst(lc);

			if (child->kind != &dbmig_kind_partition)
				continue;
			if (table->apart)
				appendStringInfoString(&text,
									   dbmig_pattern("(LIKE {of} INCLUDING GENERATED)",
													 child));
			else
				appendStringInfo(&text, "PARTITION OF %s %s%s",
								 dbmig_fact_value(child, "of"),
								 partition_columns(table),
								 dbmig_fact_value(child, "bound"));
		}
	}
	else
	{
		foreach(lc, table->children)
		{
			DbmigFact  *child = lfirst(lc);

			if (child->kind == &dbmig_kind_column &&
				dbmig_fact_value(child, "inherited") == NULL)
				columns = lappend(columns, child);
		}
		list_sort(columns, dbmig_compare_numbers);
		appendStringInfoChar(&text, '(');
		foreach(lc, columns)
			appendStringInfo(&text, "%s\n    %s", lc == list_head(columns) ? "" : ",",
							 column_definition(lfirst(lc)));
		appendStringInfoString(&text, columns ? "\n)" : ")");
		appendStringInfoString(&text, dbmig_pattern("[ INHERITS ({inherits})]", table));
	}
	appendStringInfoString(&text,
						   dbmig_pattern("[ SERVER {server}][ OPTIONS ({foreign_options})][ PARTITION BY {partition_by}][ USING {access_method}][ TABLESPACE {tablespace}]",
										 table));
	table->made = dbmig_act(diff, "create", table, text.data, NULL);
	alter_inherited_columns(diff, table);
}

const DbmigKind dbmig_kind_table = {
	.name = "table",
	.query = table_query,
	RULES(table_rules),
	.address = "[{foreign} ]TABLE {id}",
	.grant_on = "TABLE {id}",
	.write_create = create_table,
	.drop = "DROP [{foreign} ]TABLE {id}",
	.default_privileges = 'r',
	.hazard = "deletes the table's rows"
};

/* partition: a table belongs to a partitioned one */

static const char partition_query[] =
	"SELECT 'pg_inherits'::regclass::oid, c.oid, i.inhseqno, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname") ", NULL::text, "
	QUALIFIED("pn.nspname", "p.relname") " AS of, "
	"pg_get_expr(c.relpartbound, c.oid) AS bound, "
	/* that of a hash partition names the parent by its OID */
	"(SELECT d FROM pg_get_partition_constraintdef(c.oid) d "
	"WHERE d NOT LIKE '%satisfies_hash_partition%') AS constraint "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_inherits i ON i.inhrelid = c.oid "
	"JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid "
	"= p.relnamespace "
	"WHERE c.relkind IN ('r', 'p', 'f') AND c.relispartition AND n.oid = ANY "
	"($1) ";

static const DbmigRule partition_rules[] = {
	{.attribute = "of", .how = DBMIG_REPLACE},
	{.attribute = "bound", .how = DBMIG_REPLACE},
	{.attribute = "constraint", .how = DBMIG_INFO}
};

static bool
partition_comes_along(const DbmigFact *fact)
{
	return !fact->parent->apart;
}

const DbmigKind dbmig_kind_partition = {
	.name = "partition",
	.query = partition_query,
	RULES(partition_rules),
	.create = "ALTER TABLE {of} ATTACH PARTITION {parent} {bound}",
	.drop = "ALTER TABLE {of} DETACH PARTITION {parent}",
	.comes_along = partition_comes_along
};

/* inheritance: a table has a parent */

static const char inheritance_query[] =
	"SELECT 'pg_inherits'::regclass::oid, c.oid, i.inhseqno, "
	"'pg_class'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname") " || ' ' || "
	QUALIFIED("pn.nspname", "p.relname") ", NULL::text, "
	QUALIFIED("pn.nspname", "p.relname") " AS of "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_inherits i ON i.inhrelid = c.oid "
	"JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid "
	"= p.relnamespace "
	"WHERE c.relkind IN ('r', 'f') AND NOT c.relispartition AND n.oid = ANY "
	"($1) ";

static const DbmigRule inheritance_rules[] = {
	{.attribute = "of", .how = DBMIG_INFO}
};

const DbmigKind dbmig_kind_inheritance = {
	.name = "inheritance",
	.query = inheritance_query,
	.flags = DBMIG_WITH_PARENT,
	RULES(inheritance_rules),
	.create = "ALTER TABLE {parent} INHERIT {of}",
	.drop = "ALTER TABLE {parent} NO INHERIT {of}"
};

/* column */

/*
 * Of the column that a column is inherited from.  A CASE is all that a column
 * of a table's own costs; there are many of these.
 */
#define COLUMN_ABOVE(what) \
	"CASE WHEN a.attinhcount > 0 THEN (SELECT " what " FROM pg_inherits i JOIN " \
	"pg_attribute p ON p.attrelid = i.inhparent AND p.attname = a.attname " \
	"WHERE i.inhrelid = c.oid AND p.attnum > 0 ORDER BY i.inhseqno LIMIT 1) END"

static const char column_query[] =
	"SELECT 'pg_class'::regclass::oid, c.oid, a.attnum::int4, "
	"'pg_class'::regclass::oid, c.oid, 0, "
	"CASE WHEN a.attinhcount > 0 AND NOT a.attislocal THEN "
	"'pg_class'::regclass::oid END, " COLUMN_ABOVE("p.attrelid") ", "
	COLUMN_ABOVE("p.attnum::int4") ", "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	"quote_ident(a.attname) AS name, "
	"a.attnum AS number, "
	"CASE WHEN a.attinhcount > 0 AND (c.relispartition OR NOT a.attislocal "
	"OR a.attgenerated <> '') THEN 'inherited' END AS inherited, "
	"format_type(a.atttypid, a.atttypmod) AS type, "
	"(SELECT " QUALIFIED("cn.nspname", "co.collname")
	" FROM pg_collation co JOIN pg_namespace cn ON cn.oid = "
	"co.collnamespace "
	"WHERE co.oid = a.attcollation AND a.attcollation <> t.typcollation) AS "
	"collation, "
	"CASE WHEN a.attgenerated <> '' THEN '(' || pg_get_expr(d.adbin, "
	"d.adrelid) || CASE a.attgenerated WHEN 'v' THEN ') VIRTUAL' ELSE ') "
	"STORED' END END AS generated, "
	"CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' "
	"END AS identity, "
	SEQUENCE_CREATE("'SEQUENCE NAME ' || sq.id || ' '") " AS identity_create, "
	SEQUENCE_OPTIONS("SET ") " AS identity_options, "
	"sq.id AS identity_sequence, "
	"sq.name AS identity_sequence_name, "
	"CASE WHEN a.attnotnull AND (c.oid, a.attnum) NOT IN (SELECT conrelid, "
	"conkey[1] FROM pg_constraint WHERE contype = 'n' AND NOT convalidated "
	"AND conrelid <> 0) THEN 'NOT NULL' END AS not_null, "
	"CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' "
	"THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' "
	"WHEN 'm' THEN 'MAIN' WHEN 'x' THEN 'EXTENDED' END END AS storage, "
	"CASE t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN "
	"'m' THEN 'MAIN' ELSE 'EXTENDED' END AS type_storage, "
	"CASE WHEN a.attfdwoptions IS NOT NULL THEN "
	FOREIGN_OPTIONS("a.attfdwoptions") " END AS foreign_options, "
	"CASE WHEN a.attfdwoptions IS NOT NULL THEN "
	FOREIGN_OPTION_LINES("a.attfdwoptions") " END AS foreign_option_lines, "
	"CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS "
	"compression, "
	"CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, "
	"CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE "
	"'pg_attver=%' THEN "
	DBMIG_OPTIONS("array(SELECT o FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg_attver=%')")
	" END AS options, "
	DBMIG_ACL("a.attacl", "c", "c.relowner") " "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
	"a.attisdropped "
	"JOIN pg_type t ON t.oid = a.atttypid "
	"LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum AND "
	"a.attgenerated <> '' "
	"LEFT JOIN LATERAL (SELECT s.*, quote_ident(q.relname) AS name, "
	QUALIFIED("qn.nspname", "q.relname") " AS id "
	"FROM pg_depend p JOIN pg_sequence s ON s.seqrelid = p.objid JOIN "
	"pg_class q ON q.oid = p.objid JOIN pg_namespace qn ON qn.oid = "
	"q.relnamespace "
	"WHERE a.attidentity <> '' AND p.classid = 'pg_class'::regclass AND "
	"p.refclassid = 'pg_class'::regclass "
	"AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype = "
	"'i') sq ON true "
	"WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND "
	"n.oid = ANY ($1) ";

/* A type that every database has; InvalidOid for others. */
static Oid
system_type(const char *name)
{
	Oid			type;
	int32		typmod;

	/* a name of anybody's has its schema with it */
	if (strchr(name, '.') != NULL)
		return InvalidOid;
	dbmig_parse_type(name, &type, &typmod);
	return type < FirstNormalObjectId ? type : InvalidOid;
}

/*
 * How values of one type become values of another: nothing to say where the
 * server does it by itself, else an expression for USING.
 */
static char *
write_conversion(const char *column, const char *from, const char *to)
{
	Oid			source = system_type(from);
	Oid			target = system_type(to);
	Oid			function;

	if (OidIsValid(source) && OidIsValid(target))
	{
		if (source == target ||
			find_coercion_pathway(target, source, COERCION_ASSIGNMENT,
								  &function) != COERCION_PATH_NONE)
			return NULL;
		if (find_coercion_pathway(target, source, COERCION_EXPLICIT,
								  &function) != COERCION_PATH_NONE)
			return psprintf("%s::%s", column, to);
	}
	if (strlen(from) > 2 && strcmp(from + strlen(from) - 2, "[]") == 0)
		return psprintf("%s::text[]::%s", column, to);
	return psprintf("%s::text::%s", column, to);
}

/* A column that is an identity no more may get a type that none can have. */
static bool
drops_identity(const DbmigFact *before, const DbmigFact *after)
{
	return dbmig_fact_value(before, "identity") && !dbmig_fact_value(after, "identity");
}

static void
drop_identity(DbmigDiff *diff, DbmigFact *after)
{
	(void) dbmig_act_alter(diff, after, true,
						   column_statement(after, "DROP IDENTITY"),
						   "forgets the sequence's position");
}

/* ALTER COLUMN … TYPE, for a change of type or collation or both */
static void
alter_column_type(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
				  const DbmigRule *rule)
{
	const char *from = dbmig_fact_value(before, "type");
	const char *to = dbmig_fact_value(after, "type");
	char	   *conversion;

	/* a change of both is told once */
	if (strcmp(rule->attribute, "collation") == 0 && strcmp(from, to) != 0)
		return;
	if (drops_identity(before, after))
		drop_identity(diff, after);
	conversion = write_conversion(dbmig_fact_value(after, "name"), from, to);
	(void) dbmig_act_alter(diff, after, true,
						   psprintf("%s%s%s",
									dbmig_pattern("ALTER TABLE {parent} ALTER COLUMN {name} TYPE {type}[ COLLATE {collation}]",
												  after),
									conversion ? " USING " : "",
									conversion ? conversion : ""),
						   "may rewrite the table; fails on values that the new type cannot hold");
}

/*
 * A column whose generated values are stored can become a plain one in place;
 * the other changes make it anew, which judge() has seen to.
 */
static bool
column_fits(const DbmigFact *before, const DbmigFact *after)
{
	const char *old = dbmig_fact_value(before, "generated");

	return dbmig_fact_value(after, "generated") == NULL &&
		old && old[strlen(old) - 1] == 'D';
}

/* The sequence that an old default of this column takes its values from. */
static const DbmigFact *
serial_sequence(const DbmigFact *column)
{
	ListCell   *lc;
	ListCell   *reference;

	foreach(lc, column->children)
	{
		const DbmigFact *child = lfirst(lc);

		if (child->kind != &dbmig_kind_default)
			continue;
		foreach(reference, child->references)
		{
			const DbmigFact *used = lfirst(reference);

			if (used->kind == &dbmig_kind_sequence && used->keeper == column)
				return used;
		}
	}
	return NULL;
}

/* Tell a sequence to go on behind the values that a column holds. */
char *
dbmig_carry_position(const char *sequence, const DbmigFact *column)
{
	const char *name = dbmig_fact_value(column, "name");

	return psprintf("SELECT pg_catalog.setval(%s, pg_catalog.max(%s)) FROM %s HAVING pg_catalog.max(%s) IS NOT NULL",
					quote_literal_cstr(sequence), name, column->parent->id, name);
}

static void
create_identity(DbmigDiff *diff, DbmigFact *column)
{
	(void) dbmig_act_alter(diff, column, true,
						   column_statement(column,
											dbmig_pattern("ADD GENERATED {identity} AS IDENTITY ({identity_create})",
														  column)),
						   NULL);
}

/* Make a column an identity column, to go on behind the values it holds. */
static void
add_identity(DbmigDiff *diff, DbmigFact *column)
{
	create_identity(diff, column);
	(void) dbmig_act_alter(diff, column, true,
						   dbmig_carry_position(dbmig_fact_value(column, "identity_sequence"),
												column), NULL);
}

static void
alter_identity(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
			   const DbmigRule *rule)
{
	const char *old = dbmig_fact_value(before, "identity");
	const char *new = dbmig_fact_value(after, "identity");
	const DbmigFact *serial;

	if (new == NULL)
	{
		if (dbmig_same_value(dbmig_fact_value(before, "type"),
							 dbmig_fact_value(after, "type")))
			drop_identity(diff, after);
		return;
	}
	if (old)
	{
		(void) dbmig_act_alter(diff, after, true,
							   column_statement(after, psprintf("SET GENERATED %s", new)),
							   NULL);
		return;
	}
	if (dbmig_fact_value(before, "not_null") == NULL)
		(void) dbmig_act_alter(diff, after, true,
							   not_null_statement(after),
							   "fails if the column holds nulls");
	serial = serial_sequence(before);
	if (serial && serial->gone)
	{
		/* its position is wanted when its name is taken already */
		char	   *name = dbmig_aside(diff);
		char	   *aside = psprintf("%s.%s", serial->parent->id, name);

		(void) dbmig_act_alter(diff, after, true,
							   psprintf("ALTER SEQUENCE %s RENAME TO %s",
										serial->id, name), NULL);
		create_identity(diff, after);
		(void) dbmig_act_alter(diff, after, true,
							   psprintf("SELECT pg_catalog.setval(%s, last_value, is_called) FROM %s",
										quote_literal_cstr(dbmig_fact_value(after, "identity_sequence")),
										aside), NULL);
		serial->gone->statement = psprintf("DROP SEQUENCE %s", aside);
		serial->gone->hazard = NULL;
		dbmig_wait_for(serial->gone, llast(after->altered));
		return;
	}
	add_identity(diff, after);
}

static void
alter_identity_options(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
					   const DbmigRule *rule)
{
	/* with the identity itself they come and go */
	if (dbmig_fact_value(before, "identity") && dbmig_fact_value(after, "identity"))
		(void) dbmig_act_alter(diff, after, true,
							   column_statement(after,
												dbmig_fact_value(after, "identity_options")),
							   NULL);
}

static void
alter_identity_name(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
					const DbmigRule *rule)
{
	if (dbmig_fact_value(before, "identity") && dbmig_fact_value(after, "identity"))
		(void) dbmig_act_alter(diff, after, true,
							   psprintf("ALTER SEQUENCE %s RENAME TO %s",
										dbmig_fact_value(before, "identity_sequence"),
										dbmig_fact_value(after, "identity_sequence_name")),
							   NULL);
}

/*
 * Is there a valid check that says this column is not null, now or by then?
 * Returns it, or NULL.
 */
static DbmigFact *
not_null_check(const DbmigFact *column)
{
	char	   *definition = psprintf("CHECK ((%s IS NOT NULL))",
									  dbmig_fact_value(column, "name"));
	ListCell   *lc;

	foreach(lc, column->parent->children)
	{
		DbmigFact  *child = lfirst(lc);

		if (child->kind == &dbmig_kind_constraint &&
			dbmig_fact_value(child, "not_valid") == NULL &&
			strcmp(dbmig_fact_value(child, "definition"), definition) == 0)
			return child;
	}
	return NULL;
}

/*
 * SET NOT NULL reads the table under a lock that keeps all others out, unless a
 * valid check has proved the same.
 */
static void
set_not_null(DbmigDiff *diff, DbmigFact *column)
{
	static const char nulls[] = "fails if the column holds nulls";
	DbmigFact  *check = not_null_check(column);
	DbmigAction *action;
	char	   *name;

	if (check || dbmig_fact_value(column->parent, "foreign"))
	{
		if (check)
			dbmig_make(diff, check);
		action = dbmig_act_alter(diff, column, false,
								 not_null_statement(column), nulls);
		if (check)
		{
			dbmig_wait_for(action, check->made);
			dbmig_wait_for_all(action, check->altered);
			dbmig_wait_for_all(action, check->polished);
		}
		return;
	}
	name = dbmig_aside(diff);
	(void) dbmig_act_alter(diff, column, false,
						   psprintf("ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID",
									column->parent->id, name,
									dbmig_fact_value(column, "name")), NULL);
	(void) dbmig_act_alter(diff, column, false,
						   psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s",
									column->parent->id, name), nulls);
	(void) dbmig_act_alter(diff, column, false,
						   not_null_statement(column), NULL);
	(void) dbmig_act_alter(diff, column, false,
						   psprintf("ALTER TABLE %s DROP CONSTRAINT %s",
									column->parent->id, name), NULL);
}

/*
 * What child tables are to keep for themselves, they lose with the parent's,
 * also where the column is their own too.
 */
static void
keep_not_null(DbmigDiff *diff, const DbmigFact *source, DbmigAction *lost)
{
	ListCell   *lc;

	/* as deep as tables inherit */
	check_stack_depth();
	foreach(lc, source->users)
	{
		DbmigFact  *column = lfirst(lc);
		int			first = list_length(column->polished);

		if (column->kind != source->kind || column->parent == source->parent ||
			dbmig_is_new(column))
			continue;
		if (dbmig_fact_value(column, "not_null") == NULL)
		{
			keep_not_null(diff, column, lost);
			continue;
		}
		set_not_null(diff, column);
		dbmig_wait_for(list_nth(column->polished, first), lost);
	}
}

static void
alter_not_null(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
			   const DbmigRule *rule)
{
	if (dbmig_fact_value(after, "not_null") == NULL)
	{
		keep_not_null(diff, after,
					  dbmig_act_alter(diff, after, false,
									  column_statement(after, "DROP NOT NULL"),
									  NULL));
		return;
	}
	if (dbmig_fact_value(after, "identity") && !dbmig_fact_value(before, "identity"))
		return;					/* done with the identity */
	if (has_default(after))
		(void) dbmig_act_alter(diff, after, false,
							   dbmig_pattern("UPDATE {parent} SET {name} = DEFAULT WHERE {name} IS NULL",
											 after),
							   "fills nulls with the default");
	set_not_null(diff, after);
}

static const DbmigRule column_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "number", .how = DBMIG_INFO},
	{.attribute = "inherited", .how = DBMIG_INFO},
	{.attribute = "generated", .how = DBMIG_AGAIN,
		.flags = DBMIG_EXPRESSION | DBMIG_INHERITED
	},
	{.attribute = "type", .how = DBMIG_ALTER,
		.flags = DBMIG_REBUILDS | DBMIG_INHERITED,
		.alter = alter_column_type
	},
	{.attribute = "collation", .how = DBMIG_ALTER,
		.flags = DBMIG_REBUILDS | DBMIG_INHERITED,
		.alter = alter_column_type
	},
	{.attribute = "identity", .how = DBMIG_ALTER, .flags = DBMIG_INHERITED,
		.alter = alter_identity
	},
	{.attribute = "identity_create", .how = DBMIG_INFO},
	{.attribute = "identity_options", .how = DBMIG_ALTER,
		.flags = DBMIG_INHERITED,
		.alter = alter_identity_options
	},
	{.attribute = "identity_sequence", .how = DBMIG_ALTER,
		.flags = DBMIG_INHERITED,
		.alter = alter_identity_name
	},
	{.attribute = "identity_sequence_name", .how = DBMIG_INFO},
	{.attribute = "not_null", .how = DBMIG_ALTER,
		.flags = DBMIG_COSMETIC | DBMIG_INHERITED | DBMIG_INHERITED_CHANGE,
		.alter = alter_not_null
	},
	{.attribute = "storage", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC | DBMIG_LOST_WITH_TYPE,
		.set = "ALTER TABLE ONLY {parent} ALTER COLUMN {name} SET STORAGE {storage}",
		.unset = "ALTER TABLE ONLY {parent} ALTER COLUMN {name} SET STORAGE {type_storage}"
	},
	{.attribute = "type_storage", .how = DBMIG_INFO},
	{.attribute = "foreign_options", .how = DBMIG_INFO},
	{.attribute = "foreign_option_lines", .how = DBMIG_ALTER,
		.alter = dbmig_alter_foreign_options
	},
	{.attribute = "compression", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC | DBMIG_LOST_WITH_TYPE,
		.set = "ALTER TABLE {parent} ALTER COLUMN {name} SET COMPRESSION {compression}",
		.unset = "ALTER TABLE {parent} ALTER COLUMN {name} SET COMPRESSION default"
	},
	{.attribute = "statistics", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER TABLE ONLY {parent} ALTER COLUMN {name} SET STATISTICS {statistics}",
		.unset = "ALTER TABLE ONLY {parent} ALTER COLUMN {name} SET STATISTICS -1"
	},
	{.attribute = "options", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.alter = dbmig_alter_options
	},
	DBMIG_ACL_RULES
};

/* Do tables that stay attached get from its table what happens to this column? */
bool
dbmig_has_heirs(const DbmigFact *column)
{
	ListCell   *lc;

	foreach(lc, column->users)
	{
		const DbmigFact *user = lfirst(lc);

		if (user->kind == &dbmig_kind_column &&
			dbmig_inherited_from(user) == column &&
			!dbmig_is_new(user->parent) &&
			dbmig_was_attached(user, column->parent))
			return true;
	}
	return false;
}

/*
 * Add an identity column to a table with child tables.  The server does so only
 * to a column that is there, so another sequence fills the rows before.
 */
static void
add_identity_over_heirs(DbmigDiff *diff, DbmigFact *column)
{
	const char *given = psprintf("SEQUENCE NAME %s",
								 dbmig_fact_value(column, "identity_sequence"));
	char	   *sequence = psprintf("%s.%s", column->parent->parent->id,
									dbmig_aside(diff));
	DbmigAction *created =
		dbmig_act(diff, "create", column,
				  psprintf("CREATE SEQUENCE %s AS %s%s", sequence,
						   dbmig_fact_value(column, "type"),
						   dbmig_fact_value(column, "identity_create") + strlen(given)),
				  NULL);

	column->made =
		dbmig_act(diff, "create", column,
				  psprintf("ALTER TABLE %s ADD COLUMN %s NOT NULL DEFAULT pg_catalog.nextval(%s)",
						   column->parent->id, dbmig_pattern("{name} {type}", column),
						   quote_literal_cstr(sequence)),
				  "rewrites the table and those that inherit from it");
	dbmig_wait_for(column->made, created);
	(void) dbmig_act_alter(diff, column, true,
						   column_statement(column, "DROP DEFAULT"), NULL);
	(void) dbmig_act_alter(diff, column, true,
						   psprintf("DROP SEQUENCE %s", sequence), NULL);
	add_identity(diff, column);
}

/*
 * ADD COLUMN.  A column that comes from a parent table is there when the
 * parent's is, unless the table is yet to be attached.
 */
static void
add_column(DbmigDiff *diff, DbmigFact *column)
{
	DbmigFact  *source = dbmig_inherited_from(column);

	if (source && dbmig_was_attached(column, source->parent))
	{
		dbmig_make(diff, source);
		column->made = source->made;
		return;
	}
	if (dbmig_fact_value(column, "identity") && dbmig_has_heirs(column))
	{
		add_identity_over_heirs(diff, column);
		return;
	}
	column->made = dbmig_act(diff, "create", column,
							 psprintf("ALTER TABLE %s ADD COLUMN %s",
									  column->parent->id,
									  column_definition(column)),
							 dbmig_fact_value(column, "not_null") &&
							 !dbmig_fact_value(column, "identity") &&
							 !dbmig_fact_value(column, "generated") &&
							 !has_default(column) ?
							 "fails if the table holds rows: the column is NOT NULL without a default" : NULL);
}

const DbmigKind dbmig_kind_column = {
	.name = "column",
	.query = column_query,
	.flags = DBMIG_WITH_PARENT | DBMIG_NUMBERED,
	RULES(column_rules),
	.address = "COLUMN {id}",
	.grant_on = "TABLE {parent}",
	.grant_part = " ({name})",
	.write_create = add_column,
	.drop = "ALTER TABLE {parent} DROP COLUMN {name}",
	.again = "ALTER TABLE {parent} ALTER COLUMN {name} DROP EXPRESSION",
	.reread = "ALTER TABLE {parent} DROP COLUMN {name} CASCADE, ADD COLUMN {name} {type}[ COLLATE {collation}] GENERATED ALWAYS AS {generated}",
	.fits = column_fits,
	.hazard = "deletes the column's values"
};

/* default of a column; it has no variables, so the table need not be opened */

static const char default_query[] =
	"SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, a.attnum::int4, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	QUALIFIED("n.nspname", "c.relname") " AS table, "
	"quote_ident(a.attname) AS column, "
	"pg_get_expr(d.adbin, 0) AS expression "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid "
	"JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
	"WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND "
	"a.attgenerated = '' AND n.oid = ANY ($1) ";

static const DbmigRule default_rules[] = {
	{.attribute = "table", .how = DBMIG_INFO},
	{.attribute = "column", .how = DBMIG_INFO},
	{.attribute = "expression", .how = DBMIG_AGAIN,
		.flags = DBMIG_EXPRESSION
	}
};

const DbmigKind dbmig_kind_default = {
	.name = "default",
	.query = default_query,
	.flags = DBMIG_DETACHES,
	RULES(default_rules),
	.create = "ALTER TABLE ONLY {table} ALTER COLUMN {column} SET DEFAULT {expression}",
	.again = "ALTER TABLE ONLY {table} ALTER COLUMN {column} SET DEFAULT {expression}",
	.drop = "ALTER TABLE ONLY {table} ALTER COLUMN {column} DROP DEFAULT",
	.comes_along = default_comes_along
};
