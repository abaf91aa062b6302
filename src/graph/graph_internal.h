/*-------------------------------------------------------------------------
 *
 * graph_internal.h
 *		What the files of the graph layer share among themselves.
 *
 * Sets of nodes are arrays of booleans, one per node of the graph.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_GRAPH_INTERNAL_H
#define DBMIG_GRAPH_INTERNAL_H

#include "graph/graph.h"
#include "nodes/pg_list.h"

/* What a target counts from, or means as it stands. */
typedef enum DbmigSymbol
{
	DBMIG_SYMBOL_REVISION,
	DBMIG_SYMBOL_HEAD,
	DBMIG_SYMBOL_HEADS,
	DBMIG_SYMBOL_BASE,
	DBMIG_SYMBOL_CURRENT		/* also of "+1" and "-1" */
} DbmigSymbol;

/* One target after parsing: [branch@] [symbol] [(+|-)distance] */
typedef struct DbmigTarget
{
	const char *text;			/* as written, for messages */
	const char *branch_name;	/* what stands before the @, or NULL */
	int			branch;			/* the revision that names, or -1 */
	bool	   *lineage;		/* what lies above and below it by parents, or
								 * NULL */
	DbmigSymbol symbol;
	int			revision;		/* of DBMIG_SYMBOL_REVISION, else -1 */
	char		sign;			/* '+' or '-' if relative, else '\0' */
	int			distance;		/* how far to walk, if relative */
	int			start;			/* set when located: where a relative target
								 * counted from, or -1 for base */
} DbmigTarget;

/* graph.c */
extern int	dbmig_graph_find_name(const DbmigGraph *graph, const char *name);
extern void dbmig_graph_spread_down(const DbmigGraph *graph, bool *set,
									bool dependencies);
extern void dbmig_graph_spread_up(const DbmigGraph *graph, bool *set,
								  bool dependencies);
extern int *dbmig_graph_members(const DbmigGraph *graph, const bool *set,
								int *n);
extern int *dbmig_graph_newest_first(const DbmigGraph *graph, const bool *set,
									 int *n);
extern char *dbmig_graph_name_list(const DbmigGraph *graph, const int *nodes,
								   int n);

/* resolve.c */
extern List *dbmig_target_parse_list(const DbmigGraph *graph, const char *text);
extern int *dbmig_target_locate(const DbmigGraph *graph, const bool *applied,
								DbmigTarget *target, int *nfound);
extern bool dbmig_target_is_bare(const DbmigTarget *target, char sign);
extern void dbmig_target_several(const DbmigGraph *graph, const char *text,
								 const int *nodes, int n);

#endif							/* DBMIG_GRAPH_INTERNAL_H */
