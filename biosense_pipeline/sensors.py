"""Sensors: they ask the database what waits and request runs; they never touch a picture or a model.

No cursor decides what is done: the rows do. A run key is unique for ever, failed runs included, so each
names the tick as well: nothing that happened before keeps a still from being taken up again.
"""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

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
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.due import due_hours
from biosense_pipeline.store.heartbeats import silent_for
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.training import unchecked_ids

LANE_TAG, LIVE, BACKFILL = "biosense/lane", "live", "backfill"
_IN_FLIGHT = [RunStatus.NOT_STARTED, RunStatus.QUEUED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING]
#: A run that started and gives no sign of life for longer is taken for dead; models load faster than that.
_SILENCE = timedelta(minutes=5)
#: Rest after a first failure, the longest one, and the ended runs that are looked at.
_FIRST_REST, _LONGEST_REST, _MOST_ENDED = timedelta(seconds=15), timedelta(minutes=10), 500
_PARTITION = "dagster/partition"
_RANGE_START, _RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


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
        busy = _partitions_in_flight(context, opened) if hours else set()
    if outside:
        context.log.warning(
            f"{outside} pending stills were captured before {start}, after {end} or at no known time and have no "
            "partition: process them with `biosense drain`."
        )
    keys = {key_of_time(hour): hour for hour in sorted(hours, reverse=True)[: settings.sensor_hours]}
    resting = _resting(context.instance) if keys else set()
    now = local_now(settings.zone)
    tick = f"{datetime.now().timestamp():.3f}"
    requests = [_request(key, hour, now, tick) for key, hour in keys.items() if key not in busy | resting]
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
        runs = _living_runs(context, opened) if waiting else []
    if not waiting:
        return dg.SkipReason("No training image waits for its check.")
    if any(_includes(run, training_image_checks.key) for run in runs):
        return dg.SkipReason(f"{len(waiting)} training images wait; a run is in flight.")
    if "" in _resting(context.instance):
        return dg.SkipReason(f"{len(waiting)} training images wait; the last run failed, the next is due soon.")
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


def _partitions_in_flight(context: dg.SensorEvaluationContext, database: Database) -> set[str]:
    """Hours that a queued or running run will drain, backfills of several hours included."""
    busy: set[str] = set()
    for run in _living_runs(context, database):
        if not _includes(run, recognition_results.key):
            continue
        if _PARTITION in run.tags:
            busy.add(run.tags[_PARTITION])
        if _RANGE_START in run.tags and _RANGE_END in run.tags:
            hours = dg.PartitionKeyRange(run.tags[_RANGE_START], run.tags[_RANGE_END])
            busy.update(HOURS.get_partition_keys_in_range(hours))
    return busy


def _living_runs(context: dg.SensorEvaluationContext, database: Database) -> list[dg.DagsterRun]:
    """Runs in flight. Those of ours that started and then fell silent are marked as failed and left out.

    The default launcher cannot tell that a run's process is no more: after a reboot such a run would stay
    started for ever, and keep its hour and its place in the lane.
    """
    records = context.instance.get_run_records(filters=dg.RunsFilter(statuses=_IN_FLIGHT))
    ours = [record for record in records if _is_ours(record.dagster_run)]
    silent = silent_for(database, [record.dagster_run.run_id for record in ours])
    patience = max(_SILENCE, timedelta(seconds=3 * load_settings().lease_seconds))
    living = []
    for record in ours:
        run = record.dagster_run
        since_start = _utc_now().timestamp() - (record.start_time or _utc_now().timestamp())
        silence = silent.get(run.run_id, timedelta(seconds=since_start))
        if run.status is RunStatus.STARTED and silence > patience:
            reason = f"No sign of life for {silence.total_seconds():.0f} s: the run's process is taken for dead."
            context.log.warning(f"Run {run.run_id}: {reason}")
            context.instance.report_run_failed(run, reason)
        else:
            living.append(run)
    return living


def _resting(instance: dg.DagsterInstance) -> set[str]:
    """Partitions (or '' for none) whose newest run failed so recently that the next one has to wait.

    The wait doubles with each failure in a row of the last day: an error that only a person can mend
    would otherwise fill the history with thousands of runs.
    """
    now = _utc_now()
    recent = dg.RunsFilter(statuses=[RunStatus.FAILURE, RunStatus.SUCCESS], updated_after=now - timedelta(days=1))
    ended: dict[str, list[dg.RunRecord]] = {}
    for record in instance.get_run_records(filters=recent, limit=_MOST_ENDED):  # newest first
        if _is_ours(record.dagster_run):
            ended.setdefault(record.dagster_run.tags.get(_PARTITION, ""), []).append(record)
    resting = set()
    for key, records in ended.items():
        failures = list(takewhile(lambda record: record.dagster_run.status is RunStatus.FAILURE, records))
        if failures:
            wait = min(_LONGEST_REST, _FIRST_REST * 2 ** (len(failures) - 1))
            # Without a time zone in the instance's database, which holds UTC.
            ended_at = failures[0].update_timestamp
            ended_at = ended_at if ended_at.tzinfo else ended_at.replace(tzinfo=UTC)
            if now - ended_at < wait:
                resting.add(key)
    return resting


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _is_ours(run: dg.DagsterRun) -> bool:
    return _includes(run, recognition_results.key) or _includes(run, training_image_checks.key)


def _includes(run: dg.DagsterRun, asset: dg.AssetKey) -> bool:
    """Whether the run materialises the asset: one of our jobs whole, or a selection of assets."""
    if run.asset_selection is not None:
        return asset in run.asset_selection
    jobs = {recognition_results.key: recognition_job.name, training_image_checks.key: enrolment_job.name}
    return run.job_name == jobs[asset]


default_sensors = [stream_img_sensor, train_img_sensor]
