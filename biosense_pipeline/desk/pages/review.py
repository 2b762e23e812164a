"""The review queue: one finding at a time, the still beside the benchmark, and a verdict on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from biosense_pipeline.codes import Action, ImageKind, Verdict
from biosense_pipeline.desk.audit import entry
from biosense_pipeline.desk.forms import field, posted
from biosense_pipeline.desk.pages.query import as_place, id_in_path, place, text_of, whole_number
from biosense_pipeline.desk.pages.scope import decidable_agent
from biosense_pipeline.desk.rendering import redirect_to, render, words
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.agents.visible import Agent
from biosense_pipeline.store.enrolment.view import TrainingCard, reference, training_images
from biosense_pipeline.store.review.verdicts import (
    LONGEST_NOTE,
    AlreadyReviewed,
    FindingChanged,
    QueueItem,
    QueuePosition,
    SecondReviewRefused,
    record_review,
    review_queue,
    reviews_of,
)
from biosense_pipeline.store.views.timeline import one_still

#: Findings that are fetched at a time and listed beside the one that is shown.
A_BATCH = 20
#: The key of each verdict on the keyboard. Their buttons look alike, so that none suggests itself.
_BUTTONS = ((Verdict.CORRECT, "c"), (Verdict.FALSE_ALARM, "f"), (Verdict.NOT_SURE, "n"))


@dataclass(frozen=True)
class Batch:
    """Some findings in the order of the queue, and which of them is shown.

    Attributes:
        start: where the batch begins, as the address has it; empty: at the newest finding.
        shown: the position of ``item`` among ``findings``.
    """

    start: str
    findings: Sequence[QueueItem]
    shown: int

    @property
    def item(self) -> QueueItem | None:
        """The finding that is shown; None: there is none."""
        return self.findings[self.shown] if self.findings else None

    @property
    def next_batch(self) -> dict[str, Any] | None:
        """The address of the batch after this one; None where this one is not full."""
        if len(self.findings) < A_BATCH:
            return None
        last = self.findings[-1]
        return {"from": place(last.capture_time, last.still_id)}

    @property
    def following(self) -> dict[str, Any] | None:
        """The address of the next finding; past the last of the batch another batch begins."""
        return self._address(self.shown + 1) or self.next_batch

    @property
    def preceding(self) -> dict[str, Any] | None:
        """The address of the finding before; None for the first of the batch."""
        return self._address(self.shown - 1)

    def _address(self, number: int) -> dict[str, Any] | None:
        if not 0 <= number < len(self.findings):
            return None
        return {"from": self.start or None, "still": self.findings[number].still_id}


def review(request: Request) -> Response:
    """The page; ``?from=`` tells where the batch begins, ``?still=`` which of its findings is shown."""
    visitor_of(request)
    return _page(request, _batch(request, text_of(request, "from"), whole_number(request, "still")))


async def give_verdict(request: Request) -> Response:
    """Record a verdict, then show the next finding."""
    return await run_in_threadpool(_give_verdict, request, await posted(request))


def _give_verdict(request: Request, form: FormData) -> Response:
    database, visitor = request.app.state.database, visitor_of(request)
    still = one_still(database, id_in_path(request))
    if still is None:
        raise HTTPException(404)
    own = decidable_agent(request, ImageKind.STREAM, still.id, still.lan_id)
    given, round_ = field(form, "verdict"), field(form, "round")
    if given not in set(Verdict) or round_ not in ("1", "2"):
        raise HTTPException(400)
    result, note, start = field(form, "result"), field(form, "note"), field(form, "from")
    following = field(form, "next")
    following_id = int(following) if following.isascii() and following.isdigit() and len(following) < 19 else None
    audit = entry(
        request,
        Action.VERDICT,
        subject_kind=ImageKind.STREAM,
        subject_id=still.id,
        employee_id=own.id,
        detail={"result": result, "round": int(round_), "verdict": given},
    )
    try:
        record_review(
            database,
            still_id=still.id,
            round_=int(round_),
            result=result,
            verdict=Verdict[given],
            note=note,
            reviewer_id=visitor.user_id,
            audit=audit,
        )
    except AlreadyReviewed as error:
        said = words(error.verdict).lower()
        refused = f"Somebody reviewed this meanwhile: {error.by} said {said}. Nothing was overwritten."
        return _page(request, _batch(request, start, following_id), refused=refused, status_code=409)
    except FindingChanged as error:
        return _page(request, _batch(request, start, still.id), refused=str(error), note=note, status_code=409)
    except SecondReviewRefused as error:
        return _page(request, _batch(request, start, following_id), refused=str(error), status_code=409)
    except WrongUse as error:
        return _page(request, _batch(request, start, still.id), refused=str(error), note=note, status_code=400)
    query = {"from": start or None, "still": following_id, "done": still.id}
    return redirect_to(request, "review", query)


def _batch(request: Request, start: str, still_id: int | None) -> Batch:
    visitor = visitor_of(request)
    at = as_place(start)
    items = review_queue(
        request.app.state.database,
        team=visitor.agents.team,
        limit=A_BATCH,
        after=QueuePosition(*at) if at else None,
        reviewer_id=visitor.user_id,
    )
    shown = next((number for number, item in enumerate(items) if item.still_id == still_id), 0)
    return Batch(start if at else "", items, shown)


def _page(
    request: Request, batch: Batch, *, refused: str | None = None, note: str = "", status_code: int = 200
) -> Response:
    if not visitor_of(request).may_decide:
        return render(request, "review_list.html", {"batch": batch}, status_code)
    item = batch.item
    return render(
        request,
        "review.html",
        {
            "batch": batch,
            "item": item,
            "reference": _reference(request, item) if item else None,
            "buttons": _BUTTONS,
            "longest_note": LONGEST_NOTE,
            "refused": refused,
            "done": None if refused else _done(request),
            "note": note,
        },
        status_code,
    )


def _reference(request: Request, item: QueueItem) -> TrainingCard | None:
    """The training image that the still was compared with, or else the benchmark."""
    own = Agent(item.employee_id, item.lan_id, item.display_name, item.team, active=True)
    database, model_id = request.app.state.database, request.app.state.model_id
    images = training_images(database, own, model_id)
    return reference(database, own, images.cards, item.training_image_id, model_id)[0]


def _done(request: Request) -> int | None:
    """The still that the visitor has judged just now, if that is so."""
    still_id = whole_number(request, "done")
    if still_id is None:
        return None
    given = reviews_of(request.app.state.database, [still_id]).get(still_id, [])
    return still_id if any(review.reviewer_id == visitor_of(request).user_id for review in given) else None


routes = [
    Route("/review", review, name="review"),
    Route("/review/{id}", give_verdict, methods=["POST"], name="verdict"),
]
