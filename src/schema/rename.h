/*-------------------------------------------------------------------------
 *
 * rename.h
 *		Objects that keep what they hold and change their names.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_RENAME_H
#define DBMIG_RENAME_H

#include "schema/schema.h"

/* Somebody's word that two objects are one. */
typedef struct DbmigRenameRequest
{
	const char *text;			/* as written, for messages */
	int			line;			/* of the model; 0: an argument, which has to
								 * apply */
	bool		is_from;		/* is fact in the old schema? */
	DbmigFact  *fact;
	const char *label;			/* of an enum's value, as a constant; or NULL */
	List	   *other_path;		/* quoted names: what it is called in the other
								 * schema, or NIL for a label */
	const char *other_label;
} DbmigRenameRequest;

/* An object of the old schema, and what it is in the wanted one. */
typedef struct DbmigRename
{
	const DbmigRenameRequest *request;	/* NULL: not asked for */
	DbmigFact  *from;
	DbmigFact  *to;
	const char *from_label;		/* of an enum's value; or NULL */
	const char *to_label;

	/* set while they are put into an order */
	DbmigFact  *schema;			/* where it is now, or NULL */
	const char *name;			/* what it is called now */
	bool		moved;			/* is its old name free? */
	bool		underway;		/* waits for what bears its new name */
	bool		done;
} DbmigRename;

typedef struct DbmigRenames
{
	const DbmigInventory *from;
	const DbmigInventory *to;
	List	   *list;			/* DbmigRename */
	HTAB	   *by_fact;		/* of both schemas, without enum values */
} DbmigRenames;

/* Where facts are found by the ends of their paths. */
typedef struct DbmigFinder DbmigFinder;

/* One statement, and the one that takes it back. */
typedef struct DbmigRenameStep
{
	const DbmigKind *kind;
	const char *id;				/* the old one */
	char	   *forward;
	char	   *backward;
	const char *schema;			/* that it makes, quoted; else NULL */
} DbmigRenameStep;

/* rename.c */
extern DbmigRenames *dbmig_renames_create(const DbmigInventory *from,
										  const DbmigInventory *to);
extern DbmigRename *dbmig_rename_add(DbmigRenames *renames, DbmigFact *from,
									 DbmigFact *to,
									 const DbmigRenameRequest *request);
extern DbmigRename *dbmig_rename_add_label(DbmigRenames *renames, DbmigFact *from,
										   const char *from_label, DbmigFact *to,
										   const char *to_label,
										   const DbmigRenameRequest *request);
extern DbmigRename *dbmig_rename_of(const DbmigRenames *renames,
									const DbmigFact *fact);
extern DbmigFact *dbmig_container(const DbmigFact *fact);
extern const char *dbmig_own_name(const DbmigFact *fact);
extern int	dbmig_name_length(const char *name);
extern char *dbmig_path(const DbmigFact *fact);
extern char *dbmig_bare_name(const DbmigFact *fact);
extern DbmigFact *dbmig_counterpart(const DbmigRenames *renames,
									const DbmigFact *fact);
extern DbmigFact *dbmig_find_within(const DbmigInventory *inventory,
									const DbmigFact *like,
									const DbmigFact *container,
									const char *own_name);
extern List *dbmig_rename_steps(DbmigRenames *renames);

/* rename_request.c */
extern bool dbmig_can_be_renamed(const DbmigKind *kind);
extern const char *dbmig_rename_word(const DbmigKind *kind);
extern bool dbmig_word_means(const char *word, const DbmigKind *kind);
extern char *dbmig_take_label(List **path);
extern bool dbmig_scan_path(const char **p, List **path);
extern List *dbmig_rename_requests(List *texts, const DbmigInventory *from);
extern DbmigFinder *dbmig_finder_create(const DbmigInventory *inventory);
extern List *dbmig_find_by_path(const DbmigFinder *finder, List *path);
extern DbmigRenames *dbmig_resolve_renames(const DbmigInventory *from,
										   const DbmigInventory *to,
										   List *requests);

/* rename_guess.c */
extern DbmigRenames *dbmig_default_renames(const DbmigInventory *from,
										   const DbmigInventory *to);
extern void dbmig_note_likely_renames(DbmigDiff *diff);

#endif							/* DBMIG_RENAME_H */
