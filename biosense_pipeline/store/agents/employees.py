"""Agents by LAN id. Unknown ones are registered by themselves, as not enrolled."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.lan_ids import LONGEST, agent_key, registered_form
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.tables.pipeline import Employee

#: MySQL's number for a column of the site's own that must be given a value.
_NO_DEFAULT = 1364


class CannotRegister(BiosenseError):
    """An agent cannot be entered in the table of agents."""


def employee_ids(database: Database, lan_ids: Iterable[str | None]) -> dict[str, int]:
    """Employee ids by :func:`agent_key` of every LAN id given; those not known yet are registered.

    Raises:
        CannotRegister: a table of the site's own refuses an agent.
    """
    wanted = {agent_key(lan_id): registered_form(lan_id) for lan_id in lan_ids}
    known = _directory(database)
    ids: dict[str, int] = {}
    for key, form in sorted(wanted.items()):
        found = known.get(agent_key(form))
        ids[key] = _register(database, form) if found is None else found
    return ids


def employee_ids_or_reasons(database: Database, lan_ids: Iterable[str | None]) -> tuple[dict[str, int], dict[str, str]]:
    """As :func:`employee_ids`, and by key why agents cannot be registered, which costs the others nothing."""
    given = set(lan_ids)
    try:
        return employee_ids(database, given), {}
    except CannotRegister:
        ids: dict[str, int] = {}
        refused: dict[str, str] = {}
        for lan_id in given:
            try:
                ids |= employee_ids(database, [lan_id])
            except CannotRegister as error:
                refused[agent_key(lan_id)] = f"{type(error).__name__}: {error}"
        return ids, refused


def employee_lan_ids(database: Database, employee_ids: Iterable[int]) -> dict[int, str]:
    """LAN ids by employee id, of those that there are."""
    wanted = set(employee_ids)
    with database.read() as connection:
        rows = connection.execute(select(Employee.id, Employee.lan_id)).all() if wanted else []
    return {row.id: row.lan_id for row in rows if row.id in wanted}


def describe(database: Database, names: Mapping[int, tuple[str | None, str | None]]) -> None:
    """Enter name and team lead of employees, by their ids."""

    def enter(connection: Connection) -> None:
        for employee, (name, team_lead) in names.items():
            described = update(Employee).where(Employee.id == employee)
            connection.execute(described.values(display_name=name, team_lead=team_lead))

    database.write(enter)


def of_these(database: Database, employees: Iterable[int], lan_ids: Iterable[str] | None) -> list[int]:
    """Those of the employees that have one of the LAN ids, in their order; all of them where these are None."""
    if lan_ids is None:
        return list(employees)
    asked, given = set(map(agent_key, lan_ids)), list(employees)
    known = employee_lan_ids(database, given)
    return [employee for employee in given if agent_key(known.get(employee)) in asked]


def _directory(database: Database) -> dict[str, int]:
    with database.read() as connection:
        rows = connection.execute(select(Employee.id, Employee.lan_id).order_by(Employee.id.desc())).all()
    return {agent_key(row.lan_id): row.id for row in rows}


def _register(database: Database, form: str) -> int:
    def add(connection: Connection) -> None:
        connection.execute(insert(Employee).values(lan_id=form, registered=utc_now(connection)))

    reason = "it is there and cannot be found"
    try:
        database.write(add)
    except (IntegrityError, DataError) as error:
        # Another process has just registered the same agent, or the site's own table takes two names for one.
        reason = str(error.orig)
    except OperationalError as error:
        if getattr(error.orig, "args", (None,))[0] != _NO_DEFAULT:
            raise
        reason = str(error.orig)
    with database.read() as connection:
        found = connection.execute(select(func.min(Employee.id)).where(Employee.lan_id == form)).scalar_one()
    if found is None:
        raise CannotRegister(
            f"The agent {form!r} cannot be entered in the table employee ({reason}): give its column lan_id the "
            f"type VARCHAR({LONGEST}) and every other column that must not be null a default."
        )
    return int(found)
