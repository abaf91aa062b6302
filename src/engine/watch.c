/*-------------------------------------------------------------------------
 *
 * watch.c
 *		Sees DDL that does not come from the engine.
 *
 * Event triggers tell of each command.  What the engine itself runs is known
 * by the engine being at work, and what an extension's script does by the
 * server, so neither counts.  Nor does anything temporary, nor a database in
 * which no revision is applied: there nothing can drift.  The cheapest of these
 * questions are asked first, since every DDL command comes by here.
 *
 * Recording needs no privilege and runs nobody's code, and so cannot fail where
 * the command itself succeeded.
 *
 * A dump that is restored after the state is there would look like drift.  It is
 * known by the settings that every dump begins with, and believed only of who
 * may restore one: the database's owner.  Where DDL is refused it is let through,
 * but recorded, since anybody can make such settings.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/settings.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_language.h"
#include "catalog/pg_largeobject.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "engine/watch.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/value.h"
#include "tcop/cmdtag.h"
#include "tcop/deparse_utility.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define ENGINE "databrain_migrate"

/* Longer statements are cut; a row then stays within a page. */
#define MAX_STATEMENT	2000

/* The objects of a command that count. */
typedef struct Touched
{
	List	   *kinds;			/* char *, as the server calls them */
	List	   *identities;
	char	   *schema;			/* asked for last, and the answer */
	bool		managed;
} Touched;

/* Columns of pg_event_trigger_ddl_commands() */
enum
{
	COMMAND_CLASSID,
	COMMAND_OBJID,
	COMMAND_OBJSUBID,
	COMMAND_TAG,
	COMMAND_TYPE,
	COMMAND_SCHEMA,
	COMMAND_IDENTITY,
	COMMAND_IN_EXTENSION,
	COMMAND_COMMAND,
	COMMAND_COLUMNS
};

/* Columns of pg_event_trigger_dropped_objects() */
enum
{
	DROPPED_CLASSID,
	DROPPED_OBJID,
	DROPPED_OBJSUBID,
	DROPPED_ORIGINAL,
	DROPPED_NORMAL,
	DROPPED_TEMPORARY,
	DROPPED_TYPE,
	DROPPED_SCHEMA,
	DROPPED_NAME,
	DROPPED_IDENTITY,
	DROPPED_ADDRESS_NAMES,
	DROPPED_ADDRESS_ARGS,
	DROPPED_COLUMNS
};

/*
 * The schema that was found to be looked at last, so that the next command need
 * not ask for its extension; forgotten whenever any schema changes.
 */
static Oid	managed_schema = InvalidOid;

static void
forget_managed_schema(Datum arg, int cacheid, uint32 hashvalue)
{
	managed_schema = InvalidOid;
}

/* Called once in each process that loads the library. */
void
dbmig_prepare_watch(void)
{
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_managed_schema, (Datum) 0);
}

static bool
is_temporary_relation(const RangeVar *relation)
{
	return relation->relpersistence == RELPERSISTENCE_TEMP ||
		(relation->schemaname && strcmp(relation->schemaname, "pg_temp") == 0);
}

/*
 * Can the command be passed over by its looks?  It creates something temporary
 * by name, or changes no schema.
 */
static bool
is_harmless(const Node *tree)
{
	switch (nodeTag(tree))
	{
		case T_CreateStmt:
			return is_temporary_relation(((const CreateStmt *) tree)->relation);
		case T_CreateTableAsStmt:
			return is_temporary_relation(((const CreateTableAsStmt *) tree)->into->rel);
		case T_CreateSeqStmt:
			return is_temporary_relation(((const CreateSeqStmt *) tree)->sequence);
		case T_ViewStmt:
			return is_temporary_relation(((const ViewStmt *) tree)->view);
		case T_RefreshMatViewStmt:
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
			return true;
		default:
			return false;
	}
}

/* Does the session look as if it restored a dump, and may it? */
static bool
is_restoring(void)
{
	return !check_function_bodies && client_min_messages == WARNING &&
		namespace_search_path[0] == '\0' &&
		has_privs_of_role(GetUserId(), ROLE_PG_DATABASE_OWNER);
}

/* The name in an identity that consists of nothing else. */
static char *
unquoted(const char *identity)
{
	char	   *name = pstrdup(identity);
	char	   *to = name;

	if (*identity != '"')
		return name;
	for (const char *from = identity + 1; *from; from++)
	{
		/* a quote stands before another one, or at the end */
		if (*from == '"' && *++from == '\0')
			break;
		*to++ = *from;
	}
	*to = '\0';
	return name;
}

