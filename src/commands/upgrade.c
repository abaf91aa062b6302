/*-------------------------------------------------------------------------
 *
 * upgrade.c
 *		dbm_upgrade, dbm_downgrade, dbm_stamp and dbm_require.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "commands/commands.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define BLANKS " \t\r\n"

PG_FUNCTION_INFO_V1(dbmig_upgrade);
PG_FUNCTION_INFO_V1(dbmig_downgrade);
PG_FUNCTION_INFO_V1(dbmig_stamp);
PG_FUNCTION_INFO_V1(dbmig_require);

/*
 * Do what a call wants, and return the steps as rows or say that there were
 * none.  The call's first argument is the target, argument n the project.
 */
static Datum
run(FunctionCallInfo fcinfo, DbmigCommand command, int n, const char *function)
{
	char	   *target = dbmig_text_argument(fcinfo, 0, "target");
	const char *project = dbmig_project_argument(fcinfo, n);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *steps;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	steps = dbmig_run(project, command, target, function);
	foreach(lc, steps)
	{
		const DbmigStep *step = lfirst(lc);
		Interval   *elapsed = palloc0(sizeof(Interval));
		Datum		values[7];
		bool		nulls[7] = {0};

		elapsed->time = step->elapsed;
		values[0] = Int32GetDatum(foreach_current_index(lc) + 1);
		values[1] = CStringGetTextDatum(step->direction);
		values[2] = CStringGetTextDatum(step->revision);
		values[3] = dbmig_names_datum(step->from, step->nfrom);
		values[4] = CStringGetTextDatum(step->message);
		values[5] = Int32GetDatum(step->statements);
		values[6] = IntervalPGetDatum(elapsed);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	if (steps == NIL)
		ereport(NOTICE,
				errmsg("project \"%s\": nothing to do", project));
	return (Datum) 0;
}

/* dbm_upgrade(target, project) */
Datum
dbmig_upgrade(PG_FUNCTION_ARGS)
{
	return run(fcinfo, DBMIG_RUN_UPGRADE, 1, "dbm_upgrade()");
}

/* dbm_downgrade(target, project) */
Datum
dbmig_downgrade(PG_FUNCTION_ARGS)
{
	return run(fcinfo, DBMIG_RUN_DOWNGRADE, 1, "dbm_downgrade()");
}

/* dbm_stamp(target, purge, project) */
Datum
dbmig_stamp(PG_FUNCTION_ARGS)
{
	bool		purge = !PG_ARGISNULL(1) && PG_GETARG_BOOL(1);

	return run(fcinfo, purge ? DBMIG_RUN_STAMP_PURGE : DBMIG_RUN_STAMP, 2,
			   "dbm_stamp()");
}

/* Raise an error unless a revision is applied. */
static void
require_node(const DbmigProject *project, int node)
{
	if (project->applied[node])
		return;
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("revision \"%s\" of project \"%s\" is not applied",
				   project->graph->nodes[node].id, project->name),
			errdetail("The database is at %s.", dbmig_heads_text(project)),
			errhint("Run dbm_upgrade() first."));
}

/*
 * dbm_require(revision, project): raise unless all revisions that the text
 * names are applied.  An application may have been written before a revision
 * was replaced: then what stands for it counts.
 */
Datum
dbmig_require(PG_FUNCTION_ARGS)
{
	char	   *targets = dbmig_text_argument(fcinfo, 0, "revision");
	DbmigProject *project = dbmig_project_load(dbmig_project_argument(fcinfo, 1),
											   GetActiveSnapshot());
	char	   *target;

	while ((target = strsep(&targets, ",")) != NULL)
	{
		size_t		skip = strspn(target, BLANKS);
		int			node;
		int			count;
		int		   *nodes;

		CHECK_FOR_INTERRUPTS();
		node = dbmig_graph_replacement(project->graph,
									   pnstrdup(target + skip,
												strcspn(target + skip, BLANKS)));
		if (node >= 0)
		{
			require_node(project, node);
			continue;
		}
		nodes = dbmig_resolve_revisions(project->graph, project->applied, target,
										&count);
		for (int i = 0; i < count; i++)
			require_node(project, nodes[i]);
	}
	PG_RETURN_VOID();
}
