/*-------------------------------------------------------------------------
 *
 * kind_label.c
 *		Kind: security label, of any fact.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char label_query[] =
	"SELECT 'pg_seclabel'::regclass::oid, l.objoid, l.objsubid, "
	"l.classoid, l.objoid, l.objsubid, 0::oid, 0::oid, 0, "
	"format('%I ON %s %s', l.provider, i.type, i.identity), NULL::text, "
	"quote_ident(l.provider) AS provider, "
	"quote_literal(l.label) AS label "
	"FROM pg_seclabel l, LATERAL pg_identify_object(l.classoid, l.objoid, "
	"l.objsubid) i ";

/* The statement that gives the object a label, or none. */
static char *
label_statement(const DbmigFact *fact, const char *label)
{
	return psprintf("SECURITY LABEL FOR %s ON %s IS %s",
					dbmig_fact_value(fact, "provider"),
					dbmig_pattern(fact->parent->kind->address, fact->parent),
					label);
}

static void
create_label(DbmigDiff *diff, DbmigFact *fact)
{
	fact->made = dbmig_act(diff, "create", fact,
						   label_statement(fact, dbmig_fact_value(fact, "label")),
						   NULL);
}

static void
alter_label(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
			const DbmigRule *rule)
{
	(void) dbmig_act_alter(diff, after, false,
						   label_statement(after, dbmig_fact_value(after, "label")),
						   NULL);
}

static void
drop_label(DbmigDiff *diff, DbmigFact *fact)
{
	fact->gone = dbmig_act(diff, "drop", fact, label_statement(fact, "NULL"), NULL);
}

static const DbmigRule label_rules[] = {
	{.attribute = "provider", .how = DBMIG_INFO},
	{.attribute = "label", .how = DBMIG_ALTER,
		.flags = DBMIG_COSMETIC,
		.alter = alter_label
	}
};

const DbmigKind dbmig_kind_label = {
	.name = "security label",
	.query = label_query,
	RULES(label_rules),
	.write_create = create_label,
	.write_drop = drop_label
};
