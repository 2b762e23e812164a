"""Alembic's entry: runs the migrations on the connection that ``store.schema`` hands over."""

from alembic import context

from biosense_pipeline.store.tables.desk import DeskUser
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.store.tables.incidents import Incident

# Each of these modules adds its tables to the one catalogue that all share.
assert DeskUser.metadata is PresentationEvidence.metadata is Incident.metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=DeskUser.metadata,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
