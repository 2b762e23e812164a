"""The main job: what comes of each still."""

from collections import Counter
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import select

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import RecognitionResult
from biosense_pipeline.vision.examine import InlineExaminer
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline.workflows.workbench import engine_spec
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fakes import (
    AGENT,
    MODEL,
    SIGHTS,
    FakeClock,
    PreparedExaminer,
    attempts,
    bench_with,
    capture,
    change_still,
    enrol,
    enter_legacy_benchmark,
    outcomes,
    rows_of,
    seen,
    stills,
)


@pytest.mark.parametrize(
    ("sight", "result", "accuracy", "faces"),
    [
        (b"agent again", StillResult.SUCCESS, 85, 1),
        (b"agent and stranger", StillResult.SUCCESS_MULTIPLE_FACES, 85, 2),
        (b"stranger", StillResult.UNKNOWN_PERSON, 50, 1),
        (b"strangers", StillResult.UNKNOWN_MULTIPLE_FACES, 50, 2),
        (b"nobody", StillResult.NO_FACES_FOUND, None, 0),
    ],
)
def test_processed_stills(
    enrolled: Database, sight: bytes, result: StillResult, accuracy: float | None, faces: int
) -> None:
    """A still that can be compared is processed: result, accuracy, number of faces and time in its row."""
    ids = capture(enrolled, sight)
    report = drain(bench_with(enrolled), Scope())
    (row,) = stills(enrolled, ids)
    assert (row.status, row.result, row.accuracy, row.num_faces) == (Status.PROCESSED, result, accuracy, faces)
    assert row.processed_time is not None
    assert (row.lease_token, row.lease_expires) == (None, None)
    assert (report.results, report.hours) == (Counter({result: 1}), {HOUR})


@pytest.mark.parametrize("sight", [b"torn", b""])
def test_unreadable_stills(enrolled: Database, sight: bytes) -> None:
    """A still that cannot be read fails at once, and its attempt says why."""
    ids = capture(enrolled, sight)
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [(Status.FAILED, StillResult.UNREADABLE_IMAGE)]
    assert [(row.status, row.detail) for row in attempts(enrolled, ids[0])] == [("F", "broken or truncated")]


def test_three_attempts_then_an_error(enrolled: Database) -> None:
    """A still whose examination keeps failing ends as PROCESSING_ERROR after three recorded attempts."""
    ids = capture(enrolled, b"unlucky", b"agent")
    report = drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.PROCESSING_ERROR), ("Y", StillResult.SUCCESS)]
    assert [(row.status, row.detail) for row in attempts(enrolled, ids[0])] == [
        ("N", "attempt 1 of 3: RuntimeError: no luck"),
        ("N", "attempt 2 of 3: RuntimeError: no luck"),
        ("F", "attempt 3 of 3: RuntimeError: no luck"),
    ]
    assert report.retried == 2
    assert report.written == 2


