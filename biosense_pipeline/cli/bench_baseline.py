"""The engine against a baseline: rates, milliseconds and decisions on the same stills."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import click
import numpy as np
from rich.progress import Progress

from biosense_pipeline.choices import EngineName
from biosense_pipeline.cli.output import print_table
from biosense_pipeline.evaluation.cameras import Camera, Capture
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.speed import Contender, alternate, compare, quick_and_full
from biosense_pipeline.settings import Settings
from biosense_pipeline.vision.faces import Picture
from biosense_pipeline.workflows.workbench import make_examiner


def against_baseline(
    settings: Settings, baseline: EngineName, cameras: Sequence[Camera], stills: Sequence[Capture], bar: Progress
) -> dict[str, Any]:
    """Measure the engine of the settings and the baseline in turns, in one process each."""
    ours = settings.model_copy(update={"workers": 1})
    theirs = ours.model_copy(update={"engine": baseline})
    with ExitStack() as stack:
        contenders = []
        for values in (ours, theirs):
            # What is kept of each still belongs to our work, and not to the library's.
            contenders.append(Contender(make_examiner(values), values, evidence=values is ours))
            stack.callback(contenders[-1].examiner.close)
            contenders[-1].enrol(cameras)
        enrolled = contenders[0].references.keys() & contenders[1].references.keys()
        stills = [still for still in stills if still.camera.lan_id in enrolled]
        one_face, others = _by_faces(contenders[0], stills)
        figures = {}
        for name, some in (("one_face", one_face), ("others", others)):
            task = bar.add_task(f"stills, {name.replace('_', ' ')}", total=len(some))
            for contender in contenders:
                contender.turns = []
            alternate(contenders, some, lambda done, task=task: bar.update(task, completed=done))  # type: ignore[misc]
            figures[name] = _rates(contenders)
        agreement = compare(contenders[0], contenders[1], stills)
        differences = quick_and_full(contenders[0].examiner, contenders[0], one_face)
    return {
        "machine": machine(),
        "engine": f"{contenders[0].examiner.model_id}, {ours.detection}",
        "baseline": contenders[1].examiner.model_id,
        "tolerance": ours.tolerance,
        "stills": len(stills),
        **figures,
        "milliseconds": {
            name: {stage: _percentiles(times) for stage, times in contender.stages.items()}
            for name, contender in zip(("engine", "baseline"), contenders, strict=True)
        },
        "decisions": agreement.decisions,
        "decisions_agreeing": agreement.agreeing,
        "disagreements": [asdict(entry) for entry in agreement.disagreements],
        "settled_by_a_quick_look": len(differences),
        "quick_look_farther_by": _percentiles(differences, digits=4) if differences else None,
    }


def _by_faces(contender: Contender, stills: Sequence[Capture]) -> tuple[list[Capture], list[Capture]]:
    """The stills with exactly one face, as a full look counts them, and the others."""
    found = dict(contender.examiner.examine([Picture(still.number, still.image) for still in stills]))
    one_face = [still for still in stills if len(found[still.number].faces) == 1]
    return one_face, [still for still in stills if len(found[still.number].faces) != 1]


def _rates(contenders: Sequence[Contender]) -> dict[str, Any]:
    """Medians over the turns: a machine that is slowed down from outside for a while then counts for little."""
    ours, theirs = (np.array(contender.rates) for contender in contenders)
    if not len(ours):
        return {"stills": 0}
    return {
        "stills": sum(stills for stills, _ in contenders[0].turns),
        "engine_per_second_and_core": round(float(np.median(ours)), 2),
        "baseline_per_second_and_core": round(float(np.median(theirs)), 2),
        "ratio": round(float(np.median(ours / theirs)), 2),
        "ratio_of_turns": [round(float(ratio), 2) for ratio in ours / theirs],
        "ratio_over_all": round(contenders[0].rate / contenders[1].rate, 2),
    }


def _percentiles(values: Sequence[float], digits: int = 2) -> dict[str, float]:
    return {
        "min": round(float(np.min(values)), digits),
        "p50": round(float(np.percentile(values, 50)), digits),
        "p95": round(float(np.percentile(values, 95)), digits),
        "max": round(float(np.max(values)), digits),
    }


def print_against_baseline(numbers: dict[str, Any]) -> None:
    """The same for people."""
    print_table(
        f"Stills a second and core ({numbers['machine']})",
        ["stills", "number", numbers["engine"], numbers["baseline"], "ratio"],
        [
            (title, *(figures[key] for key in list(figures)[:4]))
            for title, figures in (("one face", numbers["one_face"]), ("none or several", numbers["others"]))
            if figures["stills"]
        ],
    )
    if numbers["one_face"]["stills"]:
        turns = numbers["one_face"]["ratio_of_turns"]
        click.echo(
            f"Medians over {len(turns)} turns; one face: {numbers['one_face']['ratio_over_all']} times over all turns "
            f"together, {min(turns)} to {max(turns)} in single ones."
        )
    stages = {name: numbers["milliseconds"][name] for name in ("engine", "baseline")}
    print_table(
        "Milliseconds a still",
        ["stage", "engine p50", "p95", "baseline p50", "p95"],
        [
            (stage, *(stages[name].get(stage, {}).get(point, "") for name in stages for point in ("p50", "p95")))
            for stage in stages["engine"]
        ],
    )
    if numbers["disagreements"]:
        print_table(
            f"Different decisions at {numbers['tolerance']}",
            ["still", "compared with", "faces", "distance, engine", "distance, baseline"],
            [
                (entry["still"], entry["compared_with"], "/".join(map(str, entry["faces"])), *entry["distances"])
                for entry in numbers["disagreements"]
            ],
        )
    click.echo(
        f"{numbers['decisions_agreeing']} of {numbers['decisions']} decisions agree "
        f"({numbers['stills']} stills, each with every agent)."
    )
    if farther := numbers["quick_look_farther_by"]:
        click.echo(
            f"{numbers['settled_by_a_quick_look']} stills were settled by a quick look; its distance was larger than "
            f"a full look's by {farther['p50']:.3f} (p50), at least by {farther['min']:.3f}."
        )
