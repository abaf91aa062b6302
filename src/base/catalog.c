/*-------------------------------------------------------------------------
 *
 * catalog.c
 *		The engine's tables about revisions: state, registered scripts, log.
 *
 * A reader says which snapshot it wants.  Who changes the state holds the
 * project lock and passes the latest one; see engine/lock.c.  Registered
 * scripts and the log are always read as they are now, like files.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/catalog.h"
#include "base/names.h"
#include "base/session.h"
#include "base/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* dbm.applied */
enum
{
	Anum_applied_project = 1,
	Anum_applied_revision,
	Anum_applied_down_revisions,
	Anum_applied_depends_on,
	Anum_applied_branch_labels,
	Anum_applied_message,
	Anum_applied_create_date,
	Anum_applied_upgrade_script,
	Anum_applied_downgrade_script,
	Anum_applied_upgrade_author,
	Anum_applied_downgrade_author,
	Anum_applied_transactional,
	Anum_applied_checksum,
	Anum_applied_applied_at,
	Anum_applied_applied_by,
	Anum_applied_stamped,
	Natts_applied = Anum_applied_stamped
};

/* dbm.script */
enum
{
	Anum_script_project = 1,
	Anum_script_from_revision,
	Anum_script_to_revision,
	Anum_script_script,
	Anum_script_checksum,
	Anum_script_author,
	Anum_script_registered_at,
	Natts_script = Anum_script_registered_at
};

/* dbm.step */
enum
{
	Anum_step_project = 1,
	Anum_step_revision,
	Anum_step_direction,
	Anum_step_finished,
	Anum_step_attempted,
	Anum_step_checksum,
	Natts_step = Anum_step_checksum
};

/* dbm.template */
enum
{
	Anum_template_project = 1,
	Anum_template_template,
	Anum_template_author,
	Natts_template = Anum_template_author
};

/* dbm.log */
enum
{
	Anum_log_id = 1,
	Anum_log_project,
	Anum_log_revision,
	Anum_log_direction,
	Anum_log_from_revisions,
	Anum_log_to_revisions,
	Anum_log_checksum,
	Anum_log_statements,
	Anum_log_started_at,
	Anum_log_elapsed,
	Anum_log_role,
	Anum_log_session_role,
	Anum_log_client_addr,
	Anum_log_application_name,
	Anum_log_outcome,
	Anum_log_sqlstate,
	Anum_log_error,
	Anum_log_file,
	Anum_log_line,
	Natts_log = Anum_log_line
};

/* Class OID under which the engine's locks are taken; see engine/lock.c. */
Oid
dbmig_lock_class(void)
{
	return dbmig_relation_oid("applied");
}

/*
 * Lock the state against offline scripts, which take SHARE ROW EXCLUSIVE.
 * Held to the end of the transaction.
 */
void
dbmig_applied_lock(void)
{
	LockRelationOid(dbmig_relation_oid("applied"), RowExclusiveLock);
}

/* ---------------- dbm.applied: the state ---------------- */

static void *
applied_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigApplied *row = palloc0(sizeof(DbmigApplied));
	Datum		value;
	bool		isnull;

	row->revision = dbmig_get_text(tuple, Anum_applied_revision, desc);
	row->down = dbmig_get_names(tuple, Anum_applied_down_revisions, desc, &row->ndown);
	row->deps = dbmig_get_names(tuple, Anum_applied_depends_on, desc, &row->ndeps);
	row->labels = dbmig_get_names(tuple, Anum_applied_branch_labels, desc, &row->nlabels);
	row->message = dbmig_get_text(tuple, Anum_applied_message, desc);
	value = heap_getattr(tuple, Anum_applied_create_date, desc, &isnull);
	row->has_create_date = !isnull;
	row->create_date = isnull ? 0 : DatumGetTimestampTz(value);
	row->has_upgrade = !heap_attisnull(tuple, Anum_applied_upgrade_script, desc);
	row->has_downgrade = !heap_attisnull(tuple, Anum_applied_downgrade_script, desc);
	row->upgrade_author = dbmig_get_text(tuple, Anum_applied_upgrade_author, desc);
	row->downgrade_author = dbmig_get_text(tuple, Anum_applied_downgrade_author, desc);
	row->transactional = dbmig_get_bool(tuple, Anum_applied_transactional, desc);
	row->checksum = dbmig_get_text(tuple, Anum_applied_checksum, desc);
	row->applied_at = dbmig_get_time(tuple, Anum_applied_applied_at, desc);
	row->applied_by = dbmig_get_text(tuple, Anum_applied_applied_by, desc);
	row->stamped = dbmig_get_bool(tuple, Anum_applied_stamped, desc);
	return row;
}

