#!/usr/bin/python3
"""Scripts of dbm_sql, run by psql beside what the engine does itself.

Two databases with the same registered scripts go the same way, one by the
engine, one by psql.  Afterwards they have to be the same: schema, rows, state
and log, times aside.
"""
import difflib
import os
import pprint
import subprocess
import tempfile
import threading
import time

import psycopg2

from tools.tap import end, ok

TWINS = ("dbm_test_engine", "dbm_test_psql")
ROLES = ("regress_dbm_deploy", "regress_dbm_other")


def same(got, wanted, what):
    ok(got == wanted, what, *difflib.unified_diff(
        pprint.pformat(wanted, width=120).split("\n"),
        pprint.pformat(got, width=120).split("\n"), "wanted", "got", n=1, lineterm=""))


def connect(database=None):
    connection = psycopg2.connect(dbname=database or os.environ["PGDATABASE"])
    connection.autocommit = True
    return connection


def rows(database, sql, *arguments):
    with connect(database).cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall() if cursor.description else None


def value(database, sql, *arguments):
    return rows(database, sql, *arguments)[0][0]


def sqlstate(database, sql, *arguments, role=None):
    """The SQLSTATE that a statement fails with, None if it does not"""
    with connect(database).cursor() as cursor:
        if role:
            cursor.execute("SET ROLE " + role)
        try:
            cursor.execute(sql, arguments or None)
        except psycopg2.Error as error:
            return error.pgcode
    return None


def text_of(target, database=TWINS[1], bookkeeping="dbm", project="shop"):
    return value(database, "SELECT dbm_sql(%s, %s, %s)", target, bookkeeping, project)


def psql(text, database=TWINS[1]):
    """Run a text by psql; what it wrote to stderr, empty if all went well"""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=sqlstate",
             "-f", file.name, database],
            capture_output=True, text=True,
            env=dict(os.environ, PGAPPNAME="twin", PGOPTIONS="-c client_min_messages=error"))
    return done.stderr + ("" if done.returncode == 0 or done.stderr else "failed")


def engine(sql, database=TWINS[0]):
    """Run a statement as psql does, so that the sessions look alike"""
    subprocess.run(["psql", "-Xqt", "-v", "ON_ERROR_STOP=1",
                    "-c", "SET client_min_messages = warning", "-c", sql, database],
                   check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, PGAPPNAME="twin"))


def facts(database, log_from=0):
    dump = subprocess.run(["pg_dump", "--inserts", "-N", "dbm", database],
                          check=True, capture_output=True, text=True).stdout
    return {
        "dump": "\n".join(line for line in dump.split("\n")
                          if not line.startswith(("\\restrict", "\\unrestrict"))),
        "state": rows(database, """
            SELECT project, revision, down_revisions, depends_on, branch_labels, message,
                create_date, upgrade_script, downgrade_script, upgrade_author,
                downgrade_author, transactional, checksum, applied_by, stamped,
                applied_at BETWEEN now() - interval '10 minutes' AND now()
            FROM dbm.applied ORDER BY 1, 2"""),
        "log": rows(database, """
            SELECT project, revision, direction, from_revisions, to_revisions, checksum,
                statements, role, session_role, client_addr, application_name, outcome,
                sqlstate, error, file, line,
                started_at BETWEEN now() - interval '10 minutes' AND now(),
                elapsed BETWEEN interval '0' AND interval '10 minutes'
            FROM dbm.log WHERE id > %s ORDER BY id""", log_from),
    }


def same_twins(what):
    left, right = facts(TWINS[0]), facts(TWINS[1])
    for part in left:
        same(right[part], left[part], "%s: %s" % (what, part))


HEADER = """-- %s
--
-- Revision ID: %s
-- Revises: %s
%s
%s"""


