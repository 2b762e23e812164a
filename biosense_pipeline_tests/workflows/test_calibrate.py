"""The calibration from gathered stills to the decision of the next still, on made-up people."""

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, delete, insert, select, update

from biosense_pipeline.codes import ImageKind, Status, StillResult, Verdict
from biosense_pipeline.matching.benchmark import Reference, ReferenceState
from biosense_pipeline.matching.comparisons import Kind
from biosense_pipeline.store.calibrations import activate, calibration_in_force
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.desk_tables import DeskUser, Review
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.summaries import summarise
from biosense_pipeline.store.tables import (
    AgentHourSummary,
    AgentThreshold,
    FaceEncoding,
    MatchCalibration,
    RecognitionResult,
    StreamImage,
    TrainingImage,
)
from biosense_pipeline.workflows.calibrate import calibrate
from biosense_pipeline.workflows.calibration_material import FEWEST_IN_HOUR, Agent, Found, KnownStill, confirmed, gather
from biosense_pipeline.workflows.calibration_material import presumed_stills as presumed
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.report_tables import separability_table
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fake_site import STILLS_AN_HOUR, FakeSite
from biosense_pipeline_tests.workflows.fakes import MODEL, bench_with, rows_of, stills

#: 300 pairs of people are needed for it, which 25 people make.
TARGET = 0.01
FALSE_ALARM = Verdict.FALSE_ALARM


@pytest.fixture
def site(mariadb_database: Database) -> FakeSite:
    """60 people who have worked for two hours."""
    made = FakeSite(mariadb_database, people=60)
    made.fill()
    return made


@pytest.fixture
def small_site(sqlite_database: Database) -> FakeSite:
    """12 people who have worked for two hours."""
    made = FakeSite(sqlite_database, people=12)
    made.fill()
    return made


def test_calibration_comes_into_force_and_decides(site: FakeSite) -> None:
    """From 60 people's stills comes a calibration; once activated it decides the next stills, on record with them."""
    database, bench = site.database, _bench(site)
    report = calibrate(bench)
    assert report.candidate.objections == []
    assert report.id is not None
    assert calibration_in_force(database, MODEL) is None
    before = load_rule(database, bench.settings, MODEL)
    assert activate(database, report.id) == []
    rule = load_rule(database, bench.settings, MODEL)
    assert (before.tolerance, before.calibration_id, rule.calibration_id) == (0.5, None, report.id)
    assert report.fitted is not None
    assert rule.tolerance == report.fitted.tolerance < 0.5
    assert rule.calibration == report.fitted.calibration

    later = HOUR + timedelta(hours=5)
    ids = site.capture(7, [(7, 0), (7, 20), (8, 3)], later)
    drain(bench, Scope(later))
    decided = _results(database, ids)
    for row, shown in zip(decided, stills(database, ids), strict=True):
        certainty = rule.certainty(row.distance)
        assert certainty is not None
        assert (row.calibration_id, row.tolerance) == (report.id, rule.tolerance_for(site.lan_id(7)))
        assert (row.llr, row.p_genuine) == (pytest.approx(certainty.llr), pytest.approx(certainty.p_genuine))
        assert shown.accuracy == pytest.approx(100 * certainty.p_genuine)
        assert row.result == ("SUCCESS" if row.distance <= row.tolerance else "UNKNOWN_PERSON")
    assert decided[2].result == "UNKNOWN_PERSON"
    assert decided[2].llr < 0 < decided[0].llr

    # Turned off by a setting, the numbers of the calibration do not stay beside decisions that it did not make.
    database.write(
        lambda connection: connection.execute(
            update(StreamImage).where(StreamImage.id.in_(ids)).values(status=Status.PENDING, attempts=0)
        )
    )
    drain(_bench(site, use_calibration=False), Scope(later))
    for row in _results(database, ids):
        assert (row.tolerance, row.llr, row.p_genuine, row.calibration_id) == (0.5, None, None, None)


