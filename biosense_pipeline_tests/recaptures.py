"""The people of the bundled photographs before a webcam, live and as prints and screens of them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from biosense_pipeline.choices import Detection
from biosense_pipeline.evaluation.recapture.matte import cut_out
from biosense_pipeline.evaluation.recapture.prints import Material
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE, still
from biosense_pipeline.evaluation.recapture.webcam import Webcam
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look

STILLS = Path(__file__).resolve().parents[1] / "biosense_pipeline" / "demo" / "stills"
FILES = ("astronaut.png", "grace_hopper_512x512.jpg", "obama.jpg", "biden.jpg")


def bundled_people(detector: HogDetector) -> list[Source]:
    """One source a person."""
    sources = []
    for file in FILES:
        with Image.open(STILLS / file) as picture:
            rgb = picture.convert("RGB")
        rgb.thumbnail((500, 500))
        pixels = np.asarray(rgb)
        found = detector.detect(pixels, Look())[0][0]
        shape = detector.landmarks(pixels, (found.left(), found.top(), found.right(), found.bottom()))
        points = np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)
        source = Source(file, file, pixels, points)
        cut = cut_out(pixels, source.face)
        sources.append(source if cut is None else Source(file, file, pixels, points, *cut))
    return sources


def before_a_webcam(seed: int) -> Callable[[int, int, str], bytes]:
    """Stills of one camera as JPEG, by person (from 0; the fifth is the first one mirrored), sitting and style.

    Each call gives another still. Style: ``genuine``, or one of ``recapture.styles.STYLES``.
    """
    people = bundled_people(HogDetector(Detection.FULL))
    material, rng = Material(people, []), np.random.default_rng(seed)
    camera = Webcam.drawn(rng)
    days: dict[tuple[int, int], Webcam] = {}

    def take(person: int, sitting: int, style: str = GENUINE) -> bytes:
        day = days.setdefault((person, sitting), camera.another_day(rng))
        pixels, _ = still(rng, style, people[person % len(people)], material, day)
        buffer = io.BytesIO()
        picture = Image.fromarray(pixels[:, ::-1] if person >= len(people) else pixels)
        picture.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    return take
