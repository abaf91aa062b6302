/*-------------------------------------------------------------------------
 *
 * resolve.c
 *		From the text of a target or range to nodes of the graph.
 *
 * A target is a list of items separated by commas, an item is
 *
 *		[branch@] [symbol] [(+|-)N]
 *
 * where symbol is head, heads, base, current, or names a revision, and at
 * least one of symbol and +N or -N is there.  A revision is named by its
 * identifier, by a label that it bears, or by the first four or more
 * characters of one of these.  "branch" is such a name too, and stands for
 * that revision's lineage: what lies above and below it by parents.
 *
 * Identifiers may hold a "-", so "feature-1" could be read in several ways.
 * The first of these that fits counts: an exact name; an exact name and a
 * distance; an abbreviated name; an abbreviated name and a distance.
 *
 * Parsing needs the graph alone.  Locating a parsed target needs the state as
 * well, because "current", "+1" and "-1" start from it.
 *
 * "head" is a revision without children, as in Alembic: one that merely has
 * users still counts, so that "head" fails where there are two lines of
 * development although one depends on the other.  "heads" alone are the
 * revisions that nothing needs, "branch@heads" again those without children.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#include "graph/graph.h"
#include "graph/graph_internal.h"

/* The least length of an abbreviated name, in characters. */
#define MIN_PREFIX	4

/* Below the first revisions. */
#define BASE	(-1)

/*
 * Return "text" without the blanks around it, as a copy.
 */
static char *
trimmed(const char *text, size_t len)
{
	while (len > 0 && strchr(" \t\r\n", text[0]) != NULL)
	{
		text++;
		len--;
	}
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return pnstrdup(text, len);
}

/*
 * Raise the error for a text that cannot be a target.
 */
static void
bad_target(const char *text)
{
	if (text[0] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("target must not be empty"),
				errhint("Targets are, for example, \"head\", \"base\", \"+1\", \"-1\", a revision or \"label@head\"."));
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("invalid target \"%s\"", text),
			errhint("Targets are, for example, \"head\", \"base\", \"+1\", \"-1\", a revision or \"label@head\"."));
}

/*
 * Raise the error for a target that should be one revision but is several.
 */
void
dbmig_target_several(const DbmigGraph *graph, const char *text,
					 const int *nodes, int n)
{
	ereport(ERROR,
			errcode(ERRCODE_CARDINALITY_VIOLATION),
			errmsg("target \"%s\" stands for several revisions of project \"%s\", but one is needed",
				   text, graph->project),
			errdetail("The revisions are %s.",
					  dbmig_graph_name_list(graph, nodes, n)),
			errhint("Use \"heads\" for all heads, \"label@head\" for one of them, or merge them with dbm_merge()."));
}

/*
 * Raise the error for counting from where there are several revisions.
 */
static void
several_current(const DbmigGraph *graph, const char *text, const int *nodes,
				int n)
{
	ereport(ERROR,
			errcode(ERRCODE_CARDINALITY_VIOLATION),
			errmsg("target \"%s\" is ambiguous because project \"%s\" has several current revisions",
				   text, graph->project),
			errdetail("The current revisions are %s.",
					  dbmig_graph_name_list(graph, nodes, n)),
			errhint("Name the branch, as in \"label@+1\" or \"label@-1\", or the revision itself."));
}

/*
 * Return the set of what lies above and below a node by parents, itself
 * included.
 */
static bool *
lineage_of(const DbmigGraph *graph, int node)
{
	bool	   *lineage = (bool *) palloc0(sizeof(bool) * graph->n);
	bool	   *above = (bool *) palloc0(sizeof(bool) * graph->n);
	int			i;

	lineage[node] = true;
	above[node] = true;
	dbmig_graph_spread_down(graph, lineage, false);
	dbmig_graph_spread_up(graph, above, false);
	for (i = 0; i < graph->n; i++)
		lineage[i] |= above[i];
	pfree(above);
	return lineage;
}

/*
 * Return the only node with an identifier or label that begins with "name", or
 * -1.  Raises an error if there are several.  If lineage is not NULL, nodes
 * outside of it do not count.
 */
