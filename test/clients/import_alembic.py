#!/usr/bin/python3
"""dbm_import_alembic takes over a real Alembic project, and dbm_sql gives back.

The project in the directory "alembic" beside this program has eighteen
revisions with what projects do.  Alembic prints its SQL and runs it in
databases of its own; what the imported revisions build has to be the same.
"""
import difflib
import os
import subprocess
import sys

import psycopg2

from tools.tap import end, ok

if not os.path.exists("/usr/bin/alembic"):
    print("1..0 # SKIP Alembic is not installed")
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
MERGE = "e7295b3046ac"
BOTH_BRANCHES = ("a3e517fc0268", "d6184a2f359b")
FORK = "81c3f5dae046"
HEAD = "2b6d9f748ae0"
REVISIONS = 18

created = []


def same(got, wanted, what):
    if isinstance(got, str):
        ok(got == wanted, what, *difflib.unified_diff(
            wanted.split("\n"), got.split("\n"), "wanted", "got", n=1, lineterm=""))
    else:
        ok(got == wanted, what, "got: %s" % (got,), "wanted: %s" % (wanted,))


def connect(database):
    connection = psycopg2.connect(dbname=database)
    connection.autocommit = True
    return connection


def rows(database, sql, *arguments):
    with connect(database).cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall() if cursor.description else None


def value(database, sql, *arguments):
    return rows(database, sql, *arguments)[0][0]


def sqlstate(database, sql, *arguments):
    try:
        rows(database, sql, *arguments)
    except psycopg2.Error as error:
        return error.pgcode
    return None


def fresh(name):
    """A new database with the engine"""
    name = "dbm_test_" + name
    rows("postgres", "DROP DATABASE IF EXISTS %s" % name)
    rows("postgres", "CREATE DATABASE %s TEMPLATE template0" % name)
    created.append(name)
    rows(name, "CREATE EXTENSION databrain_migrate")
    return name


def alembic(*arguments, database="postgres", x=None):
    done = subprocess.run(
        ["/usr/bin/alembic", "-c", os.path.join(HERE, "alembic", "alembic.ini"),
         *(("-x", x) if x else ()), *arguments],
        capture_output=True, text=True,
        env=dict(os.environ, PGDATABASE=database, PYTHONDONTWRITEBYTECODE="1"))
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return done.stdout


