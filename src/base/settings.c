/*-------------------------------------------------------------------------
 *
 * settings.c
 *		The configuration parameters databrain_migrate.*.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "base/settings.h"
#include "catalog/pg_collation.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "regex/regex.h"
#include "utils/guc.h"
#include "utils/varlena.h"

char	   *dbmig_project_setting = NULL;
char	   *dbmig_versions_path = NULL;
char	   *dbmig_dump_path = NULL;
int			dbmig_lock_timeout = -1;
int			dbmig_concurrent_lock_timeout = 0;
int			dbmig_lock_retries = 0;
bool		dbmig_lock_first = false;
int			dbmig_step_snapshot = DBMIG_STEP_FINGERPRINT;
bool		dbmig_snapshot_each_step = false;
int			dbmig_drift_setting = DBMIG_DRIFT_LOG;
bool		dbmig_break_glass = false;

static const struct config_enum_entry step_snapshot_values[] = {
	{"off", DBMIG_STEP_NOTHING, false},
	{"fingerprint", DBMIG_STEP_FINGERPRINT, false},
	{"inventory", DBMIG_STEP_INVENTORY, false},
	{NULL, 0, false}
};

static const struct config_enum_entry drift_values[] = {
	{"off", DBMIG_DRIFT_OFF, false},
	{"log", DBMIG_DRIFT_LOG, false},
	{"warn", DBMIG_DRIFT_WARN, false},
	{"refuse", DBMIG_DRIFT_REFUSE, false},
	{NULL, 0, false}
};

char	   *dbmig_include = NULL;
char	   *dbmig_exclude = NULL;
static char *schemas = NULL;

/*
 * Refuse a pattern that is no regular expression.  Nothing that needs a
 * database may be asked here: the setting may stand in postgresql.conf.
 */
static bool
check_pattern(char **newval, void **extra, GucSource source)
{
	regex_t		regex;
	pg_wchar   *pattern;
	int			length;
	int			result;
	char		reason[100];

	if (*newval == NULL)
		return true;
	pattern = palloc((strlen(*newval) + 1) * sizeof(pg_wchar));
	length = pg_mb2wchar_with_len(*newval, pattern, strlen(*newval));
	result = pg_regcomp(&regex, pattern, length, REG_ADVANCED, C_COLLATION_OID);
	pfree(pattern);
	if (result == REG_OKAY)
	{
		pg_regfree(&regex);
		return true;
	}
	pg_regerror(result, &regex, reason, sizeof(reason));
	GUC_check_errcode(ERRCODE_INVALID_REGULAR_EXPRESSION);
	GUC_check_errdetail("Invalid regular expression: %s.", reason);
	return false;
}

/* Refuse what is no list of names. */
static bool
check_schemas(char **newval, void **extra, GucSource source)
{
	char	   *text = pstrdup(*newval);
	List	   *names;
	bool		valid = SplitIdentifierString(text, ',', &names);

	if (!valid)
		GUC_check_errdetail("List syntax is invalid.");
	list_free(names);
	pfree(text);
	return valid;
}

/* The schemas that are to be looked at, a list of String; NIL: no setting. */
List *
dbmig_schemas_setting(void)
{
	List	   *names;
	List	   *result = NIL;
	ListCell   *lc;

	(void) SplitIdentifierString(pstrdup(schemas), ',', &names);
	foreach(lc, names)
		result = lappend(result, makeString(lfirst(lc)));
	return result;
}

/*
 * Define the parameters.  check_project judges the default project's name; it
 * is handed in, since what a project may be called is known one layer up.
 */