static int
find_prefix(const DbmigGraph *graph, const char *name, const bool *lineage)
{
	size_t		len = strlen(name);
	int		   *found;
	int			nfound = 0;
	int			i;

	if (pg_mbstrlen(name) < MIN_PREFIX)
		return -1;

	found = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];
		bool		match;
		int			j;

		CHECK_FOR_INTERRUPTS();
		if (lineage != NULL && !lineage[i])
			continue;
		match = (strncmp(node->id, name, len) == 0);
		for (j = 0; !match && j < node->nlabels; j++)
			match = (strncmp(node->labels[j], name, len) == 0);
		if (match)
			found[nfound++] = i;
	}
	if (nfound > 1)
		ereport(ERROR,
				errcode(ERRCODE_AMBIGUOUS_ALIAS),
				errmsg("abbreviated revision \"%s\" is ambiguous in project \"%s\"",
					   name, graph->project),
				errdetail("It may be short for revision %s.",
						  dbmig_graph_name_list(graph, found, nfound)),
				errhint("Write more of the identifier."));
	return nfound == 1 ? found[0] : -1;
}

/*
 * Read "text" as a symbol of the target by an exact match.
 */
static bool
match_symbol(const DbmigGraph *graph, DbmigTarget *target, const char *text)
{
	if (strcmp(text, "head") == 0)
		target->symbol = DBMIG_SYMBOL_HEAD;
	else if (strcmp(text, "heads") == 0)
		target->symbol = DBMIG_SYMBOL_HEADS;
	else if (strcmp(text, "base") == 0)
		target->symbol = DBMIG_SYMBOL_BASE;
	else if (strcmp(text, "current") == 0)
		target->symbol = DBMIG_SYMBOL_CURRENT;
	else
	{
		target->revision = dbmig_graph_find_name(graph, text);
		if (target->revision < 0)
			return false;
		target->symbol = DBMIG_SYMBOL_REVISION;
	}
	return true;
}

/*
 * Read "text" as an abbreviated revision.
 */
static bool
match_prefix(const DbmigGraph *graph, DbmigTarget *target, const char *text)
{
	target->revision = find_prefix(graph, text, target->lineage);
	if (target->revision < 0)
		return false;
	target->symbol = DBMIG_SYMBOL_REVISION;
	return true;
}

/*
 * Find where "+N" or "-N" begins that ends the text; -1 if nothing such does.
 */
static int
find_distance(const char *text)
{
	int			i = (int) strlen(text);

	while (i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9')
		i--;
	if (i == 0 || text[i] == '\0' || (text[i - 1] != '+' && text[i - 1] != '-'))
		return -1;
	return i - 1;
}

/*
 * Read the sign and the digits that find_distance() found.  What does not fit
 * into an int is farther than any walk can get.
 */
static void
read_distance(DbmigTarget *target, const char *text)
{
	int			distance = 0;

	target->sign = *text++;
	for (; *text != '\0'; text++)
	{
		if (distance > (PG_INT32_MAX - 9) / 10)
			distance = PG_INT32_MAX / 10 - 1;
		distance = distance * 10 + (*text - '0');
	}
	target->distance = distance;
}

/*
 * Raise the error for a name that nothing bears.
 */
static void
no_such_name(const DbmigGraph *graph, const char *text, const char *name,
			 bool branch)
{
	const char *reason;
	int			replacement;

	/* A text that could not be a name at all is a mistake of its own. */
	if (!dbmig_identifier_is_valid(name, &reason))
		bad_target(text);
	replacement = dbmig_graph_replacement(graph, name);
	if (replacement >= 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("revision \"%s\" does not exist any more in project \"%s\"",
					   name, graph->project),
				errdetail("Revision \"%s\" replaces it.",
						  graph->nodes[replacement].id));
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			branch ?
			errmsg("branch \"%s\" does not exist in project \"%s\"",
				   name, graph->project) :
			errmsg("revision \"%s\" does not exist in project \"%s\"",
				   name, graph->project),
			pg_mbstrlen(name) < MIN_PREFIX ?
			errdetail("Names can be abbreviated to four characters or more.") :
			0,
			errhint("dbm_history() lists all revisions and branch labels."));
}

/*
 * Parse one item of a target.
 */
