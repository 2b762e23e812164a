"""From frames to the evidence of stills, on the way that recognition goes."""

import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
from PIL import Image

from biosense_pipeline.codes import StillResult
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.vision.decode import decode
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.faces import Look
from biosense_pipeline.vision.presentation.still import still_evidence

#: When the first still of every sitting is taken to be captured, and how often a webcam writes one.
START, STEP = datetime(2026, 3, 2, 9), timedelta(seconds=10)
#: As a webcam client might compress.
QUALITY = 80


def as_jpeg(pixels: np.ndarray, quality: int = QUALITY) -> bytes:
    """The picture as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


class StillMaker:
    """Makes the evidence of stills with the engine of the settings; no face is encoded.

    Raises:
        ModelFileMissing: the engine's weights are not there.
    """

    def __init__(self, spec: EngineSpec) -> None:
        self._engine = spec.make()
        self._limits = spec.limits
        self.made = 0

    def still(self, data: bytes) -> EvidenceStill:
        """The evidence of an encoded picture, at the start of a sitting; ids rise from 1."""
        pixels = decode(data, self._limits)
        found = [self._engine.align(face, False) for face in self._engine.detect(pixels, Look(careful=False)).faces]
        evidence = still_evidence(data, pixels, [(face.box, face.landmarks) for face in found])
        self.made += 1
        still = EvidenceStill(
            self.made,
            START,
            str(StillResult.SUCCESS if len(found) == 1 else StillResult.NO_FACES_FOUND),
            len(found),
            evidence.sha256,
            evidence.pixel_hash,
            evidence.perceptual_hash,
            evidence.source,
        )
        face = evidence.face
        if face is None:
            return still
        return replace(
            still,
            box=face.box,
            landmarks=face.landmarks,
            sharpness=face.sharpness,
            brightness=face.brightness,
            chip=face.chip,
            features=face.features,
            features_id=face.features_id,
            thumbnail=face.thumbnail,
            picture_width=face.picture_width,
        )


def sitting(stills: Sequence[EvidenceStill]) -> list[EvidenceStill]:
    """The stills as one sitting: in this order, one every ten seconds, ids from 1."""
    return [
        replace(still, still_id=number, captured=START + (number - 1) * STEP)
        for number, still in enumerate(stills, start=1)
    ]
