"""make the creation time of accounts mandatory"""
from alembic import op
import sqlalchemy as sa

revision = '2b1ae634e5cd'
down_revision = '1975ea83b712'
branch_labels = None
depends_on = None


def upgrade():
    op.alter_column("account", "created_at", nullable=False)
    op.add_column("account", sa.Column("nick", sa.Text, server_default="nobody"))


def downgrade():
    op.drop_column("account", "nick")
    op.alter_column("account", "created_at", nullable=True)
