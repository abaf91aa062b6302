/*-------------------------------------------------------------------------
 *
 * graph.c
 *		Builds the revision graph and answers questions about sets of nodes.
 *
 * dbmig_graph_build() checks everything that can be wrong with a set of
 * revisions taken together, so that whatever got a DbmigGraph may rely on
 * this: identifiers and labels are valid and unique among each other, every
 * parent and dependency is a node, and following them never leads back.  What
 * a node replaces shares their namespace, so that no name means two things in
 * the life of a project; but it names no node.
 *
 * "sorted" is the one order everything else is derived from: parents and
 * dependencies come first, and of the nodes that could come next the one with
 * the least identifier does.  It depends on the revisions alone, never on the
 * order in which they were read.  Closures are taken by one pass over it
 * instead of by recursion, for a history is a chain of any length.
 *
 * The caller's array of nodes becomes part of the graph; what is added lives
 * in the current memory context.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/binaryheap.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "graph/graph.h"
#include "graph/graph_internal.h"

/* How many names a message lists before it only counts the rest. */
#define MAX_NAMES_IN_MESSAGE	20

/* Entry of DbmigGraph.names. */
typedef struct NameEntry
{
	const char *name;			/* hash key: the string, not the pointer */
	int			node;
	bool		replaced;		/* does the node only stand for it? */
} NameEntry;

/*
 * Order nodes by identifier, for qsort().
 */
static int
compare_nodes(const void *a, const void *b)
{
	return strcmp(((const DbmigNode *) a)->id, ((const DbmigNode *) b)->id);
}

/*
 * Order strings, for qsort().
 */
static int
compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/*
 * Put the least node index on top of a binaryheap.
 */
static int
compare_heap(Datum a, Datum b, void *arg)
{
	(void) arg;
	return DatumGetInt32(b) - DatumGetInt32(a);
}

/*
 * Hash and compare keys of DbmigGraph.names by the strings they point to.
 */
static uint32
hash_name(const void *key, Size keysize)
{
	const char *name = *(const char *const *) key;

	(void) keysize;
	return hash_bytes((const unsigned char *) name, (int) strlen(name));
}

static int
match_names(const void *a, const void *b, Size keysize)
{
	(void) keysize;
	return compare_strings(a, b);
}

/*
 * Return the node that bears this exact identifier or label, or -1.
 */
int
dbmig_graph_find_name(const DbmigGraph *graph, const char *name)
{
	NameEntry  *entry;

	entry = (NameEntry *) hash_search(graph->names, &name, HASH_FIND, NULL);
	return entry != NULL && !entry->replaced ? entry->node : -1;
}

/*
 * Return the node that stands for the revision that had this identifier, or
 * -1 if none replaces it.
 */
int
dbmig_graph_replacement(const DbmigGraph *graph, const char *id)
{
	NameEntry  *entry;

	entry = (NameEntry *) hash_search(graph->names, &id, HASH_FIND, NULL);
	return entry != NULL && entry->replaced ? entry->node : -1;
}

/*
 * Return the node with this exact identifier, or -1.
 */
int
dbmig_graph_lookup(const DbmigGraph *graph, const char *id)
{
	int			node = dbmig_graph_find_name(graph, id);

	/* Labels are in the same table, but do not count here. */
	if (node >= 0 && strcmp(graph->nodes[node].id, id) != 0)
		return -1;
	return node;
}

/*
 * Return "a, b, c" for a message; long lists end in a count.
 */
char *
dbmig_graph_name_list(const DbmigGraph *graph, const int *nodes, int n)
{
	StringInfoData buf;
	int			i;

	initStringInfo(&buf);
	for (i = 0; i < n && i < MAX_NAMES_IN_MESSAGE; i++)
		appendStringInfo(&buf, "%s\"%s\"", i > 0 ? ", " : "",
						 graph->nodes[nodes[i]].id);
	if (n > MAX_NAMES_IN_MESSAGE)
		appendStringInfo(&buf, " and %d more", n - MAX_NAMES_IN_MESSAGE);
	return buf.data;
}

