"""The features of recapture: what holds of them for any picture, and what they see in drawn ones."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from biosense_pipeline.vision.faces import Box
from biosense_pipeline.vision.presentation.context import SIDE, UNSEEN, context
from biosense_pipeline.vision.presentation.features import FEATURES_ID, GROUPS, LENGTH, features

SIZE = (640, 480)


def face_at(across: float, down: float, width: float) -> tuple[Box, np.ndarray]:
    """Box and landmarks of a frontal face as dlib's models give them."""
    eyes = width / 2.43
    offsets = np.array([[0.65, 0], [0.35, 0], [-0.65, 0], [-0.35, 0], [0, 0.6]])
    landmarks = offsets * eyes + [across, down - 0.45 * eyes]
    half = width / 2
    box = (round(across - half), round(down - half), round(across + half), round(down + half))
    return box, landmarks.astype(np.float32)


def drawn(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A smooth picture with a light oval in the middle."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(30, 220, (12, 16, 3)).astype(np.uint8)
    levels = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    down, across = np.mgrid[0 : size[1], 0 : size[0]]
    oval = ((across - size[0] / 2 + 0.5) / (size[0] * 0.1)) ** 2 + ((down - size[1] / 2) / (size[1] * 0.18)) ** 2 < 1
    levels[oval] = 0.3 * levels[oval] + np.array([150.0, 110.0, 95.0])
    return np.clip(levels, 0, 255).astype(np.uint8)


def group(values: np.ndarray, name: str) -> np.ndarray:
    return values[GROUPS[name]]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 99),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    box=st.tuples(*[st.integers(-400, 700)] * 4),
    landmarks=st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10),
)
def test_features_are_finite_for_any_picture_and_box(
    seed: int, size: tuple[int, int], box: Box, landmarks: list[float]
) -> None:
    """Whatever the picture, the box and the landmarks: as many numbers as stated, and all finite."""
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    values = features(pixels, box, np.array(landmarks, dtype=np.float32).reshape(5, 2))
    assert values.shape == (LENGTH,)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_has_finite_features(level: int) -> None:
    """A lens cap, a white wall: nothing divides by what is not there."""
    assert np.isfinite(features(np.full((480, 640, 3), level, dtype=np.uint8), *face_at(320, 240, 120))).all()


def test_landmarks_that_are_no_numbers_leave_the_box() -> None:
    """Where a predictor fails, the face is where its box is."""
    box, landmarks = face_at(320, 240, 120)
    broken = landmarks.copy()
    broken[0] = np.nan
    assert np.isfinite(features(drawn(), box, broken)).all()


def test_groups_cover_all_numbers_once() -> None:
    """Every number belongs to one group, and the id states how many there are."""
    places = np.concatenate([np.arange(LENGTH)[part] for part in GROUPS.values()])
    assert sorted(places) == list(range(LENGTH))
    assert str(LENGTH) in FEATURES_ID


def test_the_same_picture_gives_the_same_numbers() -> None:
    """Nothing is drawn at random."""
    face = face_at(300, 220, 110)
    assert np.array_equal(features(drawn(), *face), features(drawn(), *face))


def test_mirrored_pictures_have_the_same_context() -> None:
    """A paper is as much a paper on the left as on the right."""
    pixels = drawn(3)
    # A width whose square has whole and even edges, so that both squares show the same pixels.
    box, landmarks = face_at(320, 240, 128)
    order = [2, 3, 0, 1, 4]
    mirrored = landmarks[order].copy()
    mirrored[:, 0] = 640 - mirrored[:, 0]
    one = features(pixels, box, landmarks)
    other = features(np.ascontiguousarray(pixels[:, ::-1]), (640 - box[2], box[1], 640 - box[0], box[3]), mirrored)
    for name in ("context_gradient", "ring", "chroma"):
        assert np.abs(group(one, name) - group(other, name)).max() < 0.02, name


