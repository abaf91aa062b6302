#!/usr/bin/env python3
"""Proves generated scripts on pairs of random schemas.

    test/clients/random_schemas.py [--count N] [--seed N] [--jobs N] [--show]

Each pair has a seed of its own, which is in the name of its test: the first
one's is --seed, and the others follow.  --jobs proves so many side by side,
each in databases of its own.  --show prints schemas and script of a pair that
fails.
"""
import argparse
import queue
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from tools.generator import ROLES, pair
from tools.pairs import FROM, NEW, STEPS, TO, Failed, Pair, differences, dump, \
    fresh, sql

SETUP = "\n".join(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role} SUPERUSER;"
                  for role in ROLES)


GOT, WANTED = "dbm_pair_got", "dbm_pair_wanted"
# Row 1, 2, 3 may be lost with their table or column, and what comes again in
# its place cannot fulfil every constraint; nor is every value one of a new type.
REFUSED = re.compile(r"ERROR:  (23\d\d\d|22\w\w\w):")
TRUNCATE = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT oid::regclass FROM pg_class
                WHERE relkind IN ('r', 'p') AND oid >= 16384
                AND relnamespace <> 'dbm'::regnamespace
    LOOP
        EXECUTE format('TRUNCATE %s CASCADE', name);
    END LOOP;
END $$;
"""
# No statement makes a child table's own column inherited only.
LOCAL = """
SET allow_system_table_mods = on;
UPDATE pg_attribute SET attislocal = true WHERE attinhcount > 0;
UPDATE pg_constraint SET conislocal = true WHERE coninhcount > 0;
"""


class RandomPair(Pair):
    refused = False

    def execute(self, script):
        # a unit that was committed does not run again
        for unit in script.split("COMMIT;\nBEGIN;\n"):
            try:
                super().execute(unit)
            except Failed as failure:
                if self.refused or not REFUSED.search(str(failure)):
                    raise
                self.refused = True
                sql(self.live, TRUNCATE)
                super().execute(unit)

    def compare_rows(self, kept):
        if not self.refused:
            super().compare_rows(kept)

    def compare_dump(self, database, wanted, section):
        try:
            super().compare_dump(database, wanted, section)
        except Failed:
            if "INHERITS" not in wanted:
                raise
            got, built = GOT + self.suffix, WANTED + self.suffix
            sql("postgres", f"DROP DATABASE IF EXISTS {got};\n"
                            f"CREATE DATABASE {got} TEMPLATE {database};")
            fresh(built)
            sql(built, self.sections[section])
            for copy in (got, built):
                sql(copy, LOCAL)
            found = differences(dump(got), dump(built))
            if found:
                raise Failed("pg_dump differs:\n" + found)


def prove(seed, suffix, show):
    """Whether a pair is proved, and what is printed of it."""
    sections, log = pair(seed)
    # whether such a model is kept is not the question here
    sections["unsteady"] = "random"
    test = RandomPair(sections, suffix)
    try:
        test.run()
        failures = {step: test.result.get(step, "not reached") for step in STEPS}
    except (Failed, subprocess.TimeoutExpired) as failure:
        failures = {"build": str(failure)}
    failures = {step: text for step, text in failures.items() if text}
    if failures.get("upgrade"):
        # the others follow from it
        failures = {step: failures[step] for step in ("upgrade", "empty")
                    if step in failures}
    if not failures:
        return True, []
    lines = ["edits: " + ", ".join(log)]
    for step, text in failures.items():
        lines += [step + ":"] + text.split("\n")
    if show:
        for name, text in sections.items():
            lines += ["--- " + name] + text.split("\n")
        lines += ["--- script"] + getattr(test, "upgrade", "").split("\n")
        lines += ["--- back"] + getattr(test, "downgrade", "").split("\n")
    return False, lines


def drop_databases(suffixes):
    sql("postgres", "\n".join(f"DROP DATABASE IF EXISTS {name}{suffix};"
                              for name in (FROM, TO, NEW, GOT, WANTED)
                              for suffix in suffixes))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()

    suffixes = [f"_{job}" for job in range(1, arguments.jobs + 1)]
    drop_databases(suffixes)
    sql("postgres", SETUP)
    print(f"1..{arguments.count}")
    print(f"# seed {arguments.seed}", flush=True)
    idle = queue.SimpleQueue()
    for suffix in suffixes:
        idle.put(suffix)

    def work(seed):
        suffix = idle.get()
        try:
            return prove(seed, suffix, arguments.show)
        finally:
            idle.put(suffix)

    bad = False
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    # the work is the server's, so threads will do
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for number, (seed, (good, lines)) in enumerate(zip(seeds, pool.map(work, seeds)), 1):
            bad |= not good
            print(f"{'ok' if good else 'not ok'} {number} - seed {seed}")
            for line in lines:
                print("# " + line)
            sys.stdout.flush()
    drop_databases(suffixes)
    sql("postgres", "\n".join(f"DROP ROLE IF EXISTS {role};" for role in ROLES))
    return bad


if __name__ == "__main__":
    sys.exit(main())
