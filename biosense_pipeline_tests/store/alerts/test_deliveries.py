"""Messages in the store: entered once, claimed by one, tried again, and listed where they fail."""

from datetime import datetime, timedelta

import pytest

from biosense_pipeline.codes import AlertEvent
from biosense_pipeline.store.alerts.alertable import TEST_EMPLOYEE_NUMBER, alertable_incidents
from biosense_pipeline.store.alerts.deliveries import (
    claim_delivery,
    enter_deliveries,
    give_up,
    message_due,
    record_delivered,
    record_failure,
)
from biosense_pipeline.store.alerts.view import failing_deliveries, recent_deliveries
from biosense_pipeline.store.database import Database
from biosense_pipeline_tests.alerting import change_incident, delivery_rows, enter_agent, enter_incident
from biosense_pipeline_tests.store.rows import AGENT, OTHER, at_once

NOW = datetime(2026, 3, 2, 9)
LEASE, HOUR = timedelta(minutes=2), timedelta(hours=1)
OPENED, CLOSED = AlertEvent.OPENED, AlertEvent.CLOSED
ONE = ("json-1",)


@pytest.fixture
def incident(database: Database) -> int:
    """An incident of an agent."""
    return enter_incident(database, enter_agent(database, team_lead="east"), NOW)


def test_each_message_is_entered_once(database: Database, incident: int) -> None:
    """One row per event and channel, however often and by however many at once they are entered."""
    to = ("json-1", "mailto-2")
    at_once(4, lambda _: enter_deliveries(database, [(incident, OPENED)], to, NOW))
    assert enter_deliveries(database, [(incident, OPENED), (incident, CLOSED)], to, NOW + HOUR) == 2
    rows = [(row.event, row.channel, row.created) for row in delivery_rows(database)]
    assert sorted(rows) == [
        ("closed", "json-1", NOW + HOUR),
        ("closed", "mailto-2", NOW + HOUR),
        ("opened", "json-1", NOW),
        ("opened", "mailto-2", NOW),
    ]
    assert enter_deliveries(database, [], to, NOW) == 0


def test_message_is_claimed_by_one(database: Database, incident: int) -> None:
    """Of several who claim at the same moment each message goes to one."""
    change_incident(database, incident, closed=NOW + HOUR)
    enter_deliveries(database, [(incident, OPENED), (incident, CLOSED)], ONE, NOW)
    taken = at_once(6, lambda _: claim_delivery(database, ONE, NOW, LEASE))
    assert sorted(claimed.event for claimed in taken if claimed) == [CLOSED, OPENED]
    assert [row.attempts for row in delivery_rows(database)] == [1, 1]


def test_claim_holds_what_the_message_needs(database: Database, incident: int) -> None:
    """A claimed message comes with its incident and agent."""
    enter_deliveries(database, [(incident, OPENED)], ONE, NOW)
    claimed = claim_delivery(database, ONE, NOW, LEASE)
    assert claimed is not None
    assert (claimed.incident_id, claimed.event, claimed.channel, claimed.attempt) == (incident, OPENED, "json-1", 1)
    assert (claimed.lan_id, claimed.team, claimed.species, claimed.stills) == (AGENT, "east", "PRINT", 12)
    assert (claimed.opened, claimed.closed) == (NOW, None)


def test_claim_runs_out(database: Database, incident: int) -> None:
    """Who dies between sending and recording leaves a message that is due again when the claim runs out."""
    enter_deliveries(database, [(incident, OPENED)], ONE, NOW)
    first = claim_delivery(database, ONE, NOW, LEASE)
    assert claim_delivery(database, ONE, NOW + LEASE - timedelta(seconds=1), LEASE) is None
    second = claim_delivery(database, ONE, NOW + LEASE, LEASE)
    assert first is not None
    assert second is not None
    assert (second.id, second.attempt) == (first.id, 2)
    record_failure(database, first, "late", NOW)
    (row,) = delivery_rows(database)
    assert (row.last_error, row.next_attempt) == (None, NOW + 2 * LEASE)
    record_delivered(database, first, NOW)
    record_failure(database, second, "no", NOW)
    (row,) = delivery_rows(database)
    assert (row.delivered, row.next_attempt, row.last_error) == (NOW, None, None)
    assert claim_delivery(database, ONE, NOW + HOUR, LEASE) is None


def test_failed_message_waits(database: Database, incident: int) -> None:
    """A failure keeps its reason, and the message is due again at the given time; others are due before."""
    enter_deliveries(database, [(incident, OPENED)], ONE, NOW)
    claimed = claim_delivery(database, ONE, NOW, LEASE)
    assert claimed is not None
    record_failure(database, claimed, "the server answered 500", NOW + HOUR)
    (row,) = delivery_rows(database)
    assert (row.last_error, row.attempts, row.delivered) == ("the server answered 500", 1, None)
    change_incident(database, incident, closed=NOW)
    enter_deliveries(database, [(incident, CLOSED)], ONE, NOW)
    again = [claim_delivery(database, ONE, NOW + HOUR, LEASE) for _ in range(3)]
    assert [claimed and claimed.event for claimed in again] == [CLOSED, OPENED, None]


def test_only_the_channels_asked_for(database: Database, incident: int) -> None:
    """Messages to channels that are not there any more are left alone."""
    enter_deliveries(database, [(incident, OPENED)], ("gone-1",), NOW)
    assert claim_delivery(database, ONE, NOW, LEASE) is None
    assert claim_delivery(database, (), NOW, LEASE) is None