def register(databases, project, revision, parents, upgrade, downgrade="SELECT 1;", extra="",
             message="message", role=None):
    parent = parents[0] if parents else "base"
    for file_from, file_to, body in ((parent, revision, upgrade), (revision, parent, downgrade)):
        if body is None:
            continue
        text = HEADER % (message, revision, ", ".join(parents) or "base", extra, body)
        for database in databases:
            with connect(database).cursor() as cursor:
                if role:
                    cursor.execute("SET ROLE " + role)
                cursor.execute("SELECT dbm_register(%s, %s)", (
                    "%s--%s--%s.sql" % (project, file_from, file_to), text))


def register_shop():
    def add(*arguments, **options):
        register(TWINS, "shop", *arguments, **options)

    add("first", [], """
\\echo Use psql \\quit
CREATE SCHEMA shop;
CREATE TABLE shop.kind (id int PRIMARY KEY, name text);
CREATE TABLE shop.item (id int PRIMARY KEY, kind int
    CONSTRAINT item_kind REFERENCES shop.kind DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE shop.seen (at text, path text, who text, mem text, zone text)""",
        "DROP SCHEMA shop CASCADE;", message="Bob's \"first\" \\ t\u00e4ble",
        extra="-- Create Date: 2025-04-22 09:12:00+02")
    # what a script sets ends with it; what it defers is checked at its end
    add("second", ["first"], """
SET search_path = shop, pg_catalog;
SET ROLE regress_dbm_deploy;
SELECT set_config('work_mem', '1234kB', false);
SET LOCAL TimeZone = 'Asia/Tokyo';
RESET ROLE;
INSERT INTO item VALUES (1, 1);
SET ROLE regress_dbm_deploy;
SELECT set_config('role', 'none', false);
INSERT INTO kind VALUES (1, 'one')
-- a comment at the end""",
        "SET search_path = shop; SET ROLE regress_dbm_deploy; RESET ROLE; DELETE FROM item; "
        "DELETE FROM kind; SET work_mem = '5MB'")
    add("third", ["second"], """
INSERT INTO shop.seen VALUES ('third', current_setting('search_path'), current_user,
    current_setting('work_mem'), current_setting('TimeZone'));
ALTER TABLE shop.item ADD COLUMN note text DEFAULT E'it''s \\\\ :name :''x'' $1';
CREATE FUNCTION shop.twice(a int[]) RETURNS int BEGIN ATOMIC
    SELECT 1; SELECT (a[1:2])[1]; END;
CREATE FUNCTION shop.one() RETURNS text LANGUAGE sql AS $$ SELECT '\\d; :DBNAME' $$;
CREATE RULE loud AS ON DELETE TO shop.kind DO (SELECT 1; SELECT 2);
/* a comment; /* in another */ ; */;;
\\echo between statements
UPDATE shop.item SET note = $note$it's ; \\ $note$;""", """
DROP RULE loud ON shop.kind;
DROP FUNCTION shop.twice, shop.one;
ALTER TABLE shop.item DROP COLUMN note;
DELETE FROM shop.seen;
RESET ALL;""")
    add("left1", ["third"], "CREATE TABLE shop.left1 (a int);", "DROP TABLE shop.left1;",
        extra="-- Branch Labels: left")
    add("right1", ["third"], """
RESET ALL;
SET TimeZone = 'Asia/Tokyo';""", "SET ROLE regress_dbm_deploy;")
    add("right2", ["right1"], """
INSERT INTO shop.seen VALUES ('right2', current_setting('search_path'), current_user,
    current_setting('work_mem'), current_setting('TimeZone'));""",
        "DELETE FROM shop.seen WHERE at = 'right2';", extra="-- Depends On: left")
    add("both", ["left1", "right2"], "", "")
    add("index", ["both"], """
SET statement_timeout = '1h';
CREATE INDEX CONCURRENTLY item_note ON shop.item (note);
CREATE INDEX CONCURRENTLY item_kind ON shop.item (kind)""",
        "DROP INDEX CONCURRENTLY shop.item_note; DROP INDEX CONCURRENTLY shop.item_kind;",
        extra="-- Transactional: no")
    add("last", ["index"], "CREATE VIEW shop.v AS SELECT * FROM shop.item;", "DROP VIEW shop.v;")


