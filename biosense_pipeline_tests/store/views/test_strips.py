"""Strips: the last hour in cells, the last still, and the moment that is shown unasked."""

from datetime import datetime, timedelta

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.views.strips import CELL, CELLS, Cell, default_moment, glances, window_end
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, OTHER, change, enter, enter_finished
from biosense_pipeline_tests.store.views.rows import END, MINUTE, SECOND, UNKNOWN, agent


def test_cell_shows_the_worst_outcome(database: Database) -> None:
    """A cell counts the stills of its five minutes and shows the worst result; what waits has none."""
    own = agent(database)
    for offset, result in ((0, "SUCCESS"), (10, "NO_FACES_FOUND"), (299, "UNKNOWN_PERSON"), (300, "SUCCESS")):
        enter_finished(database, AGENT, HOUR + offset * SECOND, result)
    enter_finished(database, AGENT, HOUR + 10 * MINUTE, "UNREADABLE_IMAGE", Status.FAILED)
    enter(database, 2, start=HOUR + 20 * MINUTE)
    change(database, enter(database, start=HOUR + 25 * MINUTE), result=UNKNOWN)  # a result of an earlier attempt
    enter_finished(database, AGENT, HOUR - SECOND, UNKNOWN)
    enter_finished(database, AGENT, END, UNKNOWN)
    cells = glances(database, [own], END)[own.id].cells
    assert len(cells) == CELLS
    assert cells[0] == Cell(HOUR, 3, UNKNOWN)
    assert cells[1] == Cell(HOUR + CELL, 1, StillResult.SUCCESS)
    assert cells[2] == Cell(HOUR + 2 * CELL, 1, StillResult.UNREADABLE_IMAGE)
    assert [(cell.stills, cell.worst) for cell in cells[4:6]] == [(2, None), (1, None)]
    assert sum(cell.stills for cell in cells) == 8


def test_last_still_may_be_older_than_the_strip(database: Database) -> None:
    """The last still is the newest before the end, of one moment the one with the highest id."""
    own, silent = agent(database), agent(database, OTHER)
    enter_finished(database, AGENT, HOUR - timedelta(days=2))
    last = [enter_finished(database, AGENT, HOUR - timedelta(days=1), UNKNOWN) for _ in range(2)][-1]
    enter_finished(database, AGENT, END)
    seen = glances(database, [own, silent], END)
    found = seen[own.id].last
    assert found is not None
    assert (found.id, found.result) == (last, UNKNOWN)
    assert {cell.stills for cell in seen[own.id].cells} == {0}
    assert seen[silent.id].last is None


def test_strips_know_spellings_and_accents_apart(database: Database) -> None:
    """Stills under other capitals are the agent's, those under another accent another's, on each server."""
    rene, other = agent(database, "NA\\rené"), agent(database, "NA\\Rene")
    nameless = agent(database, "")
    for number, lan_id in enumerate(("NA\\RENÉ", "na\\rené ", "NA\\rene", None, "")):
        enter_finished(database, lan_id, HOUR + number * SECOND, UNKNOWN if lan_id == "NA\\rene" else "SUCCESS")
    seen = glances(database, [rene, other, nameless], END)
    assert seen[rene.id].cells[0] == Cell(HOUR, 2, StillResult.SUCCESS)
    assert seen[other.id].cells[0] == Cell(HOUR, 1, UNKNOWN)
    assert seen[nameless.id].cells[0].stills == 2
    last = seen[rene.id].last
    assert last is not None
    assert last.capture_time == HOUR + SECOND


def test_moment_shown_unasked(database: Database) -> None:
    """It is now while stills come, else the newest capture before it; a clock that is ahead moves nothing."""
    assert default_moment(database, NOW) == NOW
    enter(database, start=NOW + timedelta(days=1))
    assert default_moment(database, NOW) == NOW + timedelta(days=1)
    enter(database, start=HOUR)
    assert default_moment(database, NOW) == HOUR
    enter(database, start=NOW - 59 * MINUTE)
    assert default_moment(database, NOW) == NOW
    assert window_end(datetime(2026, 3, 2, 9, 59, 59, 999)) == datetime(2026, 3, 2, 10)
    assert window_end(datetime(2026, 3, 2, 10)) == datetime(2026, 3, 2, 10, 5)
