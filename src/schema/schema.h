/*-------------------------------------------------------------------------
 *
 * schema.h
 *		The schema layer: what schemas hold, and how to get from one to another.
 *
 * Everything that can be addressed is a fact: a table, a column, a default, a
 * constraint, an index, a function.  A fact has a kind, a name that is unique
 * among the facts of its kind, values for the kind's attributes, a parent, and
 * references to other facts, which come from pg_depend.  An inventory is the
 * sorted facts of some schemas.
 *
 * Reading, comparing and ordering know nothing of tables or functions.  What
 * is particular to a kind stands in its DbmigKind: the catalog query that
 * yields its facts, one rule for each attribute, and patterns of statements.
 *
 * Statement patterns
 * ------------------
 * {x}		the value of attribute x; {id} is the fact's name, {parent} its
 *			parent's, {address} how COMMENT ON and ALTER call it, {comment} its
 *			comment as a constant
 * [...]	only if every attribute mentioned inside has a value
 * {?x}		prints nothing; in brackets, asks for a value
 * {!x}		prints nothing; in brackets, asks for the value's absence
 *
 * Values are SQL already, quoted where need be, so a pattern adds no quotes.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_SCHEMA_H
#define DBMIG_SCHEMA_H

#include "nodes/pg_list.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"

typedef struct DbmigFact DbmigFact;
typedef struct DbmigKind DbmigKind;
typedef struct DbmigRule DbmigRule;
typedef struct DbmigDiff DbmigDiff;

/* What a changed attribute leads to. */
typedef enum DbmigHow
{
	DBMIG_INFO,					/* nothing: it serves the statements */
	DBMIG_ALTER,				/* the rule's own statement */
	DBMIG_AGAIN,				/* the kind's CREATE OR REPLACE */
	DBMIG_REPLACE				/* drop and create */
} DbmigHow;

/* Flags of rules */
#define DBMIG_LATE			0x01	/* not in CREATE: a statement after it */
#define DBMIG_COSMETIC		0x02	/* nothing else depends on its value */
#define DBMIG_REBUILDS		0x04	/* users cannot stand while it changes */
#define DBMIG_EXPRESSION	0x08	/* deparsed: spelling may differ */
#define DBMIG_INHERITED		0x10	/* not where the fact comes from a parent
									 * table, whose change reaches it */
#define DBMIG_REBUILDS_UNLESS_FIT 0x20	/* the same as DBMIG_REBUILDS, unless the
									 * kind says that the values fit */
#define DBMIG_ANYTIME	0x40	/* can change whenever the fact is there */
#define DBMIG_LOST_WITH_TYPE 0x80	/* a column that gets another type, or a
									 * successor of its own, loses it */
#define DBMIG_INHERITED_CHANGE 0x100	/* with DBMIG_INHERITED: only where the
									 * parent table's changes too */
#define DBMIG_TAKEN_ALONG 0x200	/* a table's sequences change as it does */

typedef void (*DbmigAlterFunction) (DbmigDiff *diff, DbmigFact *before,
									DbmigFact *after, const DbmigRule *rule);

struct DbmigRule
{
	const char *attribute;		/* the query's column */
	DbmigHow	how;
	int			flags;
	const char *set;			/* pattern for a new value */
	const char *unset;			/* pattern for none */
	const char *hazard;			/* of changing it */
	DbmigAlterFunction alter;	/* instead of the patterns; before is NULL
								 * right after CREATE */
};

/* Flags of kinds */
#define DBMIG_WITH_PARENT	0x01	/* a new parent brings it along */
#define DBMIG_STANDS		0x02	/* the server rebuilds it when a column
									 * that it uses gets another type */
#define DBMIG_ONE_BY_ONE	0x04	/* children are dropped before it, each by
									 * a statement of its own */
#define DBMIG_GLOBAL		0x20	/* in no schema: who says nothing of the
									 * kind does not mean that none is wanted */
#define DBMIG_SHARED_NAME	0x40	/* a sandbox keeps the database's own until a
									 * text makes one by the same name */
#define DBMIG_JUDGES_PARENT	0x10	/* a new one takes that the parent fits */
#define DBMIG_DETACHES		0x08	/* dropped before its parent when it uses
									 * something else that goes */

