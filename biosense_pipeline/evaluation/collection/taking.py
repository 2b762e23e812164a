"""Takes the stills of a step from its source, each checked as it comes."""

import time
from collections.abc import Callable
from contextlib import closing

from biosense_pipeline.evaluation.collection.plan import Step
from biosense_pipeline.evaluation.collection.session import Session
from biosense_pipeline.evaluation.collection.sources import Source
from biosense_pipeline.vision.examine import Examination, Examiner
from biosense_pipeline.vision.faces import Look, Picture

#: As recognition looks at a camera's first still.
_LOOK = Look(evidence=True)
#: Seconds between two looks at the source, and after which a word is said where nothing comes.
_PAUSE, _PATIENCE = 1.0, 60.0

Say = Callable[[str], None]


def take(
    session: Session,
    step: Step,
    source: Source,
    examiner: Examiner,
    say: Say,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait for the stills that a step lacks, and keep those that can be used; each is told."""
    source.begin()
    heard = monotonic()
    while session.left(step):
        for data in source.look():
            heard = monotonic()
            if session.left(step):
                _take_one(session, step, data, examiner, say)
        if not session.left(step):
            return
        if monotonic() - heard >= _PATIENCE:
            say(f"Nothing has come from {source.words} for {_PATIENCE:g} seconds: does it send? Ctrl-C stops.")
            heard = monotonic()
        sleep(_PAUSE)


def _take_one(session: Session, step: Step, data: bytes, examiner: Examiner, say: Say) -> None:
    with closing(examiner.examine([Picture(0, data, _LOOK)])) as results:
        _, examination = next(results)
    problem = problem_of(examination)
    pixels = "" if problem or examination.evidence is None else examination.evidence.pixel_hash.hex()
    if problem is None and (same := session.same_as(pixels)):
        problem = f"it has the very pixels of {same}. Does the camera stand still, or was the picture sent twice?"
    if problem is None:
        session.keep(step, data, pixels)
        say(f"  {step.stills - session.left(step)} of {step.stills}")
    else:
        say(f"  not taken: {problem}")


def problem_of(examination: Examination) -> str | None:
    """Why a still is of no use, in plain words; None where it is."""
    if examination.fault is not None:
        return f"it cannot be read ({examination.detail})."
    if not examination.faces:
        return "no face is found in it. More light, less glare, nearer, and straight towards the camera."
    if len(examination.faces) > 1:
        return f"{len(examination.faces)} faces are in it, and only one may be."
    if examination.evidence is None or examination.evidence.face is None:
        return f"the face cannot be measured ({examination.evidence_failure or 'too small'}). Come nearer."
    return None