/* The applied revisions of a project, by identifier. */
List *
dbmig_applied_list(const char *project, Snapshot snapshot)
{
	return dbmig_read_rows("applied", DBMIG_KEY(project), snapshot,
						   applied_from_tuple);
}

/* One applied revision; NULL when it is not applied. */
DbmigApplied *
dbmig_applied_find(const char *project, const char *revision)
{
	return dbmig_read_row("applied", DBMIG_KEY(project, revision),
						  applied_from_tuple);
}

/* The kept text of an applied revision's script; NULL when there is none. */
char *
dbmig_applied_script(const char *project, const char *revision, bool upgrade,
					 Snapshot snapshot)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, "applied",
									   DBMIG_KEY(project, revision),
									   AccessShareLock, snapshot);
	char	   *script = NULL;

	if (HeapTupleIsValid(tuple))
		script = dbmig_get_text(tuple,
								upgrade ? Anum_applied_upgrade_script :
								Anum_applied_downgrade_script,
								RelationGetDescr(scan.relation));
	dbmig_end_scan(&scan, AccessShareLock);
	return script;
}

void
dbmig_applied_insert(const char *project, const DbmigApplied *row,
					 const char *upgrade, const char *downgrade)
{
	Datum		values[Natts_applied] = {0};
	bool		nulls[Natts_applied] = {0};

	dbmig_set_text(values, nulls, Anum_applied_project, project);
	dbmig_set_text(values, nulls, Anum_applied_revision, row->revision);
	values[Anum_applied_down_revisions - 1] = dbmig_names_datum(row->down, row->ndown);
	values[Anum_applied_depends_on - 1] = dbmig_names_datum(row->deps, row->ndeps);
	values[Anum_applied_branch_labels - 1] = dbmig_names_datum(row->labels, row->nlabels);
	dbmig_set_text(values, nulls, Anum_applied_message, row->message);
	nulls[Anum_applied_create_date - 1] = !row->has_create_date;
	values[Anum_applied_create_date - 1] = TimestampTzGetDatum(row->create_date);
	dbmig_set_text(values, nulls, Anum_applied_upgrade_script, upgrade);
	dbmig_set_text(values, nulls, Anum_applied_downgrade_script, downgrade);
	dbmig_set_text(values, nulls, Anum_applied_upgrade_author, row->upgrade_author);
	dbmig_set_text(values, nulls, Anum_applied_downgrade_author, row->downgrade_author);
	values[Anum_applied_transactional - 1] = BoolGetDatum(row->transactional);
	dbmig_set_text(values, nulls, Anum_applied_checksum, row->checksum);
	values[Anum_applied_applied_at - 1] = TimestampTzGetDatum(row->applied_at);
	dbmig_set_text(values, nulls, Anum_applied_applied_by, row->applied_by);
	values[Anum_applied_stamped - 1] = BoolGetDatum(row->stamped);
	dbmig_insert_row("applied", values, nulls);
}

void
dbmig_applied_delete(const char *project, const char *revision)
{
	if (!dbmig_delete_row("applied", DBMIG_KEY(project, revision)))
		elog(ERROR, "could not find applied revision \"%s\" of project \"%s\"",
			 revision, project);
	/* sessions remember that there is a row; see dbmig_any_applied() */
	CacheInvalidateRelcacheByRelid(dbmig_relation_oid("applied"));
}

/* Make a role the author of the kept texts of an applied revision. */
void
dbmig_applied_set_author(const char *project, const char *revision,
						 const char *author)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, "applied",
									   DBMIG_KEY(project, revision),
									   RowExclusiveLock, NULL);

	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);
		Datum		values[Natts_applied] = {0};
		bool		nulls[Natts_applied] = {0};
		bool		replace[Natts_applied] = {0};
		const int	columns[] = {Anum_applied_upgrade_author,
		Anum_applied_downgrade_author};

		for (int i = 0; i < (int) lengthof(columns); i++)
		{
			/* NULL says that the text came from a file of the server */
			if (heap_attisnull(tuple, columns[i], desc))
				continue;
			dbmig_set_text(values, nulls, columns[i], author);
			replace[columns[i] - 1] = true;
		}
		dbmig_update_row(&scan, tuple, values, nulls, replace);
	}
	dbmig_end_scan(&scan, NoLock);
	CommandCounterIncrement();
}

