"""Faces drawn by a formula, so that it is known what changes from still to still: the face, its place, or noise."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from biosense_pipeline.matching.evidence.still import EvidenceStill

START = datetime(2026, 3, 2, 9)
TEN_SECONDS = timedelta(seconds=10)
EYES = np.array([[120.0, 100.0], [110.0, 100.0], [70.0, 100.0], [80.0, 100.0], [95.0, 130.0]], dtype=np.float32)


@dataclass(frozen=True)
class DrawnFace:
    """What a face does: where it looks, how far the mouth is open, where the nose points."""

    gaze: float = 0.0
    mouth: float = 0.3
    nose: float = 0.0
    brow: float = 0.0

    def levels(self, place: np.ndarray | None = None) -> np.ndarray:
        """Grey levels, (32, 32), of the face moved as a plane by ``place`` (3, 3)."""
        y, x = (np.mgrid[:32, :32] - 15.5) / 16
        if place is not None:
            x, y, w = np.tensordot(place, np.stack([x, y, np.ones_like(x)]), axes=1)
            x, y = x / w, y / w
        grey: np.ndarray = 150 - 60 * (x**2 + 0.7 * (y - 0.1) ** 2)
        for side in (-0.38, 0.38):
            grey -= 75 * _blob(x - side - 0.08 * self.gaze, y + 0.4, 0.13, 0.08)
            grey -= 35 * _blob(x - side, y + 0.62 + 0.1 * self.brow, 0.2, 0.05)
        grey -= 45 * _blob(x - 0.25 * self.nose, y - 0.1, 0.09, 0.14)
        grey -= 70 * _blob(x - 0.1 * self.nose, y - 0.5, 0.25, 0.04 + 0.15 * self.mouth)
        return grey


def _blob(x: np.ndarray, y: np.ndarray, across: float, down: float) -> np.ndarray:
    levels: np.ndarray = np.exp(-0.5 * ((x / across) ** 2 + (y / down) ** 2))
    return levels


def chip(levels: np.ndarray, rng: np.random.Generator, noise: float = 1.0) -> np.ndarray:
    """The levels through a sensor: noise, and whole numbers."""
    return np.clip(np.round(levels + rng.normal(0, noise, levels.shape)), 0, 255).astype(np.uint8)


def still(number: int, levels: np.ndarray | None, rng: np.random.Generator, **changes: Any) -> EvidenceStill:
    """A still with one face, or with none; bytes and pixels like no other's. A changed field is given by name."""
    made = EvidenceStill(
        still_id=number,
        captured=START + number * TEN_SECONDS,
        result="SUCCESS",
        num_faces=0 if levels is None else 1,
        sha256=rng.bytes(32),
        pixel_hash=rng.bytes(16),
        perceptual_hash=0,
        source="JPEG 640x480",
    )
    if levels is not None:
        made = replace(made, box=(60, 70, 130, 140), landmarks=EYES, brightness=100.0, chip=chip(levels, rng))
    return replace(made, **changes)


def person(count: int, rng: np.random.Generator, start: int = 0, lively: float = 1.0) -> list[EvidenceStill]:
    """Stills of somebody before a camera, who looks about, talks and turns the head; less so below 1."""
    stills = []
    for number in range(start, start + count):
        gaze, nose, brow = lively * rng.normal(0, [1.0, 0.6, 0.5])
        face = DrawnFace(gaze, 0.3 + lively * rng.uniform(0, 0.8), nose, brow)
        moved = EYES + np.float32(lively) * rng.normal(0, 8, 2).round().astype(np.float32)
        stills.append(still(number, face.levels(small_motion(rng)), rng, landmarks=moved))
    return stills


def small_motion(rng: np.random.Generator, off: float = 0.02) -> np.ndarray:
    """What landmarks that are off by a pixel do to a chip; ``off`` in halves of its side."""
    x, y, grown, turned = rng.normal(0, off, 4)
    return np.array([[1 + grown, -turned, x], [turned, 1 + grown, y], [0, 0, 1]])


def hand_motion(rng: np.random.Generator) -> np.ndarray:
    """What is left in a chip of a print that is moved, turned and tilted: a homography."""
    place = np.eye(3) + rng.normal(0, 0.04, (3, 3))
    place[2, 2] = 1
    return place


def held_print(count: int, rng: np.random.Generator, start: int = 0) -> list[EvidenceStill]:
    """Stills of a picture of one face, moved by hand, in changing light."""
    stills = []
    for number in range(start, start + count):
        levels = DrawnFace().levels(hand_motion(rng)) * rng.uniform(0.8, 1.1) + rng.uniform(-10, 10)
        moved = EYES + rng.normal(0, 15, 2).round().astype(np.float32)
        stills.append(still(number, levels, rng, landmarks=moved))
    return stills


def played_again(
    stills: list[EvidenceStill], rng: np.random.Generator, start: int, noise: float = 1.0
) -> list[EvidenceStill]:
    """The same moments encoded anew: chips a little off and noisy, landmarks off by a pixel."""
    played = []
    for number, shown in enumerate(stills, start=start):
        assert shown.chip is not None
        assert shown.landmarks is not None
        off = rng.integers(-1, 2, shown.landmarks.shape).astype(np.float32)
        anew = still(number, None, rng, num_faces=1, box=shown.box, landmarks=shown.landmarks + off)
        played.append(replace(anew, chip=chip(shown.chip.astype(float), rng, noise)))
    return played
