"""Pictures through decoding and an engine: the work of a worker, without ever raising for a picture."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Protocol

import numpy as np

from biosense_pipeline.vision.appraisal import appraise
from biosense_pipeline.vision.decode import ImageLimits, UnreadableImage, decode
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.faces import AlignedFace, Detected, Face, FaceEngine, Picture
from biosense_pipeline.vision.quality import face_quality

#: Pictures that are examined together, so that their faces are encoded at once.
TOGETHER = 8


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
        full, careful: how it was looked at in the end (see :class:`Look`).
    """

    faces: list[Face] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)
    fault: Fault | None = None
    detail: str | None = None
    full: bool = True
    careful: bool = True

    def after(self, earlier: "Examination") -> "Examination":
        """This examination, with the time of an earlier one of the same picture added to its own."""
        stages = {**earlier.milliseconds, **self.milliseconds}
        spent = {stage: earlier.milliseconds.get(stage, 0.0) + self.milliseconds.get(stage, 0.0) for stage in stages}
        return replace(self, milliseconds=spent)


class Examiner(Protocol):
    """Examines pictures, in this process or in others."""

    model_id: str

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Examine pictures; yields each key once, as results come, in any order.

        ``waiting`` is called now and then in the caller's thread while there is no result to yield.
        """
        ...

    def close(self) -> None:
        """End the workers, if there are any."""
        ...


def examine_pictures(
    engine: FaceEngine,
    pictures: Sequence[Picture],
    limits: ImageLimits,
    begun: Callable[[int | None], None] = lambda position: None,
) -> list[Examination]:
    """Decode pictures, find their faces, align them, and encode the faces of all pictures at once.

    They are aligned when all are found, since a search pushes the landmarks' model, which is large, out of
    the processor's cache.

    Args:
        begun: called with the position of each picture before it is worked on, and with None before all
            are encoded.
    """
    found: list[_Found | Examination] = []
    for position, picture in enumerate(pictures):
        begun(position)
        found.append(_detect(engine, picture, limits))
    aligned: list[_Aligned | Examination] = []
    for position, entry in enumerate(found):
        begun(position)
        aligned.append(entry if isinstance(entry, Examination) else _align(engine, entry))
    begun(None)
    faces = [face for entry in aligned if isinstance(entry, _Aligned) for face in entry.faces]
    encodings, milliseconds = _encode(engine, [face.aligned for face in faces])
    remaining = iter(encodings)
    return [
        entry if isinstance(entry, Examination) else _examination(entry, remaining, milliseconds) for entry in aligned
    ]


class InlineExaminer:
    """Examines pictures in the calling process, some at a time."""

    def __init__(self, spec: EngineSpec, make_engine: Callable[[EngineSpec], FaceEngine] = EngineSpec.make) -> None:
        self.model_id = spec.model_id
        self._limits = spec.limits
        self._spec = spec
        self._make_engine = make_engine
        self._engine: FaceEngine | None = None

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Examine pictures in the order given; the models are loaded before the first."""
        source = iter(pictures)
        while batch := list(islice(source, TOGETHER)):
            if self._engine is None:
                self._engine = self._make_engine(self._spec)
            examined = examine_pictures(self._engine, batch, self._limits, lambda position: waiting())
            yield from ((picture.key, examination) for picture, examination in zip(batch, examined, strict=True))

    def close(self) -> None:
        """Forget the models."""
        self._engine = None


@dataclass(frozen=True)
class _Found:
    """A picture whose faces are not aligned yet; ``pixels`` are there where its faces are to be appraised."""

    detected: Detected
    quality: list[dict[str, float]]
    milliseconds: dict[str, float]
    pixels: np.ndarray | None


@dataclass(frozen=True)
class _Aligned:
    """A picture whose faces are not encoded yet."""

    found: _Found
    faces: list[AlignedFace]
    quality: list[dict[str, float]]
    milliseconds: dict[str, float]


def _detect(engine: FaceEngine, picture: Picture, limits: ImageLimits) -> _Found | Examination:
    begin = time.perf_counter()
    try:
        pixels = decode(picture.data, limits)
        decoded = time.perf_counter()
        detected = engine.detect(pixels, picture.look)
        searched = time.perf_counter()
        quality = [face_quality(pixels, face.box) for face in detected.faces]
    except UnreadableImage as error:
        return Examination(fault=Fault.UNREADABLE, detail=str(error))
    except Exception as error:  # one picture costs only itself
        return _failed(error)
    times = {"decode": 1e3 * (decoded - begin), "detect": 1e3 * (searched - decoded)}
    return _Found(detected, quality, times, pixels if picture.look.appraise else None)


def _align(engine: FaceEngine, found: _Found) -> _Aligned | Examination:
    begin = time.perf_counter()
    try:
        faces = [engine.align(face, found.detected.careful) for face in found.detected.faces]
        quality = found.quality
        if found.pixels is not None:
            numbers = [appraise(found.pixels, face.landmarks) for face in faces]
            quality = [{**before, **more} for before, more in zip(quality, numbers, strict=True)]
    except Exception as error:  # as above
        return _failed(error)
    return _Aligned(found, faces, quality, {**found.milliseconds, "align": 1e3 * (time.perf_counter() - begin)})


def _encode(engine: FaceEngine, aligned: Sequence[object]) -> tuple[list[np.ndarray | Exception], float]:
    """An encoding for each face, or why there is none, and the milliseconds that each took."""
    begin = time.perf_counter()
    encodings: list[np.ndarray | Exception] = []
    try:
        encodings = list(engine.encode(aligned)) if aligned else []
    except Exception as error:
        # Once more one by one, so that only those fail that must.
        for face in aligned:
            try:
                encodings.append(engine.encode([face])[0] if len(aligned) > 1 else error)
            except Exception as own:
                encodings.append(own)
    return encodings, 1e3 * (time.perf_counter() - begin) / max(1, len(aligned))


def _examination(
    aligned: _Aligned, encodings: Iterator[np.ndarray | Exception], milliseconds_a_face: float
) -> Examination:
    own = list(islice(encodings, len(aligned.faces)))
    failed = next((entry for entry in own if isinstance(entry, Exception)), None)
    if failed is not None:
        return _failed(failed)
    faces = [
        Face(face.box, face.landmarks, encoding, quality)
        for face, encoding, quality in zip(aligned.faces, own, aligned.quality, strict=True)
        if isinstance(encoding, np.ndarray)
    ]
    times = {**aligned.milliseconds, "encode": milliseconds_a_face * len(faces)}
    detected = aligned.found.detected
    return Examination(faces, times, full=detected.full, careful=detected.careful)


def _failed(error: Exception) -> Examination:
    return Examination(fault=Fault.ERROR, detail=f"{type(error).__name__}: {error}")
