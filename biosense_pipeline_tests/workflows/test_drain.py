"""The main job: what comes of each still, and that none is lost or done twice."""

import threading
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.store.claims import Claims
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables import RecognitionResult, StreamImage, TrainingImage
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

#: A lease that ends while a test waits, and a limit per picture that suits it.
SHORT: dict[str, Any] = {"lease_seconds": 0.6, "image_timeout_seconds": 0.15}


@pytest.fixture
def enrolled(database: Database) -> Database:
    """A database in which the agent has a benchmark."""
    enter_legacy_benchmark(database)
    return database


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
    bench = bench_with(database, requeue_hours=10**6)
    ids = capture(database, b"agent", b"stranger")
    drain(bench, Scope())
    enrol(database)
    assert check_training_images(bench).requeued == 2
    assert [(row.status, row.result, row.attempts) for row in stills(database, ids)] == [("N", None, 0)] * 2
    drain(bench, Scope())
    assert outcomes(database, ids) == [("Y", StillResult.SUCCESS), ("Y", StillResult.UNKNOWN_PERSON)]


def test_enrolment_later_in_another_spelling(database: Database) -> None:
    """Stills return to pending though the training image spells the agent in other cases."""
    bench = bench_with(database, requeue_hours=10**6)
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
    bench = bench_with(enrolled, requeue_hours=10**6)
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
    bench = bench_with(database, requeue_hours=10**6)
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
    assert (row.distance, row.tolerance, row.num_faces, row.milliseconds) == (0.25, 0.4, 2, 3.0)
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
    bench = bench_with(database, requeue_hours=10**6)
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


def test_two_drains_share_an_hour(enrolled: Database) -> None:
    """Two drains at once share an hour: every still is processed once, and both have a part."""
    ids = capture(enrolled, *[b"agent again"] * 60)
    drain(bench_with(enrolled), Scope(HOUR, HOUR + timedelta(seconds=1)))  # encodes the benchmark
    both_at_work = threading.Barrier(2, timeout=20)
    reports, failures = [], []

    def run() -> None:
        def meet(count: int) -> None:
            if count == 0:
                both_at_work.wait()

        try:
            reports.append(drain(bench_with(enrolled, PreparedExaminer(meet), claim_size=7), Scope()))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)] * 60
    assert [len(attempts(enrolled, still_id)) for still_id in ids] == [1] * 60
    assert sum(report.written for report in reports) == 59
    assert all(report.written >= 7 and report.lost == 0 for report in reports)


@pytest.mark.parametrize("failure", [RuntimeError("no more memory"), KeyboardInterrupt()])
def test_a_claim_is_given_back(enrolled: Database, failure: BaseException) -> None:
    """Where the examiner fails or a person stops it, unwritten stills return at once, without a counted attempt."""
    ids = capture(enrolled, *[b"agent"] * 8)

    def fail(count: int) -> None:
        if count == 7:  # the benchmark and six stills are examined, five of them written
            raise failure

    with pytest.raises(type(failure)):
        drain(bench_with(enrolled, PreparedExaminer(fail), clock=FakeClock()), Scope())
    rows = stills(enrolled, ids)
    assert [row.status for row in rows] == ["Y"] * 5 + ["N"] * 3
    assert [(row.attempts, row.lease_token, row.lease_expires) for row in rows[5:]] == [(0, None, None)] * 3
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)] * 8
    assert [len(attempts(enrolled, still_id)) for still_id in ids] == [1] * 8


def test_a_still_that_changed_hands_is_not_written(enrolled: Database) -> None:
    """A result whose claim has passed to another process is dropped, and counted as lost."""
    ids = capture(enrolled, b"agent", b"agent", b"agent")

    def overtake(count: int) -> None:
        if count == 3:
            change_still(enrolled, ids[1], status="Y", result="UNKNOWN_PERSON", lease_token=None, lease_expires=None)

    report = drain(bench_with(enrolled, PreparedExaminer(overtake), clock=FakeClock()), Scope())
    assert outcomes(enrolled, ids) == [("Y", "SUCCESS"), ("Y", "UNKNOWN_PERSON"), ("Y", "SUCCESS")]
    assert (report.lost, report.written) == (1, 2)
    assert attempts(enrolled, ids[1]) == []
    assert rows_of(enrolled, RecognitionResult) == 2


def test_a_still_that_is_gone(enrolled: Database) -> None:
    """A still that the client deletes on the way costs only itself."""
    ids = capture(enrolled, b"agent", b"agent", b"agent")

    def purge(count: int) -> None:
        if count == 1:
            enrolled.write(lambda c: c.execute(delete(StreamImage).where(StreamImage.id == ids[2])))

    report = drain(bench_with(enrolled, PreparedExaminer(purge), clock=FakeClock()), Scope())
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)] * 2
    assert (report.lost, report.written) == (1, 2)


def test_the_lease_is_renewed(enrolled: Database) -> None:
    """In a long batch the lease is renewed each third of its length."""
    ids = capture(enrolled, *[b"agent"] * 8)
    clock = FakeClock()
    ends: list[object] = []

    def work(count: int) -> None:
        clock.now += 25
        time.sleep(0.01)  # the database's clock goes on
        ends.append(stills(enrolled, ids[-1:])[0].lease_expires)

    drain(bench_with(enrolled, PreparedExaminer(work), clock, lease_seconds=60), Scope())
    assert None not in ends
    assert ends == sorted(ends, key=str)
    assert len(set(ends)) >= 7
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)] * 8


