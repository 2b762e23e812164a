"""Sensors: what they request, what they leave alone, what they say."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from unittest import mock

import dagster as dg
import pytest

from biosense_pipeline.automation.sensors import stream_img_sensor, train_img_sensor
from biosense_pipeline.resources import DatabaseResource
from biosense_pipeline.runs.lanes import BACKFILL, LANE_TAG, LIVE
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.runs.due import mark_due
from biosense_pipeline.store.runs.heartbeats import Heartbeat, silent_for
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.filling import capture, enrol


def _tick(instance: dg.DagsterInstance, sensor: dg.SensorDefinition = stream_img_sensor) -> dg.SensorResult:
    context = dg.build_sensor_context(instance=instance)
    outcome = sensor(context, database=DatabaseResource())
    if isinstance(outcome, dg.SensorResult):
        return outcome
    if isinstance(outcome, dg.RunRequest):
        return dg.SensorResult(run_requests=[outcome])
    assert isinstance(outcome, dg.SkipReason)
    return dg.SensorResult(skip_reason=outcome)


def test_nothing_pending_is_skipped(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """Without pending stills a tick requests nothing."""
    assert not _tick(instance).run_requests


def test_newest_hours_first(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """Each hour with pending stills gets one run, the newest first."""
    for hour in (2, 0, 1):
        capture(settings_database, HOUR + timedelta(hours=hour), 2)
    requests = _tick(instance).run_requests or []
    assert [request.partition_key for request in requests] == [
        "2026-03-02-11:00",
        "2026-03-02-10:00",
        "2026-03-02-09:00",
    ]


def test_no_more_hours_than_set(
    settings_database: Database, instance: dg.DagsterInstance, use_settings: Callable[..., Settings]
) -> None:
    """A tick names at most the set number of hours."""
    use_settings(sensor_hours=2)
    for hour in range(4):
        capture(settings_database, HOUR + timedelta(hours=hour), 1)
    assert len(_tick(instance).run_requests or []) == 2


def test_hour_under_way_is_followed(
    settings_database: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hour under way runs in the live lane and is followed; old hours go to the backfill lane."""
    under_way = HOUR + timedelta(hours=3)
    monkeypatch.setattr(
        "biosense_pipeline.automation.sensors.local_now", lambda zone: under_way + timedelta(minutes=59)
    )
    capture(settings_database, under_way, 1)
    capture(settings_database, HOUR, 1)
    live, old = _tick(instance).run_requests or []
    assert live.tags[LANE_TAG] == LIVE
    assert live.run_config["ops"]["recognition_results"]["config"] == {"follow": True}
    assert old.tags[LANE_TAG] == BACKFILL
    assert old.run_config["ops"]["recognition_results"]["config"] == {"follow": False}
    assert int(live.tags["dagster/priority"]) > int(old.tags["dagster/priority"])