def create_twins():
    with connect("postgres").cursor() as cursor:
        for role in ROLES:
            cursor.execute("DROP ROLE IF EXISTS %s" % role)
            cursor.execute("CREATE ROLE %s" % role)
        for database in TWINS:
            cursor.execute("DROP DATABASE IF EXISTS %s" % database)
            cursor.execute("CREATE DATABASE %s TEMPLATE template0" % database)
    for database in TWINS:
        rows(database, "CREATE EXTENSION databrain_migrate")


def drop_twins():
    with connect("postgres").cursor() as cursor:
        for database in TWINS:
            cursor.execute("DROP DATABASE IF EXISTS %s WITH (FORCE)" % database)
        for role in ROLES:
            cursor.execute("DROP ROLE IF EXISTS %s" % role)


def test_both_ways():
    engine("SELECT dbm_upgrade('both', 'shop')")
    same(psql(text_of("base:both")), "", "a range up runs")
    same_twins("a range up")
    ok(psql(text_of("base:both")).strip().endswith("55000"), "a range up that has run is refused")
    ok(psql(text_of("third:both")).strip().endswith("55000"), "so is a part of it")
    same(rows(TWINS[1], "SELECT * FROM shop.seen ORDER BY at COLLATE \"C\" DESC"),
         [("third", '"$user", public', os.environ.get("PGUSER", "postgres"), "4MB",
           value(TWINS[1], "SHOW TimeZone")),
          ("right2", '"$user", public', os.environ.get("PGUSER", "postgres"), "4MB",
           value(TWINS[1], "SHOW TimeZone"))],
         "no revision saw what another had set")

    engine("CALL dbm_migrate('head', 'shop')")
    rows(TWINS[1], "INSERT INTO dbm.step VALUES ('shop', 'index', 'upgrade', 1, 2, '')")
    ok(psql(text_of("head")).strip().endswith("55000"),
       "a revision that dbm_migrate has begun is left to it")
    rows(TWINS[1], "DELETE FROM dbm.step")
    text = text_of("head")
    same(psql(text), "", "from the state up, with a revision outside of transactions")
    same_twins("from the state up")
    same(text.count("\nBEGIN;\n"), 3, "what can run in a transaction is in as few as can be")
    ok(psql(text).strip().endswith("55000"), "a second run is refused")
    same_twins("a second run left nothing")
    same(text_of("head").split("\n", 3)[-1], "-- nothing to do\n", "at the head there is nothing to do")

    engine("CALL dbm_migrate('third', 'shop')")
    same(psql(text_of("third")), "", "from the state down")
    same_twins("from the state down")
    for target in ("third:left1", "left1:right2"):
        same(psql(text_of(target)), "", "range " + target)
    engine("SELECT dbm_upgrade('left1', 'shop')")
    engine("SELECT dbm_upgrade('right2', 'shop')")
    ok(psql(text_of("left1:third")).strip().endswith("55000"),
       "a range down does not leave behind what needs it")
    engine("SELECT dbm_downgrade('base', 'shop')")
    same(psql(text_of("both:base")).split()[-1], "55000", "a range down from more than there is is refused")
    same(psql(text_of("right2:base")), "", "a range down")
    same_twins("down to base")

    engine("SELECT dbm_upgrade('second', 'shop')")
    for target in (":first", "first:+1"):
        same(psql(text_of(target)), "", "range %s" % target)
    same_twins("short ranges")
    engine("SELECT dbm_downgrade('-1', 'shop')")
    same(psql(text_of("second:-1")), "", "range second:-1")
    same_twins("one back")
    engine("SELECT dbm_downgrade('base', 'shop')")
    same(psql(text_of("-1")), "", "relative to the state")
    same_twins("relative to the state")


