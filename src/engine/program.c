/*-------------------------------------------------------------------------
 *
 * program.c
 *		Runs programs of the server's own installation: pg_dump and its kin.
 *
 * A program is executed directly, with its arguments as a vector: no shell
 * ever sees them.  It connects to this server through its Unix-domain socket,
 * as the session's user with the role that is current, and is told so by a
 * connection string, so that nothing in the server's environment can lead it
 * elsewhere.
 *
 * While it runs, the backend waits on its latch, so that it can be cancelled,
 * and looks once a second where the program's sessions are waiting.  They are
 * other sessions than ours: if one waits for a lock of ours, directly or
 * through others, both would wait for ever, and no deadlock detector would
 * know; if one waits for anybody else, that has a limit.
 *
 * However the wait ends, the program and whatever it started is gone when it
 * has ended.  It is the leader of a process group of its own for that, and its
 * end is seen to on ERROR and on FATAL.  If the backend is killed, the kernel
 * kills the program, where it knows how to.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/session.h"
#include "base/settings.h"
#include "commands/dbcommands.h"
#include "engine/engine.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port.h"
#include "postmaster/postmaster.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

/* So much of what a program says is kept. */
#define MAX_MESSAGES	16384

/* How long a program may take to end when it is told to, in ms. */
#define PATIENCE	5000

/* How often a program is looked at, in ms. */
#define LOOK_INTERVAL	1000

/* Limit on waiting for locks where no setting has one, in ms. */
#define DEFAULT_LOCK_WAIT	30000

/* A program that runs. */
typedef struct Running
{
	pid_t		pid;			/* 0: not yet, or no more */
	int			messages;		/* where what it says is read; -1: closed */
	int			output;			/* file it writes to, or -1 */
	StringInfoData text;		/* what it said */
	const char *doing;			/* for pg_stat_activity; NULL: nothing to show */
	TimestampTz looked;			/* when it was looked at last */
	TimestampTz blocked;		/* since when it waits for a lock; 0: it does not */
} Running;

/* The limit on waiting for a lock, in ms. */
int
dbmig_program_lock_wait(void)
{
	if (dbmig_lock_timeout > 0)
		return dbmig_lock_timeout;
	return LockTimeout > 0 ? LockTimeout : DEFAULT_LOCK_WAIT;
}

/* ---------------- what a program is given ---------------- */

/* By this name its sessions are known. */
static char *
application(void)
{
	return psprintf("databrain_migrate %d", MyProcPid);
}

/* Append a value of a connection string. */
static void
append_parameter(StringInfo string, const char *name, const char *value)
{
	appendStringInfo(string, "%s='", name);
	for (; *value; value++)
	{
		if (*value == '\'' || *value == '\\')
			appendStringInfoChar(string, '\\');
		appendStringInfoChar(string, *value);
	}
	appendStringInfoString(string, "' ");
}

/*
 * A connection string to a database of this server.  It holds an equals sign,
 * so no program takes it for the name of a database.
 */
char *
dbmig_connection_string(const char *database)
{
	StringInfoData string;
	List	   *directories;

	if (!SplitDirectoriesString(pstrdup(Unix_socket_directories), ',', &directories) ||
		directories == NIL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("server has no Unix-domain socket for programs to connect to"),
				errhint("Set unix_socket_directories."));

	initStringInfo(&string);
	append_parameter(&string, "host", linitial(directories));
	append_parameter(&string, "port", psprintf("%d", PostPortNumber));
	append_parameter(&string, "user", dbmig_session_role());
	append_parameter(&string, "dbname", database);
	return string.data;
}

/*
 * The server's environment without what would change where the program
 * connects to or what its sessions are like.  What it may authenticate with is
 * left alone.
 */
static char **
environment(void)
{
	static const char *const without[] = {
		"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSERVICE",
		"PGSERVICEFILE", "PGOPTIONS", "PGAPPNAME", "PGCONNECT_TIMEOUT",
		"PGCLIENTENCODING", "PGDATESTYLE", "PGTZ", "PGGEQO",
		"PGTARGETSESSIONATTRS", "PG_COLOR", "LC_ALL"
	};
	extern char **environ;
	int			count = 0;
	char	  **result;
	StringInfoData options;

	while (environ[count])
		count++;
	result = palloc(sizeof(char *) * (count + 5));
	count = 0;
	for (char **variable = environ; *variable; variable++)
	{
		size_t		length = strcspn(*variable, "=");
		bool		keep = true;

		for (int i = 0; i < (int) lengthof(without); i++)
			keep &= strlen(without[i]) != length ||
				strncmp(*variable, without[i], length) != 0;
		if (keep)
			result[count++] = *variable;
	}

	/* it works as the role that is current here */
	initStringInfo(&options);
	appendStringInfoString(&options, "PGOPTIONS=-c role=");
	for (const char *role = dbmig_current_role(); *role; role++)
	{
		if (isspace((unsigned char) *role) || *role == '\\')
			appendStringInfoChar(&options, '\\');
		appendStringInfoChar(&options, *role);
	}
	if (GetUserId() != GetSessionUserId())
		result[count++] = options.data;
	result[count++] = psprintf("PGAPPNAME=%s", application());
	result[count++] = psprintf("PGCONNECT_TIMEOUT=%d",
							   Max(dbmig_program_lock_wait() / 1000, 2));
	result[count++] = "LC_ALL=C";
	result[count] = NULL;
	return result;
}

