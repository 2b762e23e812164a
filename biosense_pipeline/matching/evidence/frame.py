"""Frame: straight edges around a face, as of a paper or a phone, that move with it.

Lines are laid beside, above and below the face, at every distance and a little tilted. A line is an edge where it is
crossed by a step along nearly all its length, and it is a frame's edge where another still, in which the face lies
elsewhere, shows the same step at the same place as seen from the face. Door frames and pictures on the wall show it
where they were in the room, and count for nothing; hair and shoulders move with a face too, but are not straight.
"""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.evidence.blur import blurred
from biosense_pipeline.matching.evidence.surroundings import Sampling, Surroundings

#: Distances of the lines from the face's middle, in widths of the face, and tilts in degrees. Nearer are the outlines
#: of cheeks and hair.
_STEP = 0.075
_DISTANCES = np.arange(0.6, 1.8, _STEP)
_TILTS = np.radians([-10.0, -5.0, 0.0, 5.0, 10.0])
#: Half a line's length, in widths of the face, and the places along it that are looked at.
_HALF_LENGTH, _PLACES = 0.75, 7
#: Of these places so many may be without the step: behind a finger, or in a gloss.
_WITHOUT = 2
#: Blur of the small picture in its pixels.
_BLUR = 0.6
#: Grey levels that are added to a picture's contrast, against which a step is told.
_CONTRAST = 6.0
#: Of the four sides so many count, the strongest: a head between two shelves has one or none.
_SIDES = 2
#: Added before a logarithm.
_LEAST = 0.05
#: Share of pairs of a still that show less of a frame than is taken for the still's: in many the face moved along
#: the edge, or hardly.
_OF_PAIRS = 0.8


def _lines() -> np.ndarray:
    """Places (4 sides, tilts, distances, places along, 2) as seen from the face."""
    along = np.linspace(-_HALF_LENGTH, _HALF_LENGTH, _PLACES)
    sides = []
    for across, down in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        outwards = np.stack(
            [across * np.cos(_TILTS) - down * np.sin(_TILTS), across * np.sin(_TILTS) + down * np.cos(_TILTS)], axis=-1
        )[:, None, None]
        onwards = np.stack([-outwards[..., 1], outwards[..., 0]], axis=-1)
        sides.append(_DISTANCES[:, None, None] * outwards + along[:, None] * onwards)
    return np.stack(sides)


_LINES = _lines()
#: Where a face has to have moved for anything to be told of its frame: some places of the lines that are not tilted.
AROUND = _LINES[:, 2, ::6, ::3]


@dataclass(frozen=True, eq=False)
class Edges:
    """A still ready to be compared with others.

    Attributes:
        seen: the still's surroundings. levels: float32 (height, width), blurred. contrast: their spread.
        lines: where the lines lie in this still. steps: (4, tilts, distances, places), outwards across each line.
    """

    seen: Surroundings
    levels: np.ndarray
    contrast: float
    lines: Sampling
    steps: np.ndarray


def edges(seen: Surroundings) -> Edges:
    """The steps across a still's lines."""
    levels = blurred(seen.levels, _BLUR)
    lines = Sampling.of(seen.pixels(_LINES), levels.shape)
    return Edges(seen, levels, float(levels.std()) + _CONTRAST, lines, _steps(levels, lines))


def pair_frame(one: Edges, other: Edges) -> float:
    """Logarithm of how strong the straight edges that moved with the face are.

    In contrasts of the picture; the mean of both directions.

    Args:
        one, other: between which ``AROUND`` moved (see ``surroundings.comparable``).
    """
    return float(np.log(0.5 * (_directed(one, other) + _directed(other, one)) + _LEAST))


def still_frames(values: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """One number for each still that is in a pair with a value: its pairs' upper fifth.

    Args:
        values: (m,), NaN where nothing was told. pairs: int (m, 2).
    """
    told = np.isfinite(values)
    values, pairs = values[told], pairs[told]
    stills = np.unique(pairs)
    return np.array([np.quantile(values[(pairs == still).any(axis=1)], _OF_PAIRS) for still in stills])


def _directed(one: Edges, other: Edges) -> float:
    stayed = _steps(other.levels, one.lines)
    strongest = np.zeros(len(_LINES))
    for sign in (1.0, -1.0):
        own = np.maximum(sign * one.steps, 0.0)
        moved = np.minimum(own, np.maximum(sign * other.steps, 0.0))
        # What the other still shows at the same place of the picture belongs to the room.
        fixed = moved - np.minimum(own, np.maximum(sign * stayed, 0.0))
        along = np.partition(fixed, _WITHOUT, axis=-1)[..., _WITHOUT]
        strongest = np.maximum(strongest, along.max(axis=(1, 2)))
    return float(np.sort(strongest)[-_SIDES:].mean()) / one.contrast


def _steps(levels: np.ndarray, lines: Sampling) -> np.ndarray:
    found, seen = lines.levels(levels), lines.inside
    return np.where(seen[:, :, 2:] & seen[:, :, :-2], found[:, :, 2:] - found[:, :, :-2], np.float32(0))
