/*-------------------------------------------------------------------------
 *
 * standin.c
 *		Empty schemas that take the place of live ones.
 *
 * A stand-in has the owner, the privileges, the default privileges and the
 * comment of the schema whose name it takes.  What extensions keep in that
 * schema moves over.  All of this is done as the engine's owner, in the
 * subtransaction of a sandbox.
 *
 * Default privileges that a text states go again before the text runs, those of
 * no schema included.
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
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_default_acl.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/alter.h"
#include "commands/comment.h"
#include "engine/standin.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Give a schema the privileges that another one has. */
static void
copy_schema_privileges(Oid from, Oid to)
{
	Relation	relation = table_open(NamespaceRelationId, RowExclusiveLock);
	HeapTuple	source = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(from));
	HeapTuple	target = SearchSysCacheCopy1(NAMESPACEOID, ObjectIdGetDatum(to));
	Datum		values[Natts_pg_namespace] = {0};
	bool		nulls[Natts_pg_namespace] = {0};
	bool		replace[Natts_pg_namespace] = {0};
	bool		isnull;
	HeapTuple	changed;

	if (!HeapTupleIsValid(source) || !HeapTupleIsValid(target))
		elog(ERROR, "cache lookup failed for schema %u", from);
	values[Anum_pg_namespace_nspacl - 1] =
		SysCacheGetAttr(NAMESPACEOID, source, Anum_pg_namespace_nspacl, &isnull);
	nulls[Anum_pg_namespace_nspacl - 1] = isnull;
	replace[Anum_pg_namespace_nspacl - 1] = true;
	changed = heap_modify_tuple(target, RelationGetDescr(relation), values, nulls,
								replace);
	CatalogTupleUpdate(relation, &changed->t_self, changed);
	ReleaseSysCache(source);
	table_close(relation, RowExclusiveLock);
}

/* Repeat default privileges IN SCHEMA for the schema's stand-in. */
static void
copy_default_privileges(Oid from, Oid to)
{
	Relation	relation = table_open(DefaultAclRelationId, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	List	   *rows = NIL;
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		if (((Form_pg_default_acl) GETSTRUCT(tuple))->defaclnamespace == from)
			rows = lappend(rows, heap_copytuple(tuple));
	}
	systable_endscan(scan);
	foreach(lc, rows)
	{
		Datum		values[Natts_pg_default_acl] = {0};
		bool		nulls[Natts_pg_default_acl] = {0};
		bool		replace[Natts_pg_default_acl] = {0};

		values[Anum_pg_default_acl_oid - 1] =
			ObjectIdGetDatum(GetNewOidWithIndex(relation, DefaultAclOidIndexId,
												Anum_pg_default_acl_oid));
		replace[Anum_pg_default_acl_oid - 1] = true;
		values[Anum_pg_default_acl_defaclnamespace - 1] = ObjectIdGetDatum(to);
		replace[Anum_pg_default_acl_defaclnamespace - 1] = true;
		CatalogTupleInsert(relation,
						   heap_modify_tuple(lfirst(lc), RelationGetDescr(relation),
											 values, nulls, replace));
	}
	table_close(relation, RowExclusiveLock);
}

/* Make a schema that is as the live one was before anything was in it. */
Oid
dbmig_create_stand_in(Oid live, const char *name)
{
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(live));
	char	   *comment = GetComment(live, NamespaceRelationId, 0);
	Oid			owner;
	Oid			fresh;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", live);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);

	fresh = NamespaceCreate(name, owner, false);
	CommandCounterIncrement();
	copy_schema_privileges(live, fresh);
	copy_default_privileges(live, fresh);
	if (comment)
		CreateComments(fresh, NamespaceRelationId, 0, comment);
	CommandCounterIncrement();
	return fresh;
}

static const DbmigReplaced *
find_fresh(List *replaced, Oid fresh)
{
	ListCell   *lc;

	foreach(lc, replaced)
	{
		const DbmigReplaced *schema = lfirst(lc);

		if (schema->fresh == fresh)
			return schema;
	}
	return NULL;
}

static DbmigReplaced *
find_replaced(List *replaced, Oid live)
{
	ListCell   *lc;

	foreach(lc, replaced)
	{
		DbmigReplaced *schema = lfirst(lc);

		if (schema->live == live)
			return schema;
	}
	return NULL;
}

/*
 * Remove the default privileges that a text states, those that were repeated for
 * stand-ins and those of no schema.
 */
