"""The numbers by which training images were judged, as they are stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database, upsert
from biosense_pipeline.store.tables.pipeline import TrainingCheck


@dataclass(frozen=True)
class StoredCheck:
    """One check of a training image.

    Attributes:
        value: None where it could not be measured; ``threshold`` is the limit that was then in force.
        decides: False where it is shown to whoever approves, and fails nothing.
        reason: why it did not pass, in plain words.
    """

    name: str
    value: float | None
    threshold: float | None
    passed: bool
    decides: bool
    reason: str | None


def checks_of(database: Database, training_image_ids: Collection[int]) -> dict[int, list[StoredCheck]]:
    """The checks of these images by image id: those that failed it first, then those only shown, then by name.

    An image that was not checked, or could not be read, has none.
    """
    found: dict[int, list[StoredCheck]] = {image_id: [] for image_id in training_image_ids}
    ids = list(found)
    table = TrainingCheck
    with database.read() as connection:
        for chunk in chunks(ids):
            for row in connection.execute(select(table.__table__).where(table.training_image_id.in_(chunk))):
                check = StoredCheck(row.name, row.value, row.threshold, row.passed, row.decides, row.reason)
                found[row.training_image_id].append(check)
    for checks in found.values():
        checks.sort(key=lambda check: (check.passed, not check.decides, check.name))
    return found


def write_checks(connection: Connection, checks: Mapping[int, Sequence[StoredCheck]], now: datetime) -> None:
    """Write checks by image id; those of the same name from an earlier look are written over.

    Args:
        now: naive UTC.
    """
    rows = [
        {"training_image_id": image_id, "created": now, **asdict(check)}
        for image_id, of_image in checks.items()
        for check in of_image
    ]
    upsert(connection, TrainingCheck.__table__, rows)
