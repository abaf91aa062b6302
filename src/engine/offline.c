/*-------------------------------------------------------------------------
 *
 * offline.c
 *		Writes a plan down as one SQL text, to be run by psql.
 *
 * The text does what the runner would do: it checks that the state is the one
 * it was made for, runs the scripts, and records them with the same values.
 * Stretches of revisions that can run in a transaction share one.  Each
 * transaction begins with a lock that the engine's writes conflict with, and
 * checks what it is about to build on, since in between others may have come.
 *
 * Two things that the runner does with the server's help are done by DO blocks:
 * firing deferred constraints between two revisions of one transaction, and
 * setting back what a script set.  For the latter the first block keeps all
 * settings in a setting of our own, and the block behind each script compares.
 * What is not in pg_settings, such as settings of an application, stays as the
 * script left it.
 *
 * What a script says is taken as it is, but for lines with \echo, which become
 * blank as they do for the server.
 *
 * With Alembic's bookkeeping, the table alembic_version is kept instead of the
 * engine's own.  It holds heads, so the writer keeps count, for each applied
 * node, of the applied nodes that need it: those with none are the heads.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Names of the settings in which the text keeps what it has to know. */
#define SETTINGS	"dbm_offline.settings"
#define STARTED_AT	"dbm_offline.started_at"

/* When the step began, as an expression. */
#define STARTED_AT_SQL \
	"pg_catalog.to_timestamp(pg_catalog.current_setting('" STARTED_AT "')::pg_catalog.float8)"

/* The longest version that Alembic's own table definition leaves room for. */
#define ALEMBIC_VERSION_LENGTH	32

/* A text being written. */
typedef struct Writer
{
	StringInfoData sql;
	DbmigProject *project;		/* applied: the state the text has come to */
	const DbmigPlan *plan;
	bool		alembic;		/* keep Alembic's table, not ours */
	bool		exact;			/* the whole state is known, not only a part */
	const bool *from;			/* the state at the beginning */
	int		   *needed_by;		/* by node: how many applied nodes need it */
	int		   *seen;			/* by node: last transaction that named it */
	int			ntransactions;
} Writer;

/* Remember the time at which a step begins. */
static const char begin_step_sql[] =
"DO $dbm$\n"
"BEGIN\n"
"    PERFORM pg_catalog.set_config('" STARTED_AT "',\n"
"        EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.text, false);\n"
"END\n"
"$dbm$;\n";

/*
 * Set back all settings.  Roles come first: they decide what else may be set.
 * At the beginning, when NOT_KEPT says so, keep them instead.  A script with
 * RESET ALL or DISCARD ALL loses what was kept; then what the session started
 * with takes its place.  %s is the encoding of the text.
 */
#define NOT_KEPT	"not kept"

static const char settings_sql[] =
"DO $dbm$\n"
"DECLARE\n"
"    kept pg_catalog.text := COALESCE(pg_catalog.current_setting('" SETTINGS "', true), '');\n"
"    setting pg_catalog.record;\n"
"BEGIN\n"
"    IF kept OPERATOR(pg_catalog.<>) '" NOT_KEPT "' AND kept OPERATOR(pg_catalog.<>) '' THEN\n"
"        FOR setting IN SELECT * FROM pg_catalog.json_each_text(kept::pg_catalog.json) LOOP\n"
"            IF pg_catalog.current_setting(setting.key) OPERATOR(pg_catalog.<>) setting.value THEN\n"
"                PERFORM pg_catalog.set_config(setting.key, setting.value, false);\n"
"            END IF;\n"
"        END LOOP;\n"
"        RETURN;\n"
"    END IF;\n"
"    IF kept OPERATOR(pg_catalog.=) '' THEN\n"
"        RESET SESSION AUTHORIZATION;\n"
"        RESET ROLE;\n"
"        RESET ALL;\n"
"        SET client_encoding = '%s';\n"
"        PERFORM pg_catalog.set_config('" STARTED_AT "',\n"
"            EXTRACT(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.text, false);\n"
"    END IF;\n"
"    SELECT pg_catalog.json_object_agg(name, pg_catalog.current_setting(name) ORDER BY rank)\n"
"    INTO kept FROM (\n"
"        VALUES (1, 'session_authorization'), (2, 'role') UNION ALL\n"
"        SELECT 3, name FROM pg_catalog.pg_settings\n"
"        WHERE context OPERATOR(pg_catalog.=) ANY (ARRAY['user', 'superuser'])\n"
"            AND name OPERATOR(pg_catalog.<>) ALL (ARRAY['transaction_isolation',\n"
"                'transaction_read_only', 'transaction_deferrable'])) AS s (rank, name);\n"
"    PERFORM pg_catalog.set_config('" SETTINGS "', kept, false);\n"
"END\n"
"$dbm$;\n";

