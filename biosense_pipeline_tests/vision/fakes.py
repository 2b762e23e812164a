"""Engines that fail on command, made inside the workers: the first pixel says what to do."""

import io
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from biosense_pipeline.choices import EngineName
from biosense_pipeline.errors import ModelFileMissing
from biosense_pipeline.vision.decode import ImageLimits
from biosense_pipeline.vision.engines import EngineSpec
from biosense_pipeline.vision.faces import AlignedFace, Detected, DetectedFace, Look, Picture

SPEC = EngineSpec(EngineName.DLIB, ImageLimits(2**20, 1_000_000))
MISSING = "The model file is missing: install it."

#: Levels of red that make the engine misbehave; every other level comes back as the result.
EXIT, KILL, HANG, RAISE, SLOW = 255, 254, 253, 252, 251
#: The same, but only when the face is encoded.
EXIT_LATE, RAISE_LATE = 250, 249
EXIT_CODE = 17

_loads = 0


def picture(red: int) -> bytes:
    """A picture of one colour, which is its command or its name."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), (red, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def named(*levels: int) -> list[Picture]:
    """Pictures of these levels of red, each under its level as the key."""
    return [Picture(level, picture(level)) for level in levels]


class CommandedEngine:
    """Answers with the picture's red level, the worker's process id and how often models were loaded there."""

    model_id = "commanded"

    def detect(self, pixels: np.ndarray, look: Look) -> Detected:
        """One face whose encoding will hold the answer."""
        red = int(pixels[0, 0, 0])
        if red == EXIT:
            os._exit(EXIT_CODE)
        if red == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        if red == HANG:
            time.sleep(600)
        if red == RAISE:
            raise RuntimeError("told to fail")
        if red == SLOW:
            time.sleep(0.5)
        return Detected([DetectedFace((0, 0, 1, 1), red)], look.full, look.careful)

    def align(self, face: DetectedFace, careful: bool) -> AlignedFace:
        """The face as it is."""
        return AlignedFace(face.box, np.zeros((5, 2), dtype=np.float32), face.pixels)

    def encode(self, aligned: Sequence[Any]) -> np.ndarray:
        """The answers: red level, process id and number of loads of each."""
        if EXIT_LATE in aligned:
            os._exit(EXIT_CODE)
        if RAISE_LATE in aligned:
            raise RuntimeError("told to fail")
        return np.array([[red, os.getpid(), _loads] for red in aligned], dtype=np.float64)


def commanded(spec: EngineSpec) -> CommandedEngine:
    """Load the fake models."""
    global _loads
    _loads += 1
    return CommandedEngine()


def without_models(spec: EngineSpec) -> CommandedEngine:
    """Find no models."""
    raise ModelFileMissing(MISSING)


def dies_at_start(spec: EngineSpec) -> CommandedEngine:
    """Die before the first picture, as for want of memory."""
    os._exit(EXIT_CODE)


def models_once(spec: EngineSpec) -> CommandedEngine:
    """Find the models in as many workers as the file named by BIOSENSE_TEST_LIVES has lines left, then no more."""
    lives = Path(os.environ["BIOSENSE_TEST_LIVES"])
    left = lives.read_text().splitlines()
    if not left:
        raise ModelFileMissing(MISSING)
    lives.write_text("\n".join(left[1:]))
    return commanded(spec)
