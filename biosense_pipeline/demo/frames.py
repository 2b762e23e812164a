"""Webcam-like frames from the bundled photographs: the same seed gives the same picture."""

import io
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image, ImageFilter

FRAME = (640, 480)
#: A PNG of one colour with more pixels than the default cap of 12 megapixels, yet few bytes.
_OVERSIZED = (4200, 3000)


@dataclass(frozen=True)
class Portrait:
    """A photograph and where its face is: centre and width in pixels."""

    file: str
    face_centre: tuple[int, int]
    face_width: int


class Person(Enum):
    """The people in the bundled photographs; the first portrait serves as training image."""

    COLLINS = (Portrait("astronaut.png", (221, 114), 88),)
    HOPPER = (Portrait("grace_hopper_512x512.jpg", (253, 201), 216),)
    OBAMA = (Portrait("obama.jpg", (478, 321), 259), Portrait("obama2.jpg", (417, 461), 311))
    BIDEN = (Portrait("biden.jpg", (570, 381), 311),)


EMPTY_SEATS = ("coffee.png", "rocket.jpg", "chelsea.png")


def training_picture(person: Person) -> bytes:
    """The person's first portrait as it would be uploaded for enrolment: sharp, face about 200 pixels wide."""
    rng = np.random.default_rng(0)
    return _jpeg(_seat(person.value[0], FRAME, face_width=200, rng=rng, jitter=0), quality=92)


def own_frame(person: Person, seed: int) -> bytes:
    """One person before the camera."""
    rng = np.random.default_rng([seed, 1])
    portrait = person.value[int(rng.integers(len(person.value)))]
    return _webcam(_seat(portrait, FRAME, face_width=rng.uniform(140, 190), rng=rng), rng)


def shared_frame(left: Person, right: Person, seed: int) -> bytes:
    """Two people side by side before one camera."""
    rng = np.random.default_rng([seed, 2])
    half = (FRAME[0] // 2, FRAME[1])
    picture = Image.new("RGB", FRAME)
    for position, person in enumerate((left, right)):
        seat = _seat(person.value[0], half, face_width=rng.uniform(105, 125), rng=rng, jitter=12)
        picture.paste(seat, (position * half[0], 0))
    return _webcam(picture, rng)


def empty_frame(seed: int) -> bytes:
    """Nobody before the camera."""
    rng = np.random.default_rng([seed, 3])
    source = _photograph(EMPTY_SEATS[seed % len(EMPTY_SEATS)])
    return _webcam(source.resize(FRAME), rng)


def truncated_frame(person: Person, seed: int) -> bytes:
    """A frame whose upload broke off half way."""
    whole = own_frame(person, seed)
    return whole[: len(whole) // 2]


def not_an_image(seed: int) -> bytes:
    """Bytes that are no picture: what a proxy answers in the camera's stead."""
    return f"<html><body>503 Service Unavailable ({seed})</body></html>".encode()


def oversized_frame() -> bytes:
    """A picture over the pixel cap."""
    buffer = io.BytesIO()
    Image.new("RGB", _OVERSIZED, (40, 44, 52)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


@cache
def _photograph(file: str) -> Image.Image:
    data = (files("biosense_pipeline.demo") / "stills" / file).read_bytes()
    return Image.open(io.BytesIO(data)).convert("RGB")


@cache
def _room(file: str, size: tuple[int, int]) -> Image.Image:
    """The corner of the photograph that has no face stands in for the room, blurred beyond recognition."""
    photograph = _photograph(file)
    corner = photograph.crop((0, 0, photograph.width // 4, photograph.height // 4))
    return corner.resize(size).filter(ImageFilter.GaussianBlur(30))


def _seat(
    portrait: Portrait,
    size: tuple[int, int],
    face_width: float,
    rng: np.random.Generator,
    jitter: int = 40,
) -> Image.Image:
    """The person as a webcam of that frame size sees him; around the photograph its own blur."""
    photograph = _photograph(portrait.file)
    scale = float(face_width) / portrait.face_width
    scaled = photograph.resize(
        (round(photograph.width * scale), round(photograph.height * scale)), Image.Resampling.LANCZOS
    )
    shift_x, shift_y = rng.integers(-jitter, jitter + 1, size=2) if jitter else (0, 0)
    left = round(size[0] / 2 + shift_x - portrait.face_centre[0] * scale)
    top = round(size[1] * 0.45 + shift_y / 2 - portrait.face_centre[1] * scale)
    picture = _room(portrait.file, size).copy()
    picture.paste(scaled, (left, top))
    return picture


def _webcam(picture: Image.Image, rng: np.random.Generator) -> bytes:
    """Exposure, sensor noise and the camera's JPEG."""
    pixels = np.asarray(picture, dtype=np.float32) * rng.uniform(0.8, 1.15)
    pixels += rng.normal(0, rng.uniform(1.5, 5.0), size=pixels.shape)
    exposed = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return _jpeg(exposed, quality=int(rng.integers(65, 91)))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
