/*-------------------------------------------------------------------------
 *
 * extend.c
 *		What may be added to a graph: names, parents and dependencies of a
 *		revision that is about to be written.
 *
 * The rules are Alembic's.  A parent has to be a head, a revision without
 * children, unless the caller wants to open a new branch there ("splice").  In
 * addition no parent may be an ancestor of another one, which Alembic can't
 * deal with.  That counts ancestry by parents only: to merge a line of
 * development with one that it depends on is meaningful.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "graph/graph.h"
#include "graph/graph_internal.h"

/*
 * Does neither a revision nor a label have this name, and had no revision it
 * that was replaced?
 */
bool
dbmig_name_is_free(const DbmigGraph *graph, const char *name)
{
	return dbmig_graph_find_name(graph, name) < 0 &&
		dbmig_graph_replacement(graph, name) < 0;
}

/*
 * Raise an error unless a new revision can have this identifier or label;
 * "what" says which of the two it is.
 */
void
dbmig_check_new_name(const DbmigGraph *graph, const char *name,
					 const char *what)
{
	int			node;

	dbmig_check_identifier(name, what);
	if (dbmig_name_is_free(graph, name))
		return;
	node = dbmig_graph_replacement(graph, name);
	if (node >= 0)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("\"%s\" was a revision of project \"%s\"",
					   name, graph->project),
				errdetail("Revision \"%s\" replaces it.",
						  graph->nodes[node].id));
	node = dbmig_graph_find_name(graph, name);
	if (strcmp(graph->nodes[node].id, name) == 0)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("revision \"%s\" already exists in project \"%s\"",
					   name, graph->project),
				errdetail("Identifiers and branch labels must differ from each other."));
	ereport(ERROR,
			errcode(ERRCODE_DUPLICATE_OBJECT),
			errmsg("branch label \"%s\" already exists in project \"%s\"",
				   name, graph->project),
			errdetail("Revision \"%s\" bears it.  Identifiers and branch labels must differ from each other.",
					  graph->nodes[node].id));
}

/*
 * Raise an error if two of the nodes are one, or if one is an ancestor of
 * another.
 */
static void
check_redundant(const DbmigGraph *graph, const int *nodes, int n)
{
	bool	   *given = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	bool	   *below = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int			i;
	int			j;

	for (i = 0; i < n; i++)
	{
		const DbmigNode *node = &graph->nodes[nodes[i]];

		CHECK_FOR_INTERRUPTS();
		if (given[nodes[i]])
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("revision \"%s\" is given as a parent more than once",
						   node->id));
		given[nodes[i]] = true;
		for (j = 0; j < node->ndown; j++)
			below[node->down[j]] = true;
	}
	dbmig_graph_spread_down(graph, below, false);
	for (i = 0; i < n; i++)
	{
		if (below[nodes[i]])
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("parent \"%s\" is redundant",
						   graph->nodes[nodes[i]].id),
					errdetail("It is an ancestor of another parent."));
	}
	pfree(given);
	pfree(below);
}

/*
 * Resolve the parents of a new revision, none if it is to be a first one.
 * Raises an error if they cannot be its parents.
 *
 * A "head" that is not there, or a walk that ends at base, makes no new root:
 * where there are revisions already, that has to be asked for by "base".
 */
int *
dbmig_resolve_parents(const DbmigGraph *graph, const bool *applied,
					  const char *target, bool splice, int *nfound)
{
	int		   *found = dbmig_resolve_revisions(graph, applied, target, nfound);
	int			i;

	if (*nfound == 0 && graph->n > 0 && strcmp(target, "base") != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("target \"%s\" stands for no revision of project \"%s\"",
					   target, graph->project),
				errhint("Use \"base\" for a new first revision."));

	check_redundant(graph, found, *nfound);
	for (i = 0; i < *nfound && !splice; i++)
	{
		const DbmigNode *node = &graph->nodes[found[i]];

		if (node->nchildren > 0)
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("revision \"%s\" is not a head", node->id),
					errdetail("Revisions that follow it: %s.",
							  dbmig_graph_name_list(graph, node->children,
													node->nchildren)),
					errhint("Use splice => true to open a new branch from it."));
	}
	return found;
}

/*
 * Resolve the dependencies of a new revision to what its script has to say: a
 * label stays one, everything else becomes the revision's full identifier.
 */
char **
dbmig_resolve_dependencies(const DbmigGraph *graph, const bool *applied,
						   char **names, int n)
{
	char	  **result = (char **) palloc(sizeof(char *) * Max(n, 1));
	bool	   *given = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int			i;

	for (i = 0; i < n; i++)
	{
		int			node;

		CHECK_FOR_INTERRUPTS();
		node = dbmig_resolve_revision(graph, applied, names[i]);
		if (node < 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("a revision cannot depend on \"%s\"", names[i]),
					errdetail("It stands for no revision."));
		if (given[node])
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("revision \"%s\" is given as a dependency more than once",
						   graph->nodes[node].id));
		given[node] = true;
		result[i] = pstrdup(dbmig_graph_find_name(graph, names[i]) == node ?
							names[i] : graph->nodes[node].id);
	}
	pfree(given);
	return result;
}
