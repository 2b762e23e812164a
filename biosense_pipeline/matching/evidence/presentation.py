"""Is it a person or a print: the cues of a window fused against the agent's own baseline.

The cues are recapture scores and rigidity, and what moves with the face: ring motion and frame.

Each cue is told in *spreads*: how many standard deviations it lies above what is normal for the agent, high
speaking for a print. A cue's *separation* d says how many spreads prints lie above genuine windows. Fused (see
``fusion``) they again are in spreads, which is what an alarm compares with k. A cue that would not tell this agent's
genuine stills from a print, as the rigidity of one who hardly moves or whose stills follow one another within a
second, has d near 0 and so neither helps nor hurts.

An operator may add scores of his own, measured on attacks that he made. By these alone a screen can be told from a
print, so without one of screens nothing is said of screens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.baseline import Baseline, Site, Sitting, own_values, site_of
from biosense_pipeline.matching.evidence.fusion import Cue, fused, trimmed_mean
from biosense_pipeline.matching.evidence.levels import Usual, usual
from biosense_pipeline.matching.evidence.moving import CALIBRATIONS, Moving, Told, moving_cues, moving_evidence
from biosense_pipeline.matching.evidence.own_cues import OwnValues, own_cues, with_own
from biosense_pipeline.matching.evidence.recapture import CONTEXT_GROUPS, RecaptureModel, in_light
from biosense_pipeline.matching.evidence.rigidity import Rigidity, far_apart, pair_correlations, rigid
from biosense_pipeline.matching.evidence.still import Evidence, EvidenceStill
from biosense_pipeline.matching.evidence.surroundings import Surroundings, surroundings

#: An alarm lies this many spreads above the agent's level: of normally distributed windows of one who is as assumed
#: 0.6 % do.
ALARM_SPREADS = 2.5
#: Stills that are judged together.
WINDOW = 12
#: Pairs of a sitting that its rigidity is learned from.
_MOST_PAIRS = 600
#: By how many spreads of genuine stills in general prints lie higher in the score of a group. Assumed, at less than
#: half of what synthesised ones do, since the faintest of them are what matters.
_SEPARATION_A_GROUP = 0.8
#: The rigidity of prints moved by hand: a correlation of 0.986. Assumed, after sets made for development; no command
#: prints it, as none here has real prints.
_PRINT_RIGIDITY = 4.3
#: Assumed of the groups' scores over genuine stills in general: the correlation of two groups, and how much of their
#: variance, which is 1 for each group, lies within a sitting, between the sittings of an agent, and between agents;
#: cameras have the rest.
_BETWEEN_GROUPS = 0.5
_SHARES = {"within": 0.1, "sittings": 0.2, "agents": 0.4}
#: Assumed of the rigidity of pairs of genuine stills: a correlation of 0.942.
_USUAL_RIGIDITY = Usual(centre=2.85, within=0.5, sittings=0.5, agents=0.3)
#: A cue counts no further than this: nothing beyond was seen in development. Below 0 rigidity counts less far,
#: since a sheet that is bent is no proof of life.
_FARTHEST, _FARTHEST_BELOW = 8.0, {"recapture": -8.0, "rigidity": -1.5}
#: Separations in spreads beyond which a cue is not trusted, whatever the baseline says. Chosen, not measured.
_MOST_SEPARATION = {"recapture": 5.0, "rigidity": 2.5}
_NOTHING: Mapping[str, Told] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Measured:
    """Stills with a face as numbers, in the order of capture.

    Attributes:
        groups: float64 (n, g) scores by group.
        brightness: (n,). chips: (n, 32, 32). seconds: (n,), from any origin.
        around: of each still, None where it was not kept; empty where it was of none.
        own: the operator's own scores by name, (n,) each; NaN where there is none.
    """

    groups: np.ndarray
    brightness: np.ndarray
    chips: np.ndarray
    seconds: np.ndarray
    around: tuple[Surroundings | None, ...] = ()
    own: Mapping[str, np.ndarray] = field(default_factory=dict)

    def own_of(self, model: RecaptureModel, places: np.ndarray | slice) -> list[OwnValues]:
        """The operator's own scores of some of the stills."""
        return [(score, self.own[score.name][places]) for score in model.own]


