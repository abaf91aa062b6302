/*-------------------------------------------------------------------------
 *
 * facts.c
 *		Reads what schemas hold, by a few queries over the whole of them.
 *
 * Each kind's query yields one row a fact, all text: where the object is in
 * the catalogs, where its parent is, who else takes it along when dropped, its
 * name, the name it takes up, and the kind's attributes.  Texts that the
 * server deparses depend on search_path and other settings, so these are
 * pinned while the queries run: every name that is not the system's comes out
 * qualified.
 *
 * References come from pg_depend alone.  It names objects that are no facts,
 * parts of one: a view's rule, a table's row type, an index that a constraint
 * owns.  They are resolved to the fact they belong to.  What belongs to an
 * extension is resolved to the extension, and is no fact itself.
 *
 * An inventory is made in the memory context that is current for the call, and
 * is not tied to the transaction.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "schema/schema.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* A fact by its address, or by that of something that is part of it. */
typedef struct Place
{
	DbmigAddress address;		/* the key; must be first */
	DbmigFact  *fact;			/* NULL: left out */
	bool		is_member;		/* of an extension */
	DbmigAddress extension;		/* which, if so */
} Place;

typedef struct Reader
{
	MemoryContext context;		/* of the inventory */
	Datum		schemas;		/* oid[] */
	HTAB	   *places;
	DbmigFact **facts;
	int			n;
	int			size;
} Reader;

/*
 * What belongs to which fact.  The parts come first; whole and part are found
 * by address, and a whole may be a part of another one.
 */
static const char parts_query[] =
"SELECT 'pg_type'::regclass::oid, t.oid, 0, 'pg_class'::regclass::oid, t.typrelid, 0"
"  FROM pg_type t WHERE t.typrelid <> 0 AND t.typnamespace IN (SELECT unnest($1)) "
"UNION ALL "
"SELECT 'pg_type'::regclass::oid, e.typarray, 0, 'pg_type'::regclass::oid, e.oid, 0"
"  FROM pg_type e WHERE e.typarray <> 0 AND e.typnamespace IN (SELECT unnest($1)) "
"UNION ALL "
"SELECT 'pg_type'::regclass::oid, r.rngmultitypid, 0, 'pg_type'::regclass::oid, r.rngtypid, 0"
"  FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid WHERE t.typnamespace IN (SELECT unnest($1)) "
"UNION ALL "
"SELECT 'pg_type'::regclass::oid, m.typarray, 0, 'pg_type'::regclass::oid, r.rngtypid, 0"
"  FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN pg_type m ON m.oid = r.rngmultitypid"
"  WHERE t.typnamespace IN (SELECT unnest($1)) "
"UNION ALL "
/* the constructors of a range type */
"SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, 0"
"  FROM pg_depend d JOIN pg_type t ON t.oid = d.refobjid"
"  WHERE d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'"
"  AND d.classid = 'pg_proc'::regclass AND t.typnamespace IN (SELECT unnest($1)) "
"UNION ALL "
/* a view's own rule */
"SELECT 'pg_rewrite'::regclass::oid, r.oid, 0, 'pg_class'::regclass::oid, r.ev_class, 0"
"  FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class"
"  WHERE r.rulename = '_RETURN' AND c.relnamespace IN (SELECT unnest($1)) "
"UNION ALL "
/* the index of a constraint, and the sequence of an identity column */
"SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, d.refobjsubid"
"  FROM pg_depend d JOIN pg_class c ON c.oid = d.objid"
"  WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'i' AND d.objsubid = 0"
"  AND c.relkind IN ('i', 'I', 'S') AND c.relnamespace IN (SELECT unnest($1))"
"  AND d.refclassid IN ('pg_constraint'::regclass, 'pg_class'::regclass) "
"UNION ALL "
/* the members of an operator class */
"SELECT d.classid, d.objid, 0, d.refclassid, d.refobjid, 0"
"  FROM pg_depend d JOIN pg_opclass o ON o.oid = d.refobjid"
"  WHERE d.refclassid = 'pg_opclass'::regclass"
"  AND d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND o.opcnamespace IN (SELECT unnest($1)) "
"UNION ALL "
/* what stands for a foreign key towards each partition */
"SELECT 'pg_constraint'::regclass::oid, k.oid, 0, 'pg_constraint'::regclass::oid, p.oid, 0"
"  FROM pg_constraint k JOIN pg_constraint p ON p.oid = k.conparentid"
"  WHERE k.contype = 'f' AND p.conrelid = k.conrelid AND k.connamespace IN (SELECT unnest($1)) "
"UNION ALL "
/* the expression of a generated column */
"SELECT 'pg_attrdef'::regclass::oid, d.oid, 0, 'pg_class'::regclass::oid, d.adrelid, d.adnum"
"  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
"  JOIN pg_class c ON c.oid = d.adrelid"
"  WHERE a.attgenerated <> '' AND c.relnamespace IN (SELECT unnest($1))";

