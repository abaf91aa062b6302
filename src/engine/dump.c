/*-------------------------------------------------------------------------
 *
 * dump.c
 *		Writes dumps with the server's own pg_dump and pg_dumpall.
 *
 * pg_dump works at the snapshot of the calling transaction, so the dump shows
 * exactly the revisions that its name says.  But it is another session: it
 * neither sees what this transaction has changed nor can it pass the locks
 * that this transaction holds.  The first is said in a WARNING; exclusive
 * locks are refused before anything is started, and program.c watches for
 * the rest.
 *
 * A dump is written under a temporary name, .NAME.part, into a file that we
 * create and pg_dump only inherits.  When it is complete it is flushed and
 * gets its own name, and then its row in dbm.dump.  If anything fails before
 * that row is written, no file is left; after that the file stays, even if the
 * transaction is rolled back.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "base/hash.h"
#include "base/session.h"
#include "base/settings.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* A dump holds everybody's data, and pg_dumpall's the roles' passwords. */
#define FILE_MODE	(S_IRUSR | S_IWUSR)

/* So much of a file's name may be taken by its parts. */
#define MAX_DATABASE_PART	80
#define MAX_HEADS_PART		100

/* ---------------- where dumps are ---------------- */

/* The path of a file in databrain_migrate.dump_path; NULL if that is not set. */
char *
dbmig_dump_file_path(const char *file)
{
	char	   *directory;

	if (dbmig_dump_path == NULL || dbmig_dump_path[0] == '\0')
		return NULL;
	directory = pstrdup(dbmig_dump_path);
	canonicalize_path(directory);
	return psprintf("%s/%s", directory, file);
}

/* Raise an error unless there is a directory for dumps. */
static void
check_directory(void)
{
	struct stat st;

	if (dbmig_dump_path == NULL || dbmig_dump_path[0] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("no directory for dumps is set"),
				errhint("A superuser can set databrain_migrate.dump_path to a directory of the server."));
	if (!is_absolute_path(dbmig_dump_path))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("databrain_migrate.dump_path is not an absolute path: \"%s\"",
					   dbmig_dump_path));
	if (stat(dbmig_dump_path, &st) != 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not access directory \"%s\": %m", dbmig_dump_path));
	if (!S_ISDIR(st.st_mode))
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a directory", dbmig_dump_path));
}

/*
 * The SHA-256 of an open file, from where it stands to its end, in hex; and how
 * many bytes that were.
 */
static char *
hash_file(int fd, const char *path, int64 *size)
{
	pg_cryptohash_ctx *hash = dbmig_hash_begin();
	char	   *buffer = palloc(65536);
	ssize_t		n;

	*size = 0;
	while ((n = read(fd, buffer, 65536)) > 0)
	{
		CHECK_FOR_INTERRUPTS();
		dbmig_hash_bytes(hash, buffer, n);
		*size += n;
	}
	if (n < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not read file \"%s\": %m", path));
	pfree(buffer);
	return dbmig_hash_end(hash);
}

/*
 * What has become of a dump: "ok", "missing", "changed", or "unknown" if the
 * server may not look.  Without verify, only the size tells.
 */
const char *
dbmig_dump_status(const DbmigDump *dump, bool verify)
{
	char	   *path = dbmig_dump_file_path(dump->file);
	struct stat st;
	int			fd;
	int64		size;
	bool		same;

	if (path == NULL)
		return "unknown";
	if (stat(path, &st) != 0)
		return errno == ENOENT || errno == ENOTDIR ? "missing" : "unknown";
	if (!S_ISREG(st.st_mode) || st.st_size != dump->size)
		return "changed";
	if (!verify)
		return "ok";

	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0)
		return errno == ENOENT ? "missing" : "unknown";
	same = strcmp(hash_file(fd, path, &size), dump->sha256) == 0;
	CloseTransientFile(fd);
	return same ? "ok" : "changed";
}

/* ---------------- what is refused ---------------- */

static void
check_allowed(const DbmigDump *dump)
{
	PreventCommandIfReadOnly("dbm_dump()");
	PreventCommandIfParallelMode("dbm_dump()");
	if (!has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM) ||
		!has_privs_of_role(GetUserId(), ROLE_PG_WRITE_SERVER_FILES))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to dump"),
				errdetail("Only roles with privileges of the \"%s\" and \"%s\" roles may have the server run pg_dump.",
						  "pg_execute_server_program", "pg_write_server_files"));
	if (strcmp(dump->format, "plain") != 0 && strcmp(dump->format, "custom") != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unknown dump format \"%s\"", dump->format),
				errhint("Formats are \"plain\" and \"custom\"."));
	if (dump->all_databases &&
		(dump->nschemas > 0 || strcmp(dump->format, "plain") != 0))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a dump of all databases is always plain, and of all schemas"));
	for (int i = 0; i < dump->nschemas; i++)
		(void) get_namespace_oid(dump->schemas[i], false);
	if (IsSubTransaction())
		ereport(ERROR,
				errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("cannot dump in a subtransaction"),
				errdetail("Its snapshot cannot be exported."),
				errhint("Call dbm_dump() outside of savepoints and of PL/pgSQL blocks with EXCEPTION."));
}

