"""Sign-ins that go on. The database knows a session by the hash of its token, the browser alone the token."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, or_, select, update

from biosense_pipeline.codes import Role
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import DeskSession, DeskUser
from biosense_pipeline.store.users.accounts import ROLES, StoredUser


@dataclass(frozen=True)
class StoredSession:
    """A session that was not ended, of a user who is active, and the user as of now."""

    user_id: int
    name: str
    role: Role
    team: str | None
    csrf_token: str
    created: datetime
    last_seen: datetime


def start_session(database: Database, token_hash: str, user: StoredUser, csrf_token: str, *, now: datetime) -> bool:
    """Begin a session; False, and none begun, where the user was disabled or given another password meanwhile."""

    def start(connection: Connection) -> bool:
        # Under the user's row lock: a change of the user comes before, or ends this session too.
        columns = select(DeskUser.active, DeskUser.password_hash).where(DeskUser.id == user.id)
        row = connection.execute(columns.with_for_update()).first()
        if row is None or not row.active or row.password_hash != user.password_hash:
            return False
        connection.execute(
            insert(DeskSession).values(
                token_hash=token_hash, user_id=user.id, csrf_token=csrf_token, created=now, last_seen=now
            )
        )
        return True

    return database.write(start)


def find_session(database: Database, token_hash: str) -> StoredSession | None:
    """The session, unless it was ended or its user is disabled. How old it may be is the caller's to say."""
    columns = (
        DeskSession.user_id,
        DeskUser.name,
        DeskUser.role,
        DeskUser.team,
        DeskSession.csrf_token,
        DeskSession.created,
        DeskSession.last_seen,
    )
    with database.read() as connection:
        row = connection.execute(
            select(*columns)
            .join(DeskUser, DeskUser.id == DeskSession.user_id)
            .where(DeskSession.token_hash == token_hash, DeskSession.ended.is_(None), DeskUser.active)
        ).first()
    if row is None:
        return None
    return StoredSession(row.user_id, row.name, ROLES[row.role], row.team, row.csrf_token, row.created, row.last_seen)


def note_use(database: Database, token_hash: str, now: datetime) -> None:
    """The session was used just now."""
    goes_on = (DeskSession.token_hash == token_hash) & DeskSession.ended.is_(None)
    statement = update(DeskSession).where(goes_on).values(last_seen=now)
    database.write(lambda connection: connection.execute(statement))


def end_session(database: Database, token_hash: str, now: datetime) -> None:
    """End one session."""
    goes_on = (DeskSession.token_hash == token_hash) & DeskSession.ended.is_(None)
    statement = update(DeskSession).where(goes_on).values(ended=now)
    database.write(lambda connection: connection.execute(statement))


def forget_sessions(database: Database, before: datetime) -> None:
    """Delete sessions that began or ended before then: the audit log keeps what matters of them."""
    past = or_(DeskSession.created < before, DeskSession.ended < before)
    database.write(lambda connection: connection.execute(delete(DeskSession).where(past)))
