"""Evidence kept of each still, the agents' baselines, motion, impersonation, incidents and alerts.

Revision ID: 0005
"""

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from biosense_pipeline.store.migrations.adoption import column_type, ensure_index, ensure_rows, ensure_table
from biosense_pipeline.store.migrations.column_types import ID, MOMENT, MYSQL, OPTIONS

revision = "0005"
down_revision = "0004"

CODES = [
    ("MOTION", "LIVE", "The face or what is in it moves as a living one does"),
    ("MOTION", "STATIC", "Many stills with a face and no sign of life; somebody should look"),
    ("MOTION", "INSUFFICIENT", "Too few stills with one face to say"),
    ("SPECIES", "FROZEN", "The same picture again: the camera is frozen or the picture is put in"),
    ("SPECIES", "LOOP", "A picture repeats one from earlier in the hour: a recording"),
    ("SPECIES", "PRINT", "A printed picture of a face"),
    ("SPECIES", "SCREEN", "A face shown on a screen"),
    ("SPECIES", "SOURCE_CHANGE", "The pictures come from another camera or by another way than before"),
    ("SPECIES", "UNKNOWN_PERSON", "Somebody else sits where the agent should"),
    ("SPECIES", "ABSENT", "Nobody sits where the agent should"),
]


def upgrade() -> None:
    status = sa.table("status", sa.column("scope"), sa.column("code"), sa.column("meaning"))
    ensure_rows(status, [{"scope": scope, "code": code, "meaning": meaning} for scope, code, meaning in CODES])
    _evidence()
    _baselines()
    _motion()
    _findings()
    _incidents()
    _alerts()


def _employee(*, key: bool = False) -> sa.Column[int]:
    kind = column_type("employee", "id")
    return sa.Column("employee_id", kind, sa.ForeignKey("employee.id"), primary_key=key, nullable=False)


def _hash(size: int) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary().with_variant(mysql.BINARY(size), *MYSQL)


