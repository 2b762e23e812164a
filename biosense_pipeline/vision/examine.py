"""Pictures through decoding and an engine: the work of a worker, without ever raising for a picture."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from typing import Protocol

import numpy as np

from biosense_pipeline.vision.appraisal import appraise
from biosense_pipeline.vision.attack_model import AttackScorer
from biosense_pipeline.vision.decode import ImageLimits, UnreadableImage, decode
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.faces import AlignedFace, Detected, Face, FaceEngine, Picture
from biosense_pipeline.vision.presentation.still import StillEvidence, still_evidence
from biosense_pipeline.vision.quality import face_quality

#: Pictures that are examined together, so that their faces are encoded at once.
TOGETHER = 8
#: Bytes of pixels that may wait until the other pictures are searched too; larger pictures, of which some together
#: would take hundreds of megabytes, are finished with at once.
_MAY_WAIT = 8 * 2**20


class Fault(StrEnum):
    """Why a picture has no faces to speak of."""

    UNREADABLE = "unreadable"
    ERROR = "error"


@dataclass(frozen=True)
class Examination:
    """What one picture holds, or why that is not known.

    Attributes:
        faces: largest first; empty where there is none, or where ``fault`` says why not.
        milliseconds: by stage: decode, detect, align, evidence, encode.
        fault, detail: None, or the kind of failure and its reason in a few words.
        full, careful: how it was looked at in the end (see :class:`Look`).
        evidence: what was kept of the picture, where the look asked for it.
        evidence_failure: why there is none though the look asked for it. The faces count all the same.
    """

    faces: list[Face] = field(default_factory=list)
    milliseconds: dict[str, float] = field(default_factory=dict)
    fault: Fault | None = None
    detail: str | None = None
    full: bool = True
    careful: bool = True
    evidence: StillEvidence | None = None
    evidence_failure: str | None = None

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
    attack_model: AttackScorer | None = None,
) -> list[Examination]:
    """Decode pictures, find their faces, align them, and encode the faces of all pictures at once.

    They are aligned when all are found, since a search pushes the landmarks' model, which is large, out of
    the processor's cache; and what is kept of them is made when all are aligned, for the same reason.

    Args:
        begun: called with the position of each picture before it is worked on, and with None before all
            are encoded.
        attack_model: the operator's own; its score is part of what is kept.
    """
    found: list[_Found | _Aligned | Examination] = []
    for position, picture in enumerate(pictures):
        begun(position)
        entry = _detect(engine, picture, limits)
        found.append(
            _finish(_align(engine, entry), attack_model) if isinstance(entry, _Found) and entry.large else entry
        )
    aligned: list[_Aligned | Examination] = []
    for position, searched in enumerate(found):
        begun(position)
        aligned.append(_align(engine, searched) if isinstance(searched, _Found) else searched)
    for position, before in enumerate(aligned):
        begun(position)
        aligned[position] = _finish(before, attack_model)
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
        self._attack_model: AttackScorer | None = None

    def examine(
        self, pictures: Iterable[Picture], waiting: Callable[[], None] = lambda: None
    ) -> Generator[tuple[int, Examination]]:
        """Examine pictures in the order given; the models are loaded before the first."""
        source = iter(pictures)
        while batch := list(islice(source, TOGETHER)):
            if self._engine is None:
                self._engine = self._make_engine(self._spec)
                self._attack_model = self._spec.make_attack_model()
            examined = examine_pictures(
                self._engine, batch, self._limits, lambda position: waiting(), self._attack_model
            )
            yield from ((picture.key, examination) for picture, examination in zip(batch, examined, strict=True))

    def close(self) -> None:
        """Forget the models."""
        self._engine = self._attack_model = None


@dataclass(frozen=True)
class _Found:
    """A picture whose faces are not aligned yet; ``pixels`` are there where more is to be measured on them."""

    picture: Picture
    detected: Detected
    quality: list[dict[str, float]]
    milliseconds: dict[str, float]
    pixels: np.ndarray | None

    @property
    def large(self) -> bool:
        """Whether its pixels are too many to be kept while other pictures are searched."""
        return self.pixels is not None and self.pixels.nbytes > _MAY_WAIT


@dataclass(frozen=True)
class _Aligned:
    """A picture whose faces are not encoded yet; ``pixels`` are there as long as evidence is to be kept of them."""

    picture: Picture
    detected: Detected
    faces: list[AlignedFace]
    quality: list[dict[str, float]]
    milliseconds: dict[str, float]
    pixels: np.ndarray | None
    evidence: StillEvidence | None = None
    evidence_failure: str | None = None


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
    needed = picture.look.appraise or picture.look.evidence
    return _Found(picture, detected, quality, times, pixels if needed else None)


def _align(engine: FaceEngine, found: _Found) -> _Aligned | Examination:
    begin = time.perf_counter()
    look, pixels, quality = found.picture.look, found.pixels, found.quality
    try:
        faces = [engine.align(face, found.detected.careful) for face in found.detected.faces]
        if look.appraise and pixels is not None:
            numbers = [appraise(pixels, face.landmarks) for face in faces]
            quality = [{**before, **more} for before, more in zip(quality, numbers, strict=True)]
    except Exception as error:  # as above
        return _failed(error)
    times = {**found.milliseconds, "align": 1e3 * (time.perf_counter() - begin)}
    detected = replace(found.detected, faces=[])  # with their parts of the picture
    return _Aligned(found.picture, detected, faces, quality, times, pixels if look.evidence else None)


def _finish(aligned: _Aligned | Examination, attack_model: AttackScorer | None) -> _Aligned | Examination:
    """Keep what is asked for of the picture, then let go of its pixels. A failure here must not cost its result."""
    if isinstance(aligned, Examination) or aligned.pixels is None:
        return aligned
    begin = time.perf_counter()
    evidence, failure = None, None
    try:
        places = [(face.box, face.landmarks) for face in aligned.faces]
        quality = aligned.quality[0] if aligned.quality else None
        evidence = still_evidence(aligned.picture.data or b"", aligned.pixels, places, quality, attack_model)
    except Exception as error:
        failure = f"{type(error).__name__}: {error}"
    times = {**aligned.milliseconds, "evidence": 1e3 * (time.perf_counter() - begin)}
    return replace(aligned, milliseconds=times, pixels=None, evidence=evidence, evidence_failure=failure)


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
    return Examination(
        faces,
        times,
        full=aligned.detected.full,
        careful=aligned.detected.careful,
        evidence=aligned.evidence,
        evidence_failure=aligned.evidence_failure,
    )


def _failed(error: Exception) -> Examination:
    return Examination(fault=Fault.ERROR, detail=f"{type(error).__name__}: {error}")
