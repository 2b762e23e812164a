"""One small linear score for each group of features, and the choice of the groups that carry over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from biosense_pipeline.evaluation.recapture.synthesis import GENUINE, Stills
from biosense_pipeline.matching.evidence.recapture import GroupScore, RecaptureModel
from biosense_pipeline.vision.presentation.context import UNSEEN
from biosense_pipeline.vision.presentation.features import FEATURES_ID, GROUPS

#: A group is kept where its area under the ROC is at least this from one style of print to the other.
LEAST_AUC = 0.80
#: The styles of print, between which groups are chosen and which the model is trained on. Screens are left to tell
#: how the model does on what it was never shown; trained on too, they changed nothing for prints.
PRINTS = ("photo_paper", "plain_paper")
#: Weight of the squares of the weights, a row that is trained on. Trained on portraits and tested on people in webcam
#: clips, the sum's AUC was the same from 0.05 to 0.5; on portraits of other people it was highest at 0.05.
RIDGE = 0.1
#: Parts of the people, each of which is left out in turn to see how genuine stills vary.
_FOLDS = 4


@dataclass(frozen=True)
class Carry:
    """How well a group trained on one style tells another one's prints, of people not trained on."""

    group: str
    trained: str
    tested: str
    auc: float


def fit_group(stills: Stills, group: str, ridge: float = RIDGE) -> GroupScore:
    """A ridge logistic regression on what sets a person's recaptures off from the person himself.

    Features are standardised on the genuine stills. What is told apart is the difference of a recapture and a
    genuine still from that of two genuine stills, of the same person before the same camera: how people and
    cameras differ is left to the personal baseline, and a feature that varies from day to day weighs less. The
    score is standardised so that over genuine stills of people not trained on it has mean 0 and variance 1.
    """
    values = stills.features[:, GROUPS[group]].astype(np.float64)
    genuine = stills.style == GENUINE
    counted = (values != UNSEEN) & genuine[:, None]
    number = np.maximum(1, counted.sum(axis=0))
    mean = np.where(counted, values, 0).sum(axis=0) / number
    spread = np.sqrt(np.where(counted, (values - mean) ** 2, 0).sum(axis=0) / number)
    plain = GroupScore(mean, np.maximum(spread, 1e-3), np.zeros(len(mean)), 0.0, 1.0)
    standardised = plain.standardised(values)
    firsts, seconds, attacks, of_trial = _trials(stills)
    seen = values != UNSEEN
    between = _differences(standardised, seen, firsts, seconds)
    apart = np.stack([_differences(standardised, seen, attacks, days[of_trial]) for days in (firsts, seconds)])

    def weights_of(trials: np.ndarray) -> np.ndarray:
        own = between[trials]
        others = apart[:, trials[of_trial]].reshape(-1, between.shape[1])
        return _logistic(
            np.concatenate([own, -own, others]), np.arange(2 * len(own) + len(others)) >= 2 * len(own), ridge
        )

    weights = weights_of(np.ones(len(firsts), dtype=bool))
    # Among people to whom the weights were not fitted genuine stills vary more.
    _names, number_of = np.unique(stills.person[firsts], return_inverse=True)
    trial_of = np.searchsorted(stills.trial[firsts], stills.trial)
    varied = []
    for fold in range(_FOLDS):
        left_out = number_of % _FOLDS == fold
        raw = standardised[genuine & left_out[trial_of]] @ weights_of(~left_out)
        varied.append(raw - raw.mean())
    scale = float(np.concatenate(varied).std())
    offset = float((standardised[genuine] @ weights).mean())
    return replace(plain, weights=weights, offset=offset, scale=max(scale, 1e-6))


