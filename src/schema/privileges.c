/*-------------------------------------------------------------------------
 *
 * privileges.c
 *		Attributes that several kinds have: privileges, and options.
 *
 * Privileges are lines "grantee privilege", with * for the grant option.  No
 * value means the default: all for the owner, and for PUBLIC what the server
 * gives by itself.  Options are lines "name='value'".
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/names.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "schema/schema.h"
#include "utils/builtins.h"

/* One privilege of one grantee. */
typedef struct Privilege
{
	char	   *grantee;
	char	   *name;
	bool		grantable;
} Privilege;

/* Split a text into lines; none for a missing or empty one. */
static List *
split_lines(const char *text)
{
	List	   *lines = NIL;

	while (text && *text)
	{
		int			length = strcspn(text, "\n");

		lines = lappend(lines, pnstrdup(text, length));
		text += length;
		if (*text)
			text++;
	}
	return lines;
}

/*
 * The privileges in a value; those of one role count as another's, which is
 * what ALTER … OWNER TO does to them.
 */
static List *
parse_privileges(const char *value, const char *owner, const char *new_owner)
{
	List	   *privileges = NIL;
	ListCell   *lc;

	foreach(lc, split_lines(value))
	{
		char	   *line = lfirst(lc);
		char	   *space = strrchr(line, ' ');
		Privilege  *privilege = palloc(sizeof(Privilege));

		/* the names of privileges may have blanks in later versions */
		if (line[0] == '"')
			space = strchr(strrchr(line, '"'), ' ');
		else
			space = strchr(line, ' ');
		*space = '\0';
		privilege->grantee = line;
		if (owner && new_owner && strcmp(line, owner) == 0)
			privilege->grantee = pstrdup(new_owner);
		privilege->name = space + 1;
		privilege->grantable = line[strlen(line)] == '\0' &&
			privilege->name[strlen(privilege->name) - 1] == '*';
		if (privilege->grantable)
			privilege->name[strlen(privilege->name) - 1] = '\0';
		privileges = lappend(privileges, privilege);
	}
	return privileges;
}

static const Privilege *
find_privilege(List *privileges, const Privilege *wanted)
{
	ListCell   *lc;

	foreach(lc, privileges)
	{
		const Privilege *privilege = lfirst(lc);

		if (strcmp(privilege->grantee, wanted->grantee) == 0 &&
			strcmp(privilege->name, wanted->name) == 0)
			return privilege;
	}
	return NULL;
}

static void
add_name(List **names, const Privilege *privilege, const char *part)
{
	*names = lappend(*names, psprintf("%s%s", privilege->name, part));
}

static char *
join(List *names)
{
	return dbmig_join_texts(names, ", ");
}

/* Is the privilege one of those that these statements name? */
static bool
is_named(List *names, const char *name)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return false;
}

/*
 * Grant again what columns are to have of privileges that were revoked on their
 * table: the server takes both.  New columns get theirs later.
 */
static void
grant_columns_again(DbmigDiff *diff, DbmigFact *table, const char *grantee, List *names)
{
	ListCell   *lc;

	foreach(lc, names ? table->children : NIL)
	{
		DbmigFact  *column = lfirst(lc);
		ListCell   *p;

		if (column->kind->grant_part == NULL || dbmig_is_new(column))
			continue;
		foreach(p, parse_privileges(dbmig_fact_value(column, "acl"), NULL, NULL))
		{
			const Privilege *privilege = lfirst(p);

			if (strcmp(privilege->grantee, grantee) == 0 &&
				is_named(names, privilege->name))
				(void) dbmig_act_alter(diff, table, false,
									   psprintf("GRANT %s%s ON %s TO %s%s",
												privilege->name,
												dbmig_pattern(column->kind->grant_part, column),
												dbmig_pattern(column->kind->grant_on, column),
												grantee,
												privilege->grantable ? " WITH GRANT OPTION" : ""),
									   NULL);
		}
	}
}

