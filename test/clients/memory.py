#!/usr/bin/python3
"""A session that migrates up and down, again and again, with success or
without, keeps no memory, and nothing else either.  Rounds: $DBM_ROUNDS."""

import os

import psycopg2

from tools.session import changes, connection, contexts, run
from tools.tap import end, ok

ROUNDS = int(os.environ.get("DBM_ROUNDS", "100"))
WARM_UP = 30


def fails(statement, code):
    try:
        run(statement)
    except psycopg2.Error as e:
        if e.pgcode == code:
            return
        raise
    raise AssertionError("did not fail: " + statement)


def leftovers():
    return run("SELECT (SELECT count(*) FROM pg_locks WHERE classid = 'dbm.applied'::regclass AND objsubid > 0),"
               " (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'databrain_migrate'),"
               " (SELECT count(*) FROM pg_prepared_statements)")


def segments():
    """How many dynamic shared memory segments the session has mapped, if we may
    look."""
    try:
        with open("/proc/%d/maps" % connection.info.backend_pid, encoding="utf-8") as f:
            return len({line.split()[-1] for line in f if "/dev/shm/PostgreSQL." in line})
    except OSError:
        return 0


def growth(action, rounds):
    """Bytes that this many rounds add, after some to warm up, and where."""
    for _ in range(WARM_UP):
        action()
    before = contexts()
    for _ in range(rounds):
        action()
    after = contexts()
    changed = changes(before, after)
    return sum(used for _, used in after.values()) - sum(used for _, used in before.values()), changed


def try_rounds(what, action, rounds, allowed=0):
    segments_before = segments()
    added, changes = growth(action, rounds)
    print("# %s: %d bytes in %d rounds; %s" % (what, added, rounds, changes), flush=True)
    ok(added <= allowed + 2048, "%s: %d rounds keep no memory" % (what, rounds), changes)
    ok(not [name for name in contexts() if name.startswith("dbmig")], what + ": no context of ours is left", changes)
    ok(segments() == segments_before and leftovers() == [(0, 0, 0)],
       what + ": no lock, worker or segment is left", leftovers())


def put(start, to, body, keys=""):
    revision = max(start, to)
    run("SELECT dbm_register('m--%s--%s.sql', $$-- m\n-- Revision ID: %s\n%s%s$$, true)"
        % (start, to, revision, keys, body))


run("SET client_min_messages = warning")
run("CREATE EXTENSION databrain_migrate")
run("SET databrain_migrate.project = 'm'")
run("CREATE TABLE one (a int PRIMARY KEY, b text)")
put("base", "m1", "INSERT INTO public.one VALUES (1, 'x'); ALTER TABLE public.one SET (fillfactor = 90);")
put("m1", "base", "DELETE FROM public.one; ALTER TABLE public.one RESET (fillfactor);")
put("m1", "m2", "SET search_path = public; COMMENT ON TABLE one IS 'x'; DO 'BEGIN PERFORM 1; END';")
put("m2", "m1", "COMMENT ON TABLE public.one IS NULL;")
put("m2", "m3", "VACUUM public.one;", "-- Transactional: no\n")
put("m3", "m2", "ANALYZE public.one;", "-- Transactional: no\n")
put("m3", "m4", "SELECT 1;\nSELECT 1/0;")
put("m2", "m5", "SELECT 1;\nVACUUM nowhere;", "-- Transactional: no\n")
put("m2", "m6", "CREATE TABLE public.two (a int PRIMARY KEY, b text); CREATE INDEX ON public.two (b);")
put("m6", "m2", "DROP TABLE public.two;")


def functions():
    run("SELECT * FROM dbm_upgrade('m2')")
    run("SELECT * FROM dbm_history()")
    run("SELECT * FROM dbm_downgrade('base')")


def calls():
    run("CALL dbm_migrate('m2')")
    run("CALL dbm_migrate('base')")


def workers():
    run("CALL dbm_migrate('m3')")
    run("CALL dbm_migrate('m2')")


def errors():
    fails("SELECT * FROM dbm_upgrade('m4')", "22012")
    fails("SELECT * FROM dbm_upgrade('nothing')", "42704")
    fails("CALL dbm_migrate('m4')", "22012")


def worker_errors():
    fails("CALL dbm_migrate('m5')", "42P01")


def store():
    put("m6", "m7", "SELECT 1")
    run("SELECT dbm_adopt('m7')")
    fails("SELECT dbm_register('x', 'y')", "42602")
    run("SELECT dbm_unregister('m7')")
    run("SELECT * FROM dbm_stamp('m1')")
    run("SELECT * FROM dbm_stamp('m2')")


def plain_ddl():
    run("CREATE TABLE public.two (a int PRIMARY KEY, b text); CREATE INDEX ON public.two (b);")
    run("DROP TABLE public.two;")


def ddl():
    run("SELECT * FROM dbm_upgrade('m6')")
    run("SELECT * FROM dbm_downgrade('m2')")


try_rounds("dbm_upgrade and dbm_downgrade", functions, ROUNDS)
try_rounds("dbm_migrate", calls, ROUNDS)
run("CALL dbm_migrate('m2')")
try_rounds("the store and dbm_stamp", store, ROUNDS)
try_rounds("dbm_migrate with a worker", workers, ROUNDS // 2)
try_rounds("errors in a worker", worker_errors, ROUNDS // 2)
run("CALL dbm_migrate('m3')")
try_rounds("errors", errors, ROUNDS)
run("CALL dbm_migrate('m2')")
# the server's caches remember that objects are gone, and grow by doubling
try_rounds("creating and dropping", ddl, ROUNDS, growth(plain_ddl, ROUNDS)[0] + 16384)
end()
