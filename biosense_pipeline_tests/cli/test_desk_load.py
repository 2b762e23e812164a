"""`biosense evaluate desk`: every page measured on a made-up site."""

import json
from importlib import import_module

import pytest
from sqlalchemy import URL

from biosense_pipeline.evaluation.desk_load import PAGES, PageTimes
from biosense_pipeline_tests.cli.conftest import Run


@pytest.mark.slow
@pytest.mark.parametrize(("goal", "code"), [(60_000.0, 0), (0.0, 1)])
def test_pages_are_measured(
    run: Run, mariadb_server: URL, monkeypatch: pytest.MonkeyPatch, goal: float, code: int
) -> None:
    """An administrator and a team lead open each page; what took longer than the goal fails the command."""
    # As an attribute of the package the name is the command itself.
    monkeypatch.setattr(import_module("biosense_pipeline.cli.evaluate"), "GOAL", goal)
    server = mariadb_server.render_as_string(hide_password=False)
    size = ["--agents", "40", "--stills", "1600", "--visits", "3"]
    done = run("evaluate", "desk", "--server", server, *size, "--json")
    assert (done.returncode, done.stderr) == (code, "")
    told = json.loads(done.stdout)
    assert (told["agents"], told["stills"], told["visits"], told["goal_ms_p95"]) == (40, 1600, 3, goal)
    assert [(page["page"], page["visitor"]) for page in told["pages"]] == [
        (page, visitor) for visitor in ("admin", "team lead") for page in PAGES
    ]
    for page in told["pages"]:
        assert 0 < page["ms_p50"] <= page["ms_p95"] <= page["ms_max"]
        assert page["kib"] > 1


def test_server_that_does_not_answer_is_told(run: Run) -> None:
    """Without a server nothing is measured, and the sentence says what to name."""
    done = run("evaluate", "desk", "--server", "mysql+pymysql://root@127.0.0.1:1/")
    assert done.returncode == 1
    assert "name one that runs with --server" in done.stderr


def test_percentile_is_a_visit() -> None:
    """A percentile is the time of a visit that took so long, not a mean of two."""
    times = PageTimes("today", "admin", [float(number) for number in range(1, 51)], 1)
    assert (times.percentile(50), times.percentile(95), times.percentile(100)) == (26.0, 48.0, 50.0)