static char **
argument_vector(const char *path, List *arguments)
{
	char	  **vector = palloc(sizeof(char *) * (list_length(arguments) + 2));
	int			n = 0;
	ListCell   *lc;

	vector[n++] = (char *) path;
	foreach(lc, arguments)
		vector[n++] = lfirst(lc);
	vector[n] = NULL;
	return vector;
}

/* ---------------- starting and stopping it ---------------- */

/* Close all descriptors but the standard ones. */
static void
close_descriptors(void)
{
	DIR		   *directory = opendir("/dev/fd");
	struct dirent *entry;

	if (directory == NULL)
		return;
	while ((entry = readdir(directory)) != NULL)
	{
		int			fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(directory))
			(void) close(fd);
	}
	(void) closedir(directory);
}

/*
 * In the new process: become the program.  All signals are blocked, and stay
 * so until none of the server's handlers is left.
 */
static void
become(const char *path, char **arguments, char **environment, int output,
	   int messages)
{
	int			input;
	sigset_t	none;
	const char *reason;

	(void) setsid();
#ifdef PR_SET_PDEATHSIG
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
	for (int i = 1; i < NSIG; i++)
	{
		struct sigaction action;

		/* what is ignored stays so, but for writing to a closed pipe */
		if (sigaction(i, NULL, &action) == 0 &&
			(action.sa_handler != SIG_IGN || i == SIGPIPE))
		{
			memset(&action, 0, sizeof(action));
			action.sa_handler = SIG_DFL;
			(void) sigaction(i, &action, NULL);
		}
	}

	input = open("/dev/null", O_RDONLY);
	if (input >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
		dup2(output, STDOUT_FILENO) >= 0 &&
		dup2(messages, STDERR_FILENO) >= 0)
	{
		close_descriptors();
		sigemptyset(&none);
		(void) sigprocmask(SIG_SETMASK, &none, NULL);
		(void) execve(path, arguments, environment);
	}
	reason = strerror(errno);
	if (write(STDERR_FILENO, reason, strlen(reason)) < 0)
		_exit(126);
	_exit(127);
}

/* Start a program; returns its process id, or -1 with errno set. */
static pid_t
spawn(const char *path, char **arguments, char **environment, int output,
	  int messages)
{
	sigset_t	all;
	sigset_t	old;
	pid_t		pid;
	int			save_errno;

	sigfillset(&all);
	(void) sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		become(path, arguments, environment, output, messages);
	save_errno = errno;
	(void) sigprocmask(SIG_SETMASK, &old, NULL);
	errno = save_errno;
	return pid;
}

/*
 * Wait for the end of a program and of all that it has started, without letting
 * an interrupt in, but keeping up with what all backends are waited for to do
 * (DROP DATABASE does that).
 */
static bool
ends_within(pid_t pid, int patience)
{
	bool		ended = false;

	for (int waited = 0; waited < patience; waited += 10)
	{
		ended = ended || waitpid(pid, NULL, WNOHANG) != 0;
		if (ended && kill(-pid, 0) != 0)
			return true;
		if (ProcSignalBarrierPending)
			ProcessProcSignalBarrier();
		pg_usleep(10000L);
	}
	return false;
}

/*
 * Stop a program and all that it has started.  The interrupt lets it cancel
 * what the server does for it.
 */
static void
stop(pid_t pid)
{
	(void) kill(-pid, SIGINT);
	if (ends_within(pid, PATIENCE))
		return;
	(void) kill(-pid, SIGKILL);
	(void) waitpid(pid, NULL, 0);
}

/* Leave nothing of a program; also when the process exits. */
static void
clean_up(int code, Datum arg)
{
	Running    *running = (Running *) DatumGetPointer(arg);

	if (running->pid > 0)
		stop(running->pid);
	running->pid = 0;
	if (running->messages >= 0)
	{
		(void) close(running->messages);
		ReleaseExternalFD();
	}
	running->messages = -1;
}

/* ---------------- looking after it ---------------- */

