/*-------------------------------------------------------------------------
 *
 * locate.c
 *		Which revision is it that left the schema of this database?
 *
 * For a database whose state was lost.  One run through all revisions notes
 * after each a signature of what is there so far: relations, columns, types,
 * functions and triggers, by name.  Where that is the signature of the live
 * schema, the two are compared in full.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "catalog/pg_type.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Revisions without effect on the schema have signatures alike. */
#define MAX_CANDIDATES	16

/* What the work in the sandbox is told, and what it finds. */
typedef struct Search
{
	const DbmigProject *project;
	int64		wanted;			/* the signature of the live schema */
	List	   *candidates;		/* places in the order of revisions */
} Search;

static const char signature_query[] =
"SELECT COALESCE(pg_catalog.sum(pg_catalog.hashtextextended(o.text, 0) OPERATOR(pg_catalog.%) 1000000000), 0)::pg_catalog.int8"
" FROM (SELECT pg_catalog.concat_ws(' ', c.relname, c.relkind, a.attname, a.attnotnull,"
" pg_catalog.format_type(a.atttypid, a.atttypmod))"
" FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_attribute a"
" ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
" WHERE c.relnamespace OPERATOR(pg_catalog.=) ANY ($1)"
" UNION ALL SELECT pg_catalog.concat_ws(' ', p.proname, p.prosrc)"
" FROM pg_catalog.pg_proc p WHERE p.pronamespace OPERATOR(pg_catalog.=) ANY ($1)"
" UNION ALL SELECT pg_catalog.concat_ws(' ', t.typname, e.enumlabel)"
" FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid OPERATOR(pg_catalog.=) t.oid"
" WHERE t.typnamespace OPERATOR(pg_catalog.=) ANY ($1)"
" UNION ALL SELECT pg_catalog.concat_ws(' ', k.conname, k.contype)"
" FROM pg_catalog.pg_constraint k WHERE k.connamespace OPERATOR(pg_catalog.=) ANY ($1)"
" UNION ALL SELECT pg_catalog.concat_ws(' ', t.tgname, c.relname)"
" FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.tgrelid"
" WHERE NOT t.tgisinternal AND c.relnamespace OPERATOR(pg_catalog.=) ANY ($1)) AS o(text)";

/* A number that is the same for schemas (a list of OIDs) that look alike. */
static int64
signature(List *schemas)
{
	Oid			types[] = {OIDARRAYOID};
	Datum		values[] = {dbmig_oids_datum(schemas)};
	int64		result;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(signature_query, 1, types, values, NULL, false,
							  0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "catalog query failed: %s", signature_query);
	result = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										 SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return result;
}

static void
find_candidates(DbmigSandbox *sandbox, void *arg)
{
	Search	   *search = arg;
	const DbmigProject *project = search->project;

	for (int i = 0; i < project->graph->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		dbmig_sandbox_run_revision(sandbox, project, project->graph->sorted[i],
								   DBMIG_UPGRADE);
		if (signature(dbmig_sandbox_schemas(sandbox, NIL)) == search->wanted)
			search->candidates = lcons_int(i, search->candidates);
	}
}

/* The heads of the first revisions in order, up to one, joined by commas. */
static char *
heads_up_to(const DbmigProject *project, int last)
{
	bool	   *state = palloc0(sizeof(bool) * (project->graph->n + 1));

	for (int i = 0; i <= last; i++)
		state[project->graph->sorted[i]] = true;
	return dbmig_state_text(project->graph, state);
}

static bool
is_live_schema(const DbmigProject *project, const char *heads)
{
	DbmigComparison *comparison =
		dbmig_compare(project->name, "live", psprintf("revision:%s", heads), NULL);

	return !dbmig_has_changes(dbmig_comparison_changes(comparison, false));
}

/*
 * The heads that the state would have if the newest revisions were applied
 * that build what is there; NULL if none do.
 */
char *
dbmig_locate_live(const DbmigProject *project)
{
	List	   *schemas = dbmig_managed_schemas(NIL);
	Search		search = {project, signature(schemas), NIL};
	int			tried = 0;
	ListCell   *lc;

	dbmig_in_sandbox(schemas, find_candidates, &search);
	foreach(lc, search.candidates)
	{
		char	   *heads = heads_up_to(project, lfirst_int(lc));

		if (++tried > MAX_CANDIDATES)
			break;
		if (is_live_schema(project, heads))
			return heads;
	}
	return NULL;
}
