/*-------------------------------------------------------------------------
 *
 * sandbox.c
 *		Runs schema definitions where nothing of them stays.
 *
 * A sandbox is an internal subtransaction that is always rolled back.  In it
 * the managed schemas are renamed aside and empty ones with the same names,
 * owners and privileges take their place; what extensions keep in them moves
 * over, so that types and functions are found.  Casts, transforms, languages
 * and access methods stay until a text makes one in their place.  Then a model or revisions run,
 * and what they made is read.
 *
 * The engine's owner does the moving, with names that were computed here; the
 * text runs as its author or the caller, and cannot change that.  Event
 * triggers of others look away.  An error ends the sandbox too, and is raised
 * again outside of it.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/settings.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_transform.h"
#include "catalog/pg_type.h"
#include "commands/alter.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "commands/proclang.h"
#include "commands/schemacmds.h"
#include "commands/trigger.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "engine/standin.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "schema/schema.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/syscache.h"

struct DbmigSandbox
{
	MemoryContext context;		/* of the lists below */
	Oid			caller;
	int			caller_security;
	Oid			role;			/* that ran a text last */
	int			security;		/* and how */
	List	   *replaced;		/* Replaced */
	List	   *declared;		/* names of schemas that the text creates */
	List	   *extensions;		/* and of extensions */
	List	   *present;		/* extensions of the database */
	bool		unsteady;		/* has a statement computed what it did? */
	void	   *enum_values;	/* that the transaction added before */
	bool		adds_enum_value;	/* does the statement that was let through? */
	bool		frees_enum_values;	/* has such a value been freed for use? */
	HTAB	   *shared;			/* SharedObject */
	int			asides;			/* names given to what makes place */
	Oid			deployer;		/* in whose place the text runs, or InvalidOid */
	bool		swapped;		/* have the two each other's default privileges? */
};

/* A cast or the like of the database, which has no schema. */
typedef struct SharedObject
{
	Oid			classid;
	Oid			objid;
} SharedObject;

/* Where these are. */
static const struct
{
	Oid			classid;
	int			cache;			/* that finds one by what it is for, or its name */
	AttrNumber	name;			/* 0: has none */
}			shared_kinds[] = {
	{CastRelationId, CASTSOURCETARGET, 0},
	{TransformRelationId, TRFTYPELANG, 0},
	{LanguageRelationId, LANGNAME, Anum_pg_language_lanname},
	{AccessMethodRelationId, AMNAME, Anum_pg_am_amname}
};

/* Is this process in a sandbox?  What runs there may not open another. */
static bool in_sandbox = false;

static const char aside_prefix[] = "dbm_aside_";

/* The owner of the engine's extension. */
static Oid
engine_owner(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum("databrain_migrate"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!OidIsValid(owner))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("extension \"%s\" does not exist", "databrain_migrate"));
	return owner;
}

/* Is the schema a member of an extension? */
static bool
belongs_to_extension(Oid schema)
{
	return OidIsValid(getExtensionOfObject(NamespaceRelationId, schema));
}

/* Is the schema looked at?  Neither the system's nor an extension's is. */
bool
dbmig_schema_is_managed(const char *name, Oid schema)
{
	return strncmp(name, "pg_", 3) != 0 &&
		strcmp(name, "information_schema") != 0 &&
		!belongs_to_extension(schema);
}

/*
 * The schemas that are looked at: those named, or those that the setting names,
 * or all that are neither the system's nor an extension's.  A list of OIDs.
 */
