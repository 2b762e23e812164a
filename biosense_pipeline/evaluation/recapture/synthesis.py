"""Stills of both kinds with their features, drawn from seeds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.evaluation.recapture.hands import skin_colour, with_fingers
from biosense_pipeline.evaluation.recapture.prints import Material
from biosense_pipeline.evaluation.recapture.scene import Place, Scene, person_in_a_room
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.webcam import Webcam
from biosense_pipeline.vision.presentation.features import features

GENUINE = "genuine"
#: Landmarks are found so exactly, as a share of the distance between the eyes.
_LANDMARK_NOISE = 0.025
#: Of the sources, so many stand in a room of their own, where there are any: they are fewer but real stills.
_IN_A_ROOM = 0.25
#: People hold a hand before themselves now and then: skin beside a face is no print's alone.
_GENUINE_HANDS = 0.12
#: Half the square that the features look at and a little more, in widths of the face; a JPEG's largest block.
_REACH, _BLOCK = 1.45, 16


@dataclass(frozen=True)
class Stills:
    """Features of synthesised stills.

    Attributes:
        features: float32 (n, N). style: of each, its style's name, or ``GENUINE``.
        trial: of each, the number of its trial: one person before one camera, live on two days and recaptured.
        person: of each, who it shows.
    """

    features: np.ndarray
    style: np.ndarray
    trial: np.ndarray
    person: np.ndarray

    def __add__(self, other: "Stills") -> "Stills":
        """Both; the other's trials are numbered on."""
        after = int(self.trial.max()) + 1 if len(self.trial) else 0
        return Stills(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.style, other.style]),
            np.concatenate([self.trial, other.trial + after]),
            np.concatenate([self.person, other.person]),
        )

    def of(self, *styles: str) -> "Stills":
        """Those of some styles."""
        kept = np.isin(self.style, styles)
        return Stills(self.features[kept], self.style[kept], self.trial[kept], self.person[kept])


def synthesise(
    sources: Sequence[Source],
    rooms: Sequence[np.ndarray],
    trials: int,
    seed: int,
    on_trial: Callable[[], None] = lambda: None,
    first: int = 0,
) -> Stills:
    """So many trials, each from a seed of its own: two stills ``GENUINE``, and one of each style.

    Args:
        sources: whom they show. rooms: backgrounds.
        first: number of the first trial: in parts or at once, the stills are the same.
    """
    material = Material(sources, rooms)
    measured, styles, numbers, people = [], [], [], []
    for number in range(first, first + trials):
        rng = np.random.default_rng([seed, number])
        source, camera = _drawn(rng, sources), Webcam.drawn(rng)
        for style in (GENUINE, GENUINE, *STYLES):
            pixels, scene = still(rng, style, source, material, camera.another_day(rng), whole=False)
            measured.append(features(pixels, scene.box, found_landmarks(rng, scene)))
            styles.append(style)
            numbers.append(number - first)
            people.append(source.person)
        on_trial()
    return Stills(np.array(measured, dtype=np.float32), np.array(styles), np.array(numbers), np.array(people))


def still(
    rng: np.random.Generator, style: str, source: Source, material: Material, camera: Webcam, whole: bool = True
) -> tuple[np.ndarray, Scene]:
    """One still, uint8 (height, width, 3), and the scene that the camera saw.

    Args:
        whole: 640x480; else what the features look at of it and a little more, which costs a third.
    """
    place = Place.drawn(rng, source)
    if style == GENUINE:
        scene = person_in_a_room(rng, source, place, material.pictures)
        if rng.random() < _GENUINE_HANDS:
            scene = Scene(_with_hand(rng, scene.levels, place), scene.landmarks)
    else:
        scene = STYLES[style](rng, source, place, material)
    if not whole:
        scene = around_face(scene)
    return camera.still(scene.levels, rng), scene


def around_face(scene: Scene) -> Scene:
    """The part of a scene that features look at, cut where a JPEG has the borders of its blocks."""
    left, top, right, bottom = scene.box
    reach = _REACH * max(right - left, bottom - top)
    across, down = (left + right) / 2, (top + bottom) / 2
    height, width = scene.levels.shape[:2]
    first = [max(0, int(middle - reach)) // _BLOCK * _BLOCK for middle in (across, down)]
    last = [min(size, -(-int(middle + reach) // _BLOCK) * _BLOCK) for middle, size in ((across, width), (down, height))]
    if last[0] - first[0] < 4 * _BLOCK or last[1] - first[1] < 4 * _BLOCK:
        return scene
    return Scene(
        scene.levels[first[1] : last[1], first[0] : last[0]], scene.landmarks - np.array(first, dtype=np.float32)
    )


def _drawn(rng: np.random.Generator, sources: Sequence[Source]) -> Source:
    in_a_room = [source for source in sources if source.in_a_room]
    others = [source for source in sources if not source.in_a_room]
    chosen = in_a_room if in_a_room and (not others or rng.random() < _IN_A_ROOM) else others
    return chosen[int(rng.integers(len(chosen)))]


def _with_hand(rng: np.random.Generator, levels: np.ndarray, place: Place) -> np.ndarray:
    turn = rng.uniform(-0.2, np.pi + 0.2)
    outwards = np.array([np.cos(turn), np.sin(turn)])
    at = np.array([place.across, place.down]) + outwards * place.width * rng.uniform(0.6, 1.1)
    return with_fingers(rng, levels, at, -outwards, place.width * rng.uniform(0.12, 0.24), skin_colour(rng))


def found_landmarks(rng: np.random.Generator, scene: Scene) -> np.ndarray:
    """The landmarks of a scene as the detector would find them: a little off."""
    eyes = float(np.linalg.norm(scene.landmarks[:2].mean(axis=0) - scene.landmarks[2:4].mean(axis=0)))
    found: np.ndarray = scene.landmarks + rng.normal(0, _LANDMARK_NOISE * eyes, scene.landmarks.shape)
    return found.astype(np.float32)
