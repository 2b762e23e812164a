"""Agents' training images as the desk shows them: which serves, which waits for somebody to decide."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from biosense_pipeline.codes import Status, TrainingResult
from biosense_pipeline.store.agents.spellings import own_key, spellings, spelt
from biosense_pipeline.store.agents.visible import Agent
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import SET_ASIDE
from biosense_pipeline.store.tables.pipeline import FaceEncoding, TrainingImage

#: Images of an agent that a page shows, the newest.
_MOST_SHOWN = 24


@dataclass(frozen=True)
class TrainingCard:
    """A training image without its picture.

    Attributes:
        failure: why it cannot be encoded under the model in use; None: it can, or nobody has tried.
        benchmark: stills are compared with it: it is the newest approved.
    """

    id: int
    lan_id: str | None
    capture_time: datetime | None
    status: str
    result: str | None
    processed_time: datetime | None
    failure: str | None
    benchmark: bool = False

    @property
    def waits(self) -> bool:
        """Whether it passed its checks and waits for a decision."""
        return self.status == Status.CLAIMED and self.result == TrainingResult.AWAITING_APPROVAL

    @property
    def approvable(self) -> bool:
        """Whether a person may approve it: it waits, or shows one face that failed for its quality only."""
        return self.waits or (self.status == Status.FAILED and self.result == TrainingResult.POOR)

    @property
    def failed(self) -> bool:
        """Whether it failed its check, or cannot be encoded under the model in use."""
        return self.status == Status.FAILED or self.failure is not None

    @property
    def approved(self) -> bool:
        """Whether stills may be compared with it."""
        return self.status == Status.PROCESSED

    @property
    def rejected(self) -> bool:
        """Whether a person decided against it."""
        return self.status == Status.FAILED and self.result == TrainingResult.REJECTED

    @property
    def set_aside(self) -> bool:
        """Whether it says nothing of the agent's enrolment, whatever became of it."""
        return (self.status, self.result) in SET_ASIDE


@dataclass(frozen=True)
class Enrolment:
    """What an agent can be compared with.

    Attributes:
        approved: approved images.
        waiting: images that wait for a decision.
        failed: the agent's stills fail, since the benchmark cannot be encoded, or since the newest image, but for
            those that are set aside, failed and none was approved after it.
    """

    approved: int = 0
    waiting: int = 0
    failed: bool = False


@dataclass(frozen=True)
class AgentImages:
    """An agent's training images: the newest, newest first, with the benchmark and all that wait among them."""

    cards: Sequence[TrainingCard]
    enrolment: Enrolment


def enrolments(database: Database, agents: Sequence[Agent], model_id: str) -> dict[int, Enrolment]:
    """The enrolment of some agents, a page of them, by employee id, under the model in use."""
    if not agents:
        return {}
    with database.read() as connection:
        cards = _cards_of(connection, agents, model_id)
    return {agent.id: _enrolment(cards[agent.key]) for agent in agents}


def training_images(database: Database, agent: Agent, model_id: str) -> AgentImages:
    """The agent's newest training images and what they amount to under the model in use."""
    with database.read() as connection:
        cards = _cards_of(connection, [agent], model_id)[agent.key]
    benchmark = next((card.id for card in cards if card.approved), None)
    shown = cards[:_MOST_SHOWN] + [card for card in cards[_MOST_SHOWN:] if card.id == benchmark or card.waits]
    return AgentImages([replace(card, benchmark=card.id == benchmark) for card in shown], _enrolment(cards))


def training_image(database: Database, training_image_id: int, model_id: str) -> TrainingCard | None:
    """One training image of any agent; whether it is the benchmark is not looked up."""
    with database.read() as connection:
        row = connection.execute(_cards(model_id).where(TrainingImage.id == training_image_id)).first()
    return TrainingCard(*row) if row else None


def reference(
    database: Database, agent: Agent, images: Sequence[TrainingCard], training_image_id: int | None, model_id: str
) -> tuple[TrainingCard | None, bool]:
    """What to show beside a still of the agent, and whether it was compared with that.

    Args:
        images: the agent's :func:`training_images`.
        training_image_id: what the still was compared with. Where it is not there any more the benchmark stands in.
    """
    compared = next((card for card in images if card.id == training_image_id), None)
    if compared is None and training_image_id is not None:
        older = training_image(database, training_image_id, model_id)
        compared = older if older and own_key(older.lan_id) == agent.key else None
    return compared or next((card for card in images if card.benchmark), None), compared is not None


def _cards_of(connection: Connection, agents: Sequence[Agent], model_id: str) -> dict[str, list[TrainingCard]]:
    """All training images of the agents, newest first, by the agent's key."""
    cards: dict[str, list[TrainingCard]] = defaultdict(list)
    forms = spellings(connection, TrainingImage, [agent.lan_id for agent in agents])
    theirs = spelt(TrainingImage.lan_id, [form for own in forms.values() for form in own])
    for row in connection.execute(_cards(model_id).where(theirs).order_by(TrainingImage.id.desc())):
        cards[own_key(row.lan_id)].append(TrainingCard(*row))
    return cards


def _enrolment(cards: Sequence[TrainingCard]) -> Enrolment:
    """As the pipeline chooses what to compare stills with: ``matching.benchmark.choose_reference``."""
    approved = [card for card in cards if card.approved]
    newest = next((card for card in cards if not card.set_aside), None)
    replaced = newest is not None and newest.failed and not _approved_after(approved, newest)
    failed = replaced or (bool(approved) and approved[0].failed)
    return Enrolment(len(approved), sum(card.waits for card in cards), failed)


def _approved_after(approved: Sequence[TrainingCard], failed: TrainingCard) -> bool:
    return failed.processed_time is not None and any(
        card.processed_time is not None and card.processed_time > failed.processed_time
        for card in approved
        if card.id != failed.id
    )


def _cards(model_id: str) -> Any:
    return select(
        TrainingImage.id,
        TrainingImage.lan_id,
        TrainingImage.capture_time,
        func.coalesce(TrainingImage.status, ""),
        TrainingImage.result,
        TrainingImage.processed_time,
        FaceEncoding.failure,
    ).outerjoin(
        FaceEncoding, (FaceEncoding.training_image_id == TrainingImage.id) & (FaceEncoding.model_id == model_id)
    )