void
dbmig_define_settings(GucStringCheckHook check_project)
{
	DefineCustomStringVariable("databrain_migrate.project",
							   "Sets the project that functions called without one work on.",
							   NULL,
							   &dbmig_project_setting,
							   "databrain",
							   PGC_USERSET, 0,
							   check_project, NULL, NULL);

	DefineCustomStringVariable("databrain_migrate.versions_path",
							   "Sets a directory of the server to read revision scripts from.",
							   "It is read besides the extension script directory and the registered scripts.  Empty: none.",
							   &dbmig_versions_path,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomStringVariable("databrain_migrate.dump_path",
							   "Sets the directory of the server that dumps are written to.",
							   "Empty: none are.",
							   &dbmig_dump_path,
							   "",
							   PGC_SUSET, 0,
							   NULL, NULL, NULL);

	DefineCustomIntVariable("databrain_migrate.lock_timeout",
							"Sets lock_timeout for the statements of a revision.",
							"-1 leaves lock_timeout as the session has it; 0 turns it off.",
							&dbmig_lock_timeout,
							-1, -1, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("databrain_migrate.concurrent_lock_timeout",
							"Sets lock_timeout for CREATE INDEX CONCURRENTLY and its kin.",
							"They wait for other transactions without blocking anybody, so a short time would only kill their work.  0 turns it off.",
							&dbmig_concurrent_lock_timeout,
							0, 0, INT_MAX,
							PGC_USERSET, GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("databrain_migrate.lock_retries",
							"Sets how often dbm_migrate tries a revision again that could not get a lock.",
							"It waits between the tries, longer each time.",
							&dbmig_lock_retries,
							0, 0, INT_MAX,
							PGC_USERSET, 0,
							NULL, NULL, NULL);

	DefineCustomBoolVariable("databrain_migrate.lock_first",
							 "Takes the tables that a revision names before its first statement, without queueing for them.",
							 "A revision that cannot have them at once fails, or is tried again by dbm_migrate, instead of making readers wait behind it.",
							 &dbmig_lock_first,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("databrain_migrate.step_snapshot",
							 "Sets what is kept of the schema when a run has reached its target.",
							 "A fingerprint tells later whether the schema is still the same; an inventory also what is different.",
							 &dbmig_step_snapshot,
							 DBMIG_STEP_FINGERPRINT, step_snapshot_values,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	DefineCustomEnumVariable("databrain_migrate.drift",
							 "Sets what happens to DDL on managed schemas that does not come from the engine.",
							 "It is recorded unless \"off\"; \"warn\" says so to the client, \"refuse\" raises an error.",
							 &dbmig_drift_setting,
							 DBMIG_DRIFT_LOG, drift_values,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomBoolVariable("databrain_migrate.break_glass",
							 "Lets DDL pass that databrain_migrate.drift would refuse.",
							 "It is recorded, and that it passed this way.",
							 &dbmig_break_glass,
							 false,
							 PGC_SUSET, 0,
							 NULL, NULL, NULL);

	DefineCustomStringVariable("databrain_migrate.schemas",
							   "Sets the schemas that are compared, checked and built in a sandbox.",
							   "A list separated by commas.  Empty: all but the system's and those of extensions.",
							   &schemas,
							   "",
							   PGC_SUSET, GUC_LIST_INPUT,
							   check_schemas, NULL, NULL);

	DefineCustomStringVariable("databrain_migrate.include",
							   "Sets a regular expression that the names of compared objects match.",
							   "What matches counts with all its parts.  Empty: all objects are compared.",
							   &dbmig_include,
							   "",
							   PGC_USERSET, 0,
							   check_pattern, NULL, NULL);

	DefineCustomStringVariable("databrain_migrate.exclude",
							   "Sets a regular expression for the names of objects that are not compared.",
							   "What matches is left out with all its parts.  Empty: nothing is.",
							   &dbmig_exclude,
							   "",
							   PGC_USERSET, 0,
							   check_pattern, NULL, NULL);

	DefineCustomBoolVariable("databrain_migrate.snapshot_each_step",
							 "Keeps what step_snapshot says after each step of a run, not only after the last.",
							 "Reading the schema again and again makes long runs slow.",
							 &dbmig_snapshot_each_step,
							 false,
							 PGC_USERSET, 0,
							 NULL, NULL, NULL);

	MarkGUCPrefixReserved("databrain_migrate");
}
