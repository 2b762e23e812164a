"""Training images: checked when they are new, encoded once they are approved."""

import dagster as dg

from biosense_pipeline.assets.metadata import column_schema, count_table, table
from biosense_pipeline.assets.sources import ENROLMENT, train_img
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.store.enrolment.images import benchmark_counts
from biosense_pipeline.store.tables.pipeline import FaceEncoding, TrainingCheck
from biosense_pipeline.workflows.enrol import EnrolmentReport, check_training_images, encode_benchmarks
from biosense_pipeline.workflows.report_tables import Table

#: Failures named in the metadata of one materialisation.
_MOST_FAILURES = 20


@dg.asset(
    group_name=ENROLMENT,
    kinds={"python", "dlib"},
    owners=["team:enrolment"],
    deps=[train_img],
    description="Every new training image must hold exactly one face that is large, sharp, lit and turned to the "
    "camera enough to compare with: else it is `F`, with the reasons. One that passes is `Y`, or `P` until a team "
    "lead approves it at the desk (BIOSENSE_APPROVAL). Every number and its limit stand in the table "
    "training_check; whether the face resembles another agent's, or differs from the agent's earlier ones, is shown "
    "and decides nothing. When an image is approved, the agent's recent stills that failed for want of one return "
    "to pending by themselves.",
)
def training_image_checks(
    context: dg.AssetExecutionContext, database: DatabaseResource, recogniser: RecogniserResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Check the training images that wait for it."""
    with told_plainly(), database.connected() as opened, recogniser.bench(opened, context.run.run_id) as bench:
        report = check_training_images(bench)
    return dg.MaterializeResult(
        metadata={
            "checked": report.examined,
            "waiting_for_approval": report.waiting,
            "measured_while_waiting": report.measured,
            "requeued_stills": report.requeued,
            "results": count_table(
                {str(result): count for result, count in report.results.items()}, "result", "training images"
            ),
            "failures": _failures(report),
            "dagster/column_schema": column_schema(TrainingCheck),
        }
    )


@dg.asset(
    group_name=ENROLMENT,
    kinds={"python", "dlib"},
    owners=["team:enrolment"],
    deps=[train_img, training_image_checks],
    description="The encodings of each agent's benchmark and of up to four approved images before it under the "
    "present model, made once and kept in the table face_encoding. Stills are compared with all of them, but for "
    "those that disagree with most of the others.",
)
def benchmark_encodings(
    context: dg.AssetExecutionContext, database: DatabaseResource, recogniser: RecogniserResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Encode the benchmarks and other references that have no encoding under the present model."""
    with told_plainly(), database.connected() as opened, recogniser.bench(opened, context.run.run_id) as bench:
        report = encode_benchmarks(bench)
        counts = benchmark_counts(opened, bench.model_id)
        model_id = bench.model_id
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": counts["encoded"],
            "agents": counts["agents"],
            "benchmarks": counts["benchmarks"],
            "without_encoding": counts["benchmarks"] - counts["encoded"],
            "encoded_now": report.examined,
            "model_id": model_id,
            "failures": _failures(report),
            "dagster/column_schema": column_schema(FaceEncoding),
        }
    )


def _failures(report: EnrolmentReport) -> dg.MarkdownMetadataValue:
    rows = [(image_id, lan_id, why) for image_id, (lan_id, why) in list(report.failures.items())[:_MOST_FAILURES]]
    return table(Table(["training image", "agent", "why"], rows))


default_assets = [training_image_checks, benchmark_encodings]
