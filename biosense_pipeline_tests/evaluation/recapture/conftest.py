"""People to synthesise from: those of the bundled photographs, and the portraits beside the project."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.choices import Detection
from biosense_pipeline.evaluation.recapture.matte import cut_out
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look

PORTRAITS = Path(__file__).resolve().parents[4] / "shared" / "data" / "portraits"
STILLS = Path(__file__).resolve().parents[3] / "biosense_pipeline" / "demo" / "stills"
FILES = ("astronaut.png", "grace_hopper_512x512.jpg", "obama.jpg", "biden.jpg")


@pytest.fixture(scope="session")
def portraits() -> Path:
    """Folder of portraits; they may not be committed."""
    if not PORTRAITS.is_dir():
        pytest.skip(f"needs the portraits in {PORTRAITS}")
    return PORTRAITS


@pytest.fixture(scope="session")
def detector() -> HogDetector:
    return HogDetector(Detection.FULL)


@pytest.fixture(scope="session")
def people(detector: HogDetector) -> list[Source]:
    """The four people of the bundled photographs."""
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
