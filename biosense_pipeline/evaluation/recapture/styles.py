"""Recaptures in styles that share no step but the camera: no style's own mark is to be learnt for the thing itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from biosense_pipeline.evaluation.recapture.hands import skin_colour, with_fingers
from biosense_pipeline.evaluation.recapture.prints import (
    Material,
    Print,
    cropped,
    framed,
    on_photo_paper,
    on_plain_paper,
)
from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH, drawn_room, pictured_room, uneven_light
from biosense_pipeline.evaluation.recapture.scene import Place, Scene, person_in_a_room
from biosense_pipeline.evaluation.recapture.sheet import Held, Pose, forward, hold, resized
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.vision.alignment import BOX_BELOW, BOX_WIDTH

Style = Callable[[np.random.Generator, Source, Place, Material], Scene]


def photo_paper(rng: np.random.Generator, source: Source, place: Place, material: Material) -> Scene:
    """A photograph on paper of its own size, bent and tilted, before whoever holds it.

    The colours lose contrast and depth together, light falls on all of it from one side, and gloss whitens a part.
    """
    printed = on_photo_paper(rng, source, material)
    held = _held(rng, printed, place, bend=0.55)
    light = uneven_light(rng, rng.uniform(0.05, 0.45)) * np.exp(rng.normal(0, 0.2))
    levels = held.levels * (light * (1 + rng.uniform(-0.35, 0.35) * held.slope))[..., None]
    if rng.random() < 0.6:
        levels += _gloss(rng, place, rng.uniform(10, 90))
    behind = person_in_a_room(rng, material.another(rng), _behind(rng, place), material.pictures).levels
    mixed = _over(rng, held, levels, behind, shadow=rng.uniform(0, 0.4))
    return _finished(rng, mixed, held, place, fingers=0.75)


def plain_paper(rng: np.random.Generator, source: Source, place: Place, material: Material) -> Scene:
    """A page from an office printer: dots of ink in linear light, wide margins, a fold, before an empty room."""
    printed = on_plain_paper(rng, source, material, place.width)
    held = _held(rng, printed, place, bend=0.25)
    # One fold or two, each side in its own light.
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    light = np.ones((HEIGHT, WIDTH), dtype=np.float32)
    for _fold in range(int(rng.integers(0, 3))):
        turn = rng.uniform(0, np.pi)
        side = (
            (across - place.across) * np.cos(turn) + (down - place.down) * np.sin(turn) - rng.normal(0, place.width / 2)
        )
        light *= 1 + rng.uniform(-0.2, 0.2) / (1 + np.exp(np.clip(-side / 3, -30, 30)))
    spot = np.exp(-((across - rng.uniform(0, WIDTH)) ** 2 + (down - rng.uniform(0, HEIGHT)) ** 2) / (2 * 300.0**2))
    light *= rng.uniform(0.55, 0.95) + rng.uniform(0, 0.6) * spot
    levels = held.levels * np.maximum(light, 0.05)[..., None] ** (1 / 1.6)
    room = pictured_room(rng, material.pictures) if len(material.pictures) and rng.random() < 0.5 else drawn_room(rng)
    mixed = _over(rng, held, levels, room, shadow=0.0)
    return _finished(rng, mixed, held, place, fingers=0.5)


def phone_screen(rng: np.random.Generator, source: Source, place: Place, material: Material) -> Scene:
    """A phone or a tablet: its own light, a dark frame, bluish, moiré, a reflection of the room."""
    crop, points, face = cropped(rng, source, material, loose=0.5)
    grey = crop.mean(axis=-1, keepdims=True)
    shown = 255 * np.clip((grey + (crop - grey) * rng.uniform(0.8, 1.4)) / 255, 0, 1) ** rng.uniform(0.7, 1.1)
    shown = shown * rng.uniform(0.7, 1.3) * np.array([0.95, 1.0, 1.06]) ** rng.normal(1, 0.7)
    frame = np.full(3, rng.uniform(3, 40))
    sheet, points = framed(rng, shown, points, frame, rng.uniform(0.02, 0.12), even=False)
    held = _held(rng, Print(sheet, points, face), place, bend=0.0)
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wave = np.sin(across * rng.uniform(0.1, 1.5) + down * rng.uniform(-1.0, 1.0) + 3 * np.sin(across / 90))
    levels = held.levels * (1 + rng.uniform(0, 0.06) * wave)[..., None]
    room = person_in_a_room(rng, material.another(rng), _behind(rng, place), material.pictures).levels
    levels = levels + rng.uniform(0, 0.15) * room[:, ::-1] + _gloss(rng, place, rng.uniform(0, 80))
    mixed = _over(rng, held, levels, room * rng.uniform(0.5, 1.0), shadow=0.0)
    return _finished(rng, mixed, held, place, fingers=0.75)


#: The styles by name; the first two are prints, and groups are chosen between them.
STYLES: dict[str, Style] = {"photo_paper": photo_paper, "plain_paper": plain_paper, "phone_screen": phone_screen}


def _held(rng: np.random.Generator, printed: Print, place: Place, bend: float) -> Held:
    """The sheet held so that the face comes to stand in its place."""
    roll = np.deg2rad(rng.normal(0, 14 if rng.random() < 0.3 else 4))
    pitch, yaw = np.deg2rad(rng.normal(0, 12, 2))
    bent = rng.uniform(0.05, bend) if rng.random() < 0.6 and bend > 0.05 else 0.0
    return held_at(printed, place, Pose(WIDTH / 2, HEIGHT / 2, roll, pitch, yaw, bent, bool(rng.random() < 0.3)))


def held_at(printed: Print, place: Place, pose: Pose) -> Held:
    """The sheet in a pose, wherever that is, brought to where the face comes to stand in its place."""
    scale = place.width / printed.face
    sheet, points = resized(printed.levels, scale), printed.landmarks * scale
    middle = forward(points, pose, sheet.shape[1], sheet.shape[0]).mean(axis=0)
    eyes = place.width / BOX_WIDTH
    # The landmarks' mean stands a third of the eyes' distance above the face's middle.
    across = pose.across + place.across - float(middle[0])
    down = pose.down + place.down - BOX_BELOW * eyes - float(middle[1])
    return hold(sheet, replace(pose, across=across, down=down), points)


def _behind(rng: np.random.Generator, place: Place) -> Place:
    """Where whoever holds the sheet sits: behind it or a little beside it, farther away."""
    width = place.width * rng.uniform(0.5, 0.95)
    return Place(
        place.across + rng.normal(0, 0.6) * place.width,
        place.down - rng.normal(0.2, 0.5) * place.width,
        float(np.clip(width, 40, 200)),
        float(rng.normal(0, 5)),
    )


def _gloss(rng: np.random.Generator, place: Place, strength: float) -> np.ndarray:
    """A lamp's reflection, broad or narrow, somewhere on the sheet: (HEIGHT, WIDTH, 1)."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    turn, (long, short) = rng.uniform(0, np.pi), place.width * rng.uniform(0.15, 1.5, 2)
    x, y = (
        across - place.across - rng.normal(0, place.width * 0.7),
        down - place.down - rng.normal(0, place.width * 0.7),
    )
    one, other = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    gloss: np.ndarray = (strength * np.exp(-0.5 * ((one / long) ** 2 + (other / short) ** 2)))[..., None]
    return gloss


