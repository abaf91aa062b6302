#!/usr/bin/env python3
"""Rules that the project's files obey, as TAP: one test per rule."""

import json
import os
import re
import subprocess
import sys

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))

# Includes go downward only: each folder of src may use those before it.
LAYERS = ["base", "graph", "store", "schema", "engine", "commands"]


def read(name):
    with open(name, encoding="utf-8") as f:
        return f.read()


def files(folder, *suffixes):
    """All files below a folder whose names end in one of the suffixes."""
    for top, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.join(top, name)


def control_value(name, key):
    m = re.search(r"^%s\s*=\s*'([^']*)'" % key, read(name), re.M)
    return m and m.group(1)


def without_comments(sql):
    """Line structure is kept, so that line numbers stay right."""
    sql = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), sql, flags=re.S)
    return re.sub(r"--.*", "", sql)


def one_version():
    """META.json and CHANGELOG.md name the version of the control file"""
    version = control_value("databrain_migrate.control", "default_version")
    meta = json.loads(read("META.json"))
    provided = meta["provides"]["databrain_migrate"]
    semantic = version + ".0"
    if meta["version"] != semantic:
        yield "META.json: version is %s, not %s" % (meta["version"], semantic)
    if provided["version"] != semantic:
        yield "META.json: provides version %s, not %s" % (provided["version"], semantic)
    if provided["file"] != "sql/databrain_migrate--%s.sql" % version:
        yield "META.json: the file provided is %s" % provided["file"]
    if not os.path.exists(provided["file"]):
        yield "%s is missing" % provided["file"]
    first = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.M).group(1)
    if first != version:
        yield "CHANGELOG.md: the topmost version is %s" % first


def install_scripts():
    """Install scripts qualify what they create or use, and adopt nothing"""
    create = re.compile(
        r"\bCREATE\s+(?:UNIQUE\s+|UNLOGGED\s+)?"
        r"(?:FUNCTION|PROCEDURE|TABLE|VIEW|TYPE|DOMAIN|SEQUENCE|AGGREGATE)\s+([\w\".]+)",
        re.I,
    )
    # An index is named without its schema, but its table is not.
    index = re.compile(r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\s+\w*\s*ON\s+([\w\".]+)", re.I)
    use = re.compile(
        r"\b(?:REFERENCES|(?:ALTER|DROP|ON|COMMENT\s+ON)\s+(?:TABLE|FUNCTION|PROCEDURE|SEQUENCE)"
        r"|EXECUTE\s+FUNCTION)\s+([\w\".]+)",
        re.I,
    )
    query = re.compile(r"\bSELECT\s+([\w\".]+)\s*\(", re.I)
    for name in files("sql", ".sql"):
        text = read(name)
        sql = without_comments(text)
        if not re.search(r"^\\echo Use .* to load this file\. \\quit$", text, re.M):
            yield "%s: no \\echo line that stops psql" % name
        for pattern in (create, index, use, query):
            for m in pattern.finditer(sql):
                if "." not in m.group(1):
                    line = sql.count("\n", 0, m.start()) + 1
                    yield "%s:%d: %s is not qualified" % (name, line, m.group(1))
        for m in re.finditer(r"\bOR\s+REPLACE\b|\bIF\s+NOT\s+EXISTS\b", sql, re.I):
            line = sql.count("\n", 0, m.start()) + 1
            yield "%s:%d: %s could adopt a stranger's object" % (name, line, m.group())


def revisions():
    """Each shipped revision goes up and down and says in its header what its name says"""
    names = set(n for n in os.listdir("versions") if re.match(r"databrain--.*--.*\.sql$", n))
    up = 0
    for name in sorted(names):
        start, end = name[len("databrain--"):-len(".sql")].split("--")
        text = read("versions/" + name)
        header = dict(re.findall(r"^-- ([\w ]+): (.*)$", text, re.M))
        revision = header.get("Revision ID")
        if "databrain--%s--%s.sql" % (end, start) not in names:
            yield "%s: there is no script for the way back" % name
        if revision not in (start, end):
            yield "%s: Revision ID is %s" % (name, revision)
            continue
        other = start if revision == end else end
        if header.get("Revises") != other:
            yield "%s: Revises is %s, not %s" % (name, header.get("Revises"), other)
        if ("UPDATE TO '%s'\" to load this file. \\quit" % end) not in text:
            yield "%s: no \\echo line that names %s" % (name, end)
        if not re.match(r"-- \S", text):
            yield "%s: the first line is no message" % name
        up += revision == end
    if up == 0:
        yield "there is no revision"


def layers():
    """Includes go downward only"""
    # The server has a folder commands too: what is not in src is its.
    for name in files("src", ".c", ".h"):
        layer = name.split(os.sep)[1]
        if layer not in LAYERS:
            yield "%s: %s is no layer" % (name, layer)
            continue
        for header, other in re.findall(r'#include "((\w+)/\w+\.h)"', read(name)):
            if (os.path.exists("src/" + header)
                    and LAYERS.index(other) > LAYERS.index(layer)):
                yield "%s includes %s" % (name, header)


def versions_of_the_server():
    """PG_VERSION_NUM appears in compat.h only"""
    for name in files("src", ".c", ".h"):
        if name != "src/base/compat.h" and "PG_VERSION_NUM" in read(name):
            yield name


def size():
    """No source file is longer than 1,200 lines"""
    for name in files("src", ".c", ".h"):
        lines = read(name).count("\n")
        if lines > 1200:
            yield "%s: %d lines" % (name, lines)


def symbols():
    """The library exports nothing without the project's prefix"""
    pkglibdir = subprocess.check_output(
        [os.environ.get("PG_CONFIG", "pg_config"), "--pkglibdir"], text=True
    ).strip()
    library = os.path.join(pkglibdir, "databrain_migrate.so")
    if not os.path.exists(library):
        yield "%s is missing" % library
        return
    out = subprocess.check_output(["nm", "-D", "--defined-only", library], text=True)
    for line in out.splitlines():
        symbol = line.split()[-1]
        if not re.match(r"(pg_finfo_)?dbmig_|_PG_init$|Pg_magic_func$|_init$|_fini$", symbol):
            yield symbol


def places():
    """No file names a place of the machine it was written on"""
    place = re.compile(r"(^|[^.a-zA-Z_])/(w[o]rk|f[a]rm|r[o]ot)/", re.M)
    for top, folders, names in os.walk("."):
        if top == ".":
            folders[:] = [f for f in folders if f != ".git"]
        for name in names:
            path = os.path.join(top, name)
            try:
                text = read(path)
            except UnicodeDecodeError:
                continue
            for m in place.finditer(text):
                yield "%s:%d" % (path, text.count("\n", 0, m.start()) + 1)


RULES = [one_version, install_scripts, revisions, layers, versions_of_the_server,
         size, symbols, places]

print("1..%d" % len(RULES))
failed = False
for number, rule in enumerate(RULES, 1):
    findings = list(rule())
    print("%s %d - %s" % ("not ok" if findings else "ok", number, rule.__doc__))
    for finding in findings:
        print("#   " + finding)
        failed = True
sys.exit(failed)
