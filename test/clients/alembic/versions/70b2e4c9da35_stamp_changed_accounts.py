"""stamp changed accounts"""
from alembic import op
import sqlalchemy as sa

revision = '70b2e4c9da35'
down_revision = '6fa1d3b8c924'
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("account", sa.Column("changed_at", sa.DateTime(timezone=True)))
    op.execute(
        """
        -- keeps the time; of the last change
        CREATE FUNCTION account_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.changed_at := now();
            RETURN NEW;
        END;
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER account_stamp BEFORE UPDATE ON account"
        " FOR EACH ROW EXECUTE FUNCTION account_stamp()"
    )


def downgrade():
    op.execute("DROP TRIGGER account_stamp ON account; DROP FUNCTION account_stamp()")
    op.drop_column("account", "changed_at")