def test_session():
    """What the caller's session has set is not lost, interactively or by roles"""
    text = "SET search_path = pg_catalog; SET DateStyle = 'SQL, DMY'; SET standard_conforming_strings = off;\n" \
        + text_of("base:third") + "SELECT current_setting('search_path') = 'pg_catalog' AND " \
        "current_setting('DateStyle') = 'SQL, DMY' AND current_user = session_user AS kept \\gset\n" \
        "\\if :kept\n\\else\nSELECT 1/0;\n\\endif\n"
    same(psql(text), "", "settings of the session come back after each revision")
    rows(TWINS[1], "SELECT dbm_downgrade('base', 'shop')")

    database = TWINS[1]
    rows(database, "GRANT CREATE ON DATABASE %s TO regress_dbm_deploy" % database)
    rows(database, "GRANT USAGE ON SCHEMA dbm TO regress_dbm_deploy")
    rows(database, "GRANT SELECT, INSERT, UPDATE, DELETE ON dbm.applied, dbm.log TO regress_dbm_deploy")
    rows(database, "GRANT USAGE ON SEQUENCE dbm.log_id_seq TO regress_dbm_deploy")
    text = text_of("base:first")
    same(psql("SET ROLE regress_dbm_deploy;\n" + text), "", "a role that may write the tables runs it")
    same(rows(database, "SELECT applied_by, upgrade_author = session_user FROM dbm.applied"),
         [("regress_dbm_deploy", True)], "the state says who did it, and who wrote it")
    same(value(database, "SELECT role FROM dbm.log ORDER BY id DESC LIMIT 1"),
         "regress_dbm_deploy", "so does the log")
    same(rows(database, "SELECT revision FROM dbm_downgrade('base', 'shop')"), [("first",)],
         "the engine goes on from there")
    ok(psql("SET ROLE regress_dbm_other;\n" + text).strip().endswith("42501"),
       "a role that may not write the tables does not get far")
    same(value(database, "SELECT count(*) FROM dbm.applied"), 0, "and leaves nothing")


def test_failure():
    register(TWINS, "broken", "one", [], "CREATE TABLE one (a int);", None)
    register(TWINS, "broken", "two", ["one"],
             "INSERT INTO one VALUES (1); SELECT 1/0;", None)
    register(TWINS, "broken", "deferred1", [],
             "CREATE TABLE d1 (a int PRIMARY KEY, b int REFERENCES d1 DEFERRABLE INITIALLY DEFERRED);"
             "INSERT INTO d1 VALUES (1, 2);", None)
    register(TWINS, "broken", "deferred2", ["deferred1"], "INSERT INTO d1 VALUES (2, 2);", None)
    ok("22012" in psql(text_of("base:two", project="broken")), "a script fails as for the engine")
    same(rows(TWINS[1], "SELECT to_regclass('one') IS NULL, count(*) FROM dbm.applied GROUP BY 1")
         or "nothing", "nothing", "nothing of its transaction stays")
    ok("23503" in psql(text_of("base:deferred2", project="broken")),
       "a deferred constraint is checked at the end of its revision")
    same(sqlstate(TWINS[0], "SELECT dbm_upgrade('deferred2', 'broken')"), "23503",
         "as the engine does")
    same(value(TWINS[1], "SELECT count(*) FROM dbm.applied"), 0, "and nothing stays")


