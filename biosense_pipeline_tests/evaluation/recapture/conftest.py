"""People to synthesise from: those of the bundled photographs, and the portraits beside the project."""

from pathlib import Path

import pytest

from biosense_pipeline.choices import Detection
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline_tests.recaptures import bundled_people

PORTRAITS = Path(__file__).resolve().parents[4] / "shared" / "data" / "portraits"


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
    return bundled_people(detector)
