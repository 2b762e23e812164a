"""Hours: the three views, their filters and totals, and a download that no spreadsheet runs."""

import csv
import io
import re
from datetime import datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import insert

from biosense_pipeline.codes import Role, Status, StillResult
from biosense_pipeline.desk.pages.hours import csv_cell
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.pipeline import AgentHourSummary
from biosense_pipeline_tests.desk.conftest import Desk
from biosense_pipeline_tests.store.rows import AGENT, HOUR, OTHER, enter_finished

DAY = timedelta(days=1)


def cells_of(page: str) -> list[list[str]]:
    """The text of the cells of the last table, row by row."""
    body = page.rpartition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [
            " ".join(unescape(re.sub("<[^>]*>", " ", cell)).split())
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
        ]
        for row in re.findall("<tr>.*?</tr>", body, re.S)
    ]


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Two days of two agents in two teams, summed up."""
    desk.employee(AGENT, "east", display_name="Ann")
    desk.employee(OTHER, "west", display_name="Bob")
    for day in (0, 1):
        start = HOUR + day * DAY
        for second in range(3):
            enter_finished(desk.database, AGENT, start + second * timedelta(seconds=1))
        enter_finished(desk.database, OTHER, start, StillResult.UNKNOWN_PERSON)
        enter_finished(desk.database, OTHER, start, "PROCESSING_ERROR", Status.FAILED)
        summarise(desk.database, start, start + timedelta(hours=1))
    return desk


def test_newest_day_is_shown_unasked(filled: Desk) -> None:
    """Without a choice the page has the newest day that was summed up, per agent and hour, and its totals."""
    page = filled.signed_in().get("/hours").text
    assert "Per agent and hour, 2026-03-03" in page
    assert [row[1:2] + row[3:5] for row in cells_of(page)] == [
        [f"Bob {OTHER}", "Processing error", "1"],
        [f"Bob {OTHER}", "Unknown person", "1"],
        [f"Ann {AGENT}", "Success", "3"],
    ]
    assert "5 stills of 1 day: 60.0 % verified, 20.0 % failed, 20.0 % unverified" in page


def test_filters(filled: Desk) -> None:
    """Days, agent, team and result limit rows and totals alike, in every view."""
    browser = filled.signed_in()
    both = "first=2026-03-02&last=2026-03-03"
    assert len(cells_of(browser.get(f"/hours?{both}").text)) == 6
    assert len(cells_of(browser.get(f"/hours?{both}&q=ANN").text)) == 2
    assert len(cells_of(browser.get(f"/hours?{both}&team=west&result=UNKNOWN_PERSON").text)) == 2
    assert len(cells_of(browser.get("/hours?first=2026-03-02").text)) == 3
    assert "2 stills of 2 days" in browser.get(f"/hours?{both}&team=west&result=UNKNOWN_PERSON").text
    fleet = cells_of(browser.get(f"/hours?{both}&view=all").text)
    assert fleet[:3] == [
        ["2026-03-03 09:00:00", "Processing error", "1", "1"],
        ["2026-03-03 09:00:00", "Success", "1", "3"],
        ["2026-03-03 09:00:00", "Unknown person", "1", "1"],
    ]
    shares = cells_of(browser.get(f"/hours?{both}&view=shares&team=west").text)
    assert shares[0] == ["2026-03-03", "Bob", "west", "2", "1", "50.0 %", "1", "50.0 %"]
    assert "Nothing was summed up" in browser.get("/hours?first=2020-01-01").text
    assert "Nothing was summed up" in browser.get(f"/hours?{both}&q=nobody").text


def test_odd_questions(filled: Desk) -> None:
    """Days the wrong way round are turned, too many are cut with a word, and what cannot be meant is left out."""
    browser = filled.signed_in()
    assert len(cells_of(browser.get("/hours?first=2026-03-03&last=2026-03-02").text)) == 6
    page = browser.get("/hours?first=2020-01-01&last=2026-03-03").text
    assert "One look spans 31 days at most" in page
    assert "2026-02-01 to 2026-03-03" in page
    for odd in ("first=x", "view=x", "result=x", "at=x", "first=9999-12-31", "first=0001-01-01", "at=2026-03-03_1"):
        assert browser.get(f"/hours?{odd}").status_code == 200, odd


def test_pages_of_hours(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long view comes in pages that keep the filter, and has each row once."""
    monkeypatch.setattr("biosense_pipeline.desk.pages.hours.A_PAGE", 2)
    browser = filled.signed_in()
    for view, rows in (("agents", 6), ("all", 6), ("shares", 4)):
        address: str | None = f"/hours?first=2026-03-02&last=2026-03-03&view={view}"
        seen = []
        while address:
            page = browser.get(address).text
            seen += cells_of(page)
            address = next(iter(map(unescape, re.findall(r'rel="next" href="([^"]*)"', page))), None)
        assert len({tuple(row) for row in seen}) == len(seen) == rows


