/*-------------------------------------------------------------------------
 *
 * project.c
 *		Puts a project together: scripts of the store, the state, the graph.
 *
 * A revision is known by its upgrade script, by its applied row, or by both;
 * then they must agree on its parents and dependencies, because the state is
 * closed under them.  Where a header names its Revision ID, that tells which
 * way a script leads; scripts without one are told apart by reachability from
 * base, as plain extension update scripts have to be.
 *
 * Nothing is kept between calls.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "base/settings.h"
#include "commands/extension.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

/* A hash table key: an identifier, or "base". */
typedef struct Identifier
{
	char		text[DBMIG_MAX_IDENTIFIER + 1];
} Identifier;

/* What is known about a name while a project is put together. */
typedef struct Entry
{
	Identifier	name;			/* the key; must be first */
	DbmigRevision *revision;	/* NULL for a name that is only referred to */
	bool		reached;		/* from base, by upgrade scripts */
	struct Entry *parent;		/* first parent, where reached by a script */
	List	   *undirected;		/* scripts from here whose direction is open */
} Entry;

/* The project a call is about: the one given, or the setting's. */
const char *
dbmig_project_name(const char *given)
{
	const char *name = given ? given : dbmig_project_setting;

	dbmig_check_project(name);
	return name;
}

static HTAB *
create_names(void)
{
	HASHCTL		control = {0};

	control.keysize = sizeof(Identifier);
	control.entrysize = sizeof(Entry);
	control.hcxt = CurrentMemoryContext;
	return hash_create("dbmig revisions", 256, &control,
					   HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
}

static Entry *
enter_name(HTAB *names, const char *text)
{
	bool		found;
	Identifier	key;
	Entry	   *entry;

	if (strlcpy(key.text, text, sizeof(key.text)) >= sizeof(key.text))
		dbmig_check_identifier(text, "revision");	/* raises */
	entry = hash_search(names, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->revision = NULL;
		entry->reached = false;
		entry->parent = NULL;
		entry->undirected = NIL;
	}
	return entry;
}

static DbmigRevision *
enter_revision(HTAB *names, const char *id)
{
	Entry	   *entry = enter_name(names, id);

	if (entry->revision == NULL)
	{
		entry->revision = palloc0(sizeof(DbmigRevision));
		entry->revision->id = pstrdup(id);
	}
	return entry->revision;
}

/* Parents as a script gives them; a first revision has none. */
char **
dbmig_script_parents(const DbmigScript *script, int *count)
{
	if (script->header->has_revises)
	{
		*count = script->header->ndown;
		return script->header->down;
	}
	*count = strcmp(script->from, "base") == 0 ? 0 : 1;
	return (char **) &script->from;
}

static const char *
first_name(char **names, int count)
{
	return count > 0 ? names[0] : "base";
}

/* "a, b" for messages; base stands for none. */
static char *
list_names(char **names, int count)
{
	return count > 0 ? dbmig_join_names(names, count, ", ") : pstrdup("base");
}

/* A header that does not fit its file name. */
static void
contradiction(const DbmigScript *script, const char *detail)
{
	ereport(ERROR,
			errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
			errmsg("header of script file \"%s\" contradicts its name",
				   script->file_name),
			errdetail_internal("%s", detail),
			errcontext("%s", dbmig_script_place(script)));
}

static void
add_upgrade(HTAB *names, DbmigScript *script)
{
	DbmigRevision *revision = enter_revision(names, script->to);
	int			ndown;
	char	  **down = dbmig_script_parents(script, &ndown);

	if (strcmp(first_name(down, ndown), script->from) != 0)
		contradiction(script,
					  psprintf(_("It upgrades from \"%s\", but its header revises \"%s\"."),
							   script->from, first_name(down, ndown)));
	if (revision->upgrade)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("revision \"%s\" is defined twice", revision->id),
				errdetail("One upgrade script is %s, the other is %s.",
						  dbmig_script_place(revision->upgrade),
						  dbmig_script_place(script)));
	revision->upgrade = script;
}

