"""Made-up people whose distances overlap as those of faces do."""

from collections.abc import Sequence

import numpy as np

from biosense_pipeline.matching.comparisons import Comparisons, Kind

#: Directions in which faces differ, and how far people and pictures of one person lie apart in each.
_DIRECTIONS, _BETWEEN, _WITHIN = 24, 0.42, 0.2


def faces(people: int, pictures: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Benchmarks (people, 128) and pictures (people, pictures, 128) of as many people."""
    rng = np.random.default_rng(seed)

    def draw(spread: float, *shape: int) -> np.ndarray:
        drawn = rng.normal(scale=spread / np.sqrt(_DIRECTIONS), size=(*shape, _DIRECTIONS))
        return np.pad(drawn, [*[(0, 0)] * len(shape), (0, 128 - _DIRECTIONS)])

    persons = draw(_BETWEEN, people)
    return persons + draw(_WITHIN, people), persons[:, np.newaxis] + draw(_WITHIN, people, pictures)


def crowd(people: int, pictures: int = 10, seed: int = 0, kind: Kind = Kind.PRESUMED) -> Comparisons:
    """Stills of as many people, each compared with all benchmarks, and the benchmarks with each other."""
    benchmarks, stills = faces(people, pictures, seed)
    probes = np.concatenate([stills.reshape(-1, 128), benchmarks])
    return Comparisons.between(
        [f"NA\\person{number}" for number in range(people)],
        [*np.repeat(np.arange(people), pictures), *range(people)],
        [*[kind] * (people * pictures), *[Kind.BENCHMARK] * people],
        np.linalg.norm(probes[:, np.newaxis] - benchmarks, axis=-1),
    )


def compared(shows: Sequence[int], distances: Sequence[Sequence[float]], kind: Kind = Kind.CONFIRMED) -> Comparisons:
    """Pictures at these distances from the benchmarks of people 0, 1, ..."""
    table = np.array(distances)
    people = [f"NA\\person{number}" for number in range(table.shape[1])]
    return Comparisons.between(people, shows, [kind] * len(shows), table)
