"""Sittings: still after still of a person before one camera, or of a print of the person that a hand holds there.

Camera and room stay as they are, the person moves about a little, and a hand moves and slowly tilts its print. What a
single still cannot tell, which of these moves with which, is what sittings are made for.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.evaluation.recapture.hands import skin_colour, with_fingers
from biosense_pipeline.evaluation.recapture.prints import Material, Print, on_photo_paper, on_plain_paper
from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH, drawn_room, pictured_room, uneven_light
from biosense_pipeline.evaluation.recapture.scene import FACES, Place, Scene, moved, photograph
from biosense_pipeline.evaluation.recapture.sheet import Pose
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.evaluation.recapture.styles import held_at

#: How alike two stills in a row are: what of an offset is left at the next.
_STAYS = 0.75
#: Standard deviations of what a person does, and a hand: across and down in widths of the face, its width as a
#: logarithm, and turns in degrees: of the face in the picture, of the sheet about its level and its upright axis.
_PERSON = np.array([0.28, 0.10, 0.05, 4.0, 0.0, 0.0])
_HAND = np.array([0.25, 0.18, 0.07, 4.0, 7.0, 9.0])
#: From a sitting's first still to its last a hand tilts its sheet by up to so many degrees more, and tires.
_SLOWLY, _SINKS = 18.0, 0.25
#: Some move much, some hardly: the spread of the logarithm of how far.
_LIVELINESS = 0.5
#: A person's outline in widths of the face from its middle: half the width of the head with its hair, how far down it
#: reaches and how far it rises from there; half the width of the shoulders, how far down they are as wide, and how far
#: they rise from there.
_HEAD, _SHOULDERS = (1.0, 0.5, 1.7), (1.35, 2.0, 1.5)
#: Somebody sits behind a print in so many cases; else the room is empty.
_SOMEBODY = 0.6
#: Light on a sheet by how far it is tilted, in shares a degree.
_LIGHT_A_DEGREE = 0.004

#: A room with whoever sits in it, still after still: float32 (HEIGHT, WIDTH, 3) of 0-255.
Behind = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class HeldStyle:
    """One way of attacking with a print.

    Attributes:
        sheet: makes it. widths: of the face before the camera, least and most, in pixels.
        bend: at most, 0 to 1.
    """

    sheet: Callable[[np.random.Generator, Source, Material, float], Print]
    widths: tuple[float, float]
    bend: float


def person_sitting(rng: np.random.Generator, source: Source, material: Material, stills: int) -> list[Scene]:
    """A live person, who has to be cut out (``share``), moving before a room that stays."""
    room, light = _room(rng, material), uneven_light(rng, rng.uniform(0, 0.4))[..., None]
    places = moves(rng, Place.drawn(rng, source), stills, _PERSON)
    hands = rng.random() < 0.3
    scenes = []
    for place, _pitch, _yaw in places:
        levels, landmarks = in_room(source, place, room, light)
        if hands and rng.random() < 0.4:
            levels = _with_hand(rng, levels, place)
        scenes.append(Scene(levels, landmarks))
    return scenes


def print_sitting(
    rng: np.random.Generator,
    style: HeldStyle,
    source: Source,
    material: Material,
    stills: int,
    behind: Behind | None = None,
    place: Place | None = None,
) -> list[Scene]:
    """A print of the source's person, held by hand before whoever is behind it.

    Args:
        behind: what the camera sees behind the print; None: a room, with somebody else in it or nobody.
        place: where the print is held; None: drawn.
    """
    drawn = Place.drawn(rng, source) if place is None else place
    width = float(np.clip(drawn.width, *style.widths))
    drawn = Place(drawn.across, drawn.down, width, drawn.turn)
    sheet = style.sheet(rng, source, material, width)
    bend, lying = (rng.uniform(0.0, style.bend) if rng.random() < 0.5 else 0.0), bool(rng.random() < 0.3)
    seen = _somebody(rng, material, drawn, stills) if behind is None else behind
    light = uneven_light(rng, rng.uniform(0.05, 0.4)) * np.float32(np.exp(rng.normal(0, 0.2)))
    fingers = int(rng.integers(2**31)) if rng.random() < 0.6 else None
    scenes = []
    for number, (at, pitch, yaw) in enumerate(moves(rng, drawn, stills, _HAND)):
        held = held_at(sheet, at, Pose(WIDTH / 2, HEIGHT / 2, np.deg2rad(at.turn), pitch, yaw, bend, lying))
        shine = 1 + _LIGHT_A_DEGREE * np.rad2deg(pitch + yaw)
        share = held.share[..., None]
        levels = share * np.clip(held.levels * (light * shine)[..., None], 0, 255) + (1 - share) * seen(number)
        if fingers is not None:
            levels = _with_fingers(np.random.default_rng(fingers), levels, held.share, at.width)
        scenes.append(Scene(levels, held.points))
    return scenes


def moves(
    rng: np.random.Generator, place: Place, stills: int, deviations: np.ndarray
) -> list[tuple[Place, float, float]]:
    """Where a face is still after still, and the tilt about the level and the upright axis in radians.

    Offsets of an autoregressive process, with those deviations times how lively the sitting is, and a slow drift of
    the tilt where there is any.
    """
    lively = float(np.exp(rng.normal(0, _LIVELINESS)))
    offsets = np.zeros((stills, len(deviations)))
    current = rng.normal(0, 1, len(deviations))
    for number in range(stills):
        offsets[number] = current
        current = _STAYS * current + np.sqrt(1 - _STAYS**2) * rng.normal(0, 1, len(deviations))
    offsets *= deviations * np.array([lively, lively, lively, 1, 1, 1])
    tilts = deviations[4:] > 0
    slow = np.linspace(-0.5, 0.5, stills)[:, None]
    offsets[:, 4:] += tilts * slow * rng.uniform(-_SLOWLY, _SLOWLY, 2)
    offsets[:, 1] += tilts.any() * slow[:, 0] * rng.uniform(0, _SINKS)
    found = []
    for across, down, wider, turn, pitch, yaw in offsets:
        width = place.width * float(np.exp(wider))
        margin = 0.45 * width
        found.append(
            (
                Place(
                    float(np.clip(place.across + across * place.width, margin, WIDTH - margin)),
                    float(np.clip(place.down + down * place.width, margin, HEIGHT - margin)),
                    width,
                    place.turn + turn,
                ),
                float(np.deg2rad(pitch)),
                float(np.deg2rad(yaw)),
            )
        )
    return found


def in_room(source: Source, place: Place, room: np.ndarray, light: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """A person who was cut out before a room: levels and landmarks."""
    assert source.colours is not None
    assert source.share is not None
    colours, landmarks = moved(source, source.colours, place)
    share, _same = moved(source, source.share, place)
    share = (share / 255 * _figure(place))[..., None]
    return share * np.clip(colours * light, 0, 255) + (1 - share) * room, landmarks


def _figure(place: Place) -> np.ndarray:
    """Where a person can be, (HEIGHT, WIDTH), 0 to 1: portraits end at their edges, and shoulders do not."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    across, down = across - place.across, down - place.down
    cosine, sine = np.cos(np.deg2rad(place.turn)), np.sin(np.deg2rad(place.turn))
    sideways = (across * cosine + down * sine) / place.width
    below = (down * cosine - across * sine) / place.width
    head = 1.0 - np.hypot(sideways / _HEAD[0], np.minimum(below - _HEAD[1], 0.0) / _HEAD[2])
    shoulders = 1.0 - np.hypot(sideways / _SHOULDERS[0], np.minimum(below - _SHOULDERS[1], 0.0) / _SHOULDERS[2])
    within = np.maximum(np.where(below < 2 * _HEAD[1], head, -1.0), shoulders) * place.width
    figure: np.ndarray = np.clip(within / 2 + 0.5, 0, 1)
    return figure


