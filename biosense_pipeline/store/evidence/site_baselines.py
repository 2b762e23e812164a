"""What is usual among the site's agents, one a day; without parameters where too few have a baseline of their own."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import null, select

from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.tables.evidence import PresentationBaseline, SiteBaseline


@dataclass(frozen=True)
class StoredSite:
    """What is usual on a day, made of so many agents' baselines; ``parameters`` None: they are too few.

    Attributes:
        version: a hash of the model that they were made with.
    """

    features_id: str
    version: str
    agents: int
    parameters: dict[str, Any] | None


def read_site_baseline(database: Database, day: date) -> StoredSite | None:
    """What is usual on that day; None where nobody has asked yet."""
    with database.read() as connection:
        row = connection.execute(select(SiteBaseline.__table__).where(SiteBaseline.day == day)).first()
    return None if row is None else StoredSite(row.features_id, row.version, row.agents, row.parameters)


def write_site_baseline(database: Database, day: date, made: StoredSite) -> None:
    """Store what is usual on that day, over what was stored before."""
    row = {"day": day, **vars(made)}
    database.write(
        lambda connection: upsert(connection, SiteBaseline.__table__, [{**row, "created": utc_now(connection)}])
    )


def newest_baselines(database: Database, first: date, last: date, features_id: str) -> dict[int, dict[str, Any]]:
    """Each agent's newest baseline of these days that is his own, by employee id in order."""
    baseline = PresentationBaseline
    statement = (
        select(baseline.employee_id, baseline.parameters)
        .where(
            baseline.day >= first,
            baseline.day <= last,
            baseline.features_id == features_id,
            baseline.parameters.is_not(null()),
        )
        .order_by(baseline.employee_id, baseline.day)
    )
    with database.read() as connection:
        return {row.employee_id: row.parameters for row in connection.execute(statement)}
