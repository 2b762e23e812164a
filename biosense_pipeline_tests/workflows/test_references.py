"""Several references: the nearest counts, an outlier does not, and a proposed still may become one."""

from typing import Any

import pytest
from sqlalchemy import select

from biosense_pipeline.codes import StillResult, TrainingResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import propose
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import RecognitionResult, TrainingImage
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images, encode_benchmarks
from biosense_pipeline_tests.workflows.enrolling import approve_now, bench_for_enrolment
from biosense_pipeline_tests.workflows.fakes import GOOD, capture, enter_legacy_benchmark, outcomes


def test_several_references(database: Database) -> None:
    """Stills are compared with all approved images; the nearest is named with the result, and the others in it."""
    ids = [enter_legacy_benchmark(database, picture=sight) for sight in (b"agent", b"farther")]
    assert encode_benchmarks(bench_for_enrolment(database)).examined == 2
    still_ids = capture(database, b"agent again", b"stranger", b"agent and stranger", b"nobody")
    drain(bench_for_enrolment(database), Scope())
    assert [result for _, result in outcomes(database, still_ids)] == [
        StillResult.SUCCESS,
        StillResult.SUCCESS,
        StillResult.SUCCESS_MULTIPLE_FACES,
        StillResult.NO_FACES_FOUND,
    ]
    rows = _results(database)
    assert [(row.training_image_id, row.distance) for row in rows] == [
        (ids[0], pytest.approx(0.25)),
        (ids[1], pytest.approx(0.15)),
        (ids[1], pytest.approx(0.15)),
        (ids[1], None),
    ]
    assert [[face["references"] for face in row.faces] for row in rows] == [
        [ids[::-1]],
        [ids[::-1]],
        [ids[::-1]] * 2,
        [],
    ]


def test_with_one_reference_results_are_as_ever(enrolled: Database) -> None:
    """With one approved image the faces of a result say nothing of references."""
    capture(enrolled, b"agent")
    drain(bench_for_enrolment(enrolled), Scope())
    (row,) = _results(enrolled)
    assert set(row.faces[0]) == {"box", "landmarks", "distance", *GOOD}


def test_outlier_is_no_reference(database: Database) -> None:
    """One approved image in three that shows somebody else lets nobody pass, the newest one neither."""
    for sight in (b"agent", b"agent again", b"far off"):
        enter_legacy_benchmark(database, picture=sight)
    ids = capture(database, b"far off", b"agent")
    drain(bench_for_enrolment(database), Scope())
    assert outcomes(database, ids) == [("Y", StillResult.UNKNOWN_PERSON), ("Y", StillResult.SUCCESS)]


def test_proposed_still_runs_the_enrolment_flow(database: Database) -> None:
    """A still that is proposed is checked like any training image, and waits for a person where that is set."""
    bench = bench_for_enrolment(database, approval="team_lead")
    (still_id,) = capture(database, b"agent")
    image = propose(database, still_id, now=bench.local_now())
    assert check_training_images(bench).waiting == 1
    approve_now(bench, image)
    drain(bench, Scope())
    assert outcomes(database, [still_id]) == [("Y", StillResult.SUCCESS)]


def test_proposal_that_fails_takes_nobody_out_of_service(database: Database) -> None:
    """A proposed still without one good face fails, and the agent is compared with the benchmark as before."""
    enter_legacy_benchmark(database, picture=b"agent")
    bench = bench_for_enrolment(database)
    (empty,) = capture(database, b"nobody")
    proposed = propose(database, empty, now=bench.local_now())
    assert check_training_images(bench).results == {TrainingResult.NO_FACE: 1}
    with database.read() as connection:
        found = connection.execute(select(TrainingImage.result).where(TrainingImage.id == proposed)).scalar_one()
    assert found == TrainingResult.PROPOSAL_FAILED
    ids = capture(database, b"agent")
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)]


def _results(database: Database) -> list[Any]:
    with database.read() as connection:
        table = RecognitionResult.__table__
        return list(connection.execute(select(table).order_by(table.c.stream_image_id)))
