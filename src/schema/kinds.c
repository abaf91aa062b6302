/*-------------------------------------------------------------------------
 *
 * kinds.c
 *		The kinds of facts, and what is seen beside them.
 *
 * The order of the kinds is that of creation where references leave a choice.
 * A kind's parents stand before it: facts are read in this order.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

const DbmigKind *const dbmig_kinds[] = {
	&dbmig_kind_schema,
	&dbmig_kind_extension,
	&dbmig_kind_collation,
	&dbmig_kind_enum,
	&dbmig_kind_domain,
	&dbmig_kind_domain_constraint,
	&dbmig_kind_composite,
	&dbmig_kind_attribute,
	&dbmig_kind_range,
	&dbmig_kind_routine,
	&dbmig_kind_aggregate,
	&dbmig_kind_operator,
	&dbmig_kind_dictionary,
	&dbmig_kind_configuration,
	&dbmig_kind_mapping,
	&dbmig_kind_wrapper,
	&dbmig_kind_server,
	&dbmig_kind_user_mapping,
	&dbmig_kind_table,
	&dbmig_kind_partition,
	&dbmig_kind_inheritance,
	&dbmig_kind_sequence,
	&dbmig_kind_column,
	&dbmig_kind_identity_sequence,
	&dbmig_kind_default,
	&dbmig_kind_ownership,
	&dbmig_kind_constraint,
	&dbmig_kind_index,
	&dbmig_kind_statistics,
	&dbmig_kind_foreign_key,
	&dbmig_kind_view,
	&dbmig_kind_materialized_view,
	&dbmig_kind_view_column,
	&dbmig_kind_view_default,
	&dbmig_kind_view_index,
	&dbmig_kind_rule,
	&dbmig_kind_trigger,
	&dbmig_kind_policy,
	&dbmig_kind_publication,
	&dbmig_kind_published_table,
	&dbmig_kind_published_schema,
	&dbmig_kind_event_trigger,
	&dbmig_kind_default_privileges
};

const int	dbmig_nkinds = lengthof(dbmig_kinds);

/*
 * What no kind stands for, by kind and name.  Whoever adds a kind takes it out
 * of here.
 */
const char	dbmig_unmanaged_query[] =
	"SELECT classid, objid, 0, kind, name FROM ( "
	"SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 'typed "
	"table' AS kind, "
	QUALIFIED("n.nspname", "c.relname") " AS name "
	"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
	"WHERE c.reloftype <> 0 AND n.oid = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_type'::regclass::oid, t.oid, 'base type', "
	"format_type(t.oid, NULL) "
	"FROM pg_type t WHERE t.typtype IN ('b', 'p') AND t.typelem = 0 AND "
	"t.typnamespace = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_opclass'::regclass::oid, o.oid, 'operator class', "
	QUALIFIED("n.nspname", "o.opcname") " "
	"FROM pg_opclass o JOIN pg_namespace n ON n.oid = o.opcnamespace WHERE "
	"n.oid = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_opfamily'::regclass::oid, o.oid, 'operator family', "
	QUALIFIED("n.nspname", "o.opfname") " "
	"FROM pg_opfamily o JOIN pg_namespace n ON n.oid = o.opfnamespace WHERE "
	"n.oid = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_conversion'::regclass::oid, o.oid, 'conversion', "
	QUALIFIED("n.nspname", "o.conname") " "
	"FROM pg_conversion o JOIN pg_namespace n ON n.oid = o.connamespace "
	"WHERE n.oid = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_ts_parser'::regclass::oid, o.oid, 'text search parser', "
	QUALIFIED("n.nspname", "o.prsname") " "
	"FROM pg_ts_parser o JOIN pg_namespace n ON n.oid = o.prsnamespace "
	"WHERE n.oid = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_ts_template'::regclass::oid, o.oid, 'text search "
	"template', " QUALIFIED("n.nspname", "o.tmplname") " "
	"FROM pg_ts_template o JOIN pg_namespace n ON n.oid = o.tmplnamespace "
	"WHERE n.oid = ANY ($1) "
	"UNION ALL "
	"SELECT 'pg_cast'::regclass::oid, c.oid, 'cast', format('%s AS %s', "
	"format_type(c.castsource, NULL), format_type(c.casttarget, NULL)) "
	"FROM pg_cast c WHERE c.oid >= 16384 "
	"UNION ALL "
	"SELECT 'pg_language'::regclass::oid, l.oid, 'language', "
	"quote_ident(l.lanname) FROM pg_language l WHERE l.oid >= 16384 "
	"UNION ALL "
	"SELECT 'pg_am'::regclass::oid, a.oid, 'access method', "
	"quote_ident(a.amname) FROM pg_am a WHERE a.oid >= 16384 "
	"UNION ALL "
	"SELECT 'pg_transform'::regclass::oid, t.oid, 'transform', format('FOR "
	"%s LANGUAGE %I', format_type(t.trftype, NULL), l.lanname) "
	"FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang "
	"UNION ALL "
	"SELECT l.classoid, l.objoid, 'security label', format('%s of %s', "
	"l.provider, pg_describe_object(l.classoid, l.objoid, l.objsubid)) "
	"FROM pg_seclabel l "
	") AS objects ORDER BY kind COLLATE \"C\", name COLLATE \"C\" ";

/* What this fact comes from in a parent table; NULL if it is the table's own. */
DbmigFact *
dbmig_inherited_from(const DbmigFact *fact)
{
	ListCell   *lc;

	if (dbmig_fact_value(fact, "inherited") == NULL)
		return NULL;
	foreach(lc, fact->references)
	{
		DbmigFact  *used = lfirst(lc);

		if (used->kind == fact->kind && used->parent != fact->parent)
			return used;
	}
	return NULL;
}

/*
 * Make a fact by the kind's pattern, unless it comes from a parent table,
 * where the same statement makes both.
 */
void
dbmig_make_with_source(DbmigDiff *diff, DbmigFact *fact)
{
	DbmigFact  *source = dbmig_inherited_from(fact);

	if (source && dbmig_is_new(source))
	{
		dbmig_make(diff, source);
		fact->made = source->made;
	}
	else
		fact->made = dbmig_act(diff, "create", fact,
							   dbmig_pattern(fact->kind->create, fact), NULL);
}

/* A name for what makes place for its successor, and goes soon. */
char *
dbmig_aside(DbmigDiff *diff)
{
	return psprintf("dbm_aside_%d", ++diff->asides);
}
