/*-------------------------------------------------------------------------
 *
 * activity.c
 *		What a session that migrates is doing, for all others to see.
 *
 * The line is put where the server shows a session's query, so it costs a copy
 * of a few hundred bytes per statement, needs neither preload nor shared
 * memory of our own, and shows in pg_stat_activity and its kin as it is.
 * dbm_progress() reads it back from there.  Whose line it is decides a lock,
 * not the text: anybody can send a query that looks like ours.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/compat.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

#define PREFIX "databrain_migrate: "

/* A target is cut to this, so that it leaves room for the statement. */
#define TARGET_LENGTH	200

/* The run of this process; without one, what a worker says counts. */
static char target[TARGET_LENGTH + 1];
static int	step = 0;
static int	steps = 0;

/* A run begins. */
void
dbmig_report_run(const char *run_target, int run_steps)
{
	int			length = pg_mbcliplen(run_target, strlen(run_target), TARGET_LENGTH);

	memcpy(target, run_target, length);
	target[length] = '\0';
	step = 0;
	steps = run_steps;
}

/* Its next step begins. */
void
dbmig_report_step(const DbmigStepRun *run)
{
	step++;
	dbmig_report_worker(run, 0);
}

static void
report(const char *project, const char *revision, int number, int count,
	   int worker, const char *text, int length)
{
	StringInfoData line;

	if (!pgstat_track_activities)
		return;
	initStringInfo(&line);
	appendStringInfo(&line,
					 PREFIX "project %s revision %s step %d of %d statement %d of %d worker %d target %s: ",
					 project, revision, step, steps, number, count, worker,
					 quote_literal_cstr(target));
	appendBinaryStringInfo(&line, text, length);
	pgstat_report_activity(STATE_RUNNING, line.data);
	pfree(line.data);
}

/* A worker runs the step; 0: this process. */
void
dbmig_report_worker(const DbmigStepRun *run, int worker)
{
	report(run->entry.project, run->entry.revision, 0, 0, worker, "", 0);
}

/* A statement of the script begins. */
void
dbmig_report_statement(const DbmigPosition *at)
{
	report(at->project, at->revision, at->number, at->count, 0,
		   at->text + at->statement->start, at->statement->length);
}

/* A program runs for us. */
void
dbmig_report_program(const char *doing)
{
	char	   *line;

	if (!pgstat_track_activities)
		return;
	line = psprintf(PREFIX "%s", doing);
	pgstat_report_activity(STATE_RUNNING, line);
	pfree(line);
}

/* The run is over: what the session was asked shows again. */
void
dbmig_report_end(void)
{
	if (pgstat_track_activities && debug_query_string)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
}

/*
 * Take a line apart; false if it is none.  Texts are in the current memory
 * context.
 */
static bool
parse_line(const char *line, DbmigActivity *activity)
{
	char		project[NAMEDATALEN];
	char		revision[DBMIG_MAX_IDENTIFIER + 1];
	int			consumed = 0;
	StringInfoData text;

	if (sscanf(line,
			   PREFIX "project %63s revision %128s step %d of %d statement %d of %d worker %d target %n",
			   project, revision, &activity->step, &activity->steps,
			   &activity->number, &activity->count, &activity->worker,
			   &consumed) != 7 || consumed == 0)
		return false;

	/* a literal, perhaps with E in front; doubled quotes stand for one */
	line += consumed;
	initStringInfo(&text);
	line += strcspn(line, "'");
	while (*line == '\'')
	{
		size_t		length = strcspn(++line, "'");

		appendBinaryStringInfo(&text, line, length);
		line += length;
		if (line[0] == '\'' && line[1] == '\'')
		{
			appendStringInfoChar(&text, '\'');
			line++;
		}
		else
			break;
	}
	if (strncmp(line, "': ", 3) == 0)
		line += 3;
	activity->project = pstrdup(project);
	activity->revision = pstrdup(revision);
	activity->target = text.data;
	activity->statement = pstrdup(line);
	return true;
}

/* What a process reports; false if it reports nothing of ours. */
bool
dbmig_read_activity(int pid, DbmigActivity *activity)
{
	int			count = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= count; i++)
	{
		PgBackendStatus *status = &dbmig_backend_status(i)->backendStatus;
		char	   *line;
		bool		ours;

		if (status->st_procpid != pid)
			continue;
		line = pgstat_clip_activity(status->st_activity_raw);
		ours = parse_line(line, activity);
		activity->started_at = status->st_activity_start_timestamp;
		activity->role = status->st_userid;
		pfree(line);
		return ours;
	}
	return false;
}
