"""The real engine and the limits that pictures are decoded with."""

from collections.abc import Callable

import numpy as np
import pytest

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.decode import ImageLimits, decode
from biosense_pipeline.vision.dlib_engine import DlibEngine
from biosense_pipeline.vision.faces import Found

LIMITS = ImageLimits(max_bytes=8 * 2**20, max_pixels=12_000_000)

See = Callable[[bytes], Found]


@pytest.fixture(scope="session")
def engine() -> DlibEngine:
    """The default engine with its weights, loaded once."""
    return DlibEngine()


@pytest.fixture(scope="session")
def see(engine: DlibEngine) -> See:
    """Decodes a picture and finds its faces; each picture once."""
    seen: dict[bytes, Found] = {}

    def look(data: bytes) -> Found:
        if data not in seen:
            seen[data] = engine.find(decode(data, LIMITS))
        return seen[data]

    return look


@pytest.fixture(scope="session")
def references(see: See) -> dict[Person, np.ndarray]:
    """The encoding of each person's training picture."""
    return {person: see(frames.training_picture(person)).faces[0].encoding for person in Person}