#define DBMIG_NUMBERED		0x80	/* has an order among its siblings, given by
									 * the attribute number */

typedef bool (*DbmigPredicate) (const DbmigFact *fact);
typedef bool (*DbmigPairPredicate) (const DbmigFact *before, const DbmigFact *after);
typedef void (*DbmigCreateFunction) (DbmigDiff *diff, DbmigFact *fact);

struct DbmigKind
{
	const char *name;
	const char *stored_as;		/* in stored inventories; NULL: by its name */
	const char *query;			/* facts of the schemas $1 (oid[]) */
	int			flags;
	const DbmigRule *rules;
	int			nrules;
	const char *address;
	const char *create;			/* patterns of statements */
	const char *drop;
	const char *again;			/* the same again, in place */
	const char *reread;			/* lets the server read expressions again, where
								 * neither again nor drop and create do */
	const char *hazard;			/* of a drop */
	const char *grant_on;		/* how GRANT calls it; NULL: as in address */
	const char *grant_part;		/* behind each privilege: a column */
	const char *grant_prefix;	/* before GRANT and REVOKE */
	char		default_privileges; /* object type in pg_default_acl; 0: none */
	DbmigCreateFunction write_create;	/* instead of create */
	DbmigCreateFunction write_drop; /* instead of drop */
	DbmigPredicate comes_along; /* does a new parent bring this one along? */
	void		(*rebuild) (DbmigDiff *diff, DbmigFact *before, DbmigFact *after);
	DbmigPairPredicate fits;	/* can it become the other in place, as to what
								 * is marked DBMIG_AGAIN? */
	DbmigPairPredicate needs_units; /* and is that nothing for one transaction? */
	DbmigPairPredicate is_lost; /* does another change take it away, though it
								 * is to be there? */
};

/* What brings a new fact that comes from a parent table. */
typedef enum DbmigOrigin
{
	DBMIG_BY_ITSELF,			/* a statement of its own */
	DBMIG_WITH_WHOLE,			/* that of what it comes from */
	DBMIG_WITH_TABLE			/* that of its table */
} DbmigOrigin;

/* Where an object is found in the catalogs. */
typedef struct DbmigAddress
{
	Oid			classid;
	Oid			objid;
	int32		subid;
} DbmigAddress;

/* One statement. */
typedef struct DbmigAction
{
	const char *change;			/* create, alter, drop */
	const DbmigFact *fact;
	char	   *statement;
	const char *hazard;			/* NULL: none */
	int			weight;			/* early or late among those that may run */
	int			number;			/* as created; breaks the last tie */
	List	   *next;			/* actions that must wait for this one */
	int			waits;			/* how many this one waits for */
	int			unit;			/* those of one can share a transaction */
	bool		transactional;	/* false: can run in none */
	bool		uses_value;		/* perhaps a new one of an enum */
	bool		anytime;		/* can run whenever its fact is there */
	bool		moved;			/* to the unit that runs in no transaction */
} DbmigAction;

struct DbmigFact
{
	const DbmigKind *kind;
	int			rank;			/* of the kind: creation order, by and large */
	char	   *id;
	char	   *slot;			/* name space and name; NULL: takes up none */
	DbmigAddress address;
	char	  **values;			/* by the kind's rules; NULL: none */
	char	   *comment;		/* SQL constant, or NULL */
	DbmigFact  *parent;
	DbmigAddress keeper_address;
	DbmigFact  *keeper;			/* drops it too when dropped; NULL: only parent */
	List	   *references;		/* DbmigFact, the parent first */
	List	   *users;			/* inverse */
	List	   *children;		/* inverse of parent */
	int			place;			/* in its inventory, while that is written */

	/* set by dbmig_filter_inventories() */
	bool		left_out;		/* not compared */
	bool		baseless;		/* something that it needs is not wanted */

