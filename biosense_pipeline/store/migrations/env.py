"""Alembic's entry: runs the migrations on the connection that ``store.schema`` hands over."""

from alembic import context

from biosense_pipeline.store.desk_tables import DeskUser

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=DeskUser.metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
