"""Gradient histogram of the face and its surroundings: where edges run, as those of a paper or of shoulders."""

import numpy as np

from biosense_pipeline.vision.presentation.context import SIDE, UNSEEN, Context

CELL = 16
CELLS = SIDE // CELL
ORIENTATIONS = 9
#: Mirrored halves are averaged: a paper may be held on either side.
LENGTH = CELLS * (CELLS // 2) * ORIENTATIONS

#: Grey levels a pixel below which an edge is taken for noise, as a share of the square's own edges.
_LEAST_EDGE = 0.25
#: A cell is seen where at least this share of it is.
_SEEN_SHARE = 0.6


def context_gradient(context: Context) -> np.ndarray:
    """Histograms of oriented gradients (Dalal and Triggs, 2005), float32 (LENGTH,).

    Nine unsigned orientations in cells of 16 pixels, each cell against the mean over its neighbours, square
    roots of the shares; a cell's histogram and that of its mirror image are averaged.
    """
    luma = context.luma
    across, down = np.zeros_like(luma), np.zeros_like(luma)
    across[:, 1:-1] = luma[:, 2:] - luma[:, :-2]
    down[1:-1] = luma[2:] - luma[:-2]
    strength = np.sqrt(across * across + down * down)
    seen = context.seen.copy()
    # What the edge of the picture makes of its last pixels is no edge.
    seen[1:] &= context.seen[:-1]
    seen[:-1] &= context.seen[1:]
    seen[:, 1:] &= context.seen[:, :-1]
    seen[:, :-1] &= context.seen[:, 1:]
    strength *= seen
    # Orientation 0-9, shared between its two nearest bins.
    turn = np.arctan2(down, across) * np.float32(ORIENTATIONS / np.pi)
    turn += ORIENTATIONS * (turn < 0)
    low = np.floor(turn).astype(np.int32)
    part = turn - low
    size = CELLS * CELLS * ORIENTATIONS
    histogram = np.bincount((_CELL_OF_PIXEL + low % ORIENTATIONS).ravel(), (strength * (1 - part)).ravel(), size)
    histogram += np.bincount((_CELL_OF_PIXEL + (low + 1) % ORIENTATIONS).ravel(), (strength * part).ravel(), size)
    histogram = histogram.reshape(CELLS, CELLS, ORIENTATIONS)
    share = seen.reshape(CELLS, CELL, CELLS, CELL).mean(axis=(1, 3))
    whole = share >= _SEEN_SHARE
    # As if the whole cell were seen.
    histogram = np.where(whole[..., None], histogram / np.maximum(share, _SEEN_SHARE)[..., None], 0.0)
    energy = histogram.sum(axis=2)
    general = energy.sum() / max(1, int(whole.sum()))
    if general <= 0:
        return np.full(LENGTH, UNSEEN, dtype=np.float32)
    around = _neighbours(energy) / np.maximum(_neighbours(whole.astype(np.float64)), 1)
    scaled = np.sqrt(histogram / (around + _LEAST_EDGE * general)[..., None]) + 1e-4
    return _mirrored_mean(scaled, whole).astype(np.float32).ravel()


def _mirrored_mean(histogram: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The left half averaged with the right one's mirror image, over those of the two that are seen."""
    half = CELLS // 2
    # An edge's angle becomes 180 degrees less itself: bin k becomes bin 9 - k, and bin 0 stays.
    turned = histogram[:, ::-1][:, :, _MIRRORED]
    one, other = whole[:, :half, None].astype(float), whole[:, ::-1][:, :half, None].astype(float)
    mean = (histogram[:, :half] * one + turned[:, :half] * other) / np.maximum(one + other, 1)
    return np.where(one + other > 0, mean, UNSEEN)


def _neighbours(values: np.ndarray) -> np.ndarray:
    """Sum over each cell and its eight neighbours."""
    padded = np.pad(values, 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    summed: np.ndarray = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return summed


_MIRRORED = [0, *range(ORIENTATIONS - 1, 0, -1)]
_CELL_NUMBER = np.arange(SIDE) // CELL
_CELL_OF_PIXEL = ((_CELL_NUMBER[:, None] * CELLS + _CELL_NUMBER[None, :]) * ORIENTATIONS).astype(np.int32)
