"""What every stage works with. Clock and sleep are handed in, so that tests need not wait."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import Detection, Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.heartbeats import Heartbeat
from biosense_pipeline.store.pictures import StoredPicture
from biosense_pipeline.vision.decode import ImageLimits
from biosense_pipeline.vision.examine import EngineSpec, Examination, Examiner, Fault, InlineExaminer
from biosense_pipeline.vision.pool import PoolExaminer


@dataclass(frozen=True)
class Workbench:
    """Database, examiner and settings of a piece of work.

    Attributes:
        run_id: the Dagster run it belongs to, written beside every result.
        heartbeat: called now and then while work goes on.
        monotonic: seconds on a clock that never jumps.
        sleep: waits that many seconds.
    """

    database: Database
    examiner: Examiner
    settings: Settings
    run_id: str | None = None
    heartbeat: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def model_id(self) -> str:
        return self.examiner.model_id

    def local_now(self) -> datetime:
        """This moment as the capture clients would write it."""
        return local_now(self.settings.zone)

    def examine(self, pictures: Iterable[StoredPicture]) -> Iterator[tuple[int, Examination]]:
        """Examine stored pictures. Those whose size alone refuses them never reach a worker."""
        refused: list[tuple[int, Examination]] = []

        def acceptable() -> Iterator[tuple[int, bytes | None]]:
            for picture in pictures:
                if picture.size > self.settings.max_image_bytes:
                    refused.append((picture.id, _too_large(picture.size, self.settings.max_image_bytes)))
                else:
                    yield picture.id, picture.data

        self.heartbeat()
        for examined in self.examiner.examine(acceptable()):
            self.heartbeat()
            yield examined
            while refused:
                yield refused.pop()
        yield from refused


def engine_spec(settings: Settings) -> EngineSpec:
    """The engine that the settings ask for."""
    return EngineSpec(
        name=settings.engine,
        limits=ImageLimits(settings.max_image_bytes, int(settings.max_image_megapixels * 1_000_000)),
        always_enlarge=settings.detection is Detection.REFERENCE,
        model_dir=settings.model_dir,
    )


def make_examiner(settings: Settings) -> Examiner:
    """A pool of ``settings.workers`` processes, or none where that is 0."""
    spec = engine_spec(settings)
    if settings.workers == 0:
        return InlineExaminer(spec)
    return PoolExaminer(spec, settings.workers, settings.image_timeout_seconds)


@contextmanager
def workbench(settings: Settings, database: Database, run_id: str | None = None) -> Iterator[Workbench]:
    """A workbench whose workers end with the block."""
    examiner = make_examiner(settings)
    heartbeat = Heartbeat(database, run_id, settings.lease_seconds / 3).beat if run_id else lambda: None
    try:
        yield Workbench(database, examiner, settings, run_id, heartbeat)
    finally:
        examiner.close()


def naive_utc_now() -> datetime:
    """This moment as the pipeline's own tables have it."""
    return datetime.now(UTC).replace(tzinfo=None)


def _too_large(size: int, limit: int) -> Examination:
    return Examination(fault=Fault.UNREADABLE, detail=f"{size} bytes, more than the limit of {limit}")
