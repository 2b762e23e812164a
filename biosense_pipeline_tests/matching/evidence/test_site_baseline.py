"""What is usual at a site, from its agents' own baselines."""

import json
from dataclasses import replace

import numpy as np
import pytest

from biosense_pipeline.matching.evidence.baseline import Baseline, Site
from biosense_pipeline.matching.evidence.levels import Level, Usual
from biosense_pipeline.matching.evidence.site_baseline import (
    FEWEST_AGENTS,
    parameters_of,
    site_from,
    site_of_baselines,
)

DEVELOPMENT = Site(
    ("ring", "chroma"),
    (0.0, 0.0),
    ("ring",),
    score=Usual(0.0, 1.0, 0.5, 2.0),
    context_score=Usual(0.0, 0.6, 0.3, 1.0),
    rigidity=Usual(3.0, 0.5, 0.3, 0.4),
    moving={"frame": Usual(0.0, 0.5, 0.2, 0.2), "ring": Usual(0.1, 0.5, 0.2, 0.2)},
)


def baselines(count: int, centre: float = 1.0, spread: float = 0.4, seed: int = 0) -> list[Baseline]:
    """Of so many agents, each group around the centre."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        centres = rng.normal(centre, spread, 2)
        score = Level(float(centres.sum()), 0.5, 0.25)
        rigidity, frame = Level(2.5, 0.4, 0.3), Level(0.6, 0.5, 0.2)
        made.append(Baseline(DEVELOPMENT.groups, tuple(centres.tolist()), score, rigidity, 60, 3, {"frame": frame}))
    return made


def test_too_few_agents() -> None:
    """With fewer than ten agents there is nothing usual; those without a baseline of their own do not count."""
    own = baselines(FEWEST_AGENTS)
    assert site_of_baselines(own, DEVELOPMENT) is not None
    assert site_of_baselines(own[1:], DEVELOPMENT) is None
    assert site_of_baselines([replace(own[0], stills=0), *own[1:]], DEVELOPMENT) is None
    assert site_of_baselines([replace(own[0], groups=("ring",)), *own[1:]], DEVELOPMENT) is None


def test_medians_of_many() -> None:
    """Centres are the agents' medians, spreads theirs with development's as those of three more."""
    site = site_of_baselines(baselines(200), DEVELOPMENT)
    assert site is not None
    assert site.group_centres == pytest.approx((1.0, 1.0), abs=0.1)
    assert site.score.centre == pytest.approx(2.0, abs=0.1)
    assert site.score.within == pytest.approx(np.sqrt((200 * 0.25 + 3) / 203))
    assert site.score.agents == pytest.approx(0.4 * np.sqrt(2), abs=0.15)
    assert site.context_score.centre == pytest.approx(1.0, abs=0.1)
    assert site.context_score.within == pytest.approx(0.6 * site.score.within)
    assert site.rigidity.centre == 2.5
    # A cue of which no baseline tells stays as development has it.
    assert (site.moving["frame"].centre, site.moving["ring"]) == (0.6, DEVELOPMENT.moving["ring"])
    # An agent of whom nothing is known is judged by it.
    assert site.baseline().score.centre == site.context_score.centre


def test_attacked_baselines_move_little() -> None:
    """A third of the agents with baselines of prints moves what is usual by less than a spread."""
    honest = baselines(20)
    site = site_of_baselines(honest, DEVELOPMENT)
    attacked = site_of_baselines([*honest, *baselines(9, centre=6.0, seed=1)], DEVELOPMENT)
    assert site is not None
    assert attacked is not None
    assert attacked.score.centre - site.score.centre < site.score.level().deviation(12)


def test_agents_who_are_alike() -> None:
    """However near agents' centres lie together, a new one may differ as much as one agent's sittings."""
    site = site_of_baselines(baselines(500, spread=0.0), replace(DEVELOPMENT, score=Usual(0.0, 1.0, 0.5, 0.0)))
    assert site is not None
    assert site.score.agents == site.score.sittings > 0


def test_stored_and_read() -> None:
    """Through JSON and back it is equal to the last digit."""
    site = site_of_baselines(baselines(12), DEVELOPMENT)
    assert site is not None
    assert site_from(json.loads(json.dumps(parameters_of(site)))) == site