/* Write what changes for one grantee. */
static void
write_grantee(DbmigDiff *diff, DbmigFact *fact, const char *grantee, List *old, List *new)
{
	const DbmigKind *kind = fact->kind;
	char	   *object = dbmig_pattern(kind->grant_on ? kind->grant_on : kind->address,
									   fact);
	char	   *prefix = kind->grant_prefix ? dbmig_pattern(kind->grant_prefix, fact) : "";
	char	   *part = kind->grant_part ? dbmig_pattern(kind->grant_part, fact) : "";
	List	   *revoked = NIL;
	List	   *option_revoked = NIL;
	List	   *granted = NIL;
	List	   *option_granted = NIL;
	ListCell   *lc;

	foreach(lc, old)
	{
		const Privilege *privilege = lfirst(lc);
		const Privilege *now;

		if (strcmp(privilege->grantee, grantee) != 0)
			continue;
		now = find_privilege(new, privilege);
		if (now == NULL)
			add_name(&revoked, privilege, part);
		else if (privilege->grantable && !now->grantable)
			add_name(&option_revoked, privilege, part);
	}
	foreach(lc, new)
	{
		const Privilege *privilege = lfirst(lc);
		const Privilege *before;

		if (strcmp(privilege->grantee, grantee) != 0)
			continue;
		before = find_privilege(old, privilege);
		if (privilege->grantable && (before == NULL || !before->grantable))
			add_name(&option_granted, privilege, part);
		else if (before == NULL)
			add_name(&granted, privilege, part);
	}

	if (revoked)
		(void) dbmig_act_alter(diff, fact, false,
							   psprintf("%sREVOKE %s ON %s FROM %s", prefix, join(revoked),
										object, grantee), NULL);
	if (option_revoked)
		(void) dbmig_act_alter(diff, fact, false,
							   psprintf("%sREVOKE GRANT OPTION FOR %s ON %s FROM %s",
										prefix, join(option_revoked), object, grantee), NULL);
	grant_columns_again(diff, fact, grantee,
						list_concat_copy(revoked, option_revoked));
	if (granted)
		(void) dbmig_act_alter(diff, fact, false,
							   psprintf("%sGRANT %s ON %s TO %s", prefix, join(granted),
										object, grantee), NULL);
	if (option_granted)
		(void) dbmig_act_alter(diff, fact, false,
							   psprintf("%sGRANT %s ON %s TO %s WITH GRANT OPTION",
										prefix, join(option_granted), object, grantee), NULL);
}

/* The owner of a fact, or of what it is part of; NULL if none is known. */
const char *
dbmig_fact_owner(const DbmigFact *fact)
{
	for (int i = 0; i < fact->kind->nrules; i++)
	{
		if (strcmp(fact->kind->rules[i].attribute, "owner") == 0)
			return fact->values[i];
	}
	return fact->parent ? dbmig_fact_owner(fact->parent) : NULL;
}

/*
 * Default privileges as they are while new objects are made: as before, since
 * they are changed last.  NULL when there are none for this fact; schema says
 * whether those of its schema are meant, or those for everywhere.
 */
static const DbmigFact *
find_default_privileges(const DbmigDiff *diff, const DbmigFact *fact, bool schema)
{
	const DbmigInventory *inventory = diff->from;
	const DbmigFact *root = dbmig_fact_root(fact);

	/* they are the last kind */
	for (int i = inventory->n - 1; i >= 0; i--)
	{
		const DbmigFact *defaults = inventory->facts[i];
		const char *name;

		if (defaults->kind != &dbmig_kind_default_privileges)
			break;
		name = dbmig_fact_value(defaults, "schema");
		if (dbmig_fact_value(defaults, "type")[0] == fact->kind->default_privileges &&
			strcmp(dbmig_fact_value(defaults, "role"), diff->role) == 0 &&
			(schema ? name && root != fact && strcmp(name, root->id) == 0 :
			 name == NULL))
			return defaults;
	}
	return NULL;
}

/* Would the server give this new fact other privileges than its defaults? */
bool
dbmig_has_default_privileges(const DbmigDiff *diff, const DbmigFact *fact)
{
	return find_default_privileges(diff, fact, true) ||
		find_default_privileges(diff, fact, false);
}

