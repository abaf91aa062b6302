"""first teams"""
from alembic import op
import sqlalchemy as sa

revision = '3c7f8a1d9e02'
down_revision = '2b1ae634e5cd'
branch_labels = None
depends_on = None


def upgrade():
    team = sa.table("team", sa.column("id", sa.Integer), sa.column("name", sa.String))
    op.bulk_insert(
        team,
        [
            {"id": 1, "name": "O'Brien; and sons"},
            {"id": 2, "name": "-- Running upgrade 1 -> 2"},
            {"id": 3, "name": "50% : of us"},
        ],
    )


def downgrade():
    op.execute("DELETE FROM team WHERE id IN (1, 2, 3)")
