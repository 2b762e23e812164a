"""A window judged by itself: what windows of a stretch, whose scores and pairs are shared, are held against."""

from collections.abc import Sequence

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.moving import Moving
from biosense_pipeline.matching.evidence.presentation import as_evidence, judge_window, measured, still_scores
from biosense_pipeline.matching.evidence.recapture import RecaptureModel
from biosense_pipeline.matching.evidence.rigidity import far_apart, pair_correlations, summed_up
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill


def print_evidence(window: Sequence[EvidenceStill], model: RecaptureModel, baseline: Baseline) -> Evidence | None:
    """What a window of an agent's stills says of a print; None where none of them can be judged."""
    numbers, seen = measured(window, model)
    if not seen:
        return None
    pairs = far_apart(numbers.seconds)
    rigid_face = summed_up(pair_correlations(numbers.chips, pairs)) if len(pairs) else None
    moving, own = Moving(numbers.around).told(pairs), numbers.own_of(model, slice(None))
    found = judge_window(still_scores(numbers, model, baseline), rigid_face, baseline, moving, own)
    return as_evidence(Species.PRINT, found, seen, baseline)