List *
dbmig_managed_schemas(List *names)
{
	Relation	relation = table_open(NamespaceRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	List	   *result = NIL;
	HeapTuple	tuple;

	if (names == NIL)
		names = dbmig_schemas_setting();
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_namespace schema = (Form_pg_namespace) GETSTRUCT(tuple);
		const char *name = NameStr(schema->nspname);

		CHECK_FOR_INTERRUPTS();
		if (!dbmig_schema_is_managed(name, schema->oid))
			continue;
		if (names == NIL || list_member(names, makeString(pstrdup(name))))
			result = lappend_oid(result, schema->oid);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return result;
}

/* Raise an error unless a schema of each name exists. */
void
dbmig_check_schemas(List *names)
{
	ListCell   *lc;

	foreach(lc, names)
		(void) get_namespace_oid(strVal(lfirst(lc)), false);
}

/* A name for a schema that makes place. */
static char *
aside_name(int *number)
{
	char	   *name;

	do
		name = psprintf("%s%d", aside_prefix, ++*number);
	while (OidIsValid(get_namespace_oid(name, true)));
	return name;
}

/*
 * Rename what belongs to no schema, so that a text can make its own by the
 * same names.  What belongs to an extension stays.
 */
static void
rename_global_objects(int *number)
{
	static const struct
	{
		ObjectType	type;
		Oid			class;
		const char *query;
	}			kinds[] = {
		{OBJECT_PUBLICATION, PublicationRelationId,
		"SELECT oid, pubname FROM pg_catalog.pg_publication"},
		{OBJECT_FDW, ForeignDataWrapperRelationId,
		"SELECT oid, fdwname FROM pg_catalog.pg_foreign_data_wrapper"},
		{OBJECT_FOREIGN_SERVER, ForeignServerRelationId,
		"SELECT oid, srvname FROM pg_catalog.pg_foreign_server"},
		{OBJECT_EVENT_TRIGGER, EventTriggerRelationId,
		"SELECT oid, evtname FROM pg_catalog.pg_event_trigger"},
		{OBJECT_SUBSCRIPTION, SubscriptionRelationId,
		"SELECT s.oid, s.subname FROM pg_catalog.pg_subscription s "
		"JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.subdbid "
		"WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"}
	};

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (int i = 0; i < (int) lengthof(kinds); i++)
	{
		if (SPI_execute(kinds[i].query, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "catalog query failed: %s", kinds[i].query);
		for (uint64 row = 0; row < SPI_processed; row++)
		{
			bool		isnull;
			Oid			object = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[row],
																SPI_tuptable->tupdesc,
																1, &isnull));
			char	   *name = SPI_getvalue(SPI_tuptable->vals[row],
											SPI_tuptable->tupdesc, 2);
			RenameStmt *stmt;

			CHECK_FOR_INTERRUPTS();
			if (OidIsValid(getExtensionOfObject(kinds[i].class, object)))
				continue;
			stmt = makeNode(RenameStmt);
			stmt->renameType = kinds[i].type;
			stmt->object = (Node *) makeString(name);
			stmt->newname = psprintf("%s%d", aside_prefix, ++*number);
			(void) ExecRenameStmt(stmt);
			CommandCounterIncrement();
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_finish();
}

/* Is it one of the triggers by which ALTER EXTENSION comes to the engine? */
static bool
is_door(Form_pg_event_trigger trigger, Oid engine)
{
	char	   *function;

	if (getExtensionOfObject(EventTriggerRelationId, trigger->oid) != engine)
		return false;
	function = get_func_name(trigger->evtfoid);
	return function && strncmp(function, "dbm_ddl_command_", 16) == 0;
}

/*
 * Disable all event triggers but the door.  Those of others that are to fire
 * always would do so whatever session_replication_role says, and a text could
 * set that; our own have nothing to look at here, but cost each command its
 * share.
 */
static void
disable_event_triggers(void)
{
	Relation	relation = table_open(EventTriggerRelationId, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	Oid			engine = get_extension_oid("databrain_migrate", false);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_event_trigger trigger = (Form_pg_event_trigger) GETSTRUCT(tuple);

		if (trigger->evtenabled == TRIGGER_DISABLED || is_door(trigger, engine))
			continue;
		tuple = heap_copytuple(tuple);
		((Form_pg_event_trigger) GETSTRUCT(tuple))->evtenabled = TRIGGER_DISABLED;
		CatalogTupleUpdate(relation, &tuple->t_self, tuple);
	}
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
	CommandCounterIncrement();
}

/* Note the casts and the like that are there before any text runs. */
static HTAB *
read_shared_objects(void)
{
	HASHCTL		control = {0};
	HTAB	   *objects;

	control.keysize = sizeof(SharedObject);
	control.entrysize = sizeof(SharedObject);
	control.hcxt = CurrentMemoryContext;
	objects = hash_create("dbmig shared objects", 128, &control,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < (int) lengthof(shared_kinds); i++)
	{
		Relation	relation = table_open(shared_kinds[i].classid, AccessShareLock);
		SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL,
											  0, NULL);
		HeapTuple	tuple;

		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			SharedObject object;
			bool		isnull;

			/* the OID is the first column of each of these catalogs */
			object.classid = shared_kinds[i].classid;
			object.objid = DatumGetObjectId(heap_getattr(tuple, 1,
														 RelationGetDescr(relation),
														 &isnull));
			(void) hash_search(objects, &object, HASH_ENTER, NULL);
		}
		systable_endscan(scan);
		table_close(relation, AccessShareLock);
	}
	return objects;
}

