/*-------------------------------------------------------------------------
 *
 * drift.c
 *		How the live schema differs from what the applied revisions build, object
 *		by object.
 *
 * One comparison gives both directions: the statements that bring the live
 * schema back (repair), and those that the revisions lack (adopt).  Each
 * statement belongs to a difference: the topmost fact that is missing or not
 * expected, or one whose attributes changed.  What is only torn down and made
 * again on account of another object belongs to that one, and is no difference
 * of its own.
 *
 * The differences are put in an order in which their repairs can run one after
 * another, and their adoptions the other way round.  Differences that wait for
 * each other are knotted: the first one has the statements of all.  So are those
 * of one table when a part of it is replaced, and of a sequence and who owns it:
 * there the order of statements holds more than references say.
 *
 * Who changed an object, the recorded DDL tells by its identity.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "engine/compare.h"
#include "engine/drift.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* A difference: a row of the result, and a node of the graph. */
typedef struct Difference
{
	DbmigDrift *row;
	const DbmigFact *fact;		/* the live one, if there is one */
	bool		missing;		/* or only the wanted one */
	int			first;			/* place of its first statement */
	bool		drops;			/* what its repair does */
	bool		creates;
	List	   *next;			/* Difference, whose repairs come later */
	/* to find knots */
	int			number;			/* as visited; 0: not yet */
	int			low;			/* lowest number that can be reached */
	bool		stacked;
	ListCell   *at;				/* edge being followed */
	struct Difference *knot;	/* the first one of its knot */
} Difference;

/* Which difference a fact belongs to. */
typedef struct Belonging
{
	const DbmigFact *fact;		/* the key; must be first */
	Difference *difference;
} Belonging;

typedef struct Drifting
{
	HTAB	   *belongings;
	List	   *differences;	/* Difference */
	List	   *repair;			/* DbmigAction, in order */
	List	   *adopt;
	List	   *sorted;			/* Difference, in the order of the result */
	List	   *stack;
	int			visited;
} Drifting;

/* The differences of an object and its parts. */
typedef struct Whole
{
	const DbmigFact *fact;		/* the key; must be first */
	List	   *differences;
	bool		replaced;		/* is any of them replaced? */
} Whole;

/* An identity on record, and the newest command about it. */
typedef struct Trace
{
	char	   *identity;
	const DbmigDdl *ddl;
} Trace;

typedef struct Traces
{
	Trace	   *traces;			/* by identity, each once */
	int			n;
} Traces;

/* ---------------- differences ---------------- */

static Difference *
find_difference(const Drifting *drifting, const DbmigFact *fact)
{
	Belonging  *found = hash_search(drifting->belongings, &fact, HASH_FIND, NULL);

	return found ? found->difference : NULL;
}

static void
set_belonging(Drifting *drifting, const DbmigFact *fact, Difference *difference)
{
	Belonging  *entry = hash_search(drifting->belongings, &fact, HASH_ENTER, NULL);

	entry->difference = difference;
}

/* A value as part of a sentence, or NULL if it does not fit in one. */
static const char *
short_value(const char *value)
{
	if (value == NULL || *value == '\0')
		return _("none");
	return strlen(value) <= 60 && strchr(value, '\n') == NULL ? value : NULL;
}

/* Say how the attributes of a pair differ. */
static char *
describe_change(const DbmigFact *live, const DbmigFact *wanted, List *attributes)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfoString(&text, "changed:");
	foreach(lc, attributes)
	{
		const char *attribute = lfirst(lc);
		bool		is_comment = strcmp(attribute, "comment") == 0;
		const char *is = short_value(is_comment ? live->comment :
									 dbmig_fact_value(live, attribute));
		const char *was = short_value(is_comment ? wanted->comment :
									  dbmig_fact_value(wanted, attribute));

		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(&text, ',');
		appendStringInfoChar(&text, ' ');
		if (strcmp(attribute, "acl") == 0)
		{
			appendStringInfoString(&text, "privileges");
			continue;
		}
		for (const char *p = attribute; *p; p++)
			appendStringInfoChar(&text, *p == '_' ? ' ' : *p);
		if (is && was)
			appendStringInfo(&text, " is %s instead of %s", is, was);
	}
	return text.data;
}

