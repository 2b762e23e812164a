"""Calibrations as they are stored: written as candidates, activated, and found again by what decides stills."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update
from sqlalchemy.orm import aliased

from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.tables.pipeline import AgentThreshold, Employee, MatchCalibration


@dataclass(frozen=True)
class Candidate:
    """A calibration to be stored; the fields are the columns of ``match_calibration``."""

    model_id: str
    parameters: dict[str, Any] | None
    target_fmr: float
    tolerance: float | None
    figures: dict[str, Any]
    material: dict[str, Any]
    confirmed: bool
    window_start: datetime | None
    window_end: datetime | None
    compared_with: int | None
    objections: list[str]


@dataclass(frozen=True)
class OwnTolerance:
    """An agent's row of ``agent_threshold``; people are employee ids."""

    employee_id: int
    tolerance: float
    fmr: float
    fnmr: float | None
    fleet_fmr: float
    nearest_employee_id: int
    nearest_distance: float
    reaches_target: bool


@dataclass(frozen=True)
class Separability:
    """Whether an agent can be kept apart from the nearest colleague, both by LAN id; as in ``agent_threshold``."""

    lan_id: str
    nearest_lan_id: str
    tolerance: float
    fmr: float
    fnmr: float | None
    nearest_distance: float
    reaches_target: bool = False


@dataclass(frozen=True)
class StoredCalibration:
    """A calibration that may decide stills: its LLR's parameters, its tolerance and the agents' own."""

    id: int
    parameters: dict[str, Any]
    tolerance: float
    target_fmr: float
    own_tolerances: dict[str, float] = field(default_factory=dict)


def calibration_in_force(database: Database, model_id: str) -> StoredCalibration | None:
    """The calibration of the model that was activated last; its own tolerances by :func:`agent_key`."""
    with database.read() as connection:
        row = connection.execute(_in_force(model_id)).first()
        if row is None:
            return None
        own = connection.execute(
            select(Employee.lan_id, AgentThreshold.tolerance)
            .join(AgentThreshold, AgentThreshold.employee_id == Employee.id)
            .where(AgentThreshold.calibration_id == row.id)
        ).all()
    return StoredCalibration(
        row.id,
        row.parameters,
        row.tolerance,
        row.target_fmr,
        {agent_key(lan_id): tolerance for lan_id, tolerance in own},
    )


def figures_in_force(database: Database, model_id: str) -> dict[str, Any] | None:
    """Error rates of the calibration in force, on people it was not fitted to; None where there is none."""
    with database.read() as connection:
        row = connection.execute(_in_force(model_id)).first()
    return None if row is None else dict(row.figures)


def newest_calibration(database: Database, model_id: str) -> int | None:
    """The calibration of the model that was stored last, whether it took effect or not."""
    with database.read() as connection:
        return connection.execute(
            select(func.max(MatchCalibration.id)).where(MatchCalibration.model_id == model_id)
        ).scalar_one()


def not_separable(database: Database, calibration_id: int) -> list[Separability]:
    """The agents whom no tolerance of the calibration keeps apart from a colleague, the worst first."""
    nearest = aliased(Employee)
    with database.read() as connection:
        rows = connection.execute(
            select(Employee.lan_id, nearest.lan_id.label("nearest_lan_id"), AgentThreshold.__table__)
            .join(AgentThreshold, AgentThreshold.employee_id == Employee.id)
            .join(nearest, nearest.id == AgentThreshold.nearest_employee_id)
            .where(AgentThreshold.calibration_id == calibration_id, AgentThreshold.reaches_target.is_(False))
            .order_by(AgentThreshold.fmr.desc(), Employee.lan_id)
        ).all()
    return [
        Separability(row.lan_id, row.nearest_lan_id, row.tolerance, row.fmr, row.fnmr, row.nearest_distance)
        for row in rows
    ]


def store_candidate(
    database: Database, candidate: Candidate, own_tolerances: Sequence[OwnTolerance], run_id: str | None
) -> int:
    """Store a calibration that does not take effect yet; returns its id."""

    def write(connection: Connection) -> int:
        key = connection.execute(
            insert(MatchCalibration).values(**vars(candidate), run_id=run_id, created=utc_now(connection))
        ).inserted_primary_key
        assert key is not None
        if own_tolerances:
            connection.execute(
                insert(AgentThreshold), [{"calibration_id": key[0], **vars(own)} for own in own_tolerances]
            )
        return int(key[0])

    return database.write(write)


def activate(database: Database, calibration_id: int) -> list[str]:
    """Let a stored calibration take effect, if nothing speaks against it; returns what does.

    It was found no worse than one certain other: where a third has taken effect meanwhile, that says
    nothing. Both are looked at in the transaction that activates.
    """

    def write(connection: Connection) -> list[str]:
        row = connection.execute(
            select(MatchCalibration).where(MatchCalibration.id == calibration_id).with_for_update()
        ).first()
        if row is None:
            return [f"Calibration {calibration_id} is not there any more."]
        if row.activated is not None or row.objections:
            return list(row.objections)
        other = connection.execute(_in_force(row.model_id).with_for_update()).first()
        if (other.id if other else None) != row.compared_with:
            return [f"Calibration {other.id if other else 'none'} has taken effect meanwhile: calibrate again."]
        connection.execute(
            update(MatchCalibration).where(MatchCalibration.id == calibration_id).values(activated=utc_now(connection))
        )
        return []

    # Locks of rows cannot keep two apart that each find none in force.
    with database.exclusive("activate_calibration", "Another calibration takes effect"):
        return database.write(write)


def _in_force(model_id: str) -> Select[Any]:
    return (
        select(MatchCalibration.__table__)
        .where(MatchCalibration.model_id == model_id, MatchCalibration.activated.is_not(None))
        .order_by(MatchCalibration.activated.desc(), MatchCalibration.id.desc())
        .limit(1)
    )
