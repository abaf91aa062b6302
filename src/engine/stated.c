/*-------------------------------------------------------------------------
 *
 * stated.c
 *		Default privileges that texts state themselves.
 *
 * A sandbox has the default privileges of the database, since what a text says
 * nothing about is meant to be as it is.  Those that a text does state are
 * another matter: it says from where on they hold, and what it makes before has
 * none of them.  pg_dump, for one, states them last.  So a text is looked at
 * before it runs, and what it states is taken out of the sandbox.
 *
 * What applied revisions state is theirs, too, and not of the surroundings of
 * those before them.
 *
 * Only statements of the text itself are seen, not what a DO block or a
 * function of it runs.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_default_acl.h"
#include "engine/engine.h"
#include "engine/sandbox.h"
#include "engine/watch.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* A text that is looked at. */
typedef struct Look
{
	DbmigStated *stated;
	const char *text;
	const DbmigProject *project;	/* or this revision's; else NULL */
	const DbmigRevision *revision;
	const char *runner;			/* who runs it, by name, or would */
	const char *role;			/* who does from here on */
} Look;

/* An entry of the table, all of it the key. */
typedef struct StatedKey
{
	NameData	role;
	NameData	schema;			/* empty: none */
	char		type;			/* of objects, as in pg_default_acl */
} StatedKey;

/* Nothing that is stated, in the current memory context. */
DbmigStated *
dbmig_stated_create(void)
{
	DbmigStated *stated = palloc0(sizeof(DbmigStated));
	HASHCTL		control = {0};

	control.keysize = sizeof(StatedKey);
	control.entrysize = sizeof(StatedKey);
	control.hcxt = CurrentMemoryContext;
	stated->which = hash_create("dbmig stated", 16, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return stated;
}

/* schema is NULL for none. */
static StatedKey
make_key(const char *role, char type, const char *schema)
{
	StatedKey	key;

	memset(&key, 0, sizeof(key));
	namestrcpy(&key.role, role);
	namestrcpy(&key.schema, schema ? schema : "");
	key.type = type;
	return key;
}

/* Are these default privileges stated?  schema is NULL for those of none. */
bool
dbmig_is_stated(const DbmigStated *stated, const char *role, char type,
				const char *schema)
{
	StatedKey	key = make_key(role, type, schema);

	if (schema ? stated->in_schemas : stated->everywhere)
		return true;
	return hash_search(stated->which, &key, HASH_FIND, NULL) != NULL;
}

/* How pg_default_acl calls a type of objects. */
static char
default_acl_type(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
			return DEFACLOBJ_RELATION;
		case OBJECT_SEQUENCE:
			return DEFACLOBJ_SEQUENCE;
		case OBJECT_FUNCTION:
			return DEFACLOBJ_FUNCTION;
		case OBJECT_TYPE:
			return DEFACLOBJ_TYPE;
		case OBJECT_SCHEMA:
			return DEFACLOBJ_NAMESPACE;
		case OBJECT_LARGEOBJECT:
			return 'L';			/* from 18 on */
		default:
			elog(ERROR, "unexpected type of objects: %d", (int) type);
	}
	return '\0';				/* keep the compiler quiet */
}

/* Note default privileges of a role in these schemas, or in none. */
static void
note(const Look *look, const char *role, char type, List *schemas)
{
	StatedKey	key = make_key(role, type, NULL);
	ListCell   *lc;

	if (schemas == NIL)
		(void) hash_search(look->stated->which, &key, HASH_ENTER, NULL);
	foreach(lc, schemas)
	{
		key = make_key(role, type, strVal(lfirst(lc)));
		(void) hash_search(look->stated->which, &key, HASH_ENTER, NULL);
	}
}

/* Whom ALTER DEFAULT PRIVILEGES FOR ROLE names. */
static const char *
named_role(const Look *look, const RoleSpec *role)
{
	return role->roletype == ROLESPEC_CSTRING ? role->rolename : look->role;
}

static void
look_at_statement(const Look *look, const AlterDefaultPrivilegesStmt *stmt)
{
	char		type = default_acl_type(stmt->action->objtype);
	List	   *roles = NIL;
	List	   *schemas = NIL;
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		const DefElem *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "schemas") == 0)
			schemas = (List *) option->arg;
		else if (strcmp(option->defname, "roles") == 0)
			roles = (List *) option->arg;
	}
	if (roles == NIL)
		note(look, look->role, type, schemas);
	foreach(lc, roles)
		note(look, named_role(look, lfirst_node(RoleSpec, lc)), type, schemas);
}

