"""Alerts from incident to receiver: once each, again after failures, and none where none should be."""

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.alerts.view import failing_deliveries
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import AlertDelivery
from biosense_pipeline.workflows.alerts.channels import Channel, channels
from biosense_pipeline.workflows.alerts.deliver import AlertReport, back_off, deliver_alerts
from biosense_pipeline.workflows.alerts.message import Message
from biosense_pipeline.workflows.alerts.sender import AppriseSender
from biosense_pipeline_tests.alerting import (
    SECRETS,
    Webhook,
    change_incident,
    delivery_rows,
    enter_agent,
    enter_incident,
    mail_server,
    webhook,
)
from biosense_pipeline_tests.store.rows import AGENT, at_once

NINE = datetime(2026, 3, 2, 9)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Alerting:
    """Delivers to a webhook at times that the test gives, as minutes after nine."""

    def __init__(self, database: Database, hook: Webhook, use_settings: Callable[..., Settings]) -> None:
        self.database, self.hook, self._use = database, hook, use_settings

    def run(self, minutes: float = 0, **values: Any) -> AlertReport:
        """One run of the delivery."""
        settings = self._use(**{"alert_urls": self.hook.url, "desk_url": "https://desk.example.com", **values})
        sender = AppriseSender(channels(settings), settings.alert_timeout_seconds)
        now = (NINE + minutes * MINUTE).replace(tzinfo=UTC)
        return deliver_alerts(self.database, settings, now, sender, monotonic=lambda: 0.0)

    @property
    def titles(self) -> list[str]:
        """The titles that arrived."""
        return [body["title"] for body in self.hook.bodies]

    @property
    def ids(self) -> list[str]:
        """The message ids that arrived."""
        return [body["message"].splitlines()[-1].removeprefix("biosense-incident-") for body in self.hook.bodies]


@pytest.fixture
def alerting(database: Database, use_settings: Callable[..., Settings]) -> Iterator[Alerting]:
    """Delivery to a webhook, on each server in turn."""
    with webhook() as hook:
        yield Alerting(database, hook, use_settings)


@pytest.fixture
def sqlite_alerting(sqlite_database: Database, use_settings: Callable[..., Settings]) -> Iterator[Alerting]:
    """The same on an embedded database, for what does not depend on the server."""
    with webhook() as hook:
        yield Alerting(sqlite_database, hook, use_settings)


def test_incident_is_told_once(alerting: Alerting) -> None:
    """An incident is told when it opens and when it is over, once each however often the delivery runs."""
    agent = enter_agent(alerting.database, team_lead="east", display_name="Ann Example", employee_number=4711)
    incident = enter_incident(alerting.database, agent, NINE, first_still_id=77)
    assert [alerting.run(minute).delivered for minute in (0, 1, 2)] == [1, 0, 0]
    change_incident(alerting.database, incident, closed=NINE + 5 * MINUTE, stills=30)
    assert [alerting.run(minute).delivered for minute in (10, 34, 35, 60)] == [0, 0, 1, 0]
    assert alerting.titles == [f"Please look: {AGENT}, print", f"Over: {AGENT}, print"]
    opened, closed = (body["message"] for body in alerting.hook.bodies)
    assert f"https://desk.example.com/agents/{agent}?still=77" in opened
    assert "from 2026-03-02 09:00 to 2026-03-02 09:05 (UTC), 30 stills." in closed
    assert alerting.ids == [f"{incident}-opened", f"{incident}-closed"]
    assert [(row.attempts, row.delivered is not None) for row in delivery_rows(alerting.database)] == [(1, True)] * 2
    assert not any(word in opened + closed for word in ("Ann Example", "4711"))


def test_flapping_incident_is_one_message(sqlite_alerting: Alerting) -> None:
    """An agent who comes and goes for an hour is told of once, and once that it is over, with the whole span."""
    agent = enter_agent(sqlite_alerting.database)
    for minute in range(0, 60, 10):
        opened = NINE + minute * MINUTE
        incident = enter_incident(sqlite_alerting.database, agent, opened, species="ABSENT", stills=5)
        sqlite_alerting.run(minute)
        change_incident(sqlite_alerting.database, incident, closed=opened + 4 * MINUTE)
        sqlite_alerting.run(minute + 5)
    assert sqlite_alerting.titles == [f"Please look: {AGENT}, absent"]
    sqlite_alerting.run(120)
    assert sqlite_alerting.titles[1:] == [f"Over: {AGENT}, absent"]
    assert "09:00 to 2026-03-02 09:54 (UTC), 30 stills" in sqlite_alerting.hook.bodies[1]["message"]


