/*-------------------------------------------------------------------------
 *
 * rename_guess.c
 *		Renames that nobody declared.
 *
 * The server names constraints, indexes and sequences after their table and
 * columns.  When a table or column is renamed they keep their names, while a
 * schema written with the new names gives them others: such a pair is renamed
 * along.
 *
 * Beyond that, nothing is renamed unasked.  What goes and what comes, with the
 * same content in the same place, is only said to look like a rename.  So is a
 * value of an enum in whose place another one comes.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "schema/kinds.h"
#include "schema/rename.h"
#include "utils/builtins.h"

/* A fact that has no twin, and what it holds. */
typedef struct Candidate
{
	char	   *content;
	DbmigFact  *fact;
} Candidate;

/* What the server puts behind a name that it makes up. */
static const char *const default_labels[] = {
	"pkey", "key", "fkey", "check", "excl", "idx", "seq", "stat"
};

static bool
is_name_character(char c)
{
	return IS_HIGHBIT_SET(c) || isalnum((unsigned char) c) || c == '_' || c == '$';
}

/*
 * Append a text, with a mark in the place of every occurrence of a name.  What
 * is nothing but the name means something else.
 */
static void
append_without(StringInfo text, const char *value, const char *name)
{
	int			length = strlen(name);
	const char *start = value;
	const char *found;

	while (strcmp(start, name) != 0 && (found = strstr(value, name)) != NULL)
	{
		bool		inside = (found > start && is_name_character(found[-1])) ||
			is_name_character(found[length]);

		appendBinaryStringInfo(text, value, found - value);
		if (inside)
			appendBinaryStringInfo(text, found, length);
		else
			appendStringInfoChar(text, '\1');
		value = found + length;
	}
	appendStringInfoString(text, value);
}

/* The label that a name ends with, or NULL. */
static const char *
default_label(const char *name)
{
	const char *end = strrchr(name, '_');

	for (int i = 0; end && *name != '"' && i < (int) lengthof(default_labels); i++)
	{
		int			length = strlen(default_labels[i]);

		if (strncmp(end + 1, default_labels[i], length) == 0 &&
			strspn(end + 1 + length, "0123456789") == strlen(end + 1 + length))
			return default_labels[i];
	}
	return NULL;
}

/* Can the server have made up a name for a part of this table? */
static bool
is_made_up(const char *name, const DbmigFact *table)
{
	const char *of = dbmig_own_name(table);

	return strncmp(name, of, strlen(of)) == 0 && name[strlen(of)] == '_';
}

/* The table that a fact is named after; NULL if it is of no such kind. */
static const DbmigFact *
named_after(const DbmigFact *fact)
{
	if (fact->kind == &dbmig_kind_sequence)
		return fact->keeper && fact->keeper->kind == &dbmig_kind_column ?
			fact->keeper->parent : NULL;
	if (fact->kind == &dbmig_kind_constraint ||
		fact->kind == &dbmig_kind_foreign_key ||
		fact->kind == &dbmig_kind_index ||
		fact->kind == &dbmig_kind_statistics)
		return fact->parent;
	return NULL;
}

/*
 * A text that is the same for two facts of a kind which differ in their names
 * only: where the fact is, and what it holds.
 */
static char *
content_of(const DbmigFact *fact)
{
	const DbmigFact *container = dbmig_container(fact);
	char	   *name = dbmig_bare_name(fact);
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%d %s", fact->rank, container ? container->id : "");
	for (int i = 0; i < fact->kind->nrules; i++)
	{
		if (fact->kind->rules[i].how == DBMIG_INFO || fact->values[i] == NULL ||
			strcmp(fact->kind->rules[i].attribute, "name") == 0)
			continue;
		appendStringInfo(&text, "\n%d ", i);
		append_without(&text, fact->values[i], name);
	}
	if (fact->kind == &dbmig_kind_table || fact->kind == &dbmig_kind_composite)
	{
		ListCell   *lc;

		foreach(lc, fact->children)
		{
			const DbmigFact *child = lfirst(lc);

			if (child->kind == &dbmig_kind_column ||
				child->kind == &dbmig_kind_attribute)
				appendStringInfo(&text, "\n%s %s", dbmig_own_name(child),
								 dbmig_fact_value(child, "type"));
		}
	}
	return text.data;
}

static int
compare_candidates(const void *a, const void *b)
{
	const Candidate *candidate_a = a;
	const Candidate *candidate_b = b;
	int			order = strcmp(candidate_a->content, candidate_b->content);

	return order != 0 ? order :
		strcmp(candidate_a->fact->id, candidate_b->fact->id);
}

/*
 * The facts of one side that may have been named by the server and have no
 * namesake on the other side, sorted.  The old ones may be named after what
 * their table was called before.
 */
static Candidate *
default_named(const DbmigInventory *inventory, const DbmigInventory *other,
			  bool wanted, int *n)
{
	Candidate  *candidates = palloc(sizeof(Candidate) * (inventory->n + 1));

	*n = 0;
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];
		const DbmigFact *table = named_after(fact);
		const char *label;

		CHECK_FOR_INTERRUPTS();
		if (table == NULL || dbmig_inventory_find(other, fact))
			continue;
		label = default_label(dbmig_bare_name(fact));
		if (label == NULL || (wanted && !is_made_up(dbmig_bare_name(fact), table)))
			continue;
		candidates[*n].fact = fact;
		candidates[(*n)++].content =
			psprintf("%s %s", label, fact->kind == &dbmig_kind_sequence ?
					 fact->keeper->id : content_of(fact));
	}
	qsort(candidates, *n, sizeof(Candidate), compare_candidates);
	return candidates;
}

