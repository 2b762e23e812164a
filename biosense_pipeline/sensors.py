"""Sensors: they ask the database what waits and request runs; they never touch a picture or a model.

No cursor decides what is done: the rows do. A run key is unique for ever, failed runs included, so each
names the tick as well: nothing that happened before keeps a still from being taken up again.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus as RunStatus

from biosense_pipeline.assets.enrolment import training_image_checks
from biosense_pipeline.assets.recognition import recognition_results
from biosense_pipeline.jobs import enrolment_job, recognition_job
from biosense_pipeline.local_time import floor_hour, local_now
from biosense_pipeline.partitions import HOURS, covered, key_of_time
from biosense_pipeline.resources import DatabaseResource, told_plainly
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.backlog import hours_with_work, pending_outside
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.training import unchecked_ids

LANE_TAG, LIVE, BACKFILL = "biosense/lane", "live", "backfill"
_IN_FLIGHT = [RunStatus.NOT_STARTED, RunStatus.QUEUED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING]
_PARTITION = "dagster/partition"
_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dg.sensor(
    job=recognition_job,
    minimum_interval_seconds=load_settings().sensor_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Requests a run for every hour that holds pending stills or expired leases and has no run in "
    "flight: newest first; the hour under way is followed, older ones than the last go to the backfill lane.",
)
def stream_img_sensor(
    context: dg.SensorEvaluationContext, database: DatabaseResource
) -> dg.SensorResult | dg.SkipReason:
    """Look for hours with work."""
    settings = load_settings()
    start, end = covered()
    with told_plainly(), database.connected() as opened:
        hours = hours_with_work(opened, Scope(start, end), settings.sensor_hours)
        outside = pending_outside(opened, start, end)
    if outside:
        context.log.warning(
            f"{outside} pending stills were captured before {start}, after {end} or at no known time and have no "
            "partition: process them with `biosense drain`, or set BIOSENSE_PARTITIONS_START earlier."
        )
    keys = {key_of_time(hour): hour for hour in hours}
    busy = _partitions_in_flight(context.instance)
    now = local_now(settings.zone)
    tick = f"{datetime.now().timestamp():.3f}"
    requests = [_request(key, hour, now, tick) for key, hour in keys.items() if key not in busy]
    if not requests:
        return dg.SkipReason("Nothing is pending." if not keys else "Every hour with work has a run in flight.")
    return dg.SensorResult(run_requests=requests)


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
    if any(_includes(run, training_image_checks.key) for run in _runs_in_flight(context.instance)):
        return dg.SkipReason(f"{len(waiting)} training images wait; a run is in flight.")
    return dg.RunRequest(run_key=f"{waiting[-1]}@{datetime.now().timestamp():.3f}")


def lane(hour: datetime, now: datetime) -> str:
    """The lane of an hour: live for the one under way and the one before, whose last stills still come in."""
    return LIVE if hour >= floor_hour(now) - timedelta(hours=1) else BACKFILL


def _request(key: str, hour: datetime, now: datetime, tick: str) -> dg.RunRequest:
    follow = hour >= floor_hour(now)
    hour_lane = lane(hour, now)
    return dg.RunRequest(
        run_key=f"{key}@{tick}",
        partition_key=key,
        tags={LANE_TAG: hour_lane, "dagster/priority": "10" if hour_lane == LIVE else "-10"},
        run_config={"ops": {recognition_results.op.name: {"config": {"follow": follow}}}},
    )


def _partitions_in_flight(instance: dg.DagsterInstance) -> set[str]:
    """Hours that a queued or running run will drain, backfills of several hours included."""
    busy: set[str] = set()
    for run in _runs_in_flight(instance):
        if not _includes(run, recognition_results.key):
            continue
        if _PARTITION in run.tags:
            busy.add(run.tags[_PARTITION])
        if _RANGE_START in run.tags and _RANGE_END in run.tags:
            hours = dg.PartitionKeyRange(run.tags[_RANGE_START], run.tags[_RANGE_END])
            busy.update(HOURS.get_partition_keys_in_range(hours))
    return busy


def _runs_in_flight(instance: dg.DagsterInstance) -> Iterable[dg.DagsterRun]:
    return instance.get_runs(filters=dg.RunsFilter(statuses=_IN_FLIGHT))


def _includes(run: dg.DagsterRun, asset: dg.AssetKey) -> bool:
    """Whether the run materialises the asset: one of our jobs whole, or a selection of assets."""
    if run.asset_selection is not None:
        return asset in run.asset_selection
    jobs = {recognition_results.key: recognition_job.name, training_image_checks.key: enrolment_job.name}
    return run.job_name == jobs[asset]


default_sensors = [stream_img_sensor, train_img_sensor]
