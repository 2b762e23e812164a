"""Reviewers, agents and findings for tests of reviews, and verdicts on them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from biosense_pipeline.codes import Process, StillResult, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.verdicts import FINDINGS, record_review, review_queue
from biosense_pipeline.store.tables.desk import DeskUser
from biosense_pipeline.store.tables.pipeline import Employee, ProcessStatus, RecognitionResult
from biosense_pipeline_tests.store.rows import NOW

UNKNOWN, STRANGERS, COMPANY = FINDINGS
SECOND = timedelta(seconds=1)
CORRECT, FALSE_ALARM, NOT_SURE = Verdict.CORRECT, Verdict.FALSE_ALARM, Verdict.NOT_SURE


def add_user(database: Database, name: str) -> int:
    """A user of the desk; returns the id."""
    values = {"name": name, "password_hash": "-", "role": "admin", "created": NOW}
    key = database.write(lambda connection: connection.execute(insert(DeskUser).values(**values)).inserted_primary_key)
    assert key is not None
    return int(key[0])


def add_agent(database: Database, lan_id: str, team: str, active: bool = True) -> None:
    """A registered agent of the team."""
    values = {"lan_id": lan_id, "team_lead": team, "display_name": "Some Body", "active": active}
    database.write(lambda connection: connection.execute(insert(Employee).values(**values)))


def add_result(
    database: Database,
    still_id: int,
    model_id: str,
    distance: float,
    tolerance: float,
    created: datetime,
    result: StillResult = UNKNOWN,
) -> None:
    """What a model found on a still."""
    values = {
        "stream_image_id": still_id,
        "model_id": model_id,
        "training_image_id": 7,
        "result": result,
        "num_faces": 1,
        "distance": distance,
        "tolerance": tolerance,
        "p_genuine": 0.02,
        "faces": [],
        "milliseconds": 1.0,
        "created": created,
    }
    database.write(lambda connection: connection.execute(insert(RecognitionResult).values(**values)))


def add_attempt(database: Database, still_id: int, model_id: str, process: Process) -> None:
    """An attempt at a still that came to its end."""
    values = {"image_kind": "STREAM", "image_id": still_id, "process": process, "status": "Y", "model_id": model_id}
    database.write(lambda connection: connection.execute(insert(ProcessStatus).values(finished=NOW, **values)))


def queue(database: Database, user: int, *, team: str | None = None, limit: int = 50, after: Any = None) -> Any:
    """What waits for that reviewer."""
    return review_queue(database, team=team, limit=limit, after=after, reviewer_id=user)


def record(
    database: Database,
    still_id: int,
    user: int,
    verdict: Verdict,
    *,
    result: StillResult = UNKNOWN,
    round_: int = 1,
    note: str | None = None,
) -> None:
    """Record a verdict, on an unknown person unless something else is said."""
    record_review(
        database, still_id=still_id, round_=round_, result=result, verdict=verdict, note=note, reviewer_id=user
    )