/* How many candidates, from this one on, have the same content? */
static int
group_size(const Candidate *candidates, int n)
{
	int			size = 1;

	while (size < n && strcmp(candidates[0].content, candidates[size].content) == 0)
		size++;
	return size;
}

/*
 * What is named by the server after tables and columns whose names are other
 * ones now.  The names of the tables and columns themselves agree already.
 */
DbmigRenames *
dbmig_default_renames(const DbmigInventory *from, const DbmigInventory *to)
{
	DbmigRenames *renames = dbmig_renames_create(from, to);
	int			nold;
	int			nnew;
	Candidate  *old = default_named(from, to, false, &nold);
	Candidate  *new = default_named(to, from, true, &nnew);
	int			i = 0;
	int			k = 0;

	while (i < nold && k < nnew)
	{
		int			order = strcmp(old[i].content, new[k].content);
		int			old_size = group_size(old + i, nold - i);
		int			new_size = group_size(new + k, nnew - k);

		CHECK_FOR_INTERRUPTS();
		/* of several that are alike nobody knows which is which */
		if (order == 0 && old_size == 1 && new_size == 1)
			(void) dbmig_rename_add(renames, old[i].fact, new[k].fact, NULL);
		if (order <= 0)
			i += old_size;
		if (order >= 0)
			k += new_size;
	}
	return renames;
}

/*
 * The facts of one side that come or go for good, each by a statement of its
 * own, while what they are in stays; sorted.
 */
static Candidate *
lonely(const DbmigInventory *inventory, bool gone, int *n)
{
	Candidate  *candidates = palloc(sizeof(Candidate) * (inventory->n + 1));

	*n = 0;
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];
		const DbmigAction *action = gone ? fact->gone : fact->made;
		const DbmigFact *container;

		CHECK_FOR_INTERRUPTS();
		if (fact->twin || action == NULL || action->fact != fact ||
			!dbmig_can_be_renamed(fact->kind))
			continue;
		container = dbmig_container(fact);
		if (container && container->twin == NULL)
			continue;
		candidates[*n].fact = fact;
		candidates[(*n)++].content = content_of(fact);
	}
	qsort(candidates, *n, sizeof(Candidate), compare_candidates);
	return candidates;
}

/* Add to a hazard that something may be meant as a rename. */
static void
add_likely_rename(DbmigAction *action, const char *word, const char *path,
				  const char *name)
{
	action->hazard = psprintf("%s%slooks like a rename to %s: declare it as \"%s %s -> %s\"",
							  action->hazard ? action->hazard : "",
							  action->hazard ? "; " : "", name, word, path, name);
}

/* A label, which is a constant, as a declaration may have it. */
static const char *
declared_label(const char *label)
{
	size_t		length = strlen(label);

	/* a plain name can do without quotes */
	if (label[0] == '\'' && label[1] >= 'a' && label[1] <= 'z' &&
		strspn(label + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") == length - 2)
		return pnstrdup(label + 1, length - 2);
	return label;
}

/* How many labels, from one on, are not among others? */
static int
strangers(List *labels, int from, List *others)
{
	int			n = 0;

	while (from + n < list_length(labels) &&
		   !dbmig_has_label(others, list_nth(labels, from + n)))
		n++;
	return n;
}

/*
 * Note of an enum that is swapped which values may be meant as renamed: one goes
 * and one comes between the same neighbours.
 */
static void
note_likely_labels(const DbmigFact *before, DbmigAction *action)
{
	List	   *old = dbmig_enum_labels(before);
	List	   *new = dbmig_enum_labels(before->twin);
	int			i = 0;
	int			k = 0;

	while (i < list_length(old) && k < list_length(new))
	{
		int			gone = strangers(old, i, new);
		int			come = strangers(new, k, old);

		CHECK_FOR_INTERRUPTS();
		if (gone == 1 && come == 1)
			add_likely_rename(action, "enum value",
							  psprintf("%s.%s", dbmig_path(before),
									   declared_label(list_nth(old, i))),
							  declared_label(list_nth(new, k)));
		i += gone;
		k += come;
		/* neighbours in another order say nothing */
		if (i < list_length(old) && k < list_length(new) &&
			strcmp(list_nth(old, i), list_nth(new, k)) != 0)
			break;
		i++;
		k++;
	}
}

/* Add to the hazards of drops that they may be meant as renames. */
void
dbmig_note_likely_renames(DbmigDiff *diff)
{
	int			nold;
	int			nnew;
	Candidate  *old = lonely(diff->from, true, &nold);
	Candidate  *new = lonely(diff->to, false, &nnew);
	int			i = 0;
	int			k = 0;

	while (i < nold && k < nnew)
	{
		int			order = strcmp(old[i].content, new[k].content);
		DbmigFact  *fact = old[i].fact;

		CHECK_FOR_INTERRUPTS();
		if (order == 0)
			add_likely_rename(fact->gone, dbmig_rename_word(fact->kind),
							  dbmig_path(fact), dbmig_bare_name(new[k].fact));
		if (order <= 0)
			i++;
		if (order >= 0)
			k++;
	}
	for (i = 0; i < diff->from->n; i++)
	{
		const DbmigFact *fact = diff->from->facts[i];

		if (fact->kind == &dbmig_kind_enum && fact->twin && fact->rebuilt &&
			fact->twin->altered)
			note_likely_labels(fact, linitial(fact->twin->altered));
	}
}
