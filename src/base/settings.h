/*-------------------------------------------------------------------------
 *
 * settings.h
 *		The configuration parameters databrain_migrate.*.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_SETTINGS_H
#define DBMIG_SETTINGS_H

#include "nodes/pg_list.h"
#include "utils/guc.h"

/* What is kept of the schema when a run has reached its target. */
typedef enum DbmigStepSnapshot
{
	DBMIG_STEP_NOTHING,
	DBMIG_STEP_FINGERPRINT,
	DBMIG_STEP_INVENTORY
} DbmigStepSnapshot;

/* What happens to DDL that does not come from the engine. */
typedef enum DbmigDriftSetting
{
	DBMIG_DRIFT_OFF,
	DBMIG_DRIFT_LOG,
	DBMIG_DRIFT_WARN,
	DBMIG_DRIFT_REFUSE
} DbmigDriftSetting;

extern char *dbmig_project_setting; /* databrain_migrate.project */
extern char *dbmig_versions_path;	/* databrain_migrate.versions_path */
extern char *dbmig_dump_path;	/* databrain_migrate.dump_path */
extern int	dbmig_lock_timeout; /* databrain_migrate.lock_timeout, ms */
extern int	dbmig_concurrent_lock_timeout;	/* .concurrent_lock_timeout, ms */
extern int	dbmig_lock_retries; /* databrain_migrate.lock_retries */
extern bool dbmig_lock_first;	/* databrain_migrate.lock_first */
extern int	dbmig_step_snapshot;	/* .step_snapshot, a DbmigStepSnapshot */
extern bool dbmig_snapshot_each_step;	/* .snapshot_each_step */

extern int	dbmig_drift_setting;	/* databrain_migrate.drift */
extern bool dbmig_break_glass;	/* databrain_migrate.break_glass */

extern char *dbmig_include;		/* databrain_migrate.include */
extern char *dbmig_exclude;		/* databrain_migrate.exclude */

extern List *dbmig_schemas_setting(void);
extern void dbmig_define_settings(GucStringCheckHook check_project);

#endif							/* DBMIG_SETTINGS_H */