def test_totals_of_much_are_counted_when_asked(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where counting takes a while the page comes without totals and offers them."""
    monkeypatch.setattr("biosense_pipeline.store.views.hours._AGENT_DAYS", 3)
    browser = filled.signed_in()
    address = "/hours?first=2026-03-02&last=2026-03-03"
    page = browser.get(address).text
    assert "Not counted: 2 days of 2 agents take a while" in page
    assert "% verified" not in page
    assert "10 stills of 2 days" in browser.get(f"{address}&totals=yes").text


def test_lead_sees_the_own_team(filled: Desk) -> None:
    """A lead's hours, totals and download are the own team's, whatever is asked for; an empty team has none."""
    lead = filled.signed_in(Role.TEAM_LEAD, "east")
    for query in ("", "&team=west", "&q=bob"):
        for path in ("/hours?view=agents", "/hours?view=all", "/hours?view=shares", "/hours.csv?view=agents"):
            page = lead.get(f"{path}{query}").text
            assert "Bob" not in page
            assert "Processing error" not in page.partition("<h2")[2]
    assert "3 stills of 1 day" in lead.get("/hours").text
    nobody = filled.signed_in(Role.TEAM_LEAD, "north")
    assert "Nothing was summed up" in nobody.get("/hours").text
    assert len(nobody.get("/hours.csv").text.splitlines()) == 1


def test_download(filled: Desk) -> None:
    """The download has all rows of the view under headings, LAN ids as they are, and is written down."""
    browser = filled.signed_in(Role.VIEWER)
    answer = browser.get("/hours.csv?first=2026-03-02&last=2026-03-03")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="hours-agents-2026-03-02-2026-03-03.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 6
    assert rows[-1] == {
        "hour": "2026-03-02 09:00:00",
        "lan_id": AGENT,
        "name": "Ann",
        "team": "east",
        "result": "SUCCESS",
        "stills": "3",
        "first_capture": "2026-03-02 09:00:00",
        "last_capture": "2026-03-02 09:00:02",
    }
    shares = list(csv.DictReader(io.StringIO(browser.get("/hours.csv?view=shares").text)))
    assert [(row["lan_id"], row["failed_share"], row["unverified_share"]) for row in shares] == [
        (OTHER, "0.5000", "0.5000"),
        (AGENT, "0.0000", "0.0000"),
    ]
    assert len(browser.get("/hours.csv?view=all").text.splitlines()) == 4
    entries = filled.audit("download")
    assert [entry["detail"]["view"] for entry in entries] == ["agents", "shares", "all"]


def test_long_download_has_every_row(sqlite_desk: Desk) -> None:
    """A download of many pages has each row once, in order."""
    agents = [sqlite_desk.employee(f"NA\\agent{number:04}") for number in range(700)]
    hours = [datetime(2026, 3, 2, hour) for hour in range(6)]
    rows = [
        {
            "hour": hour,
            "employee_id": agent,
            "result": "SUCCESS",
            "stills": 1,
            "first_capture": hour,
            "last_capture": hour,
            "summed_up": hour,
        }
        for hour in hours
        for agent in agents
    ]
    sqlite_desk.database.write(lambda connection: connection.execute(insert(AgentHourSummary), rows))
    text = sqlite_desk.signed_in().get("/hours.csv").text
    read = [(row["hour"], row["lan_id"]) for row in csv.DictReader(io.StringIO(text))]
    assert len(set(read)) == len(read) == 4200
    assert [hour for hour, _ in read] == sorted((hour for hour, _ in read), reverse=True)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_are_texts(text: str) -> None:
    """What a spreadsheet would take for a formula begins with an apostrophe; all else stays as it is."""
    assert csv_cell(text) == f"'{text}"
    assert csv_cell("NA\\vep5898") == "NA\\vep5898"
    assert (csv_cell(-1), csv_cell(None), csv_cell("")) == ("-1", "", "")


def test_formula_in_a_name(sqlite_desk: Desk) -> None:
    """A LAN id or name that begins like a formula is downloaded as a text, quotes and line ends intact."""
    lan_id, name = '=HYPERLINK("http://x","y")', '@a,"b"\nc'
    sqlite_desk.employee(lan_id, display_name=name)
    enter_finished(sqlite_desk.database, lan_id, HOUR)
    summarise(sqlite_desk.database, HOUR, HOUR + timedelta(hours=1))
    (row,) = csv.DictReader(io.StringIO(sqlite_desk.signed_in().get("/hours.csv").text, newline=""))
    assert (row["lan_id"], row["name"]) == (f"'{lan_id}", f"'{name}")


def test_names_are_escaped(sqlite_desk: Desk) -> None:
    """HTML in a LAN id, name, team, result or search stands on the page as it was written."""
    evil = "<script>alert(1)</script>"
    sqlite_desk.employee(f"NA\\{evil}", evil, display_name=evil)
    enter_finished(sqlite_desk.database, f"NA\\{evil}", HOUR, evil)
    summarise(sqlite_desk.database, HOUR, HOUR + timedelta(hours=1))
    browser = sqlite_desk.signed_in()
    for view in ("agents", "all", "shares"):
        page = browser.get("/hours", params={"view": view, "q": evil, "team": evil}).text
        assert "&lt;script&gt;" in page
        assert "<script>" not in page


def test_empty_database(desk: Desk) -> None:
    """Before the first summary the page says so."""
    page = desk.signed_in().get("/hours").text
    assert "Nothing was summed up" in page
