"""What processes that this one starts have in common: they are spawned, and never hear of Ctrl-C."""

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

#: Spawned, not forked: dlib and the database driver do not survive a fork.
SPAWN = multiprocessing.get_context("spawn")


def may_have_children() -> bool:
    """Whether this process may start others: one that a pool started, as Celery's do, may not."""
    return not multiprocessing.current_process().daemon


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Processes started meanwhile never hear of Ctrl-C, which a terminal sends to all: the parent ends them."""
    resource_tracker.ensure_running()  # starting it, as the first process does, would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