/*
 * Fire deferred constraints, then make those deferred again that are so from
 * the beginning.  By name, since ALL would go for later ones too.
 */
static const char constraints_sql[] =
"DO $dbm$\n"
"DECLARE\n"
"    immediate pg_catalog.text;\n"
"    deferred pg_catalog.text;\n"
"BEGIN\n"
"    SELECT pg_catalog.string_agg(name, ', '),\n"
"        pg_catalog.string_agg(name, ', ') FILTER (WHERE is_deferred AND all_deferrable)\n"
"    INTO immediate, deferred FROM (\n"
"        SELECT pg_catalog.format('%I.%I', n.nspname, c.conname),\n"
"            pg_catalog.bool_or(c.condeferred), pg_catalog.bool_and(c.condeferrable),\n"
"            pg_catalog.bool_or(c.condeferrable)\n"
"        FROM pg_catalog.pg_constraint AS c JOIN pg_catalog.pg_namespace AS n\n"
"            ON n.oid OPERATOR(pg_catalog.=) c.connamespace\n"
"        WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')\n"
"        GROUP BY 1) AS s (name, is_deferred, all_deferrable, any_deferrable)\n"
"    WHERE any_deferrable;\n"
"    IF immediate IS NOT NULL THEN\n"
"        EXECUTE pg_catalog.format('SET CONSTRAINTS %s IMMEDIATE', immediate);\n"
"    END IF;\n"
"    IF deferred IS NOT NULL THEN\n"
"        EXECUTE pg_catalog.format('SET CONSTRAINTS %s DEFERRED', deferred);\n"
"    END IF;\n"
"END\n"
"$dbm$;\n";

static const DbmigNode *
node_of(const Writer *writer, int node)
{
	return &writer->project->graph->nodes[node];
}

/* The parents of a node, then its dependencies, by number. */
static int
needed_node(const DbmigNode *n, int i)
{
	return i < n->ndown ? n->down[i] : n->deps[i - n->ndown];
}

/* ---------------- the state ---------------- */

/* The SHA-256 of the identifiers of the applied revisions; catalog_sql.c */
static char *
state_digest(const DbmigProject *project)
{
	StringInfoData names;
	char	   *utf8;

	initStringInfo(&names);
	for (int i = 0; i < project->graph->n; i++)
	{
		if (project->applied[i])
			appendStringInfo(&names, "%s%s", names.len > 0 ? "," : "",
							 project->graph->nodes[i].id);
	}
	utf8 = pg_server_to_any(names.data, names.len, PG_UTF8);
	return dbmig_hash(utf8, strlen(utf8));
}

/* ---------------- Alembic's table ---------------- */

/* Lock the table, and check that it holds the heads of the state. */
static void
append_alembic_guard(Writer *writer)
{
	char	   *heads = dbmig_heads_text(writer->project);
	const char *expected = strcmp(heads, "base") == 0 ? "" : heads;

	appendStringInfo(&writer->sql,
					 "LOCK TABLE " DBMIG_ALEMBIC_TABLE " IN SHARE ROW EXCLUSIVE MODE;\n"
					 "DO $dbm$\n"
					 "DECLARE\n"
					 "    names pg_catalog.text;\n"
					 "BEGIN\n"
					 "    SELECT COALESCE(pg_catalog.string_agg(version_num, ','\n"
					 "        ORDER BY version_num COLLATE pg_catalog.\"C\"), '')\n"
					 "    INTO names FROM " DBMIG_ALEMBIC_TABLE ";\n"
					 "    IF names OPERATOR(pg_catalog.<>) %s THEN\n"
					 "        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "            MESSAGE = 'project \"%s\" is not in the state that this script was made for',\n"
					 "            DETAIL = pg_catalog.format('" DBMIG_ALEMBIC_TABLE " holds \"%%s\", not \"%s\".', names),\n"
					 "            HINT = 'Make a new script with dbm_sql().';\n"
					 "    END IF;\n"
					 "END\n"
					 "$dbm$;\n",
					 quote_literal_cstr(expected), writer->project->name, expected);
}

