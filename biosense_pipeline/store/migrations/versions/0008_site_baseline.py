"""What is usual among the agents of the site, by day.

Revision ID: 0008
"""

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import ensure_table
from biosense_pipeline.store.migrations.column_types import MOMENT, OPTIONS

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    ensure_table(
        "site_baseline",
        [
            sa.Column("day", sa.Date, primary_key=True, comment="The day it is for; made of baselines before it"),
            sa.Column("features_id", sa.String(64), nullable=False),
            sa.Column("agents", sa.Integer, nullable=False, comment="That it is made of, or that there were"),
            sa.Column("version", sa.String(32), nullable=False, comment="Hash of the model that they were made with"),
            sa.Column("parameters", sa.JSON, comment="Null: there were too few"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