/*
 * Enter what the nodes replace into graph->names, which has the identifiers
 * and labels already.
 */
static void
enter_replaced(DbmigGraph *graph)
{
	int			i;
	int			j;

	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[i];

		for (j = 0; j < node->nreplaces; j++)
		{
			NameEntry  *entry;
			bool		found;

			CHECK_FOR_INTERRUPTS();
			entry = (NameEntry *) hash_search(graph->names, &node->replaces[j],
											  HASH_ENTER, &found);
			if (found)
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("revision \"%s\" replaces \"%s\", which is already used by revision \"%s\"",
							   node->id, node->replaces[j],
							   graph->nodes[entry->node].id),
						errdetail("The revisions were read from %s and %s.",
								  node->origin,
								  graph->nodes[entry->node].origin));
			entry->node = i;
			entry->replaced = true;
		}
	}
}

/*
 * Enter identifiers and labels into graph->names, checking them.
 */
static void
enter_names(DbmigGraph *graph)
{
	HASHCTL		ctl;
	int			i;
	int			j;

	memset(&ctl, 0, sizeof(ctl));
	ctl.keysize = sizeof(const char *);
	ctl.entrysize = sizeof(NameEntry);
	ctl.hash = hash_name;
	ctl.match = match_names;
	ctl.hcxt = CurrentMemoryContext;
	graph->names = hash_create("databrain_migrate names", Max(graph->n, 16),
							   &ctl, HASH_ELEM | HASH_FUNCTION |
							   HASH_COMPARE | HASH_CONTEXT);

	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[i];
		NameEntry  *entry;
		const char *reason;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (!dbmig_identifier_is_valid(node->id, &reason))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_NAME),
					errmsg("invalid revision identifier \"%s\"", node->id),
					errdetail("%s  The revision was read from %s.",
							  reason, node->origin));

		entry = (NameEntry *) hash_search(graph->names, &node->id, HASH_ENTER,
										  &found);
		if (found)
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("revision \"%s\" is present more than once in project \"%s\"",
						   node->id, graph->project),
					errdetail("It was read from %s and from \"%s\".",
							  graph->nodes[entry->node].origin,
							  node->origin));
		entry->node = i;
		entry->replaced = false;
	}

	/* Labels come second, so that a clash with an identifier is theirs. */
	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[i];

		for (j = 0; j < node->nlabels; j++)
		{
			NameEntry  *entry;
			const char *reason;
			bool		found;

			CHECK_FOR_INTERRUPTS();
			if (!dbmig_identifier_is_valid(node->labels[j], &reason))
				ereport(ERROR,
						errcode(ERRCODE_INVALID_NAME),
						errmsg("invalid branch label \"%s\"", node->labels[j]),
						errdetail("%s  Revision \"%s\" was read from %s.",
								  reason, node->id, node->origin));

			entry = (NameEntry *) hash_search(graph->names, &node->labels[j],
											  HASH_ENTER, &found);
			if (found)
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("branch label \"%s\" of revision \"%s\" is already used by revision \"%s\"",
							   node->labels[j], node->id,
							   graph->nodes[entry->node].id),
						errdetail("The revisions were read from %s and %s.",
								  node->origin,
								  graph->nodes[entry->node].origin),
						errhint("Identifiers and branch labels share one namespace."));
			entry->node = i;
			entry->replaced = false;
		}
	}
	enter_replaced(graph);
}

/*
 * Turn the names of one node's parents or dependencies into indexes.
 *
 * "seen" has an entry per node and serves to find duplicates.  A parent must
 * be given by its identifier; a dependency may also be given by a label, as in
 * Alembic.  Abbreviations are refused, because a revision added later could
 * change what they mean.
 */