/* Is the extension the engine's or a project's? */
static bool
is_own_extension(const char *identity)
{
	char	   *name = unquoted(identity);

	return strcmp(name, ENGINE) == 0 ||
		(dbmig_project_is_valid(name, NULL) && dbmig_project_is_available(name));
}

/* Is a schema looked at?  One that is just dropped is judged by its name. */
static bool
is_managed_schema(const char *name)
{
	Oid			schema;
	List	   *listed;

	if (strncmp(name, "pg_", 3) == 0)
		return false;
	listed = dbmig_schemas_setting();
	if (listed && !list_member(listed, makeString(pstrdup(name))))
		return false;
	schema = get_namespace_oid(name, true);
	if (!OidIsValid(schema))
		return true;
	if (schema != managed_schema)
	{
		if (!dbmig_schema_is_managed(name, schema))
			return false;
		managed_schema = schema;
	}
	return true;
}

/* The same, asked for each object of a command: mostly they lie in one. */
static bool
lies_in_managed(Touched *touched, const char *name)
{
	if (touched->schema == NULL || strcmp(touched->schema, name) != 0)
	{
		touched->schema = pstrdup(name);
		touched->managed = is_managed_schema(name);
	}
	return touched->managed;
}

/* Classes of which no object counts. */
static bool
is_ignored_class(Oid classid)
{
	return classid == LargeObjectRelationId || classid == SubscriptionRelationId;
}

/*
 * Note an object unless it lies in a schema that is not looked at.  schema is
 * NULL for one that lies in none.
 */
static void
touch(Touched *touched, Oid classid, const char *kind, const char *schema,
	  const char *identity)
{
	if (is_ignored_class(classid) ||
		(schema && !lies_in_managed(touched, schema)) ||
		(classid == NamespaceRelationId && !is_managed_schema(unquoted(identity))) ||
		(classid == ExtensionRelationId && is_own_extension(identity)))
		return;
	/* ALTER TABLE says so of itself and of each part of what it does */
	if (touched->identities &&
		strcmp(llast(touched->identities), identity) == 0 &&
		strcmp(llast(touched->kinds), kind) == 0)
		return;
	touched->kinds = lappend(touched->kinds, pstrdup(kind));
	touched->identities = lappend(touched->identities, pstrdup(identity));
}

/* Note an object by its address, if it is still there. */
static void
touch_address(Touched *touched, ObjectAddress address)
{
	List	   *names = NIL;
	List	   *arguments = NIL;
	char	   *identity;
	char	   *schema = NULL;

	identity = getObjectIdentityParts(&address, &names, &arguments, true);
	if (identity == NULL)
		return;
	/* of what belongs to a relation the names begin with that one's schema */
	if (address.classId == TriggerRelationId || address.classId == PolicyRelationId ||
		address.classId == RewriteRelationId)
		schema = linitial(names);
	else
	{
		Oid			namespace = get_object_namespace(&address);

		if (OidIsValid(namespace))
			schema = get_namespace_name_or_temp(namespace);
	}
	touch(touched, address.classId, getObjectTypeDescription(&address, false),
		  schema, identity);
}

/* The catalog that holds what GRANT ... ON calls so; InvalidOid: not looked at. */
static Oid
grant_class(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_SEQUENCE:
			return RelationRelationId;
		case OBJECT_FUNCTION:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
			return ProcedureRelationId;
		case OBJECT_SCHEMA:
			return NamespaceRelationId;
		case OBJECT_TYPE:
		case OBJECT_DOMAIN:
			return TypeRelationId;
		case OBJECT_LANGUAGE:
			return LanguageRelationId;
		case OBJECT_FDW:
			return ForeignDataWrapperRelationId;
		case OBJECT_FOREIGN_SERVER:
			return ForeignServerRelationId;
		default:
			return InvalidOid;
	}
}

/* Note what a GRANT or REVOKE was about. */
static void
touch_granted(Touched *touched, const InternalGrant *grant)
{
	Oid			classid = grant_class(grant->objtype);
	ListCell   *lc;

	if (!OidIsValid(classid))
		return;
	foreach(lc, grant->objects)
	{
		ObjectAddress address;

		CHECK_FOR_INTERRUPTS();
		ObjectAddressSet(address, classid, lfirst_oid(lc));
		touch_address(touched, address);
	}
}

/*
 * Note by its old name a relation or column that got another name or schema, so
 * that it is known why it is missing.
 */
