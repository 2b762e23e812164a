"""The same work on many agents, in several processes where there are so many that one would not keep up."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import Any, Generic, TypeVar

from biosense_pipeline.child_processes import SPAWN, may_have_children, starting_children
from biosense_pipeline.errors import BiosenseError

Means = TypeVar("Means")
Task = TypeVar("Task")
Result = TypeVar("Result")

#: With fewer tasks starting processes, each of which imports all that the work needs, takes longer than it saves.
WORTHWHILE = 48
#: Tasks that are handed over at once.
_AT_ONCE = 4
#: In a child: what its work is done with.
_means: Any = None


class ProcessDied(BiosenseError):
    """A process ended in the middle of its work."""


class SideBySide(Generic[Means, Task, Result]):
    """Does one kind of work on tasks, in their order as it seems from outside.

    Args:
        work: done on each task, with the means; a function at the top of a module, as its arguments go to processes.
        means: pickled for another process, as a ``Database`` can be.
        processes: at most; fewer than two: all is done here.
    """

    def __init__(self, work: Callable[[Means, Task], Result], means: Means, processes: int) -> None:
        self._work, self._means = work, means
        self._processes = processes if may_have_children() else 0
        self._pool: ProcessPoolExecutor | None = None

    def each(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """The results, in the order of the tasks.

        Raises:
            ProcessDied: a process ended in the middle; what others did is done.
        """
        if self._processes < 2 or len(tasks) < WORTHWHILE:
            yield from (self._work(self._means, task) for task in tasks)
            return
        try:
            # Processes start as tasks are handed over, which is done before the first result is asked for.
            with starting_children():
                results = self._started().map(_done, [self._work] * len(tasks), tasks, chunksize=_AT_ONCE)
            yield from results
        except BrokenProcessPool as error:
            raise ProcessDied(
                "A process that judged agents died, most often for want of memory: set BIOSENSE_WORKERS lower, or to 0 "
                "to work without processes."
            ) from error

    def close(self) -> None:
        """End the processes, which finish what they are at."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._processes, SPAWN, _prepare, (self._means,))
        return self._pool


@contextmanager
def side_by_side(
    work: Callable[[Means, Task], Result], means: Means, processes: int
) -> Iterator[SideBySide[Means, Task, Result]]:
    """Workers whose processes, if they were started, end with the block (see :class:`SideBySide`)."""
    workers = SideBySide(work, means, processes)
    try:
        yield workers
    finally:
        workers.close()


def _prepare(means: Any) -> None:
    global _means
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _means = means


def _done(work: Callable[[Any, Task], Result], task: Task) -> Result:
    return work(_means, task)


def _end_with_parent() -> None:
    """A pool's process waits on a pipe that it holds open itself: it would outlive a parent that was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
