"""Days of agents' stills with known outcomes, entered without pictures, and what was made of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from biosense_pipeline.codes import Species, Status, StillResult
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import LAST_CAPTURE, LAST_STILL
from biosense_pipeline.store.tables.evidence import ImpersonationFinding, ImpersonationWindow
from biosense_pipeline.store.tables.incidents import AgentIdentityState, Incident
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.store.rows import AGENT

SUCCESS, UNKNOWN, NO_FACE = StillResult.SUCCESS, StillResult.UNKNOWN_PERSON, StillResult.NO_FACES_FOUND
STEP = timedelta(seconds=10)
#: Columns that tell which analysis wrote a row, and when.
_OF_THE_RUN = {"id", "run_id", "created", "updated"}


def enter_results(
    database: Database,
    results: Iterable[StillResult | None],
    lan_id: str = AGENT,
    start: datetime = HOUR,
    step: timedelta = STEP,
) -> list[int]:
    """Enter stills with these results, one each ``step`` from ``start`` on; None: not processed."""
    rows = [
        {
            "lan_id": lan_id,
            "capture_time": start + number * step,
            "status": Status.PENDING if result is None else result.status,
            "result": result,
            "num_faces": None if result is None else int(result is not NO_FACE),
        }
        for number, result in enumerate(results)
    ]
    return enter_rows(database, rows)


def enter_rows(database: Database, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Enter rows of ``stream_img``; returns their ids."""

    def enter(connection: Connection) -> list[int]:
        last = connection.execute(select(StreamImage.id).order_by(StreamImage.id.desc()).limit(1)).scalar() or 0
        connection.execute(insert(StreamImage), [{"id": last + n, **row} for n, row in enumerate(rows, 1)])
        return list(range(last + 1, last + 1 + len(rows)))

    return database.write(enter) if rows else []


def enter_llrs(database: Database, llrs: dict[int, float], model_id: str) -> None:
    """Store these LLRs of stills, as recognition under a calibration does."""

    def enter(connection: Connection) -> None:
        rows = connection.execute(select(StreamImage.id, StreamImage.result).where(StreamImage.id.in_(llrs)))
        results = {row.id: row.result for row in rows}
        connection.execute(
            insert(RecognitionResult),
            [
                {
                    "stream_image_id": still_id,
                    "model_id": model_id,
                    "result": results[still_id],
                    "num_faces": 1,
                    "tolerance": 0.5,
                    "llr": llr,
                    "faces": [],
                    "milliseconds": 1.0,
                    "created": HOUR,
                }
                for still_id, llr in llrs.items()
            ],
        )

    database.write(enter)


def enter_finding(
    database: Database,
    still_id: int,
    captured: datetime,
    species: Species,
    llr: float,
    last: tuple[int, datetime] | None = None,
) -> None:
    """Store a finding of a presentation attack of the agent at a still, which lasts until ``last``."""
    (employee_id,) = employee_ids(database, [AGENT]).values()
    values = {
        "employee_id": employee_id,
        "species": species,
        "stream_image_id": still_id,
        "capture_time": captured,
        "llr": llr,
        "numbers": {} if last is None else {LAST_STILL: last[0], LAST_CAPTURE: last[1].isoformat()},
        "evidence_stills": list(range(still_id - 11, still_id + 1)),
        "created": HOUR,
    }
    database.write(lambda connection: connection.execute(insert(ImpersonationFinding).values(**values)))


def enter_windows(database: Database, llrs: Iterable[tuple[int, datetime, float]], species: Species) -> None:
    """Store what the windows that end with these stills of the agent say: still, capture time and LLR."""
    (employee_id,) = employee_ids(database, [AGENT]).values()
    rows = [
        {
            "employee_id": employee_id,
            "species": species,
            "stream_image_id": still_id,
            "capture_time": captured,
            "llr": llr,
        }
        for still_id, captured, llr in llrs
    ]
    database.write(lambda connection: connection.execute(insert(ImpersonationWindow), rows))


def change_finding(database: Database, still_id: int, last: tuple[int, datetime]) -> None:
    """Let a finding last until ``last``."""
    numbers = {LAST_STILL: last[0], LAST_CAPTURE: last[1].isoformat()}
    statement = (
        update(ImpersonationFinding).where(ImpersonationFinding.stream_image_id == still_id).values(numbers=numbers)
    )
    database.write(lambda connection: connection.execute(statement))


def set_results(database: Database, ids: Sequence[int], result: StillResult) -> None:
    """Let stills be processed with that result."""
    values = {"result": result, "status": result.status, "num_faces": int(result is not NO_FACE)}
    statement = update(StreamImage).where(StreamImage.id.in_(ids)).values(**values)
    database.write(lambda connection: connection.execute(statement))


def incidents_of(database: Database, *, withdrawn: bool = False) -> list[dict[str, Any]]:
    """The rows of ``incident`` that are not withdrawn, or those that are, without what tells of the run."""
    statement = select(Incident.__table__).order_by(Incident.employee_id, Incident.opened, Incident.species)
    with database.read() as connection:
        rows = [row for row in connection.execute(statement) if (row.withdrawn is not None) == withdrawn]
    return [{name: value for name, value in row._mapping.items() if name not in _OF_THE_RUN} for row in rows]


def states_of(database: Database) -> list[dict[str, Any]]:
    """The rows of ``agent_identity_state`` without what tells of the run."""
    statement = select(AgentIdentityState.__table__).order_by(AgentIdentityState.employee_id, AgentIdentityState.hour)
    with database.read() as connection:
        rows = connection.execute(statement).all()
    return [{name: value for name, value in row._mapping.items() if name not in _OF_THE_RUN} for row in rows]


def forget_analyses(database: Database) -> None:
    """Remove all that analyses wrote."""

    def remove(connection: Connection) -> None:
        connection.execute(delete(Incident))
        connection.execute(delete(AgentIdentityState))

    database.write(remove)
