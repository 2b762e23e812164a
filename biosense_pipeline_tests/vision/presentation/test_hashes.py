"""The hashes of a picture: when they are equal, and when they must not be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.decode import decode
from biosense_pipeline.vision.presentation.hashes import byte_hash, perceptual_hash, pixel_hash
from biosense_pipeline_tests.pictures import saved
from biosense_pipeline_tests.vision.conftest import LIMITS


def test_same_pixels_in_another_file() -> None:
    """A picture that is stored anew without loss keeps the hash of its pixels and gets another of its bytes."""
    picture = Image.fromarray(decode(frames.own_frame(Person.HOPPER, 1), LIMITS))
    one, other = (saved(picture, "PNG", compress_level=level) for level in (1, 9))
    assert byte_hash(one) != byte_hash(other)
    assert pixel_hash(decode(one, LIMITS)) == pixel_hash(decode(other, LIMITS))


@given(
    height=st.integers(1, 70),
    width=st.integers(1, 70),
    seed=st.integers(0, 1000),
    place=st.floats(0, 1, exclude_max=True),
    change=st.integers(1, 255),
)
def test_one_level_of_one_pixel(height: int, width: int, seed: int, place: float, change: int) -> None:
    """A single level that differs, wherever it is and however large the picture, gives another hash."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    other = pixels.copy()
    other.reshape(-1)[int(place * pixels.size)] ^= np.uint8(change)
    assert pixel_hash(pixels) != pixel_hash(other)
    assert pixel_hash(pixels) == pixel_hash(pixels.copy())


def test_shape_counts() -> None:
    """The same bytes in another shape are another picture."""
    pixels = np.zeros((48, 64, 3), dtype=np.uint8)
    assert pixel_hash(pixels) != pixel_hash(pixels.transpose(1, 0, 2))


def test_rows_that_change_places() -> None:
    """The same rows in another order are another picture."""
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert len({pixel_hash(pixels), pixel_hash(pixels[::-1]), pixel_hash(np.roll(pixels, 1, axis=0))}) == 3


@pytest.mark.parametrize("person", Person)
def test_pictures_that_look_alike(person: Person) -> None:
    """Scaled, compressed anew or a little brighter, a picture keeps all but a few bits of its perceptual hash."""
    picture = Image.fromarray(decode(frames.training_picture(person), LIMITS))
    whole = perceptual_hash(np.asarray(picture))
    alike = [
        picture.resize((320, 240), Image.Resampling.BOX),
        picture.resize((1280, 960), Image.Resampling.BICUBIC),
        ImageEnhance.Brightness(picture).enhance(1.1),
        Image.fromarray(decode(saved(picture, "JPEG", quality=30), LIMITS)),
    ]
    assert [(whole ^ perceptual_hash(np.asarray(other))).bit_count() <= 4 for other in alike] == [True] * 4


def test_pictures_that_look_different() -> None:
    """Pictures of different people differ in many bits, and the hash keeps to 64."""
    hashes = [perceptual_hash(decode(frames.training_picture(person), LIMITS)) for person in Person]
    apart = [(one ^ other).bit_count() for number, one in enumerate(hashes) for other in hashes[:number]]
    assert min(apart) > 10
    assert all(0 <= value < 2**64 for value in hashes)


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (33, 31), (4000, 20)])
def test_any_size_has_a_perceptual_hash(size: tuple[int, int]) -> None:
    """Pictures of one pixel, thin strips and small ones have a hash too."""
    assert 0 <= perceptual_hash(np.full((*size, 3), 77, dtype=np.uint8)) < 2**64