	/* set by dbmig_diff() */
	DbmigFact  *twin;			/* the same in the other inventory */
	bool		torn;			/* has to go, though its twin may come again */
	bool		rebuilt;		/* retyped; the users are torn */
	bool		reshaped;		/* a part of it is retyped; what stores values or
								 * expressions of its row type is torn */
	DbmigOrigin origin;			/* of what comes from a parent table */
	bool		in_parts;		/* an index that is made before its parts */
	bool		cloned;			/* an index that the server makes as its whole's
								 * part, where it could take another one */
	bool		apart;			/* a partition that is made before it is one */
	bool		late;			/* a check that is made after the tables */
	bool		done;			/* its statements are written */
	DbmigAction *made;			/* what brings it, if it is new */
	DbmigAction *gone;			/* what takes it away, if it goes */
	List	   *altered;		/* what changes it, in this order */
	List	   *polished;		/* the same, where nothing waits for it */
	DbmigAction *renamed;		/* what gives it its name, or frees the old one */
	DbmigAction *completed;		/* what joins the last of its parts */
	bool		uses_value;		/* perhaps a new one of an enum */
};

/* An object that is seen, but not compared. */
typedef struct DbmigUnmanaged
{
	char	   *kind;
	char	   *id;
} DbmigUnmanaged;

typedef struct DbmigInventory
{
	int			n;
	DbmigFact **facts;			/* by kind and name */
	List	   *unmanaged;		/* DbmigUnmanaged, by kind and name */
} DbmigInventory;

/* What is compared; NIL and NULL: everything. */
typedef struct DbmigFilter
{
	List	   *kinds;			/* String */
	const char *include;		/* regular expressions over names */
	const char *exclude;
} DbmigFilter;

/* How statements may be spread over transactions. */
typedef enum DbmigUnits
{
	DBMIG_ONE_UNIT,				/* all can run in one */
	DBMIG_UNITS,				/* several, where one would not do well */
	DBMIG_CONCURRENTLY			/* and some in none, to let others write */
} DbmigUnits;

struct DbmigDiff
{
	const DbmigInventory *from;
	const DbmigInventory *to;
	const char *role;			/* who runs the statements, and owns what they
								 * make */
	List	   *actions;		/* DbmigAction; in order once it is known */
	DbmigUnits	units;			/* may there be several? */
	int			asides;			/* names given to what makes place */
	DbmigFact **holders;		/* of names in "from", by name; NULL: not yet */
	int			nholders;
};

/* kinds.c */
extern const DbmigKind *const dbmig_kinds[];
extern const int dbmig_nkinds;
extern const char dbmig_unmanaged_query[];

/* kind_*.c */
extern const DbmigKind dbmig_kind_access_method;
extern const DbmigKind dbmig_kind_operator_family;
extern const DbmigKind dbmig_kind_family_member;
extern const DbmigKind dbmig_kind_operator_class;
extern const DbmigKind dbmig_kind_cast;
extern const DbmigKind dbmig_kind_conversion;
extern const DbmigKind dbmig_kind_language;
extern const DbmigKind dbmig_kind_transform;
extern const DbmigKind dbmig_kind_shell_type;
extern const DbmigKind dbmig_kind_base_type;
extern const DbmigKind dbmig_kind_typed_table;
extern const DbmigKind dbmig_kind_not_null;
extern const DbmigKind dbmig_kind_parser;
extern const DbmigKind dbmig_kind_template;
extern const DbmigKind dbmig_kind_label;
extern const DbmigKind dbmig_kind_schema;
extern const DbmigKind dbmig_kind_extension;
extern const DbmigKind dbmig_kind_collation;
extern const DbmigKind dbmig_kind_enum;
extern const DbmigKind dbmig_kind_domain;
extern const DbmigKind dbmig_kind_domain_constraint;
extern const DbmigKind dbmig_kind_composite;
extern const DbmigKind dbmig_kind_attribute;
extern const DbmigKind dbmig_kind_range;
extern const DbmigKind dbmig_kind_sequence;
extern const DbmigKind dbmig_kind_ownership;
extern const DbmigKind dbmig_kind_table;
extern const DbmigKind dbmig_kind_partition;
extern const DbmigKind dbmig_kind_inheritance;
extern const DbmigKind dbmig_kind_column;
extern const DbmigKind dbmig_kind_identity_sequence;
extern const DbmigKind dbmig_kind_default;
extern const DbmigKind dbmig_kind_constraint;
extern const DbmigKind dbmig_kind_foreign_key;
extern const DbmigKind dbmig_kind_index;
extern const DbmigKind dbmig_kind_statistics;
extern const DbmigKind dbmig_kind_view;
extern const DbmigKind dbmig_kind_materialized_view;
extern const DbmigKind dbmig_kind_view_column;
extern const DbmigKind dbmig_kind_view_default;
extern const DbmigKind dbmig_kind_view_index;
extern const DbmigKind dbmig_kind_rule;
extern const DbmigKind dbmig_kind_routine;
extern const DbmigKind dbmig_kind_trigger;
extern const DbmigKind dbmig_kind_policy;
extern const DbmigKind dbmig_kind_default_privileges;
extern const DbmigKind dbmig_kind_aggregate;
extern const DbmigKind dbmig_kind_operator;
extern const DbmigKind dbmig_kind_dictionary;
extern const DbmigKind dbmig_kind_configuration;
extern const DbmigKind dbmig_kind_mapping;
extern const DbmigKind dbmig_kind_wrapper;
extern const DbmigKind dbmig_kind_server;
extern const DbmigKind dbmig_kind_user_mapping;
extern const DbmigKind dbmig_kind_publication;
extern const DbmigKind dbmig_kind_published_table;
extern const DbmigKind dbmig_kind_published_schema;
extern const DbmigKind dbmig_kind_event_trigger;

