/*-------------------------------------------------------------------------
 *
 * rename_request.c
 *		What is asked for as a rename, and whether it can be one.
 *
 * A request is an argument, "[KIND] OLD -> NEW", or comes from a comment in a
 * model.  An argument has to apply: the old object must be there, and be wanted
 * no more, while the new one must be wanted, and not be there.  A comment
 * stays in the model after it has done its work, so one that has nothing to do
 * is passed over.
 *
 * Names are those of the old schema left of the arrow and those of the wanted
 * one right of it: what is renamed together with the table that it is part of
 * is "column app.person.full_name -> name", or "… -> app.people.name".
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "base/names.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "parser/scansup.h"
#include "schema/kinds.h"
#include "schema/rename.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* The words for kinds, the longer ones first; a word may mean several. */
static const struct
{
	const char *word;
	const DbmigKind *kind;
}			words[] = {
	{"text search configuration", &dbmig_kind_configuration},
	{"text search dictionary", &dbmig_kind_dictionary},
	{"foreign data wrapper", &dbmig_kind_wrapper},
	{"materialized view", &dbmig_kind_materialized_view},
	{"foreign table", &dbmig_kind_table},
	{"event trigger", &dbmig_kind_event_trigger},
	{"foreign key", &dbmig_kind_foreign_key},
	{"aggregate", &dbmig_kind_aggregate},
	{"attribute", &dbmig_kind_attribute},
	{"collation", &dbmig_kind_collation},
	{"column", &dbmig_kind_column},
	{"column", &dbmig_kind_view_column},
	{"constraint", &dbmig_kind_constraint},
	{"constraint", &dbmig_kind_foreign_key},
	{"constraint", &dbmig_kind_domain_constraint},
	{"domain", &dbmig_kind_domain},
	{"enum", &dbmig_kind_enum},
	{"function", &dbmig_kind_routine},
	{"index", &dbmig_kind_index},
	{"index", &dbmig_kind_view_index},
	{"policy", &dbmig_kind_policy},
	{"procedure", &dbmig_kind_routine},
	{"publication", &dbmig_kind_publication},
	{"rule", &dbmig_kind_rule},
	{"schema", &dbmig_kind_schema},
	{"sequence", &dbmig_kind_sequence},
	{"server", &dbmig_kind_server},
	{"statistics", &dbmig_kind_statistics},
	{"table", &dbmig_kind_table},
	{"trigger", &dbmig_kind_trigger},
	{"type", &dbmig_kind_enum},
	{"type", &dbmig_kind_domain},
	{"type", &dbmig_kind_composite},
	{"type", &dbmig_kind_range},
	{"view", &dbmig_kind_view}
};

static const char enum_value_word[] = "enum value";

/* The end of a fact's path, from some container on. */
typedef struct PathEnd
{
	char	   *path;
	bool		whole;
	DbmigFact  *fact;
} PathEnd;

struct DbmigFinder
{
	PathEnd    *ends;			/* sorted by path */
	int			n;
	int			size;
};

/* "[KIND] OLD -> NEW", taken apart */
typedef struct Declaration
{
	const char *word;			/* NULL: none */
	List	   *old_path;
	List	   *new_path;
	char	   *old_label;		/* of an enum's value */
	char	   *new_label;
} Declaration;

/* What a kind is called in a declaration; NULL if it has no renames. */
const char *
dbmig_rename_word(const DbmigKind *kind)
{
	for (int i = 0; i < (int) lengthof(words); i++)
	{
		/* a foreign table is a table, too */
		if (words[i].kind == kind && strcmp(words[i].word, "foreign table") != 0)
			return words[i].word;
	}
	return NULL;
}

/* Has a kind objects that a statement can rename? */
bool
dbmig_can_be_renamed(const DbmigKind *kind)
{
	return dbmig_rename_word(kind) != NULL;
}

/* May the word mean the kind? */
bool
dbmig_word_means(const char *word, const DbmigKind *kind)
{
	for (int i = 0; i < (int) lengthof(words); i++)
	{
		if (words[i].kind == kind && strcmp(words[i].word, word) == 0)
			return true;
	}
	return false;
}