def test_worse_calibration_is_refused(site: FakeSite) -> None:
    """One that costs more on the same unseen people than the one in force does not take effect."""
    database = site.database
    first = calibrate(_bench(site))
    assert first.candidate.parameters is not None
    # The same without its bounds: surer than so few people allow, and right every time.
    _store(database, {**first.candidate.parameters, "bounds": [-40, 40]}, first.candidate.tolerance)
    in_force = calibration_in_force(database, MODEL)
    assert in_force is not None
    second = calibrate(_bench(site))
    assert second.id is not None
    assert [text for text in activate(database, second.id) if f"worse than calibration {in_force.id}" in text]
    assert calibration_in_force(database, MODEL) == in_force


def test_repeated_calibration_is_no_worse(small_site: FakeSite) -> None:
    """The same material gives the same calibration again, which is no worse than itself."""
    bench = _bench(small_site, target_fmr=0.1, calibration_min_people=10)
    first, second = calibrate(bench), calibrate(bench)
    assert first.candidate.parameters == second.candidate.parameters
    assert first.candidate.tolerance == second.candidate.tolerance
    assert not [text for text in second.candidate.objections if "worse" in text]


def test_too_few_people_are_refused_plainly(small_site: FakeSite) -> None:
    """Twelve people are too few: figures are shown, the refusal says what is needed, nothing changes."""
    report = calibrate(_bench(small_site))
    assert report.id is not None
    objections = activate(small_site.database, report.id)
    assert any("Stills of 12 people are there to calibrate on and 30 are needed" in text for text in objections)
    assert any("66 pairs of people were compared and 300 are needed" in text for text in objections)
    assert report.candidate.figures["cllr"] > 0
    assert calibration_in_force(small_site.database, MODEL) is None


def test_empty_database_is_refused_plainly(sqlite_database: Database) -> None:
    """Without anybody there is nothing to fit to, and no failure."""
    report = calibrate(bench_with(sqlite_database))
    assert (report.fitted, report.candidate.parameters, report.candidate.window_start) == (None, None, None)
    assert len(report.candidate.objections) == 3


def test_dry_run_stores_nothing(small_site: FakeSite) -> None:
    """A dry run shows the same and stores no calibration."""
    bench = _bench(small_site)
    report = calibrate(bench, dry_run=True)
    assert report.id is None
    assert rows_of(small_site.database, MatchCalibration.__table__) == 0
    assert calibrate(bench).candidate == report.candidate


def test_whole_hours_are_presumed(small_site: FakeSite) -> None:
    """Of an hour with a small median any still may be taken, those beyond the tolerance too; of others none."""
    database = small_site.database
    # Six people's first hours: medians far below the tolerance, and some stills beyond it.
    for person in range(2, 8):
        _set_distances(database, _first_hour(small_site, person)[:4], 0.7)
    # Another person's first hour: somebody in between.
    doubtful = _first_hour(small_site, 1)
    _set_distances(database, doubtful, 0.45)
    found = presumed(_bench(small_site, calibration_stills=12 * 30), _agents(small_site))
    assert not {known.still.id for known in found.stills} & set(doubtful)
    assert (found.notes["hours_looked_at"], found.notes["hours_presumed"]) == (24, 23)
    assert any(known.still.distance == 0.7 for known in found.stills)
    assert all(known.kind is Kind.PRESUMED for known in found.stills)


def test_material_is_spread_and_limited(small_site: FakeSite) -> None:
    """The stills asked for come from all agents alike; hours with few stills are left out."""
    bench = _bench(small_site, calibration_stills=24)
    material = gather(bench, [presumed])
    assert material.notes["stills_compared"] == 24
    assert set(material.comparisons.shows.tolist()) == set(range(12))
    database = small_site.database
    few = _first_hour(small_site, 0)[FEWEST_IN_HOUR - 1 :]
    database.write(lambda connection: connection.execute(delete(StreamImage).where(StreamImage.id.in_(few))))
    assert presumed(_bench(small_site), _agents(small_site)).notes["hours_looked_at"] == 23


