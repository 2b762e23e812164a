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
    Progress,
    StillVersion,
    finding_keys,
    read_progress,
    still_versions,
    write_progress,
)


class JudgedBefore:
    """The memory of ``[start, end)``, which lies within one hour; of anything but its beginning there is none.

    Args:
        since: windows begin before the hour, and each looks back from there: so far.
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
        self._remembers = start == floor_hour(start)
        self._stills: list[StillVersion] = []
        self.begin: datetime | None = start
        if self._remembers:
            self._stills = still_versions(database, employee_id, since, end)
            known = read_progress(database, employee_id, start)
            if known is not None and self._holds(database, known):
                self.begin = next((taken for taken, _, _ in self._stills if taken > known.judged_until), None)

    def remember(self, connection: Connection, run_id: str | None) -> None:
        """Note that all stills were judged, after what was found is written, in the same transaction."""
        judged = [taken for taken, _, _ in self._stills if taken >= self._start]
        if self._remembers and judged:
            until = judged[-1]
            progress = Progress(self._start, until, self._rests_on(connection, until))
            write_progress(connection, self._employee_id, progress, run_id)

    def _holds(self, database: Database, known: Progress) -> bool:
        with database.read() as connection:
            return self._rests_on(connection, known.judged_until) == known.rests_on

    def _rests_on(self, connection: Connection, until: datetime) -> bytes:
        stills = [still for still in self._stills if still[0] <= until]
        findings = finding_keys(connection, self._employee_id, self._start, until)
        return hashlib.blake2b(repr((self._rules, stills, findings)).encode(), digest_size=16).digest()
