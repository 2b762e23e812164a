"""Alerts through Dagster: the sensor that asks for a run, the run that sends, the check that tells what fails."""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg
import pytest
from sqlalchemy import update

from biosense_pipeline.automation.sensors import alert_sensor
from biosense_pipeline.local_time import local_now
from biosense_pipeline.resources import DatabaseResource
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import AlertDelivery
from biosense_pipeline.workflows.workbench import naive_utc_now
from biosense_pipeline_tests.alerting import SECRETS, delivery_rows, enter_agent, enter_incident, webhook
from biosense_pipeline_tests.dagster_runs import metadata_of, passed, run_job

Use = Callable[..., Settings]


@pytest.fixture
def told_of(settings_database: Database, use_settings: Use) -> Database:
    """A database with an incident that opened just now."""
    opened = local_now(use_settings().zone) - timedelta(minutes=2)
    enter_incident(settings_database, enter_agent(settings_database, registered=opened), opened)
    return settings_database


def test_incident_is_told_once(told_of: Database, instance: dg.DagsterInstance, use_settings: Use) -> None:
    """The sensor asks for one run, the run tells the channel, and then nothing is due."""
    with webhook() as hook:
        use_settings(alert_urls=hook.url)
        assert len(_tick(instance)) == 1
        result = run_job(instance, "alert_job")
        told = metadata_of(result, "alert_deliveries", None)
        assert (told["channels"], told["entered"], told["delivered"], told["failed"]) == (1, 1, 1, 0)
        assert len(hook.bodies) == 1
        assert passed(result)["alerts_arrive"]
        assert _skipped(instance) == "No message is due."


def test_channel_that_refuses(told_of: Database, instance: dg.DagsterInstance, use_settings: Use) -> None:
    """A refusal is told without secrets and fails no run; the message waits, and after an hour the check warns."""
    with webhook() as hook:
        use_settings(alert_urls=hook.url)
        hook.answers = [500, 500]
        result = run_job(instance, "alert_job")
        assert result.success
        told = metadata_of(result, "alert_deliveries", None)
        assert (told["delivered"], told["failed"]) == (0, 1)
        assert "500" in told["failures"]
        assert not any(secret in str(told) for secret in SECRETS)
        assert passed(result)["alerts_arrive"]
        assert _skipped(instance) == "No message is due."
        earlier = naive_utc_now() - timedelta(minutes=61)
        _change_deliveries(told_of, created=earlier, next_attempt=earlier)
        assert len(_tick(instance)) == 1
        assert not passed(run_job(instance, "alert_job"))["alerts_arrive"]
        _change_deliveries(told_of, next_attempt=earlier)
        assert passed(run_job(instance, "alert_job"))["alerts_arrive"]


def test_without_channels_nothing_is_asked(told_of: Database, instance: dg.DagsterInstance) -> None:
    """Where the settings name no channel the sensor says so, and a run does nothing."""
    assert _skipped(instance) == "BIOSENSE_ALERT_URLS names no channel."
    assert metadata_of(run_job(instance, "alert_job"), "alert_deliveries", None)["channels"] == 0
    assert delivery_rows(told_of) == []


def test_unusable_channel_names_the_remedy(told_of: Database, instance: dg.DagsterInstance, use_settings: Use) -> None:
    """A setting that is no URL fails tick and run with the sentence that says where it stands."""
    use_settings(alert_urls="nonsense")
    with pytest.raises(dg.Failure) as failure:
        _tick(instance)
    assert "BIOSENSE_ALERT_URLS" in str(failure.value.description)
    result = run_job(instance, "alert_job", raise_on_error=False)
    assert not result.success


def test_no_second_run_and_no_hurry_after_failures(
    told_of: Database, instance: dg.DagsterInstance, use_settings: Use
) -> None:
    """While a run is in flight, or has just failed, the sensor asks for none."""
    use_settings(alert_urls="json://127.0.0.1:9/")
    run = instance.add_run(dg.DagsterRun(job_name="alert_job", status=dg.DagsterRunStatus.STARTING))
    assert _skipped(instance) == "Messages are due; a run is in flight."
    instance.delete_run(run.run_id)
    instance.add_run(dg.DagsterRun(job_name="alert_job", status=dg.DagsterRunStatus.FAILURE))
    assert _skipped(instance) == "Messages are due; the last run failed, the next is due soon."


def _tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    with dg.build_sensor_context(instance=instance) as context:
        evaluated = alert_sensor(context, database=DatabaseResource())
    return [evaluated] if isinstance(evaluated, dg.RunRequest) else []


def _skipped(instance: dg.DagsterInstance) -> str:
    with dg.build_sensor_context(instance=instance) as context:
        evaluated = alert_sensor(context, database=DatabaseResource())
    assert isinstance(evaluated, dg.SkipReason)
    return str(evaluated.skip_message)


def _change_deliveries(database: Database, **values: datetime) -> None:
    database.write(lambda connection: connection.execute(update(AlertDelivery).values(**values)))