/* Was this cast or the like there before any text ran? */
bool
dbmig_sandbox_was_there(const DbmigSandbox *sandbox, Oid classid, Oid objid)
{
	SharedObject object = {classid, objid};

	return hash_search(sandbox->shared, &object, HASH_FIND, NULL) != NULL;
}

/*
 * Take the database's own cast or the like out of the way of one that a text
 * is about to make, found by its key.  Only the catalog row changes: nothing
 * runs that would need the object until the sandbox ends.
 */
static void
make_place(DbmigSandbox *sandbox, Oid classid, Datum key1, Datum key2)
{
	int			i = 0;
	HeapTuple	tuple;
	Relation	relation;
	Oid			object;
	bool		isnull;

	while (shared_kinds[i].classid != classid)
		i++;
	tuple = SearchSysCache(shared_kinds[i].cache, key1, key2, 0, 0);
	if (!HeapTupleIsValid(tuple))
		return;
	relation = table_open(classid, RowExclusiveLock);
	object = DatumGetObjectId(heap_getattr(tuple, 1, RelationGetDescr(relation),
										   &isnull));
	if (object >= FirstNormalObjectId &&
		dbmig_sandbox_was_there(sandbox, classid, object) &&
		!OidIsValid(getExtensionOfObject(classid, object)))
	{
		if (shared_kinds[i].name == 0)
			CatalogTupleDelete(relation, &tuple->t_self);
		else
		{
			Datum	   *values = palloc0(sizeof(Datum) * RelationGetNumberOfAttributes(relation));
			bool	   *nulls = palloc0(sizeof(bool) * RelationGetNumberOfAttributes(relation));
			bool	   *replace = palloc0(sizeof(bool) * RelationGetNumberOfAttributes(relation));
			NameData	name;
			HeapTuple	changed;

			namestrcpy(&name, psprintf("%s%d", aside_prefix, ++sandbox->asides));
			values[shared_kinds[i].name - 1] = NameGetDatum(&name);
			replace[shared_kinds[i].name - 1] = true;
			changed = heap_modify_tuple(tuple, RelationGetDescr(relation),
										values, nulls, replace);
			CatalogTupleUpdate(relation, &changed->t_self, changed);
		}
	}
	ReleaseSysCache(tuple);
	table_close(relation, RowExclusiveLock);
	CommandCounterIncrement();
}

/*
 * A subscription is made without a word to its publisher, and so that it can
 * be dropped again.
 */
static void
disconnect_subscription(CreateSubscriptionStmt *stmt)
{
	static const char *const told[] = {"connect", "enabled", "create_slot",
	"copy_data", "slot_name"};
	List	   *options = NIL;
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);
		bool		drop = false;

		for (int i = 0; i < (int) lengthof(told); i++)
			drop |= strcmp(option->defname, told[i]) == 0;
		if (!drop)
			options = lappend(options, option);
	}
	options = lappend(options, makeDefElem("connect",
										   (Node *) makeString("false"), -1));
	stmt->options = lappend(options, makeDefElem("slot_name",
												 (Node *) makeString("none"), -1));
}

