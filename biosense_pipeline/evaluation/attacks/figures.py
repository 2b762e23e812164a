"""Error rates of attack detection, as ISO/IEC 30107-3 names them, with certainty over subjects.

APCER is the share of attack presentations taken for bona fide ones, BPCER that of bona fide ones taken for
attacks. A presentation is taken for an attack where its score is the threshold or more. In the words of
``matching.error_rates`` an alarm is a match and an attack is what should match: BPCER is then FMR, and APCER
is FNMR.
"""

from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.error_rates import ErrorRates, error_rates
from biosense_pipeline.matching.resampling import Interval, intervals

#: BPCERs at which APCER is told, by the name of the figure.
TARGETS = {"apcer_at_bpcer_1": 0.01, "apcer_at_bpcer_5": 0.05}
#: Names of the rates at the threshold in use.
APCER_IN_USE, BPCER_IN_USE = "apcer_in_use", "bpcer_in_use"


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of presentations, single stills or windows, of one kind.

    Attributes:
        scores: (n,), high for an attack. subjects: of each, whom it shows. alarms: bool (n,), whether in use each is
            taken for an attack.
    """

    scores: np.ndarray
    subjects: tuple[str, ...]
    alarms: np.ndarray

    def __len__(self) -> int:
        return len(self.subjects)

    def __add__(self, other: "Scored") -> "Scored":
        return Scored(
            np.concatenate([self.scores, other.scores]),
            self.subjects + other.subjects,
            np.concatenate([self.alarms, other.alarms]),
        )


@dataclass(frozen=True, eq=False)
class AttackFigures:
    """Error rates of bona fide presentations and attacks.

    Attributes:
        bona_fide, attacks: how many of each.
        values: ``eer``, ``apcer_at_bpcer_1``, ``apcer_at_bpcer_5``, and both rates as in use.
        intervals: 95 % over subjects, by the same names.
        thresholds: the score from which on there is an alarm at the BPCERs of ``TARGETS``, by their names.
        rates: at every threshold, of scores with their sign turned; ``fmr`` is BPCER and ``fnmr`` APCER.
    """

    bona_fide: int
    attacks: int
    values: dict[str, float]
    intervals: dict[str, Interval]
    thresholds: dict[str, float]
    rates: ErrorRates

    @property
    def bpcer(self) -> np.ndarray:
        """At every threshold, rising."""
        return self.rates.fmr

    @property
    def apcer(self) -> np.ndarray:
        """At every threshold, falling."""
        return self.rates.fnmr

    def bpcer_at(self, threshold: float) -> float:
        """Share of the bona fide presentations with that score or more."""
        return float(self.rates.at(-threshold)[0])


def attack_figures(bona_fide: Scored, attacks: Scored, resamples: int = 1000, seed: int = 0) -> AttackFigures | None:
    """The figures of bona fide presentations and attacks; None where there are none of a kind.

    Args:
        resamples: of the subjects, who may be in both kinds.
    """
    if not len(bona_fide) or not len(attacks):
        return None
    rates = attack_rates(bona_fide, attacks)
    thresholds = {name: -rates.threshold_at_fmr(target) for name, target in TARGETS.items()}
    subjects = bona_fide.subjects + attacks.subjects
    of_resamples = intervals(lambda weights: _values(bona_fide, attacks, weights), subjects, subjects, resamples, seed)
    values = {name: float(value) for name, value in _values(bona_fide, attacks).items()}
    return AttackFigures(len(bona_fide), len(attacks), values, of_resamples, thresholds, rates)


def attack_rates(bona_fide: Scored, attacks: Scored, weights: np.ndarray | None = None) -> ErrorRates:
    """BPCER, as ``fmr``, and APCER, as ``fnmr``, at every threshold.

    Args:
        weights: (..., n) how often each counts, first the bona fide ones.
    """
    scores = np.concatenate([bona_fide.scores, attacks.scores])
    is_attack = np.arange(len(scores)) >= len(bona_fide)
    return error_rates(-scores, is_attack, weights)


def share_interval(
    happened: np.ndarray, subjects: tuple[str, ...], resamples: int = 1000, seed: int = 0
) -> tuple[float, Interval]:
    """The share of presentations to which something happened, and its 95 % interval over subjects.

    Args:
        happened: bool (n,), 1 or more. subjects: of each, whom it shows.
    """
    found = intervals(
        lambda weights: {"share": (weights @ happened) / weights.sum(axis=1)}, subjects, subjects, resamples, seed
    )
    return float(np.mean(happened)), found["share"]


def _values(bona_fide: Scored, attacks: Scored, weights: np.ndarray | None = None) -> dict[str, np.ndarray]:
    rates = attack_rates(bona_fide, attacks, weights)
    counted = np.ones(len(bona_fide) + len(attacks)) if weights is None else weights
    with np.errstate(invalid="ignore"):
        bpcer, found = (
            (counted[..., part] @ own.alarms) / counted[..., part].sum(axis=-1)
            for own, part in ((bona_fide, slice(len(bona_fide))), (attacks, slice(len(bona_fide), None)))
        )
    return {
        "eer": rates.equal_error_rate(),
        **{name: rates.fnmr_at_fmr(target) for name, target in TARGETS.items()},
        APCER_IN_USE: 1.0 - found,
        BPCER_IN_USE: bpcer,
    }