static void
add_downgrade(HTAB *names, DbmigScript *script)
{
	DbmigRevision *revision = enter_revision(names, script->from);

	if (revision->downgrade)
		ereport(ERROR,
				errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg("revision \"%s\" has two downgrade scripts", revision->id),
				errdetail("One is %s, the other is %s.",
						  dbmig_script_place(revision->downgrade),
						  dbmig_script_place(script)));
	revision->downgrade = script;
}

/*
 * Is ancestor on the way back from entry to base?  Headers that form a cycle
 * are found only when the graph is built, so a way may be endless here.
 */
static bool
is_behind(const Entry *ancestor, const Entry *entry, HTAB *names)
{
	for (long left = hash_get_num_entries(names); entry && left > 0; left--)
	{
		CHECK_FOR_INTERRUPTS();
		if (entry == ancestor)
			return true;
		entry = entry->parent;
	}
	return false;
}

static int
compare_entries(const ListCell *a, const ListCell *b)
{
	return strcmp(((const Entry *) lfirst(a))->name.text,
				  ((const Entry *) lfirst(b))->name.text);
}

/*
 * Give scripts without a Revision ID their direction, walking from base and
 * from the revisions that are known already.  What leads to a name not reached
 * yet upgrades to it; what leads back along the way downgrades.
 */
static void
direct_scripts(HTAB *names, List *undirected)
{
	List	   *queue = NIL;
	HASH_SEQ_STATUS status;
	Entry	   *entry;
	Entry	   *base = enter_name(names, "base");
	ListCell   *lc;
	int			left = list_length(undirected);

	foreach(lc, undirected)
	{
		DbmigScript *script = lfirst(lc);

		entry = enter_name(names, script->from);
		entry->undirected = lappend(entry->undirected, script);
		(void) enter_name(names, script->to);
	}

	hash_seq_init(&status, names);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->revision && entry->revision->upgrade)
		{
			entry->reached = true;
			queue = lappend(queue, entry);
		}
	}
	/* entering names may not happen during the scan above */
	foreach(lc, queue)
	{
		entry = lfirst(lc);
		entry->parent = enter_name(names, entry->revision->upgrade->from);
	}
	base->reached = true;
	queue = lappend(queue, base);
	list_sort(queue, compare_entries);

	/* the queue grows while it is walked; order within is the store's */
	for (int i = 0; i < list_length(queue); i++)
	{
		entry = list_nth(queue, i);
		foreach(lc, entry->undirected)
		{
			DbmigScript *script = lfirst(lc);
			Entry	   *to = enter_name(names, script->to);

			CHECK_FOR_INTERRUPTS();
			left--;
			if (!to->reached)
			{
				add_upgrade(names, script);
				to->reached = true;
				to->parent = entry;
				queue = lappend(queue, to);
			}
			else if (is_behind(to, entry, names))
				add_downgrade(names, script);
			else
				add_upgrade(names, script); /* a second one: raises */
		}
	}

	if (left > 0)
	{
		foreach(lc, undirected)
		{
			DbmigScript *script = lfirst(lc);

			if (enter_name(names, script->from)->reached)
				continue;
			ereport(ERROR,
					errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					errmsg("cannot tell whether script file \"%s\" upgrades or downgrades",
						   script->file_name),
					errdetail("Its header has no Revision ID, and no upgrade scripts lead from base to \"%s\".",
							  script->from),
					errhint("Add a line \"-- Revision ID: %s\" or \"-- Revision ID: %s\" to its header.",
							script->to, script->from));
		}
	}
}

/*
 * Do two headers put a script at the same place, and run it the same way?  One
 * may leave out a parent that the file name tells.
 */
