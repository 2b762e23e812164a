"""The audit log: who did or looked at what at the desk. Rows are added and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from biosense_pipeline.codes import Action
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import AuditEntry


@dataclass(frozen=True)
class AuditRecord:
    """One row to be.

    Attributes:
        at: naive UTC.
        user_name: as it is now, or as it was tried.
        employee_id: whose face or decision it is.
        detail: what JSON can hold, by name.
    """

    at: datetime
    action: Action
    user_id: int | None = None
    user_name: str | None = None
    address: str | None = None
    subject_kind: str | None = None
    subject_id: int | None = None
    employee_id: int | None = None
    detail: dict[str, Any] | None = None


@dataclass(frozen=True)
class Attempt:
    """A name that was tried from an address, and when."""

    at: datetime
    user_name: str
    address: str


def write_audit(database: Database, record: AuditRecord) -> None:
    """Add a row, in a transaction of its own."""
    database.write(lambda connection: add_audit(connection, record))


def add_audit(connection: Connection, record: AuditRecord | None, **detail: Any) -> None:
    """Add a row, if there is one to add, in the transaction of the change that it tells of.

    Args:
        detail: what only the change itself makes known, beside the record's own detail.
    """
    if record is None:
        return
    values = {
        **vars(record),
        "user_name": _shortened(record.user_name),
        "address": _shortened(record.address),
        "detail": {**(record.detail or {}), **detail} or None,
    }
    connection.execute(insert(AuditEntry).values(**values))


def attempts_since(database: Database, action: str, since: datetime) -> Sequence[Attempt]:
    """Rows of one action from then on, oldest first."""
    with database.read() as connection:
        rows = connection.execute(
            select(AuditEntry.at, AuditEntry.user_name, AuditEntry.address)
            .where(AuditEntry.action == action, AuditEntry.at >= since)
            .order_by(AuditEntry.at)
        )
        return [Attempt(row.at, row.user_name or "", row.address or "") for row in rows]


def _shortened(text: str | None) -> str | None:
    """As much as the column holds."""
    return text[:64] if text else text
