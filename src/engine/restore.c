/*-------------------------------------------------------------------------
 *
 * restore.c
 *		Restores a dump into a database made for it, by psql or pg_restore.
 *
 * The dump is restored into a new database with a name of its own, which gets
 * the wanted name only when everything is there.  So a restore that fails
 * leaves nothing, and a database that is to be replaced stays as it is until
 * then; the two change their names in one transaction.
 *
 * All of it is done by programs in sessions of their own, since a database can
 * neither be created in a transaction nor be entered from another one.
 * Nothing here is undone when the calling transaction is rolled back.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/settings.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "engine/engine.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

/* How long dropping a half-restored database may take, in ms. */
#define PATIENCE	60000

/* What custom dumps and dumps of all databases begin with. */
#define CUSTOM_MAGIC	"PGDMP"
#define CLUSTER_COMMENT "-- PostgreSQL database cluster dump"

/* A restore under way. */
typedef struct Restore
{
	char	   *path;
	const char *name;			/* of the database that is wanted */
	char	   *interim;		/* its name until all is there */
	char	   *replaced;		/* and that of the one it replaces, afterwards */
	bool		custom;			/* the dump's format */
	char	   *psql;
	char	   *loader;			/* psql or pg_restore, as the format wants */
	DbmigLastProgram *drop;		/* drops what is half done */
} Restore;

static void
check_allowed(void)
{
	PreventCommandIfReadOnly("dbm_restore()");
	PreventCommandIfParallelMode("dbm_restore()");
	if (!has_privs_of_role(GetUserId(), ROLE_PG_EXECUTE_SERVER_PROGRAM) ||
		!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to restore"),
				errdetail("Only roles with privileges of the \"%s\" and \"%s\" roles may have the server run psql or pg_restore.",
						  "pg_execute_server_program", "pg_read_server_files"));
}

/*
 * Find the dump and see what it is.  One on record must still be what was
 * written; a file that is not, from another database for example, is taken as
 * it is.
 */
static char *
find_dump(const char *file, bool *custom)
{
	DbmigDump  *dump = dbmig_dump_find(file);
	char	   *path = dbmig_dump_file_path(file);
	char		buffer[256];
	struct stat st;
	int			fd;
	ssize_t		n;

	if (path == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("no directory for dumps is set"),
				errhint("A superuser can set databrain_migrate.dump_path to a directory of the server."));
	if (file[0] == '\0' || file[0] == '.' || first_dir_separator(file))
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid name of a dump: \"%s\"", file),
				errhint("It is the name of a file in databrain_migrate.dump_path, without a directory."));

	fd = OpenTransientFile(path, O_RDONLY | O_NONBLOCK | PG_BINARY);
	if (fd < 0 || fstat(fd, &st) != 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not open file \"%s\": %m", path));
	if (!S_ISREG(st.st_mode))
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not a regular file", path));
	n = read(fd, buffer, sizeof(buffer) - 1);
	if (n < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not read file \"%s\": %m", path));
	CloseTransientFile(fd);
	buffer[n] = '\0';
	*custom = strncmp(buffer, CUSTOM_MAGIC, strlen(CUSTOM_MAGIC)) == 0;

	if ((dump && dump->all_databases) || strstr(buffer, CLUSTER_COMMENT))
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is a dump of all databases", file),
				errhint("Restore it into a new cluster, with psql."));
	if (dump && strcmp(dbmig_dump_status(dump, true), "ok") != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("dump \"%s\" was changed after it was written", file),
				errdetail("Its size or its checksum is not the recorded one."),
				errhint("To restore it all the same, give the file another name."));
	return path;
}

/* May a database of this name come to be?  Is there one already? */
static bool
check_database(const char *name, bool replace)
{
	Oid			database;
	HeapTuple	tuple;
	bool		is_template;

	if (name[0] == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid name of a database: \"%s\"", name),
				errdetail("It must have 1 to %d bytes.", NAMEDATALEN - 1));
	database = get_database_oid(name, true);
	if (!OidIsValid(database))
		return false;
	if (database == MyDatabaseId)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("cannot restore into the current database"),
				errhint("Restore into a new database, or call dbm_restore() in another one."));
	if (!replace)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_DATABASE),
				errmsg("database \"%s\" already exists", name),
				errhint("With replace => true, it is replaced when the dump has been restored."));

	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	is_template = HeapTupleIsValid(tuple) &&
		((Form_pg_database) GETSTRUCT(tuple))->datistemplate;
	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (is_template)
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot replace template database \"%s\"", name));
	return true;
}

/*
 * The command that creates the new database, with the encoding and the locale
 * of this one: a dump does not say what it was.
 */
