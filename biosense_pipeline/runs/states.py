"""Runs under way and runs that failed: what sensors and schedules ask before they request another one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from logging import Logger

import dagster as dg
from dagster import DagsterRunStatus as RunStatus

from biosense_pipeline.runs.partitions import HOURS
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.runs.heartbeats import silent_for

PARTITION = "dagster/partition"
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_IN_FLIGHT = [RunStatus.NOT_STARTED, RunStatus.QUEUED, RunStatus.STARTING, RunStatus.STARTED, RunStatus.CANCELING]
#: A run that started and gives no sign of life for longer is taken for dead; models load faster than that.
_SILENCE = timedelta(minutes=5)
#: Rest after a first failure, the longest one, and the ended runs that are looked at.
_FIRST_REST, _LONGEST_REST, _MOST_ENDED = timedelta(seconds=15), timedelta(minutes=10), 500


@dataclass(frozen=True)
class Work:
    """What is asked about: an asset, and the job of ours whose runs materialise it."""

    asset: dg.AssetKey
    job: str

    def belongs_to(self, run: dg.DagsterRun) -> bool:
        """Whether the run materialises the asset: the job whole, or a selection of assets with it."""
        return self.asset in run.asset_selection if run.asset_selection is not None else run.job_name == self.job


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags of one run over all hours from the first to the last."""
    return {RANGE_START: first, RANGE_END: last}


def living_runs(
    instance: dg.DagsterInstance, log: Logger, database: Database, works: Iterable[Work]
) -> list[dg.DagsterRun]:
    """Runs in flight that do one of these works. Those that started and then fell silent are failed and left out.

    The default launcher cannot tell that a run's process is no more: after a reboot such a run would stay
    started for ever, and keep its hour and its place in the lane.
    """
    asked = list(works)
    records = instance.get_run_records(filters=dg.RunsFilter(statuses=_IN_FLIGHT))
    ours = [record for record in records if any(work.belongs_to(record.dagster_run) for work in asked)]
    silent = silent_for(database, [record.dagster_run.run_id for record in ours])
    patience = max(_SILENCE, timedelta(seconds=3 * load_settings().lease_seconds))
    living = []
    for record in ours:
        run = record.dagster_run
        since_start = _utc_now().timestamp() - (record.start_time or _utc_now().timestamp())
        silence = silent.get(run.run_id, timedelta(seconds=since_start))
        if run.status is RunStatus.STARTED and silence > patience:
            reason = f"No sign of life for {silence.total_seconds():.0f} s: the run's process is taken for dead."
            log.warning(f"Run {run.run_id}: {reason}")
            instance.report_run_failed(run, reason)
        else:
            living.append(run)
    return living


def partitions_of(runs: Iterable[dg.DagsterRun]) -> set[str]:
    """The hours of these runs, of each one's range too; '' for a run without any."""
    return {key for run in runs for key in _partitions(run)}


def resting(instance: dg.DagsterInstance, works: Iterable[Work]) -> set[str]:
    """Partitions (or '' for none) whose newest run failed so recently that the next one has to wait.

    The wait doubles with each failure in a row of the last day: an error that only a person can mend
    would otherwise fill the history with thousands of runs.
    """
    asked = list(works)
    now = _utc_now()
    recent = dg.RunsFilter(statuses=[RunStatus.FAILURE, RunStatus.SUCCESS], updated_after=now - timedelta(days=1))
    ended: dict[str, list[dg.RunRecord]] = {}
    for record in instance.get_run_records(filters=recent, limit=_MOST_ENDED):  # newest first
        if any(work.belongs_to(record.dagster_run) for work in asked):
            for key in _partitions(record.dagster_run):
                ended.setdefault(key, []).append(record)
    found = set()
    for key, records in ended.items():
        failures = list(takewhile(lambda record: record.dagster_run.status is RunStatus.FAILURE, records))
        if failures:
            wait = min(_LONGEST_REST, _FIRST_REST * 2 ** (len(failures) - 1))
            # Without a time zone in the instance's database, which holds UTC.
            ended_at = failures[0].update_timestamp
            ended_at = ended_at if ended_at.tzinfo else ended_at.replace(tzinfo=UTC)
            if now - ended_at < wait:
                found.add(key)
    return found


def _partitions(run: dg.DagsterRun) -> list[str]:
    if RANGE_START in run.tags and RANGE_END in run.tags:
        return list(HOURS.get_partition_keys_in_range(dg.PartitionKeyRange(run.tags[RANGE_START], run.tags[RANGE_END])))
    return [run.tags.get(PARTITION, "")]


def _utc_now() -> datetime:
    return datetime.now(UTC)
