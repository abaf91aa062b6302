/*-------------------------------------------------------------------------
 *
 * spelling.c
 *		Which texts mean the same, as the sandbox once found out.
 *
 * Two facts whose expressions differ are read again in a sandbox, which tells
 * the attributes that differ in their spelling only; see compare.c.  What came
 * of it is kept with the inventory of one side, so that the same question needs
 * no sandbox again.  The other side's fact is known by a hash of all that it
 * says; a note is that hash, and the attributes that mean the same, if any,
 * each behind a blank.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "engine/kept.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Beyond this many notes the old ones are forgotten. */
#define MAX_NOTES 20000

/* A pair of facts, before it is settled. */
typedef struct Question
{
	const DbmigFact *from;
	const DbmigFact *to;
	char	   *hash;
	Bitmapset  *attributes;		/* whose texts differ */
	char	  **values;			/* of "from", as they were */
} Question;

/* A note in a hash table. */
typedef struct Note
{
	char		hash[DBMIG_HASH_DIGITS];	/* the key */
	const char *attributes;
} Note;

static char *
fact_hash(const DbmigFact *fact)
{
	pg_cryptohash_ctx *hash = dbmig_hash_begin();

	dbmig_hash_text(hash, fact->kind->name);
	dbmig_hash_text(hash, fact->id);
	for (int i = 0; i < fact->kind->nrules; i++)
		dbmig_hash_text(hash, fact->values[i]);
	return dbmig_hash_end(hash);
}

/* The attributes whose expressions have different texts. */
static Bitmapset *
differing(const DbmigFact *a, const DbmigFact *b)
{
	Bitmapset  *result = NULL;

	for (int i = 0; i < a->kind->nrules; i++)
	{
		if ((a->kind->rules[i].flags & DBMIG_EXPRESSION) &&
			a->values[i] && b->values[i] &&
			strcmp(a->values[i], b->values[i]) != 0)
			result = bms_add_member(result, i);
	}
	return result;
}

/* Do the texts of expressions differ? */
bool
dbmig_is_spelled_differently(const DbmigFact *a, const DbmigFact *b)
{
	return differing(a, b) != NULL;
}

/*
 * The pairs that are spelled differently, as a list of Question.  is_from says
 * on which side what is not kept stands.
 */
List *
dbmig_spelling_questions(const DbmigInventory *from, const DbmigInventory *to,
						 bool is_from)
{
	List	   *result = NIL;

	for (int i = 0; i < from->n; i++)
	{
		const DbmigFact *fact = from->facts[i];
		const DbmigFact *twin = dbmig_inventory_find(to, fact);
		Bitmapset  *attributes = twin ? differing(fact, twin) : NULL;
		Question   *question;

		CHECK_FOR_INTERRUPTS();
		if (attributes == NULL)
			continue;
		question = palloc(sizeof(Question));
		question->from = fact;
		question->to = twin;
		question->hash = fact_hash(is_from ? fact : twin);
		question->attributes = attributes;
		question->values = palloc(sizeof(char *) * fact->kind->nrules);
		memcpy(question->values, fact->values,
			   sizeof(char *) * fact->kind->nrules);
		result = lappend(result, question);
	}
	return result;
}

/* Give both sides the same text where a note says that they mean the same. */
static void
follow_note(const Question *question, const char *attributes)
{
	const DbmigKind *kind = question->from->kind;

	for (int i = -1; (i = bms_next_member(question->attributes, i)) >= 0;)
	{
		const char *name = kind->rules[i].attribute;
		size_t		length = strlen(name);

		for (const char *at = attributes; *at == ' '; at += strcspn(at, " "))
		{
			at++;
			if (strncmp(at, name, length) == 0 &&
				(at[length] == ' ' || at[length] == '\0'))
				question->from->values[i] = question->to->values[i];
		}
	}
}

/*
 * Answer questions from notes, if all can be.  Returns whether they could;
 * if not, nothing is changed.
 */
bool
dbmig_spelling_answer(const DbmigKept *row, List *questions)
{
	HASHCTL		control = {0};
	HTAB	   *notes;
	bool		all = true;
	List	   *answers = NIL;
	ListCell   *lc;

	if (questions == NIL)
		return true;
	if (row == NULL || row->nspellings == 0)
		return false;
	control.keysize = DBMIG_HASH_DIGITS;
	control.entrysize = sizeof(Note);
	control.hcxt = CurrentMemoryContext;
	notes = hash_create("dbmig spellings", row->nspellings, &control,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < row->nspellings; i++)
	{
		Note	   *note;

		if (strlen(row->spellings[i]) < control.keysize)
			continue;
		note = hash_search(notes, row->spellings[i], HASH_ENTER, NULL);
		note->attributes = row->spellings[i] + control.keysize;
	}
	foreach(lc, questions)
	{
		const Question *question = lfirst(lc);
		const Note *note = hash_search(notes, question->hash, HASH_FIND, NULL);

		CHECK_FOR_INTERRUPTS();
		if (note == NULL)
		{
			all = false;
			break;
		}
		answers = lappend(answers, unconstify(char *, note->attributes));
	}
	hash_destroy(notes);
	for (int i = 0; all && i < list_length(questions); i++)
		follow_note(list_nth(questions, i), list_nth(answers, i));
	return all;
}

/*
 * Let the side "from" say what it said before it was settled, or again what it
 * says since.
 */
void
dbmig_spelling_swap(List *questions)
{
	ListCell   *lc;

	foreach(lc, questions)
	{
		const Question *question = lfirst(lc);

		for (int i = -1; (i = bms_next_member(question->attributes, i)) >= 0;)
		{
			char	   *value = question->from->values[i];

			question->from->values[i] = question->values[i];
			question->values[i] = value;
		}
	}
}

/*
 * Note what questions came to, now that they are settled.  Of notes on the same
 * the last one counts.
 */
void
dbmig_spelling_note(DbmigKept *row, List *questions)
{
	int			old = row->nspellings > MAX_NOTES ? 0 : row->nspellings;
	char	  **notes = palloc_extended(sizeof(char *) *
										(old + list_length(questions) + 1),
										MCXT_ALLOC_HUGE);
	ListCell   *lc;

	if (old > 0)
		memcpy(notes, row->spellings, sizeof(char *) * old);
	foreach(lc, questions)
	{
		const Question *question = lfirst(lc);
		StringInfoData note;

		initStringInfo(&note);
		appendStringInfoString(&note, question->hash);
		for (int i = -1; (i = bms_next_member(question->attributes, i)) >= 0;)
		{
			if (dbmig_same_value(question->from->values[i], question->to->values[i]))
				appendStringInfo(&note, " %s",
								 question->from->kind->rules[i].attribute);
		}
		notes[old++] = note.data;
	}
	row->spellings = notes;
	row->nspellings = old;
}
