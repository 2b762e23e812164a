"""Taking over tables that a site already has: add what is missing, touch nothing else.

MySQL commits every change of a table at once: a migration that was killed halfway finds its own tables
here when it runs again.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from biosense_pipeline.codes import StillResult, TrainingResult
from biosense_pipeline.errors import BiosenseError


class CannotAdopt(BiosenseError):
    """An existing table has a shape that the pipeline cannot work on."""


def ensure_table(name: str, columns: list[sa.Column[Any]], **options: Any) -> None:
    """Create the table, or add those of its columns that it lacks.

    Raises:
        CannotAdopt: the table exists with another primary key, or in an engine without transactions.
    """
    inspector = sa.inspect(op.get_bind())
    if name not in inspector.get_table_names():
        op.create_table(name, *columns, **options)
        return
    key = [column.name for column in columns if column.primary_key]
    if inspector.get_pk_constraint(name)["constrained_columns"] != key:
        raise CannotAdopt(
            f"The existing table {name} has not the primary key ({', '.join(key)}): change it, or rename the table "
            "if it is not the pipeline's, then run `biosense db upgrade` again."
        )
    options = inspector.get_table_options(name)
    engine = options.get("mysql_engine") or options.get("mariadb_engine") or "InnoDB"
    if engine.lower() != "innodb":
        raise CannotAdopt(
            f"The existing table {name} uses the engine {engine}, which has no transactions: run "
            f"ALTER TABLE {name} ENGINE=InnoDB, then `biosense db upgrade` again."
        )
    present = {column["name"].lower(): column["type"] for column in inspector.get_columns(name)}
    for column in columns:
        if column.name.lower() not in present:
            if not column.nullable and column.server_default is None:
                raise CannotAdopt(
                    f"The existing table {name} has no column {column.name}: add it, or rename the table if it is "
                    "not the pipeline's, then run `biosense db upgrade` again."
                )
            op.add_column(name, column)
        elif column.name == "result":
            _require_width(name, present["result"])


def _require_width(table: str, found: sa.types.TypeEngine[Any]) -> None:
    """A column ``result`` must hold the longest word, or every run that comes to write it would fail."""
    width = getattr(found, "length", None)
    needed = max(len(code) for code in (*StillResult, *TrainingResult))
    if width is not None and width < needed:
        raise CannotAdopt(
            f"The column result of the existing table {table} holds {width} characters and {needed} are needed: run "
            f"ALTER TABLE {table} MODIFY result VARCHAR(64), then `biosense db upgrade` again."
        )


def column_type(table: str, column: str) -> sa.types.TypeEngine[Any]:
    """The type that a column has on this site; a foreign key has to have the same."""
    for found in sa.inspect(op.get_bind()).get_columns(table):
        if found["name"].lower() == column:
            return found["type"]
    raise CannotAdopt(f"The table {table} has no column {column}.")


def ensure_index(name: str, table: str, columns: list[str], *, unique: bool = False) -> None:
    """Create the index unless one on the same columns exists under whatever name."""
    existing = sa.inspect(op.get_bind()).get_indexes(table)
    if not any(index["column_names"] == columns or index["name"] == name for index in existing):
        op.create_index(name, table, columns, unique=unique)


def ensure_rows(table: sa.TableClause, rows: list[dict[str, Any]]) -> None:
    """Insert those of the rows that the table lacks, compared in the columns before the last."""
    connection = op.get_bind()
    keys = list(rows[0])[:-1]
    present = {tuple(row) for row in connection.execute(sa.select(*(table.c[key] for key in keys)))}
    op.bulk_insert(table, [row for row in rows if tuple(row[key] for key in keys) not in present])


def ensure_column(table: str, column: sa.Column[Any]) -> None:
    """Add the column unless it is there."""
    if all(found["name"].lower() != column.name for found in sa.inspect(op.get_bind()).get_columns(table)):
        op.add_column(table, column)


def drop_index(name: str, table: str) -> None:
    """Drop an index of an earlier migration, where it is there."""
    if any(index["name"] == name for index in sa.inspect(op.get_bind()).get_indexes(table)):
        op.drop_index(name, table)
