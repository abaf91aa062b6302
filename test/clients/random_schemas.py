#!/usr/bin/env python3
"""Proves generated scripts on pairs of random schemas.

    test/clients/random_schemas.py [--count N] [--seed N] [--show]

Each pair has a seed of its own, which is in the name of its test: the first
one's is --seed, and the others follow.  --show
prints schemas and script of a pair that fails.
"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "schema_tools"))
from generator import ROLES, pair  # noqa: E402
from pairs import FROM, NEW, STEPS, TO, Failed, Pair, differences, dump, \
    fresh, sql  # noqa: E402

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
                sql(FROM, TRUNCATE)
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
            sql("postgres", f"DROP DATABASE IF EXISTS {GOT};\n"
                            f"CREATE DATABASE {GOT} TEMPLATE {database};")
            fresh(WANTED)
            sql(WANTED, self.sections[section])
            for copy in (GOT, WANTED):
                sql(copy, LOCAL)
            found = differences(dump(GOT), dump(WANTED))
            if found:
                raise Failed("pg_dump differs:\n" + found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()

    for database in (FROM, TO, NEW, GOT, WANTED):
        sql("postgres", f"DROP DATABASE IF EXISTS {database};")
    sql("postgres", SETUP)
    print(f"1..{arguments.count}")
    print(f"# seed {arguments.seed}")
    bad = 0
    for number in range(1, arguments.count + 1):
        seed = arguments.seed + number - 1
        sections, log = pair(seed)
        # whether such a model is kept is not the question here
        sections["unsteady"] = "random"
        test = RandomPair(sections)
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
        print(f"{'not ok' if failures else 'ok'} {number} - seed {seed}")
        if failures:
            bad += 1
            lines = ["edits: " + ", ".join(log)]
            for step, text in failures.items():
                lines += [step + ":"] + text.split("\n")
            if arguments.show:
                for name, text in sections.items():
                    lines += ["--- " + name] + text.split("\n")
                lines += ["--- script"] + getattr(test, "upgrade", "").split("\n")
                lines += ["--- back"] + getattr(test, "downgrade", "").split("\n")
            print("\n".join("# " + line for line in lines))
        sys.stdout.flush()
    for database in (FROM, TO, NEW, GOT, WANTED):
        sql("postgres", f"DROP DATABASE IF EXISTS {database};")
    sql("postgres", "\n".join(f"DROP ROLE IF EXISTS {role};" for role in ROLES))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