/* The privileges that a fact has when it has just been made. */
static List *
initial_privileges(const DbmigDiff *diff, const DbmigFact *fact)
{
	const DbmigFact *everywhere = find_default_privileges(diff, fact, false);
	const DbmigFact *in_schema = find_default_privileges(diff, fact, true);
	const char *owner = dbmig_fact_owner(fact);
	List	   *privileges;

	if (everywhere)
		privileges = parse_privileges(dbmig_fact_value(everywhere, "acl"),
									  diff->role, owner);
	else
		privileges = parse_privileges(dbmig_fact_value(fact, "acl_default"),
									  NULL, NULL);
	if (in_schema)
		privileges = list_concat(privileges,
								 parse_privileges(dbmig_fact_value(in_schema, "acl"),
												  diff->role, owner));
	return privileges;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Count what some roles (a list of char *, quoted) have as another one's. */
static char *
reassign_lines(const char *value, List *roles, const char *owner)
{
	List	   *lines = NIL;
	StringInfoData text;
	const char *previous = NULL;
	ListCell   *lc;

	foreach(lc, split_lines(value))
	{
		char	   *line = lfirst(lc);
		ListCell   *role;

		foreach(role, roles)
		{
			int			length = strlen(lfirst(role));

			if (strncmp(line, lfirst(role), length) == 0 && line[length] == ' ')
			{
				line = psprintf("%s%s", owner, line + length);
				break;
			}
		}
		lines = lappend(lines, line);
	}
	list_sort(lines, compare_names);
	initStringInfo(&text);
	foreach(lc, lines)
	{
		if (previous == NULL || strcmp(previous, lfirst(lc)) != 0)
			appendStringInfo(&text, "%s%s", previous ? "\n" : "", (char *) lfirst(lc));
		previous = lfirst(lc);
	}
	return text.data;
}

/*
 * Count what belongs to some roles (a list of char *, quoted) as another one's,
 * with the privileges that owners have.  Default privileges belong to nobody.
 */
void
dbmig_reassign(DbmigInventory *inventory, List *roles, const char *owner)
{
	for (int i = 0; i < inventory->n; i++)
	{
		DbmigFact  *fact = inventory->facts[i];

		CHECK_FOR_INTERRUPTS();
		if (fact->kind == &dbmig_kind_default_privileges)
			continue;
		for (int k = 0; k < fact->kind->nrules; k++)
		{
			const char *attribute = fact->kind->rules[k].attribute;
			ListCell   *lc;

			if (fact->values[k] == NULL)
				continue;
			if (strncmp(attribute, "acl", 3) == 0)
				fact->values[k] = reassign_lines(fact->values[k], roles, owner);
			else if (strcmp(attribute, "owner") == 0)
			{
				foreach(lc, roles)
				{
					if (strcmp(fact->values[k], lfirst(lc)) == 0)
						fact->values[k] = pstrdup(owner);
				}
			}
		}
	}
}

/* GRANT and REVOKE what is different. */
void
dbmig_alter_privileges(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
					   const DbmigRule *rule)
{
	const char *value_before = before ? dbmig_fact_value(before, "acl") : NULL;
	const char *value_after = dbmig_fact_value(after, "acl");
	const char *owner = dbmig_fact_owner(after);
	const char *old_owner = before ? dbmig_fact_owner(before) : owner;
	List	   *old;
	List	   *new;
	List	   *grantees = NIL;
	const char *previous = NULL;
	ListCell   *lc;

	/* what is default on one side is spelled out by the other one */
	if (before == NULL)
		old = initial_privileges(diff, after);
	else if (value_before)
		old = parse_privileges(value_before, old_owner, owner);
	else
		old = parse_privileges(dbmig_fact_value(after, "acl_default"), NULL, NULL);
	if (value_after)
		new = parse_privileges(value_after, NULL, NULL);
	else if (before)
		new = parse_privileges(dbmig_fact_value(before, "acl_default"), old_owner, owner);
	else
		new = parse_privileges(dbmig_fact_value(after, "acl_default"), NULL, NULL);

	foreach(lc, old)
		grantees = lappend(grantees, ((Privilege *) lfirst(lc))->grantee);
	foreach(lc, new)
		grantees = lappend(grantees, ((Privilege *) lfirst(lc))->grantee);
	list_sort(grantees, compare_names);
	foreach(lc, grantees)
	{
		if (previous && strcmp(previous, lfirst(lc)) == 0)
			continue;
		previous = lfirst(lc);
		write_grantee(diff, after, previous, old, new);
	}
}

/*
 * Take default privileges back to what the server does by itself; those of a
 * schema go with it.
 */
void
dbmig_drop_privileges(DbmigDiff *diff, DbmigFact *fact)
{
	DbmigFact  *after = palloc(sizeof(DbmigFact));
	const DbmigKind *kind = fact->kind;
	ListCell   *lc;

	if (fact->parent && fact->parent->gone)
	{
		fact->gone = fact->parent->gone;
		return;
	}
	*after = *fact;
	after->values = palloc(sizeof(char *) * kind->nrules);
	for (int i = 0; i < kind->nrules; i++)
	{
		bool		is_acl = strcmp(kind->rules[i].attribute, "acl") == 0;

		after->values[i] = is_acl ? NULL : fact->values[i];
	}
	for (int i = 0; i < kind->nrules; i++)
	{
		if (kind->rules[i].alter == dbmig_alter_privileges)
			dbmig_alter_privileges(diff, fact, after, &kind->rules[i]);
	}

	/* they are about the fact that goes, not about its image */
	foreach(lc, after->polished)
		((DbmigAction *) lfirst(lc))->fact = fact;
	fact->polished = after->polished;
}

/* The value of the option that a line sets, among lines; NULL if it has none. */
static const char *
find_option(List *lines, const char *line)
{
	int			length = strchr(line, '=') - line + 1;
	ListCell   *lc;

	foreach(lc, lines)
	{
		if (strncmp(lfirst(lc), line, length) == 0)
			return lfirst(lc);
	}
	return NULL;
}

/* SET and RESET options of a table or column. */
void
dbmig_alter_options(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
					const DbmigRule *rule)
{
	List	   *old = split_lines(before ? dbmig_fact_value(before, rule->attribute) : NULL);
	List	   *new = split_lines(dbmig_fact_value(after, rule->attribute));
	const char *object = after->kind == &dbmig_kind_column ?
		dbmig_pattern("TABLE {parent} ALTER COLUMN {name}", after) :
		dbmig_pattern(after->kind->address, after);
	List	   *set = NIL;
	List	   *reset = NIL;
	ListCell   *lc;

	foreach(lc, new)
	{
		const char *known = find_option(old, lfirst(lc));

		if (known == NULL || strcmp(known, lfirst(lc)) != 0)
			set = lappend(set, lfirst(lc));
	}
	foreach(lc, old)
	{
		char	   *line = lfirst(lc);

		if (find_option(new, line) == NULL)
			reset = lappend(reset, pnstrdup(line, strchr(line, '=') - line));
	}
	if (reset)
		(void) dbmig_act_alter(diff, after, false,
							   psprintf("ALTER %s RESET (%s)", object, join(reset)),
							   NULL);
	if (set)
		(void) dbmig_act_alter(diff, after, false,
							   psprintf("ALTER %s SET (%s)", object, join(set)), NULL);
}

/* ADD, SET and DROP options of foreign objects. */
void
dbmig_alter_foreign_options(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
							const DbmigRule *rule)
{
	List	   *old = split_lines(dbmig_fact_value(before, rule->attribute));
	List	   *new = split_lines(dbmig_fact_value(after, rule->attribute));
	const char *object = after->kind == &dbmig_kind_column ?
		dbmig_pattern("FOREIGN TABLE {parent} ALTER COLUMN {name}", after) :
		dbmig_pattern(after->kind->address, after);
	List	   *changes = NIL;
	ListCell   *lc;

	foreach(lc, old)
	{
		char	   *line = lfirst(lc);

		if (find_option(new, line) == NULL)
			changes = lappend(changes,
							  psprintf("DROP %s", pnstrdup(line, strchr(line, '=') - line)));
	}
	foreach(lc, new)
	{
		const char *line = lfirst(lc);
		const char *known = find_option(old, line);
		const char *value = strchr(line, '=');

		if (known == NULL || strcmp(known, line) != 0)
			changes = lappend(changes,
							  psprintf("%s %s %s", known ? "SET" : "ADD",
									   pnstrdup(line, value - line), value + 1));
	}
	(void) dbmig_act_alter(diff, after, !(rule->flags & DBMIG_COSMETIC),
						   psprintf("ALTER %s OPTIONS (%s)", object, join(changes)),
						   NULL);
}
