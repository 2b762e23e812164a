"""The agents' baselines: made once a day, of what was settled by then, and used to judge prints."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sqlalchemy import Connection, delete, select, update

from biosense_pipeline.codes import Role, Species, StillResult, Verdict
from biosense_pipeline.matching.evidence.presentation import WINDOW
from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import read_findings
from biosense_pipeline.store.evidence.site_baselines import read_site_baseline
from biosense_pipeline.store.evidence.stills import KeptEvidence
from biosense_pipeline.store.incidents.reviews import record_incident_review
from biosense_pipeline.store.review.verdicts import record_review
from biosense_pipeline.store.tables.evidence import (
    ImpersonationFinding,
    ImpersonationProgress,
    ImpersonationWindow,
    PresentationBaseline,
)
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline.store.users.accounts import add_user
from biosense_pipeline.workflows.baselines import baselines, usual
from biosense_pipeline.workflows.impersonation import detect_impersonation
from biosense_pipeline_tests.alerting import enter_incident
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.incident_days import enter_finding, set_results
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, path, sheet, still
from biosense_pipeline_tests.workflows.evidence_rows import (
    LANDMARKS,
    STEP,
    employee_of,
    enter_scene,
    kept,
    motionless,
    person,
    scoring,
)

MODEL = shipped_model()
DAY = HOUR.date()
EARLIER = HOUR - timedelta(days=2)


def stored(database: Database) -> list[tuple[Any, ...]]:
    """Day, stills, sittings and whether there are parameters, of all baselines."""
    with database.read() as connection:
        rows = connection.execute(select(PresentationBaseline.__table__).order_by(PresentationBaseline.day))
        return [(row.day, row.stills, row.sittings, row.parameters is not None) for row in rows]


def drifting(number: int) -> KeptEvidence:
    """Somebody whose face changes little from one still to the next, and on and on."""
    smooth = gaussian_filter(np.random.default_rng(5).normal(0, 1, (2, 64, 32, 32)), (0, 6, 2, 2), mode="wrap")
    face, change = smooth[0, 0] / smooth[0, 0].std(), smooth[1, number] / smooth[1].std()
    shown = person()(number)
    return kept(120 + 30 * face + 15 * change, shown.sha256, LANDMARKS)


def own(database: Database, day: date = DAY, window: int = WINDOW) -> Any:
    """The agent's baseline of the day."""
    return baselines(database, employee_of(database), MODEL, window)(day)


def test_made_of_earlier_sittings(database: Database) -> None:
    """It is made of the middle of each earlier sitting, stored, and afterwards read."""
    for hours in (0, 3):
        enter_scene(database, scoring(person(), 1.0), 50, start=EARLIER + timedelta(hours=hours))
    made = own(database)
    assert (made.personal, made.stills, made.sittings) == (True, 60, 2)
    assert made.score.centre > usual(MODEL).score.centre + 1
    assert stored(database) == [(DAY, 60, 2, True)]
    assert own(database) == made


def test_what_moves_with_the_face_is_learned(database: Database) -> None:
    """From the small pictures of earlier stills the agent's own level of either cue is made, stored and read."""
    room, places = Room(1).seen(), path(40)

    def show(number: int) -> KeptEvidence:
        shown, seen = scoring(person(), 1.0)(number), still(number, sheet(room, places[number], 1.3), places[number])
        assert shown.face is not None
        assert seen.landmarks is not None
        face = replace(shown.face, thumbnail=seen.thumbnail, landmarks=seen.landmarks, picture_width=seen.picture_width)
        return replace(shown, face=face)

    enter_scene(database, show, 40, start=EARLIER)
    made, known = own(database), usual(MODEL)
    assert made.moving.keys() == known.moving.keys()
    assert made.moving["frame"].centre > known.moving["frame"].centre + 0.3
    assert own(database) == made


def test_made_for_the_window(database: Database) -> None:
    """How rigid a face is normally is learned of pairs as the windows have that are judged; another window, anew."""
    enter_scene(database, scoring(drifting, 1.0), 50, start=EARLIER)
    short, long = own(database, window=3), own(database, window=24)
    assert short.rigidity.centre > long.rigidity.centre + 0.1
    assert own(database, window=3) == short


