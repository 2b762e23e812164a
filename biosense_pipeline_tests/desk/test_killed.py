"""A desk that is killed: what it answered is stored, and it goes on where it was."""

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from biosense_pipeline.codes import Role, StillResult, Verdict
from biosense_pipeline.desk.accounts import hash_password
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import AuditEntry, Review
from biosense_pipeline.store.users.accounts import add_user
from biosense_pipeline_tests.cli.conftest import BIOSENSE, biosense, environment
from biosense_pipeline_tests.desk.conftest import NOW, PASSWORD
from biosense_pipeline_tests.store.rows import AGENT, HOUR, enter_finished

pytestmark = pytest.mark.slow

STILLS = 40


@pytest.mark.usefixtures("passwords_in_force")
def test_verdicts_survive_a_killed_desk(tmp_path: Path) -> None:
    """Killed between verdicts, the desk has stored each that it answered, once and with its row in the log."""
    assert biosense(tmp_path, "db", "upgrade").returncode == 0
    database = Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")
    employee_ids(database, [AGENT])
    ids = [
        enter_finished(database, AGENT, HOUR + timedelta(seconds=n), StillResult.UNKNOWN_PERSON) for n in range(STILLS)
    ]
    add_user(database, "ada", hash_password("ada", PASSWORD), Role.ADMIN, None, created=NOW.replace(tzinfo=None))
    answered: list[int] = []
    enough = threading.Event()
    with _desk(tmp_path) as (process, address), httpx.Client(base_url=address, trust_env=False) as browser:
        form = {"csrf_token": _token(browser, "/sign-in"), "name": "ada", "password": PASSWORD}
        assert browser.post("/sign-in", data=form).status_code == 303
        cookies, token = dict(browser.cookies), _token(browser, "/review")
        judging = threading.Thread(target=_judge, args=(browser, token, reversed(ids), answered, enough))
        judging.start()
        assert enough.wait(30)
        process.kill()
        judging.join(30)
    assert len(answered) >= 5
    with database.read() as connection:
        stored = list(connection.execute(select(Review.subject_id)).scalars())
        logged = list(connection.execute(select(AuditEntry.subject_id).where(AuditEntry.action == "verdict")).scalars())
    # One more may be stored than was answered: the one during which the desk was killed.
    assert set(answered) <= set(stored)
    assert len(stored) <= len(answered) + 1
    assert len(stored) == len(set(stored)) == len(logged)
    assert set(stored) == set(logged)
    with (
        _desk(tmp_path) as (_, address),
        httpx.Client(base_url=address, cookies=cookies, trust_env=False) as browser,
    ):
        page = browser.get("/review")
        waiting = max(set(ids) - set(stored))
        assert f'action="/review/{waiting}' in page.text
        answered.clear()
        _judge(browser, token, [waiting], answered, enough)
    assert answered == [waiting]
    database.dispose()


def _judge(
    browser: httpx.Client,
    token: str,
    still_ids: Iterator[int] | list[int],
    answered: list[int],
    enough: threading.Event,
) -> None:
    """Give verdicts until the desk answers no more."""
    for still_id in still_ids:
        form = {"csrf_token": token, "result": StillResult.UNKNOWN_PERSON.value, "round": "1"}
        try:
            answer = browser.post(f"/review/{still_id}", data={**form, "verdict": Verdict.FALSE_ALARM.name})
        except httpx.TransportError:
            return
        assert answer.status_code == 303, answer.text
        answered.append(still_id)
        if len(answered) == 5:
            enough.set()


@contextmanager
def _desk(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A desk in a process of its own, and its address."""
    process = subprocess.Popen(
        [BIOSENSE, "desk", "--port", "0"],
        cwd=folder,
        env=environment(folder) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.match(r"The desk is at (http://127\.0\.0\.1:\d+)/", process.stdout.readline())
        assert found
        yield process, found[1]
    finally:
        process.kill()
        process.wait()


def _token(browser: httpx.Client, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]*)"', browser.get(path).text)
    assert found, f"no form on {path}"
    return unescape(found[1])
