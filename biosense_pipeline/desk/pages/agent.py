"""An agent: stills in order of time, one of them beside the benchmark, and the training images with what to decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from biosense_pipeline.codes import Action, ImageKind, StillResult, Verdict
from biosense_pipeline.desk.audit import entry
from biosense_pipeline.desk.forms import field, posted
from biosense_pipeline.desk.pages.query import (
    as_place,
    day_of,
    id_in_path,
    place,
    result_of,
    text_of,
    whole_number,
)
from biosense_pipeline.desk.pages.scope import agent_in_scope, decidable_agent
from biosense_pipeline.desk.rendering import redirect_to, render
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.matching.incidents.bounds import bounds
from biosense_pipeline.store.agents.spellings import own_key
from biosense_pipeline.store.agents.visible import Agent, agent_by_lan_id
from biosense_pipeline.store.calibration.calibrations import Separability, calibration_in_force, not_separable
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.approvals import (
    LONGEST_REASON,
    AlreadyDecided,
    NothingToPropose,
    approve,
    propose,
    reject,
)
from biosense_pipeline.store.enrolment.checks import checks_of
from biosense_pipeline.store.enrolment.view import (
    TrainingCard,
    reference,
    training_image,
    training_images,
)
from biosense_pipeline.store.incidents.reviews import IncidentVerdict, due_round, incident_reviews
from biosense_pipeline.store.incidents.view import incidents_of, standing_of
from biosense_pipeline.store.review.verdicts import LONGEST_NOTE, VIOLATIONS, StoredReview, reviews_of
from biosense_pipeline.store.stills.face_boxes import FaceFound, faces_in_still
from biosense_pipeline.store.stills.newest import Position
from biosense_pipeline.store.views.timeline import TimelineStill, one_still, timeline
from biosense_pipeline.workflows.incident_settings import incident_assumptions

A_PAGE = 50
#: Incidents shown, the newest ones.
MOST_INCIDENTS = 10
_DONE = {
    "approved": "Training image {image} is approved. {requeued} of the agent's stills are processed again.",
    "rejected": "Training image {image} is rejected. Other approved ones stay in force.",
    "proposed": "The still is entered as training image {image}. Its checks come next; they and an approval decide "
    "whether stills are compared with it.",
}
_NO_REASON = "A rejection needs a reason, which the agent can be told: write one and reject again."
_NOT_PROPOSED = (
    "Only a still whose finding Unknown person was called a false alarm can be proposed: review the finding first."
)


@dataclass(frozen=True)
class ShownStill:
    """The still that is shown big.

    Attributes:
        reference: the training image that it was compared with, or else the benchmark; None: there is none.
        compared: whether it was compared with ``reference``.
    """

    still: TimelineStill
    faces: Sequence[FaceFound]
    reviews: Sequence[StoredReview]
    reference: TrainingCard | None
    compared: bool
    proposable: bool


@dataclass(frozen=True)
class LookAlike:
    """A colleague from whom no tolerance separates the agent; not named where the visitor may not see him."""

    figures: Separability
    colleague: str | None


def agent(request: Request) -> Response:
    """The page of an agent; ``?still=`` shows one still big, ``?result=`` and ``?day=`` choose from the timeline."""
    return agent_page(request, agent_in_scope(request, id_in_path(request, "employee_id")))


async def approve_image(request: Request) -> Response:
    """Approve a training image."""
    await posted(request)
    return await run_in_threadpool(_approve, request)


async def reject_image(request: Request) -> Response:
    """Reject a training image, with a reason."""
    return await run_in_threadpool(_reject, request, await posted(request))


async def propose_still(request: Request) -> Response:
    """Propose a still as a training image."""
    await posted(request)
    return await run_in_threadpool(_propose, request)


def _approve(request: Request) -> Response:
    database, settings = request.app.state.database, request.app.state.settings
    card, own = _decidable_image(request)
    now: datetime = request.app.state.local_now()
    since = now - timedelta(hours=settings.requeue_hours)
    audit = entry(
        request,
        Action.APPROVE,
        subject_kind=ImageKind.TRAINING,
        subject_id=card.id,
        employee_id=own.id,
        detail={"result_before": card.result},
    )
    try:
        requeued = approve(database, card.id, processed_time=now, requeue_since=since, audit=audit)
    except AlreadyDecided as error:
        return agent_page(request, own, refused=str(error))
    return _done(request, own, "approved", card.id, requeued=requeued)


def _reject(request: Request, form: FormData) -> Response:
    card, own = _decidable_image(request)
    reason = field(form, "reason")
    if not reason:
        return agent_page(request, own, refused=_NO_REASON, status_code=400)
    audit = entry(
        request,
        Action.REJECT,
        subject_kind=ImageKind.TRAINING,
        subject_id=card.id,
        employee_id=own.id,
        detail={"reason": reason, "result_before": card.result},
    )
    now: datetime = request.app.state.local_now()
    try:
        withdraw = field(form, "withdraw") == "1"
        reject(request.app.state.database, card.id, reason, withdraw=withdraw, processed_time=now, audit=audit)
    except AlreadyDecided as error:
        return agent_page(request, own, refused=str(error))
    return _done(request, own, "rejected", card.id)


def _propose(request: Request) -> Response:
    database = request.app.state.database
    still = one_still(database, id_in_path(request))
    if still is None:
        raise HTTPException(404)
    own = decidable_agent(request, ImageKind.STREAM, still.id, still.lan_id)
    if not _proposable(still, reviews_of(database, [still.id]).get(still.id, [])):
        return agent_page(request, own, refused=_NOT_PROPOSED)
    audit = entry(request, Action.PROPOSE, subject_kind=ImageKind.STREAM, subject_id=still.id, employee_id=own.id)
    try:
        image_id = propose(database, still.id, now=request.app.state.local_now(), audit=audit)
    except NothingToPropose as error:
        return agent_page(request, own, refused=str(error))
    return _done(request, own, "proposed", image_id)


def _decidable_image(request: Request) -> tuple[TrainingCard, Agent]:
    card = training_image(request.app.state.database, id_in_path(request), request.app.state.model_id)
    if card is None:
        raise HTTPException(404)
    return card, decidable_agent(request, ImageKind.TRAINING, card.id, card.lan_id)


def _done(request: Request, own: Agent, what: str, image_id: int, **numbers: int) -> Response:
    return redirect_to(request, "agent", {"done": what, "image": image_id, **numbers}, employee_id=own.id)


def _told(request: Request, images: Sequence[TrainingCard]) -> str | None:
    """What was done just now; an address that somebody made up tells of nothing that is not so."""
    what, image = text_of(request, "done"), whole_number(request, "image")
    card = next((card for card in images if card.id == image), None)
    so = card and {"approved": card.approved, "rejected": card.rejected, "proposed": True}.get(what)
    return _DONE[what].format(image=image, requeued=whole_number(request, "requeued") or 0) if so else None


def _judged_now(request: Request, judged: Mapping[int, Sequence[IncidentVerdict]]) -> str | None:
    """That the visitor's verdict on an incident is recorded, where it is."""
    reviews = judged.get(whole_number(request, "judged") or 0, [])
    own = any(review.reviewer_id == visitor_of(request).user_id for review in reviews)
    return "Your verdict on the incident is recorded." if own else None


