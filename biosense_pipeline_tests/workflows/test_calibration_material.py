"""What a calibration is fitted to: presumed stills, other training images, and what reviewers confirmed."""

import math
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, delete, insert, select, update

from biosense_pipeline.codes import ImageKind, StillResult, Verdict
from biosense_pipeline.matching.benchmark import Reference, ReferenceState
from biosense_pipeline.matching.comparisons import Kind
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.desk import DeskUser, Review
from biosense_pipeline.store.tables.pipeline import (
    AgentHourSummary,
    FaceEncoding,
    RecognitionResult,
    StreamImage,
    TrainingImage,
)
from biosense_pipeline.workflows.calibrate import calibrate
from biosense_pipeline.workflows.calibration_material import FEWEST_IN_HOUR, Agent, Found, KnownStill, confirmed, gather
from biosense_pipeline.workflows.calibration_material import presumed_stills as presumed
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fake_site import STILLS_AN_HOUR, FakeSite, bench_at
from biosense_pipeline_tests.workflows.fakes import rows_of

FALSE_ALARM = Verdict.FALSE_ALARM


def test_whole_hours_are_presumed(small_site: FakeSite) -> None:
    """Of an hour with a small median any still may be taken, those beyond the tolerance too; of others none."""
    database = small_site.database
    # Six people's first hours: medians far below the tolerance, and some stills beyond it.
    for person in range(2, 8):
        _set_distances(database, _first_hour(small_site, person)[:4], 0.7)
    # Another person's first hour: somebody in between.
    doubtful = _first_hour(small_site, 1)
    _set_distances(database, doubtful, 0.45)
    found = presumed(bench_at(small_site, calibration_stills=12 * 30), _agents(small_site))
    assert not {known.still.id for known in found.stills} & set(doubtful)
    assert (found.notes["hours_looked_at"], found.notes["hours_presumed"]) == (24, 23)
    assert any(known.still.distance == 0.7 for known in found.stills)
    assert all(known.kind is Kind.PRESUMED for known in found.stills)


def test_material_is_spread_and_limited(small_site: FakeSite) -> None:
    """The stills asked for come from all agents alike; hours with few stills are left out."""
    bench = bench_at(small_site, calibration_stills=24)
    material = gather(bench, [presumed])
    assert material.notes["stills_compared"] == 24
    assert set(material.comparisons.shows.tolist()) == set(range(12))
    database = small_site.database
    few = _first_hour(small_site, 0)[FEWEST_IN_HOUR - 1 :]
    database.write(lambda connection: connection.execute(delete(StreamImage).where(StreamImage.id.in_(few))))
    assert presumed(bench_at(small_site), _agents(small_site)).notes["hours_looked_at"] == 23


def test_other_training_images_are_genuine(small_site: FakeSite) -> None:
    """Approved training images besides the benchmark are compared with it and not with themselves, and named."""
    database = small_site.database
    image = {"lan_id": small_site.lan_id(3), "capture_time": HOUR, "image": b"3:7", "status": "Y"}
    database.write(lambda connection: connection.execute(insert(TrainingImage).values(**image)))
    material = gather(bench_at(small_site), [presumed])
    comparisons = material.comparisons
    assert comparisons.own[comparisons.are([Kind.TRAINING])].tolist() == [
        pytest.approx(float(np.linalg.norm(small_site.benchmarks[3] - small_site.encodings[3][7])), abs=1e-5)
    ]


def test_stills_are_compared_as_they_are_decided(small_site: FakeSite) -> None:
    """The distance of a still is the one to the nearest of all references; a still that became one is left out."""
    database = small_site.database

    def distances(person: int) -> np.ndarray:
        found = gather(bench_at(small_site), [presumed]).comparisons
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
    comparisons = gather(bench_at(small_site), [presumed]).comparisons
    assert set(comparisons.shows[comparisons.are([Kind.PRESUMED])].tolist()) == {0, 1, 2}


