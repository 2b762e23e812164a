"""A site of made-up people who have worked for some hours, its stills decided and summed up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import Connection, func, insert, select

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.pipeline import RecognitionResult, StreamImage, TrainingImage
from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.vision.faces import Face
from biosense_pipeline.workflows.workbench import Workbench
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.matching.crowds import faces
from biosense_pipeline_tests.workflows.fakes import MODEL, PreparedExaminer, bench_with

STILLS_AN_HOUR = 12
#: A target that needs 300 pairs of people, which 25 people make.
TARGET = 0.01


@dataclass
class FakeSite:
    """People with a benchmark each, and an examiner that knows all their pictures.

    Attributes:
        people: how many. hours: that each of them works, from HOUR on.
        still_ids: of the stills that were entered.
    """

    database: Database
    people: int
    hours: int = 2
    seed: int = 0
    still_ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.benchmarks, self.encodings = faces(self.people, self.hours * STILLS_AN_HOUR, self.seed)
        self.examiner = PreparedExaminer(sights={})
        for person in range(self.people):
            self.show(person, self.benchmarks[person], self.encodings[person])

    def lan_id(self, person: int) -> str:
        """The LAN id of a person."""
        return f"NA\\person{person:03}"

    def show(self, person: int, benchmark: np.ndarray, encodings: np.ndarray) -> None:
        """Let a person's pictures show these faces from now on; what is stored stays."""
        self.examiner.sights[_name(person)] = _face(benchmark)
        for number, encoding in enumerate(encodings):
            self.examiner.sights[_name(person, number)] = _face(encoding)

    def fill(self) -> None:
        """Enter benchmarks and stills, these decided at a tolerance of 0.5, and sum up the hours."""
        self.database.write(self._enter)
        summarise(self.database, HOUR, HOUR + timedelta(hours=self.hours))

    def _enter(self, connection: Connection) -> None:
        connection.execute(
            insert(TrainingImage),
            [
                {"lan_id": self.lan_id(person), "capture_time": HOUR, "image": _name(person), "status": "Y"}
                for person in range(self.people)
            ],
        )
        references = {row.lan_id: row.id for row in connection.execute(select(TrainingImage.lan_id, TrainingImage.id))}
        stills: list[dict[str, Any]] = []
        results: list[dict[str, Any]] = []
        first = 1 + (connection.execute(select(func.max(StreamImage.id))).scalar_one() or 0)
        for person in range(self.people):
            for number, encoding in enumerate(self.encodings[person]):
                distance = float(np.linalg.norm(np.float32(encoding) - np.float32(self.benchmarks[person])))
                result = StillResult.SUCCESS if distance <= 0.5 else StillResult.UNKNOWN_PERSON
                still_id = first + len(stills)
                stills.append(
                    {
                        "id": still_id,
                        "lan_id": self.lan_id(person),
                        "capture_time": _time(number),
                        "image": _name(person, number),
                        "status": Status.PROCESSED,
                        "result": result,
                        "num_faces": 1,
                    }
                )
                results.append(
                    {
                        "stream_image_id": still_id,
                        "model_id": MODEL,
                        "training_image_id": references[self.lan_id(person)],
                        "result": result,
                        "num_faces": 1,
                        "distance": distance,
                        "tolerance": 0.5,
                        "faces": [{"distance": distance}],
                        "milliseconds": 1.0,
                        "created": HOUR,
                    }
                )
        connection.execute(insert(StreamImage), stills)
        connection.execute(insert(RecognitionResult), results)
        self.still_ids += [still["id"] for still in stills]

    def capture(self, person: int, pictures: Sequence[tuple[int, int]], start: datetime) -> list[int]:
        """Enter pending stills of a person's camera, which show these (person, picture)."""
        return enter_stills(
            self.database,
            [
                CapturedImage(self.lan_id(person), start + number * timedelta(seconds=10), _name(*shown))
                for number, shown in enumerate(pictures)
            ],
        )


def bench_at(site: FakeSite, **values: Any) -> Workbench:
    """A workbench at the site that calibrates to :data:`TARGET`; settings by field name."""
    return bench_with(site.database, site.examiner, **{"target_fmr": TARGET, **values})


def _face(encoding: np.ndarray) -> Examination:
    return Examination([Face((0, 0, 80, 80), np.zeros((5, 2), dtype=np.float32), encoding.astype(np.float32))])


def _name(person: int, number: int | None = None) -> bytes:
    return f"{person}:{'benchmark' if number is None else number}".encode()


def _time(number: int) -> datetime:
    hour, position = divmod(number, STILLS_AN_HOUR)
    return HOUR + timedelta(hours=hour, seconds=10 * position)
