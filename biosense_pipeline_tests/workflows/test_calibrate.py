"""The calibration from gathered stills to the decision of the next still, on made-up people."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from biosense_pipeline.codes import Status
from biosense_pipeline.matching.comparisons import Kind
from biosense_pipeline.store.calibrations import activate, calibration_in_force
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables import (
    AgentThreshold,
    MatchCalibration,
    RecognitionResult,
    StreamImage,
    TrainingImage,
)
from biosense_pipeline.workflows.calibrate import calibrate
from biosense_pipeline.workflows.calibration_material import FEWEST_IN_HOUR, Agent, Found, KnownStill, gather
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
    """Approved training images besides the benchmark are compared with it, and named as such."""
    database = small_site.database
    image = {"lan_id": small_site.lan_id(3), "capture_time": HOUR, "image": b"3:7", "status": "Y"}
    database.write(lambda connection: connection.execute(insert(TrainingImage).values(**image)))
    material = gather(_bench(small_site), [presumed])
    assert int(material.comparisons.are([Kind.TRAINING]).sum()) == 1
    # The newest is the benchmark now: stills that were compared with the earlier one are not taken.
    assert 3 not in material.comparisons.shows[material.comparisons.are([Kind.PRESUMED])]


def test_confirmed_stills_come_first_and_are_named(small_site: FakeSite) -> None:
    """A source of confirmed stills makes the calibration a confirmed one."""

    def confirmed(bench: Workbench, agents: Any) -> Found:
        return Found([KnownStill(known.key, Kind.CONFIRMED, known.still) for known in presumed(bench, agents).stills])

    report = calibrate(_bench(small_site), sources=[confirmed])
    assert report.candidate.confirmed
    assert report.support.genuine_by_kind["presumed"] == 0
    assert not calibrate(_bench(small_site)).candidate.confirmed


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


def _first_hour(site: FakeSite, person: int) -> list[int]:
    first = person * site.hours * STILLS_AN_HOUR
    return site.still_ids[first : first + STILLS_AN_HOUR]


def _agents(site: FakeSite) -> dict[str, Agent]:
    with site.database.read() as connection:
        ids = {row.lan_id: row.id for row in connection.execute(select(TrainingImage.lan_id, TrainingImage.id))}
    return {
        lan_id.lower(): Agent(lan_id, ids[lan_id], site.benchmarks[person])
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
