/*-------------------------------------------------------------------------
 *
 * kinds.h
 *		What the files that describe kinds share.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_KINDS_H
#define DBMIG_KINDS_H

#include "schema/schema.h"

#define RULES(array) .rules = array, .nrules = lengthof(array)

/* A name with its schema, quoted. */
#define QUALIFIED(schema, name) \
	"quote_ident(" schema ") || '.' || quote_ident(" name ")"

/* Extremes of a sequence's type */
#define SEQUENCE_MIN \
	"CASE WHEN sq.seqincrement > 0 THEN 1 ELSE CASE sq.seqtypid " \
	"WHEN 'int2'::regtype THEN -32768 WHEN 'int4'::regtype THEN -2147483648 " \
	"ELSE -9223372036854775808 END END"
#define SEQUENCE_MAX \
	"CASE WHEN sq.seqincrement < 0 THEN -1 ELSE CASE sq.seqtypid " \
	"WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647 " \
	"ELSE 9223372036854775807 END END"

/* All options of the sequence sq, each with a word before it */
#define SEQUENCE_OPTIONS(word) \
	"'" word "INCREMENT BY ' || sq.seqincrement || " \
	"CASE WHEN sq.seqmin = " SEQUENCE_MIN " THEN ' " word "NO MINVALUE' " \
	"ELSE ' " word "MINVALUE ' || sq.seqmin END || " \
	"CASE WHEN sq.seqmax = " SEQUENCE_MAX " THEN ' " word "NO MAXVALUE' " \
	"ELSE ' " word "MAXVALUE ' || sq.seqmax END || " \
	"' " word "START WITH ' || sq.seqstart || ' " word "CACHE ' || sq.seqcache || " \
	"CASE WHEN sq.seqcycle THEN ' " word "CYCLE' ELSE ' " word "NO CYCLE' END"

/* Those that are not as the server sets them by itself, behind a text */
#define SEQUENCE_CREATE(before) \
	"rtrim(" before " || CASE WHEN sq.seqincrement <> 1 THEN 'INCREMENT BY ' || sq.seqincrement || ' ' ELSE '' END || " \
	"CASE WHEN sq.seqmin <> " SEQUENCE_MIN " THEN 'MINVALUE ' || sq.seqmin || ' ' ELSE '' END || " \
	"CASE WHEN sq.seqmax <> " SEQUENCE_MAX " THEN 'MAXVALUE ' || sq.seqmax || ' ' ELSE '' END || " \
	"CASE WHEN sq.seqstart <> CASE WHEN sq.seqincrement > 0 THEN sq.seqmin ELSE sq.seqmax END " \
	"THEN 'START WITH ' || sq.seqstart || ' ' ELSE '' END || " \
	"CASE WHEN sq.seqcache <> 1 THEN 'CACHE ' || sq.seqcache || ' ' ELSE '' END || " \
	"CASE WHEN sq.seqcycle THEN 'CYCLE' ELSE '' END)"

/* A function, named with its schema; NULL for none */
#define FUNCTION_NAME(function) \
	"(SELECT " QUALIFIED("fn.nspname", "f.proname") " FROM pg_proc f " \
	"JOIN pg_namespace fn ON fn.oid = f.pronamespace WHERE f.oid = " function ")"

/* Options of foreign objects, as in OPTIONS () */
#define FOREIGN_OPTIONS(options) \
	"(SELECT string_agg(quote_ident(option_name) || ' ' || quote_literal(option_value), ', ' " \
	"ORDER BY option_name COLLATE \"C\") FROM pg_options_to_table(" options "))"

/* The same as lines, to compare one by one */
#define FOREIGN_OPTION_LINES(options) \
	"(SELECT string_agg(quote_ident(option_name) || '=' || quote_literal(option_value), E'\\n' " \
	"ORDER BY option_name COLLATE \"C\") FROM pg_options_to_table(" options "))"

/* kind_schema.c */
extern bool dbmig_takes_along(const DbmigFact *table, const DbmigFact *sequence);

/* kind_table.c */
extern bool dbmig_has_heirs(const DbmigFact *column);
extern char *dbmig_carry_position(const char *sequence, const DbmigFact *column);

/* kind_not_null.c */
extern const char *dbmig_not_null_name(const DbmigFact *column);
extern bool dbmig_not_null_by_parent(const DbmigFact *column);
extern const char *dbmig_not_null_own_name(const DbmigFact *column);

/* kinds.c */
extern DbmigFact *dbmig_inherited_from(const DbmigFact *fact);
extern DbmigFact *dbmig_attached_to(const DbmigFact *attachment);
extern bool dbmig_was_attached(const DbmigFact *fact, const DbmigFact *parent_table);
extern char *dbmig_aside(DbmigDiff *diff);

/* parts.c */
extern DbmigFact *dbmig_part_of(const DbmigFact *fact);
extern DbmigFact *dbmig_partition_fact(const DbmigFact *table);
extern bool dbmig_is_partition_of(const DbmigFact *table, const DbmigFact *of);
extern char *dbmig_index_statement(const DbmigFact *index,
								   const char *concurrently, const char *only);
extern void dbmig_match_parts(const DbmigInventory *from);
extern void dbmig_rename_part(DbmigDiff *diff, DbmigFact *before,
							  DbmigFact *after, const DbmigRule *rule);
extern bool dbmig_tear_rivals(const DbmigInventory *to);
extern bool dbmig_make_clone(DbmigDiff *diff, DbmigFact *part);
extern void dbmig_plan_parts(const DbmigInventory *to);
extern void dbmig_join_parts(DbmigDiff *diff);
extern bool dbmig_is_taken_in(const DbmigFact *part, const DbmigFact *whole);
extern bool dbmig_is_due_before(const DbmigFact *part);

/* kind_global.c */
extern void dbmig_republish(DbmigDiff *diff);

/* kind_type.c */
extern List *dbmig_enum_labels(const DbmigFact *fact);
extern bool dbmig_has_label(List *labels, const char *label);

#endif							/* DBMIG_KINDS_H */
