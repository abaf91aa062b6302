/*-------------------------------------------------------------------------
 *
 * shim.c
 *		The few server functions that the fuzzed files call.
 *
 * Each palloc is a malloc of its own, so that the address sanitizer sees its
 * bounds; shim_free_all() ends the only memory context.  An ereport(ERROR)
 * formats its texts, runs the error context callbacks and jumps to shim_error.
 * Lists, heaps and hash tables do what they promise, slowly.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/binaryheap.h"
#include "lib/ilist.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "shim.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* ---------------- memory ---------------- */

MemoryContext CurrentMemoryContext = NULL;

/* In front of each piece; of a size that keeps the alignment. */
typedef struct Piece
{
	dlist_node	link;
	Size		size;
	uint64		unused;
} Piece;

static dlist_head pieces = DLIST_STATIC_INIT(pieces);

void *
palloc(Size size)
{
	Piece	   *piece;

	if (!AllocSizeIsValid(size))
		elog(ERROR, "invalid memory alloc request size %zu", size);
	piece = malloc(sizeof(Piece) + size);
	if (piece == NULL)
		abort();
	piece->size = size;
	dlist_push_head(&pieces, &piece->link);
	return piece + 1;
}

void *
palloc0(Size size)
{
	return memset(palloc(size), 0, size);
}

void
pfree(void *pointer)
{
	Piece	   *piece = (Piece *) pointer - 1;

	dlist_delete(&piece->link);
	free(piece);
}

void *
repalloc(void *pointer, Size size)
{
	void	   *new = palloc(size);

	memcpy(new, pointer, Min(size, ((Piece *) pointer - 1)->size));
	pfree(pointer);
	return new;
}

