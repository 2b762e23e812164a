"""A worker process: its own models, and pictures that it is handed a few at a time.

The worker says which picture it begins. So when it dies or runs out of time, it is known which picture
did it: that one fails, the worker is replaced, and the others are handed over anew.
"""

import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from biosense_pipeline.child_processes import SPAWN, starting_children
from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.examine import Examination, Fault, examine_pictures
from biosense_pipeline.vision.faces import FaceEngine, Picture

#: Seconds in which a new worker must have loaded its models.
_START_TIMEOUT = 120.0
#: Seconds granted to a worker to end by itself.
_END_TIMEOUT = 2.0

MakeEngine = Callable[[EngineSpec], FaceEngine]
Examined = list[tuple[int, Examination]]


class WorkersCannotStart(BiosenseError):
    """A new worker died or stalled before its first picture."""


class PoolClosed(BiosenseError):
    """The workers were ended while pictures were under way."""


class Worker:
    """Examines pictures in a process, which is started with the first and replaced when it fails.

    Not for use by several threads at once, except :meth:`kill`.

    Args:
        timeout: seconds after which a picture is given up and the process replaced.
    """

    def __init__(self, spec: EngineSpec, timeout: float, make_engine: MakeEngine) -> None:
        self._spec = spec
        self._timeout = timeout
        self._make_engine = make_engine
        self._process: _Process | None = None
        self._killed = False

    def examine(self, pictures: Sequence[Picture]) -> Examined:
        """Examine pictures; returns each with its key, those that ended or stalled the process with the reason.

        Raises:
            ModelFileMissing: the weights are not there.
            WorkersCannotStart: a new process does not come up.
            PoolClosed: :meth:`kill` was called meanwhile.
        """
        results: Examined = []
        trays = [list(pictures)]
        while trays:
            tray = trays.pop(0)
            try:
                results += zip((picture.key for picture in tray), self._together(tray), strict=True)
            except _AskedToEnd:
                trays[:0] = [tray]
            except _Failed as failure:
                if failure.position is not None:
                    results.append((tray[failure.position].key, failure.examination))
                    del tray[failure.position]
                    trays[:0] = [tray] if tray else []
                else:  # while all were encoded: which of them it was shows when each comes alone
                    trays[:0] = [[picture] for picture in tray]
        return results

    def end(self) -> None:
        """Let an idle process end by itself."""
        if self._process:
            self._process.end()
        self._process = None

    def kill(self) -> None:
        """End the process at once and for good; a call under way in another thread fails."""
        self._killed = True
        if process := self._process:
            process.kill()

    def _together(self, tray: Sequence[Picture]) -> list[Examination]:
        if self._killed:
            raise PoolClosed("The workers were ended while pictures were under way.")
        # One that the system killed while it was idle is no picture's fault.
        if self._process is None or not self._process.running:
            self._process = _Process(self._spec, self._make_engine)
            self._process.await_start()
        try:
            return self._process.examine(tray, self._timeout)
        except (_Failed, _AskedToEnd):
            self._process.kill()
            self._process = None
            raise


class _Failed(Exception):
    """A process failed over a picture, or, with position None, over several at once."""

    def __init__(self, position: int | None, detail: str) -> None:
        super().__init__(detail)
        self.position = position
        self.examination = Examination(fault=Fault.ERROR, detail=detail)


class _AskedToEnd(Exception):
    """A process was told to end from outside (SIGTERM): no picture's fault."""


class _Process:
    """One process and the pipe to it."""

    def __init__(self, spec: EngineSpec, make_engine: MakeEngine) -> None:
        self._pipe, far_end = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_work, args=(far_end, spec, make_engine), daemon=True)
        with starting_children():
            self._process.start()
        far_end.close()

    @property
    def running(self) -> bool:
        return self._process.is_alive()

    def await_start(self) -> None:
        try:
            problem = self._pipe.recv() if self._pipe.poll(_START_TIMEOUT) else None
        except (EOFError, OSError):
            problem = None
        if problem is True:
            return
        self.kill()
        if isinstance(problem, BiosenseError):
            raise problem
        raise WorkersCannotStart(
            "A worker process died before its first picture, most often for want of memory: set "
            "BIOSENSE_WORKERS lower, or to 0 to work without processes and see the error itself."
        )

    def examine(self, tray: Sequence[Picture], timeout: float) -> list[Examination]:
        position: int | None = 0
        try:
            self._pipe.send(tray)
            deadline = time.monotonic() + timeout
            while self._pipe.poll(max(0.0, deadline - time.monotonic())):
                answer = self._pipe.recv()
                if isinstance(answer, list):
                    return answer
                position, deadline = answer, time.monotonic() + timeout
        except (EOFError, OSError):
            code = self._exit_code()
            if code == -signal.SIGTERM:
                raise _AskedToEnd from None
            raise _Failed(_blamed(position, tray), f"the worker died on it (exit code {code})") from None
        raise _Failed(_blamed(position, tray), f"given up after {timeout:g} s in a worker")

    def _exit_code(self) -> int | None:
        """Of a process that has ended; None where it goes on all the same."""
        until = time.monotonic() + _END_TIMEOUT
        self._process.join(_END_TIMEOUT)
        # Another thread that starts a process looks whether this one has ended, and may learn it a moment before.
        while self._process.exitcode is None and time.monotonic() < until:
            time.sleep(0.005)
        return self._process.exitcode

    def end(self) -> None:
        self._pipe.close()  # at which the process ends
        self._process.join(_END_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


def _blamed(position: int | None, tray: Sequence[Picture]) -> int | None:
    return 0 if len(tray) == 1 else position


def _work(pipe: Connection, spec: EngineSpec, make_engine: MakeEngine) -> None:
    """The process's life: load the models, say so, then answer each tray until the pipe closes."""
    # A pipe that breaks means that the parent needs no more answers, or is no more.
    with suppress(EOFError, OSError):
        try:
            engine, attack_model = make_engine(spec), spec.make_attack_model()
        except BiosenseError as error:
            pipe.send(error)
            return
        pipe.send(True)
        while True:
            pipe.send(examine_pictures(engine, pipe.recv(), spec.limits, pipe.send, attack_model))