static void
touch_former(Touched *touched, const CollectedCommand *command, const char *kind,
			 const char *schema, Oid relation)
{
	const char *name = get_rel_name(relation);
	const char *column = NULL;
	char	   *identity;

	if (name == NULL)
		return;
	if (IsA(command->parsetree, RenameStmt))
	{
		const RenameStmt *rename = (const RenameStmt *) command->parsetree;

		if (rename->subname)
			column = rename->subname;
		else if (rename->relation)
			name = rename->relation->relname;
	}
	else if (IsA(command->parsetree, AlterObjectSchemaStmt))
		schema = get_namespace_name(command->d.simple.secondaryObject.objectId);
	else
		return;
	if (schema == NULL)
		return;
	identity = quote_qualified_identifier(schema, name);
	if (column)
		identity = psprintf("%s.%s", identity, quote_identifier(column));
	touch(touched, RelationRelationId, kind, schema, identity);
}

static bool
is_dropped_column(ObjectAddress address)
{
	HeapTuple	tuple;

	if (address.classId != RelationRelationId || address.objectSubId == 0)
		return false;
	tuple = SearchSysCacheAttNum(address.objectId, address.objectSubId);
	if (!HeapTupleIsValid(tuple))
		return true;
	ReleaseSysCache(tuple);
	return false;
}

/* Note what a command that the server collected was about. */
static void
touch_command(Touched *touched, const Datum *values, const bool *nulls)
{
	const CollectedCommand *command =
		(const CollectedCommand *) DatumGetPointer(values[COMMAND_COMMAND]);
	Oid			classid;
	char	   *kind = TextDatumGetCString(values[COMMAND_TYPE]);
	char	   *schema;
	ListCell   *lc;

	if (DatumGetBool(values[COMMAND_IN_EXTENSION]))
		return;
	if (command->type == SCT_Grant)
	{
		touch_granted(touched, command->d.grant.istmt);
		return;
	}
	if (command->type == SCT_AlterDefaultPrivileges)
	{
		touch(touched, InvalidOid, "default privileges", NULL, kind);
		return;
	}

	classid = DatumGetObjectId(values[COMMAND_CLASSID]);
	if (nulls[COMMAND_SCHEMA])
	{
		ObjectAddress address;

		ObjectAddressSubSet(address, classid,
							DatumGetObjectId(values[COMMAND_OBJID]),
							DatumGetInt32(values[COMMAND_OBJSUBID]));
		touch_address(touched, address);
		return;
	}
	schema = TextDatumGetCString(values[COMMAND_SCHEMA]);
	touch(touched, classid, kind, schema,
		  TextDatumGetCString(values[COMMAND_IDENTITY]));
	if (strncmp(schema, "pg_", 3) == 0)
		return;
	if (command->type == SCT_AlterTable)
	{
		foreach(lc, command->d.alterTable.subcmds)
		{
			const CollectedATSubcmd *part = lfirst(lc);

			if (OidIsValid(part->address.objectId) && !is_dropped_column(part->address))
				touch_address(touched, part->address);
		}
	}
	else if (command->type == SCT_Simple && classid == RelationRelationId)
		touch_former(touched, command, kind, schema,
					 DatumGetObjectId(values[COMMAND_OBJID]));
}

/* The schema of a dropped object; NULL for one that lay in none. */
static char *
dropped_schema(const Datum *values, const bool *nulls)
{
	Datum	   *names;
	bool	   *name_nulls;
	int			count;

	if (!nulls[DROPPED_SCHEMA])
		return TextDatumGetCString(values[DROPPED_SCHEMA]);
	if (DatumGetObjectId(values[DROPPED_CLASSID]) != RewriteRelationId ||
		nulls[DROPPED_ADDRESS_NAMES])
		return NULL;
	deconstruct_array(DatumGetArrayTypeP(values[DROPPED_ADDRESS_NAMES]), TEXTOID,
					  -1, false, TYPALIGN_INT, &names, &name_nulls, &count);
	return count > 0 ? TextDatumGetCString(names[0]) : NULL;
}

/* Note a dropped object, unless it only went along as a part of another one. */
static void
touch_dropped(Touched *touched, const Datum *values, const bool *nulls)
{
	char	   *identity;

	if (DatumGetBool(values[DROPPED_TEMPORARY]) ||
		!(DatumGetBool(values[DROPPED_ORIGINAL]) ||
		  DatumGetBool(values[DROPPED_NORMAL])) ||
		nulls[DROPPED_IDENTITY])
		return;
	identity = TextDatumGetCString(values[DROPPED_IDENTITY]);
	/* a view's own rule is the view */
	if (strncmp(identity, "\"_RETURN\" on ", strlen("\"_RETURN\" on ")) == 0)
		return;
	touch(touched, DatumGetObjectId(values[DROPPED_CLASSID]),
		  TextDatumGetCString(values[DROPPED_TYPE]),
		  dropped_schema(values, nulls), identity);
}

