"""`biosense bench`: how fast the engine is, against face_recognition and through the database."""

from pathlib import Path

import click

from biosense_pipeline.choices import EngineName
from biosense_pipeline.cli.bench_baseline import against_baseline, print_against_baseline
from biosense_pipeline.cli.bench_end_to_end import end_to_end, print_end_to_end
from biosense_pipeline.cli.evaluate import server_option
from biosense_pipeline.cli.output import as_json_option, print_json, progress_bar
from biosense_pipeline.evaluation.cameras import captures, demo_cameras, folder_cameras
from biosense_pipeline.settings import load_settings


@click.command()
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder for each agent, with the benchmark as its first picture by name; default: the demo's stills.",
)
@click.option(
    "--baseline",
    type=click.Choice([EngineName.FACE_RECOGNITION]),
    default=EngineName.FACE_RECOGNITION,
    show_default=True,
    help="The engine to compare with.",
)
@click.option("--stills", type=click.IntRange(min=1), help="Most stills to take; default: all, end to end 1,000.")
@click.option(
    "--end-to-end", "through_database", is_flag=True, help="Measure the way through a database instead of the baseline."
)
@server_option
@as_json_option
def bench(
    images: Path | None, baseline: str, stills: int | None, through_database: bool, server: str, as_json: bool
) -> None:
    """Measure the engine of the settings, in turns with the baseline, over the same stills.

    Each camera is taken to write a still every ten seconds. Both engines run in one process each, so that
    stills a second are stills a second and core. End to end, stills go through a database of their own
    with BIOSENSE_WORKERS processes, from claim to committed result, beside the same engine's rate on
    pictures in memory.
    """
    settings = load_settings()
    with progress_bar() as bar:
        task = bar.add_task("reading stills", total=None)
        cameras = folder_cameras(images) if images else demo_cameras()
        bar.remove_task(task)
        if through_database:
            numbers = end_to_end(settings, cameras, server, stills or 1000, bar)
        else:
            numbers = against_baseline(settings, EngineName(baseline), cameras, captures(cameras, stills), bar)
    if as_json:
        print_json(numbers)
    elif through_database:
        print_end_to_end(numbers)
    else:
        print_against_baseline(numbers)
