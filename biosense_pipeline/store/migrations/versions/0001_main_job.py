"""Tables of the main job; adopts existing stream_img and train_img.

Revision ID: 0001
"""

from typing import Any

import sqlalchemy as sa

from biosense_pipeline.store.migrations.adoption import column_type, ensure_index, ensure_rows, ensure_table
from biosense_pipeline.store.migrations.column_types import ID, IMAGE, LAN_ID, MOMENT, OPTIONS

revision = "0001"
down_revision = None

#: The meanings as they stand in this migration; later ones add or change rows.
CODES = [
    ("STATUS", "N", "Not processed yet"),
    ("STATUS", "P", "Being processed, under a lease"),
    ("STATUS", "Y", "Processed"),
    ("STATUS", "F", "Failed; the result says why"),
    ("STREAM", "SUCCESS", "One face, and it is the agent"),
    ("STREAM", "SUCCESS_MULTIPLE_FACES", "Several faces, one of them is the agent"),
    ("STREAM", "UNKNOWN_PERSON", "One face, and it is not the agent"),
    ("STREAM", "UNKNOWN_MULTIPLE_FACES", "Several faces, none of them is the agent"),
    ("STREAM", "NO_FACES_FOUND", "No face in the still"),
    ("STREAM", "NO_TRAINING_IMAGE", "The agent has no approved training image"),
    ("STREAM", "TRAINING_IMAGE_FAILED", "The agent's newest training image failed its check"),
    ("STREAM", "UNREADABLE_IMAGE", "Not a whole JPEG or PNG within the size limits"),
    ("STREAM", "PROCESSING_ERROR", "Processing failed on every attempt"),
    ("TRAINING", "SUCCESS", "Exactly one face"),
    ("TRAINING", "NO_FACES_FOUND", "No face in the training image"),
    ("TRAINING", "MULTIPLE_FACES", "More than one face in the training image"),
    ("TRAINING", "UNREADABLE_IMAGE", "Not a whole JPEG or PNG within the size limits"),
    ("TRAINING", "PROCESSING_ERROR", "Processing failed"),
]


def upgrade() -> None:
    _image_tables()
    _people_and_codes()
    _results()


def _image_tables() -> None:
    def shared() -> list[sa.Column[Any]]:
        return [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("lan_id", sa.String(255), comment="Windows domain, backslash, name: data, never a path"),
            sa.Column("capture_time", MOMENT, comment="Naive, local to BIOSENSE_TIMEZONE"),
            sa.Column("image", IMAGE, comment="JPEG or PNG bytes"),
            sa.Column("status", sa.String(1), server_default="N"),
            sa.Column("result", sa.String(64), comment="See table status"),
            sa.Column("processed_time", MOMENT, comment="Naive, local to BIOSENSE_TIMEZONE"),
        ]

    ensure_table(
        "stream_img",
        [
            *shared(),
            sa.Column("accuracy", sa.Double, comment="Per cent"),
            sa.Column("num_faces", sa.Integer),
            sa.Column(
                "attempts",
                sa.Integer,
                nullable=False,
                server_default="0",
                comment="Claims so far, the present one included",
            ),
            sa.Column("lease_token", sa.String(32), comment="Names the claim that may write the result"),
            sa.Column("lease_expires", MOMENT, comment="UTC, by the database's clock"),
        ],
        **OPTIONS,
    )
    ensure_table("train_img", shared(), **OPTIONS)
    ensure_index("ix_stream_img_pending", "stream_img", ["status", "capture_time", "id"])
    ensure_index("ix_stream_img_hour", "stream_img", ["capture_time", "lan_id", "result", "status"])
    ensure_index("ix_train_img_benchmark", "train_img", ["status", "lan_id", "id"])
    ensure_index("ix_train_img_agent", "train_img", ["lan_id", "id"])


