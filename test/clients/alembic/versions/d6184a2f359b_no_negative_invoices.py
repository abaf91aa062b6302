"""no negative invoices"""
from alembic import op
import sqlalchemy as sa

revision = 'd6184a2f359b'
down_revision = 'c507391e248a'
branch_labels = None
depends_on = None


def upgrade():
    op.create_check_constraint("invoice_amount_check", "invoice", "amount >= 0")


def downgrade():
    op.drop_constraint("invoice_amount_check", "invoice")