static int *
link_names(const DbmigGraph *graph, int self, const char *const *names, int n,
		   bool dependencies, int *seen)
{
	const DbmigNode *node = &graph->nodes[self];
	int		   *links = (int *) palloc(sizeof(int) * Max(n, 1));
	int			i;

	for (i = 0; i < n; i++)
	{
		int			other;

		CHECK_FOR_INTERRUPTS();
		other = dependencies ? dbmig_graph_find_name(graph, names[i]) :
			dbmig_graph_lookup(graph, names[i]);

		if (other < 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					dependencies ?
					errmsg("revision \"%s\" depends on revision \"%s\", which does not exist in project \"%s\"",
						   node->id, names[i], graph->project) :
					errmsg("revision \"%s\" revises \"%s\", which does not exist in project \"%s\"",
						   node->id, names[i], graph->project),
					errdetail("Revision \"%s\" was read from %s.",
							  node->id, node->origin),
					dbmig_graph_replacement(graph, names[i]) >= 0 ?
					errhint("Revision \"%s\" replaces it: name that instead.",
							graph->nodes[dbmig_graph_replacement(graph, names[i])].id) :
					errhint("Scripts must name revisions by their full identifiers."));
		if (other == self)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					dependencies ?
					errmsg("revision \"%s\" depends on itself", node->id) :
					errmsg("revision \"%s\" revises itself", node->id),
					errdetail("The revision was read from %s.",
							  node->origin));
		if (seen[other] == self)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					dependencies ?
					errmsg("revision \"%s\" depends on revision \"%s\" twice",
						   node->id, graph->nodes[other].id) :
					errmsg("revision \"%s\" revises revision \"%s\" twice",
						   node->id, graph->nodes[other].id),
					errdetail("The revision was read from %s.",
							  node->origin));
		seen[other] = self;
		links[i] = other;
	}
	return links;
}

/*
 * Fill in down and deps of all nodes.
 */
static void
link_nodes(DbmigGraph *graph)
{
	int		   *seen = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	int			pass;
	int			i;

	for (pass = 0; pass < 2; pass++)
	{
		bool		dependencies = (pass == 1);

		for (i = 0; i < graph->n; i++)
			seen[i] = -1;
		for (i = 0; i < graph->n; i++)
		{
			DbmigNode  *node = &graph->nodes[i];

			if (dependencies)
				node->deps = link_names(graph, i, node->dep_ids, node->ndeps,
										true, seen);
			else
				node->down = link_names(graph, i, node->down_ids, node->ndown,
										false, seen);
		}
	}
	pfree(seen);
}

/*
 * Fill in children and users of all nodes, the inverse of down and deps.
 * Visiting the nodes in order makes the lists ascending.
 */
static void
link_inverse(DbmigGraph *graph)
{
	int			i;
	int			j;

	for (i = 0; i < graph->n; i++)
	{
		graph->nodes[i].nchildren = 0;
		graph->nodes[i].nusers = 0;
	}
	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[i];

		for (j = 0; j < node->ndown; j++)
			graph->nodes[node->down[j]].nchildren++;
		for (j = 0; j < node->ndeps; j++)
			graph->nodes[node->deps[j]].nusers++;
	}
	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[i];

		node->children = (int *) palloc(sizeof(int) * Max(node->nchildren, 1));
		node->users = (int *) palloc(sizeof(int) * Max(node->nusers, 1));
		node->nchildren = 0;
		node->nusers = 0;
	}
	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[i];

		for (j = 0; j < node->ndown; j++)
		{
			DbmigNode  *parent = &graph->nodes[node->down[j]];

			parent->children[parent->nchildren++] = i;
		}
		for (j = 0; j < node->ndeps; j++)
		{
			DbmigNode  *used = &graph->nodes[node->deps[j]];

			used->users[used->nusers++] = i;
		}
	}
}

/*
 * Sort the nodes so that parents (and, if wanted, dependencies) come first,
 * the least node next among those that can come next.  Returns how many nodes
 * could be placed: fewer than all if there is a cycle.
 */
