"""age is a number"""
from alembic import op
import sqlalchemy as sa

revision = '6fa1d3b8c924'
down_revision = '5e9b2c4a7f13'
branch_labels = None
depends_on = None


def upgrade():
    op.alter_column(
        "account",
        "age",
        type_=sa.Integer,
        existing_type=sa.String(10),
        postgresql_using="age::integer",
    )


def downgrade():
    op.alter_column(
        "account", "age", type_=sa.String(10), existing_type=sa.Integer
    )
