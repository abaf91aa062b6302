/*-------------------------------------------------------------------------
 *
 * replaced.c
 *		Revisions that a squashed one replaces: which scripts count, and what
 *		becomes of the state.
 *
 * A squashed revision names in its header what it replaces, and has the
 * identifier of the last revision of the range; so whatever follows, names or
 * requires the end of the range goes on to do so.  The scripts of the range may
 * lie beside it.  Which of the two shapes of the same history counts depends on
 * the database:
 *
 *	before	nothing of the range is applied: the squashed script counts
 *	past	the end is applied: the squashed script counts, and in the state
 *			its revision takes the place of the range
 *	inside	something of the range is applied, or was begun, but not its end:
 *			the old scripts count, all of which have to be there
 *
 * What a script of the counting shape does not belong to is hidden.  A script
 * that neither belongs to the range, but refers to one of its inner revisions,
 * is not: the graph refuses it.
 *
 * A project is loaded as if the state had its new shape; the tables follow
 * when somebody who holds the project lock calls dbmig_relabel().
 *
 * A squashed revision can be a part of what another one replaces.  The one that
 * replaces more comes first; where it counts, the other one is hidden.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "engine/engine.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* An entry of a map from names to what belongs to them. */
typedef struct Named
{
	char		name[DBMIG_MAX_IDENTIFIER + 1]; /* the key; must be first */
	void	   *value;
} Named;

/* What is decided, and upon what. */
typedef struct Choice
{
	const char *project;
	List	   *scripts;
	bool		forget;
	HTAB	   *applied;		/* identifier -> DbmigApplied */
	HTAB	   *begun;			/* identifier -> DbmigUnfinished */
	HTAB	   *owners;			/* replaced identifier -> the squashed script that
								 * counts */
	HTAB	   *rejected;		/* revision -> list of the squashed scripts of it
								 * that do not count */
	List	   *relabels;
} Choice;

static HTAB *
create_map(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(((Named *) NULL)->name);
	control.entrysize = sizeof(Named);
	control.hcxt = CurrentMemoryContext;
	return hash_create("dbmig replaced", 64, &control,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static void
map_put(HTAB *map, const char *name, void *value)
{
	char		key[DBMIG_MAX_IDENTIFIER + 1];

	strlcpy(key, name, sizeof(key));
	((Named *) hash_search(map, key, HASH_ENTER, NULL))->value = value;
}

/* What belongs to a name; NULL if nothing does. */
static void *
map_get(HTAB *map, const char *name)
{
	char		key[DBMIG_MAX_IDENTIFIER + 1];
	Named	   *entry;

	strlcpy(key, name, sizeof(key));
	entry = hash_search(map, key, HASH_FIND, NULL);
	return entry ? entry->value : NULL;
}

/* What replaces most comes first; names break ties. */
static int
compare_squashed(const ListCell *a, const ListCell *b)
{
	const DbmigScript *first = lfirst(a);
	const DbmigScript *second = lfirst(b);

	if (first->header->nreplaces != second->header->nreplaces)
		return first->header->nreplaces > second->header->nreplaces ? -1 : 1;
	return strcmp(first->file_name, second->file_name);
}

/* Raise an error unless a script may replace what it says. */
static void
check_squashed(const DbmigScript *script)
{
	const DbmigHeader *header = script->header;
	const char *detail = NULL;

	if (header->revision == NULL)
		detail = _("It has no Revision ID.");
	else if (dbmig_names_include(header->replaces, header->nreplaces,
								 header->revision))
		detail = _("It names the revision itself.");
	else if (dbmig_names_include(header->replaces, header->nreplaces, script->from))
		detail = _("It names a parent of the revision.");
	if (detail)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				errmsg("header of script file \"%s\" cannot replace revisions",
					   script->file_name),
				errdetail_internal("%s", detail),
				errcontext("%s", dbmig_script_place(script)));
}

/* The upgrade scripts of squashed revisions, in the order they are judged. */
static List *
find_squashed(List *scripts)
{
	List	   *squashed = NIL;
	ListCell   *lc;

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);

		if (script->header == NULL || script->header->nreplaces == 0)
			continue;
		if (script->revision && strcmp(script->revision, script->to) != 0)
			continue;			/* its way back */
		check_squashed(script);
		squashed = lappend(squashed, script);
	}
	list_sort(squashed, compare_squashed);
	return squashed;
}

