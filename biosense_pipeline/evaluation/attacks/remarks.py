"""What whoever reads an evaluation's figures has to know, in sentences."""

from collections.abc import Sequence

from biosense_pipeline.evaluation.attacks.acquisition import AcquiredFolder
from biosense_pipeline.evaluation.attacks.figures import TARGETS, AttackFigures
from biosense_pipeline.evaluation.attacks.judging import WindowPlan
from biosense_pipeline.evaluation.attacks.system import MatcherReferences

#: Bona fide presentations taken for attacks below which a figure hangs on single ones.
_FEW = 5
#: Subjects below whom resampling them says little.
_FEW_SUBJECTS = 10
#: Share of a folder's stills from which on those without a face are told of.
_MANY_WITHOUT_FACE = 0.03
#: Names that a sentence holds.
_NAMED = 5


def remarks(
    genuine: AcquiredFolder,
    reference: AcquiredFolder | None,
    attacks: Sequence[AcquiredFolder],
    plan: WindowPlan,
    personal: Sequence[str],
    site_judged: Sequence[str],
    references: MatcherReferences,
    figures: tuple[AttackFigures | None, AttackFigures | None],
) -> list[str]:
    """All that apply.

    Args:
        personal: subjects with a baseline of their own; site_judged: those without.
        figures: of all attacks together, single stills and windows.
    """
    found = []
    if reference is None:
        found.append(
            "Without --genuine-reference no subject has a baseline of the own: each was judged by a pooled one, of the "
            "genuine stills of the others, which detects far less."
        )
    elif site_judged:
        found.append(
            f"{_count(site_judged, 'subject')} judged by the pooled baseline for want of reference stills: "
            f"{_named(site_judged)}."
        )
    if genuine.cropped:
        found.append(
            f"The genuine stills in {genuine.folder.path} are crops of faces: most of their surroundings, by which the "
            "pipeline tells prints, cannot be seen. These figures are not those of whole pictures."
        )
    folders = [genuine, *attacks, *([reference] if reference else [])]
    for folder in folders:
        if folder.folder.empty_subjects:
            found.append(f"{folder.folder.path} has folders without stills: {_named(folder.folder.empty_subjects)}.")
        if folder.folder.left_out:
            found.append(
                f"{len(folder.folder.left_out)} files in {folder.folder.path} are no pictures (JPEG or PNG) by their "
                f"names, such as {folder.folder.left_out[0].relative_to(folder.folder.path)}: they are left out."
            )
        if folder.unreadable:
            path, reason = next(iter(folder.unreadable.items()))
            found.append(
                f"{len(folder.unreadable)} of {folder.files} files in {folder.folder.path} cannot be examined, such as "
                f"{path.relative_to(folder.folder.path)} ({reason}); they do not count."
            )
        if folder.second_look:
            found.append(
                f"In {folder.second_look} of {folder.files} stills in {folder.folder.path}, which are crops of faces, "
                "one was found by a second look, which the pipeline does not take."
            )
        missed = sum(folder.without_face.values())
        if missed > _MANY_WITHOUT_FACE * folder.files:
            found.append(
                f"No face was found in {missed} of {folder.files} stills in {folder.folder.path}: they count in no "
                "APCER and BPCER"
                + (", and in IAPAR as rejected." if any(folder is attack for attack in attacks) else ".")
            )
    attacked = {subject for folder in attacks for subject in folder.folder.subjects}
    unmatched = sorted(subject for subject in attacked if not references.knows(subject))
    if unmatched:
        found.append(
            f"Attacked subjects whom the matcher has no reference of, and whose stills do not count in IAPAR: "
            f"{_named(unmatched)}."
        )
    stray = sorted(attacked - set(_subjects(genuine)))
    if stray:
        found.append(f"Attacked subjects without genuine stills under test: {_named(stray)}.")
    if references.from_test:
        found.append(
            f"For want of reference stills the matcher compares {_named(references.from_test)} with genuine stills "
            "under test."
        )
    found += _of_windows(genuine, attacks, plan)
    for figure, what in zip(figures, ("genuine stills", "genuine windows"), strict=True):
        if figure is not None:
            found += _of_rates(figure, what)
    subjects = len({*personal, *site_judged})
    if subjects < _FEW_SUBJECTS:
        found.append(f"With {subjects} subjects the intervals are rough.")
    return found


def _of_windows(genuine: AcquiredFolder, attacks: Sequence[AcquiredFolder], plan: WindowPlan) -> list[str]:
    lengths = [int(sequence.places[-1]) + 1 for folder in (genuine, *attacks) for sequence in folder.sequences]
    short = sum(plan.fewest <= length < plan.stills for length in lengths)
    shorter = sum(length < plan.fewest for length in lengths)
    found = []
    if short:
        found.append(
            f"{short} of {len(lengths)} sequences have fewer than {plan.stills} stills and make one window of what "
            "they have."
        )
    if shorter:
        found.append(f"{shorter} of {len(lengths)} sequences have fewer than {plan.fewest} and make no window.")
    return found


def _of_rates(figures: AttackFigures, what: str) -> list[str]:
    return [
        f"APCER at BPCER {100 * target:g} % hangs on {int(target * figures.bona_fide)} of {figures.bona_fide} {what}."
        for target in TARGETS.values()
        if int(target * figures.bona_fide) < _FEW
    ]


def _subjects(folder: AcquiredFolder) -> list[str]:
    return sorted({sequence.subject for sequence in folder.sequences})


def _count(names: Sequence[str], what: str) -> str:
    return f"1 {what} was" if len(names) == 1 else f"{len(names)} {what}s were"


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
