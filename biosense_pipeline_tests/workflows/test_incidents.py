"""Incidents from stored stills: live, by backfill, after a restart and with late rows it comes to the same rows."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event, select

from biosense_pipeline.codes import Species, StillResult
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.incidents import AgentIdentityState, Incident
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline.workflows.incidents import IncidentReport, detect_incidents
from biosense_pipeline.workflows.workbench import engine_spec
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.incident_days import (
    NO_FACE,
    STEP,
    SUCCESS,
    UNKNOWN,
    change_finding,
    enter_finding,
    enter_llrs,
    enter_results,
    enter_rows,
    enter_windows,
    forget_analyses,
    incidents_of,
    set_results,
    states_of,
)
from biosense_pipeline_tests.store.rows import AGENT, OTHER

MINUTE, ONE_HOUR = timedelta(minutes=1), timedelta(hours=1)
HOURS = [HOUR + n * ONE_HOUR for n in range(3)]


@pytest.fixture
def analyse(use_settings: Callable[..., Settings]) -> Callable[..., IncidentReport]:
    """Looks for incidents in hours of a database."""
    settings = use_settings()
    return lambda database, *hours, **options: detect_incidents(database, settings, hours, **options)


def _results(seed: int, stills: int) -> list[StillResult]:
    """An agent's day: mostly recognised, with spells of somebody else and of nobody."""
    rng = np.random.default_rng(seed)
    results: list[StillResult] = []
    while len(results) < stills:
        kind, length = rng.choice([SUCCESS, UNKNOWN, NO_FACE], p=[0.6, 0.25, 0.15]), int(rng.integers(1, 60))
        results += [StillResult(kind)] * (length * (5 if kind == NO_FACE else 1))  # type: ignore[call-arg]
    return results[:stills]


