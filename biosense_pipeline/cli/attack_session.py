"""`biosense attacks collect`: a session of an operator's own attacks, guided through on the terminal."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click

from biosense_pipeline.cli.opening import open_database
from biosense_pipeline.cli.output import as_json_option, print_json, print_table
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.collection.plan import GENUINE, REFERENCE, SITTINGS, Plan, Step
from biosense_pipeline.evaluation.collection.session import Session, open_session, repository_of, stored_plan
from biosense_pipeline.evaluation.collection.sources import CameraSource, FolderSource, Source
from biosense_pipeline.evaluation.collection.taking import Say, take
from biosense_pipeline.settings import Settings, load_settings
from biosense_pipeline.vision.examine import InlineExaminer
from biosense_pipeline.workflows.workbench import engine_spec

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--lan-id", help="Take the stills that arrive from this agent's camera.")
@click.option("--from", "drop", type=_FOLDER, help="Take the pictures that are put into this folder.")
@click.option("--people", type=click.IntRange(1, 99), help="How many.  [default: 6]")
@click.option("--stills", type=click.IntRange(2, 99), help="Of each kind, person and sitting.  [default: 10]")
@click.option("--species", multiple=True, help="Kind of attack; repeatable.  [default: print, screen, replay]")
@click.option("--person", type=click.IntRange(1), help="Only this person, by number, as at another camera.")
@click.option("--plan", "only_plan", is_flag=True, help="Print what will be asked for and what is left; take nothing.")
@as_json_option
def collect(
    folder: Path,
    lan_id: str | None,
    drop: Path | None,
    people: int | None,
    stills: int | None,
    species: tuple[str, ...],
    person: int | None,
    only_plan: bool,
    as_json: bool,
) -> None:
    """Guide through a session of attacks: who does what before the camera, and which stills are kept.

    Stills come from the camera of an agent (--lan-id), the same as in service, or from a folder (--from). Interrupted,
    the session goes on where it was when the command is given again. The folders are as `biosense evaluate attacks`
    reads them.
    """
    stored = stored_plan(folder)
    base = stored or Plan()
    plan = Plan(people or base.people, stills or base.stills, species or base.species)
    if person is not None and person > plan.people:
        raise WrongUse(f"There is no person {person}: the plan has {plan.people}.")
    steps = [step for step in plan.steps if person in (None, step.person)]
    if only_plan:
        session = Session(folder, plan, {}) if stored is None else open_session(folder, plan)
        _show_plan(session, steps, as_json)
        return
    settings = load_settings()
    source = _source(settings, lan_id, drop)
    session = open_session(folder, plan)
    say = partial(click.echo, err=as_json)
    _introduce(session, source, say)
    examiner = InlineExaminer(engine_spec(settings))
    try:
        _guide(session, steps, lambda step: take(session, step, source, examiner, say), say)
    finally:
        examiner.close()
    left = sum(map(session.left, plan.steps))
    if as_json:
        print_json({"folder": str(folder), "taken": len(session.taken), "left": left})
    else:
        _end(session, left)


def _source(settings: Settings, lan_id: str | None, drop: Path | None) -> Source:
    if drop is not None and lan_id is None:
        return FolderSource(drop)
    if lan_id is not None and drop is None:
        return CameraSource(open_database(settings), lan_id, settings.max_image_bytes)
    raise WrongUse("Name where the stills come from: either --lan-id or --from.")


def _introduce(session: Session, source: Source, say: Say) -> None:
    """What everybody has to know before the first still."""
    say(
        f"Pictures of people are personal data. These lie in {session.folder.resolve()}, readable by you alone, until "
        "you delete them; nothing is sent anywhere. Ask each person for consent first, and say what the stills are for."
    )
    repository = repository_of(session.folder)
    if repository is not None:
        say(f"WARNING: the folder lies in the git repository {repository}. See that it is never committed or pushed.")
    if isinstance(source, CameraSource):
        say(
            f"Stills are taken as they arrive from {source.words}. They are judged as ever meanwhile, and what is held "
            "before the camera may alert supervisors: tell them beforehand."
        )
    else:
        say(f"Stills are taken from {source.words}, as they are put there from when you say that you are ready.")


def _guide(session: Session, steps: Sequence[Step], taking: Callable[[Step], None], say: Say) -> None:
    """Go through the steps that are left; one that nobody is ready for is left for another time."""
    began = len(session.taken)
    sitting = 1
    for step in steps:
        if not session.left(step):
            continue
        if step.sitting > sitting and len(session.taken) > began:
            say("\nThe first sitting is over. The second tells most some hours or days later, in other light.")
            if not click.confirm("Begin the second one now?", default=False, err=True):
                return
        sitting = step.sitting
        say(f"\nSitting {step.sitting} of {SITTINGS}, person {step.person}, {step.kind}: {session.left(step)} stills.")
        say(step.instruction)
        if click.confirm("Ready? (n: another time)", default=True, err=True):
            taking(step)


def _show_plan(session: Session, steps: Sequence[Step], as_json: bool) -> None:
    if as_json:
        asked = [{**asdict(step), "folder": step.folder, "left": session.left(step)} for step in steps]
        print_json({"folder": str(session.folder), "ready": session.plan.ready, "steps": asked})
        return
    print_table(
        f"Stills to be taken: {sum(step.stills for step in steps)}, of which {sum(map(session.left, steps))} are left",
        ["sitting", "person", "kind", "stills", "left", "what to do"],
        [(step.sitting, step.person, step.kind, step.stills, session.left(step), step.instruction) for step in steps],
    )
    click.echo("Have ready of each person:")
    for thing in session.plan.ready:
        click.echo(f"  {thing}")


def _end(session: Session, left: int) -> None:
    if left:
        click.echo(f"\n{left} stills are left: give the same command again to go on.")
        return
    folder = shlex.quote(str(session.folder))
    species = " ".join(f"--attack {folder}/{name}" for name in session.plan.species)
    click.echo(
        f"\nAll {len(session.taken)} stills are there. What the pipeline finds of them as it is:\n"
        f"  biosense evaluate attacks --genuine {folder}/{GENUINE} --genuine-reference {folder}/{REFERENCE} {species}\n"
        f"What a score trained on them adds:\n  biosense attacks train {folder} --output attack_score.json"
    )