void
dbmig_remove_default_privileges(List *replaced, const DbmigStated *stated)
{
	Relation	relation = table_open(DefaultAclRelationId, RowExclusiveLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	ObjectAddresses *found = new_object_addresses();
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_default_acl row = (Form_pg_default_acl) GETSTRUCT(tuple);
		const DbmigReplaced *schema = NULL;
		ObjectAddress address;

		CHECK_FOR_INTERRUPTS();
		if (OidIsValid(row->defaclnamespace))
		{
			schema = find_fresh(replaced, row->defaclnamespace);
			if (schema == NULL)
				continue;
		}
		if (!dbmig_is_stated(stated, GetUserNameFromId(row->defaclrole, false),
							 row->defaclobjtype, schema ? schema->name : NULL))
			continue;
		ObjectAddressSet(address, DefaultAclRelationId, row->oid);
		add_exact_object_address(&address, found);
	}
	systable_endscan(scan);
	table_close(relation, NoLock);
	performMultipleDeletions(found, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	free_object_addresses(found);
	CommandCounterIncrement();
}

static Oid
swapped_role(Oid role, Oid one, Oid other)
{
	return role == one ? other : role == other ? one : role;
}

/* The same privileges, with two roles in each other's place. */
static Acl *
swap_in_acl(const Acl *acl, Oid one, Oid other)
{
	Acl		   *result = (Acl *) palloc(ACL_SIZE(acl));
	AclItem    *items;

	memcpy(result, acl, ACL_SIZE(acl));
	/* it has one dimension, and no nulls */
	items = (AclItem *) ((char *) result + ARR_OVERHEAD_NONULLS(1));
	for (int i = 0; i < ACL_NUM(result); i++)
	{
		items[i].ai_grantee = swapped_role(items[i].ai_grantee, one, other);
		items[i].ai_grantor = swapped_role(items[i].ai_grantor, one, other);
	}
	return result;
}

/*
 * Let two roles have each other's default privileges.  Doing so again takes it
 * back.
 */
void
dbmig_swap_default_privileges(Oid one, Oid other)
{
	Relation	relation = table_open(DefaultAclRelationId, RowExclusiveLock);
	TupleDesc	desc = RelationGetDescr(relation);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	List	   *rows = NIL;
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Oid			role = ((Form_pg_default_acl) GETSTRUCT(tuple))->defaclrole;

		if (role == one || role == other)
			rows = lappend(rows, heap_copytuple(tuple));
	}
	systable_endscan(scan);

	/* all of them go first: no two may be for the same role */
	foreach(lc, rows)
		CatalogTupleDelete(relation, &((HeapTuple) lfirst(lc))->t_self);
	foreach(lc, rows)
	{
		Datum		values[Natts_pg_default_acl] = {0};
		bool		nulls[Natts_pg_default_acl] = {0};
		bool		replace[Natts_pg_default_acl] = {0};
		bool		isnull;
		Oid			role;
		Acl		   *acl;

		tuple = lfirst(lc);
		role = ((Form_pg_default_acl) GETSTRUCT(tuple))->defaclrole;
		acl = DatumGetAclP(heap_getattr(tuple, Anum_pg_default_acl_defaclacl,
										desc, &isnull));
		values[Anum_pg_default_acl_defaclrole - 1] =
			ObjectIdGetDatum(swapped_role(role, one, other));
		replace[Anum_pg_default_acl_defaclrole - 1] = true;
		values[Anum_pg_default_acl_defaclacl - 1] =
			PointerGetDatum(swap_in_acl(acl, one, other));
		replace[Anum_pg_default_acl_defaclacl - 1] = true;
		CatalogTupleInsert(relation, heap_modify_tuple(tuple, desc, values, nulls,
													   replace));
	}
	table_close(relation, NoLock);
	if (rows)
		CommandCounterIncrement();
}

/* Let an extension be in another schema, as far as the catalogs say. */
static void
set_extension_schema(Oid extension, Oid from, Oid to)
{
	Relation	relation = table_open(ExtensionRelationId, RowExclusiveLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		tuple = heap_copytuple(tuple);
		((Form_pg_extension) GETSTRUCT(tuple))->extnamespace = to;
		CatalogTupleUpdate(relation, &tuple->t_self, tuple);
	}
	systable_endscan(scan);
	table_close(relation, RowExclusiveLock);
	(void) changeDependencyFor(ExtensionRelationId, extension,
							   NamespaceRelationId, from, to);
}

/* The schema that an object is in, by its dependency; InvalidOid if none. */
static Oid
schema_of(Oid classid, Oid objid)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	ScanKeyData keys[3];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			schema = InvalidOid;

	ScanKeyInit(&keys[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(classid));
	ScanKeyInit(&keys[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(objid));
	ScanKeyInit(&keys[2], Anum_pg_depend_objsubid, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(0));
	scan = systable_beginscan(relation, DependDependerIndexId, true, NULL, 3, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->refclassid == NamespaceRelationId)
			schema = depend->refobjid;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return schema;
}

/* Move what extensions have in replaced schemas to the stand-ins. */
void
dbmig_move_extension_members(List *replaced)
{
	Relation	relation = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0,
										  NULL);
	ObjectAddresses *moved = new_object_addresses();
	List	   *members = NIL;
	HeapTuple	tuple;
	ListCell   *lc;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		ObjectAddress *member;

		CHECK_FOR_INTERRUPTS();
		if (depend->deptype != DEPENDENCY_EXTENSION &&
			!(depend->classid == ExtensionRelationId &&
			  depend->refclassid == NamespaceRelationId))
			continue;
		member = palloc(sizeof(ObjectAddress));
		ObjectAddressSet(*member, depend->classid, depend->objid);
		members = lappend(members, member);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);

	foreach(lc, members)
	{
		const ObjectAddress *member = lfirst(lc);
		const DbmigReplaced *schema = find_replaced(replaced,
											   schema_of(member->classId,
														 member->objectId));

		CHECK_FOR_INTERRUPTS();
		if (schema == NULL)
			continue;
		if (member->classId == ExtensionRelationId)
			set_extension_schema(member->objectId, schema->live, schema->fresh);
		else
			(void) AlterObjectNamespace_oid(member->classId, member->objectId,
											schema->fresh, moved);
		CommandCounterIncrement();
	}
	free_object_addresses(moved);
}
