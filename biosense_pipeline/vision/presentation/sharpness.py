"""Sharpness and noise of the face against what surrounds it: a print is in one focus and was blurred twice."""

import numpy as np

from biosense_pipeline.vision.presentation.context import SIDE, UNSEEN, Context, skin_region, surrounding_region

#: Octaves of the square that are compared, and the three directions of detail in each.
_OCTAVES = 4
LENGTH = _OCTAVES * 5 + 8
#: Grey levels added before a logarithm.
_LEAST = 0.15
#: As everywhere: keeps a level that may be zero apart from UNSEEN.
_APART = 1e-4
_SKIN, _AROUND = skin_region(SIDE), surrounding_region(SIDE)


def sharpness_and_noise(context: Context) -> np.ndarray:
    """float32 (LENGTH,): logarithms of detail by octave (Haar), in the face, around it, and one against the other."""
    skin, around = _SKIN & context.seen, _AROUND & context.seen
    if skin.sum() < 200:
        return np.full(LENGTH, UNSEEN, dtype=np.float32)
    contrast = float(context.luma[skin].std()) + 1.0
    plane, inside, outside = context.luma, skin, around
    numbers: list[float] = []
    for _octave in range(_OCTAVES):
        detail, plane = _haar(plane)
        inside, outside = _halved(inside), _halved(outside)
        if inside.sum() < 4:
            numbers += [UNSEEN] * 5
            continue
        along, across = detail[0] + detail[1], detail[2]
        own = along[inside]
        straight, diagonal = float(own.mean()), float(across[inside].mean())
        numbers += [
            _log(straight / contrast * 20),
            _log(straight) - _log(diagonal),
            _log(_upper(own) / contrast * 20) + _APART,
        ]
        if outside.sum() >= 4:
            beyond = float(along[outside].mean()), float(across[outside].mean())
            numbers += [_log(straight) - _log(beyond[0]) + _APART, _log(diagonal) - _log(beyond[1]) + _APART]
        else:
            numbers += [UNSEEN] * 2
    numbers += _at_cameras_size(context, contrast)
    numbers += [_log(contrast / (float(context.luma[skin].mean()) + 8) * 20)]
    if around.sum() > 200:
        surroundings = context.luma[around]
        numbers += [
            _log(contrast) - _log(float(surroundings.std())),
            float(context.luma[skin].mean() - surroundings.mean()) / 64 + _APART,
        ]
    else:
        numbers += [UNSEEN, UNSEEN]
    return np.array(numbers, dtype=np.float32)


def _at_cameras_size(context: Context, contrast: float) -> list[float]:
    """Noise of the picture as the camera gave it: in the face, around it, and how much of it is fine detail."""
    left, right = context.face
    grey = context.grey
    own = _diagonal(grey[:, left:right])
    strips = [_diagonal(part) for part in (grey[:, : left // 2], grey[:, right + (grey.shape[1] - right) // 2 :])]
    beyond = np.concatenate(strips)
    if own.size < 30:
        return [UNSEEN] * 5
    noise, fine = float(np.median(own)), float(own.mean())
    numbers = [_log(noise), _log(fine / contrast * 20), _log(fine) - _log(noise)]
    if beyond.size < 30:
        return [*numbers, UNSEEN, UNSEEN]
    return [
        *numbers,
        _log(noise) - _log(float(np.median(beyond))) + _APART,
        _log(fine) - _log(float(beyond.mean())) + _APART,
    ]


def _diagonal(grey: np.ndarray) -> np.ndarray:
    """Diagonal detail of every other block of two by two pixels, flat."""
    height, width = (length // 4 * 4 for length in grey.shape)
    if height < 4 or width < 4:
        return np.zeros(0, dtype=np.float32)
    one, two = (grey[row:height:4, 0:width:4].astype(np.int16) - grey[row:height:4, 1:width:4] for row in (0, 1))
    detail: np.ndarray = np.abs(one - two).astype(np.float32).ravel() / 2
    return detail


def _haar(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Absolute detail across, down and diagonal, (3, n/2, n/2), and the means over blocks of two by two."""
    a, b, c, d = plane[::2, ::2], plane[::2, 1::2], plane[1::2, ::2], plane[1::2, 1::2]
    detail = np.abs(np.stack([a - b + c - d, a + b - c - d, a - b - c + d])) / 2
    return detail, (a + b + c + d) / 4


def _halved(mask: np.ndarray) -> np.ndarray:
    halved: np.ndarray = mask[::2, ::2] & mask[1::2, 1::2]
    return halved


def _upper(values: np.ndarray) -> float:
    """The level that one in twenty exceeds: as ``np.quantile``, at a tenth of the time."""
    place = 0.95 * (values.size - 1)
    low = int(place)
    ordered = np.partition(values, (low, min(low + 1, values.size - 1)))
    return float(ordered[low] + (place - low) * (ordered[min(low + 1, values.size - 1)] - ordered[low]))


def _log(level: float) -> float:
    return float(np.log(level + _LEAST))


assert SIDE % 2**_OCTAVES == 0
