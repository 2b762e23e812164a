"""Questions about what is pending: which hours, how many, how old. Each is driven by an index."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, or_, select

from biosense_pipeline.codes import Status
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import lease_expired
from biosense_pipeline.store.tables.pipeline import StreamImage

#: Expired leases that one look names the hours of; far more than processes can hold at a time.
_MOST_EXPIRED = 20_000


@dataclass(frozen=True)
class Stock:
    """What was pending at one moment.

    Attributes:
        per_agent: pending stills by LAN id, most first.
        oldest: capture time of the oldest one, naive local.
        highest_id: highest id of any still of the scope, whatever its status.
    """

    per_agent: dict[str, int] = field(default_factory=dict)
    oldest: datetime | None = None
    highest_id: int | None = None

    @property
    def pending(self) -> int:
        return sum(self.per_agent.values())


def take_stock(database: Database, scope: Scope) -> Stock:
    """Count what is pending in the scope."""
    with database.read() as connection:
        per_agent = connection.execute(
            select(StreamImage.lan_id, func.count().label("stills"), func.min(StreamImage.capture_time).label("oldest"))
            .where(StreamImage.status == Status.PENDING, *scope.conditions())
            .group_by(StreamImage.lan_id)
            .order_by(func.count().desc(), StreamImage.lan_id)
        ).all()
        highest = connection.execute(select(func.max(StreamImage.id)).where(*scope.conditions())).scalar_one()
    stills: Counter[str] = Counter()
    for row in per_agent:
        stills[row.lan_id or ""] += row.stills
    return Stock(
        per_agent=dict(stills.most_common()),
        oldest=min((row.oldest for row in per_agent if row.oldest), default=None),
        highest_id=highest,
    )


def count_by_status(database: Database, scope: Scope) -> dict[str, int]:
    """How many stills of the scope have which status."""
    with database.read() as connection:
        rows = connection.execute(
            select(StreamImage.status, func.count().label("stills"))
            .where(*scope.conditions())
            .group_by(StreamImage.status)
        ).all()
    return {row.status or "": row.stills for row in rows}


def hours_with_work(database: Database, scope: Scope, limit: int) -> list[datetime]:
    """Hours of the scope that hold pending stills or expired leases, newest first, at most ``limit``.

    The index on (status, capture_time) is jumped through from hour to hour, so that the cost grows with
    the hours named and not with the stills in them.
    """
    with database.read() as connection:
        expired = connection.execute(
            select(StreamImage.capture_time)
            .where(StreamImage.status == Status.CLAIMED, lease_expired(utc_now(connection)), *scope.conditions())
            .limit(_MOST_EXPIRED)
        ).scalars()
        hours = {floor_hour(moment) for moment in expired if moment is not None}
        for hour in _pending_hours(connection, scope, limit):
            hours.add(hour)
    return sorted(hours, reverse=True)[:limit]


def _pending_hours(connection: Connection, scope: Scope, limit: int) -> Iterator[datetime]:
    before: ColumnElement[bool] | None = None
    for _ in range(limit):
        conditions = [StreamImage.status == Status.PENDING, *scope.conditions()]
        if before is not None:
            conditions.append(before)
        newest = connection.execute(select(func.max(StreamImage.capture_time)).where(*conditions)).scalar_one()
        if newest is None:
            return
        hour = floor_hour(newest)
        before = StreamImage.capture_time < hour
        yield hour


def forgotten_leases(database: Database, scope: Scope) -> int:
    """How many stills of the scope lie under a lease that ran out."""
    with database.read() as connection:
        return connection.execute(
            select(func.count()).where(
                StreamImage.status == Status.CLAIMED, lease_expired(utc_now(connection)), *scope.conditions()
            )
        ).scalar_one()


def pending_outside(database: Database, start: datetime, end: datetime) -> int:
    """How many stills are pending that were captured before ``start``, from ``end`` on, or at no known time."""
    with database.read() as connection:
        return connection.execute(
            select(func.count()).where(
                StreamImage.status == Status.PENDING,
                or_(
                    StreamImage.capture_time < start,
                    StreamImage.capture_time >= end,
                    StreamImage.capture_time.is_(None),
                ),
            )
        ).scalar_one()


def age(oldest: datetime | None, now: datetime) -> timedelta:
    """How long the oldest pending still has waited; nothing where none is pending or its clock is ahead."""
    return max(now - oldest, timedelta(0)) if oldest else timedelta(0)
