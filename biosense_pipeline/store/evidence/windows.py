"""What single windows say of a species: a row for each still whose window passes its bound."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from biosense_pipeline.codes import Species
from biosense_pipeline.store.database import upsert
from biosense_pipeline.store.tables.evidence import ImpersonationWindow


@dataclass(frozen=True)
class WindowRow:
    """The window that ends with a still says ``llr`` of a species."""

    species: Species
    still_id: int
    captured: datetime
    llr: float


#: Log-likelihood ratio by employee, and by species and still.
WindowLlrs = dict[int, dict[tuple[str, int], float]]


def replace_windows(
    connection: Connection, employee_id: int, start: datetime, end: datetime, found: Sequence[WindowRow]
) -> int:
    """Let the agent's windows of stills captured in ``[start, end)`` be these; returns how many rows changed."""
    known = read_windows(connection, start, end, employee_id).get(employee_id, {})
    wanted = {(str(row.species), row.still_id): row for row in found}
    gone = [key for key in known if key not in wanted]
    for species, still_id in gone:
        connection.execute(
            delete(ImpersonationWindow).where(
                ImpersonationWindow.employee_id == employee_id,
                ImpersonationWindow.species == species,
                ImpersonationWindow.stream_image_id == still_id,
            )
        )
    changed = [row for key, row in wanted.items() if known.get(key) != row.llr]
    upsert(
        connection,
        ImpersonationWindow.__table__,
        [
            {
                "employee_id": employee_id,
                "species": row.species,
                "stream_image_id": row.still_id,
                "capture_time": row.captured,
                "llr": row.llr,
            }
            for row in changed
        ],
    )
    return len(gone) + len(changed)


def read_windows(connection: Connection, start: datetime, end: datetime, employee_id: int | None = None) -> WindowLlrs:
    """What the windows of stills captured in ``[start, end)`` say."""
    statement = select(ImpersonationWindow.__table__).where(
        ImpersonationWindow.capture_time >= start, ImpersonationWindow.capture_time < end
    )
    if employee_id is not None:
        statement = statement.where(ImpersonationWindow.employee_id == employee_id)
    found: WindowLlrs = defaultdict(dict)
    for row in connection.execute(statement):
        found[row.employee_id][row.species, row.stream_image_id] = row.llr
    return dict(found)
