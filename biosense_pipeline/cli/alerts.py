"""`biosense alerts`: tries the channels out, sends what is due, and shows what became of it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.store.alerts.view import Delivery, failing_deliveries, recent_deliveries
from biosense_pipeline.workflows.alerts.channels import VARIABLE, Channel, channels
from biosense_pipeline.workflows.alerts.deliver import AlertReport, deliver_alerts
from biosense_pipeline.workflows.alerts.message import Message
from biosense_pipeline.workflows.alerts.sender import AppriseSender
from biosense_pipeline.workflows.workbench import naive_utc_now


@click.group()
def alerts() -> None:
    """Tell supervisors of incidents, by the channels in BIOSENSE_ALERT_URLS."""


@alerts.command()
@as_json_option
def test(as_json: bool) -> None:
    """Send a test message to each channel; exit code 1 where one fails.

    The message names no agent and asks nobody to do anything.
    """
    settings = load_settings()
    to = _channels(settings)
    sender, message = AppriseSender(to, settings.alert_timeout_seconds), _test_message()
    reasons = {channel.name: sender.send(channel, message) for channel in to}
    if as_json:
        print_json({"channels": [{"channel": name, "ok": not why, "reason": why} for name, why in reasons.items()]})
    else:
        print_table(
            "Channels",
            ["position", "channel", "", "reason"],
            [
                (
                    channel.position,
                    channel.name,
                    "FAILED" if reasons[channel.name] else "ok",
                    reasons[channel.name] or "",
                )
                for channel in to
            ],
        )
    if any(reasons.values()):
        raise SystemExit(1)


@alerts.command()
@as_json_option
def send(as_json: bool) -> None:
    """Send what is due now; exit code 1 where an attempt fails, which is repeated later.

    The same work as Dagster does by itself, for a shell or cron. Several may run at once. Each message is sent at
    least once: a process that dies between sending and recording sends again later, under the same message id.
    """
    settings = load_settings()
    sender = AppriseSender(_channels(settings), settings.alert_timeout_seconds)
    report = deliver_alerts(open_database(settings), settings, datetime.now(UTC), sender)
    if as_json:
        print_json(asdict(report))
    else:
        _print(report)
    if report.failures:
        raise SystemExit(1)


@alerts.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Most messages to list.")
@as_json_option
def status(limit: int, as_json: bool) -> None:
    """List the last messages, and those that have been failing for an hour."""
    settings = load_settings()
    to, database = channels(settings), open_database(settings)
    recent, failing = recent_deliveries(database, limit), failing_deliveries(database, naive_utc_now())
    if as_json:
        print_json(
            {
                "channels": [channel.name for channel in to],
                "failing": [asdict(delivery) for delivery in failing],
                "recent": [asdict(delivery) for delivery in recent],
            }
        )
        return
    click.echo(f"Channels: {', '.join(channel.name for channel in to) or f'none, {VARIABLE} is empty'}.")
    if not recent:
        click.echo("No message has been due yet.")
        return
    _print_deliveries("Last messages (times in UTC)", recent)
    if failing:
        _print_deliveries("Not arrived for an hour or longer", failing)


def _channels(settings: Settings) -> tuple[Channel, ...]:
    to = channels(settings)
    if not to:
        raise WrongUse(f"{VARIABLE} is empty, so that nobody is told of incidents: name a channel, as Apprise URL.")
    return to


def _test_message() -> Message:
    now = datetime.now(UTC)
    return Message(
        f"biosense-test-{now:%Y%m%dT%H%M%S}",
        "biosense: a test",
        "Somebody is trying out whether alerts arrive here. Nothing has happened and nothing is to be done.\n\n"
        f"biosense-test-{now:%Y%m%dT%H%M%S}",
    )


def _print(report: AlertReport) -> None:
    if report.failures:
        print_table(
            "Attempts that failed",
            ["message", "channel", "attempt", "reason", "next attempt (UTC)"],
            [
                (failed.message_id, failed.channel, failed.attempt, failed.reason, f"{failed.next_attempt:%H:%M:%S}")
                for failed in report.failures
            ],
        )
    click.echo(
        f"{report.delivered} messages delivered, {len(report.failures)} attempts failed, {report.given_up} given up."
    )


def _print_deliveries(title: str, deliveries: list[Delivery]) -> None:
    print_table(
        title,
        ["entered", "incident", "agent", "species", "event", "channel", "attempts", "state"],
        [
            (
                f"{delivery.created:%Y-%m-%d %H:%M}",
                delivery.incident_id,
                delivery.lan_id,
                delivery.species,
                delivery.event,
                delivery.channel,
                delivery.attempts,
                _state(delivery),
            )
            for delivery in deliveries
        ],
    )


def _state(delivery: Delivery) -> Any:
    if delivery.delivered is not None:
        return f"delivered {delivery.delivered:%H:%M:%S}"
    why = delivery.last_error or "not tried yet"
    if delivery.next_attempt is None:
        return f"given up: {why}"
    return f"{why}; next attempt {delivery.next_attempt:%H:%M:%S}"
