"""Whatever bytes stand in a still's row: the row gets a result, no worker dies, and no memory is lost."""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from sqlalchemy import select

from biosense_pipeline.codes import Process, StillResult
from biosense_pipeline.demo.frames import Person, empty_frame, own_frame, training_picture
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.stills.results import read_results
from biosense_pipeline.store.tables.pipeline import ProcessStatus
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline.workflows.report import DrainReport
from biosense_pipeline.workflows.workbench import workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.filling import AGENT
from biosense_pipeline_tests.pictures import damaged, deep_png, jpeg_claiming, png_claiming, saved

pytestmark = pytest.mark.slow

MUTATIONS, SEED = 2000, 2026
#: What a worker may hold: an interpreter with its libraries and models takes about 150 MB.
WORKER_LIMIT = 600 * 2**20
#: What all processes together may gain from the first quarter of the mutations to the last.
GROWTH_LIMIT = 60 * 2**20
_RESULTS: dict[str, StillResult] = {result.value: result for result in StillResult}
_ORIENTATION = 0x0112
#: EXIF orientations with the turn that makes a picture need them.
_TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


@pytest.fixture
def stills_database(request: pytest.FixtureRequest, make_url: Callable[[str], str]) -> Iterator[Database]:
    """A migrated database on MariaDB, or embedded where there is none, in which the agent is about to enrol."""
    try:
        request.getfixturevalue("mariadb_server")
        url = make_url("mariadb")
    except pytest.skip.Exception:
        url = make_url("sqlite")
    database = Database(url)
    upgrade_schema(database)
    enter_training_images(database, [CapturedImage(AGENT, HOUR, training_picture(Person.HOPPER))])
    yield database
    database.dispose()


def test_every_kind_of_picture_gets_its_result(stills_database: Database) -> None:
    """Each mode a camera or a careless converter may write is read; what cannot be read fails alone, and cheaply."""
    pictures = {**_readable(), **_without_face(), **_unreadable()}
    expected = {
        **dict.fromkeys(_readable(), StillResult.SUCCESS),
        **dict.fromkeys(_without_face(), StillResult.NO_FACES_FOUND),
        **dict.fromkeys(_unreadable(), StillResult.UNREADABLE_IMAGE),
    }
    ids, report, memory = _drained(stills_database, list(pictures.values()), workers=1)
    assert dict(zip(pictures, (row.result for row in read_results(stills_database, ids)), strict=True)) == expected
    _assert_all_finished(stills_database, ids, report)
    assert memory.peak < WORKER_LIMIT


def test_two_thousand_mutations(stills_database: Database) -> None:
    """However real JPEGs are damaged, each still gets a result at its first attempt and memory stays flat."""
    rng = np.random.default_rng(SEED)
    wholes = _wholes()
    pictures = [damaged(wholes[number % len(wholes)], rng) for number in range(MUTATIONS)]
    ids, report, memory = _drained(stills_database, pictures, workers=2, max_image_megapixels=1)
    _assert_all_finished(stills_database, ids, report)
    assert set(report.results) <= set(StillResult) - {StillResult.PROCESSING_ERROR}
    # Damage of which nothing remained unreadable, or nothing readable, would test one half only.
    assert MUTATIONS / 4 < report.results[StillResult.UNREADABLE_IMAGE] < MUTATIONS * 3 / 4
    assert memory.peak < WORKER_LIMIT
    assert memory.growth < GROWTH_LIMIT


class _Memory:
    """Resident bytes of the processes at work, each time a drain tells its progress."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._caller = psutil.Process()
        # The database server may be a child too.
        self._others = {child.pid for child in self._caller.children(recursive=True)}
        self._fullest_worker: list[int] = []
        self._all: list[int] = []

    def look(self, report: DrainReport) -> None:
        children = [child for child in self._caller.children(recursive=True) if child.pid not in self._others]
        # Beside the workers there is the small process that tracks what they share.
        resident = sorted(child.memory_info().rss for child in children)[-self._workers :]
        self._fullest_worker.append(resident[-1])
        # One that still loads its models is left out, or its start would count as growth: at work all hold the same.
        if len(resident) == self._workers and resident[0] > 0.9 * resident[-1]:
            self._all.append(sum(resident) + self._caller.memory_info().rss)

    @property
    def peak(self) -> int:
        """Of one worker."""
        return max(self._fullest_worker)

    @property
    def growth(self) -> int:
        """Of caller and workers together, from the largest of the first quarter to the largest of the last."""
        quarter = len(self._all) // 4
        assert quarter >= 2, "the workers hardly ever held the same"
        return max(self._all[-quarter:]) - max(self._all[:quarter])


def _drained(
    database: Database, pictures: Sequence[bytes], workers: int, **values: Any
) -> tuple[list[int], DrainReport, _Memory]:
    """The pictures entered as the agent's stills, and worked through by the real engine in worker processes."""
    ids = enter_stills(
        database,
        [CapturedImage(AGENT, HOUR + timedelta(seconds=number), data) for number, data in enumerate(pictures)],
    )
    url = database.url.render_as_string(hide_password=False)
    settings = Settings(database_url=url, approval="auto", workers=workers, **values)
    memory = _Memory(workers)
    with workbench(settings, database) as bench:
        assert check_training_images(bench).failures == {}
        return ids, drain(bench, Scope(), on_progress=memory.look), memory


