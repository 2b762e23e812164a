"""Pictures of agents: for roles that may see them, made anew, and each look written down before it is answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import anyio.to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from biosense_pipeline.codes import Action, ImageKind
from biosense_pipeline.desk.audit import record
from biosense_pipeline.desk.imaging import LARGEST_SIDE, as_shown
from biosense_pipeline.desk.pages.query import id_in_path
from biosense_pipeline.desk.visitor import visitor_of
from biosense_pipeline.store.agents.visible import agent_by_lan_id
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import lan_ids_of
from biosense_pipeline.store.stills.face_boxes import Box, boxes_in_training_image, faces_in_still
from biosense_pipeline.store.stills.pictures import pictures
from biosense_pipeline.store.stills.results import read_results
from biosense_pipeline.store.tables.pipeline import StreamImage, TrainingImage
from biosense_pipeline.store.views.timeline import one_still
from biosense_pipeline.workflows.workbench import engine_spec


@dataclass(frozen=True)
class _Source:
    """Where pictures of one kind stand, whose they are and where their faces are."""

    kind: ImageKind
    table: type[StreamImage] | type[TrainingImage]
    lan_ids: Callable[[Database, int], list[str | None]]
    boxes: Callable[[Database, int, str], list[Box]]


def _boxes_in_still(database: Database, still_id: int, model_id: str) -> list[Box]:
    """Of the model whose numbers stand beside the picture; before anything was decided of the one in use."""
    still = one_still(database, still_id)
    deciding = still.numbers.model_id if still is not None and still.numbers is not None else model_id
    return [face.box for face in faces_in_still(database, still_id, deciding)]


_STILLS = _Source(
    ImageKind.STREAM,
    StreamImage,
    lambda database, still_id: [row.lan_id for row in read_results(database, [still_id])],
    _boxes_in_still,
)
_TRAINING = _Source(
    ImageKind.TRAINING,
    TrainingImage,
    lambda database, image_id: list(lan_ids_of(database, [image_id]).values()),
    boxes_in_training_image,
)


async def still(request: Request) -> Response:
    """A still."""
    return await _answer(request, _STILLS)


async def training_image(request: Request) -> Response:
    """A training image."""
    return await _answer(request, _TRAINING)


async def _answer(request: Request, source: _Source) -> Response:
    visitor_of(request)
    return await anyio.to_thread.run_sync(_picture, request, source, limiter=request.app.state.few_pictures)


def _picture(request: Request, source: _Source) -> Response:
    state, image_id = request.app.state, id_in_path(request)
    width, boxed = _width(request), request.query_params.get("box") == "1"
    employee_id = _permitted(request, source, image_id)
    record(request, Action.LOOK, subject_kind=source.kind, subject_id=image_id, employee_id=employee_id)
    boxes = source.boxes(state.database, image_id, state.model_id) if boxed else []
    stored = next(pictures(state.database, source.table, [image_id], state.settings.max_image_bytes))
    return Response(as_shown(stored.data, engine_spec(state.settings).limits, boxes, width), media_type="image/jpeg")


def _permitted(request: Request, source: _Source, image_id: int) -> int | None:
    """Whose picture it is, None for an agent who is not registered yet.

    Raises:
        HTTPException: 404, whether there is no such picture or this visitor may not see it; the attempt at
            the latter is written down.
    """
    visitor, database = visitor_of(request), request.app.state.database
    lan_ids = source.lan_ids(database, image_id)
    if not lan_ids:
        raise HTTPException(404)
    agent = agent_by_lan_id(database, lan_ids[0])
    employee_id = agent.id if agent else None
    team = visitor.agents.team
    if not visitor.sees_faces or (team is not None and (agent is None or agent.team != team)):
        record(request, Action.REFUSED, subject_kind=source.kind, subject_id=image_id, employee_id=employee_id)
        raise HTTPException(404)
    return employee_id


def _width(request: Request) -> int | None:
    given = request.query_params.get("width")
    if given is None:
        return None
    if not re.fullmatch("[0-9]{1,5}", given) or not 16 <= int(given) <= LARGEST_SIDE:
        raise HTTPException(400, f"The width of a picture is a number of pixels from 16 to {LARGEST_SIDE}.")
    return int(given)


routes = [
    Route("/pictures/still/{id}", still, name="still_picture"),
    Route("/pictures/training/{id}", training_image, name="training_picture"),
]
