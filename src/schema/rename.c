/*-------------------------------------------------------------------------
 *
 * rename.c
 *		From pairs of objects to statements that rename one to the other.
 *
 * A rename is a pair: a fact of the old inventory, and the one that it is in
 * the wanted one.  What both are called, and where, stands in the facts.  A
 * fact without a rename of its own is the one with the same name in the same
 * place, where the place may be renamed (dbmig_counterpart).
 *
 * Parts come before what they are parts of, functions before the types of
 * their arguments, schemas last.  Who takes a name waits for who bears it; where
 * that goes round, as when two objects swap their names, one of them steps
 * aside under a name of our own.  Every statement calls things what they are
 * called at that moment, and comes with the one that takes it back, so the
 * latter, last first, lead back exactly.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "schema/rename.h"
#include "utils/builtins.h"

/* How parts of something are renamed; all else by ALTER … RENAME TO. */
static const struct
{
	const DbmigKind *kind;
	const char *statement;		/* parent, old name, new name */
	bool		name_first;		/* the old name before the parent */
}			part_statements[] = {
	{&dbmig_kind_column, "ALTER TABLE %s RENAME COLUMN %s TO %s", false},
	{&dbmig_kind_view_column, "ALTER TABLE %s RENAME COLUMN %s TO %s", false},
	{&dbmig_kind_attribute, "ALTER TYPE %s RENAME ATTRIBUTE %s TO %s", false},
	{&dbmig_kind_constraint, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", false},
	{&dbmig_kind_foreign_key, "ALTER TABLE %s RENAME CONSTRAINT %s TO %s", false},
	{&dbmig_kind_domain_constraint, "ALTER DOMAIN %s RENAME CONSTRAINT %s TO %s", false},
	{&dbmig_kind_trigger, "ALTER TRIGGER %s ON %s RENAME TO %s", true},
	{&dbmig_kind_policy, "ALTER POLICY %s ON %s RENAME TO %s", true},
	{&dbmig_kind_rule, "ALTER RULE %s ON %s RENAME TO %s", true}
};

/* A name that is taken until a rename has been done. */
typedef struct Slot
{
	const char *name;
	DbmigRename *rename;
} Slot;

/* An entry of the hash table by fact. */
typedef struct RenamedFact
{
	const DbmigFact *fact;		/* the key; must be first */
	DbmigRename *rename;
} RenamedFact;

/* While statements are written. */
typedef struct Writer
{
	DbmigRenames *renames;
	Slot	   *slots;			/* sorted */
	int			nslots;
	List	   *schemas;		/* made for objects that move there */
	List	   *steps;
	int			swaps;			/* names given to what steps aside */
} Writer;

DbmigRenames *
dbmig_renames_create(const DbmigInventory *from, const DbmigInventory *to)
{
	DbmigRenames *renames = palloc0(sizeof(DbmigRenames));
	HASHCTL		control = {0};

	renames->from = from;
	renames->to = to;
	control.keysize = sizeof(DbmigFact *);
	control.entrysize = sizeof(RenamedFact);
	control.hcxt = CurrentMemoryContext;
	renames->by_fact = hash_create("dbmig renames", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return renames;
}

static void
enter(DbmigRenames *renames, const DbmigFact *fact, DbmigRename *rename)
{
	RenamedFact *entry = hash_search(renames->by_fact, &fact, HASH_ENTER, NULL);

	entry->rename = rename;
}

/* Add a pair; the caller has seen to it that neither has another rename. */
DbmigRename *
dbmig_rename_add(DbmigRenames *renames, DbmigFact *from, DbmigFact *to,
				 const DbmigRenameRequest *request)
{
	DbmigRename *rename = palloc0(sizeof(DbmigRename));

	rename->request = request;
	rename->from = from;
	rename->to = to;
	enter(renames, from, rename);
	enter(renames, to, rename);
	renames->list = lappend(renames->list, rename);
	return rename;
}

/* Add a pair of values of an enum and its counterpart. */
DbmigRename *
dbmig_rename_add_label(DbmigRenames *renames, DbmigFact *from,
					   const char *from_label, DbmigFact *to,
					   const char *to_label, const DbmigRenameRequest *request)
{
	DbmigRename *rename = palloc0(sizeof(DbmigRename));

	rename->request = request;
	rename->from = from;
	rename->to = to;
	rename->from_label = from_label;
	rename->to_label = to_label;
	renames->list = lappend(renames->list, rename);
	return rename;
}

/* The rename of a fact of either side; NULL if it has none. */
DbmigRename *
dbmig_rename_of(const DbmigRenames *renames, const DbmigFact *fact)
{
	RenamedFact *entry = hash_search(renames->by_fact, &fact, HASH_FIND, NULL);

	return entry ? entry->rename : NULL;
}

/*
 * What a fact's name is unique in: the table of a column, the schema of a
 * table or index; NULL if its name has no qualifier.
 */
DbmigFact *
dbmig_container(const DbmigFact *fact)
{
	for (DbmigFact *whole = fact->parent; whole; whole = whole->parent)
	{
		int			length = strlen(whole->id);

		if (strncmp(fact->id, whole->id, length) == 0 &&
			(fact->id[length] == '.' || fact->id[length] == ' '))
			return whole;
	}
	return NULL;
}

/* The name without qualifier, but with the arguments of a function. */
const char *
dbmig_own_name(const DbmigFact *fact)
{
	const DbmigFact *container = dbmig_container(fact);

	return container ? fact->id + strlen(container->id) + 1 : fact->id;
}

/* The name with all qualifiers, and dots between them. */
char *
dbmig_path(const DbmigFact *fact)
{
	const DbmigFact *container = dbmig_container(fact);

	if (container == NULL)
		return pstrdup(fact->id);
	return psprintf("%s.%s", dbmig_path(container), dbmig_own_name(fact));
}

/* The length of the quoted name that a text begins with. */
int
dbmig_name_length(const char *name)
{
	const char *p = name;

	if (*p != '"')
		return strcspn(p, "( ");
	for (p++; *p && !(*p == '"' && p[1] != '"'); p++)
	{
		if (*p == '"')
			p++;
	}
	return p - name + (*p ? 1 : 0);
}

/* The name without qualifier and arguments. */
char *
dbmig_bare_name(const DbmigFact *fact)
{
	const char *name = dbmig_own_name(fact);

	return pnstrdup(name, dbmig_name_length(name));
}

/* The fact of a fact's kind with this own name in a container; or NULL. */
DbmigFact *
dbmig_find_within(const DbmigInventory *inventory, const DbmigFact *like,
				  const DbmigFact *container, const char *own_name)
{
	DbmigFact	key = *like;
	const DbmigFact *old = dbmig_container(like);

	key.id = container ?
		psprintf("%s%c%s", container->id, like->id[strlen(old->id)], own_name) :
		pstrdup(own_name);
	return dbmig_inventory_find(inventory, &key);
}

/*
 * What a fact of one side is on the other one: by its rename, or by its name
 * in the counterpart of its container.  NULL if it is not there.
 */
DbmigFact *
dbmig_counterpart(const DbmigRenames *renames, const DbmigFact *fact)
{
	DbmigRename *rename = dbmig_rename_of(renames, fact);
	DbmigFact  *container = dbmig_container(fact);
	const DbmigInventory *other =
		dbmig_inventory_find(renames->from, fact) == fact ?
		renames->to : renames->from;

	if (rename)
		return rename->from == fact ? rename->to : rename->from;
	if (container)
	{
		container = dbmig_counterpart(renames, container);
		if (container == NULL)
			return NULL;
	}
	return dbmig_find_within(other, fact, container, dbmig_own_name(fact));
}

static bool
is_schema_level(const DbmigFact *fact)
{
	const DbmigFact *container = dbmig_container(fact);

	return container && container->kind == &dbmig_kind_schema;
}

/* What a fact is called at this moment, with its qualifiers. */
static char *
current_id(const DbmigRenames *renames, const DbmigFact *fact)
{
	const DbmigRename *rename = dbmig_rename_of(renames, fact);
	const DbmigFact *container = dbmig_container(fact);
	const char *own = dbmig_own_name(fact);
	char	   *name = rename ?
		psprintf("%s%s", rename->name, own + dbmig_name_length(own)) : pstrdup(own);

	if (container == NULL)
		return name;
	return psprintf("%s%c%s",
					current_id(renames, rename && rename->schema ?
							   rename->schema : container),
					fact->id[strlen(container->id)], name);
}

/* How ALTER calls an object at this moment. */
static char *
current_address(const DbmigRenames *renames, const DbmigFact *fact)
{
	DbmigFact	copy = *fact;

	copy.id = current_id(renames, fact);
	return dbmig_pattern(fact->kind->address, &copy);
}

/*
 * The names that an object takes up: of relations and types in a schema, of
 * constraints of a table.  An index behind a constraint has both.
 */
static List *
slot_names(const DbmigRename *rename, const DbmigFact *schema, const char *name)
{
	const DbmigFact *fact = rename->from;
	const DbmigFact *container = dbmig_container(fact);
	const char *own = dbmig_own_name(fact);
	List	   *names = NIL;

	if (rename->from_label)
		return list_make1(psprintf("value:%s.%s", fact->id, name));
	if (fact->slot && schema == NULL && container)
		schema = dbmig_container(container);
	if (fact->slot && schema)
		names = lappend(names, psprintf("%.*s:%s.%s%s",
										(int) strcspn(fact->slot, ":"),
										fact->slot, schema->id, name,
										own + dbmig_name_length(own)));
	if (fact->slot == NULL || !is_schema_level(fact))
		names = lappend(names, psprintf("%s:%s.%s",
										fact->kind == &dbmig_kind_foreign_key ?
										dbmig_kind_constraint.name :
										fact->kind->name,
										schema && fact->slot == NULL ? schema->id :
										container ? container->id : "",
										name));
	return names;
}

static int
compare_slots(const void *a, const void *b)
{
	return strcmp(((const Slot *) a)->name, ((const Slot *) b)->name);
}

/* Note the names that are taken by what is to be renamed. */
static void
collect_slots(Writer *writer)
{
	ListCell   *lc;

	writer->slots = palloc(sizeof(Slot) * (2 * list_length(writer->renames->list) + 1));
	foreach(lc, writer->renames->list)
	{
		DbmigRename *rename = lfirst(lc);
		ListCell   *name;

		foreach(name, slot_names(rename, rename->schema, rename->name))
		{
			writer->slots[writer->nslots].name = lfirst(name);
			writer->slots[writer->nslots++].rename = rename;
		}
	}
	qsort(writer->slots, writer->nslots, sizeof(Slot), compare_slots);
}

/* The schema that a rename leads to, as the old side's fact if it has it. */
static DbmigFact *
target_schema(const Writer *writer, const DbmigRename *rename)
{
	DbmigFact  *schema;
	DbmigFact  *old;

	if (rename->from_label || !is_schema_level(rename->from))
		return NULL;
	schema = dbmig_container(rename->to);
	old = dbmig_counterpart(writer->renames, schema);
	return old ? old : schema;
}

static const char *
target_name(const DbmigRename *rename)
{
	return rename->to_label ? rename->to_label : dbmig_bare_name(rename->to);
}

/* Who still bears the name that a rename leads to; NULL for nobody. */
static DbmigRename *
find_occupant(const Writer *writer, const DbmigRename *rename)
{
	ListCell   *lc;

	foreach(lc, slot_names(rename, target_schema(writer, rename),
						   target_name(rename)))
	{
		Slot		key = {lfirst(lc), NULL};
		const Slot *slot = bsearch(&key, writer->slots, writer->nslots,
								   sizeof(Slot), compare_slots);

		if (slot && slot->rename != rename && !slot->rename->moved)
			return slot->rename;
	}
	return NULL;
}

static void
add_step(Writer *writer, const DbmigFact *fact, char *forward, char *backward,
		 const char *schema)
{
	DbmigRenameStep *step = palloc(sizeof(DbmigRenameStep));

	step->kind = fact->kind;
	step->id = fact->id;
	step->forward = forward;
	step->backward = backward;
	step->schema = schema;
	writer->steps = lappend(writer->steps, step);
}

/* The statement that gives an object, as it is called now, another name. */
static char *
rename_statement(const Writer *writer, const DbmigRename *rename, const char *name)
{
	const DbmigRenames *renames = writer->renames;
	const DbmigFact *fact = rename->from;

	if (rename->from_label)
		return psprintf("ALTER TYPE %s RENAME VALUE %s TO %s",
						current_id(renames, fact), rename->name, name);
	for (int i = 0; i < (int) lengthof(part_statements); i++)
	{
		const char *parent;

		if (part_statements[i].kind != fact->kind)
			continue;
		parent = current_id(renames, fact->parent);
		return psprintf(part_statements[i].statement,
						part_statements[i].name_first ? rename->name : parent,
						part_statements[i].name_first ? parent : rename->name,
						name);
	}
	return psprintf("ALTER %s RENAME TO %s", current_address(renames, fact), name);
}

static void
give_name(Writer *writer, DbmigRename *rename, const char *name)
{
	const char *old = rename->name;
	char	   *forward = rename_statement(writer, rename, name);

	rename->name = name;
	add_step(writer, rename->from, forward, rename_statement(writer, rename, old),
			 NULL);
}

/* Let an object make place under a name of ours. */
static void
step_aside(Writer *writer, DbmigRename *rename)
{
	char	   *name = psprintf("dbm_swap_%d", ++writer->swaps);

	give_name(writer, rename, rename->from_label ? quote_literal_cstr(name) : name);
	rename->moved = true;
}

/* Move an object to another schema, which is made if need be. */
static void
give_schema(Writer *writer, DbmigRename *rename, DbmigFact *schema)
{
	DbmigRenames *renames = writer->renames;
	DbmigFact  *old = rename->schema;
	char	   *forward;

	if (dbmig_inventory_find(renames->from, schema) != schema &&
		!list_member_ptr(writer->schemas, schema))
	{
		writer->schemas = lappend(writer->schemas, schema);
		add_step(writer, schema, psprintf("CREATE SCHEMA %s", schema->id),
				 psprintf("DROP SCHEMA %s", schema->id), schema->id);
	}
	forward = psprintf("ALTER %s SET SCHEMA %s",
					   current_address(renames, rename->from),
					   current_id(renames, schema));
	rename->schema = schema;
	add_step(writer, rename->from, forward,
			 psprintf("ALTER %s SET SCHEMA %s",
					  current_address(renames, rename->from),
					  current_id(renames, old)),
			 NULL);
}

/* Write a rename whose new name is free. */
static void
finish(Writer *writer, DbmigRename *rename)
{
	DbmigFact  *schema = target_schema(writer, rename);
	const char *name = target_name(rename);

	if (rename->schema != schema)
	{
		/* in either schema another one may have one of its names */
		if (strcmp(rename->name, name) != 0 && !rename->moved)
			step_aside(writer, rename);
		give_schema(writer, rename, schema);
	}
	if (strcmp(rename->name, name) != 0)
		give_name(writer, rename, name);
	rename->moved = rename->done = true;
}

/* Write a rename, after those whose names it needs. */
static void
write_rename(Writer *writer, DbmigRename *first)
{
	List	   *stack = list_make1(first);

	while (stack)
	{
		DbmigRename *rename = llast(stack);
		DbmigRename *occupant;

		CHECK_FOR_INTERRUPTS();
		if (rename->done)
		{
			stack = list_delete_last(stack);
			continue;
		}
		rename->underway = true;
		occupant = find_occupant(writer, rename);
		if (occupant == NULL)
			finish(writer, rename);
		else if (occupant->underway)
			step_aside(writer, occupant);
		else
			stack = lappend(stack, occupant);
	}
}

static int
level(const DbmigRename *rename)
{
	if (rename->from->kind == &dbmig_kind_schema)
		return 3;
	if (rename->from_label || !is_schema_level(rename->from))
		return 0;
	return rename->from->kind == &dbmig_kind_routine ||
		rename->from->kind == &dbmig_kind_aggregate ? 1 : 2;
}

static int
compare_renames(const ListCell *a, const ListCell *b)
{
	const DbmigRename *rename_a = lfirst(a);
	const DbmigRename *rename_b = lfirst(b);
	int			order = level(rename_a) - level(rename_b);

	if (order == 0)
		order = rename_a->from->rank - rename_b->from->rank;
	if (order == 0)
		order = strcmp(rename_a->from->id, rename_b->from->id);
	if (order == 0 && rename_a->from_label && rename_b->from_label)
		order = strcmp(rename_a->from_label, rename_b->from_label);
	return order;
}

/* The statements of all renames, a list of DbmigRenameStep. */
List *
dbmig_rename_steps(DbmigRenames *renames)
{
	Writer		writer = {.renames = renames};
	ListCell   *lc;

	list_sort(renames->list, compare_renames);
	foreach(lc, renames->list)
	{
		DbmigRename *rename = lfirst(lc);

		rename->moved = rename->underway = rename->done = false;
		rename->schema = is_schema_level(rename->from) && !rename->from_label ?
			dbmig_container(rename->from) : NULL;
		rename->name = rename->from_label ? rename->from_label :
			dbmig_bare_name(rename->from);
	}
	collect_slots(&writer);
	foreach(lc, renames->list)
		write_rename(&writer, lfirst(lc));
	return writer.steps;
}
