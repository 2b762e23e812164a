"""Sittings: camera and room stay, the person or the print moves, and what is written can be read as an evaluation."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biosense_pipeline.evaluation.attacks.folders import read_folder
from biosense_pipeline.evaluation.life.clips import find_clips
from biosense_pipeline.evaluation.life.stills import as_jpeg
from biosense_pipeline.evaluation.recapture.held import NoTrials, measure_held, numbers
from biosense_pipeline.evaluation.recapture.prints import Material
from biosense_pipeline.evaluation.recapture.rooms import HEIGHT, WIDTH
from biosense_pipeline.evaluation.recapture.scene import Place
from biosense_pipeline.evaluation.recapture.sittings import (
    HELD_STYLES,
    person_sitting,
    print_sitting,
)
from biosense_pipeline.evaluation.recapture.sources import Source
from biosense_pipeline.evaluation.recapture.trials import (
    GENUINE,
    REFERENCE,
    clip_trials,
    portrait_trials,
    write_trial,
)

PLACE = Place(320.0, 240.0, 110.0, 0.0)


@pytest.fixture(scope="module")
def cut_out(people: list[Source]) -> list[Source]:
    """Two of the people, as if an oval around the face had been cut out of their pictures."""
    found = []
    for source in people[2:4]:
        across, down, face = source.face
        rows, columns = np.mgrid[: source.pixels.shape[0], : source.pixels.shape[1]]
        oval = np.hypot((columns - across) / (0.7 * face), (rows - down) / (0.9 * face)) < 1
        found.append(replace(source, share=np.where(oval, 255, 0).astype(np.uint8), colours=source.pixels))
    return found


def test_a_person_moves_before_a_room_that_stays(cut_out: list[Source]) -> None:
    """The corners of the room are the same in every still; the face is elsewhere in each, and where it is told."""
    scenes = person_sitting(np.random.default_rng(3), cut_out[0], Material(cut_out, []), 5)
    corners = np.stack([scene.levels[:20, :20] for scene in scenes])
    assert np.ptp(corners, axis=0).max() == 0
    middles = np.stack([scene.landmarks.mean(axis=0) for scene in scenes])
    assert np.linalg.norm(np.diff(middles, axis=0), axis=1).min() > 1
    assert all(scene.levels.shape == (HEIGHT, WIDTH, 3) for scene in scenes)


@pytest.mark.parametrize("style", HELD_STYLES)
def test_a_print_is_the_same_sheet(style: str, people: list[Source]) -> None:
    """Brought back to one place by its landmarks, the face on the sheet is the same in every still, but for light."""
    rng = np.random.default_rng(4)
    behind = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.float32)
    scenes = print_sitting(rng, HELD_STYLES[style], people[0], Material(people, []), 3, lambda still: behind, PLACE)
    noses = []
    for scene in scenes:
        x, y = scene.landmarks[4].astype(int)
        noses.append(scene.levels[y - 4 : y + 5, x - 4 : x + 5].mean())
        assert np.isfinite(scene.levels).all()
    assert np.ptp(noses) < 45
    if style != "edges_hidden":
        assert all((scene.levels[-5:, :5] == 90).all() for scene in scenes)


def test_the_same_seed_makes_the_same_sitting(people: list[Source]) -> None:
    """What is synthesised hangs on the seed alone."""
    one, other = (
        print_sitting(np.random.default_rng(8), HELD_STYLES["photo_paper"], people[1], Material(people, []), 2)
        for _ in range(2)
    )
    assert all(np.array_equal(a.levels, b.levels) for a, b in zip(one, other, strict=True))


def test_portraits_are_measured_and_written(cut_out: list[Source], tmp_path: Path) -> None:
    """Each person is a subject with a baseline, genuine stills and prints, and every cue has its figures."""
    run = measure_held(portrait_trials(cut_out, [], stills=3, seed=1), lambda trial: write_trial(tmp_path, trial))
    kinds = {REFERENCE, GENUINE, *HELD_STYLES}
    assert {path.name for path in tmp_path.iterdir()} == kinds
    for kind in kinds:
        folder = read_folder(tmp_path / kind)
        assert len(folder.subjects) == len(cut_out)
        assert len(folder.stills) == 3 * len(cut_out)
    told = numbers(run)
    assert told["people"] == len(cut_out)
    assert {(row["cue"], row["style"]) for row in told["cues"]} == {
        (cue, style) for cue in ("ring_motion", "frame") for style in HELD_STYLES
    }
    for row in told["cues"]:
        assert row["auc"] is None or (0 <= row["auc"] <= 1 and not math.isnan(row["auc"]))


def test_prints_of_people_in_clips_are_held_by_others(people: list[Source], tmp_path: Path) -> None:
    """A person of a clip is shown as filmed, and the print before somebody else's clip."""
    for source in people[2:4]:
        for day in ("one", "two"):
            folder = tmp_path / f"{source.person.split('.')[0]}_{day}"
            folder.mkdir()
            for number in range(6):
                canvas = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
                part = source.pixels[:HEIGHT, :WIDTH]
                canvas[: part.shape[0], number : number + part.shape[1]] = part[:, : WIDTH - number]
                (folder / f"{number}.jpg").write_bytes(as_jpeg(canvas, quality=95))
    names = [source.person.split(".")[0] for source in people[2:4]]
    (tmp_path / "people.txt").write_text("".join(f"{name} {name}_one {name}_two\n" for name in names))
    trials = list(clip_trials(find_clips(tmp_path), cameras=1, stills=2, seed=0))
    assert [trial.person for trial in trials] == sorted(names)
    for trial in trials:
        assert len(trial.sittings[REFERENCE]) == len(trial.sittings[GENUINE]) == 2
        assert all(len(trial.sittings[style]) == 2 for style in HELD_STYLES)


def test_nobody_to_show() -> None:
    """Without anybody that is said, in place of figures of nothing."""
    with pytest.raises(NoTrials):
        measure_held([])
