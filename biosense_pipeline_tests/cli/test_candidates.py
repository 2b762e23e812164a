"""`biosense compare` and `redecide`: what they print, and which mistakes they explain."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from biosense_pipeline.store.database import Database
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.results import count_results
from biosense_pipeline.store.stills.summaries import read_summary
from biosense_pipeline_tests.cli.conftest import Done, Run
from biosense_pipeline_tests.workflows.fakes import AGENT, PreparedExaminer
from biosense_pipeline_tests.workflows.two_models import CANDIDATE, OTHER, PRESENT, SHARPER, process

ANOTHER_ENGINE = "face_recognition"


@pytest.fixture
def processed(tmp_path: Path) -> Database:
    """The database that ``run`` uses, with processed stills of two agents."""
    database = Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")
    upgrade_schema(database)
    return process(database)


def _object(done: Done) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _compare(run: Run, *arguments: str) -> Done:
    prepared = PreparedExaminer(model_id=CANDIDATE, sights=SHARPER)
    with mock.patch("biosense_pipeline.workflows.workbench.make_examiner", return_value=prepared):
        return run("compare", "--engine", ANOTHER_ENGINE, *arguments)


@pytest.mark.usefixtures("processed")
def test_another_tolerance_in_figures(run: Run) -> None:
    """A comparison says in one object what another tolerance would change, and what to set for it."""
    found = _object(run("compare", "--tolerance", "0.2", "--json"))
    assert (found["stills"], found["agreeing"], found["changed"], found["newly_unmatched"]) == (7, 6, 1, 1)
    assert found["present"] == {"model_id": PRESENT, "tolerance": 0.5}
    assert found["candidate"] == {"model_id": PRESENT, "tolerance": 0.2}
    assert found["to_bring_into_force"] == {"BIOSENSE_TOLERANCE": "0.2"}
    assert (found["examined"], found["stored"], found["decided_again"], found["left_out"]) == (0, 0, 7, {})
    assert {"old": "SUCCESS", "new": "UNKNOWN_PERSON", "stills": 1} in found["results"]
    assert {lan_id: tally["stills"] for lan_id, tally in found["agents"].items()} == {AGENT: 5, OTHER: 2}
    assert found["most_telling"][0]["new"]["result"] == "UNKNOWN_PERSON"


def test_from_a_candidate_to_what_is_in_force(run: Run, processed: Database) -> None:
    """Another engine's results are stored by compare, shown by a dry run, and brought into force by redecide."""
    assert _object(_compare(run, "--json"))["stored"] == 7
    before = count_results(processed, Scope())
    dry = _object(run("redecide", "--dry-run", "--json", engine=ANOTHER_ENGINE))
    assert (dry["changed"], dry["dry_run"], count_results(processed, Scope())) == (4, True, before)
    done = _object(run("redecide", "--json", engine=ANOTHER_ENGINE))
    assert (done["changed"], done["rows_changed"], done["model_id"]) == (4, 4, CANDIDATE)
    assert done["hours"] == ["2026-03-02T09:00:00"]
    after = count_results(processed, Scope())
    assert after["SUCCESS_MULTIPLE_FACES"] == 1
    assert sum(row.stills for row in read_summary(processed)) == sum(after.values())


@pytest.mark.usefixtures("processed")
def test_tables_for_people(run: Run) -> None:
    """People read which results and agents change, what was compared with what, and what to do next."""
    text = _compare(run).stdout
    assert "7 stills compared: 3 agree, 4 change (2 newly matched, 0 newly unmatched)." in text
    assert f"In force: {PRESENT}, tolerance 0.5" in text
    assert f"Candidate: {CANDIDATE}, tolerance 0.5" in text
    assert "set BIOSENSE_ENGINE=face_recognition, then run `biosense redecide`" in text
    assert AGENT in text
    text = run("redecide", engine="dlib", tolerance=0.2).stdout
    assert "1 rows of stream_img changed; 1 hours had other results and were summed up again." in text
    text = run("redecide", "--dry-run", engine="dlib", tolerance=0.2).stdout
    assert "0 rows of stream_img would change; nothing was written." in text


@pytest.mark.usefixtures("processed")
def test_only_the_stills_asked_for(run: Run) -> None:
    """Times and agents limit both commands."""
    assert _object(run("redecide", "--lan-id", OTHER, "--json"))["stills"] == 2
    assert _object(run("compare", "--tolerance", "0.2", "--start", "2026-03-03", "--json"))["stills"] == 0


@pytest.mark.usefixtures("processed")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["compare"], "Name what the candidate changes"),
        (["compare", "--engine", "dlib"], "in force already"),
        (["compare", "--engine", "guess"], "--engine"),
        (["compare", "--engine", "onnx"], "BIOSENSE_ENCODER"),
        (["compare", "--encoder", "nowhere.toml"], "nowhere.toml"),
        (["compare", "--tolerance", "0"], "--tolerance"),
        (["redecide", "--start", "2026-03-02", "--end", "2026-03-02"], "--start has to lie before --end"),
    ],
)
def test_mistakes_are_explained(run: Run, command: list[str], words: str) -> None:
    """What cannot be meant ends in one sentence and code 2."""
    done = run(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("biosense: ")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