/*
 * How well a relation tells somebody what is locked: what has been dropped has
 * no name, and names of indexes and TOAST tables say little.
 */
static int
telling(Oid relation)
{
	switch (get_rel_relkind(relation))
	{
		case RELKIND_INDEX:
		case RELKIND_PARTITIONED_INDEX:
		case RELKIND_TOASTVALUE:
			return get_rel_namespace(relation) == PG_TOAST_NAMESPACE ? 1 : 2;
		case '\0':
			return 3;
		default:
			return 4;
	}
}

/*
 * Raise an error if the transaction holds a lock that pg_dump is bound to wait
 * for.  It only reads, so these are the strongest ones; other sessions'
 * temporary tables it leaves alone.  Locks come in no order, so the error names
 * the relation that tells most, and of several the oldest.
 */
static void
check_own_locks(void)
{
	LockData   *locks = GetLockStatusData();
	Oid			found = InvalidOid;
	char	   *name;

	for (int i = 0; i < locks->nelements; i++)
	{
		const LockInstanceData *lock = &locks->locks[i];
		Oid			relation = lock->locktag.locktag_field2;
		int			order;

		CHECK_FOR_INTERRUPTS();
		if (lock->pid != MyProcPid ||
			lock->locktag.locktag_type != LOCKTAG_RELATION ||
			(lock->holdMask & LOCKBIT_ON(AccessExclusiveLock)) == 0 ||
			(get_rel_name(relation) != NULL &&
			 get_rel_persistence(relation) == RELPERSISTENCE_TEMP))
			continue;
		order = telling(relation) - (OidIsValid(found) ? telling(found) : 0);
		if (order > 0 || (order == 0 && relation < found))
			found = relation;
	}
	if (!OidIsValid(found))
		return;
	name = get_rel_name(found);
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("cannot dump in a transaction that holds an exclusive lock on a relation"),
			name ? errdetail("It holds one on \"%s\".  pg_dump would wait for it for ever.", name) :
			errdetail("It has dropped the relation with OID %u.  pg_dump would wait for it for ever.",
					  found),
			errhint("Dump before the transaction changes the schema, or commit first."));
}

/* ---------------- names ---------------- */

/*
 * Append a text as a part of a file's name: whatever is not a letter, a digit
 * or one of _ - . , in ASCII is written as %XX.  Cut if it gets too long.
 */
static void
append_part(StringInfo name, const char *text, int max)
{
	max += name->len;
	for (; *text && name->len + 3 <= max; text++)
	{
		unsigned char c = *text;

		/* a name may not begin with a dot: that hides it */
		if ((c < 128 && isalnum(c)) || strchr("_-,", c) ||
			(c == '.' && name->len > 0))
			appendStringInfoChar(name, c);
		else
			appendStringInfo(name, "%%%02X", c);
	}
}

/* DATABASE--HEADS--TIME, and what it is. */
static char *
file_name(const DbmigDump *dump, const char *heads)
{
	StringInfoData name;
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(dump->dumped_at, NULL, &tm, &fsec, NULL, NULL) != 0)
		elog(ERROR, "timestamp out of range");
	initStringInfo(&name);
	append_part(&name, dump->database, MAX_DATABASE_PART);
	appendStringInfoString(&name, "--");
	append_part(&name, heads, MAX_HEADS_PART);
	appendStringInfo(&name, "--%04d%02d%02dT%02d%02d%02d.%06dZ",
					 tm.tm_year, tm.tm_mon, tm.tm_mday,
					 tm.tm_hour, tm.tm_min, tm.tm_sec, (int) fsec);
	appendStringInfoString(&name, dump->all_databases ? ".all.sql" :
						   strcmp(dump->format, "custom") == 0 ? ".dump" : ".sql");
	return name.data;
}

/* ---------------- the dump ---------------- */

/*
 * The arguments of pg_dump or pg_dumpall.  Schemas are patterns to it, of
 * which a quoted name matches itself alone.
 */