def test_live_in_small_steps_is_backfill(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """A morning looked at every few minutes, stills being processed late, gives the rows of a backfill by the hour."""
    agents = {AGENT: _results(1, 900), OTHER: _results(2, 900), "NA\\third": _results(3, 900)}
    ids = {lan_id: enter_results(database, [None] * 900, lan_id, HOUR + 7 * STEP) for lan_id in agents}
    now, done = HOUR, 0
    while done < 900:
        now += 6 * MINUTE
        # What is captured is processed within a minute.
        reached = min(900, int((now - MINUTE - HOUR - 7 * STEP) / STEP) + 1)
        for lan_id, results in agents.items():
            for result in {*results[done:reached]}:
                some = [n for n in range(done, reached) if results[n] is result]
                set_results(database, [ids[lan_id][n] for n in some], result)
        done = reached
        analyse(database, _hour(now - 10 * MINUTE), _hour(now))
    live, live_states = incidents_of(database), states_of(database)
    assert {row["species"] for row in live} == {"UNKNOWN_PERSON", "ABSENT"}
    assert len(live) > 10
    assert any(_hour(row["opened"]) != _hour(row["closed"]) for row in live if row["closed"]), "none spans hours"
    assert incidents_of(database, withdrawn=True) == []
    forget_analyses(database)
    for hour in HOURS:
        analyse(database, hour)
    assert incidents_of(database) == live
    assert states_of(database) == live_states


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_hours_in_any_order(
    sqlite_database: Database, analyse: Callable[..., IncidentReport], order: tuple[int, ...]
) -> None:
    """Whatever the order in which hours are first analysed, the incidents are the same in the end."""
    for seed, lan_id in enumerate((AGENT, OTHER)):
        enter_results(sqlite_database, _results(seed + 5, 1000), lan_id)
    analyse(sqlite_database, *HOURS)
    expected, states = incidents_of(sqlite_database), states_of(sqlite_database)
    assert expected
    forget_analyses(sqlite_database)
    for number in order:
        analyse(sqlite_database, HOURS[number])
    assert incidents_of(sqlite_database) == expected
    assert states_of(sqlite_database) == states


def test_again_changes_nothing(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """The same analysis twice writes no row, not even of a state."""
    enter_results(database, _results(8, 700))
    first = analyse(database, *HOURS)
    assert first.written.entered == len(incidents_of(database)) > 0
    before = _everything(database)
    again = analyse(database, *HOURS)
    assert (again.written.entered, again.written.changed, again.written.withdrawn) == (0, 0, 0)
    assert _everything(database) == before


def test_restart_in_the_middle(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """An analysis that dies before it has written leaves nothing; the next one, however late, finds the same."""
    enter_results(database, [SUCCESS] * 355 + [UNKNOWN] * 40 + [SUCCESS] * 10)
    analyse(database, HOUR)
    assert [row["closed"] for row in incidents_of(database)] == []
    with pytest.raises(RuntimeError):
        _die_when_writing(database, analyse)
    assert incidents_of(database) == []
    assert len(states_of(database)) == 1
    analyse(database, *HOURS)
    (incident,) = incidents_of(database)
    assert incident["opened"] == HOUR + 360 * STEP
    assert incident["closed"] == HOUR + 397 * STEP


def test_late_stills_mend_what_follows(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Stills that arrive late in an earlier hour change it, and the hours after it as far as it reaches."""
    enter_results(database, [SUCCESS] * 300)
    early = enter_results(database, [UNKNOWN] * 4, start=HOUR + 356 * STEP)
    enter_results(database, [UNKNOWN] * 4 + [SUCCESS] * 300, start=HOUR + ONE_HOUR)
    enter_results(database, _results(4, 200), start=HOUR + 2 * ONE_HOUR)
    analyse(database, *HOURS)
    (incident,) = (row for row in incidents_of(database) if row["opened"] < HOURS[2])
    assert incident["first_still_id"] == early[0]
    # The agent was recognised after all, in a still that arrives late.
    enter_results(database, [SUCCESS] * 3, start=HOUR + 359 * STEP + timedelta(seconds=2), step=timedelta(seconds=3))
    report = analyse(database, HOUR)
    assert report.followed == 1
    assert [row for row in incidents_of(database) if row["opened"] < HOURS[2]] == []
    assert [row["first_still_id"] for row in incidents_of(database, withdrawn=True)] == [early[0]]
    mended = incidents_of(database), states_of(database)
    forget_analyses(database)
    analyse(database, *HOURS)
    assert (incidents_of(database), states_of(database)) == mended


def test_withdrawn_incident_returns(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """What is found again after it was withdrawn is the same row, withdrawn no more."""
    ids = enter_results(database, [SUCCESS] * 5 + [UNKNOWN] * 8 + [SUCCESS] * 5)
    analyse(database, HOUR)
    before = incidents_of(database)
    set_results(database, ids[5:13], SUCCESS)
    assert analyse(database, HOUR).written.withdrawn == 1
    assert analyse(database, HOUR).written.withdrawn == 0
    assert incidents_of(database) == []
    set_results(database, ids[5:13], UNKNOWN)
    analyse(database, HOUR)
    assert incidents_of(database) == before
    with database.read() as connection:
        assert len(connection.execute(select(Incident.id)).all()) == 1


def test_open_incident_is_not_set_back(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """An earlier hour analysed again, in which an incident was open at the end, leaves it as it went on."""
    enter_results(database, [SUCCESS] * 350 + [UNKNOWN] * 400 + [SUCCESS] * 20)
    analyse(database, *HOURS)
    before = incidents_of(database)
    assert before[0]["closed"] == HOUR + 752 * STEP
    assert analyse(database, HOUR).written.changed == 0
    assert incidents_of(database) == before


def test_llrs_of_the_model_in_force_decide(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Where recognition stored LLRs they speak; another model's do not."""
    ids = enter_results(database, [SUCCESS] * 5 + [UNKNOWN] * 8 + [SUCCESS] * 5)
    model_id = engine_spec(Settings()).model_id
    enter_llrs(database, dict.fromkeys(ids, 1.0), "another-model")
    analyse(database, HOUR)
    assert len(incidents_of(database)) == 1
    enter_llrs(database, dict.fromkeys(ids, 1.0), model_id)
    analyse(database, HOUR)
    assert incidents_of(database) == []


def test_findings_make_incidents(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """A frozen feed is an incident though every still matches; its steps name the finding."""
    ids = enter_results(database, [SUCCESS] * 20)
    enter_finding(database, ids[10], HOUR + 10 * STEP, Species.FROZEN, 40.0)
    report = analyse(database, HOUR)
    (incident,) = incidents_of(database)
    assert (incident["species"], incident["first_still_id"], incident["stills"]) == ("FROZEN", ids[10], 1)
    assert incident["steps"]["steps"][0]["rests_on"] == "FROZEN"
    assert incident["closed"] is not None
    assert (report.agents, report.stills, report.open) == (1, 20, {})


def test_lasting_finding_adds_up(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """A recording that is less than certain becomes an incident as it lasts, into the next hour too, and then closes.

    That it lasted over the turn of the hour is known only in the second hour: the first is mended by that.
    """
    ids = enter_results(database, [SUCCESS] * 800)
    end, later = (ids[357], HOUR + 357 * STEP), (ids[500], HOUR + 500 * STEP)
    enter_finding(database, ids[345], HOUR + 345 * STEP, Species.LOOP, 6.0, end)
    analyse(database, HOUR)
    assert incidents_of(database) == []
    change_finding(database, ids[345], later)
    report = analyse(database, HOUR + ONE_HOUR, HOUR + 2 * ONE_HOUR)
    (incident,) = incidents_of(database)
    # Six of the first window, a half of each still after it: more than 14 with the seventeenth.
    assert (incident["species"], incident["opened"]) == ("LOOP", HOUR + 362 * STEP)
    assert incident["stills"] == 156
    assert incident["closed"] is not None
    assert report.agents == 1
    states = states_of(database)
    forget_analyses(database)
    analyse(database, *HOURS)
    assert ([incident], states) == (incidents_of(database), states_of(database))


def test_later_windows_of_a_print(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """A weak print is an incident as soon as a later window says enough, over the turn of the hour as by backfill."""
    ids = enter_results(database, [SUCCESS] * 500)
    moments = [HOUR + number * STEP for number in range(500)]
    enter_finding(database, ids[355], moments[355], Species.PRINT, 2.0, (ids[380], moments[380]))
    says = [(ids[at], moments[at], min(9.0, 2.0 + 0.5 * (at - 355))) for at in range(355, 380)]
    enter_windows(database, says, Species.PRINT)
    analyse(database, HOUR)
    assert incidents_of(database) == []
    analyse(database, HOUR + ONE_HOUR)
    (incident,) = incidents_of(database)
    # 7.5 are said by the eleventh window after the first.
    assert (incident["species"], incident["opened"]) == ("PRINT", moments[366])
    assert incident["closed"] is not None
    states = states_of(database)
    forget_analyses(database)
    analyse(database, *HOURS)
    assert ([incident], states) == (incidents_of(database), states_of(database))


def test_spellings_are_one_agent(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Stills of one agent under two spellings are one series."""
    for number in range(8):
        lan_id = AGENT if number % 2 else AGENT.lower()
        enter_results(database, [UNKNOWN], lan_id, HOUR + number * STEP)
    report = analyse(database, HOUR)
    assert (report.agents, report.open) == (1, {Species.UNKNOWN_PERSON: 1})
    assert [row["stills"] for row in incidents_of(database)] == [8]


def test_only_some_agents(sqlite_database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """With LAN ids only these agents are looked at."""
    for lan_id in (AGENT, OTHER):
        enter_results(sqlite_database, [UNKNOWN] * 8, lan_id)
    assert analyse(sqlite_database, HOUR, lan_ids=[AGENT.lower()]).agents == 1
    assert len(incidents_of(sqlite_database)) == 1
    assert analyse(sqlite_database, HOUR).agents == 2


def test_each_hour_is_told(sqlite_database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Progress is told with every hour, those that have to be analysed again too: a run is not silent meanwhile."""
    for number in range(5):
        enter_results(sqlite_database, [UNKNOWN] * 8, start=HOUR + number * ONE_HOUR)
    told: list[int] = []
    analyse(
        sqlite_database,
        *(HOUR + number * ONE_HOUR for number in range(5)),
        on_progress=lambda report: told.append(report.stills),
    )
    assert told == [0, 8, 16, 24, 32]
    enter_results(sqlite_database, [SUCCESS], start=HOUR + 30 * MINUTE)
    told.clear()
    report = analyse(sqlite_database, HOUR, on_progress=lambda report: told.append(report.stills))
    assert len(told) == 1 + report.followed > 1


def test_purged_hour_keeps_its_incidents(sqlite_database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Where a site has purged the stills of an hour, what was found in it stays."""
    enter_results(sqlite_database, [UNKNOWN] * 8 + [SUCCESS] * 8)
    analyse(sqlite_database, HOUR)
    before = incidents_of(sqlite_database)
    sqlite_database.write(lambda connection: connection.execute(StreamImage.__table__.delete()))  # type: ignore[attr-defined]
    analyse(sqlite_database, HOUR)
    assert incidents_of(sqlite_database) == before != []


def test_bad_input_has_an_outcome(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Stills without an agent, a time or a result, of one moment, or with a word of the site's own, break nothing."""
    odd: list[dict[str, Any]] = [
        {"lan_id": None, "capture_time": HOUR, "status": "Y", "result": "UNKNOWN_PERSON"},
        {"lan_id": AGENT, "capture_time": None, "status": "Y", "result": "UNKNOWN_PERSON"},
        {"lan_id": AGENT, "capture_time": HOUR, "status": "Y", "result": None},
        {"lan_id": AGENT, "capture_time": HOUR, "status": "Y", "result": "SOMETHING_ELSE"},
        {"lan_id": AGENT, "capture_time": HOUR, "status": None, "result": "UNKNOWN_PERSON"},
        *[{"lan_id": AGENT, "capture_time": HOUR, "status": "Y", "result": "UNKNOWN_PERSON"}] * 30,
    ]
    enter_rows(database, odd)
    report = analyse(database, HOUR, HOUR)
    assert (report.hours, report.agents) == ([HOUR], 2)
    assert incidents_of(database) == []


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _everything(database: Database) -> list[Any]:
    with database.read() as connection:
        return [connection.execute(select(table)).all() for table in (Incident.__table__, AgentIdentityState.__table__)]


def _die_when_writing(database: Database, analyse: Callable[..., IncidentReport]) -> None:
    """Analyse the second hour in a process that ends between the states and the incidents."""

    def die(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("INSERT INTO incident", "INSERT IGNORE INTO incident")):
            raise RuntimeError("killed")

    event.listen(database.engine, "before_cursor_execute", die)
    try:
        analyse(database, HOURS[1])
    finally:
        event.remove(database.engine, "before_cursor_execute", die)
