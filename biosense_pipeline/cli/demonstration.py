"""`biosense demo`, `seed` and `simulate`: a working day to look at, and stills that keep coming."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import click
from rich.progress import Progress

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.codes import Species, StillResult
from biosense_pipeline.demo.day import AGENTS, HOURS, planned_count
from biosense_pipeline.demo.seeding import (
    Deviation,
    deviations,
    enrol_demo_agents,
    live_frames,
    refuse_foreign,
    seed_day,
)
from biosense_pipeline.local_time import local_now
from biosense_pipeline.settings import load_settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.findings import read_findings
from biosense_pipeline.store.evidence.motion import read_motion
from biosense_pipeline.store.incidents.rows import IncidentRow, incidents_during
from biosense_pipeline.store.schema import upgrade_schema
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import take_stock
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.store.stills.results import count_results
from biosense_pipeline.store.stills.summaries import SummaryRow, read_summary


@click.command()
@as_json_option
def seed(as_json: bool) -> None:
    """Enter the demo's day into the database, without processing it.

    Replaces an earlier demo. A database with other images in it is refused.
    """
    database = _migrated()
    with progress_bar() as bar:
        expected = _seed(database, bar)
    if as_json:
        print_json({"database": str(database), "stills": len(expected), "agents": len(AGENTS)})
    else:
        click.echo(f"{len(expected)} stills of {len(AGENTS)} agents entered into {database}.")


@click.command()
@as_json_option
def demo(as_json: bool) -> None:
    """Seed a small working day, run the Dagster jobs over every hour of it, and compare with the plan.

    Exit code 1 where a single still came out differently.
    """
    # Dagster takes two seconds to import; the other commands do without it.
    from biosense_pipeline.running import analyse_hour, project_instance, run_enrolment, run_hour

    database = _migrated()
    began = time.monotonic()
    with progress_bar() as bar, project_instance() as instance:
        expected = _seed(database, bar)
        run_enrolment(instance)
        for hour in HOURS:
            with _watched(bar, database, f"recognition_job {hour:%Y-%m-%d %H:00}"):
                run_hour(instance, hour)
        for hour in HOURS:
            task = bar.add_task(f"motion_job, impersonation_job {hour:%H:00}", total=None)
            analyse_hour(instance, hour)
            bar.update(task, total=1, completed=1)
    wrong = deviations(database, expected)
    summary = read_summary(database)
    counts = count_results(database, Scope())
    told = _told(database)
    seconds = time.monotonic() - began
    if as_json:
        print_json({**_as_json(expected, wrong, summary, counts, seconds), **told.as_json()})
    else:
        _print(expected, wrong, summary, counts, told, seconds)
    if wrong:
        raise SystemExit(1)


@click.command()
@click.option(
    "--per-second",
    type=click.FloatRange(0.01, 100),
    default=1.0,
    show_default=True,
    help="Stills a second, all agents together.",
)
@click.option("--seconds", type=click.FloatRange(min=0), help="Stop after this long; default: until Ctrl-C.")
@as_json_option
def simulate(per_second: float, seconds: float | None, as_json: bool) -> None:
    """Keep entering stills of the demo's agents, captured now, as their webcams would.

    Every twelfth or so shows somebody else or an empty seat. Watch them come out in the Dagster UI.
    """
    settings = load_settings()
    database = open_database(settings)
    enrol_demo_agents(database, local_now(settings.zone))
    began, entered = time.monotonic(), 0
    for lan_id, picture in live_frames():
        due = began + entered / per_second
        if seconds is not None and due - began >= seconds:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        enter_stills(database, [CapturedImage(lan_id, local_now(settings.zone), picture)])
        entered += 1
        if not as_json and entered % max(1, round(10 * per_second)) == 0:
            waiting = take_stock(database, Scope()).pending
            click.echo(f"{entered} stills entered, {waiting} waiting", err=True)
    if as_json:
        print_json({"entered": entered, "seconds": round(time.monotonic() - began, 1)})
    else:
        click.echo(f"{entered} stills entered.")


@dataclass(frozen=True)
class _Told:
    """What was found over several stills."""

    motion: Counter[str]
    findings: Counter[str]
    incidents: list[IncidentRow]

    def print(self) -> None:
        """Incidents as a table, the rest in a line."""
        headings = ["agent", "species", "opened", "closed", "stills"]
        rows = [
            (
                incident.lan_id,
                incident.species,
                f"{incident.opened:%H:%M:%S}",
                f"{incident.closed:%H:%M:%S}" if incident.closed else "open",
                incident.stills,
            )
            for incident in self.incidents
        ]
        print_table("Incidents", headings, rows)
        findings = _in_words(self.findings) or "none"
        click.echo(f"Motion in ten minutes: {_in_words(self.motion)}. Findings over several stills: {findings}.")
        if self.findings[Species.PRINT]:
            click.echo("The people of the demo are photographs, cut out and moved: where PRINT is found it is right.")

    def as_json(self) -> dict[str, Any]:
        return {
            "motion": dict(self.motion),
            "findings": dict(self.findings),
            "incidents": [
                {
                    "lan_id": incident.lan_id,
                    "species": incident.species,
                    "opened": incident.opened.isoformat(),
                    "closed": incident.closed and incident.closed.isoformat(),
                    "stills": incident.stills,
                }
                for incident in self.incidents
            ],
        }


def _told(database: Database) -> _Told:
    start, end = HOURS[0], HOURS[-1] + timedelta(hours=1)
    return _Told(
        Counter(str(row.outcome) for _, row in read_motion(database, start, end)),
        Counter(str(row.species) for _, row in read_findings(database, start, end)),
        incidents_during(database, start, end),
    )


def _migrated() -> Database:
    """The database, migrated; one with a site's own rows is refused before anything is changed in it."""
    database = open_database(load_settings(), migrated=False)
    refuse_foreign(database)
    upgrade_schema(database)
    return database