def agent_page(request: Request, own: Agent, *, refused: str | None = None, status_code: int = 409) -> Response:
    """The agent's page; what was refused is told on it."""
    database, visitor = request.app.state.database, visitor_of(request)
    # A form's answer shows the page as it stands, whatever was chosen before.
    query = request.query_params if request.method == "GET" else {}
    result, day = (result_of(request), day_of(request, "day")) if query else (None, None)
    at = as_place(query.get("before", ""))
    before = Position(at[0], at[1]) if at and at[0] else None
    page = timeline(database, own, result=result, day=day, before=before, limit=A_PAGE)
    images = training_images(database, own, request.app.state.model_id)
    checks = checks_of(database, [card.id for card in images.cards])
    incidents = incidents_of(database, own.id, MOST_INCIDENTS)
    judged = incident_reviews(database, [incident.id for incident in incidents])
    shown = _shown(request, own, whole_number(request, "still") if query else None, page.stills, images.cards)
    chosen = {"result": result, "day": day.isoformat() if day else None}
    return render(
        request,
        "agent.html",
        {
            "agent": own,
            "shown": shown,
            "stills": page.stills,
            "reviews": reviews_of(database, [still.id for still in page.stills]),
            "violations": VIOLATIONS,
            "looked_back_to": page.looked_back_to,
            "results": list(StillResult),
            "result": result,
            "day": day.isoformat() if day else "",
            "chosen": chosen,
            "here": {**chosen, "before": query.get("before") if before else None},
            "older": {**chosen, "before": place(page.older.capture_time, page.older.id)} if page.older else None,
            "newest": chosen if before else None,
            "images": images,
            "checks": checks,
            "look_alike": _look_alike(request, own),
            "incidents": incidents,
            "judged": judged,
            "due": {incident.id: due_round(judged.get(incident.id, []), visitor.user_id) for incident in incidents},
            "verdicts": list(Verdict),
            "longest_note": LONGEST_NOTE,
            "standing": standing_of(database, own.id),
            "bounds": bounds(incident_assumptions(request.app.state.settings)),
            "told": None if refused else _told(request, images.cards) or _judged_now(request, judged),
            "refused": refused,
            "longest_reason": LONGEST_REASON,
            "decides": visitor.may_decide,
        },
        status_code if refused else 200,
    )