static void
skip_blanks(const char **p)
{
	while (isspace((unsigned char) **p))
		(*p)++;
}

/*
 * Read a name, which becomes quoted as need be, or a constant, which stays
 * one.  Returns false if there is none.
 */
static bool
scan_name(const char **p, char **name)
{
	const char *start = *p;
	char		quote = *start;
	StringInfoData text;

	if (quote != '"' && quote != '\'')
	{
		while (**p && (IS_HIGHBIT_SET(**p) || isalnum((unsigned char) **p) ||
					   **p == '_' || (**p == '$' && *p > start)))
			(*p)++;
		if (*p == start || isdigit((unsigned char) *start))
			return false;
		*name = pstrdup(quote_identifier(downcase_identifier(start, *p - start,
															 false, false)));
		return true;
	}
	initStringInfo(&text);
	for ((*p)++; **p; (*p)++)
	{
		if (**p == quote && *++(*p) != quote)
			break;
		appendStringInfoChar(&text, **p);
	}
	if ((*p)[-1] != quote || text.len == 0)
		return false;
	*name = quote == '"' ? pstrdup(quote_identifier(text.data)) :
		quote_literal_cstr(text.data);
	return true;
}

/*
 * The arguments of a function as the server writes them, where it knows their
 * types; p stands on the parenthesis.  NULL if there is no end to them.
 */
static char *
scan_arguments(const char **p)
{
	const char *end = strchr(*p, ')');
	StringInfoData text;
	int			level;

	if (end == NULL)
		return NULL;
	initStringInfo(&text);
	level = dbmig_pin_settings();
	for ((*p)++; *p < end; (*p)++)
	{
		const char *start;
		int			length;
		int			depth = 0;
		LOCAL_FCINFO(fcinfo, 1);
		Datum		type;
		char	   *name;

		skip_blanks(p);
		start = *p;
		while (*p < end && (**p != ',' || depth > 0))
		{
			depth += **p == '[' ? 1 : **p == ']' ? -1 : 0;
			(*p)++;
		}
		length = *p - start;
		while (length > 0 && isspace((unsigned char) start[length - 1]))
			length--;
		name = pnstrdup(start, length);
		InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
		fcinfo->args[0].value = CStringGetTextDatum(name);
		fcinfo->args[0].isnull = false;
		type = to_regtype(fcinfo);
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
						 fcinfo->isnull ? name : format_type_be(DatumGetObjectId(type)));
		if (*p == end)
			break;
	}
	*p = end + 1;
	AtEOXact_GUC(false, level);
	return psprintf("(%s)", text.data);
}

/*
 * Read a path of names with dots between them; the last one has the arguments
 * of a function with it.  Returns false if there is none.
 */
bool
dbmig_scan_path(const char **p, List **path)
{
	char	   *name;

	*path = NIL;
	do
	{
		if (*path)
			(*p)++;
		if (!scan_name(p, &name))
			return false;
		*path = lappend(*path, name);
	} while (**p == '.');
	if (**p == '(')
	{
		char	   *arguments = scan_arguments(p);

		if (arguments == NULL)
			return false;
		llast(*path) = psprintf("%s%s", name, arguments);
	}
	return true;
}

/* A list of names, less the last one; the list stays as it is. */
static List *
without_last(List *path)
{
	return list_truncate(list_copy(path), list_length(path) - 1);
}

/* The word that a declaration begins with; NULL if it begins with a name. */
static const char *
scan_word(const char **p)
{
	int			length;

	for (int i = -1; i < (int) lengthof(words); i++)
	{
		const char *word = i < 0 ? enum_value_word : words[i].word;
		const char *rest;

		length = strlen(word);
		rest = *p + length;
		if (pg_strncasecmp(*p, word, length) != 0 || !isspace((unsigned char) *rest))
			continue;
		skip_blanks(&rest);
		if (strncmp(rest, "->", 2) == 0)
			continue;
		*p = rest;
		return word;
	}
	return NULL;
}

