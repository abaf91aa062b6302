#!/usr/bin/python3
"""SQLAlchemy's metadata as the model, by the recipe of doc/schema.md.

A database is built from one metadata, the other is the model.  What Alembic's
autogenerate finds between the two, dbm_diff has to find as well; what only
dbm_diff finds is listed.  Then its statements run, and neither finds anything.
"""
import re
import sys
import warnings

import psycopg2

from tools.tap import end, ok

try:
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy.dialects import postgresql
except ImportError:
    print("1..0 # SKIP Alembic is not installed")
    sys.exit(0)

# Alembic says that it cannot change a generated column
warnings.simplefilter("ignore")


# the recipe
def model_of(metadata):
    statements = []
    dialect = postgresql.dialect(paramstyle="named")

    def keep(statement, *args, **kwargs):
        statements.append(str(statement.compile(dialect=dialect)).strip())

    metadata.create_all(sa.create_mock_engine("postgresql://", keep), checkfirst=False)
    return ";\n".join(statements) + ";\n"


def old_metadata():
    m = sa.MetaData()
    sa.Table("author", m,
             sa.Column("id", sa.Integer, primary_key=True),
             sa.Column("name", sa.String(20), nullable=False),
             sa.Column("email", sa.Text),
             sa.Column("age", sa.Integer),
             sa.Column("mood", sa.Enum("good", "bad", name="mood")),
             sa.Column("born", sa.Date, nullable=False),
             sa.Column("country", sa.Text, server_default="DE"),
             sa.Column("dropped", sa.Text),
             sa.Column("noted", sa.Text, comment="old words"),
             sa.CheckConstraint("name <> ''", name="author_named"),
             sa.Index("author_born", "born"),
             sa.Index("author_age", "age", postgresql_where=sa.text("age > 1")))
    sa.Table("book", m,
             sa.Column("id", sa.Integer, primary_key=True),
             sa.Column("author_id", sa.Integer, sa.ForeignKey("author.id", name="book_author")),
             sa.Column("editor_id", sa.Integer),
             sa.Column("title", sa.Text),
             sa.Column("pages", sa.Integer),
             sa.Column("half", sa.Integer, sa.Computed("pages / 2")))
    sa.Table("obsolete", m, sa.Column("id", sa.Integer, primary_key=True))
    return m


def new_metadata():
    m = sa.MetaData()
    sa.Table("author", m,
             sa.Column("id", sa.BigInteger, primary_key=True),
             sa.Column("name", sa.String(40), nullable=False),
             sa.Column("email", sa.Text, unique=True),
             sa.Column("age", sa.Integer, nullable=False),
             sa.Column("mood", sa.Enum("good", "middling", "bad", name="mood")),
             sa.Column("born", sa.Date),
             sa.Column("country", sa.Text, server_default="AT"),
             sa.Column("added", sa.Numeric(10, 2), server_default="0", nullable=False),
             sa.Column("noted", sa.Text, comment="new words, 100% of them"),
             sa.CheckConstraint("name <> '' AND name NOT LIKE '%x'", name="author_named"),
             sa.CheckConstraint("age > 0", name="author_aged"),
             sa.Index("author_name_born", "name", "born"),
             sa.Index("author_age", "age", postgresql_where=sa.text("age > 2")),
             comment="who writes")
    sa.Table("book", m,
             sa.Column("id", sa.Integer, primary_key=True),
             sa.Column("author_id", sa.Integer,
                       sa.ForeignKey("author.id", name="book_author", ondelete="CASCADE")),
             sa.Column("editor_id", sa.Integer, sa.ForeignKey("author.id", name="book_editor")),
             sa.Column("title", sa.Text),
             sa.Column("pages", sa.Integer),
             sa.Column("half", sa.Integer, sa.Computed("pages / 2 + 1")))
    sa.Table("award", m,
             sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
             sa.Column("book_id", sa.Integer, sa.ForeignKey("book.id")),
             sa.Column("year", sa.SmallInteger, nullable=False),
             sa.UniqueConstraint("book_id", "year", name="award_once"))
    return m


def flat(differences):
    for difference in differences:
        if isinstance(difference, list):
            yield from flat(difference)
        else:
            yield difference


