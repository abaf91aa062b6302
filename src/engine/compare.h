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
#include "engine/sandbox.h"
#include "lib/stringinfo.h"
#include "schema/schema.h"

/*
 * How schemas are compared.  What is NIL or NULL is as the settings say; an
 * empty pattern stands for none.
 */
typedef struct DbmigCompareOptions
{
	List	   *schemas;		/* String */
	List	   *kinds;			/* String */
	const char *include;		/* regular expressions over identities */
	const char *exclude;
	List	   *renames;		/* String */
	bool		concurrently;	/* forms that let others go on writing */
	bool		in_one;			/* everything in a single transaction */
	bool		in_script;		/* the statements are for a revision */
} DbmigCompareOptions;

/*
 * Two schemas, read.  The first one is what it is after its objects have been
 * renamed.
 */
typedef struct DbmigComparison
{
	const char *project;
	const char *from_name;		/* as the sources were named */
	const char *to_name;
	DbmigCompareOptions options;
	DbmigInventory *from;
	DbmigInventory *to;			/* where it is not compared, as from */
	List	   *rename_steps;	/* DbmigRenameStep: what comes before all else */
	const char *deployer;		/* role that runs the project's revisions */
	const DbmigStated *from_stated; /* default privileges that do not surround */
	const DbmigStated *to_stated;	/* what is built for a side */
} DbmigComparison;

/* A row of what leads from one schema to the other, or of what is not said. */
typedef struct DbmigChange
{
	const char *change;			/* create, alter, drop, rename, set, not managed */
	const char *kind;
	const char *id;
	const char *statement;		/* NULL: none */
	const char *hazard;			/* NULL: none */
	const char *whole;			/* what the object is part of, or itself */
	int			unit;			/* statements of one can share a transaction */
	bool		transactional;	/* false: those of its unit can run in none */
} DbmigChange;

/* A revision of those that are generated together, to run one after another. */
typedef struct DbmigGenerated
{
	char	   *upgrade;		/* the bodies of the scripts */
	char	   *downgrade;
	bool		transactional;	/* the upgrade */
	bool		returns_transactional;	/* the downgrade */
} DbmigGenerated;

/* What a trial of a revision came to. */
typedef struct DbmigTrialResult
{
	char	   *name;			/* what was expected */
	char	   *difference;		/* why it was not, in lines; NULL: it was so */
} DbmigTrialResult;

/* compare.c */
extern DbmigComparison *dbmig_compare(const char *project, const char *from,
									  const char *to,
									  const DbmigCompareOptions *options);
extern DbmigFilter dbmig_compare_filter(const DbmigCompareOptions *options);
extern List *dbmig_comparison_changes(const DbmigComparison *comparison,
									  bool backward);
extern bool dbmig_has_changes(const List *changes);
extern DbmigInventory *dbmig_comparison_between(const DbmigComparison *comparison,
												List *changes);
extern void dbmig_settle_spellings(DbmigSandbox *sandbox, DbmigInventory *from,
								   DbmigInventory *to, List *schemas);

/* snapshot.c */
extern DbmigSnapshot *dbmig_take_snapshot(const char *project, const char *name,
										  bool with_data);
extern char *dbmig_live_fingerprint(void);
extern void dbmig_forget_secrets(DbmigInventory *inventory);
extern void dbmig_drop_snapshot(const char *project, const char *name);
extern DbmigInventory *dbmig_snapshot_inventory(const char *project,
												const char *name);

/* locate.c */
extern char *dbmig_locate_live(const DbmigProject *project);

/* autogenerate.c */
extern List *dbmig_autogenerate(const char *project, const char *compare_with,
								const char *revisions,
								const DbmigCompareOptions *options);
extern void dbmig_write_comment(StringInfo text, const char *indent,
								const char *comment);

/* renaming.c */
extern void dbmig_rename_old_side(DbmigComparison *comparison,
								  const DbmigInventory *whole, List *managed,
								  List *schemas, List *requests);

/* hints.c */
extern List *dbmig_model_renames(const char *ddl, const DbmigInventory *inventory,
								 bool is_from);

/* times.c */
extern bool dbmig_names_time(const char *text);
extern List *dbmig_present_times(void);
extern bool dbmig_has_times(const DbmigInventory *inventory, const List *times);
extern void dbmig_settle_times(DbmigInventory *inventory,
							   const DbmigInventory *other, const List *times);

/* trial.c */
extern List *dbmig_try_revisions(const DbmigProject *project);

#endif							/* DBMIG_COMPARE_H */
