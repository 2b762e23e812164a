"""What the commands do and print: tables for people, one JSON object for programs."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from biosense_pipeline.cli import cli
from biosense_pipeline.cli.output import print_table
from biosense_pipeline.settings import Settings
from biosense_pipeline_tests.cli.conftest import BIOSENSE, Done, Run, biosense, copy_database, environment

ODD_LAN_IDS = [
    "NA\\[red]x",
    "[/bold]",
    "[link=file:///etc]y[/link]",
    "two\nlines\r",
    "\x1b[31mred",
    "日本\\é",
    ":smile:",
]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database holds the demo's day, not processed."""
    folder = tmp_path_factory.mktemp("seeded")
    assert _object(biosense(folder, "seed", "--json")) | {"database": ""} == {
        "database": "",
        "stills": 200,
        "agents": 6,
    }
    return folder


@pytest.fixture(scope="module")
def drained(seeded: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A folder whose database holds the demo's day, processed, and what the drain said."""
    folder = tmp_path_factory.mktemp("drained")
    copy_database(seeded, folder)
    return folder, biosense(folder, "drain", "--json")


def _commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The command and all below it, with the words that call them."""
    yield words, command
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _commands(below, (*words, name))


@pytest.mark.parametrize(("words", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in _commands(cli)])
def test_help(run: Run, words: tuple[str, ...], command: click.Command) -> None:
    """Every command explains itself and each of its options."""
    done = run(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(" ".join(["Usage: biosense", *words]))
    assert command.help
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


def test_version(run: Run) -> None:
    """The version is told."""
    assert "biosense" in run("--version").stdout


@pytest.mark.slow
def test_a_new_database(run: Run) -> None:
    """A new database is brought to the newest schema once; status and doctor say so."""
    before = _object(run("db", "status", "--json"))
    assert (before["schema"], before["up_to_date"], before["stills"]) == (None, False, {})
    assert run("doctor").returncode == 1
    first, second = _object(run("db", "upgrade", "--json")), _object(run("db", "upgrade", "--json"))
    assert (first["before"], first["changed"]) == (None, True)
    assert (second["before"], second["after"], second["changed"]) == (first["after"], first["after"], False)
    assert _object(run("db", "status", "--json"))["up_to_date"] is True
    doctor = run("doctor", "--json")
    assert doctor.returncode == 0
    found = [finding["what"] for finding in _object(doctor)["findings"]]
    assert found == ["database", "schema", "engine", "stills", "alerts", "attack score", "attack model"]


@pytest.mark.slow
def test_drain_processes_the_day(drained: tuple[Path, Done]) -> None:
    """A drain processes the whole seeded day and says what came out, as planned."""
    folder, done = drained
    report = _object(done)
    assert report["stills"] == 200
    assert report["training_images"] == {"SUCCESS": 4, "NO_FACES_FOUND": 1}
    assert report["results"]["NO_TRAINING_IMAGE"] == report["results"]["TRAINING_IMAGE_FAILED"] == 20
    assert report["results"]["UNKNOWN_PERSON"] == 7
    assert report["hours"] == ["2026-03-02T09:00:00", "2026-03-02T10:00:00"]
    assert (report["lost"], report["retried"]) == (0, 0)
    assert report["summary_rows"] == _count(folder, "agent_hour_summary")
    assert report["milliseconds_p50"] <= report["milliseconds_p95"]
    assert _count(folder, "stream_img", "status IN ('Y', 'F')") == 200


@pytest.mark.slow
def test_drain_again_finds_nothing(drained: tuple[Path, Done]) -> None:
    """A second drain has nothing to do, says so, and changes nothing."""
    folder, _ = drained
    done = biosense(folder, "drain")
    assert (done.returncode, done.stdout) == (0, "No stills were pending.\n")
    assert _object(biosense(folder, "db", "status", "--json"))["stills"] == {"F": 45, "Y": 155}


@pytest.mark.slow
def test_drain_of_one_agent_and_hour(seeded: Path, tmp_path: Path) -> None:
    """A drain keeps to the agent and the times it is given, and tells people in tables."""
    copy_database(seeded, tmp_path)
    scope = ["--lan-id", "NA\\kho2114", "--start", "2026-03-02T09:00", "--end", "2026-03-02T10:00"]
    done = biosense(tmp_path, "drain", *scope, "--workers", "1")
    assert done.returncode == 0
    assert "Training images checked" in done.stdout
    assert "Stills processed" in done.stdout
    assert "20 stills in" in done.stdout
    assert _count(tmp_path, "stream_img", "status = 'N'") == 180


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "asked"), [(0, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGTERM)])
def test_asked_to_end(seeded: Path, tmp_path: Path, workers: int, asked: signal.Signals) -> None:
    """Stopped by Ctrl-C or a service manager, a drain says so in a sentence and gives back what it had claimed."""
    copy_database(seeded, tmp_path)
    with subprocess.Popen(
        [BIOSENSE, "drain"],
        cwd=tmp_path,
        env=environment(tmp_path, workers=workers, commit_size=1),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Started in the background of a script, this test itself may have Ctrl-C switched off.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while _count(tmp_path, "stream_img", "status = 'Y'") == 0:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, asked)  # as a terminal and a service manager do: to the workers too
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout) == (130, "")
    # The empty line before it ends the one on which a terminal shows ^C.
    assert stderr == "\nbiosense: Stopped; nothing is lost, and what was claimed has been given back.\n"
    assert _count(tmp_path, "stream_img", "status = 'P'") == 0
    assert _count(tmp_path, "stream_img", "status = 'N' AND attempts > 0") == 0
    assert _count(tmp_path, "stream_img", "status = 'N'") > 0


@pytest.mark.slow
def test_demo(run: Run) -> None:
    """The demo runs the day through Dagster, and every still comes out as planned."""
    done = run("demo", "--json")
    report = _object(done)
    assert (done.returncode, report["deviations"]) == (0, [])
    assert (report["stills"], report["as_expected"]) == (200, 200)
    assert sum(sum(row["results"].values()) for row in report["agents_by_hour"]) == 200
    assert len(report["agents_by_hour"]) == 12
    # Somebody else in a seat, and a camera that freezes: what takes several stills to see.
    told = {incident["species"] for incident in report["incidents"]}
    assert told >= {"UNKNOWN_PERSON", "FROZEN"}
    assert report["findings"]["FROZEN"] == 1
    assert sum(report["motion"].values()) == 48


@pytest.mark.slow
def test_seeding_refuses_a_sites_database(seeded: Path, tmp_path: Path) -> None:
    """Seeding a database with somebody else's image is wrong use, and the demo refuses it too."""
    copy_database(seeded, tmp_path)
    (tmp_path / "dagster.yaml").touch()
    with closing(sqlite3.connect(tmp_path / "biosense.sqlite")) as connection, connection:
        connection.execute("INSERT INTO stream_img (lan_id, status) VALUES ('[red]theirs', 'N')")
    for command in ("seed", "demo"):
        done = biosense(tmp_path, command)
        assert done.returncode == 2
        assert "[red]theirs" in done.stderr
        assert done.stderr.count("\n") == 1
    assert _count(tmp_path, "stream_img") == 201


@pytest.mark.slow
def test_simulate(run: Run, tmp_path: Path) -> None:
    """A simulation enters as many stills as asked for, captured now, and enrols its agents once."""
    run("db", "upgrade")
    report = _object(run("simulate", "--seconds", "0.5", "--per-second", "10", "--json"))
    assert report["entered"] == 5 == _count(tmp_path, "stream_img", "status = 'N'")
    run("simulate", "--seconds", "0")
    assert _count(tmp_path, "train_img") == 5


def test_settings_as_json(run: Run) -> None:
    """All settings are told with the values in force, those from .env included."""
    values = _object(run("settings", "--json", tolerance="0.45"))
    assert set(values) == {f"BIOSENSE_{name.upper()}" for name in Settings.model_fields}
    assert values["BIOSENSE_TOLERANCE"] == 0.45


def test_settings_with_brackets(run: Run) -> None:
    """A value with markup in it is shown as it is."""
    done = run("settings", model_dir="/[bold]x[/nope]")
    assert done.returncode == 0
    assert "/[bold]x[/nope]" in done.stdout


def test_odd_lan_ids_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables show LAN ids with markup, control characters and line breaks as data."""
    print_table("Agents", ["agent", "stills"], [(lan_id, 1) for lan_id in ODD_LAN_IDS])
    shown = capsys.readouterr().out
    for lan_id in ("NA\\[red]x", "[/bold]", "[link=file:///etc]y[/link]", "two\\x0alines\\x0d", "日本\\é", ":smile:"):
        assert lan_id in shown
    assert "\x1b[31m" not in shown
    assert "\r" not in shown


def test_empty_table(capsys: pytest.CaptureFixture[str]) -> None:
    """A table without rows is a table."""
    print_table("Nothing", ["agent"], [])
    assert "agent" in capsys.readouterr().out


def _object(done: Done) -> dict[str, Any]:
    """The one JSON object on standard output."""
    assert done.stdout, done.stderr
    value = json.loads(done.stdout)
    assert isinstance(value, dict)
    assert "Traceback" not in done.stderr
    return value


def _count(folder: Path, table: str, condition: str = "1 = 1") -> int:
    with closing(sqlite3.connect(folder / "biosense.sqlite")) as connection:
        (count,) = connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()
        return int(count)
