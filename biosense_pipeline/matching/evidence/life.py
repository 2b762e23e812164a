"""Proof of life: does the face itself change, or does it only lie elsewhere in the picture?

A picture of a face that is moved, turned or tilted before the camera changes as a plane does. A face changes beyond
that: eyes, mouth and what the head is turned to. So each still's chip is held against a few others of the window,
motion as a plane and light are taken out, and what is left is told in spreads of the chip's grey levels. The still
that differs most decides: one honest turn of the head proves life for the window.

No sign of life is no proof of an attack: people sit still, and cameras are poor. It asks for a review. Nor is a sign
of life proof of a person: a video shows one, and a print that is bent changes beyond what a plane does.

Measured by `biosense evaluate life` on 20 clips of five people, stills half a second apart: LIVE are all 25 sittings,
all 25 windows of 12 stills, 57 of 65 of 6, and 88 of 138 of 3; STATIC are 9 of 10 prints on a stand and 8 of 10 moved
by hand, thirty stills each before webcams drawn at random, the worst of which make noise that passes for life.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.codes import MotionOutcome
from biosense_pipeline.matching.evidence.ordering import in_order
from biosense_pipeline.matching.evidence.registration import Motion, PreparedChip, difference, prepare
from biosense_pipeline.matching.evidence.still import EvidenceStill

#: With fewer usable stills nothing is compared, and with fewer than the second a window without a sign of life says
#: nothing.
FEWEST, ENOUGH = 3, 30
#: What is left of a living face exceeds this in one still of the window at least.
LEAST_CHANGE = 0.10
#: A noisy camera raises it: to so many times what is left of the stillest quarter of the window, which is taken for
#: noise up to the second number.
_OVER_NOISE, _MOST_NOISE = 2.5, 0.06
#: Stills of the window that each one is held against.
_REFERENCES = 3
#: Logarithm of the change of the still that differs most, mean and spread: of prints, and of people. The people in the
#: clips are lively, with a spread of 0.2: it is taken wider for those who sit still.
_STATIC_LOG, _LIVE_LOG = (-2.7, 0.53), (-0.98, 0.45)
#: Bound of the log-likelihood ratio: the rule of three over some twenty windows of either kind.
_MOST_LLR = 2.0


@dataclass(frozen=True)
class Life:
    """What a window says of life, and the numbers it follows from.

    Attributes:
        stills, usable: of the window, each delivery counted once; usable are those with exactly one face.
        change: what is left of the still that differs most, 0 to 1; None where nothing is compared.
        threshold: the change from which it is a sign of life.
        noise: what is left of the stillest quarter.
        yaw: how far the nose moves between the eyes over the window, in distances between the eyes: turning the
            head moves it, but so does tilting a picture, by up to 0.2. Told, and not decided by.
        llr: natural logarithm, of a picture of a face against a face; positive where it is still. It is never
            added to what accuses.
        still_ids: the still that differs most.
    """

    outcome: MotionOutcome
    stills: int
    usable: int
    change: float | None = None
    threshold: float | None = None
    noise: float | None = None
    yaw: float | None = None
    llr: float = 0.0
    still_ids: tuple[int, ...] = ()

    @property
    def numbers(self) -> dict[str, float]:
        """All numbers by name, those that there are."""
        told = {
            "stills": self.stills,
            "usable": self.usable,
            "change": self.change,
            "threshold": self.threshold,
            "noise": self.noise,
            "yaw": self.yaw,
            "llr": self.llr,
        }
        return {name: round(float(value), 4) for name, value in told.items() if value is not None}


def life(window: Sequence[EvidenceStill]) -> Life:
    """Whether a window of one agent's stills shows a sign of life.

    LIVE with a sign of life, in however few stills; STATIC with 30 usable ones and none; else INSUFFICIENT.
    """
    stills = in_order(window)
    usable = [(still, chip) for still in stills if (chip := _chip(still)) is not None]
    if len(usable) < FEWEST:
        return Life(MotionOutcome.INSUFFICIENT, len(stills), len(usable))
    changes = _changes([chip for _, chip in usable])
    noise = float(np.quantile(changes, 0.25))
    threshold = max(LEAST_CHANGE, _OVER_NOISE * min(noise, _MOST_NOISE))
    most = int(np.argmax(changes))
    change = float(changes[most])
    if change >= threshold:
        outcome = MotionOutcome.LIVE
    else:
        outcome = MotionOutcome.STATIC if len(usable) >= ENOUGH else MotionOutcome.INSUFFICIENT
    return Life(
        outcome,
        len(stills),
        len(usable),
        change,
        threshold,
        noise,
        _yaw_range([still for still, _ in usable]),
        _llr(change),
        (usable[most][0].still_id,),
    )


def _chip(still: EvidenceStill) -> PreparedChip | None:
    """The chip of a usable still, unless it is dark or blown out."""
    if not still.usable or still.chip is None:
        return None
    chip = prepare(still.chip, Motion.PLANE)
    return None if chip.flat else chip


def _changes(chips: Sequence[PreparedChip]) -> np.ndarray:
    """How much each chip differs from the window's: the median over a few of them, spread over the window."""
    places = ((np.arange(_REFERENCES) + 0.5) / _REFERENCES * len(chips)).astype(int)
    changes = []
    for position, chip in enumerate(chips):
        # A chip does not differ from itself, which says nothing.
        others = [chips[place] for place in places if place != position]
        changes.append(float(np.median([difference(reference, chip) for reference in others])))
    return np.array(changes)


def _yaw_range(stills: Sequence[EvidenceStill]) -> float | None:
    noses = [nose for still in stills if (nose := _nose(still.landmarks)) is not None]
    return float(np.ptp(noses)) if noses else None


def _nose(landmarks: np.ndarray | None) -> float | None:
    """Where the base of the nose lies along the line through the eyes: 0 at its middle, a half below an eye."""
    if landmarks is None or not np.isfinite(landmarks).all():
        return None
    points = np.asarray(landmarks, dtype=np.float64)
    right, left = points[:2].mean(axis=0), points[2:4].mean(axis=0)
    between = right - left
    apart = float(between @ between)
    return float((points[4] - (left + right) / 2) @ between) / apart if apart > 0 else None


def _llr(change: float) -> float:
    """Two normal densities of the logarithm, bounded by what so few windows can tell; it falls with the change."""
    value = np.log(max(change, 1e-4))
    # Beyond the means the tails of unequal spreads would turn round.
    value = float(np.clip(value, _STATIC_LOG[0], _LIVE_LOG[0]))
    (static, static_spread), (live, live_spread) = _STATIC_LOG, _LIVE_LOG
    llr = (
        -0.5 * ((value - static) / static_spread) ** 2
        - np.log(static_spread)
        + 0.5 * ((value - live) / live_spread) ** 2
        + np.log(live_spread)
    )
    return float(np.clip(llr, -_MOST_LLR, _MOST_LLR))
