/*-------------------------------------------------------------------------
 *
 * drift.c
 *		What was changed without the engine: the event triggers that see it,
 *		and what they recorded.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/commands.h"
#include "commands/event_trigger.h"
#include "engine/drift.h"
#include "engine/engine.h"
#include "engine/watch.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

PG_FUNCTION_INFO_V1(dbmig_watch_ddl);
PG_FUNCTION_INFO_V1(dbmig_drift);
PG_FUNCTION_INFO_V1(dbmig_ddl);
PG_FUNCTION_INFO_V1(dbmig_forget_ddl);

/* Event trigger, at any of the events. */
Datum
dbmig_watch_ddl(PG_FUNCTION_ARGS)
{
	const EventTriggerData *trigger = dbmig_event_trigger_data(fcinfo);

	if (strcmp(trigger->event, "ddl_command_start") == 0)
		dbmig_watch_start(trigger);
	else if (strcmp(trigger->event, "sql_drop") == 0)
		dbmig_watch_drop(trigger);
	else
		dbmig_watch_end(trigger);
	PG_RETURN_NULL();
}

/* dbm_drift(project): where nothing is applied nothing can have drifted */
Datum
dbmig_drift(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DbmigProject *project = dbmig_project_load(dbmig_project_argument(fcinfo, 0),
											   GetActiveSnapshot());
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	if (!dbmig_has_applied(project))
		return (Datum) 0;
	foreach(lc, dbmig_find_drift(project))
	{
		const DbmigDrift *row = lfirst(lc);
		Datum		values[7];
		bool		nulls[7];

		dbmig_text_result(values, nulls, 0, row->kind);
		dbmig_text_result(values, nulls, 1, row->id);
		dbmig_text_result(values, nulls, 2, row->difference);
		dbmig_text_result(values, nulls, 3, row->repair);
		dbmig_text_result(values, nulls, 4, row->adopt);
		dbmig_text_result(values, nulls, 5, row->changed_by);
		nulls[6] = !row->has_changed_at;
		values[6] = TimestampTzGetDatum(row->changed_at);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* dbm_ddl(): what was recorded, a row for each object, oldest first */
Datum
dbmig_ddl(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell   *lc;

	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, dbmig_ddl_list())
	{
		const DbmigDdl *row = lfirst(lc);

		for (int i = 0; i < row->nobjects; i++)
		{
			Datum		values[11] = {0};
			bool		nulls[11] = {0};

			CHECK_FOR_INTERRUPTS();
			values[0] = TimestampTzGetDatum(row->recorded_at);
			values[1] = CStringGetTextDatum(row->command);
			values[2] = CStringGetTextDatum(row->kinds[i]);
			values[3] = CStringGetTextDatum(row->identities[i]);
			values[4] = CStringGetTextDatum(row->role);
			values[5] = CStringGetTextDatum(row->session_role);
			nulls[6] = !row->has_client_addr;
			values[6] = row->client_addr;
			values[7] = CStringGetTextDatum(row->application_name);
			values[8] = FullTransactionIdGetDatum(row->transaction_id);
			nulls[9] = row->statement == NULL;
			if (row->statement)
				values[9] = CStringGetTextDatum(row->statement);
			values[10] = BoolGetDatum(row->glass_broken);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}

/* dbm_forget_ddl(before): returns how many commands were forgotten */
Datum
dbmig_forget_ddl(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("dbm_forget_ddl()");
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("%s must not be null", "before"));
	PG_RETURN_INT64(dbmig_ddl_delete(PG_GETARG_TIMESTAMPTZ(0)));
}
