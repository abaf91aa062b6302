/*-------------------------------------------------------------------------
 *
 * executor.c
 *		Runs one revision script, statement by statement.
 *
 * A script runs as the caller, with the caller's search_path and settings, in
 * the caller's transaction.  It is parsed once; each statement is then
 * analyzed, planned and run in a memory context of its own, under a fresh
 * snapshot, so that it sees what the statements before it did.  A SET in a
 * script, SET ROLE included, ends with the script.
 *
 * An error keeps all that the server said; the context callback adds where in
 * which script it happened, and turns the error's position into one within
 * the statement, since the client never sent the script.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "engine/engine.h"
#include "executor/execdesc.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/dest.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/*
 * Give the errors that only a transaction per revision can cure a hint that
 * says so.  The server's own hint, if any, is about one of these as well.
 */
static void
add_hint(void)
{
	switch (geterrcode())
	{
		case ERRCODE_ACTIVE_SQL_TRANSACTION:
			errhint("Write \"-- Transactional: no\" into the script's header, and run it by CALL dbm_migrate().");
			break;
		case ERRCODE_UNSAFE_NEW_ENUM_VALUE_USAGE:
			errhint("CALL dbm_migrate() commits after each revision, so that a later one can use the value.");
			break;
		case ERRCODE_OUT_OF_MEMORY:
			errhint("If the lock table is full: CALL dbm_migrate() commits after each revision, or increase max_locks_per_transaction.");
			break;
		default:
			break;
	}
}

/* The error context callback; arg is a DbmigPosition. */
void
dbmig_script_error_callback(void *arg)
{
	const DbmigPosition *at = (const DbmigPosition *) arg;
	const DbmigStatement *statement = at->statement;
	int			line;
	int			position = geterrposition();

	if (statement == NULL)
	{
		/* the store names file and line of what it cannot parse */
		if (at->revision)
			errcontext("project \"%s\", revision \"%s\"", at->project, at->revision);
		else
			errcontext("project \"%s\"", at->project);
		return;
	}

	line = statement->line;
	if (position > 0)
	{
		/* characters of the script, from 1, before the statement */
		int			before = pg_mbstrlen_with_len(at->text, statement->start);
		int			within = position - before;
		const char *place = at->text;

		for (int i = 1; i < position && *place; i++)
			place += pg_mblen(place);
		line = dbmig_line_number(at->text, place - at->text);

		errposition(0);
		if (within > 0)
		{
			internalerrposition(within);
			internalerrquery(pnstrdup(at->text + statement->start,
									  statement->length));
		}
	}
	dbmig_note_error_line(line);
	if (at->revision == NULL)
	{
		errcontext("project \"%s\", %s, line %d, statement %d of %d",
				   at->project, at->file_name, line, at->number, at->count);
		return;
	}
	add_hint();
	errcontext("project \"%s\", revision \"%s\", file \"%s\", line %d, statement %d of %d",
			   at->project, at->revision, at->file_name, line, at->number,
			   at->count);
}

/* Run a statement that the planner planned. */
static void
run_planned(PlannedStmt *planned, const char *text)
{
	QueryDesc  *query = CreateQueryDesc(planned, text, GetActiveSnapshot(),
										InvalidSnapshot, None_Receiver, NULL,
										NULL, 0);

	ExecutorStart(query, 0);
	dbmig_executor_run(query);
	ExecutorFinish(query);
	ExecutorEnd(query);
	FreeQueryDesc(query);
}

/* Analyze, plan and run one statement.  Leaks into the current context. */
static void
run_statement(RawStmt *raw, const char *text)
{
	List	   *queries;
	List	   *plans;
	ListCell   *lc;

	/* rewriting may need a snapshot, and must see the statement before */
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	queries = pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0, NULL);
	plans = pg_plan_queries(queries, text, CURSOR_OPT_PARALLEL_OK, NULL);
	PopActiveSnapshot();

	foreach(lc, plans)
	{
		PlannedStmt *planned = lfirst_node(PlannedStmt, lc);

		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (planned->utilityStmt == NULL)
			run_planned(planned, text);
		else
			ProcessUtility(planned, text, false, PROCESS_UTILITY_QUERY, NULL,
						   NULL, None_Receiver, NULL);
		PopActiveSnapshot();
	}
}

