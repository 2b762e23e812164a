"""What stored evidence shows of some hours: motion, impersonation and incidents, in the order in which they follow."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from biosense_pipeline.local_time import floor_hour, local_now
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.workflows.impersonation import ImpersonationReport, detect_impersonation
from biosense_pipeline.workflows.incidents import IncidentReport, detect_incidents
from biosense_pipeline.workflows.motion import MotionReport, detect_motion

_HOUR = timedelta(hours=1)
#: What is analysed where no time is named: what came or was recognised late belongs to it.
LATELY = timedelta(hours=24)

#: Is told what is looked for, after each agent or hour.
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Analysis:
    """What was found in the full hours of ``[start, end)``, naive local."""

    start: datetime
    end: datetime
    motion: MotionReport
    impersonation: ImpersonationReport
    incidents: IncidentReport


def analyse(
    database: Database, settings: Settings, scope: Scope, on_progress: Progress = lambda what: None
) -> Analysis:
    """Look for motion, impersonation and incidents in every full hour that the scope touches.

    Whatever was analysed before is not judged again where it rests on the same. Stopped at any point and run again, it
    does what is left.

    Args:
        scope: without a start the 24 hours up to its end; without an end up to the hour under way.
    """
    last = scope.end or local_now(settings.zone)
    start, end = floor_hour(scope.start or last - LATELY), floor_hour(last - timedelta(microseconds=1)) + _HOUR
    hours = [start + number * _HOUR for number in range((end - start) // _HOUR)]
    return Analysis(
        start,
        end,
        detect_motion(database, start, end, lan_ids=scope.lan_ids, on_progress=lambda _: on_progress("motion")),
        detect_impersonation(
            database, settings, start, end, lan_ids=scope.lan_ids, on_progress=lambda _: on_progress("impersonation")
        ),
        detect_incidents(
            database, settings, hours, lan_ids=scope.lan_ids, on_progress=lambda _: on_progress("incidents")
        ),
    )
