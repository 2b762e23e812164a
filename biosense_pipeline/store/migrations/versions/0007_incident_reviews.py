"""What reviewers say of incidents; a false alarm is open no more.

Revision ID: 0007
"""

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import ensure_column, ensure_index, ensure_table
from biosense_pipeline.store.migrations.column_types import ID, MOMENT, OPTIONS

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    ensure_column(
        "incident",
        sa.Column("dismissed", MOMENT, comment="Naive local; a reviewer called it a false alarm: it is open no more"),
    )
    ensure_table(
        "incident_review",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("incident_id", ID, sa.ForeignKey("incident.id"), nullable=False),
            sa.Column("round", sa.Integer, nullable=False, comment="1, or 2 for the second reviewer"),
            sa.Column("verdict", sa.String(16), nullable=False, comment="CORRECT, FALSE_ALARM or NOT_SURE"),
            sa.Column("note", sa.Text),
            sa.Column("reviewer_id", ID, sa.ForeignKey("desk_user.id"), nullable=False),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_incident_review_round", "incident_review", ["incident_id", "round"], unique=True)
