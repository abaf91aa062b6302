/*-------------------------------------------------------------------------
 *
 * kept.c
 *		Inventories of texts that were run before.
 *
 * Running a model or revisions in a sandbox takes time, and leaves dead rows in
 * the catalogs.  What a text was found to build is therefore kept in a table,
 * under a hash of everything that the result depends on:
 *
 *	-	the scripts, the role that they run as, and in whose place;
 *	-	which default privileges are stated by texts, and so not around them;
 *	-	who reads the result: options of user mappings are not shown to all;
 *	-	the server's version, and what the engine reads from its catalogs;
 *	-	what a sandbox has before anything runs: extensions, schemas with their
 *		owners, privileges and comments, default privileges, casts, languages
 *		and the like, tablespaces, and the roles with what the runner may use;
 *	-	the settings that a definition's meaning depends on.
 *
 * Nothing is kept, or looked for, where the list would not be complete: when
 * schemas stay in place that the text can use, and when the session has
 * temporary objects.  Nor is a result kept of a text whose statements compute
 * what they do; see dbmig_sandbox_is_steady().
 *
 * Who may not run a text is told so before it is looked for.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "base/names.h"
#include "base/session.h"
#include "catalog/pg_type.h"
#include "engine/kept.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* More than this, in bytes, is not kept. */
#define MAX_SIZE (128 * 1024 * 1024)

/* Settings of the session that a definition's meaning depends on. */
static const char *const settings[] = {
	"server_version_num",
	"search_path",
	"check_function_bodies",
	"default_tablespace",
	"default_table_access_method",
	"default_toast_compression",
	"default_text_search_config",
	"array_nulls",
	"backslash_quote",
	"standard_conforming_strings",
	"transform_null_equals",
	"DateStyle",
	"IntervalStyle",
	"TimeZone",
	"timezone_abbreviations",
	"lc_monetary",
	"lc_numeric",
	"lc_time",
	"xmlbinary",
	"xmloption",
	"createrole_self_grant",
	"allow_system_table_mods",
	"allow_in_place_tablespaces",
	"row_security",
	"session_replication_role",
	"databrain_migrate.schemas"
};

/*
 * What a sandbox has before anything runs, for the role $1, in one text; and
 * whether there is more that a text can use: schemas other than $2, or temporary
 * objects.
 */
static const char surroundings_query[] =
"SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\"), "
"EXISTS (SELECT FROM pg_namespace n WHERE n.oid <> ALL ($2) AND n.nspname !~ '^pg_'"
"  AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d"
"  WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e'))"
" OR EXISTS (SELECT FROM pg_class WHERE relnamespace = pg_my_temp_schema())"
" OR EXISTS (SELECT FROM pg_type WHERE typnamespace = pg_my_temp_schema())"
" OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = pg_my_temp_schema()) "
"FROM ("
"SELECT concat_ws(' ', 'database', current_database(), pg_encoding_to_char(d.encoding),"
"  d.datcollate, d.datctype) AS line"
"  FROM pg_database d WHERE d.datname = current_database() "
"UNION ALL "
"SELECT concat_ws(' ', 'extension', e.extname, e.extversion, n.nspname)"
"  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace "
"UNION ALL "
"SELECT concat_ws(' ', 'schema', n.nspname, pg_get_userbyid(n.nspowner), n.nspacl,"
"  obj_description(n.oid, 'pg_namespace'))"
"  FROM pg_namespace n WHERE n.nspname !~ '^pg_(temp|toast)' "
"UNION ALL "
"SELECT concat_ws(' ', 'default privileges', pg_get_userbyid(a.defaclrole), n.nspname,"
"  a.defaclobjtype, a.defaclacl)"
"  FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace "
"UNION ALL "
"SELECT concat_ws(' ', 'cast', c.castsource::regtype, c.casttarget::regtype,"
"  c.castfunc::regprocedure, c.castcontext, c.castmethod)"
"  FROM pg_cast c WHERE c.oid >= 16384 "
"UNION ALL "
"SELECT concat_ws(' ', 'language', l.lanname, pg_get_userbyid(l.lanowner), l.lanacl)"
"  FROM pg_language l "
"UNION ALL "
"SELECT concat_ws(' ', 'access method', a.amname, a.amtype, a.amhandler) FROM pg_am a "
"UNION ALL "
"SELECT concat_ws(' ', 'transform', t.trftype::regtype, l.lanname)"
"  FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang "
"UNION ALL "
"SELECT concat_ws(' ', 'tablespace', s.spcname, pg_get_userbyid(s.spcowner), s.spcacl)"
"  FROM pg_tablespace s "
"UNION ALL "
"SELECT concat_ws(' ', 'label', l.provider,"
"  pg_describe_object(l.classoid, l.objoid, l.objsubid), l.label) FROM pg_seclabel l "
"UNION ALL "
"SELECT concat_ws(' ', 'database privileges', d.datacl, pg_get_userbyid(d.datdba))"
"  FROM pg_database d WHERE d.datname = current_database() "
"UNION ALL "
"SELECT concat_ws(' ', 'role', r.rolname, r.rolsuper, pg_has_role($1, r.oid, 'USAGE'),"
"  pg_has_role($1, r.oid, 'MEMBER'), r.rolcreaterole)"
"  FROM pg_roles r"
") AS lines";