def _room(rng: np.random.Generator, material: Material) -> np.ndarray:
    if len(material.pictures) and rng.random() < 0.4:
        return pictured_room(rng, material.pictures)
    return drawn_room(rng)


def _somebody(rng: np.random.Generator, material: Material, place: Place, stills: int) -> Behind:
    """A room with somebody behind the print, who moves too, or nobody."""
    room = _room(rng, material)
    cut_out = [source for source in material.sources if source.share is not None]
    if not cut_out or rng.random() >= _SOMEBODY:
        return lambda number: room
    source = cut_out[int(rng.integers(len(cut_out)))]
    width = float(np.clip(place.width * rng.uniform(0.5, 0.95), 40, 200))
    stands = Place(
        place.across + rng.normal(0, 0.5) * place.width,
        place.down - rng.normal(0.1, 0.4) * place.width,
        width,
        float(rng.normal(0, 5)),
    )
    light = uneven_light(rng, rng.uniform(0, 0.4))[..., None]
    places = moves(rng, stands, stills, 0.5 * _PERSON)
    return lambda number: in_room(source, places[number][0], room, light)[0]


def _with_hand(rng: np.random.Generator, levels: np.ndarray, place: Place) -> np.ndarray:
    turn = rng.uniform(-0.2, np.pi + 0.2)
    outwards = np.array([np.cos(turn), np.sin(turn)])
    at = np.array([place.across, place.down]) + outwards * place.width * rng.uniform(0.6, 1.1)
    return with_fingers(rng, levels, at, -outwards, place.width * rng.uniform(0.12, 0.24), skin_colour(rng))


def _with_fingers(rng: np.random.Generator, levels: np.ndarray, share: np.ndarray, width: float) -> np.ndarray:
    """One hand on the lower edge of a sheet, or what is seen of it."""
    inside = share > 0.5
    columns = np.flatnonzero(inside.any(axis=0))
    if not columns.size:
        return levels
    column = int(columns[int(rng.uniform(0.1, 0.9) * columns.size)])
    at = np.array([column, np.flatnonzero(inside[:, column])[-1]], float)
    skin = skin_colour(rng)
    return with_fingers(rng, levels, at, np.array([0.0, -1.0]), width * rng.uniform(0.12, 0.2), skin)


def _edges_hidden(rng: np.random.Generator, source: Source, material: Material, width: float) -> Print:
    """All that there is of a picture, on paper so large that the camera sees little of its edges, if any."""
    picture, more = photograph(rng, source, material.pictures)
    face = source.face[2]
    lacking = int(max(0.0, 0.55 * WIDTH / width * face - picture.shape[1] / 2))
    sheet = np.pad(picture, ((lacking, lacking), (lacking, lacking), (0, 0)), mode="edge")
    low, high = rng.uniform(0, 40), rng.uniform(190, 250)
    points = source.landmarks + np.float32(more + lacking)
    return Print(low + sheet / np.float32(255) * (high - low), points, face)


#: The attacks by name.
HELD_STYLES: dict[str, HeldStyle] = {
    "photo_paper": HeldStyle(lambda rng, source, material, width: on_photo_paper(rng, source, material), FACES, 0.4),
    "plain_paper": HeldStyle(on_plain_paper, FACES, 0.25),
    "edges_hidden": HeldStyle(_edges_hidden, (90.0, FACES[1]), 0.0),
}


def cut_out_people(sources: Sequence[Source]) -> list[Source]:
    """Those who can be put before another room."""
    return [source for source in sources if source.share is not None]
