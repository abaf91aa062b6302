/*-------------------------------------------------------------------------
 *
 * door.c
 *		ALTER EXTENSION project UPDATE, done by the engine.
 *
 * The server's own script runner cannot serve a project: what it creates
 * becomes a member of the extension, and vanishes from pg_dump; and with both
 * directions on disk its shortest path may lead an upgrade through a
 * downgrade.  So an event trigger at the start of the command does the work,
 * and writes into the parse tree the version that the project is at then.  The
 * server finds that version installed already, says so, and does nothing.
 *
 * CREATE EXTENSION project VERSION 'x' becomes VERSION 'base' at its start;
 * what was wanted is remembered until its end, when the extension exists.  So
 * is a statement without VERSION: at its end it has created the extension.  The
 * memory is keyed by the statement and dies with its subtransaction: an item
 * of a failed command must not meet another one that reuses the address.
 *
 * A parse tree that is executed more than once comes to us as a copy made for
 * this execution (see readOnlyTree in ProcessUtility), so changing it is safe.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "commands/commands.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define ENGINE "databrain_migrate"

PG_FUNCTION_INFO_V1(dbmig_project_base);
PG_FUNCTION_INFO_V1(dbmig_ddl_command_start);
PG_FUNCTION_INFO_V1(dbmig_ddl_command_end);

/* A CREATE EXTENSION of a project under way; lives in CurTransactionContext. */
typedef struct Wanted
{
	const Node *statement;
	char	   *version;		/* NULL: as the state is */
	struct Wanted *next;
	MemoryContextCallback forget;
} Wanted;

static Wanted *wanted_versions = NULL;

/* Unlink an item; also called when its memory goes. */
static void
forget_wanted(void *arg)
{
	for (Wanted **link = &wanted_versions; *link; link = &(*link)->next)
	{
		if (*link == arg)
		{
			*link = ((Wanted *) arg)->next;
			return;
		}
	}
}

static void
remember_wanted(const Node *statement, const char *version)
{
	Wanted	   *item = MemoryContextAlloc(CurTransactionContext, sizeof(Wanted));

	item->statement = statement;
	item->version = version ?
		MemoryContextStrdup(CurTransactionContext, version) : NULL;
	item->next = wanted_versions;
	wanted_versions = item;
	item->forget.func = forget_wanted;
	item->forget.arg = item;
	MemoryContextRegisterResetCallback(CurTransactionContext, &item->forget);
}

/*
 * Was this statement remembered?  If so, *version is set to what it wanted, and
 * it is forgotten.
 */
static bool
recall_wanted(const Node *statement, char **version)
{
	for (Wanted *item = wanted_versions; item; item = item->next)
	{
		if (item->statement == statement)
		{
			*version = item->version ? pstrdup(item->version) : NULL;
			forget_wanted(item);
			return true;
		}
	}
	return false;
}

/* The VERSION or TO of a statement's options; NULL when it has none. */
static char *
get_version_option(List *options)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "new_version") == 0 && option->arg)
			return strVal(option->arg);
	}
	return NULL;
}

/*
 * Put a version into a statement, in the statement's own memory: ours is gone
 * before the server reads it.
 */
static void
set_version_option(void *statement, List **options, const char *version)
{
	MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(statement));
	Node	   *value = (Node *) makeString(pstrdup(version));
	ListCell   *lc;

	foreach(lc, *options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "new_version") == 0)
		{
			option->arg = value;
			break;
		}
	}
	if (lc == NULL)
		*options = lappend(*options, makeDefElem("new_version", value, -1));
	MemoryContextSwitchTo(old);
}

/* Does the engine itself have a script that leads to this version? */
static bool
engine_has_version(const char *version)
{
	char	   *directory = dbmig_project_directory(ENGINE);
	char	   *ending = psprintf("--%s.sql", version);
	char	   *default_version;
	bool		found;
	DIR		   *dir;
	struct dirent *file;

	found = dbmig_project_default_version(ENGINE, &default_version) &&
		default_version && strcmp(default_version, version) == 0;
	if (found || directory == NULL)
		return found;
	dir = AllocateDir(directory);
	while (!found && (file = ReadDir(dir, directory)) != NULL)
	{
		size_t		length = strlen(file->d_name);

		found = strncmp(file->d_name, ENGINE "--", strlen(ENGINE "--")) == 0 &&
			length > strlen(ending) &&
			strcmp(file->d_name + length - strlen(ending), ending) == 0;
	}
	FreeDir(dir);
	return found;
}

