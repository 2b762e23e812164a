"""What each window of a lasting finding says, for the test for incidents.

Revision ID: 0006
"""

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import column_type, ensure_index, ensure_table
from biosense_pipeline.store.migrations.column_types import ID, MOMENT, OPTIONS

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    employee = sa.Column(
        "employee_id", column_type("employee", "id"), sa.ForeignKey("employee.id"), primary_key=True, nullable=False
    )
    ensure_table(
        "impersonation_window",
        [
            employee,
            sa.Column("species", sa.String(32), primary_key=True),
            sa.Column(
                "stream_image_id", ID, primary_key=True, autoincrement=False, comment="The last still of the window"
            ),
            sa.Column("capture_time", MOMENT, nullable=False, comment="Of that still, naive local"),
            sa.Column("llr", sa.Double, nullable=False, comment="The log-likelihood ratio of this window alone"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_impersonation_window_time", "impersonation_window", ["capture_time", "employee_id"])