def test_the_distance_to_the_camera_matters_little() -> None:
    """A picture at half its size has nearly the same context: the square is measured in widths of the face."""
    pixels = drawn(5)
    half = np.asarray(Image.fromarray(pixels).resize((320, 240), Image.Resampling.BOX))
    one = features(pixels, *face_at(320, 240, 160))
    other = features(half, *face_at(160, 120, 80))
    apart = features(drawn(6), *face_at(320, 240, 160))
    for name in ("context_gradient", "ring"):
        same, different = (np.abs(group(one, name) - group(them, name)).mean() for them in (other, apart))
        assert same < 0.4 * different, name


def test_the_light_matters_little() -> None:
    """Half the light moves no edge and no colour by much."""
    pixels = drawn(7)
    face = face_at(320, 240, 140)
    one, other = features(pixels, *face), features((pixels * 0.6).astype(np.uint8), *face)
    apart = features(drawn(8), *face)
    for name in ("context_gradient", "ring", "chroma"):
        same, different = (np.abs(group(one, name) - group(them, name)).mean() for them in (other, apart))
        assert same < 0.5 * different, name


def test_what_lies_beyond_the_picture_does_not_count() -> None:
    """A face in the corner has no surroundings on two sides: those numbers are unseen, not the padding's."""
    pixels = drawn(9)
    around = context(pixels, *face_at(60, 60, 120))
    assert around.seen.shape == (SIDE, SIDE)
    assert 0.2 < around.seen.mean() < 0.6
    unseen = group(features(pixels, *face_at(60, 60, 120)), "context_gradient") == UNSEEN
    assert 0.2 < unseen.mean() < 0.9
    assert not (group(features(pixels, *face_at(320, 240, 120)), "context_gradient") == UNSEEN).any()


def test_a_face_outside_the_picture_is_unseen() -> None:
    """Nothing is told of a face that the picture does not show."""
    assert (features(drawn(), *face_at(-900, -900, 100)) == UNSEEN).all()


def test_the_edge_of_a_paper_is_seen_where_it_is() -> None:
    """Upright edges beside the face raise their orientation in the cells through which they run."""
    wall = np.full((480, 640, 3), 90, dtype=np.uint8)
    wall += np.random.default_rng(0).integers(0, 8, wall.shape).astype(np.uint8)
    held = wall.copy()
    held[120:360, 220:420] += 100
    face = face_at(320, 240, 120)
    bare, paper = (group(features(pixels, *face), "context_gradient").reshape(8, 4, 9) for pixels in (wall, held))
    # 100 pixels beside a face 120 wide, in a square of 300: in the second of eight columns.
    assert (paper[2:6, 1, 0] > bare[2:6, 1, 0] + 0.5).all()
    assert (paper[2:6, 1, 0] > 3 * paper[2:6, 1, 3:7].max()).all()


def test_skin_beside_the_face_is_seen() -> None:
    """Fingers at the edge of a paper raise the share of skin in the ring."""
    pixels = np.full((480, 640, 3), (40, 60, 90), dtype=np.uint8)
    down, across = np.mgrid[0:480, 0:640]
    pixels[((across - 320) / 60) ** 2 + ((down - 240) / 75) ** 2 < 1] = (190, 140, 120)
    held = pixels.copy()
    held[200:300, 200:235] = (188, 139, 121)
    face = face_at(320, 240, 120)
    bare, fingers = (group(features(picture, *face), "ring") for picture in (pixels, held))
    # First of the numbers of the whole ring, which comes last of the parts without sides.
    assert fingers[40] > bare[40] + 0.5


def test_features_cost_a_few_milliseconds() -> None:
    """Recognition can afford them: some 4 ms a still on one 2.5 GHz core; the bound is for busy machines."""
    pixels, face = drawn(), face_at(320, 240, 170)
    features(pixels, *face)
    spent = []
    for _still in range(30):
        begin = time.perf_counter()
        features(pixels, *face)
        spent.append(time.perf_counter() - begin)
    assert min(spent) < 0.015
