/*-------------------------------------------------------------------------
 *
 * directory.c
 *		Listing and reading the scripts of a project.
 *
 * There are three places:
 *
 *	- the directory where core looks for the scripts of the project's
 *	  extension.  It is found as core finds it, by the control file; a project
 *	  without one has no such directory
 *	- databrain_migrate.versions_path
 *	- the registered scripts in the catalog
 *
 * A place that is set but cannot be read is an error, since a script that is
 * overlooked is a revision that is not run.  For the same reason a file that
 * looks like a script of the project, but has no proper name, is an error; all
 * other files are none of our business.
 *
 * Files are in UTF-8 and are converted to the encoding of the database.  The
 * same script may lie in several places; what that means is for the caller.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/catalog.h"
#include "base/settings.h"
#include "common/string.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/store.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/varlena.h"

/* How much of a file is read first; enough for nearly every header. */
#define FIRST_READ		8192

/*
 * A text up to this length is kept when its header is read: opening a file
 * twice costs more than the memory, which 10,000 revisions multiply by 20,000.
 */
#define MAX_KEPT_LENGTH	1024

/*
 * The longest script, in bytes.  The scanner doubles its buffers, so that half
 * of what can be allocated is what a constant can have.
 */
#define MAX_SCRIPT_LENGTH	((int) (MaxAllocSize / 2))

/* What interests us in a control file. */
typedef struct Control
{
	char	   *path;			/* of the control file */
	char	   *directory;		/* of the scripts */
	char	   *default_version;	/* NULL if it has none */
	bool		requires_engine;	/* does it require databrain_migrate? */
} Control;

/* Where an error is, for the error context. */
typedef struct FilePlace
{
	const char *file_name;
	int			line;			/* 0: none */
} FilePlace;

/* Add the file, and the line if there is one, to an error. */
static void
file_error_callback(void *arg)
{
	FilePlace  *place = (FilePlace *) arg;

	if (place->line > 0)
		errcontext("file \"%s\", line %d", place->file_name, place->line);
	else
		errcontext("file \"%s\"", place->file_name);
}

/*
 * The directories in which core looks for control files: one, unless the
 * setting extension_control_path, which came with version 18, has more.
 */
static List *
control_directories(void)
{
	char		share[MAXPGPATH];
	char	   *system_directory;
	const char *setting = GetConfigOption("extension_control_path", true, false);
	List	   *directories = NIL;

	get_share_path(my_exec_path, share);
	system_directory = psprintf("%s/extension", share);
	if (setting == NULL || *setting == '\0')
		return list_make1(system_directory);

	for (;;)
	{
		const char *separator = first_path_var_separator(setting);
		char	   *piece = separator == NULL ? pstrdup(setting) :
			pnstrdup(setting, separator - setting);

		if (strcmp(piece, "$system") == 0)
			directories = lappend(directories, system_directory);
		else
		{
			char	   *directory = psprintf("%s/extension", piece);

			canonicalize_path(directory);
			directories = lappend(directories, directory);
		}
		pfree(piece);
		if (separator == NULL)
			break;
		setting = separator + 1;
	}
	return directories;
}

/*
 * Open the control file of the project's extension, the first that there is.
 * Returns NULL if there is none.
 */
static FILE *
open_control_file(const char *project, char **path)
{
	ListCell   *cell;

	foreach(cell, control_directories())
	{
		FILE	   *file;

		*path = psprintf("%s/%s.control", (char *) lfirst(cell), project);
		file = AllocateFile(*path, PG_BINARY_R);
		if (file != NULL)
			return file;
		if (errno != ENOENT && errno != ENOTDIR)
			ereport(ERROR,
					errcode_for_file_access(),
					errmsg("could not open extension control file \"%s\": %m",
						   *path));
		pfree(*path);
	}
	return NULL;
}

/* Is the engine in the list of extensions that a control file requires? */
static bool
requires_engine(const char *value)
{
	List	   *names;
	ListCell   *cell;

	if (!SplitIdentifierString(pstrdup(value), ',', &names))
		return false;
	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), "databrain_migrate") == 0)
			return true;
	}
	return false;
}

/*
 * Read the control file of the project's extension.  Returns false if there is
 * none.
 */
