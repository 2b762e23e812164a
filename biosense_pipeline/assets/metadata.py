"""Numbers as Dagster shows them: schemas, tables, percentiles, plots."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import dagster as dg
import numpy as np

from biosense_pipeline.workflows.report_tables import Table

Metadata = dict[str, Any]


def column_schema(table: Any) -> dg.TableSchema:
    """Columns of one of our tables with their types, constraints and comments."""
    columns = table.__table__.columns
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type).lower(),
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable), unique=bool(column.unique)),
            )
            for column in columns
        ]
    )


def count_table(
    counts: Mapping[str, int], heading: str, what: str = "stills", most: int = 20
) -> dg.MarkdownMetadataValue:
    """Counts by name, as given, the first ``most`` of them."""
    rows = list(counts.items())
    text = _markdown([heading, what], rows[:most])
    if len(rows) > most:
        text += f"\n\n… and {len(rows) - most} more"
    return dg.MetadataValue.md(text)


def table(shown: Table) -> dg.MarkdownMetadataValue:
    """A report's table, or a word where it has no rows."""
    return dg.MetadataValue.md(_markdown(*shown) if shown.rows else "none")


def percentiles(values: Sequence[float], unit: str) -> Metadata:
    """Median and 95th percentile, as metadata entries named after the unit; none without values."""
    if not values:
        return {}
    return {
        f"{unit}_p50": round(float(np.percentile(values, 50)), 1),
        f"{unit}_p95": round(float(np.percentile(values, 95)), 1),
    }


def plot(markdown: str | None) -> dg.MarkdownMetadataValue:
    """A plot made by ``plots``, or words where there was nothing to draw."""
    return dg.MetadataValue.md(markdown or "nothing to draw")


def _markdown(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; cells are data, so that no LAN id can break out of its cell."""
    cells = [headings, *rows]
    lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + " --- |" * len(headings), *lines[1:]])


def _cell(value: Any) -> str:
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))
    # Escaped, no name becomes a link, an image or a tag in somebody's browser.
    return re.sub(r"([\\`*_{}\[\]()<>#+!|~-])", r"\\\1", text)
