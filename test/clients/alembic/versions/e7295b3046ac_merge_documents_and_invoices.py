"""merge documents and invoices"""
from alembic import op
import sqlalchemy as sa

revision = 'e7295b3046ac'
down_revision = ('a3e517fc0268', 'd6184a2f359b')
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
