"""Naive local times, as the capture clients write them, and the instants they stand for.

``capture_time`` carries no zone. Every naive time must belong to exactly one hourly partition, also on
the two days a year when the clock changes:

* An hour that the clock repeats names two instants. Its stills belong to the first of the two hours;
  the second holds none.
* An hour that the clock skips names none. A still that claims such a time (a camera that missed the
  change) belongs to the hour that began in its stead.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

#: Since 2012 no zone has changed its clock by more than this, and every change is a multiple of the step.
_LARGEST_CHANGE = timedelta(hours=3)
_STEP = timedelta(minutes=15)


def instant_of(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant (aware, UTC) that a naive local time stands for; the first one where there are two."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def first_local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """The earliest naive local time whose instant is not before ``instant``.

    Applied to both ends of adjoining windows of time it yields adjoining intervals of naive times, so
    that no time is left out and none is counted twice.
    """
    candidate = instant.astimezone(zone).replace(tzinfo=None) - _LARGEST_CHANGE
    while instant_of(candidate, zone) < instant:
        candidate += _STEP
    return candidate


def local_now(zone: ZoneInfo, now: datetime | None = None) -> datetime:
    """The naive local time of ``now`` (aware; default: this moment)."""
    return (now or datetime.now(UTC)).astimezone(zone).replace(tzinfo=None)


def floor_hour(moment: datetime) -> datetime:
    """The full hour at or before ``moment``."""
    return moment.replace(minute=0, second=0, microsecond=0)