static bool
same_header(const DbmigHeader *a, const DbmigHeader *b)
{
	bool		same_parents;

	if (a->has_revises && b->has_revises)
		same_parents = dbmig_same_names(a->down, a->ndown, b->down, b->ndown);
	else
		same_parents = a->ndown < 2 && b->ndown < 2;
	return same_parents && a->transactional == b->transactional &&
		dbmig_same_names(a->deps, a->ndeps, b->deps, b->ndeps) &&
		dbmig_same_names(a->replaces, a->nreplaces, b->replaces, b->nreplaces) &&
		dbmig_same_names(a->labels, a->nlabels, b->labels, b->nlabels);
}

/*
 * Once an upgrade script is known by its header, the script for the way back
 * is known by its name.  Its header need not be read before it is used, which
 * halves the files to open; dbmig_revision_header() makes up for it.
 */
static void
assign_way_back(HTAB *names, const DbmigScript *upgrade)
{
	ListCell   *lc;

	foreach(lc, enter_name(names, upgrade->to)->undirected)
	{
		DbmigScript *script = lfirst(lc);

		if (strcmp(script->to, upgrade->from) == 0)
		{
			if (script->header == NULL)
				script->revision = upgrade->revision;
			return;
		}
	}
}

/*
 * Read headers, walking from base, so that of each pair of files the upgrade
 * script comes first.  Sets of each script whose it is, unless it has no
 * Revision ID.
 */
static void
read_headers(const char *project, HTAB *names, List *scripts)
{
	List	   *queue = list_make1(enter_name(names, "base"));
	ListCell   *lc;

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);
		Entry	   *entry = enter_name(names, script->from);

		entry->undirected = lappend(entry->undirected, script);
	}

	((Entry *) linitial(queue))->reached = true;
	for (int i = 0; i < list_length(queue); i++)
	{
		Entry	   *entry = list_nth(queue, i);

		foreach(lc, entry->undirected)
		{
			DbmigScript *script = lfirst(lc);
			Entry	   *to = enter_name(names, script->to);

			CHECK_FOR_INTERRUPTS();
			if (to->reached)
				continue;
			to->reached = true;
			queue = lappend(queue, to);
			script->revision = dbmig_script_header(project, script)->revision;
			if (script->revision && strcmp(script->revision, script->to) == 0)
				assign_way_back(names, script);
		}
	}

	/* what is left: other parents' files, ways back of another shape, islands */
	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (script->header == NULL && script->revision == NULL)
			script->revision = dbmig_script_header(project, script)->revision;
	}
}

/* Which way a script leads, its Revision ID says. */
static void
add_by_revision(HTAB *names, DbmigScript *script)
{
	if (strcmp(script->revision, script->to) == 0)
		add_upgrade(names, script);
	else if (strcmp(script->revision, script->from) == 0)
		add_downgrade(names, script);
	else
		contradiction(script,
					  psprintf(_("Its Revision ID is \"%s\", which is neither \"%s\" nor \"%s\"."),
							   script->revision, script->from, script->to));
}

/* Forget the walk, for one that begins elsewhere. */
static void
reset_walk(HTAB *names)
{
	HASH_SEQ_STATUS status;
	Entry	   *entry;

	hash_seq_init(&status, names);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		entry->reached = false;
		entry->parent = NULL;
		entry->undirected = NIL;
	}
}

/*
 * Sort the scripts of the store into revisions.  The same file may lie in
 * several places as long as it says the same in each.  Returns what of the
 * state has to be relabelled, as dbmig_choose_scripts() does.
 */
