"""Stills for tests of incidents: some results, ten seconds apart."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from biosense_pipeline.codes import Species, StillResult
from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.matching.incidents.detect import Detected, detect
from biosense_pipeline.matching.incidents.state import AgentState
from biosense_pipeline.matching.incidents.stills import IncidentStill, PresentationFinding

START = datetime(2026, 3, 2, 9)
ASSUMED = Assumptions()
SUCCESS, UNKNOWN, NO_FACE = StillResult.SUCCESS, StillResult.UNKNOWN_PERSON, StillResult.NO_FACES_FOUND


def at(number: float) -> datetime:
    """When the still of that number is captured."""
    return START + number * timedelta(seconds=10)


def stills(results: Iterable[StillResult | None], first: int = 0) -> list[IncidentStill]:
    """Stills with these results, their ids 1, 2, ..., in time ``first`` and on."""
    return [
        IncidentStill(number + 1, at(number), result, None, None if result is None else _faces(result))
        for number, result in enumerate(results, first)
    ]


def found(number: int, species: Species, llr: float, still_ids: tuple[int, ...] = ()) -> IncidentStill:
    """A still that matches, at which an attack was found."""
    return IncidentStill(number + 1, at(number), SUCCESS, None, 1, (PresentationFinding(species, llr, still_ids),))


def run(*parts: Iterable[IncidentStill], assumptions: Assumptions = ASSUMED) -> Detected:
    """The outcome of the stills, from a state of nothing."""
    return detect(AgentState(), [still for part in parts for still in part], assumptions)


def _faces(result: StillResult) -> int:
    return 0 if result is NO_FACE else 2 if "MULTIPLE" in result else 1