/*
 * References that pg_depend does not have, or has between tables instead of
 * what is passed on from one to the other.
 */
static const char inherited_query[] =
"SELECT 'pg_inherits'::regclass::oid, i.inhrelid, i.inhseqno,"
"  'pg_class'::regclass::oid, i.inhparent, 0, 'n'::\"char\" "
"FROM pg_inherits i JOIN pg_class r ON r.oid = i.inhrelid "
"WHERE r.relkind IN ('r', 'p', 'f') AND r.relnamespace = ANY ($1) "
"UNION ALL "
"SELECT 'pg_class'::regclass::oid, i.inhrelid, 0,"
"  'pg_class'::regclass::oid, i.inhparent, 0, 'n'::\"char\" "
"FROM pg_inherits i JOIN pg_class r ON r.oid = i.inhrelid "
"WHERE r.relkind IN ('i', 'I') AND r.relnamespace = ANY ($1) "
"UNION ALL "
"SELECT 'pg_constraint'::regclass::oid, k.oid, 0,"
"  'pg_constraint'::regclass::oid, k.conparentid, 0, 'n'::\"char\" "
"FROM pg_constraint k WHERE k.conparentid <> 0 AND k.connamespace = ANY ($1) "
"UNION ALL "
"SELECT 'pg_trigger'::regclass::oid, t.oid, 0,"
"  'pg_trigger'::regclass::oid, t.tgparentid, 0, 'n'::\"char\" "
"FROM pg_trigger t JOIN pg_class r ON r.oid = t.tgrelid "
"WHERE t.tgparentid <> 0 AND r.relnamespace = ANY ($1) "
"UNION ALL "
"SELECT 'pg_class'::regclass::oid, i.inhrelid, c.attnum::int4,"
"  'pg_class'::regclass::oid, i.inhparent, p.attnum::int4, 'n'::\"char\" "
"FROM pg_inherits i JOIN pg_attribute c ON c.attrelid = i.inhrelid"
"  JOIN pg_attribute p ON p.attrelid = i.inhparent AND p.attname = c.attname"
"  JOIN pg_class r ON r.oid = i.inhrelid "
"WHERE c.attnum > 0 AND p.attnum > 0 AND r.relkind IN ('r', 'p', 'f')"
"  AND r.relnamespace = ANY ($1) "
"UNION ALL "
"SELECT 'pg_constraint'::regclass::oid, c.oid, 0,"
"  'pg_constraint'::regclass::oid, p.oid, 0, 'n'::\"char\" "
"FROM pg_inherits i JOIN pg_constraint c ON c.conrelid = i.inhrelid"
"  JOIN pg_constraint p ON p.conrelid = i.inhparent AND p.conname = c.conname "
"WHERE c.contype = 'c' AND p.contype = 'c' AND c.connamespace = ANY ($1)";

/* The column that a sequence goes with, to which its ownership refers. */
static const char owner_query[] =
"SELECT 'pg_sequence'::regclass::oid, d.objid, 0,"
"  d.refclassid, d.refobjid, d.refobjsubid, d.deptype "
"FROM pg_depend d JOIN pg_class c ON c.oid = d.objid "
"WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND d.deptype = 'a'"
"  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0"
"  AND c.relkind = 'S' AND c.relnamespace = ANY ($1)";

/* What a text search mapping uses. */
static const char mapping_query[] =
"SELECT 'pg_ts_config_map'::regclass::oid, m.mapcfg, m.maptokentype,"
"  'pg_ts_dict'::regclass::oid, m.mapdict, 0, 'n'::\"char\" "
"FROM pg_ts_config_map m WHERE m.mapcfg >= 16384";

