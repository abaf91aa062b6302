"""audit of accounts"""
from alembic import op
import sqlalchemy as sa

revision = '2b6d9f748ae0'
down_revision = '094b7d5268ce'
branch_labels = None
depends_on = ('1a5c8e6379df',)


def upgrade():
    op.add_column("audit", sa.Column("account_id", sa.BigInteger, sa.ForeignKey("account.id")))


def downgrade():
    op.drop_column("audit", "account_id")
