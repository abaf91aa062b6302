"""invoices"""
from alembic import op
import sqlalchemy as sa

revision = 'b4f6280d1379'
down_revision = '81c3f5dae046'
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "invoice",
        sa.Column("id", sa.Integer, sa.Identity(always=True), primary_key=True),
        sa.Column("team_id", sa.Integer, sa.ForeignKey("team.id"), nullable=False),
        sa.Column("issued", sa.Date, nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
    )


def downgrade():
    op.drop_table("invoice")