@pytest.mark.parametrize("values", [{"employee_number": TEST_EMPLOYEE_NUMBER}, {"active": False}])
def test_agents_of_whom_nothing_is_told(database: Database, values: dict[str, object]) -> None:
    """Nothing is told of the employee number for tests, nor of who is not active; numbers and none are told of."""
    silent = enter_incident(database, enter_agent(database, "NA\\silent", **values), NOW)
    told = [enter_incident(database, enter_agent(database, f"NA\\{n}", employee_number=n), NOW) for n in (5, None)]
    assert [incident.id for incident in alertable_incidents(database, NOW)] == told
    enter_deliveries(database, [(silent, OPENED)], ONE, NOW)
    assert claim_delivery(database, ONE, NOW, LEASE) is None
    assert failing_deliveries(database, NOW + 2 * HOUR) == []


def test_withdrawn_incident_is_not_sent(database: Database, incident: int) -> None:
    """A message about an incident that is withdrawn meanwhile stays, and is due again where it is found again."""
    enter_deliveries(database, [(incident, OPENED)], ONE, NOW)
    change_incident(database, incident, withdrawn=NOW)
    assert claim_delivery(database, ONE, NOW, LEASE) is None
    assert failing_deliveries(database, NOW + 2 * HOUR) == []
    assert [(found.withdrawn, found.told) for found in alertable_incidents(database, NOW)] == [(True, False)]
    change_incident(database, incident, withdrawn=None)
    assert claim_delivery(database, ONE, NOW, LEASE) is not None


def test_end_is_not_told_of_what_goes_on(database: Database, incident: int) -> None:
    """That an incident is over is not sent, and fails nobody, where late stills opened it again."""
    change_incident(database, incident, closed=NOW)
    enter_deliveries(database, [(incident, CLOSED)], ONE, NOW)
    assert message_due(database, ONE, NOW)
    change_incident(database, incident, closed=None)
    assert not message_due(database, ONE, NOW)
    assert claim_delivery(database, ONE, NOW, LEASE) is None
    assert failing_deliveries(database, NOW + 2 * HOUR) == []


def test_incidents_know_what_was_told(database: Database, incident: int) -> None:
    """An entered beginning counts as told, an end only once it arrived; old incidents are left out."""
    agent = enter_agent(database, OTHER)
    enter_incident(database, agent, NOW - 5 * HOUR, NOW - HOUR)
    assert [(found.id, found.told, found.told_over) for found in alertable_incidents(database, NOW)] == [
        (incident, False, False)
    ]
    change_incident(database, incident, closed=NOW + HOUR)
    enter_deliveries(database, [(incident, OPENED), (incident, CLOSED)], ONE, NOW)
    assert [(found.told, found.told_over) for found in alertable_incidents(database, NOW)] == [(True, False)]
    for _ in range(2):
        claimed = claim_delivery(database, ONE, NOW, LEASE)
        assert claimed is not None
        record_delivered(database, claimed, NOW)
    assert [(found.told, found.told_over) for found in alertable_incidents(database, NOW)] == [(True, True)]
    change_incident(database, incident, withdrawn=NOW)
    assert [(found.told, found.told_over) for found in alertable_incidents(database, NOW)] == [(True, True)]


def test_failing_after_an_hour(database: Database, incident: int) -> None:
    """What has not arrived after an hour is listed, tried or not, until it arrives or a week has passed."""
    enter_deliveries(database, [(incident, OPENED)], ("json-1", "json-2"), NOW)
    assert failing_deliveries(database, NOW + HOUR - timedelta(seconds=1)) == []
    claimed = claim_delivery(database, ONE, NOW, LEASE)
    assert claimed is not None
    record_failure(database, claimed, "no", NOW + HOUR)
    listed = failing_deliveries(database, NOW + HOUR)
    assert [(found.channel, found.attempts, found.last_error) for found in listed] == [
        ("json-1", 1, "no"),
        ("json-2", 0, None),
    ]
    assert [found.channel for found in failing_deliveries(database, NOW + HOUR, channels=["json-2"])] == ["json-2"]
    record_delivered(database, claimed, NOW + HOUR)
    assert [found.channel for found in failing_deliveries(database, NOW + HOUR)] == ["json-2"]
    assert failing_deliveries(database, NOW + timedelta(days=7)) == []


def test_failing_by_team(database: Database, incident: int) -> None:
    """A team's list has its own agents', and the team's name is compared to the letter."""
    other = enter_incident(database, enter_agent(database, OTHER, team_lead="East"), NOW)
    enter_deliveries(database, [(incident, OPENED), (other, OPENED)], ONE, NOW)
    for team, own in (("east", [incident]), ("East", [other]), ("west", []), (None, [incident, other])):
        assert [found.incident_id for found in failing_deliveries(database, NOW + HOUR, team=team)] == own


def test_giving_up(database: Database, incident: int) -> None:
    """What is too old is tried no more, and stays listed as failing."""
    enter_deliveries(database, [(incident, OPENED)], ONE, NOW)
    assert give_up(database, NOW) == 0
    assert give_up(database, NOW + HOUR) == 1
    assert give_up(database, NOW + HOUR) == 0
    assert claim_delivery(database, ONE, NOW + HOUR, LEASE) is None
    assert [found.next_attempt for found in failing_deliveries(database, NOW + HOUR)] == [None]


def test_recent_messages(database: Database, incident: int) -> None:
    """The newest messages come first, with whom they are about."""
    enter_deliveries(database, [(incident, OPENED)], ("json-1", "json-2", "json-3"), NOW)
    assert [(found.channel, found.lan_id) for found in recent_deliveries(database, 2)] == [
        ("json-3", AGENT),
        ("json-2", AGENT),
    ]
