"""Writes down who did or looked at what. A look is written down before the picture is answered."""

from typing import Any

from starlette.requests import Request

from biosense_pipeline.codes import Action
from biosense_pipeline.desk.visitor import current_visitor
from biosense_pipeline.store.users.audit import AuditRecord, write_audit


def record(request: Request, action: Action, **values: Any) -> None:
    """Add a row with what :func:`entry` takes; from async handlers, through ``run_in_threadpool``."""
    write_audit(request.app.state.database, entry(request, action, **values))


def entry(
    request: Request,
    action: Action,
    *,
    subject_kind: str | None = None,
    subject_id: int | None = None,
    employee_id: int | None = None,
    detail: dict[str, Any] | None = None,
    user_id: int | None = None,
    user_name: str | None = None,
) -> AuditRecord:
    """A row for the change that it tells of to write in its own transaction.

    Args:
        subject_kind: STREAM, TRAINING, INCIDENT or USER.
        employee_id: whose face or decision it is.
        detail: what JSON can hold, by name.
        user_id, user_name: who it is, where nobody is signed in: at a sign-in, or an attempt at one.
    """
    visitor = current_visitor(request)
    return AuditRecord(
        at=request.app.state.utc_now(),
        action=action,
        user_id=visitor.user_id if visitor else user_id,
        user_name=visitor.name if visitor else user_name,
        address=address_of(request),
        subject_kind=subject_kind,
        subject_id=subject_id,
        employee_id=employee_id,
        detail=detail,
    )


def address_of(request: Request) -> str:
    """The browser's address, as the server knows it."""
    return request.client.host if request.client else ""
