"""Enrolment and the stills: what fails for want of a training image, and returns once there is one."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import TrainingImage
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline_tests.workflows.fakes import (
    PreparedExaminer,
    bench_with,
    capture,
    enrol,
    enter_legacy_benchmark,
    outcomes,
    stills,
)


def test_without_training_image(database: Database) -> None:
    """Stills of an agent without training image fail for want of one, unexamined."""
    ids = capture(database, b"agent", b"stranger")
    examiner = PreparedExaminer()
    drain(bench_with(database, examiner), Scope())
    assert outcomes(database, ids) == [("F", StillResult.NO_TRAINING_IMAGE)] * 2
    assert examiner.examined == []
    assert {row.accuracy for row in stills(database, ids)} == {None}


def test_enrolment_later(database: Database) -> None:
    """Stills that failed for want of a training image return to pending once one is approved, and succeed."""
    bench = bench_with(database, requeue_hours=87_600)
    ids = capture(database, b"agent", b"stranger")
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 2
    assert [(row.status, row.result, row.attempts) for row in stills(database, ids)] == [("N", None, 0)] * 2
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]


def test_enrolment_later_in_another_spelling(database: Database) -> None:
    """Stills return to pending though the training image spells the agent in other cases."""
    bench = bench_with(database, requeue_hours=87_600)
    ids = capture(database, b"agent", lan_id="na\\VEP5898")
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 1
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)]


def test_enrolment_later_leaves_old_stills(database: Database) -> None:
    """Stills older than requeue_hours stay failed when a training image is approved."""
    bench = bench_with(database, requeue_hours=1)
    ids = capture(database, b"agent", start=bench.local_now() - timedelta(hours=2))
    recent = capture(database, b"agent", start=bench.local_now() - timedelta(minutes=30))
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 1
    drain(bench, Scope())
    assert outcomes(database, ids + recent) == [("F", StillResult.NO_TRAINING_IMAGE), ("Y", StillResult.SUCCESS)]


def test_enrolment_later_leaves_other_failures(enrolled: Database) -> None:
    """An approval returns only stills that failed for want of a training image."""
    bench = bench_with(enrolled, requeue_hours=87_600)
    ids = capture(enrolled, b"torn", b"unlucky", b"stranger")
    drain(bench, Scope())
    before = outcomes(enrolled, ids)
    enrol(enrolled)
    assert check_training_images(bench).requeued == 0
    assert outcomes(enrolled, ids) == before


@pytest.mark.parametrize("sight", [b"nobody", b"strangers", b"torn", b"unlucky"])
def test_newest_training_image_failed(enrolled: Database, sight: bytes) -> None:
    """A newest training image that failed hides the older approved one."""
    enrol(enrolled, picture=sight)
    bench = bench_with(enrolled)
    for _ in range(3):  # an error, unlike a finding, is tried again
        check_training_images(bench)
    ids = capture(enrolled, b"agent")
    drain(bench, Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]


def test_approval_after_the_failure(database: Database) -> None:
    """An approval after the failure settles it, and the stills return by themselves."""
    bench = bench_with(database, requeue_hours=87_600)
    enrol(database, picture=b"nobody")
    check_training_images(bench)
    ids = capture(database, b"agent")
    drain(bench, Scope())
    assert outcomes(database, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
    enrol(database)
    assert check_training_images(bench).requeued == 1
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)]


def test_newest_training_image_waits(enrolled: Database) -> None:
    """While the newest training image waits for its check, the older benchmark stays in force."""
    enrol(enrolled, picture=b"stranger")
    ids = capture(enrolled, b"agent")
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)]


@pytest.mark.parametrize("sight", [b"nobody", b"agent and stranger", b"torn"])
def test_legacy_benchmark_without_a_face(database: Database, sight: bytes) -> None:
    """A benchmark approved elsewhere in which not exactly one face is found counts as failed; its row stays."""
    image_id = enter_legacy_benchmark(database, picture=sight)
    ids = capture(database, b"agent")
    drain(bench_with(database), Scope())
    assert outcomes(database, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
    with database.read() as connection:
        row = connection.execute(select(TrainingImage.status, TrainingImage.result).where(TrainingImage.id == image_id))
        assert tuple(row.one()) == (Status.PROCESSED, None)


def test_a_legacy_benchmark_is_encoded_once(enrolled: Database) -> None:
    """A benchmark without encoding is encoded on the way, once."""
    examiner = PreparedExaminer()
    capture(enrolled, *[b"agent again"] * 12)
    drain(bench_with(enrolled, examiner, claim_size=3), Scope())
    assert examiner.given.count(b"agent") == 1
    assert len(examiner.given) == 13


def test_a_training_image_changed_to_failed_by_hand(enrolled: Database) -> None:
    """A benchmark that a person marks as failed is no benchmark any more."""
    enrolled.write(lambda connection: connection.execute(update(TrainingImage).values(status="F")))
    ids = capture(enrolled, b"agent")
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]