static List *
add_scripts(const char *project, HTAB *names, List *scripts, List *state,
			bool forget)
{
	DbmigScript *previous = NULL;
	List	   *distinct = NIL;
	List	   *undirected = NIL;
	List	   *relabels;
	ListCell   *lc;
	ListCell   *name;

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (previous && strcmp(previous->file_name, script->file_name) == 0)
		{
			char	   *a = dbmig_script_text(project, previous);
			char	   *b = dbmig_script_text(project, script);

			if (strcmp(dbmig_script_checksum(a, previous->file_name),
					   dbmig_script_checksum(b, script->file_name)) != 0 ||
				!same_header(dbmig_script_header(project, previous),
							 dbmig_script_header(project, script)))
				ereport(ERROR,
						errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("script \"%s\" has different contents in two places",
							   script->file_name),
						errdetail("One is %s, the other is %s.",
								  dbmig_script_place(previous),
								  dbmig_script_place(script)));
			continue;
		}
		previous = script;

		distinct = lappend(distinct, script);
	}

	read_headers(project, names, distinct);
	reset_walk(names);
	distinct = dbmig_choose_scripts(project, distinct, state, forget, &relabels);
	foreach(lc, relabels)
	{
		foreach(name, ((const DbmigRelabel *) lfirst(lc))->gone)
			enter_name(names, lfirst(name))->revision = NULL;
	}

	foreach(lc, distinct)
	{
		DbmigScript *script = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (script->revision)
			add_by_revision(names, script);
		else
			undirected = lappend(undirected, script);
	}
	if (undirected != NIL)
		direct_scripts(names, undirected);
	return relabels;
}

/*
 * Say of each script whose it is, for those who must not fail because the
 * project does not fit together.  Without a Revision ID the end that is
 * farther from base counts, whatever the scripts there lead to.
 */
void
dbmig_assign_revisions(const char *project, List *scripts)
{
	HTAB	   *names = create_names();
	List	   *queue = list_make1(enter_name(names, "base"));
	ListCell   *lc;

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);
		Entry	   *from = enter_name(names, script->from);

		CHECK_FOR_INTERRUPTS();
		from->undirected = lappend(from->undirected, script);
	}

	/* breadth first: a name is reached before those farther from base */
	((Entry *) linitial(queue))->reached = true;
	for (int i = 0; i < list_length(queue); i++)
	{
		Entry	   *from = list_nth(queue, i);

		foreach(lc, from->undirected)
		{
			DbmigScript *script = lfirst(lc);
			Entry	   *to = enter_name(names, script->to);

			CHECK_FOR_INTERRUPTS();
			if (!to->reached)
			{
				to->reached = true;
				to->parent = from;
				queue = lappend(queue, to);
			}
			/* the same file may lie in several places */
			script->revision = to->parent == from ? script->to : script->from;
		}
	}

	foreach(lc, scripts)
	{
		DbmigScript *script = lfirst(lc);
		DbmigHeader *header = dbmig_script_header(project, script);

		if (header->revision)
			script->revision = header->revision;
		else if (script->revision == NULL)
			script->revision = script->to;
	}
	hash_destroy(names);
}

/*
 * A revision's scripts and its applied row must describe the same place in the
 * graph.  Raises an error if they do not.
 */
