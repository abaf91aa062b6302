/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *		Snapshots: schemas that are kept under a name, or for a state.
 *
 * A named snapshot is the inventory of the managed schemas at the time it was
 * taken, with a dump beside it if that was asked for.  Besides, when a run has
 * reached its target, a fingerprint of the schema is kept for the state that
 * the project has then; the setting step_snapshot says whether, and whether
 * the inventory is kept with it.
 *
 * What is kept goes into dumps, and the database's owner may read it.  It is
 * open to everybody in the catalogs anyway, all but the options of user
 * mappings, which may be passwords: these are not kept, and are not of the
 * fingerprint, which thereby does not depend on who took it.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/catalog.h"
#include "base/session.h"
#include "base/settings.h"
#include "engine/compare.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define MAX_NAME_LENGTH 128

/* Let user mappings have no options, as far as an inventory says. */
void
dbmig_forget_secrets(DbmigInventory *inventory)
{
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];

		if (fact->kind == &dbmig_kind_user_mapping)
			memset(fact->values, 0, sizeof(char *) * fact->kind->nrules);
	}
}

/* What is kept of the live schemas. */
static DbmigInventory *
read_live(void)
{
	DbmigInventory *inventory = dbmig_inventory_read(dbmig_managed_schemas(NIL));

	dbmig_forget_secrets(inventory);
	return inventory;
}

/* The fingerprint of the managed schemas as they are now. */
char *
dbmig_live_fingerprint(void)
{
	return dbmig_inventory_fingerprint(read_live());
}

static char *
server_version(void)
{
	return pstrdup(GetConfigOption("server_version", false, false));
}

static int
count_objects(const DbmigInventory *inventory)
{
	return inventory->n + list_length(inventory->unmanaged);
}

/* A snapshot of this name; raises when there is none. */
static DbmigSnapshot *
require_snapshot(const char *project, const char *name)
{
	DbmigSnapshot *snapshot = dbmig_snapshot_find(project, name, NULL);

	if (snapshot == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("snapshot \"%s\" of project \"%s\" does not exist",
					   name, project),
				errhint("See dbm_snapshots()."));
	return snapshot;
}

static void
check_name(const char *name)
{
	bool		good = name[0] != '\0' && strlen(name) <= MAX_NAME_LENGTH;

	for (const char *c = name; *c; c++)
		good &= (unsigned char) *c >= ' ' && *c != 0x7f;
	if (!good)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_NAME),
				errmsg("invalid snapshot name: \"%s\"", name),
				errdetail("It must have 1 to %d bytes, none of them a control character.",
						  MAX_NAME_LENGTH));
}

/*
 * Take a snapshot.  Returns its row, in the current memory context; there has
 * to be an active snapshot, in the other sense of the word.
 */
DbmigSnapshot *
dbmig_take_snapshot(const char *project, const char *name, bool with_data)
{
	DbmigSnapshot *row = palloc0(sizeof(DbmigSnapshot));
	DbmigInventory *inventory;
	DbmigProject *state;

	PreventCommandIfReadOnly("dbm_snapshot()");
	check_name(name);

	/* pg_dump would wait for the locks that the rest takes */
	if (with_data)
	{
		DbmigDump	dump = {
			.project = pstrdup(project),
			.format = "custom",
			.data = true
		};

		dbmig_dump(&dump);
		row->dump = dump.file;
	}

	dbmig_lock_project(project);
	if (dbmig_snapshot_find(project, name, NULL))
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("snapshot \"%s\" of project \"%s\" already exists",
					   name, project),
				errhint("Choose another name, or remove it with dbm_drop_snapshot()."));
	inventory = read_live();
	state = dbmig_project_load_state(project, NULL);
	row->name = pstrdup(name);
	row->heads = dbmig_current_heads(state, &row->nheads);
	row->objects = count_objects(inventory);
	row->fingerprint = dbmig_inventory_fingerprint(inventory);
	row->server_version = server_version();
	row->taken_by = dbmig_current_role();
	row->taken_at = GetCurrentTimestamp();
	dbmig_snapshot_insert(project, row, dbmig_inventory_to_jsonb(inventory));
	return row;
}

/* Remove a snapshot; its dump stays. */
void
dbmig_drop_snapshot(const char *project, const char *name)
{
	DbmigSnapshot *row;

	PreventCommandIfReadOnly("dbm_drop_snapshot()");
	dbmig_lock_project(project);
	row = require_snapshot(project, name);
	dbmig_snapshot_delete(project, name);
	if (row->dump)
		ereport(NOTICE,
				errmsg("the dump \"%s\" that belongs to the snapshot stays", row->dump));
}

/*
 * The inventory of a snapshot: the one of this name, or else what was kept for
 * the state with these heads.  Raises when there is none.
 */
DbmigInventory *
dbmig_snapshot_inventory(const char *project, const char *name)
{
	Jsonb	   *stored = NULL;
	DbmigSnapshot *row = dbmig_snapshot_find(project, name, &stored);
	DbmigFingerprint *kept;

	if (row)
		return dbmig_inventory_from_jsonb(stored);
	kept = dbmig_fingerprint_find(project, name, &stored);
	if (kept == NULL)
		(void) require_snapshot(project, name);
	if (stored == NULL)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("only a fingerprint was kept of revision \"%s\"", name),
				errhint("With databrain_migrate.step_snapshot set to \"inventory\", more is kept from then on."));
	return dbmig_inventory_from_jsonb(stored);
}

/* Read the schema, and keep what is to be kept of it. */
static void
keep_state(const DbmigProject *project)
{
	DbmigFingerprint row = {0};
	DbmigInventory *inventory = read_live();

	row.heads = dbmig_heads_text(project);
	row.objects = count_objects(inventory);
	row.fingerprint = dbmig_inventory_fingerprint(inventory);
	row.server_version = server_version();
	row.taken_by = dbmig_current_role();
	row.taken_at = GetCurrentTimestamp();
	dbmig_fingerprint_put(project->name, &row,
						  dbmig_step_snapshot == DBMIG_STEP_INVENTORY ?
						  dbmig_inventory_to_jsonb(inventory) : NULL);
}

/*
 * A run has reached its target: keep what the setting says of the schema.  A
 * failure is only a warning, since the revisions themselves are done.
 */
void
dbmig_keep_state(const DbmigProject *project)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext work;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	if (dbmig_step_snapshot == DBMIG_STEP_NOTHING)
	{
		/* what was kept of this state before tells nothing about it now */
		dbmig_fingerprint_delete(project->name, dbmig_heads_text(project));
		return;
	}
	work = AllocSetContextCreate(context, "dbmig snapshot", ALLOCSET_DEFAULT_SIZES);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(work);
	PG_TRY();
	{
		keep_state(project);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	MemoryContextDelete(work);
	if (error == NULL)
		return;
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED ||
		error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES)
		ReThrowError(error);
	ereport(WARNING,
			errcode(error->sqlerrcode),
			errmsg("could not keep a fingerprint of the schema: %s", error->message));
}
