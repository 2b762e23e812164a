"""Whether there is anything to tell now: new, due again, or over."""

from datetime import UTC, datetime

from biosense_pipeline.settings import Settings
from biosense_pipeline.store.alerts.deliveries import message_due, not_entered
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.alerts.channels import channels
from biosense_pipeline.workflows.alerts.deliver import events_to_tell


def alerts_wait(database: Database, settings: Settings, now: datetime) -> bool:
    """Whether :func:`deliver_alerts` would have something to send at ``now`` (aware).

    Raises:
        WrongUse: the channels of the settings cannot be used.
    """
    names = [channel.name for channel in channels(settings)]
    if not names:
        return False
    if message_due(database, names, now.astimezone(UTC).replace(tzinfo=None)):
        return True
    events = events_to_tell(database, settings, now)
    with database.read() as connection:
        return bool(not_entered(connection, events, names))
