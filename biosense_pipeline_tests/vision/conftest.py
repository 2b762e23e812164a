"""The real engine, the limits that pictures are decoded with, and pools of workers with engines that fail."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from biosense_pipeline.choices import Detection, EngineName
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.decode import ImageLimits
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.examine import Examination, examine_pictures
from biosense_pipeline.vision.faces import FULL_LOOK, FaceEngine, Look, Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline.vision.worker import MakeEngine
from biosense_pipeline_tests.vision import fakes

LIMITS = ImageLimits(max_bytes=8 * 2**20, max_pixels=12_000_000)
SPEC = EngineSpec(EngineName.DLIB, LIMITS, Detection.ADAPTIVE)

See = Callable[[bytes], Examination]


def examine_one(engine: FaceEngine, data: bytes | None, look: Look = FULL_LOOK) -> Examination:
    """Decode a picture and find its faces."""
    (examination,) = examine_pictures(engine, [Picture(0, data, look)], LIMITS)
    return examination


@pytest.fixture(scope="session")
def engine() -> FaceEngine:
    """The default engine with its weights, loaded once."""
    return SPEC.make()


@pytest.fixture(scope="session")
def see(engine: FaceEngine) -> See:
    """Looks fully at a picture; at each picture once."""
    seen: dict[bytes, Examination] = {}

    def look(data: bytes) -> Examination:
        if data not in seen:
            seen[data] = examine_one(engine, data)
        return seen[data]

    return look


@pytest.fixture(scope="session")
def references(see: See) -> dict[Person, np.ndarray]:
    """The encoding of each person's training picture."""
    return {person: see(frames.training_picture(person)).faces[0].encoding for person in Person}


@pytest.fixture
def make_pool() -> Iterator[Callable[..., PoolExaminer]]:
    """Makes pools that are closed after the test."""
    pools: list[PoolExaminer] = []

    def make(make_engine: MakeEngine = fakes.commanded, workers: int = 2, timeout: float = 30) -> PoolExaminer:
        pools.append(PoolExaminer(fakes.SPEC, workers, timeout, make_engine))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()
