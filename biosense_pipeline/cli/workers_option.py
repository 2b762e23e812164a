"""The option by which commands that look at pictures set how many processes do it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from biosense_pipeline.settings import load_settings


def workers_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --workers; it is called with the ``settings`` in force, the option applied to them."""

    @click.option("--workers", type=click.IntRange(0, 256), help="Processes; overrides BIOSENSE_WORKERS.")
    @wraps(command)
    def with_settings(*, workers: int | None, **others: Any) -> Any:
        settings = load_settings()
        if workers is not None:
            settings = settings.model_copy(update={"workers": workers})
        return command(settings=settings, **others)

    return with_settings
