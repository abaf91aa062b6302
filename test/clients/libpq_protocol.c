/*-------------------------------------------------------------------------
 *
 * libpq_protocol.c
 *		The extended protocol: parameters, prepared statements, pipelines.
 *
 * Prints TAP.  The database is that of libpq's environment variables.
 *
 * Portions Copyright (c) 2026, the databrain_migrate authors
 *
 *-------------------------------------------------------------------------
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#define TEXTOID 25
#define INT4OID 23
#define TEXTARRAYOID 1009
#define INTERVALOID 1186

static int	number = 0;
static int	notices = 0;

static void
test(bool ok, const char *name)
{
	printf("%s %d - %s\n", ok ? "ok" : "not ok", ++number, name);
}

static void
count_notice(void *arg, const char *message)
{
	notices++;
}

/* Ends the program, which then lacks what it planned. */
static void
die(PGconn *db, const char *what)
{
	printf("Bail out! %s: %s", what, PQerrorMessage(db));
	exit(1);
}

static PGresult *
run(PGconn *db, const char *query)
{
	PGresult   *result = PQexec(db, query);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(db, query);
	return result;
}

/* The first column of the first row, valid until the next call. */
static const char *
value(PGconn *db, const char *query)
{
	static char buffer[1000];
	PGresult   *result = run(db, query);

	snprintf(buffer, sizeof(buffer), "%s",
			 PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return buffer;
}

static bool
is(PGconn *db, const char *query, const char *expected)
{
	return strcmp(value(db, query), expected) == 0;
}

static const char *mirror =
"SELECT extversion FROM pg_extension WHERE extname = 'databrain'";

/* Parameters in text, results in binary format, columns by name. */
static void
test_parameters(PGconn *db)
{
	const char *target = "39015ae510e0";
	const char *none = NULL;
	PGresult   *result = PQexecParams(db,
									  "SELECT * FROM dbm_upgrade($1, $2)",
									  2, NULL, (const char *[]) {target, none},
									  NULL, NULL, 1);
	int			step = PQfnumber(result, "step");
	int			revision = PQfnumber(result, "revision");

	test(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 2,
		 "parameters, one of them NULL");
	test(PQftype(result, step) == INT4OID &&
		 PQftype(result, revision) == TEXTOID &&
		 PQftype(result, PQfnumber(result, "from_revisions")) == TEXTARRAYOID &&
		 PQftype(result, PQfnumber(result, "elapsed")) == INTERVALOID,
		 "named columns with their types");
	test(PQntuples(result) == 2 && PQgetlength(result, 1, step) == 4 &&
		 memcmp(PQgetvalue(result, 1, step), "\0\0\0\2", 4) == 0 &&
		 strcmp(PQgetvalue(result, 1, revision), target) == 0,
		 "in binary format");
	PQclear(result);
	test(notices == 2, "a notice for each step");
	test(is(db, mirror, target), "the mirror follows");
}

/* A statement that is parsed once, and whose tree the door changes. */
static void
test_prepared_extension(PGconn *db)
{
	bool		good = true;

	PQclear(PQprepare(db, "alter", "ALTER EXTENSION databrain UPDATE", 0, NULL));
	PQclear(PQprepare(db, "base", "ALTER EXTENSION databrain UPDATE TO 'base'", 0,
					  NULL));
	for (int i = 0; i < 3; i++)
	{
		PGresult   *result = PQexecPrepared(db, "alter", 0, NULL, NULL, NULL, 0);

		good = good && PQresultStatus(result) == PGRES_COMMAND_OK &&
			is(db, mirror, "29e0e8f6dd42") &&
			is(db, "SELECT count(*) FROM dbm.applied", "3");
		PQclear(result);
		result = PQexecPrepared(db, "base", 0, NULL, NULL, NULL, 0);
		good = good && PQresultStatus(result) == PGRES_COMMAND_OK &&
			is(db, mirror, "base") &&
			is(db, "SELECT count(*) FROM dbm.applied", "0");
		PQclear(result);
	}
	test(good, "prepared ALTER EXTENSION three times, up and down");

	good = true;
	PQclear(PQprepare(db, "step", "ALTER EXTENSION databrain UPDATE TO '+1'", 0,
					  NULL));
	for (int i = 1; i <= 3; i++)
	{
		char		count[2] = {'0' + i, '\0'};

		PQclear(PQexecPrepared(db, "step", 0, NULL, NULL, NULL, 0));
		good = good && is(db, "SELECT count(*) FROM dbm.applied", count);
	}
	test(good, "each time a relative target means another revision");
	test(is(db, mirror, "29e0e8f6dd42"), "and the mirror is there");
}

/* The same prepared statement against another state each time. */
static void
test_prepared_function(PGconn *db)
{
	const char *names[] = {"750bcd1e35fa", "39015ae510e0", "29e0e8f6dd42"};
	bool		good = true;

	PQclear(run(db, "SELECT dbm_downgrade('base')"));
	PQclear(PQprepare(db, "up", "SELECT revision FROM dbm_upgrade($1)", 1, NULL));
	for (int i = 0; i < 3; i++)
	{
		PGresult   *result = PQexecPrepared(db, "up", 1, (const char *[]) {"+1"},
											NULL, NULL, 0);

		good = good && PQntuples(result) == 1 &&
			strcmp(PQgetvalue(result, 0, 0), names[i]) == 0;
		PQclear(result);
	}
	test(good, "prepared dbm_upgrade() with a parameter, three times");
}

/* Fetching a set of rows in pieces. */
static void
test_single_rows(PGconn *db)
{
	int			rows = 0;
	PGresult   *result;

	PQsendQueryParams(db, "SELECT revision FROM dbm_history()", 0, NULL, NULL,
					  NULL, NULL, 0);
	PQsetSingleRowMode(db);
	while ((result = PQgetResult(db)) != NULL)
	{
		if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
			rows++;
		PQclear(result);
	}
	test(rows == 3, "row by row");
}

#ifdef LIBPQ_HAS_PIPELINING
static void
send(PGconn *db, const char *query)
{
	if (!PQsendQueryParams(db, query, 0, NULL, NULL, NULL, NULL, 0))
		die(db, query);
}

/* The status of the next result of a pipeline, and its SQLSTATE. */
static ExecStatusType
next(PGconn *db, char *sqlstate)
{
	PGresult   *result = PQgetResult(db);
	ExecStatusType status = PQresultStatus(result);
	const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	snprintf(sqlstate, 6, "%s", code ? code : "");
	PQclear(result);
	/* behind each result but a synchronization comes a NULL */
	if (status != PGRES_PIPELINE_SYNC)
		PQclear(PQgetResult(db));
	return status;
}

static void
test_pipeline(PGconn *db)
{
	char		sqlstate[6];
	bool		good;

	PQclear(run(db, "SELECT dbm_downgrade('base')"));
	if (!PQenterPipelineMode(db))
		die(db, "pipeline");

	/* one transaction up to the synchronization */
	send(db, "SELECT dbm_upgrade('+1')");
	send(db, "INSERT INTO tenant (name) VALUES ('pipe')");
	send(db, "ALTER EXTENSION databrain UPDATE");
	send(db, "SELECT dbm_require('29e0e8f6dd42')");
	PQpipelineSync(db);
	good = next(db, sqlstate) == PGRES_TUPLES_OK;
	good = next(db, sqlstate) == PGRES_COMMAND_OK && good;
	good = next(db, sqlstate) == PGRES_COMMAND_OK && good;
	good = next(db, sqlstate) == PGRES_TUPLES_OK && good;
	good = next(db, sqlstate) == PGRES_PIPELINE_SYNC && good;
	test(good, "a pipeline of upgrades by both doors, and a row between");

	/* an error takes back what came before it in the same one */
	send(db, "SELECT dbm_downgrade('-1')");
	send(db, "SELECT dbm_require('29e0e8f6dd42')");
	send(db, "SELECT dbm_downgrade('base')");
	PQpipelineSync(db);
	good = next(db, sqlstate) == PGRES_TUPLES_OK;
	good = next(db, sqlstate) == PGRES_FATAL_ERROR &&
		strcmp(sqlstate, "55000") == 0 && good;
	good = next(db, sqlstate) == PGRES_PIPELINE_ABORTED && good;
	good = next(db, sqlstate) == PGRES_PIPELINE_SYNC && good;
	test(good, "an error in a pipeline");

	if (!PQexitPipelineMode(db))
		die(db, "end of pipeline");
	test(is(db, "SELECT revision FROM dbm_current()", "29e0e8f6dd42") &&
		 is(db, mirror, "29e0e8f6dd42") &&
		 is(db, "SELECT name FROM tenant", "pipe"),
		 "the first pipeline stays, the second is undone");
}
#else
static void
test_pipeline(PGconn *db)
{
	for (int i = 0; i < 3; i++)
		printf("ok %d # SKIP libpq has no pipeline mode\n", ++number);
}
#endif

/* Where an error is, in the fields of the protocol. */
static void
test_error(PGconn *db)
{
	const char *script = "-- wrong\n\nSELECT 1;\nSELECT wrong;\n";
	const char *context;
	const char *query;
	const char *position;
	PGresult   *result;

	PQclear(PQexecParams(db, "SELECT dbm_register('shop--base--s1.sql', $1)", 1,
						 NULL, &script, NULL, NULL, 0));
	result = PQexecParams(db, "SELECT dbm_upgrade(project => 'shop')", 0, NULL,
						  NULL, NULL, NULL, 0);
	context = PQresultErrorField(result, PG_DIAG_CONTEXT);
	query = PQresultErrorField(result, PG_DIAG_INTERNAL_QUERY);
	position = PQresultErrorField(result, PG_DIAG_INTERNAL_POSITION);
	test(strcmp(PQresultErrorField(result, PG_DIAG_SQLSTATE), "42703") == 0,
		 "an error keeps its SQLSTATE");
	test(context && strstr(context, "project \"shop\", revision \"s1\", file \"shop--base--s1.sql\", line 4, statement 2 of 2"),
		 "its context says where");
	test(query && strcmp(query, "SELECT wrong") == 0 &&
		 position && strcmp(position, "8") == 0 &&
		 PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION) == NULL,
		 "its position is one in the revision's statement");
	PQclear(result);
}

int
main(void)
{
	PGconn	   *db = PQconnectdb("");

	if (PQstatus(db) != CONNECTION_OK)
		die(db, "connection");
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("1..16\n");
	PQsetNoticeProcessor(db, count_notice, NULL);
	PQclear(run(db, "SET client_min_messages = warning"));
	PQclear(run(db, "CREATE EXTENSION databrain CASCADE"));
	PQclear(run(db, "RESET client_min_messages"));

	test_parameters(db);
	test_prepared_extension(db);
	test_prepared_function(db);
	test_single_rows(db);
	test_pipeline(db);
	test_error(db);

	PQfinish(db);
	return 0;
}
