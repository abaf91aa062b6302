/*-------------------------------------------------------------------------
 *
 * unbuilt.c
 *		Indexes that a sandbox makes without building them.
 *
 * Nobody looks into most indexes of a sandbox: only what the catalogs say of
 * them is read.  Building one costs a page, its WAL and, before PostgreSQL 17,
 * an fsync, also if its table is empty.  So CREATE INDEX, PRIMARY KEY and
 * UNIQUE on an empty table leave it unbuilt, as CREATE INDEX on a partitioned
 * table does, but with a file of no length.
 *
 * Before anything can read or write such an index, all are built: when a
 * query is planned that uses a relation or a function of users, and before
 * the few utility statements that reach indexes without a plan.  A plan for
 * a parallel build is among what looks at a table's other indexes; the sandbox
 * turns these off, and a text that turns them on has its indexes built.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "engine/sandbox.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "optimizer/planner.h"
#include "parser/parse_utilcmd.h"
#include "storage/bufmgr.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

static planner_hook_type previous_planner = NULL;
static ProcessUtility_hook_type previous_utility = NULL;

static List *unbuilt = NIL;		/* OIDs of indexes */
static int	sandbox_level;		/* subtransactions deeper may be undone alone */

/* Start without any.  Called in the subtransaction that is the sandbox. */
void
dbmig_start_unbuilt(void)
{
	unbuilt = NIL;
	sandbox_level = GetCurrentTransactionNestLevel();
}

/* Forget all; the sandbox is over. */
void
dbmig_forget_unbuilt(void)
{
	list_free(unbuilt);
	unbuilt = NIL;
}

static void
build_index(Oid oid)
{
	Relation	index = try_relation_open(oid, AccessExclusiveLock);
	Relation	table;

	if (index == NULL)
		return;
	/* what TRUNCATE or a rewritten table went over has been built */
	if (RelationGetNumberOfBlocks(index) == 0)
	{
		table = relation_open(index->rd_index->indrelid, ShareLock);
		index_build(table, index, BuildIndexInfo(index), false, false);
		relation_close(table, NoLock);
	}
	relation_close(index, NoLock);
}

static void
build_indexes(void)
{
	List	   *indexes = unbuilt;
	ListCell   *lc;

	/* what these run while they are built reads no table */
	unbuilt = NIL;
	PG_TRY();
	{
		foreach(lc, indexes)
		{
			CHECK_FOR_INTERRUPTS();
			build_index(lfirst_oid(lc));
		}
	}
	PG_CATCH();
	{
		unbuilt = indexes;
		PG_RE_THROW();
	}
	PG_END_TRY();

	/* a rollback of less than the sandbox may bring an unbuilt file back */
	if (GetCurrentTransactionNestLevel() > sandbox_level)
		unbuilt = indexes;
	else
		list_free(indexes);
}

/* Can running the query use what users made? */
static bool
uses_what_users_made(Query *query)
{
	List	   *relations;
	List	   *functions;
	bool		has_row_security;
	ListCell   *lc;

	extract_query_dependencies((Node *) query, &relations, &functions,
							   &has_row_security);
	if (functions != NIL)
		return true;
	foreach(lc, relations)
	{
		if (lfirst_oid(lc) >= FirstNormalObjectId)
			return true;
	}
	return false;
}

static PlannedStmt *
build_before_plan(Query *parse, const char *query_string, int cursor_options,
				  ParamListInfo params)
{
	if (unbuilt != NIL && uses_what_users_made(parse))
		build_indexes();
	if (previous_planner)
		return previous_planner(parse, query_string, cursor_options, params);
	return standard_planner(parse, query_string, cursor_options, params);
}

/*
 * Find and lock a table whose indexes can stay unbuilt, as the server does for
 * CREATE INDEX.  Returns InvalidOid if its indexes have to be built.
 */
static Oid
empty_table(RangeVar *name, LOCKMODE lockmode)
{
	Oid			oid = RangeVarGetRelidExtended(name, lockmode, RVR_MISSING_OK,
											   RangeVarCallbackOwnsRelation,
											   NULL);
	Relation	table;
	bool		is_empty;

	if (!OidIsValid(oid))
		return InvalidOid;
	table = relation_open(oid, NoLock);
	is_empty = table->rd_rel->relkind == RELKIND_RELATION &&
		RelationGetNumberOfBlocks(table) == 0;
	relation_close(table, NoLock);
	return is_empty ? oid : InvalidOid;
}

static void
make_index(Oid table, IndexStmt *stmt, const char *query_string)
{
	Oid			index;
	MemoryContext old;

	stmt = transformIndexStmt(table, stmt, query_string);
	index = dbmig_define_unbuilt_index(table, stmt);
	if (!OidIsValid(index))
		return;
	old = MemoryContextSwitchTo(TopTransactionContext);
	unbuilt = lappend_oid(unbuilt, index);
	MemoryContextSwitchTo(old);
}

