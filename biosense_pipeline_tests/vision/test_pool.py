"""Worker processes: real ones, with engines that fail on command."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.examine import TOGETHER, Examination, Fault, InlineExaminer
from biosense_pipeline.vision.faces import Look, Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline.vision.worker import MakeEngine, WorkersCannotStart
from biosense_pipeline_tests.vision import conftest
from biosense_pipeline_tests.vision.fakes import (
    EXIT,
    EXIT_CODE,
    EXIT_LATE,
    HANG,
    KILL,
    MISSING,
    RAISE,
    RAISE_LATE,
    SLOW,
    SPEC,
    commanded,
    dies_at_start,
    models_once,
    named,
    picture,
    without_models,
)

Results = dict[int, Examination]


@pytest.fixture
def make_pool() -> Iterator[Callable[..., PoolExaminer]]:
    """Makes pools that are closed after the test."""
    pools: list[PoolExaminer] = []

    def make(make_engine: MakeEngine = commanded, workers: int = 2, timeout: float = 30) -> PoolExaminer:
        pools.append(PoolExaminer(SPEC, workers, timeout, make_engine))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


MakePool = Callable[..., PoolExaminer]


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
    assert len(_workers(results)) == 2


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
    assert _workers(first) | _workers(second) == _workers(first)
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
    results = _all(make_pool(), {key: command if key in (3, 11) else key for key in range(20)})
    assert {key for key, examination in results.items() if examination.fault} == {3, 11}
    assert {(results[key].fault, results[key].detail) for key in (3, 11)} == {(Fault.ERROR, reason)}


def test_only_deadly_pictures(make_pool: MakePool) -> None:
    """Where every picture kills its worker, each fails once and the pool stays usable."""
    pool = make_pool()
    assert all(examination.fault is Fault.ERROR for examination in _all(pool, dict.fromkeys(range(4), EXIT)).values())
    assert _all(pool, {1: 5})[1].faces[0].encoding[0] == 5


def test_a_stalled_picture_is_given_up(make_pool: MakePool) -> None:
    """A picture that keeps its worker too long is given up alone, in time."""
    pool = make_pool(timeout=1.0)
    _all(pool, {1: 1, 2: 2})
    begin = time.monotonic()
    results = _all(pool, {key: HANG if key == 2 else key for key in range(12)})
    assert time.monotonic() - begin < 8
    assert {key for key, examination in results.items() if examination.fault} == {2}
    assert results[2].detail == "given up after 1 s in a worker"


def test_loading_models_does_not_count_as_stalling(make_pool: MakePool) -> None:
    """The time limit is the picture's: starting a worker, longer than that, does not use it up."""
    assert _all(make_pool(timeout=0.2), {1: 1, 2: 2, 3: 3}).keys() == {1, 2, 3}


def test_a_worker_killed_while_idle_costs_no_picture(make_pool: MakePool) -> None:
    """A worker that the system killed between two calls is replaced, and no picture is blamed."""
    pool = make_pool(workers=1)
    (worker,) = _workers(_all(pool, {1: 1}))
    os.kill(worker, signal.SIGKILL)
    # Not _gone: a zombie whose threads are still ending counts as alive to its parent.
    deadline = time.monotonic() + 15
    while worker in {child.pid for child in multiprocessing.active_children()}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert _all(pool, {2: 2, 3: 3})[2].fault is None


def test_a_worker_asked_to_end_costs_no_picture(make_pool: MakePool) -> None:
    """A worker that is told to end while at work is replaced, and its picture is examined after all."""
    pool = make_pool(workers=1)
    (worker,) = _workers(_all(pool, {1: 1}))
    with _later(0.3, lambda: os.kill(worker, signal.SIGTERM)):
        results = _all(pool, {2: SLOW, 3: SLOW})
    assert {examination.fault for examination in results.values()} == {None}
    assert worker not in _workers(results)


def test_workers_that_cannot_start(make_pool: MakePool) -> None:
    """Workers that die before their first picture end the call with one sentence."""
    with pytest.raises(WorkersCannotStart, match=r"^A worker process died before .*BIOSENSE_WORKERS.*\.$"):
        _all(make_pool(dies_at_start), {1: 1})


@pytest.mark.parametrize("make_engine", [without_models, dies_at_start])
def test_a_pool_that_could_not_start_says_so_again(make_pool: MakePool, make_engine: MakeEngine) -> None:
    """A second call after a failed start fails with the same sentence, not with a closed pipe."""
    pool = make_pool(make_engine)
    sentences = []
    for _ in range(2):
        with pytest.raises((ModelFileMissing, WorkersCannotStart)) as raised:
            _all(pool, {1: 1, 2: 2})
        sentences.append(str(raised.value))
    assert sentences[0] == sentences[1]


