"""Sensors: they ask the database what waits and request runs; they never touch a picture or a model.

No cursor decides what is done: the rows do. A run key is unique for ever, failed runs included, so each
names the tick as well: nothing that happened before keeps a still from being taken up again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import dagster as dg

from biosense_pipeline.assets.enrolment import training_image_checks
from biosense_pipeline.assets.incidents import alert_deliveries
from biosense_pipeline.assets.recognition import recognition_results
from biosense_pipeline.automation.outdated_runs import forget_run, outdated_runs
from biosense_pipeline.jobs import alert_job, enrolment_job, impersonation_job, motion_job, recognition_job
from biosense_pipeline.local_time import floor_hour, local_now
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.runs.lanes import lane_tags
from biosense_pipeline.runs.partitions import covered, key_of_time
from biosense_pipeline.runs.states import Work, living_runs, partitions_of, resting
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import unchecked_ids
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import hours_with_work, pending_outside
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline.workflows.alerts.waiting import alerts_wait

_RECOGNITION = Work(recognition_results.key, recognition_job.name)
_ENROLMENT = Work(training_image_checks.key, enrolment_job.name)
#: Seconds between two looks for outdated runs, and how many one removes: a tick has a minute.
_OUTDATED_EVERY, _MOST_OUTDATED = 3600, 300
_ALERTS = Work(alert_deliveries.key, alert_job.name)
#: Runs of both rest after failures of either.
_OURS = (_RECOGNITION, _ENROLMENT)


@dg.sensor(
    job=recognition_job,
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests a run for every hour that holds pending stills or expired leases, or whose summary is "
    "due, and that has no run in flight: newest first; the hour under way is followed, older ones than the last "
    "go to the backfill lane. Hours whose runs keep failing are asked for less and less often.",
)
def stream_img_sensor(
    context: dg.SensorEvaluationContext, database: DatabaseResource
) -> dg.SensorResult | dg.SkipReason:
    """Look for hours with work."""
    settings = load_settings()
    start, end = covered()
    with told_plainly(), database.connected() as opened:
        hours = {
            *hours_with_work(opened, Scope(start, end), settings.sensor_hours),
            *due_hours(opened, start, end, settings.sensor_hours),
        }
        outside = pending_outside(opened, start, end)
        busy = partitions_of(living_runs(context.instance, context.log, opened, [_RECOGNITION])) if hours else set()
    if outside:
        context.log.warning(
            f"{outside} pending stills were captured before {start}, after {end} or at no known time and have no "
            "partition: process them with `biosense drain`."
        )
    keys = {key_of_time(hour): hour for hour in sorted(hours, reverse=True)[: settings.sensor_hours]}
    at_rest = resting(context.instance, _OURS) if keys else set()
    now = local_now(settings.zone)
    tick = f"{datetime.now().timestamp():.3f}"
    requests = [_request(key, hour, now, tick) for key, hour in keys.items() if key not in busy | at_rest]
    if requests:
        return dg.SensorResult(run_requests=requests)
    if not keys:
        return dg.SkipReason("Nothing is pending.")
    return dg.SkipReason("Every hour with work has a run in flight, or rests after one that failed.")


@dg.sensor(
    job=enrolment_job,
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests a check as soon as a new training image is there.",
)
def train_img_sensor(context: dg.SensorEvaluationContext, database: DatabaseResource) -> dg.RunRequest | dg.SkipReason:
    """Look for training images that wait for their check."""
    with told_plainly(), database.connected() as opened:
        waiting = unchecked_ids(opened)
        if not waiting:
            return dg.SkipReason("No training image waits for its check.")
        return _one_run(context, opened, _ENROLMENT, _OURS, f"{len(waiting)} training images wait", str(waiting[-1]))


def _one_run(
    context: dg.SensorEvaluationContext, database: Database, work: Work, failing: Sequence[Work], due: str, what: str
) -> dg.RunRequest | dg.SkipReason:
    """A run of the work that is due, unless one is in flight or one of the failing works rests after a failure."""
    if living_runs(context.instance, context.log, database, [work]):
        return dg.SkipReason(f"{due}; a run is in flight.")
    if "" in resting(context.instance, failing):
        return dg.SkipReason(f"{due}; the last run failed, the next is due soon.")
    return dg.RunRequest(run_key=f"{what}@{datetime.now().timestamp():.3f}")


def _request(key: str, hour: datetime, now: datetime, tick: str) -> dg.RunRequest:
    follow = hour >= floor_hour(now)
    return dg.RunRequest(
        run_key=f"{key}@{tick}",
        partition_key=key,
        tags=lane_tags(hour, now),
        run_config={"ops": {recognition_results.op.name: {"config": {"follow": follow}}}},
    )


@dg.sensor(
    job=alert_job,
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests a run of alert_job as soon as something about an incident is to be told, told again or over.",
)
def alert_sensor(context: dg.SensorEvaluationContext, database: DatabaseResource) -> dg.RunRequest | dg.SkipReason:
    """Look for messages that are due."""
    settings = load_settings()
    with told_plainly():
        if not channels(settings):
            return dg.SkipReason("BIOSENSE_ALERT_URLS names no channel.")
        with database.connected() as opened:
            if not alerts_wait(opened, settings, datetime.now(UTC)):
                return dg.SkipReason("No message is due.")
            return _one_run(context, opened, _ALERTS, [_ALERTS], "Messages are due", "alerts")


@dg.sensor(
    minimum_interval_seconds=_OUTDATED_EVERY,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Removes runs of motion_job and impersonation_job whose hours a later run has done again "
    "(BIOSENSE_OUTDATED_RUNS_DAYS). Requests none.",
)
def outdated_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Remove some; what is left is removed at the next ticks."""
    before = datetime.now(UTC) - timedelta(days=load_settings().outdated_runs_days)
    found = (
        run_id
        for job in (motion_job, impersonation_job)
        for run_id in outdated_runs(context.instance, job.name, before)
    )
    removed = list(islice(found, _MOST_OUTDATED))
    for run_id in removed:
        forget_run(context.instance, run_id)
    return dg.SkipReason(f"{len(removed)} outdated runs were removed.")


default_sensors = [stream_img_sensor, train_img_sensor, alert_sensor, outdated_runs_sensor]