static DbmigTarget *
parse_target(const DbmigGraph *graph, const char *text)
{
	DbmigTarget *target = (DbmigTarget *) palloc0(sizeof(DbmigTarget));
	const char *at = strchr(text, '@');
	const char *rest = text;
	char	   *left = NULL;
	int			sign;

	target->text = text;
	target->branch = -1;
	target->revision = -1;
	target->start = BASE;

	if (at != NULL)
	{
		char	   *branch = pnstrdup(text, at - text);

		rest = at + 1;
		if (branch[0] == '\0' || strchr(rest, '@') != NULL)
			bad_target(text);
		target->branch_name = branch;
		target->branch = dbmig_graph_find_name(graph, branch);
		if (target->branch < 0)
			target->branch = find_prefix(graph, branch, NULL);
		if (target->branch < 0)
			no_such_name(graph, text, branch, true);
		target->lineage = lineage_of(graph, target->branch);
	}
	if (rest[0] == '\0')
		bad_target(text);

	sign = find_distance(rest);
	if (sign >= 0)
		left = pnstrdup(rest, sign);

	if (sign == 0)
	{
		target->symbol = DBMIG_SYMBOL_CURRENT;
		read_distance(target, rest);
	}
	else if (match_symbol(graph, target, rest))
		 /* an exact name */ ;
	else if (sign > 0 && match_symbol(graph, target, left))
		read_distance(target, rest + sign);
	else if (match_prefix(graph, target, rest))
		 /* an abbreviated name */ ;
	else if (sign > 0 && match_prefix(graph, target, left))
		read_distance(target, rest + sign);
	else
		no_such_name(graph, text, sign > 0 ? left : rest, false);

	/* A walk up may also come from outside into the branch. */
	if (target->revision >= 0 && target->lineage != NULL &&
		!target->lineage[target->revision] && target->sign != '+')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("revision \"%s\" is not a member of branch \"%s\"",
					   graph->nodes[target->revision].id,
					   target->branch_name),
				errdetail("It is neither above nor below revision \"%s\".",
						  graph->nodes[target->branch].id));
	return target;
}

/*
 * Parse a target: a list of DbmigTarget, at least one.
 */
List *
dbmig_target_parse_list(const DbmigGraph *graph, const char *text)
{
	List	   *targets = NIL;

	for (;;)
	{
		const char *comma = strchr(text, ',');
		size_t		len = comma != NULL ? (size_t) (comma - text) : strlen(text);

		CHECK_FOR_INTERRUPTS();
		targets = lappend(targets, parse_target(graph, trimmed(text, len)));
		if (comma == NULL)
			return targets;
		text = comma + 1;
	}
}

/*
 * Tell whether a target is relative to the current revisions, in the direction
 * of the given sign.
 */
bool
dbmig_target_is_bare(const DbmigTarget *target, char sign)
{
	return target->symbol == DBMIG_SYMBOL_CURRENT && target->sign == sign;
}

/*
 * Keep those of the nodes that are in the lineage; all if it is NULL.
 */
static int
keep_lineage(int *nodes, int n, const bool *lineage)
{
	int			kept = 0;
	int			i;

	for (i = 0; i < n; i++)
	{
		if (lineage == NULL || lineage[nodes[i]])
			nodes[kept++] = nodes[i];
	}
	return kept;
}

/*
 * Return the current revisions, of a branch if lineage is not NULL.
 *
 * Where the branch has no current head, one of another branch needs its upper
 * end, or nothing of it is applied.  Then it is the applied revisions of the
 * branch themselves that count, those without applied children for a walk
 * down, and for a walk up the topmost ones, which may be in the stem that the
 * branch shares with others.
 */
static int *
current_revisions(const DbmigGraph *graph, const bool *applied,
				  const bool *lineage, bool going_down, int *n)
{
	int		   *current = dbmig_graph_maximal(graph, applied, n);
	bool	   *set;
	int			i;
	int			j;

	*n = keep_lineage(current, *n, lineage);
	if (lineage == NULL || *n > 0)
		return current;

	set = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	for (i = 0; i < graph->n; i++)
	{
		const DbmigNode *node = &graph->nodes[i];

		set[i] = applied[i] && lineage[i];
		for (j = 0; going_down && set[i] && j < node->nchildren; j++)
			set[i] = !applied[node->children[j]];
	}
	return going_down ? dbmig_graph_members(graph, set, n) :
		dbmig_graph_maximal(graph, set, n);
}

/*
 * Return the nodes without children, of a branch if lineage is not NULL.
 */
static int *
line_ends(const DbmigGraph *graph, const bool *lineage, int *n)
{
	int		   *ends = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	int			i;

	*n = 0;
	for (i = 0; i < graph->n; i++)
	{
		if (graph->nodes[i].nchildren == 0 &&
			(lineage == NULL || lineage[i]))
			ends[(*n)++] = i;
	}
	return ends;
}