/* Is this one of a squashed revision's names, its parent's included? */
static bool
is_end_of(const Choice *choice, const DbmigScript *owner, const char *name)
{
	return map_get(choice->owners, name) == owner ||
		strcmp(name, owner->revision) == 0 || strcmp(name, owner->from) == 0;
}

/* Does a script belong to what a squashed script that counts replaces? */
static bool
is_replaced(const Choice *choice, const DbmigScript *script)
{
	const char *revision = script->revision;
	const DbmigScript *owner;

	if (revision)
	{
		/* an inner revision, or the end in its former shape */
		if (map_get(choice->owners, revision))
			return true;
		owner = map_get(choice->owners,
						strcmp(revision, script->to) == 0 ? script->from : script->to);
		return owner && strcmp(owner->revision, revision) == 0;
	}
	owner = map_get(choice->owners, script->from);
	if (owner == NULL)
		owner = map_get(choice->owners, script->to);
	return owner && is_end_of(choice, owner, script->from) &&
		is_end_of(choice, owner, script->to);
}

/* Does a script belong to a squashed revision that does not count? */
static bool
is_rejected(const Choice *choice, const DbmigScript *script)
{
	ListCell   *lc;

	if (script->revision == NULL)
		return false;
	foreach(lc, (List *) map_get(choice->rejected, script->revision))
	{
		const DbmigScript *squashed = lfirst(lc);

		if (script == squashed ||
			(strcmp(script->from, squashed->to) == 0 &&
			 strcmp(script->to, squashed->from) == 0))
			return true;
	}
	return false;
}

/* Let a squashed script count. */
static void
let_count(Choice *choice, DbmigScript *squashed)
{
	const DbmigHeader *header = squashed->header;

	for (int i = 0; i < header->nreplaces; i++)
	{
		const DbmigScript *other = map_get(choice->owners, header->replaces[i]);

		CHECK_FOR_INTERRUPTS();
		if (other)
			ereport(ERROR,
					errcode(ERRCODE_DUPLICATE_OBJECT),
					errmsg("revision \"%s\" of project \"%s\" is replaced twice",
						   header->replaces[i], choice->project),
					errdetail("By \"%s\" in %s, and by \"%s\" in %s.",
							  other->revision, dbmig_script_place(other),
							  squashed->revision, dbmig_script_place(squashed)));
		map_put(choice->owners, header->replaces[i], squashed);
	}
}

/* Upgrade scripts by revision, leaving out one script. */
static HTAB *
map_upgrades(List *scripts, const DbmigScript *but)
{
	HTAB	   *upgrades = create_map();
	ListCell   *lc;

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);
		const DbmigScript *known;

		CHECK_FOR_INTERRUPTS();
		if (script == but ||
			(script->revision && strcmp(script->revision, script->to) != 0))
			continue;
		/* of two shapes of a revision, the squashed one needs less */
		known = map_get(upgrades, script->to);
		if (known == NULL ||
			(script->header && script->header->nreplaces > known->header->nreplaces))
			map_put(upgrades, script->to, script);
	}
	return upgrades;
}

/*
 * Which scripts of the range are wanting to get from the state to its end?
 * Returns a list of identifiers.
 */
static List *
find_missing(const Choice *choice, const DbmigScript *squashed)
{
	const DbmigHeader *header = squashed->header;
	HTAB	   *upgrades = map_upgrades(choice->scripts, squashed);
	HTAB	   *waiting = create_map();
	List	   *queue = list_make1(squashed->revision);
	List	   *missing = NIL;

	for (int i = 0; i < header->nreplaces; i++)
		map_put(waiting, header->replaces[i], header->replaces[i]);
	for (int i = 0; i < list_length(queue); i++)
	{
		const char *id = list_nth(queue, i);
		DbmigScript *script = map_get(upgrades, id);
		char	  **down;
		int			ndown;

		CHECK_FOR_INTERRUPTS();
		if (map_get(choice->applied, id))
			continue;
		if (script == NULL)
		{
			missing = lappend(missing, (char *) id);
			continue;
		}
		down = dbmig_script_parents(script, &ndown);
		for (int k = 0; k < ndown; k++)
		{
			if (map_get(waiting, down[k]) == NULL)
				continue;
			map_put(waiting, down[k], NULL);
			queue = lappend(queue, down[k]);
		}
	}
	return missing;
}

