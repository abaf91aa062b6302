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

#include "lib/stringinfo.h"
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
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, names)
		appendStringInfo(&text, "%s%s", foreach_current_index(lc) ? ", " : "",
						 (char *) lfirst(lc));
	return text.data;
}

/* Write what changes for one grantee. */
static void
write_grantee(DbmigDiff *diff, DbmigFact *fact, const DbmigRule *rule,
			  const char *grantee, List *old, List *new)
{
	const DbmigKind *kind = fact->kind;
	char	   *object = dbmig_pattern(kind->grant_on ? kind->grant_on : kind->address,
									   fact);
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
		(void) dbmig_act_alter(diff, fact, rule,
							   psprintf("REVOKE %s ON %s FROM %s", join(revoked),
										object, grantee), NULL);
	if (option_revoked)
		(void) dbmig_act_alter(diff, fact, rule,
							   psprintf("REVOKE GRANT OPTION FOR %s ON %s FROM %s",
										join(option_revoked), object, grantee), NULL);
	if (granted)
		(void) dbmig_act_alter(diff, fact, rule,
							   psprintf("GRANT %s ON %s TO %s", join(granted),
										object, grantee), NULL);
	if (option_granted)
		(void) dbmig_act_alter(diff, fact, rule,
							   psprintf("GRANT %s ON %s TO %s WITH GRANT OPTION",
										join(option_granted), object, grantee), NULL);
}

/* The owner of a fact, or of what it is part of; NULL if none is known. */
static const char *
fact_owner(const DbmigFact *fact)
{
	for (int i = 0; i < fact->kind->nrules; i++)
	{
		if (strcmp(fact->kind->rules[i].attribute, "owner") == 0)
			return fact->values[i];
	}
	return fact->parent ? fact_owner(fact->parent) : NULL;
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* GRANT and REVOKE what is different. */
void
dbmig_alter_privileges(DbmigDiff *diff, DbmigFact *before, DbmigFact *after,
					   const DbmigRule *rule)
{
	const char *value_before = before ? dbmig_fact_value(before, "acl") : NULL;
	const char *value_after = dbmig_fact_value(after, "acl");
	const char *owner = fact_owner(after);
	const char *old_owner = before ? fact_owner(before) : owner;
	List	   *old;
	List	   *new;
	List	   *grantees = NIL;
	const char *previous = NULL;
	ListCell   *lc;

	/* what is default on one side is spelled out by the other one */
	old = value_before ? parse_privileges(value_before, old_owner, owner) :
		parse_privileges(dbmig_fact_value(after, "acl_default"), NULL, NULL);
	new = value_after ? parse_privileges(value_after, NULL, NULL) :
		parse_privileges(dbmig_fact_value(before, "acl_default"), old_owner, owner);

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
		write_grantee(diff, after, rule, previous, old, new);
	}
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
		(void) dbmig_act_alter(diff, after, rule,
							   psprintf("ALTER %s RESET (%s)", object, join(reset)),
							   NULL);
	if (set)
		(void) dbmig_act_alter(diff, after, rule,
							   psprintf("ALTER %s SET (%s)", object, join(set)), NULL);
}