static void
append_alembic_delete(StringInfo sql, const char *old)
{
	appendStringInfo(sql,
					 "DELETE FROM " DBMIG_ALEMBIC_TABLE
					 " WHERE version_num OPERATOR(pg_catalog.=) %s;\n",
					 quote_literal_cstr(old));
}

static void
append_alembic_insert(StringInfo sql, const char *new)
{
	appendStringInfo(sql,
					 "INSERT INTO " DBMIG_ALEMBIC_TABLE " (version_num) VALUES (%s);\n",
					 quote_literal_cstr(new));
}

static void
append_alembic_update(StringInfo sql, const char *old, const char *new)
{
	appendStringInfo(sql,
					 "UPDATE " DBMIG_ALEMBIC_TABLE
					 " SET version_num = %s WHERE version_num OPERATOR(pg_catalog.=) %s;\n",
					 quote_literal_cstr(new), quote_literal_cstr(old));
}

/*
 * Keep Alembic's table: what a revision needs is no head while it is applied,
 * and is one again when nothing else needs it.
 */
static void
append_alembic_step(Writer *writer, int node)
{
	StringInfo	sql = &writer->sql;
	bool		upgrade = (writer->plan->direction == DBMIG_UPGRADE);
	const DbmigNode *n = node_of(writer, node);
	bool		moved = false;

	for (int i = 0; i < n->ndown + n->ndeps; i++)
	{
		int			other = needed_node(n, i);
		const char *id = node_of(writer, other)->id;

		if (upgrade ? writer->needed_by[other]++ > 0 :
			--writer->needed_by[other] > 0)
			continue;
		if (upgrade && !moved)
			append_alembic_update(sql, id, n->id);
		else if (upgrade)
			append_alembic_delete(sql, id);
		else if (!moved)
			append_alembic_update(sql, n->id, id);
		else
			append_alembic_insert(sql, id);
		moved = true;
	}
	if (!moved && upgrade)
		append_alembic_insert(sql, n->id);
	else if (!moved)
		append_alembic_delete(sql, n->id);
}

/* Alembic creates its table when it finds none. */
static void
append_alembic_table(Writer *writer)
{
	size_t		length = ALEMBIC_VERSION_LENGTH;

	for (int i = 0; i < writer->plan->nsteps; i++)
	{
		if (strlen(node_of(writer, writer->plan->steps[i])->id) > length)
			length = DBMIG_MAX_IDENTIFIER;
	}
	appendStringInfo(&writer->sql,
					 "CREATE TABLE IF NOT EXISTS " DBMIG_ALEMBIC_TABLE " (\n"
					 "    version_num VARCHAR(%zu) NOT NULL,\n"
					 "    CONSTRAINT " DBMIG_ALEMBIC_TABLE "_pkc PRIMARY KEY (version_num)\n"
					 ");\n",
					 length);
}

/* ---------------- transactions ---------------- */

/*
 * Check what steps first to last build on.  Upgrades need what their revisions
 * need but each other, and must not be done already; a downgrade needs its
 * revisions, and nothing else that needs one of them.  Either way nothing may be
 * applied that one of the revisions replaces.
 */
