/*-------------------------------------------------------------------------
 *
 * sandbox.h
 *		A subtransaction with empty schemas that is always rolled back.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_SANDBOX_H
#define DBMIG_SANDBOX_H

#include "engine/engine.h"

typedef struct DbmigSandbox DbmigSandbox;

typedef void (*DbmigSandboxWork) (DbmigSandbox *sandbox, void *arg);

extern Oid	dbmig_engine_owner(void);
extern bool dbmig_schema_is_managed(const char *name, Oid schema);
extern List *dbmig_managed_schemas(List *names);
extern void dbmig_check_schemas(List *names);
extern bool dbmig_is_in_sandbox(void);
extern void dbmig_in_sandbox(List *schemas, DbmigSandboxWork work, void *arg);
extern int	dbmig_sandbox_run(DbmigSandbox *sandbox, const char *project,
							  const char *revision, const char *file_name,
							  const char *text, Oid role);
extern void dbmig_sandbox_run_revision(DbmigSandbox *sandbox,
									   const DbmigProject *project, int node,
									   DbmigDirection direction);
extern void dbmig_sandbox_put_aside(DbmigSandbox *sandbox, const char *name);
extern void dbmig_sandbox_do(DbmigSandbox *sandbox, List *statements);
extern bool dbmig_sandbox_try(DbmigSandbox *sandbox, List *statements);
extern char *dbmig_without_restrict(const char *text);
extern List *dbmig_sandbox_schemas(const DbmigSandbox *sandbox, List *given);
extern bool dbmig_sandbox_was_there(const DbmigSandbox *sandbox, Oid classid,
									Oid objid);
extern bool dbmig_sandbox_declares_extension(const DbmigSandbox *sandbox,
											 const char *name);
extern bool dbmig_sandbox_is_steady(const DbmigSandbox *sandbox);

/* steady.c */
extern bool dbmig_is_steady(const Node *node);

/* restraint.c */
extern bool dbmig_restrain(bool on);
extern void dbmig_install_restraint(void);

/* unbuilt.c */
extern void dbmig_start_unbuilt(void);
extern void dbmig_forget_unbuilt(void);
extern void dbmig_install_unbuilt(void);

#endif							/* DBMIG_SANDBOX_H */
