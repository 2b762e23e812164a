"""A stretch's windows: what each says is what the plain functions say of it, and where findings begin and end."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.findings import excursions
from biosense_pipeline.matching.evidence.frozen import frozen
from biosense_pipeline.matching.evidence.loop import loop
from biosense_pipeline.matching.evidence.ordering import LOOKBACK
from biosense_pipeline.matching.evidence.presentation import site
from biosense_pipeline.matching.evidence.print_windows import PrintWindows
from biosense_pipeline.matching.evidence.recapture import RecaptureModel, shipped_model
from biosense_pipeline.matching.evidence.source_change import source_change
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline.matching.evidence.stretch import Stretch
from biosense_pipeline_tests.matching.evidence import held_sheets
from biosense_pipeline_tests.matching.evidence.held_sheets import Room, path, sheet
from biosense_pipeline_tests.matching.evidence.window_alone import print_evidence

HOUR = datetime(2026, 3, 2, 9)
GAP = timedelta(minutes=10)
STEP = timedelta(seconds=10)
LANDMARKS = np.array([[180, 100], [160, 100], [120, 100], [140, 100], [150, 130]], dtype=np.float32)


def still(
    number: int, shown: int | None = None, *, captured: datetime | None = None, towards: float = 0.0
) -> EvidenceStill:
    """A still of somebody whose face changes; of number ``shown``, encoded anew. ``towards`` moves it to a print."""
    picture = np.random.default_rng(number if shown is None else shown)
    change = gaussian_filter(picture.normal(0, 1, (32, 32)), 2)
    face = gaussian_filter(np.random.default_rng(10_000).normal(0, 1, (32, 32)), 2)
    # A print changes as little as its noise.
    chip = 128 + 40 * face / face.std() + (25 * change / change.std() if towards == 0 else 0)
    own = np.random.default_rng([number, 5])
    levels = np.clip(np.round(chip + own.normal(0, 1, (32, 32))), 0, 255).astype(np.uint8)
    model = shipped_model()
    features = np.zeros(max(part.stop for part in model.slices.values()), dtype=np.float32)
    for name, part in model.slices.items():
        score = model.groups[name]
        weights = score.weights / max(float(score.weights @ score.weights), 1e-9)
        # Where the group's score is ``towards`` spreads above that of genuine stills, give or take a little.
        wanted = score.offset + score.scale * (towards + own.normal(0, 0.3))
        features[part] = score.mean + score.spread * weights * wanted
    return EvidenceStill(
        number,
        HOUR + number * STEP,
        "SUCCESS",
        1,
        own.bytes(32),
        own.bytes(16),
        0,
        "JPEG 640x480",
        (100, 60, 200, 160),
        LANDMARKS + picture.normal(0, 1, (5, 2)).astype(np.float32),
        300.0,
        120.0,
        levels,
        features,
        model.features_id,
    )


def usual() -> Baseline:
    return site([], shipped_model()).baseline()


def stretch(stills: list[EvidenceStill], window: int = 12, model: RecaptureModel | None = None) -> Stretch:
    prints = PrintWindows(stills, model, lambda day: usual()) if model else None
    return Stretch(stills, window, GAP, prints)


def test_windows_say_what_the_plain_functions_say() -> None:
    """Computed together and each pair once, every window's evidence is that of its kind's own function, to the bit."""
    stills = [still(number) for number in range(40)] + [still(number, number - 25) for number in range(40, 50)]
    model = shipped_model()
    own = stretch(stills, model=model)
    for position in (0, 2, 11, 30, 41, 42, 45, 49):
        window = stills[max(0, position - 11) : position + 1]
        before = [
            earlier for earlier in stills if window[0].captured - LOOKBACK <= earlier.captured < window[0].captured
        ]
        assert list(own.window(position)) == window
        assert own.evidence(position, Species.FROZEN) == frozen(window, before)
        assert own.evidence(position, Species.LOOP) == loop(window, before)
        assert own.evidence(position, Species.SOURCE_CHANGE) == source_change(window, before)
        assert own.evidence(position, Species.PRINT) == print_evidence(window, model, usual())


def test_what_moves_with_a_face_is_told_of_windows() -> None:
    """With small pictures of a sheet that is held, windows say the same as the plain function, the frame among it."""
    room = Room(1).seen()
    stills = [
        replace(still(number), thumbnail=seen.thumbnail, landmarks=seen.landmarks, picture_width=seen.picture_width)
        for number, at in enumerate(path(14))
        for seen in [held_sheets.still(number, sheet(room, at, 1.3), at)]
    ]
    model = shipped_model()
    own = stretch(stills, model=model)
    for position in (11, 13):
        found = own.evidence(position, Species.PRINT)
        assert found == print_evidence(stills[position - 11 : position + 1], model, usual())
        assert found is not None
        assert found.numbers["frame_spreads"] > 1
    without = print_evidence([replace(still_, thumbnail=None) for still_ in stills[:12]], model, usual())
    with_pictures = own.evidence(11, Species.PRINT)
    assert without is not None
    assert with_pictures is not None
    assert "frame_spreads" not in without.numbers
    assert with_pictures.numbers["spreads"] > without.numbers["spreads"]


def test_a_screen_is_never_judged() -> None:
    """No window says anything of a screen, and without a model none says anything of a print."""
    own = stretch([still(number) for number in range(5)])
    assert own.evidence(4, Species.SCREEN) is None
    assert own.evidence(4, Species.PRINT) is None


@settings(deadline=None, max_examples=60)
@given(pauses=st.lists(st.integers(0, 1500), min_size=1, max_size=40), window=st.integers(3, 15))
def test_windows_never_span_a_gap(pauses: list[int], window: int) -> None:
    """Whatever the pauses, a window ends with its still, is no longer than it may be, and holds no longer pause."""
    moments, moment = [], HOUR
    for pause in pauses:
        moment += timedelta(seconds=pause)
        moments.append(moment)
    plain = [EvidenceStill(number, at, None, 0, bytes([number]), b"", 0, "") for number, at in enumerate(moments)]
    own = Stretch(plain, window, GAP)
    for position in range(len(plain)):
        found = own.window(position)
        apart = [later.captured - earlier.captured for earlier, later in pairwise(found)]
        assert found[-1] is own.stills[position]
        assert len(found) <= window
        assert all(pause <= GAP for pause in apart)
        first = position + 1 - len(found)
        whole = len(found) == window or first == 0 or found[0].captured - own.stills[first - 1].captured > GAP
        assert whole


@pytest.mark.parametrize("towards", [0.0, 2.5])
def test_a_print_is_found(towards: float) -> None:
    """Stills that score as prints do and hardly change are found as one, once; those of a person are not."""
    stills = [still(number, towards=towards) for number in range(40)]
    found = excursions(stretch(stills, model=shipped_model()), HOUR, HOUR + timedelta(hours=1), 10.0)
    assert [excursion.species for excursion in found] == ([Species.PRINT] if towards else [])
    if towards:
        assert found[0].first.still_id >= 2
        assert found[0].last.still_id == 39


def test_where_an_excursion_begins_does_not_hang_on_where_one_begins_to_look() -> None:
    """Whatever the time analysed, an excursion has one first still, and later times only say that it goes on."""
    stills = [still(number) for number in range(30)] + [still(number, 10 + number % 20) for number in range(30, 60)]
    whole = excursions(stretch(stills), HOUR, HOUR + timedelta(hours=1), 10.0)
    assert [(excursion.species, excursion.begun) for excursion in whole] == [(Species.LOOP, None)]
    first = whole[0].first.still_id
    assert 30 <= first <= 32
    for begin in range(0, 60, 7):
        found = excursions(stretch(stills), HOUR + begin * STEP, HOUR + timedelta(hours=1), 10.0)
        assert [excursion.begun is None for excursion in found] == [begin <= first]
        assert found[0].last == whole[0].last
