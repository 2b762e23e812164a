"""`biosense desk` and its commands: users are entered, shut out and given passwords from the shell."""

import getpass
import http.client
import io
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from biosense_pipeline.codes import Role
from biosense_pipeline.desk.accounts import hash_password
from biosense_pipeline.desk.hosts import host_names
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.users.accounts import add_user, all_users, find_user
from biosense_pipeline_tests.cli.conftest import BIOSENSE, Done, biosense, environment
from biosense_pipeline_tests.desk.conftest import NOW, PASSWORD, Desk
from biosense_pipeline_tests.store.rows import fetch

UTC_NOW = NOW.replace(tzinfo=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a migrated database."""
    assert biosense(tmp_path, "db", "upgrade").returncode == 0
    return tmp_path


def desk_command(folder: Path, *arguments: str, password: str | None = None) -> Done:
    """Run `biosense desk` with a password on standard input."""
    with mock.patch("sys.stdin", io.StringIO(f"{password}\n" if password is not None else "")):
        return biosense(folder, "desk", *arguments)


@pytest.mark.usefixtures("passwords_in_force")
def test_add_user(folder: Path) -> None:
    """A user is entered with a hash, listed without it, and the log tells who did it."""
    done = desk_command(folder, "add-user", "Ada", "--role", "admin", "--password-stdin", password=PASSWORD)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ada may sign in as admin.\n", "")
    listed = desk_command(folder, "users")
    assert "ada" in listed.stdout
    assert "argon2" not in listed.stdout + desk_command(folder, "users", "--json").stdout
    database = Database(f"sqlite:///{folder / 'biosense.sqlite'}")
    user = find_user(database, "ADA")
    assert user is not None
    assert user.password_hash.startswith("$argon2id$")
    told = fetch(database, "SELECT action, user_id, user_name, subject_kind, subject_id, detail FROM audit_log")
    assert [row[:5] for row in told] == [("add_user", None, f"shell:{getpass.getuser()}", "USER", user.id)]
    assert PASSWORD not in str(told)
    database.dispose()


def test_lead_needs_team(folder: Path) -> None:
    """A lead has a team, others have none; a team without agents is mentioned."""
    arguments = ("--password-stdin",)
    without = desk_command(folder, "add-user", "lee", "--role", "team_lead", *arguments, password=PASSWORD)
    assert (without.returncode, without.stdout) == (2, "")
    assert "needs --team" in without.stderr
    empty = desk_command(folder, "add-user", "lee", "--role", "team_lead", "--team", "", *arguments, password=PASSWORD)
    assert empty.returncode == 2
    admin = desk_command(folder, "add-user", "lee", "--role", "admin", "--team", "North", *arguments, password=PASSWORD)
    assert admin.returncode == 2
    lead = desk_command(
        folder, "add-user", "lee", "--role", "team_lead", "--team", "North", *arguments, password=PASSWORD
    )
    assert lead.returncode == 0
    assert "No agent has the team lead 'North' yet" in lead.stdout


@pytest.mark.parametrize(
    ("name", "password", "told"),
    [
        ("ada", "short", "12 to 1024 characters"),
        ("ada", "", "12 to 1024 characters"),
        ("ada", "x" * 1025, "12 to 1024 characters"),
        ("ada.lovelace", "Ada.Lovelace", "The password is the name"),
        ("a b", PASSWORD, "cannot be used"),
        (" ", PASSWORD, "cannot be used"),
        ("x" * 65, PASSWORD, "cannot be used"),
        ("a\x1bb", PASSWORD, "cannot be used"),
    ],
)
def test_bad_users(folder: Path, name: str, password: str, told: str) -> None:
    """Weak passwords and odd names are refused in one sentence, and nobody is entered."""
    done = desk_command(folder, "add-user", name, "--role", "admin", "--password-stdin", password=password)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(desk_command(folder, "users", "--json").stdout) == {"users": []}


def test_change_users(folder: Path) -> None:
    """Users are disabled, enabled and given passwords; one who is not there is told in a sentence."""
    desk_command(folder, "add-user", "ada", "--role", "viewer", "--password-stdin", password=PASSWORD)
    assert json.loads(desk_command(folder, "disable-user", "ada", "--json").stdout)["active"] is False
    assert desk_command(folder, "enable-user", "ADA").stdout == "ada may sign in again.\n"
    changed = desk_command(folder, "set-password", "ada", "--password-stdin", password="a password anew")
    assert changed.stdout == "ada has a new password, and no session goes on.\n"
    for arguments in (["disable-user", "bob"], ["set-password", "bob", "--password-stdin"]):
        done = desk_command(folder, *arguments, password=PASSWORD)
        assert done.returncode == 1
        assert done.stderr == "biosense: There is no user bob: `biosense desk users` lists them.\n"


def test_name_is_taken_once(database: Database) -> None:
    """Names differ in more than case."""
    add_user(database, "ada", "hash", Role.ADMIN, None, created=UTC_NOW)
    with pytest.raises(WrongUse, match="There is a user ada already"):
        add_user(database, "ADA", "hash", Role.ADMIN, None, created=UTC_NOW)
    assert len(all_users(database)) == 1


def test_name_is_only_itself(desk: Desk) -> None:
    """A name is not found by another that the server's collation takes for the same."""
    desk.user("rené")
    assert find_user(desk.database, "rene") is None
    assert find_user(desk.database, "RENÉ") is not None
    assert desk.browser().sign_in("rene").status_code == 403


def test_hashes_differ() -> None:
    """Two users with one password have different hashes."""
    assert hash_password("ada", PASSWORD) != hash_password("bob", PASSWORD)


def test_no_users_yet(folder: Path) -> None:
    """The list of nobody says how to enter somebody."""
    assert "biosense desk add-user NAME --role admin" in desk_command(folder, "users").stdout


def test_desk_of_all_addresses_needs_a_name(folder: Path) -> None:
    """Listening everywhere without a name to answer to is refused."""
    done = desk_command(folder, "--host", "0.0.0.0")
    assert done.returncode == 2
    assert "BIOSENSE_DESK_HOSTS" in done.stderr


def test_names_of_the_desk(use_settings: Callable[..., Settings]) -> None:
    """The desk answers to its address and to the names in the settings, and to no pattern."""
    assert host_names(use_settings(), "127.0.0.1") == ["127.0.0.1", "[::1]", "localhost"]
    assert host_names(use_settings(), "::1") == ["127.0.0.1", "[::1]", "localhost"]
    assert host_names(use_settings(), "10.1.2.3") == ["10.1.2.3"]
    named = use_settings(desk_hosts="desk.example.com, desk")
    assert host_names(named, "0.0.0.0") == ["desk", "desk.example.com"]
    for wrong in ("*", "desk.example.com:443", "https://desk", "a b"):
        with pytest.raises(WrongUse, match="BIOSENSE_DESK_HOSTS"):
            host_names(use_settings(desk_hosts=wrong), "127.0.0.1")


def test_database_of_another_release(tmp_path: Path) -> None:
    """Without a schema the desk does not start, and says what to run."""
    done = desk_command(tmp_path)
    assert done.returncode == 1
    assert "biosense db upgrade" in done.stderr


@pytest.mark.slow
def test_served(folder: Path) -> None:
    """`biosense desk` listens on this machine alone, answers, names the command for the first user, and stops."""
    process = subprocess.Popen(
        [BIOSENSE, "desk", "--port", "0"],
        cwd=folder,
        env=environment(folder) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.match(r"The desk is at http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found
        assert "add-user" in process.stdout.readline()
        status, headers = _asked(int(found[1]))
        assert status == 303
        assert headers["location"].startswith("/sign-in?next=")
        assert "server" not in headers
        second = biosense(folder, "desk", "--port", found[1])
        assert second.returncode == 2
        assert "cannot listen" in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == "The desk has stopped.\n"
    finally:
        process.kill()
        process.wait()
    assert os.name != "posix" or (folder / "biosense.sqlite.desk-key").stat().st_mode & 0o777 == 0o600


def _asked(port: int) -> tuple[int, dict[str, str]]:
    deadline = time.monotonic() + 20
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/pictures/still/1")
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        finally:
            connection.close()
