#!/usr/bin/python3
"""What models and revisions build is kept, and found again only where running
them would give the same.  That nothing was run shows in a read-only
transaction, where a sandbox is refused."""

import subprocess

import psycopg2

from tools.tap import end, ok


def connect(**options):
    connection = psycopg2.connect("", **options)
    connection.autocommit = True
    run("SET client_min_messages = warning", connection)
    return connection


def run(statement, connection=None):
    cursor = (connection or main).cursor()
    cursor.execute(statement)
    return cursor.fetchall() if cursor.description else None


def code(statement, connection=None):
    """The SQLSTATE that a statement ends with; None: it succeeds."""
    try:
        run(statement, connection)
    except psycopg2.Error as e:
        return e.pgcode
    return None


DIFF = "SELECT * FROM dbm_diff('live', 'model')"


def is_kept(statement=DIFF, connection=None):
    run("BEGIN READ ONLY", connection)
    got = code(statement, connection)
    run("ROLLBACK", connection)
    assert got in (None, "25006"), got
    return got is None


def rows(where="true"):
    return run("SELECT count(*) FROM dbm.inventory WHERE " + where)[0][0]


def set_model(text):
    run("SELECT dbm_set_model($model$" + text + "$model$)")


main = psycopg2.connect("")
main.autocommit = True
run("SET client_min_messages = warning")
run("CREATE EXTENSION databrain_migrate")
for role in ("one", "two", "three"):
    run("CREATE ROLE regress_kept_" + role)
run("CREATE TABLE a (id int PRIMARY KEY, v varchar CHECK (v IN ('x', 'y')))")
# these are spelled out once somebody had some
run("GRANT CREATE ON DATABASE %s TO regress_kept_two" % main.info.dbname)
run("REVOKE CREATE ON DATABASE %s FROM regress_kept_two" % main.info.dbname)
MODEL = "CREATE TABLE a (id int PRIMARY KEY, v varchar CHECK (v IN ('x', 'y'))); CREATE TABLE b (id int);"
set_model(MODEL)

# --- it is kept and found ---

ok(not is_kept(), "at first nothing is kept")
ok(rows() == 0, "and a read-only transaction keeps nothing")
first = run(DIFF)
ok(is_kept(), "a comparison keeps what the model builds")
ok(run(DIFF) == first and len(first) == 1, "what is kept gives the same", first, run(DIFF))
ok(is_kept("SELECT * FROM dbm_diff('model', 'live')"), "it serves in either direction")
ok(rows() == 1, "it is one row")
run("DELETE FROM dbm.inventory")
run("BEGIN")
run(DIFF)
ok(rows() == 1, "a transaction finds what it kept")
run("ROLLBACK")
ok(rows() == 0, "what is rolled back is not kept")
run(DIFF)

# --- each part of the key ---


def try_change(what, change, undo, connection=None):
    assert is_kept(connection=connection), what
    run(change, connection)
    ok(not is_kept(connection=connection), "not found after a change: " + what)
    run(undo, connection)
    ok(is_kept(connection=connection), "found again without it: " + what)


for name, value in (("search_path", "pg_catalog, public"), ("TimeZone", "'Asia/Tokyo'"),
                    ("DateStyle", "'SQL, DMY'"), ("IntervalStyle", "iso_8601"),
                    ("default_toast_compression", "lz4"), ("check_function_bodies", "off"),
                    ("default_tablespace", "pg_default"), ("default_table_access_method", "nothing"),
                    ("transform_null_equals", "on"), ("array_nulls", "off"), ("xmloption", "document"),
                    ("standard_conforming_strings", "off"), ("lc_monetary", "'POSIX'")):
    if code("SET %s = %s" % (name, value)) is None:
        run("RESET " + name)
        try_change("setting " + name, "SET %s = %s" % (name, value), "RESET " + name)
for what, change, undo in (
        ("an extension", "CREATE EXTENSION citext", "DROP EXTENSION citext"),
        ("a schema", "CREATE SCHEMA more", "DROP SCHEMA more"),
        ("the owner of a schema", "ALTER SCHEMA public OWNER TO regress_kept_one",
         "ALTER SCHEMA public OWNER TO pg_database_owner"),
        ("privileges on a schema", "GRANT CREATE ON SCHEMA public TO regress_kept_one",
         "REVOKE CREATE ON SCHEMA public FROM regress_kept_one"),
        ("the comment on a schema", "COMMENT ON SCHEMA public IS 'x'",
         "COMMENT ON SCHEMA public IS 'standard public schema'"),
        ("default privileges", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_kept_one",
         "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM regress_kept_one"),
        ("default privileges in a schema",
         "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO regress_kept_one",
         "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM regress_kept_one"),
        ("a role", "CREATE ROLE regress_kept_four", "DROP ROLE regress_kept_four"),
        ("a cast", "CREATE CAST (point AS bytea) WITH INOUT", "DROP CAST (point AS bytea)"),
        ("a language", "ALTER LANGUAGE plpgsql OWNER TO regress_kept_one", "ALTER LANGUAGE plpgsql OWNER TO CURRENT_USER"),
        ("privileges on the database", "GRANT CREATE ON DATABASE %s TO regress_kept_two" % main.info.dbname,
         "REVOKE CREATE ON DATABASE %s FROM regress_kept_two" % main.info.dbname)):
    try_change(what, change, undo)