/* ---------------- dbm.script: the registered scripts ---------------- */

static void *
registered_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigRegistered *row = palloc(sizeof(DbmigRegistered));

	row->from = dbmig_get_text(tuple, Anum_script_from_revision, desc);
	row->to = dbmig_get_text(tuple, Anum_script_to_revision, desc);
	row->checksum = dbmig_get_text(tuple, Anum_script_checksum, desc);
	row->author = dbmig_get_text(tuple, Anum_script_author, desc);
	return row;
}

/* The registered scripts of a project, ordered by from and to. */
List *
dbmig_registered_list(const char *project)
{
	return dbmig_read_rows("script", DBMIG_KEY(project), NULL,
						   registered_from_tuple);
}

static void *
script_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	return dbmig_get_text(tuple, Anum_script_script, desc);
}

/* The text of a registered script; NULL when there is none. */
char *
dbmig_registered_script(const char *project, const char *from, const char *to)
{
	return dbmig_read_row("script", DBMIG_KEY(project, from, to),
						  script_from_tuple);
}

/* Register a script, or replace the one of the same name. */
void
dbmig_registered_put(const char *project, const DbmigRegistered *row,
					 const char *script)
{
	Datum		values[Natts_script] = {0};
	bool		nulls[Natts_script] = {0};

	dbmig_set_text(values, nulls, Anum_script_project, project);
	dbmig_set_text(values, nulls, Anum_script_from_revision, row->from);
	dbmig_set_text(values, nulls, Anum_script_to_revision, row->to);
	dbmig_set_text(values, nulls, Anum_script_script, script);
	dbmig_set_text(values, nulls, Anum_script_checksum, row->checksum);
	dbmig_set_text(values, nulls, Anum_script_author, row->author);
	values[Anum_script_registered_at - 1] =
		TimestampTzGetDatum(GetCurrentStatementStartTimestamp());
	dbmig_put_row("script", DBMIG_KEY(project, row->from, row->to), values, nulls);
}

void
dbmig_registered_delete(const char *project, const char *from, const char *to)
{
	if (!dbmig_delete_row("script", DBMIG_KEY(project, from, to)))
		elog(ERROR, "could not find registered script \"%s--%s--%s.sql\"",
			 project, from, to);
}

void
dbmig_registered_set_author(const char *project, const char *from,
							const char *to, const char *author)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, "script",
									   DBMIG_KEY(project, from, to),
									   RowExclusiveLock, NULL);

	if (HeapTupleIsValid(tuple))
	{
		Datum		values[Natts_script] = {0};
		bool		nulls[Natts_script] = {0};
		bool		replace[Natts_script] = {0};

		dbmig_set_text(values, nulls, Anum_script_author, author);
		replace[Anum_script_author - 1] = true;
		dbmig_update_row(&scan, tuple, values, nulls, replace);
	}
	dbmig_end_scan(&scan, NoLock);
	CommandCounterIncrement();
}

/* ---------------- dbm.step: revisions that were begun ---------------- */

static void *
unfinished_from_tuple(HeapTuple tuple, TupleDesc desc)
{
	DbmigUnfinished *row = palloc(sizeof(DbmigUnfinished));

	row->revision = dbmig_get_text(tuple, Anum_step_revision, desc);
	row->direction = dbmig_get_text(tuple, Anum_step_direction, desc);
	row->finished = dbmig_get_int(tuple, Anum_step_finished, desc);
	row->attempted = dbmig_get_int(tuple, Anum_step_attempted, desc);
	row->checksum = dbmig_get_text(tuple, Anum_step_checksum, desc);
	return row;
}

/* How far a revision got; NULL when it was not begun. */
DbmigUnfinished *
dbmig_unfinished_find(const char *project, const char *revision)
{
	return dbmig_read_row("step", DBMIG_KEY(project, revision),
						  unfinished_from_tuple);
}

/* All revisions of a project that were begun: list of DbmigUnfinished. */
List *
dbmig_unfinished_list(const char *project)
{
	return dbmig_read_rows("step", DBMIG_KEY(project), NULL,
						   unfinished_from_tuple);
}