/* Names for a message. */
static char *
list_names(List *names)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
		appendStringInfo(&text, "%s\"%s\"", foreach_current_index(lc) ? ", " : "",
						 (const char *) lfirst(lc));
	return text.data;
}

/* The database is inside the range, and cannot get out of it. */
static void
stuck_inside(const Choice *choice, const DbmigScript *squashed, List *present,
			 List *missing)
{
	ereport(ERROR,
			errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			errmsg("database is inside the range of revisions that \"%s\" of project \"%s\" replaces",
				   squashed->revision, choice->project),
			errdetail("Applied or begun: %s.  Without an upgrade script: %s.",
					  list_names(present), list_names(missing)),
			errhint("Put the scripts of the replaced revisions back and upgrade to \"%s\" with them.  If the schema is what that builds, say so with dbm_stamp('%s', project => '%s').",
					squashed->revision, squashed->revision, choice->project));
}

/* Was this row written by a former shape of the squashed revision? */
static bool
is_former(const DbmigApplied *row, const DbmigHeader *header)
{
	for (int i = 0; i < row->ndown; i++)
	{
		if (!dbmig_names_include(header->replaces, header->nreplaces, row->down[i]))
			return false;
	}
	return row->ndown > 0;
}

/* Where is the database, and does the squashed script count therefore? */
static void
judge(Choice *choice, DbmigScript *squashed)
{
	const DbmigHeader *header = squashed->header;
	DbmigApplied *row = map_get(choice->applied, squashed->revision);
	bool		former = row && is_former(row, header);
	bool		begun = former && map_get(choice->begun, squashed->revision);
	List	   *gone = NIL;
	List	   *present = NIL;
	DbmigRelabel *relabel;

	for (int i = 0; i < header->nreplaces; i++)
	{
		bool		half = map_get(choice->begun, header->replaces[i]) != NULL;
		bool		whole = map_get(choice->applied, header->replaces[i]) != NULL;

		CHECK_FOR_INTERRUPTS();
		if (whole)
			gone = lappend(gone, header->replaces[i]);
		if (half || whole)
			present = lappend(present, header->replaces[i]);
		begun |= half;
	}

	if (begun || (row == NULL && gone != NIL))
	{
		List	   *missing = find_missing(choice, squashed);

		if (missing == NIL)
		{
			map_put(choice->rejected, squashed->revision,
					lappend(map_get(choice->rejected, squashed->revision), squashed));
			return;
		}
		if (!choice->forget)
			stuck_inside(choice, squashed, present, missing);
	}
	let_count(choice, squashed);
	if (gone == NIL && !former)
		return;

	relabel = palloc(sizeof(DbmigRelabel));
	relabel->upgrade = squashed;
	relabel->row = row;
	relabel->gone = gone;
	choice->relabels = lappend(choice->relabels, relabel);
	if (row)
	{
		row->down = dbmig_script_parents(squashed, &row->ndown);
		row->deps = header->deps;
		row->ndeps = header->ndeps;
	}
}

/*
 * Leave out scripts that do not count in this database.  Of each script is
 * known whose it is, unless it has no Revision ID; state is a list of
 * DbmigApplied.  *relabels becomes a list of what has to be done to the state
 * so that it fits the scripts; rows in it that stay have got their new parents.
 *
 * Raises an error if the database is inside the range of a squashed revision
 * and the old scripts are not there; unless forget is given: then what is
 * applied of the range goes.
 */
