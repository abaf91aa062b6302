/*-------------------------------------------------------------------------
 *
 * steady.c
 *		Tells statements that do the same whenever they run.
 *
 * What such statements build can be kept; see kept.c.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/extension.h"
#include "engine/sandbox.h"
#include "nodes/parsenodes.h"

/* Are all these bounds of a partition constants? */
static bool
are_constant(const List *bounds)
{
	ListCell   *lc;

	foreach(lc, bounds)
	{
		const Node *bound = lfirst(lc);

		if (IsA(bound, TypeCast))
			bound = ((const TypeCast *) bound)->arg;
		/* MINVALUE and MAXVALUE look like columns */
		if (!IsA(bound, A_Const) && !IsA(bound, ColumnRef))
			return false;
	}
	return true;
}

static bool
is_constant_bound(const PartitionBoundSpec *bound)
{
	return bound == NULL ||
		(are_constant(bound->listdatums) && are_constant(bound->lowerdatums) &&
		 are_constant(bound->upperdatums));
}

/* Is a query nothing but settings and positions, as pg_dump writes them? */
static bool
only_sets(const SelectStmt *query)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		const ResTarget *target = lfirst_node(ResTarget, lc);
		const FuncCall *call = (const FuncCall *) target->val;

		if (!IsA(call, FuncCall) || list_length(call->funcname) != 2 ||
			strcmp(strVal(linitial(call->funcname)), "pg_catalog") != 0 ||
			(strcmp(strVal(lsecond(call->funcname)), "set_config") != 0 &&
			 strcmp(strVal(lsecond(call->funcname)), "setval") != 0))
			return false;
	}
	return query->fromClause == NIL && query->op == SETOP_NONE &&
		query->withClause == NULL && query->valuesLists == NIL;
}

/*
 * Does a statement do the same whenever it runs in the same surroundings?  Code
 * that a statement only runs may do anything; files and other servers are not
 * of the surroundings.  What writes rows is taken to write rows.
 */
bool
dbmig_is_steady(const Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_DoStmt:
		case T_CallStmt:
		case T_ExecuteStmt:
		case T_ExplainStmt:
		case T_LoadStmt:
		case T_ImportForeignSchemaStmt:
		case T_AlterExtensionStmt:
			return false;
		case T_CreateExtensionStmt:
			return OidIsValid(get_extension_oid(((const CreateExtensionStmt *) node)->extname,
												true));
		case T_SelectStmt:
			return only_sets((const SelectStmt *) node);
		case T_CreateStmt:
			return is_constant_bound(((const CreateStmt *) node)->partbound);
		case T_CreateForeignTableStmt:
			return is_constant_bound(((const CreateForeignTableStmt *) node)->base.partbound);
		case T_AlterTableStmt:
			foreach(lc, ((const AlterTableStmt *) node)->cmds)
			{
				const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

				if (cmd->subtype == AT_AttachPartition &&
					!is_constant_bound(castNode(PartitionCmd, cmd->def)->bound))
					return false;
			}
			return true;
		default:
			return true;
	}
}
