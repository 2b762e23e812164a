"""Runs of which nothing is left: all that they made a later run has made again.

Analyses that look every minute leave a thousand runs a day, each with dozens of events. The last run of every hour
stays: its materialisations tell what the hour was made of.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus as RunStatus
from dagster._core.storage.event_log import SqliteEventLogStorage

from biosense_pipeline.runs.states import partitions_of

_ENDED = [RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED]
_PAGE = 500
#: Nothing older is looked through again: it was when it came of age.
_FARTHEST_BACK = timedelta(days=60)


def outdated_runs(instance: dg.DagsterInstance, job: str, before: datetime) -> Iterator[str]:
    """Ids of the job's ended runs from before that time (aware) whose hours a later run has all done again.

    Runs of a selection of assets, which somebody asked for by hand, are neither outdated nor outdate others.
    """
    done_again: set[str] = set()
    for record in _newest_first(instance, job, before - _FARTHEST_BACK):
        run = record.dagster_run
        if run.asset_selection:
            continue
        hours = partitions_of([run])
        if hours <= done_again and record.create_timestamp.timestamp() < before.timestamp():
            yield run.run_id
        elif run.status is RunStatus.SUCCESS:
            done_again |= hours


def forget_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Remove a run with its events and what it printed, from the disk too."""
    instance.delete_run(run_id)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):  # which has a file a run, and leaves it there empty
        for file in Path(storage.path_for_shard(run_id)).parent.glob(f"{run_id}.db*"):
            file.unlink(missing_ok=True)


def _newest_first(instance: dg.DagsterInstance, job: str, since: datetime) -> Iterator[dg.RunRecord]:
    wanted = dg.RunsFilter(job_name=job, statuses=_ENDED, created_after=since)
    cursor: str | None = None
    while page := list(instance.get_run_records(filters=wanted, limit=_PAGE, cursor=cursor)):
        yield from page
        cursor = page[-1].dagster_run.run_id
