"""Small pictures drawn by a formula: a face in a room, or on a sheet that is held before one."""

from datetime import datetime, timedelta

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from biosense_pipeline.matching.evidence.still import EvidenceStill

START = datetime(2026, 3, 2, 9)
#: Of the small picture, and how many pixels of the still are one of it.
HEIGHT, WIDTH, SCALE = 48, 64, 10
_FACE = np.array([[0.287, -0.187], [0.126, -0.187], [-0.287, -0.187], [-0.126, -0.187], [0.0, 0.081]])
#: Width of the face, in pixels of the small picture.
FACE = 9.0


class Room:
    """A wall with things on it, or an even one."""

    def __init__(self, seed: int, contrast: float = 40.0) -> None:
        rough = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (HEIGHT + 80, WIDTH + 80)), 1.5)
        self._wall = 128 + contrast * rough / rough.std()

    def seen(self, across: float = 0.0, down: float = 0.0) -> np.ndarray:
        """Grey levels (48, 64), by a camera that was turned by so many pixels."""
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        return np.asarray(map_coordinates(self._wall, [rows + 40 + down, columns + 40 + across], order=1))


def places(at: tuple[float, float]) -> np.ndarray:
    """Across and down from a face there, in widths of the face: (48, 64, 2)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([columns - at[0], rows - at[1]], axis=-1) / FACE


def person(room: np.ndarray, at: tuple[float, float]) -> np.ndarray:
    """A head and shoulders there."""
    x, y = np.moveaxis(places(at), -1, 0)
    head = (x / 0.6) ** 2 + ((y + 0.06) / 0.8) ** 2 < 1
    shoulders = (x / 1.2) ** 2 + (np.minimum(y - 1.5, 0) / 1.0) ** 2 < 1
    seen: np.ndarray = np.where(head, 170 + 30 * np.sin(9 * x) * np.cos(7 * y), np.where(shoulders, 95, room))
    return seen


def sheet(room: np.ndarray, at: tuple[float, float], reach: float, seed: int = 5) -> np.ndarray:
    """A person printed on a sheet with a room of his own, which ends so many widths of the face from its middle."""
    printed = Room(seed).seen(-at[0] + 32, -at[1] + 24)
    x, y = np.moveaxis(places(at), -1, 0)
    inside = np.clip((reach - np.maximum(np.abs(x), np.abs(y) / 1.2)) * FACE + 0.5, 0, 1)
    seen: np.ndarray = inside * (0.5 * person(printed, at) + 120) + (1 - inside) * room
    return seen


def still(number: int, levels: np.ndarray, at: tuple[float, float], seed: int = 0) -> EvidenceStill:
    """A still of these levels, with the noise that a small picture has, one every ten seconds."""
    noise = np.random.default_rng([seed, number]).normal(0, 0.7, levels.shape)
    landmarks = ((_FACE * FACE + at + 0.5) * SCALE - 0.5).astype(np.float32)
    return EvidenceStill(
        number, START + number * timedelta(seconds=10), None, 1, b"", b"", 0, "",
        landmarks=landmarks, thumbnail=np.clip(np.round(levels + noise), 0, 255).astype(np.uint8),
        picture_width=WIDTH * SCALE,
    )  # fmt: skip


def path(count: int, seed: int = 1, far: float = 4.0) -> list[tuple[float, float]]:
    """Where a face is, still after still."""
    offsets = np.random.default_rng(seed).normal(0, [far, far / 3], (count, 2))
    return [(32 + float(across), 22 + float(down)) for across, down in offsets]
