"""Taking over tables that a site already has: add what is missing, touch nothing else."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from biosense_pipeline.errors import BiosenseError


class CannotAdopt(BiosenseError):
    """An existing table has a shape that the pipeline cannot work on."""


def ensure_table(name: str, columns: list[sa.Column[Any]], **options: Any) -> None:
    """Create the table, or add those of its columns that it lacks.

    Raises:
        CannotAdopt: the table exists without an ``id`` primary key, or in an engine without transactions.
    """
    inspector = sa.inspect(op.get_bind())
    if name not in inspector.get_table_names():
        op.create_table(name, *columns, **options)
        return
    if inspector.get_pk_constraint(name)["constrained_columns"] != ["id"]:
        raise CannotAdopt(
            f"The existing table {name} has no primary key of the one column id: add it, "
            "then run `biosense db upgrade` again."
        )
    engine = inspector.get_table_options(name).get("mysql_engine", "InnoDB")
    if engine.lower() != "innodb":
        raise CannotAdopt(
            f"The existing table {name} uses the engine {engine}, which has no transactions: run "
            f"ALTER TABLE {name} ENGINE=InnoDB, then `biosense db upgrade` again."
        )
    present = {column["name"].lower() for column in inspector.get_columns(name)}
    for column in columns:
        if column.name.lower() not in present:
            op.add_column(name, column)


def ensure_index(name: str, table: str, columns: list[str]) -> None:
    """Create the index unless one on the same columns exists under whatever name."""
    existing = sa.inspect(op.get_bind()).get_indexes(table)
    if not any(index["column_names"] == columns or index["name"] == name for index in existing):
        op.create_index(name, table, columns)
