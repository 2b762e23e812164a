"""The shipped scores on the only real recaptures at hand: one print, one phone, and a live person."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.matching.evidence.recapture import shipped_model
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look
from biosense_pipeline.vision.presentation.features import features

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "data" / "photo_attack"


def test_a_real_print_and_a_real_phone_score_above_a_live_person(detector: HogDetector) -> None:
    """Three stills that no score was trained on; other people, so only the order and a clear gap can be asked."""
    if not SAMPLES.is_dir():
        pytest.skip(f"needs the samples in {SAMPLES}")
    fused = {}
    for name in ("T1", "F1", "F2"):
        with Image.open(SAMPLES / f"image_{name}.jpg") as picture:
            # The camera was held on its side.
            pixels = np.asarray(picture.convert("RGB").transpose(Image.Transpose.ROTATE_270))
        found = detector.detect(pixels, Look())[0][0]
        box = (found.left(), found.top(), found.right(), found.bottom())
        landmarks = np.array([(p.x, p.y) for p in detector.landmarks(pixels, box).parts()], dtype=np.float32)
        fused[name] = float(shipped_model().fused(features(pixels, box, landmarks)[None])[0])
    assert fused["F1"] > fused["T1"] + 2
    assert fused["F2"] > fused["T1"] + 1
