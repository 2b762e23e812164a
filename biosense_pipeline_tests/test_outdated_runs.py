"""Runs whose hours a later run has done again: which they are, and that nothing of them is left."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import dagster as dg
from dagster import DagsterRunStatus as RunStatus

from biosense_pipeline.automation import sensors
from biosense_pipeline.automation.outdated_runs import outdated_runs
from biosense_pipeline.runs.states import PARTITION, range_tags
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.dagster_runs import KEY, run_job
from biosense_pipeline_tests.workflows.evidence_rows import enter_scene, nobody

JOB = "impersonation_job"
NEXT_KEY, THIRD_KEY = "2026-03-02-10:00", "2026-03-02-11:00"
LATER = datetime.now(UTC) + timedelta(hours=1)


def test_hours_done_again(instance: dg.DagsterInstance) -> None:
    """A run is outdated when later ones that succeeded did each of its hours; how it ended itself does not matter."""
    both, failed, first = (
        _ended(instance, range_tags(KEY, NEXT_KEY)),
        _ended(instance, {PARTITION: KEY}, RunStatus.FAILURE),
        _ended(instance, {PARTITION: KEY}),
    )
    assert set(outdated_runs(instance, JOB, LATER)) == {failed}
    second = _ended(instance, range_tags(NEXT_KEY, THIRD_KEY))
    assert set(outdated_runs(instance, JOB, LATER)) == {both, failed}
    assert {first, second}.isdisjoint(outdated_runs(instance, JOB, LATER))


def test_what_is_kept(instance: dg.DagsterInstance) -> None:
    """Kept are young runs, runs under way, runs before a failure, those of other jobs and of chosen assets."""
    chosen = frozenset({dg.AssetKey("incidents")})
    _ended(instance, {PARTITION: KEY})
    _ended(instance, {PARTITION: KEY}, RunStatus.FAILURE)
    _ended(instance, {PARTITION: KEY}, asset_selection=chosen)
    _ended(instance, {PARTITION: KEY}, job="motion_job")
    _ended(instance, {PARTITION: NEXT_KEY}, RunStatus.STARTED)
    last = _ended(instance, {PARTITION: NEXT_KEY})
    assert list(outdated_runs(instance, JOB, LATER)) == []
    _ended(instance, {PARTITION: NEXT_KEY})
    assert list(outdated_runs(instance, JOB, LATER)) == [last]
    assert list(outdated_runs(instance, JOB, datetime.now(UTC) - timedelta(minutes=1))) == []


def test_nothing_is_left_of_them(
    settings_database: Database, local_instance: dg.DagsterInstance, tmp_path: Path, use_settings: Callable[..., object]
) -> None:
    """The sensor removes runs with their events and files, and of every hour the last one stays."""
    enter_scene(settings_database, nobody, 3)
    first, last = (run_job(local_instance, "motion_job", partition_key=KEY).run_id for _ in range(2))
    assert _files(tmp_path, first)
    use_settings(outdated_runs_days=1)
    assert _tick(local_instance) == "0 outdated runs were removed."
    with mock.patch.object(sensors, "datetime", mock.Mock(now=lambda zone: datetime.now(zone) + timedelta(days=2))):
        assert _tick(local_instance) == "1 outdated runs were removed."
        assert _tick(local_instance) == "0 outdated runs were removed."
    assert [record.dagster_run.run_id for record in local_instance.get_run_records()] == [last]
    assert _files(tmp_path, first) == []
    assert _files(tmp_path, last)
    (kept,) = local_instance.fetch_materializations(dg.AssetKey("motion_windows"), limit=5).records
    assert kept.run_id == last


def _ended(
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    status: RunStatus = RunStatus.SUCCESS,
    job: str = JOB,
    asset_selection: frozenset[dg.AssetKey] | None = None,
) -> str:
    run = dg.DagsterRun(job_name=job, status=status, tags=tags, asset_selection=asset_selection)
    return instance.add_run(run).run_id


def _tick(instance: dg.DagsterInstance) -> str:
    told = sensors.outdated_runs_sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(told, dg.SkipReason)
    return str(told.skip_message)


def _files(folder: Path, run_id: str) -> list[Path]:
    return [path for path in folder.rglob("*") if run_id in str(path)]