/*
 * Raise the error for a walk that ran out of revisions after "done" steps.
 * Counting from where the database stands and counting from a given revision
 * are different mistakes.
 */
static void
walked_too_far(const DbmigGraph *graph, const DbmigTarget *target, int done)
{
	const char *side = target->sign == '+' ? "above" : "below";
	char	   *start;

	if (target->start == BASE)
		start = pstrdup("base");
	else
		start = psprintf("revision \"%s\"", graph->nodes[target->start].id);

	if (target->symbol == DBMIG_SYMBOL_CURRENT)
		ereport(ERROR,
				errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				errmsg("relative target \"%s\" asks for more revisions than project \"%s\" has there",
					   target->text, graph->project),
				errdetail("Steps possible %s %s: %d.", side, start, done));
	ereport(ERROR,
			errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			errmsg("target \"%s\" walks too far", target->text),
			errdetail("Steps possible %s %s: %d.", side, start, done));
}

/*
 * Walk from target->start as far as the target says, and return where that
 * ends.  On the way up only children in the target's lineage count.  With
 * clamp, a walk that runs out of revisions stays where it is.
 */
static int
walk(const DbmigGraph *graph, const DbmigTarget *target, bool clamp)
{
	bool		up = (target->sign == '+');
	int			here = target->start;
	int			done;

	for (done = 0; done < target->distance; done++)
	{
		int		   *ways;
		int			nways;

		CHECK_FOR_INTERRUPTS();
		if (here == BASE)
		{
			int			i;

			ways = (int *) palloc(sizeof(int) * Max(graph->n, 1));
			nways = 0;
			for (i = 0; up && i < graph->n; i++)
			{
				if (graph->nodes[i].ndown == 0)
					ways[nways++] = i;
			}
		}
		else
		{
			const DbmigNode *node = &graph->nodes[here];

			nways = up ? node->nchildren : node->ndown;
			ways = (int *) palloc(sizeof(int) * Max(nways, 1));
			if (nways > 0)
				memcpy(ways, up ? node->children : node->down,
					   sizeof(int) * nways);
		}
		if (up)
			nways = keep_lineage(ways, nways, target->lineage);

		if (nways > 1)
			ereport(ERROR,
					errcode(ERRCODE_CARDINALITY_VIOLATION),
					errmsg("relative target \"%s\" is ambiguous because the walk can go several ways",
						   target->text),
					here == BASE ?
					errdetail("Above base there are revisions %s.",
							  dbmig_graph_name_list(graph, ways, nways)) :
					errdetail("%s revision \"%s\" there are revisions %s.",
							  up ? "Above" : "Below", graph->nodes[here].id,
							  dbmig_graph_name_list(graph, ways, nways)),
					up ?
					errhint("Name the branch, as in \"label@+1\", or the revision itself.") :
					errhint("Name the revision itself."));
		if (nways == 1)
			here = ways[0];
		else if (!up && here != BASE)
			here = BASE;
		else if (clamp)
			return here;
		else
			walked_too_far(graph, target, done);
		pfree(ways);
	}
	return here;
}

/*
 * Walk as a relative target says, and return the one node where this ends as
 * an array, which is empty for base.
 */
static int *
walk_from(const DbmigGraph *graph, DbmigTarget *target, int start, bool clamp,
		  int *nfound)
{
	int		   *found = (int *) palloc(sizeof(int));

	target->start = start;
	found[0] = walk(graph, target, clamp);
	*nfound = found[0] == BASE ? 0 : 1;
	return found;
}

/*
 * Return the nodes that a parsed target means, none if it means base.  Sets
 * target->start if it is relative.
 */
static int *
locate(const DbmigGraph *graph, const bool *applied, DbmigTarget *target,
	   bool clamp, int *nfound)
{
	int		   *found = NULL;

	*nfound = 0;
	switch (target->symbol)
	{
		case DBMIG_SYMBOL_REVISION:
			found = (int *) palloc(sizeof(int));
			found[0] = target->revision;
			*nfound = 1;
			break;
		case DBMIG_SYMBOL_HEAD:
			found = line_ends(graph, target->lineage, nfound);
			if (*nfound > 1)
				dbmig_target_several(graph, target->text, found, *nfound);
			break;
		case DBMIG_SYMBOL_HEADS:
			found = target->lineage != NULL ?
				line_ends(graph, target->lineage, nfound) :
				dbmig_graph_heads(graph, nfound);
			if (*nfound > 1 && target->sign != '\0')
				dbmig_target_several(graph, target->text, found, *nfound);
			break;
		case DBMIG_SYMBOL_BASE:
			found = (int *) palloc(sizeof(int));
			break;
		case DBMIG_SYMBOL_CURRENT:
			found = current_revisions(graph, applied, target->lineage,
									  target->sign == '-', nfound);
			if (*nfound > 1 && target->sign != '\0')
				several_current(graph, target->text, found, *nfound);
			break;
	}
	if (target->sign == '\0')
		return found;
	return walk_from(graph, target, *nfound == 0 ? BASE : found[0], clamp,
					 nfound);
}