static Difference *
add_difference(Drifting *drifting, const DbmigFact *fact, const char *what)
{
	Difference *difference = palloc0(sizeof(Difference));

	difference->row = palloc0(sizeof(DbmigDrift));
	difference->row->kind = fact->kind->name;
	difference->row->id = fact->id;
	difference->row->difference = what;
	difference->fact = fact;
	difference->missing = strcmp(what, "missing") == 0;
	difference->first = INT_MAX;
	difference->knot = difference;
	drifting->differences = lappend(drifting->differences, difference);
	set_belonging(drifting, fact, difference);
	if (fact->twin)
		set_belonging(drifting, fact->twin, difference);
	return difference;
}

/*
 * Find the differences of one inventory's facts.  A part of what is not in the
 * other inventory belongs to it; parents come before their parts.
 */
static void
find_differences(Drifting *drifting, const DbmigInventory *inventory, bool live)
{
	for (int i = 0; i < inventory->n; i++)
	{
		const DbmigFact *fact = inventory->facts[i];
		Difference *above;
		List	   *attributes;

		CHECK_FOR_INTERRUPTS();
		if (fact->twin == NULL)
		{
			above = fact->parent && fact->parent->twin == NULL ?
				find_difference(drifting, fact->parent) : NULL;
			if (above)
				set_belonging(drifting, fact, above);
			else
				(void) add_difference(drifting, fact,
									  live ? "unexpected" : "missing");
		}
		else if (live)
		{
			attributes = dbmig_changed_attributes(fact, fact->twin);
			if (attributes)
				(void) add_difference(drifting, fact,
									  describe_change(fact, fact->twin, attributes));
		}
	}
}

/*
 * Let what is torn down only for others belong to the difference that it is
 * torn down for; asked of the inventory that a diff has led from.
 */
static void
spread(Drifting *drifting, const DbmigInventory *from)
{
	List	   *queue = NIL;

	for (int i = 0; i < from->n; i++)
	{
		if (find_difference(drifting, from->facts[i]))
			queue = lappend(queue, from->facts[i]);
	}
	/* the queue grows while it is walked */
	for (int i = 0; i < list_length(queue); i++)
	{
		const DbmigFact *used = list_nth(queue, i);
		ListCell   *lc;

		CHECK_FOR_INTERRUPTS();
		foreach(lc, used->users)
		{
			DbmigFact  *user = lfirst(lc);

			if (!(user->torn || user->rebuilt) || find_difference(drifting, user))
				continue;
			set_belonging(drifting, user, find_difference(drifting, used));
			if (user->twin)
				set_belonging(drifting, user->twin, find_difference(drifting, used));
			queue = lappend(queue, user);
		}
	}
}

/* The difference that a statement belongs to. */
static Difference *
difference_of(Drifting *drifting, const DbmigAction *action)
{
	Difference *difference;

	for (const DbmigFact *fact = action->fact; fact; fact = fact->parent)
	{
		difference = find_difference(drifting, fact);
		if (difference)
			return difference;
	}
	/* nothing of its own has changed, and still it has to */
	return add_difference(drifting, action->fact, "changed");
}

/* Let one difference be repaired before another one. */
static void
add_edge(Difference *first, Difference *second)
{
	if (first == second ||
		(first->next && llast(first->next) == second))
		return;
	first->next = lappend(first->next, second);
}

/*
 * Can a statement run anytime, because what it changes stays?  Comments and
 * privileges come last in either direction, but need not.
 */
static bool
can_run_anytime(const DbmigAction *action)
{
	return action->anytime && action->fact->made == NULL;
}

/*
 * Note what the order of statements means for the differences.  Adoptions go
 * the other way round.
 */
static void
add_edges(Drifting *drifting, List *actions, bool repair)
{
	ListCell   *lc;
	ListCell   *next;

	foreach(lc, actions)
	{
		const DbmigAction *action = lfirst(lc);
		Difference *difference = difference_of(drifting, action);

		CHECK_FOR_INTERRUPTS();
		if (repair)
		{
			difference->first = Min(difference->first, foreach_current_index(lc));
			difference->drops |= strcmp(action->change, "drop") == 0;
			difference->creates |= strcmp(action->change, "create") == 0;
		}
		foreach(next, action->next)
		{
			Difference *other = difference_of(drifting, lfirst(next));

			if (can_run_anytime(action) || can_run_anytime(lfirst(next)))
				continue;
			if (repair)
				add_edge(difference, other);
			else
				add_edge(other, difference);
		}
	}
}

/* Make two differences one knot. */
static void
knot(Difference *a, Difference *b)
{
	if (a == NULL || b == NULL)
		return;
	add_edge(a, b);
	add_edge(b, a);
}