def test_lock():
    database = TWINS[1]
    text = text_of("base:third")
    same(psql(text_of("base:second")), "", "two revisions are there")

    # psql first: it has its lock and waits for a table, dbm_upgrade for psql
    blocker = connect(database)
    blocker.autocommit = False
    blocker.cursor().execute("LOCK TABLE shop.item")
    results = {}
    text = text_of("third")

    def run_psql():
        results["psql"] = psql(text)

    def run_upgrade():
        results["upgrade"] = rows(database, "SELECT revision FROM dbm_upgrade('third', 'shop')")

    def wait_for(sql):
        for _ in range(600):
            if value(database, sql):
                return
            time.sleep(0.05)
        ok(False, "something waits: " + sql)

    first = threading.Thread(target=run_psql)
    first.start()
    wait_for("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'shop.item'::regclass")
    second = threading.Thread(target=run_upgrade)
    second.start()
    wait_for("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'dbm.applied'::regclass")
    blocker.rollback()
    first.join()
    second.join()
    same(results, {"psql": "", "upgrade": []}, "dbm_upgrade waits for psql, and has nothing left to do")

    # the engine first: psql waits and then finds another state
    rows(database, "SELECT dbm_downgrade('second', 'shop')")
    with blocker.cursor() as cursor:
        cursor.execute("SELECT dbm_upgrade('third', 'shop')")
    first = threading.Thread(target=run_psql)
    first.start()
    wait_for("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'dbm.applied'::regclass")
    blocker.commit()
    first.join()
    ok(results["psql"].strip().endswith("55000"), "psql waits for dbm_upgrade, and is refused")
    blocker.close()
    rows(database, "SELECT dbm_downgrade('base', 'shop')")


def test_alembic_bookkeeping():
    """After each way, the table holds the heads of the state"""
    database = TWINS[1]
    graph = {"a1": ([], ""), "a2": (["a1"], ""), "a3": (["a1"], ""), "b1": ([], ""),
             "b2": (["b1"], "a2"), "c": (["a2", "a3"], ""), "d": (["c", "b2"], ""),
             "e": (["a3"], "b1"), "f": (["b1"], "c, a1")}
    for revision, (parents, depends_on) in graph.items():
        register((database,), "net", revision + "000", [p + "000" for p in parents], "SELECT 1;",
                 extra="-- Depends On: " + ", ".join(d + "000" for d in depends_on.split(", "))
                 if depends_on else "")
    heads = "SELECT coalesce(string_agg(revision, ',' ORDER BY revision COLLATE \"C\"), '') " \
        "FROM dbm_current('net')"
    held = "SELECT coalesce(string_agg(version_num, ',' ORDER BY version_num COLLATE \"C\"), '') " \
        "FROM alembic_version"
    wrong = []
    ways = 0
    for target in [r + "000" for r in graph] + ["heads"]:
        rows(database, "DROP TABLE IF EXISTS alembic_version")
        rows(database, "SELECT dbm_stamp(%s, true, 'net')", target)
        error = psql(text_of("base:" + target, bookkeeping="alembic", project="net"))
        if error or value(database, heads) != value(database, held):
            wrong.append((target, error, value(database, heads), value(database, held)))
        for back in [r + "000" for r in graph] + ["base"]:
            if not value(database, "SELECT %s = 'base' OR EXISTS (SELECT FROM dbm.applied "
                         "WHERE project = 'net' AND revision = %s)", back, back):
                continue
            ways += 1
            start = value(database, heads)
            rows(database, "SELECT dbm_downgrade(%s, 'net')", back)
            error = psql(text_of(back, bookkeeping="alembic", project="net"))
            if error or value(database, heads) != value(database, held):
                wrong.append((target, back, error, value(database, heads), value(database, held)))
            rows(database, "SELECT dbm_upgrade(%s, 'net')", start)
            error = psql(text_of(start, bookkeeping="alembic", project="net"))
            if error or value(database, heads) != value(database, held):
                wrong.append((back, start, error, value(database, heads), value(database, held)))
    same(wrong, [], "alembic_version holds the heads, by %d ways down and up" % ways)
    ok(ways > 30, "which are many")

    rows(database, "SELECT dbm_stamp('base', project => 'net')")
    rows(database, "TRUNCATE alembic_version; INSERT INTO alembic_version VALUES ('a1000')")
    text = text_of("a2000", bookkeeping="alembic", project="net")
    ok("dbm.applied" not in text and text.count("Running upgrade") == 1,
       "a target without a range begins where alembic_version is")
    ok(psql(text_of("a2000:c000", bookkeeping="alembic", project="net")).strip().endswith("55000"),
       "another version than the range begins with is refused")
    same(value(database, held), "a1000", "and stays")
    rows(database, "INSERT INTO alembic_version VALUES ('nosuch')")
    same(sqlstate(database, "SELECT dbm_sql('c000', 'alembic', 'net')"), "42704",
         "an unknown version in alembic_version is refused")
    rows(database, "DROP TABLE alembic_version")
    same(sqlstate(database, "SELECT dbm_sql('c000', 'alembic', 'net')"), "42P01",
         "without alembic_version a range is needed")