def test_a_failure_that_passes_is_forgotten(enrolled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A still that fails once and then succeeds ends as a success."""
    ids = capture(enrolled, b"unlucky")

    def recover(count: int) -> None:
        if count == 2:  # the benchmark is the first picture, the first attempt the second
            monkeypatch.setitem(SIGHTS, b"unlucky", seen(0.25))

    drain(bench_with(enrolled, PreparedExaminer(recover)), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)]
    assert len(attempts(enrolled, ids[0])) == 2


@pytest.mark.parametrize("spelling", ["na\\VEP5898", "NA\\VEP5898", "na\\vep5898"])
def test_spellings_of_one_agent(enrolled: Database, spelling: str) -> None:
    """LAN ids are compared as Windows does: upper and lower case are one agent."""
    ids = capture(enrolled, b"agent", lan_id=spelling)
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)]


def test_lan_ids_are_data(database: Database) -> None:
    """LAN ids with quotes, wildcards, paths and line breaks are agents like others."""
    lan_ids = [
        "NA\\o'brien",
        "NA\\100%_x",
        "..\\..\\etc",
        'EU\\"; DROP TABLE stream_img; --',
        "EU\\two\nlines",
        "日本\\é",
    ]
    ids = []
    for lan_id in lan_ids:
        enter_legacy_benchmark(database, lan_id)
        ids += capture(database, b"agent", lan_id=lan_id)
    drain(bench_with(database), Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS)] * len(lan_ids)


def test_stills_without_lan_id_or_time(enrolled: Database) -> None:
    """A still of nobody, or of no known time, is processed like others and holds nothing up."""
    ids = capture(enrolled, b"agent", b"agent")
    change_still(enrolled, ids[0], lan_id=None)
    change_still(enrolled, ids[1], capture_time=None)
    report = drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.NO_TRAINING_IMAGE), ("Y", StillResult.SUCCESS)]
    assert report.hours == {HOUR}


def test_oversized_images_are_refused_unread(enrolled: Database) -> None:
    """An image over the byte cap fails without its bytes reaching the examiner."""
    ids = capture(enrolled, b"agent", b"x" * 2000, b"agent")
    examiner = PreparedExaminer()
    drain(bench_with(enrolled, examiner, max_image_bytes=1024), Scope())
    assert outcomes(enrolled, ids)[1] == ("F", StillResult.UNREADABLE_IMAGE)
    assert [outcome[0] for outcome in outcomes(enrolled, ids)] == ["Y", "F", "Y"]
    assert set(examiner.given) == {b"agent"}
    assert attempts(enrolled, ids[1])[0].detail == "2000 bytes, more than the limit of 1024"


def test_numbers_behind_a_result(enrolled: Database) -> None:
    """Distance, tolerance, faces and model are stored so that the decision can be made again."""
    (still_id,) = capture(enrolled, b"agent and stranger")
    drain(bench_with(enrolled, run_id="run-1", tolerance=0.4), Scope())
    with enrolled.read() as connection:
        row = connection.execute(select(RecognitionResult.__table__)).one()
    assert (row.stream_image_id, row.model_id, row.run_id) == (still_id, MODEL, "run-1")
    assert (row.distance, row.tolerance, row.num_faces) == (0.25, 0.4, 2)
    assert row.milliseconds == 6.0  # two faces are looked at twice
    assert [face["distance"] for face in row.faces] == [0.75, 0.25]


def test_the_tolerance_of_the_settings_counts(enrolled: Database) -> None:
    """A face is the agent up to the tolerance that is set."""
    ids = capture(enrolled, b"agent again")
    drain(bench_with(enrolled, tolerance=0.2), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.UNKNOWN_PERSON)]


def test_the_accuracy_scale_of_the_settings_counts(enrolled: Database) -> None:
    """The percentage follows the scale that is set."""
    ids = capture(enrolled, b"agent again")
    drain(bench_with(enrolled, accuracy="face_recognition"), Scope())
    assert stills(enrolled, ids)[0].accuracy == pytest.approx(96.7638, abs=1e-3)


def test_scope(enrolled: Database) -> None:
    """Only stills of the scope are touched: its hours and its agents."""
    inside = capture(enrolled, b"agent")
    later = capture(enrolled, b"agent", start=HOUR + timedelta(hours=1))
    other = capture(enrolled, b"agent", lan_id="EU\\other")
    drain(bench_with(enrolled), Scope(HOUR, HOUR + timedelta(hours=1), (AGENT,)))
    assert [row.status for row in stills(enrolled, inside + later + other)] == ["Y", "N", "N"]


def test_an_empty_scope(database: Database) -> None:
    """Without stills there is nothing to do and nothing to wait for."""
    report = drain(bench_with(database, clock=FakeClock()), Scope())
    assert (report.written, report.hours, report.stills_per_second) == (0, set(), 0.0)


def test_progress_is_told_after_every_commit(enrolled: Database) -> None:
    """Results are committed a few at a time, and each time the count is told."""
    capture(enrolled, *[b"agent"] * 12)
    told: list[int] = []
    drain(bench_with(enrolled, clock=FakeClock()), Scope(), on_progress=lambda report: told.append(report.written))
    assert told == [5, 10, 12]


def test_a_finished_result_does_not_wait_long(enrolled: Database) -> None:
    """After commit_seconds a result is written though the batch is not full."""
    ids = capture(enrolled, *[b"agent"] * 4)
    clock = FakeClock()
    finished: list[int] = []

    def look(count: int) -> None:
        clock.now += 2
        finished.append(sum(row.status == "Y" for row in stills(enrolled, ids)))

    drain(bench_with(enrolled, PreparedExaminer(look), clock, commit_size=50, commit_seconds=1), Scope())
    assert finished == [0, 0, 1, 2, 3]  # the first is the benchmark


@pytest.mark.slow
def test_real_faces(database: Database) -> None:
    """With the real engine, real faces and real enrolments every result of a readable still comes out."""
    bench = bench_with(database, requeue_hours=87_600)
    bench = bench_with(database, InlineExaminer(engine_spec(bench.settings)))
    enrol(database, picture=frames.training_picture(Person.HOPPER))
    assert check_training_images(bench).failures == {}
    ids = capture(
        database,
        frames.own_frame(Person.HOPPER, 1),
        frames.own_frame(Person.BIDEN, 1),
        frames.shared_frame(Person.OBAMA, Person.HOPPER, 1),
        frames.shared_frame(Person.OBAMA, Person.BIDEN, 1),
        frames.empty_frame(1),
        frames.truncated_frame(Person.HOPPER, 1),
        frames.oversized_frame(),
    )
    drain(bench, Scope())
    assert [result for _, result in outcomes(database, ids)] == [
        StillResult.SUCCESS,
        StillResult.UNKNOWN_PERSON,
        StillResult.SUCCESS_MULTIPLE_FACES,
        StillResult.UNKNOWN_MULTIPLE_FACES,
        StillResult.NO_FACES_FOUND,
        StillResult.UNREADABLE_IMAGE,
        StillResult.UNREADABLE_IMAGE,
    ]
    rows = stills(database, ids)
    assert [row.num_faces for row in rows] == [1, 1, 2, 2, 0, None, None]
    assert [row.accuracy is None for row in rows] == [False] * 4 + [True] * 3


def test_reprocessing_under_another_model_keeps_history(enrolled: Database) -> None:
    """Under another model the benchmark is encoded anew and the old result stays beside the new one."""
    (still_id,) = capture(enrolled, b"agent")
    drain(bench_with(enrolled), Scope())
    change_still(enrolled, still_id, status="N", attempts=0)
    drain(bench_with(enrolled, PreparedExaminer(model_id="newer")), Scope())
    with enrolled.read() as connection:
        models = connection.execute(select(RecognitionResult.model_id)).scalars().all()
    assert sorted(models) == ["newer", MODEL]


def test_processing_again_leaves_one_result(enrolled: Database) -> None:
    """Processing a still again under the same model replaces its result."""
    (still_id,) = capture(enrolled, b"agent")
    for _ in range(2):
        drain(bench_with(enrolled), Scope())
        change_still(enrolled, still_id, status="N", attempts=0)
    assert rows_of(enrolled, RecognitionResult) == 1


def test_times_are_counted(enrolled: Database) -> None:
    """The report holds each examined still's milliseconds, in all and by stage, and its distance."""
    capture(enrolled, b"agent again", b"nobody", b"torn")
    report = drain(bench_with(enrolled, detection="full"), Scope())
    assert list(report.milliseconds) == [3.0, 3.0]
    assert {name: list(times) for name, times in report.stages.items()} == {"decode": [1.0, 1.0], "detect": [2.0, 2.0]}
    assert np.allclose(report.distances, [0.25])
