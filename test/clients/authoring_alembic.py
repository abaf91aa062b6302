#!/usr/bin/python3
"""dbm_revision and dbm_merge beside Alembic itself.

The same graph is given to both, then the same request: parents, dependencies
and labels of what comes out have to be the same, and what Alembic refuses we
refuse.  Where we differ on purpose, the case says what we answer instead.
"""
import contextlib
import io
import os
import sys
import tempfile

import psycopg2

try:
    from alembic.config import Config
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError
except ImportError:
    print("1..0 # SKIP Alembic is not installed")
    sys.exit(0)

# name: (revision, parents, dependencies, labels)
GRAPHS = {
    "empty": [],
    "line": [("aaaa1", [], [], []), ("bbbb1", ["aaaa1"], [], [])],
    "fork": [("aaaa1", [], [], []), ("bbbb1", ["aaaa1"], [], ["left"]),
             ("bbbb2", ["aaaa1"], [], ["right"]), ("cccc2", ["bbbb2"], [], [])],
    "merge": [("aaaa1", [], [], []), ("bbbb1", ["aaaa1"], [], []),
              ("bbbb2", ["aaaa1"], [], []), ("cccc1", ["bbbb1", "bbbb2"], [], [])],
    "depends": [("aaaa1", [], [], ["lib"]), ("bbbb1", ["aaaa1"], [], []),
                ("aaaa2", [], [], ["app"]), ("bbbb2", ["aaaa2"], ["bbbb1"], [])],
}

ERROR = "error"

# graph, head, other arguments; a fourth element: our answer where it differs
CASES = [
    ("empty", "head", {}),
    ("empty", "heads", {}),
    ("empty", "base", {}),
    ("empty", "nosuch", {}),
    ("line", "head", {}),
    ("line", "heads", {}),
    ("line", "base", {}),
    ("line", "bbbb1", {}),
    ("line", "bbbb", {}),
    # Alembic asks the name, not its abbreviation, to have four characters
    ("line", "bbb", {}, ERROR),
    ("line", "aaaa1", {}),
    ("line", "aaaa1", {"splice": True}),
    ("line", "head", {"depends_on": ["aaaa"]}),
    ("line", "head", {"depends_on": ["nosuch"]}),
    ("line", "head", {"branch_label": "new"}),
    # Alembic writes the file first and then cannot load its directory
    ("line", "head", {"branch_label": "aaaa1"}, ERROR),
    ("line", "head", {"rev_id": "x@y"}),
    ("line", "head", {"rev_id": "x+y"}),
    # a single dash is an ordinary character to us
    ("line", "head", {"rev_id": "x-y"}, (["bbbb1"], [], [])),
    # Alembic warns and overwrites
    ("line", "head", {"rev_id": "aaaa1"}, ERROR),
    ("fork", "head", {}),
    ("fork", "heads", {}),
    ("fork", "left@head", {}),
    ("fork", "right@head", {}),
    ("fork", "right@heads", {}),
    ("fork", "bbbb2", {}),
    ("fork", "bbbb2", {"splice": True}),
    ("fork", "left@cccc2", {}),
    ("fork", "nosuch@head", {}),
    ("fork", "left@head", {"depends_on": ["right"]}),
    ("fork", "left@head", {"depends_on": ["right@head"]}),
    ("fork", "left@head", {"depends_on": ["cccc"]}),
    ("fork", "left@head", {"depends_on": ["cccc2", "aaaa1"]}),
    ("fork", "left@head", {"depends_on": ["heads"]}),
    ("fork", "left@head", {"branch_label": "right"}, ERROR),
    ("fork", ["bbbb1", "cccc2"], {}),
    ("fork", ["cccc2", "left@head"], {}),
    ("fork", ["bbbb1", "bbbb1"], {}),
    ("fork", ["bbbb1", "left@head"], {}),
    ("fork", ["bbbb1", "bbbb2"], {}),
    ("fork", ["bbbb1", "bbbb2"], {"splice": True}),
    ("fork", ["bbbb1", "heads"], {}),
    # Alembic takes an ancestor of another parent and gets lost later
    ("fork", ["bbbb2", "cccc2"], {"splice": True}, ERROR),
    ("merge", "head", {}),
    ("merge", "bbbb1", {}),
    ("merge", "bbbb1", {"splice": True, "branch_label": "side"}),
    ("depends", "head", {}),
    ("depends", "heads", {}),
    ("depends", "lib@head", {}),
    ("depends", "lib@head", {"depends_on": ["app"]}),
    ("depends", "bbbb1", {}),
    ("depends", ["bbbb1", "bbbb2"], {}),
    ("depends", ["lib@head", "app@head"], {}),
]


