"""Rigidity: whether a face changes between stills as a living one does, or only moves as one sheet would.

Of two chips the eyes lie in the same places, so shift, turn and distance are gone. What is left of a sheet of
paper that is tilted or bent moves block by block: each block of one chip is found again in the other, a little
shifted. Of a living face that blinks, speaks or turns it is not. A print moved by hand correlates at about 0.98,
a living face at about 0.94. Directed: high is rigid, as a print is. Blind to the replay of a film.
"""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.evidence.blur import blurred

#: Standard deviations, in pixels of a chip, of the two blurs whose difference is the band: finer is sensor noise
#: and JPEG, coarser is light.
_FINE, _COARSE = 0.8, 3.0
#: Blocks, their spacing, the edge that alignment leaves out, and how far a block is searched for, in pixels of a chip.
_BLOCK, _STEP, _EDGE, _REACH = 8, 4, 2, 2
#: A block's least contrast, as the length of its grey levels less their mean: what rounding to levels leaves.
_LEAST_CONTRAST = 1.0
#: Pairs compared together, some tens of megabytes.
_TOGETHER = 128
#: Seconds that two stills have to lie apart: faces hold still for shorter.
APART_SECONDS = 8.0
#: Share of a window's own span that two of its stills have to lie apart, where that is longer.
_SHARE_OF_SPAN = 1 / 3
#: Least difference from a correlation of one: a chip in 256 levels tells no smaller one.
_LEAST_DIFFERENCE = 1e-4


@dataclass(frozen=True)
class Rigidity:
    """How rigid the face of a window is.

    Attributes:
        value: median over pairs of :func:`rigid`; higher is more rigid.
        correlation: median over pairs.
        pairs: how many were far enough apart.
    """

    value: float
    correlation: float
    pairs: int


def rigid(correlations: np.ndarray) -> np.ndarray:
    """-ln(1 - r): twice as far from a perfect correlation is the same step at 0.94 and at 0.98."""
    return np.asarray(-np.log(np.maximum(1.0 - np.asarray(correlations), _LEAST_DIFFERENCE)))


def pair_correlations(chips: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """How well the blocks of one chip are found again in another.

    A block's correlation is the largest normalised one over shifts of up to two pixels; blocks weigh by the
    contrast that both chips have there, since flat skin correlates by its noise. Mean of both directions.

    Args:
        chips: (n, height, width) grey, aligned by the eyes. pairs: int (m, 2), places among the chips.

    Returns:
        float64 (m,), at most 1.
    """
    pairs = np.asarray(pairs, dtype=np.intp).reshape(-1, 2)
    correlations = np.empty(len(pairs))
    for begin in range(0, len(pairs), _TOGETHER):
        part = pairs[begin : begin + _TOGETHER]
        needed, places = np.unique(part, return_inverse=True)
        blocks = _Blocks.of(np.asarray(chips)[needed])
        first, second = places.reshape(-1, 2).T
        correlations[begin : begin + len(part)] = 0.5 * (blocks.found(first, second) + blocks.found(second, first))
    return correlations


def far_apart(seconds: np.ndarray, apart: float = APART_SECONDS) -> np.ndarray:
    """The pairs of a window's stills that lie far enough apart in time: int (m, 2).

    Where a window spans longer, a third of its span: the same rule then serves a window of two minutes and
    one whose stills were taken faster than they say.

    Args:
        seconds: (n,) when each still was taken, from any origin.
    """
    seconds = np.asarray(seconds, dtype=np.float64)
    if seconds.size < 2:
        return np.empty((0, 2), dtype=np.intp)
    first, second = np.triu_indices(seconds.size, 1)
    # A hair less, or the third of a span would hang on the last digit of a subtraction.
    enough = max(apart, _SHARE_OF_SPAN * float(np.ptp(seconds))) * (1.0 - 1e-9)
    far = np.abs(seconds[second] - seconds[first]) >= enough
    return np.stack([first[far], second[far]], axis=1)


def summed_up(correlations: np.ndarray) -> Rigidity:
    """The rigidity that the correlations of one window's pairs, at least one, make."""
    middle = float(np.median(correlations))
    return Rigidity(float(rigid(np.array(middle))), middle, len(correlations))


@dataclass(frozen=True)
class _Blocks:
    """Blocks of chips, less their mean and at unit length.

    Attributes:
        own: (n, blocks, pixels). shifted: (n, blocks, shifts, pixels). contrast: (n, blocks).
    """

    own: np.ndarray
    shifted: np.ndarray
    contrast: np.ndarray

    @classmethod
    def of(cls, chips: np.ndarray) -> "_Blocks":
        band = blurred(chips, _FINE) - blurred(chips, _COARSE)
        windows = np.lib.stride_tricks.sliding_window_view(band, (_BLOCK, _BLOCK), axis=(1, 2))
        windows = windows.reshape(*windows.shape[:3], -1)
        windows = windows - windows.mean(axis=-1, keepdims=True)
        contrast = np.linalg.norm(windows, axis=-1)
        windows = windows / np.maximum(contrast, _LEAST_CONTRAST)[..., np.newaxis]
        last_down, last_across = windows.shape[1] - 1, windows.shape[2] - 1
        down, across = (
            places.ravel()
            for places in np.meshgrid(
                np.arange(_EDGE, last_down - _EDGE + 1, _STEP),
                np.arange(_EDGE, last_across - _EDGE + 1, _STEP),
                indexing="ij",
            )
        )
        reach = np.arange(-_REACH, _REACH + 1)
        shift_down, shift_across = (shifts.ravel() for shifts in np.meshgrid(reach, reach, indexing="ij"))
        shifted = windows[
            :,
            np.clip(down[:, np.newaxis] + shift_down, 0, last_down),
            np.clip(across[:, np.newaxis] + shift_across, 0, last_across),
        ]
        return cls(windows[:, down, across], shifted, contrast[:, down, across])

    def found(self, wanted: np.ndarray, among: np.ndarray) -> np.ndarray:
        """Weighted mean over blocks of how well each of ``wanted`` is found in its partner in ``among``."""
        best = (self.shifted[among] @ self.own[wanted][..., np.newaxis])[..., 0].max(axis=-1)
        weights = np.sqrt(self.contrast[wanted] * self.contrast[among])
        # Without any contrast, as of a covered lens, there is nothing to find again.
        return np.asarray((best * weights).sum(axis=-1) / np.maximum(weights.sum(axis=-1), 1e-9))