void
dbmig_check_revision(const char *project, const DbmigRevision *revision)
{
	const DbmigScript *upgrade = revision->upgrade;
	const DbmigScript *downgrade = revision->downgrade;
	const DbmigApplied *state = revision->state;
	char	  **down;
	int			ndown;

	if (upgrade == NULL && state == NULL)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				errmsg("revision \"%s\" of project \"%s\" has a downgrade script but no upgrade script",
					   revision->id, project),
				errdetail("The downgrade script is %s.",
						  dbmig_script_place(downgrade)));

	if (upgrade)
	{
		down = dbmig_script_parents(upgrade, &ndown);
		if (state &&
			(!dbmig_same_names(down, ndown, state->down, state->ndown) ||
			 !dbmig_same_names(upgrade->header->deps, upgrade->header->ndeps,
						 state->deps, state->ndeps)))
			ereport(ERROR,
					errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("parents of applied revision \"%s\" were changed",
						   revision->id),
					errdetail("It was applied with parents %s and dependencies %s; %s gives parents %s and dependencies %s.",
							  list_names(state->down, state->ndown),
							  state->ndeps ? list_names(state->deps, state->ndeps) : _("none"),
							  dbmig_script_place(upgrade),
							  list_names(down, ndown),
							  upgrade->header->ndeps ?
							  list_names(upgrade->header->deps, upgrade->header->ndeps) : _("none")),
					errhint("Restore the script's header, or give the changed script a revision identifier of its own."));
	}
	else
	{
		down = state->down;
		ndown = state->ndown;
	}

	if (downgrade)
	{
		const DbmigHeader *header = downgrade->header;

		/* a header not read yet is checked when it is */
		if (header && header->revision &&
			strcmp(header->revision, revision->id) != 0)
			contradiction(downgrade,
						  psprintf(_("It is the way back of revision \"%s\", but its Revision ID is \"%s\"."),
								   revision->id, header->revision));
		if (header && header->has_revises &&
			strcmp(first_name(header->down, header->ndown), downgrade->to) != 0)
			contradiction(downgrade,
						  psprintf(_("It downgrades to \"%s\", but its header revises \"%s\"."),
								   downgrade->to,
								   first_name(header->down, header->ndown)));
		if (strcmp(downgrade->to, first_name(down, ndown)) != 0 ||
			(header && header->has_revises &&
			 !dbmig_same_names(header->down, header->ndown, down, ndown)))
			ereport(ERROR,
					errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					errmsg("downgrade script of revision \"%s\" does not fit its upgrade script",
						   revision->id),
					errdetail("The revision's parents are %s; %s leads to \"%s\".",
							  list_names(down, ndown),
							  dbmig_script_place(downgrade), downgrade->to));
	}
}

/* The graph's node for a revision that dbmig_check_revision() has passed. */
static DbmigNode
make_node(DbmigRevision *revision)
{
	DbmigNode	node = {0};
	const DbmigApplied *state = revision->state;

	node.id = revision->id;
	node.owner = revision;
	if (revision->upgrade)
	{
		DbmigHeader *header = revision->upgrade->header;

		node.origin = dbmig_script_place(revision->upgrade);
		node.down_ids = (const char **) dbmig_script_parents(revision->upgrade, &node.ndown);
		node.ndeps = header->ndeps;
		node.dep_ids = (const char **) header->deps;
		node.nlabels = header->nlabels;
		node.labels = (const char **) header->labels;
		node.nreplaces = header->nreplaces;
		node.replaces = (const char **) header->replaces;
	}
	else
	{
		node.origin = "dbm.applied";
		node.ndown = state->ndown;
		node.down_ids = (const char **) state->down;
		node.ndeps = state->ndeps;
		node.dep_ids = (const char **) state->deps;
		node.nlabels = state->nlabels;
		node.labels = (const char **) state->labels;
	}
	return node;
}

/* A project is known by a script, an applied revision, or a control file. */
static void
check_known(const char *project)
{
	char	   *default_version;

	if (dbmig_project_default_version(project, &default_version) ||
		dbmig_extension_is_managed(project, NULL))
		return;
	ereport(ERROR,
			errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("project \"%s\" does not exist", project),
			errdetail("It has no control file, no script and no applied revision."),
			errhint("dbm_projects() lists the projects known in this database."));
}

/* The applied row of a name; NULL when it is not applied. */
static const DbmigApplied *
find_state(HTAB *names, const char *text)
{
	Identifier	key;
	Entry	   *entry;

	strlcpy(key.text, text, sizeof(key.text));
	entry = hash_search(names, &key, HASH_FIND, NULL);
	return entry && entry->revision ? entry->revision->state : NULL;
}

static bool
follows(const DbmigApplied *state, const char *parent)
{
	return state && strcmp(first_name(state->down, state->ndown), parent) == 0;
}

/*
 * Is every script of the store, by its name, a script of an applied revision?
 * A script in two places counts as no, since they have to be compared.
 */
