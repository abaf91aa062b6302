"""documents"""
from alembic import op
import sqlalchemy as sa

revision = '92d406ebf157'
down_revision = '81c3f5dae046'
branch_labels = ('docs',)
depends_on = None


def upgrade():
    op.create_table(
        "document",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("owner_id", sa.BigInteger, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
    )


def downgrade():
    op.drop_table("document")
