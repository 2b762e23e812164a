"""Today: who is on the page, in which order, and what the strips say."""

from datetime import timedelta

import pytest

from biosense_pipeline.codes import Role, Status, StillResult, TrainingResult
from biosense_pipeline.desk.pages.today import described
from biosense_pipeline.store.views.strips import CELL, Cell
from biosense_pipeline_tests.desk.conftest import Desk
from biosense_pipeline_tests.desk.reading import rows_of
from biosense_pipeline_tests.store.rows import AGENT, HOUR, OTHER, enter_finished, enter_training
from biosense_pipeline_tests.store.views.rows import decide_training

UNKNOWN = StillResult.UNKNOWN_PERSON
MINUTE = timedelta(minutes=1)


def test_open_findings_come_first(desk: Desk) -> None:
    """Agents with open findings stand before the others, each group by name; their number is told."""
    for lan_id, name in (("NA\\a", "Ann"), ("NA\\b", "Bob"), ("NA\\c", "Cat"), ("NA\\d", "Dan")):
        desk.employee(lan_id, display_name=name)
    for lan_id in ("NA\\d", "na\\C", "NA\\c"):
        enter_finished(desk.database, lan_id, HOUR, UNKNOWN)
    enter_finished(desk.database, "NA\\a", HOUR)
    page = desk.signed_in().get("/").text
    assert [heading.split()[0] for heading in rows_of(page).headings] == ["Cat", "Dan", "Ann", "Bob"]
    assert "Review 3 open findings" in page
    assert "2 open findings" in page


def test_strip_tells_the_hour_in_words_and_signs(desk: Desk) -> None:
    """A strip has twelve cells with the tone of their worst outcome, and says the same to those who do not see it."""
    desk.employee(AGENT)
    for minute, result in ((0, "SUCCESS"), (6, "UNKNOWN_PERSON"), (11, "NO_FACES_FOUND"), (59, "SUCCESS")):
        enter_finished(desk.database, AGENT, HOUR + minute * MINUTE, result)
    page = desk.signed_in().get("/").text
    rows = rows_of(page)
    assert rows.labels == ["Unknown person 09:05; no faces found 09:10; otherwise success"]
    assert rows.tones[0] == ["good", "alarm", "quiet", *["empty"] * 8, "good"]
    assert "Nothing was captured in the last hour" in page
    assert "2026-03-02, 09:00 to 10:00" in page
    assert "2026-03-02 09:59:00" in page


def test_described_strips() -> None:
    """Many times of one result are cut short, what waits is said, and an empty hour says so."""
    cells = [Cell(HOUR + number * CELL, 1, UNKNOWN) for number in range(6)]
    assert described(cells) == "Unknown person 09:00, 09:05, 09:10, 09:15 and later"
    assert described([Cell(HOUR, 2, None), Cell(HOUR + CELL, 1, StillResult.SUCCESS)]) == (
        "Not processed yet 09:00; otherwise success"
    )
    assert described([Cell(HOUR, 1, StillResult.SUCCESS)]) == "Success"
    assert described([Cell(HOUR)]) == "No stills"


def test_another_moment(sqlite_desk: Desk) -> None:
    """`?at=` shows the hour up to it; what is no moment is left out, and no error."""
    sqlite_desk.employee(AGENT)
    enter_finished(sqlite_desk.database, AGENT, HOUR, UNKNOWN)
    browser = sqlite_desk.signed_in()
    page = browser.get("/?at=2026-03-02T09:30").text
    assert rows_of(page).labels == ["Unknown person 09:00"]
    assert "Nothing was captured in the last hour" not in page
    assert rows_of(browser.get("/?at=2026-03-02T11:30").text).labels == ["No stills"]
    for at in ("yesterday", "2026-13-01", "9999-12-31T23:59", "0001-01-01", "2026-03-02T09:30:00+05:00", "' OR 1=1"):
        assert browser.get("/", params={"at": at}).status_code == 200


