"""What recognition keeps of a still's pixels, the agents' baselines made of it, and what windows of stills show.

``capture_time``, ``day`` and the windows' times are naive and local, as the stills' capture times are.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, Double, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from biosense_pipeline.store.tables.pipeline import MYSQL_DIALECTS, TABLE_OPTIONS, Base, Id, Moment

Hash32 = LargeBinary().with_variant(mysql.BINARY(32), *MYSQL_DIALECTS)
Hash16 = LargeBinary().with_variant(mysql.BINARY(16), *MYSQL_DIALECTS)
Hash8 = LargeBinary().with_variant(mysql.BINARY(8), *MYSQL_DIALECTS)


class PresentationEvidence(Base):
    """A processed still as numbers: is it a person, a picture of one, or the same picture again?"""

    __tablename__ = "presentation_evidence"
    __table_args__ = (
        Index("ix_presentation_evidence_agent", "employee_id", "capture_time", "stream_image_id"),
        Index("ix_presentation_evidence_hour", "capture_time", "employee_id"),
        TABLE_OPTIONS,
    )

    stream_image_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"))
    capture_time: Mapped[datetime | None] = mapped_column(Moment, comment="Naive, local to BIOSENSE_TIMEZONE")
    num_faces: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[bytes] = mapped_column(Hash32, comment="Of the stored bytes")
    pixel_hash: Mapped[bytes] = mapped_column(Hash16, comment="BLAKE2b of the shape and the decoded pixels")
    perceptual_hash: Mapped[bytes] = mapped_column(Hash8, comment="64 bits, big-endian; of the grey picture")
    source: Mapped[str] = mapped_column(String(64), comment="Signature of what encoded the picture")
    face: Mapped[Any | None] = mapped_column(
        JSON(none_as_null=True), comment="Box, landmarks, sharpness, brightness of the largest face; null: none"
    )
    chip: Mapped[bytes | None] = mapped_column(LargeBinary, comment="32x32 grey levels of that face, aligned")
    features: Mapped[bytes | None] = mapped_column(LargeBinary, comment="Little-endian float32")
    features_id: Mapped[str | None] = mapped_column(String(64), comment="Which features; others are not comparable")
    thumbnail: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="The still in grey levels, 64 wide; null: no face, or from before it was kept"
    )
    attack_score: Mapped[float | None] = mapped_column(Double, comment="Of the site's own model; high: an attack")
    attack_model_id: Mapped[str | None] = mapped_column(String(64), comment="Which model; others are not comparable")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class PresentationBaseline(Base):
    """What is usual for an agent, from the stills of earlier days."""

    __tablename__ = "presentation_baseline"
    __table_args__ = (TABLE_OPTIONS,)

    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="The day it is for; made of stills before it")
    features_id: Mapped[str] = mapped_column(String(64))
    stills: Mapped[int] = mapped_column(Integer, comment="That it is made of, or that there were")
    sittings: Mapped[int] = mapped_column(Integer, comment="Stretches of work that these belong to")
    parameters: Mapped[Any | None] = mapped_column(JSON(none_as_null=True), comment="Null: there were too few")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class SiteBaseline(Base):
    """What is usual among the site's agents, from their own baselines of earlier days."""

    __tablename__ = "site_baseline"
    __table_args__ = (TABLE_OPTIONS,)

    day: Mapped[date] = mapped_column(Date, primary_key=True, comment="The day it is for; made of baselines before it")
    features_id: Mapped[str] = mapped_column(String(64))
    agents: Mapped[int] = mapped_column(Integer, comment="That it is made of, or that there were")
    version: Mapped[str] = mapped_column(String(32), comment="Hash of the model that they were made with")
    parameters: Mapped[Any | None] = mapped_column(JSON(none_as_null=True), comment="Null: there were too few")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class MotionWindow(Base):
    """MOTION_DETECTION: whether an agent's stills of ten minutes show life."""

    __tablename__ = "motion_window"
    __table_args__ = (
        Index("ix_motion_window_outcome", "outcome", "window_start"),
        Index("ix_motion_window_start", "window_start", "employee_id"),
        TABLE_OPTIONS,
    )

    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    window_end: Mapped[datetime] = mapped_column(Moment)
    outcome: Mapped[str] = mapped_column(String(16), comment="LIVE, STATIC or INSUFFICIENT")
    stills: Mapped[int] = mapped_column(Integer)
    usable_stills: Mapped[int] = mapped_column(Integer, comment="With exactly one face")
    numbers: Mapped[Any] = mapped_column(JSON, comment="Those that the outcome follows from")
    run_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class ImpersonationFinding(Base):
    """IMPERSONATION: the still at which the evidence for one species passed its bound."""

    __tablename__ = "impersonation_finding"
    __table_args__ = (
        Index("ix_impersonation_finding_still", "employee_id", "species", "stream_image_id", unique=True),
        Index("ix_impersonation_finding_time", "capture_time", "employee_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"))
    species: Mapped[str] = mapped_column(String(32))
    stream_image_id: Mapped[int] = mapped_column(Id, comment="The last still of the window")
    capture_time: Mapped[datetime] = mapped_column(Moment, comment="Of that still, naive local")
    llr: Mapped[float] = mapped_column(Double, comment="The accumulated log-likelihood ratio")
    numbers: Mapped[Any] = mapped_column(JSON, comment="Those that it follows from")
    evidence_stills: Mapped[Any] = mapped_column(JSON, comment="Ids of the stills that it rests on")
    run_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class ImpersonationWindow(Base):
    """What the window that ends with a still says of a species, for each still whose window passes its bound."""

    __tablename__ = "impersonation_window"
    __table_args__ = (Index("ix_impersonation_window_time", "capture_time", "employee_id"), TABLE_OPTIONS)

    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    species: Mapped[str] = mapped_column(String(32), primary_key=True)
    stream_image_id: Mapped[int] = mapped_column(
        Id, primary_key=True, autoincrement=False, comment="The last still of the window"
    )
    capture_time: Mapped[datetime] = mapped_column(Moment, comment="Of that still, naive local")
    llr: Mapped[float] = mapped_column(Double, comment="The log-likelihood ratio of this window alone")


class ImpersonationProgress(Base):
    """How far the stills of an hour were judged, so that what is judged every minute costs a minute's stills."""

    __tablename__ = "impersonation_progress"
    __table_args__ = (TABLE_OPTIONS,)

    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(Moment, primary_key=True, comment="Full hour of capture_time")
    judged_until: Mapped[datetime] = mapped_column(Moment, comment="capture_time of the last still that was judged")
    rests_on: Mapped[bytes] = mapped_column(Hash16, comment="Hash of rules, stills and findings up to there")
    run_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")
