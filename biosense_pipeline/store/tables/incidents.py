"""Incidents, the agents' state between two hours of analysis, and the alerts that were sent of them.

``opened``, ``closed`` and ``hour`` are naive and local, as the stills' capture times are; other times are UTC.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, ColumnElement, Double, ForeignKey, Index, Integer, String, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from biosense_pipeline.store.tables.pipeline import TABLE_OPTIONS, Base, Id, Moment

#: An incident that opened longer ago is not looked for any more, over or not: it bounds the range of the index.
LONGEST_INCIDENT = timedelta(days=30)


class Incident(Base):
    """A stretch of an agent's stills that a supervisor should know of."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("ix_incident_first_still", "employee_id", "species", "first_still_id", unique=True),
        Index("ix_incident_opened", "opened", "employee_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"))
    species: Mapped[str] = mapped_column(String(32))
    first_still_id: Mapped[int] = mapped_column(Id)
    last_still_id: Mapped[int] = mapped_column(Id)
    opened: Mapped[datetime] = mapped_column(Moment, comment="capture_time of the still that opened it")
    closed: Mapped[datetime | None] = mapped_column(Moment, comment="Likewise of the one that closed it; null: open")
    peak: Mapped[float] = mapped_column(Double, comment="Largest log-likelihood ratio that was accumulated")
    stills: Mapped[int] = mapped_column(Integer)
    steps: Mapped[Any] = mapped_column(JSON, comment="By still: id, evidence, statistic; of many, some")
    withdrawn: Mapped[datetime | None] = mapped_column(
        Moment, comment="UTC; a later analysis of the same stills no longer finds it"
    )
    dismissed: Mapped[datetime | None] = mapped_column(
        Moment, comment="Naive local; a reviewer called it a false alarm: it is open no more"
    )
    run_id: Mapped[str | None] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")
    updated: Mapped[datetime] = mapped_column(Moment, comment="UTC")

    @classmethod
    def over(cls) -> ColumnElement[datetime | None]:
        """When it closed, by its stills or by a reviewer; null: it is open."""
        return func.coalesce(cls.closed, cls.dismissed)


class IncidentReview(Base):
    """A reviewer's verdict on an incident. The second round is another reviewer's, after it was confirmed."""

    __tablename__ = "incident_review"
    __table_args__ = (Index("ix_incident_review_round", "incident_id", "round", unique=True), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    incident_id: Mapped[int] = mapped_column(Id, ForeignKey("incident.id"))
    round: Mapped[int] = mapped_column(Integer, comment="1, or 2 for the second reviewer")
    verdict: Mapped[str] = mapped_column(String(16), comment="CORRECT, FALSE_ALARM or NOT_SURE")
    note: Mapped[str | None] = mapped_column(Text)
    reviewer_id: Mapped[int] = mapped_column(Id, ForeignKey("desk_user.id"))
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class AgentIdentityState(Base):
    """What the analysis of an agent's next hour starts from."""

    __tablename__ = "agent_identity_state"
    __table_args__ = (TABLE_OPTIONS,)

    employee_id: Mapped[int] = mapped_column(Id, ForeignKey("employee.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(Moment, primary_key=True, comment="The full hour at whose end this holds")
    statistics: Mapped[Any] = mapped_column(JSON, comment="Every number that the next hour needs")
    open_incident: Mapped[Any | None] = mapped_column(JSON(none_as_null=True), comment="Null: none is open")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")


class AlertDelivery(Base):
    """A message about an incident to one channel, tried until it arrives."""

    __tablename__ = "alert_delivery"
    __table_args__ = (
        Index("ix_alert_delivery_once", "incident_id", "event", "channel", unique=True),
        Index("ix_alert_delivery_waiting", "delivered", "next_attempt"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    incident_id: Mapped[int] = mapped_column(Id, ForeignKey("incident.id"))
    channel: Mapped[str] = mapped_column(String(64), comment="Scheme and short hash of the URL, never the URL")
    event: Mapped[str] = mapped_column(String(16), comment="opened or closed")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    next_attempt: Mapped[datetime | None] = mapped_column(Moment, comment="UTC; null: none is due")
    delivered: Mapped[datetime | None] = mapped_column(Moment, comment="UTC; null: not yet")
    last_error: Mapped[str | None] = mapped_column(Text, comment="Without secrets")
    created: Mapped[datetime] = mapped_column(Moment, comment="UTC")
