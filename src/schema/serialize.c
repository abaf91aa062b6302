/*-------------------------------------------------------------------------
 *
 * serialize.c
 *		Inventories as jsonb, and their fingerprints.
 *
 * An inventory is written as an object with the number of the format, the
 * facts in their order, and what is not managed.  A fact refers to others by
 * their places in that order, so nothing of it depends on the database, and
 * one that is read is as good as one that was just made from the catalogs.
 *
 * An attribute goes by its name.  One that the writer did not know has no
 * value, one that the reader does not know is passed over; a kind that the
 * reader does not know is an error, since a fact left out would look as if it
 * had been dropped.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "miscadmin.h"
#include "schema/schema.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* Raised when a kind's meaning changes so that old texts would be misread. */
#define INVENTORY_FORMAT 1

static void
push_key(JsonbParseState **state, const char *key)
{
	JsonbValue	value;

	value.type = jbvString;
	value.val.string.val = unconstify(char *, key);
	value.val.string.len = strlen(key);
	(void) pushJsonbValue(state, WJB_KEY, &value);
}

/* Add a text to an array, or behind a key; NULL and its key are left out. */
static void
push_text(JsonbParseState **state, const char *key, const char *text)
{
	JsonbValue	value;

	if (text == NULL)
		return;
	if (key)
		push_key(state, key);
	value.type = jbvString;
	value.val.string.val = unconstify(char *, text);
	value.val.string.len = strlen(text);
	(void) pushJsonbValue(state, key ? WJB_VALUE : WJB_ELEM, &value);
}

static void
push_number(JsonbParseState **state, const char *key, int number)
{
	JsonbValue	value;

	if (key)
		push_key(state, key);
	value.type = jbvNumeric;
	value.val.numeric = int64_to_numeric(number);
	(void) pushJsonbValue(state, key ? WJB_VALUE : WJB_ELEM, &value);
}


/* What stored inventories call a kind; no other is called so. */
static const char *
stored_name(const DbmigKind *kind)
{
	return kind->stored_as ? kind->stored_as : kind->name;
}

/* Is the fact still one of the inventory's?  Some are left out after reading. */
static bool
is_in(const DbmigInventory *inventory, const DbmigFact *fact)
{
	return fact->place >= 0 && fact->place < inventory->n &&
		inventory->facts[fact->place] == fact;
}

