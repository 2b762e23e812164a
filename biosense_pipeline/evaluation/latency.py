"""Time from a new still to its result, with the processes of `make dev` and a MariaDB.

A database of its own is made on the server and dropped afterwards; stills come at a steady rate while
Dagster's daemon, its web server and the sensors run as a user would run them.
"""

import time
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.choices import Approval
from biosense_pipeline.demo.seeding import enrol_demo_agents, live_frames
from biosense_pipeline.evaluation.processes import dagster_dev
from biosense_pipeline.evaluation.scratch import scratch_database
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.store.stills.results import read_results

#: Seconds within which 95 of 100 stills must have their result; beyond it the command fails.
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


def measure_latency(server: str, seconds: float, per_second: float) -> Latencies:
    """Run the processes of `make dev` on a database of their own and enter stills at a steady rate.

    Raises:
        DatabaseUnavailable: no database can be made on the server.
        CannotStart: Dagster does not come up.
    """
    with scratch_database(server) as database:
        enrol_demo_agents(database, local_now(load_settings().zone))
        with dagster_dev(database.url.render_as_string(hide_password=False), BIOSENSE_APPROVAL=Approval.AUTO):
            return _measure(database, seconds, per_second)


def _measure(database: Database, seconds: float, per_second: float) -> Latencies:
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
