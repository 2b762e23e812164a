"""What every stage works with. Clock and sleep are handed in, so that tests need not wait."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from biosense_pipeline.choices import EngineName
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.runs.heartbeats import Heartbeat
from biosense_pipeline.store.stills.pictures import StoredPicture
from biosense_pipeline.vision.decode import ImageLimits
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.examine import Examination, Examiner, Fault, InlineExaminer
from biosense_pipeline.vision.faces import FULL_LOOK, Look, Picture
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

    def examine(
        self,
        pictures: Iterable[StoredPicture],
        look: Callable[[int], Look] = lambda picture_id: FULL_LOOK,
        waiting: Callable[[], None] = lambda: None,
    ) -> Generator[tuple[int, Examination]]:
        """Examine stored pictures. Those whose size alone refuses them never reach a worker.

        Args:
            pictures: may be read in another thread, ahead of what is examined.
            look: how to look at the picture of that id.
            waiting: called now and then while there is no result to yield.
        """
        refused: deque[tuple[int, Examination]] = deque()

        def acceptable() -> Iterator[Picture]:
            for picture in pictures:
                if picture.size > self.settings.max_image_bytes:
                    refused.append((picture.id, _too_large(picture.size, self.settings.max_image_bytes)))
                else:
                    yield Picture(picture.id, picture.data, look(picture.id))

        def idle() -> None:
            self.heartbeat()
            waiting()

        self.heartbeat()
        with closing(self.examiner.examine(acceptable(), idle)) as results:
            for examined in results:
                self.heartbeat()
                yield examined
                while refused:
                    yield refused.popleft()
        yield from refused


def engine_spec(settings: Settings) -> EngineSpec:
    """The engine that the settings ask for."""
    return EngineSpec(
        name=settings.engine,
        limits=ImageLimits(settings.max_image_bytes, int(settings.max_image_megapixels * 1_000_000)),
        detection=settings.detection,
        descriptor=settings.encoder,
        device=settings.device,
        model_dir=settings.model_dir,
        attack_model=settings.attack_model,
    )


def with_own_tolerance(settings: Settings) -> Settings:
    """The settings with the tolerance that an operator's own model brings along, unless they name one."""
    if settings.engine is not EngineName.ONNX or "tolerance" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"tolerance": engine_spec(settings).own().tolerance})


def make_examiner(settings: Settings) -> Examiner:
    """A pool of ``settings.workers`` processes, or none where that is 0."""
    spec = engine_spec(settings)
    if settings.workers == 0:
        return InlineExaminer(spec)
    return PoolExaminer(spec, settings.workers, settings.image_timeout_seconds)


@contextmanager
def workbench(settings: Settings, database: Database, run_id: str | None = None) -> Iterator[Workbench]:
    """A workbench whose workers end with the block."""
    settings = with_own_tolerance(settings)
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
