"""Time from a new still to its result, with the processes of `make dev` and a MariaDB.

Run as `make latency` or `python -m biosense_pipeline.evaluation.latency`. A database of its own is made
on the server and dropped afterwards; stills come at a steady rate while Dagster's daemon, its web server
and the sensors run as a user would run them.
"""

import os
import platform
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
import numpy as np
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from biosense_pipeline.cli import run
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.demo.seeding import enrol_demo_agents, live_frames
from biosense_pipeline.errors import DatabaseUnavailable
from biosense_pipeline.evaluation.processes import dagster_dev
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.capture import CapturedImage, enter_stills
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.results import read_results
from biosense_pipeline.store.schema import upgrade_schema

#: Seconds within which 95 of 100 stills must have their result; beyond it the exit code is 1.
LIMIT = 15.0
#: Seconds granted to the last stills.
_LAST_SECONDS = 120


@dataclass(frozen=True)
class Latencies:
    """Seconds from entering each still to its result; ``missing`` had none in the end and count as endless."""

    seconds: list[float]
    missing: int

    def percentile(self, share: float) -> float:
        everything = [*self.seconds, *[float("inf")] * self.missing]
        return round(float(np.percentile(everything, share, method="higher")), 2)


@click.command()
@click.option(
    "--server",
    default="mysql+pymysql://root@127.0.0.1:3306/",
    show_default=True,
    envvar="BIOSENSE_TEST_MYSQL_URL",
    help="URL of a MariaDB or MySQL on which a database may be made.",
)
@click.option("--seconds", default=600.0, show_default=True, help="How long stills keep coming.")
@click.option("--per-second", default=1.0, show_default=True, help="Stills a second.")
@as_json_option
def main(server: str, seconds: float, per_second: float, as_json: bool) -> None:
    """Measure the time from a new still to its result."""
    with _scratch_database(server) as url, dagster_dev(url):
        latencies = measure(Database(url), seconds, per_second)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    numbers = {
        "stills": len(latencies.seconds) + latencies.missing,
        "without_result": latencies.missing,
        "seconds_p50": latencies.percentile(50),
        "seconds_p95": latencies.percentile(95),
        "seconds_p99": latencies.percentile(99),
        "seconds_max": latencies.percentile(100),
        "machine": machine,
    }
    if as_json:
        print_json(numbers)
    else:
        print_table(
            "From a new still to its result", ["what", "value"], [(name, str(v)) for name, v in numbers.items()]
        )
    if latencies.missing or latencies.percentile(95) > LIMIT:
        raise SystemExit(1)


def measure(database: Database, seconds: float, per_second: float) -> Latencies:
    """Enter stills at a steady rate for so long; wait for the last; read back when each was processed."""
    zone = load_settings().zone
    entered: dict[int, float] = {}
    began = time.monotonic()
    for number, (lan_id, picture) in enumerate(live_frames()):
        due = began + number / per_second
        if due - began >= seconds:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        now = local_now(zone)
        (still_id,) = enter_stills(database, [CapturedImage(lan_id, now, picture)])
        entered[still_id] = now.timestamp()
    deadline = time.monotonic() + _LAST_SECONDS
    while True:
        rows = read_results(database, sorted(entered))
        done = [row for row in rows if row.processed_time is not None]
        if len(done) == len(entered) or time.monotonic() > deadline:
            break
        time.sleep(1)
    waited = [row.processed_time.timestamp() - entered[row.id] for row in done if row.processed_time]
    return Latencies(waited, len(entered) - len(done))


@contextmanager
def _scratch_database(server: str) -> Iterator[str]:
    name = f"biosense_latency_{uuid.uuid4().hex[:8]}"
    engine = create_engine(make_url(server), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
    except OperationalError as error:
        raise DatabaseUnavailable("No database can be made on the server: name one that runs with --server.") from error
    try:
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
        database = Database(url)
        upgrade_schema(database)
        enrol_demo_agents(database, local_now(load_settings().zone))
        database.dispose()
        yield url
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        engine.dispose()


if __name__ == "__main__":
    run(main, "python -m biosense_pipeline.evaluation.latency")
