/*-------------------------------------------------------------------------
 *
 * plan.c
 *		From a target to the revisions to run, or to a new state.
 *
 * All plans follow from rules about sets, never from the current heads:
 *
 *	upgrade T	runs what lies at or below T, by parents and dependencies, and
 *				is not applied
 *	downgrade T	undoes what is applied of T's children by parents and of all
 *				that lies above these, by parents and dependencies; T itself
 *				stays.  Base's children are the revisions without parents.
 *				Where a branch is named, only children that lead to it count
 *	stamp T		makes applied what lies at or below T, makes unapplied what
 *				lies above it, and leaves the rest
 *
 * Steps come in the order of graph->sorted, or the reverse, which makes every
 * prefix of a plan lead to a valid state.
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
 * Return an empty set of nodes.
 */
static bool *
empty_set(const DbmigGraph *graph)
{
	return (bool *) palloc0(sizeof(bool) * Max(graph->n, 1));
}

/*
 * Make a plan of the members of "set" whose applied flag has this value.
 */
static DbmigPlan *
make_plan(const DbmigGraph *graph, DbmigDirection direction, const bool *set,
		  const bool *applied)
{
	DbmigPlan  *plan = (DbmigPlan *) palloc(sizeof(DbmigPlan));
	bool		wanted = (direction == DBMIG_DOWNGRADE);
	int			i;

	plan->direction = direction;
	plan->nsteps = 0;
	plan->steps = (int *) palloc(sizeof(int) * Max(graph->n, 1));
	for (i = 0; i < graph->n; i++)
	{
		int			node = direction == DBMIG_UPGRADE ? graph->sorted[i] :
		graph->sorted[graph->n - 1 - i];

		if (set[node] && applied[node] == wanted)
			plan->steps[plan->nsteps++] = node;
	}
	return plan;
}

/*
 * Raise the error for a relative target that leads the other way.
 */
static void
wrong_direction(const DbmigTarget *target, DbmigDirection direction)
{
	ereport(ERROR,
			errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			direction == DBMIG_UPGRADE ?
			errmsg("relative target \"%s\" cannot be reached by an upgrade",
				   target->text) :
			errmsg("relative target \"%s\" cannot be reached by a downgrade",
				   target->text),
			direction == DBMIG_UPGRADE ?
			errhint("Use dbm_downgrade() to go down from the current revision.") :
			errhint("Use dbm_upgrade() to go up from the current revision."));
}

/*
 * Raise an error if one member of a set of targets lies above another.
 */
static void
check_overlap(const DbmigGraph *graph, const char *text, const bool *set)
{
	bool	   *covered = empty_set(graph);
	int		   *maximal;
	int			nmaximal;
	int			i;

	maximal = dbmig_graph_maximal(graph, set, &nmaximal);
	for (i = 0; i < nmaximal; i++)
		covered[maximal[i]] = true;

	for (i = 0; i < graph->n; i++)
	{
		if (set[i] && !covered[i])
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("revisions of target \"%s\" overlap", text),
					errdetail("Revision \"%s\" is an ancestor of another one.",
							  graph->nodes[i].id),
					errhint("Leave it out of the list."));
	}
	pfree(covered);
	pfree(maximal);
}

/*
 * Plan an upgrade to parsed targets.
 */
static DbmigPlan *
plan_upgrade(const DbmigGraph *graph, const bool *applied, const char *text,
			 List *targets)
{
	bool	   *set = empty_set(graph);
	ListCell   *lc;

	foreach(lc, targets)
	{
		DbmigTarget *target = (DbmigTarget *) lfirst(lc);
		int		   *found;
		int			nfound;
		int			i;

		CHECK_FOR_INTERRUPTS();
		if (dbmig_target_is_bare(target, '-'))
			wrong_direction(target, DBMIG_UPGRADE);
		found = dbmig_target_locate(graph, applied, target, &nfound);
		for (i = 0; i < nfound; i++)
			set[found[i]] = true;
	}
	if (list_length(targets) > 1)
		check_overlap(graph, text, set);

	dbmig_graph_spread_down(graph, set, true);
	return make_plan(graph, DBMIG_UPGRADE, set, applied);
}

