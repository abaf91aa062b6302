/*-------------------------------------------------------------------------
 *
 * worker.c
 *		Runs a revision that cannot run in a transaction, in a worker.
 *
 * CREATE INDEX CONCURRENTLY, VACUUM and their kin want to be top-level
 * commands of a session without a transaction block, which a procedure cannot
 * offer.  A dynamic background worker can: it connects as the caller, takes on
 * the caller's role and settings, and runs the script statement by statement,
 * each in a transaction of its own.  No preload and no configuration is
 * needed.
 *
 * How far it got is written to dbm.step in the last transaction of each
 * statement, so that a crash leaves the statement and its record either both
 * done or both not.  Before a statement that commits in between the attempt is
 * recorded; what it left that was attempted but not finished is cleared before
 * it is tried again (see leftover.c).
 *
 * Errors and notices come back as protocol messages through a queue in shared
 * memory, as from parallel workers.  The caller waits without a snapshot, or a
 * concurrent index build would wait for the caller.  If the caller fails or
 * exits, it stops the worker first and waits until it is gone, since it holds
 * the lock that says that nobody else runs this revision.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/hash.h"
#include "base/settings.h"
#include "catalog/pg_authid.h"
#include "engine/engine.h"
#include "libpq/pqformat.h"
#include "libpq/pqmq.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "parser/parser.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/ipc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/ps_status.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define LIBRARY			"databrain_migrate"
#define MAGIC			0xdb316a7e
#define QUEUE_SIZE		16384

/* Keys of the table of contents. */
#define KEY_ARGUMENTS	1
#define KEY_TEXTS		2
#define KEY_QUEUE		3

/* What the caller tells the worker, and hears from it. */
typedef struct Arguments
{
	Oid			database;
	Oid			session_user_id;
	Oid			role_id;		/* the current role; may be the same */
	int			finished;		/* statements that are done already */
	int			attempted;		/* the statement that was started last */
	/* set by the worker */
	bool		succeeded;
	int			statements;		/* in the whole script */
	int			error_line;
	int			nblockers;
	int			blockers[DBMIG_MAX_BLOCKERS];
} Arguments;

/*
 * The texts that follow: project, revision, direction, file name, script, and
 * then name and value of each setting; each ends with a zero byte.
 */
enum
{
	TEXT_PROJECT,
	TEXT_REVISION,
	TEXT_DIRECTION,
	TEXT_FILE_NAME,
	TEXT_SCRIPT,
	TEXT_COUNT
};

/* ---------------- the caller ---------------- */

static void
append_text(StringInfo texts, const char *text)
{
	appendBinaryStringInfo(texts, text, strlen(text) + 1);
}

/*
 * The settings that this session has and a new one of the same user in the
 * same database would not have.
 */
static void
append_settings(StringInfo texts)
{
	static const char *const skipped[] = {
		"role", "session_authorization", "client_encoding", "seed",
		"transaction_isolation", "transaction_read_only",
		"transaction_deferrable"
	};
	int			count;
	struct config_generic **settings = dbmig_all_settings(&count);

	for (int i = 0; i < count; i++)
	{
		const struct config_generic *setting = settings[i];
		const char *value;
		bool		skip = false;

		if (setting->source < PGC_S_CLIENT || setting->source == PGC_S_OVERRIDE ||
			(setting->context != PGC_USERSET && setting->context != PGC_SUSET))
			continue;
		for (int j = 0; j < (int) lengthof(skipped); j++)
			skip |= strcmp(setting->name, skipped[j]) == 0;
		if (skip)
			continue;
		value = GetConfigOption(setting->name, true, false);
		if (value == NULL)
			continue;
		append_text(texts, setting->name);
		append_text(texts, value);
	}
}

