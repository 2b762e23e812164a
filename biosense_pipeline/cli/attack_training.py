"""`biosense attacks train`: a score trained on an operator's own attacks, in figures."""

from pathlib import Path
from typing import Any

import click

from biosense_pipeline.cli.output import as_json_option, print_json, print_table, progress_bar
from biosense_pipeline.cli.workers_option import workers_option
from biosense_pipeline.evaluation.collection.training import (
    MODEL,
    SHIPPED,
    TRAINED,
    numbers,
    require_writable,
    run_training,
    write_score,
)
from biosense_pipeline.settings import Settings

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
#: Scores and rates of a training, in words.
_SCORES = {SHIPPED: "as it ships", TRAINED: "trained here", MODEL: "your model"}
_RATES = {
    "apcer_in_use_single": "APCER at the alarm, single still",
    "bpcer_in_use_single": "BPCER at the alarm, single still",
    "apcer_in_use_window": "APCER at the alarm, sitting",
    "bpcer_in_use_window": "BPCER at the alarm, sitting",
    "apcer_at_bpcer_5_single": "APCER at BPCER 5 %, single still",
    "eer_single": "EER, single still",
}


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File for the score, which BIOSENSE_ATTACK_SCORE then names. It holds no pictures.",
)
@workers_option
@as_json_option
def train(settings: Settings, folder: Path, output: Path, as_json: bool) -> None:
    """Train a score on the stills of a session, and measure what it adds.

    It is measured on people whom it was not trained on, in their second sitting, against a baseline of their first.
    Where BIOSENSE_ATTACK_MODEL names a model of your own, that is measured too.
    """
    require_writable(output)
    with progress_bar() as bar:
        task = bar.add_task("stills", total=None)
        run = run_training(
            settings, folder, on_progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    write_score(output, run.score)
    if as_json:
        print_json({**numbers(run), "score_id": run.score.score_id, "output": str(output)})
        return
    _print_training(numbers(run))
    click.echo(f"The score is {output}: set BIOSENSE_ATTACK_SCORE={output.resolve()} to add it.")


def _print_training(told: dict[str, Any]) -> None:
    for name, found in told["measured"].items():
        print_table(
            f"{name}, found as {found['species']}: single stills of people held out, against their own level",
            ["score", "people", "stills", "AUC", "95 % interval over people"],
            [
                (_SCORES[score], own["people"], own["stills"], own["auc"], _interval(own["auc_interval"]))
                for score, own in found["scores"].items()
            ],
        )
        rows = [
            (
                _RATES[rate],
                *(
                    f"{100 * found[kind][rate]['value']:.1f} % ({_interval(found[kind][rate]['interval'], 100)})"
                    for kind in ("without", "added")
                ),
            )
            for rate in _RATES
            if rate in found["without"]
        ]
        print_table(f"{name}: all cues together, on the same people", ["rate", "as it ships", "with the score"], rows)
        if not found["counts"]:
            click.echo(f"Note: no score was shown to tell {name}; it counts nothing, and is not measured.")
    counted = [name for name, found in told["measured"].items() if found["counts"]]
    click.echo(f"Measured now: {', '.join(counted)}.")
    click.echo(f"Not measured, and nothing is claimed of them: {', '.join(told['not_measured'])}.")
    click.echo(
        f"BPCER hangs on {told['genuine']['stills']} genuine stills in {told['genuine']['sittings']} sittings of the "
        f"{max(told['people'].values())} people: a 0 there is no proof."
    )
    click.echo(
        "Room, cameras, sheets and screens are those of the session; of others it says nothing. The stills that a "
        "score was trained on flatter it: measure it on others with `biosense evaluate attacks`."
    )


def _interval(ends: list[float] | None, times: float = 1) -> str:
    return "none" if ends is None else " – ".join(f"{times * end:.3g}" for end in ends)