/* The names of all extensions. */
static List *
extension_names(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	List	   *names = NIL;
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_extension extension = (Form_pg_extension) GETSTRUCT(tuple);

		names = lappend(names, makeString(pstrdup(NameStr(extension->extname))));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return names;
}

/* Put empty schemas in the place of these, a list of OIDs. */
static void
replace_schemas(DbmigSandbox *sandbox, List *schemas)
{
	ListCell   *lc;

	SetUserIdAndSecContext(engine_owner(), sandbox->caller_security |
						   SECURITY_LOCAL_USERID_CHANGE);
	dbmig_silence_event_triggers();
	disable_event_triggers();
	foreach(lc, schemas)
	{
		DbmigReplaced *schema = palloc(sizeof(DbmigReplaced));

		CHECK_FOR_INTERRUPTS();
		schema->live = lfirst_oid(lc);
		schema->name = get_namespace_name(schema->live);
		if (schema->name == NULL)
			continue;
		(void) RenameSchema(schema->name, aside_name(&sandbox->asides));
		CommandCounterIncrement();
		schema->fresh = dbmig_create_stand_in(schema->live, schema->name);
		sandbox->replaced = lappend(sandbox->replaced, schema);
	}
	dbmig_move_extension_members(sandbox->replaced);
	rename_global_objects(&sandbox->asides);
	SetUserIdAndSecContext(sandbox->caller, sandbox->caller_security);
}

/* Keep what the server knows of enum values that it lets nobody use yet. */
static void
save_enum_values(DbmigSandbox *sandbox)
{
	Size		size = EstimateUncommittedEnumsSpace();

	sandbox->enum_values = palloc(size);
	SerializeUncommittedEnums(sandbox->enum_values, size);
}

static void
restore_enum_values(DbmigSandbox *sandbox)
{
	if (!sandbox->frees_enum_values)
		return;
	AtEOXact_Enum();
	RestoreUncommittedEnums(sandbox->enum_values);
}

/*
 * Let a value be used that the last statement added to an enum of the sandbox's
 * own.  The server would wait for the end of the transaction, since an index
 * might keep the value when it is rolled back; here, the index goes too.
 */
static void
free_enum_value(DbmigSandbox *sandbox)
{
	if (!sandbox->adds_enum_value)
		return;
	sandbox->adds_enum_value = false;
	sandbox->frees_enum_values = true;
	AtEOXact_Enum();
}

/*
 * Let a schema of the sandbox make place for one that is to have its name.
 * Does nothing if there is no such schema.
 */
void
dbmig_sandbox_put_aside(DbmigSandbox *sandbox, const char *name)
{
	int			number = 0;

	if (!OidIsValid(get_namespace_oid(name, true)))
		return;
	SetUserIdAndSecContext(engine_owner(), sandbox->caller_security |
						   SECURITY_LOCAL_USERID_CHANGE);
	(void) RenameSchema(name, aside_name(&number));
	CommandCounterIncrement();
	SetUserIdAndSecContext(sandbox->caller, sandbox->caller_security);
}

/*
 * Do some work in a sandbox in which these schemas (a list of OIDs) are empty.
 * The memory context stays the caller's, so what the work allocates is there
 * afterwards; all else is undone, by an error as well.
 */
void
dbmig_in_sandbox(List *schemas, DbmigSandboxWork work, void *arg)
{
	DbmigSandbox *sandbox = palloc0(sizeof(DbmigSandbox));
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	PreventCommandIfReadOnly("a schema comparison");
	if (in_sandbox)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("schemas cannot be compared by a model or a revision that is tried"));
	sandbox->context = context;
	GetUserIdAndSecContext(&sandbox->caller, &sandbox->caller_security);
	sandbox->present = extension_names();
	sandbox->shared = read_shared_objects();
	sandbox->role = sandbox->caller;
	sandbox->security = sandbox->caller_security | SECURITY_RESTRICTED_OPERATION;
	save_enum_values(sandbox);

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		int			nestlevel = NewGUCNestLevel();

		in_sandbox = true;
		dbmig_start_unbuilt();
		/* the planning of one would look at indexes that are not built */
		(void) set_config_option("max_parallel_maintenance_workers", "0",
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
								 true, 0, false);
		replace_schemas(sandbox, schemas);
		work(sandbox, arg);
		AtEOXact_GUC(false, nestlevel);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	in_sandbox = false;
	dbmig_forget_unbuilt();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	restore_enum_values(sandbox);
	if (error)
		ReThrowError(error);
}

