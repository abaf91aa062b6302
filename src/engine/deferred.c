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
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

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
only_deferrable(List *names, Relation pg_constraint)
{
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
	return names;
}

/*
 * Check all deferred constraints that have something to check; raises what
 * they raise.  The caller has done CommandCounterIncrement().
 */
void
dbmig_fire_deferred_constraints(void)
{
	Relation	pg_constraint = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_constraint, InvalidOid, false,
										  NULL, 0, NULL);
	List	   *pending = NIL;
	List	   *deferred = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);
		RangeVar   *name;

		CHECK_FOR_INTERRUPTS();
		if (!constraint->condeferrable)
			continue;
		if (!AfterTriggerPendingOnRel(constraint->conrelid) &&
			!(OidIsValid(constraint->confrelid) &&
			  AfterTriggerPendingOnRel(constraint->confrelid)))
			continue;
		/* SET CONSTRAINTS looks names up as the caller */
		if (!dbmig_may_use_schema(constraint->connamespace, GetUserId()))
			continue;
		name = makeRangeVar(get_namespace_name(constraint->connamespace),
							pstrdup(NameStr(constraint->conname)), -1);
		pending = lappend(pending, name);
		if (constraint->condeferred)
			deferred = lappend(deferred, name);
	}
	systable_endscan(scan);

	if (pending != NIL)
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		set_constraints(pending, false);
		set_constraints(only_deferrable(deferred, pg_constraint), true);
		PopActiveSnapshot();
	}
	table_close(pg_constraint, AccessShareLock);
}
