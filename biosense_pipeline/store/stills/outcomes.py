"""Writes what recognition found: the still's row, its result under the model, and the attempt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from biosense_pipeline.codes import ImageKind, Process, Status, StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.agents.employees import employee_ids_or_reasons
from biosense_pipeline.store.database import Database, upsert, utc_now
from biosense_pipeline.store.evidence.stills import KeptEvidence, forget_evidence, write_evidence
from biosense_pipeline.store.runs.due import mark_due
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.tables.pipeline import ProcessStatus, RecognitionResult, StreamImage

#: A still's columns as its capture client wrote them; what was found before stays in recognition_result.
AS_CAPTURED: dict[str, Any] = {
    "status": Status.PENDING,
    "result": None,
    "accuracy": None,
    "num_faces": None,
    "processed_time": None,
    "attempts": 0,
    "lease_token": None,
    "lease_expires": None,
}


#: What a face in ``recognition_result.faces`` calls the training images that it was compared with, where these
#: were several: the approved ones of that time.
REFERENCES = "references"


@dataclass(frozen=True)
class Comparison:
    """The numbers behind a result, so that the decision can be made again from what is stored.

    Attributes:
        training_image_id: the reference nearest to the nearest face; without a face the newest one.
    """

    training_image_id: int
    distance: float | None
    tolerance: float
    faces: list[dict[str, Any]]
    milliseconds: float
    llr: float | None = None
    p_genuine: float | None = None
    calibration_id: int | None = None


@dataclass(frozen=True)
class StillOutcome:
    """The end of one attempt at a still. Status PENDING sends it back for another attempt.

    Attributes:
        lan_id: the still's, for its evidence.
        evidence: what is kept of the picture, if anything.
        evidence_failure: why nothing is, though it should be. The result stands all the same.
        attack_failure: why the evidence lacks the score of the operator's own model, likewise.
    """

    still_id: int
    status: Status
    result: StillResult
    started: datetime
    finished: datetime
    accuracy: float | None = None
    num_faces: int | None = None
    comparison: Comparison | None = None
    detail: str | None = None
    lan_id: str | None = None
    evidence: KeptEvidence | None = None
    evidence_failure: str | None = None
    attack_failure: str | None = None


def write_outcomes(
    database: Database,
    token: str,
    outcomes: Sequence[StillOutcome],
    *,
    model_id: str,
    run_id: str | None,
    processed_time: datetime,
) -> list[StillOutcome]:
    """Write those outcomes whose stills are still held under the token, in one transaction.

    Returns:
        the outcomes written; the others belong to whoever holds their stills now.
    """
    outcomes, employees = _with_owners(database, outcomes)

    def write(connection: Connection) -> list[StillOutcome]:
        held = {
            row.id: row.capture_time
            for row in connection.execute(
                select(StreamImage.id, StreamImage.capture_time)
                .where(StreamImage.id.in_([outcome.still_id for outcome in outcomes]), StreamImage.lease_token == token)
                .with_for_update()
            )
        }
        ours = [outcome for outcome in outcomes if outcome.still_id in held]
        if ours:
            _update_stills(connection, ours, processed_time)
            record(connection, ours, Process.RECOGNITION, model_id, run_id)
            _keep_evidence(connection, ours, held, employees)
            mark_due(connection, held.values())
        return ours

    return database.write(write) if outcomes else []


def record(
    connection: Connection, outcomes: Sequence[StillOutcome], process: Process, model_id: str, run_id: str | None
) -> None:
    """Write the results under the model and the attempts of a process, at least one; ``stream_img`` stays as it is."""
    now = utc_now(connection)
    upsert(
        connection,
        RecognitionResult.__table__,
        [_result_row(outcome, outcome.comparison, model_id, run_id, now) for outcome in outcomes if outcome.comparison],
    )
    connection.execute(
        insert(ProcessStatus), [_process_row(outcome, process, model_id, run_id) for outcome in outcomes]
    )


def reset_for_reprocessing(database: Database, scope: Scope, batch: int = 1000) -> int:
    """Return processed and failed stills of the scope to pending, a batch a transaction; returns how many."""
    position, total = 0, 0
    while True:

        def reset(connection: Connection, after: int = position) -> list[int]:
            ids = list(
                connection.execute(
                    select(StreamImage.id)
                    .where(
                        StreamImage.id > after,
                        StreamImage.status.in_([Status.PROCESSED, Status.FAILED]),
                        *scope.conditions(),
                    )
                    .order_by(StreamImage.id)
                    .limit(batch)
                    .with_for_update(skip_locked=True)
                ).scalars()
            )
            if ids:
                connection.execute(update(StreamImage).where(StreamImage.id.in_(ids)).values(**AS_CAPTURED))
            return ids

        ids = database.write(reset)
        if not ids:
            return total
        position, total = ids[-1], total + len(ids)


def _with_owners(database: Database, outcomes: Sequence[StillOutcome]) -> tuple[Sequence[StillOutcome], dict[int, int]]:
    """The outcomes, and the employee id for each still with evidence. Where there can be none, the evidence goes."""
    lan_ids = {outcome.lan_id for outcome in outcomes if outcome.evidence}
    if not lan_ids:
        return outcomes, {}
    ids, refused = employee_ids_or_reasons(database, lan_ids)
    owned = [
        replace(outcome, evidence=None, evidence_failure=refused[agent_key(outcome.lan_id)])
        if outcome.evidence and agent_key(outcome.lan_id) in refused
        else outcome
        for outcome in outcomes
    ]
    return owned, {outcome.still_id: ids[agent_key(outcome.lan_id)] for outcome in owned if outcome.evidence}


def _keep_evidence(
    connection: Connection,
    outcomes: Sequence[StillOutcome],
    captured: dict[int, datetime | None],
    employees: dict[int, int],
) -> None:
    kept = {outcome.still_id: outcome.evidence for outcome in outcomes if outcome.evidence}
    if kept:
        write_evidence(connection, kept, captured, employees, utc_now(connection))
    forget_evidence(
        connection, (outcome.still_id for outcome in outcomes if outcome.result is StillResult.UNREADABLE_IMAGE)
    )


def _update_stills(connection: Connection, outcomes: Sequence[StillOutcome], processed_time: datetime) -> None:
    statement = (
        update(StreamImage.__table__)  # type: ignore[arg-type]
        .where(StreamImage.id == bindparam("still_id"))
        .values(
            status=bindparam("new_status"),
            result=bindparam("new_result"),
            accuracy=bindparam("new_accuracy"),
            num_faces=bindparam("new_num_faces"),
            processed_time=bindparam("new_processed_time"),
            lease_token=None,
            lease_expires=None,
        )
    )
    connection.execute(
        statement,
        [
            {
                "still_id": outcome.still_id,
                "new_status": outcome.status,
                "new_result": None if outcome.status is Status.PENDING else outcome.result,
                "new_accuracy": outcome.accuracy,
                "new_num_faces": outcome.num_faces,
                "new_processed_time": None if outcome.status is Status.PENDING else processed_time,
            }
            for outcome in outcomes
        ],
    )


def _result_row(
    outcome: StillOutcome, comparison: Comparison, model_id: str, run_id: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "stream_image_id": outcome.still_id,
        "model_id": model_id,
        "training_image_id": comparison.training_image_id,
        "result": outcome.result,
        "num_faces": outcome.num_faces,
        "distance": comparison.distance,
        "tolerance": comparison.tolerance,
        # None too is written: the numbers of an earlier rule must not stand beside this one's decision.
        "llr": comparison.llr,
        "p_genuine": comparison.p_genuine,
        "calibration_id": comparison.calibration_id,
        "faces": comparison.faces,
        "milliseconds": comparison.milliseconds,
        "run_id": run_id,
        "created": now,
    }


def _process_row(outcome: StillOutcome, process: Process, model_id: str, run_id: str | None) -> dict[str, Any]:
    return {
        "image_kind": ImageKind.STREAM,
        "image_id": outcome.still_id,
        "process": process,
        "status": outcome.status,
        "result": outcome.result,
        "started": outcome.started,
        "finished": outcome.finished,
        "run_id": run_id,
        "model_id": model_id,
        "detail": outcome.detail or _without_evidence(outcome),
    }


def _without_evidence(outcome: StillOutcome) -> str | None:
    if outcome.evidence_failure:
        return f"no evidence kept of the picture: {outcome.evidence_failure}"
    return outcome.attack_failure and f"no attack score: {outcome.attack_failure}"
