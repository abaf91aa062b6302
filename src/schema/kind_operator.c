/*-------------------------------------------------------------------------
 *
 * kind_operator.c
 *		Kinds: aggregate, operator.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

/* An operator as an option's value, named with its schema; NULL for none */
#define OPERATOR(oid) \
	"(SELECT 'OPERATOR(' || quote_ident(rn.nspname) || '.' || r.oprname " \
	"|| ')' FROM pg_operator r " \
	"JOIN pg_namespace rn ON rn.oid = r.oprnamespace WHERE r.oid = " oid ")"

static const char aggregate_query[] =
	"SELECT 'pg_proc'::regclass::oid, p.oid, 0, "
	"'pg_namespace'::regclass::oid, p.pronamespace, 0, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "p.proname")
	" || '(' || CASE WHEN p.pronargs = 0 THEN '*' ELSE "
	"pg_get_function_identity_arguments(p.oid) END || ')', "
	"'f:' || " QUALIFIED("n.nspname", "p.proname")
	" || '(' || oidvectortypes(p.proargtypes) || ')', "
	"concat_ws(', ', 'SFUNC = ' || " FUNCTION_NAME("a.aggtransfn")
	", 'STYPE = ' || format_type(a.aggtranstype, NULL), "
	"'SSPACE = ' || nullif(a.aggtransspace, 0), 'FINALFUNC = ' || "
	FUNCTION_NAME("a.aggfinalfn") ", "
	"CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END, "
	"CASE WHEN a.aggfinalmodify <> CASE a.aggkind WHEN 'n' THEN "
	"'r'::\"char\" ELSE 'w'::\"char\" END THEN 'FINALFUNC_MODIFY = ' || "
	"CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN "
	"'SHAREABLE' ELSE 'READ_WRITE' END END, "
	"'COMBINEFUNC = ' || " FUNCTION_NAME("a.aggcombinefn")
	", 'SERIALFUNC = ' || " FUNCTION_NAME("a.aggserialfn") ", "
	"'DESERIALFUNC = ' || " FUNCTION_NAME("a.aggdeserialfn")
	", 'INITCOND = ' || quote_literal(a.agginitval), "
	"'MSFUNC = ' || " FUNCTION_NAME("a.aggmtransfn") ", 'MINVFUNC = ' || "
	FUNCTION_NAME("a.aggminvtransfn") ", "
	"CASE WHEN a.aggmtransfn <> 0 THEN 'MSTYPE = ' || "
	"format_type(a.aggmtranstype, NULL) END, "
	"'MSSPACE = ' || nullif(a.aggmtransspace, 0), 'MFINALFUNC = ' || "
	FUNCTION_NAME("a.aggmfinalfn") ", "
	"CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END, 'MINITCOND = ' "
	"|| quote_literal(a.aggminitval), "
	"'SORTOP = ' || " OPERATOR("a.aggsortop")
	", CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END, "
	"CASE p.proparallel WHEN 's' THEN 'PARALLEL = SAFE' WHEN 'r' THEN "
	"'PARALLEL = RESTRICTED' END) AS definition, "
	DBMIG_OWNER("p.proowner") ", "
	DBMIG_ACL("p.proacl", "f", "p.proowner") " "
	"FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN "
	"pg_aggregate a ON a.aggfnoid = p.oid "
	"WHERE n.oid = ANY ($1) ";

static const DbmigRule aggregate_rules[] = {
	{.attribute = "definition", .how = DBMIG_REPLACE},
	DBMIG_OWNER_RULE("AGGREGATE {id}"),
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_aggregate = {
	.name = "aggregate",
	.query = aggregate_query,
	RULES(aggregate_rules),
	.address = "AGGREGATE {id}",
	.grant_on = "ROUTINE {id}",
	.default_privileges = 'f',
	.create = "CREATE AGGREGATE {id} ({definition})",
	.drop = "DROP AGGREGATE {id}"
};

/*
 * An operator may be named in another one's options before it is there; the
 * server makes a shell of it then.
 */
static const char operator_query[] =
	"SELECT 'pg_operator'::regclass::oid, o.oid, 0, "
	"'pg_namespace'::regclass::oid, o.oprnamespace, 0, 0::oid, 0::oid, 0, "
	"quote_ident(n.nspname) || '.' || o.oprname || ' (' || CASE o.oprleft "
	"WHEN 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END "
	"|| ', ' || format_type(o.oprright, NULL) || ')', NULL::text, "
	"quote_ident(n.nspname) || '.' || o.oprname AS name, "
	"concat_ws(', ', 'FUNCTION = ' || " FUNCTION_NAME("o.oprcode")
	", 'LEFTARG = ' || format_type(nullif(o.oprleft, 0), NULL), "
	"'RIGHTARG = ' || format_type(o.oprright, NULL), 'COMMUTATOR = ' || "
	OPERATOR("o.oprcom") ", "
	"'NEGATOR = ' || " OPERATOR("o.oprnegate")
	", CASE WHEN o.oprcanhash THEN 'HASHES' END, CASE WHEN o.oprcanmerge "
	"THEN 'MERGES' END) AS definition, "
	"coalesce(" FUNCTION_NAME("nullif(o.oprrest, 0)") ", 'NONE') AS restrict, "
	"coalesce(" FUNCTION_NAME("nullif(o.oprjoin, 0)") ", 'NONE') AS join, "
	"concat_ws(', ', 'RESTRICT = ' || " FUNCTION_NAME("o.oprrest")
	", 'JOIN = ' || " FUNCTION_NAME("o.oprjoin") ") AS estimators, "
	DBMIG_OWNER("o.oprowner") " "
	"FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE "
	"o.oprcode <> 0 AND n.oid = ANY ($1) ";

static const DbmigRule operator_rules[] = {
	{.attribute = "name", .how = DBMIG_INFO},
	{.attribute = "definition", .how = DBMIG_REPLACE},
	{.attribute = "restrict", .how = DBMIG_ALTER,
		.set = "ALTER OPERATOR {id} SET (RESTRICT = {restrict})"
	},
	{.attribute = "join", .how = DBMIG_ALTER,
		.set = "ALTER OPERATOR {id} SET (JOIN = {join})"
	},
	{.attribute = "estimators", .how = DBMIG_INFO},
	DBMIG_OWNER_RULE("OPERATOR {id}")
};

static void
create_operator(DbmigDiff *diff, DbmigFact *fact)
{
	const char *estimators = dbmig_fact_value(fact, "estimators");

	fact->made = dbmig_act(diff, "create", fact,
						   psprintf("%s%s%s)",
									dbmig_pattern("CREATE OPERATOR {name} ({definition}", fact),
									estimators[0] ? ", " : "", estimators),
						   NULL);
}

const DbmigKind dbmig_kind_operator = {
	.name = "operator",
	.query = operator_query,
	RULES(operator_rules),
	.address = "OPERATOR {id}",
	.write_create = create_operator,
	.drop = "DROP OPERATOR {id}"
};
