"""What is known of an agent after some stills: all that the next ones need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.incidents.tracks import Track

#: Ids of the stills of a finding that are remembered; windows are shorter.
_MOST_STILLS = 360


@dataclass(frozen=True)
class AgentState:
    """One state per agent over identity, presence and presentation.

    Attributes:
        position: of the last still taken in: its capture time and id; None: none was.
        tracks: of the species that something was heard of.
        counted: the stills on which the last finding of a species rested.
    """

    position: tuple[datetime, int] | None = None
    tracks: Mapping[Species, Track] = field(default_factory=dict)
    counted: Mapping[Species, tuple[int, ...]] = field(default_factory=dict)

    @property
    def open(self) -> list[Species]:
        """Species of which an incident is open."""
        return [species for species, track in self.tracks.items() if track.opened is not None]

    def stored(self) -> dict[str, Any]:
        """Fit for JSON; read again it is equal to the last digit."""
        return {
            "position": None if self.position is None else [self.position[0].isoformat(), self.position[1]],
            "tracks": {str(species): self.tracks[species].stored() for species in sorted(self.tracks)},
            "counted": {str(species): list(self.counted[species])[-_MOST_STILLS:] for species in sorted(self.counted)},
        }

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> "AgentState":
        """The state that was stored."""
        position = values["position"]
        return cls(
            None if position is None else (datetime.fromisoformat(position[0]), int(position[1])),
            {Species[species]: Track.from_stored(track) for species, track in values["tracks"].items()},
            {Species[species]: tuple(ids) for species, ids in values["counted"].items()},
        )
