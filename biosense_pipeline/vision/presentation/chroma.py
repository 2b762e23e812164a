"""Spread of chroma inside the face: ink and screens have fewer colours than skin in the light of a room."""

import numpy as np

from biosense_pipeline.vision.presentation.context import HALF, UNSEEN, Context, places, skin_region

_ACROSS, _DOWN = places(HALF)
_SKIN = skin_region(HALF)
#: Parts of the face: forehead, cheeks, mouth and chin.
_PARTS = (
    _SKIN & (_DOWN < -0.12),
    _SKIN & (_DOWN >= -0.12) & (_DOWN < 0.18) & (np.abs(_ACROSS) > 0.08),
    _SKIN & (_DOWN >= 0.18),
)
LENGTH = 22
#: Added before a logarithm: what is left of chroma's noise after scaling down.
_LEAST = 0.004
#: As everywhere: keeps a level that may be zero apart from UNSEEN.
_APART = 1e-4


def chroma_spread(context: Context) -> np.ndarray:
    """Spreads of the two chroma planes over the face and its parts, as logarithms: float32 (LENGTH,)."""
    seen = _SKIN & context.half_seen
    if seen.sum() < 50:
        return np.full(LENGTH, UNSEEN, dtype=np.float32)
    chroma, luma = context.half_chroma, context.half_luma[seen]
    planes = chroma[:, seen]
    ordered = np.sort(planes, axis=1)
    count = planes.shape[1]
    outer = ordered[:, int(0.95 * count)] - ordered[:, int(0.05 * count)]
    inner = ordered[:, int(0.75 * count)] - ordered[:, int(0.25 * count)]
    middle = ordered[:, count // 2]
    mixed = np.cov(np.vstack([planes, luma[None]])).astype(np.float64)
    deviations = np.sqrt(np.diag(mixed))
    correlations = mixed / (np.outer(deviations, deviations) + 1e-6)
    # Least spread of any mix of the two planes: a gamut that has shrunk to a line.
    half_sum, half_difference = (mixed[0, 0] + mixed[1, 1]) / 2, (mixed[0, 0] - mixed[1, 1]) / 2
    least = np.sqrt(max(0.0, half_sum - np.hypot(half_difference, mixed[0, 1])))
    means, parts = [], []
    for region in _PARTS:
        own = chroma[:, region & context.half_seen]
        own = own if own.shape[1] > 10 else planes
        means.append(own.mean(axis=1))
        parts.append(own.std(axis=1))
    between = [np.hypot(*(means[one] - means[other])) for one, other in ((0, 1), (1, 2), (0, 2))]
    order = np.argsort(luma)
    dark, bright = planes[:, order[: max(1, count // 7)]], planes[:, order[-max(1, count // 7) :]]
    spreads = np.concatenate(
        [outer, inner, deviations[:2], [least], np.ravel(parts), between, [np.hypot(*middle)]], dtype=np.float32
    )
    signed = np.concatenate(
        [correlations[[0, 0, 1], [1, 2, 2]], bright.mean(axis=1) - dark.mean(axis=1)], dtype=np.float32
    )
    return np.concatenate([np.log(spreads + np.float32(_LEAST)), signed + np.float32(_APART)], dtype=np.float32)