/* What the functions of a base type need of it, and what ties a table to a type. */
static const char type_query[] =
"SELECT 'pg_proc'::regclass::oid, f.oid, 0, 'pg_type'::regclass::oid, t.oid, 1, 'n'::\"char\" "
"FROM pg_type t, unnest(array[" BASE_TYPE_FUNCTIONS("t") "]::oid[]) AS f (oid) "
"WHERE t.typtype = 'b' AND f.oid >= 16384 AND t.typnamespace = ANY ($1) "
"UNION ALL "
"SELECT 'pg_class'::regclass::oid, c.oid, -1, 'pg_type'::regclass::oid, c.reloftype, 0, 'n'::\"char\" "
"FROM pg_class c WHERE c.reloftype <> 0 AND c.relnamespace = ANY ($1)";

static const char depend_query[] =
"SELECT classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype "
"FROM (SELECT * FROM pg_depend"
/* OFFSET: what is asked of each row must not make the planner take an index */
"  WHERE deptype IN ('n', 'a', 'i') OFFSET 0) AS d WHERE true "
"AND NOT (classid = 'pg_ts_config'::regclass AND refclassid = 'pg_ts_dict'::regclass) "
"AND NOT (classid = 'pg_proc'::regclass AND refclassid = 'pg_type'::regclass"
"  AND EXISTS (SELECT FROM pg_type t WHERE t.oid = refobjid AND t.typtype = 'b'"
"  AND objid IN (" BASE_TYPE_FUNCTIONS("t") "))) "
"AND NOT (classid = 'pg_class'::regclass AND refclassid = 'pg_type'::regclass"
"  AND objsubid = 0 AND EXISTS (SELECT FROM pg_class c WHERE c.oid = objid"
"  AND c.reloftype = refobjid AND c.reloftype <> 0)) "
/* owned sequences: their ownership is a fact of its own */
"AND NOT (deptype = 'a' AND classid = 'pg_class'::regclass AND refobjsubid <> 0"
"  AND refclassid = 'pg_class'::regclass AND objsubid = 0"
"  AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'S')) "
/* inheritance, and the row triggers that partitions have from their parent */
"AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = objid"
"  AND i.inhparent = refobjid AND classid = 'pg_class'::regclass"
"  AND refclassid = 'pg_class'::regclass AND objsubid = 0 AND refobjsubid = 0)";

static const char member_query[] =
"SELECT classid, objid, 0, refclassid, refobjid, 0 "
"FROM pg_depend WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass";

static const char comment_query[] =
"SELECT classoid, objoid, objsubid, quote_literal(description) FROM pg_description "
"WHERE classoid <> 'pg_proc'::regclass OR objoid >= 16384";

/*
 * Pin the settings that deparsed texts depend on.  Returns the level for
 * AtEOXact_GUC().
 */
