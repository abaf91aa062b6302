/*-------------------------------------------------------------------------
 *
 * catalog.h
 *		The engine's own tables, in schema dbm.
 *
 * Their names and columns are known to catalog*.c alone: catalog.c has what is
 * about revisions, catalog_schema.c what is about schemas, catalog_inventory.c
 * what need not be computed again, catalog_drift.c DDL that others ran, and
 * catalog_sql.c says in SQL what catalog.c does.  table.c reads and writes rows
 * for them, which needs no privilege, no search_path, and runs no user code.
 * Results are palloc'd in the current memory context.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_CATALOG_H
#define DBMIG_CATALOG_H

#include "access/transam.h"
#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

/* A row of dbm.applied, without its script texts. */
typedef struct DbmigApplied
{
	char	   *revision;
	int			ndown;
	char	  **down;			/* parents; none for a first revision */
	int			ndeps;
	char	  **deps;
	int			nlabels;
	char	  **labels;
	char	   *message;
	bool		has_create_date;
	TimestampTz create_date;
	bool		has_upgrade;	/* is the text of the upgrade script kept? */
	bool		has_downgrade;
	char	   *upgrade_author; /* role that registered it; NULL: from a file */
	char	   *downgrade_author;
	bool		transactional;	/* of the upgrade script */
	char	   *checksum;		/* of the upgrade script; NULL: unknown */
	TimestampTz applied_at;
	char	   *applied_by;
	bool		stamped;		/* marked as applied without being run */
} DbmigApplied;

/* A row of dbm.script, without its text. */
typedef struct DbmigRegistered
{
	char	   *from;
	char	   *to;
	char	   *checksum;
	char	   *author;
} DbmigRegistered;

/* A row of dbm.model. */
typedef struct DbmigModel
{
	char	   *ddl;
	char	   *author;			/* the role that set it */
} DbmigModel;

/* A row of dbm.log. */
typedef struct DbmigLogEntry
{
	const char *project;
	const char *revision;
	const char *direction;		/* upgrade, downgrade or stamp */
	int			nfrom;
	char	  **from;			/* what the step starts from */
	int			nto;
	char	  **to;				/* and what it leads to */
	const char *checksum;		/* of the script that ran; NULL: none */
	int			statements;
	TimestampTz started_at;
	TimestampTz ended_at;
	const char *outcome;		/* done or failed */
	const char *sqlstate;		/* the rest: NULL or 0 unless failed */
	const char *error;
	const char *file;
	int			line;
} DbmigLogEntry;

/*
 * A row of dbm.step: how far a revision got that runs outside of a
 * transaction.
 */
typedef struct DbmigUnfinished
{
	char	   *revision;
	char	   *direction;		/* upgrade or downgrade */
	int			finished;		/* statements that are done */
	int			attempted;		/* the last that is done, or was started and can
								 * leave something behind */
	char	   *checksum;		/* of the finished statements */
} DbmigUnfinished;

/* A row of dbm.dump. */
typedef struct DbmigDump
{
	char	   *file;			/* in databrain_migrate.dump_path */
	char	   *database;
	char	   *project;
	int			nheads;			/* of the project; none: base */
	char	  **heads;
	char	   *format;			/* plain or custom */
	int			nschemas;		/* none: the whole database */
	char	  **schemas;
	bool		data;
	bool		all_databases;
	int64		size;
	char	   *sha256;
	char	   *dumped_by;
	TimestampTz dumped_at;
	int64		elapsed;		/* microseconds */
} DbmigDump;

/* A row of dbm.snapshot. */
typedef struct DbmigSnapshot
{
	char	   *name;
	int			nheads;			/* of the project; none: base */
	char	  **heads;
	int			objects;		/* facts, and what is not managed */
	char	   *fingerprint;
	char	   *dump;			/* file in databrain_migrate.dump_path, or NULL */
	char	   *server_version;
	char	   *taken_by;
	TimestampTz taken_at;
} DbmigSnapshot;

/* A row of dbm.fingerprint. */
typedef struct DbmigFingerprint
{
	char	   *heads;			/* as the mirror shows them */
	int			objects;
	char	   *fingerprint;
	bool		has_inventory;
	char	   *server_version;
	char	   *taken_by;
	TimestampTz taken_at;
} DbmigFingerprint;

/* A row of dbm.ddl: DDL that did not come from the engine. */
typedef struct DbmigDdl
{
	const char *command;		/* its tag */
	int			nobjects;		/* what it was about */
	char	  **kinds;			/* as the server calls them */
	char	  **identities;
	char	   *statement;		/* that the client sent; NULL: not kept */
	bool		glass_broken;	/* let pass, where it would be refused */
	/* the rest is of the session, and not given by who writes a row */
	TimestampTz recorded_at;
	char	   *role;
	char	   *session_role;
	bool		has_client_addr;
	Datum		client_addr;	/* inet */
	char	   *application_name;
	FullTransactionId transaction_id;
} DbmigDdl;

