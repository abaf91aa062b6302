/*-------------------------------------------------------------------------
 *
 * names.h
 *		Arrays and lists of names.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_NAMES_H
#define DBMIG_NAMES_H

#include "nodes/pg_list.h"

extern bool dbmig_names_include(char *const *names, int count, const char *name);
extern bool dbmig_same_names(char *const *a, int na, char *const *b, int nb);
extern char *dbmig_join_names(char *const *names, int count,
							  const char *separator);
extern char *dbmig_join_texts(const List *texts, const char *separator);
extern Datum dbmig_names_datum(char *const *names, int count);
extern Datum dbmig_oids_datum(const List *oids);

#endif							/* DBMIG_NAMES_H */
