#!/usr/bin/env python3
"""Proves generated scripts on pairs of schemas.

Each file in schema_pairs has two schemas, rows for the first, and queries
whose results must be the same before and after.  For each pair, on a database
with the first schema and its rows:

  upgrade    the statements of dbm_diff('live', 'model') run, and pg_dump then
             says the same as of a database built from the second schema
  kept       asked again, it has the same statements, and needs no sandbox for
             that, unless the model computes what it does
  rows       the queries give what they gave
  again      asked again, dbm_diff has no statement
  downgrade  the statements of dbm_diff('model', 'live') lead back
  empty      from nothing to the first schema, and back to nothing

    test/clients/schema_diff.py [NAME...]

A file consists of sections, each begun by a line "--- NAME":

  from, to   the schemas
  setup      run before either of them: roles
  rows       run after "from"; what it fills is checked by
  keep       one query a line, run before and after the upgrade
  server     the oldest server that knows what is in them: 18
  nothing    there is nothing to be done, however the texts are spelled
  unsteady   why what the second schema builds cannot be known from its text
  renames    declared as arguments, one a line; "renames back" on the way back
  kept       a regular expression that no statement of either way matches
  lost       steps that cannot pass, and why, a line each: "downgrade: reason"
"""
import os
import subprocess
import sys

from tools.pairs import (
    FROM, NEW, STEPS, TO, Failed, Pair, is_for_later, pair_names, read_pair, sql)


def main():
    names = sys.argv[1:] or pair_names()
    print(f"1..{len(names) * len(STEPS)}")
    number = 0
    bad = False
    for name in names:
        sections = read_pair(name)
        if is_for_later(sections):
            for step in STEPS:
                number += 1
                print(f"ok {number} - {name} {step} # SKIP the server is too old")
            continue
        lost = dict(line.split(": ", 1) for line in
                    sections.get("lost", "").split("\n") if ": " in line)
        pair = Pair(sections)
        try:
            pair.run()
        except Failed as failure:
            pair.result.setdefault("upgrade", str(failure))
        except subprocess.TimeoutExpired as failure:
            pair.result.setdefault("upgrade", str(failure))
        for step in STEPS:
            number += 1
            failure = pair.result.get(step, "not reached")
            todo = f" # TODO {lost[step]}" if step in lost else ""
            print(f"{'not ok' if failure else 'ok'} {number} - {name} {step}{todo}")
            if failure:
                bad = bad or not todo
                print("\n".join("# " + line for line in failure.split("\n")))
                if "-v" in os.environ.get("DBM_SHOW", ""):
                    print("\n".join("# | " + line for line in
                                    getattr(pair, "upgrade", "").split("\n")))
        sys.stdout.flush()
    for database in (FROM, TO, NEW):
        sql("postgres", f"DROP DATABASE IF EXISTS {database};")
    sql("postgres", "DROP ROLE IF EXISTS regress_pair;")
    return bad


if __name__ == "__main__":
    sys.exit(main())
