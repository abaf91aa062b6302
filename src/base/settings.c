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
#include "utils/guc.h"

char	   *dbmig_project_setting = NULL;
char	   *dbmig_versions_path = NULL;
char	   *dbmig_dump_path = NULL;
int			dbmig_lock_timeout = -1;
int			dbmig_concurrent_lock_timeout = 0;
int			dbmig_lock_retries = 0;
bool		dbmig_lock_first = false;
int			dbmig_step_snapshot = DBMIG_STEP_FINGERPRINT;
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

	MarkGUCPrefixReserved("databrain_migrate");
}
