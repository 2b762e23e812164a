"""Which stills a piece of work is about."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement

from biosense_pipeline.store.tables.pipeline import StreamImage


@dataclass(frozen=True)
class Scope:
    """Stills captured in ``[start, end)``, of some agents, up to an id. What is None does not limit.

    Attributes:
        start, end: naive local times, as ``capture_time`` has them. With neither, stills without a
            capture time belong too.
        lan_ids: the agents; compared as the database compares them.
        up_to_id: the highest id.
    """

    start: datetime | None = None
    end: datetime | None = None
    lan_ids: tuple[str, ...] | None = None
    up_to_id: int | None = None

    def up_to(self, highest_id: int | None) -> "Scope":
        """The same stills without those that came later than ``highest_id``."""
        return replace(self, up_to_id=highest_id)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The scope as conditions on ``stream_img``."""
        found: list[ColumnElement[bool]] = []
        if self.start is not None:
            found.append(StreamImage.capture_time >= self.start)
        if self.end is not None:
            found.append(StreamImage.capture_time < self.end)
        if self.lan_ids is not None:
            found.append(StreamImage.lan_id.in_(self.lan_ids))
        if self.up_to_id is not None:
            found.append(StreamImage.id <= self.up_to_id)
        return found
