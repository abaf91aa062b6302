/*-------------------------------------------------------------------------
 *
 * graph.h
 *		The revision graph: nodes, identifiers, paths.
 *
 * A graph is an array of nodes sorted by identifier; everything else is
 * indexes into that array.  The layer reads no catalog and no file: who builds
 * a graph fills in the nodes' first half, and says which nodes are applied by
 * an array of booleans.  It allocates in the current memory context and raises
 * errors with ereport().
 *
 * Four words are used with one meaning each:
 *
 *	parent		a node named by "Revises"; its inverse is a child
 *	dependency	a node named by "Depends On"; its inverse is a user
 *	head		a node without child and without user
 *	state		a set of applied nodes, closed under parents and dependencies
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_GRAPH_H
#define DBMIG_GRAPH_H

#include "utils/hsearch.h"

/* The longest identifier or label, in bytes. */
#define DBMIG_MAX_IDENTIFIER	128

typedef struct DbmigNode
{
	/* set by the caller before dbmig_graph_build() */
	const char *id;				/* revision identifier */
	const char *origin;			/* where it was read, for messages */
	int			ndown;			/* parents; none for a first revision */
	const char **down_ids;
	int			ndeps;			/* dependencies */
	const char **dep_ids;
	int			nlabels;		/* branch labels written in its own header */
	const char **labels;
	int			nreplaces;		/* identifiers that it stands for, which name
								 * no node any more */
	const char **replaces;
	void	   *owner;			/* the caller's own struct for this revision */

	/* set by dbmig_graph_build() */
	int		   *down;			/* parents, in written order */
	int		   *deps;			/* dependencies, in written order */
	int			nchildren;
	int		   *children;		/* inverse of down, ascending */
	int			nusers;
	int		   *users;			/* inverse of deps, ascending */
	int			nlineage;
	const char **lineage;		/* labels this node carries, its own and those
								 * of its line (Alembic: branch_labels) */
	int			order;			/* place in one fixed topological order */
} DbmigNode;

typedef struct DbmigGraph
{
	const char *project;		/* for messages */
	int			n;
	DbmigNode  *nodes;			/* sorted by id, strcmp() order */
	int		   *sorted;			/* node indexes, parents and dependencies
								 * first; ties broken by identifier */
	HTAB	   *names;			/* identifier, label or replaced identifier ->
								 * node */
} DbmigGraph;

typedef enum DbmigDirection
{
	DBMIG_UPGRADE,
	DBMIG_DOWNGRADE
} DbmigDirection;

typedef struct DbmigPlan
{
	DbmigDirection direction;
	int			nsteps;
	int		   *steps;			/* nodes to run, in this order */
} DbmigPlan;

/* identifier.c: names, and texts that name revisions */
extern void dbmig_check_identifier(const char *name, const char *what);
extern bool dbmig_identifier_is_valid(const char *name, const char **reason);

/* graph.c */
extern DbmigGraph *dbmig_graph_build(const char *project, DbmigNode *nodes, int n);
extern int	dbmig_graph_lookup(const DbmigGraph *graph, const char *id);
extern int	dbmig_graph_replacement(const DbmigGraph *graph, const char *id);
extern int *dbmig_graph_heads(const DbmigGraph *graph, int *nheads);
extern int *dbmig_graph_maximal(const DbmigGraph *graph, const bool *members,
								int *nmaximal);

/* resolve.c: from a target or range to nodes */
extern int	dbmig_resolve_revision(const DbmigGraph *graph, const bool *applied,
								   const char *target);
extern int *dbmig_resolve_revisions(const DbmigGraph *graph, const bool *applied,
									const char *target, int *nfound);
extern int *dbmig_resolve_range(const DbmigGraph *graph, const bool *applied,
								const char *range, int *nfound);

/* plan.c: from a target to steps */
extern DbmigPlan *dbmig_plan_upgrade(const DbmigGraph *graph, const bool *applied,
									 const char *target);
extern DbmigPlan *dbmig_plan_downgrade(const DbmigGraph *graph, const bool *applied,
									   const char *target);
extern DbmigPlan *dbmig_plan_move(const DbmigGraph *graph, const bool *applied,
								  const char *target);
extern bool *dbmig_plan_stamp(const DbmigGraph *graph, const bool *applied,
							  const char *target, bool purge);

/* extend.c: what a new revision may be */
extern bool dbmig_name_is_free(const DbmigGraph *graph, const char *name);
extern void dbmig_check_new_name(const DbmigGraph *graph, const char *name,
								 const char *what);
extern int *dbmig_resolve_parents(const DbmigGraph *graph, const bool *applied,
								  const char *target, bool splice, int *nfound);
extern char **dbmig_resolve_dependencies(const DbmigGraph *graph,
										 const bool *applied, char **names,
										 int n);

/* squash.c */
extern int *dbmig_resolve_squash(const DbmigGraph *graph, const bool *applied,
								 const char *from, const char *to, int *first,
								 int *nfound);

/* draw.c */
extern char **dbmig_graph_draw(const DbmigGraph *graph, const int *nodes, int n,
							   const bool *applied);
extern char *dbmig_graph_text(const DbmigGraph *graph, const bool *applied,
							  const char *const *messages);
extern char *dbmig_graph_dot(const DbmigGraph *graph, const bool *applied,
							 const char *const *messages);
extern char *dbmig_graph_mermaid(const DbmigGraph *graph, const bool *applied,
								 const char *const *messages);

#endif							/* DBMIG_GRAPH_H */
