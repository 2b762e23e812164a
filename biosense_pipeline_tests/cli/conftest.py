"""Runs the command as a person would, away from the project's own settings and data."""

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from biosense_pipeline.cli import main
from biosense_pipeline.settings import ENV_PREFIX, Settings, load_settings

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
    """Run ``biosense`` in ``folder``, inside this process: a process of its own takes two seconds to import."""
    output, errors = io.StringIO(), io.StringIO()
    code: object = 0
    with (
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, environment(folder, **values), clear=True),
        mock.patch.dict(Settings.model_config, {"env_file": ".env"}),
        mock.patch.object(sys, "argv", ["biosense", *arguments]),
        mock.patch("signal.signal"),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        load_settings.cache_clear()
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            load_settings.cache_clear()
    assert isinstance(code, int)
    return Done(arguments, code, output.getvalue(), errors.getvalue())


def biosense_process(folder: Path, *arguments: str, **values: object) -> Done:
    """Run the installed ``biosense`` in ``folder``, in a process of its own."""
    return subprocess.run(
        [BIOSENSE, *arguments],
        cwd=folder,
        env=environment(folder, **values),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def copy_database(folder: Path, target: Path) -> None:
    """Copy the database of commands that ran in ``folder``, for others in ``target``."""
    for file in folder.glob("biosense.sqlite*"):
        shutil.copy(file, target)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs ``biosense`` with arguments; settings by field name."""
    return lambda *arguments, **values: biosense(tmp_path, *arguments, **values)


def one_sentence(done: Done, code: int, *words: str) -> None:
    """What a person's mistake ends in."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith("biosense: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words), done.stderr