/* Read what the program has said; false at the end. */
static bool
read_messages(Running *running)
{
	char		buffer[4096];
	ssize_t		n;

	while ((n = read(running->messages, buffer, sizeof(buffer))) != 0)
	{
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return true;
		n = Min(n, MAX_MESSAGES - running->text.len);
		appendBinaryStringInfo(&running->text, buffer, n);
	}
	return false;
}

/* The sessions of the program, as a list of process ids. */
static List *
program_sessions(void)
{
	char	   *name = application();
	List	   *pids = NIL;
	int			count;

	pgstat_clear_backend_activity_snapshot();
	count = pgstat_fetch_stat_numbackends();
	for (int i = 1; i <= count; i++)
	{
		PgBackendStatus *status = &dbmig_backend_status(i)->backendStatus;

		if (status->st_appname && strcmp(status->st_appname, name) == 0 &&
			status->st_procpid != MyProcPid)
			pids = lappend_int(pids, status->st_procpid);
	}
	return pids;
}

static List *
add_blockers(List *pids, int pid)
{
	Datum		array = DirectFunctionCall1(pg_blocking_pids, Int32GetDatum(pid));
	Datum	   *elements;
	int			count;

	deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32), true,
					  TYPALIGN_INT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
		pids = list_append_unique_int(pids, DatumGetInt32(elements[i]));
	return pids;
}

/* The program has waited for locks long enough. */
static void
give_up(List *blockers)
{
	int		   *pids = palloc(sizeof(int) * list_length(blockers));
	int			count = 0;
	char	   *detail;
	ListCell   *lc;

	foreach(lc, blockers)
		pids[count++] = lfirst_int(lc);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	detail = dbmig_describe_processes(pids, count);
	ereport(ERROR,
			errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			errmsg("dump or restore waited for a lock for more than %d ms",
				   dbmig_program_lock_wait()),
			detail ? errdetail("%s", detail) : 0);
}

/* Raise an error if the program waits for us, or too long for others. */
static void
check_locks(Running *running)
{
	List	   *blockers = NIL;
	List	   *direct;
	ListCell   *lc;

	foreach(lc, program_sessions())
		blockers = add_blockers(blockers, lfirst_int(lc));
	if (blockers == NIL)
	{
		running->blocked = 0;
		return;
	}
	if (running->blocked == 0)
		running->blocked = running->looked;

	/* the list grows while it is walked */
	direct = list_copy(blockers);
	for (int i = 0; i < list_length(blockers); i++)
	{
		if (list_nth_int(blockers, i) == MyProcPid)
			ereport(ERROR,
					errcode(ERRCODE_T_R_DEADLOCK_DETECTED),
					errmsg("dump or restore waits for a lock of this transaction"),
					errdetail("It works in a session of its own, and would wait for ever."),
					errhint("Commit first, or do it at the start of a transaction."));
		blockers = add_blockers(blockers, list_nth_int(blockers, i));
	}
	if (TimestampDifferenceExceeds(running->blocked, running->looked,
								   dbmig_program_lock_wait()))
		give_up(direct);
}

/* Show how far the program is. */
static void
show(const Running *running)
{
	struct stat st;

	if (running->output >= 0 && fstat(running->output, &st) == 0)
		dbmig_report_program(psprintf("process %d %s, " INT64_FORMAT " bytes so far",
									  (int) running->pid, running->doing,
									  (int64) st.st_size));
	else
		dbmig_report_program(psprintf("process %d %s", (int) running->pid,
									  running->doing));
}

