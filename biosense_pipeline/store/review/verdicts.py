"""Reviewers' verdicts: recorded once per finding (a still and its result) and round, and never overwritten."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from biosense_pipeline.codes import ImageKind, Status, Verdict
from biosense_pipeline.errors import BiosenseError, WrongUse
from biosense_pipeline.store.agents.employees import employee_ids
from biosense_pipeline.store.chunks import chunks
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.review.findings import FINDINGS, VIOLATIONS, closed_by, numbers_of
from biosense_pipeline.store.review.queue import (
    OpenFindings,
    QueueItem,
    QueuePosition,
    open_findings,
    review_queue,
)
from biosense_pipeline.store.tables.desk import DeskUser, Review
from biosense_pipeline.store.tables.pipeline import StreamImage
from biosense_pipeline.store.users.audit import AuditRecord, add_audit

__all__ = [
    "FINDINGS",
    "LONGEST_NOTE",
    "VIOLATIONS",
    "AlreadyReviewed",
    "FindingChanged",
    "OpenFindings",
    "QueueItem",
    "QueuePosition",
    "SecondReviewRefused",
    "StoredReview",
    "open_findings",
    "record_review",
    "review_queue",
    "reviews_of",
]

#: Characters of a note.
LONGEST_NOTE = 2000


@dataclass(frozen=True)
class StoredReview:
    """What a reviewer said of a finding; ``created`` is UTC."""

    round: int
    result: str
    verdict: Verdict
    note: str | None
    reviewer_id: int
    reviewer: str
    created: datetime


class AlreadyReviewed(BiosenseError):
    """Somebody else was first. Nothing was recorded.

    Attributes:
        by: the reviewer's name. verdict: what this reviewer said.
    """

    def __init__(self, by: str, verdict: Verdict) -> None:
        super().__init__(
            f"{by} has already judged this finding ({verdict.lower().replace('_', ' ')}) and your verdict was not "
            "recorded: go on with the next one."
        )
        self.by = by
        self.verdict = verdict


class FindingChanged(BiosenseError):
    """The still's result is no longer the one that was judged. Nothing was recorded."""

    def __init__(self) -> None:
        super().__init__("This still has another result by now and your verdict was not recorded: look at it again.")


class SecondReviewRefused(BiosenseError):
    """No second review is due, or not by this reviewer. Nothing was recorded."""


def record_review(
    database: Database,
    *,
    still_id: int,
    round_: int,
    result: str,
    verdict: Verdict,
    note: str | None,
    reviewer_id: int,
    audit: AuditRecord | None = None,
) -> None:
    """Record a verdict on a finding, in one transaction.

    The same verdict of the same reviewer once more changes nothing and is no error: a browser may repeat a
    request, and a server's answer may be lost. Whether the reviewer may see this agent's stills is for the
    caller to find out.

    Args:
        round_: 1, or 2 for the second reviewer of a violation that the first found correct.
        result: the finding that was shown.
        audit: written in the same transaction.

    Raises:
        AlreadyReviewed: another verdict stands there.
        FindingChanged: the still is gone, waits to be processed again, or has another result by now.
        SecondReviewRefused: a second review is not due, or the first one was this reviewer's.
        WrongUse: the result is no finding, there is no such round, or the note is too long.
    """
    note = (note or "").strip() or None
    if result not in FINDINGS or round_ not in (1, 2):
        raise WrongUse("Only findings are reviewed, by one reviewer or two: name one of the queue.")
    if note is not None and len(note) > LONGEST_NOTE:
        raise WrongUse(f"The note has {len(note)} characters and {LONGEST_NOTE} are the most: shorten it.")
    employee_id = _employee_of(database, still_id)

    def record(connection: Connection) -> None:
        # Locked, so that nobody decides the still again meanwhile, and of two reviewers one waits for the other.
        still = connection.execute(
            select(StreamImage.capture_time, StreamImage.status, StreamImage.result)
            .where(StreamImage.id == still_id)
            .with_for_update()
        ).one_or_none()
        earlier = _rounds(_reviews(connection, [still_id]).get(still_id, []), result)
        if round_ in earlier:
            there = earlier[round_]
            if (there.reviewer_id, there.verdict, there.note) == (reviewer_id, verdict, note):
                return
            raise AlreadyReviewed(there.reviewer, there.verdict)
        if still is None or (still.status, still.result) != (Status.PROCESSED, result):
            raise FindingChanged
        if round_ == 2:
            _require_second(earlier.get(1), reviewer_id)
        numbers = numbers_of(connection, {still_id: result}).get(still_id)
        connection.execute(
            insert(Review).values(
                subject_kind=ImageKind.STREAM,
                subject_id=still_id,
                round=round_,
                employee_id=employee_id,
                result=result,
                model_id=numbers.model_id if numbers else None,
                captured=still.capture_time,
                verdict=verdict,
                note=note,
                reviewer_id=reviewer_id,
                created=utc_now(connection),
            )
        )
        if closed_by(result, round_, verdict):
            connection.execute(update(StreamImage).where(StreamImage.id == still_id).values(reviewed_result=result))
        add_audit(connection, audit)

    try:
        database.write(record)
    except IntegrityError:
        # The unique index is the last word: a verdict that came in between, as on a still that was purged.
        there = _rounds(reviews_of(database, [still_id]).get(still_id, []), result).get(round_)
        if there is None:
            raise
        raise AlreadyReviewed(there.reviewer, there.verdict) from None


def reviews_of(database: Database, still_ids: Collection[int]) -> dict[int, list[StoredReview]]:
    """The verdicts on these stills, by still id and in the order in which they came; stills without any are absent.

    A still that got another result after its first verdict has verdicts on both findings.
    """
    with database.read() as connection:
        return _reviews(connection, still_ids)


def _reviews(connection: Connection, still_ids: Collection[int]) -> dict[int, list[StoredReview]]:
    ids, found = sorted(still_ids), dict[int, list[StoredReview]]()
    for chunk in chunks(ids):
        rows = connection.execute(
            select(Review.__table__, DeskUser.name)
            .join(DeskUser, DeskUser.id == Review.reviewer_id)
            .where(Review.subject_kind == ImageKind.STREAM, Review.subject_id.in_(chunk))
            .order_by(Review.subject_id, Review.id)
        )
        for row in rows:
            found.setdefault(row.subject_id, []).append(
                StoredReview(
                    row.round, row.result, Verdict[row.verdict], row.note, row.reviewer_id, row.name, row.created
                )
            )
    return found


def _rounds(reviews: Sequence[StoredReview], result: str) -> dict[int, StoredReview]:
    """The verdicts on one finding of a still, by round."""
    return {review.round: review for review in reviews if review.result == result}


def _require_second(first: StoredReview | None, reviewer_id: int) -> None:
    if first is None or first.verdict is not Verdict.CORRECT or first.result not in VIOLATIONS:
        raise SecondReviewRefused(
            "No second review of this finding is due and your verdict was not recorded: go on with the next one."
        )
    if first.reviewer_id == reviewer_id:
        raise SecondReviewRefused(
            "You were this finding's first reviewer and your verdict was not recorded: leave it to a colleague."
        )


def _employee_of(database: Database, still_id: int) -> int:
    """The employee whose still it is; registered where the hourly summary has not come to it yet."""
    with database.read() as connection:
        row = connection.execute(select(StreamImage.lan_id).where(StreamImage.id == still_id)).one_or_none()
    if row is None:
        raise FindingChanged
    return next(iter(employee_ids(database, [row.lan_id]).values()))
