"""Who may sign in at the desk. Names are compared without regard to case; passwords are stored as hashes only."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from biosense_pipeline.codes import Role
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import DeskSession, DeskUser

#: Characters that ``desk_user.name`` holds.
LONGEST_NAME = 64
#: Roles by the word in ``desk_user.role``.
ROLES = {role.value: role for role in Role}


class UnknownUser(BiosenseError):
    """No user of the desk has that name."""


@dataclass(frozen=True)
class StoredUser:
    """A user of the desk.

    Attributes:
        team: the ``employee.team_lead`` whose agents a lead sees; None for other roles.
    """

    id: int
    name: str
    password_hash: str
    role: Role
    team: str | None
    active: bool
    created: datetime


def user_key(name: str) -> str:
    """The form in which a name is stored and looked up."""
    return name.strip().casefold()


def add_user(
    database: Database, name: str, password_hash: str, role: Role, team: str | None, *, created: datetime
) -> int:
    """Enter a user; returns the id.

    Raises:
        WrongUse: the name is taken, empty, too long or holds blanks, or a lead comes without a team or another
            role with one.
    """
    key = user_key(name)
    if not key or len(key) > LONGEST_NAME or not key.isprintable() or any(c.isspace() for c in key):
        raise WrongUse(f"The name {name!r} cannot be used: take 1 to {LONGEST_NAME} characters without blanks.")
    if (role is Role.TEAM_LEAD) != bool(team):
        raise WrongUse("A team_lead needs --team, the employee.team_lead of the agents to be seen; other roles none.")
    values = {"name": key, "password_hash": password_hash, "role": role, "team": team, "created": created}

    def enter(connection: Connection) -> int:
        entered = connection.execute(insert(DeskUser).values(**values)).inserted_primary_key
        assert entered is not None
        return int(entered[0])

    try:
        return database.write(enter)
    except IntegrityError:
        raise WrongUse(
            f"There is a user {key} already, or one whose name the database takes for the same: choose another, "
            "or use `biosense desk set-password`."
        ) from None


def find_user(database: Database, name: str) -> StoredUser | None:
    """The user of that name, active or not."""
    key = user_key(name)
    with database.read() as connection:
        rows = connection.execute(select(DeskUser.__table__).where(DeskUser.name == key)).all()
    # A collation may take é for e; a name is only itself.
    return next((_user(row) for row in rows if row.name == key), None)


def all_users(database: Database) -> list[StoredUser]:
    """Every user, by name."""
    with database.read() as connection:
        return [_user(row) for row in connection.execute(select(DeskUser.__table__).order_by(DeskUser.name))]


def has_users(database: Database) -> bool:
    """Whether anybody may sign in."""
    with database.read() as connection:
        return connection.execute(select(DeskUser.id).where(DeskUser.active).limit(1)).first() is not None


def set_active(database: Database, name: str, active: bool, *, now: datetime) -> int:
    """Let a user in or not; shutting out ends the user's sessions. Returns the id.

    Raises:
        UnknownUser: nobody has that name.
    """
    return _change(database, name, {"active": active}, now)


def set_password_hash(database: Database, name: str, password_hash: str, *, now: datetime) -> int:
    """Give a user another password, which ends the user's sessions. Returns the id.

    Raises:
        UnknownUser: nobody has that name.
    """
    return _change(database, name, {"password_hash": password_hash}, now)


def replace_hash(database: Database, user: StoredUser, password_hash: str) -> StoredUser:
    """Store the same password under newer parameters; sessions go on. Returns the user as stored then."""
    same = (DeskUser.id == user.id) & (DeskUser.password_hash == user.password_hash)
    statement = update(DeskUser).where(same).values(password_hash=password_hash)
    database.write(lambda connection: connection.execute(statement))
    return replace(user, password_hash=password_hash)


def _change(database: Database, name: str, values: dict[str, Any], now: datetime) -> int:
    user = find_user(database, name)
    if user is None:
        raise UnknownUser(f"There is no user {user_key(name)}: `biosense desk users` lists them.")

    def change(connection: Connection) -> None:
        connection.execute(update(DeskUser).where(DeskUser.id == user.id).values(**values))
        goes_on = (DeskSession.user_id == user.id) & DeskSession.ended.is_(None)
        connection.execute(update(DeskSession).where(goes_on).values(ended=now))

    database.write(change)
    return user.id


def _user(row: Any) -> StoredUser:
    return StoredUser(row.id, row.name, row.password_hash, ROLES[row.role], row.team, bool(row.active), row.created)
