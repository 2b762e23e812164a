"""What the windows of an agent's stills say of each species, still by still: for people to look at."""

from datetime import datetime

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.findings import JUDGED
from biosense_pipeline.matching.evidence.recapture import RecaptureModelUnusable
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.database import Database
from biosense_pipeline.workflows.baselines import baselines
from biosense_pipeline.workflows.impersonation import stretch_of
from biosense_pipeline.workflows.own_scores import judging_model


def evidence_over_time(
    database: Database, settings: Settings, employee_id: int, start: datetime, end: datetime
) -> dict[Species, list[tuple[datetime, float]]]:
    """Capture time and log-likelihood ratio of the window that ends with each still of ``[start, end)``, by species.

    Species that cannot be judged are missing.
    """
    try:
        model = judging_model(settings)
    except RecaptureModelUnusable:
        model = None
    baseline_of = None if model is None else baselines(database, employee_id, model, settings.impersonation_window)
    stretch = stretch_of(database, settings, employee_id, start, end, model, baseline_of)
    positions = [position for position, still in enumerate(stretch.stills) if start <= still.captured < end]
    stretch.prepare(positions)
    found: dict[Species, list[tuple[datetime, float]]] = {}
    for species in JUDGED:
        judged = [(stretch.stills[position].captured, stretch.evidence(position, species)) for position in positions]
        line = [(captured, evidence.llr) for captured, evidence in judged if evidence is not None]
        if line:
            found[species] = line
    return found
