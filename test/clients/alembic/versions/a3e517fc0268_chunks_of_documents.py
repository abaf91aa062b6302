"""chunks of documents"""
from alembic import op
import sqlalchemy as sa

revision = 'a3e517fc0268'
down_revision = '92d406ebf157'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "chunk",
        sa.Column("document_id", sa.BigInteger, sa.ForeignKey("document.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
    )


def downgrade():
    op.drop_table("chunk")
