"""old invoices"""
from alembic import op
import sqlalchemy as sa

revision = 'c507391e248a'
down_revision = 'b4f6280d1379'
branch_labels = None
depends_on = None


def upgrade():
    invoice = sa.table(
        "invoice",
        sa.column("team_id", sa.Integer),
        sa.column("issued", sa.Date),
        sa.column("amount", sa.Numeric(12, 2)),
    )
    op.bulk_insert(
        invoice,
        [
            {"team_id": 1, "issued": op.inline_literal("2024-02-29"), "amount": op.inline_literal("10.50")},
            {"team_id": 2, "issued": op.inline_literal("2025-01-01"), "amount": op.inline_literal("-3")},
        ],
        multiinsert=False,
    )
    op.execute(
        invoice.update()
        .where(invoice.c.amount < op.inline_literal(0))
        .values(amount=op.inline_literal(0))
    )


def downgrade():
    op.execute("DELETE FROM invoice")