/* Record how far a revision got. */
void
dbmig_unfinished_put(const char *project, const DbmigUnfinished *row)
{
	Datum		values[Natts_step] = {0};
	bool		nulls[Natts_step] = {0};

	dbmig_set_text(values, nulls, Anum_step_project, project);
	dbmig_set_text(values, nulls, Anum_step_revision, row->revision);
	dbmig_set_text(values, nulls, Anum_step_direction, row->direction);
	values[Anum_step_finished - 1] = Int32GetDatum(row->finished);
	values[Anum_step_attempted - 1] = Int32GetDatum(row->attempted);
	dbmig_set_text(values, nulls, Anum_step_checksum, row->checksum);
	dbmig_put_row("step", DBMIG_KEY(project, row->revision), values, nulls);
}

/* Forget how far a revision got, if it was begun. */
void
dbmig_unfinished_delete(const char *project, const char *revision)
{
	(void) dbmig_delete_row("step", DBMIG_KEY(project, revision));
}

/* ---------------- dbm.template: how new scripts look ---------------- */

/* A project's template and who set it; NULL when none was set. */
char *
dbmig_template_text(const char *project, char **author)
{
	DbmigTableScan scan;
	HeapTuple	tuple = dbmig_find_row(&scan, "template", DBMIG_KEY(project),
									   AccessShareLock, NULL);
	char	   *template = NULL;

	if (HeapTupleIsValid(tuple))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);

		template = dbmig_get_text(tuple, Anum_template_template, desc);
		*author = dbmig_get_text(tuple, Anum_template_author, desc);
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return template;
}

/* Set a project's template, or replace the one that was set. */
void
dbmig_template_put(const char *project, const char *template,
				   const char *author)
{
	Datum		values[Natts_template] = {0};
	bool		nulls[Natts_template] = {0};

	dbmig_set_text(values, nulls, Anum_template_project, project);
	dbmig_set_text(values, nulls, Anum_template_template, template);
	dbmig_set_text(values, nulls, Anum_template_author, author);
	dbmig_put_row("template", DBMIG_KEY(project), values, nulls);
}

/* Forget a project's template, if one was set. */
void
dbmig_template_delete(const char *project)
{
	(void) dbmig_delete_row("template", DBMIG_KEY(project));
}

/* ---------------- projects ---------------- */

/*
 * The projects that have applied revisions or registered scripts, each once,
 * ascending.  Skips from project to project in the index, so that the number
 * of revisions does not matter.
 */
static List *
projects_of(const char *table, const char *index, List *projects)
{
	char	   *last = NULL;

	for (;;)
	{
		ScanKeyData key;
		DbmigTableScan scan;
		HeapTuple	tuple;

		CHECK_FOR_INTERRUPTS();
		/* project is the first column of both tables and both indexes */
		if (last)
			ScanKeyInit(&key, 1, BTGreaterStrategyNumber, F_TEXT_GT,
						CStringGetTextDatum(last));
		dbmig_begin_scan(&scan, table, index, AccessShareLock, NULL, last ? 1 : 0, &key);
		tuple = systable_getnext(scan.scan);
		last = HeapTupleIsValid(tuple) ?
			dbmig_get_text(tuple, 1, RelationGetDescr(scan.relation)) : NULL;
		dbmig_end_scan(&scan, AccessShareLock);
		if (last == NULL)
			return projects;
		projects = lappend(projects, last);
	}
}

List *
dbmig_known_projects(void)
{
	List	   *projects = NIL;

	projects = projects_of("applied", "applied_pkey", projects);
	return projects_of("script", "script_pkey", projects);
}

/* ---------------- dbm.log ---------------- */

/* Add a row; what concerns the session is filled in here. */
void
dbmig_log_append(const DbmigLogEntry *entry)
{
	Datum		values[Natts_log] = {0};
	bool		nulls[Natts_log] = {0};
	Interval   *elapsed = palloc0(sizeof(Interval));

	elapsed->time = entry->ended_at - entry->started_at;

	values[Anum_log_id - 1] =
		Int64GetDatum(nextval_internal(dbmig_relation_oid("log_id_seq"), false));
	dbmig_set_text(values, nulls, Anum_log_project, entry->project);
	dbmig_set_text(values, nulls, Anum_log_revision, entry->revision);
	dbmig_set_text(values, nulls, Anum_log_direction, entry->direction);
	values[Anum_log_from_revisions - 1] = dbmig_names_datum(entry->from, entry->nfrom);
	values[Anum_log_to_revisions - 1] = dbmig_names_datum(entry->to, entry->nto);
	dbmig_set_text(values, nulls, Anum_log_checksum, entry->checksum);
	values[Anum_log_statements - 1] = Int32GetDatum(entry->statements);
	values[Anum_log_started_at - 1] = TimestampTzGetDatum(entry->started_at);
	values[Anum_log_elapsed - 1] = IntervalPGetDatum(elapsed);
	dbmig_set_text(values, nulls, Anum_log_role,
			 dbmig_current_role());
	dbmig_set_text(values, nulls, Anum_log_session_role,
			 dbmig_session_role());
	values[Anum_log_client_addr - 1] =
		dbmig_client_address(&nulls[Anum_log_client_addr - 1]);
	dbmig_set_text(values, nulls, Anum_log_application_name,
			 application_name ? application_name : "");
	dbmig_set_text(values, nulls, Anum_log_outcome, entry->outcome);
	dbmig_set_text(values, nulls, Anum_log_sqlstate, entry->sqlstate);
	dbmig_set_text(values, nulls, Anum_log_error, entry->error);
	dbmig_set_text(values, nulls, Anum_log_file, entry->file);
	nulls[Anum_log_line - 1] = (entry->line == 0);
	values[Anum_log_line - 1] = Int32GetDatum(entry->line);
	dbmig_insert_row("log", values, nulls);
}

