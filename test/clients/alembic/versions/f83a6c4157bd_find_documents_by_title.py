"""find documents by title"""
from alembic import op
import sqlalchemy as sa

revision = 'f83a6c4157bd'
down_revision = 'e7295b3046ac'
branch_labels = None
depends_on = None


def upgrade():
    with op.get_context().autocommit_block():
        op.create_index(
            "document_title_idx", "document", ["title"], postgresql_concurrently=True
        )


def downgrade():
    with op.get_context().autocommit_block():
        op.drop_index("document_title_idx", postgresql_concurrently=True)
