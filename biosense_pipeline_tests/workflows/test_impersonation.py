"""IMPERSONATION: what is found, at which still, once an excursion, whenever and however often it is analysed."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from biosense_pipeline.codes import Species
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import FindingRow, read_findings
from biosense_pipeline.store.evidence.stills import KeptEvidence
from biosense_pipeline.store.tables.evidence import ImpersonationFinding, ImpersonationProgress, PresentationEvidence
from biosense_pipeline.workflows import side_by_side
from biosense_pipeline.workflows.impersonation import ImpersonationReport, detect_impersonation
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.evidence_rows import (
    OTHER_CAMERA,
    STEP,
    Scene,
    employee_of,
    encoded_anew,
    enter_at,
    enter_scene,
    frozen_at,
    motionless,
    nobody,
    person,
)

NEXT_HOUR = HOUR + timedelta(hours=1)
DAY = timedelta(days=1)


def analyse(
    database: Database, start: datetime = HOUR, end: datetime = NEXT_HOUR, run_id: str | None = None, **values: Any
) -> ImpersonationReport:
    """Analyse that time, with these settings."""
    return detect_impersonation(database, Settings(**values), start, end, run_id=run_id)


def findings(database: Database) -> list[FindingRow]:
    """All findings, by agent and time."""
    return [row for _, row in read_findings(database, HOUR - DAY, HOUR + DAY)]


def rows(database: Database) -> list[dict[str, Any]]:
    """The rows as they stand, but for their ids."""
    columns = [column for column in ImpersonationFinding.__table__.columns if column.name != "id"]
    with database.read() as connection:
        found = connection.execute(
            select(*columns).order_by(
                ImpersonationFinding.employee_id, ImpersonationFinding.stream_image_id, ImpersonationFinding.species
            )
        )
        return [dict(row._mapping) for row in found]


def in_turns(one: Scene, other: Scene) -> Scene:
    """Two cameras that take turns."""
    return lambda number: (one, other)[number % 2](number)


def changed_at(one: Scene, other: Scene, number: int) -> Scene:
    """One scene, and from that number on the other."""
    return lambda at: one(at) if at < number else other(at)


def looped(scene: Scene, begin: int, length: int) -> Scene:
    """The scene, and from that number on its last stills over and over, each encoded anew."""

    def show(number: int) -> KeptEvidence:
        if number < begin:
            return scene(number)
        return encoded_anew(scene(begin - length + (number - begin) % length), number)

    return show


def test_a_frozen_camera(database: Database) -> None:
    """A frozen picture is found at its third still, once, with its stills as evidence, and how long it lasted."""
    ids = enter_scene(database, frozen_at(person(), 30, 80), 120)
    report = analyse(database, run_id="run-1")
    (row,) = findings(database)
    assert (row.species, row.still_id, row.evidence_stills) == (Species.FROZEN, ids[32], tuple(ids[30:33]))
    assert row.llr > 10
    assert row.captured == HOUR + 32 * STEP
    assert row.last_still_id == ids[79]
    assert (report.agents, report.stills, report.findings) == (1, 120, Counter({Species.FROZEN: 1}))
    assert [(entry["run_id"], entry["employee_id"]) for entry in rows(database)] == [("run-1", employee_of(database))]


def test_a_loop(database: Database) -> None:
    """A recording that comes round again, encoded anew, is found within three of its stills."""
    ids = enter_scene(database, looped(person(), 40, 20), 60)
    analyse(database)
    (row,) = findings(database)
    assert row.species is Species.LOOP
    assert ids[40] <= row.still_id <= ids[42]


@pytest.mark.parametrize("scene", [person(), motionless(), nobody, in_turns(person(), person(2, OTHER_CAMERA))])
def test_what_is_no_attack(database: Database, scene: Scene) -> None:
    """A person, one who does not move at all, an empty seat, and two cameras in turns: nothing is found."""
    enter_scene(database, scene, 120)
    report = analyse(database)
    assert findings(database) == []
    assert report.rows_changed == 0


def test_another_source(database: Database) -> None:
    """Pictures that begin to come from elsewhere in the middle of a sitting are found once."""
    ids = enter_scene(database, changed_at(person(), person(2, OTHER_CAMERA), 40), 80)
    analyse(database)
    (row,) = findings(database)
    assert row.species is Species.SOURCE_CHANGE
    assert ids[40] <= row.still_id <= ids[44]


def test_two_excursions_are_two_findings(database: Database) -> None:
    """A camera that freezes twice, with more than a window of other stills between, is found twice."""
    shown = frozen_at(frozen_at(person(), 20, 30), 60, 70)
    ids = enter_scene(database, shown, 100)
    analyse(database)
    assert [row.still_id for row in findings(database)] == [ids[22], ids[62]]


def test_three_stills_in_a_day(database: Database) -> None:
    """Three stills hours apart are no window: even equal pictures are not found by them alone."""
    picture = person()(1)
    enter_at(database, [picture] * 3, [HOUR, HOUR + timedelta(hours=3), HOUR + timedelta(hours=6)])
    report = analyse(database, end=HOUR + DAY)
    assert (findings(database), report.stills) == ([], 3)


def test_a_gap_ends_the_windows(database: Database) -> None:
    """Two repeats on either side of a long pause are not counted together, and on either side of a short one are."""
    scene = person()
    for minutes, lan_id in ((11, "EU\\long"), (9, "EU\\short")):
        moments = [HOUR + number * STEP for number in range(20)]
        moments += [moments[-1] + timedelta(minutes=minutes) + number * STEP for number in range(20)]
        shown = [scene(min(number, 18)) if number < 21 else scene(number) for number in range(40)]
        enter_at(database, shown, moments, lan_id)
    analyse(database)
    found = [employee for employee, _ in read_findings(database, HOUR, NEXT_HOUR)]
    assert found == [employee_of(database, "EU\\short")]


def test_a_delivery_that_comes_twice(database: Database) -> None:
    """The same file with the same capture time, sent again and again, is one still."""
    scene = person()
    shown = [scene(number) for number in range(30)] + [scene(7)] * 5
    moments = [HOUR + number * STEP for number in range(30)] + [HOUR + 7 * STEP] * 5
    enter_at(database, shown, moments)
    analyse(database)
    assert findings(database) == []


def test_order_of_arrival_does_not_count(database: Database) -> None:
    """Stills that were entered backwards, and a clock that jumped, give the findings of their capture times."""
    scene = frozen_at(person(), 30)
    moments = [HOUR + number * STEP for number in range(60)]
    ids = enter_at(database, [scene(number) for number in reversed(range(60))], list(reversed(moments)))
    analyse(database)
    (row,) = findings(database)
    assert (row.captured, row.still_id) == (HOUR + 32 * STEP, ids[59 - 32])


def test_equal_capture_times(database: Database) -> None:
    """Stills of one moment are taken in by their ids, and a frozen one among them is found."""
    scene = frozen_at(person(), 30)
    ids = enter_at(
        database, [scene(number) for number in range(60)], [HOUR + number // 3 * STEP for number in range(60)]
    )
    analyse(database)
    # Equal files of one moment are one delivery: of the frozen stills one in three counts.
    (row,) = findings(database)
    assert row.species is Species.FROZEN
    assert row.still_id in ids[32:40]


@pytest.mark.parametrize("minutes", [2, 7])
def test_small_steps_equal_a_backfill(database: Database, minutes: int) -> None:
    """Analysed while the stills come, in steps of any length, the findings are those of an analysis by the hour."""
    shown = frozen_at(looped(frozen_at(person(), 15, 35), 70, 15), 170)
    begin, step, count = HOUR + timedelta(minutes=40), timedelta(minutes=minutes), 210
    moment, given = begin, 0
    while given < count:
        some = min(count - given, int(step / STEP))
        enter_scene(database, shown, some, start=begin + given * STEP, numbers=range(given, given + some))
        given += some
        analyse(database, moment, moment + step)
        moment += step
    live = [{**row, "created": None} for row in rows(database)]
    assert [row["species"] for row in live] == [Species.FROZEN, Species.LOOP, Species.FROZEN]
    assert live[1]["capture_time"] < NEXT_HOUR
    assert live[1]["numbers"]["last_capture"] > NEXT_HOUR.isoformat()
    database.write(lambda connection: connection.execute(delete(ImpersonationFinding)))
    for hour in range(2):
        analyse(database, HOUR + timedelta(hours=hour), HOUR + timedelta(hours=hour + 1))
    assert [{**row, "created": None} for row in rows(database)] == live


def test_again_changes_nothing(database: Database) -> None:
    """Run again over the same stills, or over a part of them, no row changes."""
    enter_scene(database, frozen_at(person(), 30, 90), 120)
    analyse(database, run_id="first")
    before = rows(database)
    for start, minutes in ((0, 60), (0, 6), (6, 3), (8, 20)):
        begin = HOUR + timedelta(minutes=start)
        assert analyse(database, begin, begin + timedelta(minutes=minutes), run_id="again").rows_changed == 0
    assert rows(database) == before


def test_what_was_judged_is_not_judged_again(database: Database) -> None:
    """A run over the hour judges the stills that came since the last one, and with the rest finds the same."""
    scene = frozen_at(person(), 30, 90)
    judged = []
    for number in range(0, 120, 15):
        enter_scene(database, scene, 15, start=HOUR + number * STEP, numbers=range(number, number + 15))
        judged.append(analyse(database).stills)
    assert judged == [15] * 8
    assert analyse(database).stills == 0
    found = rows(database)
    _forget_progress(database)
    assert analyse(database).stills == 120
    assert rows(database) == found
    assert len(found) == 1


@pytest.mark.parametrize("change", ["late still", "processed again", "setting", "finding gone"])
def test_what_changed_is_judged_again(database: Database, change: str) -> None:
    """After a late still, another evidence, another setting or a finding that is gone the hour is judged anew."""
    ids = enter_scene(database, frozen_at(person(), 30), 60)
    analyse(database)
    before, bound, judged = rows(database), 10.0, 60
    if change == "late still":
        enter_at(database, [person()(500)], [HOUR + timedelta(seconds=5)])
        judged = 61
    elif change == "processed again":
        moment = HOUR + timedelta(days=40)
        statement = update(PresentationEvidence).where(PresentationEvidence.stream_image_id == ids[3])
        database.write(lambda connection: connection.execute(statement.values(created=moment)))
    elif change == "setting":
        bound = 11.0
    else:
        database.write(lambda connection: connection.execute(delete(ImpersonationFinding)))
    assert analyse(database, impersonation_bound=bound).stills == judged
    assert [{**row, "created": None} for row in rows(database)] == [{**row, "created": None} for row in before]


def test_a_late_still_of_a_long_window_is_judged(database: Database) -> None:
    """With long pauses allowed, a still of hours ago that comes late, in a window of the hour, has it judged anew."""
    pause = timedelta(minutes=100)
    enter_scene(database, person(), 4, start=HOUR - 3 * pause, step=pause)
    allowed: dict[str, Any] = {"impersonation_gap_minutes": 120}
    assert analyse(database, **allowed).stills == 1
    assert analyse(database, **allowed).stills == 0
    enter_at(database, [person()(500)], [HOUR - 3 * pause + STEP])
    assert analyse(database, **allowed).stills == 1


def test_in_several_processes(mariadb_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many agents are judged in several processes, with the same rows and the same counts as in one."""
    for number in range(6):
        enter_scene(mariadb_database, frozen_at(person(number), 10 + number), 30, lan_id=f"EU\\agent{number}")
    alone = analyse(mariadb_database, workers=0)
    before = rows(mariadb_database)
    assert len(before) == alone.rows_changed == 6
    for table in (ImpersonationFinding, ImpersonationProgress):
        mariadb_database.write(lambda connection, table=table: connection.execute(delete(table)))  # type: ignore[misc]
    monkeypatch.setattr(side_by_side, "WORTHWHILE", 2)
    told: list[int] = []
    together = detect_impersonation(
        mariadb_database, Settings(workers=2), HOUR, NEXT_HOUR, on_progress=lambda report: told.append(report.stills)
    )
    assert (together.agents, together.stills, together.findings) == (alone.agents, alone.stills, alone.findings)
    assert told == [30, 60, 90, 120, 150, 180]
    assert [{**row, "created": None} for row in rows(mariadb_database)] == [{**row, "created": None} for row in before]


