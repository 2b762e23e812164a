"""Worker processes that examine the pictures of all who ask.

Each worker has a thread here that waits for it, so that reading pictures, examining them and using the
results go on side by side. Each call of ``examine`` is a stream of its own: a thread reads its pictures
ahead, a little further than the workers need, and its results wait in a queue of its own.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from queue import Empty, SimpleQueue

from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.examine import TOGETHER, Examination
from biosense_pipeline.vision.faces import Picture
from biosense_pipeline.vision.worker import Examined, MakeEngine, Worker

#: Pictures of a stream that may be under way for each worker: about half of them at work, the others waiting for
#: it or their results for the caller. Further ahead how to look at a picture would be chosen knowing less of those
#: before it, which costs more than larger trays would save.
_UNDER_WAY = TOGETHER
#: Seconds without a result after which the caller may do something else for a moment.
_PATIENCE = 0.5


class PoolExaminer:
    """Examines pictures in ``workers`` processes, each with its own models loaded once.

    May be asked by several threads at once, and anew while a call is under way; what was asked last is
    examined first, since the earlier call may be waiting for it.

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
        self._make_worker: Callable[[], Worker] = lambda: Worker(spec, timeout, make_engine)
        self._count = workers
        # Where callers may be interrupted they take the lock itself: an interrupt while a condition is being
        # entered, which is written in Python, would leave it locked.
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._streams: list[_Stream] = []
        self._crew: list[tuple[threading.Thread, Worker]] = []
        self._idle = 0

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Examine pictures; results come in the order in which they are done.

        ``pictures`` is read in another thread, and only a little faster than workers are free; ``waiting`` is
        called in this one, each half second without a result.

        Raises:
            ModelFileMissing: the weights are not there.
            WorkersCannotStart: a new worker does not come up.
            Exception: whatever reading ``pictures`` raised.
        """
        stream = _Stream()
        with self._lock:
            self._streams.append(stream)
        reader = threading.Thread(target=self._read, args=(stream, pictures), name="biosense-reader", daemon=True)
        reader.start()
        try:
            while (results := stream.next_results(waiting)) is not None:
                if isinstance(results, BaseException):
                    raise results
                for result in results:
                    yield result
                    with self._lock:
                        stream.under_way -= 1
                        self._changed.notify_all()
        finally:
            # Left before the end: what the workers still hold is dropped when it comes.
            with self._lock:
                self._streams.remove(stream)
                stream.abandoned = True
                self._changed.notify_all()
            reader.join()

    def close(self) -> None:
        """End the workers, those at work too."""
        with self._lock:
            crew, self._crew = self._crew, []
            self._changed.notify_all()
        for thread, worker in crew:
            thread.join(timeout=0.1)  # an idle one ends by itself
            worker.kill()
            thread.join()

    def _read(self, stream: "_Stream", pictures: Iterable[Picture]) -> None:
        """The life of a stream's thread: read ahead until the pictures end or nobody wants them any more."""
        source = iter(pictures)
        problem: BaseException | None = None
        try:
            for picture in source:
                with self._changed:
                    stream.waiting.append(picture)
                    stream.unanswered += 1
                    stream.under_way += 1
                    self._enlist()
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: stream.abandoned or stream.under_way < _UNDER_WAY * self._count)
                    if stream.abandoned:
                        break
        except BaseException as error:
            problem = error
        finally:
            if hasattr(source, "close"):  # a generator, which may hold a connection
                source.close()
        with self._changed:
            stream.ended = True
            if problem is not None:
                stream.results.put(problem)
            elif not stream.unanswered:
                stream.results.put(None)

    def _enlist(self) -> None:
        """Start one more worker where none is idle; the condition is held."""
        if self._idle or len(self._crew) >= self._count:
            return
        worker = self._make_worker()
        thread = threading.Thread(target=self._serve, args=(worker,), name="biosense-worker", daemon=True)
        self._crew.append((thread, worker))
        thread.start()

    def _serve(self, worker: Worker) -> None:
        """The life of a worker's thread: hand it pictures until the pool is closed."""
        while (taken := self._take(worker)) is not None:
            stream, tray = taken
            answer: Examined | BaseException
            try:
                answer = worker.examine(tray)
            except BaseException as error:
                answer = error
            with self._changed:
                stream.results.put(answer)
                stream.unanswered -= len(tray)
                if stream.ended and not stream.unanswered:
                    stream.results.put(None)
        worker.end()

    def _take(self, worker: Worker) -> "tuple[_Stream, list[Picture]] | None":
        """The next pictures for a worker: its share of those that wait in the newest stream."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._dismissed(worker) or any(stream.waiting for stream in self._streams))
            self._idle -= 1
            if self._dismissed(worker):
                return None
            stream = next(stream for stream in reversed(self._streams) if stream.waiting)
            size = min(TOGETHER, math.ceil(len(stream.waiting) / self._count))
            tray = [stream.waiting.popleft() for _ in range(size)]
            self._changed.notify_all()
            return stream, tray

    def _dismissed(self, worker: Worker) -> bool:
        return all(member is not worker for _, member in self._crew)


class _Stream:
    """One call of ``examine``: pictures that wait, and results that wait to be asked for."""

    def __init__(self) -> None:
        self.waiting: deque[Picture] = deque()
        #: Lists of results; None at the end; an exception where it ends early.
        self.results: SimpleQueue[Examined | BaseException | None] = SimpleQueue()
        #: Pictures read whose results are not there yet, and whose results were not yet asked for.
        self.unanswered = 0
        self.under_way = 0
        self.ended = False
        self.abandoned = False

    def next_results(self, waiting: Callable[[], None]) -> Examined | BaseException | None:
        while True:
            try:
                return self.results.get(timeout=_PATIENCE)
            except Empty:
                waiting()
