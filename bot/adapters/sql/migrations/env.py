"""Alembic's entry: runs the migrations on the connection that `migration.py` hands in."""

from alembic import context

from bot.adapters.sql.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    # SQLite cannot alter most of a table in place: later migrations copy it.
    render_as_batch=True,
)
context.run_migrations()