def test_mirror():
    """The project's extension shows the state again when the engine is next called"""
    database = TWINS[1]
    version = "SELECT extversion FROM pg_extension WHERE extname = 'databrain'"
    rows(database, "CREATE EXTENSION databrain")
    same(psql(text_of("base:head", project="databrain")), "", "revisions from files run, too")
    same(value(database, version), "base", "the extension does not know yet")
    rows(database, "SELECT dbm_upgrade(project => 'databrain')")
    same(value(database, version), value(database, "SELECT revision FROM dbm_current('databrain')"),
         "the next call tells it")
    same(psql(text_of("-1", project="databrain")), "", "one back")
    rows(database, "ALTER EXTENSION databrain UPDATE TO '-1'")
    same(value(database, version), "750bcd1e35fa", "ALTER EXTENSION goes on from there")
    rows(database, "SELECT dbm_downgrade('base', 'databrain')")


def test_refusals():
    database = TWINS[1]
    register((database,), "mine", "own1", [], "SELECT 1;", None)
    rows(database, "GRANT EXECUTE ON FUNCTION dbm_register TO regress_dbm_other")
    register((database,), "theirs", "other1", [], "SELECT 1;", None, role="regress_dbm_other")
    before = facts(database)
    for sql, code in (
            ("SELECT dbm_sql(NULL)", "22004"),
            ("SELECT dbm_sql('head', NULL, 'mine')", "22004"),
            ("SELECT dbm_sql('head', 'django', 'mine')", "22023"),
            ("SELECT dbm_sql('nosuch', project => 'mine')", "42704"),
            ("SELECT dbm_sql('base:nosuch', project => 'mine')", "42704"),
            ("SELECT dbm_sql('nosuch:head', project => 'mine')", "42704"),
            ("SELECT dbm_sql('base:head:base', project => 'mine')", "42601"),
            ("SELECT dbm_sql('current:head', project => 'mine')", "22023"),
            ("SELECT dbm_sql('+1:head', project => 'mine')", "22023"),
            ("SELECT dbm_sql('left@-1:head', project => 'shop')", "22023"),
            ("SELECT dbm_sql('left@current:head', project => 'shop')", "22023"),
            ("SELECT dbm_sql('own1:base', project => 'mine')", "55000"),
            ("SELECT dbm_sql('head', project => 'a--b')", "42602"),
            ("SELECT dbm_sql('head', project => 'nosuch')", "42704"),
            ("SELECT dbm_sql('head', project => 'theirs')", "42501")):
        same(sqlstate(database, sql), code, sql)
    same(sqlstate(database, "SELECT dbm_sql('head', project => 'mine')", role="regress_dbm_other"),
         "42501", "the texts are not for everybody")
    same(facts(database), before, "nothing is left behind")


if __name__ == "__main__":
    create_twins()
    try:
        register_shop()
        test_both_ways()
        test_session()
        test_failure()
        test_lock()
        test_alembic_bookkeeping()
        test_mirror()
        test_refusals()
        end()
    finally:
        if "KEEP" not in os.environ:
            drop_twins()
