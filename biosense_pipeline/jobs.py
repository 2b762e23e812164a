"""Jobs: which assets one run materialises together."""

import dagster as dg

from biosense_pipeline.assets.calibration import match_calibration
from biosense_pipeline.assets.candidates import candidate_results, redecided_results
from biosense_pipeline.assets.enrolment import benchmark_encodings, training_image_checks
from biosense_pipeline.assets.impersonation import impersonation_findings, presentation_evidence
from biosense_pipeline.assets.incidents import alert_deliveries, incidents
from biosense_pipeline.assets.motion import motion_windows
from biosense_pipeline.assets.recognition import pending_stream_batch, recognition_results
from biosense_pipeline.assets.review import review_outcomes
from biosense_pipeline.assets.summaries import hourly_agent_summary
from biosense_pipeline.runs.lanes import LANE_TAG, LIVE

recognition_job = dg.define_asset_job(
    "recognition_job",
    selection=[pending_stream_batch, benchmark_encodings, recognition_results, hourly_agent_summary],
    description="One hour: take stock, encode what benchmarks lack, verify every pending still, sum up. The "
    "summary belongs to the run, so that a late still mends its hour.",
)

enrolment_job = dg.define_asset_job(
    "enrolment_job",
    selection=[training_image_checks, benchmark_encodings],
    description="Check new training images and encode those that stills are compared with.",
)

candidate_job = dg.define_asset_job(
    "candidate_job",
    selection=[candidate_results],
    description="One hour under another model, detection or tolerance, beside what is in force: which decisions "
    "would change. Nothing that people see changes.",
)

redecide_job = dg.define_asset_job(
    "redecide_job",
    selection=[redecided_results, hourly_agent_summary],
    description="One hour, decided again from stored distances under the model and the rule in force, and summed up: "
    "after BIOSENSE_ENGINE or BIOSENSE_TOLERANCE has changed, or a calibration came into force. The schedules then "
    "look for motion, impersonation and incidents in these hours again.",
)

calibration_job = dg.define_asset_job(
    "calibration_job",
    selection=[match_calibration],
    # A run whose process died is failed after this; the sensors look after their own runs only.
    tags={"dagster/max_runtime": "7200"},
    description="Calibrate on the newest stills. The calibration takes effect where its check passes.",
)

review_job = dg.define_asset_job(
    "review_job",
    selection=[review_outcomes],
    tags={"dagster/max_runtime": "600"},
    description="Count what reviewers said of an hour's findings: false alarms per agent.",
)

motion_job = dg.define_asset_job(
    "motion_job",
    selection=[motion_windows],
    description="Whether each agent moved in every ten minutes of an hour, from what recognition stored.",
)

impersonation_job = dg.define_asset_job(
    "impersonation_job",
    selection=[presentation_evidence, impersonation_findings, incidents],
    description="One hour: what evidence there is, where it shows a picture instead of a person, and what of all that "
    "supervisors are to be told.",
)

alert_job = dg.define_asset_job(
    "alert_job",
    selection=[alert_deliveries],
    # A run whose process died is failed after this; sending itself ends after three minutes at the latest.
    tags={"dagster/max_runtime": "600", LANE_TAG: LIVE, "dagster/priority": "10"},
    description="Send the messages about incidents that are due.",
)

default_jobs = [
    recognition_job,
    enrolment_job,
    candidate_job,
    redecide_job,
    motion_job,
    impersonation_job,
    alert_job,
    calibration_job,
    review_job,
]
