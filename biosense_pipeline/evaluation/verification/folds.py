"""Folds of pairs, and what may be learned from when one of them is held out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.verification.lfw import Pair

#: Folds that a development file is dealt into, as many as LFW's own.
FOLDS = 10
#: Pairs of each kind without which a threshold or a calibration learned from them would be chance.
FEWEST_TO_LEARN_FROM = 20


class TooFewPairs(BiosenseError):
    """There is nothing to learn a threshold from once a fold is held out."""


@dataclass(frozen=True)
class Training:
    """The pairs to learn from while a fold is held out.

    Attributes:
        pairs: bool (n,).
        people_apart: whether none of them shows anybody who is in the held-out fold.
    """

    pairs: np.ndarray
    people_apart: bool


def deal_folds(pairs: Sequence[Pair], count: int = FOLDS) -> tuple[int, ...]:
    """Folds for a development file, which has none.

    A person's genuine pairs, and the impostor pairs that name this person first, come into one fold. The
    people with most pairs are dealt first, each to the fold that has fewest pairs of what the person
    brings. An impostor pair still joins two people, so that folds can share people: :func:`training` is
    what keeps them apart.
    """
    brought = Counter((pair.first.person, pair.genuine) for pair in pairs)
    people = sorted(
        {pair.first.person for pair in pairs},
        key=lambda person: (-brought[person, True] - brought[person, False], person),
    )
    filled = np.zeros((count, 2))
    totals = np.maximum(1, [sum(pair.genuine for pair in pairs), sum(not pair.genuine for pair in pairs)])
    fold_of: dict[str, int] = {}
    for person in people:
        brings = np.array([brought[person, True], brought[person, False]]) / totals
        fold = int(np.argmin(filled @ brings + filled.sum(axis=1) * 1e-6))
        fold_of[person] = fold
        filled[fold] += brings
    return tuple(fold_of[pair.first.person] for pair in pairs)


def training(pairs: Sequence[Pair], folds: np.ndarray, held_out: int, usable: np.ndarray) -> Training:
    """What to learn from while a fold is held out: pairs of other folds without its people.

    LFW's own folds share nobody, so that there it is all other folds. Where too little is left (see
    FEWEST_TO_LEARN_FROM), as with few people who are all paired with each other, it is all other folds
    as well, and ``people_apart`` says so.

    Args:
        folds: (n,) the fold of each pair. usable: bool (n,), the pairs that could be compared.

    Raises:
        TooFewPairs: not even the other folds hold both kinds of pairs.
    """
    people = people_of(pairs, folds == held_out)
    strangers = np.array([not {pair.first.person, pair.second.person} & people for pair in pairs])
    genuine = np.array([pair.genuine for pair in pairs])
    others = usable & (folds != held_out)
    apart = others & strangers
    if min(np.sum(apart & genuine), np.sum(apart & ~genuine)) >= FEWEST_TO_LEARN_FROM or (apart == others).all():
        learned, people_apart = apart, True
    else:
        learned, people_apart = others, False
    if not (learned & genuine).any() or not (learned & ~genuine).any():
        raise TooFewPairs(
            "There are too few pairs to hold any out: name a file whose pairs of one person and of two people each "
            "come from several people and could be compared."
        )
    return Training(learned, people_apart)


def people_of(pairs: Sequence[Pair], chosen: np.ndarray) -> set[str]:
    """Everybody in the chosen pairs.

    Args:
        chosen: bool (n,).
    """
    return {
        image.person
        for pair, is_chosen in zip(pairs, chosen, strict=True)
        if is_chosen
        for image in (pair.first, pair.second)
    }
