/*-------------------------------------------------------------------------
 *
 * mirror.c
 *		pg_extension.extversion of a project, and its guard.
 *
 * The state is the truth; the mirror shows it to everybody who looks at
 * extensions.  It lags after a restore, which creates the extension at base,
 * and after an offline script; then the engine mends it before it changes
 * anything.  It can be ahead only if the server ran the project's scripts by
 * itself, past the guard.
 *
 * The guard is an object_access_hook: the server announces each new version
 * of an extension before it runs the update script that leads to it, and the
 * hook refuses when the extension is a project and the writer is not us.  It
 * works in sessions that have loaded the library, which the event triggers
 * and PROJECT--base.sql bring about; see commands/door.c.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#define ENGINE "databrain_migrate"

static object_access_hook_type previous_hook = NULL;

/* Are we writing a mirror just now? */
static bool writing = false;

static bool
depends_on_engine(Oid extension)
{
	Oid			engine = get_extension_oid(ENGINE, true);
	Relation	relation;
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	if (!OidIsValid(engine))
		return false;

	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, DependDependerIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend dependency = (Form_pg_depend) GETSTRUCT(tuple);

		found = dependency->refclassid == ExtensionRelationId &&
			dependency->refobjid == engine;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

/*
 * Is there an extension of this name that is a project of ours?  It depends on
 * the engine, and starts at base: other extensions may use the engine's
 * functions and still be updated by the server.  A missing control file does
 * not make a project less of one.
 */
bool
dbmig_extension_is_managed(const char *name, Oid *extension)
{
	Oid			oid = get_extension_oid(name, true);
	char	   *default_version;

	if (extension)
		*extension = oid;
	if (!OidIsValid(oid) || !depends_on_engine(oid))
		return false;
	if (!dbmig_project_is_valid(name, NULL))
		return false;
	if (!dbmig_project_default_version(name, &default_version))
		return true;
	return default_version && strcmp(default_version, "base") == 0;
}

/* Stand on the extension's row in pg_extension as the snapshot shows it. */
static HeapTuple
begin_extension_scan(Relation relation, Oid extension, Snapshot snapshot,
					 SysScanDesc *scan)
{
	ScanKeyData key;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	*scan = systable_beginscan(relation, ExtensionOidIndexId, true, snapshot,
							   1, &key);
	return systable_getnext(*scan);
}

/* The extension's version to this snapshot (NULL: to the next command). */
static char *
extension_version(Oid extension, Snapshot snapshot)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	SysScanDesc scan;
	HeapTuple	tuple = begin_extension_scan(relation, extension, snapshot, &scan);
	char	   *version = NULL;

	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;
		Datum		value = heap_getattr(tuple, Anum_pg_extension_extversion,
										 RelationGetDescr(relation), &isnull);

		if (!isnull)
			version = TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return version;
}

/* The version that the extension shows now. */
char *
dbmig_mirror_version(Oid extension)
{
	return extension_version(extension, NULL);
}

/*
 * The first revision that the mirror names although it is neither applied nor
 * was ever reached by the engine; NULL if there is none.
 */
char *
dbmig_mirror_unreached(const DbmigProject *project)
{
	Oid			extension;
	char	   *version;
	char	   *rest;
	char	   *name;

	if (!dbmig_extension_is_managed(project->name, &extension))
		return NULL;
	version = extension_version(extension, NULL);
	if (version == NULL || strcmp(version, "base") == 0 ||
		strcmp(version, dbmig_heads_text(project)) == 0)
		return NULL;

	rest = pstrdup(version);
	while ((name = strsep(&rest, ",")) != NULL)
	{
		int			node = dbmig_graph_lookup(project->graph, name);

		if ((node >= 0 && project->applied[node]) ||
			dbmig_log_mentions(project->name, name))
			continue;
		return name;
	}
	return NULL;
}

/* Raise if the mirror names a revision that the engine never reached. */
void
dbmig_mirror_check(const DbmigProject *project)
{
	const char *name = dbmig_mirror_unreached(project);
	Oid			extension;
	char	   *version;

	if (name == NULL || !dbmig_extension_is_managed(project->name, &extension))
		return;
	version = extension_version(extension, NULL);
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("extension \"%s\" is at version \"%s\", which the engine never reached",
				   project->name, version),
			errdetail("Its update scripts were run by the server itself, with event triggers off.  Revision \"%s\" is not among the applied ones.",
					  name),
			errhint("If the schema is as that revision leaves it, record that with dbm_stamp('%s', project => '%s').",
					version, project->name));
}

static void
write_version(Oid extension, const char *version)
{
	Relation	relation = table_open(ExtensionRelationId, RowExclusiveLock);
	SysScanDesc scan;
	HeapTuple	tuple = begin_extension_scan(relation, extension, NULL, &scan);

	if (HeapTupleIsValid(tuple))
	{
		Datum		values[Natts_pg_extension] = {0};
		bool		nulls[Natts_pg_extension] = {0};
		bool		replace[Natts_pg_extension] = {0};
		HeapTuple	changed;

		values[Anum_pg_extension_extversion - 1] = CStringGetTextDatum(version);
		replace[Anum_pg_extension_extversion - 1] = true;
		changed = heap_modify_tuple(tuple, RelationGetDescr(relation), values,
									nulls, replace);
		CatalogTupleUpdate(relation, &changed->t_self, changed);
		InvokeObjectPostAlterHook(ExtensionRelationId, extension, 0);
	}
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Let the mirror show the state, if the project has one. */
void
dbmig_mirror_write(const DbmigProject *project)
{
	Oid			extension;
	char	   *old;
	char	   *new;

	if (!dbmig_extension_is_managed(project->name, &extension))
		return;
	old = extension_version(extension, NULL);
	new = dbmig_heads_text(project);
	if (old && strcmp(old, new) == 0)
		return;

	/* a hook of somebody else's may raise in between */
	PG_TRY();
	{
		writing = true;
		write_version(extension, new);
	}
	PG_FINALLY();
	{
		writing = false;
	}
	PG_END_TRY();
}

/*
 * The guard.  Other changes of the row, of its owner for example, come here
 * as well; what counts is whether the version is another one.
 */
static void
guard(ObjectAccessType access, Oid classId, Oid objectId, int subId, void *arg)
{
	if (previous_hook)
		previous_hook(access, classId, objectId, subId, arg);

	if (access == OAT_POST_ALTER && classId == ExtensionRelationId && !writing &&
		IsTransactionState())
	{
		char	   *name = get_extension_name(objectId);
		char	   *old;
		char	   *new;

		if (name == NULL || !dbmig_extension_is_managed(name, NULL))
			return;
		old = extension_version(objectId, NULL);
		new = extension_version(objectId, SnapshotSelf);
		if (old && new && strcmp(old, new) != 0)
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("revisions of project \"%s\" cannot be run by the server",
						   name),
					errdetail("Its update script to version \"%s\" would run past the engine.",
							  new),
					errhint("Create the extension \"%s\" in a command of its own first, and do not turn event triggers off.",
							ENGINE));
	}
}

/* Called once in each process that loads the library. */
void
dbmig_install_mirror_guard(void)
{
	previous_hook = object_access_hook;
	object_access_hook = guard;
}
