"""The protocol: what is learned on which folds, how failures count, and what the figures follow from."""

import numpy as np
import pytest

from biosense_pipeline.evaluation.verification.lfw import PersonImage, Protocol
from biosense_pipeline.evaluation.verification.pair_distances import centred_distances, plain_distances
from biosense_pipeline.evaluation.verification.protocol import Verification, verify
from biosense_pipeline_tests.evaluation.verification.synthetic import drawn_encodings, drawn_protocol

PROTOCOL = drawn_protocol()
ENCODINGS = drawn_encodings(PROTOCOL)
FOLDS = np.array(PROTOCOL.folds)


@pytest.fixture(scope="module")
def verified() -> Verification:
    """The drawn protocol, verified."""
    return run(PROTOCOL, ENCODINGS)


def run(
    protocol: Protocol, encodings: dict[PersonImage, np.ndarray], resamples: int = 100, seed: int = 0
) -> Verification:
    """Verify with plain distances."""
    assert protocol.folds is not None
    distances = plain_distances(protocol.pairs, encodings)
    return verify(protocol.pairs, protocol.folds, distances, {"tolerance": 1.3}, resamples, seed)


def test_accuracy_is_of_held_out_folds(verified: Verification) -> None:
    """Each fold is decided at its own threshold; accuracy is their mean, with LFW's deviation and standard error."""
    accuracies = []
    for fold in verified.folds:
        chosen = fold.fold == FOLDS
        matched = verified.trials.distances[chosen] <= fold.threshold
        accuracies.append(np.mean(matched == verified.trials.genuine[chosen]))
        assert fold.accuracy == pytest.approx(accuracies[-1])
    assert 0.8 < verified.figures["accuracy_mean"] < 1
    assert verified.figures["accuracy_mean"] == pytest.approx(np.mean(accuracies))
    assert verified.figures["accuracy_std"] == pytest.approx(np.std(accuracies, ddof=1))
    assert verified.figures["accuracy_standard_error"] == pytest.approx(np.std(accuracies, ddof=1) / np.sqrt(10))


def test_nothing_is_learned_from_the_held_out_fold(verified: Verification) -> None:
    """With a fold's images replaced, its threshold and the line behind its log-likelihood ratios stay as they were."""
    rng = np.random.default_rng(9)
    others = {
        image: rng.normal(size=16) if image.person.startswith("Fold4_") else encoding
        for image, encoding in ENCODINGS.items()
    }
    changed = run(PROTOCOL, others)
    assert changed.folds[4].threshold == verified.folds[4].threshold
    assert line_of(changed, 4) == pytest.approx(line_of(verified, 4))
    assert changed.folds[4].accuracy != verified.folds[4].accuracy
    assert line_of(changed, 3) != pytest.approx(line_of(verified, 3))


def test_failures_to_acquire() -> None:
    """A pair without a face is wrong if genuine, right if not, and in none of the matcher's own error rates."""
    pair = next(pair for pair in PROTOCOL.pairs if pair.genuine)
    lost = {image: encoding for image, encoding in ENCODINGS.items() if image.person != pair.first.person}
    trials = run(PROTOCOL, lost).trials
    touched = np.array([pair.first.person in (p.first.person, p.second.person) for p in PROTOCOL.pairs])
    assert np.array_equal(~trials.compared, touched)
    assert np.array_equal(trials.right[touched], ~trials.genuine[touched])
    assert trials.rates().fmr.size == len(np.unique(trials.distances[~touched])) + 1
    at = run(PROTOCOL, lost).thresholds[0]
    genuine = int(trials.genuine.sum())
    rejected = at.false_non_matches + int((touched & trials.genuine).sum())
    assert at.gfrr == pytest.approx(rejected / genuine)
    assert at.gfar == pytest.approx(at.false_matches / (len(PROTOCOL.pairs) - genuine))
    assert at.fnmr == pytest.approx(at.false_non_matches / (genuine - int((touched & trials.genuine).sum())))


def test_figures_agree_with_each_other(verified: Verification) -> None:
    """Errors fall in order, calibration costs something but not much, and each figure lies in its interval."""
    figures = verified.figures
    assert figures["fnmr_at_fmr_1e-2"] <= figures["fnmr_at_fmr_1e-3"]
    assert 0 <= figures["ece"] < 0.1
    assert figures["cllr_min"] <= figures["cllr"] < figures["cllr_min"] + 0.1
    for name, interval in verified.intervals.items():
        assert interval is not None
        assert interval[0] <= figures[name] <= interval[1], name
    assert set(verified.intervals) == {"accuracy_mean", "eer", "fnmr_at_fmr_1e-2", "fnmr_at_fmr_1e-3", "cllr"}
    at = verified.thresholds[0]
    assert at.fmr_interval is not None
    assert at.fmr_interval[0] <= at.fmr <= at.fmr_interval[1]


def test_the_same_seed_gives_the_same_intervals(verified: Verification) -> None:
    """Intervals depend on the seed, figures do not."""
    assert run(PROTOCOL, ENCODINGS).intervals == verified.intervals
    other = run(PROTOCOL, ENCODINGS, seed=1)
    assert other.intervals != verified.intervals
    assert other.figures == verified.figures


def test_centring_looks_at_directions_only() -> None:
    """Where images lie at different distances from the mean of all faces, centred figures are the better ones."""
    rng = np.random.default_rng(2)
    mean = np.mean(list(ENCODINGS.values()), axis=0)
    stretched = {image: mean + rng.uniform(0.4, 2.5) * (encoding - mean) for image, encoding in ENCODINGS.items()}
    plain = run(PROTOCOL, stretched)
    centred = verify(PROTOCOL.pairs, FOLDS.tolist(), centred_distances(PROTOCOL.pairs, FOLDS, stretched), {}, 50)
    assert centred.figures["eer"] < plain.figures["eer"] / 2
    assert centred.figures["cllr"] < plain.figures["cllr"] / 2


def line_of(verification: Verification, fold: int) -> np.ndarray:
    """Slope and offset of the line that gave a fold its log-likelihood ratios."""
    chosen = fold == FOLDS
    return np.polyfit(verification.trials.distances[chosen], verification.trials.llrs[chosen], 1)