/*
 * Return the set of nodes to undo first in order to get down to "node", or to
 * base if that is -1: its children, or those that lead to "branch" if there
 * are several and branch is not -1.
 */
static bool *
roots_to_undo(const DbmigGraph *graph, const bool *applied, int node,
			  int branch, const DbmigTarget *target)
{
	bool	   *roots = empty_set(graph);
	bool	   *leading;
	bool		any_applied = false;
	int			nroots = 0;
	int			nkept = 0;
	int			i;

	for (i = 0; node < 0 && i < graph->n; i++)
		roots[i] = (graph->nodes[i].ndown == 0);
	for (i = 0; node >= 0 && i < graph->nodes[node].nchildren; i++)
		roots[graph->nodes[node].children[i]] = true;
	for (i = 0; i < graph->n; i++)
	{
		nroots += roots[i] ? 1 : 0;
		any_applied |= (roots[i] && applied[i]);
	}
	if (branch < 0 || nroots <= 1)
		return roots;

	leading = empty_set(graph);
	leading[branch] = true;
	dbmig_graph_spread_down(graph, leading, false);
	for (i = 0; i < graph->n; i++)
	{
		roots[i] = roots[i] && leading[i];
		nkept += roots[i] ? 1 : 0;
	}
	if (nkept == 0 && any_applied)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("\"%s\" is not a valid downgrade target", target->text),
				errdetail("Branch \"%s\" begins at or below revision \"%s\" and selects none of the revisions that follow it.",
						  target->branch_name, graph->nodes[node].id),
				errhint("Name a branch that begins above the revision, or none."));
	return roots;
}

/*
 * Plan a downgrade to a parsed target.
 */
static DbmigPlan *
plan_downgrade(const DbmigGraph *graph, const bool *applied, const char *text,
			   List *targets)
{
	DbmigTarget *target = (DbmigTarget *) linitial(targets);
	bool	   *set;
	int		   *found;
	int			nfound;
	int			node;
	int			branch;

	if (list_length(targets) > 1)
	{
		found = dbmig_resolve_revisions(graph, applied, text, &nfound);
		dbmig_target_several(graph, text, found, nfound);
	}
	if (dbmig_target_is_bare(target, '+'))
		wrong_direction(target, DBMIG_DOWNGRADE);

	found = dbmig_target_locate(graph, applied, target, &nfound);
	if (nfound > 1)
	{
		int			i;

		/* Of heads, and of what is current, nothing lies above. */
		for (i = 0; i < nfound && applied[found[i]]; i++)
			 /* count them */ ;
		if (i < nfound)
			dbmig_target_several(graph, text, found, nfound);
		return make_plan(graph, DBMIG_DOWNGRADE, empty_set(graph), applied);
	}
	node = nfound == 0 ? -1 : found[0];
	if (node >= 0 && !applied[node])
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("\"%s\" is not a valid downgrade target", target->text),
				errdetail("Revision \"%s\" is not applied.",
						  graph->nodes[node].id),
				errhint("dbm_current() shows the current revisions."));

	/* "-N" undoes the line that it walked down, and no other. */
	branch = dbmig_target_is_bare(target, '-') ? target->start :
		target->branch;
	set = roots_to_undo(graph, applied, node, branch, target);
	dbmig_graph_spread_up(graph, set, true);
	return make_plan(graph, DBMIG_DOWNGRADE, set, applied);
}

/*
 * Plan an upgrade.  A target at or below what is applied takes no steps.
 */
DbmigPlan *
dbmig_plan_upgrade(const DbmigGraph *graph, const bool *applied,
				   const char *target)
{
	return plan_upgrade(graph, applied, target,
						dbmig_target_parse_list(graph, target));
}

/*
 * Plan a downgrade.  A target that is not applied is an error, one that is
 * applied with nothing above it takes no steps.
 */
DbmigPlan *
dbmig_plan_downgrade(const DbmigGraph *graph, const bool *applied,
					 const char *target)
{
	return plan_downgrade(graph, applied, target,
						  dbmig_target_parse_list(graph, target));
}

