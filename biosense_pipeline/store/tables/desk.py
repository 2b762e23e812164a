"""The desk's tables: who may sign in, what reviewers said, and who looked at what.

Times are naive UTC, but for ``review.captured``, which is local as the still's own time is.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from biosense_pipeline.store.tables.pipeline import TABLE_OPTIONS, Base, Id, Moment


class DeskUser(Base):
    """Somebody who may sign in at the desk."""

    __tablename__ = "desk_user"
    __table_args__ = (TABLE_OPTIONS,)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255), comment="Argon2id, with its parameters and salt")
    role: Mapped[str] = mapped_column(String(16), comment="viewer, team_lead or admin")
    team: Mapped[str | None] = mapped_column(String(255), comment="The employee.team_lead whose agents a lead sees")
    active: Mapped[bool] = mapped_column(Boolean, server_default="1")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class DeskSession(Base):
    """A sign-in that goes on until it is ended, idle for too long, or too old."""

    __tablename__ = "desk_session"
    __table_args__ = (TABLE_OPTIONS,)

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True, comment="SHA-256 of the cookie's token")
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("desk_user.id"))
    csrf_token: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")
    last_seen: Mapped[datetime] = mapped_column(Moment, comment="UTC")
    ended: Mapped[datetime | None] = mapped_column(Moment, comment="UTC; null: goes on")


class Review(Base):
    """A reviewer's verdict on a finding. The second round is another reviewer's, after a violation was confirmed."""

    __tablename__ = "review"
    __table_args__ = (
        Index("ix_review_finding", "subject_kind", "subject_id", "result", "round", unique=True),
        Index("ix_review_employee", "employee_id", "created"),
        Index("ix_review_captured", "captured"),
        Index("ix_review_created", "created"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    subject_kind: Mapped[str] = mapped_column(String(16), comment="STREAM: a still")
    subject_id: Mapped[int] = mapped_column(Id)
    round: Mapped[int] = mapped_column(Integer, comment="1, or 2 for the second reviewer")
    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"))
    result: Mapped[str] = mapped_column(String(64), comment="The finding that the verdict is on")
    model_id: Mapped[str | None] = mapped_column(String(64), comment="The model whose finding it was")
    captured: Mapped[datetime | None] = mapped_column(Moment, comment="capture_time of the still")
    verdict: Mapped[str] = mapped_column(String(16), comment="CORRECT, FALSE_ALARM or NOT_SURE")
    note: Mapped[str | None] = mapped_column(Text)
    reviewer_id: Mapped[int] = mapped_column(Id, ForeignKey("desk_user.id"))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class AuditEntry(Base):
    """Who did or looked at what at the desk. Rows are only ever added."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_at", "at"),
        Index("ix_audit_log_action", "action", "at"),
        Index("ix_audit_log_employee", "employee_id", "at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment, comment="UTC")
    user_id: Mapped[int | None] = mapped_column(Id, comment="Null where nobody is signed in, as at a failed sign-in")
    user_name: Mapped[str | None] = mapped_column(String(64), comment="As it was then, or as it was tried")
    address: Mapped[str | None] = mapped_column(String(64), comment="Of the browser")
    action: Mapped[str] = mapped_column(String(32))
    subject_kind: Mapped[str | None] = mapped_column(String(16), comment="STREAM, TRAINING, USER")
    subject_id: Mapped[int | None] = mapped_column(Id)
    employee_id: Mapped[int | None] = mapped_column(Id, comment="Whose face or decision it is")
    detail: Mapped[Any | None] = mapped_column(JSON(none_as_null=True))
