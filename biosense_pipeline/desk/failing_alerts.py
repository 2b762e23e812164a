"""The notice that alerts do not arrive: who relies on them has to know, and the broken channel cannot say so."""

from collections import Counter
from dataclasses import dataclass

from starlette.requests import Request

from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.alerts.view import failing_deliveries
from biosense_pipeline.workflows.alerts.channels import channels


@dataclass(frozen=True)
class FailingChannel:
    """A channel with messages that have not arrived for an hour; ``reason`` is that of the newest of them."""

    name: str
    messages: int
    reason: str


def failing_alerts(request: Request) -> list[FailingChannel]:
    """The channels with failing messages about the visitor's agents; nothing for those who decide nothing.

    A channel that is no longer in the settings is not shown.
    """
    visitor, state = visitor_of(request), request.app.state
    if not visitor.may_decide:
        return []
    try:
        names = {channel.name for channel in channels(state.settings)}
    except WrongUse:
        names = None  # `biosense doctor` tells what is wrong; until then everything that fails is shown
    failing = failing_deliveries(state.database, state.utc_now(), team=visitor.agents.team, channels=names)
    counts = Counter(delivery.channel for delivery in failing)
    reasons = {delivery.channel: delivery.last_error or "not tried yet" for delivery in failing}
    return [FailingChannel(name, count, reasons[name]) for name, count in sorted(counts.items())]