static void
append_state_guard(Writer *writer, int first, int last)
{
	const DbmigGraph *graph = writer->project->graph;
	const DbmigPlan *plan = writer->plan;
	bool		upgrade = (plan->direction == DBMIG_UPGRADE);
	List	   *needed = NIL;
	List	   *labels = NIL;
	List	   *unwanted = NIL;
	int			nsteps = last - first + 1;
	char	  **steps = palloc(sizeof(char *) * nsteps);
	char	  **others;
	int			nothers = 0;
	char	  **absent;
	int			nabsent = 0;
	ListCell   *lc;

	writer->ntransactions++;
	for (int i = first; i <= last; i++)
	{
		writer->seen[plan->steps[i]] = writer->ntransactions;
		steps[i - first] = (char *) node_of(writer, plan->steps[i])->id;
		if (upgrade)
			unwanted = lappend(unwanted, steps[i - first]);
	}

	/* what was to be there from the beginning */
	if (upgrade && first == 0)
	{
		int			nheads;
		int		   *heads = dbmig_graph_maximal(graph, writer->from, &nheads);

		for (int i = 0; i < nheads; i++)
		{
			writer->seen[heads[i]] = writer->ntransactions;
			needed = lappend(needed, (char *) graph->nodes[heads[i]].id);
		}
	}
	for (int i = first; i <= last; i++)
	{
		const DbmigNode *n = node_of(writer, plan->steps[i]);

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; upgrade && j < n->ndown + n->ndeps; j++)
		{
			int			other = needed_node(n, j);

			if (writer->seen[other] == writer->ntransactions)
				continue;
			writer->seen[other] = writer->ntransactions;
			needed = lappend(needed, (char *) graph->nodes[other].id);
		}
		/* dependencies may be written as labels */
		for (int j = 0; !upgrade && j < n->nlabels; j++)
			labels = lappend(labels, (char *) n->labels[j]);
		for (int j = 0; j < n->nreplaces; j++)
			unwanted = lappend(unwanted, (char *) n->replaces[j]);
	}
	absent = palloc(sizeof(char *) * (list_length(unwanted) + 1));
	foreach(lc, unwanted)
		absent[nabsent++] = lfirst(lc);

	others = palloc(sizeof(char *) * (nsteps + list_length(needed) +
									  list_length(labels)));
	if (upgrade)
	{
		foreach(lc, needed)
			others[nothers++] = lfirst(lc);
		dbmig_applied_guard_sql(&writer->sql, writer->project->name,
								others, nothers, absent, nabsent, NULL, 0);
		return;
	}
	for (int i = 0; i < nsteps; i++)
		others[nothers++] = steps[i];
	foreach(lc, labels)
		others[nothers++] = lfirst(lc);
	dbmig_applied_guard_sql(&writer->sql, writer->project->name,
							steps, nsteps, absent, nabsent, others, nothers);
}

/* Begin a transaction for the steps first to last. */
static void
append_begin(Writer *writer, int first, int last)
{
	appendStringInfoString(&writer->sql, "\nBEGIN;\n");
	if (writer->alembic)
	{
		if (strcmp(dbmig_heads_text(writer->project), "base") == 0 &&
			writer->plan->direction == DBMIG_UPGRADE)
			append_alembic_table(writer);
		append_alembic_guard(writer);
		return;
	}
	dbmig_applied_lock_sql(&writer->sql);
	if (writer->exact && first == 0)
		dbmig_applied_are_sql(&writer->sql, writer->project->name,
							  state_digest(writer->project),
							  dbmig_heads_text(writer->project));
	else
		append_state_guard(writer, first, last);
}

/* ---------------- steps ---------------- */

/*
 * Write the statements of a script.  Returns whether they can leave deferred
 * constraints to be checked, and counts them.
 */
static bool
append_script(StringInfo sql, const char *text, const char *file_name, int *count)
{
	DbmigHeader *header = dbmig_header_parse(text, file_name);
	bool		rows_changed = false;
	char	   *clean;
	List	   *statements = dbmig_script_parse(text, file_name, &clean);
	const char *body;
	int			length;
	ListCell   *lc;

	foreach(lc, statements)
		rows_changed |= dbmig_may_change_rows(((DbmigStatement *) lfirst(lc))->raw);

	*count = list_length(statements);
	if (statements == NIL)
		return false;
	body = clean + header->body;
	length = strlen(body);
	while (strchr(" \t\r\n\f\v", body[length - 1]) != NULL)
		length--;
	appendStringInfo(sql, "\n%.*s\n", length, body);
	/* a length is known to the parser where a semicolon tells the end */
	if (((DbmigStatement *) llast(statements))->raw->stmt_len == 0)
		appendStringInfoString(sql, ";\n");
	appendStringInfoChar(sql, '\n');
	return rows_changed;
}