/*
 * Add what surrounds the text of a role; false if that cannot be told.
 */
static bool
hash_surroundings(pg_cryptohash_ctx *hash, const char *role, List *managed)
{
	Oid			types[] = {NAMEOID, OIDARRAYOID};
	Datum		values[2];
	int			level = dbmig_pin_settings();
	bool		isnull;
	bool		complete;

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(role));
	values[1] = dbmig_oids_datum(managed);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(surroundings_query, 2, types, values, NULL, false,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "catalog query failed: %s", surroundings_query);
	complete = !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										   SPI_tuptable->tupdesc, 2, &isnull));
	dbmig_hash_text(hash, SPI_getvalue(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1));
	SPI_finish();
	AtEOXact_GUC(false, level);
	return complete;
}

/* Add what the engine reads, and how inventories are written. */
static void
hash_kinds(pg_cryptohash_ctx *hash)
{
	for (int i = 0; i < dbmig_nkinds; i++)
	{
		const DbmigKind *kind = dbmig_kinds[i];

		dbmig_hash_text(hash, kind->name);
		dbmig_hash_text(hash, kind->query);
		for (int k = 0; k < kind->nrules; k++)
			dbmig_hash_text(hash, kind->rules[k].attribute);
	}
	dbmig_hash_text(hash, dbmig_unmanaged_query);
}

/* The key of a text in its present surroundings; NULL: it has none. */
static char *
key_of(const DbmigText *text, List *managed)
{
	pg_cryptohash_ctx *hash = dbmig_hash_begin();
	bool		complete;
	char	   *key;
	ListCell   *lc;

	/* the sandbox has the settings of the caller, the query its own */
	for (int i = 0; i < (int) lengthof(settings); i++)
		dbmig_hash_text(hash, GetConfigOption(settings[i], true, false));
	complete = hash_surroundings(hash, text->role, managed);
	hash_kinds(hash);
	dbmig_hash_text(hash, text->role);
	dbmig_hash_text(hash, text->deployer);
	dbmig_hash_text(hash, dbmig_current_role());
	dbmig_hash_text(hash, dbmig_stated_text(text->stated));
	foreach(lc, text->scripts)
		dbmig_hash_text(hash, lfirst(lc));
	key = dbmig_hash_end(hash);
	return complete ? key : NULL;
}

/* Where the inventory of a text is kept, and what is there. */
DbmigKeeping *
dbmig_keeping(const char *project, const DbmigText *text, List *managed)
{
	DbmigKeeping *keeping = palloc0(sizeof(DbmigKeeping));

	keeping->project = project;
	keeping->text = text;
	keeping->key = key_of(text, managed);
	if (keeping->key)
		keeping->row = dbmig_kept_find(project, keeping->key);
	return keeping;
}

/* Is an inventory small enough for a row? */
static bool
is_small(const DbmigInventory *inventory)
{
	Size		size = 0;

	for (int i = 0; i < inventory->n && size < MAX_SIZE; i++)
	{
		const DbmigFact *fact = inventory->facts[i];

		CHECK_FOR_INTERRUPTS();
		size += 64 + strlen(fact->id) + (fact->comment ? strlen(fact->comment) : 0) +
			8 * list_length(fact->references);
		for (int k = 0; k < fact->kind->nrules; k++)
			size += fact->values[k] ? 24 + strlen(fact->values[k]) : 0;
	}
	return size < MAX_SIZE;
}

/*
 * Let an inventory be kept that the text was just found to build; keeping may
 * be NULL.
 */
void
dbmig_keep_inventory(DbmigKeeping *keeping, const DbmigInventory *inventory)
{
	if (keeping == NULL || keeping->key == NULL || keeping->row ||
		!is_small(inventory))
		return;
	keeping->row = palloc0(sizeof(DbmigKept));
	keeping->inventory = inventory;
	keeping->changed = true;
}

/*
 * Write what is to be kept, unless others are about it, the transaction must
 * not write, or the surroundings have changed meanwhile.
 */
void
dbmig_keep(const DbmigKeeping *keeping, List *managed)
{
	char	   *key;

	if (keeping == NULL || !keeping->changed || !dbmig_kept_lock())
		return;
	key = key_of(keeping->text, managed);
	if (key == NULL || strcmp(key, keeping->key) != 0)
		return;
	if (keeping->inventory)
		keeping->row->inventory = dbmig_inventory_to_jsonb(keeping->inventory);
	dbmig_kept_put(keeping->project, key, keeping->text->source, keeping->row);
}