/* Does what this process runs vanish again? */
bool
dbmig_is_in_sandbox(void)
{
	return in_sandbox;
}

/*
 * Take default privileges out of the sandbox that a text states itself, before
 * it runs.  What its runner makes counts as made by the deployer, whose default
 * privileges the runner then has; InvalidOid if that is nobody.
 */
void
dbmig_sandbox_leave_to_text(DbmigSandbox *sandbox, const DbmigStated *stated,
							Oid deployer)
{
	dbmig_remove_default_privileges(sandbox->replaced, stated);
	sandbox->deployer = deployer;
}

/* Put the runner in the deployer's place, or take that back. */
static void
stand_in_for_deployer(DbmigSandbox *sandbox, bool wanted)
{
	if (!OidIsValid(sandbox->deployer) || sandbox->deployer == sandbox->role ||
		sandbox->swapped == wanted)
		return;
	dbmig_swap_default_privileges(sandbox->role, sandbox->deployer);
	sandbox->swapped = wanted;
}

/*
 * ALTER DEFAULT PRIVILEGES for the runner or the deployer, by name, is about the
 * other one while they have changed places.
 */
static void
swap_named_roles(const DbmigSandbox *sandbox, const AlterDefaultPrivilegesStmt *stmt)
{
	const char *runner = GetUserNameFromId(sandbox->role, false);
	const char *deployer = GetUserNameFromId(sandbox->deployer, false);
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		const DefElem *option = lfirst_node(DefElem, lc);
		ListCell   *r;

		foreach(r, strcmp(option->defname, "roles") == 0 ?
				(List *) option->arg : NIL)
		{
			RoleSpec   *role = lfirst_node(RoleSpec, r);

			if (role->roletype != ROLESPEC_CSTRING)
				continue;
			if (strcmp(role->rolename, deployer) == 0)
				role->rolename = pstrdup(runner);
			else if (strcmp(role->rolename, runner) == 0)
				role->rolename = pstrdup(deployer);
		}
	}
}

static bool
is_replaced(const DbmigSandbox *sandbox, const char *name)
{
	ListCell   *lc;

	foreach(lc, sandbox->replaced)
	{
		if (strcmp(((DbmigReplaced *) lfirst(lc))->name, name) == 0)
			return true;
	}
	return false;
}

/*
 * CREATE SCHEMA of what stands there already counts as done, except for the
 * owner it may give.
 */
static bool
filter_create_schema(DbmigSandbox *sandbox, CreateSchemaStmt *stmt)
{
	const char *name = stmt->schemaname;
	Oid			owner = stmt->authrole ? get_rolespec_oid(stmt->authrole, false) : InvalidOid;

	if (name == NULL)
		name = GetUserNameFromId(owner, false);
	sandbox->declared = lappend(sandbox->declared, makeString(pstrdup(name)));
	if (!is_replaced(sandbox, name) || !OidIsValid(get_namespace_oid(name, true)))
		return true;
	if (stmt->schemaElts)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("CREATE SCHEMA with elements is not supported here for schema \"%s\", which exists",
					   name),
				errhint("Write its elements as statements of their own."));
	if (OidIsValid(owner))
		(void) AlterSchemaOwner(name, owner);
	return false;
}

/* Is there anything in the schema? */
static bool
holds_something(Oid schema)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(schema));
	scan = systable_beginscan(relation, DependReferenceIndexId, true, NULL, 2, keys);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		/* default privileges were repeated, they are nothing of the text's */
		found = depend->classid != DefaultAclRelationId;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return found;
}

/* Does a schema only stand in for a live one, which no text asked for? */
static bool
is_untouched(const DbmigSandbox *sandbox, const char *name)
{
	Oid			schema = get_namespace_oid(name, true);

	return OidIsValid(schema) && is_replaced(sandbox, name) &&
		!list_member(sandbox->declared, makeString(pstrdup(name))) &&
		!holds_something(schema);
}

