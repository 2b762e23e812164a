"""Protocols and encodings drawn from a seeded generator."""

import numpy as np

from biosense_pipeline.evaluation.verification.lfw import Pair, PersonImage, Protocol

IMAGES = 4


def drawn_protocol(folds: int = 10, pairs: int = 30, people: int = 20, seed: int = 0) -> Protocol:
    """As LFW's: folds that share nobody, each with as many genuine as impostor pairs."""
    rng = np.random.default_rng(seed)
    drawn: list[Pair] = []
    for fold in range(folds):
        names = [f"Fold{fold}_Person{number}" for number in range(people)]
        for _ in range(pairs):
            name = str(rng.choice(names))
            first, second = rng.choice(IMAGES, 2, replace=False) + 1
            drawn.append(Pair(PersonImage(name, int(first)), PersonImage(name, int(second))))
        for _ in range(pairs):
            one, other = (str(name) for name in rng.choice(names, 2, replace=False))
            drawn.append(Pair(PersonImage(one, int(rng.integers(IMAGES)) + 1), PersonImage(other, 1)))
    return Protocol(tuple(drawn), tuple(fold for fold in range(folds) for _ in range(2 * pairs)))


def drawn_encodings(protocol: Protocol, noise: float = 0.35, seed: int = 1) -> dict[PersonImage, np.ndarray]:
    """A point for each person, and the images scattered about it; all share what centring takes off."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=16)
    persons = {name: shared + 0.3 * rng.normal(size=16) for name in sorted({i.person for i in protocol.images})}
    return {image: persons[image.person] + noise * rng.normal(size=16) / 2 for image in protocol.images}
