"""Pools of real worker processes, and what they found."""

from collections.abc import Callable

from biosense_pipeline.vision.examine import Examination
from biosense_pipeline.vision.faces import Picture
from biosense_pipeline.vision.pool import PoolExaminer
from biosense_pipeline_tests.vision.fakes import picture

Results = dict[int, Examination]
MakePool = Callable[..., PoolExaminer]


def examined(pool: PoolExaminer, levels: dict[int, int]) -> Results:
    """What a pool finds in pictures of these levels of red, by their keys; each comes back once."""
    results = list(pool.examine(Picture(key, picture(level)) for key, level in levels.items()))
    assert sorted(key for key, _ in results) == sorted(levels)
    return dict(results)


def workers_of(results: Results) -> set[int]:
    """The process ids of the workers that examined them."""
    return {int(examination.faces[0].encoding[1]) for examination in results.values()}