/*
 * DROP EXTENSION of one that the database has, and that the live schemas may
 * use, only takes back that it is wanted.
 */
static bool
filter_drop_extension(DbmigSandbox *sandbox, DropStmt *stmt)
{
	List	   *rest = NIL;
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		Node	   *name = lfirst(lc);

		sandbox->extensions = list_delete(sandbox->extensions, name);
		if (!list_member(sandbox->present, name))
			rest = lappend(rest, name);
	}
	stmt->objects = rest;
	return rest != NIL;
}

/* Is a type in a schema that the sandbox has made? */
static bool
is_fresh_type(const DbmigSandbox *sandbox, List *name)
{
	Oid			type = LookupTypeNameOid(NULL, makeTypeNameFromNameList(name), true);
	Type		tuple;
	Oid			schema;
	ListCell   *lc;

	if (!OidIsValid(type))
		return false;
	tuple = typeidType(type);
	schema = ((Form_pg_type) GETSTRUCT(tuple))->typnamespace;
	ReleaseSysCache(tuple);
	foreach(lc, sandbox->replaced)
	{
		if (((DbmigReplaced *) lfirst(lc))->fresh == schema)
			return true;
	}
	return list_member(sandbox->declared, makeString(get_namespace_name(schema)));
}

/*
 * Let a foreign key of an empty table be valid without a query that looks for
 * rows, as it is when CREATE TABLE makes it.
 */
static void
spare_validation(const RangeVar *table, Constraint *constraint)
{
	Oid			relid;
	Relation	relation;

	if (constraint->contype != CONSTR_FOREIGN || constraint->skip_validation)
		return;
	relid = RangeVarGetRelid(table, AccessShareLock, true);
	if (!OidIsValid(relid))
		return;
	relation = relation_open(relid, NoLock);
	if (relation->rd_rel->relkind == RELKIND_RELATION &&
		RelationGetNumberOfBlocks(relation) == 0)
		constraint->skip_validation = constraint->initially_valid = true;
	relation_close(relation, NoLock);
}

/*
 * Decide whether a statement runs in the sandbox, and take out of it what
 * cannot be done in a transaction but makes no difference to the schema.
 */
