"""The agents' baselines as they are stored, one a day; without parameters where there were too few stills."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.tables.evidence import PresentationBaseline


@dataclass(frozen=True)
class StoredBaseline:
    """What is usual for an agent on a day, made of so many stills and sittings; ``parameters`` None: too few."""

    features_id: str
    stills: int
    sittings: int
    parameters: dict[str, Any] | None


def read_baseline(database: Database, employee_id: int, day: date) -> StoredBaseline | None:
    """The agent's baseline for that day; None where none was made."""
    with database.read() as connection:
        row = connection.execute(
            select(PresentationBaseline.__table__).where(
                PresentationBaseline.employee_id == employee_id, PresentationBaseline.day == day
            )
        ).first()
    return None if row is None else StoredBaseline(row.features_id, row.stills, row.sittings, row.parameters)


def write_baseline(database: Database, employee_id: int, day: date, made: StoredBaseline) -> None:
    """Store the agent's baseline for that day, over one that was made before."""
    row = {
        "employee_id": employee_id,
        "day": day,
        "features_id": made.features_id,
        "stills": made.stills,
        "sittings": made.sittings,
        "parameters": made.parameters,
    }
    database.write(
        lambda connection: upsert(connection, PresentationBaseline.__table__, [{**row, "created": utc_now(connection)}])
    )
