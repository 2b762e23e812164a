"""Alembic's entry: runs the migrations on the connection that ``store.schema`` hands over."""

from alembic import context

from biosense_pipeline.store.desk_tables import Base  # with the tables of tables.py, all there are

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
