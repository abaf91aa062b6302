/*-------------------------------------------------------------------------
 *
 * squash.c
 *		Ranges of revisions that one revision can take the place of.
 *
 * A range is what lies above its first and below its last revision by parents,
 * both included.  One revision can take its place if there is one way in, to
 * the first, and one way out, from the last: then no revision outside can tell
 * the difference.  What the range depends on may lie anywhere; that cannot
 * depend on the range in turn, or there would be a cycle.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "graph/graph.h"
#include "graph/graph_internal.h"

/* Resolve an end of the range to one revision; -1 for base. */
static int
resolve_end(const DbmigGraph *graph, const bool *applied, const char *target,
			bool may_be_base)
{
	int			node = dbmig_resolve_revision(graph, applied, target);

	if (node < 0 && !may_be_base)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a range of revisions cannot end at \"%s\"", target),
				errdetail("It stands for no revision."));
	return node;
}

/* Raise the error for a revision outside that an inner one needs or serves. */
static void
not_closed(const DbmigGraph *graph, int inner, int outer, const char *detail,
		   const char *hint)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("revision \"%s\" of project \"%s\" cannot be squashed with the others",
				   graph->nodes[inner].id, graph->project),
			errdetail(detail, graph->nodes[outer].id),
			errhint("%s", hint));
}

/* Raise an error unless only the ends of the range touch what is outside. */
static void
check_range(const DbmigGraph *graph, const bool *range, int first, int last)
{
	for (int i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];

		CHECK_FOR_INTERRUPTS();
		if (!range[i])
			continue;
		for (int j = 0; j < node->ndown && i != first; j++)
		{
			if (!range[node->down[j]])
				not_closed(graph, i, node->down[j],
						   _("It joins the range with revision \"%s\", which lies outside."),
						   _("Begin the range at a revision that all of it follows, or behind the merge."));
		}
		for (int j = 0; j < node->nchildren && i != last; j++)
		{
			if (!range[node->children[j]])
				not_closed(graph, i, node->children[j],
						   _("Revision \"%s\", which lies outside of the range, follows it."),
						   _("End the range there, or behind the revision that joins the branches."));
		}
		for (int j = 0; j < node->nusers && i != last; j++)
		{
			if (!range[node->users[j]])
				not_closed(graph, i, node->users[j],
						   _("Revision \"%s\", which lies outside of the range, depends on it."),
						   _("End the range there, or let that revision depend on the end of the range."));
		}
	}
}

/*
 * Resolve the ends of a range.  Returns its revisions, parents first, the last
 * of which is the end.  *first becomes the first one, or -1: the range begins
 * at base.  Raises an error if one revision cannot take their place.
 */
int *
dbmig_resolve_squash(const DbmigGraph *graph, const bool *applied,
					 const char *from, const char *to, int *first, int *nfound)
{
	int			last = resolve_end(graph, applied, to, false);
	bool	   *range = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	bool	   *above = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int		   *found = (int *) palloc(sizeof(int) * Max(graph->n, 1));

	*first = resolve_end(graph, applied, from, true);
	range[last] = true;
	dbmig_graph_spread_down(graph, range, false);
	if (*first >= 0)
	{
		if (!range[*first])
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("revision \"%s\" does not follow revision \"%s\"",
						   graph->nodes[last].id, graph->nodes[*first].id),
					errhint("Name the older end of the range first."));
		above[*first] = true;
		dbmig_graph_spread_up(graph, above, false);
		for (int i = 0; i < graph->n; i++)
			range[i] &= above[i];
	}

	*nfound = 0;
	for (int i = 0; i < graph->n; i++)
	{
		if (range[graph->sorted[i]])
			found[(*nfound)++] = graph->sorted[i];
	}
	if (*nfound < 2)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("nothing to squash"),
				errdetail("The range has no revision but \"%s\".",
						  graph->nodes[last].id));
	check_range(graph, range, *first, last);
	pfree(above);
	pfree(range);
	return found;
}