static int
sort_nodes(const DbmigGraph *graph, bool dependencies, int *sorted)
{
	int		   *missing = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	binaryheap *ready = binaryheap_allocate(Max(graph->n, 1), compare_heap,
											NULL);
	int			nsorted = 0;
	int			i;

	for (i = 0; i < graph->n; i++)
	{
		missing[i] = graph->nodes[i].ndown;
		if (dependencies)
			missing[i] += graph->nodes[i].ndeps;
		if (missing[i] == 0)
			binaryheap_add(ready, Int32GetDatum(i));
	}
	while (!binaryheap_empty(ready))
	{
		int			next = DatumGetInt32(binaryheap_remove_first(ready));
		const DbmigNode *node = &graph->nodes[next];

		CHECK_FOR_INTERRUPTS();
		sorted[nsorted++] = next;
		for (i = 0; i < node->nchildren; i++)
		{
			if (--missing[node->children[i]] == 0)
				binaryheap_add(ready, Int32GetDatum(node->children[i]));
		}
		for (i = 0; dependencies && i < node->nusers; i++)
		{
			if (--missing[node->users[i]] == 0)
				binaryheap_add(ready, Int32GetDatum(node->users[i]));
		}
	}
	binaryheap_free(ready);
	pfree(missing);
	return nsorted;
}

/*
 * Raise the error for a cycle, after sort_nodes() could place only the given
 * nodes.  What it left over are the cycles and what lies above them; the
 * latter is peeled off from the top.
 */
static void
report_cycle(const DbmigGraph *graph, bool dependencies, const int *sorted,
			 int nsorted)
{
	bool	   *left = (bool *) palloc(sizeof(bool) * graph->n);
	int		   *above = (int *) palloc0(sizeof(int) * graph->n);
	int		   *tops = (int *) palloc(sizeof(int) * graph->n);
	int			ntops = 0;
	int		   *members;
	int			nmembers;
	char	   *names;
	int			i;
	int			j;

	memset(left, true, sizeof(bool) * graph->n);
	for (i = 0; i < nsorted; i++)
		left[sorted[i]] = false;

	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];

		if (!left[i])
			continue;
		for (j = 0; j < node->nchildren; j++)
			above[i] += left[node->children[j]] ? 1 : 0;
		for (j = 0; dependencies && j < node->nusers; j++)
			above[i] += left[node->users[j]] ? 1 : 0;
		if (above[i] == 0)
			tops[ntops++] = i;
	}
	while (ntops > 0)
	{
		int			top = tops[--ntops];
		const DbmigNode *node = &graph->nodes[top];

		CHECK_FOR_INTERRUPTS();
		left[top] = false;
		for (j = 0; j < node->ndown; j++)
		{
			if (left[node->down[j]] && --above[node->down[j]] == 0)
				tops[ntops++] = node->down[j];
		}
		for (j = 0; dependencies && j < node->ndeps; j++)
		{
			if (left[node->deps[j]] && --above[node->deps[j]] == 0)
				tops[ntops++] = node->deps[j];
		}
	}

	members = dbmig_graph_members(graph, left, &nmembers);
	names = dbmig_graph_name_list(graph, members, nmembers);
	ereport(ERROR,
			errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			dependencies ?
			errmsg("revisions of project \"%s\" form a cycle through their dependencies",
				   graph->project) :
			errmsg("revisions of project \"%s\" form a cycle", graph->project),
			errdetail("The cycle runs through revisions %s.", names),
			errhint("Look at the lines \"Revises\" and \"Depends On\" of these scripts."));
}

/*
 * Add the labels of "more" to a list of labels; duplicates go later.
 */
static int
add_labels(const char **list, int n, const char *const *more, int nmore)
{
	if (nmore > 0)
		memcpy(list + n, more, sizeof(const char *) * nmore);
	return n + nmore;
}

/*
 * Fill in the labels that each node carries.
 *
 * As in Alembic a label is carried by the node that bears it and by all that
 * descend from it by parents.  If these form a plain line, without fork, merge
 * and dependency on one of them, the label also runs down the line that leads
 * to them, as far as that is as plain.  So all nodes of a plain line that ends
 * in a top carry the same labels, and share one array.
 */
