/*-------------------------------------------------------------------------
 *
 * leftover.c
 *		What an interrupted concurrent command left behind.
 *
 * A concurrent command commits in between.  If it is interrupted, what it
 * committed stays: CREATE INDEX CONCURRENTLY leaves an invalid index that is
 * in the way of the next try, REINDEX CONCURRENTLY one that every write pays
 * for, and DETACH PARTITION CONCURRENTLY a partition that can only be detached
 * with FINALIZE.  Before such a statement is tried again, this is cleared.
 *
 * Only statements that were started by an earlier attempt are cleared after,
 * and an attempt that finds such an index there already does not count, since
 * the index is somebody else's.  Indexes that are valid are never touched.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "engine/engine.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_target.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Is this an index of the table that is not valid? */
static bool
is_invalid_index(Oid index, Oid table)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

		result = form->indrelid == table && !form->indisvalid;
		ReleaseSysCache(tuple);
	}
	return result;
}

/*
 * The columns in the name that the server gives to an index without one: those
 * of the index, equal ones numbered.
 */
static char *
columns_text(const IndexStmt *statement)
{
	List	   *elements = list_concat_copy(statement->indexParams,
											statement->indexIncludingParams);
	List	   *names = NIL;
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, elements)
	{
		const IndexElem *element = lfirst_node(IndexElem, lc);
		const char *name = element->name;
		char	   *unique;

		if (name == NULL)
			name = FigureIndexColname(element->expr);
		if (name == NULL)
			name = "expr";
		unique = pstrdup(name);
		for (int i = 1; list_member(names, makeString(unique)); i++)
		{
			char	   *number = psprintf("%d", i);
			int			length = pg_mbcliplen(name, strlen(name),
											  NAMEDATALEN - 1 - strlen(number));

			unique = psprintf("%.*s%s", length, name, number);
		}
		if (names != NIL)
			appendStringInfoChar(&text, '_');
		appendStringInfoString(&text, unique);
		names = lappend(names, makeString(unique));
	}
	return text.data;
}

/*
 * The invalid index that an attempt to build one left; InvalidOid if none.
 * Without a name the attempt took the first that was free of the names that
 * the server makes up, so now it is the last that is not.
 */
static Oid
unbuilt_index(const IndexStmt *statement, Oid table)
{
	Oid			namespace = get_rel_namespace(table);
	Oid			index = InvalidOid;

	if (statement->idxname)
		index = get_relname_relid(statement->idxname, namespace);
	else
	{
		char	   *columns = columns_text(statement);
		char		label[NAMEDATALEN] = "idx";

		for (int i = 1;; i++)
		{
			Oid			taken = get_relname_relid(makeObjectName(get_rel_name(table),
																 columns, label),
												  namespace);

			CHECK_FOR_INTERRUPTS();
			if (!OidIsValid(taken))
				break;
			index = taken;
			snprintf(label, sizeof(label), "idx%d", i);
		}
	}
	return OidIsValid(index) && is_invalid_index(index, table) ? index : InvalidOid;
}

/* Is the name one that REINDEX CONCURRENTLY gives: NAME_ccnew, NAME_ccold2? */
static bool
is_transient_name(const char *name)
{
	size_t		length = strlen(name);

	while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9')
		length--;
	return length > 6 && (strncmp(name + length - 6, "_ccnew", 6) == 0 ||
						  strncmp(name + length - 6, "_ccold", 6) == 0);
}

/* The invalid indexes that an attempt to rebuild a table's indexes left. */
static List *
transient_indexes(const ReindexStmt *statement)
{
	Oid			table;
	Relation	relation;
	List	   *result = NIL;
	ListCell   *lc;

	if (statement->kind != REINDEX_OBJECT_INDEX &&
		statement->kind != REINDEX_OBJECT_TABLE)
		return NIL;
	table = RangeVarGetRelid(statement->relation, NoLock, true);
	if (OidIsValid(table) && statement->kind == REINDEX_OBJECT_INDEX)
		table = IndexGetRelation(table, true);
	if (!OidIsValid(table))
		return NIL;
	relation = try_table_open(table, AccessShareLock);
	if (relation == NULL)
		return NIL;
	foreach(lc, RelationGetIndexList(relation))
	{
		Oid			index = lfirst_oid(lc);

		if (is_invalid_index(index, table) &&
			is_transient_name(get_rel_name(index)))
			result = lappend_oid(result, index);
	}
	table_close(relation, AccessShareLock);
	return result;
}

/* If a partition is half detached, the statement shall detach it wholly. */
static void
finish_detach(const AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);
		PartitionCmd *detach = (PartitionCmd *) command->def;
		Oid			partition;

		if (command->subtype != AT_DetachPartition || !detach->concurrent)
			continue;
		partition = RangeVarGetRelid(detach->name, NoLock, true);
		if (!OidIsValid(partition) || !get_rel_relispartition(partition) ||
			!PartitionHasPendingDetach(partition))
			continue;
		command->subtype = AT_DetachPartitionFinalize;
		detach->concurrent = false;
	}
}

/* Can a statement leave something behind when it fails?  If it commits. */
bool
dbmig_may_leave(const RawStmt *raw)
{
	const Node *node = raw->stmt;
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_IndexStmt:
			return ((const IndexStmt *) node)->concurrent;
		case T_DropStmt:
			return ((const DropStmt *) node)->concurrent;
		case T_AlterTableStmt:
			foreach(lc, ((const AlterTableStmt *) node)->cmds)
			{
				if (lfirst_node(AlterTableCmd, lc)->subtype == AT_DetachPartition)
					return true;
			}
			return false;
		case T_ReindexStmt:
		case T_VacuumStmt:
		case T_ClusterStmt:
		case T_CallStmt:
		case T_DoStmt:
			return true;
		default:
			return false;
	}
}

/*
 * The invalid indexes that an attempt at a statement would have left.  The
 * caller has a transaction with an active snapshot.
 */
List *
dbmig_find_leftovers(RawStmt *raw)
{
	if (IsA(raw->stmt, IndexStmt) && ((IndexStmt *) raw->stmt)->concurrent)
	{
		const IndexStmt *statement = (IndexStmt *) raw->stmt;
		Oid			table = RangeVarGetRelid(statement->relation, NoLock, true);
		Oid			index = OidIsValid(table) ?
			unbuilt_index(statement, table) : InvalidOid;

		return OidIsValid(index) ? list_make1_oid(index) : NIL;
	}
	if (IsA(raw->stmt, ReindexStmt))
		return transient_indexes((ReindexStmt *) raw->stmt);
	return NIL;
}

/*
 * Prepare a statement that an earlier attempt started for another try.  The
 * statement may be changed.  Returns a list of commands to run before it, each
 * at top level, in the current memory context.  The caller has a transaction
 * with an active snapshot.
 */
List *
dbmig_clear_leftovers(RawStmt *raw)
{
	List	   *commands = NIL;
	ListCell   *lc;

	if (IsA(raw->stmt, AlterTableStmt))
		finish_detach((AlterTableStmt *) raw->stmt);

	foreach(lc, dbmig_find_leftovers(raw))
	{
		Oid			index = lfirst_oid(lc);
		const char *schema = get_namespace_name(get_rel_namespace(index));

		ereport(NOTICE,
				errmsg("dropping the invalid index \"%s\" that an earlier attempt left",
					   get_rel_name(index)));
		commands = lappend(commands,
						   psprintf("DROP INDEX CONCURRENTLY %s",
									quote_qualified_identifier(schema,
															   get_rel_name(index))));
	}
	return commands;
}