/* The difference of a column, by its name. */
static Difference *
difference_of_column(const Drifting *drifting, const DbmigInventory *inventory,
					 const char *name)
{
	DbmigFact	key = {.kind = &dbmig_kind_column};
	const DbmigFact *column;

	key.id = unconstify(char *, name);
	while (dbmig_kinds[key.rank] != key.kind)
		key.rank++;
	column = dbmig_inventory_find(inventory, &key);
	return column ? find_difference(drifting, column) : NULL;
}

/* Knot sequences with the columns that own them, in one inventory. */
static void
knot_owned_sequences(const Drifting *drifting, const DbmigInventory *inventory)
{
	for (int i = 0; i < inventory->n; i++)
	{
		const DbmigFact *fact = inventory->facts[i];

		CHECK_FOR_INTERRUPTS();
		if (fact->kind == &dbmig_kind_ownership)
			knot(find_difference(drifting, fact),
				 difference_of_column(drifting, inventory,
									  dbmig_fact_value(fact, "column")));
	}
}

/* The object that a difference is about or within, live if it is. */
static const DbmigFact *
whole_of(const Difference *difference)
{
	const DbmigFact *fact = dbmig_fact_whole(difference->fact);

	return difference->missing && fact->twin ? fact->twin : fact;
}

/* Knot the differences of each object of which a part is replaced. */
static void
knot_replaced_parts(const Drifting *drifting)
{
	HASHCTL		ctl = {
		.keysize = sizeof(const DbmigFact *),.entrysize = sizeof(Whole),
		.hcxt = CurrentMemoryContext
	};
	HTAB	   *wholes = hash_create("dbmig drift wholes", 256, &ctl,
									 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	HASH_SEQ_STATUS status;
	Whole	   *whole;
	ListCell   *lc;

	foreach(lc, drifting->differences)
	{
		Difference *difference = lfirst(lc);
		const DbmigFact *key = whole_of(difference);
		bool		found;

		whole = hash_search(wholes, &key, HASH_ENTER, &found);
		if (!found)
		{
			whole->differences = NIL;
			whole->replaced = false;
		}
		whole->differences = lappend(whole->differences, difference);
		whole->replaced |= difference->drops && difference->creates;
	}
	hash_seq_init(&status, wholes);
	while ((whole = hash_seq_search(&status)) != NULL)
	{
		foreach(lc, whole->replaced ? whole->differences : NIL)
			knot(linitial(whole->differences), lfirst(lc));
	}
	hash_destroy(wholes);
}

/* ---------------- order ---------------- */

static int
compare_first(const ListCell *a, const ListCell *b)
{
	const Difference *difference_a = lfirst(a);
	const Difference *difference_b = lfirst(b);

	if (difference_a->first != difference_b->first)
		return difference_a->first < difference_b->first ? -1 : 1;
	return strcmp(difference_a->row->id, difference_b->row->id);
}

static void
enter(Drifting *drifting, Difference *difference)
{
	difference->number = difference->low = ++drifting->visited;
	difference->stacked = true;
	difference->at = list_head(difference->next);
	drifting->stack = lappend(drifting->stack, difference);
}

/* Take a knot off the stack: all above its root, and the root. */
static void
close_knot(Drifting *drifting, const Difference *root)
{
	List	   *members = NIL;
	Difference *member;
	ListCell   *lc;

	do
	{
		member = llast(drifting->stack);
		drifting->stack = list_delete_last(drifting->stack);
		member->stacked = false;
		members = lappend(members, member);
	} while (member != root);

	list_sort(members, compare_first);
	foreach(lc, members)
		((Difference *) lfirst(lc))->knot = linitial(members);
	/* what comes out first comes last */
	for (int i = list_length(members) - 1; i >= 0; i--)
		drifting->sorted = lappend(drifting->sorted, list_nth(members, i));
}

/*
 * Tarjan's algorithm, without recursion.  It yields the knots such that each
 * comes behind all that it points at: in the reverse of the order wanted.
 */
static void
visit(Drifting *drifting, Difference *start)
{
	List	   *path = list_make1(start);

	enter(drifting, start);
	while (path)
	{
		Difference *difference = llast(path);

		CHECK_FOR_INTERRUPTS();
		if (difference->at)
		{
			Difference *next = lfirst(difference->at);

			difference->at = lnext(difference->next, difference->at);
			if (next->number == 0)
			{
				enter(drifting, next);
				path = lappend(path, next);
			}
			else if (next->stacked)
				difference->low = Min(difference->low, next->number);
			continue;
		}
		path = list_delete_last(path);
		if (path)
			((Difference *) llast(path))->low =
				Min(((Difference *) llast(path))->low, difference->low);
		if (difference->low == difference->number)
			close_knot(drifting, difference);
	}
}

/* Put the differences in order; ties fall as the statements stand. */
static void
sort_differences(Drifting *drifting)
{
	List	   *reversed;

	list_sort(drifting->differences, compare_first);
	for (int i = list_length(drifting->differences) - 1; i >= 0; i--)
	{
		Difference *difference = list_nth(drifting->differences, i);

		list_sort(difference->next, compare_first);
		if (difference->number == 0)
			visit(drifting, difference);
	}
	reversed = drifting->sorted;
	drifting->sorted = NIL;
	for (int i = list_length(reversed) - 1; i >= 0; i--)
		drifting->sorted = lappend(drifting->sorted, list_nth(reversed, i));
}

/* ---------------- statements ---------------- */

/* Add a statement to the text of a knot. */
static void
append_action(StringInfoData *text, const DbmigAction *action)
{
	if (text->data == NULL)
		initStringInfo(text);
	/* a body may name what a later statement makes */
	if (text->len == 0 && action->fact->kind == &dbmig_kind_routine &&
		strcmp(action->change, "drop") != 0)
		appendStringInfoString(text, "SET check_function_bodies = off;\n");
	if (text->len > 0 && text->data[text->len - 1] != '\n')
		appendStringInfoChar(text, '\n');
	if (action->hazard)
		dbmig_write_comment(text, "Hazard: ", action->hazard);
	appendStringInfo(text, "%s;", action->statement);
}

/*
 * Give the first difference of each knot its statements; repair says which.
 * Statements of one row are joined in one pass over all.
 */
static void
write_statements(Drifting *drifting, List *actions, bool repair)
{
	int			n = list_length(drifting->sorted);
	StringInfoData *texts = palloc0(sizeof(StringInfoData) * (n + 1));
	ListCell   *lc;

	/* from here on a number is the place in the result */
	foreach(lc, drifting->sorted)
		((Difference *) lfirst(lc))->number = foreach_current_index(lc);
	foreach(lc, actions)
	{
		const Difference *knot = difference_of(drifting, lfirst(lc))->knot;

		CHECK_FOR_INTERRUPTS();
		append_action(&texts[knot->number], lfirst(lc));
	}
	foreach(lc, drifting->sorted)
	{
		DbmigDrift *row = ((Difference *) lfirst(lc))->row;
		char	   *text = texts[foreach_current_index(lc)].data;

		if (repair)
			row->repair = text;
		else
			row->adopt = text;
	}
	pfree(texts);
}

/* ---------------- who ---------------- */

/*
 * An identity without what the server's and ours are written differently in:
 * blanks between arguments, and the schema of the system's types.
 */
static char *
plain_identity(const char *identity)
{
	static const char catalog[] = "pg_catalog.";
	char	   *plain = palloc(strlen(identity) + 1);
	char	   *to = plain;

	while (*identity)
	{
		if (*identity == ' ')
			identity++;
		else if (strncmp(identity, catalog, strlen(catalog)) == 0)
			identity += strlen(catalog);
		else
			*to++ = *identity++;
	}
	*to = '\0';
	return plain;
}

/* For which objects of ALTER DEFAULT PRIVILEGES the letter stands. */
static const char *
default_privileges_of(char letter)
{
	switch (letter)
	{
		case 'r':
			return "TABLES";
		case 'S':
			return "SEQUENCES";
		case 'f':
			return "FUNCTIONS";
		case 'T':
			return "TYPES";
		default:
			return "SCHEMAS";
	}
}

/* How the server calls a fact. */
static char *
server_identity(const DbmigFact *fact)
{
	const char *whole = fact->parent ? fact->parent->id : "";
	size_t		length = strlen(whole);

	if (fact->kind == &dbmig_kind_default_privileges)
		return plain_identity(default_privileges_of(fact->id[strlen(fact->id) - 1]));
	/* "table name" is a constraint, trigger, policy or rule of the table */
	if (length > 0 && strncmp(fact->id, whole, length) == 0 && fact->id[length] == ' ')
		return plain_identity(psprintf("%s on %s", fact->id + length + 1, whole));
	return plain_identity(fact->id);
}

/* By identity; the newest first. */
static int
compare_traces(const void *a, const void *b)
{
	const Trace *trace_a = a;
	const Trace *trace_b = b;
	int			order = strcmp(trace_a->identity, trace_b->identity);

	if (order != 0)
		return order;
	if (trace_a->ddl->recorded_at != trace_b->ddl->recorded_at)
		return trace_a->ddl->recorded_at > trace_b->ddl->recorded_at ? -1 : 1;
	return 0;
}

static int
compare_identities(const void *a, const void *b)
{
	return strcmp(((const Trace *) a)->identity, ((const Trace *) b)->identity);
}

/* Sort what is recorded by object, and leave of each the newest. */
static void
read_traces(Traces *traces)
{
	List	   *rows = dbmig_ddl_list();
	Size		size = 0;
	int			all = 0;
	ListCell   *lc;

	foreach(lc, rows)
		size += ((const DbmigDdl *) lfirst(lc))->nobjects;
	traces->traces = MemoryContextAllocHuge(CurrentMemoryContext,
											sizeof(Trace) * (size + 1));
	foreach(lc, rows)
	{
		const DbmigDdl *row = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < row->nobjects; i++)
		{
			traces->traces[all].identity = plain_identity(row->identities[i]);
			traces->traces[all++].ddl = row;
		}
	}
	qsort(traces->traces, all, sizeof(Trace), compare_traces);
	traces->n = 0;
	for (int i = 0; i < all; i++)
	{
		if (traces->n == 0 ||
			strcmp(traces->traces[i].identity, traces->traces[traces->n - 1].identity) != 0)
			traces->traces[traces->n++] = traces->traces[i];
	}
}

