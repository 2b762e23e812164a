"""Agents by LAN id. Unknown ones are registered by themselves, as not enrolled."""

from collections.abc import Iterable
from contextlib import suppress

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from biosense_pipeline.lan_ids import agent_key, registered_form
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.tables import Employee


def employee_ids(database: Database, lan_ids: Iterable[str | None]) -> dict[str, int]:
    """Employee ids by :func:`agent_key` of every LAN id given; those not known yet are registered."""
    wanted = {agent_key(lan_id): registered_form(lan_id) for lan_id in lan_ids}
    known = _directory(database)
    for form in sorted(wanted.values()):
        if agent_key(form) not in known:
            _register(database, form)
    if not wanted.keys() <= known.keys():
        known = _directory(database)
    return {key: known[agent_key(form)] for key, form in wanted.items()}


def _directory(database: Database) -> dict[str, int]:
    with database.read() as connection:
        rows = connection.execute(select(Employee.id, Employee.lan_id).order_by(Employee.id.desc())).all()
    return {agent_key(row.lan_id): row.id for row in rows}


def _register(database: Database, form: str) -> None:
    def add(connection: Connection) -> None:
        connection.execute(insert(Employee).values(lan_id=form, registered=utc_now(connection)))

    # Refused where another process has just registered the same agent.
    with suppress(IntegrityError):
        database.write(add)
