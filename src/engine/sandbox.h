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
#include "utils/hsearch.h"

typedef struct DbmigSandbox DbmigSandbox;

typedef void (*DbmigSandboxWork) (DbmigSandbox *sandbox, void *arg);

/*
 * Default privileges that a text states itself, so that those of the database
 * are no part of what surrounds it; see stated.c.
 */
typedef struct DbmigStated
{
	bool		everywhere;		/* all that are bound to no schema */
	bool		in_schemas;		/* all that are bound to one */
	HTAB	   *which;			/* others, one by one */
} DbmigStated;

extern bool dbmig_schema_is_managed(const char *name, Oid schema);
extern List *dbmig_managed_schemas(List *names);
extern void dbmig_check_schemas(List *names);
extern bool dbmig_is_in_sandbox(void);
extern void dbmig_in_sandbox(List *schemas, DbmigSandboxWork work, void *arg);
extern void dbmig_sandbox_leave_to_text(DbmigSandbox *sandbox,
										const DbmigStated *stated,
										Oid deployer);
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

/* stated.c */
extern DbmigStated *dbmig_stated_create(void);
extern void dbmig_note_stated(DbmigStated *stated, const char *text,
							  const char *runner);
extern void dbmig_note_stated_by_revisions(DbmigStated *stated,
										   const DbmigProject *project,
										   const bool *nodes,
										   const char *runner);
extern void dbmig_stated_add(DbmigStated *stated, const DbmigStated *other);
extern bool dbmig_is_stated(const DbmigStated *stated, const char *role,
							char type, const char *schema);
extern char *dbmig_stated_text(const DbmigStated *stated);

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
