"""The desk says when alerts do not arrive: to those who rely on them, about their own agents."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from biosense_pipeline.codes import AlertEvent, Role
from biosense_pipeline.store.alerts.deliveries import claim_delivery, enter_deliveries, record_failure
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline_tests.alerting import SECRETS, TOKEN, USER, enter_incident
from biosense_pipeline_tests.desk.conftest import NOW, Desk
from biosense_pipeline_tests.store.rows import AGENT, OTHER

NAIVE = NOW.replace(tzinfo=None)
URL = f"json://{USER}@example.com/{TOKEN}"
NOTICE = "Alerts do not arrive"


@pytest.fixture
def failing(sqlite_database: Database, make_desk: Callable[..., Desk]) -> Desk:
    """A desk two hours after messages of two teams failed."""
    desk = make_desk(sqlite_database, alert_urls=URL)
    (channel,) = channels(desk.app.state.settings)
    entered = NAIVE - timedelta(hours=2)
    for lan_id, team in ((AGENT, "east"), (OTHER, "<b>west</b>")):
        incident = enter_incident(desk.database, desk.employee(lan_id, team), entered)
        enter_deliveries(desk.database, [(incident, AlertEvent.OPENED)], [channel.name], entered)
    claimed = claim_delivery(desk.database, [channel.name], entered, timedelta(minutes=1))
    assert claimed is not None
    record_failure(desk.database, claimed, "the server answered 500 <b>", NAIVE)
    return desk


def test_admin_sees_all(failing: Desk) -> None:
    """An admin sees how many messages fail on which channel, and why; the URL is not on the page."""
    page = failing.signed_in().get("/").text
    assert NOTICE in page
    assert "2 messages for an hour or longer" in page
    assert "json-" in page
    assert not any(secret in page for secret in SECRETS)


def test_lead_sees_the_own_team(failing: Desk) -> None:
    """A lead sees what fails about the own agents, and nothing about others."""
    page = failing.signed_in(Role.TEAM_LEAD, "east").get("/").text
    assert "1 message for an hour or longer (the server answered 500 &lt;b&gt;)" in page
    assert NOTICE not in failing.signed_in(Role.TEAM_LEAD, "north", "north").get("/").text


def test_viewer_sees_none(failing: Desk) -> None:
    """Who decides nothing is told of no alert."""
    assert NOTICE not in failing.signed_in(Role.VIEWER).get("/").text


def test_channel_that_is_gone(sqlite_database: Database, failing: Desk, make_desk: Callable[..., Desk]) -> None:
    """A channel that was taken out of the settings is not shown; where those cannot be read, all are."""
    assert NOTICE not in make_desk(sqlite_database, alert_urls="").signed_in().get("/").text
    page = make_desk(sqlite_database, alert_urls=f"{TOKEN}").signed_in(name="second").get("/")
    assert page.status_code == 200
    assert NOTICE in page.text


def test_within_the_hour(failing: Desk) -> None:
    """Before an hour has passed there is no notice."""
    failing.now[0] = NOW - timedelta(hours=1, seconds=1)
    assert NOTICE not in failing.signed_in().get("/").text
