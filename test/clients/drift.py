#!/usr/bin/env python3
"""Proves the repairs and adoptions of dbm_drift on pairs of schemas.

The pairs are those of schema_diff.py: a revision builds the first schema, and
the live one was changed by hand to the second.  For each pair:

  repair  the repairs of dbm_drift(), run from its first row to its last, lead
          back to the first schema by pg_dump's measure; no drift is left
  adopt   the adoptions, run from the last row to the first where the revision
          was applied, lead to the second schema

    test/clients/drift.py [NAME...]

Without names it takes every fourth pair, or all with DBM_STRESS=1 in the
environment.
"""
import os
import subprocess
import sys

from tools.pairs import (
    Failed, differences, dump, is_for_later, pair_names, read_pair, sql)

TEMPLATE, LIVE, BUILT = "dbm_drift_template", "dbm_drift_live", "dbm_drift_built"
# What the live schema public has of these it has in a sandbox, too.
LOST = ("25_grants", "26_default_privileges", "27_comments_everywhere")
# Kinds outside of schemas count only where the revisions mention them.
GLOBAL = ("PUBLICATION", "EVENT TRIGGER", "SERVER", "FOREIGN DATA WRAPPER",
          "CREATE EXTENSION")


def fresh(database, template):
    sql("postgres", f"DROP DATABASE IF EXISTS {database};\n"
                    f"CREATE DATABASE {database} TEMPLATE {template};")


def is_comparable(sections):
    return all(word in sections["from"] for word in GLOBAL if word in sections["to"])


class Pair:
    def __init__(self, sections):
        self.sections = sections

    def prepare(self):
        """The revision is there; one database has it, the other one drifted."""
        sections = self.sections
        script = f"-- a pair\n-- Revision ID: pair\n-- Revises: base\n{sections['from']}"
        register = (f"SELECT dbm_register('drift--base--pair.sql', $dbm_s${script}$dbm_s$);\n"
                    "ALTER DATABASE {0} SET databrain_migrate.project = 'drift';\n")
        fresh(LIVE, TEMPLATE)
        fresh(BUILT, TEMPLATE)
        if "setup" in sections:
            sql("postgres", sections["setup"])
        sql(LIVE, sections["to"])
        sql(BUILT, register.format(BUILT))
        sql(BUILT, "SELECT FROM dbm_upgrade();")
        sql(LIVE, register.format(LIVE) + "SELECT FROM dbm_stamp('head', project => 'drift');")
        self.second = dump(LIVE)
        self.first = dump(BUILT)

    def statements(self, column, order):
        return sql(LIVE, f"SELECT {column} FROM dbm_drift() WITH ORDINALITY AS d"
                         f" WHERE {column} IS NOT NULL ORDER BY ordinality {order};")

    def lead(self, database, script, wanted):
        sql(database, "SET databrain_migrate.drift = off;\n" + script, "-1")
        found = differences(dump(database), wanted)
        if found:
            raise Failed("pg_dump differs:\n" + found + "\nafter\n" + script)

    def repair(self):
        self.lead(LIVE, self.repairs, self.first)
        left = sql(LIVE, "SELECT kind, identity, difference FROM dbm_drift();")
        if left:
            raise Failed("drift is left:\n" + left)

    def run(self):
        self.prepare()
        self.repairs = self.statements("repair", "")
        adoptions = self.statements("adopt", "DESC")
        if "nothing" in self.sections:
            if self.repairs or adoptions:
                raise Failed("nothing has drifted:\n" + self.repairs)
            return
        self.lead(BUILT, adoptions, self.second)
        self.repair()


def main():
    names = sys.argv[1:] or pair_names(1 if os.environ.get("DBM_STRESS") else 4)
    bad = False
    sql("postgres", f"DROP DATABASE IF EXISTS {TEMPLATE};\n"
                    f"CREATE DATABASE {TEMPLATE} TEMPLATE template0;")
    sql(TEMPLATE, "CREATE EXTENSION databrain_migrate;")
    print(f"1..{len(names)}")
    for number, name in enumerate(names, 1):
        sections = read_pair(name)
        if is_for_later(sections) or not is_comparable(sections):
            print(f"ok {number} - {name} # SKIP kinds outside of schemas, or a later server")
            continue
        failure = None
        try:
            Pair(sections).run()
        except (Failed, subprocess.TimeoutExpired) as raised:
            failure = str(raised)
        lost = "privileges and comment of public" if name in LOST else \
            sections.get("lost", "").strip()
        todo = f" # TODO {lost}" if lost else ""
        print(f"{'not ok' if failure else 'ok'} {number} - {name}{todo}")
        if failure:
            bad = bad or not todo
            print("\n".join("# " + line for line in failure.split("\n")))
        sys.stdout.flush()
    for database in (LIVE, BUILT, TEMPLATE):
        sql("postgres", f"DROP DATABASE IF EXISTS {database};")
    sql("postgres", "DROP ROLE IF EXISTS regress_pair;")
    return bad


if __name__ == "__main__":
    sys.exit(main())
