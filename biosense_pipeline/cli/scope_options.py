"""The options by which commands choose their stills."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

import click

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.scope import Scope

_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]


def scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options --start, --end and --lan-id; it is called with the ``scope`` they make."""

    @click.option("--start", type=click.DateTime(_MOMENTS), help="Only stills captured from this local time on.")
    @click.option("--end", type=click.DateTime(_MOMENTS), help="Only stills captured before this local time.")
    @click.option("--lan-id", "lan_ids", multiple=True, help="Only this agent's stills; may be given several times.")
    @wraps(command)
    def scoped(*, start: datetime | None, end: datetime | None, lan_ids: tuple[str, ...], **others: Any) -> Any:
        if start and end and start >= end:
            raise WrongUse("--start has to lie before --end.")
        return command(scope=Scope(start, end, lan_ids or None), **others)

    return scoped
