"""The schedules of motion and impersonation, evaluated at given times: what they request, and when they do not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import select

from biosense_pipeline.automation.presentation import impersonation_schedule, motion_schedule
from biosense_pipeline.codes import StillResult
from biosense_pipeline.runs.lanes import BACKFILL, LANE_TAG, LIVE
from biosense_pipeline.runs.partitions import hour_of_key, key_of_time
from biosense_pipeline.runs.states import RANGE_END, RANGE_START, range_tags
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.evidence import ImpersonationFinding
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.dagster_runs import KEY, evaluated, requested, run_job
from biosense_pipeline_tests.incident_days import set_results
from biosense_pipeline_tests.store.rows import change
from biosense_pipeline_tests.workflows.evidence_rows import (
    STEP,
    enter_at,
    enter_scene,
    nobody,
    person,
    remove_evidence,
    write_at,
)

MINUTE, ONE_HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = HOUR + 7 * MINUTE


@pytest.fixture
def instance(local_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """The kind of instance that schedules reach."""
    return local_instance


@pytest.fixture
def watched(settings_database: Database) -> Database:
    """A database with stills of one agent in the hour under way."""
    enter_scene(settings_database, nobody, 5)
    return settings_database


def test_nothing_recognised_is_a_skip(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """Without a still, or with one that waits, a tick says so and costs no run."""
    assert _skipped(instance, impersonation_schedule) == "Nothing was recognised since the last analysis."
    ids = enter_scene(settings_database, nobody, 1)
    change(settings_database, ids, status="N", result=None)
    assert _skipped(instance, impersonation_schedule) == "Nothing was recognised since the last analysis."
    assert _skipped(instance, motion_schedule, HOUR + 10 * MINUTE) == "Nothing was recognised since the last analysis."


def test_each_state_of_recognition_is_analysed_once(watched: Database, instance: dg.DagsterInstance) -> None:
    """One run for what is there; none after it; another one for another still, and for another result."""
    (request,) = _tick(instance, impersonation_schedule)
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (KEY, KEY)
    assert (request.tags[LANE_TAG], request.tags["dagster/priority"]) == (LIVE, "10")
    _run(instance, "impersonation_job", request)
    assert _skipped(instance, impersonation_schedule, NOW + MINUTE).startswith("Nothing was recognised")
    ids = enter_scene(watched, nobody, 1, start=NOW)
    (request,) = _tick(instance, impersonation_schedule, NOW + MINUTE)
    _run(instance, "impersonation_job", request)
    set_results(watched, ids, StillResult.NO_FACES_FOUND)
    assert len(_tick(instance, impersonation_schedule, NOW + 2 * MINUTE)) == 1


@pytest.mark.parametrize(
    ("schedule", "job"), [(impersonation_schedule, "impersonation_job"), (motion_schedule, "motion_job")]
)
def test_stills_done_again_with_the_same_results(
    watched: Database, instance: dg.DagsterInstance, schedule: Any, job: str
) -> None:
    """Evidence that is there only now makes an hour lag behind, and so does any that was written anew."""
    ids = enter_scene(watched, nobody, 3, lan_id="NA\\later")
    remove_evidence(watched, ids)
    _run(instance, job, _tick(instance, schedule, HOUR + 10 * MINUTE)[0])
    assert _tick(instance, schedule, HOUR + 20 * MINUTE) == []
    write_at(watched, ids, [nobody(at) for at in range(3)], [HOUR + at * STEP for at in range(3)], "NA\\later")
    (request,) = _tick(instance, schedule, HOUR + 20 * MINUTE)
    _run(instance, job, request)
    assert _tick(instance, schedule, HOUR + 30 * MINUTE) == []
    # As recognition leaves an hour whose stills it did again.
    summarise(watched, HOUR, HOUR + ONE_HOUR)
    assert len(_tick(instance, schedule, HOUR + 30 * MINUTE)) == 1


def test_motion_has_a_state_of_its_own(watched: Database, instance: dg.DagsterInstance) -> None:
    """That impersonation was analysed keeps motion from nothing."""
    _run(instance, "impersonation_job", _tick(instance, impersonation_schedule)[0])
    (request,) = _tick(instance, motion_schedule, HOUR + 10 * MINUTE)
    _run(instance, "motion_job", request)
    assert _tick(instance, motion_schedule, HOUR + 20 * MINUTE) == []


def test_no_second_run_of_an_hour_under_way(watched: Database, instance: dg.DagsterInstance) -> None:
    """While a run of the hour is queued or running, by itself or in a range, no other one is requested."""
    expected = "Every hour that lags behind has a run in flight, or rests after one that failed."
    for tags in ({"dagster/partition": KEY}, range_tags("2026-03-02-07:00", "2026-03-02-12:00")):
        run = instance.add_run(
            dg.DagsterRun(job_name="impersonation_job", status=dg.DagsterRunStatus.STARTING, tags=tags)
        )
        assert _skipped(instance, impersonation_schedule) == expected
        assert len(_tick(instance, motion_schedule, HOUR + 10 * MINUTE)) == 1
        instance.delete_run(run.run_id)
    assert len(_tick(instance, impersonation_schedule)) == 1


def test_failed_hour_rests(watched: Database, instance: dg.DagsterInstance) -> None:
    """After a failed run the hour is left alone for some seconds."""
    tags = range_tags(KEY, KEY)
    instance.add_run(dg.DagsterRun(job_name="impersonation_job", status=dg.DagsterRunStatus.FAILURE, tags=tags))
    assert "rests after one that failed" in _skipped(instance, impersonation_schedule)


def test_hour_of_which_half_was_done_is_requested(watched: Database, instance: dg.DagsterInstance) -> None:
    """A run that died between its findings and its incidents leaves an hour that lags behind."""
    done = [dg.AssetKey("presentation_evidence"), dg.AssetKey("impersonation_findings")]
    assert run_job(instance, "impersonation_job", tags=range_tags(KEY, KEY), asset_selection=done).success
    assert len(_tick(instance, impersonation_schedule)) == 1


def test_hour_that_has_ended_is_drawn(
    watched: Database, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While an hour is under way no plot is stored with its runs; when it has ended, one run more draws them."""
    now = NOW
    monkeypatch.setattr("biosense_pipeline.assets.recognised.local_now", lambda zone: now)
    _run(instance, "impersonation_job", _tick(instance, impersonation_schedule)[0])
    assert _plots(instance) == {"drawn once the hour is over"}
    assert _tick(instance, impersonation_schedule, NOW + MINUTE) == []
    now = HOUR + ONE_HOUR
    (request,) = _tick(instance, impersonation_schedule, now)
    _run(instance, "impersonation_job", request)
    assert "drawn once the hour is over" not in _plots(instance)
    assert _tick(instance, impersonation_schedule, now + MINUTE) == []


