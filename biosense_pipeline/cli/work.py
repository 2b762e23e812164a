"""`biosense drain`: the main job without Dagster, for a shell or cron."""

from typing import Any

import click
import numpy as np

from biosense_pipeline.cli.opening import open_database, open_workbench
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.cli.scope_options import scope_options
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.local_time import floor_hour
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.runs.due import due_hours
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import take_stock
from biosense_pipeline.workflows.drain import drain as drain_stills
from biosense_pipeline.workflows.enrol import EnrolmentReport, check_training_images, encode_benchmarks
from biosense_pipeline.workflows.report import DrainReport
from biosense_pipeline.workflows.summarise import summarise_hours


@click.command()
@scope_options
@click.option("--follow", is_flag=True, help="Go on with new stills until none comes any more (see idle_seconds).")
@workers_option
@as_json_option
def drain(settings: Settings, scope: Scope, follow: bool, as_json: bool) -> None:
    """Process all pending stills: check enrolments, compare, write results, sum up their hours.

    The same work as Dagster's recognition_job, for a shell or cron. Several may run at once, on several
    hosts: they share the stills. Stopped at any point, it loses nothing.
    """
    database = open_database(settings)
    with open_workbench(settings, database) as bench, progress_bar() as bar:
        checks, encodings = check_training_images(bench), encode_benchmarks(bench)
        task = bar.add_task("stills", total=take_stock(database, scope).pending)

        def show(report: DrainReport) -> None:
            bar.update(task, completed=report.written, total=max(report.written, report.stock.pending))

        report = drain_stills(bench, scope, follow=follow, on_progress=show)
        # Not only what was done here: a process that died may have left hours behind.
        hours = due_hours(database)
        summary_rows = summarise_hours(database, hours)
    _print(as_json, checks, encodings, report, summary_rows)


def _print(
    as_json: bool, checks: EnrolmentReport, encodings: EnrolmentReport, report: DrainReport, summary_rows: int
) -> None:
    if as_json:
        print_json({**_enrolment(checks, encodings), **drain_numbers(report), "summary_rows": summary_rows})
        return
    if checks.examined:
        print_table("Training images checked", ["result", "images"], sorted(checks.results.items()))
    if checks.requeued:
        click.echo(f"{checks.requeued} stills of newly enrolled agents returned to pending.")
    if not report.written:
        click.echo("No stills were pending.")
        return
    print_table("Stills processed", ["result", "stills"], report.results.most_common())
    click.echo(
        f"{report.written} stills in {report.seconds:.1f} s, {report.stills_per_second:.1f} a second; "
        f"{len(report.hours)} hours summed up in {summary_rows} rows."
    )
    if report.without_evidence:
        click.echo(
            f"Of {report.without_evidence.total()} pictures nothing could be kept for the analysis of windows "
            f"({', '.join(report.without_evidence)}); their results stand."
        )
    for reason, count in report.without_attack_score.items():
        click.echo(f"{count} stills lack the score of BIOSENSE_ATTACK_MODEL ({reason}); their results stand.")


def _enrolment(checks: EnrolmentReport, encodings: EnrolmentReport) -> dict[str, Any]:
    return {
        "training_images": {str(result): count for result, count in checks.results.items()},
        "benchmarks_encoded": encodings.examined,
        "requeued": checks.requeued,
    }


def drain_numbers(report: DrainReport) -> dict[str, Any]:
    """A drain in numbers, for programs."""
    times = report.milliseconds
    return {
        "stills": report.written,
        "results": {str(result): count for result, count in report.results.most_common()},
        "hours": sorted(floor_hour(hour).isoformat() for hour in report.hours),
        "settled_by_a_quick_look": report.quick,
        "further_looks": report.further_looks,
        "without_evidence": dict(report.without_evidence),
        "without_attack_score": dict(report.without_attack_score),
        "retried": report.retried,
        "lost": report.lost,
        "seconds": round(report.seconds, 3),
        "stills_per_second": round(report.stills_per_second, 2),
        "milliseconds_p50": round(float(np.percentile(times, 50)), 1) if times else None,
        "milliseconds_p95": round(float(np.percentile(times, 95)), 1) if times else None,
    }