def test_other_training_images_are_genuine(small_site: FakeSite) -> None:
    """Approved training images besides the benchmark are compared with it and not with themselves, and named."""
    database = small_site.database
    image = {"lan_id": small_site.lan_id(3), "capture_time": HOUR, "image": b"3:7", "status": "Y"}
    database.write(lambda connection: connection.execute(insert(TrainingImage).values(**image)))
    material = gather(_bench(small_site), [presumed])
    comparisons = material.comparisons
    assert comparisons.own[comparisons.are([Kind.TRAINING])].tolist() == [
        pytest.approx(float(np.linalg.norm(small_site.benchmarks[3] - small_site.encodings[3][7])), abs=1e-5)
    ]


def test_stills_are_compared_as_they_are_decided(small_site: FakeSite) -> None:
    """The distance of a still is the one to the nearest of all references; a still that became one is left out."""
    database = small_site.database

    def distances(person: int) -> np.ndarray:
        found = gather(_bench(small_site), [presumed]).comparisons
        return np.sort(found.own[found.are([Kind.PRESUMED]) & (found.shows == person)])

    before, others = distances(3), distances(5)
    own = np.linalg.norm(small_site.encodings[3] - small_site.benchmarks[3], axis=1)
    picture = f"3:{np.abs(own - before[0]).argmin()}".encode()
    image = {"lan_id": small_site.lan_id(3), "capture_time": HOUR, "image": picture, "status": "Y"}
    database.write(lambda connection: connection.execute(insert(TrainingImage).values(**image)))
    after = distances(3)
    assert len(after) == len(before) - 1
    assert np.all(after <= before[1:] + 1e-6)
    assert after.sum() < before[1:].sum() - 0.01
    assert np.array_equal(distances(5), others)


def test_stills_compared_with_other_images_are_not_taken(small_site: FakeSite) -> None:
    """Where none of the references is what an hour's stills were compared with, they say nothing of it."""
    database = small_site.database
    first = _first_hour(small_site, 3)[0]
    theirs = RecognitionResult.stream_image_id >= first
    statement = update(RecognitionResult).where(theirs).values(training_image_id=999)
    database.write(lambda connection: connection.execute(statement))
    comparisons = gather(_bench(small_site), [presumed]).comparisons
    assert set(comparisons.shows[comparisons.are([Kind.PRESUMED])].tolist()) == {0, 1, 2}


def test_confirmed_stills_come_first_and_are_named(small_site: FakeSite) -> None:
    """A still that two sources know is of the first one's kind."""

    def also_confirmed(bench: Workbench, agents: Any) -> Found:
        return Found([KnownStill(known.key, Kind.CONFIRMED, known.still) for known in presumed(bench, agents).stills])

    report = calibrate(_bench(small_site), sources=[also_confirmed, presumed])
    assert report.candidate.confirmed
    assert report.support.genuine_by_kind["presumed"] == 0
    assert not calibrate(_bench(small_site)).candidate.confirmed


def test_false_alarm_is_a_confirmed_genuine_still(small_site: FakeSite) -> None:
    """A still beyond the tolerance that a reviewer called a false alarm is material, and no template."""
    database = small_site.database
    unknown = _unknown(small_site)
    _review(small_site, unknown, FALSE_ALARM)
    images = rows_of(database, TrainingImage.__table__)
    found = confirmed(_bench(small_site), _agents(small_site))
    assert {known.still.id for known in found.stills} == set(unknown)
    assert {known.kind for known in found.stills} == {Kind.CONFIRMED}
    assert found.notes == {
        "confirmed_stills": len(unknown),
        "false_alarm_share": pytest.approx(len(unknown) / len(small_site.still_ids), abs=1e-5),
    }
    report = calibrate(_bench(small_site))
    assert report.candidate.confirmed
    assert report.support.genuine_by_kind["confirmed"] == len(unknown)
    assert report.genuine_pairs == f"{len(unknown)} of {report.support.genuine} confirmed by supervisors"
    assert rows_of(database, TrainingImage.__table__) == images
    assert rows_of(database, FaceEncoding.__table__) == small_site.people


