"""Synthesised stills: where the face stands, what a sheet does to it, and that a seed gives the same again."""

import numpy as np
import pytest

from biosense_pipeline.evaluation.recapture.matte import cut_out
from biosense_pipeline.evaluation.recapture.prints import Material
from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH, drawn_room, pictured_room
from biosense_pipeline.evaluation.recapture.scene import Place, person_in_a_room
from biosense_pipeline.evaluation.recapture.sheet import Pose, hold
from biosense_pipeline.evaluation.recapture.sources import Source, split_people
from biosense_pipeline.evaluation.recapture.styles import STYLES
from biosense_pipeline.evaluation.recapture.synthesis import GENUINE, around_face, still, synthesise
from biosense_pipeline.evaluation.recapture.webcam import Webcam
from biosense_pipeline.vision.detector import HogDetector
from biosense_pipeline.vision.faces import Look
from biosense_pipeline.vision.presentation.features import LENGTH, features


def test_a_person_before_an_even_backdrop_is_cut_out() -> None:
    """A drawn head and shoulders before a backdrop that darkens downwards: nine tenths of his outline are right."""
    down, across = np.mgrid[0:400, 0:320]
    head = ((across - 160) / 55) ** 2 + ((down - 150) / 75) ** 2 < 1
    body = (down > 260 + 0.004 * (across - 160) ** 2) | ((np.abs(across - 160) < 30) & (down > 200))
    person = head | body
    pixels = np.stack([60 - down / 20, 90 - down / 15, 200 - down / 5], axis=-1)
    pixels[person] = (150, 110, 90)
    pixels += np.random.default_rng(0).normal(0, 2, pixels.shape)
    cut = cut_out(np.clip(pixels, 0, 255).astype(np.uint8), (160, 150, 110))
    assert cut is not None
    assert np.mean((cut[0] > 127) == person) > 0.97


def test_a_busy_backdrop_is_not_cut() -> None:
    """Where the person cannot be told from what is behind, nobody is cut out."""
    pixels = np.random.default_rng(0).integers(0, 256, (200, 160, 3)).astype(np.uint8)
    assert cut_out(pixels, (80, 80, 60)) is None


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("bend", [0.0, 0.5])
def test_places_on_a_sheet_are_where_they_are_seen(bend: float, lying: bool) -> None:
    """Dots on a turned, tilted and bent sheet appear where the geometry says that they do."""
    sheet = np.zeros((200, 160, 3), dtype=np.float32)
    dots = np.array([[30.0, 40.0], [120.0, 60.0], [80.0, 150.0]])
    for x, y in dots.astype(int):
        sheet[y - 2 : y + 2, x - 2 : x + 2] = 255
    held = hold(sheet, Pose(300, 220, 0.2, 0.3, -0.4, bend, lying), dots)
    for x, y in held.points.round().astype(int):
        assert held.levels[y - 1 : y + 2, x - 1 : x + 2].max() > 100
        assert held.share[y, x] == 1
    bright = np.argwhere(held.levels[..., 0] > 128)
    nearest = np.linalg.norm(bright[:, None, ::-1] - held.points[None], axis=-1).min(axis=1)
    assert nearest.max() < 5


