/*-------------------------------------------------------------------------
 *
 * renaming.c
 *		What a schema is after objects of it have been renamed.
 *
 * What else changes with a name only the server knows: views, defaults and
 * constraints that mention it, what a table passes on to its partitions.  So
 * the old schema is made again in a sandbox, empty of rows, by the statements
 * that lead to it from nothing, and its objects are renamed there.  No live
 * table is touched.
 *
 * The result is read; what the renames did not change is then taken from the
 * schema as it was, so that neither another spelling of an expression nor an
 * owner that the caller cannot give makes a difference.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "engine/compare.h"
#include "engine/sandbox.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "schema/rename.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

/* What is to be done in the sandbox. */
typedef struct Renaming
{
	DbmigComparison *comparison;
	const DbmigInventory *whole;	/* the old side, with what was left out */
	DbmigInventory *plain;		/* as it is in the sandbox, before renames */
	HTAB	   *origins;		/* its facts by address */
	List	   *names;			/* of schemas to look at, String */
	List	   *schemas;		/* the caller's restriction */
	DbmigRenames *renames;
} Renaming;

/* An entry of the hash table by address. */
typedef struct Origin
{
	DbmigAddress address;		/* the key; must be first */
	const DbmigFact *fact;
} Origin;

/* The name of a schema, not quoted. */
static char *
schema_name(const DbmigFact *schema)
{
	List	   *parts;

	if (!SplitIdentifierString(pstrdup(schema->id), '.', &parts))
		elog(ERROR, "schema name %s is not a name", schema->id);
	return linitial(parts);
}

/* Add the names of the schemas in an inventory to a list of String. */
static List *
add_schema_names(List *names, const DbmigInventory *inventory)
{
	for (int i = 0; i < inventory->n; i++)
	{
		if (inventory->facts[i]->kind == &dbmig_kind_schema)
			names = list_append_unique(names,
									   makeString(schema_name(inventory->facts[i])));
	}
	return names;
}

/*
 * Let schemas of the database make place that the old side does not have, and
 * that renames make or give their names to.
 */
static void
make_place(DbmigSandbox *sandbox, const Renaming *renaming)
{
	ListCell   *lc;

	foreach(lc, renaming->renames->list)
	{
		const DbmigFact *schema =
			dbmig_fact_root(((const DbmigRename *) lfirst(lc))->to);

		if (schema->kind == &dbmig_kind_schema &&
			dbmig_inventory_find(renaming->whole, schema) == NULL)
			dbmig_sandbox_put_aside(sandbox, schema_name(schema));
	}
}

static DbmigInventory *
read_all(const DbmigSandbox *sandbox, const Renaming *renaming)
{
	return dbmig_inventory_read(dbmig_sandbox_schemas(sandbox, renaming->names));
}

/* Leave out the facts of one inventory that another one has not. */
static void
keep_common(DbmigInventory *inventory, const DbmigInventory *other)
{
	int			n = 0;

	for (int i = 0; i < inventory->n; i++)
	{
		if (dbmig_inventory_find(other, inventory->facts[i]))
			inventory->facts[n++] = inventory->facts[i];
	}
	inventory->n = n;
}

/*
 * Make the old schema.  What the caller cannot do, such as giving an object
 * to another role, is left out; in the end everything that is compared has to
 * be there.
 */
static void
make_old_side(DbmigSandbox *sandbox, Renaming *renaming)
{
	DbmigInventory *nothing = read_all(sandbox, renaming);
	const DbmigInventory *from = renaming->comparison->from;
	List	   *statements = NIL;
	ListCell   *lc;

	keep_common(nothing, renaming->whole);
	foreach(lc, dbmig_diff(nothing, renaming->whole,
						   quote_identifier(dbmig_current_role()))->actions)
		statements = lappend(statements,
							 ((const DbmigAction *) lfirst(lc))->statement);
	if (!dbmig_sandbox_try(sandbox, statements))
	{
		foreach(lc, statements)
		{
			CHECK_FOR_INTERRUPTS();
			(void) dbmig_sandbox_try(sandbox, list_make1(lfirst(lc)));
		}
	}

	renaming->plain = read_all(sandbox, renaming);
	for (int i = 0; i < from->n; i++)
	{
		if (dbmig_inventory_find(renaming->plain, from->facts[i]) == NULL)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("cannot work out renames: %s %s cannot be made a second time",
						   from->facts[i]->kind->name, from->facts[i]->id),
					errdetail("The old schema is made again in a sandbox, where its objects are renamed.  The object may need something that is not managed, or a right that you lack."),
					errhint("Rename by hand, in a revision of its own."));
	}
}

