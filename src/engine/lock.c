/*-------------------------------------------------------------------------
 *
 * lock.c
 *		One migration of a project at a time.
 *
 * Whoever changes a project's state or its registered scripts first takes the
 * project lock and reads what it decides on afterwards.  It is a heavyweight
 * lock of the default method on an object tag: waiters queue in the lock
 * manager, so that deadlock detection, lock_timeout, statement_timeout and
 * pg_blocking_pids() work, and abort frees it without our help.  Advisory
 * locks would offer none of that once they are polled or held by a session.
 *
 * The tag's class is the table of the state, which nobody else uses as a
 * class; its object is a hash of the project's name.  Two projects whose names
 * collide wait for each other, which costs time and nothing else.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "engine/engine.h"
#include "storage/lmgr.h"

#define PROJECT_LOCK	1		/* sub-object of the tag */

/*
 * Wait for the project's turn.  Held to the end of the transaction, like the
 * lock on the state table that keeps offline scripts away.
 */
void
dbmig_lock_project(const char *project)
{
	Oid			object = hash_bytes((const unsigned char *) project,
									strlen(project));

	LockDatabaseObject(dbmig_lock_class(), object, PROJECT_LOCK, ExclusiveLock);
	dbmig_applied_lock();
}
