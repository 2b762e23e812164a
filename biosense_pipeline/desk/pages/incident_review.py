"""A verdict on an incident, given on its agent's page."""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from biosense_pipeline.codes import Action, Verdict
from biosense_pipeline.desk.audit import entry
from biosense_pipeline.desk.forms import field, posted
from biosense_pipeline.desk.pages.agent import agent_page
from biosense_pipeline.desk.pages.query import id_in_path
from biosense_pipeline.desk.pages.scope import decidable
from biosense_pipeline.desk.rendering import redirect_to
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.errors import WrongUse
from biosense_pipeline.store.agents.visible import agent_by_id
from biosense_pipeline.store.incidents.reviews import IncidentReviewed, NoReviewDue, record_incident_review
from biosense_pipeline.store.incidents.view import employee_of_incident

_KIND = "INCIDENT"


async def give_verdict(request: Request) -> Response:
    """Record a verdict on an incident, then show its agent again."""
    return await run_in_threadpool(_give_verdict, request, await posted(request))


def _give_verdict(request: Request, form: FormData) -> Response:
    database, incident_id = request.app.state.database, id_in_path(request)
    employee_id = employee_of_incident(database, incident_id)
    agent = None if employee_id is None else agent_by_id(database, employee_id, None)
    if agent is None:
        raise HTTPException(404)
    own = decidable(request, agent, _KIND, incident_id)
    given, round_ = field(form, "verdict"), field(form, "round")
    if given not in set(Verdict) or round_ not in ("1", "2"):
        raise HTTPException(400)
    audit = entry(
        request,
        Action.INCIDENT_VERDICT,
        subject_kind=_KIND,
        subject_id=incident_id,
        employee_id=own.id,
        detail={"round": int(round_), "verdict": given},
    )
    try:
        record_incident_review(
            database,
            incident_id=incident_id,
            round_=int(round_),
            verdict=Verdict[given],
            note=field(form, "note"),
            reviewer_id=visitor_of(request).user_id,
            now=request.app.state.local_now(),
            audit=audit,
        )
    except (IncidentReviewed, NoReviewDue) as error:
        return agent_page(request, own, refused=str(error))
    except WrongUse as error:
        return agent_page(request, own, refused=str(error), status_code=400)
    return redirect_to(request, "agent", {"judged": incident_id}, employee_id=own.id)


routes = [Route("/incidents/{id}", give_verdict, methods=["POST"], name="incident_verdict")]
