"""`biosense evaluate correlation`: whether rejections come in longer runs than the test for incidents assumes."""

from datetime import timedelta
from typing import Any

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.local_time import local_now
from biosense_pipeline.matching.incidents.rejection_runs import RejectionRuns
from biosense_pipeline.settings import load_settings
from biosense_pipeline.workflows.incident_settings import incident_assumptions
from biosense_pipeline.workflows.measured_correlation import MeasuredCorrelation, measure_correlation

_SETTING = "BIOSENSE_INCIDENT_CORRELATION"
#: The setting takes no more.
_MOST = 0.9


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 365), default=7, show_default=True, help="The last so many days' stills."
)
@click.option(
    "--most-seconds",
    type=click.FloatRange(1, 120),
    default=30.0,
    show_default=True,
    help="Stills further apart are no pair.",
)
@as_json_option
def correlation(days: int, most_seconds: float, as_json: bool) -> None:
    """Measure on the site's own stills how far rejections come in runs, and say what to set.

    The bound for incidents assumes that the evidence of an agent's stills ten seconds apart has the correlation
    BIOSENSE_INCIDENT_CORRELATION. Where it is higher there are more false incidents; where it is lower somebody else
    could be found sooner. Stills of incidents that no reviewer called a false alarm are left out: review them first.
    """
    settings = load_settings()
    end = local_now(settings.zone)
    assumptions = incident_assumptions(settings)
    database = open_database(settings)
    try:
        measured = measure_correlation(
            database, end - timedelta(days=days), end, assumptions.still_seconds, most_seconds
        )
    finally:
        database.dispose()
    advice = _advice(measured.genuine, assumptions.correlation)
    if as_json:
        print_json(
            {
                "genuine": _numbers(measured.genuine),
                "with_incidents": _numbers(measured.every),
                "days": days,
                "assumed": assumptions.correlation,
                "advice": advice,
            }
        )
    else:
        _print(measured, days, advice)


def _print(measured: MeasuredCorrelation, days: int, advice: str) -> None:
    print_table(
        f"Correlation of successive rejections, {days} days",
        ["stills", "correlation at 10 s", "95 % interval", "stills with a face", "rejected", "pairs", "agents"],
        [
            (name, *_row(runs))
            for name, runs in (("without incidents", measured.genuine), ("with them", measured.every))
        ],
    )
    click.echo(advice)


def _row(runs: RejectionRuns) -> tuple[object, ...]:
    interval = "–" if runs.interval is None else f"{runs.interval[0]:.3f} – {runs.interval[1]:.3f}"
    correlation = "–" if runs.correlation is None else f"{runs.correlation:.3f}"
    return correlation, interval, runs.stills, runs.rejected, runs.pairs, runs.agents


def _numbers(runs: RejectionRuns) -> dict[str, Any]:
    return {
        "correlation": None if runs.correlation is None else round(runs.correlation, 4),
        "interval": None if runs.interval is None else [round(end, 4) for end in runs.interval],
        "stills": runs.stills,
        "rejected": runs.rejected,
        "agents": runs.agents,
        "pairs": runs.pairs,
        "seconds": round(runs.seconds, 2),
    }


def _advice(runs: RejectionRuns, assumed: float) -> str:
    """What to set, in a sentence."""
    if runs.correlation is None or runs.interval is None:
        return f"Too few agents have rejected stills to tell: leave {_SETTING} at {assumed:g}."
    low, high = runs.interval
    fitting = min(_MOST, max(0.0, round(runs.correlation + 0.005, 2)))
    if low > assumed:
        return f"Rejections come in longer runs than assumed: set {_SETTING}={fitting:g} (now {assumed:g})."
    if high < assumed:
        return f"Rejections come in shorter runs than assumed: {_SETTING}={fitting:g} finds sooner (now {assumed:g})."
    return f"The assumption agrees with these stills: leave {_SETTING} at {assumed:g}."
