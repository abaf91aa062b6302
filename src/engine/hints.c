/*-------------------------------------------------------------------------
 *
 * hints.c
 *		Renames that comments in a model declare.
 *
 * "-- dbm: renamed from OLD", on a line of its own, says of what comes next
 * that it had another name: of what the next statement creates, or, inside
 * CREATE TABLE and its kin, of the next column, named constraint or enum
 * value.
 *
 * The server's scanner tells where tokens are, so a comment is what lies
 * between two of them, and its parser where columns and constraints begin.
 * Such a comment stands before the token that something begins with.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "common/keywords.h"
#include "engine/compare.h"
#include "engine/sandbox.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/scanner.h"
#include "schema/kinds.h"
#include "schema/rename.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

static const char mark[] = "dbm:";
static const char order[] = "renamed from";

/* A comment that declares a rename. */
typedef struct Hint
{
	char	   *text;			/* without dashes and blanks around it */
	int			line;
	List	   *old_path;
} Hint;

/* What a comment stands before. */
typedef struct Target
{
	const char *word;			/* its kind; NULL: nothing that has a name */
	const char *schema;			/* as written, or NULL */
	const char *name;
	const char *arguments;		/* of a function, with parentheses; or NULL */
	const char *part;			/* of it: a column, a constraint; or NULL */
	const char *label;			/* an enum's value; or NULL */
} Target;

/* A model that is being read. */
typedef struct Model
{
	const char *text;
	DbmigFinder *finder;
	bool		is_from;
	const char *schema;			/* where what has no schema is made */
	List	   *requests;
} Model;

/* Add the place of a comment to an error. */
static int
hint_errcontext(const Hint *hint)
{
	return errcontext("model, line %d", hint->line);
}

/* Take a comment apart that begins with the mark; errors are thrown. */
static Hint *
parse_hint(const char *comment, int length, int line)
{
	Hint	   *hint = palloc0(sizeof(Hint));
	const char *p;

	while (length > 0 && isspace((unsigned char) comment[length - 1]))
		length--;
	hint->text = pnstrdup(comment, length);
	hint->line = line;
	p = hint->text + strlen(mark);
	while (isspace((unsigned char) *p))
		p++;
	if (strncmp(p, order, strlen(order)) == 0 &&
		isspace((unsigned char) p[strlen(order)]))
	{
		p += strlen(order);
		while (isspace((unsigned char) *p))
			p++;
		if (dbmig_scan_path(&p, &hint->old_path) && *p == '\0')
			return hint;
	}
	ereport(ERROR,
			errcode(ERRCODE_SYNTAX_ERROR),
			errmsg("comment \"%s\" is not understood", hint->text),
			errdetail("Such a comment is written as \"-- dbm: renamed from OLD\"."),
			hint_errcontext(hint));
	return NULL;				/* keep the compiler quiet */
}

/* The end of a comment in slashes, which may hold others. */
static int
skip_block_comment(const char *text, int at, int end)
{
	int			depth = 0;

	while (at < end)
	{
		if (text[at] == '/' && text[at + 1] == '*')
		{
			depth++;
			at += 2;
		}
		else if (text[at] == '*' && text[at + 1] == '/')
		{
			depth--;
			at += 2;
			if (depth == 0)
				break;
		}
		else
			at++;
	}
	return at;
}

/* Is there nothing but blanks before a place in its line? */
static bool
begins_line(const char *text, int at)
{
	while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t'))
		at--;
	return at == 0 || text[at - 1] == '\n' || text[at - 1] == '\r';
}

/*
 * Find the hint between two tokens; NULL if there is none.  line is that of
 * the first byte.
 */