static bool
read_control(const char *project, Control *control)
{
	FILE	   *file;
	ConfigVariable *head = NULL;
	ConfigVariable *tail = NULL;
	char	   *base;

	dbmig_check_project(project);
	file = open_control_file(project, &control->path);
	if (file == NULL)
		return false;
	(void) ParseConfigFp(file, control->path, 0, ERROR, &head, &tail);
	FreeFile(file);

	/* scripts lie beside the control file, unless it says otherwise */
	control->directory = pstrdup(control->path);
	get_parent_directory(control->directory);
	control->default_version = NULL;
	control->requires_engine = false;
	base = pstrdup(control->directory);
	get_parent_directory(base);

	for (ConfigVariable *item = head; item != NULL; item = item->next)
	{
		if (strcmp(item->name, "directory") == 0)
		{
			if (is_absolute_path(item->value))
				control->directory = pstrdup(item->value);
			else
				control->directory = psprintf("%s/%s", base, item->value);
			canonicalize_path(control->directory);
		}
		else if (strcmp(item->name, "default_version") == 0)
			control->default_version = pstrdup(item->value);
		else if (strcmp(item->name, "requires") == 0)
			control->requires_engine = requires_engine(item->value);
	}
	FreeConfigVariables(head);
	pfree(base);
	return true;
}

/*
 * The directory of the scripts of the project's extension, or NULL if there is
 * no such extension on this server.
 */
char *
dbmig_project_directory(const char *project)
{
	Control		control;

	return read_control(project, &control) ? control.directory : NULL;
}

/*
 * The default version of the project's extension, NULL if its control file has
 * none.  Returns false if there is no control file.
 */
bool
dbmig_project_default_version(const char *project, char **version)
{
	Control		control;

	if (!read_control(project, &control))
		return false;
	*version = control.default_version;
	return true;
}

/*
 * Is there an extension on this server that is a project?  It requires the
 * engine, and starts at base.
 */
bool
dbmig_project_is_available(const char *project)
{
	Control		control;

	return read_control(project, &control) && control.requires_engine &&
		control.default_version != NULL &&
		strcmp(control.default_version, "base") == 0;
}

/* Add to a list the names in a directory, up to an ending or separator. */
static List *
list_names(List *names, const char *directory, const char *ending)
{
	DIR		   *dir = AllocateDir(directory);
	struct dirent *entry;

	if (dir == NULL && errno == ENOENT)
		return names;
	while ((entry = ReadDir(dir, directory)) != NULL)
	{
		const char *end = strstr(entry->d_name, ending);
		char	   *name;

		CHECK_FOR_INTERRUPTS();
		if (end == NULL)
			continue;
		name = pnstrdup(entry->d_name, end - entry->d_name);
		if (dbmig_project_is_valid(name, NULL))
			names = lappend(names, name);
	}
	FreeDir(dir);
	return names;
}

/*
 * The projects that have files on this server, in no particular order, perhaps
 * more than once.
 */
List *
dbmig_store_projects(void)
{
	List	   *candidates = NIL;
	List	   *projects = NIL;
	ListCell   *cell;

	foreach(cell, control_directories())
		candidates = list_names(candidates, lfirst(cell), ".control");
	foreach(cell, candidates)
	{
		if (dbmig_project_is_available(lfirst(cell)))
			projects = lappend(projects, lfirst(cell));
	}
	if (dbmig_versions_path != NULL && *dbmig_versions_path != '\0')
		projects = list_names(projects, dbmig_versions_path, "--");
	return projects;
}

/*
 * Raise the error about a file name that ought to be a script's; it is not
 * clear from the name alone in which directory the file lies.
 */
static void
reject_file(const char *directory, const char *name)
{
	FilePlace	place = {.file_name = psprintf("%s/%s", directory, name)};
	ErrorContextCallback callback;
	char	   *project;
	char	   *from;
	char	   *to;

	callback.callback = file_error_callback;
	callback.arg = &place;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	dbmig_file_name_parse(name, &project, &from, &to);
	elog(ERROR, "file name \"%s\" was rejected and then accepted", name);
}

/*
 * Add the scripts of a project in one directory to a list.  "Origin" is a
 * sentence that says who named the directory.
 */