/* Write what records a step. */
static void
append_record(Writer *writer, DbmigStepRun *run)
{
	DbmigApplied row = {0};

	if (writer->alembic)
	{
		append_alembic_step(writer, run->node);
		return;
	}
	if (run->direction == DBMIG_UPGRADE)
	{
		const DbmigRevision *revision = dbmig_revision(writer->project, run->node);

		dbmig_describe_applied(writer->project, run->node, run->text,
							   run->entry.checksum, &row);
		dbmig_applied_insert_sql(&writer->sql, writer->project->name, &row,
								 run->text,
								 dbmig_revision_script(writer->project, revision,
													   DBMIG_DOWNGRADE));
	}
	else
		dbmig_applied_delete_sql(&writer->sql, writer->project->name,
								 run->entry.revision);
	dbmig_log_append_sql(&writer->sql, &run->entry, STARTED_AT_SQL);
}

/*
 * Write one step of the plan.  One that cannot run in a transaction is recorded
 * in one of its own; "more" says that the transaction goes on to the next.
 */
static void
append_step(Writer *writer, int step, bool transactional, bool more)
{
	StringInfo	sql = &writer->sql;
	int			node = writer->plan->steps[step];
	DbmigStepRun *run = dbmig_describe_run(writer->project, node,
										   writer->plan->direction);
	const DbmigRevision *revision = dbmig_revision(writer->project, node);
	bool		rows_changed;

	appendStringInfo(sql, "\n-- %s\n",
					 dbmig_step_line(run->entry.direction, &run->entry,
									 dbmig_revision_message(revision)));
	if (!writer->alembic)
		appendStringInfoString(sql, begin_step_sql);
	rows_changed = append_script(sql, run->text, run->file_name,
								 &run->entry.statements);
	if (run->entry.statements > 0)
	{
		if (more && rows_changed)
			appendStringInfoString(sql, constraints_sql);
		appendStringInfo(sql, settings_sql, pg_get_client_encoding_name());
	}
	if (!transactional)
		append_begin(writer, step, step);
	append_record(writer, run);
	writer->project->applied[node] = (run->direction == DBMIG_UPGRADE);
}

/* Write all steps of the plan. */
static void
append_steps(Writer *writer)
{
	const DbmigPlan *plan = writer->plan;
	MemoryContext step_context = AllocSetContextCreate(CurrentMemoryContext,
													   "dbmig offline step",
													   ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(step_context);
	int			next = 0;

	while (next < plan->nsteps)
	{
		int			last = next;
		bool		transactional =
			dbmig_step_is_transactional(writer->project, plan->steps[next],
										plan->direction);

		while (transactional && last + 1 < plan->nsteps &&
			   dbmig_step_is_transactional(writer->project, plan->steps[last + 1],
										   plan->direction))
			last++;

		append_begin(writer, next, last);
		if (!transactional)
		{
			if (!writer->alembic)
				dbmig_step_guard_sql(&writer->sql, writer->project->name,
									 node_of(writer, plan->steps[next])->id);
			appendStringInfoString(&writer->sql, "COMMIT;\n");
		}
		for (; next <= last; next++)
		{
			CHECK_FOR_INTERRUPTS();
			append_step(writer, next, transactional, next < last);
			MemoryContextReset(step_context);
		}
		appendStringInfoString(&writer->sql, "\nCOMMIT;\n");
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(step_context);
}

/* ---------------- from target to text ---------------- */

/*
 * Refuse a beginning that depends on the state of the database, which is not
 * looked at.
 */
static void
check_from(const char *from)
{
	char	   *rest = pstrdup(from);
	char	   *item;

	while ((item = strsep(&rest, ",")) != NULL)
	{
		const char *symbol = strchr(item, '@') ? strchr(item, '@') + 1 : item;
		size_t		current = strlen("current");

		symbol += strspn(symbol, " \t\n\r\f\v");
		if (strncmp(symbol, "current", current) == 0)
			symbol += current;
		else if (*symbol != '+' && *symbol != '-')
			continue;
		if (strspn(symbol, "+-0123456789 \t\n\r\f\v") == strlen(symbol))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("range cannot begin at \"%s\"", from),
					errdetail("A range is written down without looking at the state of the database."),
					errhint("Name a revision, or give a target without a colon to begin at the current state."));
	}
}

/*
 * Make a plan of FROM:TO, and *state that of a database at FROM.  An end that
 * is left out is base or heads.
 */
static DbmigPlan *
plan_range(const DbmigGraph *graph, const char *range, bool *state)
{
	const char *colon = strchr(range, ':');
	const char *to = colon + 1;
	char	   *from = pnstrdup(range, colon - range);

	if (strchr(to, ':') != NULL)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("invalid range \"%s\"", range),
				errhint("Use FROM:TO."));
	check_from(from);
	if (*from != '\0')
		dbmig_add_to_state(graph, state, from);
	return dbmig_plan_move(graph, state, *to != '\0' ? to : "heads");
}