/* Call one of the server's functions for event triggers, and note each row. */
static void
touch_rows(Touched *touched, Oid function, int columns,
		   void (*touch_row) (Touched *, const Datum *, const bool *))
{
	LOCAL_FCINFO(fcinfo, 0);
	ExprContext *econtext = CreateStandaloneExprContext();
	ReturnSetInfo rsinfo = {.type = T_ReturnSetInfo};
	TupleTableSlot *slot;
	FmgrInfo	flinfo;

	rsinfo.econtext = econtext;
	rsinfo.allowedModes = SFRM_Materialize;
	fmgr_info(function, &flinfo);
	InitFunctionCallInfoData(*fcinfo, &flinfo, 0, InvalidOid, NULL,
							 (Node *) &rsinfo);
	(void) FunctionCallInvoke(fcinfo);
	if (rsinfo.setDesc->natts != columns)
		elog(ERROR, "unexpected result of function %u", function);

	slot = MakeSingleTupleTableSlot(rsinfo.setDesc, &TTSOpsMinimalTuple);
	while (tuplestore_gettupleslot(rsinfo.setResult, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		touch_row(touched, slot->tts_values, slot->tts_isnull);
	}
	ExecDropSingleTupleTableSlot(slot);
	tuplestore_end(rsinfo.setResult);
	FreeExprContext(econtext, true);
}

/* Does a text hold a word, given in small letters?  In any case of letters. */
bool
dbmig_has_word(const char *text, const char *word)
{
	const char	first[] = {word[0], pg_ascii_toupper((unsigned char) word[0]), '\0'};
	size_t		length = strlen(word);

	while ((text = strpbrk(text, first)) != NULL)
	{
		if (pg_strncasecmp(text, word, length) == 0)
			return true;
		text++;
	}
	return false;
}

/*
 * The statement that the client sent, or NULL.  Of several in one message it is
 * the one that runs.  It can be another one than the command, which runs in a
 * function then; such a text, and one about foreign objects, is not kept when
 * it may hold a password.
 */
static char *
client_statement(const EventTriggerData *trigger)
{
	const char *text = ActivePortal ? ActivePortal->sourceText : NULL;
	int			length;
	bool		other = true;
	char	   *statement;

	if (text == NULL)
		return NULL;
	length = strlen(text);
	if (ActivePortal->stmts)
	{
		const PlannedStmt *planned = linitial_node(PlannedStmt, ActivePortal->stmts);

		if (planned->stmt_location > 0 && planned->stmt_location < length)
		{
			text += planned->stmt_location;
			length -= planned->stmt_location;
		}
		if (planned->stmt_len > 0)
			length = Min(length, planned->stmt_len);
		other = planned->utilityStmt == NULL ||
			CreateCommandTag(planned->utilityStmt) != trigger->tag;
	}
	while (length > 0 && isspace((unsigned char) *text))
	{
		text++;
		length--;
	}
	while (length > 0 && isspace((unsigned char) text[length - 1]))
		length--;
	statement = pnstrdup(text, length);

	switch (nodeTag(trigger->parsetree))
	{
		case T_CreateUserMappingStmt:
		case T_AlterUserMappingStmt:
			return NULL;
		case T_CreateForeignServerStmt:
		case T_AlterForeignServerStmt:
		case T_CreateFdwStmt:
		case T_AlterFdwStmt:
		case T_CreateForeignTableStmt:
			other = true;
			break;
		default:
			break;
	}
	if (other && dbmig_has_word(statement, "password"))
		return NULL;
	statement[pg_mbcliplen(statement, length, MAX_STATEMENT)] = '\0';
	return statement;
}

/* A list of strings as an array. */
static char **
to_array(const List *strings)
{
	char	  **array = palloc(sizeof(char *) * (list_length(strings) + 1));
	ListCell   *lc;

	foreach(lc, strings)
		array[foreach_current_index(lc)] = lfirst(lc);
	return array;
}

static void
refuse(const char *kind, const char *identity)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("%s %s cannot be changed outside of the migration engine",
				   kind, identity),
			errdetail("databrain_migrate.drift is \"refuse\" in this database."),
			errhint("Write a revision for the change.  In an emergency, who may set databrain_migrate.break_glass to on can do so; the change is then recorded."));
}

