"""MOTION_DETECTION: what comes of the stills of every ten minutes, whenever and however often they are analysed."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select

from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.matching.evidence.life import Life, life
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.motion import MotionRow, read_motion
from biosense_pipeline.store.tables.evidence import MotionWindow, PresentationEvidence
from biosense_pipeline.workflows import motion
from biosense_pipeline.workflows.motion import MOTION_WINDOW, detect_motion, window_start
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.evidence_rows import (
    STEP,
    employee_of,
    enter_at,
    enter_scene,
    frozen_at,
    motionless,
    nobody,
    person,
)

LIVE, STATIC, INSUFFICIENT = MotionOutcome.LIVE, MotionOutcome.STATIC, MotionOutcome.INSUFFICIENT
NEXT_HOUR = HOUR + timedelta(hours=1)


def rows(database: Database) -> list[dict[str, Any]]:
    """All rows as they stand, with the time at which they were found."""
    with database.read() as connection:
        found = connection.execute(
            select(MotionWindow.__table__).order_by(MotionWindow.employee_id, MotionWindow.window_start)
        )
        return [dict(row._mapping) for row in found]


def outcomes(database: Database) -> list[tuple[datetime, MotionOutcome, int, int]]:
    """Start, outcome, stills and usable stills of each window."""
    return [
        (row.start, row.outcome, row.stills, row.usable_stills)
        for _, row in read_motion(database, HOUR - timedelta(days=9), HOUR + timedelta(days=9))
    ]


def test_a_person_lives(database: Database) -> None:
    """Where the face changes every window is LIVE, with the numbers that say so and the still that shows it most."""
    ids = enter_scene(database, person(), 120)
    report = detect_motion(database, HOUR, NEXT_HOUR, run_id="run-1")
    assert outcomes(database) == [(HOUR, LIVE, 60, 60), (HOUR + MOTION_WINDOW, LIVE, 60, 60)]
    assert (report.agents, report.outcomes, report.rows_changed) == (1, Counter({LIVE: 2}), 2)
    first, second = rows(database)
    assert first["numbers"]["change"] >= first["numbers"]["threshold"]
    assert set(first["numbers"]["still_ids"]) < set(ids[:60])
    assert (first["employee_id"], first["run_id"]) == (employee_of(database), "run-1")
    assert second["window_end"] == HOUR + 2 * MOTION_WINDOW


def test_nothing_moves(database: Database) -> None:
    """Thirty usable stills without a sign of life are STATIC, fewer are INSUFFICIENT."""
    enter_scene(database, motionless(), 30)
    enter_scene(database, motionless(), 29, start=HOUR + MOTION_WINDOW)
    detect_motion(database, HOUR, NEXT_HOUR)
    assert outcomes(database) == [(HOUR, STATIC, 30, 30), (HOUR + MOTION_WINDOW, INSUFFICIENT, 29, 29)]


def test_an_empty_seat(database: Database) -> None:
    """Stills without a face are counted and say nothing."""
    enter_scene(database, nobody, 60)
    detect_motion(database, HOUR, NEXT_HOUR)
    assert outcomes(database) == [(HOUR, INSUFFICIENT, 60, 0)]


def test_three_stills_in_a_day(database: Database) -> None:
    """An agent with three stills in a day has three windows, each INSUFFICIENT."""
    moments = [HOUR, HOUR + timedelta(hours=3), HOUR + timedelta(hours=7, minutes=59)]
    enter_at(database, [person()(number) for number in range(3)], moments)
    report = detect_motion(database, HOUR, HOUR + timedelta(hours=8))
    assert outcomes(database) == [(window_start(moment), INSUFFICIENT, 1, 1) for moment in moments]
    assert report.windows == 3


def test_equal_times_and_stills_out_of_order(database: Database) -> None:
    """In whatever order stills were entered, and with equal capture times, the windows are the same."""
    scene, count = person(), 40
    moments = [HOUR + (number // 2) * STEP for number in range(count)]
    enter_at(database, [scene(number) for number in range(count)], moments)
    backwards = [(scene(number), moments[number]) for number in reversed(range(count))]
    enter_at(database, [shown for shown, _ in backwards], [moment for _, moment in backwards], "EU\\other")
    detect_motion(database, HOUR, NEXT_HOUR)
    assert [outcome[1:] for outcome in outcomes(database)] == [(LIVE, count, count)] * 2


def test_a_clock_that_jumps(database: Database) -> None:
    """Stills whose clock went back an hour lie where they say, and the window where they should be has the rest."""
    moments = [HOUR + number * STEP - timedelta(hours=number >= 40) for number in range(60)]
    enter_at(database, [person()(number) for number in range(60)], moments)
    detect_motion(database, HOUR - timedelta(hours=1), NEXT_HOUR)
    assert [outcome[:3] for outcome in outcomes(database)] == [
        (HOUR - timedelta(hours=1), LIVE, 20),
        (HOUR, LIVE, 40),
    ]


@pytest.mark.parametrize("minutes", [4, 7])
def test_small_steps_equal_a_backfill(database: Database, minutes: int) -> None:
    """Analysed while the stills come, in steps of any length, the windows are those of one analysis afterwards."""
    scene = frozen_at(person(), 50, 130)
    step, moment, given = timedelta(minutes=minutes), HOUR, 0
    while given < 150:
        count = min(150 - given, int(step / STEP))
        numbers = range(given, given + count)
        enter_scene(database, scene, count, start=HOUR + given * STEP, numbers=numbers)
        given += count
        detect_motion(database, moment, moment + step)
        moment += step
    live = [{**row, "created": None} for row in rows(database)]
    assert {row["outcome"] for row in live} == {LIVE, STATIC}
    _forget(database)
    detect_motion(database, HOUR, NEXT_HOUR)
    assert [{**row, "created": None} for row in rows(database)] == live


def test_again_changes_nothing(database: Database) -> None:
    """Run again over the same stills, not even the time at which a row was found changes."""
    enter_scene(database, person(), 60)
    detect_motion(database, HOUR, NEXT_HOUR, run_id="first")
    before = rows(database)
    assert detect_motion(database, HOUR, NEXT_HOUR, run_id="second").rows_changed == 0
    assert rows(database) == before


def test_windows_that_are_the_same_are_not_found_out_again(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run over the hour computes the windows whose stills changed, and no others."""
    enter_scene(sqlite_database, person(), 60)
    detect_motion(sqlite_database, HOUR, NEXT_HOUR)
    computed: list[int] = []

    def noted(window: list[EvidenceStill]) -> Life:
        computed.append(len(window))
        return life(window)

    monkeypatch.setattr(motion, "life", noted)
    enter_scene(sqlite_database, person(2), 30, start=HOUR + MOTION_WINDOW)
    detect_motion(sqlite_database, HOUR, NEXT_HOUR)
    detect_motion(sqlite_database, HOUR, NEXT_HOUR)
    assert computed == [30]