static Hint *
find_hint(const char *text, int start, int end, int line)
{
	Hint	   *hint = NULL;
	int			at = start;

	while (at < end)
	{
		int			comment;
		int			next;

		if (text[at] == '/' && text[at + 1] == '*')
		{
			at = skip_block_comment(text, at, end);
			continue;
		}
		if (text[at] != '-' || text[at + 1] != '-')
		{
			at++;
			continue;
		}
		next = at + strcspn(text + at, "\r\n");
		comment = at + 2;
		while (comment < next && isspace((unsigned char) text[comment]))
			comment++;
		if (strncmp(text + comment, mark, strlen(mark)) == 0)
		{
			Hint	   *found = parse_hint(text + comment, next - comment,
										   line - 1 + dbmig_line_number(text + start, at - start));

			if (hint)
				ereport(ERROR,
						errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("comment \"%s\" follows another one of its kind",
							   found->text),
						hint_errcontext(found));
			if (!begins_line(text, at))
				ereport(ERROR,
						errcode(ERRCODE_SYNTAX_ERROR),
						errmsg("comment \"%s\" stands behind something", found->text),
						errhint("Write it on a line of its own, before what was renamed."),
						hint_errcontext(found));
			hint = found;
		}
		at = next;
	}
	return hint;
}

static void
set_relation(Target *target, const char *word, const RangeVar *relation)
{
	target->word = word;
	target->schema = relation->schemaname;
	target->name = relation->relname;
}

/* Of a list of String, one or two names; more are none of ours. */
static void
set_names(Target *target, const char *word, List *names)
{
	if (list_length(names) > 2)
		return;
	target->word = word;
	target->name = strVal(llast(names));
	target->schema = list_length(names) == 2 ? strVal(linitial(names)) : NULL;
}

static void
set_name(Target *target, const char *word, const char *name)
{
	target->word = name ? word : NULL;
	target->name = name;
}

/* The types of a function's arguments that tell it from others. */
static char *
argument_types(List *parameters)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoChar(&text, '(');
	foreach(lc, parameters)
	{
		const FunctionParameter *parameter = lfirst(lc);

		if (parameter->mode == FUNC_PARAM_OUT || parameter->mode == FUNC_PARAM_TABLE)
			continue;
		appendStringInfo(&text, "%s%s", text.len > 1 ? "," : "",
						 TypeNameToString(parameter->argType));
	}
	appendStringInfoChar(&text, ')');
	return text.data;
}

/*
 * Point a target that is a table, type or domain to the part that begins at an
 * offset.  Returns whether there is one with a name.
 */
static bool
set_part(Target *target, List *elements, int offset, const char *column_word)
{
	ListCell   *lc;

	foreach(lc, elements)
	{
		Node	   *element = lfirst(lc);

		if (element && IsA(element, ColumnDef))
		{
			ColumnDef  *column = castNode(ColumnDef, element);

			if (column->location == offset)
			{
				target->word = column_word;
				target->part = column->colname;
				return true;
			}
			if (set_part(target, column->constraints, offset, column_word))
				return true;
		}
		else if (element && IsA(element, Constraint))
		{
			Constraint *constraint = castNode(Constraint, element);

			if (constraint->location == offset && constraint->conname)
			{
				target->word = "constraint";
				target->part = constraint->conname;
				return true;
			}
		}
	}
	return false;
}

/*
 * What ALTER TABLE adds at an offset, or, by its only command, at all.
 */
static void
set_added(Target *target, const AlterTableStmt *stmt, bool first, int offset)
{
	List	   *elements = NIL;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *command = lfirst_node(AlterTableCmd, lc);

		if (command->subtype == AT_AddColumn || command->subtype == AT_AddConstraint)
			elements = lappend(elements, command->def);
	}
	set_relation(target, "table", stmt->relation);
	if (first && list_length(stmt->cmds) == 1 && elements)
		offset = IsA(linitial(elements), ColumnDef) ?
			linitial_node(ColumnDef, elements)->location :
			linitial_node(Constraint, elements)->location;
	if (!set_part(target, elements, offset, "column"))
		target->word = NULL;
}

