"""Scores of the operator's own at work: stored with the stills, judged beside the others, refused where unusable."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from biosense_pipeline.codes import Species, StillResult
from biosense_pipeline.demo import frames
from biosense_pipeline.demo.frames import Person
from biosense_pipeline.matching.evidence.attack_score import AttackScore, AttackScoreUnusable
from biosense_pipeline.matching.evidence.levels import Usual
from biosense_pipeline.matching.evidence.own_scores import Measurement
from biosense_pipeline.matching.evidence.presentation import WINDOW
from biosense_pipeline.matching.evidence.recapture import GroupScore, RecaptureModel
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import FindingRow, read_findings
from biosense_pipeline.store.evidence.stills import KeptEvidence
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline.vision.attack_descriptor import read_attack_descriptor
from biosense_pipeline.vision.examine import InlineExaminer
from biosense_pipeline.vision.presentation.features import FEATURES_ID, LENGTH
from biosense_pipeline.workflows.baselines import baselines
from biosense_pipeline.workflows.drain import drain
from biosense_pipeline.workflows.enrol import check_training_images
from biosense_pipeline.workflows.impersonation import ImpersonationReport, detect_impersonation
from biosense_pipeline.workflows.own_scores import judging_model, own_scores
from biosense_pipeline.workflows.workbench import engine_spec
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.vision.attack_graphs import DESCRIPTOR, STATED, write_model
from biosense_pipeline_tests.workflows.evidence_rows import Scene, employee_of, enter_scene, person, scoring
from biosense_pipeline_tests.workflows.fakes import attempts, bench_with, capture, enrol

NEXT_HOUR = HOUR + timedelta(hours=1)
ONE = GroupScore(np.zeros(1), np.ones(1), np.ones(1), 0.0, 1.0)
USUAL = Usual(0.0, 0.5, 0.5, 0.5)


def showing(scene: Scene, own: float, model_id: str | None = None) -> Scene:
    """The scene, with a number more among the features and as the model's score, both about so much."""

    def show(number: int) -> KeptEvidence:
        shown = scoring(scene, 0.0)(number)
        assert shown.face is not None
        assert shown.face.features is not None
        value = own + float(np.random.default_rng([number, 13]).normal(0, 0.3))
        features = np.append(shown.face.features, np.float32(value))
        return replace(shown, face=replace(shown.face, features=features, attack_score=value, attack_model_id=model_id))

    return show


def enter_days(database: Database, model_id: str | None = None, attack: float = 5.0) -> list[int]:
    """Four earlier days as the agent is, and forty stills of an attack; returns the ids of these."""
    for days in (2, 3, 4, 5):
        enter_scene(database, showing(person(days), 0.0, model_id), 40, start=HOUR - timedelta(days=days))
    return enter_scene(database, showing(person(), attack, model_id), 40)


def trained(folder: Path, *species: Species, features_id: str = FEATURES_ID) -> Path:
    """A score file: the number more among the features."""
    groups = RecaptureModel(features_id, {"own": ONE}, {"own": slice(LENGTH, LENGTH + 1)}, {})
    measured = {each: Measurement(USUAL, {each: 3.0}, 0.5) for each in species}
    path = folder / "score.json"
    path.write_text(AttackScore(features_id, dict.fromkeys(species, groups), measured, {}).as_text())
    return path


def analyse(database: Database, **values: Any) -> tuple[list[FindingRow], ImpersonationReport]:
    """The findings of the hour by these settings."""
    report = detect_impersonation(database, Settings(**values), HOUR, NEXT_HOUR)
    return [row for _, row in read_findings(database, HOUR, NEXT_HOUR)], report


def test_screens_are_found_where_a_score_was_trained_on_some(database: Database, tmp_path: Path) -> None:
    """Without such a score they are not measured and not found; with it they are, under the score's id."""
    enter_days(database)
    found, report = analyse(database)
    assert found == []
    assert report.not_judged[Species.SCREEN].startswith("not measured")
    path = trained(tmp_path, Species.SCREEN)
    found, report = analyse(database, attack_score=path)
    assert [row.species for row in found] == [Species.SCREEN]
    assert report.not_judged == {}
    (score,) = own_scores(Settings(attack_score=path))
    assert found[0].numbers["trained_screen_id"] == score.score_id
    assert float(found[0].numbers["trained_screen_spreads"]) > 2
    found, report = analyse(database)
    assert found == []


def test_prints_stay_prints(database: Database, tmp_path: Path) -> None:
    """A score that was trained on prints finds prints, and screens stay unmeasured."""
    enter_days(database)
    found, report = analyse(database, attack_score=trained(tmp_path, Species.PRINT))
    assert [row.species for row in found] == [Species.PRINT]
    assert "trained_print_id" in found[0].numbers
    assert report.not_judged[Species.SCREEN].startswith("not measured")


def test_a_person_is_no_attack(database: Database, tmp_path: Path) -> None:
    """Whoever scores as on other days is found as nothing."""
    enter_days(database, attack=0.0)
    assert analyse(database, attack_score=trained(tmp_path, Species.PRINT, Species.SCREEN))[0] == []


