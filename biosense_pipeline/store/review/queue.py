"""What waits for a reviewer: findings nobody has judged, and violations that a second reviewer has to see."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select

from biosense_pipeline.codes import ImageKind, Status, StillResult
from biosense_pipeline.store.agents.spellings import own_key, spellings, spelt
from biosense_pipeline.store.agents.visible import Agent, agents
from biosense_pipeline.store.database import Database, exactly
from biosense_pipeline.store.review.findings import (
    FINDINGS,
    active_agents,
    closes,
    numbers_of,
    review_of_still,
)
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.pipeline import MYSQL_DIALECTS, StreamImage

#: Findings that one query fetches at most. A page's worth at first; more where most are of other agents.
_MOST_AT_A_TIME = 2000
#: Open findings of each kind that are counted at least, the newest: more than anybody reviews in a shift.
MOST_COUNTED = 500


@dataclass(frozen=True)
class QueuePosition:
    """A place in the queue, which is ordered by capture time and id, newest first."""

    capture_time: datetime | None
    still_id: int


@dataclass(frozen=True)
class QueueItem:
    """A finding that waits for a verdict.

    Attributes:
        capture_time: naive local; None where the client wrote none, which comes last in the queue.
        distance, tolerance, p_genuine, training_image_id: None where no numbers are stored.
        round: 1, or 2 where a second reviewer has to say whether the first was right.
    """

    still_id: int
    employee_id: int
    lan_id: str
    display_name: str | None
    team: str | None
    capture_time: datetime | None
    result: StillResult
    distance: float | None
    tolerance: float | None
    p_genuine: float | None
    num_faces: int | None
    training_image_id: int | None
    round: int

    @property
    def position(self) -> QueuePosition:
        """Where the next page begins, if this is the last item of a page."""
        return QueuePosition(self.capture_time, self.still_id)


@dataclass(frozen=True)
class OpenFindings:
    """What waits for a reviewer, counted.

    Attributes:
        of_agents: findings by employee id; agents without any are absent.
        complete: False: only the newest were counted, MOST_COUNTED of a kind at least; there are more.
    """

    of_agents: Mapping[int, int]
    complete: bool

    @property
    def total(self) -> int:
        """Findings of all agents together."""
        return sum(self.of_agents.values())


def review_queue(
    database: Database, *, team: str | None, limit: int, after: QueuePosition | None, reviewer_id: int
) -> list[QueueItem]:
    """Findings of active agents that this reviewer may judge, newest first.

    Args:
        team: the team whose agents these are; None: all agents.
        limit: the most items to return.
        after: the position of the last item of the page before; None: from the newest on.
        reviewer_id: who asks; violations that this user confirmed wait for another one.
    """
    own = active_agents(agents(database, team))
    with database.read() as connection:
        found = list(islice(_open_findings(connection, team, own, after, reviewer_id, limit), limit))
        return _items(connection, found, own)


def open_findings(
    database: Database, *, team: str | None, reviewer_id: int | None = None, among: Sequence[Agent] | None = None
) -> OpenFindings:
    """How many findings of active agents wait for a reviewer, the first or the second.

    Args:
        team: the team whose agents these are; None: all agents.
        reviewer_id: who asks; violations that this user confirmed wait for another one. None: whoever it is.
        among: all agents of the team, where they are read already.
    """
    own = active_agents(agents(database, team) if among is None else among)
    counts: Counter[int] = Counter()
    complete = True
    with database.read() as connection:
        limits = _of_team(connection, team, own) if own else []
        for result in FINDINGS if own else ():
            of_result, all_of_it = _counted(connection, _waiting(result, _done(reviewer_id), limits), own)
            counts.update(of_result)
            complete = complete and all_of_it
    return OpenFindings(dict(counts), complete)


def _counted(connection: Connection, waiting: Any, agents: Mapping[str, Agent]) -> tuple[Counter[int], bool]:
    """The newest stills that wait, by employee id: MOST_COUNTED of active agents at least, or all there are."""
    most = MOST_COUNTED
    while True:
        newest = waiting.order_by(StreamImage.capture_time.desc()).limit(most).subquery()
        counts: Counter[int] = Counter()
        looked_at = 0
        for lan_id, status, stills in connection.execute(
            select(newest.c.lan_id, newest.c.status, func.count()).group_by(*exactly(newest.c.lan_id), newest.c.status)
        ):
            looked_at += stills
            agent = agents.get(own_key(lan_id))
            if agent is not None and status == Status.PROCESSED:
                counts[agent.id] += stills
        if looked_at < most or counts.total() >= MOST_COUNTED:
            return counts, looked_at < most
        # The newest are of agents who have left, or wait to be processed again: those behind them count too.
        most *= 4


def _open_findings(
    connection: Connection,
    team: str | None,
    agents: Mapping[str, Agent],
    after: QueuePosition | None,
    reviewer_id: int,
    at_a_time: int,
) -> Iterator[Any]:
    """Rows of stills that wait for the reviewer, newest first, read as they are asked for."""
    if not agents:
        return
    limits = _of_team(connection, team, agents)
    streams = [_newest_first(connection, result, limits, after, reviewer_id, at_a_time) for result in FINDINGS]
    for row in heapq.merge(*streams, key=_order, reverse=True):
        if row.status == Status.PROCESSED and own_key(row.lan_id) in agents:
            yield row


def _newest_first(
    connection: Connection,
    result: StillResult,
    limits: Sequence[ColumnElement[bool]],
    after: QueuePosition | None,
    reviewer_id: int,
    at_a_time: int,
) -> Iterator[Any]:
    """Stills with one result that wait for the reviewer, in the order of the index on open results."""
    waiting = _waiting(result, _done(reviewer_id), limits)
    position, step = after, at_a_time
    while position is None or position.capture_time is not None:
        page = connection.execute(
            waiting.where(*_timed_after(position)).order_by(StreamImage.capture_time.desc()).limit(step)
        ).all()
        whole = len(page) < step
        if not whole:
            # The index does not order stills of one moment by id: those of the last one are fetched by themselves.
            last = page[-1].capture_time
            same = waiting.where(StreamImage.capture_time == last, *_id_after(position, last))
            page = [row for row in page if row.capture_time != last]
            page += connection.execute(same.order_by(StreamImage.id.desc()).limit(step)).all()
        page = sorted(page, key=_order, reverse=True)
        yield from page
        if whole:
            break
        position = QueuePosition(page[-1].capture_time, page[-1].id)
        step = min(4 * step, _MOST_AT_A_TIME)
    yield from _without_time(connection, waiting, after, at_a_time)


def _without_time(connection: Connection, waiting: Any, after: QueuePosition | None, step: int) -> Iterator[Any]:
    """Stills without a capture time, which come last."""
    before = after.still_id if after is not None and after.capture_time is None else None
    while True:
        conditions: list[ColumnElement[bool]] = [StreamImage.capture_time.is_(None)]
        if before is not None:
            conditions.append(StreamImage.id < before)
        page = connection.execute(waiting.where(*conditions).order_by(StreamImage.id.desc()).limit(step)).all()
        yield from page
        if len(page) < step:
            return
        before = page[-1].id


def _done(reviewer_id: int | None) -> ColumnElement[bool]:
    """Condition on a review after which this reviewer is not asked; None: nobody is."""
    return closes() if reviewer_id is None else or_(closes(), Review.reviewer_id == reviewer_id)


def _waiting(
    result: StillResult, done: ColumnElement[bool], limits: Sequence[ColumnElement[bool]]
) -> Select[int, str | None, datetime | None, str | None, str | None]:
    """Stills with the result, open, and without a review of which ``done`` holds, read off the index of open ones.

    A still whose result was another for a while is open and was reviewed: hence the look at the reviews too.

    The index is named because there are others in the order of time. Where only some rows are wanted, MySQL and
    MariaDB expect to meet them soon in any of these, and where a team has no finding they read all stills.
    """
    statement = (
        select(
            StreamImage.id,
            StreamImage.lan_id,
            StreamImage.capture_time,
            StreamImage.status,
            # Not the column: sorted by MariaDB 10.11, a virtual one read off an index comes out as null.
            literal(result.value).label("result"),
        )
        .outerjoin(Review, and_(review_of_still(), Review.result == result, done))
        .where(StreamImage.open_result == result, Review.id.is_(None), *limits)
    )
    for dialect in MYSQL_DIALECTS:
        statement = statement.with_hint(StreamImage, "FORCE INDEX (ix_stream_img_open)", dialect)
    return statement


def _of_team(connection: Connection, team: str | None, agents: Mapping[str, Agent]) -> list[ColumnElement[bool]]:
    """Condition that leaves out most stills of other teams; whose they are exactly, the key tells."""
    if team is None:
        return []
    forms = spellings(connection, StreamImage, [agent.lan_id for agent in agents.values()])
    return [spelt(StreamImage.lan_id, [form for of_agent in forms.values() for form in of_agent])]


def _timed_after(position: QueuePosition | None) -> list[ColumnElement[bool]]:
    if position is None:
        return [StreamImage.capture_time.is_not(None)]
    return [
        StreamImage.capture_time <= position.capture_time,  # by itself, so that the index begins there
        or_(StreamImage.capture_time < position.capture_time, StreamImage.id < position.still_id),
    ]


def _id_after(position: QueuePosition | None, moment: datetime) -> list[ColumnElement[bool]]:
    return [StreamImage.id < position.still_id] if position is not None and position.capture_time == moment else []


def _order(row: Any) -> tuple[bool, datetime, int]:
    return row.capture_time is not None, row.capture_time or datetime.min, row.id


def _items(connection: Connection, found: list[Any], agents: Mapping[str, Agent]) -> list[QueueItem]:
    ids = [row.id for row in found]
    numbers = numbers_of(connection, {row.id: row.result for row in found})
    faces = {
        row.id: row.num_faces
        for row in connection.execute(select(StreamImage.id, StreamImage.num_faces).where(StreamImage.id.in_(ids)))
    }
    # A finding that is in the queue and was judged already has one verdict: a violation that was found correct.
    judged = {
        (row.subject_id, row.result)
        for row in connection.execute(
            select(Review.subject_id, Review.result).where(
                Review.subject_kind == ImageKind.STREAM, Review.subject_id.in_(ids), Review.round == 1
            )
        )
    }
    items = []
    for row in found:
        agent, behind = agents[own_key(row.lan_id)], numbers.get(row.id)
        items.append(
            QueueItem(
                still_id=row.id,
                employee_id=agent.id,
                lan_id=agent.lan_id,
                display_name=agent.name,
                team=agent.team,
                capture_time=row.capture_time,
                result=StillResult[row.result],
                distance=behind.distance if behind else None,
                tolerance=behind.tolerance if behind else None,
                p_genuine=behind.p_genuine if behind else None,
                num_faces=faces.get(row.id),
                training_image_id=behind.training_image_id if behind else None,
                round=2 if (row.id, row.result) in judged else 1,
            )
        )
    return items
