"""The tables, typed. Column comments are their documentation, in the database too.

``stream_img`` and ``train_img`` may exist before the pipeline does and stay the capture clients': rows
refer to them by id without a foreign key, since their id types vary by site and clients purge old rows.
Times in those two are naive and local to ``BIOSENSE_TIMEZONE``; times in the pipeline's own tables are
naive UTC, except those that come from ``capture_time`` and are local as it is: ``agent_hour_summary.hour``,
``first_capture`` and ``last_capture``, ``summary_due.hour``, ``match_calibration.window_start`` and ``window_end``.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
)
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Both names under which SQLAlchemy speaks to MySQL and MariaDB.
MYSQL_DIALECTS = ("mysql", "mariadb")

Id = BigInteger().with_variant(Integer, "sqlite")
# MySQL types are spelt out: Dagster, once imported, changes what SQLAlchemy makes of DateTime and Float there.
Moment = DateTime().with_variant(mysql.DATETIME(fsp=6), *MYSQL_DIALECTS)
#: SQLite compares times as text. A bound without a fraction stands before what a client writes for that
#: second, with a fraction or without; a bound with one would leave out a still of the full hour.
CaptureMoment = Moment.with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]
Image = LargeBinary().with_variant(mysql.MEDIUMBLOB(), *MYSQL_DIALECTS)
#: LAN ids of our own tables: compared byte by byte, so that é and e are two agents.
LanId = String(512).with_variant(mysql.VARCHAR(512, collation="utf8mb4_bin"), *MYSQL_DIALECTS)

TABLE_OPTIONS = {
    f"{dialect}_{option}": value
    for dialect in MYSQL_DIALECTS
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
}


class Base(DeclarativeBase):
    """Base of all tables."""


class StreamImage(Base):
    """A webcam still: the probe."""

    __tablename__ = "stream_img"
    __table_args__ = (
        Index("ix_stream_img_pending", "status", "capture_time", "id"),
        Index("ix_stream_img_hour", "capture_time", "lan_id", "result", "status"),
        Index("ix_stream_img_timeline", "lan_id", "capture_time", "result", "status"),
        Index("ix_stream_img_open", "open_result", "capture_time", "lan_id", "status"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    lan_id: Mapped[str | None] = mapped_column(
        String(255), comment="Windows domain, backslash, name: data, never a path"
    )
    capture_time: Mapped[datetime | None] = mapped_column(CaptureMoment, comment="Naive, local to BIOSENSE_TIMEZONE")
    image: Mapped[bytes | None] = mapped_column(Image, deferred=True, comment="JPEG or PNG bytes")
    status: Mapped[str | None] = mapped_column(String(1), server_default="N")
    result: Mapped[str | None] = mapped_column(String(64), comment="See table status")
    accuracy: Mapped[float | None] = mapped_column(Double, comment="Per cent")
    num_faces: Mapped[int | None] = mapped_column(Integer)
    processed_time: Mapped[datetime | None] = mapped_column(Moment, comment="Naive, local to BIOSENSE_TIMEZONE")
    attempts: Mapped[int] = mapped_column(
        Integer, server_default="0", comment="Claims so far, the present one included"
    )
    lease_token: Mapped[str | None] = mapped_column(String(32), comment="Names the claim that may write the result")
    lease_expires: Mapped[datetime | None] = mapped_column(Moment, comment="UTC, by the database's clock")
    reviewed_result: Mapped[str | None] = mapped_column(
        String(64), comment="The result on which reviewers said the last word"
    )
    # So that what waits for a reviewer is found without a look at all that was reviewed, and so that a result
    # that somebody writes in whatever way is open by itself.
    open_result: Mapped[str | None] = mapped_column(
        String(64),
        Computed("CASE WHEN result = reviewed_result THEN NULL ELSE result END", persisted=False),
        comment="The result, unless it is the reviewed one",
    )


class TrainingImage(Base):
    """An enrolment picture; the newest approved one is the agent's benchmark: the reference."""

    __tablename__ = "train_img"
    __table_args__ = (
        Index("ix_train_img_benchmark", "status", "lan_id", "id"),
        Index("ix_train_img_agent", "lan_id", "id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    lan_id: Mapped[str | None] = mapped_column(
        String(255), comment="Windows domain, backslash, name: data, never a path"
    )
    capture_time: Mapped[datetime | None] = mapped_column(CaptureMoment, comment="Naive, local to BIOSENSE_TIMEZONE")
    image: Mapped[bytes | None] = mapped_column(Image, deferred=True, comment="JPEG or PNG bytes")
    status: Mapped[str | None] = mapped_column(String(1), server_default="N")
    result: Mapped[str | None] = mapped_column(String(64), comment="See table status")
    processed_time: Mapped[datetime | None] = mapped_column(Moment, comment="Naive, local to BIOSENSE_TIMEZONE")


class Employee(Base):
    """An agent. The id is what other tables refer to."""

    __tablename__ = "employee"
    __table_args__ = (TABLE_OPTIONS,)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    lan_id: Mapped[str] = mapped_column(LanId, unique=True, comment="As the capture client wrote it first")
    employee_number: Mapped[int | None] = mapped_column(Integer, comment="99999999 is for tests and never alerts")
    display_name: Mapped[str | None] = mapped_column(String(255))
    team_lead: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(Boolean, server_default="1")
    registered: Mapped[datetime | None] = mapped_column(Moment, comment="UTC; null where the site had the row")


class StatusCode(Base):
    """Codes by what has them (STATUS, STREAM, TRAINING, VERDICT, MOTION, SPECIES), filled by migration."""

    __tablename__ = "status"
    __table_args__ = (TABLE_OPTIONS,)

    scope: Mapped[str] = mapped_column(String(16), primary_key=True, comment="STATUS, STREAM or TRAINING")
    code: Mapped[str] = mapped_column(String(64), primary_key=True)
    meaning: Mapped[str] = mapped_column(String(255))


class ProcessStatus(Base):
    """One row per attempt at an image by a process."""

    __tablename__ = "process_status"
    __table_args__ = (Index("ix_process_status_image", "image_kind", "image_id"), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    image_kind: Mapped[str] = mapped_column(String(16), comment="STREAM or TRAINING")
    image_id: Mapped[int] = mapped_column(Id)
    process: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(1), comment="The status this attempt led to")
    result: Mapped[str | None] = mapped_column(String(64))
    started: Mapped[datetime | None] = mapped_column(Moment, comment="UTC; unknown where the process died")
    finished: Mapped[datetime] = mapped_column(Moment, comment="UTC")
    run_id: Mapped[str | None] = mapped_column(String(64), comment="Dagster run, empty outside Dagster")
    model_id: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(Text, comment="Why, in a sentence")


class FaceEncoding(Base):
    """A training image's face as numbers, or why there are none, under one model."""

    __tablename__ = "face_encoding"
    __table_args__ = (TABLE_OPTIONS,)

    training_image_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    model_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    encoding: Mapped[bytes | None] = mapped_column(LargeBinary, comment="Little-endian float32; null: failure says why")
    box: Mapped[Any | None] = mapped_column(JSON, comment="left, top, right, bottom in pixels")
    quality: Mapped[Any | None] = mapped_column(JSON)
    failure: Mapped[str | None] = mapped_column(String(64), comment="A training result other than SUCCESS")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class TrainingCheck(Base):
    """One number by which a training image was judged, and the limit it was held against."""

    __tablename__ = "training_check"
    __table_args__ = (TABLE_OPTIONS,)

    training_image_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[float | None] = mapped_column(Double, comment="Null where it could not be measured")
    threshold: Mapped[float | None] = mapped_column(Double, comment="The limit then in force")
    passed: Mapped[bool] = mapped_column(Boolean)
    decides: Mapped[bool] = mapped_column(Boolean, comment="False: shown to the reviewer, fails nothing")
    reason: Mapped[str | None] = mapped_column(Text, comment="In plain words, where it did not pass")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class RecognitionResult(Base):
    """What one model found on one still. Rows of earlier models stay."""

    __tablename__ = "recognition_result"
    __table_args__ = (TABLE_OPTIONS,)

    stream_image_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    model_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    training_image_id: Mapped[int | None] = mapped_column(Id, comment="The reference compared with")
    result: Mapped[str] = mapped_column(String(64))
    num_faces: Mapped[int] = mapped_column(Integer)
    distance: Mapped[float | None] = mapped_column(Double, comment="Of the nearest face; smaller is closer")
    tolerance: Mapped[float] = mapped_column(Double, comment="The limit in force then")
    p_genuine: Mapped[float | None] = mapped_column(Double, comment="Null until a calibration exists")
    llr: Mapped[float | None] = mapped_column(Double, comment="Log-likelihood ratio, null until a calibration exists")
    calibration_id: Mapped[int | None] = mapped_column(Id, comment="The calibration that tolerance and llr come from")
    faces: Mapped[Any] = mapped_column(JSON, comment="Per face: box, landmarks, distance, quality numbers")
    milliseconds: Mapped[float] = mapped_column(Double, comment="Decode, detect, align and encode")
    run_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class MatchCalibration(Base):
    """What was fitted to a site's own comparisons; in force is the one of its model that was activated last.

    ``tolerance`` is the largest distance whose observed false match rate, over pairs of people, leaves room for
    chance below ``target_fmr`` (95 % confidence, pairs taken as independent), and none at which a face that is
    accepted is more likely somebody else's. Where the pairs are too few for any, an objection says so and no
    impostor observed is within it.
    """

    __tablename__ = "match_calibration"
    __table_args__ = (Index("ix_match_calibration_in_force", "model_id", "activated"), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    model_id: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[Any | None] = mapped_column(
        JSON(none_as_null=True), comment="Method and numbers of the LLR; null: no fit"
    )
    target_fmr: Mapped[float] = mapped_column(Double, comment="Share of impostors that may be accepted")
    tolerance: Mapped[float | None] = mapped_column(Double, comment="Largest distance that keeps to target_fmr")
    figures: Mapped[Any] = mapped_column(JSON, comment="Error rates and costs on people it was not fitted to")
    material: Mapped[Any] = mapped_column(JSON, comment="Pairs and people by kind, and what was left out")
    confirmed: Mapped[bool] = mapped_column(Boolean, comment="Whether supervisors confirmed the genuine pairs")
    window_start: Mapped[datetime | None] = mapped_column(Moment, comment="First capture_time of the material")
    window_end: Mapped[datetime | None] = mapped_column(Moment, comment="Last capture_time of the material")
    compared_with: Mapped[int | None] = mapped_column(Id, comment="The calibration in force when this one was fitted")
    objections: Mapped[Any] = mapped_column(JSON, comment="Why it may not take effect, in sentences; empty: it may")
    run_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")
    activated: Mapped[datetime | None] = mapped_column(Moment, comment="UTC; null: never took effect")


class AgentThreshold(Base):
    """An agent for whom the fleet's tolerance of a calibration lets too many colleagues pass."""

    __tablename__ = "agent_threshold"
    __table_args__ = (TABLE_OPTIONS,)

    calibration_id: Mapped[int] = mapped_column(Id, ForeignKey("match_calibration.id"), primary_key=True)
    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    tolerance: Mapped[float] = mapped_column(Double, comment="The agent's own, stricter than the fleet's")
    fmr: Mapped[float] = mapped_column(Double, comment="Share of the colleagues' pictures accepted at it")
    fnmr: Mapped[float | None] = mapped_column(
        Double, comment="Share of the agent's own rejected at it; null: none seen"
    )
    fleet_fmr: Mapped[float] = mapped_column(Double, comment="Share of the colleagues' accepted at the fleet's")
    nearest_employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), comment="The nearest colleague")
    nearest_distance: Mapped[float] = mapped_column(Double, comment="Median distance of that colleague's pictures")
    reaches_target: Mapped[bool] = mapped_column(Boolean, comment="False: no tolerance keeps agent and colleague apart")