/* Before 17 a worker cannot start as a role that may not log in. */
static void
check_login(Oid role)
{
	HeapTuple	tuple;
	bool		can_login;

	if (!DBMIG_WORKER_NEEDS_LOGIN)
		return;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for role %u", role);
	can_login = ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	if (!can_login)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("role \"%s\" is not permitted to log in",
					   GetUserNameFromId(role, false)),
				errdetail("A revision that cannot run in a transaction is run by a background worker, which logs in as this role."),
				role == GetSessionUserId() ?
				errhint("Connect as a role that can log in, and use SET ROLE instead of SET SESSION AUTHORIZATION.") :
				errhint("Read the script and take it over with dbm_adopt(), or let the role log in."));
}

/* A worker, and where it is heard. */
typedef struct Connection
{
	BackgroundWorkerHandle *worker;
	shm_mq_handle *queue;
} Connection;

/*
 * Stop the worker and wait until it is gone.  Nobody listens any more, which
 * it must know, or it would wait for room in the queue to say good-bye.
 */
static void
stop_worker(int code, Datum arg)
{
	Connection *connection = (Connection *) DatumGetPointer(arg);

	shm_mq_detach(connection->queue);
	TerminateBackgroundWorker(connection->worker);
	HOLD_INTERRUPTS();
	(void) WaitForBackgroundWorkerShutdown(connection->worker);
	RESUME_INTERRUPTS();
}

/* Pass on a message of the worker: raise its error, repeat its notice. */
static void
handle_message(const void *data, Size length)
{
	StringInfoData message;
	ErrorData	error;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, data, length);
	switch (pq_getmsgbyte(&message))
	{
		case 'E':
		case 'N':
			pq_parse_errornotice(&message, &error);
			/* that the worker ends is no reason for this session to end */
			error.elevel = Min(error.elevel, ERROR);
			ThrowErrorData(&error);
			break;
		default:
			/* parameter changes and the like concern only a real client */
			break;
	}
	pfree(message.data);
}

/* Keep what the worker told about its failure besides the error. */
static void
note_failure(DbmigStepRun *run, const Arguments *arguments)
{
	if (arguments->error_line > 0)
		dbmig_note_error_line(arguments->error_line);
	run->nblockers = arguments->nblockers;
	memcpy(run->blockers, arguments->blockers, sizeof(run->blockers));
}

/* Listen to the worker until it is done; raises its error. */
static void
listen_to_worker(shm_mq_handle *queue, DbmigStepRun *run,
				 const Arguments *arguments)
{
	PG_TRY();
	{
		void	   *data;
		Size		length;

		/* until it has gone */
		while (shm_mq_receive(queue, &length, &data, false) == SHM_MQ_SUCCESS)
			handle_message(data, length);
	}
	PG_CATCH();
	{
		/* it has told where before it sent the error */
		note_failure(run, arguments);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static BackgroundWorkerHandle *
start_worker(const DbmigStepRun *run, dsm_segment *segment)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	snprintf(worker.bgw_name, BGW_MAXLEN, "databrain_migrate %s %s",
			 run->entry.project, run->entry.revision);
	snprintf(worker.bgw_type, BGW_MAXLEN, "databrain_migrate");
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	snprintf(worker.bgw_library_name, BGW_MAXLEN, LIBRARY);
	snprintf(worker.bgw_function_name, BGW_MAXLEN, "dbmig_worker_main");
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(segment));
	worker.bgw_notify_pid = MyProcPid;

	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("could not start a background worker for revision \"%s\" of project \"%s\"",
					   run->entry.revision, run->entry.project),
				errdetail("All worker slots are in use."),
				errhint("Try again later, or increase max_worker_processes."));
	return handle;
}

/*
 * Run the script of a step in a worker, from where it was left.  The caller
 * holds the step lock, and neither a snapshot nor any lock that the script
 * might want.  Errors of the worker are raised here; the line of the script is
 * noted as if they had happened here.
 */