static bool
all_applied(HTAB *names, List *scripts)
{
	const DbmigScript *previous = NULL;
	ListCell   *lc;

	foreach(lc, scripts)
	{
		const DbmigScript *script = lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (previous && strcmp(previous->file_name, script->file_name) == 0)
			return false;
		previous = script;
		if (!follows(find_state(names, script->to), script->from) &&
			!follows(find_state(names, script->from), script->to))
			return false;
	}
	return true;
}

/*
 * Load a project in the current memory context.  With missing_ok, one that is
 * not known in any way is empty instead of an error.  With quick, scripts that
 * all belong to applied revisions are not read.  forget is as for
 * dbmig_choose_scripts().
 */
static DbmigProject *
load_project(const char *name, Snapshot snapshot, bool missing_ok, bool quick,
			 bool forget)
{
	DbmigProject *project = palloc0(sizeof(DbmigProject));
	HTAB	   *names = create_names();
	List	   *scripts = dbmig_store_list(name);
	List	   *state = dbmig_applied_list(name, snapshot);
	HASH_SEQ_STATUS status;
	Entry	   *entry;
	DbmigNode  *nodes;
	int			n = 0;
	ListCell   *lc;

	project->name = pstrdup(name);
	if (scripts == NIL && state == NIL && !missing_ok)
		check_known(name);

	foreach(lc, state)
	{
		DbmigApplied *row = lfirst(lc);

		enter_revision(names, row->revision)->state = row;
	}
	project->without_scripts = quick && all_applied(names, scripts);
	if (!project->without_scripts)
		project->relabels = add_scripts(name, names, scripts, state, forget);

	nodes = palloc(sizeof(DbmigNode) * (hash_get_num_entries(names) + 1));
	hash_seq_init(&status, names);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (entry->revision == NULL)
			continue;
		dbmig_check_revision(name, entry->revision);
		nodes[n++] = make_node(entry->revision);
	}
	project->graph = dbmig_graph_build(project->name, nodes, n);

	project->applied = palloc0(sizeof(bool) * (n + 1));
	for (int i = 0; i < n; i++)
		project->applied[i] = dbmig_revision(project, i)->state != NULL;
	hash_destroy(names);
	dbmig_describe_relabels(project);
	return project;
}

/*
 * Load a project in the current memory context.  The state is read with the
 * given snapshot; NULL means the latest one, for those who hold the project
 * lock.
 */
DbmigProject *
dbmig_project_load(const char *name, Snapshot snapshot)
{
	return load_project(name, snapshot, false, false, false);
}

/*
 * Load a project to set its state anew, by who holds its lock.  What is applied
 * of revisions that were replaced, without their scripts, counts for nothing.
 */
DbmigProject *
dbmig_project_load_forgetting(const char *name)
{
	return load_project(name, NULL, false, false, true);
}

/* The same for a project that may begin to exist now. */
DbmigProject *
dbmig_project_load_or_begin(const char *name, Snapshot snapshot)
{
	return load_project(name, snapshot, true, false, false);
}

/*
 * Load a project to find out whether there is something to do, by who holds
 * its lock.  Where all scripts belong to applied revisions, the state alone
 * makes the graph, and no script is read; without_scripts tells.  That is
 * enough to find that nothing is pending, many times faster.  A header that
 * was changed after its revision was applied goes unseen.
 */
DbmigProject *
dbmig_project_load_quick(const char *name)
{
	return load_project(name, NULL, false, true, false);
}

/*
 * Load what is applied of a project and nothing else, so that it matters
 * neither what its scripts are like nor whether there is such a project.
 */
