#!/usr/bin/python3
"""psycopg2: parameters, named columns, notices, the fields of an error."""

import datetime

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras

number = 0


def test(ok, name, shown=None):
    global number
    number += 1
    print("%s %d - %s" % ("ok" if ok else "not ok", number, name))
    if not ok and shown is not None:
        print("# %r" % (shown,))


db = psycopg2.connect("", cursor_factory=psycopg2.extras.NamedTupleCursor)
c = db.cursor()


def script(revision, parent, text):
    c.execute(
        "SELECT dbm_register(%s, %s)",
        (
            "shop--%s--%s.sql" % (parent, revision),
            "-- %s\n--\n-- Revision ID: %s\n-- Revises: %s\n\n%s"
            % ("Größe of " + revision, revision, parent, text),
        ),
    )
    return c.fetchone()[0]


print("1..17")
c.execute("CREATE EXTENSION databrain CASCADE")
db.commit()

# rows
del db.notices[:]
c.execute("SELECT * FROM dbm_upgrade(%s)", ("750bcd1e35fa",))
row = c.fetchone()
test(row.revision == "750bcd1e35fa" and row.step == 1, "columns by name", row)
test(row.from_revisions == [], "an array is a list", row)
test(isinstance(row.elapsed, datetime.timedelta), "an interval is a timedelta", row)
test(
    db.notices == ["NOTICE:  Running upgrade  -> 750bcd1e35fa, init alembic\n"],
    "a notice for each step",
    db.notices,
)
db.rollback()
c.execute("SELECT * FROM dbm_current(%(project)s)", {"project": "databrain"})
test(c.fetchall() == [], "rolled back with the transaction")

c.execute("SELECT * FROM dbm_upgrade(target => %s, project => NULL)", ("head",))
rows = c.fetchall()
test([r.step for r in rows] == [1, 2, 3], "several rows", rows)
test(rows[2].from_revisions == [rows[1].revision], "each from the one before", rows)
db.commit()
c.execute("SELECT * FROM dbm_log() ORDER BY id DESC LIMIT 1")
row = c.fetchone()
test(
    row.outcome == "done" and row.started_at.tzinfo is not None,
    "the log has times with zones",
    row,
)

del db.notices[:]
c.execute("SELECT * FROM dbm_upgrade()")
test(
    c.fetchall() == []
    and db.notices == ['NOTICE:  project "databrain": nothing to do\n'],
    "nothing to do: no rows, and a notice",
    db.notices,
)

# a server-side cursor reads a set in pieces
with db.cursor("named") as named:
    named.itersize = 1
    named.execute("SELECT * FROM dbm_history()")
    ids = [r.revision for r in named]
test(len(ids) == 3 and ids[0] == "29e0e8f6dd42", "through a server-side cursor", ids)

# texts that are not ASCII, and errors
script("s1", "base", "CREATE TABLE größe (n int);\n")
test(
    script("s2", "s1", "-- ünïcode\nSELECT 1;\n\nINSERT INTO größe\nSELECT 'ö', nichts FROM größe;\n")
    == "s2",
    "a script by parameter",
)
c.execute("SELECT message FROM dbm_show(%s, %s)", ("s1", "shop"))
test(c.fetchone().message == "Größe of s1", "and its text back")
db.commit()
try:
    c.execute("SELECT dbm_upgrade(project => %s)", ("shop",))
    error = None
except psycopg2.Error as e:
    error = e
diag = error.diag if error else None
test(isinstance(error, psycopg2.errors.UndefinedColumn), "the server's own SQLSTATE", error)
test(
    'project "shop", revision "s2", file "shop--s1--s2.sql", line 10, statement 2 of 2'
    in diag.context,
    "the context says where",
    diag.context,
)
test(
    diag.internal_query == "INSERT INTO größe\nSELECT 'ö', nichts FROM größe"
    and diag.internal_query[int(diag.internal_position) - 1 :].startswith("nichts")
    and diag.statement_position is None,
    "the position is one in the statement",
    (diag.internal_query, diag.internal_position),
)
db.rollback()
c.execute("SELECT * FROM dbm_current('shop')")
test(c.fetchall() == [], "nothing is left of the revision before it")
db.rollback()

# isolation levels
db.set_session(isolation_level=psycopg2.extensions.ISOLATION_LEVEL_SERIALIZABLE)
other = psycopg2.connect("")
c.execute("SELECT 1")
other.cursor().execute("SELECT dbm_downgrade('base')")
other.commit()
try:
    c.execute("SELECT dbm_upgrade()")
    error = None
except psycopg2.Error as e:
    error = e
test(
    isinstance(error, psycopg2.errors.SerializationFailure),
    "a serialization failure, for those who retry on it",
    error,
)