void
dbmig_run_in_worker(DbmigStepRun *run, const DbmigUnfinished *begun)
{
	StringInfoData texts;
	shm_toc_estimator estimator;
	dsm_segment *segment;
	shm_toc    *toc;
	Arguments  *arguments;
	char	   *copy;
	shm_mq	   *queue;
	Connection	connection;
	Size		size;
	pid_t		pid;
	bool		succeeded;
	Oid			login;

	/* a script that may not return to the session's role gets another session */
	login = dbmig_may_change_role(run) ? GetSessionUserId() : GetUserId();
	check_login(login);

	initStringInfo(&texts);
	append_text(&texts, run->entry.project);
	append_text(&texts, run->entry.revision);
	append_text(&texts, run->entry.direction);
	append_text(&texts, run->file_name);
	append_text(&texts, run->text);
	append_settings(&texts);
	append_text(&texts, "");

	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(Arguments));
	shm_toc_estimate_chunk(&estimator, texts.len);
	shm_toc_estimate_chunk(&estimator, QUEUE_SIZE);
	shm_toc_estimate_keys(&estimator, 3);
	size = shm_toc_estimate(&estimator);
	segment = dsm_create(size, 0);
	toc = shm_toc_create(MAGIC, dsm_segment_address(segment), size);

	arguments = shm_toc_allocate(toc, sizeof(Arguments));
	memset(arguments, 0, sizeof(Arguments));
	arguments->database = MyDatabaseId;
	arguments->session_user_id = login;
	arguments->role_id = GetUserId();
	if (begun)
	{
		arguments->finished = begun->finished;
		arguments->attempted = begun->attempted;
	}
	shm_toc_insert(toc, KEY_ARGUMENTS, arguments);
	copy = shm_toc_allocate(toc, texts.len);
	memcpy(copy, texts.data, texts.len);
	shm_toc_insert(toc, KEY_TEXTS, copy);
	queue = shm_mq_create(shm_toc_allocate(toc, QUEUE_SIZE), QUEUE_SIZE);
	shm_toc_insert(toc, KEY_QUEUE, queue);
	shm_mq_set_receiver(queue, MyProc);
	connection.queue = shm_mq_attach(queue, segment, NULL);

	/* no snapshot of ours may keep a concurrent index build waiting */
	InvalidateCatalogSnapshot();
	Assert(!TransactionIdIsValid(MyProc->xmin));

	connection.worker = start_worker(run, segment);
	shm_mq_set_handle(connection.queue, connection.worker);
	PG_ENSURE_ERROR_CLEANUP(stop_worker, PointerGetDatum(&connection));
	{
		if (WaitForBackgroundWorkerStartup(connection.worker, &pid) == BGWH_STARTED)
			dbmig_report_worker(run, pid);
		listen_to_worker(connection.queue, run, arguments);
		(void) WaitForBackgroundWorkerShutdown(connection.worker);
	}
	PG_END_ENSURE_ERROR_CLEANUP(stop_worker, PointerGetDatum(&connection));

	run->entry.statements = arguments->statements;
	succeeded = arguments->succeeded;
	dsm_detach(segment);
	if (!succeeded)
		ereport(ERROR,
				errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("lost the background worker that ran revision \"%s\" of project \"%s\"",
					   run->entry.revision, run->entry.project),
				errhint("The server's log may tell why.  CALL dbm_migrate() again resumes at the statement that was not finished."));
}

/* ---------------- the worker ---------------- */

/* Take on what the caller's session has set, and then its role. */
static void
apply_settings(const char *texts, Oid role)
{
	StartTransactionCommand();
	while (*texts)
	{
		const char *name = texts;
		const char *value = name + strlen(name) + 1;

		texts = value + strlen(value) + 1;
		(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
								 GUC_ACTION_SET, true, WARNING, false);
	}
	if (role != GetSessionUserId())
		SetConfigOption("role", GetUserNameFromId(role, false), PGC_USERSET,
						PGC_S_SESSION);
	CommitTransactionCommand();
}

/*
 * Run one statement as a client's own, in transactions of its own; it may
 * commit in between.  Returns in the last of these transactions, and in the
 * context given, which has to outlive them.
 */
