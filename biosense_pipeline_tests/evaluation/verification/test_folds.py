"""Folds: what may be learned from while one is held out."""

from collections import Counter

import numpy as np
import pytest

from biosense_pipeline.evaluation.verification.folds import TooFewPairs, deal_folds, people_of, training
from biosense_pipeline.evaluation.verification.lfw import Pair, PersonImage
from biosense_pipeline_tests.evaluation.verification.synthetic import drawn_protocol


def test_published_folds_are_all_learned_from() -> None:
    """Folds that share nobody, as LFW's, leave all pairs of the other folds to learn from."""
    protocol = drawn_protocol()
    folds = np.array(protocol.folds)
    learned = training(protocol.pairs, folds, 3, np.ones(len(folds), dtype=bool))
    assert learned.people_apart
    assert np.array_equal(learned.pairs, folds != 3)


def test_people_are_kept_apart() -> None:
    """Pairs of a development file's other folds that show somebody of the held-out fold are not learned from."""
    protocol = drawn_protocol(folds=1, pairs=400, people=400)
    folds = np.array(deal_folds(protocol.pairs))
    for fold in range(10):
        learned = training(protocol.pairs, folds, fold, np.ones(len(folds), dtype=bool))
        assert learned.people_apart
        assert not people_of(protocol.pairs, learned.pairs) & people_of(protocol.pairs, folds == fold)
        assert 0.3 * len(folds) < learned.pairs.sum() < 0.9 * len(folds)


def test_dealt_folds_are_even() -> None:
    """A development file's folds have as many pairs of each kind, and no person's genuine pairs in two of them."""
    protocol = drawn_protocol(folds=1, pairs=400, people=400)
    folds = deal_folds(protocol.pairs)
    for kind in (True, False):
        sizes = Counter(fold for fold, pair in zip(folds, protocol.pairs, strict=True) if pair.genuine is kind)
        assert len(sizes) == 10
        assert max(sizes.values()) - min(sizes.values()) <= 6
    homes = {(pair.first.person, fold) for fold, pair in zip(folds, protocol.pairs, strict=True) if pair.genuine}
    assert len(homes) == len({person for person, _ in homes})


def test_few_people_are_not_kept_apart() -> None:
    """Where everybody is paired with everybody, other folds are learned from as they are, and that is told."""
    protocol = drawn_protocol(folds=1, pairs=60, people=4)
    folds = np.array(deal_folds(protocol.pairs))
    learned = training(protocol.pairs, folds, int(folds[0]), np.ones(len(folds), dtype=bool))
    assert not learned.people_apart
    assert np.array_equal(learned.pairs, folds != folds[0])


def test_what_cannot_be_compared_is_not_learned_from() -> None:
    """Pairs without a face teach nothing."""
    protocol = drawn_protocol()
    usable = np.arange(len(protocol.pairs)) % 3 > 0
    assert not (training(protocol.pairs, np.array(protocol.folds), 0, usable).pairs & ~usable).any()


def test_too_few_pairs() -> None:
    """With all pairs of a kind in one fold there is nothing to learn from."""
    a, b = PersonImage("a", 1), PersonImage("b", 1)
    pairs = [Pair(a, PersonImage("a", 2)), Pair(a, b), Pair(b, a)]
    with pytest.raises(TooFewPairs, match="too few pairs"):
        training(pairs, np.array([0, 1, 1]), 0, np.ones(3, dtype=bool))
