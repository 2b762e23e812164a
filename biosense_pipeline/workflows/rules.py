"""The rule in force: the settings', or that of the calibration that was activated last."""

from biosense_pipeline.matching.calibration import Calibration
from biosense_pipeline.matching.rule import Rule
from biosense_pipeline.settings import Settings
from biosense_pipeline.store.calibration.calibrations import calibration_in_force
from biosense_pipeline.store.database import Database


def load_rule(database: Database, settings: Settings, model_id: str) -> Rule:
    """The rule by which stills are decided under a model now; a piece of work keeps the one it began with."""
    stored = calibration_in_force(database, model_id) if settings.use_calibration else None
    if stored is None:
        return Rule(settings.tolerance, settings.accuracy, settings.prior_genuine)
    return Rule(
        stored.tolerance,
        settings.accuracy,
        settings.prior_genuine,
        Calibration.from_parameters(stored.parameters),
        stored.id,
        stored.own_tolerances,
    )
