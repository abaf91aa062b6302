/*-------------------------------------------------------------------------
 *
 * row_type.c
 *		What holds up the change of a row type.
 *
 * While the server keeps an expression that uses a row type, in a default, a
 * check, a view or an SQL-standard function body, it refuses to give another
 * type to an attribute of that: be it of the composite type or table itself,
 * or of one that is in it by way of attributes, arrays and domains.  So when
 * such a part is retyped, the type is reshaped, and so is what has it in it,
 * and the users of these that store an expression are torn.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "schema/kinds.h"

/*
 * Does the server keep an expression of the fact that may use a row type?  One
 * that does holds up a change of the type's attributes.
 */
bool
dbmig_stores_row_type(const DbmigFact *user, const DbmigFact *type)
{
	const DbmigKind *kind = user->kind;

	if (kind == &dbmig_kind_routine)
		return strcmp(dbmig_fact_value(user, "defaults"), "0") != 0 ||
			strstr(dbmig_fact_value(user, "definition"), "\nAS ") == NULL;
	/* queries refer to a table for more than its row type */
	if (type->kind == &dbmig_kind_table)
		return user->parent != type &&
			(kind == &dbmig_kind_default || kind == &dbmig_kind_constraint ||
			 kind == &dbmig_kind_index);
	/* the server minds no check of a domain over the type */
	if (kind == &dbmig_kind_domain || kind == &dbmig_kind_domain_constraint)
		return false;
	for (int i = 0; i < kind->nrules; i++)
	{
		if ((kind->rules[i].flags & DBMIG_EXPRESSION) && user->values[i])
			return true;
	}
	return false;
}

/* The row type or domain that has what is retyped in it, in the end; or NULL. */
DbmigFact *
dbmig_reshaped_by(DbmigFact *user, const DbmigFact *used)
{
	if (user->kind == &dbmig_kind_domain)
		return user;
	if ((user->kind == &dbmig_kind_attribute || user->kind == &dbmig_kind_column) &&
		user->parent != used)
		return user->parent;
	return NULL;
}

/*
 * Add to a list what changes the shape of a row type, or of a domain over one,
 * and of what is in it.  Asked of a fact of the wanted inventory.
 */
List *
dbmig_shape_actions(List *actions, const DbmigFact *type)
{
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, type->children)
	{
		const DbmigFact *part = lfirst(lc);

		if (part->kind == &dbmig_kind_attribute || part->kind == &dbmig_kind_column)
		{
			actions = list_concat(actions, part->altered);
			actions = dbmig_shape_actions(actions, part);
		}
	}
	foreach(lc, type->references)
	{
		const DbmigFact *used = lfirst(lc);

		if (used != type->parent && used->twin && used->twin->reshaped)
			actions = dbmig_shape_actions(actions, used);
	}
	return actions;
}