char *
pnstrdup(const char *in, Size len)
{
	char	   *out;

	len = strnlen(in, len);
	out = palloc(len + 1);
	memcpy(out, in, len);
	out[len] = '\0';
	return out;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

void
shim_free_all(void)
{
	while (!dlist_is_empty(&pieces))
		pfree(dlist_container(Piece, link, dlist_head_node(&pieces)) + 1);
}

/* ---------------- errors ---------------- */

sigjmp_buf	shim_error;
ErrorContextCallback *error_context_stack = NULL;
volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

/* The sanitizer looks at what is formatted. */
static int
format(const char *fmt, va_list args)
{
	char		text[256];

	return vsnprintf(text, sizeof(text), fmt, args);
}

#define FORMAT_ARGUMENTS(fmt) \
	do { \
		va_list		args; \
		va_start(args, fmt); \
		(void) format(fmt, args); \
		va_end(args); \
		return 0; \
	} while (0)

int
errmsg(const char *fmt,...)
{
	FORMAT_ARGUMENTS(fmt);
}

int
errmsg_internal(const char *fmt,...)
{
	FORMAT_ARGUMENTS(fmt);
}

int
errdetail(const char *fmt,...)
{
	FORMAT_ARGUMENTS(fmt);
}

int
errhint(const char *fmt,...)
{
	FORMAT_ARGUMENTS(fmt);
}

int
errcontext_msg(const char *fmt,...)
{
	FORMAT_ARGUMENTS(fmt);
}

int
errcode(int sqlerrcode)
{
	/* XX000 is for what cannot happen */
	SHIM_CHECK(sqlerrcode != ERRCODE_INTERNAL_ERROR);
	return 0;
}

int
set_errcontext_domain(const char *domain)
{
	return 0;
}

bool
errstart(int elevel, const char *domain)
{
	SHIM_CHECK(elevel == ERROR);
	return true;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *filename, int lineno, const char *funcname)
{
	for (ErrorContextCallback *item = error_context_stack; item; item = item->previous)
		item->callback(item->arg);
	error_context_stack = NULL;
	siglongjmp(shim_error, 1);
}

/* The server's versions declare it with different parameters after this one. */
extern void assertion_failed(const char *condition) __asm__("ExceptionalCondition");

void
assertion_failed(const char *condition)
{
	fprintf(stderr, "assertion failed: %s\n", condition);
	abort();
}

/* ---------------- containers ---------------- */

List *
lappend(List *list, void *datum)
{
	if (list == NIL)
	{
		list = palloc0(sizeof(List));
		list->type = T_List;
		list->elements = palloc(sizeof(ListCell));
	}
	else
		list->elements = repalloc(list->elements,
								  (list->length + 1) * sizeof(ListCell));
	list->elements[list->length++].ptr_value = datum;
	return list;
}

binaryheap *
binaryheap_allocate(int capacity, binaryheap_comparator compare, void *arg)
{
	binaryheap *heap = palloc0(offsetof(binaryheap, bh_nodes) +
							   capacity * sizeof(heap->bh_nodes[0]));

	heap->bh_space = capacity;
	heap->bh_compare = compare;
	heap->bh_arg = arg;
	return heap;
}

void
binaryheap_add(binaryheap *heap, Datum d)
{
	SHIM_CHECK(heap->bh_size < heap->bh_space);
	heap->bh_nodes[heap->bh_size++] = d;
}

Datum
binaryheap_remove_first(binaryheap *heap)
{
	int			first = 0;
	Datum		result;

	SHIM_CHECK(heap->bh_size > 0);
	for (int i = 1; i < heap->bh_size; i++)
	{
		if (heap->bh_compare(heap->bh_nodes[i], heap->bh_nodes[first], heap->bh_arg) > 0)
			first = i;
	}
	result = heap->bh_nodes[first];
	heap->bh_nodes[first] = heap->bh_nodes[--heap->bh_size];
	return result;
}

void
binaryheap_free(binaryheap *heap)
{
	pfree(heap);
}

struct HTAB
{
	HASHCTL		control;
	List	   *entries;
};

HTAB *
hash_create(const char *tabname, long nelem, const HASHCTL *info, int flags)
{
	HTAB	   *table = palloc0(sizeof(HTAB));

	SHIM_CHECK(flags & HASH_FUNCTION && flags & HASH_COMPARE);
	table->control = *info;
	return table;
}

void *
hash_search(HTAB *table, const void *key, HASHACTION action, bool *found)
{
	ListCell   *lc;
	void	   *entry = NULL;

	SHIM_CHECK(action == HASH_FIND || action == HASH_ENTER);
	foreach(lc, table->entries)
	{
		if (table->control.match(lfirst(lc), key, table->control.keysize) != 0)
			continue;
		entry = lfirst(lc);
		/* equal keys have equal hashes */
		SHIM_CHECK(table->control.hash(entry, table->control.keysize) ==
				   table->control.hash(key, table->control.keysize));
		break;
	}
	if (found)
		*found = (entry != NULL);
	if (entry == NULL && action == HASH_ENTER)
	{
		entry = palloc(table->control.entrysize);
		memcpy(entry, key, table->control.keysize);
		table->entries = lappend(table->entries, entry);
	}
	return entry;
}

/* ---------------- values ---------------- */

int
pg_mbstrlen(const char *text)
{
	int			count = 0;

	for (; *text; text += pg_encoding_mblen(PG_UTF8, text))
		count++;
	return count;
}

bool
parse_bool(const char *value, bool *result)
{
	*result = (pg_strcasecmp(value, "yes") == 0);
	return *result || pg_strcasecmp(value, "no") == 0;
}

/* Only whether a value is a time matters here, not which one it is. */
Datum
timestamptz_in(PG_FUNCTION_ARGS)
{
	const char *value = PG_GETARG_CSTRING(0);

	if (value[0] < '0' || value[0] > '9')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_DATETIME_FORMAT),
				errmsg("invalid input syntax for a time: \"%s\"", value));
	PG_RETURN_TIMESTAMPTZ(value[0] - '0');
}

Datum
DirectFunctionCall3Coll(PGFunction function, Oid collation, Datum arg1,
						Datum arg2, Datum arg3)
{
	LOCAL_FCINFO(fcinfo, 3);

	InitFunctionCallInfoData(*fcinfo, NULL, 3, collation, NULL, NULL);
	fcinfo->args[0].value = arg1;
	fcinfo->args[1].value = arg2;
	fcinfo->args[2].value = arg3;
	return function(fcinfo);
}

int
NewGUCNestLevel(void)
{
	return 1;
}

void
AtEOXact_GUC(bool isCommit, int nestLevel)
{
}

int
set_config_option(const char *name, const char *value, GucContext context,
				  GucSource source, GucAction action, bool changeVal,
				  int elevel, bool is_reload)
{
	return 1;
}
