"""A person's mistake ends in one sentence that says what to do, never in a traceback."""

from pathlib import Path

import pytest
from sqlalchemy import URL

from biosense_pipeline.vision.model_files import LANDMARKS_5, RESNET
from biosense_pipeline_tests.cli.conftest import Done, Run, biosense_process, one_sentence

SECRET = "S3cret-Pa55"
NOWHERE = f"mysql+pymysql://agent:{SECRET}@127.0.0.1:1/biosense"


@pytest.mark.parametrize(
    "url",
    [
        "no-url-at-all",
        f"postgresql://agent:{SECRET}@host/biosense",
        f"mysql+pymysql://agent:{SECRET}@host:port/biosense",
        f"mysql+pymysql://agent:{SECRET}@host",
        "sqlite://",
    ],
)
def test_wrong_database_url(run: Run, url: str) -> None:
    """A database URL that cannot be meant is wrong use, and names the variable."""
    _one_sentence(run("db", "status", database_url=url), 2, "BIOSENSE_DATABASE_URL")


@pytest.mark.parametrize("command", [["db", "status"], ["db", "upgrade"], ["drain"], ["seed", "--json"]])
def test_unreachable_database(run: Run, command: list[str]) -> None:
    """A server that does not answer is a failure."""
    _one_sentence(run(*command, database_url=NOWHERE), 1, "BIOSENSE_DATABASE_URL")


@pytest.mark.slow
def test_installed_command_tells_mistakes_alike(tmp_path: Path) -> None:
    """The installed command, in a process of its own, ends in the same sentence and code."""
    _one_sentence(biosense_process(tmp_path, "drain"), 1, "biosense db upgrade")
    _one_sentence(biosense_process(tmp_path, "drain", "--fast"), 2, "--fast")


def test_wrong_password(run: Run, mariadb_server: URL) -> None:
    """A server that refuses the password is a failure, and the password is not repeated."""
    url = mariadb_server.set(username="nobody", password=SECRET, database="biosense")
    _one_sentence(run("drain", database_url=url.render_as_string(hide_password=False)), 1, "BIOSENSE_DATABASE_URL")


def test_unwritable_folder(run: Run, tmp_path: Path) -> None:
    """A database file whose folder cannot be made is a failure."""
    (tmp_path / "file").write_text("in the way")
    _one_sentence(run("db", "upgrade", database_url=f"sqlite:///{tmp_path}/file/x.sqlite"), 1, "BIOSENSE_DATABASE_URL")


@pytest.mark.parametrize("command", [["drain"], ["analyse"], ["simulate", "--seconds", "1"]])
def test_unmigrated_database(run: Run, command: list[str]) -> None:
    """A database without this release's schema is a failure that names the command to run."""
    _one_sentence(run(*command), 1, "biosense db upgrade")


@pytest.mark.parametrize("workers", [0, 1])
def test_missing_models(run: Run, tmp_path: Path, workers: int) -> None:
    """Missing model files end a drain with the same sentence, with workers and without."""
    run("db", "upgrade")
    run("simulate", "--seconds", "0.1", "--per-second", "100")
    done = run("drain", model_dir=tmp_path / "nowhere", workers=workers)
    _one_sentence(done, 1, f"The model file {tmp_path}/nowhere/{LANDMARKS_5} is missing", "BIOSENSE_MODEL_DIR")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("timezone", "Mars/Olympus"),
        ("workers", "many"),
        ("workers", "-1"),
        ("tolerance", "0"),
        ("engine", "guess"),
        ("image_timeout_seconds", "21"),
        ("partitions_start", "yesterday"),
    ],
)
def test_bad_settings(run: Run, setting: str, value: str) -> None:
    """A setting that cannot be meant is wrong use, and its variable is named."""
    _one_sentence(run("db", "status", **{setting: value}), 2, f"BIOSENSE_{setting.upper()}")


def test_bad_setting_in_the_env_file(run: Run, tmp_path: Path) -> None:
    """A mistake in .env is told like one in the environment."""
    (tmp_path / ".env").write_text("BIOSENSE_TOLERANCE=close\n")
    _one_sentence(run("settings"), 2, "BIOSENSE_TOLERANCE", ".env")


@pytest.mark.parametrize("end", ["2026-03-01", "2026-03-02T09:00"])
def test_start_after_end(run: Run, end: str) -> None:
    """A scope that ends before it starts is wrong use."""
    _one_sentence(run("drain", "--start", "2026-03-02 09:00", "--end", end), 2, "--start has to lie before --end")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["drain", "--fast"], "--fast"),
        (["drian"], "drian"),
        (["evaluate", "latency", "--per-second", "0"], "--per-second"),
        (["evaluate", "latency", "--seconds", "-1"], "--seconds"),
        (["drain", "--start", "soon"], "--start"),
        (["drain", "--workers", "-1"], "--workers"),
        (["drain", "extra"], "extra"),
        (["simulate", "--per-second", "0"], "--per-second"),
        (["settings", "--format", "xml"], "--format"),
        (["drain", "--lan-id"], "--lan-id"),
    ],
)
def test_wrong_arguments(run: Run, arguments: list[str], words: str) -> None:
    """A wrong option or argument is wrong use, told in one line that names it."""
    _one_sentence(run(*arguments), 2, words, "biosense --help")


@pytest.mark.parametrize("arguments", [[], ["db"]])
def test_no_command(run: Run, arguments: list[str]) -> None:
    """Without a command the help is shown and the use counts as wrong."""
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout + done.stderr
    assert "Usage: biosense" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("broken", ["missing", "torn"])
def test_doctor_on_models(run: Run, tmp_path: Path, broken: str) -> None:
    """The doctor names missing or torn model files and exits with 1, without a traceback."""
    if broken == "torn":
        for name in (LANDMARKS_5, RESNET):
            (tmp_path / name).write_bytes(b"torn")
    run("db", "upgrade")
    done = run("doctor", model_dir=tmp_path)
    assert done.returncode == 1
    assert done.stderr == ""
    assert "MEND" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["settings"], ["settings", "--json"], ["doctor"], ["doctor", "--json"], ["demo"], ["db", "upgrade"]]
)
@pytest.mark.parametrize("url", [NOWHERE, f"mysql+pymysql://agent@127.0.0.1:1/biosense?password={SECRET}"])
def test_the_password_is_never_shown(run: Run, arguments: list[str], url: str) -> None:
    """No command repeats the password of the database, wherever the URL holds it."""
    done = run(*arguments, database_url=url)
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "127.0.0.1" in done.stdout + done.stderr


def _one_sentence(done: Done, code: int, *words: str) -> None:
    one_sentence(done, code, *words)
    assert SECRET not in done.stderr
