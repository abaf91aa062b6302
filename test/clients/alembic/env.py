"""Alembic's environment.

-x per_migration=yes: a transaction for each migration
-x version_table=NAME: another name for alembic_version
"""
from alembic import context
from sqlalchemy import create_engine, pool

options = context.get_x_argument(as_dictionary=True)
settings = {"transaction_per_migration": options.get("per_migration") == "yes"}
if "version_table" in options:
    settings["version_table"] = options["version_table"]

if context.is_offline_mode():
    context.configure(
        url="postgresql://",
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        **settings,
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine("postgresql://", poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, **settings)
        with context.begin_transaction():
            context.run_migrations()
