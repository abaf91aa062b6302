/*-------------------------------------------------------------------------
 *
 * watch.h
 *		Sees DDL that does not come from the engine.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_WATCH_H
#define DBMIG_WATCH_H

#include "commands/event_trigger.h"

extern void dbmig_prepare_watch(void);
extern bool dbmig_has_word(const char *text, const char *word);
extern void dbmig_watch_start(const EventTriggerData *trigger);
extern void dbmig_watch_end(const EventTriggerData *trigger);
extern void dbmig_watch_drop(const EventTriggerData *trigger);

#endif							/* DBMIG_WATCH_H */