run("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_kept_one")
run(DIFF)
try_change("other default privileges", "ALTER DEFAULT PRIVILEGES GRANT INSERT ON TABLES TO regress_kept_one",
           "ALTER DEFAULT PRIVILEGES REVOKE INSERT ON TABLES FROM regress_kept_one")
run("ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM regress_kept_one")
try_change("the text", "SELECT dbm_set_model($$%s -- x$$)" % MODEL, "SELECT dbm_set_model($$%s$$)" % MODEL)

me = run("SELECT current_user")[0][0]
run("ALTER ROLE regress_kept_one SUPERUSER")
run(DIFF)
try_change("the caller", "SET ROLE regress_kept_one", "RESET ROLE")
run("SET ROLE regress_kept_one")
set_model(MODEL)
run("RESET ROLE")
ok(not is_kept(), "not found after a change: the author")
run(DIFF)
ok(is_kept(), "the author's is kept too")
run("GRANT regress_kept_two TO regress_kept_one")
ok(is_kept(), "a superuser has the rights of all, so a membership changes nothing")
run("REVOKE regress_kept_two FROM regress_kept_one")
run("ALTER ROLE regress_kept_one NOSUPERUSER")
ok(code(DIFF) == "42501", "who may not run the model is not shown what is kept", code(DIFF))
set_model(MODEL)
run(DIFF)

run("CREATE SCHEMA aside")
ok(not is_kept("SELECT * FROM dbm_diff('live', 'model', ARRAY['public'])"), "not with a part of the schemas")
run("SELECT * FROM dbm_diff('live', 'model', ARRAY['public'])")
ok(not is_kept("SELECT * FROM dbm_diff('live', 'model', ARRAY['public'])"),
   "and this is not kept, since other schemas stay in place")