def test_too_few_stills(database: Database) -> None:
    """With fewer stills than a baseline takes, the usual one counts, and that is stored too."""
    enter_scene(database, scoring(person(), 1.0), 5, start=EARLIER)
    assert own(database) == usual(MODEL)
    assert stored(database) == [(DAY, 5, 1, False)]


def test_the_day_and_the_day_before_do_not_count(database: Database) -> None:
    """Stills of the day itself and of the day before it make no baseline for it: they may still be recognised."""
    enter_scene(database, scoring(person(), 1.0), 50, start=HOUR)
    enter_scene(
        database, scoring(person(), 1.0), 50, start=datetime.combine(DAY, datetime.min.time()) - timedelta(days=1)
    )
    assert own(database) == usual(MODEL)
    assert own(database, DAY + timedelta(days=1)).sittings == 1


@pytest.mark.parametrize("result", [StillResult.UNKNOWN_PERSON, None])
def test_only_the_agent(database: Database, result: str | None) -> None:
    """Stills on which somebody else was seen, or that are gone, make no baseline."""
    ids = enter_scene(database, scoring(person(), 1.0), 50, start=EARLIER)
    database.write(
        lambda connection: connection.execute(update(StreamImage).where(StreamImage.id.in_(ids)).values(result=result))
    )
    assert own(database) == usual(MODEL)


def test_the_sites_own_agents(database: Database) -> None:
    """Who has no baseline is judged by those of ten agents of the site, made once; by development's with fewer."""
    lan_ids = [f"EU\\agent{number}" for number in range(10)]
    before = DAY - timedelta(days=2)
    for number, lan_id in enumerate(lan_ids):
        start = EARLIER - timedelta(days=2)
        enter_scene(database, scoring(person(number), 1.0), 20, start=start, lan_id=lan_id)
        if number == 9:
            assert own(database, DAY - timedelta(days=1)) == usual(MODEL)
        assert baselines(database, employee_of(database, lan_id), MODEL, WINDOW)(before).personal
    here = own(database)
    assert not here.personal
    assert here.score.centre > usual(MODEL).score.centre + 0.5
    assert read_site_baseline(database, DAY).agents == 10  # type: ignore[union-attr]
    # Made once: what is entered or found afterwards changes it no more.
    statement = update(PresentationBaseline).values(parameters=None)
    database.write(lambda connection: connection.execute(statement))
    assert own(database) == here
    # The day before rests on what was settled by then, and so it does not change either.
    assert own(database, DAY - timedelta(days=1)) == usual(MODEL)


@pytest.mark.parametrize("verdict", [None, Verdict.CORRECT, Verdict.NOT_SURE, Verdict.FALSE_ALARM])
def test_stills_of_an_incident_are_left_out(database: Database, verdict: Verdict | None) -> None:
    """An attack does not become what is normal: stills of an incident and of what it rests on make no baseline.

    Where a reviewer called it a false alarm they do, and the agent's new place is normal.
    """
    genuine = enter_scene(database, scoring(person(), 0.5), 30, start=EARLIER)
    later = EARLIER + timedelta(hours=1)
    attack = enter_scene(database, scoring(person(), 3.0), 30, start=later)
    enter_finding(database, attack[11], later + 11 * STEP, Species.PRINT, 5.0, (attack[-1], later + 29 * STEP))
    incident = enter_incident(
        database,
        employee_of(database),
        later + 13 * STEP,
        later + 29 * STEP,
        first_still_id=attack[11],
        last_still_id=attack[-1],
    )
    if verdict is not None:
        reviewer = add_user(database, "ada", "-", Role.ADMIN, None, created=HOUR)
        record_incident_review(
            database,
            incident_id=incident,
            round_=1,
            verdict=verdict,
            note=None,
            reviewer_id=reviewer,
            now=HOUR,
        )
    made = own(database)
    kept = verdict is Verdict.FALSE_ALARM
    assert (made.stills, made.sittings) == ((60, 2) if kept else (30, 1))
    assert (made.group_centres[0] > 1) == kept
    assert len(genuine) == 30