def test_search_and_pages(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search finds LAN ids and names; long lists come in pages, and a page beyond the last is the last."""
    monkeypatch.setattr("biosense_pipeline.desk.pages.today.A_PAGE", 2)
    for number in range(5):
        sqlite_desk.employee(f"NA\\agent{number}", display_name=f"Name {number}", team_lead=f"team{number % 2}")
    sqlite_desk.employee("NA\\gone", display_name="Gone", active=False)
    browser = sqlite_desk.signed_in()
    shown = [rows_of(browser.get(f"/?page={page}").text).headings for page in (1, 2, 3)]
    assert [heading.split()[1] for page in shown for heading in page] == ["0", "1", "2", "3", "4"]
    assert rows_of(browser.get("/?page=99").text).headings == shown[2]
    assert rows_of(browser.get("/?page=x").text).headings == shown[0]
    assert [h.split()[1] for h in rows_of(browser.get("/?q=AGENT3").text).headings] == ["3"]
    assert [h.split()[1] for h in rows_of(browser.get("/?team=team1").text).headings] == ["1", "3"]
    assert "no longer active" in browser.get("/?q=gone").text
    assert "No agent of that name" in browser.get("/?q=nobody").text


def test_lead_sees_own_team_only(desk: Desk) -> None:
    """A lead's page has the own team's agents and findings, whatever team is asked for."""
    desk.employee(AGENT, "east", display_name="Ann")
    desk.employee(OTHER, "west", display_name="Bob")
    for lan_id in (AGENT, OTHER, OTHER):
        enter_finished(desk.database, lan_id, HOUR, UNKNOWN)
    page = desk.signed_in(Role.TEAM_LEAD, "east").get("/").text
    assert "Ann" in page
    assert "Bob" not in page
    assert "Review 1 open finding<" in page
    other = desk.signed_in(Role.TEAM_LEAD, "west", "lead2").get("/?team=east").text
    assert "Ann" not in other


def test_what_is_to_do_for_an_agent(desk: Desk) -> None:
    """A missing benchmark, one that failed and a training image that waits are told."""
    for lan_id in ("NA\\none", "NA\\waits", "NA\\failed", "NA\\fine"):
        desk.employee(lan_id)
    waits, failed, fine = enter_training(desk.database, "NA\\waits", "na\\FAILED", "NA\\fine")
    decide_training(desk.database, waits, Status.CLAIMED, TrainingResult.AWAITING_APPROVAL, 1)
    decide_training(desk.database, failed, Status.FAILED, TrainingResult.POOR, 1)
    decide_training(desk.database, fine, Status.PROCESSED, TrainingResult.ONE_FACE, 1)
    browser = desk.signed_in()

    def told(name: str) -> list[str]:
        page = browser.get(f"/?q={name}").text
        table = page.partition("<tbody>")[2].partition("</tbody>")[0]
        return [
            word for word in ("No benchmark", "Training image to approve", "Training image failed") if word in table
        ]

    assert told("none") == ["No benchmark"]
    assert told("waits") == ["No benchmark", "Training image to approve"]
    assert told("failed") == ["Training image failed"]
    assert told("fine") == []


def test_names_are_escaped(sqlite_desk: Desk) -> None:
    """HTML in a LAN id, a name, a team or a search stands on the page as it was written, and runs nowhere."""
    evil = '<script>alert("x")</script>'
    sqlite_desk.employee(f"NA\\{evil}", f"team {evil}", display_name=f'"><img src=x onerror=alert(1)>{evil}')
    enter_finished(sqlite_desk.database, f"NA\\{evil}", HOUR, UNKNOWN)
    page = sqlite_desk.signed_in().get("/", params={"q": evil, "team": f"team {evil}"}).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "<img" not in page
    assert rows_of(page).labels == ["Unknown person 09:00"]


def test_viewer_sees_strips_and_no_pictures(sqlite_desk: Desk) -> None:
    """A viewer has the page of all agents, without a way to decide."""
    sqlite_desk.employee(AGENT, "east")
    enter_finished(sqlite_desk.database, AGENT, HOUR, UNKNOWN)
    page = sqlite_desk.signed_in(Role.VIEWER).get("/").text
    assert rows_of(page).labels == ["Unknown person 09:00"]
    assert "1 open finding" in page
    assert "<img" not in page
    assert "Review 1" not in page


def test_empty_database(desk: Desk) -> None:
    """Before the first agent the page says so."""
    page = desk.signed_in().get("/").text
    assert "No agent has been registered yet" in page


def test_nobody_signed_in(sqlite_desk: Desk) -> None:
    """Without a session there is no page."""
    sqlite_desk.user("ada")
    for path in ("/", "/agents/1", "/review", "/hours", "/hours.csv"):
        answer = sqlite_desk.browser().get(path)
        assert (answer.status_code, "/sign-in" in answer.headers["location"]) == (303, True)
