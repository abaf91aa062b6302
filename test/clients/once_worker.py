#!/usr/bin/python3
"""While a worker runs a revision outside of a transaction: sessions with a
snapshot are refused at once, calls without one wait, and nobody hangs."""

import threading
import time

import psycopg2

from tools.tap import end, ok

LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
PATIENCE = 60


class Session:
    """A connection, with statements that may go on in the background."""

    def __init__(self, level=None):
        self.connection = psycopg2.connect("")
        self.connection.autocommit = True
        self.pid = self.connection.info.backend_pid
        self.thread = None
        self.error = None
        if level:
            self.run("SET default_transaction_isolation = '%s'" % level.lower())

    def run(self, statement):
        """Rows, or None if there are none to have."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None

    def outcome(self, statement):
        """SQLSTATE and message, or "ok"."""
        try:
            self.run(statement)
            return "ok"
        except psycopg2.Error as e:
            return "%s %s" % (e.pgcode, str(e).split("\n")[0])

    def start(self, statement):
        def work():
            self.error = self.outcome(statement)

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def finish(self):
        self.thread.join(PATIENCE)
        return "hangs" if self.thread.is_alive() else self.error


monitor = Session()


def wait_for(query, what):
    """Wait until a query yields true."""
    for _ in range(PATIENCE * 20):
        if monitor.run(query)[0][0]:
            return True
        time.sleep(0.05)
    ok(False, what, monitor.run("SELECT pid, state, wait_event_type, wait_event, query FROM pg_stat_activity"))
    return False


def lock_waiters(*sessions):
    """Do they all wait for a lock, without a snapshot?"""
    return ("SELECT count(*) = %d FROM pg_stat_activity WHERE pid IN (%s)"
            " AND wait_event_type = 'Lock' AND backend_xmin IS NULL"
            % (len(sessions), ", ".join(str(s.pid) for s in sessions)))


WORKER_WAITS = ("SELECT count(*) = 1 FROM pg_stat_activity"
                " WHERE backend_type = 'databrain_migrate' AND wait_event_type = 'Lock'")


def put(revision, start, to, body):
    monitor.run("SELECT dbm_register('databrain--%s--%s.sql', $$-- m\n-- Revision ID: %s\n%s%s$$)"
                % (start, to, revision, "-- Transactional: no\n" if "CONCURRENTLY" in body else "", body))


BELOW = "29e0e8f6dd42"
UP = "CALL dbm_migrate('p2')"

monitor.run("SET client_min_messages = warning")
monitor.run("CREATE EXTENSION databrain CASCADE")
monitor.run("SELECT dbm_stamp('%s')" % BELOW)
monitor.run("CREATE TABLE t (a int)")
monitor.run("CREATE TABLE ran (what text)")
put("p1", BELOW, "p1", "CREATE INDEX CONCURRENTLY t_a ON t (a);\nINSERT INTO ran VALUES ('p1');")
put("p1", "p1", BELOW, "DROP INDEX CONCURRENTLY t_a;\nDELETE FROM ran WHERE what = 'p1';")
put("p2", "p1", "p2", "INSERT INTO ran VALUES ('p2');")
put("p2", "p2", "p1", "DELETE FROM ran WHERE what = 'p2';")

for level in LEVELS:
    for blocker_does in ("LOCK TABLE t IN ROW EXCLUSIVE MODE", "SELECT count(*) FROM t"):
        what = "%s, %s: " % (level, blocker_does.split()[0])

        # an old transaction, for which CREATE INDEX CONCURRENTLY waits
        blocker = Session("REPEATABLE READ")
        blocker.run("BEGIN")
        blocker.run(blocker_does)
        first = Session(level)
        first.start(UP)
        if not wait_for(WORKER_WAITS, what + "the worker waits"):
            break
        second, third = Session(level), Session(level)
        second.start(UP)
        third.start(UP)
        ok(wait_for(lock_waiters(second, third), what + "calls wait"),
           what + "other calls wait without a snapshot")
        ok(monitor.run("SELECT backend_xmin IS NULL FROM pg_stat_activity WHERE pid = %d" % first.pid)[0][0],
           what + "the first one has none either")

        other = Session(level)
        for statement in ("SELECT dbm_upgrade('p2')", "SELECT dbm_downgrade('%s')" % BELOW,
                          "SELECT dbm_stamp('p2')", "ALTER EXTENSION databrain UPDATE TO 'p2'",
                          "SELECT dbm_unregister('p2')", "BEGIN; CALL dbm_migrate('p2')"):
            started = time.monotonic()
            outcome = other.outcome(statement)
            other.outcome("ROLLBACK")
            ok(outcome == '55006 a revision of project "databrain" is being run outside of a transaction'
               and time.monotonic() - started < 10,
               what + statement + " fails at once", outcome)
        for statement in ("SELECT dbm_current()", "SELECT dbm_history()", "SELECT dbm_require('%s')" % BELOW):
            outcome = other.outcome(statement)
            ok(outcome == "ok", what + statement + " works", outcome)
        other.run("SET lock_timeout = '100ms'")
        outcome = other.outcome(UP)
        ok(outcome == "55P03 canceling statement due to lock timeout", what + "lock_timeout ends waiting", outcome)
        other.run("SET lock_timeout = 0; SET statement_timeout = '100ms'")
        outcome = other.outcome(UP)
        ok(outcome == "57014 canceling statement due to statement timeout", what + "statement_timeout as well", outcome)

        rows = monitor.run("SELECT project, pid, revision, statement_number, statement, waiting_for FROM dbm_progress()")
        ok(len(rows) == 1 and rows[0][:4] == ("databrain", first.pid, "p1", 1)
           and rows[0][4].startswith("CREATE INDEX CONCURRENTLY") and rows[0][5] == [blocker.pid],
           what + "dbm_progress() tells", rows)

        # whoever was first may give up: then one of the others goes on
        if blocker_does.startswith("LOCK"):
            first.connection.cancel()
            outcome = first.finish()
            ok(outcome.startswith("57014"), what + "the first call is canceled", outcome)
            ok(wait_for(WORKER_WAITS, what + "another worker waits"), what + "another one goes on")
        blocker.run("COMMIT")
        for session, name in ((first, "first"), (second, "second"), (third, "third")):
            if session is first and blocker_does.startswith("LOCK"):
                continue
            outcome = session.finish()
            ok(outcome == "ok", what + "the %s call is done" % name, outcome)
        ok(monitor.run("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass") == [(True,)],
           what + "the index is there")
        rows = monitor.run("SELECT what FROM ran ORDER BY what")
        ok(rows == [("p1",), ("p2",)], what + "each revision ran once", rows)

        other = Session(level)
        outcome = other.outcome("CALL dbm_migrate('%s')" % BELOW)
        ok(outcome == "ok", what + "and the way back", outcome)
        for session in (blocker, first, second, third, other):
            session.connection.close()

ok(monitor.run("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'databrain_migrate'") == [(0,)],
   "no worker is left")
ok(monitor.run("SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'dbm.applied'::regclass AND objsubid > 0") == [(0,)],
   "no lock is left")
end()