static void
run_at_top_level(RawStmt *raw, const char *text, MemoryContext context)
{
	CommandTag	tag = CreateCommandTag(raw->stmt);
	bool		snapshot_set = false;
	List	   *plans;
	Portal		portal;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();

	/* parse trees must survive the commits of the statement itself */
	MemoryContextSwitchTo(context);
	if (analyze_requires_snapshot(raw))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	plans = pg_plan_queries(pg_analyze_and_rewrite_fixedparams(raw, text, NULL, 0,
															   NULL),
							text, CURSOR_OPT_PARALLEL_OK, NULL);
	if (snapshot_set)
		PopActiveSnapshot();

	portal = CreatePortal("", true, true);
	portal->visible = false;
	PortalDefineQuery(portal, NULL, text, tag, plans, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	dbmig_portal_run(portal);
	PortalDrop(portal, false);
	MemoryContextSwitchTo(context);
	CommandCounterIncrement();
}

/* Clear what an earlier attempt at the statement left. */
static void
clear_leftovers(RawStmt *raw, MemoryContext context)
{
	List	   *commands;
	ListCell   *lc;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(context);
	commands = dbmig_clear_leftovers(raw);
	PopActiveSnapshot();
	CommitTransactionCommand();

	foreach(lc, commands)
	{
		const char *command = lfirst(lc);

		MemoryContextSwitchTo(context);
		run_at_top_level(linitial_node(RawStmt, raw_parser(command, RAW_PARSE_DEFAULT)),
						 command, context);
		CommitTransactionCommand();
	}
}

/*
 * Does the statement set a parameter for those after it?  So does the function
 * that pg_dump uses, called alone.
 */
static bool
sets_parameter(const RawStmt *raw)
{
	const SelectStmt *select = (const SelectStmt *) raw->stmt;
	const FuncCall *call;

	if (IsA(raw->stmt, VariableSetStmt))
		return true;
	if (!IsA(select, SelectStmt) || list_length(select->targetList) != 1 ||
		select->fromClause != NIL)
		return false;
	call = (const FuncCall *) linitial_node(ResTarget, select->targetList)->val;
	return call && IsA(call, FuncCall) &&
		strcmp(strVal(llast(call->funcname)), "set_config") == 0;
}

/* Does the statement itself wait for others, one lock after the other? */
static bool
is_concurrent(const RawStmt *raw)
{
	switch (nodeTag(raw->stmt))
	{
		case T_IndexStmt:
			return ((IndexStmt *) raw->stmt)->concurrent;
		case T_DropStmt:
			return ((DropStmt *) raw->stmt)->concurrent;
		case T_ReindexStmt:
		case T_VacuumStmt:
			return true;
		default:
			return false;
	}
}

/*
 * Set lock_timeout for a statement.  A concurrent command waits for
 * transactions and not in front of them, so a short time would only kill its
 * work.
 */
static void
set_lock_timeout(const RawStmt *raw, const char *usual)
{
	SetConfigOption("lock_timeout",
					is_concurrent(raw) ?
					psprintf("%d", dbmig_concurrent_lock_timeout) : usual,
					PGC_USERSET, PGC_S_SESSION);
}

/*
 * The checksum of some statements and one more: a chain, so that each is read
 * once.  In a transaction.
 */
static char *
add_to_checksum(const char *checksum, const char *text,
				const DbmigStatement *statement, const char *file_name)
{
	char	   *part = pnstrdup(text + statement->start, statement->length);
	char	   *own = dbmig_script_checksum(part, file_name);
	char	   *both = psprintf("%s %s", checksum, own);
	char	   *result = dbmig_hash(both, strlen(both));

	pfree(part);
	pfree(own);
	pfree(both);
	return result;
}

/* The checksum of the first statements of a script; in a transaction. */
static char *
checksum_of(const char *text, const List *statements, int count,
			const char *file_name)
{
	char	   *checksum = pstrdup("");

	for (int i = 0; i < count; i++)
	{
		char	   *before = checksum;

		CHECK_FOR_INTERRUPTS();
		checksum = add_to_checksum(before, text, list_nth(statements, i), file_name);
		pfree(before);
	}
	return checksum;
}

/*
 * Raise if the statements of a script that are done are not the ones that the
 * script has now.
 */
void
dbmig_check_unfinished(const DbmigStepRun *run, const DbmigUnfinished *begun)
{
	char	   *clean;
	List	   *statements = dbmig_script_parse(run->text, run->file_name, &clean);

	if (strcmp(begun->direction, run->entry.direction) == 0 &&
		begun->finished <= list_length(statements) &&
		strcmp(begun->checksum,
			   checksum_of(clean, statements, begun->finished,
						   run->file_name)) == 0)
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("script of revision \"%s\" of project \"%s\" was changed after %d of its statements ran",
				   run->entry.revision, run->entry.project, begun->finished),
			errdetail("An earlier %s to it stopped there.", begun->direction),
			errhint("Restore these statements.  If you completed or undid the rest by hand, say so with dbm_stamp()."));
}