static void
spread_labels(DbmigGraph *graph)
{
	bool	   *plain = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int			i;
	int			j;

	for (i = 0; i < graph->n; i++)
	{
		DbmigNode  *node = &graph->nodes[graph->sorted[i]];
		int			n = node->nlabels;

		CHECK_FOR_INTERRUPTS();
		for (j = 0; j < node->ndown; j++)
			n += graph->nodes[node->down[j]].nlineage;

		if (node->nlabels == 0 && node->ndown == 1)
			node->lineage = graph->nodes[node->down[0]].lineage;
		else if (n > 0)
		{
			const char **list;
			int			nlist;

			list = (const char **) palloc(sizeof(const char *) * n);
			nlist = add_labels(list, 0, node->labels, node->nlabels);
			for (j = 0; j < node->ndown; j++)
			{
				const DbmigNode *parent = &graph->nodes[node->down[j]];

				nlist = add_labels(list, nlist, parent->lineage,
								   parent->nlineage);
			}
			qsort(list, nlist, sizeof(const char *), compare_strings);
			for (n = 0, j = 0; j < nlist; j++)
			{
				if (n == 0 || strcmp(list[n - 1], list[j]) != 0)
					list[n++] = list[j];
			}
			node->lineage = list;
		}
		else
			node->lineage = NULL;
		node->nlineage = n;
	}

	for (i = graph->n - 1; i >= 0; i--)
	{
		int			self = graph->sorted[i];
		DbmigNode  *node = &graph->nodes[self];
		int			nfollowers = node->nchildren + node->nusers;

		/* A child that also depends on its parent follows it once. */
		if (node->nchildren == 1 && node->nusers == 1 &&
			node->children[0] == node->users[0])
			nfollowers = 1;

		plain[self] = node->ndown <= 1 && nfollowers <= 1 &&
			(node->nchildren == 0 || plain[node->children[0]]);
		if (plain[self] && node->nchildren == 1)
		{
			node->lineage = graph->nodes[node->children[0]].lineage;
			node->nlineage = graph->nodes[node->children[0]].nlineage;
		}
	}
	pfree(plain);
}

/*
 * Build the graph of a project from its revisions.
 *
 * The array is sorted in place and belongs to the graph from then on.  Raises
 * an error for whatever makes the revisions unfit for a graph, naming the
 * revision and where it was read.
 */
DbmigGraph *
dbmig_graph_build(const char *project, DbmigNode *nodes, int n)
{
	DbmigGraph *graph = (DbmigGraph *) palloc0(sizeof(DbmigGraph));
	int			nsorted;
	int			i;

	graph->project = project;
	graph->n = n;
	graph->nodes = nodes;
	graph->sorted = (int *) palloc(sizeof(int) * Max(n, 1));

	qsort(nodes, n, sizeof(DbmigNode), compare_nodes);
	enter_names(graph);
	link_nodes(graph);
	link_inverse(graph);

	if (sort_nodes(graph, true, graph->sorted) < n)
	{
		/* Dependencies are to blame only if parents alone do no harm. */
		nsorted = sort_nodes(graph, false, graph->sorted);
		if (nsorted < n)
			report_cycle(graph, false, graph->sorted, nsorted);
		nsorted = sort_nodes(graph, true, graph->sorted);
		report_cycle(graph, true, graph->sorted, nsorted);
	}
	for (i = 0; i < n; i++)
		nodes[graph->sorted[i]].order = i;

	spread_labels(graph);
	return graph;
}

/*
 * Add to a set all that lies below its members, by parents and, if wanted, by
 * dependencies.
 */
void
dbmig_graph_spread_down(const DbmigGraph *graph, bool *set, bool dependencies)
{
	int			i;
	int			j;

	for (i = graph->n - 1; i >= 0; i--)
	{
		const DbmigNode *node = &graph->nodes[graph->sorted[i]];

		CHECK_FOR_INTERRUPTS();
		if (!set[graph->sorted[i]])
			continue;
		for (j = 0; j < node->ndown; j++)
			set[node->down[j]] = true;
		for (j = 0; dependencies && j < node->ndeps; j++)
			set[node->deps[j]] = true;
	}
}

