/*-------------------------------------------------------------------------
 *
 * catalog_sql.c
 *		What catalog.c does to the engine's tables, as SQL text.
 *
 * Offline scripts are run by psql in sessions that may not have the library,
 * by a role that may write the tables.  The columns are those of catalog.c;
 * what catalog.c takes from the session, the statements take from it too.
 *
 * The text trusts no search_path: names and operators are qualified.  Whatever
 * stands between the quotes of a DO block is made of identifiers, which hold
 * no dollar sign.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/catalog.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* A text constant, or NULL. */
static void
append_text(StringInfo sql, const char *value)
{
	appendStringInfoString(sql, value ? quote_literal_cstr(value) : "NULL");
}

/* A constant of type text[]. */
static void
append_names(StringInfo sql, char **names, int count)
{
	appendStringInfoString(sql, "ARRAY[");
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0)
			appendStringInfoString(sql, ", ");
		append_text(sql, names[i]);
	}
	appendStringInfoString(sql, "]::pg_catalog.text[]");
}

/* Begin a transaction that the engine's own cannot overlap with. */
void
dbmig_applied_lock_sql(StringInfo sql)
{
	appendStringInfoString(sql,
						   "LOCK TABLE dbm.applied IN SHARE ROW EXCLUSIVE MODE;\n");
}

/* The statement for dbmig_applied_insert(); applied_at and _by are not used. */
void
dbmig_applied_insert_sql(StringInfo sql, const char *project,
						 const DbmigApplied *row, const char *upgrade,
						 const char *downgrade)
{
	appendStringInfoString(sql,
						   "INSERT INTO dbm.applied (project, revision, down_revisions, depends_on,\n"
						   "    branch_labels, message, create_date, upgrade_script, downgrade_script,\n"
						   "    upgrade_author, downgrade_author, transactional, checksum, applied_at,\n"
						   "    applied_by, stamped)\n"
						   "VALUES (");
	append_text(sql, project);
	appendStringInfoString(sql, ", ");
	append_text(sql, row->revision);
	appendStringInfoString(sql, ",\n    ");
	append_names(sql, row->down, row->ndown);
	appendStringInfoString(sql, ",\n    ");
	append_names(sql, row->deps, row->ndeps);
	appendStringInfoString(sql, ",\n    ");
	append_names(sql, row->labels, row->nlabels);
	appendStringInfoString(sql, ",\n    ");
	append_text(sql, row->message);
	appendStringInfoString(sql, ", ");
	append_text(sql, row->has_create_date ?
				timestamptz_to_str(row->create_date) : NULL);
	appendStringInfoString(sql, ",\n    ");
	append_text(sql, upgrade);
	appendStringInfoString(sql, ",\n    ");
	append_text(sql, downgrade);
	appendStringInfoString(sql, ",\n    ");
	append_text(sql, row->upgrade_author);
	appendStringInfoString(sql, ", ");
	append_text(sql, row->downgrade_author);
	appendStringInfo(sql, ", %s,\n    ", row->transactional ? "true" : "false");
	append_text(sql, row->checksum);
	appendStringInfo(sql, ",\n    pg_catalog.clock_timestamp(), CURRENT_USER, %s);\n",
					 row->stamped ? "true" : "false");
}

/* The statement for dbmig_applied_delete(). */
void
dbmig_applied_delete_sql(StringInfo sql, const char *project,
						 const char *revision)
{
	appendStringInfo(sql,
					 "DELETE FROM dbm.applied\n"
					 "WHERE project OPERATOR(pg_catalog.=) %s AND revision OPERATOR(pg_catalog.=) %s;\n",
					 quote_literal_cstr(project), quote_literal_cstr(revision));
}

/*
 * The statement for dbmig_log_append().  started_at is an expression of type
 * timestamptz; the step ends when the statement runs.
 */
void
dbmig_log_append_sql(StringInfo sql, const DbmigLogEntry *entry,
					 const char *started_at)
{
	appendStringInfoString(sql,
						   "INSERT INTO dbm.log (project, revision, direction, from_revisions, to_revisions,\n"
						   "    checksum, statements, started_at, elapsed, role, session_role, client_addr,\n"
						   "    application_name, outcome, file)\n"
						   "VALUES (");
	append_text(sql, entry->project);
	appendStringInfoString(sql, ", ");
	append_text(sql, entry->revision);
	appendStringInfoString(sql, ", ");
	append_text(sql, entry->direction);
	appendStringInfoString(sql, ",\n    ");
	append_names(sql, entry->from, entry->nfrom);
	appendStringInfoString(sql, ",\n    ");
	append_names(sql, entry->to, entry->nto);
	appendStringInfoString(sql, ",\n    ");
	append_text(sql, entry->checksum);
	appendStringInfo(sql, ", %d,\n    %s,\n"
					 "    pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) %s,\n"
					 "    CURRENT_USER, SESSION_USER, pg_catalog.inet_client_addr(),\n"
					 "    pg_catalog.current_setting('application_name'), ",
					 entry->statements, started_at, started_at);
	append_text(sql, entry->outcome);
	appendStringInfoString(sql, ", ");
	append_text(sql, entry->file);
	appendStringInfoString(sql, ");\n");
}

/* Raise the error of the guards below, with a detail about "names". */
static void
append_raise(StringInfo sql, const char *project, const char *detail)
{
	appendStringInfo(sql,
					 "        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "            MESSAGE = 'project \"%s\" is not in the state that this script was made for',\n"
					 "            DETAIL = pg_catalog.format('%s', names),\n"
					 "            HINT = 'Make a new script with dbm_sql().';\n",
					 project, detail);
}