@pytest.mark.parametrize(
    "tags",
    [
        {"dagster/partition": "2026-03-02-09:00"},
        {
            "dagster/asset_partition_range_start": "2026-03-02-08:00",
            "dagster/asset_partition_range_end": "2026-03-02-10:00",
        },
    ],
)
def test_hour_with_a_run_in_flight_is_left_alone(
    settings_database: Database, instance: dg.DagsterInstance, tags: dict[str, str]
) -> None:
    """No second run is requested while one for the hour is queued or running, alone or in a range."""
    capture(settings_database, HOUR, 1)
    instance.add_run(dg.DagsterRun(job_name="recognition_job", status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert not _tick(instance).run_requests


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED])
def test_past_runs_keep_nothing_from_being_tried_again(
    settings_database: Database, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    """An hour whose run ended, however it ended, is requested again under another key."""
    capture(settings_database, HOUR, 1)
    first = _tick(instance).run_requests[0]  # type: ignore[index]
    instance.add_run(
        dg.DagsterRun(job_name="recognition_job", status=status, tags={"dagster/partition": str(first.partition_key)})
    )
    second = _tick(instance).run_requests[0]  # type: ignore[index]
    assert second.partition_key == first.partition_key
    assert second.run_key != first.run_key


def test_failing_hour_rests_longer_each_time(
    settings_database: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed run an hour is requested again after 15 s, after two in a row after 30, and so on."""
    capture(settings_database, HOUR, 1)
    began = datetime.now(UTC)
    for failures, rest in ((1, 15), (2, 30), (3, 60)):
        monkeypatch.undo()
        _add_run(instance, dg.DagsterRunStatus.FAILURE)
        assert not _tick(instance).run_requests, failures
        monkeypatch.setattr(
            "biosense_pipeline.runs.states._utc_now", lambda rest=rest: began + timedelta(seconds=rest + 10)
        )
        assert len(_tick(instance).run_requests or []) == 1, failures
    monkeypatch.undo()
    _add_run(instance, dg.DagsterRunStatus.SUCCESS)
    assert len(_tick(instance).run_requests or []) == 1


def test_dead_run_gives_up_its_hour(
    settings_database: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A started run without a sign of life for five minutes is failed, and its hour is requested again."""
    capture(settings_database, HOUR, 1)
    run = _add_run(instance, dg.DagsterRunStatus.STARTED)
    instance.report_engine_event("started", run)
    monkeypatch.setattr(
        "biosense_pipeline.runs.states.silent_for", lambda database, ids: dict.fromkeys(ids, timedelta(minutes=4))
    )
    assert not _tick(instance).run_requests
    monkeypatch.setattr(
        "biosense_pipeline.runs.states.silent_for", lambda database, ids: dict.fromkeys(ids, timedelta(minutes=6))
    )
    _tick(instance)
    assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    monkeypatch.setattr("biosense_pipeline.runs.states._utc_now", lambda: datetime.now(UTC) + timedelta(seconds=20))
    assert len(_tick(instance).run_requests or []) == 1


def test_beating_run_keeps_its_hour(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """A run that beats is alive; one that never did counts from its start."""
    run = _add_run(instance, dg.DagsterRunStatus.STARTED)
    Heartbeat(settings_database, run.run_id, seconds=20).beat()
    assert silent_for(settings_database, [run.run_id, "another"])[run.run_id] < timedelta(seconds=5)
    capture(settings_database, HOUR, 1)
    assert not _tick(instance).run_requests


def test_hour_whose_summary_is_due_is_work(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """An hour whose run died between its last result and its summary is requested again."""
    settings_database.write(lambda connection: mark_due(connection, [HOUR + timedelta(minutes=5)]))
    assert [request.partition_key for request in _tick(instance).run_requests or []] == ["2026-03-02-09:00"]
    summarise(settings_database, HOUR, HOUR + timedelta(hours=1))
    assert not _tick(instance).run_requests


def _add_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    return instance.add_run(
        dg.DagsterRun(job_name="recognition_job", status=status, tags={"dagster/partition": "2026-03-02-09:00"})
    )


def test_expired_lease_is_work(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """An hour in which only expired leases are left is requested; unexpired ones are not."""
    capture(settings_database, HOUR, 3)
    Claims(settings_database, lease_seconds=60, max_attempts=3).claim(Scope(), 10)
    assert not _tick(instance).run_requests
    capture(settings_database, HOUR + timedelta(hours=1), 3)
    Claims(settings_database, lease_seconds=-1, max_attempts=3).claim(Scope(), 10)
    requests = _tick(instance).run_requests or []
    assert [request.partition_key for request in requests] == ["2026-03-02-10:00"]


def test_stills_without_partition_are_named(
    settings_database: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stills from before the first partition or from the future get no run, and the log says what to do."""
    capture(settings_database, datetime(2019, 5, 1, 8), 1)
    capture(settings_database, datetime(2099, 1, 1), 1)
    context = dg.build_sensor_context(instance=instance)
    warnings: list[str] = []
    monkeypatch.setattr(type(context), "log", mock.Mock(warning=warnings.append))
    assert isinstance(stream_img_sensor(context, database=DatabaseResource()), dg.SkipReason)
    assert "2 pending stills" in warnings[0]
    assert "`biosense drain`" in warnings[0]


def test_training_image_is_requested_once(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """A new training image asks for one enrolment run while none is in flight."""
    assert not _tick(instance, train_img_sensor).run_requests
    enrol(settings_database)
    assert len(_tick(instance, train_img_sensor).run_requests or []) == 1
    instance.add_run(dg.DagsterRun(job_name="enrolment_job", status=dg.DagsterRunStatus.STARTED))
    assert not _tick(instance, train_img_sensor).run_requests


def test_unmigrated_database_is_a_failure_with_the_remedy(instance: dg.DagsterInstance) -> None:
    """On a database without migrations a tick fails with the sentence that says what to do."""
    with pytest.raises(dg.Failure) as failure:
        _tick(instance)
    assert "run `biosense db upgrade`" in str(failure.value.description)
