"""The features that recapture is judged by, of one face in one still."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from biosense_pipeline.vision.faces import Box
from biosense_pipeline.vision.presentation import chroma, context_gradient, ring, sharpness
from biosense_pipeline.vision.presentation.context import Context, context

_MEASURED = (
    ("context_gradient", context_gradient.context_gradient, context_gradient.LENGTH),
    ("ring", ring.ring, ring.LENGTH),
    ("chroma", chroma.chroma_spread, chroma.LENGTH),
    ("sharpness", sharpness.sharpness_and_noise, sharpness.LENGTH),
)


def _slices() -> dict[str, slice]:
    slices, begin = {}, 0
    for name, _function, length in _MEASURED:
        slices[name] = slice(begin, begin + length)
        begin += length
    return slices


#: Where each group's numbers stand.
GROUPS: Mapping[str, slice] = MappingProxyType(_slices())
#: Numbers in all.
LENGTH: int = sum(length for _name, _function, length in _MEASURED)
#: Changes whenever a number's meaning does: numbers of different ids never meet.
FEATURES_ID: str = f"context2.5-{LENGTH}-1"


def features(pixels: np.ndarray, box: Box, landmarks: np.ndarray) -> np.ndarray:
    """The numbers of every group, in the order of ``GROUPS``: float32 (LENGTH,), finite.

    0 stands for what could not be seen, as where the surroundings lie outside the picture. A face and its mirror
    image have the same numbers, but for rounding.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        box: left, top, right, bottom of the face.
        landmarks: (5, 2), as dlib's 5-point model orders them.
    """
    around: Context = context(pixels, box, landmarks)
    return np.concatenate([function(around) for _name, function, _length in _MEASURED])