def as_tuple(value):
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def ask_alembic(graph, head, arguments):
    with tempfile.TemporaryDirectory() as top:
        versions = os.path.join(top, "versions")
        os.mkdir(versions)
        with open(os.path.join(top, "script.py.mako"), "w") as f:
            f.write('"""${message}\n\n"""\nrevision = ${repr(up_revision)}\n'
                    "down_revision = ${repr(down_revision)}\n"
                    "branch_labels = ${repr(branch_labels)}\n"
                    "depends_on = ${repr(depends_on)}\n")
        for rev, parents, depends, labels in GRAPHS[graph]:
            with open(os.path.join(versions, rev + ".py"), "w") as f:
                f.write('"""x"""\nrevision = %r\ndown_revision = %r\n'
                        "branch_labels = %r\ndepends_on = %r\n"
                        % (rev, tuple(parents) or None, tuple(labels) or None,
                           tuple(depends) or None))
        config = Config()
        config.set_main_option("script_location", top)
        directory = ScriptDirectory.from_config(config)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                made = directory.generate_revision(
                    arguments.get("rev_id", "ffff9"), "new", head=head,
                    splice=arguments.get("splice", False),
                    branch_labels=arguments.get("branch_label"),
                    depends_on=arguments.get("depends_on"))
        except CommandError as error:
            return ERROR, str(error)
        return (as_tuple(made.down_revision), as_tuple(made.dependencies),
                sorted(made._orig_branch_labels)), ""


def ask_us(cursor, graph, head, arguments):
    call = dict(arguments)
    call.setdefault("rev_id", "ffff9")
    if isinstance(head, list):
        name = "dbm_merge"
        call["revisions"] = ",".join(head)
    else:
        name = "dbm_revision"
        call["head"] = head
    call.update(message="new", project=graph)
    cursor.execute("SAVEPOINT s")
    try:
        cursor.execute("SELECT count(*) FROM %s(%s)"
                       % (name, ", ".join("%s => %%(%s)s" % (k, k) for k in call)), call)
        # the labels of its own, not those of its line
        cursor.execute("SELECT down_revisions, depends_on, ARRAY("
                       "  SELECT (regexp_matches(script, E'\\n-- Branch Labels: (.*?)\\n'))[1]"
                       "  FROM dbm_export(%(rev)s, %(graph)s) LIMIT 1)"
                       " FROM dbm_history(%(rev)s, %(graph)s)",
                       {"rev": call["rev_id"], "graph": graph})
        answer, why = tuple(cursor.fetchone()), ""
    except psycopg2.Error as error:
        answer, why = ERROR, error.pgcode
    cursor.execute("ROLLBACK TO s")
    return answer, why


def main():
    connection = psycopg2.connect("")
    cursor = connection.cursor()
    cursor.execute("CREATE EXTENSION databrain_migrate")
    for graph, revisions in GRAPHS.items():
        for rev, parents, depends, labels in revisions:
            cursor.execute("SELECT dbm_register(%s, %s)", (
                "%s--%s--%s.sql" % (graph, (parents + ["base"])[0], rev),
                "-- x\n-- Revision ID: %s\n-- Revises: %s\n-- Branch Labels: %s\n"
                "-- Depends On: %s\n" % (rev, ", ".join(parents) or "base",
                                         ", ".join(labels), ", ".join(depends))))
    print("1..%d" % len(CASES))
    for number, (graph, head, arguments, *ours) in enumerate(CASES, 1):
        wanted, why = (ours[0], "") if ours else ask_alembic(graph, head, arguments)
        found, code = ask_us(cursor, graph, head, arguments)
        print("%sok %d - %s: %s %s -> %s %s" % (
            "" if wanted == found else "not ", number, graph, head, arguments,
            found, code))
        if wanted != found:
            print("# wanted: %s %s" % (wanted, why))


main()
