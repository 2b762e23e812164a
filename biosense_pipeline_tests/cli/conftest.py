"""Runs the installed command as a person would, away from the project's own settings and data."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from biosense_pipeline.settings import ENV_PREFIX

BIOSENSE = Path(sys.executable).with_name("biosense")

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


def environment(folder: Path, **values: object) -> dict[str, str]:
    """This shell's variables without settings, and a database of its own in ``folder``; settings by field name."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith((ENV_PREFIX, "DAGSTER_"))}
    defaults = {"database_url": f"sqlite:///{folder / 'biosense.sqlite'}"}
    given = {f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in {**defaults, **values}.items()}
    return {**kept, **given, "COLUMNS": "120", "DAGSTER_HOME": str(folder)}


def biosense(folder: Path, *arguments: str, **values: object) -> Done:
    """Run ``biosense`` in ``folder``."""
    return subprocess.run(
        [BIOSENSE, *arguments],
        cwd=folder,
        env=environment(folder, **values),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``biosense`` with arguments; settings by field name."""
    return lambda *arguments, **values: biosense(tmp_path, *arguments, **values)
