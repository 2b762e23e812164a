"""The way through the database: from claim to committed result, beside the engine's own rate."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil

from biosense_pipeline.choices import Approval
from biosense_pipeline.evaluation.cameras import Camera, Capture
from biosense_pipeline.evaluation.scratch import scratch_database
from biosense_pipeline.evaluation.speed import Contender
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline.workflows.report import DrainReport
from biosense_pipeline.workflows.workbench import make_examiner, workbench

_BATCH = 100
_MIB = 2**20
#: Settings under which any benchmark with one face is approved: what is measured is not their quality.
_ANY_FACE = {
    "approval": Approval.AUTO,
    "training_min_face_width": 1,
    "training_min_sharpness": 0.0,
    "training_max_clipped": 1.0,
    "training_max_nose_offset": 100.0,
    "training_max_roll": 360.0,
}


@dataclass(frozen=True)
class Throughput:
    """Rates in stills a second, all processes together.

    Attributes:
        engine: pictures from memory, decided and forgotten.
        database: from claim to committed result.
        memory: resident MiB of this process and its workers, by stills written.
        quick: stills that a quick look settled.
    """

    stills: int
    engine: float
    database: float
    memory: list[tuple[int, float]]
    quick: int


def measure_throughput(
    server: str,
    settings: Settings,
    cameras: Sequence[Camera],
    stills: Sequence[Capture],
    on_progress: Callable[[str, int], None] = lambda what, done: None,
) -> Throughput:
    """Measure on a database of its own on the server, with ``settings.workers`` processes.

    Raises:
        DatabaseUnavailable: no database can be made on the server.
    """
    engine = _engine_rate(settings, cameras, stills)
    with scratch_database(server) as database:
        enter_training_images(database, [CapturedImage(c.lan_id, stills[0].captured, c.benchmark) for c in cameras])
        for start in range(0, len(stills), _BATCH):
            batch = stills[start : start + _BATCH]
            enter_stills(database, [CapturedImage(s.camera.lan_id, s.captured, s.image) for s in batch])
            on_progress("entering stills", start + len(batch))
        return _drained(database, settings, len(stills), engine, on_progress)


def _engine_rate(settings: Settings, cameras: Sequence[Camera], stills: Sequence[Capture]) -> float:
    contender = Contender(make_examiner(settings), settings, evidence=True)
    try:
        contender.enrol(list(cameras) * settings.workers)  # enough for every worker to load its models
        for start in range(0, len(stills), settings.claim_size):
            contender.take(stills[start : start + settings.claim_size])
        return contender.rate
    finally:
        contender.examiner.close()


def _drained(
    database: Database, settings: Settings, count: int, engine: float, on_progress: Callable[[str, int], None]
) -> Throughput:
    memory: list[tuple[int, float]] = []
    step = max(1, count // 20)

    def look(report: DrainReport) -> None:
        on_progress("draining", report.written)
        if not memory or report.written - memory[-1][0] >= step:
            memory.append((report.written, _resident()))

    with workbench(settings.model_copy(update=_ANY_FACE), database) as bench:
        check_training_images(bench)
        begin = time.perf_counter()
        report = drain(bench, Scope(), on_progress=look)
        seconds = time.perf_counter() - begin
        memory.append((report.written, _resident()))
    return Throughput(report.written, engine, report.written / seconds, memory, report.quick)


def _resident() -> float:
    """Resident memory of this process and its children in MiB; pages that they share count for each."""
    own = psutil.Process()
    total = 0
    for process in [own, *own.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.Error:  # ended meanwhile
            continue
    return total / _MIB