/* A script being run. */
typedef struct Script
{
	DbmigPosition at;
	DbmigUnfinished row;		/* how far it got */
	char	   *usual_timeout;	/* lock_timeout: the setting's, the caller's, or
								 * what the script sets */
	MemoryContext context;		/* of the script */
	MemoryContext statement_context;
} Script;

/* Note that a statement which may leave something behind is about to start. */
static void
note_attempt(Script *script, RawStmt *raw)
{
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	/* what is there before an attempt is none of its leftovers */
	if (dbmig_find_leftovers(raw) == NIL)
		script->row.attempted = script->at.number;
	PopActiveSnapshot();
	dbmig_unfinished_put(script->at.project, &script->row);
	CommitTransactionCommand();
}

/*
 * Run a statement that is not done yet, and note that it is.  attempted: it was
 * started before.
 */
static void
run_next(Script *script, bool attempted)
{
	const DbmigStatement *statement = script->at.statement;
	DbmigUnfinished *row = &script->row;
	char	   *before = row->checksum;

	if (attempted)
		clear_leftovers(statement->raw, script->statement_context);
	else if (dbmig_may_leave(statement->raw))
		note_attempt(script, statement->raw);

	MemoryContextSwitchTo(script->statement_context);
	run_at_top_level(statement->raw, script->at.text, script->statement_context);
	row->finished = row->attempted = script->at.number;
	MemoryContextSwitchTo(script->context);
	row->checksum = add_to_checksum(before, script->at.text, statement,
									script->at.file_name);
	pfree(before);
	dbmig_unfinished_put(script->at.project, row);
	CommitTransactionCommand();
}

/* Run a statement that sets a parameter, and is done, for those after it. */
static void
run_again(Script *script)
{
	run_at_top_level(script->at.statement->raw, script->at.text,
					 script->statement_context);
	CommitTransactionCommand();
}

/* Read the script; returns its statements. */
static List *
read_script(Script *script, const Arguments *arguments, const char *text)
{
	List	   *statements;
	char	   *clean;

	script->usual_timeout = dbmig_lock_timeout >= 0 ?
		psprintf("%d", dbmig_lock_timeout) :
		pstrdup(GetConfigOption("lock_timeout", false, false));
	StartTransactionCommand();
	MemoryContextSwitchTo(script->context);
	statements = dbmig_script_parse(text, script->at.file_name, &clean);
	script->row.finished = arguments->finished;
	script->row.attempted = arguments->attempted;
	script->row.checksum = checksum_of(clean, statements, arguments->finished,
									   script->at.file_name);
	CommitTransactionCommand();
	MemoryContextSwitchTo(script->context);
	script->at.text = clean;
	script->at.count = list_length(statements);
	return statements;
}

