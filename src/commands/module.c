/*-------------------------------------------------------------------------
 *
 * module.c
 *		What happens when the library is loaded.
 *
 * The module needs no preload: the first call of one of its functions loads
 * it into the session.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/settings.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "engine/watch.h"
#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

/* Is this a name that a project may have? */
static bool
check_project(char **newval, void **extra, GucSource source)
{
	const char *reason;

	if (dbmig_project_is_valid(*newval, &reason))
		return true;
	GUC_check_errdetail("%s", reason);
	return false;
}

void
_PG_init(void)
{
	dbmig_define_settings(check_project);
	dbmig_install_mirror_guard();
	dbmig_prepare_watch();
	dbmig_install_restraint();
	dbmig_install_unbuilt();
}
