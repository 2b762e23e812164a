"""Work on many tasks in several processes: the same results in the same order, and no process is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from biosense_pipeline.workflows import side_by_side as module
from biosense_pipeline.workflows.side_by_side import WORTHWHILE, ProcessDied, side_by_side

TASKS = list(range(WORTHWHILE))
THREADS = "OPENBLAS_NUM_THREADS"

STARTS_AND_STAYS = """
import multiprocessing, time
from biosense_pipeline.workflows.side_by_side import side_by_side
from biosense_pipeline_tests.workflows.test_side_by_side import TASKS, product
if __name__ == "__main__":
    with side_by_side(product, 0, 2) as workers:
        list(workers.each(TASKS))
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        time.sleep(60)
"""


def product(means: int, task: int) -> tuple[int, bool]:
    """The product, and whether it was made in a process of its own."""
    return means * task, multiprocessing.parent_process() is not None


def threads(means: int, task: int) -> str | None:
    return os.environ.get(THREADS)


def fails_at_seven(means: str, task: int) -> int:
    if task == 7:
        if means == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("seven")
    return task


@pytest.mark.parametrize(
    ("processes", "tasks", "elsewhere"), [(2, TASKS, True), (2, TASKS[1:], False), (1, TASKS, False)]
)
def test_the_same_in_order(processes: int, tasks: list[int], elsewhere: bool) -> None:
    """Results come in the order of the tasks, from other processes only where there are many tasks."""
    with side_by_side(product, 3, processes) as workers:
        assert list(workers.each(tasks)) == [(3 * task, elsewhere) for task in tasks]
        assert list(workers.each([])) == []


def test_a_process_that_may_have_no_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this process may start no others all is done in it."""
    monkeypatch.setattr(module, "may_have_children", lambda: False)
    with side_by_side(product, 3, 2) as workers:
        assert not any(elsewhere for _, elsewhere in workers.each(TASKS))


@pytest.mark.parametrize("said", [None, "3"])
def test_one_thread_each(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    """Processes compute in one thread each unless the environment says otherwise; here nothing changes."""
    monkeypatch.delenv(THREADS, raising=False)
    if said is not None:
        monkeypatch.setenv(THREADS, said)
    with side_by_side(threads, 0, 2) as workers:
        assert set(workers.each(TASKS)) == {said or "1"}
    assert os.environ.get(THREADS) == said


@pytest.mark.parametrize(("how", "error"), [("raises", ValueError), ("dies", ProcessDied)])
def test_a_task_that_fails(how: str, error: type[Exception]) -> None:
    """An error of the work is raised here, and one that ends the process says what to do; none is left behind."""
    before = multiprocessing.active_children()
    with pytest.raises(error), side_by_side(fails_at_seven, how, 2) as workers:
        list(workers.each(TASKS))
    assert multiprocessing.active_children() == before


def test_processes_end_with_a_parent_that_is_killed() -> None:
    """A parent that is killed leaves no process behind."""
    parent = subprocess.Popen([sys.executable, "-c", STARTS_AND_STAYS], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.kill()
    parent.wait()
    until = time.monotonic() + 10
    while any(map(_runs, children)):
        assert time.monotonic() < until
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
