/*-------------------------------------------------------------------------
 *
 * alembic.c
 *		The state of a database that Alembic runs: its table alembic_version.
 *
 * The table holds the current heads, one a row.  It is looked up by the
 * caller's search_path, as Alembic does, and read as the caller.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "engine/engine.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"

/*
 * Is a relation one that Alembic could have made?  Whoever may create tables in
 * the caller's search_path could have made it too; reading a column of a type
 * of theirs, or through their policies, would run what they wrote.
 */
static bool
is_plain_table(Oid relation)
{
	AttrNumber	column = get_attnum(relation, "version_num");
	Oid			type = column > 0 ? get_atttype(relation, column) : InvalidOid;

	return get_rel_relkind(relation) == RELKIND_RELATION &&
		(type == VARCHAROID || type == TEXTOID || type == BPCHAROID) &&
		check_enable_rls(relation, InvalidOid, true) != RLS_ENABLED;
}

/*
 * Read the heads that Alembic has recorded, as a list of strings in the current
 * memory context.  Returns false if there is no such table.
 */
static bool
read_versions(List **versions)
{
	MemoryContext caller_context = CurrentMemoryContext;
	Oid			relation = RelnameGetRelid(DBMIG_ALEMBIC_TABLE);
	char	   *name;
	char	   *query;

	*versions = NIL;
	if (!OidIsValid(relation))
		return false;
	name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  DBMIG_ALEMBIC_TABLE);
	if (!is_plain_table(relation))
		ereport(ERROR,
				errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("%s is not a table of Alembic", name),
				errdetail("Alembic's is an ordinary table without row security, with a column \"version_num\" of type character varying."));
	query = psprintf("SELECT version_num::pg_catalog.text FROM %s", name);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* not read-only: a new snapshot, behind the locks that are held */
	if (SPI_execute(query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read %s", name);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *version = SPI_getvalue(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 1);
		MemoryContext old = MemoryContextSwitchTo(caller_context);

		CHECK_FOR_INTERRUPTS();
		if (version)
			*versions = lappend(*versions, pstrdup(version));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return true;
}

/*
 * The state in which a target, as for an upgrade, and all that it needs is
 * applied, added to the given one.
 */
void
dbmig_add_to_state(const DbmigGraph *graph, bool *state, const char *target)
{
	DbmigPlan  *plan = dbmig_plan_upgrade(graph, state, target);

	for (int i = 0; i < plan->nsteps; i++)
		state[plan->steps[i]] = true;
}

/*
 * The state that Alembic has recorded in this database, by node; NULL if it has
 * no table here.  Recorded revisions that the project lacks are an error.
 */
bool *
dbmig_alembic_state(const DbmigProject *project)
{
	bool	   *state;
	List	   *versions;
	ListCell   *lc;

	if (!read_versions(&versions))
		return NULL;
	state = palloc0(sizeof(bool) * (project->graph->n + 1));
	foreach(lc, versions)
	{
		const char *version = lfirst(lc);

		if (dbmig_graph_lookup(project->graph, version) < 0)
			ereport(ERROR,
					errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("revision \"%s\" does not exist in project \"%s\"",
						   version, project->name),
					errdetail("Table \"%s\" of this database names it.",
							  DBMIG_ALEMBIC_TABLE));
		dbmig_add_to_state(project->graph, state, version);
	}
	return state;
}