def test_late_stills_mend_their_window(database: Database) -> None:
    """Stills that come late change their window's row, and leave the others."""
    enter_scene(database, motionless(), 20)
    enter_scene(database, motionless(), 40, start=HOUR + MOTION_WINDOW)
    detect_motion(database, HOUR, NEXT_HOUR)
    enter_scene(database, motionless(), 20, start=HOUR + timedelta(minutes=5))
    assert detect_motion(database, HOUR, NEXT_HOUR).rows_changed == 1
    assert outcomes(database) == [(HOUR, STATIC, 40, 40), (HOUR + MOTION_WINDOW, STATIC, 40, 40)]


def test_windows_without_stills_go(database: Database) -> None:
    """Where the evidence of a window is gone its row goes too, and windows outside the time analysed stay."""
    enter_scene(database, person(), 60)
    enter_scene(database, person(), 60, start=NEXT_HOUR)
    detect_motion(database, HOUR, NEXT_HOUR + timedelta(hours=1))
    database.write(lambda connection: connection.execute(delete(PresentationEvidence)))
    assert detect_motion(database, HOUR, NEXT_HOUR).rows_changed == 1
    assert [outcome[0] for outcome in outcomes(database)] == [NEXT_HOUR]


def test_agents_are_apart(database: Database) -> None:
    """Each agent's windows are made of his own stills."""
    enter_scene(database, person(), 60)
    enter_scene(database, motionless(2), 60, lan_id="EU\\other")
    told: list[int] = []
    detect_motion(database, HOUR, NEXT_HOUR, on_progress=lambda report: told.append(report.windows))
    by_agent = {employee: row.outcome for employee, row in read_motion(database, HOUR, NEXT_HOUR)}
    assert by_agent == {employee_of(database): LIVE, employee_of(database, "EU\\other"): STATIC}
    assert told == [1, 2]


def test_an_empty_time(sqlite_database: Database) -> None:
    """Without stills, and in a time without length, nothing is found."""
    assert detect_motion(sqlite_database, HOUR, NEXT_HOUR).windows == 0
    assert detect_motion(sqlite_database, HOUR, HOUR).windows == 0


def test_rows_compare_as_they_are_read(database: Database) -> None:
    """A row that was written is read back equal, whole numbers and lists included."""
    enter_scene(database, motionless(), 30)
    detect_motion(database, HOUR, NEXT_HOUR)
    ((_, row),) = read_motion(database, HOUR, NEXT_HOUR)
    assert isinstance(row, MotionRow)
    assert row.numbers["usable"] == 30


def _forget(database: Database) -> None:
    database.write(lambda connection: connection.execute(delete(MotionWindow)))
