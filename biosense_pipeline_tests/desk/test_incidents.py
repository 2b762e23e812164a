"""Incidents on the desk: the open ones first, whose they are to see, and how each follows from its stills."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from biosense_pipeline.codes import Role
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.incidents import detect_incidents
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.desk.conftest import Desk
from biosense_pipeline_tests.desk.reading import Structure, rows_of
from biosense_pipeline_tests.incident_days import NO_FACE, STEP, SUCCESS, UNKNOWN, enter_results, set_results
from biosense_pipeline_tests.store.rows import AGENT, OTHER

#: Half an hour before the desk's clock says noon.
SHIFT = HOUR + timedelta(hours=2, minutes=30)


@pytest.fixture
def analyse(use_settings: Callable[..., Settings]) -> Callable[[Desk], None]:
    """Looks for incidents in the hours of the shift."""
    settings = use_settings()

    def run(desk: Desk) -> None:
        detect_incidents(desk.database, settings, [HOUR + timedelta(hours=later) for later in (2, 3)])

    return run


def test_open_incidents_come_first(desk: Desk, analyse: Callable[[Desk], None]) -> None:
    """They stand above all on Today, the newest first, and their agents before those with findings alone."""
    for lan_id, name in (("NA\\a", "Ann"), ("NA\\b", "Bob"), ("NA\\c", "Cat"), ("NA\\d", "Dan")):
        desk.employee(lan_id, display_name=name)
    enter_results(desk.database, [UNKNOWN, *[SUCCESS] * 20], "NA\\b", SHIFT)
    enter_results(desk.database, [UNKNOWN] * 8, "NA\\d", SHIFT)
    enter_results(desk.database, [UNKNOWN] * 8, "NA\\c", SHIFT + STEP)
    enter_results(desk.database, [UNKNOWN] * 8 + [SUCCESS] * 8, "NA\\a", SHIFT)
    analyse(desk)
    page = desk.signed_in().get("/").text
    assert "2 open incidents" in page
    listed = rows_of(page).headings
    assert [heading.split()[0] for heading in listed[:2]] == ["Cat", "Dan"]
    assert [heading.split()[0] for heading in listed[2:]] == ["Cat", "Dan", "Ann", "Bob"]
    assert f"{SHIFT + 5 * STEP:%Y-%m-%d %H:%M:%S}" in page


def test_lead_sees_own_teams_incidents_only(desk: Desk, analyse: Callable[[Desk], None]) -> None:
    """Another team's incidents are neither listed nor counted, and its agents' pages are not found."""
    own = desk.employee(AGENT, "east", display_name="Ann")
    other = desk.employee(OTHER, "west", display_name="Bob")
    for lan_id in (AGENT, OTHER):
        enter_results(desk.database, [UNKNOWN] * 8, lan_id, SHIFT)
    analyse(desk)
    browser = desk.signed_in(Role.TEAM_LEAD, "east")
    page = browser.get("/").text
    assert "1 open incident<" in page
    assert "Bob" not in page
    assert "Unknown person" in browser.get(f"/agents/{own}").text
    assert browser.get(f"/agents/{other}").status_code == 404
    assert "2 open incidents" in desk.signed_in(Role.VIEWER).get("/").text


def test_agents_page_tells_how_it_follows(desk: Desk, analyse: Callable[[Desk], None]) -> None:
    """Each step has its still, evidence, discount and sum; the page stays well formed and shows no other picture."""
    employee_id = desk.employee(AGENT)
    ids = enter_results(desk.database, [SUCCESS] * 3 + [UNKNOWN] * 8 + [SUCCESS] * 4 + [UNKNOWN] * 2, AGENT, SHIFT)
    analyse(desk)
    page = desk.signed_in().get(f"/agents/{employee_id}").text
    assert f"{SHIFT + 8 * STEP:%Y-%m-%d %H:%M:%S} to {SHIFT + 13 * STEP:%Y-%m-%d %H:%M:%S}" in page
    steps = page.partition("How this follows")[2].partition("</table>")[0]
    assert steps.count('<th scope="row">') == 11
    assert steps.count("+2.99") == 8
    assert steps.count("-4.55") == 3
    assert f"still={ids[3]}" in steps
    assert "evidence for" in page
    assert "unknown person 4.9 of 12.3" in page
    viewer = desk.signed_in(Role.VIEWER).get(f"/agents/{employee_id}").text
    assert "How this follows" in viewer
    assert "<img" not in viewer
    structure = Structure(viewer)
    assert structure.open == []
    ids_of_page = [attributes["id"] for _, attributes, _ in structure.elements if "id" in attributes]
    assert len(ids_of_page) == len(set(ids_of_page))


def test_withdrawn_and_closed_incidents_are_not_open(sqlite_desk: Desk, analyse: Callable[[Desk], None]) -> None:
    """What a later analysis no longer finds is shown nowhere; what is closed on the agent's page alone."""
    gone, over = sqlite_desk.employee(AGENT), sqlite_desk.employee(OTHER)
    ids = enter_results(sqlite_desk.database, [UNKNOWN] * 8, AGENT, SHIFT)
    enter_results(sqlite_desk.database, [UNKNOWN] * 8 + [SUCCESS] * 8, OTHER, SHIFT)
    analyse(sqlite_desk)
    browser = sqlite_desk.signed_in()
    assert "1 open incident<" in browser.get("/").text
    set_results(sqlite_desk.database, ids, SUCCESS)
    analyse(sqlite_desk)
    assert "open incident<" not in browser.get("/").text
    assert "How this follows" not in browser.get(f"/agents/{gone}").text
    assert "How this follows" in browser.get(f"/agents/{over}").text


def test_old_and_inactive_agents_incidents(sqlite_desk: Desk, analyse: Callable[[Desk], None]) -> None:
    """Incidents of who has left the company are not listed, nor those of more than a month ago."""
    sqlite_desk.employee(AGENT, active=False)
    sqlite_desk.employee(OTHER)
    for lan_id in (AGENT, OTHER):
        enter_results(sqlite_desk.database, [NO_FACE] * 500, lan_id, SHIFT - timedelta(minutes=20))
    analyse(sqlite_desk)
    browser = sqlite_desk.signed_in()
    page = browser.get("/").text
    assert "1 open incident<" in page
    assert "Nobody sits where the agent should" in page
    sqlite_desk.later(days=31)
    # The newest hour with stills is shown, and what was open up to it.
    enter_results(sqlite_desk.database, [SUCCESS], OTHER, SHIFT + timedelta(days=31))
    sqlite_desk.user("later")
    browser = sqlite_desk.browser()
    browser.sign_in("later")
    assert "open incident<" not in browser.get("/").text


def test_agent_without_incidents(sqlite_desk: Desk) -> None:
    """Before any analysis the pages say nothing of incidents."""
    employee_id = sqlite_desk.employee(AGENT)
    browser = sqlite_desk.signed_in()
    for path in ("/", f"/agents/{employee_id}"):
        assert 'id="incidents"' not in browser.get(path).text
