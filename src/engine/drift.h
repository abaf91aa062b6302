/*-------------------------------------------------------------------------
 *
 * drift.h
 *		How the live schema differs from what the applied revisions build.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_DRIFT_H
#define DBMIG_DRIFT_H

#include "engine/engine.h"

/* An object that is not as the revisions say. */
typedef struct DbmigDrift
{
	const char *kind;
	const char *id;
	const char *difference;		/* missing, unexpected, changed: ... */
	const char *repair;			/* statements; NULL: those of a row before */
	const char *adopt;
	const char *changed_by;		/* NULL: not recorded */
	bool		has_changed_at;
	TimestampTz changed_at;
} DbmigDrift;

extern List *dbmig_find_drift(const DbmigProject *project);

#endif							/* DBMIG_DRIFT_H */