static void
set_defined(Target *target, const DefineStmt *stmt)
{
	switch (stmt->kind)
	{
		case OBJECT_AGGREGATE:
			set_names(target, "aggregate", stmt->defnames);
			break;
		case OBJECT_COLLATION:
			set_names(target, "collation", stmt->defnames);
			break;
		case OBJECT_TSDICTIONARY:
			set_names(target, "text search dictionary", stmt->defnames);
			break;
		case OBJECT_TSCONFIGURATION:
			set_names(target, "text search configuration", stmt->defnames);
			break;
		default:
			break;
	}
}

/* What a statement creates. */
static void
set_created(Target *target, Node *node)
{
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			set_relation(target, "table", castNode(CreateStmt, node)->relation);
			break;
		case T_CreateForeignTableStmt:
			set_relation(target, "table",
						 castNode(CreateForeignTableStmt, node)->base.relation);
			break;
		case T_ViewStmt:
			set_relation(target, "view", castNode(ViewStmt, node)->view);
			break;
		case T_CreateTableAsStmt:
			set_relation(target,
						 castNode(CreateTableAsStmt, node)->objtype == OBJECT_MATVIEW ?
						 "materialized view" : "table",
						 castNode(CreateTableAsStmt, node)->into->rel);
			break;
		case T_CreateSeqStmt:
			set_relation(target, "sequence", castNode(CreateSeqStmt, node)->sequence);
			break;
		case T_CompositeTypeStmt:
			set_relation(target, "type", castNode(CompositeTypeStmt, node)->typevar);
			break;
		case T_CreateEnumStmt:
			set_names(target, "type", castNode(CreateEnumStmt, node)->typeName);
			break;
		case T_CreateRangeStmt:
			set_names(target, "type", castNode(CreateRangeStmt, node)->typeName);
			break;
		case T_CreateDomainStmt:
			set_names(target, "domain", castNode(CreateDomainStmt, node)->domainname);
			break;
		case T_CreateFunctionStmt:
			set_names(target, "function", castNode(CreateFunctionStmt, node)->funcname);
			target->arguments =
				argument_types(castNode(CreateFunctionStmt, node)->parameters);
			break;
		case T_IndexStmt:
			set_name(target, "index", castNode(IndexStmt, node)->idxname);
			target->schema = castNode(IndexStmt, node)->relation->schemaname;
			break;
		case T_CreateTrigStmt:
			set_relation(target, "trigger", castNode(CreateTrigStmt, node)->relation);
			target->part = castNode(CreateTrigStmt, node)->trigname;
			break;
		case T_RuleStmt:
			set_relation(target, "rule", castNode(RuleStmt, node)->relation);
			target->part = castNode(RuleStmt, node)->rulename;
			break;
		case T_CreatePolicyStmt:
			set_relation(target, "policy", castNode(CreatePolicyStmt, node)->table);
			target->part = castNode(CreatePolicyStmt, node)->policy_name;
			break;
		case T_CreateStatsStmt:
			if (castNode(CreateStatsStmt, node)->defnames)
				set_names(target, "statistics",
						  castNode(CreateStatsStmt, node)->defnames);
			break;
		case T_CreateSchemaStmt:
			set_name(target, "schema", castNode(CreateSchemaStmt, node)->schemaname);
			break;
		case T_CreatePublicationStmt:
			set_name(target, "publication",
					 castNode(CreatePublicationStmt, node)->pubname);
			break;
		case T_CreateForeignServerStmt:
			set_name(target, "server",
					 castNode(CreateForeignServerStmt, node)->servername);
			break;
		case T_CreateFdwStmt:
			set_name(target, "foreign data wrapper",
					 castNode(CreateFdwStmt, node)->fdwname);
			break;
		case T_CreateEventTrigStmt:
			set_name(target, "event trigger",
					 castNode(CreateEventTrigStmt, node)->trigname);
			break;
		case T_DefineStmt:
			set_defined(target, castNode(DefineStmt, node));
			break;
		default:
			break;
	}
}