/*
 * Who changed a fact last?  Where nothing is recorded of it, what was done to
 * the object that it is part of counts.
 */
static const DbmigDdl *
find_trace(const Traces *traces, const DbmigFact *fact)
{
	for (; fact; fact = fact->parent)
	{
		Trace		key = {server_identity(fact), NULL};
		const Trace *found = bsearch(&key, traces->traces, traces->n, sizeof(Trace),
									 compare_identities);

		if (found)
			return found->ddl;
	}
	return NULL;
}

/*
 * The differences between the live schema and what the applied revisions of a
 * project build: a list of DbmigDrift, in an order in which the repairs run.
 */
List *
dbmig_find_drift(const DbmigProject *project)
{
	Drifting	drifting = {0};
	HASHCTL		ctl = {
		.keysize = sizeof(const DbmigFact *),.entrysize = sizeof(Belonging),
		.hcxt = CurrentMemoryContext
	};
	const char *role = quote_identifier(dbmig_current_role());
	char	   *revisions = psprintf("revision:%s", dbmig_heads_text(project));
	DbmigComparison *comparison = dbmig_compare(project->name, "live", revisions, NULL);
	Traces		traces;
	List	   *rows = NIL;
	ListCell   *lc;

	drifting.belongings = hash_create("dbmig drift", 1024, &ctl,
									  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	/* a diff writes into the facts: what it says of them is read at once */
	drifting.repair = dbmig_diff(comparison->from, comparison->to, role)->actions;
	find_differences(&drifting, comparison->from, true);
	find_differences(&drifting, comparison->to, false);
	spread(&drifting, comparison->from);
	add_edges(&drifting, drifting.repair, true);
	drifting.adopt = dbmig_diff(comparison->to, comparison->from, role)->actions;
	spread(&drifting, comparison->to);
	add_edges(&drifting, drifting.adopt, false);

	knot_owned_sequences(&drifting, comparison->from);
	knot_owned_sequences(&drifting, comparison->to);
	knot_replaced_parts(&drifting);

	sort_differences(&drifting);
	write_statements(&drifting, drifting.repair, true);
	write_statements(&drifting, drifting.adopt, false);

	if (drifting.sorted == NIL)
		return NIL;
	read_traces(&traces);
	foreach(lc, drifting.sorted)
	{
		const Difference *difference = lfirst(lc);
		const DbmigDdl *ddl = find_trace(&traces, difference->fact);

		CHECK_FOR_INTERRUPTS();
		if (ddl)
		{
			difference->row->changed_by = ddl->role;
			difference->row->has_changed_at = true;
			difference->row->changed_at = ddl->recorded_at;
		}
		rows = lappend(rows, difference->row);
	}
	return rows;
}
