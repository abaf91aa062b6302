"""nick becomes alias"""
from alembic import op
import sqlalchemy as sa

revision = '81c3f5dae046'
down_revision = '70b2e4c9da35'
branch_labels = None
depends_on = None


def upgrade():
    op.alter_column("account", "nick", new_column_name="alias")


def downgrade():
    op.alter_column("account", "alias", new_column_name="nick")
