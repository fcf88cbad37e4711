"""How Alembic reaches the database: by the engine it is handed, never by an address in a file."""

from alembic import context

from webapp.store.tables import metadata

with context.config.attributes["engine"].connect() as connection:
    if connection.dialect.name == "sqlite":
        connection = connection.execution_options(writes=True)
    context.configure(
        connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()
