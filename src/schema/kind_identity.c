/*-------------------------------------------------------------------------
 *
 * kind_identity.c
 *		Kind: identity sequence.
 *
 * The sequence of an identity column comes, changes and goes with the column;
 * what is here is what it has for itself: privileges and a comment.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "schema/kinds.h"

static const char identity_sequence_query[] =
	"SELECT 'pg_class'::regclass::oid, s.oid, 0, "
	"'pg_class'::regclass::oid, c.oid, a.attnum::int4, 0::oid, 0::oid, 0, "
	QUALIFIED("n.nspname", "c.relname")
	" || '.' || quote_ident(a.attname), NULL::text, "
	QUALIFIED("sn.nspname", "s.relname") " AS sequence, "
	DBMIG_ACL("s.relacl", "s", "s.relowner") " "
	"FROM pg_class s JOIN pg_namespace sn ON sn.oid = s.relnamespace "
	"JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = "
	"s.oid AND d.objsubid = 0 "
	"AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i' "
	"JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = "
	"c.relnamespace "
	"JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid "
	"WHERE s.relkind = 'S' AND n.oid = ANY ($1) ";

static const DbmigRule identity_sequence_rules[] = {
	{.attribute = "sequence", .how = DBMIG_INFO},
	DBMIG_ACL_RULES
};

const DbmigKind dbmig_kind_identity_sequence = {
	.name = "identity sequence",
	.query = identity_sequence_query,
	.flags = DBMIG_WITH_PARENT,
	RULES(identity_sequence_rules),
	.address = "SEQUENCE {sequence}",
	.default_privileges = 'S'
};