/* Do with what a command has touched as the setting says. */
static void
judge(const EventTriggerData *trigger, const Touched *touched)
{
	const char *kind;
	const char *identity;
	DbmigDdl	row = {0};
	bool		restoring;
	bool		pushed = false;

	if (touched->identities == NIL)
		return;
	kind = linitial(touched->kinds);
	identity = linitial(touched->identities);
	restoring = is_restoring();
	if (dbmig_drift_setting == DBMIG_DRIFT_REFUSE && !dbmig_break_glass &&
		!restoring)
		refuse(kind, identity);

	row.command = GetCommandTagName(trigger->tag);
	row.nobjects = list_length(touched->identities);
	row.kinds = to_array(touched->kinds);
	row.identities = to_array(touched->identities);
	row.statement = client_statement(trigger);
	row.glass_broken = dbmig_drift_setting == DBMIG_DRIFT_REFUSE;
	/* there is none after what commits in its middle */
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		pushed = true;
	}
	dbmig_ddl_append(&row);
	if (pushed)
		PopActiveSnapshot();

	if (dbmig_drift_setting != DBMIG_DRIFT_LOG && !restoring)
		ereport(WARNING,
				errmsg("%s %s was changed outside of the migration engine",
					   kind, identity),
				errhint("dbm_drift() shows what differs from the revisions, and how to undo or adopt it."));
}

/* Is this command to be looked at? */
static bool
is_watched(const EventTriggerData *trigger)
{
	return dbmig_drift_setting != DBMIG_DRIFT_OFF && !IsBinaryUpgrade &&
		!creating_extension && !is_harmless(trigger->parsetree) &&
		!dbmig_is_running() && !dbmig_is_in_sandbox() &&
		(dbmig_drift_setting == DBMIG_DRIFT_REFUSE || !is_restoring()) &&
		dbmig_any_applied();
}

/* Raise if the relation is not to be changed. */
static void
refuse_relation(RangeVar *relation)
{
	Oid			oid = RangeVarGetRelid(relation, NoLock, true);
	Oid			schema = OidIsValid(oid) ? get_rel_namespace(oid) : InvalidOid;
	char	   *name = OidIsValid(schema) ? get_namespace_name(schema) : NULL;

	if (name && is_managed_schema(name))
		refuse("relation", quote_qualified_identifier(name, get_rel_name(oid)));
}

/*
 * Raise at the start of a command that commits in its middle if it will be
 * refused: at its end it would be too late.
 */
void
dbmig_watch_start(const EventTriggerData *trigger)
{
	Node	   *tree = trigger->parsetree;
	ListCell   *lc;

	if (dbmig_drift_setting != DBMIG_DRIFT_REFUSE || dbmig_break_glass ||
		is_restoring() || !is_watched(trigger))
		return;
	if (IsA(tree, IndexStmt) && castNode(IndexStmt, tree)->concurrent)
		refuse_relation(castNode(IndexStmt, tree)->relation);
	else if (IsA(tree, DropStmt) && castNode(DropStmt, tree)->concurrent)
	{
		foreach(lc, castNode(DropStmt, tree)->objects)
			refuse_relation(makeRangeVarFromNameList(lfirst(lc)));
	}
	else if (IsA(tree, AlterTableStmt))
	{
		foreach(lc, castNode(AlterTableStmt, tree)->cmds)
		{
			const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

			if (command->subtype == AT_DetachPartition &&
				castNode(PartitionCmd, command->def)->concurrent)
				refuse_relation(castNode(AlterTableStmt, tree)->relation);
		}
	}
}

/* Look at what a command has created or changed. */
void
dbmig_watch_end(const EventTriggerData *trigger)
{
	Touched		touched = {NIL};

	/* what a DROP did was told by dbmig_watch_drop() */
	if (IsA(trigger->parsetree, DropStmt) ||
		IsA(trigger->parsetree, DropOwnedStmt) ||
		IsA(trigger->parsetree, DropUserMappingStmt) || !is_watched(trigger))
		return;
	touch_rows(&touched, F_PG_EVENT_TRIGGER_DDL_COMMANDS, COMMAND_COLUMNS,
			   touch_command);
	judge(trigger, &touched);
}

/* Look at what a command has dropped. */
void
dbmig_watch_drop(const EventTriggerData *trigger)
{
	Touched		touched = {NIL};

	if (!is_watched(trigger))
		return;
	touch_rows(&touched, F_PG_EVENT_TRIGGER_DROPPED_OBJECTS, DROPPED_COLUMNS,
			   touch_dropped);
	judge(trigger, &touched);
}
