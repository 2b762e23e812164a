"""Recaptures in styles that share no step but the camera: no style's own mark is to be learnt for the thing itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from biosense_pipeline.evaluation.recapture.hands import skin_colour, with_fingers
from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH, drawn_room, pictured_room, uneven_light
from biosense_pipeline.evaluation.recapture.scene import Place, Scene, person_in_a_room, photograph
from biosense_pipeline.evaluation.recapture.sheet import Held, Pose, forward, hold, resized
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.vision.alignment import BOX_BELOW, BOX_WIDTH


@dataclass(frozen=True)
class Material:
    """What recaptures are made of.

    Attributes:
        sources: whom the pictures show. pictures: rooms.
    """

    sources: Sequence[Source]
    pictures: Sequence[np.ndarray]

    def another(self, rng: np.random.Generator) -> Source:
        """Anybody, as who sits behind the sheet."""
        return self.sources[int(rng.integers(len(self.sources)))]


Style = Callable[[np.random.Generator, Source, Place, Material], Scene]


def photo_paper(rng: np.random.Generator, source: Source, place: Place, material: Material) -> Scene:
    """A photograph on paper of its own size, bent and tilted, before whoever holds it.

    The colours lose contrast and depth together, light falls on all of it from one side, and gloss whitens a part.
    """
    from scipy import ndimage

    crop, points, face = _cropped(rng, source, material, loose=0.35)
    blur = abs(rng.normal(0.3, 0.5)) * face / 110
    printed = ndimage.gaussian_filter(crop, (blur, blur, 0))
    low, high = rng.uniform(0, 55), rng.uniform(175, 250)
    grey = printed @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    printed = grey[..., None] + (printed - grey[..., None]) * rng.uniform(0.5, 1.1)
    paper = np.clip(1 + rng.normal(0, 0.03, 3), 0.85, 1.08)
    printed = (low + printed / 255 * (high - low)) * paper
    sheet, points = _framed(rng, printed, points, high * paper, rng.choice([0, 0, rng.uniform(0.02, 0.07)]))
    held, pose = _held(rng, sheet, points, face, place, bend=0.55)
    light = uneven_light(rng, rng.uniform(0.05, 0.45)) * np.exp(rng.normal(0, 0.2))
    levels = held.levels * (light * (1 + rng.uniform(-0.35, 0.35) * held.slope))[..., None]
    if rng.random() < 0.6:
        levels += _gloss(rng, place, rng.uniform(10, 90))
    behind = person_in_a_room(rng, material.another(rng), _behind(rng, place), material.pictures).levels
    mixed = _over(rng, held, levels, behind, shadow=rng.uniform(0, 0.4))
    return _finished(rng, mixed, held, pose, sheet, place, fingers=0.75)


def plain_paper(rng: np.random.Generator, source: Source, place: Place, material: Material) -> Scene:
    """A page from an office printer: dots of ink in linear light, wide margins, a fold, before an empty room."""
    crop, points, face = _cropped(rng, source, material, loose=0.5)
    # Printed at twice the size at which it is seen, so that the dots are fine but not gone.
    fine = place.width / face * 2
    crop, points, face = resized(crop, fine), points * fine, face * fine
    linear = (crop / 255) ** 2.2
    ink = 1 - np.clip(linear, 0.004, 1) ** (1 / rng.uniform(1.6, 2.6))
    strength, bleed = rng.uniform(0.78, 0.98), rng.uniform(0.0, 0.12)
    ink = strength * (ink * (1 - bleed) + bleed * ink.mean(axis=-1, keepdims=True))
    # Bands of the print head, dots of the raster, grains of the toner.
    rows = np.arange(ink.shape[0])[:, None, None]
    columns = np.arange(ink.shape[1])[None, :, None]
    period, angle = rng.uniform(2.0, 4.5), rng.uniform(0, np.pi)
    phase = 2 * np.pi / period
    raster = np.sin(phase * (np.cos(angle) * columns + np.sin(angle) * rows)) * np.sin(
        phase * (np.cos(angle) * rows - np.sin(angle) * columns)
    )
    ink = ink * (1 + rng.uniform(0, 0.12) * raster + rng.uniform(0, 0.03) * np.sin(rows * rng.uniform(0.02, 0.6)))
    ink += rng.normal(0, rng.uniform(0.0, 0.025), ink.shape[:2])[..., None]
    paper = rng.uniform(0.75, 0.95) * np.exp(rng.normal(0, 0.025, 3))
    printed = 255 * (paper * (1 - np.clip(ink, 0, 0.985))) ** (1 / 2.2)
    white = 255 * paper ** (1 / 2.2)
    printed, points = _cut_to_halves(printed, points)
    margin = rng.choice([0, rng.uniform(0.03, 0.15), rng.uniform(0.15, 0.6)])
    sheet, points = _framed(rng, printed, points, white, margin, even=False)
    held, pose = _held(rng, sheet, points, face / 2, place, bend=0.25)
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
    return _finished(rng, mixed, held, pose, sheet, place, fingers=0.5)


def phone_screen(rng: np.random.Generator, source: Source, place: Place, material: Material) -> Scene:
    """A phone or a tablet: its own light, a dark frame, bluish, moiré, a reflection of the room."""
    crop, points, face = _cropped(rng, source, material, loose=0.5)
    grey = crop.mean(axis=-1, keepdims=True)
    shown = 255 * np.clip((grey + (crop - grey) * rng.uniform(0.8, 1.4)) / 255, 0, 1) ** rng.uniform(0.7, 1.1)
    shown = shown * rng.uniform(0.7, 1.3) * np.array([0.95, 1.0, 1.06]) ** rng.normal(1, 0.7)
    frame = np.full(3, rng.uniform(3, 40))
    sheet, points = _framed(rng, shown, points, frame, rng.uniform(0.02, 0.12), even=False)
    held, pose = _held(rng, sheet, points, face, place, bend=0.0)
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wave = np.sin(across * rng.uniform(0.1, 1.5) + down * rng.uniform(-1.0, 1.0) + 3 * np.sin(across / 90))
    levels = held.levels * (1 + rng.uniform(0, 0.06) * wave)[..., None]
    room = person_in_a_room(rng, material.another(rng), _behind(rng, place), material.pictures).levels
    levels = levels + rng.uniform(0, 0.15) * room[:, ::-1] + _gloss(rng, place, rng.uniform(0, 80))
    mixed = _over(rng, held, levels, room * rng.uniform(0.5, 1.0), shadow=0.0)
    return _finished(rng, mixed, held, pose, sheet, place, fingers=0.75)


#: The styles by name; the first two are prints, and groups are chosen between them.
STYLES: dict[str, Style] = {"photo_paper": photo_paper, "plain_paper": plain_paper, "phone_screen": phone_screen}


def _cropped(
    rng: np.random.Generator, source: Source, material: Material, loose: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """What of the picture is printed, from a tight face to head and shoulders, its landmarks, the face's width."""
    picture, more = photograph(rng, source, material.pictures)
    middle_x, middle_y, face = source.face
    middle_x, middle_y = middle_x + more, middle_y + more
    kind = rng.random()
    low, high = (0.5, 0.8) if kind > loose + 0.25 else (0.8, 1.1) if kind > loose else (1.1, 1.7)
    left, right = rng.uniform(low, high, 2)
    above, below = rng.uniform(max(low, 0.6), high + 0.1), rng.uniform(max(low, 0.6), high + 0.3)
    height, width = picture.shape[:2]
    edges = (
        int(max(0, middle_x - left * face)),
        int(max(0, middle_y - above * face)),
        int(min(width, middle_x + right * face)),
        int(min(height, middle_y + below * face)),
    )
    crop = np.asarray(picture[edges[1] : edges[3], edges[0] : edges[2]], dtype=np.float32)
    return crop, source.landmarks + np.float32(more) - np.array(edges[:2], dtype=np.float32), face


