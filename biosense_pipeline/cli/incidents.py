"""`biosense evaluate incidents`: false incidents and the time to a true one, in simulation."""

from dataclasses import replace
from pathlib import Path

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.incidents.prints import FAINT, PLAIN
from biosense_pipeline.evaluation.incidents.report import REPORT_FILE, write_report
from biosense_pipeline.evaluation.incidents.run import (
    GOAL_FALSE_INCIDENTS,
    GOAL_SECONDS,
    Simulation,
    numbers,
    simulate_incidents,
)
from biosense_pipeline.evaluation.incidents.scenarios import Detections, FalseIncidents
from biosense_pipeline.evaluation.incidents.shifts import Kind, World
from biosense_pipeline.evaluation.page import prepare_report
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.store.calibration.calibrations import figures_in_force
from biosense_pipeline.workflows.incident_settings import incident_assumptions
from biosense_pipeline.workflows.workbench import engine_spec

_REPORT = click.Path(file_okay=False, path_type=Path)
_RATE = click.FloatRange(0, 0.5, min_open=True, max_open=True)


@click.command()
@click.option("--fnmr", type=_RATE, help="Share of the agent's own stills rejected. Default: BIOSENSE_INCIDENT_FNMR.")
@click.option("--fmr", type=_RATE, help="Share of others' stills accepted. Default: BIOSENSE_INCIDENT_FMR.")
@click.option(
    "--correlation",
    type=click.FloatRange(0, 0.9),
    help="Correlation of successive stills, as it is; what the test assumes stays BIOSENSE_INCIDENT_CORRELATION.",
)
@click.option("--calibration", is_flag=True, help="Take FNMR and FMR from the database's calibration in force.")
@click.option(
    "--evidence",
    type=click.Choice([str(kind) for kind in Kind]),
    default=str(Kind.RESULTS),
    show_default=True,
    help="Bare results, as before there is a calibration, or calibrated log-likelihood ratios.",
)
@click.option(
    "--agent-months",
    type=click.IntRange(10, 100_000),
    default=300,
    show_default=True,
    help="Months of agents about whom nothing is wrong, for false incidents.",
)
@click.option(
    "--swaps",
    type=click.IntRange(40, 1_000_000),
    default=4000,
    show_default=True,
    help="How often somebody else takes the place, for the time to detection.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Other shifts by another seed.")
@click.option("--report", type=_REPORT, help="Folder into which to write the report, one HTML file.")
@as_json_option
def incidents(
    fnmr: float | None,
    fmr: float | None,
    correlation: float | None,
    calibration: bool,
    evidence: str,
    agent_months: int,
    swaps: int,
    seed: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Measure false incidents and the time to a true one on simulated shifts.

    Nothing real is looked at: stills are drawn by the stated rates of errors, in runs, and what windows say of prints
    from the normal distributions that the detector assumes. Exit code 1 where a swap of
    person is found in a median of more than 60 seconds, or there is more than one false incident per agent-month.
    """
    settings = load_settings()
    assumptions = incident_assumptions(settings)
    world = World.as_assumed(assumptions, Kind(evidence))
    if calibration:
        if fnmr is not None or fmr is not None:
            raise WrongUse("Both --calibration and a rate are given: leave one of them out.")
        fnmr, fmr = _calibrated_rates(settings)
    world = replace(
        world,
        fnmr=world.fnmr if fnmr is None else fnmr,
        fmr=world.fmr if fmr is None else fmr,
        correlation=world.correlation if correlation is None else correlation,
    )
    file = prepare_report(report, REPORT_FILE) if report else None
    with progress_bar() as bar:
        task = bar.add_task("scenarios", total=None)
        run = simulate_incidents(
            assumptions,
            world.kind,
            world=world,
            agent_months=agent_months,
            swaps=swaps,
            seed=seed,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if file:
        write_report(file, run)
    if as_json:
        print_json({**numbers(run), "report": None if file is None else str(file)})
    else:
        _print(run)
        if file:
            click.echo(f"The report is {file}.")
    if not run.reached:
        raise SystemExit(1)


def _calibrated_rates(settings: Settings) -> tuple[float, float]:
    """FNMR and FMR of the calibration in force, on people it had not seen; none below one in a million."""
    database = open_database(settings)
    try:
        figures = figures_in_force(database, engine_spec(settings).model_id)
    finally:
        database.dispose()
    if not figures or figures.get("fnmr") is None or figures.get("fmr") is None:
        raise WrongUse("There is no calibration in force: run `biosense calibrate`, or state --fnmr and --fmr.")
    return tuple(min(0.499, max(1e-6, float(figures[name]))) for name in ("fnmr", "fmr"))  # type: ignore[return-value]


def _print(run: Simulation) -> None:
    world = run.world
    print_table(
        f"Simulated shifts: {world.kind}, FNMR {world.fnmr:g}, FMR {world.fmr:g}, correlation {world.correlation:g}",
        ["agents about whom nothing is wrong", "false incidents per agent-month", "95 % interval", "agent-months"],
        [
            ("as assumed" if world.correlation == run.assumptions.correlation else "as stated", *_false(run.genuine)),
            ("noisy camera", *_false(run.noisy_camera)),
        ],
    )
    print_table(
        "Time to detection",
        ["what", "median s", "p95 s", "median stills", "p95 stills", "not within 2 h"],
        [
            ("somebody else", *_found(run.swap)),
            ("a look-alike", *_found(run.look_alike)),
            ("empty place", *_found(run.absent)),
            (f"a faint print, {FAINT * run.print_world.separation:.1f} spreads above", *_found(run.faint_print)),
            (f"a print, {PLAIN * run.print_world.separation:.1f} spreads above", *_found(run.plain_print)),
        ],
    )
    print_table(
        f"Other correlations; the bound is set for {run.assumptions.correlation:g}",
        [
            "evidence",
            "correlation",
            "false per month, as set",
            "false per month, if assumed",
            "then found in, median s",
        ],
        [
            (
                str(entry.kind),
                entry.correlation,
                round(entry.as_set.per_agent_month, 2),
                round(entry.assumed.per_agent_month, 2),
                round(entry.found_assumed.percentile(50)[0], 1),
            )
            for entry in run.correlated
        ],
    )
    click.echo(
        f"Goal: {GOAL_SECONDS:g} s in the median at {GOAL_FALSE_INCIDENTS:g} false incident per agent-month: "
        f"{'reached' if run.reached else 'not reached'}."
    )


def _false(incidents: FalseIncidents) -> tuple[object, ...]:
    low, high = incidents.interval
    return round(incidents.per_agent_month, 2), f"{low:.2f} – {high:.2f}", incidents.agent_months


def _found(detections: Detections) -> tuple[object, ...]:
    (seconds, stills), (seconds_p95, stills_p95) = detections.percentile(50), detections.percentile(95)
    return round(seconds, 1), round(seconds_p95, 1), stills, stills_p95, f"{100 * detections.missed:.2f} %"
