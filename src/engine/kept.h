/*-------------------------------------------------------------------------
 *
 * kept.h
 *		Inventories of texts that were run before.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_KEPT_H
#define DBMIG_KEPT_H

#include "base/catalog.h"
#include "engine/sandbox.h"
#include "schema/schema.h"

/* What a text says: all that the inventory depends on, but its surroundings. */
typedef struct DbmigText
{
	const char *source;			/* as compare.h names it */
	const char *role;			/* that it runs as */
	const char *deployer;		/* in whose place */
	List	   *scripts;		/* char *, in the order in which they run */
	const DbmigStated *stated;	/* default privileges that do not surround it */
} DbmigText;

/* Where the inventory of a text is kept. */
typedef struct DbmigKeeping
{
	const char *project;
	const DbmigText *text;
	char	   *key;			/* NULL: nowhere */
	DbmigKept  *row;			/* NULL: nothing is kept yet */
	const DbmigInventory *inventory;	/* that the row is to have; NULL: the
										 * one that it has */
	bool		changed;		/* is the row to be written? */
} DbmigKeeping;

/* kept.c */
extern DbmigKeeping *dbmig_keeping(const char *project, const DbmigText *text,
								   List *managed);
extern void dbmig_keep_inventory(DbmigKeeping *keeping,
								 const DbmigInventory *inventory);
extern void dbmig_keep(const DbmigKeeping *keeping, List *managed);

/* spelling.c */
extern bool dbmig_is_spelled_differently(const DbmigFact *a, const DbmigFact *b);
extern List *dbmig_spelling_questions(const DbmigInventory *from,
									  const DbmigInventory *to, bool is_from);
extern bool dbmig_spelling_answer(const DbmigKept *row, List *questions);
extern void dbmig_spelling_swap(List *questions);
extern void dbmig_spelling_note(DbmigKept *row, List *questions);

#endif							/* DBMIG_KEPT_H */
