"""Backgrounds of an office: drawn, or taken from pictures; full of straight edges, as a real one is."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 640, 480


def drawn_room(rng: np.random.Generator) -> np.ndarray:
    """A wall with doors, shelves, screens, posters and lamps: float32 (HEIGHT, WIDTH, 3)."""
    wall = _tint(rng, rng.uniform(60, 235), 0.12)
    picture = Image.new("RGB", (WIDTH, HEIGHT), _colour(wall))
    draw = ImageDraw.Draw(picture)
    things = (_panel, _panel, _door, _shelf, _blinds, _screen, _lamp)
    for _thing in range(int(rng.integers(0, 9))):
        things[int(rng.integers(len(things)))](draw, rng)
    if rng.random() < 0.5:
        turn = rng.normal(0, 2.5)
        picture = picture.rotate(turn, Image.Resampling.BILINEAR, fillcolor=_colour(wall))
    picture = picture.filter(ImageFilter.GaussianBlur(float(rng.choice([0.4, 0.8, 1.5, 3.0]))))
    levels = np.asarray(picture, dtype=np.float32) * uneven_light(rng, rng.uniform(0, 0.5))[..., None]
    grain = Image.fromarray(rng.normal(0, rng.uniform(0, 8), (60, 80)).astype(np.float32), "F")
    levels = levels + np.asarray(grain.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))[..., None]
    return np.asarray(np.clip(levels, 0, 255), dtype=np.float32)


def pictured_room(rng: np.random.Generator, pictures: Sequence[np.ndarray]) -> np.ndarray:
    """A part of one of the pictures, enlarged, mirrored or not: float32 (HEIGHT, WIDTH, 3)."""
    pixels = pictures[int(rng.integers(len(pictures)))]
    height, width = pixels.shape[:2]
    share = rng.uniform(0.5, 1.0)
    across, down = max(2, int(width * share)), max(2, int(height * rng.uniform(0.6, 1.0)))
    left, top = int(rng.integers(0, width - across + 1)), int(rng.integers(0, height - down + 1))
    part = Image.fromarray(pixels[top : top + down, left : left + across])
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    resized = part.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    return np.asarray(resized.filter(ImageFilter.GaussianBlur(float(rng.choice([0.0, 1.0, 2.0])))), dtype=np.float32)


def uneven_light(rng: np.random.Generator, strength: float) -> np.ndarray:
    """A factor that changes smoothly over the picture, with a mean of about 1: float32 (HEIGHT, WIDTH)."""
    knots = 1 + strength * rng.uniform(-1, 1, (3, 4)).astype(np.float32)
    smooth = Image.fromarray(knots, "F").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(np.maximum(np.asarray(smooth), 0.1))


def _tint(rng: np.random.Generator, light: float, strength: float) -> np.ndarray:
    tint: np.ndarray = light * (1 + strength * rng.normal(0, 1, 3))
    return tint


def _colour(levels: np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(np.clip(level, 0, 255)) for level in levels)
    return red, green, blue


def _any_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    strength = 0.6 if rng.random() < 0.25 else 0.12
    return _colour(_tint(rng, rng.choice([rng.uniform(15, 90), rng.uniform(90, 180), rng.uniform(180, 250)]), strength))


def _panel(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top = rng.uniform(-80, WIDTH), rng.uniform(-80, HEIGHT * 0.8)
    right, bottom = left + rng.uniform(40, 320), top + rng.uniform(40, 320)
    draw.rectangle((left, top, right, bottom), _any_colour(rng), _any_colour(rng), int(rng.integers(1, 8)))


def _door(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, wide = rng.uniform(-60, WIDTH), rng.uniform(-40, 150), rng.uniform(90, 260)
    draw.rectangle((left, top, left + wide, HEIGHT + 20), _any_colour(rng), _any_colour(rng), int(rng.integers(2, 14)))


def _shelf(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, wide = rng.uniform(-100, WIDTH), rng.uniform(-50, 200), rng.uniform(100, 350)
    board = _any_colour(rng)
    for row in range(int(rng.integers(1, 5))):
        base = top + (row + 1) * rng.uniform(50, 80)
        along = left
        while along < left + wide:
            thick = rng.uniform(5, 30)
            if rng.random() < 0.8:
                draw.rectangle((along, base - rng.uniform(20, 50), along + thick, base), _any_colour(rng))
            along += thick + 1
        draw.rectangle((left, base, left + wide, base + rng.uniform(3, 9)), board)


def _blinds(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, wide, high = rng.uniform(-60, WIDTH), rng.uniform(-60, 150), rng.uniform(80, 300), rng.uniform(80, 300)
    step, upright = rng.uniform(6, 24), rng.random() < 0.5
    bright, dark = _any_colour(rng), _any_colour(rng)
    draw.rectangle((left, top, left + wide, top + high), bright)
    for along in np.arange(0, wide if upright else high, step):
        ends = (
            (left + along, top, left + along, top + high) if upright else (left, top + along, left + wide, top + along)
        )
        draw.line(ends, dark, max(1, int(step / 4)))


def _screen(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, wide = rng.uniform(-60, WIDTH), rng.uniform(0, HEIGHT * 0.7), rng.uniform(80, 260)
    edges = (left, top, left + wide, top + 0.6 * wide)
    draw.rectangle(edges, _any_colour(rng), _colour(np.full(3, rng.uniform(5, 60))), int(rng.integers(4, 12)))


def _lamp(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    left, top, wide = rng.uniform(0, WIDTH), rng.uniform(-10, 120), rng.uniform(10, 160)
    draw.rectangle((left, top, left + wide, top + rng.uniform(5, 40)), _colour(np.full(3, rng.uniform(225, 255))))
