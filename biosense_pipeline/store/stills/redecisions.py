"""Writes decisions that were made again from stored distances: into ``stream_img`` and ``recognition_result``."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, select, update
from sqlalchemy.orm import aliased

from biosense_pipeline.codes import ImageKind, Process, Status
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.runs.due import mark_due
from biosense_pipeline.store.stills.candidates import (
    COMPARISON_COLUMNS,
    ComparedWith,
    StoredComparison,
    stored_comparison,
    under_model,
)
from biosense_pipeline.store.tables.pipeline import ProcessStatus, RecognitionResult, StreamImage

#: Columns of ``recognition_result`` that follow from the rule, beside what was measured.
_RULED = ("result", "tolerance", "llr", "p_genuine", "calibration_id")
#: Columns of ``stream_img`` that people and reports see.
_SHOWN = ("result", "accuracy", "num_faces")


@dataclass(frozen=True)
class ShownStill:
    """A processed still as ``stream_img`` shows it, and its stored comparison under the model in force.

    Attributes:
        comparison: None where the model has not examined it.
        outdated: it was compared later, under another model, with other training images.
    """

    still_id: int
    result: str | None
    accuracy: float | None
    num_faces: int | None
    comparison: StoredComparison | None
    outdated: bool


@dataclass(frozen=True)
class Redecision:
    """What follows from a stored comparison under the rule in force."""

    result: str
    accuracy: float | None
    num_faces: int
    tolerance: float
    llr: float | None
    p_genuine: float | None
    calibration_id: int | None


@dataclass(frozen=True)
class Redecided:
    """A still, what became of it, and whether its row in ``stream_img`` changed (in a dry run: would have)."""

    still: ShownStill
    redecision: Redecision | None
    changes_row: bool


#: New values of some columns, and the stills that get them: without a calibration few for a thousand stills.
_Changes = dict[tuple[Any, ...], list[int]]

Decide = Callable[[ShownStill], Redecision | None]


def redecide_stills(
    database: Database,
    ids: Sequence[int],
    model_id: str,
    decide: Decide,
    *,
    run_id: str | None,
    processed_time: datetime,
    dry_run: bool,
) -> list[Redecided]:
    """Decide processed stills again, in one transaction, and write what changed.

    Args:
        decide: gives the decision, or None to leave the still as it is; it may be called twice.
        processed_time: naive local, for the stills whose rows change.
        dry_run: write nothing.

    Returns:
        the stills that were looked at. Missing are those that another process holds or is changing.
    """

    def work(connection: Connection) -> list[Redecided]:
        # Locked first, by id alone: what is read then stays true until it is written.
        statement = select(StreamImage.id).where(StreamImage.id.in_(ids), StreamImage.status == Status.PROCESSED)
        held = list(connection.execute(statement.with_for_update(skip_locked=True)).scalars())
        found = _decided(connection, held, model_id, decide)
        _write(connection, found, model_id, run_id, processed_time)
        return [redecided for redecided, _ in found]

    if not dry_run:
        return database.write(work)
    with database.read() as connection:
        return [redecided for redecided, _ in _decided(connection, ids, model_id, decide)]


def _decided(
    connection: Connection, ids: Sequence[int], model_id: str, decide: Decide
) -> list[tuple[Redecided, dict[str, Any]]]:
    """The stills with their decisions, and the columns of ``recognition_result`` as they stand."""
    later = aliased(RecognitionResult)
    followed = exists().where(later.stream_image_id == StreamImage.id, later.created > RecognitionResult.created)
    rows = connection.execute(
        select(
            *COMPARISON_COLUMNS,
            *(getattr(StreamImage, name).label(f"shown_{name}") for name in _SHOWN),
            RecognitionResult.llr,
            RecognitionResult.p_genuine,
            RecognitionResult.calibration_id,
            RecognitionResult.created,
            followed.label("followed"),
        )
        .outerjoin(RecognitionResult, under_model(model_id))
        .where(StreamImage.id.in_(ids), StreamImage.status == Status.PROCESSED)
        .order_by(StreamImage.id)
    ).all()
    outdated = _outdated(connection, [row for row in rows if row.followed])
    found = []
    for row in rows:
        comparison = None if row.result is None else stored_comparison(row)
        old = row.still_id in outdated
        still = ShownStill(
            row.still_id, row.shown_result, row.shown_accuracy, row.shown_num_faces, comparison, outdated=old
        )
        redecision = decide(still)
        changes = redecision is not None and any(_differ(getattr(still, n), getattr(redecision, n)) for n in _SHOWN)
        found.append((Redecided(still, redecision, changes), {name: getattr(row, name) for name in _RULED}))
    return found


def _outdated(connection: Connection, rows: Sequence[Any]) -> set[int]:
    """Those of the stills that were compared later, under another model, with other training images."""
    if not rows:
        return set()
    ours = {row.still_id: row for row in rows}
    columns = ("stream_image_id", "training_image_id", "faces", "created")
    later = connection.execute(
        select(*(getattr(RecognitionResult, name) for name in columns)).where(
            RecognitionResult.stream_image_id.in_(list(ours))
        )
    )
    return {
        row.stream_image_id
        for row in later
        if row.created > ours[row.stream_image_id].created
        and not ComparedWith.told_by(row).alike(ComparedWith.told_by(ours[row.stream_image_id]))
    }


def _write(
    connection: Connection,
    found: Sequence[tuple[Redecided, dict[str, Any]]],
    model_id: str,
    run_id: str | None,
    processed_time: datetime,
) -> None:
    ruled: _Changes = defaultdict(list)
    shown: _Changes = defaultdict(list)
    recorded, captures = [], []
    now = utc_now(connection)
    for redecided, before in found:
        still, decision = redecided.still, redecided.redecision
        if decision is None:
            continue
        if any(_differ(before[name], getattr(decision, name)) for name in _RULED):
            ruled[tuple(getattr(decision, name) for name in _RULED)].append(still.still_id)
        if redecided.changes_row:
            shown[tuple(getattr(decision, name) for name in _SHOWN)].append(still.still_id)
        if still.result != decision.result:
            recorded.append(_process_row(still, decision, model_id, run_id, now))
        # Incidents follow from the likelihood too: the summary's time tells that the hour has to be looked at again.
        if still.result != decision.result or _differ(before["llr"], decision.llr):
            captures.append(still.comparison.capture_time if still.comparison else None)
    results, images = RecognitionResult.__table__, StreamImage.__table__
    _update(connection, results, results.c.stream_image_id, ruled, _RULED, results.c.model_id == model_id)
    _update(connection, images, images.c.id, shown, _SHOWN, processed_time=processed_time)
    if recorded:
        connection.execute(insert(ProcessStatus), recorded)
    mark_due(connection, captures)


def _update(
    connection: Connection,
    table: Any,
    key: Any,
    changes: _Changes,
    names: Sequence[str],
    *conditions: ColumnElement[bool],
    **fixed: Any,
) -> None:
    """Write the changes: a statement for each set of values, and those of a single still in one go."""
    own = []
    for values, ids in changes.items():
        if len(ids) == 1:
            own.append({"still_id": ids[0], **{f"new_{n}": value for n, value in zip(names, values, strict=True)}})
        else:
            new = dict(zip(names, values, strict=True))
            connection.execute(update(table).where(key.in_(ids), *conditions).values({**new, **fixed}))
    if own:
        given: dict[str, Any] = {name: bindparam(f"new_{name}") for name in names}
        connection.execute(
            update(table).where(key == bindparam("still_id"), *conditions).values({**given, **fixed}), own
        )


def _process_row(
    still: ShownStill, decision: Redecision, model_id: str, run_id: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "image_kind": ImageKind.STREAM,
        "image_id": still.still_id,
        "process": Process.REDECISION,
        "status": Status.PROCESSED,
        "result": decision.result,
        "started": now,
        "finished": now,
        "run_id": run_id,
        "model_id": model_id,
        "detail": f"decided again from stored distances at tolerance {decision.tolerance:g}; before: {still.result}",
    }


def _differ(old: Any, new: Any) -> bool:
    # What went through a database's text protocol may have lost its last digit.
    if isinstance(old, float) and isinstance(new, float):
        return not math.isclose(old, new, rel_tol=1e-9, abs_tol=1e-12)
    return bool(old != new)
