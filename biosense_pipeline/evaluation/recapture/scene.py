"""What stands before the camera: a person in a room, or whatever covers him."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH, drawn_room, pictured_room, uneven_light
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.vision.alignment import box_of

#: Faces before a webcam, in pixels of 640.
FACES = (62.0, 240.0)
#: A source is not enlarged by more: its blur would tell a person from the sharp room behind him.
ENLARGED = 1.7
#: A picture that is printed reaches farther than its source, by so many widths of the face.
_MORE = 0.6


@dataclass(frozen=True)
class Place:
    """Where a face is to stand: its middle and width in pixels, and its turn in degrees."""

    across: float
    down: float
    width: float
    turn: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, source: Source) -> "Place":
        """As people sit before webcams, and as pictures are held."""
        most = min(FACES[1], ENLARGED * source.face[2])
        width = float(np.exp(rng.uniform(np.log(FACES[0]), np.log(max(most, FACES[0] + 1)))))
        across, down = rng.normal(WIDTH / 2, 70), rng.normal(HEIGHT * 0.46, 45)
        margin = 0.45 * width
        return cls(
            float(np.clip(across, margin, WIDTH - margin)),
            float(np.clip(down, margin, HEIGHT - margin)),
            width,
            float(rng.normal(0, 4)),
        )


@dataclass(frozen=True)
class Scene:
    """float32 (HEIGHT, WIDTH, 3) of 0-255 and the landmarks of the face in it, (5, 2)."""

    levels: np.ndarray
    landmarks: np.ndarray

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The box that the detector would draw."""
        across, middle, width = box_of(self.landmarks)
        half = width / 2
        return round(across - half), round(middle - half), round(across + half), round(middle + half)


def person_in_a_room(
    rng: np.random.Generator, source: Source, place: Place, pictures: Sequence[np.ndarray] = ()
) -> Scene:
    """A live person, before anything is done to the picture.

    One who was cut out sits in a room that is drawn or a part of one of ``pictures``, now and then before his own
    backdrop; any other keeps his own surroundings.
    """
    if source.in_a_room or source.share is None or rng.random() < 0.15:
        levels, landmarks = moved(source, source.pixels, place)
        return Scene(_lit(rng, levels, 0.25), landmarks)
    assert source.colours is not None
    pictured = len(pictures) > 0 and rng.random() < 0.4
    room = pictured_room(rng, pictures) if pictured else drawn_room(rng)
    colours, landmarks = moved(source, source.colours, place)
    share, _same = moved(source, source.share, place)
    share = (share / 255)[..., None]
    return Scene(share * _lit(rng, colours, rng.uniform(0, 0.5)) + (1 - share) * room, landmarks)


def photograph(rng: np.random.Generator, source: Source, pictures: Sequence[np.ndarray] = ()) -> tuple[np.ndarray, int]:
    """The picture that somebody prints of a person, and by how much it is wider than the source on each side.

    At the source's scale, float32 (height, width, 3), its edges repeated as a scene repeats them. Composed as
    :func:`person_in_a_room` composes, so that the cut tells nothing.
    """
    more = round(_MORE * source.face[2])
    around = ((more, more), (more, more))
    if source.in_a_room or source.share is None or rng.random() < 0.3:
        return np.pad(source.pixels, (*around, (0, 0)), mode="edge").astype(np.float32), more
    assert source.colours is not None
    pictured = len(pictures) > 0 and rng.random() < 0.4
    room = pictured_room(rng, pictures) if pictured else drawn_room(rng)
    share = np.pad(source.share, around, mode="edge")[..., None] / np.float32(255)
    colours = np.pad(source.colours, (*around, (0, 0)), mode="edge")
    size = (share.shape[1], share.shape[0])
    behind = Image.fromarray(room.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    light = Image.fromarray(uneven_light(rng, rng.uniform(0, 0.5))).resize(size, Image.Resampling.BILINEAR)
    lit = colours * np.asarray(light)[..., None]
    mixed = share * lit + (1 - share) * np.asarray(behind, dtype=np.float32)
    return np.asarray(np.clip(mixed, 0, 255)), more


def _lit(rng: np.random.Generator, levels: np.ndarray, strength: float) -> np.ndarray:
    """Light of its own on a person: stronger on one side, a little coloured."""
    tint = 1 + 0.05 * rng.normal(0, 1, 3).astype(np.float32)
    lit: np.ndarray = np.clip(levels * uneven_light(rng, strength)[..., None] * tint, 0, 255)
    return lit


def moved(source: Source, layer: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """A layer of a source with its face in that place, and its landmarks there; a share comes as 0-255."""
    middle_x, middle_y, face = source.face
    scale = place.width / face
    picture = Image.fromarray(layer)
    size = (max(2, round(picture.width * scale)), max(2, round(picture.height * scale)))
    scaled = np.asarray(picture.resize(size, Image.Resampling.BICUBIC))
    turn = np.deg2rad(place.turn)
    cosine, sine = np.cos(turn), np.sin(turn)
    back = np.array([[cosine, sine], [-sine, cosine]])
    shift = np.array([middle_x, middle_y]) * scale - back @ [place.across, place.down]
    corners = np.array([[0, 0], [WIDTH, 0], [0, HEIGHT], [WIDTH, HEIGHT]]) @ back.T + shift
    # As much as the picture lacks, its edges repeated.
    before = np.maximum(0, np.ceil(-corners.min(axis=0)) + 2).astype(int)
    after = np.maximum(0, np.ceil(corners.max(axis=0) - size) + 2).astype(int)
    margins = [(before[1], after[1]), (before[0], after[0])]
    padded = np.pad(scaled, [*margins, *([(0, 0)] * (scaled.ndim - 2))], mode="edge")
    shift += before
    matrix = (*back[0], shift[0], *back[1], shift[1])
    moved = Image.fromarray(padded).transform(
        (WIDTH, HEIGHT), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    offsets = (source.landmarks - np.array([middle_x, middle_y], dtype=np.float32)) * scale
    turned = offsets @ back
    return np.asarray(moved, dtype=np.float32), (turned + np.array([place.across, place.down])).astype(np.float32)