static char *
create_command(const char *name)
{
	/* columns have come and been renamed from release to release */
	static const char *const query =
		"SELECT pg_catalog.concat("
		"pg_catalog.format(' LC_COLLATE %L LC_CTYPE %L', d.datcollate, d.datctype), "
		"CASE WHEN d.datlocprovider OPERATOR(pg_catalog.=) 'i' "
		"THEN pg_catalog.format(' LOCALE_PROVIDER icu ICU_LOCALE %L', l.locale) "
		"WHEN d.datlocprovider OPERATOR(pg_catalog.=) 'b' "
		"THEN pg_catalog.format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', l.locale) "
		"ELSE ' LOCALE_PROVIDER libc' END, "
		"CASE WHEN l.rules IS NOT NULL THEN pg_catalog.format(' ICU_RULES %L', l.rules) END) "
		"FROM pg_catalog.pg_database d, "
		"LATERAL (SELECT pg_catalog.to_jsonb(d)) AS j (columns), "
		"LATERAL (SELECT COALESCE(j.columns OPERATOR(pg_catalog.->>) 'datlocale', "
		"j.columns OPERATOR(pg_catalog.->>) 'daticulocale'), "
		"j.columns OPERATOR(pg_catalog.->>) 'daticurules') AS l (locale, rules) "
		"WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()";
	MemoryContext context = CurrentMemoryContext;
	char	   *options;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(query, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the locale of the current database");
	options = MemoryContextStrdup(context,
								  SPI_getvalue(SPI_tuptable->vals[0],
											   SPI_tuptable->tupdesc, 1));
	SPI_finish();
	return psprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING %s%s",
					quote_identifier(name),
					quote_literal_cstr(GetDatabaseEncodingName()), options);
}

/* The arguments with which psql runs a command in the current database. */
static List *
command_arguments(const char *command)
{
	List	   *list = list_make3("--no-psqlrc", "--quiet", "--no-password");

	list = lappend(list, "--set=ON_ERROR_STOP=1");
	list = lappend(list, psprintf("--dbname=%s",
								  dbmig_connection_string(get_database_name(MyDatabaseId))));
	return lappend(list, psprintf("--command=%s", command));
}

/* Show what a program said that did not fail. */
static void
show_messages(const char *messages)
{
	if (messages[0])
		ereport(WARNING,
				errmsg("the program that restored had something to say"),
				errdetail_internal("%s", messages));
}

static void
run_command(const Restore *restore, const char *command, const char *doing)
{
	show_messages(dbmig_run_program(restore->psql, command_arguments(command), -1,
									doing));
}

/* Put the dump into the new database. */
static void
load_dump(const Restore *restore)
{
	char	   *connection = psprintf("--dbname=%s",
									  dbmig_connection_string(restore->interim));
	char	   *doing = psprintf("restores file \"%s\" for database \"%s\"",
								 restore->path, restore->name);
	List	   *arguments;
	int			null;

	if (restore->custom)
		arguments = list_make4("--no-password", "--exit-on-error", connection,
							   restore->path);
	else
	{
		arguments = list_make5("--no-psqlrc", "--quiet", "--no-password",
							   "--set=ON_ERROR_STOP=1", connection);
		arguments = lappend(arguments, psprintf("--file=%s", restore->path));
	}

	/* results of the dump's queries are of no interest */
	null = OpenTransientFile("/dev/null", O_WRONLY);
	if (null < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not open file \"%s\": %m", "/dev/null"));
	show_messages(dbmig_run_program(restore->loader, arguments, null, doing));
	CloseTransientFile(null);
}

/* Drop what is half done; also when the process exits. */
static void
abandon(int code, Datum arg)
{
	dbmig_run_last_program((DbmigLastProgram *) DatumGetPointer(arg), PATIENCE);
}

static void
run_restore(Restore *restore, bool exists)
{
	char	   *name = pstrdup(quote_identifier(restore->name));
	char	   *interim = pstrdup(quote_identifier(restore->interim));
	char	   *replaced = pstrdup(quote_identifier(restore->replaced));
	char	   *rename = psprintf("ALTER DATABASE %s RENAME TO %s", interim, name);

	PG_ENSURE_ERROR_CLEANUP(abandon, PointerGetDatum(restore->drop));
	{
		run_command(restore, create_command(restore->interim),
					psprintf("creates database \"%s\"", restore->name));
		load_dump(restore);
		if (exists)
			rename = psprintf("BEGIN; ALTER DATABASE %s RENAME TO %s; %s; COMMIT",
							  name, replaced, rename);
		run_command(restore, rename,
					psprintf("renames database \"%s\"", restore->name));
	}
	PG_END_ENSURE_ERROR_CLEANUP(abandon, PointerGetDatum(restore->drop));

	if (exists)
		run_command(restore, psprintf("DROP DATABASE %s", replaced),
					psprintf("drops the old database \"%s\"", restore->name));
}

/*
 * Create a database and restore a dump into it.  With replace, a database of
 * that name is replaced.  Returns the dump's path.
 */
char *
dbmig_restore(const char *file, const char *database, bool replace)
{
	Restore		restore = {.name = database};
	bool		exists;

	check_allowed();
	exists = check_database(database, replace);
	restore.path = find_dump(file, &restore.custom);
	restore.psql = dbmig_find_program("psql");
	restore.loader = restore.custom ? dbmig_find_program("pg_restore") : restore.psql;
	restore.interim = psprintf("databrain_migrate restore %d", MyProcPid);
	restore.replaced = psprintf("databrain_migrate replaced %d", MyProcPid);
	restore.drop =
		dbmig_prepare_program(restore.psql,
							  command_arguments(psprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)",
														 quote_identifier(restore.interim))));
	run_restore(&restore, exists);
	return restore.path;
}
