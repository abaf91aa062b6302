"""what a team owns"""
from alembic import op
import sqlalchemy as sa

revision = '094b7d5268ce'
down_revision = 'f83a6c4157bd'
branch_labels = None
depends_on = None


def upgrade():
    op.execute(
        r"""
        CREATE VIEW team_document AS
        SELECT t.name, d.title, E'a\'b\\c;' AS odd, '\:name' AS colon, '100%' AS percent
        FROM team t JOIN account a ON a.team_id = t.id JOIN document d ON d.owner_id = a.id
        """
    )


def downgrade():
    op.execute("DROP VIEW team_document")
