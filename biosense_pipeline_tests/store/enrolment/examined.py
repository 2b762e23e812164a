"""What an examination found on training images, and its recording."""

from datetime import timedelta

import numpy as np

from biosense_pipeline.codes import Process, TrainingResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.checks import StoredCheck
from biosense_pipeline.store.enrolment.verdicts import EncodedFace, TrainingVerdict, record_verdicts
from biosense_pipeline_tests.store.rows import AGENT, HOUR, MODEL, NOW

DAY = timedelta(hours=24)
ONE_FACE = (StoredCheck("faces", 1, 1, True, True, None),)


def verdict_on(image: int, lan_id: str = AGENT, result: TrainingResult = TrainingResult.ONE_FACE) -> TrainingVerdict:
    """A verdict with that result; where the image has one face, with an encoding of the image's own."""
    face = None
    if result in (TrainingResult.ONE_FACE, TrainingResult.AWAITING_APPROVAL, TrainingResult.POOR):
        encoding = np.random.default_rng(image).normal(size=128).astype(np.float32)
        face = EncodedFace(encoding, (1, 2, 3, 4), {"sharpness": 0.5})
    return TrainingVerdict(image, lan_id, result, face, None if face else "a reason", HOUR, HOUR)


def record(database: Database, process: Process, *verdicts: TrainingVerdict) -> int:
    """Record verdicts as of now, with the stills of a day; returns how many stills went back."""
    return record_verdicts(
        database,
        process,
        verdicts,
        model_id=MODEL,
        run_id=None,
        processed_time=NOW,
        requeue_since=NOW - DAY,
        max_attempts=3,
    )
