/*-------------------------------------------------------------------------
 *
 * kind_global.c
 *		Kinds that belong to no schema: foreign-data wrapper, server, user
 *		mapping, publication, its tables and schemas, event trigger.
 *
 * In a sandbox those of the database are renamed aside; what bears such a name
 * is not read.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "schema/kinds.h"

#define NOT_ASIDE(name) "left(" name ", 10) <> 'dbm_aside_'"

static const char wrapper_query[] =
	"SELECT 'pg_foreign_data_wrapper'::regclass::oid, w.oid, 0, 0::oid, "
	"0::oid, 0, 0::oid, 0::oid, 0, "
	"quote_ident(w.fdwname), NULL::text, "
	"coalesce('HANDLER ' || " FUNCTION_NAME("w.fdwhandler")
	", 'NO HANDLER') AS handler, "
	"coalesce('VALIDATOR ' || " FUNCTION_NAME("w.fdwvalidator")
	", 'NO VALIDATOR') AS validator, "
	FOREIGN_OPTIONS("w.fdwoptions") " AS options, "
	FOREIGN_OPTION_LINES("w.fdwoptions") " AS option_lines, "
	DBMIG_OWNER("w.fdwowner") ", "
	DBMIG_ACL("w.fdwacl", "F", "w.fdwowner") " "
	"FROM pg_foreign_data_wrapper w WHERE " NOT_ASIDE("w.fdwname") " ";

static const DbmigRule wrapper_rules[] = {
	{.attribute = "handler", .how = DBMIG_ALTER,
		.set = "ALTER FOREIGN DATA WRAPPER {id} {handler}"
	},
	{.attribute = "validator", .how = DBMIG_ALTER,
		.set = "ALTER FOREIGN DATA WRAPPER {id} {validator}"
	},
	{.attribute = "options", .how = DBMIG_INFO},
	{.attribute = "option_lines", .how = DBMIG_ALTER,
		.alter = dbmig_alter_foreign_options
	},
	DBMIG_OWNER_RULE("FOREIGN DATA WRAPPER {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_wrapper = {
	.name = "foreign-data wrapper",
	.query = wrapper_query,
	.flags = DBMIG_GLOBAL,
	RULES(wrapper_rules),
	.address = "FOREIGN DATA WRAPPER {id}",
	.create = "CREATE FOREIGN DATA WRAPPER {id} {handler} {validator}[ OPTIONS ({options})]",
	.drop = "DROP FOREIGN DATA WRAPPER {id}"
};

static const char server_query[] =
	"SELECT 'pg_foreign_server'::regclass::oid, s.oid, 0, 0::oid, 0::oid, "
	"0, 0::oid, 0::oid, 0, "
	"quote_ident(s.srvname), NULL::text, "
	"quote_ident(w.fdwname) AS wrapper, "
	"quote_literal(s.srvtype) AS type, "
	"quote_literal(s.srvversion) AS version, "
	FOREIGN_OPTIONS("s.srvoptions") " AS options, "
	FOREIGN_OPTION_LINES("s.srvoptions") " AS option_lines, "
	DBMIG_OWNER("s.srvowner") ", "
	DBMIG_ACL("s.srvacl", "S", "s.srvowner") " "
	"FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = "
	"s.srvfdw WHERE " NOT_ASIDE("s.srvname") " ";

static const DbmigRule server_rules[] = {
	{.attribute = "wrapper", .how = DBMIG_REPLACE},
	{.attribute = "type", .how = DBMIG_REPLACE},
	{.attribute = "version", .how = DBMIG_ALTER,
		.set = "ALTER SERVER {id} VERSION {version}",
		.unset = "ALTER SERVER {id} VERSION NULL"
	},
	{.attribute = "options", .how = DBMIG_INFO},
	{.attribute = "option_lines", .how = DBMIG_ALTER,
		.alter = dbmig_alter_foreign_options
	},
	DBMIG_OWNER_RULE("SERVER {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_server = {
	.name = "server",
	.query = server_query,
	.flags = DBMIG_GLOBAL | DBMIG_ONE_BY_ONE,
	RULES(server_rules),
	.address = "SERVER {id}",
	.grant_on = "FOREIGN SERVER {id}",
	.create = "CREATE SERVER {id}[ TYPE {type}][ VERSION {version}] FOREIGN DATA WRAPPER {wrapper}[ OPTIONS ({options})]",
	.drop = "DROP SERVER {id}"
};

static const char user_mapping_query[] =
	"SELECT 'pg_user_mapping'::regclass::oid, u.umid, 0, "
	"'pg_foreign_server'::regclass::oid, u.srvid, 0, 0::oid, 0::oid, 0, "
	"'FOR ' || CASE u.umuser WHEN 0 THEN 'PUBLIC' ELSE "
	"quote_ident(u.usename) END || ' SERVER ' || quote_ident(u.srvname), "
	"NULL::text, "
	FOREIGN_OPTIONS("u.umoptions") " AS options, "
	FOREIGN_OPTION_LINES("u.umoptions") " AS option_lines "
	"FROM pg_user_mappings u ";

static const DbmigRule user_mapping_rules[] = {
	{.attribute = "options", .how = DBMIG_INFO},
	{.attribute = "option_lines", .how = DBMIG_ALTER,
		.alter = dbmig_alter_foreign_options
	}
};

const DbmigKind dbmig_kind_user_mapping = {
	.name = "user mapping",
	.query = user_mapping_query,
	RULES(user_mapping_rules),
	.address = "USER MAPPING {id}",
	.create = "CREATE USER MAPPING {id}[ OPTIONS ({options})]",
	.drop = "DROP USER MAPPING {id}"
};

/* publication */