def _cut_to_halves(levels: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the size, each pixel the mean of four."""
    height, width = (side // 2 * 2 for side in levels.shape[:2])
    return levels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3)), points / 2


def _framed(
    rng: np.random.Generator,
    printed: np.ndarray,
    points: np.ndarray,
    colour: np.ndarray,
    margin: float,
    even: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """With a margin of that share of its size around it, as wide on all sides or not."""
    side = margin * max(printed.shape[:2])
    widths = np.full(4, side) if even else side * rng.uniform(0.1, 1.6, 4)
    left, top, right, bottom = (round(width) for width in widths)
    height, width = printed.shape[:2]
    sheet = np.empty((height + top + bottom, width + left + right, 3), dtype=np.float32)
    sheet[:] = colour
    sheet[top : top + height, left : left + width] = np.clip(printed, 0, 255)
    return sheet, points + np.array([left, top], dtype=np.float32)


def _held(
    rng: np.random.Generator, sheet: np.ndarray, points: np.ndarray, face: float, place: Place, bend: float
) -> tuple[Held, Pose]:
    """The sheet held so that the face comes to stand in its place."""
    scale = place.width / face
    sheet, points = resized(sheet, scale), points * scale
    roll = np.deg2rad(rng.normal(0, 14 if rng.random() < 0.3 else 4))
    pitch, yaw = np.deg2rad(rng.normal(0, 12, 2))
    bent = rng.uniform(0.05, bend) if rng.random() < 0.6 and bend > 0.05 else 0.0
    pose = Pose(WIDTH / 2, HEIGHT / 2, roll, pitch, yaw, bent, bool(rng.random() < 0.3))
    middle = forward(points, pose, sheet.shape[1], sheet.shape[0]).mean(axis=0)
    eyes = place.width / BOX_WIDTH
    # The landmarks' mean stands a third of the eyes' distance above the face's middle.
    pose = Pose(
        pose.across + place.across - float(middle[0]),
        pose.down + place.down - BOX_BELOW * eyes - float(middle[1]),
        roll,
        pitch,
        yaw,
        bent,
        pose.lying,
    )
    return hold(sheet, pose, points), pose


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
    pose: Pose,
    sheet: np.ndarray,
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
