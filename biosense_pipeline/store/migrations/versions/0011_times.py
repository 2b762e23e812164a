"""Verdicts and motion windows are found by time: what looks at an hour, or at a month, reads no more than that.

Revision ID: 0011
"""

from biosense_pipeline.store.migrations.adoption import ensure_index

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    ensure_index("ix_review_captured", "review", ["captured"])
    ensure_index("ix_review_created", "review", ["created"])
    ensure_index("ix_motion_window_start", "motion_window", ["window_start", "employee_id"])