def test_only_undisputed_false_alarms_are_confirmed(small_site: FakeSite) -> None:
    """Doubtful, contradicted and correct findings are no material, nor are stills with several faces or another's."""
    one, two, three, four, five, *_ = _unknown(small_site)
    _review(small_site, [one], Verdict.NOT_SURE)
    _review(small_site, [two], Verdict.CORRECT)
    _review(small_site, [three], Verdict.CORRECT)
    _review(small_site, [three], FALSE_ALARM, round_=2)
    _review(small_site, [four], FALSE_ALARM, result=StillResult.UNKNOWN_MULTIPLE_FACES)
    _review(small_site, [five], FALSE_ALARM)
    found = confirmed(_bench(small_site), _agents(small_site))
    assert [known.still.id for known in found.stills] == [five]
    without = {key: agent for key, agent in _agents(small_site).items() if agent.lan_id != small_site.lan_id(4)}
    assert confirmed(_bench(small_site), without).stills == []


def test_diligent_reviewers_do_not_shift_the_calibration(small_site: FakeSite) -> None:
    """Of confirmed stills no more are taken than their share of all stills: they all lie beyond the tolerance."""
    unknown = _unknown(small_site)
    _review(small_site, unknown, FALSE_ALARM)
    share = len(unknown) / len(small_site.still_ids)
    found = confirmed(_bench(small_site, calibration_stills=40), _agents(small_site))
    assert len(found.stills) == math.ceil(40 * share) < len(unknown)
    # Half of the findings were right: then half as many are taken.
    half = len(unknown) // 2
    statement = update(Review).where(Review.subject_id.in_(unknown[:half])).values(verdict=Verdict.CORRECT)
    small_site.database.write(lambda connection: connection.execute(statement))
    halved = share * (1 - half / len(unknown))
    found = confirmed(_bench(small_site, calibration_stills=40), _agents(small_site))
    assert len(found.stills) == math.ceil(40 * halved) == 1


def test_confirmed_stills_of_an_earlier_benchmark_count(small_site: FakeSite) -> None:
    """After a new enrolment confirmed stills are compared with the new benchmark; their old distance tells nothing."""
    unknown = _unknown(small_site)
    _review(small_site, unknown, FALSE_ALARM)
    statement = update(RecognitionResult).values(training_image_id=10**6, distance=0.9)
    small_site.database.write(lambda connection: connection.execute(statement))
    material = gather(_bench(small_site), [confirmed, presumed])
    assert material.notes["stills_compared"] == len(unknown)
    assert material.notes["distance_shift_p95"] is None


def test_verdicts_of_the_newest_days_count(small_site: FakeSite) -> None:
    """Confirmed stills that are older than the days of the setting are left out."""
    _review(small_site, _unknown(small_site), FALSE_ALARM)
    later = {"hour": HOUR + timedelta(days=30), "employee_id": 1, "result": "SUCCESS", "stills": 1}
    values = {**later, "first_capture": HOUR, "last_capture": HOUR, "summed_up": HOUR}
    small_site.database.write(lambda connection: connection.execute(insert(AgentHourSummary).values(**values)))
    found = confirmed(_bench(small_site), _agents(small_site))
    assert (found.stills, found.notes) == ([], {"confirmed_stills": 0, "false_alarm_share": 0.0})


def test_second_account_is_left_out_and_named(small_site: FakeSite) -> None:
    """An agent under two LAN ids is suspected, by name, and neither account is an impostor of the other."""
    site = small_site
    site.show(5, site.benchmarks[4], site.encodings[4])
    report = calibrate(_bench(site))
    (pair,) = report.candidate.material["suspected_one_person"]
    assert pair["agents"] == [site.lan_id(4), site.lan_id(5)]
    assert report.support.people == 11