def test_missing_models_are_told_in_the_parent(make_pool: MakePool) -> None:
    """The sentence on missing models reaches the caller unchanged."""
    with pytest.raises(ModelFileMissing) as raised:
        _all(make_pool(without_models), {1: 1})
    assert str(raised.value) == MISSING


def test_real_models_missing_in_a_worker(tmp_path: Path) -> None:
    """The real engine's sentence on missing weights is the same from a worker as inline."""
    spec = replace(conftest.SPEC, model_dir=tmp_path)
    with pytest.raises(ModelFileMissing) as inline:
        list(InlineExaminer(spec).examine([Picture(1, b"")]))
    pool = PoolExaminer(spec, workers=1, timeout=30)
    try:
        with pytest.raises(ModelFileMissing) as pooled:
            list(pool.examine([Picture(1, b"")]))
    finally:
        pool.close()
    assert str(pooled.value) == str(inline.value)


def test_models_that_vanish_on_the_way(make_pool: MakePool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where a replacement cannot start, the call ends with the sentence and leaves no busy worker."""
    lives = tmp_path / "lives"
    lives.write_text("one")
    monkeypatch.setenv("BIOSENSE_TEST_LIVES", str(lives))
    pool = make_pool(models_once, workers=1)
    with pytest.raises(ModelFileMissing, match=MISSING):
        _all(pool, {1: EXIT, 2: 2})
    lives.write_text("one\ntwo")
    assert _all(pool, {3: 3})[3].fault is None


def test_leaving_early_leaves_no_busy_worker(make_pool: MakePool) -> None:
    """A call that is left before its end is forgotten: the next one gets its own results only."""
    pool = make_pool()
    for key, _ in pool.examine(Picture(key, picture(HANG if key == TOGETHER else key)) for key in range(20)):
        assert key < TOGETHER
        break
    begin = time.monotonic()
    assert _all(pool, {key: key for key in range(20, 30)}).keys() == set(range(20, 30))
    assert time.monotonic() - begin < 15


def test_an_error_of_the_source_leaves_no_busy_worker(make_pool: MakePool) -> None:
    """Where reading pictures fails, the error comes through and the next call works."""
    pool = make_pool()

    def source() -> Iterator[Picture]:
        yield Picture(1, picture(1))
        yield Picture(2, picture(2))
        raise ConnectionResetError("the database went away")

    with pytest.raises(ConnectionResetError, match="the database went away"):
        list(pool.examine(source()))
    assert _all(pool, {5: 5}).keys() == {5}


def test_nothing_is_left_after_close(make_pool: MakePool) -> None:
    """After close no worker is left, neither an idle one nor one that hangs."""
    before = {child.pid for child in multiprocessing.active_children()}
    pool = make_pool()
    workers = list(_workers(_all(pool, {1: SLOW, 2: SLOW})))
    stalled = pool.examine([Picture(1, picture(1)), Picture(2, picture(HANG))])
    next(stalled)
    pool.close()
    assert {child.pid for child in multiprocessing.active_children()} == before
    _gone(workers, within=1)


def test_close_may_be_called_twice_and_the_pool_used_again(make_pool: MakePool) -> None:
    """Closing twice does no harm, and a closed pool starts anew when it is needed."""
    pool = make_pool()
    _all(pool, {1: 1})
    pool.close()
    pool.close()
    assert _all(pool, {2: 2}).keys() == {2}


@pytest.mark.slow
@pytest.mark.parametrize("state", ["idle", "busy"])
def test_workers_end_when_their_parent_is_killed(state: str) -> None:
    """Workers whose parent was killed end by themselves, idle or at work."""
    with subprocess.Popen(
        [sys.executable, "-m", "biosense_pipeline_tests.vision.orphans", state],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        workers = [int(number) for number in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.kill()
    _gone(workers)


@pytest.mark.slow
def test_a_pool_left_open_does_not_hold_up_the_end() -> None:
    """A program that ends without closing its pool ends, and so do its workers."""
    done = subprocess.run(
        [sys.executable, "-m", "biosense_pipeline_tests.vision.orphans", "left"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    _gone([int(number) for number in done.stdout.split()])


@contextmanager
def _later(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, action)
    timer.start()
    yield
    timer.join()


def _all(pool: PoolExaminer, levels: dict[int, int]) -> Results:
    results = list(pool.examine(Picture(key, picture(level)) for key, level in levels.items()))
    assert sorted(key for key, _ in results) == sorted(levels)
    return dict(results)


def _workers(results: Results) -> set[int]:
    return {int(examination.faces[0].encoding[1]) for examination in results.values()}


def _gone(pids: list[int], within: float = 15) -> None:
    """Wait until none of the processes runs any more."""
    deadline = time.monotonic() + within
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, f"{[pid for pid in pids if _runs(pid)]} still run"
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