/* facts.c */
extern DbmigInventory *dbmig_inventory_read(List *schemas);
extern int	dbmig_compare_facts(const void *a, const void *b);
extern void dbmig_inventory_sort(DbmigInventory *inventory);
extern DbmigFact *dbmig_inventory_find(const DbmigInventory *inventory,
									   const DbmigFact *fact);
extern const char *dbmig_fact_value(const DbmigFact *fact, const char *attribute);
extern int	dbmig_fact_number(const DbmigFact *fact);
extern int	dbmig_compare_numbers(const ListCell *a, const ListCell *b);
extern const DbmigFact *dbmig_fact_root(const DbmigFact *fact);
extern const DbmigFact *dbmig_fact_whole(const DbmigFact *fact);
extern int	dbmig_pin_settings(void);

/* serialize.c */
extern Jsonb *dbmig_inventory_to_jsonb(const DbmigInventory *inventory);
extern DbmigInventory *dbmig_inventory_from_jsonb(Jsonb *jsonb);
extern char *dbmig_inventory_fingerprint(const DbmigInventory *inventory);

/* filter.c */
extern void dbmig_filter_inventories(DbmigInventory *old,
									 DbmigInventory **wanted,
									 const DbmigFilter *filter);
extern bool dbmig_is_kind(const char *name);
extern char *dbmig_kind_names(void);

/* pattern.c */
extern char *dbmig_pattern(const char *pattern, const DbmigFact *fact);

/* diff.c */
extern DbmigDiff *dbmig_diff(const DbmigInventory *from,
							 const DbmigInventory *to, const char *role);
extern DbmigDiff *dbmig_diff_in_units(const DbmigInventory *from,
									  const DbmigInventory *to,
									  const char *role, DbmigUnits units);
extern DbmigAction *dbmig_act(DbmigDiff *diff, const char *change,
							  DbmigFact *fact, char *statement, const char *hazard);
extern DbmigAction *dbmig_act_alter(DbmigDiff *diff, DbmigFact *fact,
									bool matters, char *statement,
									const char *hazard);
extern List *dbmig_changed_attributes(const DbmigFact *before,
									  const DbmigFact *after);
extern bool dbmig_is_new(const DbmigFact *fact);
extern bool dbmig_goes(const DbmigFact *fact);
extern bool dbmig_same_value(const char *a, const char *b);
extern void dbmig_make(DbmigDiff *diff, DbmigFact *fact);
extern void dbmig_write_late(DbmigDiff *diff, DbmigFact *fact);
extern DbmigAction *dbmig_act_comment(DbmigDiff *diff, DbmigFact *fact);
extern bool dbmig_comes_from_parent(const DbmigFact *fact);
extern bool dbmig_is_attachment(const DbmigFact *fact);
extern bool dbmig_is_merged(const DbmigFact *fact, const DbmigFact *used);
extern bool dbmig_is_plain_column(const DbmigFact *fact);
extern bool dbmig_is_share_of_used(const DbmigFact *user, const DbmigFact *used);
extern bool dbmig_leaves_for_good(const DbmigFact *attachment);