def psql(text, database):
    done = subprocess.run(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-f", "-", database],
                          input=text, capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def dump(database):
    """Schema and rows, without the engine's and Alembic's own"""
    text = subprocess.run(
        ["pg_dump", "--inserts", "-N", "dbm", "-T", "alembic_version", database],
        check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in text.split("\n")
                     if not line.startswith(("\\restrict", "\\unrestrict")))


def take_over(database, upgrade, downgrade=None):
    return rows(database, "SELECT revision, message, stamped "
                "FROM dbm_import_alembic(%s, %s, 'shop')", upgrade, downgrade)


UP = alembic("upgrade", "base:heads", "--sql")
DOWN = alembic("downgrade", "heads:base", "--sql")
SCRIPTS = "SELECT from_revision, to_revision, script FROM dbm.script ORDER BY 1, 2"


def test_build():
    model = fresh("alembic")
    alembic("upgrade", "heads", database=model)
    empty = fresh("empty")

    taken = fresh("taken")
    result = take_over(taken, UP, DOWN)
    same(len(result), REVISIONS, "every revision is imported")
    ok(not any(row[2] for row in result), "none is stamped, where Alembic has no table")
    same(value(taken, "SELECT count(*) FROM dbm.script"), 2 * REVISIONS, "with both scripts each")
    same(rows(taken, "SELECT revision, down_revisions, depends_on FROM dbm_history(project => 'shop')"
              " WHERE is_merge_point OR depends_on <> '{}' ORDER BY 1"),
         [(HEAD, ["094b7d5268ce"], ["1a5c8e6379df"]), (MERGE, list(BOTH_BRANCHES), [])],
         "the merge and the dependency are there")
    same(rows(taken, "SELECT revision FROM dbm_show('heads', 'shop') UNION ALL SELECT to_revision "
              "FROM dbm.script WHERE script ~ 'Transactional: no' AND to_revision = 'f83a6c4157bd'"),
         [(HEAD,), ("f83a6c4157bd",)], "what ran in an autocommit block runs outside of a transaction")
    same(rows(taken, "SELECT count(*) FROM dbm.script WHERE script ~ 'alembic_version'"), [(0,)],
         "Alembic's bookkeeping is gone")
    same(dump(taken), dump(empty), "nothing was run")

    rows(taken, "SELECT dbm_upgrade(%s, 'shop')", MERGE)
    rows(taken, "CALL dbm_migrate('heads', 'shop')")
    same(dump(taken), dump(model), "the imported revisions build what Alembic builds")
    rows(taken, "CALL dbm_migrate(%s, 'shop')", MERGE)
    rows(taken, "SELECT dbm_downgrade('base', 'shop')")
    same(dump(taken), dump(empty), "and leave nothing on the way back")

    before = rows(taken, "SELECT * FROM dbm.script ORDER BY 1, 2, 3")
    same(len(take_over(taken, UP, DOWN)), REVISIONS, "an import can be repeated")
    same(rows(taken, "SELECT * FROM dbm.script ORDER BY 1, 2, 3"), before, "without effect")

    other = fresh("other")
    take_over(other, alembic("upgrade", "base:heads", "--sql", x="per_migration=yes"),
              alembic("downgrade", "heads:base", "--sql", x="per_migration=yes"))
    same(rows(other, SCRIPTS), rows(taken, SCRIPTS), "transaction_per_migration makes no difference")

    parts = fresh("parts")
    take_over(parts, alembic("upgrade", "base:" + FORK, "--sql"))
    take_over(parts, alembic("upgrade", FORK + ":heads", "--sql"),
              alembic("downgrade", HEAD + ":" + FORK, "--sql"))
    same(rows(parts, "SELECT revision, down_revisions, depends_on FROM dbm_history(project => 'shop')"),
         rows(taken, "SELECT revision, down_revisions, depends_on FROM dbm_history(project => 'shop')"),
         "ranges make the same graph")

    upgrades = fresh("upgrades")
    take_over(upgrades, UP)
    same(sqlstate(upgrades, "SELECT dbm_upgrade('1975ea83b712', 'shop'), dbm_downgrade('base', 'shop')"),
         "55000", "without the downgrades, the way back is closed")


def test_stamp():
    """A database in the middle, with two heads, is taken over and goes on"""
    model = fresh("alembic")
    alembic("upgrade", "heads", database=model)
    for revision in BOTH_BRANCHES:
        database = fresh("middle")
    for revision in BOTH_BRANCHES:
        alembic("upgrade", revision, database=database)
    before = dump(database)
    result = take_over(database, UP, DOWN)
    stamped = {row[0] for row in result if row[2]}
    same(len(stamped), 13, "what Alembic has run is stamped")
    same(rows(database, "SELECT revision FROM dbm_current('shop') ORDER BY 1"),
         [(revision,) for revision in BOTH_BRANCHES], "the heads are Alembic's")
    same(rows(database, "SELECT count(*), bool_and(stamped) FROM dbm.applied"), [(13, True)],
         "so is the state")
    same(dump(database), before, "and nothing was run")
    same(rows(database, "SELECT revision FROM dbm_upgrade(%s, 'shop')", MERGE), [(MERGE,)],
         "dbm_upgrade goes on")
    rows(database, "CALL dbm_migrate('heads', 'shop')")
    same(dump(database), dump(model), "and gets to where Alembic gets")
    same({row[2] for row in take_over(database, UP, DOWN)}, {False}, "importing again stamps nothing")
    same(rows(database, "SELECT revision FROM dbm_current('shop')"), [(HEAD,)], "and stays at the head")

    database = fresh("elsewhere")
    rows(database, "CREATE SCHEMA app; CREATE TABLE app.alembic_version (version_num varchar(32)); "
         "INSERT INTO app.alembic_version VALUES ('1975ea83b712'); "
         "CREATE SCHEMA off; CREATE TABLE off.alembic_version (version_num varchar(32)); "
         "ALTER DATABASE %s SET search_path = app, public" % database)
    take_over(database, UP, DOWN)
    same(rows(database, "SELECT revision FROM dbm_current('shop')"), [("1975ea83b712",)],
         "the table is the one that Alembic finds")
    database = fresh("nothing")
    rows(database, "CREATE TABLE alembic_version (version_num varchar(32))")
    take_over(database, UP, DOWN)
    same(rows(database, "SELECT count(*) FROM dbm.log"), [(0,)], "an empty table is base")


def test_back():
    """A database that Alembic runs, upgraded by a script of dbm_sql"""
    source = fresh("source")
    take_over(source, UP, DOWN)
    model = fresh("alembic")
    alembic("upgrade", "heads", database=model)
    database = fresh("run")
    text = value(source, "SELECT dbm_sql(%s, 'alembic', 'shop')", "base:" + MERGE)
    same(psql(text, database), "", "a script for Alembic's table runs")
    same(alembic("current", database=database).split("\n")[0].split(" ")[0], MERGE,
         "Alembic knows where the database is")
    alembic("upgrade", "heads", database=database)
    same(dump(database), dump(model), "and goes on from there")
    text = value(source, "SELECT dbm_sql(%s, 'alembic', 'shop')", "heads:" + FORK)
    same(psql(text, database), "", "a script leads down")
    same(sorted(line.split(" ")[0] for line in alembic("current", database=database).split("\n") if line),
         ["1a5c8e6379df", FORK], "Alembic knows that, too")
    alembic("upgrade", "heads", database=database)
    same(dump(database), dump(model), "and goes up again")
    alembic("downgrade", "base", database=database)
    ok("CREATE TABLE" not in dump(database), "and down to base")


def test_refusals():
    database = fresh("bad")
    rows("postgres", "DROP ROLE IF EXISTS regress_dbm_nobody")
    insert = "INSERT INTO alembic_version (version_num) VALUES ('%s');\n"
    first = "-- Running upgrade  -> one1\nSELECT 1;\n" + insert % "one1"
    down = "-- Running downgrade one1 -> \nSELECT 1;\n" \
        "DELETE FROM alembic_version WHERE alembic_version.version_num = 'one1';\n"
    same(sqlstate(database, "BEGIN; SELECT dbm_import_alembic(%s, %s); ROLLBACK", first, down), None,
         "the texts that are spoiled below are good")
    for upgrade, downgrade, code, what in (
            (None, None, "22004", "no text"),
            ("", None, "22023", "an empty text"),
            ("SELECT 1;", None, "22023", "a text of something else"),
            ("-- nothing", None, "22023", "a comment"),
            (DOWN, None, "22023", "downgrades instead of upgrades"),
            (first, first, "22023", "upgrades instead of downgrades"),
            (UP.split("UPDATE alembic_version")[0], None, "22023", "a text that was cut off"),
            (UP[:len(UP) // 2] + "'", None, "42601", "a text that was cut off in a string"),
            (alembic("upgrade", "base:heads", "--sql", x="version_table=other"), None, "22023",
             "another version table"),
            ("CREATE SCHEMA s;\n" + first, None, "22023", "a statement before the first revision"),
            (insert % "one1" + first, None, "22023", "bookkeeping before the first revision"),
            (first.replace("'one1'", "'two2'"), None, "22023", "bookkeeping of another revision"),
            (first + "DELETE FROM alembic_version;", None, "0A000", "bookkeeping that is none"),
            (first + "UPDATE alembic_version SET version_num = upper(version_num) "
             "WHERE version_num = 'one1';", None, "0A000", "bookkeeping with an expression"),
            (first + "SAVEPOINT a;", None, "0A000", "transaction control"),
            (first.replace("one1", "one+1"), None, "42602", "an illegal identifier"),
            (first.replace("one1", "head"), None, "42602", "a reserved identifier"),
            (first.replace(" -> ", "x@y -> "), None, "42602", "an illegal parent"),
            (first.replace(" -> ", "zero -> "), None, "42P17", "an unknown parent"),
            (first.replace(";\n", ";\nDELETE FROM alembic_version WHERE version_num = 'dep1';\n", 1),
             None, "42P17", "an unknown dependency"),
            (first + first, None, "42710", "a revision that comes twice"),
            (first, down + down, "42710", "a downgrade that comes twice"),
            (first, down.replace("one1", "two2"), "42P17", "a downgrade of an unknown revision"),
            (first, down.replace("-> ", "-> zero"), "42P17", "a downgrade to another parent"),
            (first.replace("SELECT", "SELEKT"), None, "42601", "a syntax error"),
            (first.replace("SELECT 1", "COPY t FROM STDIN"), None, "0A000", "rows of a client"),
            (first.replace("SELECT", "-- Depends On: x\nSELECT"), None, "22023",
             "a comment that reads like a header")):
        same(sqlstate(database, "SELECT dbm_import_alembic(%s, %s, 'shop')", upgrade, downgrade),
             code, what)
    same(rows(database, "SELECT (SELECT count(*) FROM dbm.script), (SELECT count(*) FROM dbm.log), "
              "(SELECT count(*) FROM dbm.applied)"), [(0, 0, 0)], "nothing is left behind")
    same(sqlstate(database, "CREATE ROLE regress_dbm_nobody; SET ROLE regress_dbm_nobody; "
                  "SELECT dbm_import_alembic('')"), "42501", "it is not for everybody")
    rows("postgres", "DROP ROLE IF EXISTS regress_dbm_nobody")

    take_over(database, first, down)
    before = rows(database, "SELECT * FROM dbm.script ORDER BY 1, 2, 3")
    same(sqlstate(database, "SELECT dbm_import_alembic(%s, %s, 'shop')",
                  first.replace("SELECT 1", "SELECT 2"), down), "42710", "another script of a revision")
    same(sqlstate(database, "SELECT dbm_import_alembic(%s, %s, 'shop')", first,
                  down.replace("SELECT 1", "SELECT 2")), "42710", "another downgrade script")
    same(sqlstate(database, "SELECT dbm_import_alembic(%s, project => 'shop')",
                  "-- Running upgrade  -> zero\n" + insert % "zero" +
                  first.replace("  -> one1", " zero -> one1")), "42710", "another parent of a revision")
    rows(database, "CREATE TABLE alembic_version (version_num text); "
         "INSERT INTO alembic_version VALUES ('nosuch')")
    same(sqlstate(database, "SELECT dbm_import_alembic(%s, %s, 'shop')", first, down), "42704",
         "a version that the text does not have")
    rows(database, "DROP TABLE alembic_version; "
         "CREATE VIEW alembic_version AS SELECT 'one1'::text AS version_num")
    same(sqlstate(database, "SELECT dbm_import_alembic(%s, %s, 'shop')", first, down), "42809",
         "a version table that is none")
    same(rows(database, "SELECT * FROM dbm.script ORDER BY 1, 2, 3"), before,
         "the scripts are what they were")
    same(rows(database, "SELECT count(*) FROM dbm.applied"), [(0,)], "and so is the state")


if __name__ == "__main__":
    try:
        test_build()
        test_stamp()
        test_back()
        test_refusals()
        end()
    finally:
        for name in set(created):
            rows("postgres", "DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
