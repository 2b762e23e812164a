"""The whole system under attack: which attack stills both the matcher and the attack detection let pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder
from biosense_pipeline.evaluation.attacks.judging import JudgedSequence
from biosense_pipeline.matching.distance import distances
from biosense_pipeline.store.enrolment.images import MOST_REFERENCES


@dataclass(frozen=True, eq=False)
class Accepted:
    """What became of n attack stills; one without a face is rejected.

    Attributes:
        by_matcher: bool (n,), within the tolerance of the attacked subject.
        by_all: bool (n,), and not stopped by attack detection.
        subjects: whom each attacks.
    """

    by_matcher: np.ndarray
    by_all: np.ndarray
    subjects: tuple[str, ...]

    def __add__(self, other: "Accepted") -> "Accepted":
        return Accepted(
            np.concatenate([self.by_matcher, other.by_matcher]),
            np.concatenate([self.by_all, other.by_all]),
            self.subjects + other.subjects,
        )


class MatcherReferences:
    """What the matcher compares each subject's stills with.

    Attributes:
        from_test: subjects without reference stills, for whom stills under test stand in.
    """

    def __init__(self, genuine: AcquiredFolder, reference: AcquiredFolder | None) -> None:
        sources = [genuine] if reference is None else [reference, genuine]
        self._encodings: dict[str, np.ndarray] = {}
        self.from_test: list[str] = []
        for source in sources:
            for subject in source.folder.subjects:
                found = [sequence.encodings for sequence in source.of(subject)]
                if not found or subject in self._encodings:
                    continue
                every = np.concatenate(found)
                # They stand for the subject's approved training images.
                chosen = np.unique(np.linspace(0, len(every) - 1, MOST_REFERENCES).round().astype(int))
                self._encodings[subject] = every[chosen]
                if source is genuine:
                    self.from_test.append(subject)

    def knows(self, subject: str) -> bool:
        """Whether there is anything to compare the subject's stills with."""
        return subject in self._encodings

    def nearest(self, subject: str, encodings: np.ndarray) -> np.ndarray | None:
        """The distance, (n,), of each encoding to the subject's nearest reference; None where there is none."""
        if not self.knows(subject):
            return None
        return np.asarray(np.min([distances(own, encodings) for own in self._encodings[subject]], axis=0))


def accepted_stills(
    folder: AcquiredFolder,
    judged: Sequence[JudgedSequence],
    stopped: Sequence[np.ndarray],
    references: MatcherReferences,
    tolerance: float,
) -> Accepted:
    """What became of an attack's stills, but for those of subjects without a reference.

    Args:
        stopped: for each judged sequence bool (n,), which stills attack detection stops.
        tolerance: the largest distance that the matcher accepts.
    """
    by_matcher: list[bool] = []
    by_all: list[bool] = []
    subjects: list[str] = []
    for own, alarms in zip(judged, stopped, strict=True):
        subject = own.sequence.subject
        nearest = references.nearest(subject, own.sequence.encodings)
        if nearest is not None:
            matched = nearest <= tolerance
            by_matcher += matched.tolist()
            by_all += (matched & ~alarms).tolist()
            subjects += [subject] * len(matched)
    for subject, count in folder.without_face.items():
        if references.knows(subject):
            by_matcher += [False] * count
            by_all += [False] * count
            subjects += [subject] * count
    return Accepted(np.array(by_matcher, dtype=bool), np.array(by_all, dtype=bool), tuple(subjects))