def _people_and_codes() -> None:
    ensure_table(
        "employee",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("lan_id", LAN_ID, nullable=False, unique=True, comment="As the capture client wrote it first"),
            sa.Column("employee_number", sa.Integer, comment="99999999 is for tests and never alerts"),
            sa.Column("display_name", sa.String(255)),
            sa.Column("team_lead", sa.String(255)),
            sa.Column("active", sa.Boolean, nullable=False, server_default="1"),
            sa.Column("registered", MOMENT, comment="UTC; null where the site had the row"),
        ],
        **OPTIONS,
    )
    ensure_table(
        "status",
        [
            sa.Column("scope", sa.String(16), primary_key=True, comment="STATUS, STREAM or TRAINING"),
            sa.Column("code", sa.String(64), primary_key=True),
            sa.Column("meaning", sa.String(255), nullable=False),
        ],
        **OPTIONS,
    )
    status = sa.table("status", sa.column("scope"), sa.column("code"), sa.column("meaning"))
    ensure_rows(status, [{"scope": scope, "code": code, "meaning": meaning} for scope, code, meaning in CODES])


def _results() -> None:
    ensure_table(
        "process_status",
        [
            sa.Column("id", ID, primary_key=True, autoincrement=True),
            sa.Column("image_kind", sa.String(16), nullable=False, comment="STREAM or TRAINING"),
            sa.Column("image_id", ID, nullable=False),
            sa.Column("process", sa.String(32), nullable=False),
            sa.Column("status", sa.String(1), nullable=False, comment="The status this attempt led to"),
            sa.Column("result", sa.String(64)),
            sa.Column("started", MOMENT, comment="UTC; unknown where the process died"),
            sa.Column("finished", MOMENT, nullable=False, comment="UTC"),
            sa.Column("run_id", sa.String(64), comment="Dagster run, empty outside Dagster"),
            sa.Column("model_id", sa.String(64)),
            sa.Column("detail", sa.Text, comment="Why, in a sentence"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_process_status_image", "process_status", ["image_kind", "image_id"])
    ensure_table(
        "face_encoding",
        [
            sa.Column("training_image_id", ID, primary_key=True, autoincrement=False),
            sa.Column("model_id", sa.String(64), primary_key=True),
            sa.Column("encoding", sa.LargeBinary, comment="Little-endian float32; null: failure says why"),
            sa.Column("box", sa.JSON, comment="left, top, right, bottom in pixels"),
            sa.Column("quality", sa.JSON),
            sa.Column("failure", sa.String(64), comment="A training result other than SUCCESS"),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_table(
        "recognition_result",
        [
            sa.Column("stream_image_id", ID, primary_key=True, autoincrement=False),
            sa.Column("model_id", sa.String(64), primary_key=True),
            sa.Column("training_image_id", ID, comment="The reference compared with"),
            sa.Column("result", sa.String(64), nullable=False),
            sa.Column("num_faces", sa.Integer, nullable=False),
            sa.Column("distance", sa.Double, comment="Of the nearest face; smaller is closer"),
            sa.Column("tolerance", sa.Double, nullable=False, comment="The limit in force then"),
            sa.Column("p_genuine", sa.Double, comment="Null until a calibration exists"),
            sa.Column("llr", sa.Double, comment="Log-likelihood ratio, null until a calibration exists"),
            sa.Column("faces", sa.JSON, nullable=False, comment="Per face: box, landmarks, distance, quality numbers"),
            sa.Column("milliseconds", sa.Double, nullable=False, comment="Decode, detect, align and encode"),
            sa.Column("run_id", sa.String(64)),
            sa.Column("created", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
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
        "agent_hour_summary",
        [
            sa.Column("hour", MOMENT, primary_key=True, comment="Full hour of capture_time"),
            sa.Column("employee_id", column_type("employee", "id"), sa.ForeignKey("employee.id"), primary_key=True),
            sa.Column("result", sa.String(64), primary_key=True),
            sa.Column("stills", sa.Integer, nullable=False),
            sa.Column("first_capture", MOMENT, nullable=False),
            sa.Column("last_capture", MOMENT, nullable=False),
            sa.Column("summed_up", MOMENT, nullable=False, comment="UTC"),
        ],
        **OPTIONS,
    )
    ensure_index("ix_agent_hour_summary_employee", "agent_hour_summary", ["employee_id", "hour"])
