#!/usr/bin/python3
"""Writes a schema of many tables in two versions, for each of the peers.

tables.py DIRECTORY NUMBER

Each table has 11 columns, a primary key, three more indexes and a foreign key
to another table.  Ten tables differ between the versions: a column more, an
index more, and one column that may not be null any more.  Below DIRECTORY come
before.sql, after.sql and alembic/, whose metadata is the version after.
"""

import os
import sys

directory, number = sys.argv[1], int(sys.argv[2])

TABLE = """CREATE TABLE %(t)s (
    id bigint NOT NULL,
    owner_id bigint NOT NULL,
    code character varying(40) NOT NULL,
    name text NOT NULL,
    note text%(null)s,
    amount numeric(12,2) DEFAULT 0 NOT NULL,
    kind integer DEFAULT 1 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    data jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone,%(column)s
    CONSTRAINT %(t)s_pkey PRIMARY KEY (id)
);
CREATE UNIQUE INDEX %(t)s_code ON %(t)s (code);
CREATE INDEX %(t)s_owner ON %(t)s (owner_id);
CREATE INDEX %(t)s_created ON %(t)s (created_at, kind);
"""
INDEX = "CREATE INDEX %(t)s_amount ON %(t)s (amount);\n"
FOREIGN_KEY = """ALTER TABLE %(t)s ADD CONSTRAINT %(t)s_owner_fkey
    FOREIGN KEY (owner_id) REFERENCES %(owner)s (id) ON DELETE CASCADE;
"""

ALEMBIC = """Table(
    %(t)r, metadata,
    Column("id", BigInteger, autoincrement=False, nullable=False),
    Column("owner_id", BigInteger, nullable=False),
    Column("code", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("note", Text, nullable=%(nullable)s),
    Column("amount", Numeric(12, 2), server_default=text("0"), nullable=False),
    Column("kind", Integer, server_default=text("1"), nullable=False),
    Column("active", Boolean, server_default=text("true"), nullable=False),
    Column("data", JSONB),
    Column("created_at", DateTime(timezone=True), server_default=func.now(), nullable=False),
    Column("updated_at", DateTime(timezone=True)),%(alembic)s
    PrimaryKeyConstraint("id", name="%(t)s_pkey"),
    ForeignKeyConstraint(["owner_id"], ["%(owner)s.id"], name="%(t)s_owner_fkey", ondelete="CASCADE"),
    Index("%(t)s_code", "code", unique=True),
    Index("%(t)s_owner", "owner_id"),
    Index("%(t)s_created", "created_at", "kind"),
)
"""

MODELS = """from sqlalchemy import *
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
"""

ENV = """import os
import sys

from alembic import context
from sqlalchemy import create_engine

sys.path.insert(0, os.path.dirname(__file__))
from models import metadata

with create_engine("postgresql+psycopg2://").connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"""

TEMPLATE = '''"""${message}"""
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}

def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
'''


def write(path, text):
    path = os.path.join(directory, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


before, after, keys, models = [], [], [], [MODELS]
for n in range(number):
    plain = {"t": "table_%05d" % n, "owner": "table_%05d" % (n // 2), "null": "",
             "column": "", "alembic": "", "nullable": True}
    wanted = dict(plain)
    changed = n % (number // 10) == 0
    if changed:
        wanted.update(null=" NOT NULL", nullable=False, column="\n    extra integer,",
                      alembic='\n    Column("extra", Integer),')
    before.append(TABLE % plain)
    after.append(TABLE % wanted + (INDEX % wanted if changed else ""))
    keys.append(FOREIGN_KEY % plain)
    models.append(ALEMBIC % wanted)
    if changed:
        models.append('Index("%(t)s_amount", metadata.tables[%(t)r].c.amount)\n' % wanted)
write("before.sql", "".join(before + keys))
write("after.sql", "".join(after + keys))
write("alembic/models.py", "".join(models))
write("alembic/env.py", ENV)
write("alembic/script.py.mako", TEMPLATE)
write("alembic/alembic.ini", "[alembic]\nscript_location = %(here)s\n")
os.makedirs(os.path.join(directory, "alembic", "versions"), exist_ok=True)
