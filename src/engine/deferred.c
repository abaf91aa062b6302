/*-------------------------------------------------------------------------
 *
 * deferred.c
 *		Fires deferred constraints between the revisions of one transaction.
 *
 * A revision that ran alone would be checked at its commit.  In one
 * transaction with others it has to be checked at its end: the next revision
 * could otherwise repair, hide or be blamed for its violation, and ALTER TABLE
 * refuses a table with pending trigger events.
 *
 * The server offers no call that fires what is pending and leaves the
 * transaction's SET CONSTRAINTS state alone.  So the constraints with pending
 * events are set IMMEDIATE by name, which fires them, and those that are
 * initially deferred are set DEFERRED again.  SET CONSTRAINTS ALL would change
 * the mode of constraints created later in the transaction too, for good.
 *
 * Which constraints there are is asked once and remembered to the end of the
 * transaction, or until pg_constraint changes: a scan of it after each of many
 * revisions would cost more than the revisions.
 *
 * XXX A constraint that shares schema and name with a not deferrable one can
 * be set IMMEDIATE but not DEFERRED again by name; it stays IMMEDIATE to the
 * end of the transaction.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/compat.h"
#include "catalog/pg_constraint.h"
#include "commands/trigger.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* A constraint that can be deferred. */
typedef struct Deferrable
{
	Oid			schema;
	Oid			relation;
	Oid			referenced;		/* by a foreign key, or InvalidOid */
	bool		deferred;		/* initially */
	NameData	name;
} Deferrable;

/* What is remembered lives in a child of TopTransactionContext. */
static MemoryContext memory = NULL;
static List *deferrables = NIL;
static bool complete = false;	/* did the look at pg_constraint end well? */
static bool changed = false;	/* and has it changed since it began? */

static void
note_change(Datum arg, int cacheid, uint32 hashvalue)
{
	changed = true;
}

/* The end of the memory's transaction. */
static void
forget(void *arg)
{
	memory = NULL;
	deferrables = NIL;
}

/* The constraints that can be deferred, in memory of the transaction. */
static List *
find_deferrables(void)
{
	static bool registered = false;
	Relation	pg_constraint;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext old;
	MemoryContextCallback *callback;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(CONSTROID, note_change, (Datum) 0);
		registered = true;
	}
	if (memory && complete && !changed)
		return deferrables;

	if (memory)
		MemoryContextDelete(memory);
	complete = false;
	memory = AllocSetContextCreate(TopTransactionContext,
								   "dbmig deferrable constraints",
								   ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(memory);
	callback = palloc0(sizeof(MemoryContextCallback));
	callback->func = forget;
	MemoryContextRegisterResetCallback(memory, callback);

	/* first, since a change may come in while we scan */
	changed = false;
	pg_constraint = table_open(ConstraintRelationId, AccessShareLock);
	scan = systable_beginscan(pg_constraint, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
		Deferrable *item;

		CHECK_FOR_INTERRUPTS();
		if (!constraint->condeferrable)
			continue;
		item = palloc(sizeof(Deferrable));
		item->schema = constraint->connamespace;
		item->relation = constraint->conrelid;
		item->referenced = constraint->confrelid;
		item->deferred = constraint->condeferred;
		item->name = constraint->conname;
		deferrables = lappend(deferrables, item);
	}
	systable_endscan(scan);
	table_close(pg_constraint, AccessShareLock);
	MemoryContextSwitchTo(old);
	complete = true;
	return deferrables;
}

/* Set the named constraints to one mode, as SET CONSTRAINTS does. */
static void
set_constraints(List *names, bool deferred)
{
	ConstraintsSetStmt *stmt;

	if (names == NIL)
		return;
	stmt = makeNode(ConstraintsSetStmt);
	stmt->constraints = names;
	stmt->deferred = deferred;
	AfterTriggerSetState(stmt);
}

static bool
same_name(const RangeVar *a, const RangeVar *b)
{
	return strcmp(a->schemaname, b->schemaname) == 0 &&
		strcmp(a->relname, b->relname) == 0;
}

/* names without those that a constraint which is not deferrable bears too */
static List *
only_deferrable(List *names)
{
	Relation	pg_constraint = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_constraint, InvalidOid, false,
										  NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
		RangeVar   *name;
		ListCell   *lc;

		if (constraint->condeferrable)
			continue;
		name = makeRangeVar(get_namespace_name(constraint->connamespace),
							NameStr(constraint->conname), -1);
		foreach(lc, names)
		{
			if (same_name(name, lfirst_node(RangeVar, lc)))
				names = foreach_delete_current(names, lc);
		}
		pfree(name);
	}
	systable_endscan(scan);
	table_close(pg_constraint, AccessShareLock);
	return names;
}

/*
 * Check all deferred constraints that have something to check; raises what
 * they raise.  The caller has done CommandCounterIncrement().
 */
void
dbmig_fire_deferred_constraints(void)
{
	List	   *pending = NIL;
	List	   *deferred = NIL;
	ListCell   *lc;

	foreach(lc, find_deferrables())
	{
		const Deferrable *constraint = lfirst(lc);
		RangeVar   *name;

		CHECK_FOR_INTERRUPTS();
		if (!AfterTriggerPendingOnRel(constraint->relation) &&
			!(OidIsValid(constraint->referenced) &&
			  AfterTriggerPendingOnRel(constraint->referenced)))
			continue;
		/* SET CONSTRAINTS looks names up as the caller */
		if (!dbmig_may_use_schema(constraint->schema, GetUserId()))
			continue;
		name = makeRangeVar(get_namespace_name(constraint->schema),
							pstrdup(NameStr(constraint->name)), -1);
		pending = lappend(pending, name);
		if (constraint->deferred)
			deferred = lappend(deferred, name);
	}

	if (pending != NIL)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		set_constraints(pending, false);
		set_constraints(only_deferrable(deferred), true);
		PopActiveSnapshot();
	}
}
