"""One session with the database of the environment, and the memory it takes."""

import psycopg2

connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()


def run(statement):
    cursor.execute(statement)
    return cursor.fetchall() if cursor.description else None


def contexts():
    """How many memory contexts of each name there are, and what they use;
    without the statistics, which are sent now and then."""
    return {name: (number, used) for name, number, used in run(
        "SELECT name, count(*), sum(used_bytes)::bigint FROM pg_backend_memory_contexts"
        " WHERE name !~ '^PgStat' GROUP BY name")}


def changes(before, after):
    """What differs between two results of contexts(), as texts."""
    return ["%s: %s to %s" % (name, before.get(name), after.get(name))
            for name in sorted(set(before) | set(after)) if before.get(name) != after.get(name)]