def test_last_stills_of_the_hour_before(watched: Database, instance: dg.DagsterInstance) -> None:
    """In the first minutes of an hour both hours are one run; the older one again when its stills come late."""
    enter_scene(watched, nobody, 3, start=HOUR + ONE_HOUR)
    (request,) = _tick(instance, impersonation_schedule, HOUR + 61 * MINUTE)
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (KEY, "2026-03-02-10:00")
    _run(instance, "impersonation_job", request)
    enter_scene(watched, nobody, 1, start=HOUR + 59 * MINUTE)
    (request,) = _tick(instance, impersonation_schedule, HOUR + 62 * MINUTE)
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == (KEY, "2026-03-02-10:00")
    _run(instance, "impersonation_job", request)
    assert _tick(instance, impersonation_schedule, HOUR + 63 * MINUTE) == []


def test_late_still_changes_the_next_hour(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """A picture that froze with a still recognised late is found in the windows after the full hour, as by backfill."""
    last = HOUR + ONE_HOUR - STEP
    enter_scene(settings_database, person(), 30, start=last - 30 * STEP)
    enter_at(settings_database, [person()(50), person()(50)], [last + STEP, last + 2 * STEP])
    _run(instance, "impersonation_job", _tick(instance, impersonation_schedule, HOUR + 61 * MINUTE)[0])
    assert _species_found(settings_database) == []
    enter_at(settings_database, [person()(50)], [last])
    for request in _tick(instance, impersonation_schedule, HOUR + 62 * MINUTE):
        _run(instance, "impersonation_job", request)
    assert _species_found(settings_database) == [("FROZEN", last + 2 * STEP)]


def test_late_hours_every_ten_minutes(watched: Database, instance: dg.DagsterInstance) -> None:
    """Older hours of the last day are looked at every ten minutes only, each stretch of them a run in its lane."""
    enter_scene(watched, nobody, 2, start=HOUR + ONE_HOUR)
    enter_scene(watched, nobody, 2, start=HOUR + 5 * ONE_HOUR)
    enter_scene(watched, nobody, 2, start=HOUR - 30 * ONE_HOUR)
    assert [_range(request) for request in _tick(instance, impersonation_schedule, HOUR + 309 * MINUTE)] == [
        ("2026-03-02-14:00", "2026-03-02-14:00", LIVE)
    ]
    for schedule in (impersonation_schedule, motion_schedule):
        assert [_range(request) for request in _tick(instance, schedule, HOUR + 310 * MINUTE)] == [
            (KEY, "2026-03-02-10:00", BACKFILL),
            ("2026-03-02-14:00", "2026-03-02-14:00", LIVE),
        ]


def test_hours_of_any_age_that_were_summed_up_since(watched: Database, instance: dg.DagsterInstance) -> None:
    """After an outage, an import or redecide_job, hours are analysed however long ago they were; once each."""
    enter_scene(watched, nobody, 2, start=HOUR + 2 * ONE_HOUR)
    later = HOUR + 100 * ONE_HOUR
    assert _tick(instance, impersonation_schedule, later) == []
    _summed_up(watched, instance, KEY)
    assert _tick(instance, impersonation_schedule, later + MINUTE) == []
    for schedule, job in ((impersonation_schedule, "impersonation_job"), (motion_schedule, "motion_job")):
        (request,) = _tick(instance, schedule, later)
        assert _range(request) == (KEY, KEY, BACKFILL)
        _run(instance, job, request)
        assert _tick(instance, schedule, later) == []
    third = range_tags("2026-03-02-11:00", "2026-03-02-11:00")
    for job in ("impersonation_job", "motion_job"):
        _run(instance, job, dg.RunRequest(tags=third))
    # The windows of impersonation reach back to the first hour; those of motion do not.
    _summed_up(watched, instance, KEY)
    assert [_range(request)[:2] for request in _tick(instance, motion_schedule, later)] == [(KEY, KEY)]
    assert [_range(request)[:2] for request in _tick(instance, impersonation_schedule, later)] == [
        (KEY, KEY),
        ("2026-03-02-11:00", "2026-03-02-11:00"),
    ]


def test_no_more_older_hours_than_a_run_takes(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """Of months that were decided again a tick names the newest day, in one run."""
    for number in range(30):
        enter_scene(settings_database, nobody, 1, start=HOUR + number * ONE_HOUR)
        _summed_up(settings_database, instance, key_of_time(HOUR + number * ONE_HOUR))
    (request,) = _tick(instance, motion_schedule, HOUR + 100 * ONE_HOUR)
    assert _range(request) == ("2026-03-02-15:00", "2026-03-03-14:00", BACKFILL)


def test_hour_before_the_first_partition(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """At times without partitions nothing is requested."""
    enter_scene(settings_database, nobody, 2, start=datetime(2019, 1, 1, 9))
    assert _tick(instance, impersonation_schedule, datetime(2019, 1, 1, 9, 10)) == []


def test_unmigrated_database_names_the_remedy(instance: dg.DagsterInstance) -> None:
    """On a database without migrations a tick fails with the sentence that says what to do."""
    with pytest.raises(dg.DagsterError) as raised:
        _tick(instance, impersonation_schedule)
    assert "biosense db upgrade" in str(raised.value.__cause__)


def _plots(instance: dg.DagsterInstance) -> set[str]:
    """The plots of the last materialisations."""
    found = set()
    for asset in ("presentation_evidence", "impersonation_findings", "incidents"):
        last = instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert last is not None
        assert last.asset_materialization is not None
        entries = last.asset_materialization.metadata
        found |= {str(entries[name].value) for name in ("coverage", "evidence_over_time") if name in entries}
    return found


def _summed_up(database: Database, instance: dg.DagsterInstance, key: str) -> None:
    """As the jobs of recognition leave an hour."""
    hour = hour_of_key(key)
    summarise(database, hour.start, hour.end)
    instance.report_runless_asset_event(dg.AssetMaterialization("hourly_agent_summary", partition=key))


def _species_found(database: Database) -> list[tuple[str, datetime]]:
    with database.read() as connection:
        rows = connection.execute(select(ImpersonationFinding.species, ImpersonationFinding.capture_time))
        return [(row.species, row.capture_time) for row in rows]


def _range(request: dg.RunRequest) -> tuple[str, str, str]:
    return request.tags[RANGE_START], request.tags[RANGE_END], request.tags[LANE_TAG]


def _tick(instance: dg.DagsterInstance, schedule: Any, local: datetime = NOW) -> list[dg.RunRequest]:
    return requested(instance, schedule, local.replace(tzinfo=UTC))


def _skipped(instance: dg.DagsterInstance, schedule: Any, local: datetime = NOW) -> str:
    tick = evaluated(instance, schedule, local.replace(tzinfo=UTC))
    assert not tick.run_requests
    return str(tick.skip_message)


def _run(instance: dg.DagsterInstance, job: str, request: dg.RunRequest) -> None:
    assert run_job(instance, job, tags=dict(request.tags)).success