/* Take the last name off a path, as the label of an enum's value. */
char *
dbmig_take_label(List **path)
{
	char	   *last = llast(*path);

	*path = without_last(*path);
	if (*last == '\'')
		return last;
	if (*last == '"')
	{
		const char *p = last;
		StringInfoData text;

		initStringInfo(&text);
		for (p++; p[1]; p++)
		{
			appendStringInfoChar(&text, *p);
			if (*p == '"')
				p++;
		}
		last = text.data;
	}
	return quote_literal_cstr(last);
}

/* Take a declaration apart; returns false if it has another form. */
static bool
parse_declaration(const char *text, Declaration *declaration)
{
	const char *p = text;

	memset(declaration, 0, sizeof(Declaration));
	skip_blanks(&p);
	declaration->word = scan_word(&p);
	if (!dbmig_scan_path(&p, &declaration->old_path))
		return false;
	skip_blanks(&p);
	if (strncmp(p, "->", 2) != 0)
		return false;
	p += 2;
	skip_blanks(&p);
	if (!dbmig_scan_path(&p, &declaration->new_path))
		return false;
	skip_blanks(&p);
	if (*p)
		return false;
	if (declaration->word == enum_value_word)
	{
		if (list_length(declaration->old_path) < 2 ||
			list_length(declaration->new_path) != 1)
			return false;
		declaration->old_label = dbmig_take_label(&declaration->old_path);
		declaration->new_label = dbmig_take_label(&declaration->new_path);
		return true;
	}
	return strchr(dbmig_join_texts(declaration->old_path, "."), '\'') == NULL &&
		strchr(dbmig_join_texts(declaration->new_path, "."), '\'') == NULL;
}

static void
add_end(DbmigFinder *finder, char *path, bool whole, DbmigFact *fact)
{
	if (finder->n == finder->size)
	{
		finder->size *= 2;
		finder->ends = repalloc_huge(finder->ends, sizeof(PathEnd) * finder->size);
	}
	finder->ends[finder->n].path = path;
	finder->ends[finder->n].whole = whole;
	finder->ends[finder->n++].fact = fact;
}

static int
compare_ends(const void *a, const void *b)
{
	const PathEnd *end_a = a;
	const PathEnd *end_b = b;
	int			order = strcmp(end_a->path, end_b->path);

	if (order == 0)
		order = end_b->whole - end_a->whole;
	if (order == 0)
		order = end_a->fact->rank - end_b->fact->rank;
	return order != 0 ? order : strcmp(end_a->fact->id, end_b->fact->id);
}

/*
 * Prepare to find facts by their names with some or all of the qualifiers, and
 * functions with or without arguments.
 */
DbmigFinder *
dbmig_finder_create(const DbmigInventory *inventory)
{
	DbmigFinder *finder = palloc(sizeof(DbmigFinder));

	finder->n = 0;
	finder->size = 1024;
	finder->ends = palloc(sizeof(PathEnd) * finder->size);
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];
		char	   *path;
		char	   *bare;

		CHECK_FOR_INTERRUPTS();
		if (!dbmig_can_be_renamed(fact->kind))
			continue;
		path = pstrdup(dbmig_own_name(fact));
		bare = dbmig_bare_name(fact);
		for (const DbmigFact *part = fact;;)
		{
			const DbmigFact *container = dbmig_container(part);

			add_end(finder, path, container == NULL, fact);
			if (strcmp(path, bare) != 0)
				add_end(finder, bare, container == NULL, fact);
			if (container == NULL)
				break;
			path = psprintf("%s.%s", dbmig_own_name(container), path);
			bare = psprintf("%s.%s", dbmig_own_name(container), bare);
			part = container;
		}
	}
	qsort(finder->ends, finder->n, sizeof(PathEnd), compare_ends);
	return finder;
}