def described(d):
    """One of Alembic's findings: its name, and a pattern for our statement."""
    what = d[0]
    if what in ("add_table", "remove_table"):
        verb = "CREATE" if what.startswith("add") else "DROP"
        return "%s %s" % (what, d[1].name), r"%s TABLE public\.%s\b" % (verb, d[1].name)
    if what in ("add_column", "remove_column"):
        verb = "ADD" if what.startswith("add") else "DROP"
        return ("%s %s.%s" % (what, d[2], d[3].name),
                r"ALTER TABLE public\.%s %s COLUMN %s\b" % (d[2], verb, d[3].name))
    if what in ("add_index", "remove_index"):
        verb = "CREATE( UNIQUE)?" if what.startswith("add") else "DROP"
        return ("%s %s" % (what, d[1].name), r"%s INDEX .*\b%s\b" % (verb, d[1].name))
    if what in ("add_constraint", "remove_constraint", "add_fk", "remove_fk"):
        verb = "ADD" if what.startswith("add") else "DROP"
        name = d[1].name or "%s_%s_key" % (d[1].table.name, "_".join(d[1].columns.keys()))
        return ("%s %s" % (what, name), r"%s CONSTRAINT %s\b" % (verb, name))
    if what in ("add_table_comment", "remove_table_comment"):
        return "%s %s" % (what, d[1].name), r"COMMENT ON TABLE public\.%s " % d[1].name
    table, column = d[2], d[3]
    if what == "modify_comment":
        return "%s %s.%s" % (what, table, column), r"COMMENT ON COLUMN public\.%s\.%s " % (table, column)
    clause = {"modify_type": "(SET DATA )?TYPE", "modify_nullable": "(SET|DROP) NOT NULL",
              "modify_default": "(SET|DROP) DEFAULT"}[what]
    return ("%s %s.%s" % (what, table, column),
            r"ALTER TABLE (ONLY )?public\.%s ALTER COLUMN %s %s" % (table, column, clause))


connection = psycopg2.connect("")
connection.autocommit = True
cursor = connection.cursor()
engine = sa.create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(""))


def alembic():
    with engine.connect() as c:
        context = MigrationContext.configure(
            c, opts={"compare_type": True, "compare_server_default": True})
        return [described(d) for d in flat(compare_metadata(context, new_metadata()))]


def ours():
    cursor.execute("SELECT statement FROM dbm_diff('live', 'model') WHERE statement IS NOT NULL ORDER BY ordinal")
    return [row[0] for row in cursor.fetchall()]


cursor.execute("CREATE EXTENSION databrain_migrate")
old_metadata().create_all(engine)

cursor.execute("SELECT dbm_set_model(%s)", (model_of(old_metadata()),))
ok(ours() == [], "metadata is a model of what it created", *ours())

cursor.execute("SELECT dbm_set_model(%s)", (model_of(new_metadata()),))
statements = ours()
found = alembic()
ok(len(found) == 17, "Alembic finds what it can", found)
for name, pattern in found:
    ok(any(re.search(pattern, s, re.S) for s in statements), "found as well: " + name, *statements)

# what none of Alembic's findings stands for
only_ours = [s for s in statements if not any(re.search(p, s, re.S) for _, p in found)
             and not s.startswith("SET ")]
for s in only_ours:
    print("# only dbm_diff: " + s.split("\n")[0])
for what, pattern in [
        ("a new enum value", r"ALTER TYPE public\.mood ADD VALUE 'middling'"),
        ("a new check", r"ADD CONSTRAINT author_aged\b"),
        ("another check of the same name", r"ADD CONSTRAINT author_named\b"),
        ("another predicate", r"CREATE INDEX author_age\b.*> 2"),
        ("another expression of a generated column", r"\bhalf\b.*\+ 1")]:
    ok(any(re.search(pattern, s, re.S) for s in only_ours), "only dbm_diff finds " + what, *statements)

for s in statements:
    cursor.execute(s)
ok(ours() == [], "after its statements dbm_diff finds nothing", *ours())
ok(alembic() == [], "and Alembic finds nothing", alembic())

end()
