"""How far rejections of this site's agents come in runs, of which the test for incidents assumes a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from biosense_pipeline.matching.incidents.rejection_runs import RejectionRuns, Rejections, rejection_runs
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.incidents.rejections import rejections
from biosense_pipeline.store.incidents.suspected_stills import suspected_stills


@dataclass(frozen=True)
class MeasuredCorrelation:
    """What the stills of some time say.

    Attributes:
        genuine: without the stills of findings, incidents and confirmed violations that nobody called a false alarm.
        every: with them; where strangers are among them they come in runs, and it is too high.
    """

    genuine: RejectionRuns
    every: RejectionRuns


def measure_correlation(
    database: Database, start: datetime, end: datetime, still_seconds: float, most_seconds: float
) -> MeasuredCorrelation:
    """Measure it on stills captured in ``[start, end)`` (naive local).

    Args:
        still_seconds: for stills so far apart.
        most_seconds: stills further apart are no pair.
    """
    genuine, every = [], []
    for employee_id, stills in rejections(database, start, end).items():
        suspected = suspected_stills(database, employee_id, start, end)
        every.append(_rejections(stills, start))
        # Where one is left out the stills around it are no pair, unless they are near enough.
        genuine.append(_rejections([still for still in stills if not suspected.holds(still[1], still[0])], start))
    return MeasuredCorrelation(
        rejection_runs(genuine, still_seconds, most_seconds), rejection_runs(every, still_seconds, most_seconds)
    )


def _rejections(stills: Sequence[tuple[datetime, int, bool]], start: datetime) -> Rejections:
    return Rejections(
        np.array([(captured - start).total_seconds() for captured, _, _ in stills]),
        np.array([rejected for _, _, rejected in stills], dtype=bool),
    )
