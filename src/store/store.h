/*-------------------------------------------------------------------------
 *
 * store.h
 *		Where revision scripts come from, and how one is read.
 *
 * A script is the text of one file PROJECT--FROM--TO.sql, in one of three
 * places: the extension script directory, databrain_migrate.versions_path, or
 * the registered scripts in the catalog.  Reading is lazy: listing a place
 * yields names only, a header is read when somebody asks for it, and only short
 * texts are kept from that.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_STORE_H
#define DBMIG_STORE_H

#include "datatype/timestamp.h"
#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* The header comment of a script; see header.c for the format. */
typedef struct DbmigHeader
{
	char	   *message;		/* first comment line, "" when there is none */
	char	   *revision;		/* Revision ID, NULL when not given */
	bool		has_revises;	/* is there a Revises line? */
	int			ndown;			/* its identifiers; none for "base" */
	char	  **down;
	bool		has_create_date;
	TimestampTz create_date;
	int			nlabels;
	char	  **labels;
	int			ndeps;
	char	  **deps;
	int			nreplaces;		/* revisions that this one stands for */
	char	  **replaces;
	bool		transactional;
	int			body;			/* offset of the first byte after the header */
} DbmigHeader;

typedef struct DbmigScript
{
	char	   *file_name;		/* PROJECT--FROM--TO.sql */
	char	   *directory;		/* where the file lies; NULL: in the catalog */
	char	   *from;			/* identifier or "base" */
	char	   *to;
	char	   *author;			/* role that registered it; NULL for a file */
	char	   *revision;		/* whose script it is; set by the engine */
	DbmigHeader *header;		/* NULL until dbmig_script_header() */
	char	   *text;			/* of a short file, unconverted, from then on;
								 * or NULL */
} DbmigScript;

/* The text of a script that is to be stored somewhere. */
typedef struct DbmigFile
{
	char	   *file_name;		/* PROJECT--FROM--TO.sql */
	char	   *from;
	char	   *to;
	char	   *text;			/* in the encoding of the database */
} DbmigFile;

/* One statement of a script. */
typedef struct DbmigStatement
{
	struct RawStmt *raw;
	int			start;			/* byte offset of its first token */
	int			length;			/* bytes, without its semicolon */
	int			line;			/* line of its first token, from 1 */
} DbmigStatement;

/* A revision as the output of "alembic --sql" tells it. */
typedef struct DbmigAlembicRevision
{
	char	   *id;
	int			line;			/* where it begins */
	char	   *message;		/* "" where the text does not tell */
	int			ndown;
	char	  **down;
	List	   *deps;			/* strings, as far as the text tells */
	bool		transactional;
	StringInfoData body;		/* statements with semicolons, and comments */
	bool		recorded;		/* did its bookkeeping come? */
} DbmigAlembicRevision;

/* filename.c */
extern void dbmig_check_project(const char *project);
extern bool dbmig_project_is_valid(const char *project, const char **reason);
extern bool dbmig_file_name_split(const char *file_name, const char *project,
								  char **from, char **to);
extern void dbmig_file_name_parse(const char *file_name, char **project,
								  char **from, char **to);
extern char *dbmig_file_name(const char *project, const char *from, const char *to);

/* header.c */
extern DbmigHeader *dbmig_header_parse(const char *text, const char *file_name);
extern int	dbmig_header_length(const char *text);

/* script.c: text to tokens, checksum and statements */
extern char *dbmig_script_checksum(const char *text, const char *file_name);
extern List *dbmig_script_parse(const char *text, const char *file_name,
								char **clean);
extern List *dbmig_model_parse(const char *text, const char *file_name,
							   char **clean);
extern void dbmig_note_error_line(int line);
extern int	dbmig_take_error_line(void);
extern List *dbmig_statements_parse(const char *text, const char *file_name,
									char **clean);
extern int	dbmig_line_number(const char *text, int offset);
extern const char *dbmig_next_line(const char *line);
extern int	dbmig_mark_length(const char *text);
extern bool dbmig_is_echo(const char *text);

/* alembic_text.c: the output of "alembic --sql" to revisions */
#define DBMIG_ALEMBIC_TABLE "alembic_version"
extern List *dbmig_alembic_parse(const char *text, const char *name, bool upgrade);

/* directory.c: listing and reading */
extern List *dbmig_store_list(const char *project);
extern char *dbmig_project_directory(const char *project);
extern bool dbmig_project_default_version(const char *project, char **version);
extern List *dbmig_store_projects(void);
extern bool dbmig_project_is_available(const char *project);
extern char *dbmig_script_text(const char *project, const DbmigScript *script);
extern DbmigHeader *dbmig_script_header(const char *project, DbmigScript *script);
extern char *dbmig_script_place(const DbmigScript *script);

/* compose.c: from what a revision is to the texts of its files */
extern const char dbmig_default_template[];
extern void dbmig_check_template(const char *template, const char *project);
extern DbmigFile *dbmig_compose_script(const char *template, const char *project,
									   const char *author,
									   const DbmigHeader *header,
									   bool upgrade, const char *body);

/* write.c: files of the versions path */
extern void dbmig_write_files(const char *directory, List *files);

#endif							/* DBMIG_STORE_H */