/*
 * Return the nodes that a parsed target means, none if it means base.  Sets
 * target->start if it is relative.
 */
int *
dbmig_target_locate(const DbmigGraph *graph, const bool *applied,
					DbmigTarget *target, int *nfound)
{
	return locate(graph, applied, target, false, nfound);
}

/*
 * Resolve a target that has to be exactly one revision; -1 stands for base.
 */
int
dbmig_resolve_revision(const DbmigGraph *graph, const bool *applied,
					   const char *target)
{
	List	   *targets = dbmig_target_parse_list(graph, target);
	DbmigTarget *first = (DbmigTarget *) linitial(targets);
	int		   *found;
	int			nfound;

	found = list_length(targets) > 1 ?
		dbmig_resolve_revisions(graph, applied, target, &nfound) :
		dbmig_target_locate(graph, applied, first, &nfound);

	if (nfound > 1 && list_length(targets) == 1 &&
		first->symbol == DBMIG_SYMBOL_CURRENT)
		several_current(graph, target, found, nfound);
	if (nfound > 1)
		dbmig_target_several(graph, target, found, nfound);
	return nfound == 0 ? BASE : found[0];
}

/*
 * Resolve a target that may be any number of revisions, none if it is base.
 * They come in the order in which they were named, as often as they were.
 */
int *
dbmig_resolve_revisions(const DbmigGraph *graph, const bool *applied,
						const char *target, int *nfound)
{
	int		   *found = NULL;
	ListCell   *lc;

	*nfound = 0;
	foreach(lc, dbmig_target_parse_list(graph, target))
	{
		int		   *more;
		int			nmore;

		CHECK_FOR_INTERRUPTS();
		more = dbmig_target_locate(graph, applied, (DbmigTarget *) lfirst(lc),
								   &nmore);
		if (found == NULL)
			found = more;
		else if (nmore > 0)
		{
			found = (int *) repalloc(found, sizeof(int) * (*nfound + nmore));
			memcpy(found + *nfound, more, sizeof(int) * nmore);
		}
		*nfound += nmore;
	}
	return found;
}

/*
 * Parse one end of a range; an end left out is NULL.
 */
static DbmigTarget *
parse_range_end(const DbmigGraph *graph, const char *text, size_t len)
{
	char	   *end = trimmed(text, len);

	return end[0] == '\0' ? NULL : parse_target(graph, end);
}

/*
 * Locate one end of a range.
 *
 * "-N" as the lower end counts from the upper end, "+N" as the upper end from
 * the lower one: then that is given as "other" and "found" is where it is.
 * Walks that run out of revisions just stop, for "the last twenty" is a fair
 * question where there are ten.
 */
static int *
locate_range_end(const DbmigGraph *graph, const bool *applied,
				 DbmigTarget *end, const DbmigTarget *other,
				 const int *found, int nother, int *nfound)
{
	int		   *starts;
	int			nstarts;

	if (other == NULL)
		return locate(graph, applied, end, true, nfound);

	starts = (int *) palloc(sizeof(int) * Max(nother, 1));
	if (nother > 0)
		memcpy(starts, found, sizeof(int) * nother);
	nstarts = keep_lineage(starts, nother, end->lineage);
	if (nstarts > 1 && other->symbol == DBMIG_SYMBOL_CURRENT)
		several_current(graph, end->text, starts, nstarts);
	if (nstarts > 1)
		dbmig_target_several(graph, other->text, starts, nstarts);
	return walk_from(graph, end, nstarts == 0 ? BASE : starts[0], true,
					 nfound);
}

/*
 * Return the nodes of a range whose ends are given: those from lower to upper,
 * both included, newest first.
 *
 * Only what descends from the lower end by parents is listed, so that a branch
 * on which a revision in between depends stays out; where the upper end can be
 * reached by dependencies only, these count.  From base on, everything below
 * the upper end is listed.
 */
