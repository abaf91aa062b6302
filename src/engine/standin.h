/*-------------------------------------------------------------------------
 *
 * standin.h
 *		Empty schemas that take the place of live ones.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_STANDIN_H
#define DBMIG_STANDIN_H

#include "engine/sandbox.h"

/* A schema of the database, and what stands in its place. */
typedef struct DbmigReplaced
{
	char	   *name;
	Oid			live;
	Oid			fresh;
} DbmigReplaced;

extern Oid	dbmig_create_stand_in(Oid live, const char *name);
extern void dbmig_remove_default_privileges(List *replaced,
											const DbmigStated *stated);
extern void dbmig_swap_default_privileges(Oid role, Oid other);
extern void dbmig_move_extension_members(List *replaced);

#endif							/* DBMIG_STANDIN_H */