def _evidence() -> None:
    ensure_table(
        "presentation_evidence",
        [
            sa.Column("stream_image_id", ID, primary_key=True, autoincrement=False),
            _employee(),
            sa.Column("capture_time", MOMENT, comment="Naive, local to BIOSENSE_TIMEZONE"),
            sa.Column("num_faces", sa.Integer, nullable=False),
            sa.Column("sha256", _hash(32), nullable=False, comment="Of the stored bytes"),
            sa.Column("pixel_hash", _hash(16), nullable=False, comment="BLAKE2b of the shape and the decoded pixels"),
            sa.Column("perceptual_hash", _hash(8), nullable=False, comment="64 bits, big-endian; of the grey picture"),
            sa.Column("source", sa.String(64), nullable=False, comment="Signature of what encoded the picture"),
            sa.Column("face", sa.JSON, comment="Box, landmarks, sharpness, brightness of the largest face; null: none"),
            sa.Column("chip", sa.LargeBinary, comment="32x32 grey levels of that face, aligned"),
            sa.Column("features", sa.LargeBinary, comment="Little-endian float32"),
            sa.Column("features_id", sa.String(64), comment="Which features; others are not comparable"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index(
        "ix_presentation_evidence_agent", "presentation_evidence", ["employee_id", "capture_time", "stream_image_id"]
    )
    ensure_index("ix_presentation_evidence_hour", "presentation_evidence", ["capture_time", "employee_id"])


def _baselines() -> None:
    ensure_table(
        "presentation_baseline",
        [
            _employee(key=True),
            sa.Column("day", sa.Date, primary_key=True, comment="The day it is for; made of stills before it"),
            sa.Column("features_id", sa.String(64), nullable=False),
            sa.Column("stills", sa.Integer, nullable=False, comment="That it is made of, or that there were"),
            sa.Column("sittings", sa.Integer, nullable=False, comment="Stretches of work that these belong to"),
            sa.Column("parameters", sa.JSON, comment="Null: there were too few"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )


def _motion() -> None:
    ensure_table(
        "motion_window",
        [
            _employee(key=True),
            sa.Column("window_start", MOMENT, primary_key=True),
            sa.Column("window_end", MOMENT, nullable=False),
            sa.Column("outcome", sa.String(16), nullable=False, comment="LIVE, STATIC or INSUFFICIENT"),
            sa.Column("stills", sa.Integer, nullable=False),
            sa.Column("usable_stills", sa.Integer, nullable=False, comment="With exactly one face"),
            sa.Column("numbers", sa.JSON, nullable=False, comment="Those that the outcome follows from"),
            sa.Column("run_id", sa.String(64)),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_motion_window_outcome", "motion_window", ["outcome", "window_start"])


def _findings() -> None:
    ensure_table(
        "impersonation_finding",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            _employee(),
            sa.Column("species", sa.String(32), nullable=False),
            sa.Column("stream_image_id", ID, nullable=False, comment="The last still of the window"),
            sa.Column("capture_time", MOMENT, nullable=False, comment="Of that still, naive local"),
            sa.Column("llr", sa.Double, nullable=False, comment="The accumulated log-likelihood ratio"),
            sa.Column("numbers", sa.JSON, nullable=False, comment="Those that it follows from"),
            sa.Column("evidence_stills", sa.JSON, nullable=False, comment="Ids of the stills that it rests on"),
            sa.Column("run_id", sa.String(64)),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index(
        "ix_impersonation_finding_still",
        "impersonation_finding",
        ["employee_id", "species", "stream_image_id"],
        unique=True,
    )
    ensure_index("ix_impersonation_finding_time", "impersonation_finding", ["capture_time", "employee_id"])
    ensure_table(
        "impersonation_progress",
        [
            _employee(key=True),
            sa.Column("hour", MOMENT, primary_key=True, comment="Full hour of capture_time"),
            sa.Column("judged_until", MOMENT, nullable=False, comment="capture_time of the last still that was judged"),
            sa.Column("rests_on", _hash(16), nullable=False, comment="Hash of rules, stills and findings up to there"),
            sa.Column("run_id", sa.String(64)),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )


def _incidents() -> None:
    ensure_table(
        "incident",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            _employee(),
            sa.Column("species", sa.String(32), nullable=False),
            sa.Column("first_still_id", ID, nullable=False),
            sa.Column("last_still_id", ID, nullable=False),
            sa.Column("opened", MOMENT, nullable=False, comment="capture_time of the still that opened it"),
            sa.Column("closed", MOMENT, comment="Likewise of the one that closed it; null: open"),
            sa.Column("peak", sa.Double, nullable=False, comment="Largest log-likelihood ratio that was accumulated"),
            sa.Column("stills", sa.Integer, nullable=False),
            sa.Column(
                "steps",
                sa.JSON,
                nullable=False,
                comment="By still: id, evidence, statistic; of many, some",
            ),
            sa.Column("withdrawn", MOMENT, comment="UTC; a later analysis of the same stills no longer finds it"),
            sa.Column("run_id", sa.String(64)),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
            sa.Column("updated", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_incident_first_still", "incident", ["employee_id", "species", "first_still_id"], unique=True)
    ensure_index("ix_incident_opened", "incident", ["opened", "employee_id"])
    ensure_table(
        "agent_identity_state",
        [
            _employee(key=True),
            sa.Column("hour", MOMENT, primary_key=True, comment="The full hour at whose end this holds"),
            sa.Column("statistics", sa.JSON, nullable=False, comment="Every number that the next hour needs"),
            sa.Column("open_incident", sa.JSON, comment="Null: none is open"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )


def _alerts() -> None:
    ensure_table(
        "alert_delivery",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("incident_id", ID, sa.ForeignKey("incident.id"), nullable=False),
            sa.Column(
                "channel",
                sa.String(64),
                nullable=False,
                comment="Scheme and short hash of the URL, never the URL",
            ),
            sa.Column("event", sa.String(16), nullable=False, comment="opened or closed"),
            sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
            sa.Column("next_attempt", MOMENT, comment="UTC; null: none is due"),
            sa.Column("delivered", MOMENT, comment="UTC; null: not yet"),
            sa.Column("last_error", sa.Text, comment="Without secrets"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_alert_delivery_once", "alert_delivery", ["incident_id", "event", "channel"], unique=True)
    ensure_index("ix_alert_delivery_waiting", "alert_delivery", ["delivered", "next_attempt"])