def test_confirmed_stills_come_first_and_are_named(small_site: FakeSite) -> None:
    """A still that two sources know is of the first one's kind."""

    def also_confirmed(bench: Workbench, agents: Any) -> Found:
        return Found([KnownStill(known.key, Kind.CONFIRMED, known.still) for known in presumed(bench, agents).stills])

    report = calibrate(bench_at(small_site), sources=[also_confirmed, presumed])
    assert report.candidate.confirmed
    assert report.support.genuine_by_kind["presumed"] == 0
    assert not calibrate(bench_at(small_site)).candidate.confirmed


def test_false_alarm_is_a_confirmed_genuine_still(small_site: FakeSite) -> None:
    """A still beyond the tolerance that a reviewer called a false alarm is material, and no template."""
    database = small_site.database
    unknown = _unknown(small_site)
    _review(small_site, unknown, FALSE_ALARM)
    images = rows_of(database, TrainingImage.__table__)
    found = confirmed(bench_at(small_site), _agents(small_site))
    assert {known.still.id for known in found.stills} == set(unknown)
    assert {known.kind for known in found.stills} == {Kind.CONFIRMED}
    assert found.notes == {
        "confirmed_stills": len(unknown),
        "false_alarm_share": pytest.approx(len(unknown) / len(small_site.still_ids), abs=1e-5),
    }
    report = calibrate(bench_at(small_site))
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
    found = confirmed(bench_at(small_site), _agents(small_site))
    assert [known.still.id for known in found.stills] == [five]
    without = {key: agent for key, agent in _agents(small_site).items() if agent.lan_id != small_site.lan_id(4)}
    assert confirmed(bench_at(small_site), without).stills == []


def test_diligent_reviewers_do_not_shift_the_calibration(small_site: FakeSite) -> None:
    """Of confirmed stills no more are taken than their share of all stills: they all lie beyond the tolerance."""
    unknown = _unknown(small_site)
    _review(small_site, unknown, FALSE_ALARM)
    share = len(unknown) / len(small_site.still_ids)
    found = confirmed(bench_at(small_site, calibration_stills=40), _agents(small_site))
    assert len(found.stills) == math.ceil(40 * share) < len(unknown)
    # Half of the findings were right: then half as many are taken.
    half = len(unknown) // 2
    statement = update(Review).where(Review.subject_id.in_(unknown[:half])).values(verdict=Verdict.CORRECT)
    small_site.database.write(lambda connection: connection.execute(statement))
    halved = share * (1 - half / len(unknown))
    found = confirmed(bench_at(small_site, calibration_stills=40), _agents(small_site))
    assert len(found.stills) == math.ceil(40 * halved) == 1


def test_confirmed_stills_of_an_earlier_benchmark_count(small_site: FakeSite) -> None:
    """After a new enrolment confirmed stills are compared with the new benchmark; their old distance tells nothing."""
    unknown = _unknown(small_site)
    _review(small_site, unknown, FALSE_ALARM)
    statement = update(RecognitionResult).values(training_image_id=10**6, distance=0.9)
    small_site.database.write(lambda connection: connection.execute(statement))
    material = gather(bench_at(small_site), [confirmed, presumed])
    assert material.notes["stills_compared"] == len(unknown)
    assert material.notes["distance_shift_p95"] is None


def test_verdicts_of_the_newest_days_count(small_site: FakeSite) -> None:
    """Confirmed stills that are older than the days of the setting are left out."""
    _review(small_site, _unknown(small_site), FALSE_ALARM)
    later = {"hour": HOUR + timedelta(days=30), "employee_id": 1, "result": "SUCCESS", "stills": 1}
    values = {**later, "first_capture": HOUR, "last_capture": HOUR, "summed_up": HOUR}
    small_site.database.write(lambda connection: connection.execute(insert(AgentHourSummary).values(**values)))
    found = confirmed(bench_at(small_site), _agents(small_site))
    assert (found.stills, found.notes) == ([], {"confirmed_stills": 0, "false_alarm_share": 0.0})


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
