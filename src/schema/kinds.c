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
	&dbmig_kind_shell_type,
	&dbmig_kind_language,
	&dbmig_kind_routine,
	&dbmig_kind_base_type,
	&dbmig_kind_aggregate,
	&dbmig_kind_operator,
	&dbmig_kind_access_method,
	&dbmig_kind_operator_family,
	&dbmig_kind_family_member,
	&dbmig_kind_operator_class,
	&dbmig_kind_cast,
	&dbmig_kind_transform,
	&dbmig_kind_conversion,
	&dbmig_kind_parser,
	&dbmig_kind_template,
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
	&dbmig_kind_typed_table,
	&dbmig_kind_not_null,
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
	&dbmig_kind_label,
	&dbmig_kind_default_privileges
};

const int	dbmig_nkinds = lengthof(dbmig_kinds);

/*
 * What no kind stands for, by kind and name.  Whoever adds a kind takes it out
 * of here.
 */
const char	dbmig_unmanaged_query[] =
	"SELECT classid, objid, 0, kind, name FROM ( "
	/* all of a subscription but its name is a secret of superusers */
	"SELECT 'pg_subscription'::regclass::oid AS classid, s.oid AS objid, "
	"'subscription' AS kind, quote_ident(s.subname) AS name "
	"FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid "
	"WHERE d.datname = current_database() AND left(s.subname, 10) <> "
	"'dbm_aside_' "
	/* what somebody added to a family of the system's */
	"UNION ALL "
	"SELECT 'pg_operator'::regclass::oid, a.amopopr, 'operator family "
	"member', format('%s operator %s (%s, %s)', f.opfname, a.amopstrategy, "
	"format_type(a.amoplefttype, NULL), format_type(a.amoprighttype, NULL)) "
	"FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily JOIN "
	"pg_operator o ON o.oid = a.amopopr "
	"WHERE a.oid >= 16384 AND f.oid < 16384 AND (o.oid < 16384 OR "
	"o.oprnamespace = ANY ($1)) "
	"UNION ALL "
	"SELECT 'pg_proc'::regclass::oid, a.amproc, 'operator family member', "
	"format('%s function %s (%s, %s)', f.opfname, a.amprocnum, "
	"format_type(a.amproclefttype, NULL), format_type(a.amprocrighttype, "
	"NULL)) "
	"FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily JOIN "
	"pg_proc p ON p.oid = a.amproc "
	"WHERE a.oid >= 16384 AND f.oid < 16384 AND (p.oid < 16384 OR "
	"p.pronamespace = ANY ($1)) "
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

/* The table that another one is a partition of, or inherits from. */
DbmigFact *
dbmig_attached_to(const DbmigFact *attachment)
{
	ListCell   *lc;

	foreach(lc, attachment->references)
	{
		DbmigFact  *used = lfirst(lc);

		if (used != attachment->parent && used->kind == &dbmig_kind_table)
			return used;
	}
	return NULL;
}

/*
 * Is the fact's table, in the old schema too, one that gets its parts from this
 * other one?
 */
bool
dbmig_was_attached(const DbmigFact *fact, const DbmigFact *parent_table)
{
	ListCell   *lc;

	foreach(lc, fact->parent->children)
	{
		const DbmigFact *child = lfirst(lc);

		if ((child->kind == &dbmig_kind_partition ||
			 child->kind == &dbmig_kind_inheritance) &&
			strcmp(dbmig_fact_value(child, "of"), parent_table->id) == 0)
			return child->twin &&
				strcmp(dbmig_fact_value(child->twin, "of"), parent_table->id) == 0;
	}
	return true;
}

/* A name for what makes place for its successor, and goes soon. */
char *
dbmig_aside(DbmigDiff *diff)
{
	return psprintf("dbm_aside_%d", ++diff->asides);
}
