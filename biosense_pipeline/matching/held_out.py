"""What a calibration is worth on people it has not seen."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.comparisons import Comparisons
from biosense_pipeline.matching.error_rates import error_rates
from biosense_pipeline.matching.llr_fit import METHODS, fit, supported_bounds
from biosense_pipeline.matching.score_calibration import cllr, cllr_min, reliability
from biosense_pipeline.matching.thresholds import tolerance_at_fmr

#: Parts that the people are dealt into; each is held out once.
FOLDS = 5
#: People with stills below which a fold could hold fewer than two, and so no impostor comparison.
FEWEST_PEOPLE = 2 * FOLDS


@dataclass(frozen=True)
class HeldOut:
    """Comparisons among held-out people, of all folds, and what was made of them without these people.

    Attributes:
        method: what fits the LLR best, by Cllr.
        distances, genuine: (n,) and bool (n,).
        llrs: (n,) by that method.
        cllrs: Cllr in bits by method.
        fmr, fnmr: at tolerances that were set without these people; fmr over pairs of people, as the
            tolerances are, fnmr over comparisons.
        pairs_of_people: behind fmr.
    """

    method: str
    distances: np.ndarray
    genuine: np.ndarray
    llrs: np.ndarray
    cllrs: dict[str, float]
    fmr: float
    fnmr: float
    pairs_of_people: int

    def cllr_of(self, calibration: Calibration) -> float:
        """Cllr in bits of another calibration on the very same comparisons."""
        return float(cllr(calibration.llr(self.distances), self.genuine))

    def figures(self) -> dict[str, float]:
        """Error rates and costs, by name. LLRs that say nothing have a Cllr of 1 bit."""
        return {
            "cllr": self.cllrs[self.method],
            "cllr_min": cllr_min(self.distances, self.genuine),
            "ece": reliability(self.llrs, self.genuine).expected_calibration_error,
            "eer": float(error_rates(self.distances, self.genuine).equal_error_rate()),
            "fmr": self.fmr,
            "fnmr": self.fnmr,
            "genuine_comparisons": int(self.genuine.sum()),
            "impostor_comparisons": int((~self.genuine).sum()),
            "pairs_of_people": self.pairs_of_people,
        }


def hold_out(comparisons: Comparisons, observed_fmr: float) -> HeldOut:
    """Fit without each fifth of the people in turn and try the result among those people.

    No comparison that one of them takes part in is fitted to, nor is any tried in which one of the
    others takes part: both sides of every comparison tried are strangers to the fit.

    Args:
        observed_fmr: the false match rate at which tolerances are set on the people fitted to.

    Raises:
        ValueError: fewer than FEWEST_PEOPLE people have stills.
    """
    if len(comparisons.shown) < FEWEST_PEOPLE:
        raise ValueError(f"fewer than {FEWEST_PEOPLE} people have stills")
    distances, genuine, pair_weights = [], [], []
    pairs = 0
    # Of all people: they follow from how many there are, and what is stored in the end has the same ones.
    bounds = supported_bounds(comparisons)
    llrs: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
    accepted: dict[str, list[np.ndarray]] = {method: [] for method in METHODS}
    for held in _folds(comparisons):
        known, unknown = comparisons.of_people(~held), comparisons.of_people(held)
        tried, labels = unknown.labelled
        distances.append(tried)
        genuine.append(labels)
        pair_weights.append(unknown.pair_weights[unknown.impostors])
        pairs += unknown.pairs_of_people
        tolerance = tolerance_at_fmr(known, observed_fmr)
        for method in METHODS:
            calibration = fit(method, known, bounds)
            llrs[method].append(calibration.llr(tried))
            accepted[method].append(tried <= calibration.limited(tolerance))
    all_genuine = np.concatenate(genuine)
    all_llrs = {method: np.concatenate(found) for method, found in llrs.items()}
    cllrs = {method: float(cllr(found, all_genuine)) for method, found in all_llrs.items()}
    best = min(cllrs, key=lambda method: cllrs[method])
    all_accepted = np.concatenate(accepted[best])
    return HeldOut(
        best,
        np.concatenate(distances),
        all_genuine,
        all_llrs[best],
        cllrs,
        float(np.average(all_accepted[~all_genuine], weights=np.concatenate(pair_weights))),
        float((~all_accepted[all_genuine]).mean()),
        pairs,
    )


def _folds(comparisons: Comparisons) -> Iterator[np.ndarray]:
    """Who is held out, bool (people,), fold by fold; suspected one person, people go together."""
    order = np.random.default_rng(0).permutation(int(comparisons.groups.max()) + 1)
    # Those with stills first, so that every fold gets its share of them.
    dealt = order[np.argsort(~np.isin(order, comparisons.shown), kind="stable")]
    fold_of = np.empty(len(dealt), dtype=int)
    fold_of[dealt] = np.arange(len(dealt)) % FOLDS
    for fold in range(FOLDS):
        yield fold_of[comparisons.groups] == fold