def test_failures_are_repeated_with_back_off(alerting: Alerting) -> None:
    """While the receiver fails, attempts come at doubling intervals; the first that succeeds is the last."""
    enter_incident(alerting.database, enter_agent(alerting.database), NINE)
    alerting.hook.answers = [500] * 5
    tried = [minute for minute in range(40) if (report := alerting.run(minute)).failures or report.delivered]
    assert tried == [0, 1, 3, 7, 15, 31]
    assert len(alerting.hook.bodies) == 6
    (row,) = delivery_rows(alerting.database)
    assert (row.attempts, row.last_error, row.delivered) == (6, None, NINE + 31 * MINUTE)
    assert len(set(alerting.ids)) == 1


def test_failure_of_an_hour_is_listed(alerting: Alerting) -> None:
    """A message that fails for an hour is listed with its reason, and given up after a day."""
    enter_incident(alerting.database, enter_agent(alerting.database), NINE)
    alerting.hook.answers = [503] * 1000
    for minute in range(0, 60, 5):
        alerting.run(minute)
    assert failing_deliveries(alerting.database, NINE + 59 * MINUTE) == []
    (failing,) = failing_deliveries(alerting.database, NINE + HOUR)
    assert failing.last_error == "the server answered 503 Service Unavailable"
    attempts = len(alerting.hook.bodies)
    report = alerting.run(24 * 60 + 1)
    assert (report.given_up, report.failures, len(alerting.hook.bodies)) == (1, [], attempts)
    (failing,) = failing_deliveries(alerting.database, NINE + 25 * HOUR)
    assert failing.next_attempt is None


def test_no_alert_for_the_test_number(alerting: Alerting) -> None:
    """Nothing is told of employee number 99999999, of inactive agents and of withdrawn incidents."""
    for lan_id, values in (("NA\\test", {"employee_number": 99999999}), ("NA\\gone", {"active": False})):
        enter_incident(alerting.database, enter_agent(alerting.database, lan_id, **values), NINE)
    agent = enter_agent(alerting.database)
    enter_incident(alerting.database, agent, NINE, withdrawn=NINE)
    late = enter_incident(alerting.database, agent, NINE + MINUTE, species="LOOP")
    alerting.hook.answers = [500]
    assert len(alerting.run(1).failures) == 1
    change_incident(alerting.database, late, withdrawn=NINE)
    assert alerting.run(10) == AlertReport(channels=1)
    assert len(alerting.hook.bodies) == 1


def test_each_channel_for_itself(alerting: Alerting) -> None:
    """A channel that fails keeps no message from another, and is left alone for the rest of the run."""
    agent = enter_agent(alerting.database)
    for minute in range(3):
        enter_incident(alerting.database, agent, NINE + minute * MINUTE, species=("PRINT", "LOOP", "ABSENT")[minute])
    with mail_server() as mails:
        alerting.hook.answers = [500]
        report = alerting.run(3, alert_urls=f"{alerting.hook.url},{mails.url}")
        assert (report.channels, report.entered, report.delivered, len(report.failures)) == (2, 6, 3, 1)
        assert [mail["Subject"] for mail in mails.mails] == [
            f"Please look: {AGENT}, {word}" for word in ("print", "loop", "absent")
        ]
    assert len(alerting.hook.bodies) == 1
    assert alerting.run(3).delivered == 2


def test_processes_at_once_send_once(alerting: Alerting) -> None:
    """Several deliveries at the same moment send each message once."""
    agent = enter_agent(alerting.database)
    for minute in range(3):
        enter_incident(alerting.database, agent, NINE + minute * HOUR, NINE + minute * HOUR + MINUTE)
    settings_first = alerting.run(-600)  # reads the settings, before threads do
    assert settings_first.entered == 3
    reports = at_once(4, lambda _: alerting_run(alerting))
    assert sum(report.delivered for report in reports) + settings_first.delivered == 6
    assert sorted(alerting.ids) == sorted(set(alerting.ids))


def alerting_run(alerting: Alerting) -> AlertReport:
    """A run that reads no settings anew: the environment belongs to all threads."""
    settings = Settings.model_validate({"alert_urls": alerting.hook.url})
    sender = AppriseSender(channels(settings), 20)
    return deliver_alerts(alerting.database, settings, (NINE + 10 * HOUR).replace(tzinfo=UTC), sender)


def test_death_between_sending_and_recording(sqlite_alerting: Alerting) -> None:
    """Who dies after sending leaves the message to be sent again, under the same id, once the claim runs out."""
    database = sqlite_alerting.database
    enter_incident(database, enter_agent(database), NINE)
    settings = Settings.model_validate({"alert_urls": sqlite_alerting.hook.url})
    sender = AppriseSender(channels(settings), 20)

    class Dying:
        def send(self, channel: Channel, message: Message) -> str | None:
            sender.send(channel, message)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver_alerts(database, settings, NINE.replace(tzinfo=UTC), Dying(), monotonic=lambda: 0.0)
    assert [sqlite_alerting.run(minute).delivered for minute in (0, 1, 2)] == [0, 0, 1]
    assert len(set(sqlite_alerting.ids)) == 1
    assert len(sqlite_alerting.ids) == 2