static bool
filter_statement(Node *node, void *arg)
{
	DbmigSandbox *sandbox = arg;

	sandbox->unsteady |= !dbmig_is_steady(node);
	free_enum_value(sandbox);
	/* not where the text has become another role */
	stand_in_for_deployer(sandbox, GetUserId() == sandbox->role);
	switch (nodeTag(node))
	{
		case T_AlterDefaultPrivilegesStmt:
			if (sandbox->swapped)
				swap_named_roles(sandbox, castNode(AlterDefaultPrivilegesStmt, node));
			return true;
		case T_AlterEnumStmt:
			{
				AlterEnumStmt *stmt = castNode(AlterEnumStmt, node);

				sandbox->adds_enum_value = stmt->oldVal == NULL &&
					is_fresh_type(sandbox, stmt->typeName);
				return true;
			}
		case T_CreateSchemaStmt:
			return filter_create_schema(sandbox, castNode(CreateSchemaStmt, node));
		case T_RenameStmt:
			{
				RenameStmt *stmt = castNode(RenameStmt, node);

				if (stmt->renameType == OBJECT_SCHEMA &&
					is_untouched(sandbox, stmt->newname))
					dbmig_sandbox_put_aside(sandbox, stmt->newname);
				return true;
			}
		case T_CreateExtensionStmt:
			{
				const char *name = castNode(CreateExtensionStmt, node)->extname;

				sandbox->extensions = lappend(sandbox->extensions,
											  makeString(pstrdup(name)));
				return !OidIsValid(get_extension_oid(name, true));
			}
		case T_CreateCastStmt:
			{
				CreateCastStmt *stmt = castNode(CreateCastStmt, node);

				make_place(sandbox, CastRelationId,
						   ObjectIdGetDatum(typenameTypeId(NULL, stmt->sourcetype)),
						   ObjectIdGetDatum(typenameTypeId(NULL, stmt->targettype)));
				return true;
			}
		case T_CreateTransformStmt:
			{
				CreateTransformStmt *stmt = castNode(CreateTransformStmt, node);

				make_place(sandbox, TransformRelationId,
						   ObjectIdGetDatum(typenameTypeId(NULL, stmt->type_name)),
						   ObjectIdGetDatum(get_language_oid(stmt->lang, false)));
				return true;
			}
		case T_CreatePLangStmt:
			make_place(sandbox, LanguageRelationId,
					   CStringGetDatum(castNode(CreatePLangStmt, node)->plname), 0);
			return true;
		case T_CreateAmStmt:
			make_place(sandbox, AccessMethodRelationId,
					   CStringGetDatum(castNode(CreateAmStmt, node)->amname), 0);
			return true;
		case T_CreateSubscriptionStmt:
			disconnect_subscription(castNode(CreateSubscriptionStmt, node));
			return true;
		case T_AlterSubscriptionStmt:
			return false;
		case T_IndexStmt:
			castNode(IndexStmt, node)->concurrent = false;
			return true;
		case T_DropStmt:
			castNode(DropStmt, node)->concurrent = false;
			if (castNode(DropStmt, node)->removeType == OBJECT_EXTENSION)
				return filter_drop_extension(sandbox, castNode(DropStmt, node));
			return true;
		case T_ReindexStmt:
		case T_VacuumStmt:
		case T_ClusterStmt:
		case T_CheckPointStmt:
			return false;
		case T_RefreshMatViewStmt:
			castNode(RefreshMatViewStmt, node)->concurrent = false;
			return true;
		case T_AlterTableStmt:
			{
				ListCell   *lc;

				foreach(lc, castNode(AlterTableStmt, node)->cmds)
				{
					AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

					if (cmd->subtype == AT_DetachPartition)
						castNode(PartitionCmd, cmd->def)->concurrent = false;
					else if (cmd->subtype == AT_AddConstraint &&
							 IsA(cmd->def, Constraint))
						spare_validation(castNode(AlterTableStmt, node)->relation,
										 castNode(Constraint, cmd->def));
				}
				return true;
			}
		default:
			return true;
	}
}

/* The same, keeping what it notes in the sandbox's memory. */
static bool
filter_noting(Node *node, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(((DbmigSandbox *) arg)->context);
	bool		wanted = filter_statement(node, arg);

	MemoryContextSwitchTo(old);
	return wanted;
}

/*
 * Make psql's lines blank that pg_dump writes around a dump since 2025; they
 * protect psql, and mean nothing to the server.
 */
char *
dbmig_without_restrict(const char *text)
{
	char	   *copy = pstrdup(text);

	for (char *line = copy; *line; line += strcspn(line, "\n"))
	{
		while (*line == '\n')
			line++;
		if (strncmp(line, "\\restrict ", 10) == 0 ||
			strncmp(line, "\\unrestrict ", 12) == 0)
			memset(line, ' ', strcspn(line, "\r\n"));
	}
	return copy;
}

/*
 * Run the statements of a text as a role.  A model's text runs restricted: it
 * can neither become another role nor leave anything behind in the session.
 * revision is NULL for a model.  Returns how many statements the text has.
 */
int
dbmig_sandbox_run(DbmigSandbox *sandbox, const char *project, const char *revision,
				  const char *file_name, const char *text, Oid role)
{
	int			count;

	sandbox->role = role;
	sandbox->security = sandbox->caller_security;
	if (revision == NULL)
		sandbox->security |= SECURITY_LOCAL_USERID_CHANGE |
			SECURITY_RESTRICTED_OPERATION;
	SetUserIdAndSecContext(role, sandbox->security);
	count = dbmig_execute_filtered(project, revision, file_name,
								   dbmig_without_restrict(text), filter_noting, sandbox);
	stand_in_for_deployer(sandbox, false);
	SetUserIdAndSecContext(sandbox->caller, sandbox->caller_security);
	return count;
}

