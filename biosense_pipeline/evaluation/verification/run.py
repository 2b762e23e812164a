"""A verification protocol run from end to end: from a folder and a file of pairs to every figure."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from biosense_pipeline.errors import BiosenseError
from biosense_pipeline.evaluation.machine import machine
from biosense_pipeline.evaluation.verification.acquisition import Acquired, acquire, images_missing, missing_images
from biosense_pipeline.evaluation.verification.folds import deal_folds
from biosense_pipeline.evaluation.verification.lfw import Pair, PersonImage, Protocol, read_protocol
from biosense_pipeline.evaluation.verification.pair_distances import Normalisation, centred_distances, plain_distances
from biosense_pipeline.evaluation.verification.protocol import Verification, verify
from biosense_pipeline.evaluation.verification.trials import TARGETS
from biosense_pipeline.settings import Settings
from biosense_pipeline.workflows.workbench import make_examiner, with_own_tolerance

#: The tolerance that face_recognition and dlib's example recommend, told beside the site's own.
CUSTOMARY = 0.6
#: False matches below which a point of the curve hangs on single pairs.
_FEW_MATCHES = 10
#: People below whom resampling them says little.
_FEW_PEOPLE = 30


class NothingToCompare(BiosenseError):
    """Not a single pair of one of the kinds could be compared."""


@dataclass(frozen=True)
class VerificationRun:
    """What was run and what came out.

    Attributes:
        protocol: as evaluated, without the pairs whose images were missing.
        missing: images that the file of pairs names and the folder lacks; ``left_out`` pairs went with them.
        fingerprint: SHA-256 of the file of pairs.
        remarks: sentences that whoever reads the figures has to know.
    """

    pairs_file: Path
    fingerprint: str
    protocol: Protocol
    missing: list[PersonImage]
    left_out: int
    acquired: Acquired
    verification: Verification
    normalisation: Normalisation
    resamples: int
    model_id: str
    settings: Settings
    finished: datetime
    remarks: list[str]


def run_verification(
    settings: Settings,
    folder: Path,
    pairs_file: Path,
    normalisation: Normalisation = Normalisation.PLAIN,
    *,
    skip_missing: bool = False,
    resamples: int = 1000,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> VerificationRun:
    """Encode every image of the protocol once, with the settings' engine, and compare.

    Args:
        folder: holds ``<name>/<name>_%04d.jpg``.
        skip_missing: leave out pairs whose images the folder lacks.
        on_progress: called with the number of images done and of all.

    Raises:
        BadPairs: the file of pairs does not follow the form.
        ImagesMissing: the folder lacks images, and they are not to be skipped; or it lacks them all.
        NothingToCompare, TooFewPairs, CohortTooSmall: too little is left.
    """
    published = read_protocol(pairs_file)
    missing = missing_images(folder, published.images)
    if missing and (not skip_missing or len(missing) == len(published.images)):
        raise images_missing(folder, missing, of=len(published.images))
    protocol = published.without(set(missing))
    settings = with_own_tolerance(settings)
    examiner = make_examiner(settings)
    try:
        images = protocol.images
        acquired = acquire(examiner, folder, images, lambda done: on_progress(done, len(images)))
    finally:
        examiner.close()
    _require_both_kinds(protocol.pairs, acquired)
    folds = protocol.folds or deal_folds(protocol.pairs)
    if normalisation is Normalisation.PLAIN:
        distances = plain_distances(protocol.pairs, acquired.encodings)
        thresholds = {"tolerance": settings.tolerance, "customary": CUSTOMARY}
    else:
        distances = centred_distances(protocol.pairs, np.asarray(folds), acquired.encodings)
        # Tolerances belong to plain distances.
        thresholds = {}
    verification = verify(protocol.pairs, folds, distances, thresholds, resamples)
    left_out = len(published.pairs) - len(protocol.pairs)
    return VerificationRun(
        pairs_file,
        hashlib.sha256(pairs_file.read_bytes()).hexdigest(),
        protocol,
        missing,
        left_out,
        acquired,
        verification,
        normalisation,
        resamples,
        examiner.model_id,
        settings,
        datetime.now().astimezone(),
        _remarks(protocol, verification, missing, left_out),
    )


def numbers(run: VerificationRun) -> dict[str, Any]:
    """The run as the command's JSON object; shares are 0-1, costs are bits."""
    trials, acquired, verification = run.verification.trials, run.acquired, run.verification
    milliseconds = acquired.encode_milliseconds
    return {
        "pairs": len(trials.pairs),
        "genuine_pairs": int(trials.genuine.sum()),
        "pairs_not_compared": int((~trials.compared).sum()),
        "pairs_left_out": run.left_out,
        "people": len({image.person for image in run.protocol.images}),
        "images": len(run.protocol.images),
        "images_missing": len(run.missing),
        "images_with_several_faces": acquired.several_faces,
        "failures_to_acquire": len(acquired.failures),
        **{name: _rounded(value) for name, value in verification.figures.items()},
        "confidence_intervals": {
            name: None if interval is None else [_rounded(end) for end in interval]
            for name, interval in verification.intervals.items()
        },
        "resamples": run.resamples,
        **{
            f"threshold_{name.removeprefix('fnmr_')}": _rounded(value)
            for name, value in verification.thresholds_at_fmr.items()
        },
        "thresholds": [_rounded_entries(asdict(entry)) for entry in verification.thresholds],
        "folds": [_rounded_entries(asdict(fold)) for fold in verification.folds],
        "images_per_second": round(acquired.images_per_second, 2),
        "encode_milliseconds_p50": round(float(np.percentile(milliseconds, 50)), 2) if milliseconds else None,
        "encode_milliseconds_p95": round(float(np.percentile(milliseconds, 95)), 2) if milliseconds else None,
        "normalisation": str(run.normalisation),
        "model_id": run.model_id,
        "engine": str(run.settings.engine),
        "detection": str(run.settings.detection),
        "workers": run.settings.workers,
        "machine": machine(),
        "finished": run.finished.isoformat(timespec="seconds"),
        "pairs_file": run.pairs_file.name,
        "pairs_sha256": run.fingerprint,
        "remarks": run.remarks,
    }


