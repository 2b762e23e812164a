"""Jobs: which assets one run materialises together."""

import dagster as dg

from biosense_pipeline.assets.enrolment import benchmark_encodings, training_image_checks
from biosense_pipeline.assets.recognition import pending_stream_batch, recognition_results
from biosense_pipeline.assets.summaries import hourly_agent_summary

recognition_job = dg.define_asset_job(
    "recognition_job",
    selection=[pending_stream_batch, benchmark_encodings, recognition_results, hourly_agent_summary],
    description="One hour: take stock, encode what benchmarks lack, verify every pending still, sum up. The "
    "summary belongs to the run, so that a late still mends its hour.",
)

enrolment_job = dg.define_asset_job(
    "enrolment_job",
    selection=[training_image_checks, benchmark_encodings],
    description="Check new training images for exactly one face and encode the benchmarks.",
)

default_jobs = [recognition_job, enrolment_job]
