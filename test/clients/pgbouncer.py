#!/usr/bin/python3
"""Through pgbouncer in transaction pooling mode: many clients, few server
sessions, nothing that one client leaves behind for the next."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

from tools import tap
from tools.tap import end, ok

POOL = 3
CLIENTS = 12
PATIENCE = 60


program = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
if program is None:
    print("1..0 # SKIP pgbouncer is not installed")
    sys.exit()

directory = tempfile.mkdtemp()
server = {key: os.environ[variable] for key, variable in
          (("host", "PGHOST"), ("port", "PGPORT"), ("dbname", "PGDATABASE"),
           ("user", "PGUSER"), ("password", "PGPASSWORD")) if variable in os.environ}
with open(directory + "/ini", "w", encoding="utf-8") as f:
    f.write("""[databases]
pooled = %s
[pgbouncer]
pool_mode = transaction
default_pool_size = %d
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = any
logfile = %s/log
""" % (" ".join("%s=%s" % item for item in server.items()), POOL, directory, directory))
command = [program, directory + "/ini"]
if os.getuid() == 0:            # which it refuses to be
    user = pwd.getpwnam("postgres")
    os.chmod(directory, 0o755)
    for path in (directory, directory + "/ini"):
        os.chown(path, user.pw_uid, user.pw_gid)
    command = ["runuser", "-u", "postgres", "--"] + command
pooler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pooled():
    connection = psycopg2.connect(host=directory, port=6432, dbname="pooled", user="client")
    connection.autocommit = True
    return connection


def run(connection, statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else None


def outcome(connection, statement):
    """SQLSTATE and message, or "ok"."""
    try:
        run(connection, statement)
        return "ok"
    except psycopg2.Error as e:
        return "%s %s" % (e.pgcode, str(e).split("\n")[0])


def all_at_once(*statements):
    """Outcomes of statements, each in a client of its own, sorted."""
    outcomes = []
    clients = [(pooled(), statement) for statement in statements]

    def work(connection, statement):
        outcomes.append(outcome(connection, statement))
        connection.close()

    threads = [threading.Thread(target=work, args=client, daemon=True) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    return sorted(outcomes) + ["hangs"] * sum(thread.is_alive() for thread in threads)


def wait_for(query):
    for _ in range(PATIENCE * 20):
        if run(direct, query)[0][0]:
            return True
        time.sleep(0.05)
    return False


def put(project, start, to, body, keys=""):
    revision = start if to == "base" else to
    run(direct, "SELECT dbm_register('%s--%s--%s.sql', $$-- m\n-- Revision ID: %s\n%s%s$$)"
        % (project, start, to, revision, keys, body))


def ran():
    return [row[0] for row in run(direct, "SELECT what FROM ran ORDER BY id")]


NO_LOCKS = ("SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'object'"
            " AND classid = 'dbm.applied'::regclass AND objsubid > 0")
REFUSED = '55006 a revision of project "%s" is being run outside of a transaction'

try:
    direct = psycopg2.connect("")
    direct.autocommit = True
    run(direct, "SET client_min_messages = warning")
    run(direct, "CREATE EXTENSION databrain_migrate")
    run(direct, "CREATE TABLE t (a int)")
    run(direct, "CREATE TABLE ran (id int GENERATED ALWAYS AS IDENTITY, what text)")
    for _ in range(100):
        try:
            client = pooled()
            break
        except psycopg2.OperationalError:
            time.sleep(0.1)

    # functions
    for i in range(1, 6):
        put("f", "base" if i == 1 else "f%d" % (i - 1), "f%d" % i,
            "SET search_path = nowhere; INSERT INTO public.ran (what) VALUES ('f%d')" % i)
    outcomes = all_at_once(*["SELECT dbm_upgrade(project => 'f')"] * CLIENTS)
    ok(outcomes == ["ok"] * CLIENTS, "%d clients upgrade at once" % CLIENTS, outcomes)
    ok(ran() == ["f1", "f2", "f3", "f4", "f5"], "each revision ran once", ran())
    ok(run(direct, "SELECT count(DISTINCT pid) <= %d FROM pg_stat_activity WHERE datname = current_database()"
           " AND pid <> pg_backend_pid()" % POOL) == [(True,)], "in few sessions")
    paths = {run(pooled(), "SHOW search_path")[0][0] for _ in range(POOL * 2)}
    ok(paths == {'"$user", public'}, "the settings of scripts are not left behind", paths)

    # errors
    put("e", "base", "e1", "INSERT INTO ran (what) VALUES ('e1')")
    put("e", "e1", "e2", "SELECT 1 / 0")
    for statement in ("SELECT dbm_upgrade(project => 'e')", "CALL dbm_migrate(project => 'e')"):
        outcomes = all_at_once(*[statement] * CLIENTS)
        ok(outcomes == ["22012 division by zero"] * CLIENTS, "all clients get the error of " + statement, outcomes)
        ok(run(direct, NO_LOCKS) == [(True,)], "and leave no lock")
    ok(run(direct, "SELECT revision FROM dbm_current('e')") == [("e1",)] and ran().count("e1") == 1,
       "the call before it left what it could do, once")

    # a transaction of several statements
    client = pooled()
    client.autocommit = False
    run(client, "SET LOCAL databrain_migrate.project = 'f'")
    outcomes = outcome(client, "SELECT dbm_downgrade('base')")
    ok("cannot be downgraded" in outcomes, "SET LOCAL holds in a transaction", outcomes)
    client.rollback()
    run(client, "SELECT dbm_stamp('base', project => 'f')")
    client.rollback()
    client.close()
    ok(run(direct, "SELECT revision FROM dbm_current('f')") == [("f5",)] and run(direct, NO_LOCKS) == [(True,)],
       "a rollback leaves state and locks as they were")

    # calls, with a worker in between
    put("c", "base", "c1", "INSERT INTO ran (what) VALUES ('c1')")
    put("c", "c1", "c2", "CREATE INDEX CONCURRENTLY t_a ON t (a); INSERT INTO ran (what) VALUES ('c2')",
        "-- Transactional: no\n")
    put("c", "c2", "c3", "INSERT INTO ran (what) VALUES ('c3')")
    blocker = psycopg2.connect("")
    run(blocker, "LOCK TABLE t IN ROW EXCLUSIVE MODE")
    # the client that began it goes away, which its session does not notice
    gone = subprocess.Popen(["psql", "-XAtqc", "CALL dbm_migrate(project => 'c')",
                             "host=%s port=6432 dbname=pooled user=client" % directory],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ok(wait_for("SELECT count(*) = 1 FROM pg_stat_activity"
                " WHERE backend_type = 'databrain_migrate' AND wait_event_type = 'Lock'"), "a worker runs")
    gone.send_signal(signal.SIGKILL)
    gone.wait()
    outcomes = outcome(pooled(), "SELECT dbm_upgrade(project => 'c')")
    ok(outcomes == REFUSED % "c", "a function is refused meanwhile", outcomes)
    result = []
    waiting = threading.Thread(daemon=True, target=lambda: result.extend(
        all_at_once(*["CALL dbm_migrate(project => 'c')"] * CLIENTS)))
    waiting.start()
    ok(wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE query ~ '^CALL' AND wait_event_type = 'Lock'"),
       "calls wait")
    blocker.commit()
    waiting.join(PATIENCE)
    ok(result == ["ok"] * CLIENTS, "and are done in the end", result)
    ok([what for what in ran() if what[0] == "c"] == ["c1", "c2", "c3"], "each revision ran once", ran())
    ok(wait_for(NO_LOCKS), "no lock is left")
    ok(run(direct, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'databrain_migrate'") == [(0,)],
       "nor a worker")
finally:
    pooler.terminate()
    pooler.wait()
    if tap.number == 0 and os.path.exists(directory + "/log"):
        with open(directory + "/log", encoding="utf-8") as f:
            print("# " + f.read().replace("\n", "\n# "))
    shutil.rmtree(directory)
end()