def _require_both_kinds(pairs: tuple[Pair, ...], acquired: Acquired) -> None:
    kinds = {pair.genuine for pair in pairs if pair.first in acquired.encodings and pair.second in acquired.encodings}
    if len(kinds) < 2:
        without = "genuine" if True not in kinds else "impostor"
        reason = next(iter(acquired.failures.values()), "no such pair in the file")
        raise NothingToCompare(
            f"Not one {without} pair could be compared: {len(acquired.failures)} of "
            f"{len(acquired.failures) + len(acquired.encodings)} images gave no face ({reason}); check --images."
        )


def _remarks(protocol: Protocol, verification: Verification, missing: list[PersonImage], left_out: int) -> list[str]:
    remarks = []
    if left_out:
        remarks.append(
            f"{left_out} pairs were left out because {len(missing)} images are missing: these are not figures of the "
            "published protocol."
        )
    if protocol.folds is None:
        remarks.append(f"The file of pairs has no folds: pairs were dealt into {len(verification.folds)} by person.")
    mixed = sum(not fold.people_apart for fold in verification.folds)
    if mixed:
        remarks.append(
            f"In {mixed} of {len(verification.folds)} folds too few pairs are of other people: the threshold was "
            "learned from the same people, and accuracy and Cllr are somewhat too good."
        )
    same = sum(pair.first == pair.second for pair in protocol.pairs)
    if same:
        remarks.append(f"{same} pairs compare an image with itself, which always matches.")
    trials = verification.trials
    impostors = int(np.sum(trials.compared & ~trials.genuine))
    for target in TARGETS.values():
        allowed = int(target * impostors)
        if allowed < _FEW_MATCHES:
            remarks.append(
                f"FNMR at FMR {100 * target:g} % hangs on {allowed} false matches among {impostors} impostor pairs."
            )
    people = len({image.person for image in protocol.images})
    if people < _FEW_PEOPLE:
        remarks.append(f"With {people} people the intervals are rough.")
    return remarks


def _rounded(value: float) -> float | None:
    return round(value, 6) if np.isfinite(value) else None


def _rounded_entries(entries: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(value)
        if isinstance(value, float)
        else [_rounded(end) for end in value]
        if isinstance(value, tuple)
        else value
        for name, value in entries.items()
    }
