/*-------------------------------------------------------------------------
 *
 * compat.h
 *		Everything that differs between the supported server versions.
 *
 * PG_VERSION_NUM appears in no other file.  Each shim has the newest server's
 * meaning under a name of ours, so that a version can be dropped by deleting
 * its branch here.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_COMPAT_H
#define DBMIG_COMPAT_H

#include "catalog/pg_class.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "postmaster/bgworker.h"
#include "tcop/dest.h"
#include "tcop/pquery.h"
#include "utils/acl.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"

#if PG_VERSION_NUM < 150000
#error "databrain_migrate needs PostgreSQL 15 or later"
#endif

/* Does the role own the extension?  (16: object_ownercheck) */
static inline bool
dbmig_owns_extension(Oid extension, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(ExtensionRelationId, extension, role);
#else
	return pg_extension_ownercheck(extension, role);
#endif
}

/* Does the role own the relation?  (16: object_ownercheck) */
static inline bool
dbmig_owns_relation(Oid relation, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relation, role);
#else
	return pg_class_ownercheck(relation, role);
#endif
}

/* May the role execute the function?  (16: object_aclcheck) */
static inline bool
dbmig_may_execute(Oid function, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ProcedureRelationId, function, role,
						   ACL_EXECUTE) == ACLCHECK_OK;
#else
	return pg_proc_aclcheck(function, role, ACL_EXECUTE) == ACLCHECK_OK;
#endif
}

/* May the role create schemas in this database?  (16: object_aclcheck) */
static inline bool
dbmig_may_create_in_database(Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(DatabaseRelationId, MyDatabaseId, role,
						   ACL_CREATE) == ACLCHECK_OK;
#else
	return pg_database_aclcheck(MyDatabaseId, role, ACL_CREATE) == ACLCHECK_OK;
#endif
}

/* May the role look up names in the schema?  (16: object_aclcheck) */
static inline bool
dbmig_may_use_schema(Oid schema, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, role,
						   ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_namespace_aclcheck(schema, role, ACL_USAGE) == ACLCHECK_OK;
#endif
}

/* All configuration parameters.  (16 counts them in the same call) */
static inline struct config_generic **
dbmig_all_settings(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* The entry of the activity statistics with an index.  (16 renamed it) */
static inline LocalPgBackendStatus *
dbmig_backend_status(int index)
{
#if PG_VERSION_NUM >= 160000
	return pgstat_get_local_beentry_by_index(index);
#else
	return pgstat_fetch_stat_local_beentry(index);
#endif
}

/* The type and modifier that a text names; errors are thrown.  (16) */
static inline void
dbmig_parse_type(const char *name, Oid *type, int32 *typmod)
{
#if PG_VERSION_NUM >= 160000
	(void) parseTypeString(name, type, typmod, NULL);
#else
	parseTypeString(name, type, typmod, false);
#endif
}

/*
 * Let no event trigger fire until the caller's nest level of settings ends.
 * (17 has a setting for it)
 */
static inline void
dbmig_silence_event_triggers(void)
{
#if PG_VERSION_NUM >= 170000
	(void) set_config_option("event_triggers", "off", PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
#else
	(void) set_config_option("session_replication_role", "replica", PGC_SUSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
#endif
}

/*
 * Flags for a worker's connection: 17 lets it start as a role that may not log
 * in, which before then is an error.
 */
#if PG_VERSION_NUM >= 170000
#define DBMIG_WORKER_CONNECTION_FLAGS	BGWORKER_BYPASS_ROLELOGINCHECK
#define DBMIG_WORKER_NEEDS_LOGIN		false
#else
#define DBMIG_WORKER_CONNECTION_FLAGS	0
#define DBMIG_WORKER_NEEDS_LOGIN		true
#endif

/*
 * Run a portal to its end as a client's own command, without its results.  (18
 * dropped the argument run_once)
 */
static inline void
dbmig_portal_run(Portal portal)
{
	QueryCompletion completion;

#if PG_VERSION_NUM >= 180000
	(void) PortalRun(portal, FETCH_ALL, true, None_Receiver, None_Receiver,
					 &completion);
#else
	(void) PortalRun(portal, FETCH_ALL, true, true, None_Receiver, None_Receiver,
					 &completion);
#endif
}

/* Run a started query to its end.  (18 dropped the argument execute_once) */
static inline void
dbmig_executor_run(QueryDesc *query)
{
#if PG_VERSION_NUM >= 180000
	ExecutorRun(query, ForwardScanDirection, 0);
#else
	ExecutorRun(query, ForwardScanDirection, 0, true);
#endif
}

/*
 * Make an index without building it.  Returns InvalidOid if IF NOT EXISTS
 * found one.  (16 added the argument total_parts)
 */
static inline Oid
dbmig_define_unbuilt_index(Oid table, IndexStmt *stmt)
{
#if PG_VERSION_NUM >= 160000
	return DefineIndex(table, stmt, InvalidOid, InvalidOid, InvalidOid, -1,
					   false, true, true, true, false).objectId;
#else
	return DefineIndex(table, stmt, InvalidOid, InvalidOid, InvalidOid,
					   false, true, true, true, false).objectId;
#endif
}

/* Is it a key WITHOUT OVERLAPS?  (18) */
static inline bool
dbmig_is_temporal_key(const Constraint *key)
{
#if PG_VERSION_NUM >= 180000
	return key->without_overlaps;
#else
	return false;
#endif
}

#endif							/* DBMIG_COMPAT_H */
