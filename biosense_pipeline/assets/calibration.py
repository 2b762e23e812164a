"""The calibration: how sure a distance makes us on this site, and the tolerances that follow."""

import dagster as dg

from biosense_pipeline.assets.enrolment import benchmark_encodings
from biosense_pipeline.assets.metadata import Metadata, column_schema, plot, table
from biosense_pipeline.assets.recognition import GROUP, recognition_results
from biosense_pipeline.assets.summaries import hourly_agent_summary
from biosense_pipeline.matching.score_calibration import reliability
from biosense_pipeline.plots.calibration import calibration_densities, reliability_diagram
from biosense_pipeline.resources import DatabaseResource, RecogniserResource, told_plainly
from biosense_pipeline.store.tables.pipeline import MatchCalibration
from biosense_pipeline.workflows.calibrate import CalibrationReport, Fitted, calibrate
from biosense_pipeline.workflows.report_tables import Table, pair_table, separability_table

_LISTED = ("suspected_one_person", "nearest_pairs")
#: Pairs and agents named in the metadata of one materialisation.
_MOST_NAMED = 20


@dg.asset(
    group_name=GROUP,
    kinds={"python", "mysql"},
    owners=["team:data-engineering"],
    deps=[benchmark_encodings, recognition_results, hourly_agent_summary],
    description="How much more likely a distance is between pictures of one person than of two, fitted to the "
    "site's own stills and tried on people it has not seen; from it the tolerance at the target false match rate, "
    "and stricter ones for agents with look-alikes. A candidate: it takes effect where the check "
    "`calibration_no_worse` finds nothing against it.",
)
def match_calibration(
    context: dg.AssetExecutionContext, database: DatabaseResource, recogniser: RecogniserResource
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Fit a calibration and store it as a candidate."""
    with told_plainly(), database.connected() as opened, recogniser.bench(opened, context.run.run_id) as bench:
        report = calibrate(bench)
    return dg.MaterializeResult(metadata=_metadata(report))


def _metadata(report: CalibrationReport) -> Metadata:
    candidate = report.candidate
    return {
        "calibration_id": report.id,
        "model_id": candidate.model_id,
        "objections": dg.MetadataValue.md("\n\n".join(candidate.objections) or "none"),
        "genuine_pairs_are": report.genuine_pairs,
        "material": _numbers({name: value for name, value in candidate.material.items() if name not in _LISTED}),
        **{name: table(pair_table(candidate.material[name]).first(_MOST_NAMED)) for name in _LISTED},
        "target_fmr": candidate.target_fmr,
        **(_fitted_metadata(report, report.fitted) if report.fitted else {}),
        "dagster/column_schema": column_schema(MatchCalibration),
    }


def _fitted_metadata(report: CalibrationReport, fitted: Fitted) -> Metadata:
    distances, genuine = report.comparisons.labelled
    points = reliability(fitted.held_out.llrs, fitted.held_out.genuine)
    return {
        "method": fitted.calibration.method,
        "tolerance": fitted.tolerance,
        "figures_on_unseen_people": _numbers(report.candidate.figures),
        "look_alikes": table(separability_table(report.separability).first(_MOST_NAMED)),
        "densities": plot(
            calibration_densities(distances[genuine], distances[~genuine], fitted.tolerance, fitted.calibration.llr)
        ),
        "reliability": plot(reliability_diagram(points.predicted, points.observed, points.counts)),
    }


def _numbers(numbers: Metadata) -> dg.MarkdownMetadataValue:
    rows = [(name, f"{value:.5g}" if isinstance(value, float) else value) for name, value in numbers.items()]
    return table(Table(["what", "value"], rows))


default_assets = [match_calibration]
