/*-------------------------------------------------------------------------
 *
 * history.c
 *		dbm_history, dbm_show, dbm_current, dbm_heads, dbm_branches,
 *		dbm_graph, dbm_log and dbm_projects: what there is to see.
 *
 * These functions change nothing and take no lock, so they work in read-only
 * transactions and on standbys.  The state is what the calling statement's
 * snapshot shows.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "commands/commands.h"
#include "commands/extension.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(dbmig_history);
PG_FUNCTION_INFO_V1(dbmig_show);
PG_FUNCTION_INFO_V1(dbmig_current);
PG_FUNCTION_INFO_V1(dbmig_heads);
PG_FUNCTION_INFO_V1(dbmig_branches);
PG_FUNCTION_INFO_V1(dbmig_graph);
PG_FUNCTION_INFO_V1(dbmig_log);
PG_FUNCTION_INFO_V1(dbmig_projects);

#define HISTORY_COLUMNS 14
#define SHOW_COLUMNS 23

/* A project with the sets that most columns are about. */
typedef struct View
{
	DbmigProject *project;
	bool	   *is_head;		/* by node */
	bool	   *is_current;		/* by node */
	int			nheads;
	int		   *heads;
	int			ncurrent;
	int		   *current;
} View;

static bool *
mark_nodes(const DbmigGraph *graph, const int *nodes, int count)
{
	bool	   *marks = palloc0(sizeof(bool) * (graph->n + 1));

	for (int i = 0; i < count; i++)
		marks[nodes[i]] = true;
	return marks;
}

static View *
load_view(const char *name)
{
	View	   *view = palloc0(sizeof(View));
	const DbmigGraph *graph;

	view->project = dbmig_project_load(name, GetActiveSnapshot());
	graph = view->project->graph;
	view->heads = dbmig_graph_heads(graph, &view->nheads);
	view->current = dbmig_graph_maximal(graph, view->project->applied,
										&view->ncurrent);
	view->is_head = mark_nodes(graph, view->heads, view->nheads);
	view->is_current = mark_nodes(graph, view->current, view->ncurrent);
	return view;
}