/*
 * Run a revision's script, as the caller.  Raises if there is none, or if its
 * author may not make the caller run it.
 */
void
dbmig_sandbox_run_revision(DbmigSandbox *sandbox, const DbmigProject *project,
						   int node, DbmigDirection direction)
{
	const DbmigRevision *revision = dbmig_revision(project, node);
	char	   *file_name = dbmig_revision_file(project, node, direction);

	dbmig_note_script(revision->id, file_name);
	dbmig_check_author(project, revision, direction);
	(void) dbmig_step_is_transactional(project, node, direction);
	dbmig_sandbox_run(sandbox, project->name, revision->id, file_name,
					  dbmig_revision_script(project, revision, direction),
					  GetUserId());
	dbmig_note_script(NULL, NULL);
}

/* A materialized view is made without running its query. */
static const char *
without_data(const char *statement)
{
	static const char create[] = "CREATE MATERIALIZED VIEW ";

	if (strncmp(statement, create, strlen(create)) != 0)
		return statement;
	return psprintf("%s\nWITH NO DATA", statement);
}

/* Does an error say nothing of the statement? */
static bool
is_of_surroundings(int sqlerrcode)
{
	/* such as the library of a function */
	if (sqlerrcode == ERRCODE_UNDEFINED_FILE)
		return false;
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
			return true;
		default:
			return sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
	}
}

/*
 * Run statements that the engine wrote, as the role that ran the last text, or
 * as the caller if there was none.  Functions that users wrote are not called.
 * Errors are thrown.
 */
void
dbmig_sandbox_do(DbmigSandbox *sandbox, List *statements)
{
	bool		was_restrained = dbmig_restrain(true);

	PG_TRY();
	{
		int			level = dbmig_pin_settings();
		ListCell   *lc;

		SetUserIdAndSecContext(sandbox->role, sandbox->security);
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		foreach(lc, statements)
		{
			CHECK_FOR_INTERRUPTS();
			(void) SPI_execute(without_data(lfirst(lc)), false, 0);
		}
		SPI_finish();
		AtEOXact_GUC(false, level);
		SetUserIdAndSecContext(sandbox->caller, sandbox->caller_security);
	}
	PG_FINALLY();
	{
		(void) dbmig_restrain(was_restrained);
	}
	PG_END_TRY();
}

/*
 * The same, in a subtransaction.  Returns whether they could run; if not,
 * nothing of them has happened.
 */
bool
dbmig_sandbox_try(DbmigSandbox *sandbox, List *statements)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	volatile bool done = false;

	free_enum_value(sandbox);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		dbmig_sandbox_do(sandbox, statements);
		ReleaseCurrentSubTransaction();
		done = true;
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
	if (error && is_of_surroundings(error->sqlerrcode))
		ReThrowError(error);
	return done;
}

/*
 * The schemas that the texts so far have declared, as a list of OIDs: those
 * that they created or put something into, those in given, and public, which
 * no text needs to create.
 */
List *
dbmig_sandbox_schemas(const DbmigSandbox *sandbox, List *given)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, dbmig_managed_schemas(given))
	{
		Oid			schema = lfirst_oid(lc);
		String	   *name = makeString(get_namespace_name(schema));

		if (strncmp(strVal(name), aside_prefix, strlen(aside_prefix)) == 0)
			continue;
		if (given != NIL || strcmp(strVal(name), "public") == 0 ||
			list_member(sandbox->declared, name) || holds_something(schema))
			result = lappend_oid(result, schema);
	}
	return result;
}

/* Do the texts so far create this extension?  Its name is quoted. */
bool
dbmig_sandbox_declares_extension(const DbmigSandbox *sandbox, const char *name)
{
	ListCell   *lc;

	foreach(lc, sandbox->extensions)
	{
		if (strcmp(quote_identifier(strVal(lfirst(lc))), name) == 0)
			return true;
	}
	return false;
}

/*
 * Would the texts so far build the same again, as far as their statements show?
 */
bool
dbmig_sandbox_is_steady(const DbmigSandbox *sandbox)
{
	return !sandbox->unsteady;
}
