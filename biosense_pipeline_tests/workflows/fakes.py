"""A prepared examiner, a clock that moves only when told, and rows to work on."""

import hashlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select, update

from biosense_pipeline.codes import ImageKind, Status
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.tables.pipeline import ProcessStatus, StreamImage, TrainingImage
from biosense_pipeline.vision.examine import Examination, Fault
from biosense_pipeline.vision.faces import Face, Look, Picture
from biosense_pipeline.vision.presentation.still import FaceEvidence, StillEvidence
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.conftest import HOUR

AGENT = "NA\\vep5898"
MODEL = "prepared"


#: Numbers of a face that passes the checks of a training image.
GOOD = {
    "width": 200.0,
    "sharpness": 300.0,
    "brightness": 120.0,
    "aligned_sharpness": 300.0,
    "dark_share": 0.01,
    "bright_share": 0.01,
    "nose_offset": 0.05,
    "roll": 3.0,
}


def seen(*distances: float, **numbers: float) -> Examination:
    """A picture with a face at each of these distances from the agent; ``numbers`` differ from GOOD."""
    faces = [
        Face(
            (0, 0, 80, 80),
            np.zeros((5, 2), dtype=np.float32),
            np.array([distance, 0, 0, 0], dtype=np.float32),
            {**GOOD, **numbers},
        )
        for distance in distances
    ]
    return Examination(faces, {"decode": 1.0, "detect": 2.0})


def kept(data: bytes, faces: Sequence[Face]) -> StillEvidence:
    """What is kept of a picture: as many different numbers as there are pictures, and the largest face's."""
    digest = hashlib.sha256(data).digest()
    face = None
    if faces:
        chip = np.frombuffer(digest * 32, dtype=np.uint8).reshape(32, 32)
        numbers = np.frombuffer(digest, dtype=np.uint8).astype(np.float32) / 7
        thumbnail = np.frombuffer(digest * 96, dtype=np.uint8).reshape(48, 64)
        face = FaceEvidence(faces[0].box, faces[0].landmarks, 300.0, 120.5, chip, numbers, thumbnail, 640)
    return StillEvidence(digest, digest[:16], int.from_bytes(digest[:8], "big"), "JPEG 640x480", face)


UNREADABLE = Examination(fault=Fault.UNREADABLE, detail="broken or truncated")
ERROR = Examination(fault=Fault.ERROR, detail="RuntimeError: no luck")

#: What each picture shows; the picture's bytes are its name.
SIGHTS = {
    b"agent": seen(0.0),
    b"agent again": seen(0.25),
    b"stranger": seen(0.75),
    b"agent and stranger": seen(0.75, 0.25),
    b"strangers": seen(0.75, 0.8),
    b"nobody": seen(),
    b"torn": UNREADABLE,
    b"unlucky": ERROR,
}


@dataclass
class PreparedExaminer:
    """Finds in a picture what was prepared for it.

    Attributes:
        before: called with the number of pictures examined so far, before each further one.
        sights: what each picture shows, by its bytes.
    """

    before: Callable[[int], None] = lambda count: None
    model_id: str = MODEL
    examined: list[int] = field(default_factory=list)
    given: list[bytes | None] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    sights: dict[bytes, Examination] = field(default_factory=lambda: SIGHTS)

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Examine the pictures in order."""
        for key, data, look in pictures:
            self.before(len(self.examined))
            self.examined.append(key)
            self.given.append(data)
            self.looks.append(look)
            yield key, self._sight(data, look) if data else UNREADABLE

    def _sight(self, data: bytes, look: Look) -> Examination:
        sight = self.sights[data]
        wanted = look.evidence and sight.fault is None and sight.evidence_failure is None
        evidence = kept(data, sight.faces) if wanted else None
        return replace(sight, full=look.full, careful=look.careful, evidence=evidence)

    def close(self) -> None:
        """Nothing to end."""


@dataclass
class AheadExaminer(PreparedExaminer):
    """Reads all pictures before it examines the first, as a pool reads some.

    Attributes:
        after_reading: called with the number of pictures read so far, after each.
    """

    after_reading: Callable[[int], None] = lambda count: None

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Read, then examine in order."""
        ahead = []
        for picture in pictures:
            ahead.append(picture)
            self.after_reading(len(ahead))
        yield from super().examine(ahead, waiting)


class FakeClock:
    """Seconds that pass only by sleeping; what is due happens while one sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._due: list[tuple[float, Callable[[], object]]] = []

    def __call__(self) -> float:
        return self.now

    def at(self, seconds: float, happens: Callable[[], object]) -> None:
        """Let something happen so many seconds after the start."""
        self._due.append((1000.0 + seconds, happens))

    def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.slept.append(seconds)
        self.now += seconds
        ready = [happens for due, happens in self._due if due <= self.now]
        self._due = [(due, happens) for due, happens in self._due if due > self.now]
        for happens in ready:
            happens()


def bench_with(
    database: Database, examiner: Any = None, clock: FakeClock | None = None, run_id: str | None = None, **values: Any
) -> Workbench:
    """A workbench on prepared pictures; settings by field name."""
    given = {"workers": 0, "commit_size": 5, **values}
    time_source: dict[str, Any] = {"monotonic": clock, "sleep": clock.sleep} if clock else {}
    return Workbench(database, examiner or PreparedExaminer(), Settings(**given), run_id, **time_source)


def enrol(database: Database, lan_id: str = AGENT, picture: bytes = b"agent") -> int:
    """A training image that waits for its check."""
    (image_id,) = enter_training_images(database, [CapturedImage(lan_id, HOUR, picture)])
    return image_id


def enter_legacy_benchmark(database: Database, lan_id: str = AGENT, picture: bytes = b"agent") -> int:
    """A training image that somebody approved before the pipeline was there: no encoding, no time."""

    def enter(connection: Connection) -> int:
        key = connection.execute(
            insert(TrainingImage).values(lan_id=lan_id, capture_time=HOUR, image=picture, status=Status.PROCESSED)
        ).inserted_primary_key
        assert key is not None
        return int(key[0])

    return database.write(enter)


def capture(database: Database, *sights: bytes, lan_id: str = AGENT, start: datetime = HOUR) -> list[int]:
    """Pending stills of one agent, ten seconds apart."""
    return enter_stills(
        database,
        [CapturedImage(lan_id, start + number * timedelta(seconds=10), sight) for number, sight in enumerate(sights)],
    )


def stills(database: Database, ids: Sequence[int]) -> list[Any]:
    """The rows of the stills, without pictures."""
    columns = [column for column in StreamImage.__table__.columns if column.name != "image"]
    with database.read() as connection:
        return list(connection.execute(select(*columns).where(StreamImage.id.in_(ids)).order_by(StreamImage.id)))


def outcomes(database: Database, ids: Sequence[int]) -> list[tuple[str | None, str | None]]:
    """Status and result of each still."""
    return [(row.status, row.result) for row in stills(database, ids)]


def attempts(database: Database, still_id: int) -> list[Any]:
    """The recorded attempts at a still, oldest first."""
    with database.read() as connection:
        return list(
            connection.execute(
                select(ProcessStatus.__table__)
                .where(ProcessStatus.image_kind == ImageKind.STREAM, ProcessStatus.image_id == still_id)
                .order_by(ProcessStatus.id)
            )
        )


def change_still(database: Database, still_id: int, **values: object) -> None:
    """Change a still's row, as another process would."""
    database.write(
        lambda connection: connection.execute(update(StreamImage).where(StreamImage.id == still_id).values(**values))
    )


def rows_of(database: Database, table: Any) -> int:
    """How many rows a table has."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()
