/*-------------------------------------------------------------------------
 *
 * blockers.c
 *		Locks with manners: who blocks, waiting before another try, and taking
 *		the tables of a script without queueing.
 *
 * When lock_timeout strikes, the server has forgotten which lock was waited
 * for.  So while a script runs under a lock_timeout a timer looks now and then
 * at what this process waits for, and the last thing it saw names the
 * blockers.  The timer's handler only copies a few words out of shared memory
 * that stays mapped; what it copies may be stale, never invalid.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/settings.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/tablecmds.h"
#include "common/pg_prng.h"
#include "engine/engine.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* How often to look at what is waited for, at the least and at the most. */
#define MIN_INTERVAL	1		/* milliseconds */
#define MAX_INTERVAL	50

/* The first pause before another try, and the longest. */
#define FIRST_PAUSE		100		/* milliseconds */
#define LONGEST_PAUSE	30000

/* What this process waited for when it was last looked at. */
static volatile bool seen = false;
static LOCKTAG seen_tag;
static LOCKMODE seen_mode;

static TimeoutId look_timeout = MAX_TIMEOUTS;

static void
look(void)
{
	LOCK	   *lock;

	/* a process that exits gives its entry back while timers still run */
	if (MyProc == NULL)
		return;
	lock = MyProc->waitLock;
	if (lock == NULL)
		return;
	seen_tag = lock->tag;
	seen_mode = MyProc->waitLockMode;
	seen = true;
}

/* Remember what is waited for, if a lock_timeout is in force. */
void
dbmig_watch_waits(void)
{
	int			interval;

	seen = false;
	if (LockTimeout <= 0)
		return;
	if (look_timeout == MAX_TIMEOUTS)
		look_timeout = RegisterTimeout(USER_TIMEOUT, look);
	interval = Max(Min(LockTimeout / 4, MAX_INTERVAL), MIN_INTERVAL);
	enable_timeout_every(look_timeout,
						 TimestampTzPlusMilliseconds(GetCurrentTimestamp(), interval),
						 interval);
}

/* Stop looking.  After an error that is caught, this is up to us too. */
void
dbmig_unwatch_waits(void)
{
	if (look_timeout != MAX_TIMEOUTS)
		disable_timeout(look_timeout, false);
}

/*
 * The processes that hold what was waited for last, at most max of them; call
 * this before anything is rolled back.
 */
int
dbmig_find_blockers(int *pids, int max)
{
	LockData   *locks;
	int			count = 0;

	if (!seen)
		return 0;
	locks = GetLockStatusData();
	for (int i = 0; i < locks->nelements && count < max; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];

		if (lock->pid == MyProcPid || lock->holdMask == 0 ||
			memcmp(&lock->locktag, &seen_tag, sizeof(LOCKTAG)) != 0)
			continue;
		for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++)
		{
			if ((lock->holdMask & LOCKBIT_ON(mode)) &&
				DoLockModesConflict(mode, seen_mode))
			{
				pids[count++] = lock->pid;
				break;
			}
		}
	}
	return count;
}

/*
 * Describe processes for an error's detail: what pg_stat_activity shows of
 * them to the current role.  Returns NULL if nobody is left to be named.  The
 * caller is connected to SPI; the result is in the current memory context.
 */
char *
dbmig_describe_processes(const int *pids, int count)
{
	static const char *const query =
		"SELECT pg_catalog.string_agg(pg_catalog.format("
		"'Process %s of role \"%s\" (application \"%s\") has held it since %s: %s', "
		"a.pid, a.usename, a.application_name, "
		"COALESCE(a.xact_start::pg_catalog.text, 'an unknown time'), "
		"pg_catalog.\"left\"(COALESCE(a.query, ''), 200)), E'\\n' ORDER BY a.pid) "
		"FROM pg_catalog.pg_stat_activity a "
		"WHERE a.pid OPERATOR(pg_catalog.=) ANY ($1)";
	MemoryContext context = CurrentMemoryContext;
	Oid			types[] = {INT4ARRAYOID};
	Datum		values[1];
	Datum	   *elements;
	char	   *text = NULL;

	if (count == 0)
		return NULL;
	elements = palloc(sizeof(Datum) * count);
	for (int i = 0; i < count; i++)
		elements[i] = Int32GetDatum(pids[i]);
	values[0] = PointerGetDatum(construct_array(elements, count, INT4OID,
												sizeof(int32), true,
												TYPALIGN_INT));
	if (SPI_execute_with_args(query, 1, types, values, NULL, false, 1) == SPI_OK_SELECT &&
		SPI_processed == 1)
	{
		char	   *value = SPI_getvalue(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, 1);

		if (value)
			text = MemoryContextStrdup(context, value);
	}
	MemoryContextSwitchTo(context);
	return text;
}

/*
 * Wait before another try: twice as long each time, up to a limit, and a
 * random part of it so that waiters do not come back together.
 */
