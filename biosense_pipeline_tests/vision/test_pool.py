"""Worker processes at work: real ones, with engines that fail on command."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.examine import TOGETHER, Fault, InlineExaminer
from biosense_pipeline.vision.faces import Look, Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline_tests.vision import conftest
from biosense_pipeline_tests.vision.fakes import (
    EXIT,
    EXIT_CODE,
    EXIT_LATE,
    HANG,
    KILL,
    RAISE,
    RAISE_LATE,
    SLOW,
    named,
    picture,
)
from biosense_pipeline_tests.vision.pools import MakePool, Results, examined, workers_of


def test_a_slow_consumer_costs_no_picture(make_pool: MakePool) -> None:
    """A result that came in time counts, however late the caller asks for it."""
    pool = make_pool(workers=2, timeout=1.5)
    results: Results = {}
    for key, examination in pool.examine([Picture(0, picture(1)), Picture(1, picture(SLOW)), Picture(2, picture(3))]):
        results[key] = examination
        time.sleep(2)
    assert [results[key].fault for key in range(3)] == [None, None, None]


@pytest.mark.slow
def test_the_same_results_as_inline() -> None:
    """Workers find in real pictures what the calling process finds, each picture once."""
    shown = [
        *(frames.own_frame(person, 6) for person in Person),
        frames.shared_frame(Person.BIDEN, Person.HOPPER, 6),
        frames.empty_frame(6),
        frames.truncated_frame(Person.BIDEN, 6),
        None,
    ]
    pictures = [Picture(key, data, Look(full=key % 2 == 0, careful=key % 3 == 0)) for key, data in enumerate(shown)]
    spec = conftest.SPEC
    inline = dict(InlineExaminer(spec).examine(pictures))
    pool = PoolExaminer(spec, workers=2, timeout=60)
    try:
        results = list(pool.examine(pictures))
    finally:
        pool.close()
    assert sorted(key for key, _ in results) == list(range(len(pictures)))
    for key, examination in results:
        assert (examination.fault, examination.detail) == (inline[key].fault, inline[key].detail)
        assert [face.box for face in examination.faces] == [face.box for face in inline[key].faces]
        for one, other in zip(examination.faces, inline[key].faces, strict=True):
            assert np.allclose(one.encoding, other.encoding, atol=1e-5)  # batches differ in their last bits
            assert one.quality == other.quality


def test_the_caller_is_asked_in_while_workers_are_busy(make_pool: MakePool) -> None:
    """While no result comes the caller may do something else, in its own thread, as renewing a lease."""
    asked: list[threading.Thread] = []
    pictures = [Picture(key, picture(SLOW)) for key in range(4)]
    assert len(list(make_pool(workers=1).examine(pictures, lambda: asked.append(threading.current_thread())))) == 4
    assert len(asked) >= 2
    assert set(asked) == {threading.current_thread()}


def test_every_picture_once(make_pool: MakePool) -> None:
    """Many pictures over few workers come back once each, with their own result."""
    results = list(make_pool().examine(Picture(key, picture(key)) for key in range(100)))
    assert sorted(key for key, _ in results) == list(range(100))
    assert all(examination.faces[0].encoding[0] == key for key, examination in results)


def test_both_workers_share_the_work(make_pool: MakePool) -> None:
    """Two slow pictures are examined side by side, in two processes."""
    results = dict(make_pool().examine([Picture(1, picture(SLOW)), Picture(2, picture(SLOW))]))
    assert len(workers_of(results)) == 2


def test_no_more_workers_than_pictures(make_pool: MakePool) -> None:
    """One picture starts one worker, however many are allowed."""
    before = len(multiprocessing.active_children())
    pool = make_pool(workers=8)
    assert len(dict(pool.examine(named(1)))) == 1
    assert len(multiprocessing.active_children()) - before == 1


def test_no_pictures_no_workers(make_pool: MakePool) -> None:
    """Without pictures no worker is started."""
    before = len(multiprocessing.active_children())
    assert list(make_pool().examine([])) == []
    assert len(multiprocessing.active_children()) == before


def test_models_are_loaded_once_a_worker(make_pool: MakePool) -> None:
    """A worker loads its models once, and serves the next call too."""
    pool = make_pool()
    first = dict(pool.examine(Picture(key, picture(key)) for key in range(20)))
    second = dict(pool.examine(Picture(key, picture(key)) for key in range(20)))
    assert workers_of(first) | workers_of(second) == workers_of(first)
    assert {examination.faces[0].encoding[2] for examination in second.values()} == {1}


def test_pictures_are_read_as_workers_are_free(make_pool: MakePool) -> None:
    """Pictures are read ahead by a few for each worker and no more, however slow the caller is."""
    read: list[int] = []

    def pictures() -> Iterator[Picture]:
        for key in range(200):
            read.append(key)
            yield Picture(key, picture(key))

    for done, _ in enumerate(make_pool().examine(pictures()), start=1):
        assert len(read) <= done + 2 * TOGETHER


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (EXIT, f"the worker died on it (exit code {EXIT_CODE})"),
        (KILL, "the worker died on it (exit code -9)"),
        (RAISE, "RuntimeError: told to fail"),
        (EXIT_LATE, f"the worker died on it (exit code {EXIT_CODE})"),
        (RAISE_LATE, "RuntimeError: told to fail"),
    ],
)
def test_a_deadly_picture_fails_alone(make_pool: MakePool, command: int, reason: str) -> None:
    """A picture that ends its worker fails with the reason, and all the others come out."""
    results = examined(make_pool(), {key: command if key in (3, 11) else key for key in range(20)})
    assert {key for key, examination in results.items() if examination.fault} == {3, 11}
    assert {(results[key].fault, results[key].detail) for key in (3, 11)} == {(Fault.ERROR, reason)}


def test_only_deadly_pictures(make_pool: MakePool) -> None:
    """Where every picture kills its worker, each fails once and the pool stays usable."""
    pool = make_pool()
    assert all(
        examination.fault is Fault.ERROR for examination in examined(pool, dict.fromkeys(range(4), EXIT)).values()
    )
    assert examined(pool, {1: 5})[1].faces[0].encoding[0] == 5


def test_a_stalled_picture_is_given_up(make_pool: MakePool) -> None:
    """A picture that keeps its worker too long is given up alone, in time."""
    pool = make_pool(timeout=1.0)
    examined(pool, {1: 1, 2: 2})
    begin = time.monotonic()
    results = examined(pool, {key: HANG if key == 2 else key for key in range(12)})
    assert time.monotonic() - begin < 8
    assert {key for key, examination in results.items() if examination.fault} == {2}
    assert results[2].detail == "given up after 1 s in a worker"


def test_loading_models_does_not_count_as_stalling(make_pool: MakePool) -> None:
    """The time limit is the picture's: starting a worker, longer than that, does not use it up."""
    assert examined(make_pool(timeout=0.2), {1: 1, 2: 2, 3: 3}).keys() == {1, 2, 3}


def test_a_worker_killed_while_idle_costs_no_picture(make_pool: MakePool) -> None:
    """A worker that the system killed between two calls is replaced, and no picture is blamed."""
    pool = make_pool(workers=1)
    (worker,) = workers_of(examined(pool, {1: 1}))
    os.kill(worker, signal.SIGKILL)
    # Not _gone: a zombie whose threads are still ending counts as alive to its parent.
    deadline = time.monotonic() + 15
    while worker in {child.pid for child in multiprocessing.active_children()}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert examined(pool, {2: 2, 3: 3})[2].fault is None


def test_a_worker_asked_to_end_costs_no_picture(make_pool: MakePool) -> None:
    """A worker that is told to end while at work is replaced, and its picture is examined after all."""
    pool = make_pool(workers=1)
    (worker,) = workers_of(examined(pool, {1: 1}))
    with _later(0.3, lambda: os.kill(worker, signal.SIGTERM)):
        results = examined(pool, {2: SLOW, 3: SLOW})
    assert {examination.fault for examination in results.values()} == {None}
    assert worker not in workers_of(results)


@contextmanager
def _later(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, action)
    timer.start()
    yield
    timer.join()