/* CREATE INDEX, or the index of a constraint of CREATE TABLE. */
static bool
take_index(IndexStmt *stmt, const char *query_string)
{
	Oid			am = get_index_am_oid(stmt->accessMethod, true);
	Oid			table;

	/* what other access methods want to do is not known */
	if (stmt->concurrent || stmt->excludeOpNames != NIL ||
		!OidIsValid(am) || am >= FirstNormalObjectId)
		return false;
	table = empty_table(stmt->relation, ShareLock);
	if (!OidIsValid(table))
		return false;
	make_index(table, stmt, query_string);
	return true;
}

/* The index elements that names of columns are; NIL if one is not good. */
static List *
plain_elements(Oid table, List *names)
{
	List	   *elements = NIL;
	ListCell   *lc;

	foreach(lc, names)
	{
		IndexElem  *element = makeNode(IndexElem);

		element->name = strVal(lfirst(lc));
		if (get_attnum(table, element->name) <= 0)
			return NIL;
		elements = lappend(elements, element);
	}
	return elements;
}

/*
 * ALTER TABLE ... ADD CONSTRAINT with a key makes its index here, and goes on
 * as ADD CONSTRAINT ... USING INDEX, which leads to the same.  What is wrong
 * with it the server shall say.
 */
static void
take_key(AlterTableStmt *stmt, const char *query_string)
{
	AlterTableCmd *cmd = linitial_node(AlterTableCmd, stmt->cmds);
	Constraint *key;
	IndexStmt  *index;
	Oid			table;

	if (list_length(stmt->cmds) != 1 || stmt->objtype != OBJECT_TABLE ||
		cmd->subtype != AT_AddConstraint || !IsA(cmd->def, Constraint))
		return;
	key = castNode(Constraint, cmd->def);
	if ((key->contype != CONSTR_PRIMARY && key->contype != CONSTR_UNIQUE) ||
		key->conname == NULL || key->indexname || dbmig_is_temporal_key(key))
		return;
	table = empty_table(stmt->relation, AccessExclusiveLock);
	if (!OidIsValid(table))
		return;

	index = makeNode(IndexStmt);
	index->relation = copyObject(stmt->relation);
	index->idxname = key->conname;
	index->accessMethod = DEFAULT_INDEX_TYPE;
	index->indexParams = plain_elements(table, key->keys);
	index->indexIncludingParams = plain_elements(table, key->including);
	index->options = key->options;
	index->tableSpace = key->indexspace;
	index->unique = true;
	index->nulls_not_distinct = key->nulls_not_distinct;
	if (index->indexParams == NIL ||
		list_length(index->indexIncludingParams) != list_length(key->including))
		return;
	make_index(table, index, query_string);
	key->indexname = key->conname;
	key->keys = key->including = key->options = NIL;
	key->indexspace = NULL;
}

/* Does the statement reach indexes without a plan? */
static bool
reaches_indexes(Node *stmt)
{
	return IsA(stmt, CopyStmt) || IsA(stmt, ClusterStmt) ||
		max_parallel_maintenance_workers > 0;
}

static void
run_utility(PlannedStmt *planned, const char *query_string, bool read_only_tree,
			ProcessUtilityContext context, ParamListInfo params,
			QueryEnvironment *environment, DestReceiver *dest,
			QueryCompletion *completion)
{
	if (dbmig_is_in_sandbox())
	{
		if (unbuilt != NIL && reaches_indexes(planned->utilityStmt))
			build_indexes();
		if (max_parallel_maintenance_workers == 0 &&
			(IsA(planned->utilityStmt, IndexStmt) ||
			 IsA(planned->utilityStmt, AlterTableStmt)))
		{
			/* transformations change the tree */
			if (read_only_tree)
				planned = copyObject(planned);
			read_only_tree = false;
			if (IsA(planned->utilityStmt, AlterTableStmt))
				take_key(castNode(AlterTableStmt, planned->utilityStmt),
						 query_string);
			else if (take_index(castNode(IndexStmt, planned->utilityStmt),
								query_string))
				return;
		}
	}
	if (previous_utility)
		previous_utility(planned, query_string, read_only_tree, context, params,
						 environment, dest, completion);
	else
		standard_ProcessUtility(planned, query_string, read_only_tree, context,
								params, environment, dest, completion);
}

/* Called once in each process that loads the library. */
void
dbmig_install_unbuilt(void)
{
	previous_planner = planner_hook;
	planner_hook = build_before_plan;
	previous_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
}
