"""Findings: results that a person should look at. Whose they are, what is behind them, and when one is closed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from biosense_pipeline.codes import ImageKind, Process, Status, StillResult, Verdict
from biosense_pipeline.store.agents.visible import Agent
from biosense_pipeline.store.tables.desk import Review
from biosense_pipeline.store.tables.pipeline import ProcessStatus, RecognitionResult, StreamImage

#: The results that reviewers are asked about.
FINDINGS = (StillResult.UNKNOWN_PERSON, StillResult.UNKNOWN_MULTIPLE_FACES, StillResult.SUCCESS_MULTIPLE_FACES)
#: Those that say that the agent is not there. One reviewer alone does not confirm it.
VIOLATIONS = (StillResult.UNKNOWN_PERSON, StillResult.UNKNOWN_MULTIPLE_FACES)


@dataclass(frozen=True)
class FindingNumbers:
    """What the model in force found on a still."""

    model_id: str
    distance: float | None
    tolerance: float
    p_genuine: float | None
    training_image_id: int | None


def active_agents(found: Iterable[Agent]) -> dict[str, Agent]:
    """Those of the agents that are active, by their keys."""
    lowest: dict[str, Agent] = {}
    for agent in found:
        # Of two rows for one agent the older one counts, as everywhere.
        if agent.key not in lowest or agent.id < lowest[agent.key].id:
            lowest[agent.key] = agent
    return {key: agent for key, agent in lowest.items() if agent.active}


def closed_by(result: str, round_: int, verdict: Verdict) -> bool:
    """Whether nobody is asked any more after this verdict: only a confirmed violation waits for another reviewer."""
    return round_ == 2 or verdict is not Verdict.CORRECT or result not in VIOLATIONS


def closes() -> ColumnElement[bool]:
    """Condition on ``review`` that says the same as :func:`closed_by`."""
    return or_(Review.round == 2, Review.verdict != Verdict.CORRECT, Review.result.not_in(VIOLATIONS))


def review_of_still() -> ColumnElement[bool]:
    """Condition that joins a still with its reviews."""
    return and_(Review.subject_kind == ImageKind.STREAM, Review.subject_id == StreamImage.id)


def numbers_of(connection: Connection, results: dict[int, str]) -> dict[int, FindingNumbers]:
    """The numbers behind findings, by still id, where there are any.

    Results of other models may stand beside those of the one in force: it is the model of the last attempt
    that decided the still, or else one whose result is the still's.

    Args:
        results: the stills' results by their ids.
    """
    ids = list(results)
    deciding = _deciding_models(connection, ids)
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(
        select(
            RecognitionResult.stream_image_id,
            RecognitionResult.model_id,
            RecognitionResult.result,
            RecognitionResult.distance,
            RecognitionResult.tolerance,
            RecognitionResult.p_genuine,
            RecognitionResult.training_image_id,
            RecognitionResult.created,
        ).where(RecognitionResult.stream_image_id.in_(ids))
    ):
        rows.setdefault(row.stream_image_id, []).append(row)
    found = {}
    for still_id, of_still in rows.items():

        def rank(row: Any, still_id: int = still_id) -> tuple[bool, bool, Any]:
            return row.model_id == deciding.get(still_id), row.result == results[still_id], row.created

        best = max(of_still, key=rank)
        found[still_id] = FindingNumbers(
            best.model_id, best.distance, best.tolerance, best.p_genuine, best.training_image_id
        )
    return found


def _deciding_models(connection: Connection, still_ids: Sequence[int]) -> dict[int, str | None]:
    """The model of the last attempt that decided each still; attempts that are no longer on record are missing."""
    rows = connection.execute(
        select(ProcessStatus.image_id, ProcessStatus.model_id)
        .where(
            ProcessStatus.image_kind == ImageKind.STREAM,
            ProcessStatus.image_id.in_(still_ids),
            ProcessStatus.process.in_([Process.RECOGNITION, Process.REDECISION]),
            ProcessStatus.status == Status.PROCESSED,
        )
        .order_by(ProcessStatus.id)
    )
    return {row.image_id: row.model_id for row in rows}
