/*-------------------------------------------------------------------------
 *
 * attempt.c
 *		Work that may fail because of what users wrote.
 *
 * Who reports on many scripts cannot stop at the first that is wrong.  An
 * attempt is an internal subtransaction: if the work fails, all it did is
 * undone, and the failure is a value that says where it was.  Only errors that
 * a text can be blamed for become values.  A cancelled query, a full memory, a
 * lock that is not available, a broken disk or a bug remain errors.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* The script that is being worked on, in the worker's memory. */
static const char *current_revision = NULL;
static const char *current_file = NULL;

/*
 * Remember which script comes now (NULL for both: none), for the failure of an
 * attempt.  The names have to live as long as the work.
 */
void
dbmig_note_script(const char *revision, const char *file_name)
{
	current_revision = revision;
	current_file = file_name;
	dbmig_note_error_line(0);
}

/* Can a text of a user be the cause of this error, and of nothing else? */
static bool
is_of_text(int sqlerrcode)
{
	switch (sqlerrcode)
	{
		case ERRCODE_UNDEFINED_FILE:
		case ERRCODE_DUPLICATE_FILE:
			return true;
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_READ_ONLY_SQL_TRANSACTION:
			return false;
		default:
			break;
	}
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/*
 * Do some work in a subtransaction.  Returns NULL if it was done, or why it
 * failed; then everything but the memory is as if it had not been tried.  The
 * memory context stays the caller's.
 */
DbmigFailure *
dbmig_attempt(void (*work) (void *arg), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	DbmigFailure *volatile failure = NULL;

	dbmig_note_script(NULL, NULL);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		work(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		failure = palloc0(sizeof(DbmigFailure));
		failure->error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	if (failure)
	{
		if (!is_of_text(failure->error->sqlerrcode))
			ReThrowError(failure->error);
		failure->revision = current_revision ? pstrdup(current_revision) : NULL;
		failure->file_name = current_file ? pstrdup(current_file) : NULL;
		failure->line = dbmig_take_error_line();
	}
	dbmig_note_script(NULL, NULL);
	return failure;
}

/* What went wrong, in sentences. */
char *
dbmig_failure_text(const DbmigFailure *failure)
{
	const ErrorData *error = failure->error;
	StringInfoData text;

	initStringInfo(&text);
	if (failure->line > 0)
		appendStringInfo(&text, _("Line %d: "), failure->line);
	appendStringInfo(&text, "%s (SQLSTATE %s).", error->message,
					 unpack_sql_state(error->sqlerrcode));
	if (error->detail)
		appendStringInfo(&text, "  %s", error->detail);
	return text.data;
}

/* What went wrong and where, in lines. */
char *
dbmig_failure_lines(const DbmigFailure *failure)
{
	StringInfoData text;

	initStringInfo(&text);
	if (failure->file_name)
		appendStringInfo(&text, "%s: ", failure->file_name);
	appendStringInfo(&text, "%s\n", dbmig_failure_text(failure));
	if (failure->error->hint)
		appendStringInfo(&text, "%s\n", failure->error->hint);
	return text.data;
}
