"""Checks of training images, reviews, the desk's users and sessions, the audit log, and the view of all images.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

from biosense_pipeline.store.migrations.adoption import column_type, ensure_index, ensure_rows, ensure_table
from biosense_pipeline.store.migrations.column_types import ID, MOMENT, OPTIONS

revision = "0003"
down_revision = "0002"

CODES = [
    ("TRAINING", "QUALITY_TOO_LOW", "One face, but too small, blurred, badly lit or turned away to compare with"),
    ("TRAINING", "AWAITING_APPROVAL", "Passed its checks and waits for a team lead"),
    ("TRAINING", "REJECTED", "Rejected by a team lead"),
    ("VERDICT", "CORRECT", "The finding is right"),
    ("VERDICT", "FALSE_ALARM", "The finding is wrong: it is the agent"),
    ("VERDICT", "NOT_SURE", "It cannot be told from the picture"),
]


def upgrade() -> None:
    status = sa.table("status", sa.column("scope"), sa.column("code"), sa.column("meaning"))
    ensure_rows(status, [{"scope": scope, "code": code, "meaning": meaning} for scope, code, meaning in CODES])
    # As 0004 wants it, so that an index on millions of stills is built once.
    ensure_index("ix_stream_img_timeline", "stream_img", ["lan_id", "capture_time", "result", "status"])
    _checks()
    _people_at_the_desk()
    _reviews()
    _audit_log()
    _imagebag()


def _checks() -> None:
    ensure_table(
        "training_check",
        [
            sa.Column("training_image_id", ID, primary_key=True, autoincrement=False),
            sa.Column("name", sa.String(32), primary_key=True),
            sa.Column("value", sa.Double, comment="Null where it could not be measured"),
            sa.Column("threshold", sa.Double, comment="The limit then in force"),
            sa.Column("passed", sa.Boolean, nullable=False),
            sa.Column("decides", sa.Boolean, nullable=False, comment="False: shown to the reviewer, fails nothing"),
            sa.Column("reason", sa.Text, comment="In plain words, where it did not pass"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )


def _people_at_the_desk() -> None:
    ensure_table(
        "desk_user",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("name", sa.String(64), nullable=False, unique=True),
            sa.Column(
                "password_hash", sa.String(255), nullable=False, comment="Argon2id, with its parameters and salt"
            ),
            sa.Column("role", sa.String(16), nullable=False, comment="viewer, team_lead or admin"),
            sa.Column("team", sa.String(255), comment="The employee.team_lead whose agents a lead sees"),
            sa.Column("active", sa.Boolean, nullable=False, server_default="1"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_table(
        "desk_session",
        [
            sa.Column("token_hash", sa.String(64), primary_key=True, comment="SHA-256 of the cookie's token"),
            sa.Column("user_id", ID, sa.ForeignKey("desk_user.id"), nullable=False),
            sa.Column("csrf_token", sa.String(64), nullable=False),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
            sa.Column("last_seen", MOMENT, nullable=False, comment="UTC"),
            sa.Column("ended", MOMENT, comment="UTC; null: goes on"),
        ],
        **OPTIONS,
    )


def _reviews() -> None:
    ensure_table(
        "review",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("subject_kind", sa.String(16), nullable=False, comment="STREAM: a still"),
            sa.Column("subject_id", ID, nullable=False),
            sa.Column("round", sa.Integer, nullable=False, comment="1, or 2 for the second reviewer"),
            sa.Column("employee_id", column_type("employee", "id"), sa.ForeignKey("employee.id"), nullable=False),
            sa.Column("result", sa.String(64), nullable=False, comment="The finding that the verdict is on"),
            sa.Column("model_id", sa.String(64), comment="The model whose finding it was"),
            sa.Column("captured", MOMENT, comment="capture_time of the still"),
            sa.Column("verdict", sa.String(16), nullable=False, comment="CORRECT, FALSE_ALARM or NOT_SURE"),
            sa.Column("note", sa.Text),
            sa.Column("reviewer_id", ID, sa.ForeignKey("desk_user.id"), nullable=False),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_review_round", "review", ["subject_kind", "subject_id", "round"], unique=True)
    ensure_index("ix_review_employee", "review", ["employee_id", "created"])


def _audit_log() -> None:
    ensure_table(
        "audit_log",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("at", MOMENT, nullable=False, comment="UTC"),
            sa.Column("user_id", ID, comment="Null where nobody is signed in, as at a failed sign-in"),
            sa.Column("user_name", sa.String(64), comment="As it was then, or as it was tried"),
            sa.Column("address", sa.String(64), comment="Of the browser"),
            sa.Column("action", sa.String(32), nullable=False),
            sa.Column("subject_kind", sa.String(16), comment="STREAM, TRAINING, USER"),
            sa.Column("subject_id", ID),
            sa.Column("employee_id", ID, comment="Whose face or decision it is"),
            sa.Column("detail", sa.JSON),
        ],
        **OPTIONS,
    )
    ensure_index("ix_audit_log_at", "audit_log", ["at"])
    ensure_index("ix_audit_log_action", "audit_log", ["action", "at"])
    ensure_index("ix_audit_log_employee", "audit_log", ["employee_id", "at"])


def _imagebag() -> None:
    """Both image tables with the agent's id. Spellings of one agent differ at most in case, so both sides are folded.

    imagebag_id is negative for training images: unique, and the same for as long as the row is there.
    """
    op.execute("DROP VIEW IF EXISTS imagebag")
    op.execute(
        "CREATE VIEW imagebag AS"
        " SELECT s.id AS imagebag_id, 'STREAM' AS kind, s.id AS image_id, e.id AS employee_id,"
        " s.capture_time, s.status, s.result"
        " FROM stream_img s LEFT JOIN employee e ON lower(e.lan_id) = lower(s.lan_id)"
        " UNION ALL"
        " SELECT -t.id, 'TRAINING', t.id, e.id, t.capture_time, t.status, t.result"
        " FROM train_img t LEFT JOIN employee e ON lower(e.lan_id) = lower(t.lan_id)"
    )