/*
 * What begins at an offset of a statement, which may be its own first token.
 * commas counts those before it within the outermost parentheses.
 */
static Target
find_target(const DbmigStatement *statement, int offset, int commas)
{
	Node	   *node = statement->raw->stmt;
	bool		first = offset == statement->start;
	Target		target = {NULL};
	bool		found = first;

	if (IsA(node, AlterTableStmt))
	{
		set_added(&target, castNode(AlterTableStmt, node), first, offset);
		return target;
	}
	set_created(&target, node);
	if (first)
		return target;
	switch (nodeTag(node))
	{
		case T_CreateStmt:
			found = set_part(&target, castNode(CreateStmt, node)->tableElts, offset,
							 "column");
			break;
		case T_CreateForeignTableStmt:
			found = set_part(&target,
							 castNode(CreateForeignTableStmt, node)->base.tableElts,
							 offset, "column");
			break;
		case T_CompositeTypeStmt:
			found = set_part(&target, castNode(CompositeTypeStmt, node)->coldeflist,
							 offset, "attribute");
			break;
		case T_CreateDomainStmt:
			found = set_part(&target, castNode(CreateDomainStmt, node)->constraints,
							 offset, "");
			break;
		case T_CreateEnumStmt:
			{
				List	   *labels = castNode(CreateEnumStmt, node)->vals;

				found = commas >= 0 && commas < list_length(labels);
				if (found)
					target.label = strVal(list_nth(labels, commas));
				break;
			}
		default:
			break;
	}
	if (!found)
		target.word = NULL;
	return target;
}

/* Facts of a target's kind that have this path; schema may be NULL. */
static List *
find_facts(const Model *model, const Target *target, const char *schema,
		   bool with_arguments)
{
	const char *name = quote_identifier(target->name);
	List	   *path = NIL;
	List	   *facts = NIL;
	ListCell   *lc;

	if (with_arguments)
	{
		const char *text = psprintf("%s%s", name, target->arguments);

		if (!dbmig_scan_path(&text, &path))
			return NIL;
	}
	else
		path = list_make1(pstrdup(name));
	if (schema)
		path = lcons(pstrdup(quote_identifier(schema)), path);
	if (target->part)
		path = lappend(path, pstrdup(quote_identifier(target->part)));
	foreach(lc, dbmig_find_by_path(model->finder, path))
	{
		if (dbmig_word_means(target->word, ((const DbmigFact *) lfirst(lc))->kind))
			facts = lappend(facts, lfirst(lc));
	}
	return facts;
}

/* The fact that a target is; errors are thrown. */
static DbmigFact *
find_fact(const Model *model, const Target *target, const Hint *hint)
{
	static const char *const global_words[] = {
		"schema", "publication", "server", "foreign data wrapper", "event trigger"
	};
	const char *schema = target->schema ? target->schema : model->schema;
	List	   *facts;

	for (int i = 0; i < (int) lengthof(global_words); i++)
	{
		if (strcmp(target->word, global_words[i]) == 0)
			schema = NULL;
	}
	facts = find_facts(model, target, schema, false);
	if (facts == NIL && target->schema == NULL)
	{
		schema = NULL;
		facts = find_facts(model, target, NULL, false);
	}
	if (list_length(facts) > 1 && target->arguments)
		facts = find_facts(model, target, schema, true);
	if (list_length(facts) != 1)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("comment \"%s\" does not apply to a single %s", hint->text,
					   target->word),
				errhint("Write the schema before the name, or declare the rename as an argument."),
				hint_errcontext(hint));
	return linitial(facts);
}