def _shown(
    request: Request,
    own: Agent,
    still_id: int | None,
    stills: Sequence[TimelineStill],
    images: Sequence[TrainingCard],
) -> ShownStill | None:
    """The still asked for, or the first of the timeline.

    Raises:
        HTTPException: 404, the still asked for is not this agent's.
    """
    database: Database = request.app.state.database
    still = one_still(database, still_id) if still_id is not None else next(iter(stills), None)
    if still_id is not None and (still is None or own_key(still.lan_id) != own.key):
        raise HTTPException(404)
    if still is None:
        return None
    numbers = still.numbers
    beside, compared = reference(
        database, own, images, numbers.training_image_id if numbers else None, request.app.state.model_id
    )
    reviews = reviews_of(database, [still.id]).get(still.id, [])
    return ShownStill(
        still,
        faces_in_still(database, still.id, numbers.model_id) if numbers else [],
        reviews,
        beside,
        compared,
        _proposable(still, reviews),
    )


def _proposable(still: TimelineStill, reviews: Sequence[StoredReview]) -> bool:
    """Whether the last word on the still's finding is that it was the agent after all."""
    if still.result != StillResult.UNKNOWN_PERSON:
        return False
    verdicts = [review.verdict for review in reviews if review.result == still.result]
    return bool(verdicts) and verdicts[-1] is Verdict.FALSE_ALARM


def _look_alike(request: Request, own: Agent) -> LookAlike | None:
    state = request.app.state
    in_force: Any = calibration_in_force(state.database, state.model_id) if state.settings.use_calibration else None
    if in_force is None:
        return None
    for figures in not_separable(state.database, in_force.id):
        if own_key(figures.lan_id) == own.key:
            colleague = agent_by_lan_id(state.database, figures.nearest_lan_id)
            team = visitor_of(request).agents.team
            seen = colleague is not None and (team is None or colleague.team == team)
            return LookAlike(figures, (colleague.name or colleague.lan_id) if colleague and seen else None)
    return None


routes = [
    Route("/agents/{employee_id}", agent, name="agent"),
    Route("/training/{id}/approve", approve_image, methods=["POST"], name="approve"),
    Route("/training/{id}/reject", reject_image, methods=["POST"], name="reject"),
    Route("/stills/{id}/propose", propose_still, methods=["POST"], name="propose"),
]
