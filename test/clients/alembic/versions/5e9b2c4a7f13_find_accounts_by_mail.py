"""find accounts by mail"""
from alembic import op
import sqlalchemy as sa

revision = '5e9b2c4a7f13'
down_revision = '4d0c835f1b66'
branch_labels = None
depends_on = None


def upgrade():
    op.create_index("account_email_idx", "account", [sa.text("lower(email)")], unique=True)
    op.create_check_constraint("account_email_check", "account", "email LIKE '%@%'")


def downgrade():
    op.drop_constraint("account_email_check", "account")
    op.drop_index("account_email_idx")
