/*-------------------------------------------------------------------------
 *
 * kind_search.c
 *		Kinds: text search parser, template, dictionary, configuration, its
 *		mappings.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char parser_query[] =
	"SELECT 'pg_ts_parser'::regclass::oid, p.oid, 0, "
	"'pg_namespace'::regclass::oid, p.prsnamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "p.prsname") ", NULL::text, "
	"concat_ws(', ', 'START = ' || " FUNCTION_NAME("p.prsstart") ", "
	"'GETTOKEN = ' || " FUNCTION_NAME("p.prstoken") ", "
	"'END = ' || " FUNCTION_NAME("p.prsend") ", "
	"'HEADLINE = ' || " FUNCTION_NAME("p.prsheadline") ", "
	"'LEXTYPES = ' || " FUNCTION_NAME("p.prslextype") ") AS definition "
	"FROM pg_ts_parser p JOIN pg_namespace n ON n.oid = p.prsnamespace "
	"WHERE n.oid = ANY ($1) ";

static const char template_query[] =
	"SELECT 'pg_ts_template'::regclass::oid, t.oid, 0, "
	"'pg_namespace'::regclass::oid, t.tmplnamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "t.tmplname") ", NULL::text, "
	"concat_ws(', ', 'INIT = ' || " FUNCTION_NAME("t.tmplinit") ", "
	"'LEXIZE = ' || " FUNCTION_NAME("t.tmpllexize") ") AS definition "
	"FROM pg_ts_template t JOIN pg_namespace n ON n.oid = t.tmplnamespace "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule definition_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE}
};

const DbmigKind dbmig_kind_parser = {
	.name = "text search parser",
	.query = parser_query,
	RULES(definition_rules),
	.address = "TEXT SEARCH PARSER {id}",
	.create = "CREATE TEXT SEARCH PARSER {id} ({definition})",
	.drop = "DROP TEXT SEARCH PARSER {id}"
};

const DbmigKind dbmig_kind_template = {
	.name = "text search template",
	.query = template_query,
	RULES(definition_rules),
	.address = "TEXT SEARCH TEMPLATE {id}",
	.create = "CREATE TEXT SEARCH TEMPLATE {id} ({definition})",
	.drop = "DROP TEXT SEARCH TEMPLATE {id}"
};

static const char dictionary_query[] =
	"SELECT 'pg_ts_dict'::regclass::oid, d.oid, 0, "
	"'pg_namespace'::regclass::oid, d.dictnamespace, 0, 0::oid, 0::oid, "
	"0, "
	QUALIFIED("n.nspname", "d.dictname") ", 'd:' || "
	QUALIFIED("n.nspname", "d.dictname") ", "
	"(SELECT " QUALIFIED("tn.nspname", "t.tmplname")
	" FROM pg_ts_template t JOIN pg_namespace tn ON tn.oid = "
	"t.tmplnamespace "
	"WHERE t.oid = d.dicttemplate) AS template, "
	"d.dictinitoption AS options, "
	DBMIG_OWNER("d.dictowner") " "
	"FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace WHERE "
	"n.oid = ANY ($1) ";

static const DbmigRule dictionary_rules[] = {
	{.attribute = "template", .how = DBMIG_REPLACE},
	{.attribute = "options", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("TEXT SEARCH DICTIONARY {id}")
};

const DbmigKind dbmig_kind_dictionary = {
	.name = "text search dictionary",
	.query = dictionary_query,
	RULES(dictionary_rules),
	.address = "TEXT SEARCH DICTIONARY {id}",
	.create = "CREATE TEXT SEARCH DICTIONARY {id} (TEMPLATE = {template}[, {options}])",
	.drop = "DROP TEXT SEARCH DICTIONARY {id}"
};

static const char configuration_query[] =
	"SELECT 'pg_ts_config'::regclass::oid, c.oid, 0, "
	"'pg_namespace'::regclass::oid, c.cfgnamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.cfgname") ", 'g:' || "
	QUALIFIED("n.nspname", "c.cfgname") ", "
	"(SELECT " QUALIFIED("pn.nspname", "p.prsname")
	" FROM pg_ts_parser p JOIN pg_namespace pn ON pn.oid = p.prsnamespace "
	"WHERE p.oid = c.cfgparser) AS parser, "
	DBMIG_OWNER("c.cfgowner") " "
	"FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule configuration_rules[] = {
	{.attribute = "parser", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("TEXT SEARCH CONFIGURATION {id}")
};

const DbmigKind dbmig_kind_configuration = {
	.name = "text search configuration",
	.query = configuration_query,
	RULES(configuration_rules),
	.address = "TEXT SEARCH CONFIGURATION {id}",
	.create = "CREATE TEXT SEARCH CONFIGURATION {id} (PARSER = {parser})",
	.drop = "DROP TEXT SEARCH CONFIGURATION {id}"
};

/*
 * A mapping has no object of its own; the dictionaries it uses are known as
 * used by the configuration, and facts.c adds them to the mapping.
 */
static const char mapping_query[] =
	"SELECT 'pg_ts_config_map'::regclass::oid, c.oid, m.maptokentype, "
	"'pg_ts_config'::regclass::oid, c.oid, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.cfgname")
	" || ' ' || quote_ident(t.alias), NULL::text, "
	"quote_ident(t.alias) AS token, "
	"string_agg(" QUALIFIED("dn.nspname", "d.dictname")
	", ', ' ORDER BY m.mapseqno) AS dictionaries "
	"FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace "
	"JOIN pg_ts_config_map m ON m.mapcfg = c.oid "
	"JOIN LATERAL ts_token_type(c.cfgparser) t ON t.tokid = m.maptokentype "
	"JOIN pg_ts_dict d ON d.oid = m.mapdict JOIN pg_namespace dn ON dn.oid "
	"= d.dictnamespace "
	"WHERE n.oid = ANY ($1) GROUP BY c.oid, m.maptokentype, n.nspname, "
	"c.cfgname, t.alias ";

static const DbmigRule mapping_rules[] = {
	{.attribute = "token", .how = DBMIG_INFO},
	{.attribute = "dictionaries", .how = DBMIG_ALTER,
		.set = "ALTER TEXT SEARCH CONFIGURATION {parent} ALTER MAPPING FOR {token} WITH {dictionaries}"
	}
};

const DbmigKind dbmig_kind_mapping = {
	.name = "text search mapping",
	.query = mapping_query,
	RULES(mapping_rules),
	.create = "ALTER TEXT SEARCH CONFIGURATION {parent} ADD MAPPING FOR {token} WITH {dictionaries}",
	.drop = "ALTER TEXT SEARCH CONFIGURATION {parent} DROP MAPPING FOR {token}"
};