static void
push_fact(JsonbParseState **state, const DbmigInventory *inventory,
		  const DbmigFact *fact)
{
	ListCell   *lc;

	(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	push_text(state, "kind", stored_name(fact->kind));
	push_text(state, "id", fact->id);
	push_text(state, "slot", fact->slot);
	push_text(state, "comment", fact->comment);
	if (fact->parent)
		push_number(state, "parent", fact->parent->place);
	if (fact->keeper && is_in(inventory, fact->keeper))
		push_number(state, "keeper", fact->keeper->place);
	push_key(state, "references");
	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, fact->references)
	{
		const DbmigFact *used = lfirst(lc);

		if (is_in(inventory, used))
			push_number(state, NULL, used->place);
	}
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
	push_key(state, "attributes");
	(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < fact->kind->nrules; i++)
		push_text(state, fact->kind->rules[i].attribute, fact->values[i]);
	(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
	(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/* An inventory as jsonb; the result is in the current memory context. */
Jsonb *
dbmig_inventory_to_jsonb(const DbmigInventory *inventory)
{
	JsonbParseState *state = NULL;
	JsonbValue *result;
	ListCell   *lc;

	for (int i = 0; i < inventory->n; i++)
		inventory->facts[i]->place = i;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_number(&state, "format", INVENTORY_FORMAT);
	push_key(&state, "facts");
	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < inventory->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		push_fact(&state, inventory, inventory->facts[i]);
	}
	(void) pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	push_key(&state, "not_managed");
	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, inventory->unmanaged)
	{
		const DbmigUnmanaged *object = lfirst(lc);

		(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		push_text(&state, "kind", object->kind);
		push_text(&state, "id", object->id);
		(void) pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	(void) pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	result = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(result);
}

/* Raise that a text is not what dbmig_inventory_to_jsonb() writes. */
static void
raise_malformed(void)
{
	ereport(ERROR,
			errcode(ERRCODE_DATA_CORRUPTED),
			errmsg("stored inventory is malformed"));
}

/* A member of an object; false when it has none of this name. */
static bool
get_member(JsonbContainer *object, const char *key, enum jbvType type,
		   JsonbValue *value)
{
	if (getKeyJsonValueFromContainer(object, key, strlen(key), value) == NULL)
		return false;
	if (value->type != type)
		raise_malformed();
	return true;
}

/* A text member; NULL when there is none. */
static char *
get_text(JsonbContainer *object, const char *key)
{
	JsonbValue	value;

	if (!get_member(object, key, jbvString, &value))
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static int
number_of(const JsonbValue *value)
{
	return DatumGetInt32(DirectFunctionCall1(numeric_int4,
											 NumericGetDatum(value->val.numeric)));
}

/* The fact at a place that a member names; NULL when there is none. */
static DbmigFact *
get_fact(const DbmigInventory *inventory, JsonbContainer *object, const char *key)
{
	JsonbValue	value;
	int			place;

	if (!get_member(object, key, jbvNumeric, &value))
		return NULL;
	place = number_of(&value);
	if (place < 0 || place >= inventory->n)
		raise_malformed();
	return inventory->facts[place];
}

static int
rank_of(const char *name)
{
	for (int rank = 0; rank < dbmig_nkinds; rank++)
	{
		if (strcmp(stored_name(dbmig_kinds[rank]), name) == 0)
			return rank;
	}
	ereport(ERROR,
			errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("stored inventory holds objects of kind \"%s\", which are not known",
				   name),
			errdetail("It was written by a later version of databrain_migrate."));
}

/* The next element of an array; false at its end. */
static bool
next_element(JsonbIterator **iterator, enum jbvType type, JsonbValue *value)
{
	JsonbIteratorToken token = JsonbIteratorNext(iterator, value, true);

	if (token == WJB_BEGIN_ARRAY)
		token = JsonbIteratorNext(iterator, value, true);
	if (token != WJB_ELEM)
		return false;
	if (value->type != type)
		raise_malformed();
	return true;
}

/* What a fact says of itself. */
static DbmigFact *
read_fact(JsonbContainer *object)
{
	DbmigFact  *fact = palloc0(sizeof(DbmigFact));
	char	   *kind = get_text(object, "kind");
	JsonbValue	attributes;

	fact->id = get_text(object, "id");
	if (kind == NULL || fact->id == NULL ||
		!get_member(object, "attributes", jbvBinary, &attributes))
		raise_malformed();
	fact->rank = rank_of(kind);
	fact->kind = dbmig_kinds[fact->rank];
	fact->slot = get_text(object, "slot");
	fact->comment = get_text(object, "comment");
	fact->values = palloc(sizeof(char *) * (fact->kind->nrules + 1));
	for (int i = 0; i < fact->kind->nrules; i++)
		fact->values[i] = get_text(attributes.val.binary.data,
								   fact->kind->rules[i].attribute);
	pfree(kind);
	return fact;
}

/* What a fact says of others, which are known by now. */
static void
read_references(const DbmigInventory *inventory, DbmigFact *fact,
				JsonbContainer *object)
{
	JsonbValue	value;
	JsonbIterator *iterator;

	fact->parent = get_fact(inventory, object, "parent");
	fact->keeper = get_fact(inventory, object, "keeper");
	if (fact->parent)
		fact->parent->children = lappend(fact->parent->children, fact);
	if (!get_member(object, "references", jbvBinary, &value))
		raise_malformed();
	iterator = JsonbIteratorInit(value.val.binary.data);
	while (next_element(&iterator, jbvNumeric, &value))
	{
		int			place = number_of(&value);

		if (place < 0 || place >= inventory->n)
			raise_malformed();
		fact->references = lappend(fact->references, inventory->facts[place]);
		inventory->facts[place]->users =
			lappend(inventory->facts[place]->users, fact);
	}
}

/* The container of a member that is an array. */
static JsonbContainer *
get_array(Jsonb *jsonb, const char *key)
{
	JsonbValue	value;

	if (!get_member(&jsonb->root, key, jbvBinary, &value) ||
		!JsonContainerIsArray(value.val.binary.data))
		raise_malformed();
	return value.val.binary.data;
}

/*
 * The inventory that a jsonb describes; it is in the current memory context
 * and does not refer to the jsonb.
 */
DbmigInventory *
dbmig_inventory_from_jsonb(Jsonb *jsonb)
{
	DbmigInventory *inventory = palloc0(sizeof(DbmigInventory));
	JsonbContainer *facts;
	JsonbIterator *iterator;
	JsonbValue	value;
	int			n = 0;

	if (!JB_ROOT_IS_OBJECT(jsonb) ||
		!get_member(&jsonb->root, "format", jbvNumeric, &value))
		raise_malformed();
	if (number_of(&value) != INVENTORY_FORMAT)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("stored inventory has format %d, which is not supported",
					   number_of(&value)));

	facts = get_array(jsonb, "facts");
	inventory->facts = palloc_extended(sizeof(DbmigFact *) *
									   (JsonContainerSize(facts) + 1),
									   MCXT_ALLOC_HUGE);
	iterator = JsonbIteratorInit(facts);
	while (next_element(&iterator, jbvBinary, &value))
	{
		CHECK_FOR_INTERRUPTS();
		inventory->facts[inventory->n++] = read_fact(value.val.binary.data);
	}
	iterator = JsonbIteratorInit(facts);
	while (next_element(&iterator, jbvBinary, &value))
	{
		CHECK_FOR_INTERRUPTS();
		read_references(inventory, inventory->facts[n++], value.val.binary.data);
	}

	iterator = JsonbIteratorInit(get_array(jsonb, "not_managed"));
	while (next_element(&iterator, jbvBinary, &value))
	{
		DbmigUnmanaged *object = palloc(sizeof(DbmigUnmanaged));

		object->kind = get_text(value.val.binary.data, "kind");
		object->id = get_text(value.val.binary.data, "id");
		inventory->unmanaged = lappend(inventory->unmanaged, object);
	}
	dbmig_inventory_sort(inventory);
	return inventory;
}

/*
 * SHA-256, in hex, over everything that two inventories are compared by.  Two
 * that have the same fingerprint are the same schema; two that differ may
 * still be, where the server deparsed an expression in two ways.
 */
char *
dbmig_inventory_fingerprint(const DbmigInventory *inventory)
{
	pg_cryptohash_ctx *hash = dbmig_hash_begin();

	for (int i = 0; i < inventory->n; i++)
	{
		const DbmigFact *fact = inventory->facts[i];

		CHECK_FOR_INTERRUPTS();
		dbmig_hash_text(hash, fact->kind->name);
		dbmig_hash_text(hash, fact->id);
		dbmig_hash_text(hash, fact->comment);
		for (int k = 0; k < fact->kind->nrules; k++)
		{
			if (fact->kind->rules[k].how == DBMIG_INFO || fact->values[k] == NULL)
				continue;
			dbmig_hash_text(hash, fact->kind->rules[k].attribute);
			dbmig_hash_text(hash, fact->values[k]);
		}
	}
	return dbmig_hash_end(hash);
}
