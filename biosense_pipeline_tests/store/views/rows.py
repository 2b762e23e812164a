"""Agents and training images for tests of what the desk's pages read."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, update

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.agents.visible import Agent, agent_by_lan_id
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.pipeline import Employee, TrainingImage
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW

UNKNOWN = StillResult.UNKNOWN_PERSON
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
END = HOUR + timedelta(hours=1)


def agent(database: Database, lan_id: str = AGENT, **values: Any) -> Agent:
    """The agent as registered, now if not before."""
    known = agent_by_lan_id(database, lan_id)
    if known is None:
        row = insert(Employee).values(lan_id=lan_id, **values)
        database.write(lambda connection: connection.execute(row))
        known = agent_by_lan_id(database, lan_id)
    assert known is not None
    return known


def decide_training(database: Database, image_id: int, status: Status, result: str | None, minute: int) -> None:
    """Decide a training image as of that minute."""
    values = {"status": status, "result": result, "processed_time": NOW + minute * MINUTE}
    statement = update(TrainingImage).where(TrainingImage.id == image_id).values(**values)
    database.write(lambda connection: connection.execute(statement))
