"""The ring around a face: skin outside it, and how its colour, light and sharpness stand against the face's."""

import numpy as np

from biosense_pipeline.vision.presentation.context import (
    HALF,
    UNSEEN,
    Context,
    places,
    skin_region,
    surrounding_region,
)

_ACROSS, _DOWN = places(HALF)
_SKIN, _AROUND = skin_region(HALF), surrounding_region(HALF)
_FAR = (np.abs(_ACROSS) > 0.95) | (np.abs(_DOWN) > 1.0)
_BELOW, _ABOVE = (_DOWN > 0.45) & (np.abs(_ACROSS) < _DOWN), (_DOWN < -0.35) & (np.abs(_ACROSS) < -_DOWN)
_SIDES, _LEFT = ~_BELOW & ~_ABOVE, _ACROSS < 0
#: Near the face and far from it: above, below, beside it high up on either side, and low down on either side;
#: then the whole ring.
_REGIONS = np.stack(
    [
        *(
            _AROUND & distance & where
            for distance in (~_FAR, _FAR)
            for where in (
                _ABOVE,
                _BELOW,
                _SIDES & _LEFT & (_DOWN < 0),
                _SIDES & ~_LEFT & (_DOWN < 0),
                _SIDES & _LEFT & (_DOWN >= 0),
                _SIDES & ~_LEFT & (_DOWN >= 0),
            )
        ),
        _AROUND,
    ]
).reshape(-1, HALF * HALF)
_AS_NUMBERS = _REGIONS.T.astype(np.float32)
_SIZES = _REGIONS.sum(axis=1)
#: Of a pair of regions on the two sides, their mean and their difference count: a paper may be held on either.
_PAIRED, _SINGLE = np.array([[2, 3], [4, 5], [8, 9], [10, 11]]), np.array([0, 1, 6, 7, 12])
_NUMBERS = 10
LENGTH = _NUMBERS * (len(_SINGLE) + 2 * len(_PAIRED))
#: A region is seen where at least this share of it is.
_SEEN_SHARE = 0.4
#: Skin lies within so many spreads of the face's own median colour, and within a factor of two of its light.
_SPREADS, _LEAST_SPREAD, _SKIN_LIGHT = 2.5, 0.02, 0.7
#: As everywhere: keeps a level that may be zero apart from UNSEEN.
_APART = 1e-4


def ring(context: Context) -> np.ndarray:
    """Of each part of the ring: float32 (LENGTH,).

    Shares (as log odds) of skin, of flat surface, of what is as bright and colourless as a paper's margin and of
    what is much darker than the face; edges against the face's, mean and mean square; light against the face's,
    mean and spread; colour against the face's, distance and spread.
    """
    face = _SKIN & context.half_seen
    if face.sum() < 100:
        return np.full(LENGTH, UNSEEN, dtype=np.float32)
    light, colours, edge, skin = _against_face(context, face)
    seen = context.half_seen.astype(np.float32)
    planes = np.stack(
        [
            seen,
            skin,
            edge < 0.35,
            (light > 0.2) & (colours[1] < -0.08),
            light < -1.0,
            edge,
            edge * edge,
            light,
            light * light,
            colours[0],
            colours[1],
            colours[0] ** 2 + colours[1] ** 2,
        ],
        dtype=np.float32,
        casting="unsafe",
    )
    sums = (planes * seen).reshape(len(planes), -1) @ _AS_NUMBERS
    enough = sums[0] >= _SEEN_SHARE * _SIZES
    means = sums[1:] / np.maximum(sums[0], 1.0)
    distance = means[8] ** 2 + means[9] ** 2
    numbers = np.stack(
        [
            *(np.log((means[share] + 0.01) / (1.02 - means[share])) for share in range(4)),
            np.log(means[4] + 0.05),
            np.log(means[5] + 0.05),
            means[6] + _APART,
            0.5 * np.log(np.maximum(means[7] - means[6] ** 2, 0.0) + 4e-4),
            0.5 * np.log(distance + 4e-4),
            0.5 * np.log(np.maximum(means[10] - distance, 0.0) + 4e-4),
        ],
        axis=1,
    )
    numbers[~enough] = UNSEEN
    one, other = numbers[_PAIRED[:, 0]], numbers[_PAIRED[:, 1]]
    sides = (enough[_PAIRED[:, 0]].astype(np.float32) + enough[_PAIRED[:, 1]])[:, None]
    mean = (one + other) / np.maximum(sides, 1.0)
    difference = np.where(sides == 2, np.abs(one - other) + _APART, UNSEEN)
    return np.concatenate([numbers[_SINGLE], mean, difference]).astype(np.float32).ravel()


def _against_face(context: Context, face: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Light, colours (2), edges and skin of the square, each against the face's own."""
    luma, chroma = context.half_luma, context.half_chroma
    inside = chroma[:, face]
    own = np.median(inside, axis=1)
    spread = np.maximum(np.median(np.abs(inside - own[:, None]), axis=1) * 1.48, _LEAST_SPREAD)
    colours = chroma - own[:, None, None]
    light = np.log((luma + 8.0) / (np.median(luma[face]) + 8.0))
    alike = np.abs(colours) < (_SPREADS * spread)[:, None, None]
    skin = alike[0] & alike[1] & (np.abs(light) < _SKIN_LIGHT)
    edge = np.zeros_like(luma)
    edge[1:-1, 1:-1] = np.abs(luma[1:-1, 2:] - luma[1:-1, :-2]) + np.abs(luma[2:, 1:-1] - luma[:-2, 1:-1])
    edge /= edge[face].mean() + 0.5
    return light, colours, edge, skin
