/*-------------------------------------------------------------------------
 *
 * offline.c
 *		dbm_sql: what an upgrade or downgrade would do, as a text for psql.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/commands.h"
#include "engine/engine.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(dbmig_sql);

/* dbm_sql(target, bookkeeping, project) */
Datum
dbmig_sql(PG_FUNCTION_ARGS)
{
	char	   *target = dbmig_text_argument(fcinfo, 0, "target");
	char	   *bookkeeping = dbmig_text_argument(fcinfo, 1, "bookkeeping");
	const char *project = dbmig_project_argument(fcinfo, 2);
	bool		alembic = strcmp(bookkeeping, "alembic") == 0;

	if (!alembic && strcmp(bookkeeping, "dbm") != 0)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid bookkeeping: \"%s\"", bookkeeping),
				errhint("Use dbm or alembic."));
	PG_RETURN_TEXT_P(cstring_to_text(dbmig_offline_script(project, target, alembic,
														  GetActiveSnapshot())));
}