List *
dbmig_choose_scripts(const char *project, List *scripts, List *state,
					 bool forget, List **relabels)
{
	Choice		choice = {.project = project,.scripts = scripts,.forget = forget};
	List	   *squashed = find_squashed(scripts);
	List	   *chosen = NIL;
	ListCell   *lc;

	*relabels = NIL;
	if (squashed == NIL)
		return scripts;

	choice.applied = create_map();
	foreach(lc, state)
		map_put(choice.applied, ((DbmigApplied *) lfirst(lc))->revision, lfirst(lc));
	choice.begun = create_map();
	foreach(lc, dbmig_unfinished_list(project))
		map_put(choice.begun, ((DbmigUnfinished *) lfirst(lc))->revision, lfirst(lc));
	choice.owners = create_map();
	choice.rejected = create_map();

	foreach(lc, squashed)
	{
		if (!is_replaced(&choice, lfirst(lc)))
			judge(&choice, lfirst(lc));
	}
	foreach(lc, scripts)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_replaced(&choice, lfirst(lc)) && !is_rejected(&choice, lfirst(lc)))
			chosen = lappend(chosen, lfirst(lc));
	}
	*relabels = choice.relabels;
	return chosen;
}

/*
 * Fill in rows of squashed revisions as dbmig_relabel() will write them.  Who
 * applied the end of the range, and when, stays.
 */
void
dbmig_describe_relabels(DbmigProject *project)
{
	ListCell   *lc;

	foreach(lc, project->relabels)
	{
		const DbmigRelabel *relabel = lfirst(lc);
		DbmigApplied *row = relabel->row;
		int			node;

		if (row == NULL)
			continue;
		node = dbmig_graph_lookup(project->graph, row->revision);
		dbmig_describe_applied(project, node,
							   dbmig_script_text(project->name, relabel->upgrade),
							   NULL, row);
		row->has_upgrade = true;
		row->has_downgrade = dbmig_revision(project, node)->downgrade != NULL;
	}
}

/*
 * Write one row in the place of those of its range.  What the state is told by
 * a script takes the same rights of its author as running it.
 */
static void
relabel_one(DbmigProject *project, const DbmigRelabel *relabel)
{
	const char *id = relabel->upgrade->revision;
	int			node = dbmig_graph_lookup(project->graph, id);
	const DbmigRevision *revision = dbmig_revision(project, node);
	DbmigLogEntry entry = {0};
	ListCell   *lc;

	dbmig_check_author(project, revision, DBMIG_UPGRADE);
	entry.project = project->name;
	entry.revision = id;
	entry.direction = "relabel";
	entry.outcome = "done";
	entry.started_at = GetCurrentTimestamp();
	entry.from = palloc(sizeof(char *) * (list_length(relabel->gone) + 1));
	foreach(lc, relabel->gone)
	{
		CHECK_FOR_INTERRUPTS();
		entry.from[entry.nfrom++] = lfirst(lc);
		dbmig_applied_delete(project->name, lfirst(lc));
	}
	if (relabel->row)
	{
		char	   *text = dbmig_revision_script(project, revision, DBMIG_UPGRADE);

		entry.from[entry.nfrom++] = (char *) id;
		entry.to = (char **) &id;
		entry.nto = 1;
		entry.checksum = relabel->row->checksum;
		entry.file = relabel->upgrade->file_name;
		dbmig_applied_delete(project->name, id);
		dbmig_applied_insert(project->name, relabel->row, text,
							 dbmig_revision_script(project, revision, DBMIG_DOWNGRADE));
	}
	entry.ended_at = GetCurrentTimestamp();
	dbmig_log_append(&entry);
	ereport(NOTICE,
			errmsg("revision \"%s\" of project \"%s\" now stands for those that it replaces",
				   id, project->name),
			errdetail("No script was run.  Marked as applied before: %s.",
					  list_names(relabel->gone)));
}

/*
 * Make the state in the tables what it was loaded as.  The caller holds the
 * project lock.
 */
void
dbmig_relabel(DbmigProject *project)
{
	ListCell   *lc;

	if (project->relabels == NIL)
		return;
	dbmig_check_snapshot(project->name);
	foreach(lc, project->relabels)
		relabel_one(project, lfirst(lc));
	project->relabels = NIL;
}
