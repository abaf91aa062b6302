/*-------------------------------------------------------------------------
 *
 * engine.h
 *		What runs revisions: project, locks, executor, runner, mirror.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_ENGINE_H
#define DBMIG_ENGINE_H

#include "base/catalog.h"
#include "graph/graph.h"
#include "store/store.h"

/* Everything known about one revision: its scripts and its applied row. */
typedef struct DbmigRevision
{
	char	   *id;
	DbmigScript *upgrade;		/* NULL: no script any more, only the state */
	DbmigScript *downgrade;		/* NULL: none in the store */
	DbmigApplied *state;		/* NULL: not applied */
} DbmigRevision;

typedef struct DbmigProject
{
	char	   *name;
	DbmigGraph *graph;			/* node.owner is the DbmigRevision */
	bool	   *applied;		/* the state, by node */
} DbmigProject;

/* What a call wants. */
typedef enum DbmigCommand
{
	DBMIG_RUN_UPGRADE,
	DBMIG_RUN_DOWNGRADE,
	DBMIG_RUN_MOVE,				/* upgrade or downgrade, as the target says */
	DBMIG_RUN_STAMP,
	DBMIG_RUN_STAMP_PURGE
} DbmigCommand;

/* What a step did. */
typedef struct DbmigStep
{
	const char *direction;
	char	   *revision;
	int			nfrom;
	char	  **from;
	char	   *message;
	int			statements;
	int64		elapsed;		/* microseconds */
} DbmigStep;

/* project.c */
extern DbmigProject *dbmig_project_load(const char *project, Snapshot snapshot);
extern const char *dbmig_project_name(const char *given);
extern DbmigRevision *dbmig_revision(const DbmigProject *project, int node);
extern const char *dbmig_revision_message(const DbmigRevision *revision);
extern char *dbmig_revision_script(const DbmigProject *project,
								   const DbmigRevision *revision,
								   DbmigDirection direction);
extern char *dbmig_revision_file(const DbmigProject *project, int node,
								 DbmigDirection direction);
extern char *dbmig_heads_text(const DbmigProject *project);
extern void dbmig_assign_revisions(const char *project, List *scripts);

/* lock.c */
extern void dbmig_lock_project(const char *project);

/* executor.c */
extern int	dbmig_execute_script(const char *project, const char *revision,
								 const char *file_name, const char *text);

/* deferred.c */
extern void dbmig_fire_deferred_constraints(void);

/* runner.c */
extern List *dbmig_run(const char *project, DbmigCommand command,
					   const char *target, const char *function);
extern bool dbmig_is_running(void);

/* mirror.c */
extern bool dbmig_extension_is_managed(const char *name, Oid *extension);
extern char *dbmig_mirror_version(Oid extension);
extern void dbmig_mirror_check(const DbmigProject *project);
extern void dbmig_mirror_write(const DbmigProject *project);
extern void dbmig_install_mirror_guard(void);

#endif							/* DBMIG_ENGINE_H */
