"""`biosense evaluate minutes`: what runs every minute measured on a made-up site."""

import json
from importlib import import_module

import pytest
from sqlalchemy import URL

from biosense_pipeline.evaluation.live_minutes import LiveMinutes
from biosense_pipeline_tests.cli.conftest import Run


@pytest.mark.slow
def test_minutes_are_measured(run: Run, mariadb_server: URL) -> None:
    """Each minute's new stills are judged, and nothing is found where nothing is."""
    server = mariadb_server.render_as_string(hide_password=False)
    done = run("evaluate", "minutes", "--server", server, "--agents", "3", "--minutes", "2", "--workers", "0", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["agents"], told["minutes"], told["processes"], told["findings"]) == (3, 2, 0, 0)
    assert told["impersonation_seconds_p50"] > 0
    assert told["kept_up_with"] > 3


@pytest.mark.parametrize(("seconds", "code"), [(59.0, 0), (61.0, 1)])
def test_a_minute_that_takes_longer_fails(run: Run, monkeypatch: pytest.MonkeyPatch, seconds: float, code: int) -> None:
    """Exit code 1 where a minute takes longer than a minute, with how many agents it would keep up with."""
    measured = LiveMinutes(400, 2, [seconds - 1.0], [1.0], 0)
    # As an attribute of the package the name is the command itself.
    module = import_module("biosense_pipeline.cli.evaluate")
    monkeypatch.setattr(module, "measure_minutes", lambda *_, **__: measured)
    done = run("evaluate", "minutes", "--json")
    assert done.returncode == code
    assert (json.loads(done.stdout)["kept_up_with"] >= 400) == (code == 0)