run("DROP SCHEMA aside")
other = connect()
ok(is_kept(connection=other), "another session finds it")
run("CREATE TEMP TABLE a (x int)", other)
ok(not is_kept(connection=other), "not with a temporary table, which the model could use")
run("DROP TABLE pg_temp.a", other)
ok(is_kept(connection=other), "found again without it")
for what, create, drop in (("type", "TYPE pg_temp.t AS ENUM ('x')", "TYPE pg_temp.t"),
                           ("function", "FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "FUNCTION pg_temp.f()")):
    run("CREATE " + create, other)
    ok(not is_kept(connection=other), "not with a temporary " + what)
    run("DROP " + drop, other)
    ok(is_kept(connection=other), "found again without it")
other.close()

# --- revisions ---


def put(text):
    run("SELECT dbm_register('databrain--base--r1.sql', $x$-- r1\n-- Revision ID: r1\n-- Revises: base\n%s$x$, true)" % text)


put("CREATE TABLE a (id int PRIMARY KEY);")
REVISION = "SELECT * FROM dbm_diff('live', 'revision:r1')"
ok(not is_kept(REVISION), "nothing is kept of a revision at first")
run(REVISION)
ok(is_kept(REVISION), "what revisions build is kept")
ok(is_kept("SELECT * FROM dbm_diff('revision:r1', 'model')"), "two texts are compared without running either")
ok(not is_kept("SELECT * FROM dbm_diff('empty', 'model')"), "what is empty is not known yet")
run("SELECT * FROM dbm_diff('empty', 'model')")
ok(is_kept("SELECT * FROM dbm_diff('empty', 'model')"), "it is kept as well")
put("CREATE TABLE a (id int PRIMARY KEY, n int);")
ok(not is_kept(REVISION), "not found after a change of a script")

# --- texts that compute what they do ---

for what, text in (("DO", "DO 'BEGIN CREATE TABLE b (id int); END'"),
                   ("a function that is called", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f();"),
                   ("a computed bound", "CREATE TABLE p (d date) PARTITION BY RANGE (d);"
                    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (now()) TO (now() + '1 day')"),
                   ("a bound that is the present time", "CREATE TABLE p (d date) PARTITION BY RANGE (d);"
                    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('today') TO ('tomorrow')"),
                   ("a default that is the present time", "CREATE TABLE b (t timestamptz DEFAULT 'now')"),
                   ("an extension from files", "CREATE EXTENSION citext")):
    set_model(text)
    run(DIFF)
    ok(not is_kept(), "not kept: " + what)
set_model("SELECT pg_catalog.set_config('search_path', '', false);\n"
          "CREATE TABLE public.p (d date, i int) PARTITION BY RANGE (d, i);\n"
          "CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES FROM ('2026-01-01', -1) TO (MAXVALUE, MAXVALUE);")
run(DIFF)
ok(is_kept(), "kept: a dump with constant bounds")
set_model("CREATE TYPE phase AS ENUM ('now', 'later');"
          "CREATE TABLE b (t timestamptz DEFAULT now(), p phase DEFAULT 'now', CHECK (p <> 'now'))")
run(DIFF)
ok(is_kept(), "kept: other constants by the name of a time")

# --- spellings ---

set_model(MODEL)
run("ALTER TABLE a DROP CONSTRAINT a_v_check")
run("ALTER TABLE a ADD CHECK (v::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[]))")
run("DELETE FROM dbm.inventory")
first = run(DIFF)
ok(len(first) == 1 and rows("cardinality(spellings) > 0") == 1, "what is only spelled differently is noted", first)
ok(is_kept() and run(DIFF) == first, "and is known without a sandbox")
run("ALTER TABLE a DROP CONSTRAINT a_v_check")
run("ALTER TABLE a ADD CONSTRAINT a_v_check CHECK (v IN ('x', 'z'))")
ok(not is_kept(), "a new difference needs a sandbox")
first = run(DIFF)
ok(len(first) == 4, "it is a difference", first)
ok(is_kept() and run(DIFF) == first, "and is known from then on")
run("UPDATE dbm.inventory SET spellings = '{}'")
ok(not is_kept(), "the notes are what knows it")
run(DIFF)

# --- how many ---

for i in range(12):
    set_model(MODEL + "-- %d" % i)
    run(DIFF)
ok(rows() == 8, "eight are kept in a project", rows())
ok(is_kept(), "the newest among them")

# --- others at the same time ---

one, two = connect(), connect()
for level in ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"):
    set_model(MODEL + "-- " + level)
    for session in (one, two):
        run("BEGIN ISOLATION LEVEL " + level, session)
        run("SET LOCAL lock_timeout = '2s'", session)
        run("SELECT 1 FROM pg_class LIMIT 1", session)
    got = [code(DIFF, session) for session in (one, two)]
    ok(got == [None, None], level + ": two compare at once and neither waits", got)
    got = [code("COMMIT", session) for session in (two, one)]
    ok(got == [None, None] and is_kept(), level + ": both commit, and one has kept it", got)
    run("BEGIN ISOLATION LEVEL " + level, one)
    run("SELECT 1 FROM pg_class LIMIT 1", one)
    run("DELETE FROM dbm.inventory")
    run(DIFF)
    ok(code(DIFF, one) is None and code("COMMIT", one) is None,
       level + ": what another session kept meanwhile is no conflict")
one.close()
two.close()

# --- who may touch it ---

run("CREATE ROLE regress_kept_owner")
run("ALTER DATABASE %s OWNER TO regress_kept_owner" % main.info.dbname)
run("SET ROLE regress_kept_owner")
for statement in ("SELECT * FROM dbm.inventory", "DELETE FROM dbm.inventory", "UPDATE dbm.inventory SET key = ''",
                  "TRUNCATE dbm.inventory", "ALTER TABLE dbm.inventory ADD x int",
                  "INSERT INTO dbm.inventory SELECT 'databrain', '', 'model', '{}', '{}', now()",
                  "CREATE TRIGGER t BEFORE INSERT ON dbm.inventory FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"):
    ok(code(statement) == "42501", "the database's owner may not " + statement[:30], code(statement))
run("RESET ROLE")
run("ALTER DATABASE %s OWNER TO CURRENT_USER" % main.info.dbname)
dump = subprocess.run(["pg_dump", main.info.dbname], capture_output=True, text=True, check=True).stdout
ok("dbm.model" in dump and "dbm.inventory" not in dump, "no dump has the rows")

run("DROP OWNED BY regress_kept_one, regress_kept_two, regress_kept_three, regress_kept_owner")
run("DROP ROLE regress_kept_one, regress_kept_two, regress_kept_three, regress_kept_owner")
end()
