"""A still as the sequential test sees it: numbers that are stored, no picture."""

from dataclasses import dataclass
from datetime import datetime

from biosense_pipeline.codes import Species, StillResult


@dataclass(frozen=True)
class PresentationFinding:
    """What the analysis of presentation attacks found at a still.

    Attributes:
        llr: of the window that ends with the still; positive speaks for the attack.
        still_ids: the stills that it rests on; empty where that is not known.
        goes_on: it was found at an earlier still and lasts; ``llr`` is what was said then or, of a species whose
            windows are told one by one, what the window of this still says.
    """

    species: Species
    llr: float
    still_ids: tuple[int, ...] = ()
    goes_on: bool = False


@dataclass(frozen=True)
class IncidentStill:
    """One still of an agent.

    Attributes:
        captured: naive local time.
        result: None as long as it is not processed.
        llr: of the nearest face, as recognition stores it: positive speaks for the *agent*; None before there is a
            calibration, and without a face.
        num_faces: in the still; None where it was not examined.
    """

    still_id: int
    captured: datetime
    result: StillResult | None
    llr: float | None = None
    num_faces: int | None = None
    findings: tuple[PresentationFinding, ...] = ()

    @property
    def position(self) -> tuple[datetime, int]:
        """Where it stands among the agent's stills: by time, and by id where times are equal."""
        return self.captured, self.still_id
