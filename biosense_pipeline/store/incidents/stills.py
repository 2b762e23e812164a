"""The stills of an hour as the test for incidents needs them: outcomes, LLRs and findings, no pictures."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, and_, select

from biosense_pipeline.codes import WINDOW_BY_WINDOW, Status
from biosense_pipeline.store.agents.spellings import own_key, spellings, spelt
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import LAST_CAPTURE, LAST_STILL
from biosense_pipeline.store.evidence.windows import read_windows
from biosense_pipeline.store.tables.evidence import ImpersonationFinding
from biosense_pipeline.store.tables.pipeline import Employee, RecognitionResult, StreamImage

_FINISHED = (Status.PROCESSED, Status.FAILED)
#: A finding that was made longer ago is not looked for: nothing lasts so long.
_LONGEST = timedelta(days=7)


@dataclass(frozen=True)
class StoredFinding:
    """A finding of a presentation attack, made at a still or, where it ``goes_on``, at an earlier one.

    Attributes:
        llr: of the window at which it was made; of a species whose windows are told one by one, of the still's.
    """

    species: str
    llr: float
    still_ids: tuple[int, ...]
    goes_on: bool


class OutcomeStill(NamedTuple):
    """A still and what was found on it; ``result`` is None while it waits.

    Attributes:
        llr: of the nearest face for the agent, under the model in force; None without a face or a calibration, and
            where another model decided the still.
    """

    still_id: int
    captured: datetime
    result: str | None
    llr: float | None
    num_faces: int | None
    findings: tuple[StoredFinding, ...]


def outcome_stills(
    database: Database, start: datetime, end: datetime, model_id: str, lan_ids: Collection[str] | None = None
) -> dict[str | None, list[OutcomeStill]]:
    """The stills captured in ``[start, end)``, by LAN id as written; agents may have several spellings.

    Args:
        lan_ids: only those of these agents, however they are spelt; None: of all.
    """
    taken_at = (StreamImage.capture_time >= start, StreamImage.capture_time < end)
    statement = (
        select(
            StreamImage.id,
            StreamImage.lan_id,
            StreamImage.capture_time,
            StreamImage.status,
            StreamImage.result,
            StreamImage.num_faces,
            RecognitionResult.llr,
        )
        .outerjoin(
            RecognitionResult,
            and_(
                RecognitionResult.stream_image_id == StreamImage.id,
                RecognitionResult.model_id == model_id,
                # Another model's numbers must not stand beside this one's result.
                RecognitionResult.result == StreamImage.result,
            ),
        )
        .where(*taken_at)
    )
    wanted = None if lan_ids is None else {own_key(lan_id) for lan_id in lan_ids}
    found: dict[str | None, list[OutcomeStill]] = defaultdict(list)
    with database.read() as connection:
        if lan_ids is not None:
            forms = spellings(connection, StreamImage, lan_ids)
            statement = statement.where(spelt(StreamImage.lan_id, [form for own in forms.values() for form in own]))
        findings = _findings(connection, start, end)
        windows = _windows(connection, start, end)
        key_of = cache(own_key)
        for still_id, lan_id, captured, status, result, faces, llr in connection.execute(statement):
            assert captured is not None  # the times asked for exclude it
            key = key_of(lan_id)
            if wanted is not None and key not in wanted:
                continue
            of_agent, says = findings.get(key, ()), windows.get(key, {})
            at = _findings_at(of_agent, says, captured, still_id) if of_agent or says else ()
            if status in _FINISHED:
                found[lan_id].append(OutcomeStill(still_id, captured, result, llr, faces, at))
            else:
                found[lan_id].append(OutcomeStill(still_id, captured, None, None, None, at))
    return dict(found)


def agents_with_findings_across(database: Database, moment: datetime) -> list[str]:
    """LAN ids, as registered, of agents with a finding made before the moment that lasts until it or longer."""
    with database.read() as connection:
        found = _findings(connection, moment, moment)
        rows = connection.execute(select(Employee.lan_id)).scalars() if found else ()
        return [lan_id for lan_id in rows if own_key(lan_id) in found]


@dataclass(frozen=True)
class _Lasting:
    finding: StoredFinding
    first: tuple[datetime, int]
    last: tuple[datetime, int]


def _findings(connection: Connection, start: datetime, end: datetime) -> dict[str, list[_Lasting]]:
    """The findings that are made or last in ``[start, end)``, and with both equal at that moment, by agent."""
    found: dict[str, list[_Lasting]] = defaultdict(list)
    rows = connection.execute(
        select(ImpersonationFinding.__table__, Employee.lan_id)
        .join(Employee, Employee.id == ImpersonationFinding.employee_id)
        .where(ImpersonationFinding.capture_time >= start - _LONGEST, ImpersonationFinding.capture_time < end)
        .order_by(ImpersonationFinding.species, ImpersonationFinding.capture_time)
    )
    for row in rows:
        first = row.capture_time, row.stream_image_id
        numbers = row.numbers if isinstance(row.numbers, dict) else {}
        last = first
        if LAST_STILL in numbers and LAST_CAPTURE in numbers:
            last = datetime.fromisoformat(numbers[LAST_CAPTURE]), int(numbers[LAST_STILL])
        if last[0] >= start:
            finding = StoredFinding(row.species, row.llr, tuple(row.evidence_stills or ()), goes_on=False)
            found[own_key(row.lan_id)].append(_Lasting(finding, first, last))
    return dict(found)


def _windows(connection: Connection, start: datetime, end: datetime) -> dict[str, dict[int, list[StoredFinding]]]:
    """What the windows of these stills say, by agent and still."""
    found: dict[str, dict[int, list[StoredFinding]]] = defaultdict(lambda: defaultdict(list))
    says = read_windows(connection, start, end)
    for employee_id, lan_id in connection.execute(select(Employee.id, Employee.lan_id).where(Employee.id.in_(says))):
        for (species, still_id), llr in says[employee_id].items():
            found[own_key(lan_id)][still_id].append(StoredFinding(species, llr, (), goes_on=True))
    return found


def _findings_at(
    findings: Iterable[_Lasting], windows: Mapping[int, Iterable[StoredFinding]], captured: datetime, still_id: int
) -> tuple[StoredFinding, ...]:
    """The findings made at a still, and those of other species that last there.

    Of a species whose windows are told one by one, it lasts at the stills whose windows say so.
    """
    at: dict[str, StoredFinding] = {}
    for lasting in findings:
        if lasting.first[1] == still_id:
            at[lasting.finding.species] = lasting.finding
        elif lasting.finding.species not in WINDOW_BY_WINDOW and lasting.first < (captured, still_id) <= lasting.last:
            at.setdefault(lasting.finding.species, replace(lasting.finding, goes_on=True))
    for window in windows.get(still_id, ()):
        at.setdefault(window.species, window)
    return tuple(at.values())
