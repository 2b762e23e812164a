"""`biosense evaluate`: measurements of what the pipeline does, in figures."""

from typing import Any

import click
import numpy as np

from biosense_pipeline.cli.attacks import attacks
from biosense_pipeline.cli.correlation import correlation
from biosense_pipeline.cli.held_prints import held_prints
from biosense_pipeline.cli.incidents import incidents
from biosense_pipeline.cli.life import life
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_of_steps
from biosense_pipeline.cli.recapture import recapture
from biosense_pipeline.cli.verification import verification
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.evaluation.desk_load import GOAL, DeskTimes, measure_desk
from biosense_pipeline.evaluation.latency import LIMIT, measure_latency
from biosense_pipeline.evaluation.live_minutes import SECONDS_A_MINUTE, measure_minutes
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.settings import Settings, load_settings

server_option = click.option(
    "--server",
    default="mysql+pymysql://root@127.0.0.1:3306/",
    show_default=True,
    envvar="BIOSENSE_TEST_MYSQL_URL",
    help="URL of a MariaDB or MySQL on which a database may be made; it is dropped afterwards.",
)

_ABOVE_ZERO = click.FloatRange(0, min_open=True)


@click.group()
def evaluate() -> None:
    """Measure what the pipeline does."""


evaluate.add_command(attacks)
evaluate.add_command(recapture)
evaluate.add_command(held_prints)
evaluate.add_command(verification)
evaluate.add_command(correlation)
evaluate.add_command(incidents)
evaluate.add_command(life)


@evaluate.command()
@server_option
@click.option("--seconds", type=_ABOVE_ZERO, default=600.0, show_default=True, help="How long stills keep coming.")
@click.option("--per-second", type=_ABOVE_ZERO, default=1.0, show_default=True, help="Stills a second.")
@as_json_option
def latency(server: str, seconds: float, per_second: float, as_json: bool) -> None:
    """Measure the time from a new still to its result, with the processes of `make dev`.

    Exit code 1 where 95 of 100 stills take longer than 15 seconds, or one has no result in the end.
    """
    latencies = measure_latency(server, seconds, per_second)
    numbers = {
        "stills": len(latencies.seconds) + latencies.missing,
        "without_result": latencies.missing,
        "seconds_p50": latencies.percentile(50),
        "seconds_p95": latencies.percentile(95),
        "seconds_p99": latencies.percentile(99),
        "seconds_max": latencies.percentile(100),
        "machine": machine(),
    }
    if as_json:
        print_json(numbers)
    else:
        print_table(
            "From a new still to its result", ["what", "value"], [(name, str(v)) for name, v in numbers.items()]
        )
    if latencies.missing or latencies.percentile(95) > LIMIT:
        raise SystemExit(1)


@evaluate.command()
@server_option
@click.option("--agents", type=click.IntRange(1), default=200, show_default=True, help="Agents whose stills come.")
@click.option("--minutes", type=click.IntRange(1, 50), default=5, show_default=True, help="How many are measured.")
@workers_option
@as_json_option
def minutes(server: str, agents: int, minutes: int, settings: Settings, as_json: bool) -> None:
    """Measure how long what runs every minute takes for so many agents.

    An hour of stills is made before, which takes longer than the minutes. Exit code 1 where a minute takes longer
    than a minute.
    """
    with progress_of_steps() as show:
        measured = measure_minutes(server, settings, agents=agents, minutes=minutes, on_progress=show)
    numbers = {
        "agents": measured.agents,
        "processes": measured.processes,
        "minutes": minutes,
        "impersonation_seconds_p50": round(float(np.median(measured.impersonation)), 2),
        "incidents_seconds_p50": round(float(np.median(measured.incidents)), 2),
        "seconds_max": round(max(map(sum, zip(measured.impersonation, measured.incidents, strict=True))), 2),
        "ms_an_agent": round(1000 * measured.seconds / measured.agents, 1),
        "kept_up_with": measured.kept_up_with,
        "findings": measured.findings,
        "machine": machine(),
    }
    if as_json:
        print_json(numbers)
    else:
        print_table("What runs every minute", ["what", "value"], [(name, str(v)) for name, v in numbers.items()])
    if measured.seconds > SECONDS_A_MINUTE:
        raise SystemExit(1)


@evaluate.command()
@server_option
@click.option("--agents", type=click.IntRange(1), default=1000, show_default=True, help="Agents of the site.")
@click.option("--stills", type=click.IntRange(1), default=3_000_000, show_default=True, help="Stills, about so many.")
@click.option("--visits", type=click.IntRange(1), default=50, show_default=True, help="How often each page is opened.")
@as_json_option
def desk(server: str, agents: int, stills: int, visits: int, as_json: bool) -> None:
    """Measure how long the desk's pages take to open on a site of that size.

    3,000,000 stills take some minutes to make and about 4 GB on the server's disk until the end. Exit code 1
    where 95 of 100 visits to a page take longer than 200 ms.
    """
    with progress_of_steps() as show:
        times = measure_desk(server, load_settings(), agents=agents, stills=stills, visits=visits, on_progress=show)
    rows = [
        {
            "page": page.page,
            "visitor": page.visitor,
            "ms_p50": page.percentile(50),
            "ms_p95": page.percentile(95),
            "ms_max": page.percentile(100),
            "kib": round(page.size / 1024, 1),
        }
        for page in times.pages
    ]
    if as_json:
        print_json(_desk_numbers(times, visits, rows))
    else:
        headings = ["page", "visitor", "p50 ms", "p95 ms", "longest ms", "KiB"]
        print_table(f"Opening the desk's pages, {visits} times each", headings, [list(row.values()) for row in rows])
        click.echo(
            f"{times.site.agents} agents, {times.site.stills} stills, {times.site.findings} findings of which "
            f"{times.site.reviewed} are reviewed ({machine()}). Goal: {GOAL:g} ms at p95."
        )
    if any(page.percentile(95) > GOAL for page in times.pages):
        raise SystemExit(1)


def _desk_numbers(times: DeskTimes, visits: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "machine": machine(),
        "agents": times.site.agents,
        "stills": times.site.stills,
        "findings": times.site.findings,
        "reviewed": times.site.reviewed,
        "fill_seconds": round(times.fill_seconds, 1),
        "visits": visits,
        "goal_ms_p95": GOAL,
        "pages": rows,
    }
