"""`biosense evaluate life` on clips of real people, one of whom turns her head."""

import json
from pathlib import Path

import pytest

from biosense_pipeline_tests.cli.conftest import biosense

HEAD_POSE = Path(__file__).resolve().parents[4] / "shared" / "data" / "head_pose"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """The two clips with one person each."""
    if not HEAD_POSE.is_dir():
        pytest.skip("needs the head_pose clips in ../shared/data")
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("female", "male"):
        file = f"head-pose-face-detection-{name}.gif"
        (folder / file).symlink_to(HEAD_POSE / file)
    return folder


@pytest.mark.slow
def test_evaluate_life(clips: Path, tmp_path: Path) -> None:
    """Whole recordings are found, nobody is taken for one, a head that turns is alive and a print is not.

    Exit code 1: the man hardly moves from still to still, 0.4 seconds apart, and where a recording shows stillness
    alone it is not told from somebody who sits still.
    """
    done = biosense(tmp_path, "evaluate", "life", "--clips", str(clips), "--prints", "1", "--apart", "5", "--json")
    assert done.returncode == 1, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["people"], figures["clips"]) == (2, 2)
    assert figures["found_frozen"]["share"] == figures["found_loop"]["all"]["share"] == 1
    assert figures["found_loop"]["2"]["share"] < 1
    assert figures["false_frozen"]["count"] == figures["loop_above_0"]["count"] == 0
    assert figures["live_sittings"]["count"] >= 5
    assert figures["static_prints"]["on_a_stand"]["share"] == 1


def test_nothing_to_measure(tmp_path: Path) -> None:
    """A folder without clips ends in one sentence."""
    (tmp_path / "clips").mkdir()
    done = biosense(tmp_path, "evaluate", "life", "--clips", "clips")
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no clips" in done.stderr
