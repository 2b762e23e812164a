"""One picture through decoding and an engine: the work of a worker, without ever raising for a picture."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from biosense_pipeline.vision.decode import ImageLimits, UnreadableImage, decode
from biosense_pipeline.vision.dlib_engine import DlibEngine
from biosense_pipeline.vision.faces import Face, FaceEngine
from biosense_pipeline.vision.reference_engine import ReferenceEngine


class Fault(StrEnum):
    """Why a picture has no faces to speak of."""

    UNREADABLE = "unreadable"
    ERROR = "error"


@dataclass(frozen=True)
class Examination:
    """What one picture holds, or why that is not known.

    Attributes:
        faces: largest first; empty where there is none, or where ``fault`` says why not.
        milliseconds: by stage: decode, detect, align, encode.
        fault, detail: None, or the kind of failure and its reason in a few words.
    """

    faces: list[Face] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)
    fault: Fault | None = None
    detail: str | None = None


@dataclass(frozen=True)
class EngineSpec:
    """How to make an engine; small and picklable, so that each worker makes its own.

    Attributes:
        name: ``dlib`` or ``face_recognition``.
        always_enlarge, model_dir: see :class:`DlibEngine`.
        limits: the largest pictures decoded.
    """

    name: str
    limits: ImageLimits
    always_enlarge: bool = False
    model_dir: Path | None = None

    @property
    def model_id(self) -> str:
        """The id under which this engine's encodings are stored."""
        return (ReferenceEngine if self.name == "face_recognition" else DlibEngine).model_id

    def make(self) -> FaceEngine:
        """Load the models.

        Raises:
            ModelFileMissing: the weights are not there.
        """
        if self.name == "face_recognition":
            return ReferenceEngine()
        return DlibEngine(self.always_enlarge, self.model_dir)


class Examiner(Protocol):
    """Examines pictures, in this process or in others."""

    model_id: str

    def examine(self, pictures: Iterable[tuple[int, bytes | None]]) -> Iterator[tuple[int, Examination]]:
        """Examine pictures given as (key, bytes); yields each key once, as results come, in any order."""
        ...

    def close(self) -> None:
        """End the workers, if there are any."""
        ...


def examine_picture(engine: FaceEngine, data: bytes | None, limits: ImageLimits) -> Examination:
    """Decode one picture and find its faces."""
    begin = time.perf_counter()
    try:
        pixels = decode(data, limits)
        decoded = 1e3 * (time.perf_counter() - begin)
        found = engine.find(pixels)
    except UnreadableImage as error:
        return Examination(fault=Fault.UNREADABLE, detail=str(error))
    except Exception as error:  # one picture costs only itself
        return Examination(fault=Fault.ERROR, detail=f"{type(error).__name__}: {error}")
    return Examination(found.faces, {"decode": decoded, **found.milliseconds})


class InlineExaminer:
    """Examines one picture after the other in the calling process."""

    def __init__(self, spec: EngineSpec, make_engine: Callable[[EngineSpec], FaceEngine] = EngineSpec.make) -> None:
        self.model_id = spec.model_id
        self._limits = spec.limits
        self._spec = spec
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None

    def examine(self, pictures: Iterable[tuple[int, bytes | None]]) -> Iterator[tuple[int, Examination]]:
        """Examine pictures in the order given; the models are loaded before the first."""
        for key, data in pictures:
            if self._engine is None:
                self._engine = self._make_engine(self._spec)
            yield key, examine_picture(self._engine, data, self._limits)

    def close(self) -> None:
        """Forget the models."""
        self._engine = None