class SummaryDue(Base):
    """Hours whose rows changed since they were summed up: set with each result, cleared by the summary."""

    __tablename__ = "summary_due"
    __table_args__ = (TABLE_OPTIONS,)

    hour: Mapped[datetime] = mapped_column(Moment, primary_key=True, comment="Full hour of capture_time")


class RunHeartbeat(Base):
    """When a Dagster run last gave a sign of life while it worked on pictures."""

    __tablename__ = "run_heartbeat"
    __table_args__ = (TABLE_OPTIONS,)

    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    beat: Mapped[datetime] = mapped_column(Moment, comment="UTC, by the database's clock")


class AgentHourSummary(Base):
    """How many stills of an agent had which result in an hour."""

    __tablename__ = "agent_hour_summary"
    __table_args__ = (Index("ix_agent_hour_summary_employee", "employee_id", "hour"), TABLE_OPTIONS)

    hour: Mapped[datetime] = mapped_column(Moment, primary_key=True, comment="Full hour of capture_time")
    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    result: Mapped[str] = mapped_column(String(64), primary_key=True)
    stills: Mapped[int] = mapped_column(Integer)
    first_capture: Mapped[datetime] = mapped_column(Moment)
    last_capture: Mapped[datetime] = mapped_column(Moment)
    summed_up: Mapped[datetime] = mapped_column(Moment, comment="UTC")
