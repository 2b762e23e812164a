"""Whether stills with a face were taken for the agent's, in order of time."""

from collections import defaultdict
from datetime import datetime
from functools import cache

from sqlalchemy import select

from biosense_pipeline.codes import VERIFIED_RESULTS, Status
from biosense_pipeline.store.agents.spellings import own_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.findings import VIOLATIONS
from biosense_pipeline.store.tables.pipeline import Employee, StreamImage


def rejections(database: Database, start: datetime, end: datetime) -> dict[int, list[tuple[datetime, int, bool]]]:
    """Capture time, id and whether it was rejected, of stills captured in ``[start, end)``, in order; by employee id.

    Agents who are not registered yet are left out.
    """
    statement = select(StreamImage.lan_id, StreamImage.capture_time, StreamImage.id, StreamImage.result).where(
        StreamImage.capture_time >= start,
        StreamImage.capture_time < end,
        StreamImage.status == Status.PROCESSED,
        StreamImage.result.in_([*VERIFIED_RESULTS, *VIOLATIONS]),
    )
    found: dict[int, list[tuple[datetime, int, bool]]] = defaultdict(list)
    key_of = cache(own_key)
    with database.read() as connection:
        ids = {own_key(row.lan_id): row.id for row in connection.execute(select(Employee.lan_id, Employee.id))}
        for lan_id, captured, still_id, result in connection.execute(statement):
            assert captured is not None  # the times asked for exclude it
            employee_id = ids.get(key_of(lan_id))
            if employee_id is not None:
                found[employee_id].append((captured, still_id, result in VIOLATIONS))
    return {employee_id: sorted(found[employee_id]) for employee_id in sorted(found)}