int
dbmig_pin_settings(void)
{
	static const struct
	{
		const char *name;
		const char *value;
	}			pins[] = {
		{"search_path", "pg_catalog, pg_temp"},
		{"quote_all_identifiers", "off"},
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"extra_float_digits", "1"},
		{"bytea_output", "hex"},
		{"TimeZone", "UTC"},
		{"jit", "off"},
		{"row_security", "on"},
		{"check_function_bodies", "off"},
		{"default_tablespace", ""},
		{"default_table_access_method", "heap"}
	};
	int			level = NewGUCNestLevel();

	for (int i = 0; i < (int) lengthof(pins); i++)
		(void) set_config_option(pins[i].name, pins[i].value, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

/* Run a query with the schemas as $1; sees what this transaction just did. */
static void
run_query(const char *query, Datum schemas)
{
	Oid			types[] = {OIDARRAYOID};
	bool		uses = strstr(query, "$1") != NULL;

	if (SPI_execute_with_args(query, uses ? 1 : 0, types, &schemas, NULL,
							  false, 0) != SPI_OK_SELECT)
		elog(ERROR, "catalog query failed: %s", query);
}

/* An Oid or number of the current result; 0 for null. */
static Oid
get_oid(int row, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetObjectId(value);
}

static DbmigAddress
get_address(int row, int column)
{
	DbmigAddress address;

	address.classid = get_oid(row, column);
	address.objid = get_oid(row, column + 1);
	address.subid = (int32) get_oid(row, column + 2);
	return address;
}

/* A text of the current result, in the current memory context. */
static char *
get_text(int row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

static Place *
enter_place(Reader *reader, DbmigAddress address)
{
	bool		found;
	Place	   *place = hash_search(reader->places, &address, HASH_ENTER, &found);

	if (!found)
	{
		place->fact = NULL;
		place->is_member = false;
	}
	return place;
}

/*
 * The fact at an address; NULL when there is none.  What the server says of a
 * column that is no fact is said of its table.
 */
static DbmigFact *
find_fact(const Reader *reader, DbmigAddress address)
{
	Place	   *place = hash_search(reader->places, &address, HASH_FIND, NULL);

	if (place && place->is_member)
		place = hash_search(reader->places, &place->extension, HASH_FIND, NULL);
	if (place == NULL && address.subid != 0)
	{
		address.subid = 0;
		return find_fact(reader, address);
	}
	return place ? place->fact : NULL;
}

/* Is the object a member of an extension? */
static bool
is_member(const Reader *reader, DbmigAddress address)
{
	Place	   *place = hash_search(reader->places, &address, HASH_FIND, NULL);

	return place && place->is_member;
}

static void
append_fact(Reader *reader, DbmigFact *fact)
{
	if (reader->n == reader->size)
	{
		reader->size *= 2;
		reader->facts = repalloc_huge(reader->facts,
									  sizeof(DbmigFact *) * reader->size);
	}
	reader->facts[reader->n++] = fact;
	enter_place(reader, fact->address)->fact = fact;
}

static void
read_members(Reader *reader)
{
	run_query(member_query, reader->schemas);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Place	   *place = enter_place(reader, get_address(i, 1));

		CHECK_FOR_INTERRUPTS();
		place->is_member = true;
		place->extension = get_address(i, 4);
	}
	SPI_freetuptable(SPI_tuptable);
}

static int *
rule_columns(const DbmigKind *kind)
{
	int		   *columns = palloc(sizeof(int) * (kind->nrules + 1));

	for (int i = 0; i < kind->nrules; i++)
	{
		columns[i] = SPI_fnumber(SPI_tuptable->tupdesc, kind->rules[i].attribute);
		if (columns[i] <= DBMIG_FIXED_COLUMNS)
			elog(ERROR, "query of kind \"%s\" lacks attribute \"%s\"",
				 kind->name, kind->rules[i].attribute);
	}
	if (SPI_tuptable->tupdesc->natts != DBMIG_FIXED_COLUMNS + kind->nrules)
		elog(ERROR, "query of kind \"%s\" yields %d attributes for %d rules",
			 kind->name, SPI_tuptable->tupdesc->natts - DBMIG_FIXED_COLUMNS,
			 kind->nrules);
	return columns;
}

/*
 * Read the facts of one kind.  A part of something that was left out is left
 * out.
 */
static void
read_kind(Reader *reader, int rank)
{
	const DbmigKind *kind = dbmig_kinds[rank];
	int		   *columns;

	run_query(kind->query, reader->schemas);
	columns = rule_columns(kind);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		DbmigAddress address = get_address(i, 1);
		DbmigAddress parent = get_address(i, 4);
		DbmigAddress keeper = get_address(i, 7);
		DbmigFact  *fact;
		DbmigFact  *parent_fact = NULL;
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (is_member(reader, address))
			continue;
		if (OidIsValid(parent.classid))
		{
			if (is_member(reader, parent))
				continue;
			parent_fact = find_fact(reader, parent);
			if (parent_fact == NULL)
				continue;
		}

		old = MemoryContextSwitchTo(reader->context);
		fact = palloc0(sizeof(DbmigFact));
		fact->kind = kind;
		fact->rank = rank;
		fact->address = address;
		fact->parent = parent_fact;
		fact->keeper_address = keeper;
		fact->id = get_text(i, 10);
		fact->slot = get_text(i, 11);
		fact->values = palloc(sizeof(char *) * (kind->nrules + 1));
		for (int k = 0; k < kind->nrules; k++)
			fact->values[k] = get_text(i, columns[k]);
		if (parent_fact)
		{
			fact->references = list_make1(parent_fact);
			parent_fact->children = lappend(parent_fact->children, fact);
			parent_fact->users = lappend(parent_fact->users, fact);
		}
		append_fact(reader, fact);
		MemoryContextSwitchTo(old);
	}
	pfree(columns);
	SPI_freetuptable(SPI_tuptable);
}

