"""The score of the site's own model that tells attacks, with each still's evidence.

Revision ID: 0010
"""

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import ensure_column

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    table = "presentation_evidence"
    ensure_column(table, sa.Column("attack_score", sa.Double, comment="Of the site's own model; high: an attack"))
    ensure_column(table, sa.Column("attack_model_id", sa.String(64), comment="Which model; others are not comparable"))
