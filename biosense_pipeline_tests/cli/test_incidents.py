"""`biosense evaluate incidents`: figures for people and for programs, a report, and mistakes told in a sentence."""

import json
from pathlib import Path

import pytest

from biosense_pipeline_tests.cli.conftest import Run

SMALL = ("evaluate", "incidents", "--agent-months", "10", "--swaps", "40")


@pytest.mark.slow
def test_json_and_report(run: Run, tmp_path: Path) -> None:
    """One JSON object with the figures and the goal; the report is one page with plots and no picture of anybody."""
    done = run(*SMALL, "--json", "--report", str(tmp_path / "report"), incident_stills_per_day=600)
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["goal"]["reached"] else 1)
    assert told["seconds_to_detection_median"] <= 60
    assert told["stills_to_detection_median"] <= 6
    low, high = told["false_incidents_interval"]
    assert low <= told["false_incidents_per_agent_month"] <= high
    assert {entry["correlation"] for entry in told["correlated"]} == {0.0, 0.1, 0.2, 0.3, 0.5}
    assert told["prints"]["plain"]["stills_median"] < told["prints"]["faint"]["stills_median"]
    page = Path(told["report"]).read_text()
    assert page.count("data:image/svg+xml") == 2
    assert "data:image/png" not in page


@pytest.mark.slow
def test_table_and_goal_missed(run: Run) -> None:
    """Where the goal is missed the exit code is 1, and the table says so."""
    done = run(*SMALL, "--correlation", "0.7", incident_stills_per_day=600)
    assert done.returncode == 1
    assert "not reached" in done.stdout
    assert "noisy camera" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--fnmr", "0.6"], "--fnmr"),
        (["--fmr", "0"], "--fmr"),
        (["--agent-months", "1"], "--agent-months"),
        (["--evidence", "guesses"], "--evidence"),
        (["--calibration", "--fnmr", "0.1"], "--calibration"),
        (["--report", "/proc/nowhere"], "--report"),
    ],
)
def test_wrong_use(run: Run, arguments: list[str], told: str) -> None:
    """What cannot be meant is told in one sentence, with exit code 2."""
    done = run("evaluate", "incidents", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_no_calibration(run: Run) -> None:
    """Without a calibration in force its rates cannot be taken."""
    assert run("db", "upgrade").returncode == 0
    done = run("evaluate", "incidents", "--calibration")
    assert done.returncode == 2
    assert "no calibration in force" in done.stderr
