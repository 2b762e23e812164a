"""What a window shows in a person's stead: a print, or a screen where the operator's own scores can tell.

Both are asked of the same stills, and an alarm is one of them, not both: what it is called is told by the operator's
own scores alone, since those that ship raise an alarm over either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline
from biosense_pipeline.matching.evidence.moving import Told
from biosense_pipeline.matching.evidence.own_cues import OwnValues, own_cues, with_own
from biosense_pipeline.matching.evidence.presentation import Presentation, judge_window, recapture_cue
from biosense_pipeline.matching.evidence.rigidity import Rigidity


def judge_shown(
    scores: np.ndarray,
    rigid_face: Rigidity | None,
    baseline: Baseline,
    moving: Mapping[str, Told],
    own: Sequence[OwnValues],
) -> dict[Species, Presentation]:
    """What a window says of a print, and of a screen where that can be told; of an alarm only what it is.

    Args:
        scores, rigid_face, moving, own: see ``presentation.judge_window``.
    """
    as_print = judge_window(scores, rigid_face, baseline, moving, own)
    as_screen = judge_screen(scores, baseline, own)
    if as_screen is None:
        return {Species.PRINT: as_print}
    if not (as_print.alarm or as_screen.alarm):
        return {Species.PRINT: as_print, Species.SCREEN: as_screen}
    by_own = {Species.PRINT: _own_evidence(as_print), Species.SCREEN: _own_evidence(as_screen)}
    louder = max(as_print, as_screen, key=lambda found: (found.alarm, found.llr))
    called_by = {f"own_evidence_{species.lower()}": llr for species, llr in by_own.items()}
    return {max(by_own, key=by_own.__getitem__): replace(louder, called_by=called_by)}


def judge_screen(scores: np.ndarray, baseline: Baseline, own: Sequence[OwnValues]) -> Presentation | None:
    """What a window says of a screen; None where no score of the operator's own says anything of screens.

    How far screens lie in the scores that ship is known where the operator measured it. A film on a screen is not
    rigid, so rigidity says nothing; nor does what moves with the face, which was calibrated on prints.
    """
    cues = own_cues(own, baseline, Species.SCREEN)
    if not cues:
        return None
    distance = max(score.recapture_distances.get(Species.SCREEN, 0.0) for score, _ in own if score.name in cues)
    recapture = recapture_cue(scores, distance, baseline)
    (spreads, llr), correlation = with_own([recapture], own, cues)
    return Presentation(spreads, llr, recapture, None, None, own=cues, correlation=correlation)


def _own_evidence(found: Presentation) -> float:
    """Log-likelihood ratio by the operator's own scores alone, as if they were independent; 0 without any."""
    return sum(cue.separation * (cue.spreads - cue.separation / 2) for cue in found.own.values())
