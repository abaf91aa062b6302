/*-------------------------------------------------------------------------
 *
 * authoring.c
 *		dbm_revision, dbm_merge, dbm_squash, dbm_export, dbm_set_template and
 *		dbm_template: writing revisions, and getting their files out.
 *
 * Whatever makes or shows files returns them as rows (file_name, script), so
 * that a client can save them into its checkout.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "catalog/pg_type.h"
#include "commands/commands.h"
#include "engine/engine.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(dbmig_revision_create);
PG_FUNCTION_INFO_V1(dbmig_merge);
PG_FUNCTION_INFO_V1(dbmig_squash);
PG_FUNCTION_INFO_V1(dbmig_export);
PG_FUNCTION_INFO_V1(dbmig_set_template);
PG_FUNCTION_INFO_V1(dbmig_template);

#define BLANKS " \t\f\v\r\n"

/* A flag; NULL stands for its default. */
static bool
flag(FunctionCallInfo fcinfo, int n, bool default_value)
{
	return PG_ARGISNULL(n) ? default_value : PG_GETARG_BOOL(n);
}

/* The statements of a script; blanks alone are none. */
static char *
statements_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *text = dbmig_optional_text(fcinfo, n);

	if (text && text[strspn(text, BLANKS)] == '\0')
		*text = '\0';
	return text;
}

/* A message, without the blanks around it, which a header would lose. */
static char *
message_argument(FunctionCallInfo fcinfo, int n)
{
	char	   *text = dbmig_text_argument(fcinfo, n, "message");
	size_t		len;

	text += strspn(text, BLANKS);
	len = strlen(text);
	while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL)
		len--;
	if (len == 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("message must not be empty"));
	text[len] = '\0';
	return text;
}

static void
put_file(FunctionCallInfo fcinfo, const char *file_name, const char *script)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[2];
	bool		nulls[2] = {false, false};

	values[0] = CStringGetTextDatum(file_name);
	values[1] = CStringGetTextDatum(script);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Store the files of new revisions, and return them. */
static Datum
store_files(FunctionCallInfo fcinfo, const char *project, List *files)
{
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, files)
	{
		const DbmigFile *file = lfirst(lc);

		put_file(fcinfo, file->file_name, file->text);
	}
	dbmig_store_files(project, files);
	return (Datum) 0;
}

/* Raise an error if something is asked for that autogenerate decides. */
static void
check_autogenerate(const DbmigDraft *draft)
{
	if (draft->upgrade || draft->downgrade)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("autogenerate writes the statements itself"),
				errhint("Leave out upgrade_sql and downgrade_sql."));
	if (!draft->transactional)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("autogenerate decides itself what cannot run in a transaction"),
				errhint("Ask with \"concurrently\" for statements that let others go on writing."));
}

/*
 * dbm_revision(message, autogenerate, upgrade_sql, downgrade_sql, head,
 *				splice, branch_label, depends_on, rev_id, transactional,
 *				compare_with, schemas, kinds, include, exclude, renames,
 *				concurrently, project)
 */
Datum
dbmig_revision_create(PG_FUNCTION_ARGS)
{
	DbmigDraft	draft = {0};
	DbmigCompareOptions options;

	PreventCommandIfReadOnly("dbm_revision()");
	draft.message = message_argument(fcinfo, 0);
	draft.upgrade = statements_argument(fcinfo, 2);
	draft.downgrade = statements_argument(fcinfo, 3);
	draft.parents = dbmig_text_argument(fcinfo, 4, "head");
	draft.splice = flag(fcinfo, 5, false);
	draft.label = dbmig_optional_text(fcinfo, 6);
	draft.deps = dbmig_names_argument(fcinfo, 7, "depends_on", &draft.ndeps);
	draft.revision = dbmig_optional_text(fcinfo, 8);
	draft.transactional = flag(fcinfo, 9, true);
	if (flag(fcinfo, 1, false))
	{
		check_autogenerate(&draft);
		draft.compare_with = dbmig_text_argument(fcinfo, 10, "compare_with");
		options = dbmig_compare_arguments(fcinfo, 11);
		options.in_script = true;
		draft.compare = &options;
	}
	draft.project = dbmig_project_argument(fcinfo, 17);
	return store_files(fcinfo, draft.project, dbmig_draft_files(&draft));
}

