"""What a score is worth on people that it was not trained on, each against his own earlier sitting."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.evaluation.collection.plan import GENUINE, REFERENCE
from biosense_pipeline.evaluation.collection.stills import Collected
from biosense_pipeline.evaluation.recapture.training import LEAST_AUC
from biosense_pipeline.matching.evidence.levels import Usual, each_their_own, level, usual
from biosense_pipeline.matching.evidence.own_scores import Measurement
from biosense_pipeline.matching.resampling import Interval, people_weights, percentile_interval

_RESAMPLES = 1000


@dataclass(frozen=True)
class Told:
    """How well a score tells the attacks of one folder.

    Attributes:
        auc: how often an attack's still lies further above its person's own level than a genuine one does, and its
            95 % interval over people.
        distance: by how much attacks lie above genuine stills, the mean over people, and its interval.
    """

    people: int
    stills: int
    auc: float
    auc_interval: Interval
    distance: float
    distance_interval: Interval

    @property
    def least_distance(self) -> float:
        """What is believed of the distance: the lower end of its interval, so that few people make little of it.

        Nothing where the AUC is below what the groups that ship had to reach.
        """
        return self.distance_interval[0] if self.distance_interval and self.auc >= LEAST_AUC else 0.0


def usual_of_people(stills: Collected, scores: np.ndarray, before: Usual) -> Usual:
    """How a score spreads over genuine stills, taken together with what was thought before."""
    people = dict.fromkeys(stills.people[np.isfinite(scores)].tolist())
    sittings = [[scores[stills.of(person, kind)] for kind in (REFERENCE, GENUINE)] for person in people]
    return each_their_own(usual([[own[np.isfinite(own)] for own in both] for both in sittings], before))


def told_by(stills: Collected, scores: np.ndarray, usual_scores: Usual, kind: str) -> Told | None:
    """How well a score tells the attacks of a folder, on stills of later sittings; None where nobody has any.

    Args:
        scores: (n,), of people held out; NaN: none.
    """
    above = scores - _own_levels(stills, scores, usual_scores)
    seen = np.isfinite(above)
    genuine = np.flatnonzero(seen & (stills.kinds == GENUINE))
    attacks = np.flatnonzero(seen & (stills.kinds == kind) & stills.held_out)
    people = [name for name in np.unique(stills.people[attacks]) if (stills.people[genuine] == name).any()]
    if not people:
        return None
    genuine, attacks = (rows[np.isin(stills.people[rows], people)] for rows in (genuine, attacks))
    auc, auc_interval = _auc(above[genuine], stills.people[genuine], above[attacks], stills.people[attacks])
    apart = np.array([
        above[attacks][stills.people[attacks] == name].mean() - above[genuine][stills.people[genuine] == name].mean()
        for name in people
    ])  # fmt: skip
    return Told(len(people), len(attacks), auc, auc_interval, float(apart.mean()), _interval_of_mean(apart))


def measured(
    stills: Collected, scores: np.ndarray, before: Usual, asked: Sequence[Species], others: np.ndarray
) -> tuple[Measurement, dict[str, Told]]:
    """What is kept of a score, and how well it tells the attacks of each folder of these species.

    Of a species counts the least distance of those of its folders that are told; it has none where none is.

    Args:
        scores: (n,), of people held out; NaN: none. others: (n,), of the scores that ship.
        before: how it was thought to spread.
    """
    usual_scores = usual_of_people(stills, scores, before)
    told: dict[str, Told] = {}
    distances: dict[Species, float] = {}
    for species in asked:
        found = {name: told_by(stills, scores, usual_scores, name) for name in stills.names(species)}
        told |= {name: own for name, own in found.items() if own is not None}
        apart = [own.least_distance for own in found.values() if own is not None and own.least_distance > 0]
        if apart:
            distances[species] = min(apart)
    return Measurement(usual_scores, distances, _correlation(stills, scores, others)), told


def _own_levels(stills: Collected, scores: np.ndarray, usual_scores: Usual) -> np.ndarray:
    """Of each still the level of its person, by the first sitting alone: (n,)."""
    levels = np.full(len(scores), np.nan)
    for person in dict.fromkeys(stills.people.tolist()):
        own = scores[stills.of(person, REFERENCE)]
        own = own[np.isfinite(own)]
        if len(own):
            levels[stills.people == person] = level([own], usual_scores).centre
    return levels


def _correlation(stills: Collected, scores: np.ndarray, others: np.ndarray) -> float:
    """Over genuine stills, each person's own mean taken off; 0 where nothing varies."""
    rows = np.isfinite(scores) & np.isin(stills.kinds, [REFERENCE, GENUINE])
    people, of_person = np.unique(stills.people[rows], return_inverse=True)
    counts = np.maximum(1, np.bincount(of_person, minlength=len(people)))
    apart = [
        values[rows] - (np.bincount(of_person, values[rows], len(people)) / counts)[of_person]
        for values in (scores, others)
    ]
    spread = float(np.sqrt((apart[0] ** 2).sum() * (apart[1] ** 2).sum()))
    return float((apart[0] * apart[1]).sum()) / spread if spread > 0 else 0.0


def _auc(
    genuine: np.ndarray, genuine_people: np.ndarray, attacks: np.ndarray, attacked: np.ndarray
) -> tuple[float, Interval]:
    """Area under the ROC, ties as half, with its interval over people."""
    above = (attacks[None, :] > genuine[:, None]) + 0.5 * (attacks[None, :] == genuine[:, None])
    names = [*genuine_people.tolist(), *attacked.tolist()]
    weights = people_weights(names, names, _RESAMPLES, np.random.default_rng(0))
    ours, theirs = weights[:, : len(genuine)], weights[:, len(genuine) :]
    areas = ((ours @ above) * theirs).sum(axis=1) / (ours.sum(axis=1) * theirs.sum(axis=1))
    return float(above.mean()), percentile_interval(areas)


def _interval_of_mean(values: np.ndarray) -> Interval:
    """Of a mean over people, 95 % by Student's t: the bootstrap is too sure of so few."""
    from scipy.special import stdtrit

    if len(values) < 2:
        return None
    reach = float(stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values)))
    return float(values.mean()) - reach, float(values.mean()) + reach