static void
look(Running *running)
{
	TimestampTz now = GetCurrentTimestamp();
	MemoryContext context;
	MemoryContext old;

	if (running->doing == NULL ||
		!TimestampDifferenceExceeds(running->looked, now, LOOK_INTERVAL))
		return;
	running->looked = now;
	context = AllocSetContextCreate(CurrentMemoryContext, "dbmig look",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	show(running);
	check_locks(running);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Wait for the program's end; returns its status as wait() gives it. */
static int
wait_for(Running *running)
{
	bool		more = true;
	int			status;

	for (;;)
	{
		pid_t		ended;

		if (more)
			more = read_messages(running);
		ended = waitpid(running->pid, &status, WNOHANG);
		if (ended == running->pid)
			break;
		if (ended < 0)
			ereport(ERROR,
					errcode_for_file_access(),
					errmsg("could not wait for process %d: %m", (int) running->pid));
		if (more)
			(void) WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE |
									 WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
									 running->messages, LOOK_INTERVAL,
									 PG_WAIT_EXTENSION);
		else
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
							 10, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		look(running);
	}

	/* whatever it started and left behind still holds the pipe */
	if (more && read_messages(running))
		(void) kill(-running->pid, SIGKILL);
	running->pid = 0;
	return status;
}

/*
 * Make the messages fit for the client: without the end of line, and with
 * nothing that is not text in the database's encoding.
 */
static void
tidy(StringInfo text)
{
	while (text->len > 0 && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	if (pg_verifymbstr(text->data, text->len, true))
		return;
	for (char *c = text->data; c < text->data + text->len; c++)
	{
		if (*c == '\0' || IS_HIGHBIT_SET(*c))
			*c = '?';
	}
}

/* Report a program that failed. */
static void
failed(const char *path, const char *messages, int status)
{
	ereport(ERROR,
			errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			errmsg("program \"%s\" failed", path),
			errdetail_internal("%s", messages[0] ? messages : wait_result_to_str(status)),
			strstr(messages, "connection to server ") == NULL ? 0 :
			errhint("The program connects as role \"%s\" through the server's Unix-domain socket, without asking for a password; pg_hba.conf has to let it in.",
					dbmig_session_role()));
}

/*
 * Run a program and wait for its end.  Its standard output goes to the
 * descriptor output, or, if that is -1, to where its messages go.  Returns
 * what it said; raises an error with that if it failed.  What it is doing is
 * shown in pg_stat_activity, unless that is NULL.
 */
char *
dbmig_run_program(const char *path, List *arguments, int output,
				  const char *doing)
{
	Running		running = {.messages = -1, .output = output, .doing = doing};
	char	  **vector = argument_vector(path, arguments);
	char	  **variables = environment();
	int			ends[2];
	int			status = 0;

	initStringInfo(&running.text);
	running.looked = GetCurrentTimestamp();
	if (!AcquireExternalFD())
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("could not create pipe: out of file descriptors"));
	if (pipe(ends) != 0)
	{
		int			save_errno = errno;

		ReleaseExternalFD();
		errno = save_errno;
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not create pipe: %m"));
	}
	running.messages = ends[0];

	PG_ENSURE_ERROR_CLEANUP(clean_up, PointerGetDatum(&running));
	{
		pid_t		pid;
		int			save_errno;

		pid = spawn(path, vector, variables, output >= 0 ? output : ends[1], ends[1]);
		save_errno = errno;
		(void) close(ends[1]);
		if (pid < 0)
		{
			errno = save_errno;
			ereport(ERROR,
					errcode(ERRCODE_INSUFFICIENT_RESOURCES),
					errmsg("could not start program \"%s\": %m", path));
		}
		running.pid = pid;
		if (!pg_set_noblock(ends[0]))
			elog(ERROR, "could not make a pipe non-blocking: %m");
		if (doing)
			show(&running);
		status = wait_for(&running);
	}
	PG_END_ENSURE_ERROR_CLEANUP(clean_up, PointerGetDatum(&running));
	clean_up(0, PointerGetDatum(&running));
	if (doing)
		dbmig_report_end();

	tidy(&running.text);
	if (status != 0)
		failed(path, running.text.data, status);
	return running.text.data;
}

/* A program to be run once an error has occurred, or the process exits. */
DbmigLastProgram *
dbmig_prepare_program(const char *path, List *arguments)
{
	DbmigLastProgram *program = palloc(sizeof(DbmigLastProgram));

	program->path = pstrdup(path);
	program->arguments = argument_vector(path, arguments);
	program->environment = environment();
	return program;
}

/*
 * Run a program without allocating, being interrupted or raising anything.
 * If it takes longer than so many ms, it is stopped.  What it says goes to the
 * server's log.
 */
void
dbmig_run_last_program(const DbmigLastProgram *program, int patience)
{
	pid_t		pid = spawn(program->path, program->arguments,
							program->environment, STDERR_FILENO, STDERR_FILENO);

	if (pid > 0 && !ends_within(pid, patience))
		stop(pid);
}

/* ---------------- finding it ---------------- */

/*
 * The path of a program beside the server's own.  Raises an error if it is not
 * there or is of another major version than the server.
 */
char *
dbmig_find_program(const char *name)
{
	char		directory[MAXPGPATH];
	char	   *path;
	char	   *said;
	const char *version;

	strlcpy(directory, my_exec_path, sizeof(directory));
	get_parent_directory(directory);
	path = psprintf("%s/%s", directory, name);
	if (access(path, X_OK) != 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_FILE),
				errmsg("could not find program \"%s\": %m", path),
				errhint("The programs used are those that lie beside the server's own."));

	said = dbmig_run_program(path, list_make1("--version"), -1, NULL);
	version = strstr(said, "(PostgreSQL) ");
	if (version == NULL ||
		atoi(version + strlen("(PostgreSQL) ")) != atoi(PG_MAJORVERSION))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("program \"%s\" is not of the server's major version %s",
					   path, PG_MAJORVERSION),
				errdetail("It says that it is: %s", said));
	return path;
}
