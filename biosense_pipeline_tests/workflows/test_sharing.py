"""Drains that share an hour, die, wait or follow: no still is lost or done twice."""

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from biosense_pipeline.codes import StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.verdicts import requeue_late
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.claims import Claims
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage, TrainingImage
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.workflows.fakes import (
    AGENT,
    AheadExaminer,
    FakeClock,
    PreparedExaminer,
    attempts,
    bench_with,
    capture,
    change_still,
    outcomes,
    rows_of,
    stills,
)

#: A lease that ends while a test waits, and a limit per picture that suits it.
SHORT: dict[str, Any] = {"lease_seconds": 0.6, "image_timeout_seconds": 0.15}


@pytest.mark.parametrize("enrolled_still", [True, False])
def test_a_still_that_an_approval_returns_while_it_is_under_way(enrolled: Database, enrolled_still: bool) -> None:
    """Claimed anew by the same drain, it is examined once and decided by what counts then."""
    ids = capture(enrolled, b"agent", b"agent again")
    drain(bench_with(enrolled), Scope(HOUR, HOUR + timedelta(seconds=1)))  # encodes the benchmark

    def approve(count: int) -> None:
        if count == 1:
            if not enrolled_still:
                with enrolled.engine.begin() as connection:
                    connection.execute(delete(TrainingImage))
            assert requeue_late(enrolled, {agent_key(AGENT)}, HOUR - timedelta(days=1)) == 1

    report = drain(bench_with(enrolled, AheadExaminer(after_reading=approve), claim_size=1), Scope())
    result = StillResult.SUCCESS if enrolled_still else StillResult.NO_TRAINING_IMAGE
    assert outcomes(enrolled, ids[1:]) == [(result.status, result)]
    assert len(attempts(enrolled, ids[1])) == 1
    assert (report.written, report.lost) == (1, 0)


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