DbmigProject *
dbmig_project_load_state(const char *name, Snapshot snapshot)
{
	DbmigProject *project = palloc0(sizeof(DbmigProject));
	List	   *state = dbmig_applied_list(name, snapshot);
	DbmigNode  *nodes = palloc(sizeof(DbmigNode) * (list_length(state) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, state)
	{
		DbmigRevision *revision = palloc0(sizeof(DbmigRevision));

		revision->state = lfirst(lc);
		revision->id = revision->state->revision;
		nodes[n++] = make_node(revision);
	}
	project->name = pstrdup(name);
	project->graph = dbmig_graph_build(project->name, nodes, n);
	project->applied = palloc(sizeof(bool) * (n + 1));
	memset(project->applied, true, sizeof(bool) * n);
	return project;
}

DbmigRevision *
dbmig_revision(const DbmigProject *project, int node)
{
	return project->graph->nodes[node].owner;
}

const char *
dbmig_revision_message(const DbmigRevision *revision)
{
	return revision->upgrade ? revision->upgrade->header->message :
		revision->state->message;
}

/*
 * The header of a revision's script in one direction, which has to be in the
 * store.  If it was not read before, it is checked now.
 */
const DbmigHeader *
dbmig_revision_header(const DbmigProject *project, const DbmigRevision *revision,
					  DbmigDirection direction)
{
	DbmigScript *script = direction == DBMIG_UPGRADE ?
		revision->upgrade : revision->downgrade;

	if (script->header == NULL)
	{
		(void) dbmig_script_header(project->name, script);
		dbmig_check_revision(project->name, revision);
	}
	return script->header;
}

/* Is a revision's script in one direction known, from the store or the state? */
bool
dbmig_has_script(const DbmigRevision *revision, DbmigDirection direction)
{
	const DbmigApplied *state = revision->state;

	if (direction == DBMIG_UPGRADE)
		return revision->upgrade || (state && state->has_upgrade);
	return revision->downgrade || (state && state->has_downgrade);
}

/*
 * The text of a revision's script in one direction; NULL when there is none.
 * Files and registered scripts come first, what the state keeps comes second.
 */
char *
dbmig_revision_script(const DbmigProject *project, const DbmigRevision *revision,
					  DbmigDirection direction)
{
	bool		upgrade = (direction == DBMIG_UPGRADE);
	DbmigScript *script = upgrade ? revision->upgrade : revision->downgrade;

	if (script)
	{
		(void) dbmig_revision_header(project, revision, direction);
		return dbmig_script_text(project->name, script);
	}
	if (dbmig_has_script(revision, direction))
		return dbmig_applied_script(project->name, revision->id, upgrade, NULL);
	return NULL;
}

/* The name that a revision's script has, or would have. */
char *
dbmig_revision_file(const DbmigProject *project, int node, DbmigDirection direction)
{
	const DbmigNode *n = &project->graph->nodes[node];
	const char *parent = n->ndown > 0 ? n->down_ids[0] : "base";

	return direction == DBMIG_UPGRADE ?
		dbmig_file_name(project->name, parent, n->id) :
		dbmig_file_name(project->name, n->id, parent);
}

/* Is any of the project's revisions applied? */
bool
dbmig_has_applied(const DbmigProject *project)
{
	for (int i = 0; i < project->graph->n; i++)
	{
		if (project->applied[i])
			return true;
	}
	return false;
}

/* The identifiers of the current heads. */
char **
dbmig_current_heads(const DbmigProject *project, int *count)
{
	int		   *heads = dbmig_graph_maximal(project->graph, project->applied, count);
	char	  **names = palloc(sizeof(char *) * (*count + 1));

	for (int i = 0; i < *count; i++)
		names[i] = dbmig_revision(project, heads[i])->id;
	return names;
}

/* The heads of a state as the mirror shows them: sorted, joined by commas. */
char *
dbmig_state_text(const DbmigGraph *graph, const bool *state)
{
	int			count;
	int		   *heads = dbmig_graph_maximal(graph, state, &count);
	char	  **names = palloc(sizeof(char *) * (count + 1));

	if (count == 0)
		return pstrdup("base");
	for (int i = 0; i < count; i++)
		names[i] = (char *) graph->nodes[heads[i]].id;
	return dbmig_join_names(names, count, ",");
}

/* The current heads, likewise. */
char *
dbmig_heads_text(const DbmigProject *project)
{
	return dbmig_state_text(project->graph, project->applied);
}