def _assert_all_finished(database: Database, ids: Sequence[int], report: DrainReport) -> None:
    """Each still has a result of the contract that fits its status, from one recorded attempt; no worker died."""
    rows = read_results(database, ids)
    assert [row.status for row in rows] == [_RESULTS[row.result].status for row in rows if row.result]
    with database.read() as connection:
        attempts = connection.execute(
            select(ProcessStatus.image_id, ProcessStatus.result).where(
                ProcessStatus.process == Process.RECOGNITION, ProcessStatus.image_id.in_(ids)
            )
        )
        assert Counter(map(tuple, attempts)) == Counter((row.id, row.result) for row in rows)
    assert (report.retried, report.lost, report.results[StillResult.PROCESSING_ERROR]) == (0, 0, 0)


def _readable() -> dict[str, bytes]:
    """The agent's face in every mode, size and turn that has to be read."""
    face = _face()
    veiled = face.convert("RGBA")
    veiled.putalpha(200)
    turned = {}
    for orientation, turn in _TURNS.items():
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        turned[f"EXIF orientation {orientation}"] = saved(face.transpose(turn), "JPEG", exif=exif)
    return {
        "JPEG": saved(face, "JPEG"),
        "progressive JPEG": saved(face, "JPEG", progressive=True),
        "greyscale JPEG": saved(face.convert("L"), "JPEG"),
        "CMYK JPEG": saved(face.convert("CMYK"), "JPEG"),
        "JPEG with a tail": saved(face, "JPEG") + b"\0" * 1000,
        "PNG": saved(face, "PNG"),
        "greyscale PNG": saved(face.convert("L"), "PNG"),
        "PNG of 16 bits": deep_png(face),
        "greyscale PNG of 16 bits": saved(
            Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257), "PNG"
        ),
        "palette PNG": saved(face.quantize(128), "PNG"),
        "palette PNG with a transparent colour": saved(face.quantize(128), "PNG", transparency=0),
        "PNG with alpha": saved(veiled, "PNG"),
        "greyscale PNG with alpha": saved(veiled.convert("LA"), "PNG"),
        **turned,
    }


def _without_face() -> dict[str, bytes]:
    pixel = Image.new("RGB", (1, 1), (200, 180, 160))
    strip = Image.new("RGB", (20_000, 1))
    return {
        "JPEG of one pixel": saved(pixel, "JPEG"),
        "PNG of one pixel": saved(pixel, "PNG"),
        "one row": saved(strip, "PNG"),
        "one column": saved(strip.transpose(Image.Transpose.ROTATE_90), "PNG"),
    }


def _unreadable() -> dict[str, bytes]:
    """What is refused. A row has no file name: a wrong extension shows as another format than the two."""
    whole = saved(_face(), "JPEG")
    return {
        "JPEG of 20,000 x 20,000": jpeg_claiming(whole, 20_000, 20_000),
        "PNG of 20,000 x 20,000": png_claiming(20_000, 20_000),
        "no bytes": b"",
        "zeros": b"\0" * 4096,
        "JPEG cut in half": whole[: len(whole) // 2],
        "PNG cut in half": saved(_face(), "PNG")[:20_000],
        "text": b"503 Service Unavailable",
        **{f"{form} in a JPEG's place": saved(_face(), form) for form in ("GIF", "BMP", "WEBP", "TIFF")},
    }


@cache
def _face() -> Image.Image:
    """The agent's still at half size: the face is about 75 pixels wide."""
    return Image.open(io.BytesIO(own_frame(Person.HOPPER, 1))).convert("RGB").resize((320, 240))


def _wholes() -> list[bytes]:
    """Real JPEGs to damage. In one the face is large enough to be found.

    The others are smaller: a still without a face is enlarged and searched once more, and that is most of
    what it costs.
    """
    exif = Image.Exif()
    exif[_ORIENTATION] = 1
    small = _face().resize((88, 66))
    seat = Image.open(io.BytesIO(empty_frame(1))).resize((88, 66))
    return [
        saved(_face().resize((160, 120)), "JPEG", quality=90, exif=exif),
        saved(small, "JPEG", progressive=True),
        saved(small.convert("L"), "JPEG"),
        saved(seat, "JPEG"),
    ]
