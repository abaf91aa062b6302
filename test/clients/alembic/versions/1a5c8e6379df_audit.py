"""audit"""
from alembic import op
import sqlalchemy as sa

revision = '1a5c8e6379df'
down_revision = None
branch_labels = ('audit',)
depends_on = None


def upgrade():
    op.create_table(
        "audit",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.JSON),
    )


def downgrade():
    op.drop_table("audit")
