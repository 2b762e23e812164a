"""Worker processes that cannot start, and that none outlives its pool."""

import multiprocessing
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.examine import TOGETHER, InlineExaminer
from biosense_pipeline.vision.faces import Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline.vision.worker import MakeEngine, WorkersCannotStart
from biosense_pipeline_tests.vision import conftest
from biosense_pipeline_tests.vision.fakes import (
    EXIT,
    HANG,
    MISSING,
    SLOW,
    dies_at_start,
    models_once,
    picture,
    without_models,
)
from biosense_pipeline_tests.vision.pools import MakePool, examined, workers_of


def test_workers_that_cannot_start(make_pool: MakePool) -> None:
    """Workers that die before their first picture end the call with one sentence."""
    with pytest.raises(WorkersCannotStart, match=r"^A worker process died before .*BIOSENSE_WORKERS.*\.$"):
        examined(make_pool(dies_at_start), {1: 1})


@pytest.mark.parametrize("make_engine", [without_models, dies_at_start])
def test_a_pool_that_could_not_start_says_so_again(make_pool: MakePool, make_engine: MakeEngine) -> None:
    """A second call after a failed start fails with the same sentence, not with a closed pipe."""
    pool = make_pool(make_engine)
    sentences = []
    for _ in range(2):
        with pytest.raises((ModelFileMissing, WorkersCannotStart)) as raised:
            examined(pool, {1: 1, 2: 2})
        sentences.append(str(raised.value))
    assert sentences[0] == sentences[1]


def test_missing_models_are_told_in_the_parent(make_pool: MakePool) -> None:
    """The sentence on missing models reaches the caller unchanged."""
    with pytest.raises(ModelFileMissing) as raised:
        examined(make_pool(without_models), {1: 1})
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
        examined(pool, {1: EXIT, 2: 2})
    lives.write_text("one\ntwo")
    assert examined(pool, {3: 3})[3].fault is None


def test_leaving_early_leaves_no_busy_worker(make_pool: MakePool) -> None:
    """A call that is left before its end is forgotten: the next one gets its own results only."""
    pool = make_pool()
    for key, _ in pool.examine(Picture(key, picture(HANG if key == TOGETHER else key)) for key in range(20)):
        assert key < TOGETHER
        break
    begin = time.monotonic()
    assert examined(pool, {key: key for key in range(20, 30)}).keys() == set(range(20, 30))
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
    assert examined(pool, {5: 5}).keys() == {5}


def test_nothing_is_left_after_close(make_pool: MakePool) -> None:
    """After close no worker is left, neither an idle one nor one that hangs."""
    before = {child.pid for child in multiprocessing.active_children()}
    pool = make_pool()
    workers = list(workers_of(examined(pool, {1: SLOW, 2: SLOW})))
    stalled = pool.examine([Picture(1, picture(1)), Picture(2, picture(HANG))])
    next(stalled)
    pool.close()
    assert {child.pid for child in multiprocessing.active_children()} == before
    _gone(workers, within=1)


def test_close_may_be_called_twice_and_the_pool_used_again(make_pool: MakePool) -> None:
    """Closing twice does no harm, and a closed pool starts anew when it is needed."""
    pool = make_pool()
    examined(pool, {1: 1})
    pool.close()
    pool.close()
    assert examined(pool, {2: 2}).keys() == {2}


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
