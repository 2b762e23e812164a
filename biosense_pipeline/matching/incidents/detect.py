"""An agent's stills in, incidents out: a pure function, so that live in small steps and by backfill are one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from biosense_pipeline.codes import WINDOW_BY_WINDOW, Species
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.bounds import bounds
from biosense_pipeline.matching.incidents.incident import Incident
from biosense_pipeline.matching.incidents.observations import observations
from biosense_pipeline.matching.incidents.state import AgentState
from biosense_pipeline.matching.incidents.stills import IncidentStill, PresentationFinding
from biosense_pipeline.matching.incidents.tracks import Limits, Track


@dataclass(frozen=True)
class Detected:
    """What some stills led to.

    Attributes:
        state: after them.
        incidents: those that closed among these stills, then those that are open after them.
    """

    state: AgentState
    incidents: tuple[Incident, ...]


def detect(state: AgentState, stills: Iterable[IncidentStill], assumptions: Assumptions) -> Detected:
    """Take in an agent's stills, whatever their order; those not after the state's position are passed over.

    Stills of equal capture time are taken in by their ids. However the stills of some time are divided among
    several calls, in order, the state at the end and the incidents are the same; given again, they change nothing.
    """
    tracks, counted, position = dict(state.tracks), dict(state.counted), state.position
    limits = limits_of(assumptions)
    suspected = {species for species, track in tracks.items() if track.statistic > 0}
    #: When those of which there is no evidence were last heard of: nearly all stills of nearly all agents.
    at_rest: dict[Species, datetime] = {}
    closed: list[Incident] = []
    for still in sorted(stills, key=lambda still: still.position):
        if position is not None and still.position <= position:
            continue
        position = still.position
        new = {finding.species: _novelty(finding, counted.get(finding.species, ())) for finding in still.findings}
        for species, llr, rests_on, finding in observations(still, assumptions, suspected):
            if llr <= 0 and species not in suspected:
                at_rest[species] = still.captured
                continue
            track = _track(tracks.get(species), at_rest.pop(species, None), limits[species])
            # What a window says of its own species is weighed against what the windows before it have said.
            of_window = finding is not None and finding.species is species and limits[species].restated
            novelty = None if finding is None or of_window else new[finding.species]
            tracks[species], ended, when = track.add(still, llr, rests_on, novelty, limits[species])
            (suspected.add if tracks[species].statistic > 0 else suspected.discard)(species)
            if ended is not None:
                closed.append(ended.incident(species, limits[species].bound, when))
        if still.findings:
            counted |= {finding.species: finding.still_ids for finding in still.findings if not finding.goes_on}
    for species, heard in at_rest.items():
        tracks[species] = _track(tracks.get(species), heard, limits[species])
    still_open = [
        track.incident(species, limits[species].bound, None)
        for species, track in sorted(tracks.items())
        if track.opened is not None
    ]
    return Detected(AgentState(position, tracks, counted), (*closed, *still_open))


@lru_cache(maxsize=16)
def limits_of(assumptions: Assumptions) -> dict[Species, Limits]:
    """What the test of each species is held to."""
    seconds = {
        Species.UNKNOWN_PERSON: assumptions.correlation_seconds,
        Species.ABSENT: assumptions.pause_seconds,
        **dict.fromkeys(WINDOW_BY_WINDOW, assumptions.sitting_seconds),
    }
    return {
        species: Limits(
            bound,
            seconds.get(species),
            assumptions.gap_seconds,
            exceptions=species is Species.ABSENT,
            restated=species in WINDOW_BY_WINDOW,
        )
        for species, bound in bounds(assumptions).items()
    }


def _track(track: Track | None, heard: datetime | None, limits: Limits) -> Track:
    """The track of a species, if it was at rest then as it is after what was heard last."""
    if heard is None or limits.correlation_seconds is None:
        return track or _NOTHING_HEARD
    return Track(heard=heard)


_NOTHING_HEARD = Track()
#: A window of fewer stills is not judged.
_FEWEST_OF_A_WINDOW = 3


def _novelty(finding: PresentationFinding, counted: tuple[int, ...]) -> float:
    """Share of the stills of a finding that the finding of that species before it did not rest on.

    Windows overlap: each still counts once. Where the finding goes on, one still of its window is new.
    """
    if finding.goes_on:
        return 1.0 / max(len(finding.still_ids), _FEWEST_OF_A_WINDOW)
    if not finding.still_ids:
        return 1.0
    before = set(counted)
    return sum(still_id not in before for still_id in finding.still_ids) / len(finding.still_ids)
