"""`biosense evaluate verification`: the accuracy of the engine on pairs of images, as LFW measures it."""

from pathlib import Path

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.evaluation.page import prepare_report
from biosense_pipeline.evaluation.verification.pair_distances import Normalisation
from biosense_pipeline.evaluation.verification.report import REPORT_FILE, write_report
from biosense_pipeline.evaluation.verification.run import VerificationRun, numbers, run_verification
from biosense_pipeline.settings import Settings

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_REPORT = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--images", type=_FOLDER, required=True, help="Folder with <name>/<name>_0001.jpg and so on.")
@click.option(
    "--pairs", type=_FILE, required=True, help="LFW's pairs.txt or a file of its form, with folds or without."
)
@click.option("--report", type=_REPORT, help="Folder into which to write the report, one HTML file.")
@click.option(
    "--normalise",
    type=click.Choice([str(choice) for choice in Normalisation]),
    default=str(Normalisation.PLAIN),
    show_default=True,
    help="Distances of encodings as they are, or by cosine after taking off the mean of people who are strangers "
    "to the pair.",
)
@click.option("--skip-missing", is_flag=True, help="Leave out pairs whose images are not there.")
@click.option(
    "--resamples",
    type=click.IntRange(100, 100_000),
    default=1000,
    show_default=True,
    help="Resamples of the people for the confidence intervals.",
)
@workers_option
@as_json_option
def verification(
    settings: Settings,
    images: Path,
    pairs: Path,
    report: Path | None,
    normalise: str,
    skip_missing: bool,
    resamples: int,
    as_json: bool,
) -> None:
    """Measure how well the engine tells people apart, on the pairs of a file.

    Accuracy is over all pairs: where an image gives no face, the pair counts as different people. FMR, FNMR,
    EER and Cllr are over the pairs that could be compared. Intervals are over people.
    """
    file = prepare_report(report, REPORT_FILE) if report else None
    with progress_bar() as bar:
        task = bar.add_task("images", total=None)
        run = run_verification(
            settings,
            images,
            pairs,
            Normalisation(normalise),
            skip_missing=skip_missing,
            resamples=resamples,
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


def _print(run: VerificationRun) -> None:
    told = numbers(run)
    intervals = told["confidence_intervals"]
    shown = ("pairs", "failures_to_acquire", "pairs_not_compared", *run.verification.figures)
    print_table(
        f"Verification with {run.model_id}",
        ["figure", "value", "95 % interval over people"],
        [(name, str(told[name]), _interval(intervals.get(name))) for name in shown],
    )
    if run.verification.thresholds:
        print_table(
            "At the thresholds in use",
            ["threshold", "distance", "FMR", "FNMR", "false matches", "false non-matches"],
            [
                (
                    entry.name,
                    entry.threshold,
                    round(entry.fmr, 6),
                    round(entry.fnmr, 6),
                    entry.false_matches,
                    entry.false_non_matches,
                )
                for entry in run.verification.thresholds
            ],
        )
    click.echo(
        f"{told['images']} images, {told['images_per_second']} a second with {run.settings.workers or 1} processes; "
        f"encoding a face takes {told['encode_milliseconds_p50']} ms, {told['encode_milliseconds_p95']} ms at the "
        "95th percentile."
    )
    for remark in run.remarks:
        click.echo(f"Note: {remark}")


def _interval(interval: list[float | None] | None) -> str:
    return "" if interval is None else " – ".join(map(str, interval))
