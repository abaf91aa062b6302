/*-------------------------------------------------------------------------
 *
 * session.h
 *		Who is at work.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#ifndef DBMIG_SESSION_H
#define DBMIG_SESSION_H

extern char *dbmig_current_role(void);
extern char *dbmig_session_role(void);
extern Datum dbmig_client_address(bool *isnull);

#endif							/* DBMIG_SESSION_H */