def test_confirmed_strangers_are_left_out(database: Database) -> None:
    """A still that a reviewer confirmed to show somebody else is left out, though it matches by another rule now."""
    ids = enter_scene(database, scoring(person(), 0.5), 30, start=EARLIER)
    reviewer = add_user(database, "ada", "-", Role.ADMIN, None, created=HOUR)
    for still_id, verdict in ((ids[3], Verdict.CORRECT), (ids[4], Verdict.FALSE_ALARM)):
        set_results(database, [still_id], StillResult.UNKNOWN_PERSON)
        record_review(
            database,
            still_id=still_id,
            round_=1,
            result=StillResult.UNKNOWN_PERSON,
            verdict=verdict,
            note=None,
            reviewer_id=reviewer,
        )
    set_results(database, ids[3:5], StillResult.SUCCESS)
    assert own(database).stills == 29


def test_a_finding_without_an_incident_is_left_out(database: Database) -> None:
    """What was found and did not come to an incident is left out too; an empty place takes nothing with it."""
    ids = enter_scene(database, scoring(person(), 0.5), 30, start=EARLIER)
    absent = {"species": "ABSENT", "first_still_id": ids[0], "last_still_id": ids[-1]}
    enter_incident(database, employee_of(database), EARLIER, EARLIER + 29 * STEP, **absent)
    enter_finding(database, ids[20], EARLIER + 20 * STEP, Species.PRINT, 1.0, (ids[25], EARLIER + 25 * STEP))
    # Twelve stills that it rests on, and five more until which it lasted.
    assert own(database).stills == 13


def test_prints_are_judged_by_it(database: Database) -> None:
    """An agent whose stills always score high is not taken for a print; one whose usually score low is."""
    for lan_id, usually in (("EU\\high", 1.5), ("EU\\low", 0.0)):
        for days in (2, 3, 4, 5):
            earlier = HOUR - timedelta(days=days)
            enter_scene(database, scoring(person(days), usually), 40, start=earlier, lan_id=lan_id)
        enter_scene(database, scoring(motionless() if usually == 0 else person(), 2.0), 40, lan_id=lan_id)
    detect_impersonation(database, Settings(), HOUR, HOUR + timedelta(hours=1))
    found = {(employee, row.species) for employee, row in read_findings(database, HOUR, HOUR + timedelta(hours=1))}
    assert found == {(employee_of(database, "EU\\low"), Species.PRINT)}


def test_windows_of_a_print_small_steps_equal_a_backfill(database: Database) -> None:
    """What each later window says is kept, live as by the hour, and goes where it is said no more."""
    for days in (2, 3, 4, 5):
        enter_scene(database, scoring(person(days), 0.0), 40, start=HOUR - timedelta(days=days))

    def rising(number: int) -> KeptEvidence:
        return scoring(person(), 0.02 * number)(number)

    begin, given = HOUR + timedelta(minutes=42), 0
    while given < 120:
        numbers = range(given, given + 18)
        enter_scene(database, rising, 18, start=begin + given * STEP, numbers=numbers)
        given += 18
        for hour in range(2):
            start = HOUR + timedelta(hours=hour)
            detect_impersonation(database, Settings(), start, start + timedelta(hours=1))
    live = windows_of(database)
    said = [llr for _, llr in live]
    assert len(live) > 30
    assert len(set(said)) > 8
    assert said[0] < 7 < max(said)
    ((_, finding),) = read_findings(database, HOUR, HOUR + timedelta(hours=2))
    assert live[0] == (finding.still_id, finding.llr)
    assert live[-1][0] == finding.last_still_id
    database.write(_forget)
    detect_impersonation(database, Settings(), HOUR, HOUR + timedelta(hours=2))
    assert windows_of(database) == live
    assert detect_impersonation(database, Settings(), HOUR, HOUR + timedelta(hours=2)).rows_changed == 0
    assert detect_impersonation(
        database, Settings(impersonation_window=120), HOUR, HOUR + timedelta(hours=2)
    ).rows_changed
    assert windows_of(database) != live


def _forget(connection: Connection) -> None:
    for table in (ImpersonationProgress, ImpersonationFinding, ImpersonationWindow):
        connection.execute(delete(table))


def windows_of(database: Database) -> list[tuple[int, float]]:
    """Still and LLR of all windows that are kept."""
    with database.read() as connection:
        rows = connection.execute(select(ImpersonationWindow.__table__).order_by(ImpersonationWindow.stream_image_id))
        return [(row.stream_image_id, row.llr) for row in rows]