def _over(rng: np.random.Generator, held: Held, levels: np.ndarray, behind: np.ndarray, shadow: float) -> np.ndarray:
    """The sheet before what is behind it, with the shadow that it throws there."""
    share = held.share[..., None]
    if shadow > 0.05:
        small = Image.fromarray(held.share).resize((WIDTH // 8, HEIGHT // 8), Image.Resampling.BILINEAR)
        soft = np.roll(np.asarray(small), tuple(rng.integers(-5, 6, 2)), axis=(0, 1))
        wide = np.asarray(Image.fromarray(soft).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
        behind = behind * (1 - shadow * np.clip(wide, 0, 1))[..., None]
    mixed: np.ndarray = share * np.clip(levels, 0, 255) + (1 - share) * behind
    return mixed


def _finished(
    rng: np.random.Generator,
    levels: np.ndarray,
    held: Held,
    place: Place,
    fingers: float,
) -> Scene:
    """With fingers at an edge of the sheet, and the landmarks where they are seen."""
    if rng.random() < fingers:
        inside = held.share > 0.5
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if rows.size and columns.size:
            skin = skin_colour(rng) * np.exp(rng.normal(0, 0.15))
            for _hand in range(int(rng.integers(1, 3))):
                at, towards = _on_an_edge(rng, inside, rows, columns)
                levels = with_fingers(rng, levels, at, towards, place.width * rng.uniform(0.12, 0.24), skin)
    return Scene(levels, held.points)


def _on_an_edge(
    rng: np.random.Generator, inside: np.ndarray, rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A place on the left, right or lower edge of the sheet, and the direction into it."""
    side = rng.choice(["left", "right", "below"])
    if side == "below":
        column = int(rng.choice(columns))
        return np.array([column, np.flatnonzero(inside[:, column])[-1]], float), np.array([0.0, -1.0])
    row = int(rows[int(rows.size * rng.uniform(0.3, 1.0)) - 1])
    across = np.flatnonzero(inside[row])
    return (
        (np.array([across[0], row], float), np.array([1.0, 0.0]))
        if side == "left"
        else (np.array([across[-1], row], float), np.array([-1.0, 0.0]))
    )
