"""Trials: one person before one camera, live in two sittings on two days, and as a print in each style of holding.

From portraits people are put before other rooms. From clips they are shown as they were filmed, and their prints are
held by the others in the room where all of them were filmed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biosense_pipeline.choices import Detection
from biosense_pipeline.evaluation.life.clips import Clip
from biosense_pipeline.evaluation.life.stills import as_jpeg
from biosense_pipeline.evaluation.recapture.prints import Material
from biosense_pipeline.evaluation.recapture.scene import Place, Scene
from biosense_pipeline.evaluation.recapture.sittings import (
    HELD_STYLES,
    cut_out_people,
    person_sitting,
    print_sitting,
)
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.evaluation.recapture.synthesis import found_landmarks
from biosense_pipeline.evaluation.recapture.webcam import Webcam
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look

REFERENCE, GENUINE = "genuine_reference", "genuine"
#: Every so many-th frame of a clip is a still.
_FRAMES_APART = 5
#: Quality of the JPEGs that are written: the camera's own compression came before.
_WRITTEN = 95
#: A print is held nearer to the camera than the face that it covers is.
_NEARER = (1.0, 1.6)


@dataclass(frozen=True)
class ShownStill:
    """One still, uint8 (height, width, 3), and the landmarks of its face as they would be found."""

    pixels: np.ndarray
    landmarks: np.ndarray


@dataclass(frozen=True)
class Trial:
    """Sittings by kind: ``REFERENCE``, ``GENUINE`` and the names of ``HELD_STYLES``."""

    person: str
    camera: int
    sittings: dict[str, list[ShownStill]]


def portrait_trials(sources: Sequence[Source], rooms: Sequence[np.ndarray], stills: int, seed: int) -> Iterator[Trial]:
    """A trial of each person whom one can cut out, in the order of ``sources``."""
    material = Material(sources, rooms)
    seen: set[str] = set()
    for number, source in enumerate(cut_out_people(sources)):
        if source.person in seen:
            continue
        seen.add(source.person)
        rng = np.random.default_rng([seed, number])
        camera = Webcam.drawn(rng)
        sittings = {
            kind: _through(camera.another_day(rng), person_sitting(rng, source, material, stills), rng)
            for kind in (REFERENCE, GENUINE)
        }
        for name, style in HELD_STYLES.items():
            held = print_sitting(rng, style, source, material, stills)
            sittings[name] = _through(camera.another_day(rng), held, rng)
        yield Trial(source.person, 0, sittings)


def clip_trials(clips: Sequence[Clip], cameras: int, stills: int, seed: int) -> Iterator[Trial]:
    """Of each person in the clips, so many trials, each before another camera."""
    detector = HogDetector(Detection.FULL)
    people = {person: [clip for clip in clips if clip.person == person] for person in _people(clips)}
    filmed = {person: [_filmed(detector, clip) for clip in own] for person, own in people.items()}
    for position, (person, own) in enumerate(filmed.items()):
        others = [clip for other, theirs in filmed.items() if other != person for clip in theirs if len(clip) > 1]
        days = {REFERENCE: own[::2], GENUINE: own[1::2]}
        if not others or not all(any(clips_of) for clips_of in days.values()):
            continue
        for number in range(cameras):
            rng = np.random.default_rng([seed, position, number])
            camera = Webcam.drawn(rng)
            sittings = {}
            for kind, clips_of in days.items():
                frames = [frame for clip in clips_of for frame in clip]
                sittings[kind] = _through(camera.another_day(rng), frames, rng)
            # The print is of a picture from the person's first day.
            pictures = [frame for clip in days[REFERENCE] for frame in clip]
            for name, style in HELD_STYLES.items():
                shown = pictures[int(rng.integers(len(pictures)))]
                source = Source(person, person, shown.levels.astype(np.uint8), shown.landmarks)
                behind = others[int(rng.integers(len(others)))]
                held = print_sitting(
                    rng,
                    style,
                    source,
                    Material([source], []),
                    stills,
                    lambda still, behind=behind: behind[still % len(behind)].levels,  # type: ignore[misc]
                    _over(rng, behind[0]),
                )
                sittings[name] = _through(camera.another_day(rng), held, rng)
            yield Trial(person, number, sittings)


def write_trial(folder: Path, trial: Trial) -> None:
    """Write a trial's stills as `biosense evaluate attacks` reads them: a folder a kind, in it one a subject.

    A person before another camera is another subject, with a baseline of its own.
    """
    for kind, stills in trial.sittings.items():
        subject = folder / kind / f"{trial.person}_{trial.camera}"
        subject.mkdir(parents=True, exist_ok=True)
        for number, still in enumerate(stills):
            (subject / f"{kind}_{number:03d}.jpg").write_bytes(as_jpeg(still.pixels, quality=_WRITTEN))


def _people(clips: Sequence[Clip]) -> list[str]:
    return sorted({clip.person for clip in clips})


def _filmed(detector: HogDetector, clip: Clip) -> list[Scene]:
    """The frames of a clip that show one face."""
    scenes = []
    for frame in clip.frames(_FRAMES_APART):
        pixels = np.ascontiguousarray(frame)
        boxes, _full = detector.detect(pixels, Look())
        if len(boxes) == 1:
            box = boxes[0]
            shape = detector.landmarks(pixels, (box.left(), box.top(), box.right(), box.bottom()))
            points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)
            scenes.append(Scene(pixels.astype(np.float32), points))
    return scenes


def _over(rng: np.random.Generator, behind: Scene) -> Place:
    """Where a print covers the face of whoever holds it."""
    left, top, right, bottom = behind.box
    width = (right - left) * rng.uniform(*_NEARER)
    across, down = (left + right) / 2, (top + bottom) / 2
    return Place(across, down + rng.normal(0.1, 0.15) * width, width, float(rng.normal(0, 3)))


def _through(camera: Webcam, scenes: Sequence[Scene], rng: np.random.Generator) -> list[ShownStill]:
    return [ShownStill(camera.still(scene.levels, rng), found_landmarks(rng, scene)) for scene in scenes]