/*
 * A statement that raises an error unless the project's applied revisions are
 * those whose identifiers, sorted and joined by commas, have this SHA-256 (in
 * UTF-8, as hexadecimal digits).  heads tells people what they are.
 */
void
dbmig_applied_are_sql(StringInfo sql, const char *project, const char *sha256,
					  const char *heads)
{
	char	   *where = psprintf("project OPERATOR(pg_catalog.=) %s",
								 quote_literal_cstr(project));

	appendStringInfo(sql,
					 "DO $dbm$\n"
					 "DECLARE\n"
					 "    names pg_catalog.text;\n"
					 "BEGIN\n"
					 "    SELECT pg_catalog.string_agg(revision, ',' ORDER BY revision)\n"
					 "    INTO names FROM dbm.applied WHERE %s;\n"
					 "    IF pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(\n"
					 "            COALESCE(names, ''), 'UTF8')), 'hex') OPERATOR(pg_catalog.<>)\n"
					 "        '%s' THEN\n"
					 "        SELECT pg_catalog.string_agg(revision, ',' ORDER BY revision)\n"
					 "        INTO names FROM dbm.applied WHERE %s AND NOT revision OPERATOR(pg_catalog.=) ANY\n"
					 "            (ARRAY(SELECT pg_catalog.unnest(down_revisions OPERATOR(pg_catalog.||) depends_on)\n"
					 "            FROM dbm.applied WHERE %s));\n"
					 "        names := COALESCE(names, 'base');\n",
					 where, sha256, where, where);
	append_raise(sql, project,
				 psprintf("It is at %%s, but was at %s with all that belongs to it.",
						  heads));
	appendStringInfoString(sql,
						   "    END IF;\n"
						   "END\n"
						   "$dbm$;\n");
	pfree(where);
}

/* The part of a guard that raises an error if a query finds names. */
static void
append_check(StringInfo sql, const char *project, const char *query,
			 const char *detail)
{
	appendStringInfo(sql, "    %s;\n    IF names IS NOT NULL THEN\n", query);
	append_raise(sql, project, detail);
	appendStringInfoString(sql, "    END IF;\n");
}

/*
 * A statement that raises an error unless these are applied and those are not,
 * and, if free_names are given, nothing applied but "present" needs one of
 * them.
 */
void
dbmig_applied_guard_sql(StringInfo sql, const char *project,
						char **present, int npresent, char **absent, int nabsent,
						char **free_names, int nfree)
{
	char	   *where = psprintf("a.project OPERATOR(pg_catalog.=) %s",
								 quote_literal_cstr(project));
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(sql,
						   "DO $dbm$\n"
						   "DECLARE\n"
						   "    names pg_catalog.text;\n"
						   "BEGIN\n");
	if (npresent > 0)
	{
		appendStringInfoString(&query,
							   "SELECT pg_catalog.string_agg(r, ', ') INTO names FROM pg_catalog.unnest(\n        ");
		append_names(&query, present, npresent);
		appendStringInfo(&query,
						 ") AS r\n"
						 "    WHERE NOT EXISTS (SELECT FROM dbm.applied AS a\n"
						 "        WHERE %s AND a.revision OPERATOR(pg_catalog.=) r)",
						 where);
		append_check(sql, project, query.data, "Not applied: %s.");
	}
	if (nabsent > 0)
	{
		resetStringInfo(&query);
		appendStringInfo(&query,
						 "SELECT pg_catalog.string_agg(a.revision, ', ') INTO names FROM dbm.applied AS a\n"
						 "    WHERE %s AND a.revision OPERATOR(pg_catalog.=) ANY (\n        ",
						 where);
		append_names(&query, absent, nabsent);
		appendStringInfoChar(&query, ')');
		append_check(sql, project, query.data, "Already applied: %s.");
	}
	if (nfree > 0)
	{
		resetStringInfo(&query);
		appendStringInfo(&query,
						 "SELECT pg_catalog.string_agg(a.revision, ', ') INTO names FROM dbm.applied AS a\n"
						 "    WHERE %s AND a.down_revisions OPERATOR(pg_catalog.||) a.depends_on OPERATOR(pg_catalog.&&)\n        ",
						 where);
		append_names(&query, free_names, nfree);
		appendStringInfoString(&query,
							   "\n    AND NOT a.revision OPERATOR(pg_catalog.=) ANY (\n        ");
		append_names(&query, present, npresent);
		appendStringInfoChar(&query, ')');
		append_check(sql, project, query.data,
					 "Applied, and not undone by this script: %s.");
	}
	appendStringInfoString(sql,
						   "END\n"
						   "$dbm$;\n");
	pfree(query.data);
	pfree(where);
}

/*
 * A statement that raises an error if the engine has begun to run the revision
 * outside of a transaction and not finished: some of its statements are done.
 */
void
dbmig_step_guard_sql(StringInfo sql, const char *project, const char *revision)
{
	appendStringInfo(sql,
					 "DO $dbm$\n"
					 "BEGIN\n"
					 "    IF EXISTS (SELECT FROM dbm.step WHERE project OPERATOR(pg_catalog.=) %s\n"
					 "        AND revision OPERATOR(pg_catalog.=) %s) THEN\n"
					 "        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',\n"
					 "            MESSAGE = 'revision \"%s\" of project \"%s\" was begun and is not finished',\n"
					 "            HINT = 'Finish it by CALL dbm_migrate().';\n"
					 "    END IF;\n"
					 "END\n"
					 "$dbm$;\n",
					 quote_literal_cstr(project), quote_literal_cstr(revision),
					 revision, project);
}
