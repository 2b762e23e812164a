"""The desk on a database of its own, with a clock that tests turn, and browsers that sign in at it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from typing import Any

import pytest
from argon2 import PasswordHasher
from httpx import Response
from sqlalchemy import insert, select
from starlette.applications import Starlette
from starlette.testclient import TestClient

from biosense_pipeline.codes import Role
from biosense_pipeline.desk import accounts
from biosense_pipeline.desk.app import make_app
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import AuditEntry
from biosense_pipeline.store.tables.pipeline import Employee
from biosense_pipeline.store.users.accounts import add_user

PASSWORD = "correct horse battery"
#: What hashes passwords takes a tenth of a second on purpose; the other one as good as no time.
HASHER_IN_FORCE, QUICK_HASHER = accounts._HASHER, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Browser(TestClient):
    """A browser at 127.0.0.1: follows no redirect by itself and sends what browsers send with forms."""

    def __init__(self, app: Starlette, address: str = "10.0.0.7") -> None:
        super().__init__(
            app,
            base_url="http://127.0.0.1:8050",
            raise_server_exceptions=False,
            follow_redirects=False,
            client=(address, 50000),
        )
        self.csrf_token = ""

    def form_token(self, path: str) -> str:
        """The hidden token of the first form of a page."""
        found = re.search(r'name="csrf_token" value="([^"]*)"', self.get(path).text)
        assert found, f"no form on {path}"
        return unescape(found[1])

    def post_form(self, path: str, values: Mapping[str, Any] | None = None, **options: Any) -> Response:
        """POST a form with this session's token, as its own page would."""
        answer: Response = self.post(path, data={"csrf_token": self.csrf_token, **(values or {})}, **options)
        return answer

    def sign_in(self, name: str, password: str = PASSWORD, **values: str) -> Response:
        """Open the sign-in page and send its form; keeps the session's token where it succeeds."""
        token = self.form_token("/sign-in")
        form = {"csrf_token": token, "name": name, "password": password, **values}
        answer: Response = self.post("/sign-in", data=form)
        if answer.status_code == 303:
            self.csrf_token = self.form_token("/not-a-page")
        return answer


@dataclass
class Desk:
    """The application under test."""

    app: Starlette
    database: Database
    now: list[datetime] = field(default_factory=lambda: [NOW])

    def later(self, **passed: float) -> None:
        """Turn the clock on."""
        self.now[0] += timedelta(**passed)

    def user(self, name: str, role: Role = Role.ADMIN, team: str | None = None) -> int:
        """Enter a user with :data:`PASSWORD`."""
        password_hash = _hash(accounts._HASHER)
        return add_user(self.database, name, password_hash, role, team, created=NOW.replace(tzinfo=None))

    def browser(self, address: str = "10.0.0.7") -> Browser:
        """A browser in which nobody is signed in."""
        return Browser(self.app, address)

    def signed_in(self, role: Role = Role.ADMIN, team: str | None = None, name: str | None = None) -> Browser:
        """A browser in which a new user of that role is signed in."""
        name = name or f"{role}-{team or 'all'}".lower().replace(" ", "-")
        self.user(name, role, team)
        browser = self.browser()
        assert browser.sign_in(name).status_code == 303
        return browser

    def audit(self, action: str | None = None) -> list[dict[str, Any]]:
        """The rows of the audit log, oldest first."""
        chosen = select(AuditEntry.__table__).order_by(AuditEntry.id)
        if action is not None:
            chosen = chosen.where(AuditEntry.action == action)
        with self.database.read() as connection:
            return [dict(row._mapping) for row in connection.execute(chosen)]

    def employee(self, lan_id: str, team_lead: str | None = None, **values: Any) -> int:
        """Enter an agent; returns the id."""
        row = insert(Employee).values(lan_id=lan_id, team_lead=team_lead, **values)
        key = self.database.write(lambda connection: connection.execute(row)).inserted_primary_key
        assert key is not None
        return int(key[0])


@cache
def _hash(hasher: PasswordHasher) -> str:
    return hasher.hash(PASSWORD)


@pytest.fixture
def make_desk(use_settings: Callable[..., Settings]) -> Callable[..., Desk]:
    """Makes a desk over a database; settings by field name."""

    def make(database: Database, **values: object) -> Desk:
        now = [NOW]
        return Desk(make_app(use_settings(**values), database, clock=lambda: now[0]), database, now)

    return make


@pytest.fixture
def desk(database: Database, make_desk: Callable[..., Desk]) -> Desk:
    """A desk without users, on each server in turn."""
    return make_desk(database)


@pytest.fixture
def sqlite_desk(sqlite_database: Database, make_desk: Callable[..., Desk]) -> Desk:
    """A desk on an embedded database, for what does not depend on the server."""
    return make_desk(sqlite_database)


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed quickly: most tests want somebody signed in, and nothing of how."""
    monkeypatch.setattr(accounts, "_HASHER", QUICK_HASHER)
    accounts._nobodys_hash.cache_clear()


@pytest.fixture
def passwords_in_force(quick_passwords: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as the desk does it."""
    monkeypatch.setattr(accounts, "_HASHER", HASHER_IN_FORCE)
    accounts._nobodys_hash.cache_clear()


@pytest.fixture(autouse=True)
def keys_of_tests(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keys of databases on a server are kept apart from this user's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("user-data")))