/*
 * Make the parts of facts known by their addresses.  A whole may itself be
 * known by another's address only, so this goes on while it finds something;
 * chains are at most as long as partitions are deep.
 */
static void
read_parts(Reader *reader)
{
	bool		again = true;

	run_query(parts_query, reader->schemas);
	while (again)
	{
		again = false;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			DbmigAddress part = get_address(i, 1);
			DbmigFact  *whole;
			Place	   *place;

			CHECK_FOR_INTERRUPTS();
			place = hash_search(reader->places, &part, HASH_FIND, NULL);
			if (place && (place->fact || place->is_member))
				continue;
			whole = find_fact(reader, get_address(i, 4));
			if (whole == NULL)
				continue;
			enter_place(reader, part)->fact = whole;
			again = true;
		}
	}
	SPI_freetuptable(SPI_tuptable);
}

static bool
is_within(const DbmigFact *fact, const DbmigFact *whole)
{
	for (; fact; fact = fact->parent)
	{
		if (fact == whole)
			return true;
	}
	return false;
}

/* Read references from a query; both ends have to be known. */
static void
read_references(Reader *reader, const char *query)
{
	MemoryContext old;

	run_query(query, reader->schemas);
	old = MemoryContextSwitchTo(reader->context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		DbmigFact  *user = find_fact(reader, get_address(i, 1));
		DbmigFact  *used = find_fact(reader, get_address(i, 4));

		CHECK_FOR_INTERRUPTS();
		if (user == NULL || used == NULL || is_within(used, user) ||
			(user->references && llast(user->references) == used))
			continue;
		user->references = lappend(user->references, used);
		used->users = lappend(used->users, user);
	}
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
}

static void
read_comments(Reader *reader)
{
	MemoryContext old;

	run_query(comment_query, reader->schemas);
	old = MemoryContextSwitchTo(reader->context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		DbmigAddress address = get_address(i, 1);
		Place	   *place = hash_search(reader->places, &address, HASH_FIND, NULL);

		CHECK_FOR_INTERRUPTS();

		/* a comment on the index of a constraint is the index's, not the
		 * constraint's */
		if (place && place->fact && !place->is_member &&
			memcmp(&place->fact->address, &address, sizeof(address)) == 0)
			place->fact->comment = get_text(i, 4);
	}
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
}

/* Note what no kind stands for. */
static List *
read_unmanaged(Reader *reader)
{
	List	   *result = NIL;
	MemoryContext old;

	run_query(dbmig_unmanaged_query, reader->schemas);
	old = MemoryContextSwitchTo(reader->context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		DbmigUnmanaged *object;

		CHECK_FOR_INTERRUPTS();
		if (is_member(reader, get_address(i, 1)))
			continue;
		object = palloc(sizeof(DbmigUnmanaged));
		object->kind = get_text(i, 4);
		object->id = get_text(i, 5);
		result = lappend(result, object);
	}
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return result;
}

/* By kind and name; for qsort(), of DbmigFact pointers. */
int
dbmig_compare_facts(const void *a, const void *b)
{
	const DbmigFact *fact_a = *(DbmigFact *const *) a;
	const DbmigFact *fact_b = *(DbmigFact *const *) b;

	if (fact_a->rank != fact_b->rank)
		return fact_a->rank < fact_b->rank ? -1 : 1;
	return strcmp(fact_a->id, fact_b->id);
}

static int
compare_fact_cells(const ListCell *a, const ListCell *b)
{
	return dbmig_compare_facts(&a->ptr_value, &b->ptr_value);
}

/* Bring references into an order that is not that of OIDs, each once. */
static void
sort_references(DbmigFact *fact)
{
	list_sort(fact->references, compare_fact_cells);
	list_sort(fact->users, compare_fact_cells);
	list_sort(fact->children, compare_fact_cells);
	for (int i = list_length(fact->references) - 1; i > 0; i--)
	{
		if (list_nth(fact->references, i) == list_nth(fact->references, i - 1))
			fact->references = list_delete_nth_cell(fact->references, i);
	}
}

