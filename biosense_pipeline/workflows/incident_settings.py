"""What the settings assume of an ordinary day, as the test for incidents takes it."""

from biosense_pipeline.matching.incidents.assumptions import Assumptions
from biosense_pipeline.settings import Settings


def incident_assumptions(settings: Settings) -> Assumptions:
    """The assumptions that the settings name."""
    return Assumptions(
        false_alarms_per_month=settings.incident_false_alarms_per_month,
        stills_per_day=settings.incident_stills_per_day,
        correlation=settings.incident_correlation,
        fnmr=settings.incident_fnmr,
        fmr=settings.incident_fmr,
        largest_llr=settings.incident_largest_llr,
        no_face_share=settings.incident_no_face_share,
        pause_seconds=60 * settings.incident_pause_minutes,
        sitting_seconds=60 * settings.incident_sitting_minutes,
        gap_seconds=60 * settings.incident_gap_minutes,
    )
