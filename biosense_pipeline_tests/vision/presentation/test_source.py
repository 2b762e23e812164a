"""The signature of what encoded a picture."""

import io

import pytest
from PIL import Image

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.vision.presentation.source import source_signature
from biosense_pipeline_tests.pictures import saved

PICTURES = [Image.open(io.BytesIO(frames.own_frame(person, 1))).convert("RGB") for person in Person]


@pytest.mark.parametrize("options", [{"quality": 80}, {"quality": 95, "subsampling": 0}, {"progressive": True}])
def test_one_encoder_has_one_signature(options: dict[str, object]) -> None:
    """Whatever a camera sees, its pictures have the same signature."""
    assert len({source_signature(saved(picture, "JPEG", **options)) for picture in PICTURES}) == 1


def test_every_choice_of_an_encoder_shows() -> None:
    """Quality, sampling, size, progressive scans, a segment more and another format each give another signature."""
    picture = PICTURES[0]
    files = [
        saved(picture, "JPEG", quality=80),
        saved(picture, "JPEG", quality=81),
        saved(picture, "JPEG", quality=80, subsampling=0),
        saved(picture.resize((320, 240)), "JPEG", quality=80),
        saved(picture, "JPEG", quality=80, progressive=True),
        saved(picture, "JPEG", quality=80, comment=b"another client"),
        saved(picture.convert("L"), "JPEG", quality=80),
        saved(picture, "PNG"),
        saved(picture.convert("L"), "PNG"),
    ]
    assert len({source_signature(data) for data in files}) == len(files)


def test_what_a_segment_says_does_not_count() -> None:
    """A comment or EXIF that differs from still to still, as a time does, is no other source."""
    said = [saved(PICTURES[0], "JPEG", comment=b"taken at " + time) for time in (b"10:00", b"10:01")]
    assert source_signature(said[0]) == source_signature(said[1])


def test_it_reads_as_words() -> None:
    """Format, size and sampling can be read in it, and it fits its column."""
    assert source_signature(saved(PICTURES[0], "JPEG", subsampling=2)).startswith("JPEG 640x480 2x2,1x1,1x1 ")
    assert source_signature(saved(PICTURES[0], "PNG")).startswith("PNG 640x480 RGB ")
    assert len(source_signature(saved(PICTURES[0].convert("CMYK").resize((9000, 10)), "JPEG"))) <= 64
