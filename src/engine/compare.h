/*-------------------------------------------------------------------------
 *
 * compare.h
 *		Schemas from where they come, and the way from one to another.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_COMPARE_H
#define DBMIG_COMPARE_H

#include "engine/engine.h"
#include "schema/schema.h"

/* Two schemas, read. */
typedef struct DbmigComparison
{
	const char *project;
	const char *from_name;		/* as the sources were named */
	const char *to_name;
	DbmigInventory *from;
	DbmigInventory *to;
} DbmigComparison;

/* A row of what leads from one schema to the other, or of what is not said. */
typedef struct DbmigChange
{
	const char *change;			/* create, alter, drop, set, not managed */
	const char *kind;
	const char *id;
	const char *statement;		/* NULL: none */
	const char *hazard;			/* NULL: none */
} DbmigChange;

/* What a trial of a revision came to. */
typedef struct DbmigTrialResult
{
	char	   *name;			/* what was expected */
	char	   *difference;		/* why it was not, in lines; NULL: it was so */
} DbmigTrialResult;

extern DbmigComparison *dbmig_compare(const char *project, const char *from,
									  const char *to, List *schemas);
extern List *dbmig_comparison_changes(const DbmigComparison *comparison,
									  bool backward);
extern bool dbmig_has_changes(const List *changes);

/* snapshot.c */
extern DbmigSnapshot *dbmig_take_snapshot(const char *project, const char *name,
										  bool with_data);
extern char *dbmig_live_fingerprint(void);
extern void dbmig_drop_snapshot(const char *project, const char *name);
extern DbmigInventory *dbmig_snapshot_inventory(const char *project,
												const char *name);

/* locate.c */
extern char *dbmig_locate_live(const DbmigProject *project);

/* trial.c */
extern List *dbmig_try_revisions(const DbmigProject *project);

#endif							/* DBMIG_COMPARE_H */