static List *
list_directory(List *scripts, const char *project, const char *directory,
			   const char *origin)
{
	char	   *shared = pstrdup(directory);
	char	   *prefix = psprintf("%s--", project);
	char	   *install_script = psprintf("%s--base.sql", project);
	size_t		prefix_len = strlen(prefix);
	DIR		   *dir;
	struct dirent *entry;

	dir = AllocateDir(directory);
	if (dir == NULL)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not open directory \"%s\": %m", directory),
				errdetail("%s", origin));
	while ((entry = ReadDir(dir, directory)) != NULL)
	{
		const char *name = entry->d_name;
		size_t		len = strlen(name);
		DbmigScript *script;
		char	   *from;
		char	   *to;

		CHECK_FOR_INTERRUPTS();
		if (strncmp(name, prefix, prefix_len) != 0 ||
			strcmp(name + len - Min(len, 4), ".sql") != 0 ||
			strcmp(name, install_script) == 0)
			continue;
		if (!dbmig_file_name_split(name, project, &from, &to))
			reject_file(directory, name);

		script = palloc0(sizeof(DbmigScript));
		script->file_name = pstrdup(name);
		script->directory = shared;
		script->from = from;
		script->to = to;
		scripts = lappend(scripts, script);
	}
	FreeDir(dir);
	pfree(prefix);
	pfree(install_script);
	return scripts;
}

/* Order scripts by file name, then by place, the catalog last. */
static int
compare_scripts(const ListCell *a, const ListCell *b)
{
	const DbmigScript *left = lfirst(a);
	const DbmigScript *right = lfirst(b);
	int			result = strcmp(left->file_name, right->file_name);

	if (result != 0)
		return result;
	if (left->directory == NULL || right->directory == NULL)
		return (left->directory == NULL) - (right->directory == NULL);
	return strcmp(left->directory, right->directory);
}

/*
 * List the scripts of a project in all places, as DbmigScript without headers,
 * ordered by file name and place, in the current memory context.
 */
List *
dbmig_store_list(const char *project)
{
	List	   *scripts = NIL;
	List	   *registered;
	ListCell   *cell;
	Control		control = {0};

	if (read_control(project, &control))
		scripts = list_directory(scripts, project, control.directory,
								 psprintf("Extension control file \"%s\" names this directory.",
										  control.path));

	if (dbmig_versions_path != NULL && *dbmig_versions_path != '\0')
	{
		char	   *path = pstrdup(dbmig_versions_path);

		canonicalize_path(path);
		if (control.directory == NULL || strcmp(path, control.directory) != 0)
			scripts = list_directory(scripts, project, path,
									 "The setting \"databrain_migrate.versions_path\" names this directory.");
		pfree(path);
	}

	registered = dbmig_registered_list(project);
	foreach(cell, registered)
	{
		DbmigRegistered *row = lfirst(cell);
		DbmigScript *script = palloc0(sizeof(DbmigScript));

		CHECK_FOR_INTERRUPTS();
		script->file_name = dbmig_file_name(project, row->from, row->to);
		script->from = row->from;
		script->to = row->to;
		script->author = row->author;
		scripts = lappend(scripts, script);
	}
	list_free_deep(registered);

	list_sort(scripts, compare_scripts);
	return scripts;
}

/* Where a script is, for messages. */
char *
dbmig_script_place(const DbmigScript *script)
{
	if (script->directory == NULL)
		return psprintf("registered script \"%s\"", script->file_name);
	return psprintf("%s/%s", script->directory, script->file_name);
}

/*
 * Does this beginning of a file hold the whole header?  It does if a line
 * follows the header that is here in full.
 */
static bool
has_whole_header(const char *text)
{
	return *dbmig_next_line(text + dbmig_header_length(text)) != '\0';
}

/* Raise an error if a script has nothing in it. */
static void
check_not_empty(const char *text, const DbmigScript *script)
{
	text += dbmig_mark_length(text);
	if (text[strspn(text, " \t\f\v\r\n")] == '\0')
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("script file \"%s\" is empty", script->file_name));
}

/*
 * Read a file, or only as much of it as its header needs; tells whether that
 * was all of it.  Returns the bytes without a byte order mark, ended by a zero
 * byte, in the current memory context.
 */