static void
put_row(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Identifiers of nodes, as text[]. */
static Datum
node_names(const DbmigGraph *graph, const int *nodes, int count)
{
	const char **names = palloc(sizeof(char *) * (count + 1));

	for (int i = 0; i < count; i++)
		names[i] = graph->nodes[nodes[i]].id;
	return dbmig_names_datum((char *const *) names, count);
}

/* Where a revision's upgrade script is: file, registered, or only applied. */
static const char *
source_name(const DbmigRevision *revision)
{
	if (revision->upgrade == NULL)
		return "applied";
	return revision->upgrade->directory ? "file" : "registered";
}

/* The columns of dbm_history, which dbm_show begins with. */
static void
fill_history(const View *view, int node, const char *drawing, Datum *values,
			 bool *nulls)
{
	const DbmigGraph *graph = view->project->graph;
	const DbmigNode *n = &graph->nodes[node];
	const DbmigRevision *revision = n->owner;
	const DbmigHeader *header = revision->upgrade ?
		revision->upgrade->header : NULL;
	const DbmigApplied *state = revision->state;

	dbmig_text_result(values, nulls, 0, drawing);
	values[1] = CStringGetTextDatum(n->id);
	values[2] = dbmig_names_datum((char *const *) n->down_ids, n->ndown);
	values[3] = dbmig_names_datum((char *const *) n->lineage, n->nlineage);
	values[4] = dbmig_names_datum((char *const *) n->dep_ids, n->ndeps);
	values[5] = CStringGetTextDatum(dbmig_revision_message(revision));
	if (header)
	{
		nulls[6] = !header->has_create_date;
		values[6] = TimestampTzGetDatum(header->create_date);
	}
	else
	{
		nulls[6] = !state->has_create_date;
		values[6] = TimestampTzGetDatum(state->create_date);
	}
	values[7] = BoolGetDatum(view->is_head[node]);
	values[8] = BoolGetDatum(n->ndown == 0);
	values[9] = BoolGetDatum(n->nchildren > 1);
	values[10] = BoolGetDatum(n->ndown > 1);
	values[11] = BoolGetDatum(view->is_current[node]);
	values[12] = BoolGetDatum(view->project->applied[node]);
	values[13] = CStringGetTextDatum(source_name(revision));
}

/* dbm_history(range, project) */
Datum
dbmig_history(PG_FUNCTION_ARGS)
{
	View	   *view = load_view(dbmig_project_argument(fcinfo, 1));
	const DbmigGraph *graph = view->project->graph;
	char	   *range = PG_ARGISNULL(0) ? NULL :
		text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			count;
	int		   *nodes = dbmig_resolve_range(graph, view->project->applied, range,
											&count);
	char	  **drawing = dbmig_graph_draw(graph, nodes, count,
										   view->project->applied);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Datum		values[HISTORY_COLUMNS] = {0};
		bool		nulls[HISTORY_COLUMNS] = {0};

		CHECK_FOR_INTERRUPTS();
		fill_history(view, nodes[i], drawing[i], values, nulls);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* Where a script is read from: a path, "registered script …", or the state. */
static void
put_script(const View *view, const DbmigRevision *revision,
		   DbmigDirection direction, Datum *values, bool *nulls, int file_column,
		   int text_column)
{
	DbmigScript *script = direction == DBMIG_UPGRADE ?
		revision->upgrade : revision->downgrade;
	char	   *text = dbmig_revision_script(view->project, revision, direction);

	dbmig_text_result(values, nulls, file_column,
					  script && script->directory ? dbmig_script_place(script) : NULL);
	dbmig_text_result(values, nulls, text_column, text);
}

/* dbm_show(revision, project) */
Datum
dbmig_show(PG_FUNCTION_ARGS)
{
	char	   *target = dbmig_text_argument(fcinfo, 0, "revision");
	View	   *view = load_view(dbmig_project_argument(fcinfo, 1));
	const DbmigGraph *graph = view->project->graph;
	int			count;
	int		   *nodes = dbmig_resolve_revisions(graph, view->project->applied,
												target, &count);
	char	  **drawing = dbmig_graph_draw(graph, nodes, count,
										   view->project->applied);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		const DbmigRevision *revision = dbmig_revision(view->project, nodes[i]);
		const DbmigApplied *state = revision->state;
		Datum		values[SHOW_COLUMNS] = {0};
		bool		nulls[SHOW_COLUMNS] = {0};

		CHECK_FOR_INTERRUPTS();
		fill_history(view, nodes[i], drawing[i], values, nulls);
		put_script(view, revision, DBMIG_UPGRADE, values, nulls, 14, 16);
		put_script(view, revision, DBMIG_DOWNGRADE, values, nulls, 15, 17);
		if (revision->upgrade)
		{
			values[18] = BoolGetDatum(revision->upgrade->header->transactional);
			dbmig_text_result(values, nulls, 19,
							  dbmig_script_checksum(TextDatumGetCString(values[16]),
													revision->upgrade->file_name));
			dbmig_text_result(values, nulls, 22, revision->upgrade->author);
		}
		else
		{
			values[18] = BoolGetDatum(state->transactional);
			dbmig_text_result(values, nulls, 19, state->checksum);
			dbmig_text_result(values, nulls, 22, state->upgrade_author);
		}
		nulls[20] = (state == NULL);
		if (state)
			values[20] = TimestampTzGetDatum(state->applied_at);
		dbmig_text_result(values, nulls, 21, state ? state->applied_by : NULL);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_current(project) */
Datum
dbmig_current(PG_FUNCTION_ARGS)
{
	View	   *view = load_view(dbmig_project_argument(fcinfo, 0));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < view->ncurrent; i++)
	{
		int			node = view->current[i];
		const DbmigRevision *revision = dbmig_revision(view->project, node);
		Datum		values[5];
		bool		nulls[5] = {0};

		values[0] = CStringGetTextDatum(revision->id);
		values[1] = CStringGetTextDatum(dbmig_revision_message(revision));
		values[2] = BoolGetDatum(view->is_head[node]);
		values[3] = TimestampTzGetDatum(revision->state->applied_at);
		values[4] = CStringGetTextDatum(revision->state->applied_by);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_heads(project) */
Datum
dbmig_heads(PG_FUNCTION_ARGS)
{
	View	   *view = load_view(dbmig_project_argument(fcinfo, 0));

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < view->nheads; i++)
	{
		const DbmigNode *n = &view->project->graph->nodes[view->heads[i]];
		Datum		values[4];
		bool		nulls[4] = {0};

		values[0] = CStringGetTextDatum(n->id);
		values[1] = dbmig_names_datum((char *const *) n->lineage, n->nlineage);
		values[2] = CStringGetTextDatum(dbmig_revision_message(n->owner));
		values[3] = BoolGetDatum(view->is_current[view->heads[i]]);
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_branches(project) */
Datum
dbmig_branches(PG_FUNCTION_ARGS)
{
	DbmigProject *project = dbmig_project_load(dbmig_project_argument(fcinfo, 0),
											   GetActiveSnapshot());
	const DbmigGraph *graph = project->graph;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = graph->n - 1; i >= 0; i--)
	{
		const DbmigNode *n = &graph->nodes[graph->sorted[i]];
		Datum		values[3];
		bool		nulls[3] = {0};

		if (n->nchildren < 2)
			continue;
		values[0] = CStringGetTextDatum(n->id);
		values[1] = node_names(graph, n->children, n->nchildren);
		values[2] = CStringGetTextDatum(dbmig_revision_message(n->owner));
		put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_graph(format, project) */
Datum
dbmig_graph(PG_FUNCTION_ARGS)
{
	char	   *format = dbmig_text_argument(fcinfo, 0, "format");
	DbmigProject *project = dbmig_project_load(dbmig_project_argument(fcinfo, 1),
											   GetActiveSnapshot());
	const DbmigGraph *graph = project->graph;
	const char **messages = palloc(sizeof(char *) * (graph->n + 1));
	char	   *text;

	for (int i = 0; i < graph->n; i++)
		messages[i] = dbmig_revision_message(dbmig_revision(project, i));

	if (strcmp(format, "text") == 0)
		text = dbmig_graph_text(graph, project->applied, messages);
	else if (strcmp(format, "dot") == 0)
		text = dbmig_graph_dot(graph, project->applied, messages);
	else if (strcmp(format, "mermaid") == 0)
		text = dbmig_graph_mermaid(graph, project->applied, messages);
	else
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("unrecognized graph format \"%s\"", format),
				errhint("Formats are \"text\", \"dot\" and \"mermaid\"."));
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

/* dbm_log(project) */
Datum
dbmig_log(PG_FUNCTION_ARGS)
{
	const char *project = dbmig_project_argument(fcinfo, 0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	dbmig_log_rows(project, rsinfo->setResult, rsinfo->setDesc);
	return (Datum) 0;
}

/* A row of dbm_projects to be put. */
typedef struct ProjectRow
{
	FunctionCallInfo fcinfo;
	const char *name;
} ProjectRow;

/* Put a row of dbm_projects, for dbmig_attempt(); arg is a ProjectRow. */
static void
put_project(void *arg)
{
	const ProjectRow *row = arg;
	View	   *view = load_view(row->name);
	const DbmigGraph *graph = view->project->graph;
	int			pending = 0;
	Datum		values[5];
	bool		nulls[5] = {0};

	for (int i = 0; i < graph->n; i++)
		pending += !view->project->applied[i];
	values[0] = CStringGetTextDatum(row->name);
	values[1] = node_names(graph, view->heads, view->nheads);
	values[2] = node_names(graph, view->current, view->ncurrent);
	values[3] = BoolGetDatum(dbmig_extension_is_managed(row->name, NULL));
	values[4] = Int32GetDatum(pending);
	put_row(row->fcinfo, values, nulls);
}

/*
 * A project that cannot be loaded is listed with a warning that tells why, so
 * that it hides none of the others.
 */
static void
try_put_project(FunctionCallInfo fcinfo, const char *name)
{
	ProjectRow	row = {fcinfo, name};
	const DbmigFailure *failure = dbmig_attempt(put_project, &row);
	const ErrorData *error;
	Datum		values[5] = {0};
	bool		nulls[5] = {false, true, true, false, true};

	if (failure == NULL)
		return;
	error = failure->error;
	ereport(WARNING,
			errcode(error->sqlerrcode),
			errmsg("project \"%s\" cannot be read: %s", name, error->message),
			error->detail ? errdetail_internal("%s", error->detail) : 0);
	values[0] = CStringGetTextDatum(name);
	values[3] = BoolGetDatum(dbmig_extension_is_managed(name, NULL));
	put_row(fcinfo, values, nulls);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* dbm_projects() */
Datum
dbmig_projects(PG_FUNCTION_ARGS)
{
	List	   *names = list_concat(dbmig_known_projects(), dbmig_store_projects());
	const char *last = NULL;
	MemoryContext context;
	MemoryContext old;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	list_sort(names, compare_names);
	context = AllocSetContextCreate(CurrentMemoryContext, "dbmig projects",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (last && strcmp(last, name) == 0)
			continue;
		last = name;
		try_put_project(fcinfo, name);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}