/* The facts that a path may mean; only one with all qualifiers, if there is. */
List *
dbmig_find_by_path(const DbmigFinder *finder, List *path)
{
	char	   *wanted = dbmig_join_texts(path, ".");
	List	   *facts = NIL;
	int			low = 0;
	int			high = finder->n;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (strcmp(finder->ends[middle].path, wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (int i = low; i < finder->n; i++)
	{
		const PathEnd *end = &finder->ends[i];

		if (strcmp(end->path, wanted) != 0 ||
			(finder->ends[low].whole && !end->whole))
			break;
		facts = lappend(facts, end->fact);
	}
	return facts;
}

/* Raise an error on a declaration that has another form. */
static void
refuse_form(const char *text)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("rename \"%s\" is not understood", text),
			errdetail("A rename is written as \"[KIND] OLD -> NEW\", for example \"column app.person.full_name -> name\", \"table app.person -> app.people\", \"function app.f(integer) -> g\" or \"enum value app.state.open -> opened\"."));
}

/* What the old side of a declaration means; errors are thrown. */
static DbmigFact *
find_declared(const DbmigFinder *finder, const Declaration *declaration,
			  const char *text)
{
	List	   *facts = NIL;
	StringInfoData detail;
	ListCell   *lc;

	initStringInfo(&detail);
	foreach(lc, dbmig_find_by_path(finder, declaration->old_path))
	{
		DbmigFact  *fact = lfirst(lc);

		if (declaration->word == enum_value_word ?
			fact->kind != &dbmig_kind_enum :
			declaration->word && !dbmig_word_means(declaration->word, fact->kind))
			continue;
		facts = lappend(facts, fact);
		if (list_length(facts) <= 10)
			appendStringInfo(&detail, "%s%s %s", detail.len > 0 ? ", " : "",
							 fact->kind->name, fact->id);
	}
	if (facts == NIL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("rename \"%s\": the old schema has no such object", text));
	if (list_length(facts) > 1)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("rename \"%s\" is ambiguous", text),
				errdetail("It could be %s%s.", detail.data,
						  list_length(facts) > 10 ? ", or others" : ""),
				errhint("Write the kind, the schema, and the arguments of a function."));
	return linitial(facts);
}

/*
 * The requests in a list of String; errors are thrown.  The result refers to
 * the texts.
 */
List *
dbmig_rename_requests(List *texts, const DbmigInventory *from)
{
	DbmigFinder *finder = texts ? dbmig_finder_create(from) : NULL;
	List	   *requests = NIL;
	ListCell   *lc;

	foreach(lc, texts)
	{
		const char *text = strVal(lfirst(lc));
		DbmigRenameRequest *request = palloc0(sizeof(DbmigRenameRequest));
		Declaration declaration;

		CHECK_FOR_INTERRUPTS();
		if (!parse_declaration(text, &declaration))
			refuse_form(text);
		request->text = text;
		request->is_from = true;
		request->fact = find_declared(finder, &declaration, text);
		request->label = declaration.old_label;
		request->other_label = declaration.new_label;
		request->other_path = declaration.new_path;
		requests = lappend(requests, request);
	}
	return requests;
}

/* Add the place of a request to an error. */
static void
request_error_callback(void *arg)
{
	const DbmigRenameRequest *request = arg;

	if (request->line > 0)
		errcontext("model, line %d", request->line);
}

static void
refuse_twice(const char *text)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("rename \"%s\" contradicts another one", text),
			errdetail("Each object can be renamed once, and to a name of its own."));
}

static void
refuse_not_wanted(const char *text)
{
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("rename \"%s\": the wanted schema has no such object", text));
}

static void
refuse_both_wanted(const char *text)
{
	ereport(ERROR,
			errcode(ERRCODE_DUPLICATE_OBJECT),
			errmsg("rename \"%s\": the old name is wanted too", text),
			errdetail("The wanted schema has an object with the old name and one with the new name."));
}

static void
refuse_taken(const char *text)
{
	ereport(ERROR,
			errcode(ERRCODE_DUPLICATE_OBJECT),
			errmsg("rename \"%s\": the new name is taken in the old schema", text),
			errhint("Rename what has it as well, or drop it before."));
}