/* ALTER EXTENSION databrain_migrate UPDATE TO 'a revision' */
static void
check_engine_update(const AlterExtensionStmt *statement)
{
	char	   *version = get_version_option(statement->options);

	if (version == NULL || engine_has_version(version))
		return;
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("extension \"%s\" has no version \"%s\"", ENGINE, version),
			errdetail("The engine and the projects have versions of their own."),
			errhint("For a revision of a project: ALTER EXTENSION %s UPDATE TO %s, or SELECT * FROM dbm_upgrade(%s).",
					quote_identifier(dbmig_project_name(NULL)),
					quote_literal_cstr(version), quote_literal_cstr(version)));
}

/* ALTER EXTENSION project UPDATE: do it. */
static void
update_project(AlterExtensionStmt *statement)
{
	char	   *target = get_version_option(statement->options);
	Oid			extension;

	if (!dbmig_extension_is_managed(statement->extname, &extension))
		return;

	/* the server looks at the ownership only later */
	if (!dbmig_owns_extension(extension, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_EXTENSION, statement->extname);

	(void) dbmig_run(statement->extname, DBMIG_RUN_MOVE,
					 target ? target : "head", "ALTER EXTENSION");

	/* a revision may have dropped the extension, which the server then says */
	if (dbmig_extension_is_managed(statement->extname, &extension))
		set_version_option(statement, &statement->options,
						   dbmig_mirror_version(extension));
}

/* CREATE EXTENSION project: create it at base first. */
static void
create_project(CreateExtensionStmt *statement)
{
	char	   *version = get_version_option(statement->options);

	if (OidIsValid(get_extension_oid(statement->extname, true)) ||
		!dbmig_project_is_valid(statement->extname, NULL) ||
		!dbmig_project_is_available(statement->extname))
		return;
	if (version && strcmp(version, "base") == 0)
		version = NULL;
	remember_wanted((Node *) statement, version);
	if (version)
		set_version_option(statement, &statement->options, "base");
}

/* What an event trigger was called for; raises when called by anybody else. */
EventTriggerData *
dbmig_event_trigger_data(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("not called by event trigger manager"));
	return (EventTriggerData *) fcinfo->context;
}

/* Event trigger at ddl_command_start. */
Datum
dbmig_ddl_command_start(PG_FUNCTION_ARGS)
{
	Node	   *tree = dbmig_event_trigger_data(fcinfo)->parsetree;

	if (IsBinaryUpgrade)
		PG_RETURN_NULL();
	if (IsA(tree, AlterExtensionStmt))
	{
		AlterExtensionStmt *statement = (AlterExtensionStmt *) tree;

		if (strcmp(statement->extname, ENGINE) == 0)
			check_engine_update(statement);
		else
			update_project(statement);
	}
	else if (IsA(tree, CreateExtensionStmt))
		create_project((CreateExtensionStmt *) tree);
	PG_RETURN_NULL();
}

/*
 * Event trigger at ddl_command_end.  An extension that was created again finds
 * the state that an earlier one left, and shows it.  While a dump is restored
 * there is no state yet.  One that was there before, and IF NOT EXISTS, is left
 * alone: it needs no right to get here.
 */
Datum
dbmig_ddl_command_end(PG_FUNCTION_ARGS)
{
	Node	   *tree = dbmig_event_trigger_data(fcinfo)->parsetree;
	CreateExtensionStmt *statement;
	char	   *version;

	if (IsBinaryUpgrade || !IsA(tree, CreateExtensionStmt) ||
		!recall_wanted(tree, &version))
		PG_RETURN_NULL();
	statement = (CreateExtensionStmt *) tree;
	if (version)
		(void) dbmig_run(statement->extname, DBMIG_RUN_MOVE, version,
						 "CREATE EXTENSION");
	else if (dbmig_applied_list(statement->extname, NULL) != NIL)
	{
		dbmig_lock_project(statement->extname);
		dbmig_mirror_write(dbmig_project_load(statement->extname, NULL));
	}
	PG_RETURN_NULL();
}

/*
 * dbm_project_base(project), called by PROJECT--base.sql: having loaded the
 * library, and with it the guard, and looking at who may, is all it has to do.
 *
 * The server lets anybody create an extension that needs no superuser, since
 * its script can do only what its creator can.  But whoever owns a project's
 * extension can keep others from creating it, so that takes what a trusted
 * extension takes, or the right to run what it is for.
 */
Datum
dbmig_project_base(PG_FUNCTION_ARGS)
{
	char	   *project = dbmig_text_argument(fcinfo, 0, "project");

	dbmig_check_project(project);
	if (!creating_extension ||
		strcmp(project, get_extension_name(CurrentExtensionObject)) != 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("dbm_project_base() can only be called by the script \"%s--base.sql\"",
					   project));
	if (!dbmig_may_create_in_database(GetUserId()) && !dbmig_may_run(DBMIG_UPGRADE))
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to create extension \"%s\"", project),
				errhint("Must have EXECUTE privilege on function dbm_upgrade() or CREATE privilege on current database to create this extension."));
	PG_RETURN_VOID();
}
