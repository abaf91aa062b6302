"""What the programs that prove generated scripts share.

A pair is two schemas, A ("from") and B ("to"), rows for A, and queries whose
results must be the same before and after.  Pair.run() proves, step by step:

  upgrade    on a database with A and its rows, the statements of
             dbm_diff('live', 'model') run, and pg_dump then says the same as
             of a database built from B
  kept       asked again, it has the same statements, and needs no sandbox for
             that, unless the model computes what it does
  rows       the queries give what they gave
  again      asked again, dbm_diff has no statement
  downgrade  the statements of dbm_diff('model', 'live') lead back
  empty      from nothing to A, and back to nothing
"""
import os
import re
import subprocess

PAIRS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "schema_pairs")
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
                *options], "\\set VERBOSITY verbose\nSET client_min_messages = warning;\n" + text)


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


def sort_statistics(match):
    """The server puts the columns of a statistics object in the table's order."""
    return match.group(1) + ", ".join(sorted(match.group(2).split(", "))) + match.group(3)


def dump(database):
    text = run(["pg_dump", "-s", database])
    lines = [line for line in text.split("\n")
             if line and not line.startswith(("--", "\\restrict", "\\unrestrict"))]
    text = re.sub(r"(WITH \()([^()]*)\)", sort_options, "\n".join(lines))
    text = re.sub(r"(?m)^(CREATE STATISTICS .+? ON )(.+?)( FROM .+;)$", sort_statistics, text)
    return re.sub(r"(CREATE (?:(?:UNLOGGED )?TABLE .+? |TYPE .+? AS )\(\n)(?!\))(.*?)(\n\))",
                  sort_columns, text, flags=re.S)


def differences(got, wanted):
    """What only one of two dumps has; order within a dump counts for nothing."""
    got_set = re.split(r"(?<=;)\n", got)
    wanted_set = re.split(r"(?<=;)\n", wanted)
    extra = [s for s in got_set if s not in wanted_set]
    missing = [s for s in wanted_set if s not in got_set]
    return "\n".join(["+ " + s for s in extra] + ["- " + s for s in missing])


def statements(database, source, target, mode="", renames=""):
    """The generated statements, ready to run with -1: a commit between units."""
    argument = rename_argument(renames)
    return sql(database, mode + "SELECT CASE WHEN unit > lag(unit) OVER (ORDER BY ordinal)"
               " THEN E'COMMIT;\\nBEGIN;\\n' ELSE '' END || statement || ';' FROM"
               f" dbm_diff('{source}', '{target}'{argument})"
               " WHERE statement IS NOT NULL ORDER BY ordinal;")


def pair_names(every=1):
    """The pairs by name, or every so many of them."""
    return sorted(name[:-4] for name in os.listdir(PAIRS)
                  if name.endswith(".sql"))[::every]


def read_pair(name):
    sections = {}
    section = None
    for line in open(os.path.join(PAIRS, name + ".sql")):
        if line.startswith("--- "):
            section = line[4:].strip()
            sections[section] = ""
        elif section:
            sections[section] += line
    return sections


def is_for_later(sections):
    """Does a pair need a newer server than this one?"""
    version = int(sql("postgres", "SHOW server_version_num;")) // 10000
    return version < int(sections.get("server", "0"))


def rename_argument(renames):
    """What a section of renames is as an argument of a function."""
    names = [line for line in renames.split("\n") if line.strip()]
    return (", renames => ARRAY[" + ", ".join(f"$dbm${name}$dbm$" for name in names)
            + "]") if names else ""


def set_model(database, text):
    tag = "$dbm_model$"
    sql(database, f"SELECT dbm_set_model({tag}{text}{tag});")


class Pair:
    def __init__(self, sections, suffix=""):
        """The suffix is that of the databases' names."""
        self.sections = sections
        self.suffix = suffix
        self.live, self.built, self.bare = (name + suffix for name in (FROM, TO, NEW))
        self.result = {}

    def keep(self):
        return sql(self.live, "\n\\echo\n".join(
            query.rstrip(";") + ";" for query in self.sections.get("keep", "").split("\n")
            if query.strip()))

    def run(self):
        setup = self.sections.get("setup", "")
        fresh(self.live)
        fresh(self.built)
        if setup:
            sql("postgres", setup)
        sql(self.live, self.sections["from"])
        sql(self.built, self.sections["to"])
        wanted = dump(self.built)
        first = dump(self.live)
        sql(self.live, self.sections.get("rows", ""))
        kept = self.keep()

        set_model(self.live, self.sections["to"])
        self.upgrade = self.ask("live", "model")
        self.downgrade = self.ask("model", "live")
        self.check("kept", self.compare_kept)
        self.check("upgrade", lambda: self.apply(self.upgrade, wanted, "to"))
        self.check("rows", lambda: self.compare_rows(kept))
        self.check("again", self.ask_again)
        self.check("downgrade", lambda: self.apply(self.downgrade, first, "from"))
        self.check("empty", lambda: self.from_empty(first))

    def ask(self, source, target, mode=""):
        section = "renames" if source == "live" else "renames back"
        return statements(self.live, source, target, mode, self.sections.get(section, ""))

    def compare_kept(self):
        """What is kept was read just now, and is deleted for a second look."""
        mode = "SET default_transaction_read_only = on;" if sql(
            self.live, "SELECT 1 FROM dbm.inventory WHERE source = 'model';") else ""
        # renames take a sandbox, which cannot be had then
        renames = "renames" in self.sections or "dbm: renamed" in self.sections["to"]
        kept = [self.ask(*sides, "" if renames else mode)
                for sides in (("live", "model"), ("model", "live"))]
        sql(self.live, "DELETE FROM dbm.inventory;")
        fresh = [self.ask("live", "model")]
        sql(self.live, "DELETE FROM dbm.inventory;")
        fresh.append(self.ask("model", "live"))
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

    def apply(self, script, wanted, section):
        if "nothing" in self.sections:
            if script:
                raise Failed("nothing was to be done:\n" + script)
            return
        kept = self.sections.get("kept", "").strip()
        if kept and re.search(kept, script):
            raise Failed(f"{kept} in\n{script}")
        self.execute(script)
        self.compare_dump(self.live, wanted, section)

    def execute(self, script):
        sql(self.live, script, "-1")

    def compare_dump(self, database, wanted, section):
        """Is a database what pg_dump says of one built from a section?"""
        found = differences(dump(database), wanted)
        if found:
            raise Failed("pg_dump differs:\n" + found)

    def compare_rows(self, kept):
        now = self.keep()
        if now != kept:
            raise Failed(f"before:\n{kept}after:\n{now}")

    def ask_again(self):
        found = statements(self.live, "live", "model")
        if found:
            raise Failed(found)

    def from_empty(self, first):
        fresh(self.bare)
        nothing = dump(self.bare)
        set_model(self.bare, self.sections["from"])
        sql(self.bare, statements(self.bare, "empty", "model"), "-1")
        if "nothing" not in self.sections:
            self.compare_dump(self.bare, first, "from")
        sql(self.bare, statements(self.bare, "live", "empty"), "-1")
        self.compare_dump(self.bare, nothing, None)