/* Set up the state that a text begins with, and the plan. */
static void
prepare(Writer *writer, const char *target)
{
	DbmigProject *project = writer->project;
	const DbmigGraph *graph = project->graph;
	bool	   *from;

	if (strchr(target, ':') != NULL)
	{
		writer->exact = false;
		project->applied = palloc0(sizeof(bool) * (graph->n + 1));
		writer->plan = plan_range(graph, target, project->applied);
	}
	else
	{
		writer->exact = true;
		if (writer->alembic)
		{
			project->applied = dbmig_alembic_state(project);
			if (project->applied == NULL)
				ereport(ERROR,
						errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("relation \"%s\" does not exist", DBMIG_ALEMBIC_TABLE),
						errhint("Give a range FROM:TO for a database that is not at hand."));
		}
		writer->plan = dbmig_plan_move(graph, project->applied, target);
	}
	dbmig_check_plan(project, writer->plan, false);
	if (writer->exact && !writer->alembic && writer->plan->nsteps > 0 &&
		project->relabels != NIL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("state of project \"%s\" has revisions that were replaced",
					   project->name),
				errdetail("A script can be made when the ones that replace them have taken their place."),
				errhint("Call dbm_upgrade('%s', '%s'), which does that and runs nothing.",
						dbmig_heads_text(project), project->name));

	from = palloc(sizeof(bool) * (graph->n + 1));
	memcpy(from, project->applied, sizeof(bool) * graph->n);
	writer->from = from;
	writer->seen = palloc0(sizeof(int) * (graph->n + 1));
	writer->needed_by = palloc0(sizeof(int) * (graph->n + 1));
	for (int i = 0; i < graph->n; i++)
	{
		const DbmigNode *n = &graph->nodes[i];

		for (int j = 0; from[i] && j < n->ndown + n->ndeps; j++)
			writer->needed_by[needed_node(n, j)]++;
	}
}

/*
 * The SQL text that gets a database to the target, in the current memory
 * context.  "FROM:TO" begins at FROM whatever the database is at, any other
 * target at the state that the snapshot shows.
 */
char *
dbmig_offline_script(const char *project, const char *target, bool alembic,
					 Snapshot snapshot)
{
	Writer		writer = {0};
	char	   *from;
	char	   *result;

	writer.project = dbmig_project_load(project, snapshot);
	writer.alembic = alembic;
	prepare(&writer, target);
	from = dbmig_heads_text(writer.project);

	initStringInfo(&writer.sql);
	if (writer.plan->nsteps > 0)
	{
		appendStringInfo(&writer.sql,
						 "\nSET client_encoding = '%s';\nSET " SETTINGS " = '" NOT_KEPT "';\n",
						 pg_get_client_encoding_name());
		appendStringInfo(&writer.sql, settings_sql, pg_get_client_encoding_name());
		append_steps(&writer);
		appendStringInfoString(&writer.sql,
							   "\nRESET " SETTINGS ";\nRESET " STARTED_AT ";\nRESET client_encoding;\n");
	}
	else
		appendStringInfoString(&writer.sql, "-- nothing to do\n");

	/* where it leads is known only now */
	result = psprintf("-- Project %s: %s from %s to %s\n"
					  "-- Run by: psql -X -v ON_ERROR_STOP=1 -f FILE\n"
					  "-- %s\n%s",
					  project,
					  writer.plan->direction == DBMIG_UPGRADE ? "upgrade" : "downgrade",
					  from, dbmig_heads_text(writer.project),
					  alembic ?
					  "Keeps Alembic's table, " DBMIG_ALEMBIC_TABLE ", not the engine's." :
					  "As a role that may write dbm.applied and dbm.log.",
					  writer.sql.data);
	pfree(writer.sql.data);
	return result;
}