/*
 * Add to a set all that lies above its members, by parents and, if wanted, by
 * dependencies.
 */
void
dbmig_graph_spread_up(const DbmigGraph *graph, bool *set, bool dependencies)
{
	int			i;
	int			j;

	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[graph->sorted[i]];

		CHECK_FOR_INTERRUPTS();
		if (!set[graph->sorted[i]])
			continue;
		for (j = 0; j < node->nchildren; j++)
			set[node->children[j]] = true;
		for (j = 0; dependencies && j < node->nusers; j++)
			set[node->users[j]] = true;
	}
}

/*
 * Return the members of a set, ordered by identifier.
 */
int *
dbmig_graph_members(const DbmigGraph *graph, const bool *set, int *n)
{
	int		   *members = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	int			i;

	*n = 0;
	for (i = 0; i < graph->n; i++)
	{
		if (set[i])
			members[(*n)++] = i;
	}
	return members;
}

/*
 * Return the heads, nodes without child and user, ordered by identifier.
 */
int *
dbmig_graph_heads(const DbmigGraph *graph, int *nheads)
{
	int		   *heads = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	int			i;

	*nheads = 0;
	for (i = 0; i < graph->n; i++)
	{
		if (graph->nodes[i].nchildren == 0 && graph->nodes[i].nusers == 0)
			heads[(*nheads)++] = i;
	}
	return heads;
}

/*
 * Return the members of a set above which no other member lies, by parents
 * and dependencies, ordered by identifier.  Of a state these are the current
 * heads; the set need not be closed, though.
 */
int *
dbmig_graph_maximal(const DbmigGraph *graph, const bool *members,
					int *nmaximal)
{
	bool	   *set = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	int		   *maximal;
	int			i;
	int			j;

	/* First what lies below a member, then the members that do not. */
	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];

		if (!members[i])
			continue;
		for (j = 0; j < node->ndown; j++)
			set[node->down[j]] = true;
		for (j = 0; j < node->ndeps; j++)
			set[node->deps[j]] = true;
	}
	dbmig_graph_spread_down(graph, set, true);
	for (i = 0; i < graph->n; i++)
		set[i] = members[i] && !set[i];
	maximal = dbmig_graph_members(graph, set, nmaximal);
	pfree(set);
	return maximal;
}

/*
 * Return the members of a set, newest first: each before its parents and
 * dependencies, and lines of development kept together.
 *
 * What becomes free by a step goes on top of a stack, so that a line is
 * followed until it meets one that was not shown yet; after a merge the line
 * of its last parent comes first.  That is the order for which drawings need
 * the fewest lines side by side.
 */
int *
dbmig_graph_newest_first(const DbmigGraph *graph, const bool *set, int *n)
{
	int		   *listed = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	int		   *stack = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	int		   *waiting = (int *) palloc0(sizeof(int) * Max(graph->n, 1));
	int			nstack = 0;
	int			i;

	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];
		int			j;

		for (j = 0; set[i] && j < node->ndown; j++)
			waiting[node->down[j]]++;
		for (j = 0; set[i] && j < node->ndeps; j++)
			waiting[node->deps[j]]++;
	}
	for (i = 0; i < graph->n; i++)
	{
		int			node = graph->sorted[i];

		if (set[node] && waiting[node] == 0)
			stack[nstack++] = node;
	}

	*n = 0;
	while (nstack > 0)
	{
		int			next = stack[--nstack];
		const DbmigNode *node = &graph->nodes[next];

		CHECK_FOR_INTERRUPTS();
		listed[(*n)++] = next;
		for (i = 0; i < node->ndeps; i++)
		{
			if (--waiting[node->deps[i]] == 0 && set[node->deps[i]])
				stack[nstack++] = node->deps[i];
		}
		for (i = 0; i < node->ndown; i++)
		{
			if (--waiting[node->down[i]] == 0 && set[node->down[i]])
				stack[nstack++] = node->down[i];
		}
	}
	pfree(stack);
	pfree(waiting);
	return listed;
}