/* Can this statement queue deferred trigger events? */
bool
dbmig_may_change_rows(const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
	{
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
		case T_SelectStmt:		/* functions, and WITH … INSERT */
		case T_CreateTableAsStmt:	/* functions as well */
		case T_CopyStmt:
		case T_DoStmt:
		case T_CallStmt:
		case T_ExecuteStmt:
		case T_ExplainStmt:
		case T_DeclareCursorStmt:
		case T_ConstraintsSetStmt:
			return true;
		default:
			return false;
	}
}

/* databrain_migrate.lock_timeout becomes lock_timeout while the script runs. */
static void
set_lock_timeout(void)
{
	if (dbmig_lock_timeout >= 0)
		(void) set_config_option("lock_timeout",
								 psprintf("%d", dbmig_lock_timeout),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
}

/*
 * Run a text statement by statement, in a memory context that is deleted at
 * the end.  Without a filter it is run to stay, else as
 * dbmig_execute_filtered() says.
 */
static int
execute(const char *project, const char *revision, const char *file_name,
		const char *text, DbmigStatementFilter filter, void *arg)
{
	MemoryContext script_context = AllocSetContextCreate(CurrentMemoryContext,
														 "dbmig script",
														 ALLOCSET_DEFAULT_SIZES);
	MemoryContext statement_context = AllocSetContextCreate(script_context,
															"dbmig statement",
															ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller_context = MemoryContextSwitchTo(script_context);
	ErrorContextCallback callback;
	DbmigPosition at = {
		.project = project,.revision = revision,.file_name = file_name
	};
	int			nestlevel = NewGUCNestLevel();
	bool		stays = filter == NULL;
	bool		rows_changed = false;
	char	   *clean;
	List	   *statements;
	ListCell   *lc;

	if (stays)
		set_lock_timeout();

	callback.callback = dbmig_script_error_callback;
	callback.arg = &at;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	statements = revision ? dbmig_script_parse(text, file_name, &clean) :
		dbmig_model_parse(text, file_name, &clean);
	at.text = clean;
	at.count = list_length(statements);
	if (stays && dbmig_lock_first)
		dbmig_take_tables(statements);
	if (stays)
		dbmig_watch_waits();

	foreach(lc, statements)
	{
		at.statement = lfirst(lc);
		at.number++;
		CHECK_FOR_INTERRUPTS();

		MemoryContextSwitchTo(statement_context);
		if (stays)
			dbmig_report_statement(&at);
		if (stays || filter(at.statement->raw->stmt, arg))
			run_statement(at.statement->raw, clean);
		rows_changed |= dbmig_may_change_rows(at.statement->raw);
		MemoryContextSwitchTo(script_context);
		MemoryContextReset(statement_context);
	}
	CommandCounterIncrement();

	/* false: also what a plain SET changed goes back */
	AtEOXact_GUC(false, nestlevel);

	/* as at the commit that a revision would be of its own */
	if (stays && rows_changed)
		dbmig_fire_deferred_constraints();

	if (stays)
		dbmig_unwatch_waits();
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(caller_context);
	MemoryContextDelete(script_context);
	return at.number;
}

/*
 * Run a script; returns how many statements it had.  Errors are the server's,
 * with context added.
 */
int
dbmig_execute_script(const char *project, const char *revision,
					 const char *file_name, const char *text)
{
	return execute(project, revision, file_name, text, NULL, NULL);
}

/*
 * Run a text statement by statement, those only that a filter lets pass, and
 * as it leaves them.  For texts whose effects do not stay: nothing is reported
 * as progress, and no lock_timeout of ours applies.  revision is NULL for a
 * model.  Returns how many statements the text has.
 */
int
dbmig_execute_filtered(const char *project, const char *revision,
					   const char *file_name, const char *text,
					   DbmigStatementFilter filter, void *arg)
{
	return execute(project, revision, file_name, text, filter, arg);
}