/* Find the rename of an enum's value; NULL if there is none. */
static const DbmigRename *
find_label(const DbmigRenames *renames, const DbmigFact *fact, const char *label)
{
	ListCell   *lc;

	foreach(lc, renames->list)
	{
		const DbmigRename *rename = lfirst(lc);

		if (rename->from_label &&
			((rename->from == fact && strcmp(rename->from_label, label) == 0) ||
			 (rename->to == fact && strcmp(rename->to_label, label) == 0)))
			return rename;
	}
	return NULL;
}

static void
resolve_label(DbmigRenames *renames, const DbmigRenameRequest *request)
{
	DbmigFact  *other = dbmig_counterpart(renames, request->fact);
	List	   *labels = dbmig_enum_labels(request->fact);
	List	   *other_labels = other ? dbmig_enum_labels(other) : NIL;
	bool		found = dbmig_has_label(other_labels, request->other_label);

	if (request->line > 0)
	{
		if (!found || dbmig_has_label(other_labels, request->label) ||
			find_label(renames, request->fact, request->label) ||
			find_label(renames, other, request->other_label))
			return;
	}
	else if (!dbmig_has_label(labels, request->label))
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("rename \"%s\": the old schema has no such object",
					   request->text),
				errdetail("The values of type %s are %s.", request->fact->id,
						  dbmig_fact_value(request->fact, "labels")));
	else if (!found)
		refuse_not_wanted(request->text);
	else if (strcmp(request->label, request->other_label) == 0)
		refuse_form(request->text);
	else if (find_label(renames, request->fact, request->label) ||
			 find_label(renames, other, request->other_label))
		refuse_twice(request->text);

	if (request->is_from)
		dbmig_rename_add_label(renames, request->fact, request->label,
							   other, request->other_label, request);
	else
		dbmig_rename_add_label(renames, other, request->other_label,
							   request->fact, request->label, request);
}

/*
 * The only function of this name in a schema; NULL if there is none or there
 * are several.  The types of its arguments may be renamed with it.
 */
static DbmigFact *
find_only_function(const DbmigInventory *inventory, const DbmigFact *like,
				   const DbmigFact *schema, const char *name)
{
	DbmigFact  *found = NULL;

	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];

		if (fact->rank != like->rank || dbmig_container(fact) != schema ||
			strcmp(dbmig_bare_name(fact), name) != 0)
			continue;
		if (found)
			return NULL;
		found = fact;
	}
	return found;
}

/* What a request's object is to be in the other schema; NULL if not there. */
static DbmigFact *
find_other(const DbmigRenames *renames, const DbmigRenameRequest *request)
{
	const DbmigInventory *other = request->is_from ? renames->to : renames->from;
	DbmigFact  *container = dbmig_container(request->fact);
	DbmigFact  *place = NULL;
	List	   *qualifier = without_last(request->other_path);
	const char *own = dbmig_own_name(request->fact);
	const char *name = llast(request->other_path);

	if (container == NULL && qualifier)
		return NULL;
	if (container && container->kind == &dbmig_kind_schema && qualifier)
	{
		if (list_length(qualifier) > 1)
			return NULL;
		place = dbmig_find_within(other, container, NULL, linitial(qualifier));
	}
	else if (container)
		place = dbmig_counterpart(renames, container);
	if (container && place == NULL)
		return NULL;
	if (qualifier && place->kind != &dbmig_kind_schema)
	{
		char	   *path = dbmig_join_texts(qualifier, ".");

		/* with or without the schema */
		if (strcmp(path, place->id) != 0 && strcmp(path, dbmig_own_name(place)) != 0)
			ereport(ERROR,
					errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("rename \"%s\" would move a part of %s to %s",
						   request->text, container->id, path),
					errhint("Rename %s as well if they are the same.", container->id));
	}
	if (name[dbmig_name_length(name)] == '\0' && own[dbmig_name_length(own)] != '\0')
	{
		DbmigFact  *found =
			dbmig_find_within(other, request->fact, place,
							  psprintf("%s%s", name, own + dbmig_name_length(own)));

		return found ? found :
			find_only_function(other, request->fact, place, name);
	}
	return dbmig_find_within(other, request->fact, place, name);
}