static const char publication_query[] =
	"SELECT 'pg_publication'::regclass::oid, p.oid, 0, 0::oid, 0::oid, 0, "
	"0::oid, 0::oid, 0, "
	"quote_ident(p.pubname), NULL::text, "
	"CASE WHEN p.puballtables THEN 'FOR ALL TABLES' END AS all_tables, "
	"'publish = ' || quote_literal(concat_ws(', ', CASE WHEN p.pubinsert "
	"THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END, "
	"CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN "
	"'truncate' END)) "
	"|| ', publish_via_partition_root = ' || p.pubviaroot "
	/* from 18 on */
	"|| CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN ', "
	"publish_generated_columns = stored' WHEN 'n' THEN ', "
	"publish_generated_columns = none' ELSE '' END AS options, "
	DBMIG_OWNER("p.pubowner") " "
	"FROM pg_publication p WHERE " NOT_ASIDE("p.pubname") " ";

static const DbmigRule publication_rules[] = {
	{.attribute = "all_tables", .how = DBMIG_REPLACE},
	{.attribute = "options", .how = DBMIG_ALTER,
		.set = "ALTER PUBLICATION {id} SET ({options})"
	},
	DBMIG_OWNER_RULE("PUBLICATION {id}")
};

const DbmigKind dbmig_kind_publication = {
	.name = "publication",
	.query = publication_query,
	.flags = DBMIG_GLOBAL,
	RULES(publication_rules),
	.address = "PUBLICATION {id}",
	.create = "CREATE PUBLICATION {id}[ {all_tables}] WITH ({options})",
	.drop = "DROP PUBLICATION {id}"
};

static const char published_table_query[] =
	"SELECT 'pg_publication_rel'::regclass::oid, r.oid, 0, "
	"'pg_publication'::regclass::oid, r.prpubid, 0, "
	"'pg_class'::regclass::oid, r.prrelid, 0, "
	"quote_ident(p.pubname) || ' ' || " QUALIFIED("n.nspname", "c.relname")
	", NULL::text, "
	QUALIFIED("n.nspname", "c.relname") " AS table, "
	"(SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) "
	"FROM pg_attribute a "
	"WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs)) AS columns, "
	"pg_get_expr(r.prqual, r.prrelid) AS filter "
	"FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid "
	"JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = "
	"c.relnamespace WHERE n.oid = ANY ($1) ";