def test_a_dead_process_is_waited_for_and_taken_over(enrolled: Database) -> None:
    """Stills under another's lease are waited for, and taken over when it runs out."""
    ids = capture(enrolled, *[b"agent"] * 4)
    Claims(enrolled, lease_seconds=0.6, max_attempts=3).claim(Scope(), 3)
    begin = time.monotonic()
    report = drain(bench_with(enrolled, **SHORT), Scope())
    assert 0.4 < time.monotonic() - begin < 6
    assert report.released.returned == 3
    assert [(row.status, row.attempts) for row in stills(enrolled, ids)] == [("Y", 2)] * 3 + [("Y", 1)]
    assert "its lease ran out" in attempts(enrolled, ids[0])[0].detail


def test_a_living_process_is_waited_for(enrolled: Database) -> None:
    """Stills that another process finishes meanwhile are waited for and left alone."""
    (still_id,) = capture(enrolled, b"agent")
    Claims(enrolled, lease_seconds=60, max_attempts=3).claim(Scope(), 1)
    clock = FakeClock()
    clock.at(5, lambda: change_still(enrolled, still_id, status="Y", result="UNKNOWN_PERSON", lease_token=None))
    report = drain(bench_with(enrolled, clock=clock), Scope())
    assert report.written == 0
    assert report.seconds == pytest.approx(5)
    assert report.busy == 0
    assert outcomes(enrolled, [still_id]) == [("Y", "UNKNOWN_PERSON")]


def test_the_last_attempt_of_a_dead_process(enrolled: Database) -> None:
    """A still whose process died on its third attempt fails instead of killing a fourth."""
    (still_id,) = capture(enrolled, b"agent")
    change_still(enrolled, still_id, attempts=2)
    Claims(enrolled, lease_seconds=0.01, max_attempts=3).claim(Scope(), 1)
    time.sleep(0.05)
    report = drain(bench_with(enrolled), Scope())
    assert report.released.failed == 1
    assert outcomes(enrolled, [still_id]) == [("F", StillResult.PROCESSING_ERROR)]


def test_a_claim_without_lease_is_taken_over(enrolled: Database) -> None:
    """A still that an older program left at P without a lease is processed."""
    (still_id,) = capture(enrolled, b"agent")
    change_still(enrolled, still_id, status="P")
    drain(bench_with(enrolled, clock=FakeClock()), Scope())
    assert outcomes(enrolled, [still_id]) == [("Y", StillResult.SUCCESS)]


def test_later_stills_are_left_to_the_next_run(enrolled: Database) -> None:
    """Without follow, stills that arrive after the start are left alone."""
    first = capture(enrolled, b"agent")
    later: list[int] = []

    def arrive(count: int) -> None:
        if count == 1:
            later.extend(capture(enrolled, b"agent"))

    drain(bench_with(enrolled, PreparedExaminer(arrive), clock=FakeClock()), Scope())
    assert [row.status for row in stills(enrolled, first + later)] == ["Y", "N"]


def test_following_takes_what_comes(enrolled: Database) -> None:
    """With follow, stills that arrive are processed until none has come for idle_seconds."""
    ids = capture(enrolled, b"agent")
    clock = FakeClock()
    clock.at(7, lambda: ids.extend(capture(enrolled, b"stranger")))
    clock.at(15, lambda: ids.extend(capture(enrolled, b"nobody")))
    clock.at(30, lambda: ids.extend(capture(enrolled, b"agent")))
    report = drain(bench_with(enrolled, clock=clock, idle_seconds=10, follow_seconds=600), Scope(), follow=True)
    assert report.seconds == pytest.approx(25, abs=1)
    assert [row.result for row in stills(enrolled, ids)] == ["SUCCESS", "UNKNOWN_PERSON", "NO_FACES_FOUND"]


def test_following_ends_in_time(enrolled: Database) -> None:
    """With follow, a run ends at follow_seconds though stills keep coming, and finishes what was there."""
    ids: list[int] = []
    clock = FakeClock()
    for second in range(0, 100, 2):
        clock.at(second, lambda: ids.extend(capture(enrolled, b"agent")))
    report = drain(bench_with(enrolled, clock=clock, idle_seconds=10, follow_seconds=30), Scope(), follow=True)
    assert report.seconds == pytest.approx(30, abs=1)
    assert len(ids) == 16
    assert outcomes(enrolled, ids) == [("Y", StillResult.SUCCESS)] * 16


def test_following_takes_over_expired_leases(enrolled: Database) -> None:
    """With follow, leases that run out on the way are taken over before the end."""
    (still_id,) = capture(enrolled, b"agent")
    Claims(enrolled, lease_seconds=0.05, max_attempts=3).claim(Scope(), 1)
    clock = FakeClock()
    clock.at(1, lambda: time.sleep(0.1))
    report = drain(bench_with(enrolled, clock=clock, idle_seconds=200, follow_seconds=300), Scope(), follow=True)
    assert outcomes(enrolled, [still_id]) == [("Y", StillResult.SUCCESS)]
    assert report.released.returned == 1


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


def test_a_training_image_changed_to_failed_by_hand(enrolled: Database) -> None:
    """A benchmark that a person marks as failed is no benchmark any more."""
    enrolled.write(lambda connection: connection.execute(update(TrainingImage).values(status="F")))
    ids = capture(enrolled, b"agent")
    drain(bench_with(enrolled), Scope())
    assert outcomes(enrolled, ids) == [("F", StillResult.TRAINING_IMAGE_FAILED)]


def test_times_are_counted(enrolled: Database) -> None:
    """The report holds each examined still's milliseconds, in all and by stage, and its distance."""
    capture(enrolled, b"agent again", b"nobody", b"torn")
    report = drain(bench_with(enrolled), Scope())
    assert report.milliseconds == [3.0, 3.0]
    assert report.stages == {"decode": [1.0, 1.0], "detect": [2.0, 2.0]}
    assert np.allclose(report.distances, [0.25])