static int *
list_range(const DbmigGraph *graph, const int *lower, int nlower,
		   const int *upper, int nupper, const char *upper_text, int *nfound)
{
	bool	   *listed = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
	bool	   *below;
	bool	   *above;
	bool		reached = false;
	int			i;

	for (i = 0; i < nupper; i++)
		listed[upper[i]] = true;
	dbmig_graph_spread_down(graph, listed, true);
	if (nlower == 0)
		return dbmig_graph_newest_first(graph, listed, nfound);

	below = (bool *) palloc0(sizeof(bool) * graph->n);
	above = (bool *) palloc0(sizeof(bool) * graph->n);
	for (i = 0; i < nlower; i++)
	{
		if (!listed[lower[i]])
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("revision \"%s\" is not an ancestor of \"%s\"",
						   graph->nodes[lower[i]].id, upper_text),
					errhint("A range goes from an older to a newer revision."));
		below[lower[i]] = true;
		above[lower[i]] = true;
	}
	dbmig_graph_spread_down(graph, below, true);
	dbmig_graph_spread_up(graph, above, false);
	for (i = 0; i < nupper; i++)
		reached |= above[upper[i]];
	if (!reached)
		dbmig_graph_spread_up(graph, above, true);

	for (i = 0; i < graph->n; i++)
		listed[i] = listed[i] && above[i] && !below[i];
	for (i = 0; i < nlower; i++)
		listed[lower[i]] = true;
	return dbmig_graph_newest_first(graph, listed, nfound);
}

/*
 * Resolve a range and return its nodes, newest first.
 *
 * Ranges are "a:b", "a:" and ":b", where both ends are targets without commas
 * and an end left out is base or heads.  NULL stands for everything, and a
 * text without a colon for just the revisions it means as a target.
 */
int *
dbmig_resolve_range(const DbmigGraph *graph, const bool *applied,
					const char *range, int *nfound)
{
	const char *colon;
	DbmigTarget *from;
	DbmigTarget *to;
	int		   *lower = NULL;
	int			nlower = 0;
	int		   *upper = NULL;
	int			nupper = 0;
	bool		from_counts;
	bool		to_counts;

	if (range == NULL)
		range = ":";
	colon = strchr(range, ':');
	if (colon == NULL)
	{
		bool	   *listed = (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
		int			i;

		upper = dbmig_resolve_revisions(graph, applied, range, &nupper);
		for (i = 0; i < nupper; i++)
			listed[upper[i]] = true;
		return dbmig_graph_newest_first(graph, listed, nfound);
	}
	if (strchr(colon + 1, ':') != NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid range \"%s\"", range),
				errhint("Ranges are, for example, \"base:head\", \"-3:current\" or \"label@base:\"."));

	from = parse_range_end(graph, range, colon - range);
	to = parse_range_end(graph, colon + 1, strlen(colon + 1));
	if (from == NULL)
		from = parse_target(graph, "base");
	if (to == NULL)
		to = parse_target(graph, "heads");

	/* The heads of a range that starts on a branch are that branch's. */
	if (from->lineage != NULL && to->lineage == NULL &&
		(to->symbol == DBMIG_SYMBOL_HEAD || to->symbol == DBMIG_SYMBOL_HEADS))
	{
		to->branch_name = from->branch_name;
		to->branch = from->branch;
		to->lineage = from->lineage;
	}

	/* An end that counts from the other one is located after it. */
	from_counts = dbmig_target_is_bare(from, '-');
	to_counts = dbmig_target_is_bare(to, '+');
	if (from_counts && to_counts)
		from_counts = to_counts = false;

	if (!from_counts)
		lower = locate_range_end(graph, applied, from, NULL, NULL, 0, &nlower);
	upper = locate_range_end(graph, applied, to, to_counts ? from : NULL,
							 lower, nlower, &nupper);
	if (from_counts)
		lower = locate_range_end(graph, applied, from, to, upper, nupper,
								 &nlower);

	if (from->lineage != NULL && nupper > 0)
	{
		int			outside = upper[0];

		nupper = keep_lineage(upper, nupper, from->lineage);
		if (nupper == 0)
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("revision \"%s\" is not a member of branch \"%s\"",
						   graph->nodes[outside].id, from->branch_name),
					errdetail("It is neither above nor below revision \"%s\".",
							  graph->nodes[from->branch].id));
	}
	return list_range(graph, lower, nlower, upper, nupper, to->text, nfound);
}
