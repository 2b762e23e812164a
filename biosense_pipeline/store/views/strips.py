"""Agents' last hour at a glance: the worst outcome in each five minutes, and the last still."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, and_, case, cast, func, literal, select, text

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.agents.spellings import Spellings, own_key, spellings, spelt
from biosense_pipeline.store.agents.visible import Agent
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.newest import newest_first
from biosense_pipeline.store.tables.pipeline import StreamImage

CELL = timedelta(minutes=5)
CELLS = 12
SPAN = CELLS * CELL

#: What five minutes are shown as where several apply: what most needs a look first, what is well last.
WORST_FIRST = (
    StillResult.UNKNOWN_PERSON,
    StillResult.UNKNOWN_MULTIPLE_FACES,
    StillResult.SUCCESS_MULTIPLE_FACES,
    StillResult.NO_FACES_FOUND,
    StillResult.TRAINING_IMAGE_FAILED,
    StillResult.NO_TRAINING_IMAGE,
    StillResult.PROCESSING_ERROR,
    StillResult.UNREADABLE_IMAGE,
    StillResult.SUCCESS,
)
#: The rank of stills that were not processed yet.
_NO_RESULT = len(WORST_FIRST)
_STILL = (StreamImage.id, StreamImage.lan_id, StreamImage.capture_time, StreamImage.status, StreamImage.result)


@dataclass(frozen=True)
class Cell:
    """Five minutes of an agent.

    Attributes:
        stills: captured in them.
        worst: the worst result among them; None: there are none, or none was processed yet.
    """

    start: datetime
    stills: int = 0
    worst: StillResult | None = None


@dataclass(frozen=True)
class LastStill:
    """The last still of an agent before a moment."""

    id: int
    capture_time: datetime
    status: str
    result: str | None


@dataclass(frozen=True)
class Glance:
    """An agent's hour up to a moment. ``last`` may be older than the hour; None: the agent has no still before it."""

    cells: tuple[Cell, ...]
    last: LastStill | None


def window_end(moment: datetime) -> datetime:
    """The end of the five minutes that a moment lies in: strips end on it."""
    return moment.replace(minute=moment.minute - moment.minute % 5, second=0, microsecond=0) + CELL


def default_moment(database: Database, now: datetime) -> datetime:
    """The moment to show unasked: now, or the newest capture before it where the last hour is empty.

    Where all stills are ahead of the clock, the newest of them.
    """
    captured = select(func.max(StreamImage.capture_time))
    with database.read() as connection:
        past: datetime | None = connection.execute(captured.where(StreamImage.capture_time <= now)).scalar_one()
        newest: datetime | None = past or connection.execute(captured).scalar_one()
    if newest is None or now - SPAN <= newest <= now:
        return now
    return newest


def glances(database: Database, agents: Sequence[Agent], end: datetime) -> dict[int, Glance]:
    """The hour before ``end`` (a :func:`window_end`) of some agents, a page of them, by employee id."""
    if not agents:
        return {}
    start = end - SPAN
    with database.read() as connection:
        forms = spellings(connection, StreamImage, [agent.lan_id for agent in agents])
        cells = _cells(connection, forms, start, end)
        last = _last_stills(connection, forms, end)
    return {
        agent.id: Glance(
            tuple(cells[agent.key].get(number, Cell(start + number * CELL)) for number in range(CELLS)),
            last.get(agent.key),
        )
        for agent in agents
    }


def _cells(connection: Connection, forms: Spellings, start: datetime, end: datetime) -> dict[str, dict[int, Cell]]:
    """Cells with stills, by agent and number. Counted by the server: an hour of fifty agents is 18,000 stills."""
    number = _cell_number(connection, start)
    ranks = [(StreamImage.result == result, literal(rank, Integer)) for rank, result in enumerate(WORST_FIRST)]
    finished = StreamImage.status.in_([Status.PROCESSED, Status.FAILED])
    rank = case((finished, case(*ranks, else_=_NO_RESULT)), else_=_NO_RESULT)
    rows = connection.execute(
        select(
            func.min(StreamImage.lan_id).label("lan_id"),
            number.label("number"),
            func.count().label("stills"),
            func.min(rank).label("rank"),
        )
        .where(
            spelt(StreamImage.lan_id, _all(forms)), StreamImage.capture_time >= start, StreamImage.capture_time < end
        )
        .group_by(_spelling(connection), number)
    )
    # Spellings of one agent come as rows of their own.
    stills: dict[tuple[str, int], int] = defaultdict(int)
    worst: dict[tuple[str, int], int] = defaultdict(lambda: _NO_RESULT)
    for row in rows:
        cell = own_key(row.lan_id), row.number
        stills[cell] += row.stills
        worst[cell] = min(worst[cell], row.rank)
    found: dict[str, dict[int, Cell]] = defaultdict(dict)
    for (key, place), count in stills.items():
        result = None if worst[key, place] == _NO_RESULT else WORST_FIRST[worst[key, place]]
        found[key][place] = Cell(start + place * CELL, count, result)
    return found


def _cell_number(connection: Connection, start: datetime) -> ColumnElement[int]:
    length = int(CELL.total_seconds())
    if connection.dialect.name == "sqlite":
        epoch = int((start - datetime(1970, 1, 1)).total_seconds())
        return (cast(func.strftime("%s", StreamImage.capture_time), Integer) - epoch) // length
    seconds = func.timestampdiff(text("SECOND"), start, StreamImage.capture_time)
    return cast(seconds.op("DIV")(length), Integer)


def _spelling(connection: Connection) -> ColumnElement[Any]:
    """What keeps spellings apart that the collation takes for equal: é for e is another agent.

    A checksum: grouped by the bytes themselves, the page takes twice as long.
    """
    return StreamImage.lan_id.expression if connection.dialect.name == "sqlite" else func.crc32(StreamImage.lan_id)


def _last_stills(connection: Connection, forms: Spellings, end: datetime) -> dict[str, LastStill]:
    """The last stills before ``end``, by agent."""
    newest = (
        select(StreamImage.lan_id, func.max(StreamImage.capture_time).label("captured"))
        .where(StreamImage.lan_id.in_(_all(forms)), StreamImage.capture_time < end)
        .group_by(StreamImage.lan_id)
        .subquery()
    )
    found: dict[str, LastStill] = {}
    same = and_(StreamImage.lan_id == newest.c.lan_id, StreamImage.capture_time == newest.c.captured)
    for row in connection.execute(select(*_STILL).join(newest, same)):
        key, still = own_key(row.lan_id), _last(row)
        if key not in found or (still.capture_time, still.id) > (found[key].capture_time, found[key].id):
            found[key] = still
    # Some agents have no still at all, and two whom the collation takes for one have but one newest between them.
    for key in forms.keys() - found.keys():
        before = [StreamImage.capture_time < end]
        for own in newest_first(connection, _STILL, key, forms[key], before, before=None, limit=1):
            found[key] = _last(own)
    return found


def _last(row: Any) -> LastStill:
    return LastStill(row.id, row.capture_time, row.status or "", row.result)


def _all(forms: Spellings) -> list[str]:
    return [form for own in forms.values() for form in own]
