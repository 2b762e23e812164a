"""What of an agent's hour was judged already, so that what runs every minute judges the new stills alone.

It is a memory and no state: it names all that the judgement rested on, and where any of it differs (a late still,
one that was processed again, another setting, model or baseline, a finding that somebody removed) the hour is judged
from its beginning. So it never changes what is found.
"""

import hashlib
from datetime import datetime

from sqlalchemy import Connection

from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.progress import (
    HourSeen,
    Progress,
    StillsSeen,
    finding_keys,
    hour_seen,
    read_progress,
    write_progress,
)


class JudgedBefore:
    """The memory of ``[start, end)``, which lies within one hour; of anything but its beginning there is none.

    Args:
        since: how far back lies what the windows of that time are judged by.
        rules: all that decides beside the stills.

    Attributes:
        begin: capture time of the first still to be judged; None where all were. Where nothing is remembered,
            ``start``.
    """

    def __init__(
        self, database: Database, employee_id: int, since: datetime, start: datetime, end: datetime, rules: str
    ) -> None:
        self._employee_id = employee_id
        self._start = start
        self._rules = rules
        self._seen: HourSeen | None = None
        self.begin: datetime | None = start
        # Of anything but an hour's beginning nothing is remembered.
        if start == floor_hour(start):
            known = read_progress(database, employee_id, start)
            until = since if known is None else known.judged_until
            self._seen = hour_seen(database, employee_id, since, start, end, until)
            if known is not None:
                with database.read() as connection:
                    rests_on = self._rests_on(connection, self._seen.until, until)
                if rests_on == known.rests_on:
                    self.begin = self._seen.following

    def remember(self, connection: Connection, run_id: str | None) -> None:
        """Note that all stills were judged, after what was found is written, in the same transaction."""
        if self._seen is not None and self._seen.last is not None:
            until = self._seen.last
            progress = Progress(self._start, until, self._rests_on(connection, self._seen.all, until))
            write_progress(connection, self._employee_id, progress, run_id)

    def _rests_on(self, connection: Connection, stills: StillsSeen, until: datetime) -> bytes:
        findings = finding_keys(connection, self._employee_id, self._start, until)
        return hashlib.blake2b(repr((self._rules, stills, findings)).encode(), digest_size=16).digest()
