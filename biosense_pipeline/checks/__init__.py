"""Asset checks: what must hold of the rows after a run. Those that only warn say so."""

from collections.abc import Sequence

import dagster as dg

from biosense_pipeline.checks.calibration import calibration_checks
from biosense_pipeline.checks.presentation import presentation_checks
from biosense_pipeline.checks.recognition import recognition_checks

default_checks: Sequence[dg.AssetChecksDefinition] = [*recognition_checks, *presentation_checks, *calibration_checks]
