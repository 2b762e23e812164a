"""From the stills of an evaluation to their numbers, through the pipeline's own examiner."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from biosense_pipeline.evaluation.attacks.folders import StillFile, StillFolder
from biosense_pipeline.evaluation.pictures import bytes_of
from biosense_pipeline.matching.evidence.presentation import Measured
from biosense_pipeline.matching.evidence.recapture import (
    CONTEXT_GROUPS,
    UNSEEN,
    RecaptureModel,
    RecaptureModelUnusable,
)
from biosense_pipeline.matching.evidence.surroundings import around
from biosense_pipeline.vision.examine import Examination, Examiner
from biosense_pipeline.vision.faces import Look, Picture
from biosense_pipeline.vision.presentation.features import FEATURES_ID

#: As recognition looks at a camera's first still.
_LOOK = Look(evidence=True)
#: The share of unseen features above which a still is a crop of its face: there most are unseen, elsewhere hardly any.
_MOSTLY = 0.5


@dataclass(frozen=True, eq=False)
class StillSequence:
    """The stills of one sequence in which a face was found, in order.

    Attributes:
        places: int (n,), among all files of the sequence. numbers: of the largest face of each.
        encodings: (n, d) of the same face.
        unseen: (n,), of each the share of the features of the face's surroundings that could not be seen.
        features: (n, N), as they are stored. attack_scores: (n,), of the operator's own model; NaN where there is none.
    """

    subject: str
    name: str
    places: np.ndarray
    numbers: Measured
    encodings: np.ndarray
    unseen: np.ndarray
    features: np.ndarray = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    attack_scores: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class AcquiredFolder:
    """What came of the stills of a folder.

    Attributes:
        files: how many there are. without_face: readable ones in which no face was found, by subject.
        unreadable: why the others could not be examined, by path.
        second_look: stills in which a face was found by a second look alone (see :func:`acquire_folders`).
    """

    folder: StillFolder
    sequences: list[StillSequence]
    without_face: dict[str, int]
    unreadable: dict[Path, str]
    second_look: int = 0

    @property
    def files(self) -> int:
        return len(self.folder.stills)

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.folder.name

    @property
    def cropped(self) -> bool:
        """Whether most of what the groups of the surroundings look at is not there to be seen, as in crops of faces."""
        shares = [sequence.unseen for sequence in self.sequences]
        return bool(shares) and float(np.median(np.concatenate(shares))) > _MOSTLY

    @property
    def judged(self) -> int:
        """Stills with a face."""
        return sum(len(sequence.places) for sequence in self.sequences)

    def of(self, subject: str) -> list[StillSequence]:
        """The sequences of a subject."""
        return [sequence for sequence in self.sequences if sequence.subject == subject]


def acquire_folders(
    examiner: Examiner,
    folders: Sequence[StillFolder],
    model: RecaptureModel,
    seconds_between: float,
    on_progress: Callable[[int], None] = lambda done: None,
) -> list[AcquiredFolder]:
    """Examine every still once, and those of a folder of crops in which no face is found once more.

    Args:
        seconds_between: the stills of a sequence, since names tell no times.
        on_progress: called with the number of stills done.

    Raises:
        RecaptureModelUnusable: the model is made for other features than those of the stills.
    """
    if model.features_id != FEATURES_ID:
        raise RecaptureModelUnusable(
            f"The recapture model is made for the features {model.features_id}, and stills have {FEATURES_ID}: train "
            "it anew with biosense evaluate recapture."
        )
    stills = [still for folder in folders for still in folder.stills]
    examinations = _examined(examiner, stills, _LOOK, on_progress)
    acquired = [_acquired(folder, examinations, model, seconds_between) for folder in folders]
    missed = [
        still
        for folder in acquired
        if folder.cropped
        for still in folder.folder.stills
        if examinations[still].fault is None and not examinations[still].faces
    ]
    if not missed:
        return acquired
    again = _examined(examiner, missed, replace(_LOOK, cropped=True))
    return [
        replace(
            _acquired(folder, examinations | again, model, seconds_between),
            second_look=sum(bool(again[still].faces) for still in folder.stills if still in again),
        )
        for folder in folders
    ]


def _examined(
    examiner: Examiner, stills: Sequence[StillFile], look: Look, on_progress: Callable[[int], None] = lambda done: None
) -> dict[StillFile, Examination]:
    pictures = (Picture(key, bytes_of(still.path), look) for key, still in enumerate(stills))
    found: dict[StillFile, Examination] = {}
    with closing(examiner.examine(pictures)) as results:
        for done, (key, examination) in enumerate(results, start=1):
            found[stills[key]] = examination
            on_progress(done)
    return found


def _acquired(
    folder: StillFolder, examinations: Mapping[StillFile, Examination], model: RecaptureModel, seconds_between: float
) -> AcquiredFolder:
    unreadable: dict[Path, str] = {}
    without_face: dict[str, int] = defaultdict(int)
    seen: dict[tuple[str, str], list[tuple[int, Examination]]] = defaultdict(list)
    # In the folder's order, not in that of the workers.
    for still in folder.stills:
        examination = examinations[still]
        problem = examination.detail if examination.fault else examination.evidence_failure
        if problem is not None:
            unreadable[still.path] = problem
        elif examination.evidence is None or examination.evidence.face is None:
            without_face[still.subject] += 1
        else:
            seen[still.subject, still.sequence].append((still.place, examination))
    sequences = [_sequence(subject, name, own, model, seconds_between) for (subject, name), own in seen.items()]
    return AcquiredFolder(folder, sequences, dict(without_face), unreadable)


def _sequence(
    subject: str, name: str, seen: Sequence[tuple[int, Examination]], model: RecaptureModel, seconds_between: float
) -> StillSequence:
    faces = [examination.evidence.face for _, examination in seen if examination.evidence and examination.evidence.face]
    places = np.array([place for place, _ in seen])
    features = np.stack([face.features for face in faces])
    brightness = np.array([face.brightness for face in faces])
    scores = np.array([face.attack_score for face in faces], dtype=np.float64)
    context = [part for name, part in model.slices.items() if name in CONTEXT_GROUPS] or list(model.slices.values())
    unseen = np.concatenate([features[:, part] == UNSEEN for part in context], axis=1).mean(axis=1)
    numbers = Measured(
        model.scores(features),
        brightness,
        np.stack([face.chip for face in faces]),
        places * seconds_between,
        tuple(around(face.thumbnail, face.landmarks, face.picture_width) for face in faces),
        {score.name: score.values(features, brightness, scores) for score in model.own},
    )
    # The largest face comes first, and it is the one that the evidence is of.
    encodings = np.stack([found.faces[0].encoding for _, found in seen])
    return StillSequence(subject, name, places, numbers, encodings, unseen, features, scores)