def test_a_run_ends(sqlite_alerting: Alerting) -> None:
    """A run takes no message after a minute, and goes by the time that has passed since it began."""
    agent = enter_agent(sqlite_alerting.database)
    for minute in range(4):
        species = ("PRINT", "LOOP", "ABSENT", "FROZEN")[minute]
        enter_incident(sqlite_alerting.database, agent, NINE + minute * MINUTE, species=species)
    settings = Settings.model_validate({"alert_urls": "json://127.0.0.1"})
    passed = [0.0]

    class Slow:
        def send(self, channel: Channel, message: Message) -> str | None:
            passed[0] += 25
            return None

    now = (NINE + 5 * MINUTE).replace(tzinfo=UTC)
    report = deliver_alerts(sqlite_alerting.database, settings, now, Slow(), monotonic=lambda: passed[0])
    assert report.delivered == 3
    delivered = [row.delivered for row in delivery_rows(sqlite_alerting.database)]
    assert delivered == [NINE + 5 * MINUTE + timedelta(seconds=s) for s in (25, 50, 75)] + [None]


def test_past_is_not_sent(alerting: Alerting) -> None:
    """Incidents that a backfill finds in the past are told of to nobody; a new channel gets what is recent."""
    agent = enter_agent(alerting.database)
    enter_incident(alerting.database, agent, NINE - 30 * HOUR, NINE - 29 * HOUR)
    enter_incident(alerting.database, agent, NINE - 2 * HOUR)
    assert alerting.run().delivered == 1
    assert alerting.run(1, alert_urls=f"{alerting.hook.url}&-new=1").delivered == 1


def test_times_are_local(sqlite_alerting: Alerting) -> None:
    """Incidents carry the capture clients' time: what has just happened there is recent, wherever that is."""
    agent = enter_agent(sqlite_alerting.database)
    enter_incident(sqlite_alerting.database, agent, NINE + 9 * HOUR, NINE + 9 * HOUR + MINUTE)
    zone = {"timezone": "Asia/Tokyo"}
    assert [sqlite_alerting.run(minute, **zone).delivered for minute in (0, 30, 31)] == [1, 0, 1]
    assert "since 2026-03-02 18:00 (Asia/Tokyo)" in sqlite_alerting.hook.bodies[0]["message"]


def test_no_secret_is_kept(alerting: Alerting, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever fails, nothing of a URL stands in the table, in the report or in what the root logger is told."""
    enter_incident(alerting.database, enter_agent(alerting.database), NINE)
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        with caplog.at_level(logging.DEBUG), mail_server() as mails:
            mails.refuses_recipients = True
            alerting.hook.answers = [401, 401]
            reports = [alerting.run(minute, alert_urls=f"{alerting.hook.url},{mails.url}") for minute in (0, 1)]
    finally:
        logging.getLogger().removeHandler(handler)
    reports.append(alerting.run(5, alert_urls=f"json://{SECRETS[0]}:{SECRETS[1]}@nowhere.invalid/{SECRETS[2]}"))
    assert [len(report.failures) for report in reports] == [2, 2, 1]
    with alerting.database.read() as connection:
        kept = f"{connection.execute(select(AlertDelivery.__table__)).all()}"
    assert "401" in kept
    assert "nowhere" not in kept
    assert not any(secret in f"{kept}{reports}{said}" for secret in SECRETS)


def test_nothing_to_do(sqlite_alerting: Alerting, tmp_path: Path) -> None:
    """Without channels nothing is entered; with a template that is none nothing is sent."""
    enter_incident(sqlite_alerting.database, enter_agent(sqlite_alerting.database), NINE)
    assert sqlite_alerting.run(alert_urls="") == AlertReport()
    (tmp_path / "template").write_text("{{ nonsense }}")
    with pytest.raises(WrongUse, match="BIOSENSE_ALERT_TEMPLATE"):
        sqlite_alerting.run(alert_template=tmp_path / "template")
    assert delivery_rows(sqlite_alerting.database) == []


def test_back_off(use_settings: Callable[..., Settings]) -> None:
    """The wait doubles from the first to the longest, and no number of attempts is too many."""
    settings = use_settings(alert_retry_seconds=10, alert_retry_longest_minutes=2)
    waits = [back_off(settings, attempt).total_seconds() for attempt in (1, 2, 3, 4, 5, 6, 10**6)]
    assert waits == [10, 20, 40, 80, 120, 120, 120]