/* waits.c */
extern void dbmig_wait_for(DbmigAction *waiting, DbmigAction *first);
extern void dbmig_wait_for_all(DbmigAction *waiting, List *first);
extern void dbmig_let_wait(const DbmigInventory *from, const DbmigInventory *to);

/* row_type.c */
extern bool dbmig_stores_row_type(const DbmigFact *user, const DbmigFact *type);
extern DbmigFact *dbmig_reshaped_by(DbmigFact *user, const DbmigFact *used);
extern List *dbmig_shape_actions(List *actions, const DbmigFact *type);

/* order.c */
extern List *dbmig_order(List *actions);

/* units.c */
extern void dbmig_divide(DbmigDiff *diff);
extern void dbmig_make_concurrent(DbmigDiff *diff);

/* privileges.c: attributes that several kinds have */
extern const char *dbmig_fact_owner(const DbmigFact *fact);
extern void dbmig_alter_privileges(DbmigDiff *diff, DbmigFact *before,
								   DbmigFact *after, const DbmigRule *rule);
extern void dbmig_alter_foreign_options(DbmigDiff *diff, DbmigFact *before,
										DbmigFact *after, const DbmigRule *rule);
extern void dbmig_reassign(DbmigInventory *inventory, List *roles,
						   const char *owner);
extern void dbmig_drop_privileges(DbmigDiff *diff, DbmigFact *fact);
extern bool dbmig_has_default_privileges(const DbmigDiff *diff, const DbmigFact *fact);
extern void dbmig_alter_options(DbmigDiff *diff, DbmigFact *before,
								DbmigFact *after, const DbmigRule *rule);

/* The columns that every query begins with. */
#define DBMIG_FIXED_COLUMNS	11

/*
 * Pieces of queries.  An object of an extension is nobody's to change, and its
 * parts come with it; facts.c leaves them out.
 */
#define DBMIG_OWNER(role) \
	"pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(" role ")) AS owner"

/* "grantee privilege" lines of an ACL, * for the grant option */
#define DBMIG_ACL_LINES(acl) \
	"(SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM (" \
	"SELECT DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' " \
	"ELSE quote_ident(pg_get_userbyid(grantee)) END || ' ' || privilege_type " \
	"|| CASE WHEN is_grantable THEN '*' ELSE '' END AS line " \
	"FROM aclexplode(" acl ")) AS lines)"

/* Two attributes: the privileges, and what they would be by default */
#define DBMIG_ACL(acl, type, owner) \
	"CASE WHEN " acl " IS NOT NULL THEN coalesce(" DBMIG_ACL_LINES(acl) ", '') END AS acl, " \
	"CASE WHEN " acl " IS NOT NULL OR EXISTS (SELECT FROM pg_default_acl) THEN coalesce(" \
	DBMIG_ACL_LINES("acldefault('" type "', " owner ")") ", '') END AS acl_default"

/* The functions that a base type needs */
#define BASE_TYPE_FUNCTIONS(type) \
	type ".typinput, " type ".typoutput, " type ".typreceive, " \
	type ".typsend, " type ".typmodin, " type ".typmodout, " \
	type ".typanalyze, " type ".typsubscript"

/* name=value lines of options */
#define DBMIG_OPTIONS(options) \
	"(SELECT string_agg(option_name || '=' || quote_literal(option_value), " \
	"E'\\n' ORDER BY option_name COLLATE \"C\") FROM pg_options_to_table(" options ")" \
	" WHERE option_name <> 'pg_attver')"

#define DBMIG_OWNER_RULE(object) \
	{.attribute = "owner", .how = DBMIG_ALTER, \
		.flags = DBMIG_LATE | DBMIG_COSMETIC, \
		.set = "ALTER " object " OWNER TO {owner}" \
	}
#define DBMIG_ACL_RULES \
	{.attribute = "acl", .how = DBMIG_ALTER, \
		.flags = DBMIG_LATE | DBMIG_COSMETIC | DBMIG_ANYTIME, \
		.alter = dbmig_alter_privileges \
	}, \
	{.attribute = "acl_default", .how = DBMIG_INFO}

#endif							/* DBMIG_SCHEMA_H */