/* Follow who runs what comes after a SET or RESET. */
static void
follow_role(Look *look, const VariableSetStmt *stmt)
{
	A_Const    *value;

	if (stmt->name == NULL || (strcmp(stmt->name, "role") != 0 &&
							   strcmp(stmt->name, "session_authorization") != 0))
		return;
	look->role = look->runner;
	if (stmt->kind != VAR_SET_VALUE)
		return;
	value = linitial(stmt->args);
	if (IsA(value, A_Const) && IsA(&value->val, String) &&
		strcmp(strVal(&value->val), "none") != 0)
		look->role = strVal(&value->val);
}

/* Is there anything in a text?  Most have none, and are spared the parser. */
static bool
may_state(const char *text)
{
	return dbmig_has_word(text, "privileges") && dbmig_has_word(text, "default");
}

/* Look at a text, for dbmig_attempt(). */
static void
look_at_text(void *arg)
{
	Look	   *look = arg;
	const char *text = look->text;
	char	   *clean;
	ListCell   *lc;

	if (look->revision)
		text = dbmig_revision_script(look->project, look->revision,
									 DBMIG_UPGRADE);
	if (text == NULL || !may_state(text))
		return;
	foreach(lc, dbmig_statements_parse(dbmig_without_restrict(text), "text", &clean))
	{
		const Node *node = ((const DbmigStatement *) lfirst(lc))->raw->stmt;

		CHECK_FOR_INTERRUPTS();
		if (IsA(node, AlterDefaultPrivilegesStmt))
			look_at_statement(look, (const AlterDefaultPrivilegesStmt *) node);
		else if (IsA(node, VariableSetStmt))
			follow_role(look, (const VariableSetStmt *) node);
	}
}

/* A text that cannot be read states nothing; it fails where it is run. */
static void
look_at(Look *look, const char *runner)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "dbmig stated",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	look->runner = look->role = runner;
	(void) dbmig_attempt(look_at_text, look);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Note what a text states that a role, given by its name, is to run. */
void
dbmig_note_stated(DbmigStated *stated, const char *text, const char *runner)
{
	Look		look = {.stated = stated,.text = text};

	if (may_state(text))
		look_at(&look, runner);
}

/*
 * Note what the upgrade scripts of revisions, chosen by node, state that a role
 * is to run.
 */
void
dbmig_note_stated_by_revisions(DbmigStated *stated, const DbmigProject *project,
							   const bool *nodes, const char *runner)
{
	for (int i = 0; i < project->graph->n; i++)
	{
		Look		look = {.stated = stated,.project = project};

		CHECK_FOR_INTERRUPTS();
		if (!nodes[i])
			continue;
		look.revision = dbmig_revision(project, i);
		look_at(&look, runner);
	}
}

/* Add what another one has. */
void
dbmig_stated_add(DbmigStated *stated, const DbmigStated *other)
{
	HASH_SEQ_STATUS status;
	StatedKey  *key;

	hash_seq_init(&status, other->which);
	while ((key = hash_seq_search(&status)) != NULL)
		(void) hash_search(stated->which, key, HASH_ENTER, NULL);
}

static int
compare_lines(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* A text that is the same for what states the same. */
char *
dbmig_stated_text(const DbmigStated *stated)
{
	List	   *lines = NIL;
	StringInfoData text;
	HASH_SEQ_STATUS status;
	StatedKey  *key;
	ListCell   *lc;

	hash_seq_init(&status, stated->which);
	while ((key = hash_seq_search(&status)) != NULL)
		lines = lappend(lines, psprintf("%c %s %s", key->type,
										quote_identifier(NameStr(key->role)),
										quote_identifier(NameStr(key->schema))));
	list_sort(lines, compare_lines);
	initStringInfo(&text);
	appendStringInfo(&text, "%d %d", stated->everywhere, stated->in_schemas);
	foreach(lc, lines)
		appendStringInfo(&text, "\n%s", (char *) lfirst(lc));
	return text.data;
}
