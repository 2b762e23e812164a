"""Distances of pairs, and that nothing about a pair's people enters its own normalisation."""

import numpy as np
import pytest

from biosense_pipeline.evaluation.verification import pair_distances
from biosense_pipeline.evaluation.verification.folds import people_of
from biosense_pipeline.evaluation.verification.lfw import Pair, PersonImage
from biosense_pipeline.evaluation.verification.pair_distances import CohortTooSmall, centred_distances, plain_distances
from biosense_pipeline.matching.centring import Cohort, PersonInCohort
from biosense_pipeline_tests.evaluation.verification.synthetic import drawn_encodings, drawn_protocol

PROTOCOL = drawn_protocol(folds=4, pairs=10, people=8)
FOLDS = np.array(PROTOCOL.folds)
ENCODINGS = drawn_encodings(PROTOCOL)


def test_plain_distances() -> None:
    """A plain distance is that of the two encodings, whichever fold is held out, and NaN without one of them."""
    pair = PROTOCOL.pairs[0]
    distances = plain_distances(PROTOCOL.pairs, ENCODINGS)
    assert distances(0)[0] == pytest.approx(np.linalg.norm(ENCODINGS[pair.first] - ENCODINGS[pair.second]))
    assert np.array_equal(distances(0), distances(3))
    without = {image: encoding for image, encoding in ENCODINGS.items() if image != pair.first}
    expected = [pair.first in (other.first, other.second) for other in PROTOCOL.pairs]
    assert list(np.isnan(plain_distances(PROTOCOL.pairs, without)(0))) == expected
    assert list(np.isnan(centred_distances(PROTOCOL.pairs, FOLDS, without)(0))) == expected


def test_cohorts_are_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a fold is held out no cohort holds its people, nor those of the pairs that the cohort centres."""
    seen = []

    class Watched(Cohort):
        def distances(self, first: np.ndarray, second: np.ndarray, people: object) -> np.ndarray:
            seen.append((self.people, set(people)))  # type: ignore[call-overload]
            return super().distances(first, second, people)  # type: ignore[arg-type]

    monkeypatch.setattr(pair_distances, "Cohort", Watched)
    centred_distances(PROTOCOL.pairs, FOLDS, ENCODINGS)(2)
    assert len(seen) == 4
    held_out = people_of(PROTOCOL.pairs, FOLDS == 2)
    assert all(not cohort & (compared | held_out) for cohort, compared in seen)


def test_a_persons_images_change_only_the_own_pairs() -> None:
    """With a person's encodings replaced and the fold held out, no distance changes but that person's own."""
    person = min(people_of(PROTOCOL.pairs, FOLDS == 1))
    changed = {image: -encoding if image.person == person else encoding for image, encoding in ENCODINGS.items()}
    before, after = (centred_distances(PROTOCOL.pairs, FOLDS, encodings)(1) for encodings in (ENCODINGS, changed))
    own = np.array([person in (pair.first.person, pair.second.person) for pair in PROTOCOL.pairs])
    assert np.array_equal(before[~own], after[~own])
    assert not np.array_equal(before[own], after[own])


def test_the_impostor_in_the_cohort_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were a fold's people forgotten when its cohort is made, nothing would be compared at all."""
    monkeypatch.setattr(np, "isin", lambda names, people: np.zeros(len(names), dtype=bool))
    with pytest.raises(PersonInCohort):
        centred_distances(PROTOCOL.pairs, FOLDS, ENCODINGS)(0)


def test_too_few_strangers() -> None:
    """Where hardly anybody is a stranger to the fold, centring is refused with what to do instead."""
    pairs = [Pair(PersonImage(name, 1), PersonImage(other, 1)) for name in "ab" for other in "ab"]
    encodings = {image: np.ones(2) for pair in pairs for image in (pair.first, pair.second)}
    with pytest.raises(CohortTooSmall, match="--normalise plain"):
        centred_distances(pairs, np.array([0, 0, 1, 1]), encodings)(0)
