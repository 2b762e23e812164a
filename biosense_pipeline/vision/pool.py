"""Worker processes that examine pictures, and what happens when a picture kills or stalls one.

Each worker holds one picture at a time on a pipe of its own. So when a worker dies or runs out of time,
it is known which picture did it: that one fails, the worker is replaced, and no other picture is lost or
done twice. Workers are spawned, not forked: dlib and the database driver do not survive a fork.
"""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection, wait

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.vision.examine import EngineSpec, Examination, Fault, examine_picture
from biosense_pipeline.vision.faces import FaceEngine

#: Seconds in which a new worker must have loaded its models.
_START_TIMEOUT = 120.0
#: Seconds granted to a worker to end by itself.
_END_TIMEOUT = 2.0

MakeEngine = Callable[[EngineSpec], FaceEngine]


class WorkersCannotStart(BiosenseError):
    """A new worker died or stalled before its first picture."""


class PoolExaminer:
    """Examines pictures in ``workers`` processes, each with its own models loaded once.

    Args:
        spec: the engine.
        workers: how many processes, 1 or more; started when there are pictures for them.
        timeout: seconds after which a picture is given up and its worker replaced.
        make_engine: module-level function that makes the engine; tests pass one that fails.
    """

    def __init__(
        self, spec: EngineSpec, workers: int, timeout: float, make_engine: MakeEngine = EngineSpec.make
    ) -> None:
        self.model_id = spec.model_id
        self._spec = spec
        self._count = workers
        self._timeout = timeout
        self._make_engine = make_engine
        self._workers: list[_Worker] = []

    def examine(self, pictures: Iterable[tuple[int, bytes | None]]) -> Iterator[tuple[int, Examination]]:
        """Examine pictures; results come in the order in which they are done.

        ``pictures`` is read only as fast as workers are free.

        Raises:
            ModelFileMissing: the weights are not there.
            WorkersCannotStart: a new worker does not come up.
        """
        waiting = iter(pictures)
        try:
            while True:
                self._feed(waiting)
                if all(worker.idle for worker in self._workers):
                    return
                yield from self._collect()
        finally:
            # Left before the end: what the workers still hold is of no use to the next call.
            for worker in self._workers:
                if not worker.idle:
                    worker.kill()

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def _collect(self) -> Iterator[tuple[int, Examination]]:
        busy = [worker for worker in self._workers if not worker.idle]
        patience = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
        wait([worker.pipe for worker in busy], timeout=patience)
        for worker in busy:
            # Asked anew for each: while the caller was busy with the last result, others may have come.
            if worker.pipe.poll():
                key, examination = worker.take()
            elif time.monotonic() >= worker.deadline:
                assert worker.key is not None
                key = worker.key
                examination = Examination(fault=Fault.ERROR, detail=f"given up after {self._timeout:g} s in a worker")
                worker.kill()
            else:
                continue
            yield key, examination

    def _feed(self, waiting: Iterator[tuple[int, bytes | None]]) -> None:
        """Give a picture to each idle worker; start workers only where there is a picture for them."""
        self._bury()
        busy = sum(not worker.idle for worker in self._workers)
        batch = list(islice(waiting, self._count - busy))
        # All at once, so that they load their models side by side.
        while len(self._workers) < busy + len(batch):
            self._workers.append(self._spawn())
        idle = [worker for worker in self._workers if worker.idle]
        for worker, (key, data) in zip(idle, batch, strict=False):
            worker.give(key, data, self._timeout)

    def _bury(self) -> None:
        """Drop workers that are no more: over a picture, in their start, or killed by the system while idle."""
        for worker in self._workers:
            if worker.alive and worker.idle and not worker.running:
                worker.kill()
        self._workers = [worker for worker in self._workers if worker.alive]

    def _spawn(self) -> "_Worker":
        return _Worker(self._spec, self._make_engine)


class _Worker:
    """One process, its pipe and the picture it holds."""

    def __init__(self, spec: EngineSpec, make_engine: MakeEngine) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far_end = context.Pipe()
        self._process = context.Process(target=_work, args=(far_end, spec, make_engine), daemon=True)
        self._process.start()
        far_end.close()
        self.key: int | None = None
        self.deadline = 0.0
        self.alive = True
        self._ready = False

    @property
    def idle(self) -> bool:
        return self.key is None

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def give(self, key: int, data: bytes | None, timeout: float) -> None:
        if not self._ready:
            self._await_start()
        self.key, self.deadline = key, time.monotonic() + timeout
        # Where it died since it was looked at, take() finds the pipe closed.
        with suppress(ConnectionError):
            self.pipe.send(data)

    def take(self) -> tuple[int, Examination]:
        """The result; where the process died, the reason, and ``alive`` is False from then on."""
        key, self.key = self.key, None
        assert key is not None
        try:
            return key, self.pipe.recv()
        except (EOFError, ConnectionError):
            self._process.join(_END_TIMEOUT)
            code = self._process.exitcode
            self.kill()
            return key, Examination(fault=Fault.ERROR, detail=f"the worker died on it (exit code {code})")

    def end(self) -> None:
        """Close the pipe, at which the process ends by itself."""
        self.pipe.close()
        self._process.join(_END_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        self.alive, self.key = False, None
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self.pipe.close()

    def _await_start(self) -> None:
        try:
            problem = self.pipe.recv() if self.pipe.poll(_START_TIMEOUT) else None
        except (EOFError, ConnectionError):
            problem = None
        else:
            self._ready = problem is True
        if self._ready:
            return
        self.kill()
        if isinstance(problem, BiosenseError):
            raise problem
        raise WorkersCannotStart(
            "A worker process died before its first picture, most often for want of memory: set "
            "BIOSENSE_WORKERS lower, or to 0 to work without processes and see the error itself."
        )


def _work(pipe: Connection, spec: EngineSpec, make_engine: MakeEngine) -> None:
    """The worker's life: load the models, say so, then answer each picture until the pipe closes."""
    # A pipe that breaks means that the parent needs no more answers, or is no more.
    with suppress(EOFError, ConnectionError, KeyboardInterrupt):
        try:
            engine = make_engine(spec)
        except BiosenseError as error:
            pipe.send(error)
            return
        pipe.send(True)
        while True:
            pipe.send(examine_picture(engine, pipe.recv(), spec.limits))
