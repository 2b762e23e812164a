"""Tables that others write: external assets, where the lineage begins."""

import dagster as dg

from biosense_pipeline.assets.metadata import column_schema
from biosense_pipeline.store.tables.pipeline import Employee, StreamImage, TrainingImage

CAPTURE, ENROLMENT = "capture", "enrolment"


def _table(table: type, group: str, owner: str, description: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key=table.__tablename__,  # type: ignore[attr-defined]
        group_name=group,
        kinds={"mysql", "table"},
        owners=[owner],
        description=description,
        metadata={"dagster/column_schema": column_schema(table)},
    )


stream_img = _table(
    StreamImage,
    CAPTURE,
    "team:capture",
    "Webcam stills, written by the capture clients about every ten seconds per agent: the probes. "
    "The pipeline writes status, result, accuracy and number of faces back into the row.",
)
train_img = _table(
    TrainingImage,
    ENROLMENT,
    "team:enrolment",
    "Enrolment pictures. The newest approved one of an agent is the benchmark; it and up to four approved ones "
    "before it are the references.",
)
employee = _table(
    Employee,
    ENROLMENT,
    "team:enrolment",
    "The agents. LAN ids that are seen for the first time are registered by the hourly summary, or by the check of "
    "their first training image.",
)

default_assets = [stream_img, train_img, employee]