@dataclass(frozen=True)
class Presentation:
    """What a window, or a single still, says.

    Attributes:
        spreads: of all cues together above the agent's level; an alarm compares it with ``ALARM_SPREADS``.
        llr: natural logarithm, within ``LLR_BOUNDS``; positive speaks for a print.
        recapture: its cue; rigidity: None where no stills lay far enough apart.
        rigid: the rigidity itself.
        moving: the cues of what moves with the face, by name, those that there are.
        own: the cues of the operator's own scores, by name. correlation: of these and ``recapture``, any two.
        called_by: where print or screen had to be chosen, what these say of either.
    """

    spreads: float
    llr: float
    recapture: Cue
    rigidity: Cue | None
    rigid: Rigidity | None
    moving: Mapping[str, Cue] = field(default_factory=dict)
    own: Mapping[str, Cue] = field(default_factory=dict)
    correlation: float = 0.0
    called_by: Mapping[str, float] = field(default_factory=dict)

    @property
    def alarm(self) -> bool:
        """Whether it is a finding."""
        return alarms(self.spreads, self.llr)

    @property
    def numbers(self) -> dict[str, float]:
        """All that it follows from, by name."""
        told = {
            "spreads": self.spreads,
            "recapture_spreads": self.recapture.spreads,
            "recapture_separation": self.recapture.separation,
        }
        if self.rigidity is not None and self.rigid is not None:
            told |= {
                "rigidity_spreads": self.rigidity.spreads,
                "rigidity_separation": self.rigidity.separation,
                "correlation": self.rigid.correlation,
                "pairs": float(self.rigid.pairs),
            }
        for name, cue in {**self.moving, **self.own}.items():
            told |= {f"{name}_spreads": cue.spreads, f"{name}_separation": cue.separation}
        if self.own:
            told["scores_correlation"] = self.correlation
        told |= self.called_by
        return {name: round(value, 4) for name, value in told.items()}


def alarms(spreads: float, llr: float) -> bool:
    """Whether a fused score so far above the agent's own level, and its likelihood ratio, make a finding."""
    return llr > 0 and spreads >= ALARM_SPREADS


def measured(window: Sequence[EvidenceStill], model: RecaptureModel) -> tuple[Measured, list[EvidenceStill]]:
    """The numbers of the stills that show a face and whose features are of the model's layout, and these stills."""
    seen = [
        still
        for still in window
        if still.chip is not None and still.features is not None and still.features_id == model.features_id
    ]
    if not seen:
        empty = np.empty(0)
        own = {score.name: empty for score in model.own}
        return Measured(np.empty((0, len(model.names))), empty, np.empty((0, 32, 32)), empty, own=own), []
    began = seen[0].captured
    features = np.stack([still.features for still in seen if still.features is not None])
    brightness = np.array([still.brightness for still in seen])
    stored = {
        score.score_id: np.array(
            [still.attack_score if still.attack_model_id == score.score_id else None for still in seen], dtype=float
        )
        for score in model.own
    }
    numbers = Measured(
        model.scores(features),
        brightness,
        np.stack([still.chip for still in seen if still.chip is not None]),
        np.array([(still.captured - began).total_seconds() for still in seen]),
        tuple(surroundings(still) for still in seen),
        {score.name: score.values(features, brightness, stored[score.score_id]) for score in model.own},
    )
    return numbers, seen


def sitting(genuine: Measured, window: int = WINDOW) -> Sitting:
    """Genuine stills of one sitting as a baseline takes them.

    Args:
        window: how many stills will be judged together: the pairs are those that such windows have, since a face
            changes more the longer one waits.
    """
    pairs = window_pairs(genuine.seconds, window)
    own = {name: values[np.isfinite(values)] for name, values in genuine.own.items()}
    return Sitting(
        genuine.groups,
        rigid(pair_correlations(genuine.chips, pairs)),
        genuine.brightness,
        Moving(genuine.around).values(pairs),
        own,
    )