def _seed(database: Database, bar: Progress) -> dict[int, StillResult]:
    task = bar.add_task("drawing and entering stills", total=planned_count())
    return seed_day(database, lambda entered: bar.update(task, completed=entered))


@contextmanager
def _watched(bar: Progress, database: Database, title: str) -> Iterator[None]:
    """Show how far a run is. The database is asked, since the run says nothing before it ends."""
    total = take_stock(database, Scope()).pending
    task = bar.add_task(title, total=None)
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.5):
            bar.update(task, completed=total - take_stock(database, Scope()).pending)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _print(
    expected: dict[int, StillResult],
    wrong: list[Deviation],
    summary: list[SummaryRow],
    counts: dict[str, int],
    told: _Told,
    seconds: float,
) -> None:
    print_table(
        "Agents by hour",
        ["hour", "agent", "stills", "results"],
        [
            (f"{hour:%Y-%m-%d %H:00}", lan_id, sum(results.values()), _in_words(results))
            for (hour, lan_id), results in _by_agent_and_hour(summary).items()
        ],
    )
    print_table("Results", ["result", "stills"], counts.items())
    told.print()
    if wrong:
        print_table(
            "Not as expected",
            ["still", "agent", "expected", "found"],
            [(deviation.still_id, deviation.lan_id, deviation.expected, deviation.found) for deviation in wrong],
        )
    click.echo(f"{len(expected) - len(wrong)} of {len(expected)} as expected, in {seconds:.0f} s.")


def _as_json(
    expected: dict[int, StillResult],
    wrong: list[Deviation],
    summary: list[SummaryRow],
    counts: dict[str, int],
    seconds: float,
) -> dict[str, Any]:
    return {
        "stills": len(expected),
        "as_expected": len(expected) - len(wrong),
        "deviations": [asdict(deviation) for deviation in wrong],
        "results": counts,
        "agents_by_hour": [
            {"hour": hour.isoformat(), "lan_id": lan_id, "results": dict(results)}
            for (hour, lan_id), results in _by_agent_and_hour(summary).items()
        ],
        "seconds": round(seconds, 1),
    }


def _by_agent_and_hour(summary: list[SummaryRow]) -> dict[tuple[datetime, str], Counter[str]]:
    table: dict[tuple[datetime, str], Counter[str]] = {}
    for row in summary:
        table.setdefault((row.hour, row.lan_id), Counter())[row.result] += row.stills
    return table


def _in_words(results: Counter[str]) -> str:
    return ", ".join(f"{count} {result}" for result, count in results.most_common())
