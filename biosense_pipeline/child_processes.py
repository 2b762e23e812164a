"""What processes that this one starts have in common: they are spawned, use one core, and never hear of Ctrl-C."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

#: Spawned, not forked: dlib and the database driver do not survive a fork.
SPAWN = multiprocessing.get_context("spawn")


def may_have_children() -> bool:
    """Whether this process may start others: one that a pool started, as Celery's do, may not."""
    return not multiprocessing.current_process().daemon


#: Read by NumPy's linear algebra when it is loaded: by default each process takes all cores, and they wait for each
#: other.
_THREADS = "OPENBLAS_NUM_THREADS"
_STARTING = threading.Lock()


@contextmanager
def starting_children() -> Iterator[None]:
    """Processes started meanwhile use one thread each, and never hear of Ctrl-C: the parent ends them.

    A terminal sends Ctrl-C to all. How many threads are used stays as it is where the environment says.
    """
    # One at a time: the environment is every thread's.
    with _STARTING:
        resource_tracker.ensure_running()  # starting it, as the first process does, would lift the block
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        said = _THREADS in os.environ
        os.environ.setdefault(_THREADS, "1")
        try:
            yield
        finally:
            if not said:
                del os.environ[_THREADS]
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
