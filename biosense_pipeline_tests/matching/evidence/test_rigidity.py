"""Rigidity: sheets that move are rigid, faces that change are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, shift

from biosense_pipeline.matching.evidence.rigidity import (
    far_apart,
    pair_correlations,
    rigid,
    summed_up,
)

PAIR = np.array([[0, 1]])


def texture(seed: int) -> np.ndarray:
    """A chip full of soft structure."""
    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(32, 32)), 1.5)
    return np.asarray(128 + 40 * noise / noise.std())


def as_chip(values: np.ndarray) -> np.ndarray:
    """As it is stored."""
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Of one pair."""
    return float(pair_correlations(np.stack([as_chip(one), as_chip(other)]), PAIR)[0])


def test_a_moved_sheet_is_found_again() -> None:
    """Shifts within reach, other light and other contrast leave the correlation near one."""
    face = texture(1)
    assert correlation(face, face) == pytest.approx(1.0, abs=1e-5)
    assert correlation(face, shift(face, (1, -2), mode="nearest")) > 0.99
    light = np.linspace(-30, 30, 32)
    assert correlation(face, 0.6 * face + 40 + light) > 0.99


def test_a_tilted_sheet_is_more_rigid_than_a_changed_face() -> None:
    """Blocks that move apart, as of a tilted sheet, cost less than a mouth that is another one."""
    face = texture(2)
    columns = np.arange(32)
    tilted = np.stack([np.interp(15.5 + (columns - 15.5) * 0.92, columns, row) for row in face])
    changed = face.copy()
    changed[20:30, 8:24] = texture(3)[20:30, 8:24]
    assert correlation(face, tilted) > 0.96 > correlation(face, changed)


def test_strangers_do_not_correlate() -> None:
    """Two textures that share nothing stay far below what a living face reaches."""
    assert correlation(texture(4), texture(5)) < 0.7


def test_flat_chips_have_an_answer() -> None:
    """A covered lens has no contrast: its correlation is a number and says nothing of rigidity."""
    flat = np.full((32, 32), 90.0)
    assert correlation(flat, flat) < 0.01
    assert correlation(flat, texture(1)) < 0.7


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_order_and_company_change_nothing(pairs: list[tuple[int, int]]) -> None:
    """A pair's correlation is the same either way round and whatever else is compared."""
    chips = np.stack([as_chip(texture(seed)) for seed in range(5)])
    together = pair_correlations(chips, np.array(pairs, dtype=int).reshape(-1, 2))
    for (one, other), value in zip(pairs, together, strict=True):
        alone = float(pair_correlations(np.stack([chips[other], chips[one]]), PAIR)[0])
        assert value == pytest.approx(alone, abs=1e-5)
        assert value <= 1 + 1e-5


def test_more_pairs_than_go_together() -> None:
    """Several hundred pairs come out as each by itself."""
    chips = np.stack([as_chip(texture(seed)) for seed in range(24)])
    every = np.stack(np.triu_indices(24, 1), axis=1)
    found = pair_correlations(chips, every)
    assert len(found) == 276
    assert found[200] == pytest.approx(pair_correlations(chips, every[200:201])[0], abs=1e-5)


def test_pairs_lie_far_apart() -> None:
    """Eight seconds apart at least, and a third of the window's span."""
    assert far_apart(np.array([0.0, 5.0])).tolist() == []
    assert far_apart(np.array([0.0])).tolist() == []
    assert far_apart(np.array([0.0, 8.0, 9.0])).tolist() == [[0, 1], [0, 2]]
    twelve = far_apart(10.0 * np.arange(12))
    assert min(second - first for first, second in twelve) == 4
    assert len(twelve) == 36


@given(st.lists(st.floats(0, 600), max_size=14), st.floats(0, 60))
def test_far_apart_never_breaks_its_rule(seconds: list[float], apart: float) -> None:
    """Every pair is far enough apart and named once."""
    pairs = far_apart(np.array(seconds), apart).tolist()
    assert all(abs(seconds[one] - seconds[other]) >= apart * (1 - 1e-6) for one, other in pairs)
    assert len({tuple(pair) for pair in pairs}) == len(pairs)


def test_a_window() -> None:
    """A still sheet is more rigid than a changing one; too few or too near stills make no pairs."""
    pairs = far_apart(10.0 * np.arange(4))
    sheet, face = (np.stack([as_chip(texture(seed)) for seed in seeds]) for seeds in ([1] * 4, range(4)))
    rigid_sheet, rigid_face = (summed_up(pair_correlations(chips, pairs)) for chips in (sheet, face))
    assert rigid_sheet.value > rigid_face.value + 1
    assert rigid_sheet.pairs == 6
    assert not len(far_apart(np.array([0.0])))
    assert not len(far_apart(np.arange(4.0)))


def test_the_scale() -> None:
    """Halving the distance from one is the same step everywhere, and equal chips are still finite."""
    assert rigid(np.array([0.98]))[0] - rigid(np.array([0.96]))[0] == pytest.approx(np.log(2))
    assert np.isfinite(rigid(np.array([1.0, 1.0000001]))).all()
    assert summed_up(np.array([0.9, 0.98, 0.99])).correlation == 0.98