static List *
arguments(const DbmigDump *dump, const char *snapshot)
{
	List	   *list = NIL;
	char	   *connection = dbmig_connection_string(dump->database);

	list = lappend(list, "--no-password");
	list = lappend(list, psprintf("--lock-wait-timeout=%d", dbmig_program_lock_wait()));
	list = lappend(list, psprintf("--dbname=%s", connection));
	if (!dump->data)
		list = lappend(list, "--schema-only");
	if (dump->all_databases)
		return lappend(list, psprintf("--database=%s", connection));

	list = lappend(list, psprintf("--format=%s", dump->format));
	list = lappend(list, psprintf("--snapshot=%s", snapshot));
	if (dump->nschemas > 0)
		list = lappend(list, "--strict-names");
	for (int i = 0; i < dump->nschemas; i++)
	{
		StringInfoData argument;

		initStringInfo(&argument);
		appendStringInfoString(&argument, "--schema=\"");
		for (const char *c = dump->schemas[i]; *c; c++)
		{
			if (*c == '"')
				appendStringInfoChar(&argument, '"');
			appendStringInfoChar(&argument, *c);
		}
		appendStringInfoChar(&argument, '"');
		list = lappend(list, argument.data);
	}
	return list;
}

/* A file on its way. */
typedef struct Draft
{
	char	   *path;
	char	   *temporary;
	char	   *exists;			/* the one of them that is there, or NULL */
} Draft;

/* Leave no file behind; also when the process exits. */
static void
withdraw(int code, Datum arg)
{
	Draft	   *draft = (Draft *) DatumGetPointer(arg);

	if (draft->exists)
		(void) unlink(draft->exists);
	draft->exists = NULL;
}

/* Write the file, and make it appear when it is complete. */
static void
write_file(DbmigDump *dump, Draft *draft, const char *program)
{
	char	   *snapshot = dump->all_databases ? NULL :
		ExportSnapshot(GetActiveSnapshot());
	int			fd;
	char	   *messages;

	fd = OpenTransientFilePerm(draft->temporary,
							   O_CREAT | O_EXCL | O_RDWR | PG_BINARY, FILE_MODE);
	if (fd < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not create file \"%s\": %m", draft->temporary));
	draft->exists = draft->temporary;

	messages = dbmig_run_program(program, arguments(dump, snapshot), fd,
								 psprintf("dumps into file \"%s\"", dump->file));
	if (messages[0])
		ereport(WARNING,
				errmsg("the program that dumped had something to say"),
				errdetail_internal("%s", messages));
	if (lseek(fd, 0, SEEK_SET) < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not seek in file \"%s\": %m", draft->temporary));
	dump->sha256 = hash_file(fd, draft->temporary, &dump->size);
	if (CloseTransientFile(fd) != 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not close file \"%s\": %m", draft->temporary));

	(void) durable_rename(draft->temporary, draft->path, ERROR);
	draft->exists = draft->path;
}

/*
 * Write a dump and put it on record.  The caller has filled in project, format,
 * schemas, data and all_databases, and has an active snapshot; the rest is
 * filled in here, in the current memory context.
 */
void
dbmig_dump(DbmigDump *dump)
{
	DbmigProject *project;
	Draft		draft = {0};
	char	   *program;
	bool		changed = TransactionIdIsValid(GetTopTransactionIdIfAny());

	check_allowed(dump);
	check_directory();
	check_own_locks();
	program = dbmig_find_program(dump->all_databases ? "pg_dumpall" : "pg_dump");
	if (changed)
		ereport(WARNING,
				errmsg("the dump will not contain what this transaction has changed so far"));

	project = dbmig_project_load_state(dump->project, GetActiveSnapshot());
	dump->heads = dbmig_current_heads(project, &dump->nheads);
	dump->database = get_database_name(MyDatabaseId);
	dump->dumped_by = dbmig_current_role();
	dump->dumped_at = GetCurrentTimestamp();
	dump->file = file_name(dump, dbmig_heads_text(project));
	draft.path = dbmig_dump_file_path(dump->file);
	draft.temporary = dbmig_dump_file_path(psprintf(".%s.part", dump->file));

	PG_ENSURE_ERROR_CLEANUP(withdraw, PointerGetDatum(&draft));
	{
		write_file(dump, &draft, program);
		dump->elapsed = GetCurrentTimestamp() - dump->dumped_at;
		dbmig_dump_insert(dump);
	}
	PG_END_ENSURE_ERROR_CLEANUP(withdraw, PointerGetDatum(&draft));
}

/* Dump the database before a project is migrated, as it is now. */
void
dbmig_dump_before(const char *project)
{
	DbmigDump	dump = {
		.project = pstrdup(project),
		.format = "custom",
		.data = true
	};

	PushActiveSnapshot(GetTransactionSnapshot());
	dbmig_dump(&dump);
	PopActiveSnapshot();
	ereport(NOTICE,
			errmsg("dumped database \"%s\" into \"%s\"", dump.database,
				   dbmig_dump_file_path(dump.file)));
}
