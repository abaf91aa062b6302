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
#include "storage/lock.h"
#include "store/store.h"

/* Everything known about one revision: its scripts and its applied row. */
typedef struct DbmigRevision
{
	char	   *id;
	DbmigScript *upgrade;		/* NULL: no script any more, only the state */
	DbmigScript *downgrade;		/* NULL: none in the store */
	DbmigApplied *state;		/* NULL: not applied */
} DbmigRevision;

/*
 * What a squashed revision makes of the state: it stands for revisions that
 * count as applied, itself in its former shape among them.
 */
typedef struct DbmigRelabel
{
	DbmigScript *upgrade;		/* of the squashed revision */
	DbmigApplied *row;			/* its row, or NULL: it is not applied */
	List	   *gone;			/* identifiers whose rows go */
} DbmigRelabel;

typedef struct DbmigProject
{
	char	   *name;
	DbmigGraph *graph;			/* node.owner is the DbmigRevision */
	bool	   *applied;		/* the state, by node */
	List	   *relabels;		/* DbmigRelabel: in the state as it is given here,
								 * but not in the table yet */
	bool		without_scripts;	/* made from the state alone; nothing can
									 * be run */
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

/* What a new revision is to be. */
typedef struct DbmigDraft
{
	const char *project;
	char	   *message;		/* NULL: one that names the parents */
	const char *parents;		/* a target */
	bool		splice;			/* may parents be other than heads? */
	bool		merge;			/* must there be several? */
	char	   *label;			/* branch label, or NULL */
	int			ndeps;
	char	  **deps;			/* targets */
	char	   *revision;		/* NULL: one is made up */
	bool		transactional;
	const char *upgrade;		/* statements; NULL: a remark in their place */
	const char *downgrade;		/* likewise, but no file beside an upgrade */
	const struct DbmigCompareOptions *compare;	/* NULL unless the statements
												 * are to be generated */
	const char *compare_with;	/* from what: revisions or live */
} DbmigDraft;

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

#define DBMIG_MAX_BLOCKERS	8

/* One revision being run in one direction. */
typedef struct DbmigStepRun
{
	const DbmigProject *project;
	int			node;
	DbmigDirection direction;
	char	   *file_name;
	char	   *text;
	DbmigLogEntry entry;		/* filled in as the run goes on */
	int			nblockers;		/* who held the lock that was not available */
	int			blockers[DBMIG_MAX_BLOCKERS];
} DbmigStepRun;

/* Where the run of a script stands, for the error context. */
typedef struct DbmigPosition
{
	const char *project;
	const char *revision;
	const char *file_name;
	const char *text;			/* the script; valid while it runs */
	const DbmigStatement *statement;	/* NULL while the script is parsed */
	int			number;			/* of the statement, from 1 */
	int			count;			/* statements in the script */
} DbmigPosition;

/* What a process that migrates reports. */
typedef struct DbmigActivity
{
	char	   *project;
	char	   *revision;
	char	   *target;			/* empty in a worker's */
	int			step;			/* from 1; 0 in a worker's */
	int			steps;
	int			number;			/* of the statement; 0: between statements */
	int			count;
	int			worker;			/* process that runs the script; 0: this one */
	char	   *statement;
	TimestampTz started_at;		/* of the call */
	Oid			role;			/* that the process logged in as */
} DbmigActivity;

/* A program to be run when something has gone wrong. */
typedef struct DbmigLastProgram
{
	char	   *path;
	char	  **arguments;
	char	  **environment;
} DbmigLastProgram;

/* Why an attempt failed; see attempt.c. */
typedef struct DbmigFailure
{
	ErrorData  *error;
	char	   *revision;		/* whose script it was, NULL: none's */
	char	   *file_name;		/* of the script; NULL: it was not in one */
	int			line;			/* in the script; 0: unknown */
} DbmigFailure;

/* attempt.c */
extern void dbmig_note_script(const char *revision, const char *file_name);
extern DbmigFailure *dbmig_attempt(void (*work) (void *arg), void *arg);
extern char *dbmig_failure_text(const DbmigFailure *failure);
extern char *dbmig_failure_lines(const DbmigFailure *failure);

/* project.c */
extern DbmigProject *dbmig_project_load(const char *project, Snapshot snapshot);
extern DbmigProject *dbmig_project_load_or_begin(const char *project,
												 Snapshot snapshot);
extern DbmigProject *dbmig_project_load_forgetting(const char *project);
extern DbmigProject *dbmig_project_load_quick(const char *project);
extern DbmigProject *dbmig_project_load_state(const char *project,
											  Snapshot snapshot);
extern const char *dbmig_project_name(const char *given);
extern DbmigRevision *dbmig_revision(const DbmigProject *project, int node);
extern const char *dbmig_revision_message(const DbmigRevision *revision);
extern const DbmigHeader *dbmig_revision_header(const DbmigProject *project,
												const DbmigRevision *revision,
												DbmigDirection direction);
extern bool dbmig_has_script(const DbmigRevision *revision,
							 DbmigDirection direction);
extern char *dbmig_revision_script(const DbmigProject *project,
								   const DbmigRevision *revision,
								   DbmigDirection direction);
extern char *dbmig_revision_file(const DbmigProject *project, int node,
								 DbmigDirection direction);
extern bool dbmig_has_applied(const DbmigProject *project);
extern char **dbmig_current_heads(const DbmigProject *project, int *count);
extern char *dbmig_state_text(const DbmigGraph *graph, const bool *state);
extern char *dbmig_heads_text(const DbmigProject *project);
extern char **dbmig_script_parents(const DbmigScript *script, int *count);
extern void dbmig_assign_revisions(const char *project, List *scripts);
extern void dbmig_check_revision(const char *project,
								 const DbmigRevision *revision);

/* replaced.c */
extern List *dbmig_choose_scripts(const char *project, List *scripts, List *state,
								  bool forget, List **relabels);
extern void dbmig_describe_relabels(DbmigProject *project);
extern void dbmig_relabel(DbmigProject *project);

/* lock.c */
extern void dbmig_lock_project(const char *project);
extern bool dbmig_lock_project_session(const char *project);
extern void dbmig_unlock_project_session(const char *project);
extern void dbmig_wait_for_step(const char *project);
extern void dbmig_begin_step(const char *project);
extern void dbmig_retake_project(const char *project);
extern void dbmig_end_step(const char *project);
extern bool dbmig_is_project_lock(const LOCKTAG *tag);

/* executor.c */
typedef bool (*DbmigStatementFilter) (Node *statement, void *arg);
extern void dbmig_script_error_callback(void *arg);
extern int	dbmig_execute_filtered(const char *project, const char *revision,
								   const char *file_name, const char *text,
								   DbmigStatementFilter filter, void *arg);
extern int	dbmig_execute_script(const char *project, const char *revision,
								 const char *file_name, const char *text);
extern bool dbmig_may_change_rows(const struct RawStmt *raw);

/* deferred.c */
extern void dbmig_fire_deferred_constraints(void);

/* compare.c */
extern char *dbmig_model_ddl(const char *project);

/* step.c */
extern bool dbmig_may_run_text_of(const char *author);
extern int	dbmig_author_detail(const char *author, const char *did);
extern void dbmig_check_author(const DbmigProject *project,
							   const DbmigRevision *revision,
							   DbmigDirection direction);
extern bool dbmig_step_is_transactional(const DbmigProject *project, int node,
										DbmigDirection direction);
extern void dbmig_check_plan(const DbmigProject *project, const DbmigPlan *plan,
							 bool in_transaction);
extern void dbmig_check_snapshot(const char *project);
extern char *dbmig_step_line(const char *what, const DbmigLogEntry *entry,
							 const char *message);
extern void dbmig_announce(const char *what, const DbmigLogEntry *entry,
						   const char *message);
extern void dbmig_describe_applied(const DbmigProject *project, int node,
								   const char *upgrade,
								   const char *checksum, DbmigApplied *row);
extern void dbmig_insert_applied(const DbmigProject *project, int node,
								 const char *upgrade,
								 const char *checksum, bool stamped);
extern DbmigStepRun *dbmig_describe_run(const DbmigProject *project, int node,
										DbmigDirection direction);
extern DbmigStepRun *dbmig_begin_run(const DbmigProject *project, int node,
									 DbmigDirection direction);
extern bool dbmig_may_change_role(const DbmigStepRun *run);
extern void dbmig_record_run(DbmigStepRun *run);
extern void dbmig_run_step(DbmigStepRun *run);

/* alembic.c */
extern void dbmig_add_to_state(const DbmigGraph *graph, bool *state,
							   const char *target);
extern bool *dbmig_alembic_state(const DbmigProject *project);

/* offline.c */
extern char *dbmig_offline_script(const char *project, const char *target,
								  bool alembic, Snapshot snapshot);

/* runner.c */
extern List *dbmig_run(const char *project, DbmigCommand command,
					   const char *target, const char *function);
extern void dbmig_enter_run(const char *function);
extern void dbmig_leave_run(void);
extern bool dbmig_is_running(void);
extern bool dbmig_may_run(DbmigDirection direction);
extern DbmigPlan *dbmig_move_plan(const DbmigProject *project, const char *target);

/* activity.c */
extern void dbmig_report_run(const char *target, int steps);
extern void dbmig_report_step(const DbmigStepRun *run);
extern void dbmig_report_worker(const DbmigStepRun *run, int worker);
extern void dbmig_report_statement(const DbmigPosition *at);
extern void dbmig_report_program(const char *doing);
extern void dbmig_report_end(void);
extern bool dbmig_read_activity(int pid, DbmigActivity *activity);

/* blockers.c */
extern void dbmig_watch_waits(void);
extern void dbmig_unwatch_waits(void);
extern int	dbmig_find_blockers(int *pids, int max);
extern char *dbmig_describe_processes(const int *pids, int count);
extern void dbmig_back_off(const DbmigStepRun *run, int attempt);
extern void dbmig_take_tables(List *statements);

/* migrate.c */
extern void dbmig_migrate(const char *project, const char *target, bool dump);

/* program.c */
extern int	dbmig_program_lock_wait(void);
extern char *dbmig_connection_string(const char *database);
extern char *dbmig_find_program(const char *name);
extern char *dbmig_run_program(const char *path, List *arguments, int output,
							   const char *doing);
extern DbmigLastProgram *dbmig_prepare_program(const char *path, List *arguments);
extern void dbmig_run_last_program(const DbmigLastProgram *program, int patience);

/* dump.c */
extern void dbmig_dump(DbmigDump *dump);
extern void dbmig_dump_before(const char *project);
extern char *dbmig_dump_file_path(const char *file);
extern const char *dbmig_dump_status(const DbmigDump *dump, bool verify);

/* snapshot.c */
extern void dbmig_keep_state(const DbmigProject *project);

/* restore.c */
extern char *dbmig_restore(const char *file, const char *database, bool replace);

/* worker.c */
extern void dbmig_run_in_worker(DbmigStepRun *run, const DbmigUnfinished *begun);
extern void dbmig_check_unfinished(const DbmigStepRun *run,
								   const DbmigUnfinished *begun);
extern PGDLLEXPORT void dbmig_worker_main(Datum arg);

/* leftover.c */
extern bool dbmig_may_leave(const struct RawStmt *raw);
extern List *dbmig_find_leftovers(struct RawStmt *raw);
extern List *dbmig_clear_leftovers(struct RawStmt *raw);

/* author.c */
extern const char *dbmig_begin_draft(const char *project);
extern List *dbmig_draft_files(const DbmigDraft *draft);
extern void dbmig_store_files(const char *project, List *files);

/* squash.c */
extern List *dbmig_squash_files(const char *project, const char *from,
								const char *to, const char *message);

/* mirror.c */
extern bool dbmig_extension_is_managed(const char *name, Oid *extension);
extern char *dbmig_mirror_version(Oid extension);
extern char *dbmig_mirror_unreached(const DbmigProject *project);
extern void dbmig_mirror_check(const DbmigProject *project);
extern void dbmig_mirror_write(const DbmigProject *project);
extern void dbmig_install_mirror_guard(void);

#endif							/* DBMIG_ENGINE_H */
