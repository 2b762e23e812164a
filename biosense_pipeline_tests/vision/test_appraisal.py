"""The numbers of a training image, on real faces and on such as were spoilt on purpose."""

import io
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageFilter

from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.settings import Settings
from biosense_pipeline.vision.appraisal import appraise
from biosense_pipeline.vision.decode import decode
from biosense_pipeline.vision.faces import ENROLMENT_LOOK, Face, FaceEngine
from biosense_pipeline_tests.pictures import saved
from biosense_pipeline_tests.vision.conftest import LIMITS, examine_one

NUMBERS = {"aligned_sharpness", "dark_share", "bright_share", "nose_offset", "roll"}
See = Callable[[Image.Image], Face]


@pytest.fixture(scope="session")
def appraised(engine: FaceEngine) -> See:
    """The one face of a picture, looked at for an enrolment."""

    def look(picture: Image.Image) -> Face:
        (face,) = examine_one(engine, saved(picture, "JPEG", quality=92), ENROLMENT_LOOK).faces
        return face

    return look


@pytest.mark.parametrize("person", Person)
def test_good_training_pictures_hold_to_the_defaults(appraised: See, person: Person) -> None:
    """Each training picture of the demo lies within the default limits, by a wide margin where light may differ."""
    settings, numbers = Settings(), appraised(_picture(person)).quality
    assert numbers["width"] >= 2 * settings.training_min_face_width
    assert numbers["aligned_sharpness"] >= 10 * settings.training_min_sharpness
    assert max(numbers["dark_share"], numbers["bright_share"]) <= settings.training_max_clipped / 10
    assert numbers["nose_offset"] <= settings.training_max_nose_offset / 2
    assert numbers["roll"] <= settings.training_max_roll


@pytest.mark.parametrize("person", Person)
def test_small_and_compressed_is_still_sharp(appraised: See, engine: FaceEngine, person: Person) -> None:
    """A face little wider than the limit, strongly compressed, passes as sharp: size alone is no blur."""
    small = saved(_picture(person).resize((256, 192), Image.Resampling.LANCZOS), "JPEG", quality=40)
    (face,) = examine_one(engine, small, ENROLMENT_LOOK).faces
    assert 80 <= face.quality["width"] < 100
    assert face.quality["aligned_sharpness"] > 50


@pytest.mark.parametrize("person", Person)
def test_blur_lowers_sharpness(appraised: See, person: Person) -> None:
    """The more a face is blurred the less sharp it is, and at three pixels it is beyond the default limit."""
    blurred = [appraised(_picture(person).filter(ImageFilter.GaussianBlur(radius))).quality for radius in (0, 1, 2, 3)]
    sharpness = [numbers["aligned_sharpness"] for numbers in blurred]
    assert all(more > less for more, less in pairwise(sharpness))
    assert sharpness[-1] < Settings().training_min_sharpness


@pytest.mark.parametrize("person", [Person.HOPPER, Person.OBAMA, Person.BIDEN])
def test_clipped_light_is_measured(appraised: See, person: Person) -> None:
    """At a tenth of the light much of the face is black, at more than twice as much of it white; else next to none."""
    limit = Settings().training_max_clipped
    assert appraised(_lit(person, 0.1)).quality["dark_share"] > limit
    assert appraised(_lit(person, 3)).quality["bright_share"] > limit
    half = appraised(_lit(person, 0.5)).quality
    assert (half["dark_share"] < 0.05, half["bright_share"]) == (True, 0)


def test_roll_is_measured(appraised: See) -> None:
    """A picture turned by twenty degrees is tilted by twenty more; sharpness stays what it was."""
    upright = _picture(Person.OBAMA)
    turned = upright.rotate(20, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90))
    before, after = appraised(upright).quality, appraised(turned).quality
    assert after["roll"] - before["roll"] == pytest.approx(20, abs=2)
    assert after["aligned_sharpness"] == pytest.approx(before["aligned_sharpness"], rel=0.25)
    assert after["nose_offset"] == pytest.approx(before["nose_offset"], abs=0.05)


@pytest.mark.parametrize(
    ("nose", "offset"), [((50, 80), 0.0), ((75, 80), 1.0), ((25, 60), 1.0), ((60, 90), 0.4), ((90, 70), 1.6)]
)
@pytest.mark.parametrize("turn", [0.0, 17.0, -30.0])
def test_nose_offset(nose: tuple[float, float], offset: float, turn: float) -> None:
    """How far the nose is from the middle counts along the line of the eyes, however that is tilted."""
    right_eye, left_eye = [(85, 40), (65, 40)], [(15, 40), (35, 40)]
    points = np.array([*right_eye, *left_eye, nose], dtype=np.float64) - 50
    angle = np.radians(turn)
    rotated = points @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + 150
    numbers = appraise(np.full((300, 300, 3), 120, dtype=np.uint8), rotated)
    assert numbers["nose_offset"] == pytest.approx(offset, abs=1e-3)
    assert numbers["roll"] == pytest.approx(abs(turn), abs=0.01)
    assert (numbers["dark_share"], numbers["bright_share"]) == (0, 0)
    assert numbers["aligned_sharpness"] == pytest.approx(0, abs=0.01)


def test_a_face_at_the_edge_is_not_too_dark(engine: FaceEngine) -> None:
    """Where the picture's edge cuts a face, what is missing counts neither as black nor as sharp."""
    whole = decode(frames.training_picture(Person.OBAMA), LIMITS)
    cut = Image.fromarray(np.ascontiguousarray(whole[:, 260:]))
    (face,) = examine_one(engine, saved(cut, "PNG"), ENROLMENT_LOOK).faces
    assert face.box[0] < 0
    assert face.quality["dark_share"] < 0.05


def test_landmarks_in_one_point_do_no_harm() -> None:
    """Numbers come out for landmarks that make no sense too, as a model may give on what is no face."""
    pixels = np.full((40, 40, 3), 120, dtype=np.uint8)
    assert set(appraise(pixels, np.full((5, 2), 20.0))) == NUMBERS
    assert set(appraise(pixels, np.full((5, 2), -500.0))) == NUMBERS


def test_stills_are_not_appraised(engine: FaceEngine) -> None:
    """A look at a still measures what a still needs and no more."""
    data = frames.training_picture(Person.OBAMA)
    (still,), (training,) = (examine_one(engine, data).faces, examine_one(engine, data, ENROLMENT_LOOK).faces)
    assert not NUMBERS & set(still.quality)
    assert set(training.quality) == NUMBERS | set(still.quality)
    assert np.array_equal(still.encoding, training.encoding)


@cache
def _picture(person: Person) -> Image.Image:
    return Image.open(io.BytesIO(frames.training_picture(person))).convert("RGB")


def _lit(person: Person, light: float) -> Image.Image:
    levels = np.asarray(_picture(person), dtype=np.float32) * light
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