static void
resolve(DbmigRenames *renames, const DbmigRenameRequest *request)
{
	DbmigFact  *fact = request->fact;
	DbmigFact  *other;

	if (request->label)
	{
		resolve_label(renames, request);
		return;
	}
	other = find_other(renames, request);
	if (request->line > 0)
	{
		if (other == NULL || dbmig_counterpart(renames, fact) ||
			dbmig_rename_of(renames, other))
			return;
	}
	else if (other == NULL)
		refuse_not_wanted(request->text);
	else if (dbmig_rename_of(renames, fact) || dbmig_rename_of(renames, other))
		refuse_twice(request->text);
	else if (dbmig_counterpart(renames, fact) == other)
		refuse_form(request->text);

	if (request->is_from)
		dbmig_rename_add(renames, fact, other, request);
	else
		dbmig_rename_add(renames, other, fact, request);
}

/* What has a fact's name on the other side, and is not renamed; or NULL. */
static DbmigFact *
namesake(const DbmigRenames *renames, const DbmigFact *fact,
		 const DbmigInventory *other)
{
	DbmigFact  *place = dbmig_container(fact);
	DbmigFact  *found;

	if (place)
	{
		place = dbmig_counterpart(renames, place);
		if (place == NULL)
			return NULL;
	}
	found = dbmig_find_within(other, fact, place, dbmig_own_name(fact));
	return found && dbmig_rename_of(renames, found) ? NULL : found;
}

/* Is there what would make a rename wrong? */
static void
check(const DbmigRenames *renames, const DbmigRename *rename)
{
	if (rename->from_label)
	{
		if (dbmig_has_label(dbmig_enum_labels(rename->to), rename->from_label) &&
			!find_label(renames, rename->to, rename->from_label))
			refuse_both_wanted(rename->request->text);
		if (dbmig_has_label(dbmig_enum_labels(rename->from), rename->to_label) &&
			!find_label(renames, rename->from, rename->to_label))
			refuse_taken(rename->request->text);
		return;
	}
	if (namesake(renames, rename->from, renames->to))
		refuse_both_wanted(rename->request->text);
	if (namesake(renames, rename->to, renames->from))
		refuse_taken(rename->request->text);
}

static int
depth(const DbmigRenameRequest *request)
{
	int			n = request->label ? 1 : 0;

	for (const DbmigFact *fact = request->fact; fact; fact = dbmig_container(fact))
		n++;
	return n;
}

/* Containers first, for the same depth arguments before the model. */
static int
compare_requests(const ListCell *a, const ListCell *b)
{
	const DbmigRenameRequest *request_a = lfirst(a);
	const DbmigRenameRequest *request_b = lfirst(b);
	int			order = depth(request_a) - depth(request_b);

	if (order == 0)
		order = request_a->line - request_b->line;
	return order != 0 ? order : strcmp(request_a->text, request_b->text);
}

/*
 * Turn requests into renames; errors are thrown.  The result is in the current
 * memory context and refers to the inventories.
 */
DbmigRenames *
dbmig_resolve_renames(const DbmigInventory *from, const DbmigInventory *to,
					  List *requests)
{
	DbmigRenames *renames = dbmig_renames_create(from, to);
	ErrorContextCallback callback;
	ListCell   *lc;

	list_sort(requests, compare_requests);
	callback.callback = request_error_callback;
	callback.previous = error_context_stack;
	foreach(lc, requests)
	{
		CHECK_FOR_INTERRUPTS();
		callback.arg = lfirst(lc);
		error_context_stack = &callback;
		resolve(renames, lfirst(lc));
		error_context_stack = callback.previous;
	}
	foreach(lc, renames->list)
	{
		DbmigRename *rename = lfirst(lc);

		callback.arg = unconstify(DbmigRenameRequest *, rename->request);
		error_context_stack = &callback;
		check(renames, rename);
		error_context_stack = callback.previous;
	}
	return renames;
}
