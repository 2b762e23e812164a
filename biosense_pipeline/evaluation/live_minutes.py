"""How long what runs every minute takes at a site of so many agents: impersonation, then incidents.

A database of its own is made on the server and dropped afterwards. Its agents' cameras write a still every ten
seconds, of which the engine's evidence of the demo's pictures is stored, changed a little: no moment comes twice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.demo.frames import Person, own_frame
from biosense_pipeline.evaluation.scratch import scratch_database
from biosense_pipeline.local_time import floor_hour, local_now
from biosense_pipeline.matching.evidence.blur import blurred
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.stills import KeptEvidence
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills
from biosense_pipeline.store.stills.claims import ClaimedStill, Claims
from biosense_pipeline.store.stills.outcomes import StillOutcome, write_outcomes
from biosense_pipeline.vision.examine import InlineExaminer
from biosense_pipeline.vision.faces import Look, Picture
from biosense_pipeline.workflows.impersonation import detect_impersonation
from biosense_pipeline.workflows.incidents import detect_incidents
from biosense_pipeline.workflows.judge import kept_evidence
from biosense_pipeline.workflows.workbench import engine_spec

SECONDS_A_MINUTE = 60.0
#: From a still to the next of a camera.
_STEP = timedelta(seconds=10)
#: Every still is held against those of the hour before it.
_BEFORE = timedelta(hours=1)
#: Minutes of the hour that were judged before the first one that counts.
_BEGUN = 5
#: Pictures of each person; how much a face changes from still to still, in grey levels of its chip, and how smoothly.
_PICTURES, _CHANGE, _SMOOTH = 8, 20.0, 2.0
#: Stills written in one transaction, and how long a claim of them holds.
_AT_A_TIME, _LEASE_SECONDS = 200, 600


@dataclass(frozen=True)
class LiveMinutes:
    """What was measured.

    Attributes:
        processes: that judged. impersonation, incidents: seconds of each minute.
        findings: that were made in these minutes, where there is nothing to be found.
    """

    agents: int
    processes: int
    impersonation: list[float]
    incidents: list[float]
    findings: int

    @property
    def seconds(self) -> float:
        """Median of what a minute takes in all."""
        return float(np.median(np.add(self.impersonation, self.incidents)))

    @property
    def kept_up_with(self) -> int:
        """Agents at whom a minute would take a minute."""
        return int(self.agents * SECONDS_A_MINUTE / self.seconds)


def measure_minutes(
    server: str,
    settings: Settings,
    *,
    agents: int,
    minutes: int,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> LiveMinutes:
    """Let stills come minute by minute, and analyse each minute as the schedule does.

    Raises:
        DatabaseUnavailable: no database can be made on the server.
    """
    hour = floor_hour(local_now(settings.zone))
    first = hour + timedelta(minutes=_BEGUN)
    model_id = engine_spec(settings).model_id
    impersonation, incidents, findings = [], [], 0
    with scratch_database(server) as database:
        site = _Site(database, agents, model_id, _shown(settings))
        site.write(hour - _BEFORE, first, lambda done, total: on_progress("stills of the hour before", done, total))
        detect_impersonation(database, settings, hour, first)
        for number in range(minutes):
            on_progress("minutes", number, minutes)
            begin, end = first + timedelta(minutes=number), first + timedelta(minutes=number + 1)
            site.write(begin, end)
            began = time.monotonic()
            findings += detect_impersonation(database, settings, hour, end).findings.total()
            judged = time.monotonic()
            detect_incidents(database, settings, [hour])
            impersonation.append(judged - began)
            incidents.append(time.monotonic() - judged)
    return LiveMinutes(agents, settings.workers, impersonation, incidents, findings)


def _shown(settings: Settings) -> list[list[KeptEvidence]]:
    """Evidence of several pictures of each of the demo's people that show one face."""
    people = list(Person)
    pictures = [
        Picture(number, own_frame(person, seed), Look(evidence=True))
        for number, person in enumerate(people)
        for seed in range(_PICTURES)
    ]
    shown: list[list[KeptEvidence]] = [[] for _ in people]
    examiner = InlineExaminer(engine_spec(settings))
    try:
        for number, examination in examiner.examine(pictures):
            kept = kept_evidence(examination)
            if kept is not None and kept.num_faces == 1:
                shown[number].append(kept)
    finally:
        examiner.close()
    return [pictures_of for pictures_of in shown if pictures_of]


class _Site:
    """Agents whose stills come, are claimed and get their results, as recognition leaves them."""

    def __init__(self, database: Database, agents: int, model_id: str, shown: list[list[KeptEvidence]]) -> None:
        self._database, self._model_id = database, model_id
        self._shown = {f"NA\\live{number}": shown[number % len(shown)] for number in range(agents)}
        self._claims = Claims(database, _LEASE_SECONDS, max_attempts=1)
        self._rng = np.random.default_rng(0)

    def write(
        self, begin: datetime, end: datetime, on_progress: Callable[[int, int], None] = lambda done, total: None
    ) -> None:
        """The stills of that time, each with its result."""
        moments = [begin + number * _STEP for number in range(int((end - begin) / _STEP))]
        images = [CapturedImage(lan_id, moment, b"x") for moment in moments for lan_id in self._shown]
        for done in range(0, len(images), _AT_A_TIME):
            on_progress(done, len(images))
            some = images[done : done + _AT_A_TIME]
            enter_stills(self._database, some)
            claim = self._claims.claim(Scope(), len(some))
            outcomes = [self._outcome(still) for still in claim.stills]
            write_outcomes(
                self._database, claim.token, outcomes, model_id=self._model_id, run_id=None, processed_time=end
            )

    def _outcome(self, still: ClaimedStill) -> StillOutcome:
        assert still.lan_id is not None
        assert still.capture_time is not None
        pictures, rng = self._shown[still.lan_id], self._rng
        kept = pictures[int(rng.integers(len(pictures)))]
        assert kept.face is not None
        change = blurred(rng.normal(size=kept.face.chip.shape), _SMOOTH)
        chip = kept.face.chip + _CHANGE * change / change.std()
        face = replace(kept.face, chip=np.clip(np.round(chip), 0, 255).astype(np.uint8))
        evidence = replace(kept, sha256=rng.bytes(32), pixel_hash=rng.bytes(16), face=face)
        return StillOutcome(
            still.id,
            Status.PROCESSED,
            StillResult.SUCCESS,
            still.capture_time,
            still.capture_time,
            accuracy=95.0,
            num_faces=1,
            lan_id=still.lan_id,
            evidence=evidence,
        )
