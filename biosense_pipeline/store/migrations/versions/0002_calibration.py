"""Calibrations with the agents' own tolerances, and which calibration a result was decided by.

Revision ID: 0002
"""

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import column_type, ensure_index, ensure_table
from biosense_pipeline.store.migrations.column_types import ID, MOMENT, OPTIONS

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Databases that were migrated before these stood in 0001 have them from here.
    ensure_table(
        "summary_due",
        [sa.Column("hour", MOMENT, primary_key=True, comment="Full hour of capture_time")],
        **OPTIONS,
    )
    ensure_table(
        "run_heartbeat",
        [
            sa.Column("run_id", sa.String(64), primary_key=True),
            sa.Column("beat", MOMENT, nullable=False, comment="UTC, by the database's clock"),
        ],
        **OPTIONS,
    )
    ensure_table(
        "recognition_result",
        [
            sa.Column("stream_image_id", ID, primary_key=True, autoincrement=False),
            sa.Column("model_id", sa.String(64), primary_key=True),
            sa.Column("calibration_id", ID, comment="The calibration that tolerance and llr come from"),
        ],
        **OPTIONS,
    )
    ensure_table(
        "match_calibration",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("model_id", sa.String(64), nullable=False),
            sa.Column("parameters", sa.JSON, comment="Method and numbers of the LLR; null: no fit"),
            sa.Column("target_fmr", sa.Double, nullable=False, comment="Share of impostors that may be accepted"),
            sa.Column("tolerance", sa.Double, comment="Largest distance that keeps to target_fmr"),
            sa.Column(
                "figures", sa.JSON, nullable=False, comment="Error rates and costs on people it was not fitted to"
            ),
            sa.Column("material", sa.JSON, nullable=False, comment="Pairs and people by kind, and what was left out"),
            sa.Column(
                "confirmed", sa.Boolean, nullable=False, comment="Whether supervisors confirmed the genuine pairs"
            ),
            sa.Column("window_start", MOMENT, comment="First capture_time of the material"),
            sa.Column("window_end", MOMENT, comment="Last capture_time of the material"),
            sa.Column("compared_with", ID, comment="The calibration in force when this one was fitted"),
            sa.Column(
                "objections", sa.JSON, nullable=False, comment="Why it may not take effect, in sentences; empty: it may"
            ),
            sa.Column("run_id", sa.String(64)),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
            sa.Column("activated", MOMENT, comment="UTC; null: never took effect"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_match_calibration_in_force", "match_calibration", ["model_id", "activated"])
    employee_id = column_type("employee", "id")
    ensure_table(
        "agent_threshold",
        [
            sa.Column("calibration_id", ID, sa.ForeignKey("match_calibration.id"), primary_key=True),
            sa.Column("employee_id", employee_id, sa.ForeignKey("employee.id"), primary_key=True),
            sa.Column("tolerance", sa.Double, nullable=False, comment="The agent's own, stricter than the fleet's"),
            sa.Column("fmr", sa.Double, nullable=False, comment="Share of the colleagues' pictures accepted at it"),
            sa.Column("fnmr", sa.Double, comment="Share of the agent's own rejected at it; null: none seen"),
            sa.Column(
                "fleet_fmr", sa.Double, nullable=False, comment="Share of the colleagues' accepted at the fleet's"
            ),
            sa.Column(
                "nearest_employee_id",
                employee_id,
                sa.ForeignKey("employee.id"),
                nullable=False,
                comment="The nearest colleague",
            ),
            sa.Column(
                "nearest_distance",
                sa.Double,
                nullable=False,
                comment="Median distance of that colleague's pictures",
            ),
            sa.Column(
                "reaches_target",
                sa.Boolean,
                nullable=False,
                comment="False: no tolerance keeps agent and colleague apart",
            ),
        ],
        **OPTIONS,
    )
