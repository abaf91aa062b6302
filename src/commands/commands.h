/*-------------------------------------------------------------------------
 *
 * commands.h
 *		What the files of SQL-callable functions share.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_COMMANDS_H
#define DBMIG_COMMANDS_H

#include "engine/compare.h"
#include "fmgr.h"
#include "funcapi.h"

/* arguments.c */
extern char *dbmig_text_argument(FunctionCallInfo fcinfo, int n, const char *name);
extern const char *dbmig_project_argument(FunctionCallInfo fcinfo, int n);
extern char **dbmig_names_argument(FunctionCallInfo fcinfo, int n,
								   const char *name, int *count);
extern char *dbmig_optional_text(FunctionCallInfo fcinfo, int n);
extern DbmigCompareOptions dbmig_compare_arguments(FunctionCallInfo fcinfo, int n);
extern void dbmig_text_result(Datum *values, bool *nulls, int n, const char *text);

/* door.c */
extern struct EventTriggerData *dbmig_event_trigger_data(FunctionCallInfo fcinfo);

/* registry.c */
extern char *dbmig_register_script(char *file_name, const char *text, bool force);

#endif							/* DBMIG_COMMANDS_H */
