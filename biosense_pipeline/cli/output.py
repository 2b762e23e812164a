"""Tables for people or one JSON object for programs; progress goes to standard error."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

F = TypeVar("F", bound=Callable[..., Any])

as_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else."
)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object, times as ISO 8601."""
    click.echo(json.dumps(value, default=str, indent=2))


def print_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; columns whose cells are numbers are set to the right."""
    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", title_style="bold")
    for position, heading in enumerate(headings):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        # Data, not markup: a LAN id may hold brackets and control characters.
        table.add_row(*[_plain(cell) for cell in row])
    Console(soft_wrap=False).print(table)


def progress_bar() -> Progress:
    """A progress bar on standard error; silent where that is no terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # where it cannot draw, it would still write an empty line
    )


@contextmanager
def progress_of_steps() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for each step, from when it is first told of; to be called with its name, what is done and all."""
    tasks: dict[str, TaskID] = {}
    with progress_bar() as bar:

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step)
            bar.update(tasks[step], completed=done, total=total)

        yield show


def _plain(cell: Any) -> Any:
    from rich.text import Text

    text = str(cell)
    return Text("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text))