/* Bring facts and their references into the order of kinds and names. */
void
dbmig_inventory_sort(DbmigInventory *inventory)
{
	DbmigFact **facts = inventory->facts;

	qsort(facts, inventory->n, sizeof(DbmigFact *), dbmig_compare_facts);
	for (int i = 0; i < inventory->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && dbmig_compare_facts(&facts[i - 1], &facts[i]) == 0)
			elog(ERROR, "two facts of kind \"%s\" are named %s",
				 facts[i]->kind->name, facts[i]->id);
		sort_references(facts[i]);
	}
}

/*
 * Read the inventory of schemas, a list of their OIDs.
 */
DbmigInventory *
dbmig_inventory_read(List *schemas)
{
	DbmigInventory *inventory = palloc0(sizeof(DbmigInventory));
	Reader		reader = {0};
	HASHCTL		control = {0};
	int			level = dbmig_pin_settings();

	reader.context = CurrentMemoryContext;
	reader.schemas = dbmig_oids_datum(schemas);
	reader.size = 1024;
	reader.facts = palloc(sizeof(DbmigFact *) * reader.size);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	control.keysize = sizeof(DbmigAddress);
	control.entrysize = sizeof(Place);
	control.hcxt = CurrentMemoryContext;
	reader.places = hash_create("dbmig facts", 4096, &control,
								HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);

	read_members(&reader);
	for (int i = 0; i < dbmig_nkinds; i++)
		read_kind(&reader, i);
	for (int i = 0; i < reader.n; i++)
	{
		DbmigFact  *fact = reader.facts[i];

		if (OidIsValid(fact->keeper_address.classid))
			fact->keeper = find_fact(&reader, fact->keeper_address);
	}
	read_parts(&reader);
	read_references(&reader, depend_query);
	read_references(&reader, inherited_query);
	read_references(&reader, owner_query);
	read_references(&reader, mapping_query);
	read_references(&reader, type_query);
	read_comments(&reader);
	inventory->unmanaged = read_unmanaged(&reader);
	SPI_finish();
	AtEOXact_GUC(false, level);

	inventory->facts = reader.facts;
	inventory->n = reader.n;
	dbmig_inventory_sort(inventory);
	return inventory;
}

/* What a fact is part of in the end: its schema, or what lies in none. */
const DbmigFact *
dbmig_fact_root(const DbmigFact *fact)
{
	while (fact->parent)
		fact = fact->parent;
	return fact;
}

/* The object that a fact is, or is part of: what stands right in its schema. */
const DbmigFact *
dbmig_fact_whole(const DbmigFact *fact)
{
	while (fact->parent && fact->parent->kind != &dbmig_kind_schema)
		fact = fact->parent;
	return fact;
}

/* The value of an attribute; NULL when it has none. */
const char *
dbmig_fact_value(const DbmigFact *fact, const char *attribute)
{
	for (int i = 0; i < fact->kind->nrules; i++)
	{
		if (strcmp(fact->kind->rules[i].attribute, attribute) == 0)
			return fact->values[i];
	}
	elog(ERROR, "kind \"%s\" has no attribute \"%s\"", fact->kind->name, attribute);
	return NULL;				/* keep the compiler quiet */
}

/* The place of a fact of a numbered kind among its siblings. */
int
dbmig_fact_number(const DbmigFact *fact)
{
	return atoi(dbmig_fact_value(fact, "number"));
}

/* For list_sort(). */
int
dbmig_compare_numbers(const ListCell *a, const ListCell *b)
{
	return dbmig_fact_number(lfirst(a)) - dbmig_fact_number(lfirst(b));
}

/* The fact of an inventory that has another one's kind and name; or NULL. */
DbmigFact *
dbmig_inventory_find(const DbmigInventory *inventory, const DbmigFact *fact)
{
	DbmigFact **found = bsearch(&fact, inventory->facts, inventory->n,
								sizeof(DbmigFact *), dbmig_compare_facts);

	return found ? *found : NULL;
}
