"""The stills that were collected, examined: genuine ones of two sittings and attacks, in the order of their folders."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder, StillSequence, acquire_folders
from biosense_pipeline.evaluation.attacks.folders import read_folder
from biosense_pipeline.evaluation.collection.plan import GENUINE, REFERENCE, species_found
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.vision.examine import Examiner


@dataclass(frozen=True, eq=False)
class Collected:
    """Examined stills; the arrays over all n of them with a face follow the order of :attr:`sequences`.

    Attributes:
        reference, genuine: of the first sitting and of the later one.
        attacks: a folder each of a name that tells its species.
    """

    reference: AcquiredFolder
    genuine: AcquiredFolder
    attacks: tuple[AcquiredFolder, ...]

    @cached_property
    def sequences(self) -> list[tuple[str, StillSequence]]:
        """Each with the name of its folder."""
        folders = (self.reference, self.genuine, *self.attacks)
        return [(folder.name, sequence) for folder in folders for sequence in folder.sequences]

    @cached_property
    def kinds(self) -> np.ndarray:
        """Of each still the name of its folder."""
        return self._each([kind for kind, _ in self.sequences])

    @cached_property
    def people(self) -> np.ndarray:
        """Of each still whom it shows."""
        return self._each([sequence.subject for _, sequence in self.sequences])

    @cached_property
    def held_out(self) -> np.ndarray:
        """Which stills are of a sitting that is not the one of their person's reference: bool (n,)."""
        return self._each([not self.is_first(sequence) for _, sequence in self.sequences])

    def is_first(self, sequence: StillSequence) -> bool:
        """Whether a sequence is of the sitting of its person's reference."""
        return any(sequence.name == own.name for own in self.reference.of(sequence.subject))

    @cached_property
    def features(self) -> np.ndarray:
        """float32 (n, N)."""
        return np.concatenate([sequence.features for _, sequence in self.sequences])

    @cached_property
    def brightness(self) -> np.ndarray:
        return np.concatenate([sequence.numbers.brightness for _, sequence in self.sequences])

    @cached_property
    def model_scores(self) -> np.ndarray:
        """Of the operator's own model, NaN where there is none."""
        return np.concatenate([sequence.attack_scores for _, sequence in self.sequences])

    def names(self, species: Species) -> list[str]:
        """The folders of attacks that are of a species."""
        return [folder.name for folder in self.attacks if species_found(folder.name) is species]

    def of(self, person: str, *kinds: str) -> np.ndarray:
        """Which stills show a person in one of these kinds: bool (n,)."""
        which: np.ndarray = (self.people == person) & np.isin(self.kinds, kinds)
        return which

    def scored(self, own: dict[str, np.ndarray]) -> "Collected":
        """The same stills with scores of the operator's own, by name, each (n,)."""
        ends = np.cumsum([len(sequence.places) for _, sequence in self.sequences])[:-1]
        parts = {name: np.split(values, ends) for name, values in own.items()}
        numbers = iter(range(len(self.sequences)))

        def with_own(folder: AcquiredFolder) -> AcquiredFolder:
            return replace(
                folder, sequences=[_with_own(sequence, parts, next(numbers)) for sequence in folder.sequences]
            )

        return Collected(with_own(self.reference), with_own(self.genuine), tuple(map(with_own, self.attacks)))

    def _each(self, values: Sequence[object]) -> np.ndarray:
        return np.repeat(np.array(values), [len(sequence.places) for _, sequence in self.sequences])


def examine_collected(
    folder: Path,
    examiner: Examiner,
    model: RecaptureModel,
    seconds_between: float,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Collected:
    """Examine the stills of a session.

    Raises:
        WrongUse: the folder holds no genuine stills, none of an earlier sitting, or no attacks.
    """
    reference, genuine = (read_folder(folder / name) for name in (REFERENCE, GENUINE))
    attacks = [read_folder(path) for path in _species_folders(folder)]
    if not attacks:
        raise WrongUse(f"{folder} holds no attacks: collect some with `biosense attacks collect {folder}`.")
    folders = [reference, genuine, *attacks]
    total = sum(len(own.stills) for own in folders)
    acquired = acquire_folders(examiner, folders, model, seconds_between, lambda done: on_progress(done, total))
    return Collected(acquired[0], acquired[1], tuple(acquired[2:]))


def _species_folders(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and species_found(path.name) and any(own.is_dir() for own in path.iterdir()):
            yield path


def _with_own(sequence: StillSequence, parts: dict[str, list[np.ndarray]], number: int) -> StillSequence:
    own = {name: values[number] for name, values in parts.items()}
    return replace(sequence, numbers=replace(sequence.numbers, own=own))
