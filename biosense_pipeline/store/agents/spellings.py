"""The spellings under which an agent's images stand: capture clients differ in case, MySQL ignores trailing blanks.

A query names the spellings that occur, so that an index finds them; which rows of those are the agent's is told
apart afterwards by :func:`own_key`, since a server may take é for e.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from biosense_pipeline.lan_ids import agent_key, registered_form
from biosense_pipeline.store.tables.pipeline import StreamImage, TrainingImage

ImageTable = type[StreamImage] | type[TrainingImage]
#: By :func:`own_key`.
Spellings = dict[str, list[str]]


def own_key(lan_id: str | None) -> str:
    """What the spellings of one agent have in common with the form in which the agent is registered."""
    return agent_key(registered_form(lan_id))


def spellings(connection: Connection, table: ImageTable, lan_ids: Iterable[str]) -> Spellings:
    """What to ask ``table`` for, for each of these agents, as registered.

    The registered form is always among them. The index on the LAN id is jumped through from one to the next,
    so that the cost grows with the agents and not with their images.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for lan_id in lan_ids:
        found[own_key(lan_id)][lan_id] = None
    for occurring in _occurring(connection, table):
        key = own_key(occurring)
        if key in found:
            found[key][occurring] = None
    return {key: list(forms) for key, forms in found.items()}


def spelt(column: Any, forms: Collection[str]) -> ColumnElement[bool]:
    """Condition that the column holds one of the forms; a missing LAN id counts as an empty one."""
    condition: ColumnElement[bool] = column.in_(sorted(forms))
    return or_(condition, column.is_(None)) if "" in forms else condition


def _occurring(connection: Connection, table: ImageTable) -> list[str]:
    """The LAN ids that occur; of those that the column takes for equal, one."""
    if connection.dialect.name != "sqlite":
        # MySQL and MariaDB jump through an index for this by themselves.
        found = connection.execute(select(table.lan_id).where(table.lan_id.is_not(None)).distinct()).scalars()
    else:
        first = select(func.min(table.lan_id).label("lan_id")).cte("occurring", recursive=True)
        following = select(func.min(table.lan_id)).where(table.lan_id > first.c.lan_id).scalar_subquery()
        jumps = first.union_all(select(following).where(first.c.lan_id.is_not(None)))
        found = connection.execute(select(jumps.c.lan_id).where(jumps.c.lan_id.is_not(None))).scalars()
    return [lan_id for lan_id in found if lan_id is not None]
