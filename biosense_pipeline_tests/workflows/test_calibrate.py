"""The calibration from gathered stills to the decision of the next still, on made-up people."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from biosense_pipeline.codes import Status
from biosense_pipeline.store.calibration.calibrations import activate, calibration_in_force
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import AgentThreshold, MatchCalibration, RecognitionResult, StreamImage
from biosense_pipeline.workflows.calibrate import calibrate
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.report_tables import separability_table
from biosense_pipeline.workflows.rules import load_rule
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fake_site import TARGET, FakeSite, bench_at
from biosense_pipeline_tests.workflows.fakes import MODEL, bench_with, rows_of, stills


def test_calibration_comes_into_force_and_decides(site: FakeSite) -> None:
    """From 60 people's stills comes a calibration; once activated it decides the next stills, on record with them."""
    database, bench = site.database, bench_at(site)
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
    drain(bench_at(site, use_calibration=False), Scope(later))
    for row in _results(database, ids):
        assert (row.tolerance, row.llr, row.p_genuine, row.calibration_id) == (0.5, None, None, None)


def test_worse_calibration_is_refused(site: FakeSite) -> None:
    """One that costs more on the same unseen people than the one in force does not take effect."""
    database = site.database
    first = calibrate(bench_at(site))
    assert first.candidate.parameters is not None
    # The same without its bounds: surer than so few people allow, and right every time.
    _store(database, {**first.candidate.parameters, "bounds": [-40, 40]}, first.candidate.tolerance)
    in_force = calibration_in_force(database, MODEL)
    assert in_force is not None
    second = calibrate(bench_at(site))
    assert second.id is not None
    assert [text for text in activate(database, second.id) if f"worse than calibration {in_force.id}" in text]
    assert calibration_in_force(database, MODEL) == in_force


def test_repeated_calibration_is_no_worse(small_site: FakeSite) -> None:
    """The same material gives the same calibration again, which is no worse than itself."""
    bench = bench_at(small_site, target_fmr=0.1, calibration_min_people=10)
    first, second = calibrate(bench), calibrate(bench)
    assert first.candidate.parameters == second.candidate.parameters
    assert first.candidate.tolerance == second.candidate.tolerance
    assert not [text for text in second.candidate.objections if "worse" in text]


def test_too_few_people_are_refused_plainly(small_site: FakeSite) -> None:
    """Twelve people are too few: figures are shown, the refusal says what is needed, nothing changes."""
    report = calibrate(bench_at(small_site))
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
    bench = bench_at(small_site)
    report = calibrate(bench, dry_run=True)
    assert report.id is None
    assert rows_of(small_site.database, MatchCalibration.__table__) == 0
    assert calibrate(bench).candidate == report.candidate


def test_second_account_is_left_out_and_named(small_site: FakeSite) -> None:
    """An agent under two LAN ids is suspected, by name, and neither account is an impostor of the other."""
    site = small_site
    site.show(5, site.benchmarks[4], site.encodings[4])
    report = calibrate(bench_at(site))
    (pair,) = report.candidate.material["suspected_one_person"]
    assert pair["agents"] == [site.lan_id(4), site.lan_id(5)]
    assert report.support.people == 11


def test_look_alikes_get_tolerances_of_their_own(site: FakeSite) -> None:
    """Two people who look alike get stricter tolerances, stored by employee, and the next still is held to them."""
    # Most of the way from one person to another.
    shift = 0.55 * (site.benchmarks[10] - site.benchmarks[11])
    site.show(11, site.benchmarks[11] + shift, site.encodings[11] + shift)
    report = calibrate(bench_at(site))
    assert report.id is not None
    assert activate(site.database, report.id) == []
    rule = load_rule(site.database, bench_at(site).settings, MODEL)
    for person in (10, 11):
        assert rule.tolerance_for(site.lan_id(person)) < rule.tolerance
    assert rule.tolerance_for(site.lan_id(20)) == rule.tolerance
    told = {(agent.lan_id, agent.nearest_lan_id): agent.tolerance for agent in report.separability}
    for one, other in ((10, 11), (11, 10)):
        assert told[site.lan_id(one), site.lan_id(other)] == rule.tolerance_for(site.lan_id(one))
    assert [row[0] for row in separability_table(report.separability).rows] == [lan_id for lan_id, _ in told]
    assert rows_of(site.database, AgentThreshold.__table__) == len(rule.own_tolerances)


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
