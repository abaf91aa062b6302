#!/usr/bin/python3
"""A session that compares schemas again and again, with success or without,
keeps no memory, no lock and no schema.  Rounds: $DBM_ROUNDS."""

import os

import psycopg2

from tools.session import changes, contexts, run
from tools.tap import end, ok

ROUNDS = int(os.environ.get("DBM_ROUNDS", "200"))
WARM_UP = 20
# The server's caches keep entries for schemas and types that are gone, as after
# any CREATE that is rolled back; these are by the round, the rest in all.
CACHES = ("CacheMemoryContext", "Operator lookup cache", "index info")
CACHED = 1500
ALLOWED = 4096


def leftovers():
    return run("SELECT (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"
               " AND locktype <> 'virtualxid' AND relation IS DISTINCT FROM 'pg_locks'::regclass"
               " AND relation NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace)),"
               " (SELECT count(*) FROM pg_namespace WHERE nspname ~ '^dbm_aside'),"
               " (SELECT count(*) FROM pg_ls_tmpdir())")


def model(i):
    """Another text each time, so that nothing that is kept will do."""
    run("SELECT dbm_set_model('CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT $$%d$$);"
        " CREATE INDEX i ON t (b); CREATE VIEW v AS SELECT a FROM t WHERE a > %d')" % (i, i))


turn = 0


def diff():
    global turn
    turn += 1
    model(turn)
    assert len(run("SELECT * FROM dbm_diff('live', 'model')")) > 0


def check():
    global turn
    turn += 1
    model(turn)
    assert run("SELECT count(*) FROM dbm_check() WHERE problem = 'model'")[0][0] > 0


def broken():
    run("SELECT dbm_set_model('CREATE TABLE t (a int); CREATE TABLE u (a nope)')")
    assert run("SELECT problem FROM dbm_check()")[-1] == ("broken model",)


def failing():
    try:
        run("SELECT * FROM dbm_diff('live', 'model')")
    except psycopg2.Error as e:
        assert e.pgcode == "42704"


def trial():
    assert len(run("SELECT * FROM dbm_test()")) > 3


def try_rounds(what, action, rounds):
    for _ in range(WARM_UP):
        action()
    before = contexts()
    for _ in range(rounds):
        action()
    after = contexts()
    added = {kind: sum(used for name, (_, used) in after.items() if (name in CACHES) == kind)
             - sum(used for name, (_, used) in before.items() if (name in CACHES) == kind)
             for kind in (True, False)}
    changed = changes(before, after)
    print("# %s: %d bytes in %d rounds, and %d in caches" % (what, added[False], rounds, added[True]), flush=True)
    ok(added[False] <= ALLOWED, "%s: %d rounds keep no memory" % (what, rounds), changed)
    ok(added[True] <= CACHED * rounds, what + ": nor more in the server's caches than they do", changed)
    ok(not [name for name in after if name.startswith("dbmig")], what + ": no context of ours is left", changed)
    ok(leftovers() == [(0, 0, 0)], what + ": no lock, schema or file is left", leftovers())


run("SET client_min_messages = warning")
run("CREATE EXTENSION databrain_migrate")
run("SET databrain_migrate.project = 'm'")
run("CREATE TABLE live (a int PRIMARY KEY)")
run("SELECT dbm_register('m--base--m1.sql', 'CREATE TABLE one (a int)'),"
    " dbm_register('m--m1--base.sql', 'DROP TABLE one')")
try_rounds("dbm_diff", diff, ROUNDS)
try_rounds("dbm_check", check, ROUNDS // 8)
try_rounds("a broken model", broken, ROUNDS // 8)
try_rounds("an error", failing, ROUNDS // 8)
try_rounds("dbm_test", trial, ROUNDS // 8)
end()