def window_pairs(seconds: np.ndarray, window: int) -> np.ndarray:
    """The pairs of stills, far enough apart, of all windows of so many stills: int (m, 2), each once.

    Of more pairs than a baseline needs every so many-th.
    """
    begins = range(max(1, len(seconds) - window + 1))
    pairs = [begin + far_apart(seconds[begin : begin + window]) for begin in begins]
    every = np.unique(np.concatenate(pairs), axis=0)
    return np.asarray(every[:: -(-len(every) // _MOST_PAIRS) or 1])


def still_scores(stills: Measured, model: RecaptureModel, baseline: Baseline) -> np.ndarray:
    """The sum of the baseline's groups for each still, float64 (n,), as they count in its light."""
    chosen = [model.names.index(name) for name in baseline.groups]
    groups = in_light(stills.groups[:, chosen], baseline.groups, baseline.group_centres, stills.brightness)
    return np.asarray(groups.sum(axis=1))


def site(agents: Sequence[Sequence[Sitting]], model: RecaptureModel) -> Site:
    """What is usual among the agents of a site, each given by sittings of genuine stills."""
    context = tuple(name for name in model.names if name in CONTEXT_GROUPS) or model.names
    before = {
        "score": usual_score(len(model.names)),
        "context_score": usual_score(len(context)),
        "rigidity": _USUAL_RIGIDITY,
    }
    moving = {name: calibration.usual for name, calibration in CALIBRATIONS.items()}
    found = site_of(agents, model.names, context, before, moving)
    values = [own_values(own, [score.name for score in model.own]) for own in agents]
    return replace(
        found,
        own={score.name: usual([own[score.name] for own in values], score.measured.usual) for score in model.own},
    )


def judge_window(
    scores: np.ndarray,
    rigid_face: Rigidity | None,
    baseline: Baseline,
    moving: Mapping[str, Told] = _NOTHING,
    own: Sequence[OwnValues] = (),
) -> Presentation:
    """What a window says of a print.

    A print is taken to be either of the kind that is told without the operator's own scores or of the kind that he
    made, one as likely as the other; and his scores only add: a print unlike his is found as it is without them.

    Args:
        scores: (n,), 1 or more, as :func:`still_scores` gives them.
        rigid_face: None where no stills lay far enough apart.
        moving: what :class:`moving.Moving` tells of the window.
        own: the operator's own scores of the same stills.
    """
    recapture = recapture_cue(scores, _SEPARATION_A_GROUP * len(baseline.groups), baseline)
    rigidity = None if rigid_face is None else _rigidity_cue(rigid_face, baseline)
    shipped = [recapture] if rigidity is None else [recapture, rigidity]
    moved = moving_cues(moving, baseline)
    more = moving_evidence(moved)
    spreads, llr = fused(shipped, more=more)
    cues = own_cues(own, baseline, Species.PRINT)
    if not cues:
        return Presentation(spreads, llr, recapture, rigidity, rigid_face, moved)
    added, correlation = with_own(shipped, own, cues, more)
    either = float(np.logaddexp(llr, added[1]) - np.log(2))
    return Presentation(
        max(spreads, added[0]), max(llr, either), recapture, rigidity, rigid_face, moved, cues, correlation
    )


def as_evidence(species: Species, found: Presentation, seen: Sequence[EvidenceStill], baseline: Baseline) -> Evidence:
    """What was found in these stills, with the numbers that it follows from."""
    return Evidence(
        species,
        found.llr,
        {**found.numbers, "stills": float(len(seen)), "personal": float(baseline.personal)},
        tuple(still.still_id for still in seen),
    )


def usual_score(groups: int) -> Usual:
    """Of the sum of so many groups' scores over genuine stills, each of mean 0 and variance 1."""
    return usual_of(0.0, groups * (1.0 + _BETWEEN_GROUPS * (groups - 1)))


def usual_of(centre: float, variance: float) -> Usual:
    """Of a score with that mean and variance over the genuine stills of many agents."""
    return Usual(centre, **{name: float(np.sqrt(share * variance)) for name, share in _SHARES.items()})


def recapture_cue(scores: np.ndarray, distance: float, baseline: Baseline) -> Cue:
    """Args: distance: by how much attacks lie above genuine stills."""
    deviation = baseline.score.deviation(len(scores))
    spreads = baseline.score.spreads(trimmed_mean(scores), len(scores))
    return _cue("recapture", spreads, distance / deviation)


def _rigidity_cue(rigid_face: Rigidity, baseline: Baseline) -> Cue:
    normal = baseline.rigidity
    deviation = normal.deviation(rigid_face.pairs)
    return _cue(
        "rigidity", normal.spreads(rigid_face.value, rigid_face.pairs), (_PRINT_RIGIDITY - normal.centre) / deviation
    )


def _cue(name: str, spreads: float, separation: float) -> Cue:
    return Cue(
        float(np.clip(spreads, _FARTHEST_BELOW[name], _FARTHEST)),
        float(np.clip(separation, 0.0, _MOST_SEPARATION[name])),
    )
