/*-------------------------------------------------------------------------
 *
 * lock.c
 *		One migration of a project at a time.
 *
 * Two heavyweight locks of the default method, on object tags.  Waiters queue
 * in the lock manager, so that deadlock detection, lock_timeout,
 * statement_timeout and pg_blocking_pids() work, and abort frees them without
 * our help.  Advisory locks would offer none of that once they are polled or
 * held by a session.
 *
 *	project lock	Whoever changes a project's state or its registered scripts
 *					takes it first and reads what it decides on afterwards.
 *					Functions hold it to the end of their transaction,
 *					dbm_migrate as a session lock across its commits.
 *
 *	step lock		dbm_migrate holds it, as a session lock, while a worker
 *					runs a revision that cannot run in a transaction.  It takes
 *					the step lock under the project lock, lets the project lock
 *					go, runs, and takes the project lock again.
 *
 * Whoever gets the project lock tests the step lock without waiting.  If it is
 * held, a function fails: it has a snapshot, for which a concurrent index
 * build of the worker would wait for ever, while the function waited for the
 * worker.  A CALL lets the project lock go and waits for the step lock without
 * a snapshot.  Who tests or waits takes the step lock in share mode, so that
 * neither looks like a running worker to others.  Nobody waits for the project
 * lock while others wait for a step lock of his but the holder of the step
 * lock, so no cycle can form.
 *
 * The server frees session locks of this method when a transaction aborts.
 *
 * The tags' class is the table of the state, which nobody else uses as a
 * class; the object is a hash of the project's name.  Two projects whose names
 * collide wait for each other, which costs time and nothing else.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/inval.h"

/* Sub-objects of the tags. */
#define PROJECT_LOCK	1
#define STEP_LOCK		2

static LOCKTAG
lock_tag(const char *project, uint16 subobject)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, dbmig_lock_class(),
					   hash_bytes((const unsigned char *) project,
								  strlen(project)),
					   subobject);
	return tag;
}

static bool
acquire(const char *project, uint16 subobject, LOCKMODE mode, bool session,
		bool wait)
{
	LOCKTAG		tag = lock_tag(project, subobject);

	if (LockAcquire(&tag, mode, session, !wait) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	/* who held it before may have changed any catalog */
	AcceptInvalidationMessages();
	return true;
}

static void
release(const char *project, uint16 subobject, LOCKMODE mode, bool session)
{
	LOCKTAG		tag = lock_tag(project, subobject);

	(void) LockRelease(&tag, mode, session);
}

/* Does no worker run a revision of the project?  Ask under the project lock. */
static bool
no_step_runs(const char *project)
{
	if (!acquire(project, STEP_LOCK, ShareLock, false, false))
		return false;
	release(project, STEP_LOCK, ShareLock, false);
	return true;
}

/*
 * Wait for the project's turn.  Held to the end of the transaction, like the
 * lock on the state table that keeps offline scripts away.
 */
void
dbmig_lock_project(const char *project)
{
	(void) acquire(project, PROJECT_LOCK, ExclusiveLock, false, true);
	if (!no_step_runs(project))
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_IN_USE),
				errmsg("a revision of project \"%s\" is being run outside of a transaction",
					   project),
				errdetail("Waiting for it inside a transaction could last for ever, since it may wait for this transaction's snapshot."),
				errhint("See dbm_progress(); try again when it is done, or use CALL dbm_migrate(), which waits."));
	dbmig_applied_lock();
}

/*
 * Try to get the project lock for this session, waiting for other holders.
 * Returns false if a worker runs a revision; then no lock is held, and the
 * caller has to drop its snapshots before dbmig_wait_for_step().
 */
bool
dbmig_lock_project_session(const char *project)
{
	(void) acquire(project, PROJECT_LOCK, ExclusiveLock, true, true);
	if (no_step_runs(project))
		return true;
	release(project, PROJECT_LOCK, ExclusiveLock, true);
	return false;
}

/* Wait until no worker runs a revision.  The caller has no snapshot. */
void
dbmig_wait_for_step(const char *project)
{
	(void) acquire(project, STEP_LOCK, ShareLock, true, true);
	release(project, STEP_LOCK, ShareLock, true);
}

/* Pass from the project lock to the step lock; nobody can come in between. */
void
dbmig_begin_step(const char *project)
{
	(void) acquire(project, STEP_LOCK, ExclusiveLock, true, true);
	release(project, PROJECT_LOCK, ExclusiveLock, true);
}

/* And back, while the step lock is still held. */
void
dbmig_retake_project(const char *project)
{
	(void) acquire(project, PROJECT_LOCK, ExclusiveLock, true, true);
}

void
dbmig_end_step(const char *project)
{
	release(project, STEP_LOCK, ExclusiveLock, true);
}

void
dbmig_unlock_project_session(const char *project)
{
	release(project, PROJECT_LOCK, ExclusiveLock, true);
}

/* Is this the tag of a lock of ours, in this database? */
bool
dbmig_is_project_lock(const LOCKTAG *tag)
{
	return tag->locktag_type == LOCKTAG_OBJECT &&
		tag->locktag_field1 == MyDatabaseId &&
		tag->locktag_field2 == dbmig_lock_class() &&
		(tag->locktag_field4 == PROJECT_LOCK || tag->locktag_field4 == STEP_LOCK);
}