def test_rooms_fill_the_picture() -> None:
    """Drawn or taken from a picture, a room has a still's size and a still's levels."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (480, 200, 3)).astype(np.uint8) for _picture in range(2)]
    for room in (*(drawn_room(rng) for _room in range(5)), pictured_room(rng, pictures)):
        assert room.shape == (HEIGHT, WIDTH, 3)
        assert 0 <= room.min() <= room.max() <= 255


@pytest.mark.parametrize("style", [GENUINE, *STYLES])
def test_the_face_stands_in_its_place_and_is_found_there(
    style: str, people: list[Source], detector: HogDetector
) -> None:
    """Of four stills the detector finds a face in most, and with its landmarks where the synthesis says."""
    place, found = Place(330, 230, 130, 2.0), 0
    for number, source in enumerate(people):
        rng = np.random.default_rng([7, number])
        material = Material(people, ())
        scene = (
            person_in_a_room(rng, source, place) if style == GENUINE else STYLES[style](rng, source, place, material)
        )
        across, down = scene.landmarks.mean(axis=0)
        assert abs(across - place.across) < 15
        assert abs(down - place.down) < 35
        pixels = np.clip(scene.levels, 0, 255).astype(np.uint8)
        for box in detector.detect(pixels, Look())[0]:
            shape = detector.landmarks(pixels, (box.left(), box.top(), box.right(), box.bottom()))
            seen = np.array([(point.x, point.y) for point in shape.parts()])
            found += bool(np.abs(seen - scene.landmarks).mean() < 6)
    assert found >= 3


def test_the_part_around_the_face_has_the_whole_pictures_features(people: list[Source]) -> None:
    """Cutting a scene down before the camera changes nothing of what the features see."""
    scene = person_in_a_room(np.random.default_rng(0), people[0], Place(300, 240, 90, 0.0))
    part = around_face(scene)
    assert part.levels.size < 0.6 * scene.levels.size
    whole, cut = (
        features(np.clip(each.levels, 0, 255).astype(np.uint8), each.box, each.landmarks) for each in (scene, part)
    )
    assert cut == pytest.approx(whole, abs=1e-3)


def test_a_camera_is_the_same_on_another_day() -> None:
    """Its optics and its JPEG stay; the light and what follows from it change."""
    rng = np.random.default_rng(0)
    camera = Webcam.drawn(rng)
    later = camera.another_day(rng)
    assert (camera.defocus, camera.sharpening, camera.quality) == (later.defocus, later.sharpening, later.quality)
    assert camera.exposure != later.exposure


@pytest.mark.parametrize("seed", range(4))
def test_a_still_is_a_picture_whatever_the_camera(seed: int) -> None:
    """Any camera gives a still of the scene's size, from a black scene too."""
    rng = np.random.default_rng(seed)
    for scene in (np.zeros((96, 128, 3)), np.full((96, 128, 3), 255.0)):
        assert Webcam.drawn(rng).still(scene, rng).shape == (96, 128, 3)


def test_the_same_seed_gives_the_same_stills(people: list[Source]) -> None:
    """A trial is two genuine stills and one of each style, to the last digit the same again."""
    one, other = (synthesise(people, (), 2, 5) for _time in range(2))
    assert np.array_equal(one.features, other.features)
    assert list(one.style[:5]) == [GENUINE, GENUINE, *STYLES]
    assert one.features.shape == (2 * (2 + len(STYLES)), LENGTH)
    assert list(one.trial) == [0] * 5 + [1] * 5
    assert len(set(one.person[:5])) == 1
    assert not np.array_equal(one.features, synthesise(people, (), 2, 6).features)


def test_trials_of_two_lots_stay_apart(people: list[Source]) -> None:
    """Added to others, trials get numbers of their own."""
    lot = synthesise(people, (), 1, 5)
    assert list((lot + lot).trial) == [0] * 5 + [1] * 5
    assert list((lot + lot).of(GENUINE).trial) == [0, 0, 1, 1]


def test_a_whole_still_has_a_webcams_size(people: list[Source]) -> None:
    """640 by 480, of a person as of a print."""
    for style in (GENUINE, *STYLES):
        rng = np.random.default_rng(3)
        pixels, scene = still(rng, style, people[1], Material(people, ()), Webcam.drawn(rng))
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        assert scene.landmarks.shape == (5, 2)


def test_halves_share_nobody(people: list[Source]) -> None:
    """All pictures of a person are in the same half."""
    one, other = split_people([*people, *people])
    assert len(one) + len(other) == 8
    assert not {source.person for source in one} & {source.person for source in other}
