#!/usr/bin/python3
"""Writes a project with a straight line of revisions, for each of the peers.

generate.py DIRECTORY NUMBER STATEMENT

STATEMENT is the upgrade of each revision, with %(n)d for its number.  Below
DIRECTORY come versions/ (project "line", up and down), core/ (extension
"dbm_bench_line", up only), all.sql, dbmate/ and alembic/.  The last revision
is printed.
"""

import os
import sys

directory, number, statement = sys.argv[1], int(sys.argv[2]), sys.argv[3]

HEADER = """-- step %(n)d
--
-- Revision ID: %(id)s
-- Revises: %(down)s
-- Create Date: 2025-01-01 00:00:00+00

"""

ALEMBIC = '''"""step %(n)d

Revision ID: %(id)s
Revises: %(down)s
Create Date: 2025-01-01 00:00:00

"""
from alembic import op

revision = %(id)r
down_revision = %(alembic_down)s
branch_labels = None
depends_on = None


def upgrade():
    op.execute(%(up)r)


def downgrade():
    op.execute("SELECT 1")
'''


def write(path, text):
    path = os.path.join(directory, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)


down = "base"
everything = []
for n in range(1, number + 1):
    # spread over the hexadecimal numbers, as generated identifiers are
    rev = "%012x" % (n * 2654435761 % 2**40 * 251)
    at = {
        "n": n,
        "id": rev,
        "down": down,
        "alembic_down": repr(down) if n > 1 else None,
        "up": statement % {"n": n},
    }
    up = HEADER % at + at["up"] + "\n"
    write("versions/line--%s--%s.sql" % (down, rev), up)
    write("versions/line--%s--%s.sql" % (rev, down), HEADER % at + "SELECT 1;\n")
    write("core/dbm_bench_line--%s--%s.sql" % (down, rev), up)
    write(
        "dbmate/%014d_step.sql" % (20250101000000 + n),
        "-- migrate:up\n%(up)s\n\n-- migrate:down\nSELECT 1;\n" % at,
    )
    write("alembic/versions/%s_step_%d.py" % (rev, n), ALEMBIC % at)
    everything.append(at["up"] + "\n")
    down = rev
write("core/dbm_bench_line--base.sql", "SELECT 1;\n")
write("all.sql", "".join(everything))
write("alembic/alembic.ini", "[alembic]\nscript_location = %(here)s\n")
write("alembic/env.py", "")
print(down)