/* Run the script from where it was left. */
static void
run_script(Arguments *arguments, char **texts)
{
	Script		script = {
		.at = {
			.project = texts[TEXT_PROJECT],.revision = texts[TEXT_REVISION],
			.file_name = texts[TEXT_FILE_NAME]
		},
		.row = {
			.revision = texts[TEXT_REVISION],.direction = texts[TEXT_DIRECTION]
		}
	};
	DbmigPosition *at = &script.at;
	ErrorContextCallback callback;
	List	   *statements;
	ListCell   *lc;

	script.context = AllocSetContextCreate(TopMemoryContext, "dbmig worker script",
										   ALLOCSET_DEFAULT_SIZES);
	script.statement_context = AllocSetContextCreate(script.context,
													 "dbmig worker statement",
													 ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(script.context);
	callback.callback = dbmig_script_error_callback;
	callback.arg = at;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	statements = read_script(&script, arguments, texts[TEXT_SCRIPT]);
	arguments->statements = at->count;
	foreach(lc, statements)
	{
		RawStmt    *raw;
		bool		done = at->number < arguments->finished;

		at->statement = lfirst(lc);
		at->number++;
		raw = at->statement->raw;
		CHECK_FOR_INTERRUPTS();

		/* a setting made by a finished statement is gone with its session */
		if (done && !sets_parameter(raw))
			continue;

		dbmig_report_statement(at);
		MemoryContextSwitchTo(script.statement_context);
		set_lock_timeout(raw, script.usual_timeout);
		dbmig_watch_waits();
		if (done)
			run_again(&script);
		else
			run_next(&script, arguments->attempted == at->number);
		if (sets_parameter(raw))
			script.usual_timeout = MemoryContextStrdup(script.context,
													   GetConfigOption("lock_timeout",
																	   false, false));
		MemoryContextSwitchTo(script.context);
		MemoryContextReset(script.statement_context);
		pgstat_report_stat(true);
	}
	error_context_stack = callback.previous;
}

/* Entry point of the worker. */
void
dbmig_worker_main(Datum arg)
{
	dsm_segment *segment;
	shm_toc    *toc;
	Arguments  *arguments;
	char	   *texts[TEXT_COUNT];
	char	   *next;
	shm_mq	   *queue;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();

	CurrentResourceOwner = ResourceOwnerCreate(NULL, "dbmig worker");
	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("could not map dynamic shared memory segment"));
	toc = shm_toc_attach(MAGIC, dsm_segment_address(segment));
	if (toc == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("bad magic number in dynamic shared memory segment"));
	arguments = shm_toc_lookup(toc, KEY_ARGUMENTS, false);
	next = shm_toc_lookup(toc, KEY_TEXTS, false);
	for (int i = 0; i < TEXT_COUNT; i++)
	{
		texts[i] = next;
		next += strlen(next) + 1;
	}
	queue = shm_toc_lookup(toc, KEY_QUEUE, false);
	shm_mq_set_sender(queue, MyProc);
	pq_redirect_to_shm_mq(segment, shm_mq_attach(queue, segment, NULL));
	dsm_pin_mapping(segment);

	BackgroundWorkerInitializeConnectionByOid(arguments->database,
											  arguments->session_user_id,
											  DBMIG_WORKER_CONNECTION_FLAGS);
	(void) SetClientEncoding(GetDatabaseEncoding());
	pgstat_report_activity(STATE_RUNNING, NULL);
	apply_settings(next, arguments->role_id);

	/* whatever the script calls, it may not start another migration */
	dbmig_enter_run("CALL dbm_migrate()");
	PG_TRY();
	{
		run_script(arguments, texts);
	}
	PG_CATCH();
	{
		/* the context callbacks, which know the line, have been run */
		arguments->error_line = dbmig_take_error_line();
		arguments->nblockers = dbmig_find_blockers(arguments->blockers,
												   DBMIG_MAX_BLOCKERS);
		PG_RE_THROW();
	}
	PG_END_TRY();
	arguments->succeeded = true;
	proc_exit(0);
}