def test_look_alikes_get_tolerances_of_their_own(site: FakeSite) -> None:
    """Two people who look alike get stricter tolerances, stored by employee, and the next still is held to them."""
    # Most of the way from one person to another.
    shift = 0.55 * (site.benchmarks[10] - site.benchmarks[11])
    site.show(11, site.benchmarks[11] + shift, site.encodings[11] + shift)
    report = calibrate(_bench(site))
    assert report.id is not None
    assert activate(site.database, report.id) == []
    rule = load_rule(site.database, _bench(site).settings, MODEL)
    for person in (10, 11):
        assert rule.tolerance_for(site.lan_id(person)) < rule.tolerance
    assert rule.tolerance_for(site.lan_id(20)) == rule.tolerance
    told = {(agent.lan_id, agent.nearest_lan_id): agent.tolerance for agent in report.separability}
    for one, other in ((10, 11), (11, 10)):
        assert told[site.lan_id(one), site.lan_id(other)] == rule.tolerance_for(site.lan_id(one))
    assert [row[0] for row in separability_table(report.separability).rows] == [lan_id for lan_id, _ in told]
    assert rows_of(site.database, AgentThreshold.__table__) == len(rule.own_tolerances)


def _bench(site: FakeSite, **values: Any) -> Workbench:
    return bench_with(site.database, site.examiner, **{"target_fmr": TARGET, **values})


def _unknown(site: FakeSite) -> list[int]:
    """Lets a still of each person have been decided to show somebody else; returns their ids."""
    ids = [_first_hour(site, person)[5] for person in range(site.people)]
    result = StillResult.UNKNOWN_PERSON
    stills_ = update(StreamImage).where(StreamImage.id.in_(ids)).values(result=result)
    found = update(RecognitionResult).where(RecognitionResult.stream_image_id.in_(ids))
    site.database.write(lambda connection: connection.execute(stills_))
    site.database.write(lambda connection: connection.execute(found.values(result=result, distance=0.6)))
    summarise(site.database, HOUR, HOUR + timedelta(hours=site.hours))
    return ids


def _review(
    site: FakeSite,
    ids: list[int],
    verdict: Verdict,
    round_: int = 1,
    result: StillResult = StillResult.UNKNOWN_PERSON,
) -> None:
    user = {"name": f"reviewer {round_}", "password_hash": "-", "role": "admin", "created": HOUR}

    def write(connection: Connection) -> None:
        reviewer = connection.execute(select(DeskUser.id).where(DeskUser.name == user["name"])).scalar()
        if reviewer is None:
            connection.execute(insert(DeskUser).values(**user))
            reviewer = connection.execute(select(DeskUser.id).where(DeskUser.name == user["name"])).scalar_one()
        rows = [
            {
                "subject_kind": ImageKind.STREAM,
                "subject_id": still_id,
                "round": round_,
                "employee_id": 1,
                "result": result,
                "captured": HOUR,
                "verdict": verdict,
                "reviewer_id": reviewer,
                "created": HOUR,
            }
            for still_id in ids
        ]
        connection.execute(insert(Review), rows)

    site.database.write(write)


def _first_hour(site: FakeSite, person: int) -> list[int]:
    first = person * site.hours * STILLS_AN_HOUR
    return site.still_ids[first : first + STILLS_AN_HOUR]


def _agents(site: FakeSite) -> dict[str, Agent]:
    with site.database.read() as connection:
        ids = {row.lan_id: row.id for row in connection.execute(select(TrainingImage.lan_id, TrainingImage.id))}
    return {
        lan_id.lower(): Agent(lan_id, Reference(ReferenceState.READY, (ids[lan_id],), (site.benchmarks[person],)))
        for person, lan_id in enumerate(map(site.lan_id, range(site.people)))
    }


def _set_distances(database: Database, ids: list[int], distance: float) -> None:
    statement = update(RecognitionResult).where(RecognitionResult.stream_image_id.in_(ids)).values(distance=distance)
    database.write(lambda connection: connection.execute(statement))


def _store(database: Database, parameters: dict[str, Any], tolerance: float | None) -> None:
    row = {
        "model_id": MODEL,
        "parameters": parameters,
        "target_fmr": TARGET,
        "tolerance": tolerance,
        "figures": {},
        "material": {},
        "confirmed": True,
        "objections": [],
        "created": HOUR,
        "activated": HOUR,
    }
    database.write(lambda connection: connection.execute(insert(MatchCalibration).values(**row)))


def _results(database: Database, ids: list[int]) -> list[Any]:
    table = RecognitionResult.__table__
    with database.read() as connection:
        return list(connection.execute(select(table).where(table.c.stream_image_id.in_(ids)).order_by(*table.c[:1])))
