"""`biosense alerts`: trying out, sending and looking, with exit codes that a script can go by."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.alerts.deliveries import enter_deliveries
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.workbench import naive_utc_now
from biosense_pipeline_tests.alerting import (
    SECRETS,
    TOKEN,
    delivery_rows,
    enter_agent,
    enter_incident,
    mail_server,
    webhook,
)
from biosense_pipeline_tests.cli.conftest import Done, Run
from biosense_pipeline_tests.store.rows import AGENT


@pytest.fixture
def database(run: Run, tmp_path: Path) -> Database:
    """The database of the commands, migrated."""
    assert run("db", "upgrade").returncode == 0
    return Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")


def discreet(done: Done) -> Done:
    """The same, if nothing secret stands in its output."""
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)
    assert "Traceback" not in done.stderr
    return done


def test_test_tells_each_channel(run: Run) -> None:
    """Each channel gets a test message; where one fails, the reason is told and the exit code is 1."""
    with webhook() as hook, mail_server() as mails:
        done = discreet(run("alerts", "test", alert_urls=f"{hook.url},{mails.url}"))
        assert done.returncode == 0
        assert done.stdout.count(" ok ") == 2
        assert hook.bodies[0]["title"] == mails.mails[0]["Subject"] == "biosense: a test"
        hook.answers = [403]
        done = discreet(run("alerts", "test", "--json", alert_urls=f"{hook.url},{mails.url}"))
        assert done.returncode == 1
        first, second = json.loads(done.stdout)["channels"]
        assert (first["ok"], first["reason"]) == (False, "the server answered 403 Forbidden")
        assert (second["ok"], second["reason"]) == (True, None)
        assert len(mails.mails) == 2


@pytest.mark.parametrize("command", ["test", "send"])
def test_without_channels(run: Run, command: str) -> None:
    """Where no channel is set, there is nothing to test or send, and that is wrong use."""
    done = discreet(run("alerts", command))
    assert (done.returncode, "BIOSENSE_ALERT_URLS" in done.stderr) == (2, True)


@pytest.mark.parametrize("urls", [TOKEN, f"nosuch://{TOKEN}", f"json://h,json://h2 {TOKEN}"])
def test_wrong_url(run: Run, urls: str) -> None:
    """A URL that cannot be meant is wrong use, and is not repeated."""
    done = discreet(run("alerts", "test", alert_urls=urls))
    assert (done.returncode, "position" in done.stderr, done.stdout) == (2, True, "")


def test_send_and_status(run: Run, database: Database) -> None:
    """What is due is sent once; the list tells what arrived and what fails."""
    now = naive_utc_now()
    enter_incident(database, enter_agent(database), now - timedelta(minutes=1))
    assert "No message has been due yet" in run("alerts", "status").stdout
    with webhook() as hook:
        hook.answers = [500]
        settings = {"alert_urls": hook.url, "alert_retry_seconds": 0.001}
        done = discreet(run("alerts", "send", **settings))
        assert (done.returncode, "the server answered 500" in done.stdout) == (1, True)
        (row,) = delivery_rows(database)
        assert "the server answered 500" in discreet(run("alerts", "status", **settings)).stdout
        sent = [json.loads(discreet(run("alerts", "send", "--json", **settings)).stdout) for _ in range(2)]
        assert [report["delivered"] for report in sent] == [1, 0]
        assert len(hook.bodies) == 2
    done = discreet(run("alerts", "status", "--json", alert_urls=hook.url))
    told = json.loads(done.stdout)
    assert (told["channels"], told["failing"]) == ([row.channel], [])
    assert (told["recent"][0]["lan_id"], told["recent"][0]["attempts"]) == (AGENT, 2)
    assert told["recent"][0]["delivered"] is not None


def test_status_lists_what_fails(run: Run, database: Database) -> None:
    """A message that has not arrived for an hour is listed as failing; the exit code is 0."""
    incident = enter_incident(database, enter_agent(database), datetime(2026, 3, 2, 9))
    enter_deliveries(database, [(incident, AlertEvent.OPENED)], ["json-1"], naive_utc_now() - timedelta(hours=2))
    done = run("alerts", "status")
    assert done.returncode == 0
    assert "Not arrived for an hour or longer" in done.stdout
    assert len(json.loads(run("alerts", "status", "--json").stdout)["failing"]) == 1


def test_settings_and_doctor_keep_the_secret(run: Run, database: Database) -> None:
    """The list of settings names the channels; the doctor finds a URL that Apprise does not understand."""
    with webhook() as hook:
        for arguments in (["settings"], ["settings", "--json"], ["doctor"]):
            done = discreet(run(*arguments, alert_urls=hook.url))
            assert "json-" in done.stdout
    done = discreet(run("doctor", "--json", alert_urls=f"nosuch://{TOKEN}"))
    finding = {found["what"]: found for found in json.loads(done.stdout)["findings"]}["alerts"]
    assert (done.returncode, finding["ok"], "nosuch://" in finding["finding"]) == (1, False, True)