/* Turn a hint and what it stands before into a request. */
static void
add_request(Model *model, const Hint *hint, const Target *target)
{
	DbmigRenameRequest *request = palloc0(sizeof(DbmigRenameRequest));

	if (target->word == NULL)
		ereport(ERROR,
				errcode(ERRCODE_SYNTAX_ERROR),
				errmsg("comment \"%s\" stands before nothing that can be renamed",
					   hint->text),
				errdetail("It applies to what the next statement creates, or to the next column, named constraint or enum value."),
				hint_errcontext(hint));
	request->text = hint->text;
	request->line = hint->line;
	request->is_from = model->is_from;
	request->fact = find_fact(model, target, hint);
	request->other_path = hint->old_path;
	if (target->label)
	{
		request->label = quote_literal_cstr(target->label);
		request->other_label = dbmig_take_label(&request->other_path);
	}
	model->requests = lappend(model->requests, request);
}

/* Follow the schema in which a model makes what it names without one. */
static void
follow_search_path(Model *model, Node *node)
{
	const VariableSetStmt *stmt;
	ListCell   *lc;

	if (!IsA(node, VariableSetStmt))
		return;
	stmt = castNode(VariableSetStmt, node);
	if (stmt->name == NULL || strcmp(stmt->name, "search_path") != 0)
		return;
	model->schema = "public";
	foreach(lc, stmt->kind == VAR_SET_VALUE ? stmt->args : NIL)
	{
		A_Const    *constant = lfirst(lc);

		if (IsA(constant, A_Const) && !constant->isnull &&
			IsA(&constant->val, String) &&
			strcmp(strVal(&constant->val), "$user") != 0)
		{
			model->schema = strVal(&constant->val);
			break;
		}
	}
}

/* Read tokens, and the hints between them. */
static void
read_hints(Model *model, List *statements)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(model->text, &extra, &ScanKeywords,
										 ScanKeywordTokens);
	core_YYSTYPE value;
	int			start;
	int			end = 0;
	int			line = 1;
	int			depth = 0;
	int			commas = -1;
	int			next = 0;		/* statement */
	const DbmigStatement *statement = NULL;

	extra.escape_string_warning = false;
	for (;;)
	{
		int			token = core_yylex(&value, &start, scanner);
		Hint	   *hint;

		CHECK_FOR_INTERRUPTS();
		if (token == 0)
			start = strlen(model->text);
		hint = find_hint(model->text, end, start, line);
		if (next < list_length(statements) &&
			((const DbmigStatement *) list_nth(statements, next))->start == start)
		{
			statement = list_nth(statements, next++);
			follow_search_path(model, statement->raw->stmt);
			depth = 0;
			commas = -1;
		}
		if (hint)
		{
			Target		target = {NULL};

			if (token != 0 && statement &&
				start < statement->start + statement->length)
				target = find_target(statement, start, depth == 1 ? commas : -1);
			add_request(model, hint, &target);
		}
		if (token == 0)
			break;

		if (token == '(' && depth++ == 0)
			commas = 0;
		else if (token == ')')
			depth--;
		else if (token == ',' && depth == 1)
			commas++;
		line += dbmig_line_number(model->text + end, start - end) - 1;
		end = start;
		/* the scanner ends the text of a token by a zero in its buffer */
		start += strlen(extra.scanbuf + start);
		line += dbmig_line_number(model->text + end, start - end) - 1;
		end = start;
	}
	scanner_finish(scanner);
}

/*
 * The renames that comments in a model declare, a list of DbmigRenameRequest;
 * inventory is what the model says, and is_from tells on which side it is.
 * Errors are thrown, with the line.
 */
List *
dbmig_model_renames(const char *ddl, const DbmigInventory *inventory, bool is_from)
{
	Model		model = {.is_from = is_from,.schema = "public"};
	char	   *clean;
	List	   *statements;

	if (strstr(ddl, mark) == NULL)
		return NIL;
	statements = dbmig_script_parse(dbmig_without_restrict(ddl), "model", &clean);
	model.text = clean;
	model.finder = dbmig_finder_create(inventory);
	read_hints(&model, statements);
	return model.requests;
}