/*
 * Tell whether getting to a parsed target means going down.  The target says
 * so itself, or the state does: down to what is applied, up to what is not.
 */
static bool
leads_down(const DbmigGraph *graph, const bool *applied, DbmigTarget *target)
{
	int		   *found;
	int			nfound;
	int			i;

	if (dbmig_target_is_bare(target, '+'))
		return false;
	if (dbmig_target_is_bare(target, '-'))
		return true;
	if (target->sign == '\0' && (target->symbol == DBMIG_SYMBOL_HEAD ||
								 target->symbol == DBMIG_SYMBOL_HEADS))
		return false;

	found = dbmig_target_locate(graph, applied, target, &nfound);
	for (i = 0; i < nfound; i++)
	{
		if (!applied[found[i]])
			return false;
	}
	return true;
}

/*
 * Plan whatever gets to the target, up or down.
 */
DbmigPlan *
dbmig_plan_move(const DbmigGraph *graph, const bool *applied,
				const char *target)
{
	List	   *targets = dbmig_target_parse_list(graph, target);

	if (list_length(targets) == 1 &&
		leads_down(graph, applied, (DbmigTarget *) linitial(targets)))
		return plan_downgrade(graph, applied, target, targets);
	return plan_upgrade(graph, applied, target, targets);
}

/*
 * Take a branch out of a state: what lies at or above the revision that names
 * it, and what of the line below nothing else needs.
 */
static void
unstamp_branch(const DbmigGraph *graph, bool *state, int branch)
{
	bool	   *above = empty_set(graph);
	bool	   *below = empty_set(graph);
	int			i;
	int			j;

	above[branch] = true;
	dbmig_graph_spread_up(graph, above, true);
	for (i = 0; i < graph->n; i++)
		state[i] = state[i] && !above[i];

	below[branch] = true;
	dbmig_graph_spread_down(graph, below, false);
	for (i = graph->n - 1; i >= 0; i--)
	{
		int			self = graph->sorted[i];
		const DbmigNode *node = &graph->nodes[self];
		bool		needed = false;

		for (j = 0; j < node->nchildren; j++)
			needed |= state[node->children[j]];
		for (j = 0; j < node->nusers; j++)
			needed |= state[node->users[j]];
		if (below[self] && !needed)
			state[self] = false;
	}
}

/*
 * Return the state that stamping the target leads to, as a new array.  With
 * purge, nothing of the old state stays.
 */
bool *
dbmig_plan_stamp(const DbmigGraph *graph, const bool *applied,
				 const char *target, bool purge)
{
	List	   *targets = dbmig_target_parse_list(graph, target);
	bool	   *state = empty_set(graph);
	bool	   *set = empty_set(graph);
	bool	   *below = empty_set(graph);
	ListCell   *lc;
	int			i;

	for (i = 0; !purge && i < graph->n; i++)
		state[i] = applied[i];

	foreach(lc, targets)
	{
		DbmigTarget *item = (DbmigTarget *) lfirst(lc);
		int		   *found;
		int			nfound;
		int			branch;

		CHECK_FOR_INTERRUPTS();
		found = dbmig_target_locate(graph, applied, item, &nfound);
		for (i = 0; i < nfound; i++)
			set[found[i]] = true;
		if (nfound > 0)
			continue;

		branch = dbmig_target_is_bare(item, '-') ? item->start : item->branch;
		if (branch >= 0)
			unstamp_branch(graph, state, branch);
		else
			memset(state, false, sizeof(bool) * graph->n);
	}
	if (list_length(targets) > 1)
		check_overlap(graph, target, set);

	/* What lies above a target goes, what lies at or below it comes. */
	memcpy(below, set, sizeof(bool) * graph->n);
	dbmig_graph_spread_down(graph, below, true);
	dbmig_graph_spread_up(graph, set, true);
	for (i = 0; i < graph->n; i++)
		state[i] = below[i] || (state[i] && !set[i]);
	return state;
}