/* A row of dbm.inventory. */
typedef struct DbmigKept
{
	Jsonb	   *inventory;
	int			nspellings;
	char	  **spellings;		/* see engine/spelling.c */
} DbmigKept;

/* catalog.c */
extern Oid	dbmig_lock_class(void);
extern void dbmig_applied_lock(void);

extern List *dbmig_applied_list(const char *project, Snapshot snapshot);
extern DbmigApplied *dbmig_applied_find(const char *project, const char *revision);
extern char *dbmig_applied_script(const char *project, const char *revision,
								  bool upgrade, Snapshot snapshot);
extern void dbmig_applied_insert(const char *project, const DbmigApplied *row,
								 const char *upgrade, const char *downgrade);
extern void dbmig_applied_delete(const char *project, const char *revision);
extern void dbmig_applied_set_author(const char *project, const char *revision,
									 const char *author);

extern List *dbmig_registered_list(const char *project);
extern char *dbmig_registered_script(const char *project, const char *from,
									 const char *to);
extern void dbmig_registered_put(const char *project, const DbmigRegistered *row,
								 const char *script);
extern void dbmig_registered_delete(const char *project, const char *from,
									const char *to);
extern void dbmig_registered_set_author(const char *project, const char *from,
										const char *to, const char *author);

extern DbmigUnfinished *dbmig_unfinished_find(const char *project,
											   const char *revision);
extern List *dbmig_unfinished_list(const char *project);
extern void dbmig_unfinished_put(const char *project, const DbmigUnfinished *row);
extern void dbmig_unfinished_delete(const char *project, const char *revision);

extern char *dbmig_template_text(const char *project, char **author);
extern void dbmig_template_put(const char *project, const char *template,
							   const char *author);
extern void dbmig_template_delete(const char *project);

extern List *dbmig_known_projects(void);

extern void dbmig_log_append(const DbmigLogEntry *entry);
extern int64 dbmig_log_newest(const char *project);
extern bool dbmig_log_is_visible(const char *project, Snapshot snapshot);
extern bool dbmig_log_mentions(const char *project, const char *revision);
extern void dbmig_log_rows(const char *project, Tuplestorestate *store,
						   TupleDesc desc);

/* catalog_schema.c */
extern List *dbmig_dump_list(void);
extern DbmigDump *dbmig_dump_find(const char *file);
extern void dbmig_dump_insert(const DbmigDump *row);

extern DbmigModel *dbmig_model_find(const char *project);
extern void dbmig_model_put(const char *project, const DbmigModel *model);

extern List *dbmig_snapshot_list(const char *project);
extern DbmigSnapshot *dbmig_snapshot_find(const char *project, const char *name,
										  Jsonb **inventory);
extern void dbmig_snapshot_insert(const char *project, const DbmigSnapshot *row,
								  Jsonb *inventory);
extern void dbmig_snapshot_delete(const char *project, const char *name);

extern List *dbmig_fingerprint_list(const char *project);
extern DbmigFingerprint *dbmig_fingerprint_find(const char *project,
												const char *heads,
												Jsonb **inventory);
extern void dbmig_fingerprint_put(const char *project, const DbmigFingerprint *row,
								  Jsonb *inventory);
extern void dbmig_fingerprint_delete(const char *project, const char *heads);

/* catalog_inventory.c */
extern DbmigKept *dbmig_kept_find(const char *project, const char *key);
extern bool dbmig_kept_lock(void);
extern void dbmig_kept_put(const char *project, const char *key,
						   const char *source, const DbmigKept *row);

/* catalog_drift.c */
extern bool dbmig_any_applied(void);
extern void dbmig_ddl_append(const DbmigDdl *row);
extern List *dbmig_ddl_list(void);
extern int64 dbmig_ddl_delete(TimestampTz before);

/* catalog_sql.c */
extern void dbmig_applied_lock_sql(StringInfo sql);
extern void dbmig_applied_insert_sql(StringInfo sql, const char *project,
									 const DbmigApplied *row, const char *upgrade,
									 const char *downgrade);
extern void dbmig_applied_delete_sql(StringInfo sql, const char *project,
									 const char *revision);
extern void dbmig_log_append_sql(StringInfo sql, const DbmigLogEntry *entry,
								 const char *started_at);
extern void dbmig_applied_are_sql(StringInfo sql, const char *project,
								  const char *sha256, const char *heads);
extern void dbmig_applied_guard_sql(StringInfo sql, const char *project,
									char **present, int npresent,
									char **absent, int nabsent,
									char **free_names, int nfree);
extern void dbmig_step_guard_sql(StringInfo sql, const char *project,
								 const char *revision);

#endif							/* DBMIG_CATALOG_H */