static const DbmigRule published_table_rules[] = {
	{.attribute = "table", .how = DBMIG_INFO},
	{.attribute = "columns", .how = DBMIG_REPLACE},
	{.attribute = "filter", .how = DBMIG_REPLACE, .flags = DBMIG_EXPRESSION}
};

const DbmigKind dbmig_kind_published_table = {
	.name = "published table",
	.query = published_table_query,
	.flags = DBMIG_DETACHES,
	RULES(published_table_rules),
	.create = "ALTER PUBLICATION {parent} ADD TABLE ONLY {table}[ ({columns})][ WHERE ({filter})]",
	.drop = "ALTER PUBLICATION {parent} DROP TABLE ONLY {table}"
};

/* The names in a list of columns as CREATE PUBLICATION writes it. */
static List *
column_names(const char *columns)
{
	List	   *names = NIL;

	while (columns && *columns)
	{
		int			length = *columns == '"' ? 1 : strcspn(columns, ",");

		if (*columns == '"')
		{
			while (columns[length] != '"' || columns[length + 1] == '"')
				length += columns[length] == '"' ? 2 : 1;
			length++;
		}
		names = lappend(names, pnstrdup(columns, length));
		columns += length;
		columns += strspn(columns, ", ");
	}
	return names;
}

/* Does the column of this name go for good, by a statement of its own? */
static DbmigFact *
find_dropped(List *dropped, const char *name)
{
	ListCell   *lc;

	foreach(lc, dropped)
	{
		if (strcmp(dbmig_fact_value(lfirst(lc), "name"), name) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/*
 * Take a table out of a publication that is not compared, while columns go
 * that its list or filter names, and put it in again with the rest.
 */
static void
publish_again(DbmigDiff *diff, DbmigFact *published, List *dropped)
{
	DbmigFact  *first = linitial(dropped);
	const char *filter = dbmig_fact_value(published, "filter");
	StringInfoData columns;
	DbmigAction *out;
	DbmigAction *in;
	ListCell   *lc;
	int			listed = 0;

	initStringInfo(&columns);
	foreach(lc, column_names(dbmig_fact_value(published, "columns")))
	{
		if (find_dropped(dropped, lfirst(lc)))
			listed++;
		else
			appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
							 (char *) lfirst(lc));
	}
	out = dbmig_act(diff, "alter", first,
					dbmig_pattern(published->kind->drop, published),
					psprintf("changes what publication %s tells its subscribers of the table",
							 published->parent->id));
	foreach(lc, dropped)
	{
		DbmigFact  *column = lfirst(lc);

		dbmig_wait_for(column->gone, out);
		if (filter && strstr(filter, dbmig_fact_value(column, "name")))
			filter = NULL;
	}

	/* a filter that names such a column, or a list of nothing else, ends it */
	if (listed < list_length(dropped))
		filter = NULL;
	if (listed > 0 && columns.len == 0)
	{
		out->hazard = psprintf("publication %s no longer has the table: none of the columns it lists is left",
							   published->parent->id);
		return;
	}
	if (dbmig_fact_value(published, "filter") && filter == NULL)
	{
		out->hazard = psprintf("publication %s no longer has the table: its filter uses a column that goes",
							   published->parent->id);
		return;
	}
	in = dbmig_act(diff, "alter", first,
				   psprintf("ALTER PUBLICATION %s ADD TABLE ONLY %s%s%s",
							published->parent->id, first->parent->id,
							columns.len > 0 ? psprintf(" (%s)", columns.data) : "",
							filter ? psprintf(" WHERE (%s)", filter) : ""),
				   NULL);
	foreach(lc, dropped)
		dbmig_wait_for(in, ((DbmigFact *) lfirst(lc))->gone);
}

/*
 * A publication that the wanted schema says nothing of is not compared, but
 * holds on to the columns that it names.
 */
void
dbmig_republish(DbmigDiff *diff)
{
	List	   *seen = NIL;

	for (int i = 0; i < diff->from->n; i++)
	{
		const DbmigFact *column = diff->from->facts[i];
		ListCell   *lc;

		if (column->kind != &dbmig_kind_column || column->gone == NULL ||
			column->gone->fact != column)
			continue;
		foreach(lc, column->users)
		{
			DbmigFact  *published = lfirst(lc);
			List	   *dropped = NIL;
			ListCell   *used;

			if (published->kind != &dbmig_kind_published_table ||
				dbmig_inventory_find(diff->from, published) == published ||
				list_member_ptr(seen, published))
				continue;
			seen = lappend(seen, published);
			foreach(used, published->references)
			{
				DbmigFact  *fact = lfirst(used);

				if (fact->kind == &dbmig_kind_column && fact->gone &&
					fact->gone->fact == fact)
					dropped = lappend(dropped, fact);
			}
			publish_again(diff, published, dropped);
		}
	}
}

static const char published_schema_query[] =
	"SELECT 'pg_publication_namespace'::regclass::oid, r.oid, 0, "
	"'pg_publication'::regclass::oid, r.pnpubid, 0, 0::oid, 0::oid, 0, "
	"quote_ident(p.pubname) || ' ' || quote_ident(n.nspname), NULL::text, "
	"quote_ident(n.nspname) AS schema "
	"FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = "
	"r.pnpubid "
	"JOIN pg_namespace n ON n.oid = r.pnnspid WHERE n.oid = ANY ($1) ";

static const DbmigRule published_schema_rules[] = {
	{.attribute = "schema", .how = DBMIG_INFO}
};

const DbmigKind dbmig_kind_published_schema = {
	.name = "published schema",
	.query = published_schema_query,
	.flags = DBMIG_DETACHES,
	RULES(published_schema_rules),
	.create = "ALTER PUBLICATION {parent} ADD TABLES IN SCHEMA {schema}",
	.drop = "ALTER PUBLICATION {parent} DROP TABLES IN SCHEMA {schema}"
};

/* event trigger */

static const char event_trigger_query[] =
	"SELECT 'pg_event_trigger'::regclass::oid, e.oid, 0, 0::oid, 0::oid, 0, "
	"0::oid, 0::oid, 0, "
	"quote_ident(e.evtname), NULL::text, "
	"'ON ' || e.evtevent || coalesce(' WHEN TAG IN (' || (SELECT "
	"string_agg(quote_literal(t), ', ' ORDER BY t COLLATE \"C\") FROM "
	"unnest(e.evttags) t) || ')', '') "
	"|| ' EXECUTE FUNCTION ' || " FUNCTION_NAME("e.evtfoid")
	" || '()' AS definition, "
	"CASE e.evtenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE "
	"REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END AS enabled, "
	DBMIG_OWNER("e.evtowner") " "
	"FROM pg_event_trigger e WHERE " NOT_ASIDE("e.evtname") " ";

static const DbmigRule event_trigger_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE},
	{.attribute = "enabled", .how = DBMIG_ALTER,
		.flags = DBMIG_LATE | DBMIG_COSMETIC,
		.set = "ALTER EVENT TRIGGER {id} {enabled}",
		.unset = "ALTER EVENT TRIGGER {id} ENABLE"
	},
	DBMIG_OWNER_RULE("EVENT TRIGGER {id}")
};

const DbmigKind dbmig_kind_event_trigger = {
	.name = "event trigger",
	.query = event_trigger_query,
	.flags = DBMIG_GLOBAL,
	RULES(event_trigger_rules),
	.address = "EVENT TRIGGER {id}",
	.create = "CREATE EVENT TRIGGER {id} {definition}",
	.drop = "DROP EVENT TRIGGER {id}"
};
