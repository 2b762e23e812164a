"""`biosense evaluate`: measurements of what the pipeline does, in figures."""

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.cli.verification import verification
from biosense_pipeline.evaluation.latency import LIMIT, measure_latency
from biosense_pipeline.evaluation.machine import machine

server_option = click.option(
    "--server",
    default="mysql+pymysql://root@127.0.0.1:3306/",
    show_default=True,
    envvar="BIOSENSE_TEST_MYSQL_URL",
    help="URL of a MariaDB or MySQL on which a database may be made; it is dropped afterwards.",
)


@click.group()
def evaluate() -> None:
    """Measure what the pipeline does."""


evaluate.add_command(verification)


@evaluate.command()
@server_option
@click.option("--seconds", default=600.0, show_default=True, help="How long stills keep coming.")
@click.option("--per-second", default=1.0, show_default=True, help="Stills a second.")
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
