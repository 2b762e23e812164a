"""Claims on pending stills: a short transaction each, a lease against crashes, a token as the fence.

A claim marks rows ``P``, writes its token and the end of its lease and counts an attempt. Only who
holds the token may write the result. A lease that runs out returns the row to pending, or fails it
after the last attempt. Locks are taken row by row with SKIP LOCKED, so that several processes share
an hour without waiting for each other; on SQLite the transaction takes the write lock at once.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, insert, or_, select, update

from biosense_pipeline.codes import ImageKind, Process, Status, StillResult
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.runs.due import mark_due
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import ProcessStatus, StreamImage

#: Rows that one transaction returns from expired leases.
_RELEASE_BATCH = 500

_UNCLAIMED = {StreamImage.lease_token: None, StreamImage.lease_expires: None}


@dataclass(frozen=True)
class ClaimedStill:
    """One still under our lease; ``attempt`` counts from 1."""

    id: int
    lan_id: str | None
    capture_time: datetime | None
    attempt: int


@dataclass(frozen=True)
class Claim:
    """Stills held under one token, oldest first; empty where nothing was pending."""

    token: str
    stills: tuple[ClaimedStill, ...]


@dataclass(frozen=True)
class Released:
    """What became of expired leases: returned to pending, or failed after the last attempt."""

    returned: int = 0
    failed: int = 0


class Claims:
    """Takes, renews and gives back claims.

    Args:
        database: where the stills are.
        lease_seconds: how long a claim holds unless it is renewed.
        max_attempts: after this many a still whose lease expired fails.
    """

    def __init__(self, database: Database, lease_seconds: float, max_attempts: int) -> None:
        self._database = database
        self._lease = timedelta(seconds=lease_seconds)
        self.max_attempts = max_attempts

    def claim(self, scope: Scope, limit: int) -> Claim:
        """Claim at most ``limit`` pending stills of the scope."""
        token = uuid.uuid4().hex

        def take(connection: Connection) -> tuple[ClaimedStill, ...]:
            rows = connection.execute(
                select(StreamImage.id, StreamImage.lan_id, StreamImage.capture_time, StreamImage.attempts)
                .where(StreamImage.status == Status.PENDING, *scope.conditions())
                .order_by(StreamImage.capture_time, StreamImage.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            if rows:
                connection.execute(
                    update(StreamImage)
                    .where(StreamImage.id.in_([row.id for row in rows]))
                    .values(
                        status=Status.CLAIMED,
                        lease_token=token,
                        lease_expires=utc_now(connection) + self._lease,
                        attempts=StreamImage.attempts + 1,
                    )
                )
            return tuple(ClaimedStill(row.id, row.lan_id, row.capture_time, row.attempts + 1) for row in rows)

        return Claim(token, self._database.write(take))

    def renew(self, claim: Claim) -> None:
        """Hold what is left of the claim for another lease."""

        def extend(connection: Connection) -> None:
            connection.execute(
                update(StreamImage)
                .where(StreamImage.id.in_([still.id for still in claim.stills]), StreamImage.lease_token == claim.token)
                .values(lease_expires=utc_now(connection) + self._lease)
            )

        self._database.write(extend)

    def give_back(self, claim: Claim) -> None:
        """Return what is left of the claim to pending, as if it had not been claimed."""

        def undo(connection: Connection) -> None:
            connection.execute(
                update(StreamImage)
                .where(StreamImage.id.in_([still.id for still in claim.stills]), StreamImage.lease_token == claim.token)
                .values(
                    {**_UNCLAIMED, StreamImage.status: Status.PENDING, StreamImage.attempts: StreamImage.attempts - 1}
                )
            )

        self._database.write(undo)

    def release_expired(self, scope: Scope) -> Released:
        """Return stills whose lease ran out to pending; fail those that had their last attempt."""
        total = Released()
        while True:
            released = self._database.write(lambda connection: self._release_some(connection, scope))
            total = Released(total.returned + released.returned, total.failed + released.failed)
            if released.returned + released.failed < _RELEASE_BATCH:
                return total

    def _release_some(self, connection: Connection, scope: Scope) -> Released:
        now = utc_now(connection)
        expired = connection.execute(
            select(StreamImage.id, StreamImage.attempts, StreamImage.capture_time)
            .where(StreamImage.status == Status.CLAIMED, lease_expired(now), *scope.conditions())
            .limit(_RELEASE_BATCH)
            .with_for_update(skip_locked=True)
        ).all()
        exhausted = [row.id for row in expired if row.attempts >= self.max_attempts]
        returned = [row.id for row in expired if row.attempts < self.max_attempts]
        if returned:
            connection.execute(
                update(StreamImage)
                .where(StreamImage.id.in_(returned))
                .values({**_UNCLAIMED, StreamImage.status: Status.PENDING})
            )
        if exhausted:
            connection.execute(
                update(StreamImage)
                .where(StreamImage.id.in_(exhausted))
                .values(
                    {**_UNCLAIMED, StreamImage.status: Status.FAILED, StreamImage.result: StillResult.PROCESSING_ERROR}
                )
            )
            mark_due(connection, (row.capture_time for row in expired))
        if expired:
            connection.execute(
                insert(ProcessStatus),
                [
                    {
                        "image_kind": ImageKind.STREAM,
                        "image_id": row.id,
                        "process": Process.RECOGNITION,
                        "status": Status.FAILED if row.attempts >= self.max_attempts else Status.PENDING,
                        "result": StillResult.PROCESSING_ERROR,
                        "finished": now,
                        "detail": f"attempt {row.attempts} ended without a word: its lease ran out",
                    }
                    for row in expired
                ],
            )
        return Released(len(returned), len(exhausted))

    def held_elsewhere(self, scope: Scope) -> int:
        """How many stills of the scope are under a lease, expired or not."""
        with self._database.read() as connection:
            return connection.execute(
                select(func.count()).where(StreamImage.status == Status.CLAIMED, *scope.conditions())
            ).scalar_one()


def lease_expired(now: datetime) -> ColumnElement[bool]:
    """Condition: the lease ended before ``now``, or the row was marked ``P`` by somebody without a lease."""
    return or_(StreamImage.lease_expires < now, StreamImage.lease_expires.is_(None))