static void
note_origins(Renaming *renaming)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(DbmigAddress);
	control.entrysize = sizeof(Origin);
	control.hcxt = CurrentMemoryContext;
	renaming->origins = hash_create("dbmig origins", renaming->plain->n + 1,
									&control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < renaming->plain->n; i++)
	{
		DbmigFact  *fact = renaming->plain->facts[i];
		Origin	   *origin = hash_search(renaming->origins, &fact->address,
										 HASH_ENTER, NULL);

		origin->fact = fact;
	}
}

/* Let a fact be what it was but for what the renames changed. */
static void
restore(DbmigFact *fact, const DbmigFact *plain, const DbmigFact *original)
{
	for (int i = 0; i < fact->kind->nrules; i++)
	{
		if (dbmig_same_value(fact->values[i], plain->values[i]))
			fact->values[i] = original->values[i];
	}
	fact->comment = original->comment;
}

/* Is it a schema that a step makes? */
static bool
is_made(const DbmigFact *fact, List *steps)
{
	ListCell   *lc;

	if (fact->kind != &dbmig_kind_schema)
		return false;
	foreach(lc, steps)
	{
		const DbmigRenameStep *step = lfirst(lc);

		if (step->schema && strcmp(step->schema, fact->id) == 0)
			return true;
	}
	return false;
}

/* Read what the renames have led to. */
static DbmigInventory *
read_renamed(const DbmigSandbox *sandbox, const Renaming *renaming)
{
	const DbmigComparison *comparison = renaming->comparison;
	DbmigInventory *inventory = read_all(sandbox, renaming);
	int			n = 0;

	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];
		const Origin *origin = hash_search(renaming->origins, &fact->address,
										   HASH_FIND, NULL);
		const DbmigFact *original = origin ?
			dbmig_inventory_find(comparison->from, origin->fact) : NULL;

		CHECK_FOR_INTERRUPTS();
		if (original)
			restore(fact, origin->fact, original);
		else if (!is_made(fact, comparison->rename_steps))
			continue;
		inventory->facts[n++] = fact;
	}
	inventory->n = n;
	inventory->unmanaged = comparison->from->unmanaged;
	return inventory;
}

/* Do the steps of renames, and note them. */
static void
do_steps(DbmigSandbox *sandbox, Renaming *renaming, DbmigRenames *renames)
{
	List	   *steps = dbmig_rename_steps(renames);
	List	   *statements = NIL;
	ListCell   *lc;

	foreach(lc, steps)
	{
		const DbmigRenameStep *step = lfirst(lc);

		statements = lappend(statements, step->forward);
	}
	dbmig_sandbox_do(sandbox, statements);
	renaming->comparison->rename_steps =
		list_concat(renaming->comparison->rename_steps, steps);
}

static void
rename_in_sandbox(DbmigSandbox *sandbox, void *arg)
{
	Renaming   *renaming = arg;
	DbmigComparison *comparison = renaming->comparison;
	DbmigInventory *renamed;
	DbmigRenames *more;

	make_place(sandbox, renaming);
	make_old_side(sandbox, renaming);
	note_origins(renaming);
	do_steps(sandbox, renaming, renaming->renames);
	renamed = read_renamed(sandbox, renaming);
	more = dbmig_default_renames(renamed, comparison->to);
	if (more->list)
	{
		do_steps(sandbox, renaming, more);
		renamed = read_renamed(sandbox, renaming);
	}
	comparison->from = renamed;
	dbmig_settle_spellings(sandbox, comparison->from, comparison->to,
						   renaming->schemas);
}

/*
 * Rename objects on the old side of a comparison.  whole is that side before
 * anything was left out; managed are OIDs of schemas, and schemas the names
 * that the comparison is restricted to, or NIL.
 */
void
dbmig_rename_old_side(DbmigComparison *comparison, const DbmigInventory *whole,
					  List *managed, List *schemas, List *requests)
{
	Renaming	renaming = {
		.comparison = comparison,.whole = whole,.schemas = schemas
	};

	renaming.renames = dbmig_resolve_renames(comparison->from, comparison->to,
											 requests);
	/* most comments in a model have done their work */
	if (renaming.renames->list == NIL)
		return;
	renaming.names = add_schema_names(add_schema_names(NIL, whole), comparison->to);
	dbmig_in_sandbox(managed, rename_in_sandbox, &renaming);
}
