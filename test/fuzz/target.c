/*-------------------------------------------------------------------------
 *
 * target.c
 *		Fuzzes the revision graph, its targets and ranges, and its plans.
 *
 * The input is text: one line per revision,
 *
 *		identifier:parent,parent:dependency,dependency:label,label:*
 *
 * where a star means that it is applied, with all that it needs.  The line
 * that begins with "=" is the target.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "graph/graph.h"
#include "graph/graph_internal.h"
#include "mb/pg_wchar.h"
#include "shim.h"

#define MAX_NODES	64

extern int	LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* Cut a text at a separator; *rest is what follows, or its end. */
static char *
cut(char **rest, char separator)
{
	char	   *start = *rest;
	char	   *end = start + strcspn(start, (char[]) {separator, '\0'});

	*rest = *end ? end + 1 : end;
	*end = '\0';
	return start;
}

static const char **
split(char *list, int *count)
{
	const char **names = palloc((strlen(list) + 1) * sizeof(char *));

	*count = 0;
	while (*list)
		names[(*count)++] = cut(&list, ',');
	return names;
}

static DbmigNode
read_node(char *line)
{
	DbmigNode	node = {0};
	char	   *fields[5];

	for (int i = 0; i < 5; i++)
		fields[i] = cut(&line, ':');
	node.id = fields[0];
	node.origin = "input";
	node.down_ids = split(fields[1], &node.ndown);
	node.dep_ids = split(fields[2], &node.ndeps);
	node.labels = split(fields[3], &node.nlabels);
	node.owner = fields[4][0] == '*' ? fields[4] : NULL;
	return node;
}

static bool
is_closed(const DbmigGraph *graph, const bool *state)
{
	for (int i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];

		for (int j = 0; state[i] && j < node->ndown; j++)
		{
			if (!state[node->down[j]])
				return false;
		}
		for (int j = 0; state[i] && j < node->ndeps; j++)
		{
			if (!state[node->deps[j]])
				return false;
		}
	}
	return true;
}

/* Every step is wanted, and leaves a state that is closed. */
static void
check_plan(const DbmigGraph *graph, const bool *applied, const DbmigPlan *plan)
{
	bool	   *state = palloc0(graph->n + 1);

	memcpy(state, applied, graph->n);
	for (int i = 0; i < plan->nsteps; i++)
	{
		bool		upgrade = (plan->direction == DBMIG_UPGRADE);

		SHIM_CHECK(plan->steps[i] >= 0 && plan->steps[i] < graph->n);
		SHIM_CHECK(state[plan->steps[i]] != upgrade);
		state[plan->steps[i]] = upgrade;
		SHIM_CHECK(is_closed(graph, state));
	}
}

/* A list of revisions may name one twice, a range may not. */
static void
check_nodes(const DbmigGraph *graph, const int *nodes, int count, bool range)
{
	bool	   *seen = palloc0(graph->n + 1);

	for (int i = 0; i < count; i++)
	{
		SHIM_CHECK(nodes[i] >= 0 && nodes[i] < graph->n);
		SHIM_CHECK(!range || !seen[nodes[i]]);
		seen[nodes[i]] = true;
	}
}

/* Parents and dependencies first, each node once. */
static void
check_graph(const DbmigGraph *graph)
{
	bool	   *state = palloc0(graph->n + 1);

	for (int i = 0; i < graph->n; i++)
	{
		SHIM_CHECK(!state[graph->sorted[i]]);
		state[graph->sorted[i]] = true;
		SHIM_CHECK(is_closed(graph, state));
		SHIM_CHECK(dbmig_graph_lookup(graph, graph->nodes[i].id) == i);
	}
}

static void
try_target(const DbmigGraph *graph, const bool *applied, const char *target)
{
	DbmigPlan  *plan = NULL;
	int		   *nodes = NULL;
	bool	   *state = NULL;
	int			count = 0;

	if (SHIM_TRY(plan = dbmig_plan_upgrade(graph, applied, target)))
	{
		SHIM_CHECK(plan->direction == DBMIG_UPGRADE);
		check_plan(graph, applied, plan);
	}
	if (SHIM_TRY(plan = dbmig_plan_downgrade(graph, applied, target)))
	{
		SHIM_CHECK(plan->direction == DBMIG_DOWNGRADE);
		check_plan(graph, applied, plan);
	}
	if (SHIM_TRY(plan = dbmig_plan_move(graph, applied, target)))
		check_plan(graph, applied, plan);
	for (int purge = 0; purge <= 1; purge++)
	{
		if (SHIM_TRY(state = dbmig_plan_stamp(graph, applied, target, purge)))
			SHIM_CHECK(is_closed(graph, state));
	}
	if (SHIM_TRY(nodes = dbmig_resolve_revisions(graph, applied, target, &count)))
		check_nodes(graph, nodes, count, false);
	if (SHIM_TRY(nodes = dbmig_resolve_range(graph, applied, target, &count)))
		check_nodes(graph, nodes, count, true);
}

/* A revision can be named by its identifier, whatever that looks like. */
static void
try_identifiers(const DbmigGraph *graph, const bool *applied)
{
	for (int i = 0; i < graph->n; i++)
	{
		int			node = -1;

		SHIM_CHECK(SHIM_TRY(node = dbmig_resolve_revision(graph, applied,
														  graph->nodes[i].id)));
		SHIM_CHECK(node == i);
	}
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char	   *rest = pnstrdup((const char *) data, size);
	char	   *target = "head";
	DbmigNode	nodes[MAX_NODES];
	int			n = 0;
	DbmigGraph *graph = NULL;
	bool	   *applied;

	/* the server lets in no text that is not valid in its encoding */
	if (pg_encoding_verifymbstr(PG_UTF8, rest, strlen(rest)) == (int) strlen(rest))
	{
		while (*rest && n < MAX_NODES)
		{
			char	   *line = cut(&rest, '\n');

			if (*line == '=')
				target = line + 1;
			else
				nodes[n++] = read_node(line);
		}
		if (SHIM_TRY(graph = dbmig_graph_build("project", nodes, n)))
		{
			applied = palloc0(n + 1);
			for (int i = 0; i < n; i++)
				applied[i] = (graph->nodes[i].owner != NULL);
			dbmig_graph_spread_down(graph, applied, true);
			check_graph(graph);
			try_identifiers(graph, applied);
			try_target(graph, applied, target);
		}
	}
	shim_free_all();
	return 0;
}
