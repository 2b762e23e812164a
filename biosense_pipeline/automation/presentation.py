"""Schedules of motion and impersonation: they look often, and request a run only where recognition has gone on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

import dagster as dg

from biosense_pipeline.assets.hours_behind import hours_behind, summed_up_since
from biosense_pipeline.assets.impersonation import REACH, impersonation_findings
from biosense_pipeline.assets.incidents import incidents
from biosense_pipeline.assets.motion import motion_windows
from biosense_pipeline.jobs import impersonation_job, motion_job
from biosense_pipeline.local_time import floor_hour, local_now
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.lanes import lane_tags
from biosense_pipeline.runs.partitions import covered, hour_of_key, key_of_time
from biosense_pipeline.runs.states import Work, living_runs, partitions_of, range_tags, resting
from biosense_pipeline.settings import load_settings

#: Each tick looks at the hour under way and the one before, whose last stills are recognised in its first minutes;
#: every ten minutes one looks this far back, for stills that came or were recognised late, and at so many of the
#: older hours that were summed up since: decided again, imported, or recognised after an outage.
_LATE = timedelta(hours=24)
_LATE_EVERY, _MOST_OLDER = 10, 24
_HOUR = timedelta(hours=1)

_MOTION = Work(motion_windows.key, motion_job.name)
_IMPERSONATION = Work(impersonation_findings.key, impersonation_job.name)

Requests = Iterator[dg.RunRequest | dg.SkipReason]


@dg.schedule(
    job=motion_job,
    cron_schedule="*/10 * * * *",
    execution_timezone=load_settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every ten minutes, for the hours of the last day in which stills were recognised since their motion "
    "was analysed, and for older ones that were summed up since.",
)
def motion_schedule(context: dg.ScheduleEvaluationContext, database: DatabaseResource) -> Requests:
    """Request the hours that lag behind."""
    yield from _requests(context, database, _MOTION, [motion_windows.key], timedelta())


@dg.schedule(
    job=impersonation_job,
    cron_schedule="* * * * *",
    execution_timezone=load_settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every minute, for the hour under way and the one before where stills were recognised since they were "
    "analysed; every ten minutes for such hours of the last day, and for older ones that were summed up since.",
)
def impersonation_schedule(context: dg.ScheduleEvaluationContext, database: DatabaseResource) -> Requests:
    """Request the hours that lag behind."""
    yield from _requests(context, database, _IMPERSONATION, [impersonation_findings.key, incidents.key], REACH)


def _requests(
    context: dg.ScheduleEvaluationContext,
    database: DatabaseResource,
    work: Work,
    assets: Sequence[dg.AssetKey],
    reach: timedelta,
) -> Requests:
    """A run for the newest hours, one for each stretch of older ones; none of an hour that is under way or rests."""
    now = local_now(load_settings().zone, context.scheduled_execution_time)
    with told_plainly(), database.connected() as opened:
        recent = _recent(now)
        keys = list(hours_behind(context.instance, opened, assets, recent, reach))
        if _looks_far_back(now):
            older = _before(recent, summed_up_since(context.instance, assets, reach))
            keys = sorted([*islice(hours_behind(context.instance, opened, assets, older, reach), _MOST_OLDER), *keys])
        runs = living_runs(context.instance, context.log, opened, [work]) if keys else []
    if not keys:
        yield dg.SkipReason("Nothing was recognised since the last analysis.")
        return
    taken = partitions_of(runs) | resting(context.instance, [work])
    free = [key for key in keys if key not in taken]
    if not free:
        yield dg.SkipReason("Every hour that lags behind has a run in flight, or rests after one that failed.")
    for first, last in _stretches(free, lambda key: lane_tags(hour_of_key(key).start, now)):
        yield dg.RunRequest(
            run_key=f"{first}@{context.scheduled_execution_time.timestamp():.0f}",
            tags={**lane_tags(hour_of_key(last).start, now), **range_tags(first, last)},
        )


def _looks_far_back(now: datetime) -> bool:
    return now.minute % _LATE_EVERY == 0


def _recent(now: datetime) -> list[str]:
    """Keys of the partitions that a tick at that naive local time looks at by what is recognised there, in order."""
    start, end = covered()
    back = _LATE if _looks_far_back(now) else _HOUR
    first = floor_hour(now) - back
    hours = (first + number * _HOUR for number in range(back // _HOUR + 1))
    return list(dict.fromkeys(key_of_time(hour) for hour in hours if start <= hour < end))


def _before(recent: Sequence[str], keys: Iterable[str]) -> Iterator[str]:
    """Those of the keys that have partitions and lie before the recent ones."""
    first = key_of_time(covered()[0])
    return (key for key in keys if recent and first <= key < recent[0])


def _stretches(keys: Sequence[str], kind: Callable[[str], object]) -> Iterator[tuple[str, str]]:
    """First and last of the keys that follow each other without a gap and are of one kind: each stretch is one run."""
    first = last = None
    for key in keys:
        follows = last is not None and hour_of_key(last).end == hour_of_key(key).start
        if first is not None and last is not None and not (follows and kind(last) == kind(key)):
            yield first, last
            first = None
        first, last = first or key, key
    if first is not None and last is not None:
        yield first, last


presentation_schedules = [motion_schedule, impersonation_schedule]