void
dbmig_back_off(const DbmigStepRun *run, int attempt)
{
	double		longest = Min((double) FIRST_PAUSE * (1 << Min(attempt, 16)),
							  LONGEST_PAUSE);
	double		pause = longest * (0.5 + 0.5 * pg_prng_double(&pg_global_prng_state));
	TimestampTz until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(),
													(int64) pause);

	ereport(NOTICE,
			errmsg("revision \"%s\" of project \"%s\" could not get a lock, trying again in %d ms",
				   run->entry.revision, run->entry.project, (int) pause));
	for (;;)
	{
		long		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
														   until);

		CHECK_FOR_INTERRUPTS();
		if (left <= 0)
			return;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 left, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

/* ---------------- taking tables up front ---------------- */

/*
 * Take a table's lock, or fail without having queued for it.  A role that may
 * not do what the lock is for, by ownership or by the privilege (none: 0),
 * gets no lock either: its statement will tell.
 */
static void
take_table(const RangeVar *name, LOCKMODE mode, AclMode privilege)
{
	Oid			relation;

	/* what does not exist yet, or any more, nobody else holds */
	relation = RangeVarGetRelid(name, NoLock, true);
	if (!OidIsValid(relation))
		return;
	if (!dbmig_owns_relation(relation, GetUserId()) &&
		(privilege == 0 ||
		 pg_class_aclcheck(relation, GetUserId(), privilege) != ACLCHECK_OK))
		return;
	if (ConditionalLockRelationOid(relation, mode))
		return;

	SET_LOCKTAG_RELATION(seen_tag, MyDatabaseId, relation);
	seen_mode = mode;
	seen = true;
	ereport(ERROR,
			errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			errmsg("could not obtain lock on relation \"%s\"",
				   get_rel_name(relation)));
}

/* The tables that a constraint refers to are locked as well. */
static void
take_referenced(const Node *node)
{
	const Constraint *constraint = (const Constraint *) node;

	if (node && IsA(node, Constraint) && constraint->contype == CONSTR_FOREIGN)
		take_table(constraint->pktable, ShareRowExclusiveLock, ACL_REFERENCES);
}

static void
take_for_alter(const AlterTableStmt *statement)
{
	ListCell   *lc;

	take_table(statement->relation, AlterTableGetLockLevel(statement->cmds), 0);
	foreach(lc, statement->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		take_referenced(command->def);
		if (command->def && IsA(command->def, ColumnDef))
		{
			ListCell   *lc2;

			foreach(lc2, ((ColumnDef *) command->def)->constraints)
				take_referenced(lfirst(lc2));
		}
	}
}

/*
 * Take the locks that the statements of a script will want on existing
 * tables, without ever queueing: a waiting ALTER TABLE makes every reader
 * behind it wait.  What a statement locks beyond the tables it names, those a
 * function touches for example, is not known here.
 */
void
dbmig_take_tables(List *statements)
{
	ListCell   *lc;

	PushActiveSnapshot(GetTransactionSnapshot());
	foreach(lc, statements)
	{
		Node	   *node = ((DbmigStatement *) lfirst(lc))->raw->stmt;
		ListCell   *lc2;

		CHECK_FOR_INTERRUPTS();
		switch (nodeTag(node))
		{
			case T_AlterTableStmt:
				take_for_alter((AlterTableStmt *) node);
				break;
			case T_RenameStmt:
				if (((RenameStmt *) node)->relation)
					take_table(((RenameStmt *) node)->relation, AccessExclusiveLock, 0);
				break;
			case T_IndexStmt:
				take_table(((IndexStmt *) node)->relation, ShareLock, 0);
				break;
			case T_CreateTrigStmt:
				take_table(((CreateTrigStmt *) node)->relation, ShareRowExclusiveLock,
						   ACL_TRIGGER);
				break;
			case T_CreatePolicyStmt:
				take_table(((CreatePolicyStmt *) node)->table, AccessExclusiveLock, 0);
				break;
			case T_TruncateStmt:
				foreach(lc2, ((TruncateStmt *) node)->relations)
					take_table(lfirst(lc2), AccessExclusiveLock, ACL_TRUNCATE);
				break;
			case T_DropStmt:
				if (((DropStmt *) node)->removeType != OBJECT_TABLE &&
					((DropStmt *) node)->removeType != OBJECT_INDEX &&
					((DropStmt *) node)->removeType != OBJECT_VIEW &&
					((DropStmt *) node)->removeType != OBJECT_MATVIEW)
					break;
				foreach(lc2, ((DropStmt *) node)->objects)
					take_table(makeRangeVarFromNameList(lfirst(lc2)),
							   AccessExclusiveLock, 0);
				break;
			case T_CreateStmt:
				foreach(lc2, ((CreateStmt *) node)->tableElts)
				{
					ListCell   *lc3;

					take_referenced(lfirst(lc2));
					if (!IsA(lfirst(lc2), ColumnDef))
						continue;
					foreach(lc3, ((ColumnDef *) lfirst(lc2))->constraints)
						take_referenced(lfirst(lc3));
				}
				break;
			default:
				break;
		}
	}
	PopActiveSnapshot();
}