/*
 * Look at the project's newest log row: its id, or 0 when there is none, and
 * the transaction that wrote it.
 */
static int64
newest_log_row(const char *project, TransactionId *xmin)
{
	Relation	relation = table_open(dbmig_relation_oid("log"), AccessShareLock);
	Relation	index = index_open(dbmig_relation_oid("log_project_id_idx"),
								   AccessShareLock);
	Snapshot	latest = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	int64		id = 0;

	dbmig_text_key(&key, Anum_log_project, project);
	scan = systable_beginscan_ordered(relation, index, latest, 1, &key);
	tuple = systable_getnext_ordered(scan, BackwardScanDirection);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		id = DatumGetInt64(heap_getattr(tuple, Anum_log_id,
										RelationGetDescr(relation), &isnull));
		*xmin = HeapTupleHeaderGetXmin(tuple->t_data);
	}
	systable_endscan_ordered(scan);
	UnregisterSnapshot(latest);
	index_close(index, AccessShareLock);
	table_close(relation, AccessShareLock);
	return id;
}

/* The id of the project's newest log row, 0 when there is none. */
int64
dbmig_log_newest(const char *project)
{
	TransactionId xmin;

	return newest_log_row(project, &xmin);
}

/*
 * Is the project's newest log row visible to this snapshot?  Every change of
 * the state is logged, so if it is, the snapshot sees the state as it is now.
 * Rows of the own transaction are always visible.
 */
bool
dbmig_log_is_visible(const char *project, Snapshot snapshot)
{
	TransactionId xmin;

	return newest_log_row(project, &xmin) == 0 ||
		TransactionIdIsCurrentTransactionId(xmin) ||
		!XidInMVCCSnapshot(xmin, snapshot);
}

/* Did the engine ever move this project's revision in this database? */
bool
dbmig_log_mentions(const char *project, const char *revision)
{
	ScanKeyData key;
	DbmigTableScan scan;
	HeapTuple	tuple;
	bool		found = false;

	dbmig_text_key(&key, Anum_log_project, project);
	dbmig_begin_scan(&scan, "log", "log_project_id_idx", AccessShareLock, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		TupleDesc	desc = RelationGetDescr(scan.relation);
		const int	columns[] = {Anum_log_from_revisions, Anum_log_to_revisions};

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < (int) lengthof(columns); i++)
		{
			int			count;
			char	  **names = dbmig_get_names(tuple, columns[i], desc, &count);

			for (int j = 0; j < count; j++)
			{
				found |= strcmp(names[j], revision) == 0;
				pfree(names[j]);
			}
		}
	}
	dbmig_end_scan(&scan, AccessShareLock);
	return found;
}

/* The project's log, oldest first, in the columns of dbm.log. */
void
dbmig_log_rows(const char *project, Tuplestorestate *store, TupleDesc desc)
{
	Datum		values[Natts_log];
	bool		nulls[Natts_log];
	ScanKeyData key;
	DbmigTableScan scan;
	HeapTuple	tuple;

	dbmig_text_key(&key, Anum_log_project, project);
	dbmig_begin_scan(&scan, "log", "log_project_id_idx", AccessShareLock,
			   GetActiveSnapshot(), 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(tuple, RelationGetDescr(scan.relation), values, nulls);
		tuplestore_putvalues(store, desc, values, nulls);
	}
	dbmig_end_scan(&scan, AccessShareLock);
}
