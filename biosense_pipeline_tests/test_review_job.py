"""The asset of review outcomes: its figures per hour, and the schedule that renews the hours judged lately."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import insert, update

from biosense_pipeline.automation.schedules import review_schedule
from biosense_pipeline.codes import StillResult, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.verdicts import record_review
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.desk import DeskUser, Review
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.dagster_runs import KEY, metadata_of, requested, run_job
from biosense_pipeline_tests.store.rows import AGENT, NOW, OTHER, enter_finished


@pytest.fixture
def instance(local_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    """The kind of instance that schedules reach."""
    return local_instance


@pytest.fixture
def judged(settings_database: Database) -> Database:
    """Findings of two hours, most of them judged."""
    user = {"name": "a", "password_hash": "-", "role": "admin", "created": NOW}
    settings_database.write(lambda connection: connection.execute(insert(DeskUser).values(**user)))
    with settings_database.read() as connection:
        reviewer = connection.exec_driver_sql("SELECT id FROM desk_user").scalar_one()
    verdicts = [Verdict.CORRECT, Verdict.FALSE_ALARM, Verdict.FALSE_ALARM, Verdict.NOT_SURE, None]
    for hour in (HOUR, HOUR + timedelta(hours=3)):
        for number, verdict in enumerate(verdicts):
            moment = hour + number * timedelta(seconds=10)
            still_id = enter_finished(settings_database, AGENT, moment, StillResult.UNKNOWN_PERSON)
            if verdict:
                record_review(
                    settings_database,
                    still_id=still_id,
                    round_=1,
                    result=StillResult.UNKNOWN_PERSON,
                    verdict=verdict,
                    note=None,
                    reviewer_id=reviewer,
                )
    enter_finished(settings_database, OTHER, HOUR, StillResult.UNKNOWN_MULTIPLE_FACES)
    summarise(settings_database, HOUR, HOUR + timedelta(hours=4))
    return settings_database


def test_hour_tells_its_false_alarm_rate(judged: Database, instance: dg.DagsterInstance) -> None:
    """An hour's materialisation has the counts, the rate, a row per agent and a plot."""
    told = metadata_of(run_job(instance, "review_job", partition_key=KEY), "review_outcomes", KEY)
    assert (told["findings"], told["dagster/row_count"], told["agents"]) == (6, 4, 2)
    assert (told["correct"], told["false_alarms"], told["not_sure"]) == (1, 2, 1)
    assert (told["awaiting_second_reviewer"], told["reviewers_disagreed"]) == (1, 0)
    assert told["false_alarm_rate"] == "66.7%"
    assert "| NA\\\\vep5898 | 5 | 4 | 1 | 2 | 1 | 1 | 66.7% |" in told["per_agent"]
    assert "| EU\\\\abc1234 | 1 | 0 | 0 | 0 | 0 | 0 | undecided |" in told["per_agent"]
    assert told["verdicts"].startswith("![")
    assert len(told["verdicts"]) < 41_000


def test_hour_without_findings_is_told(judged: Database, instance: dg.DagsterInstance) -> None:
    """Where there was nothing to review, there is no rate, and nothing fails."""
    told = metadata_of(
        run_job(instance, "review_job", partition_key="2026-03-02-10:00"), "review_outcomes", "2026-03-02-10:00"
    )
    assert (told["findings"], told["false_alarm_rate"]) == (0, "undecided")
    assert (told["per_agent"], told["verdicts"]) == ("none", "nothing to draw")


def test_schedule_renews_hours_that_were_judged(judged: Database, instance: dg.DagsterInstance) -> None:
    """One run a day of capture, over all its hours from the first to the last that got a verdict; each is told."""
    (request,) = requested(instance, review_schedule, datetime.now(UTC))
    result = run_job(instance, "review_job", tags=request.tags)
    for key in (KEY, "2026-03-02-12:00"):
        assert metadata_of(result, "review_outcomes", key)["false_alarms"] == 2
    assert metadata_of(result, "review_outcomes", "2026-03-02-11:00")["findings"] == 0


def test_outage_loses_no_verdict(judged: Database, instance: dg.DagsterInstance) -> None:
    """Hours whose verdicts nobody counted are asked for days later, and until a run succeeds; then no more."""
    now = datetime.now(UTC)
    (request,) = requested(instance, review_schedule, now + timedelta(days=3))
    # A run that fails leaves no materialisation: as if there had been none.
    assert len(requested(instance, review_schedule, now + timedelta(days=3, hours=1))) == 1
    run_job(instance, "review_job", tags=request.tags)
    assert requested(instance, review_schedule, now + timedelta(days=3, hours=2)) == []
    again = update(Review).where(Review.captured < HOUR + timedelta(seconds=10)).values(id=1000)
    judged.write(lambda connection: connection.execute(again))
    (request,) = requested(instance, review_schedule, now)
    assert request.tags["dagster/asset_partition_range_end"] == KEY


def test_schedule_is_quiet_where_nobody_judged(judged: Database, instance: dg.DagsterInstance) -> None:
    """Verdicts of long ago, and hours before the first partition, are left alone."""
    assert requested(instance, review_schedule, datetime.now(UTC) + timedelta(days=15)) == []
    early = update(Review).values(captured=datetime(2019, 1, 1, 9))
    judged.write(lambda connection: connection.execute(early))
    assert requested(instance, review_schedule, datetime.now(UTC)) == []


def test_schedule_asks_a_run_for_each_day(judged: Database, instance: dg.DagsterInstance) -> None:
    """Hours of two days are two runs."""
    later = update(Review).where(Review.captured > HOUR + timedelta(hours=1)).values(captured=HOUR + timedelta(days=1))
    judged.write(lambda connection: connection.execute(later))
    first, second = requested(instance, review_schedule, datetime.now(UTC))
    for request, key in ((first, KEY), (second, "2026-03-03-09:00")):
        assert request.tags["dagster/asset_partition_range_start"] == key
        assert request.tags["dagster/asset_partition_range_end"] == key


def test_schedule_names_the_remedy(instance: dg.DagsterInstance) -> None:
    """On a database without migrations the tick fails with the sentence that says what to do."""
    with pytest.raises(dg.DagsterError) as raised:
        requested(instance, review_schedule, datetime.now(UTC))
    assert "biosense db upgrade" in str(raised.value.__cause__)
