/*-------------------------------------------------------------------------
 *
 * session.c
 *		Who is at work.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/session.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* The role that privileges are checked for, by name. */
char *
dbmig_current_role(void)
{
	return GetUserNameFromId(GetUserId(), false);
}

/* The role that SET ROLE goes back to, by name. */
char *
dbmig_session_role(void)
{
	return GetUserNameFromId(GetSessionUserId(), false);
}

/* The client's address, as the function of that name tells it. */
Datum
dbmig_client_address(bool *isnull)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum		address;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	*isnull = fcinfo->isnull;
	return address;
}