static char *
read_file(const DbmigScript *script, bool header_only, bool *complete)
{
	char	   *path = dbmig_script_place(script);
	int			file = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	int			wanted = FIRST_READ;
	StringInfoData content;
	int			length;
	int			mark;

	if (file < 0)
		ereport(ERROR,
				errcode_for_file_access(),
				errmsg("could not open file \"%s\": %m", path));
	initStringInfo(&content);
	*complete = false;
	while (!*complete && !(header_only && has_whole_header(content.data)))
	{
		ssize_t		count;

		CHECK_FOR_INTERRUPTS();
		enlargeStringInfo(&content, wanted);
		count = read(file, content.data + content.len, wanted);
		if (count < 0)
			ereport(ERROR,
					errcode_for_file_access(),
					errmsg("could not read file \"%s\": %m", path));
		content.len += count;
		content.data[content.len] = '\0';
		if (content.len > MAX_SCRIPT_LENGTH)
			ereport(ERROR,
					errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("script file \"%s\" is too long",
						   script->file_name),
					errdetail("Scripts must not be longer than %d bytes.",
							  MAX_SCRIPT_LENGTH));
		*complete = (count == 0);
		wanted = Max(FIRST_READ, content.len);	/* that work stays linear */
	}
	CloseTransientFile(file);
	pfree(path);

	length = strlen(content.data);
	if (length < content.len)
		ereport(ERROR,
				errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				errmsg("script file \"%s\" contains a zero byte",
					   script->file_name),
				errdetail("The byte is in line %d.",
						  dbmig_line_number(content.data, length)));
	check_not_empty(content.data, script);
	mark = dbmig_mark_length(content.data);
	memmove(content.data, content.data + mark, length - mark + 1);
	return content.data;
}

/*
 * Convert the text of a file to the encoding of the database, line by line so
 * that an error can tell the line.  Frees the text given, unless it is the
 * result.
 */
static char *
convert_text(char *text, const char *file_name)
{
	FilePlace	place = {.file_name = file_name};
	ErrorContextCallback callback;
	StringInfoData result;
	const char *line;
	const char *next;

	if (pg_is_ascii(text))
		return text;

	callback.callback = file_error_callback;
	callback.arg = &place;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	initStringInfo(&result);
	for (line = text; *line != '\0'; line = next)
	{
		char	   *converted;

		CHECK_FOR_INTERRUPTS();
		place.line++;
		next = dbmig_next_line(line);
		converted = pg_any_to_server(line, next - line, PG_UTF8);
		if (converted == line)
			appendBinaryStringInfo(&result, line, next - line);
		else
		{
			appendStringInfoString(&result, converted);
			pfree(converted);
		}
	}

	error_context_stack = callback.previous;
	pfree(text);
	return result.data;
}

/* The text of a registered script. */
static char *
registered_text(const char *project, const DbmigScript *script)
{
	char	   *text;

	text = dbmig_registered_script(project, script->from, script->to);
	if (text == NULL)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("registered script \"%s\" does not exist",
					   script->file_name));
	check_not_empty(text, script);
	return text;
}

/*
 * The text of a script, in the encoding of the database and the current memory
 * context.  A script without any text is an error.
 */
char *
dbmig_script_text(const char *project, const DbmigScript *script)
{
	bool		complete;

	if (script->directory == NULL)
		return registered_text(project, script);
	if (script->text != NULL)
		return convert_text(pstrdup(script->text), script->file_name);
	return convert_text(read_file(script, false, &complete), script->file_name);
}

/*
 * The header of a script.  It is read when it is asked for the first time, and
 * kept with the script, in the script's own memory context.
 */
DbmigHeader *
dbmig_script_header(const char *project, DbmigScript *script)
{
	MemoryContext old;
	char	   *text;
	bool		complete;

	if (script->header != NULL)
		return script->header;

	old = MemoryContextSwitchTo(GetMemoryChunkContext(script));

	if (script->directory == NULL)
		text = registered_text(project, script);
	else
	{
		text = read_file(script, true, &complete);
		if (complete && strlen(text) <= MAX_KEPT_LENGTH)
			script->text = pstrdup(text);
		text[dbmig_header_length(text)] = '\0';
		text = convert_text(text, script->file_name);
	}
	script->header = dbmig_header_parse(text, script->file_name);
	pfree(text);
	MemoryContextSwitchTo(old);
	return script->header;
}
