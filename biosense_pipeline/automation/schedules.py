"""Schedules: what is due by the clock and not by what lies in the tables."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby

import dagster as dg

from biosense_pipeline.assets.hours_behind import noted
from biosense_pipeline.assets.review import NEWEST_VERDICT, review_outcomes
from biosense_pipeline.automation.presentation import presentation_schedules
from biosense_pipeline.jobs import calibration_job, review_job
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.partitions import covered, key_of_time
from biosense_pipeline.runs.states import range_tags
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.review.outcomes import judged_hours

#: Verdicts of so long before a tick are looked at, so that no outage and no failed run loses any.
_VERDICTS_OF = timedelta(days=14)

calibration_schedule = dg.ScheduleDefinition(
    name="calibration_schedule",
    job=calibration_job,
    # The quietest hours of the week: a calibration encodes some thousands of stills.
    cron_schedule="0 4 * * 0",
    execution_timezone=load_settings().timezone,
    # Running by default, as the sensors are: a calibration that its check does not pass changes nothing.
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Calibrates on the newest stills, Sundays at 4.",
)


@dg.schedule(
    job=review_job,
    cron_schedule="10 * * * *",
    execution_timezone=load_settings().timezone,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Renews review_outcomes for the hours whose findings were judged since, every hour at ten past.",
)
def review_schedule(
    context: dg.ScheduleEvaluationContext, database: DatabaseResource
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run for each day with hours that lag behind, over all its hours from the first to the last of them."""
    start, end = covered()
    since = (context.scheduled_execution_time.astimezone(UTC) - _VERDICTS_OF).replace(tzinfo=None)
    with told_plainly(), database.connected() as opened:
        judged = {hour: newest for hour, newest in judged_hours(opened, since).items() if start <= hour < end}
    hours = [hour for hour, newest in judged.items() if _told(context.instance, hour) < newest]
    if not hours:
        yield dg.SkipReason("No verdict was given since the last look.")
    for day, of_day in groupby(hours, key=datetime.date):
        first, *others = of_day
        last = others[-1] if others else first
        yield dg.RunRequest(
            run_key=f"{day}@{context.scheduled_execution_time.timestamp():.0f}",
            # As a backfill of these hours would be run: one run, not one an hour.
            tags=range_tags(key_of_time(first), key_of_time(last)),
        )


def _told(instance: dg.DagsterInstance, hour: datetime) -> int:
    """The newest verdict that the hour's outcomes were made of, by its id; 0 where there are none yet."""
    return int(noted(instance, review_outcomes.key, key_of_time(hour)).get(NEWEST_VERDICT, 0))


default_schedules = [calibration_schedule, review_schedule, *presentation_schedules]