/* dbm_merge(revisions, message, branch_label, rev_id, splice, project) */
Datum
dbmig_merge(PG_FUNCTION_ARGS)
{
	DbmigDraft	draft = {0};

	PreventCommandIfReadOnly("dbm_merge()");
	draft.merge = true;
	draft.parents = dbmig_text_argument(fcinfo, 0, "revisions");
	draft.message = PG_ARGISNULL(1) ? NULL : message_argument(fcinfo, 1);
	draft.label = dbmig_optional_text(fcinfo, 2);
	draft.revision = dbmig_optional_text(fcinfo, 3);
	draft.splice = flag(fcinfo, 4, false);
	draft.transactional = true;
	draft.project = dbmig_project_argument(fcinfo, 5);
	return store_files(fcinfo, draft.project, dbmig_draft_files(&draft));
}

/* dbm_squash(from_revision, to_revision, message, project) */
Datum
dbmig_squash(PG_FUNCTION_ARGS)
{
	char	   *from = dbmig_text_argument(fcinfo, 0, "from_revision");
	char	   *to = dbmig_text_argument(fcinfo, 1, "to_revision");
	char	   *message = PG_ARGISNULL(2) ? NULL : message_argument(fcinfo, 2);
	const char *project = dbmig_project_argument(fcinfo, 3);

	PreventCommandIfReadOnly("dbm_squash()");
	return store_files(fcinfo, project,
					   dbmig_squash_files(project, from, to, message));
}

/* dbm_export(range, project) */
Datum
dbmig_export(PG_FUNCTION_ARGS)
{
	char	   *range = dbmig_optional_text(fcinfo, 0);
	DbmigProject *project = dbmig_project_load(dbmig_project_argument(fcinfo, 1),
											   GetActiveSnapshot());
	int			count;
	int		   *nodes = dbmig_resolve_range(project->graph, project->applied,
											range, &count);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = count - 1; i >= 0; i--)
	{
		const DbmigRevision *revision = dbmig_revision(project, nodes[i]);

		for (int direction = DBMIG_UPGRADE; direction <= DBMIG_DOWNGRADE; direction++)
		{
			char	   *text;

			CHECK_FOR_INTERRUPTS();
			text = dbmig_revision_script(project, revision, direction);
			if (text == NULL)
			{
				if (direction == DBMIG_UPGRADE)
					ereport(WARNING,
							errmsg("revision \"%s\" has no upgrade script",
								   revision->id),
							errdetail("Its script was not known when it was marked as applied."));
				continue;
			}
			put_file(fcinfo, dbmig_revision_file(project, nodes[i], direction),
					 text);
			pfree(text);
		}
	}
	return (Datum) 0;
}

/* dbm_set_template(template, project) */
Datum
dbmig_set_template(PG_FUNCTION_ARGS)
{
	char	   *template = dbmig_optional_text(fcinfo, 0);
	const char *project = dbmig_project_argument(fcinfo, 1);

	PreventCommandIfReadOnly("dbm_set_template()");
	if (template)
		dbmig_check_template(template, project);
	dbmig_lock_project(project);
	if (template)
		dbmig_template_put(project, template,
						   dbmig_current_role());
	else
		dbmig_template_delete(project);
	PG_RETURN_VOID();
}

/* dbm_template(project) */
Datum
dbmig_template(PG_FUNCTION_ARGS)
{
	char	   *author;
	char	   *template = dbmig_template_text(dbmig_project_argument(fcinfo, 0),
											   &author);

	PG_RETURN_TEXT_P(cstring_to_text(template ? template :
									 dbmig_default_template));
}