def test_before_a_baseline_it_counts_nothing(database: Database, tmp_path: Path) -> None:
    """Of an agent without earlier stills nothing is said by a score that few people taught."""
    enter_scene(database, showing(person(), 9.0), 40)
    assert analyse(database, attack_score=trained(tmp_path, Species.PRINT, Species.SCREEN))[0] == []


def test_the_own_models_score_counts_as_far_as_it_is_known(database: Database, tmp_path: Path) -> None:
    """Stored scores of the model in force are a cue where its descriptor states how far attacks lie; else none."""
    known = write_model(tmp_path / "a", DESCRIPTOR + STATED)
    unknown = write_model(tmp_path / "b", DESCRIPTOR)
    model_id = read_attack_descriptor(known).model_id
    enter_days(database, model_id)
    assert own_scores(Settings(attack_model=unknown)) == ()
    assert analyse(database, attack_model=unknown)[0] == []
    (row,) = analyse(database, attack_model=known)[0]
    assert row.numbers["model_id"] == model_id
    other = write_model(tmp_path / "c", DESCRIPTOR.replace("crop = 1.0", "crop = 2.0") + STATED)
    assert analyse(database, attack_model=other)[0] == []


def test_what_was_measured_comes_before_what_is_stated(tmp_path: Path) -> None:
    """Where the trained score's file measured the model in force, that counts."""
    path = write_model(tmp_path, DESCRIPTOR + STATED)
    model_id = read_attack_descriptor(path).model_id
    measured = Measurement(USUAL, {Species.SCREEN: 7.0}, 0.6)
    file = tmp_path / "score.json"
    file.write_text(AttackScore(FEATURES_ID, {}, {}, {}, {model_id: measured}).as_text())
    (score,) = own_scores(Settings(attack_model=path, attack_score=file))
    assert score.measured == measured
    (stated,) = own_scores(Settings(attack_model=path))
    assert stated.measured.distances == {Species.PRINT: 2.0, Species.SCREEN: 2.0}


@pytest.mark.parametrize("fault", ["missing", "other features", "torn", "no text"])
def test_an_unusable_score_is_refused(sqlite_database: Database, tmp_path: Path, fault: str) -> None:
    """A file that is missing, torn or of other features stops the analysis with its name and what to do."""
    path = trained(tmp_path, Species.PRINT, features_id="other-1" if fault == "other features" else FEATURES_ID)
    if fault == "missing":
        path.unlink()
    elif fault == "torn":
        path.write_text(path.read_text()[:50])
    elif fault == "no text":
        path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(AttackScoreUnusable, match=r"BIOSENSE_ATTACK_SCORE names .*score\.json") as raised:
        analyse(sqlite_database, attack_score=path)
    assert ("other-1" in str(raised.value)) == (fault == "other features")


def test_baselines_are_made_anew_for_another_score(sqlite_database: Database, tmp_path: Path) -> None:
    """A baseline knows the level of the scores in force, whatever was in force when the day was first judged."""
    enter_days(sqlite_database)
    employee = employee_of(sqlite_database)
    own: dict[str | None, set[str]] = {None: set(), str(trained(tmp_path, Species.SCREEN)): {"trained_screen"}}
    for score in (None, *filter(None, own), None):
        settings = Settings() if score is None else Settings(attack_score=Path(score))
        baseline = baselines(sqlite_database, employee, judging_model(settings), WINDOW)(HOUR.date())
        assert set(baseline.own) == own[score]


@pytest.mark.parametrize("usable", [True, False])
def test_a_drain_stores_the_score(sqlite_database: Database, tmp_path: Path, usable: bool) -> None:
    """Score and model id are stored with the evidence; a model that is gone costs these alone, and that is told."""
    path = write_model(tmp_path)
    model_id = read_attack_descriptor(path).model_id
    if not usable:
        (tmp_path / "brightness.onnx").unlink()
    settings = Settings(attack_model=path)
    bench = bench_with(sqlite_database, InlineExaminer(engine_spec(settings)))
    enrol(sqlite_database, picture=frames.training_picture(Person.OBAMA))
    check_training_images(bench)
    ids = capture(sqlite_database, frames.own_frame(Person.OBAMA, 1), frames.empty_frame(1))
    report = drain(bench, Scope())
    columns = PresentationEvidence.attack_score, PresentationEvidence.attack_model_id
    with sqlite_database.read() as connection:
        rows = connection.execute(select(*columns).order_by(PresentationEvidence.stream_image_id)).all()
    assert report.results == {StillResult.SUCCESS: 1, StillResult.NO_FACES_FOUND: 1}
    assert rows[1] == (None, None)
    if usable:
        assert rows[0].attack_score is not None
        assert rows[0].attack_model_id == model_id
        assert not report.without_attack_score
    else:
        assert rows[0] == (None, None)
        ((reason, count),) = report.without_attack_score.items()
        assert count == 1
        assert "which is not there" in reason
        (attempt,) = attempts(sqlite_database, ids[0])
        assert attempt.detail.startswith("no attack score: ")