@pytest.mark.parametrize("then", [HOUR, NEXT_HOUR])
def test_a_lasting_finding_that_is_gone_comes_back(database: Database, then: datetime) -> None:
    """A finding that lasts into the next hour, removed by hand, is found again from either hour, as long as it was."""
    enter_scene(database, frozen_at(person(), 20), 90, start=HOUR + timedelta(minutes=52))
    for start in (HOUR, NEXT_HOUR):
        analyse(database, start, start + timedelta(hours=1))
    before = findings(database)
    assert before[0].captured < NEXT_HOUR < before[0].last_captured
    database.write(lambda connection: connection.execute(delete(ImpersonationFinding)))
    analyse(database, then, then + timedelta(hours=1))
    analyse(database, NEXT_HOUR, NEXT_HOUR + timedelta(hours=1))
    assert findings(database) == before


def test_what_began_before_any_analysis(database: Database) -> None:
    """What was going on before the first analysis is found where it began."""
    ids = enter_scene(database, frozen_at(person(), 20), 100, step=timedelta(minutes=1))
    analyse(database, HOUR + timedelta(minutes=80), HOUR + timedelta(minutes=81))
    (row,) = findings(database)
    assert (row.still_id, row.last_still_id) == (ids[22], ids[80])


def test_what_is_no_longer_found_goes(database: Database) -> None:
    """Findings of the time analysed that its stills do not bear out any more are removed, others stay."""
    enter_scene(database, frozen_at(person(), 30), 60)
    enter_scene(database, frozen_at(person(2), 30), 60, start=NEXT_HOUR)
    analyse(database, end=NEXT_HOUR + timedelta(hours=1))
    assert len(findings(database)) == 2
    assert analyse(database, impersonation_bound=50, impersonation_window=3).rows_changed == 1
    assert [row.captured for row in findings(database)] == [NEXT_HOUR + 32 * STEP]


def test_agents_are_apart(database: Database) -> None:
    """The same picture with two agents is none of either's repeats, and each has findings of his own."""
    enter_scene(database, person(), 60)
    enter_scene(database, person(), 60, lan_id="EU\\twin")
    enter_scene(database, frozen_at(person(3), 30), 60, lan_id="EU\\frozen")
    told: list[int] = []
    detect_impersonation(database, Settings(), HOUR, NEXT_HOUR, on_progress=lambda report: told.append(report.stills))
    found = [employee for employee, _ in read_findings(database, HOUR, NEXT_HOUR)]
    assert found == [employee_of(database, "EU\\frozen")]
    assert told == [60, 120, 180]


def test_what_was_never_measured_is_said(sqlite_database: Database) -> None:
    """Screens are reported as not measured, and none is ever found."""
    assert analyse(sqlite_database).not_judged[Species.SCREEN].startswith("not measured")


def _forget_progress(database: Database) -> None:
    database.write(lambda connection: connection.execute(delete(ImpersonationProgress)))
