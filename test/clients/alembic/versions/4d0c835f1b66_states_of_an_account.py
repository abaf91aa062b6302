"""states of an account"""
from alembic import op
import sqlalchemy as sa

revision = '4d0c835f1b66'
down_revision = '3c7f8a1d9e02'
branch_labels = None
depends_on = None


def upgrade():
    state = sa.Enum("new", "active", "closed", name="account_state")
    state.create(op.get_bind(), checkfirst=False)
    op.add_column(
        "account", sa.Column("state", state, nullable=False, server_default="new")
    )


def downgrade():
    op.drop_column("account", "state")
    op.execute("DROP TYPE account_state")
