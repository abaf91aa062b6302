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
  nothing    there is nothing to be done, however the texts are spelled
  unsteady   why what the second schema builds cannot be known from its text
  lost       steps that cannot pass, and why, a line each: "downgrade: reason"
"""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAIRS = os.path.join(HERE, "schema_pairs")
FROM, TO, NEW = "dbm_pair_from", "dbm_pair_to", "dbm_pair_new"
STEPS = ["kept", "upgrade", "rows", "again", "downgrade", "empty"]


class Failed(Exception):
    pass


def run(args, text=None):
    done = subprocess.run(args, input=text, capture_output=True, text=True,
                          timeout=120)
    if done.returncode != 0:
        raise Failed(done.stderr.strip() or done.stdout.strip())
    return done.stdout


def sql(database, text, *options):
    return run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-",
                *options], "SET client_min_messages = warning;\n" + text)


def fresh(database):
    sql("postgres", f"DROP DATABASE IF EXISTS {database};\n"
                    f"CREATE DATABASE {database} TEMPLATE template0;")
    sql(database, "CREATE EXTENSION databrain_migrate;")


def sort_options(match):
    return match.group(1) + ", ".join(sorted(match.group(2).split(", "))) + ")"


def sort_columns(match):
    """Column order is nobody's wish."""
    lines = sorted(line.rstrip(",") for line in match.group(2).split("\n"))
    return match.group(1) + "\n".join(lines) + match.group(3)


def dump(database):
    text = run(["pg_dump", "-s", database])
    lines = [line for line in text.split("\n")
             if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]
    text = re.sub(r"(WITH \()([^()]*)\)", sort_options, "\n".join(lines))
    return re.sub(r"(CREATE (?:UNLOGGED )?TABLE \S+ \(\n)(.*?)(\n\))", sort_columns,
                  text, flags=re.S)


def differences(got, wanted):
    """What only one of two dumps has; order within a dump counts for nothing."""
    got_set = re.split(r"(?<=;)\n", got)
    wanted_set = re.split(r"(?<=;)\n", wanted)
    extra = [s for s in got_set if s not in wanted_set]
    missing = [s for s in wanted_set if s not in got_set]
    return "\n".join(["+ " + s for s in extra] + ["- " + s for s in missing])


def statements(database, source, target, mode=""):
    """The generated statements, ready to run with -1: a commit between units."""
    return sql(database, mode + "SELECT CASE WHEN unit > lag(unit) OVER (ORDER BY ordinal)"
               " THEN E'COMMIT;\\nBEGIN;\\n' ELSE '' END || statement || ';' FROM"
               f" dbm_diff('{source}', '{target}') WHERE statement IS NOT NULL ORDER BY ordinal;")


def same_dump(database, wanted):
    found = differences(dump(database), wanted)
    if found:
        raise Failed("pg_dump differs:\n" + found)


def read_pair(path):
    sections = {}
    name = None
    for line in open(path):
        if line.startswith("--- "):
            name = line[4:].strip()
            sections[name] = ""
        elif name:
            sections[name] += line
    return sections


def set_model(database, text):
    tag = "$dbm_model$"
    sql(database, f"SELECT dbm_set_model({tag}{text}{tag});")


class Pair:
    def __init__(self, sections):
        self.sections = sections
        self.result = {}

    def keep(self):
        return [sql(FROM, query) for query in
                self.sections.get("keep", "").split("\n") if query.strip()]

    def run(self):
        setup = self.sections.get("setup", "")
        fresh(FROM)
        fresh(TO)
        if setup:
            sql("postgres", setup)
        sql(FROM, self.sections["from"])
        sql(TO, self.sections["to"])
        wanted = dump(TO)
        first = dump(FROM)
        sql(FROM, self.sections.get("rows", ""))
        kept = self.keep()

        set_model(FROM, self.sections["to"])
        self.upgrade = statements(FROM, "live", "model")
        self.downgrade = statements(FROM, "model", "live")
        self.check("kept", self.compare_kept)
        self.check("upgrade", lambda: self.apply(self.upgrade, wanted))
        if self.result["upgrade"] and self.result["upgrade"].startswith("x"):
            return
        self.check("rows", lambda: self.compare_rows(kept))
        self.check("again", self.ask_again)
        self.check("downgrade", lambda: self.apply(self.downgrade, first))
        self.check("empty", lambda: self.from_empty(first))

    def compare_kept(self):
        """What is kept was read just now, and is deleted for a second look."""
        mode = "SET default_transaction_read_only = on;" if sql(
            FROM, "SELECT 1 FROM dbm.inventory WHERE source = 'model';") else ""
        kept = [statements(FROM, *sides, mode) for sides in (("live", "model"), ("model", "live"))]
        sql(FROM, "DELETE FROM dbm.inventory;")
        fresh = [statements(FROM, "live", "model")]
        sql(FROM, "DELETE FROM dbm.inventory;")
        fresh.append(statements(FROM, "model", "live"))
        for some, other in ((kept, fresh), ([self.upgrade, self.downgrade], fresh)):
            if some != other:
                raise Failed("\n---\n".join(some + ["instead of"] + other))
        if not mode and "unsteady" not in self.sections:
            raise Failed("the model is not kept")

    def check(self, step, function):
        try:
            function()
            self.result[step] = None
        except Failed as failure:
            self.result[step] = str(failure)

    def apply(self, script, wanted):
        if "nothing" in self.sections:
            if script:
                raise Failed("nothing was to be done:\n" + script)
            return
        sql(FROM, script, "-1")
        same_dump(FROM, wanted)

    def compare_rows(self, kept):
        now = self.keep()
        if now != kept:
            raise Failed(f"before: {kept}\nafter: {now}")

    def ask_again(self):
        found = statements(FROM, "live", "model")
        if found:
            raise Failed(found)

    def from_empty(self, first):
        fresh(NEW)
        nothing = dump(NEW)
        set_model(NEW, self.sections["from"])
        sql(NEW, statements(NEW, "empty", "model"), "-1")
        if "nothing" not in self.sections:
            same_dump(NEW, first)
        sql(NEW, statements(NEW, "live", "empty"), "-1")
        same_dump(NEW, nothing)


def main():
    names = sys.argv[1:] or sorted(name[:-4] for name in os.listdir(PAIRS)
                                   if name.endswith(".sql"))
    print(f"1..{len(names) * len(STEPS)}")
    number = 0
    bad = False
    for name in names:
        sections = read_pair(os.path.join(PAIRS, name + ".sql"))
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
