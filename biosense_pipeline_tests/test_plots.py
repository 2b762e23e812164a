"""Plots for metadata: at the size of a real hour they are pictures, and small enough to be stored with an event."""

import base64
import io
import re
from datetime import datetime, timedelta

import numpy as np
import pytest
from PIL import Image

from biosense_pipeline.plots import drawing
from biosense_pipeline.plots.agents import BAD, GOOD, NEITHER, agent_bars, agent_hour_heat_map
from biosense_pipeline.plots.presentation import evidence_lines
from biosense_pipeline_tests.conftest import HOUR

AGENTS = [f"NA\\agent{number:03}" for number in range(20)]


def test_evidence_of_a_full_hour() -> None:
    """Of five agents with 360 stills each and four kinds of evidence that vary with every still."""
    picture = _picture(_evidence(agents=5))
    assert min(picture.size) >= 250
    colours = np.unique(np.asarray(picture.convert("RGB"), dtype=int).reshape(-1, 3), axis=0)
    # Fewer shades are kept than were drawn, and yet the lines are told apart.
    for line in ((0xB3, 0x43, 0x2B), (0x4F, 0x6D, 0x9C), (0x3D, 0x7D, 0x5A), (0xA0, 0x7B, 0x2C)):
        assert np.abs(colours - line).sum(axis=1).min() < 64


def test_bars_of_twenty_agents() -> None:
    """Counts of as many agents as are shown."""
    counts = {"static": range(20), "insufficient": range(20, 40), "live": range(300, 320)}
    _picture(agent_bars(AGENTS, counts, (BAD, NEITHER, GOOD), "windows", "Windows"))


def test_heat_map_of_twenty_agents() -> None:
    """Shares of as many agents and hours as are shown."""
    shares = np.random.default_rng(1).random((20, 12))
    _picture(agent_hour_heat_map(AGENTS, [f"02 {hour}h" for hour in range(12)], shares))


def test_what_fits_at_no_size_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that stays too large is not taken for one with nothing to draw."""
    monkeypatch.setattr(drawing, "LARGEST", 1000)
    assert _evidence(agents=1) == "too large to show"


def _evidence(agents: int) -> str | None:
    rng = np.random.default_rng(1)

    def line() -> list[tuple[datetime, float]]:
        return [(HOUR + at * timedelta(seconds=10), float(value)) for at, value in enumerate(rng.normal(0, 8, 360))]

    lines = {agent: {kind: line() for kind in ("FROZEN", "LOOP", "PRINT", "SOURCE")} for agent in AGENTS[:agents]}
    return evidence_lines(lines, HOUR, HOUR + timedelta(hours=1), {"FROZEN": 10.0, "LOOP": 10.0}, "Evidence")


def _picture(markdown: str | None) -> Image.Image:
    assert markdown is not None
    found = re.fullmatch(r"!\[[^\]]+\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found, markdown[:40]
    assert len(found[1]) <= drawing.LARGEST
    return Image.open(io.BytesIO(base64.b64decode(found[1])))
