"""Starts the processes that a user starts, on free ports and with empty homes, and ends them again."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.settings import project_folder

#: Seconds granted to a program to come up, and to end.
_START_SECONDS, _END_SECONDS = 120, 20


class CannotStart(BiosenseError):
    """A server did not come up."""


@dataclass(frozen=True)
class RunningDagster:
    """A Dagster UI with its daemon: its address and its home."""

    url: str
    home: Path

    def query(self, graphql: str, **variables: Any) -> dict[str, Any]:
        """Ask the GraphQL interface; returns ``data``.

        Raises:
            CannotStart: the answer holds errors instead.
        """
        body = json.dumps({"query": graphql, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: dict[str, Any] = json.load(answer)
        if content.get("errors"):
            raise CannotStart(f"GraphQL answered {content['errors'][0]['message']}")
        data: dict[str, Any] = content["data"]
        return data


@contextmanager
def dagster_dev(database_url: str, **environment: str) -> Iterator[RunningDagster]:
    """`dagster dev` as `make dev` starts it.

    Args:
        database_url: the database of stills.
        environment: further variables.

    Raises:
        CannotStart: it ended or did not answer; the text holds the end of its log.
    """
    port = _free_port()
    command = ["dagster", "dev", "-w", "workspace.yaml", "-p", str(port)]
    with tempfile.TemporaryDirectory(prefix="biosense-dagster-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        shutil.copy(project_folder() / "dagster.yaml", home)
        running = RunningDagster(f"http://127.0.0.1:{port}", home)
        variables = {"DAGSTER_HOME": str(home), "BIOSENSE_DATABASE_URL": database_url, **environment}
        with _running(command, variables, home / "log", f"{running.url}/server_info"):
            yield running


@contextmanager
def served_desk(database_url: str, **environment: str) -> Iterator[str]:
    """The address of a `biosense desk` over that database, without TLS; it ends with the block.

    Raises:
        CannotStart: it ended or did not answer; the text holds the end of its log.
    """
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    variables = {"BIOSENSE_DATABASE_URL": database_url, "BIOSENSE_DESK_SECURE_COOKIE": "false", **environment}
    with tempfile.TemporaryDirectory(prefix="biosense-desk-") as folder:
        command = ["biosense", "desk", "--port", str(port)]
        with _running(command, variables, Path(folder) / "log", f"{address}/sign-in"):
            yield address


@contextmanager
def _running(command: list[str], environment: dict[str, str], log: Path, answers_at: str) -> Iterator[None]:
    """One of this installation's programs, from when it answers at that address until the block ends."""
    program = str(Path(sys.executable).with_name(command[0]))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=project_folder(),
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(answers_at):
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-2000:]
                raise CannotStart(f"{' '.join(command[:2])} did not come up: {said}")
            time.sleep(0.2)
        yield
    finally:
        _end(process)


def _answers(url: str) -> bool:
    # No proxy of the environment: what is asked runs on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(url, timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the parent, which ends its web server, daemon and code servers in order; then whatever is left."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