def carry(trained: Stills, tested: Stills, styles: Iterable[str], groups: Iterable[str] = tuple(GROUPS)) -> list[Carry]:
    """Every group from every style to every style, itself included, on people not trained on."""
    styles = tuple(styles)
    results = []
    for group in groups:
        for one in styles:
            score = fit_group(trained.of(GENUINE, one), group)
            for other in styles:
                results.append(
                    Carry(group, one, other, auc_of(score.scores(tested.features[:, GROUPS[group]]), tested, other))
                )
    return results


def chosen(carried: Iterable[Carry], prints: tuple[str, str], least: float = LEAST_AUC) -> tuple[str, ...]:
    """The groups whose worse direction from one style of print to the other reaches ``least``."""
    carried = list(carried)
    worst = {
        group: min(
            entry.auc for entry in carried if entry.group == group and {entry.trained, entry.tested} == set(prints)
        )
        for group in dict.fromkeys(entry.group for entry in carried)
    }
    return tuple(group for group, auc in worst.items() if auc >= least)


def fit(stills: Stills, groups: Iterable[str], training: Mapping[str, object], credit: str) -> RecaptureModel:
    """The scores of some groups, trained on the same stills."""
    scores = {group: fit_group(stills, group) for group in groups}
    return RecaptureModel(FEATURES_ID, scores, {group: GROUPS[group] for group in scores}, training, credit)


def auc_of(scores: np.ndarray, stills: Stills, *styles: str) -> float:
    """How often a recapture scores more above its person's own still than another genuine still of his does.

    The area under the ROC of scores less the score of the trial's first genuine still.
    """
    firsts, seconds, attacks, of_trial = _trials(stills.of(GENUINE, *styles))
    kept = scores[np.isin(stills.style, (GENUINE, *styles))]
    return auc(kept[seconds] - kept[firsts], kept[attacks] - kept[firsts[of_trial]])


def auc_without_baseline(scores: np.ndarray, stills: Stills, *styles: str) -> float:
    """How often a recapture of anybody scores above a genuine still of anybody."""
    return auc(scores[stills.style == GENUINE], scores[np.isin(stills.style, styles)])


def auc(lower: np.ndarray, higher: np.ndarray) -> float:
    """Area under the ROC; ties count half. NaN where either is empty."""
    if not len(lower) or not len(higher):
        return float("nan")
    ordered = np.sort(lower)
    below = (np.searchsorted(ordered, higher, "left") + np.searchsorted(ordered, higher, "right")) / 2
    return float(below.mean() / len(lower))


def _trials(stills: Stills) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of the two genuine stills of each trial, rows of the recaptures, and the trial of each of those."""
    genuine = np.flatnonzero(stills.style == GENUINE)
    order = genuine[np.argsort(stills.trial[genuine], kind="stable")]
    firsts, seconds = order[::2], order[1::2]
    attacks = np.flatnonzero(stills.style != GENUINE)
    return firsts, seconds, attacks, np.searchsorted(stills.trial[firsts], stills.trial[attacks])


def _differences(values: np.ndarray, seen: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of features seen in both; else 0."""
    difference: np.ndarray = np.where(seen[rows] & seen[others], values[rows] - values[others], 0.0)
    return difference


def _logistic(values: np.ndarray, attack: np.ndarray, ridge: float) -> np.ndarray:
    """Weights by Newton's method; the offset is fitted and dropped, as the score is standardised anyway."""
    design = np.column_stack([values, np.ones(len(values))]).astype(np.float64)
    balance = np.where(attack, 0.5 / max(1, attack.sum()), 0.5 / max(1, (~attack).sum())) * len(values)
    penalty = np.full(design.shape[1], ridge * len(values))
    penalty[-1] = 1e-6
    weights = np.zeros(design.shape[1])
    for _step in range(30):
        share = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (balance * (share - attack)) + penalty * weights
        curve = (design * (balance * share * (1 - share))[:, None]).T @ design + np.diag(penalty)
        change = np.linalg.solve(curve, slope)
        weights = weights - change
        if np.abs(change).max() < 1e-7:
            break
    fitted: np.ndarray = weights[:-1]
    return fitted
