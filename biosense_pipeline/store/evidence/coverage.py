"""How much of what recognition saw it kept evidence of, by agent, and how many agents have a baseline."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, case, func, null, select

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.evidence import PresentationBaseline, PresentationEvidence
from biosense_pipeline.store.tables.pipeline import StreamImage

#: Results of stills with exactly one face: those that windows are judged by.
_ONE_FACE = (StillResult.SUCCESS, StillResult.UNKNOWN_PERSON)


@dataclass(frozen=True)
class AgentCoverage:
    """An agent's processed stills of some time.

    Attributes:
        lan_id: in one of its spellings.
        with_evidence: of all ``processed``.
        usable: of those with ``one_face``: evidence with the features in force is there.
    """

    lan_id: str
    processed: int
    with_evidence: int
    one_face: int
    usable: int

    @property
    def missing(self) -> int:
        """Stills with one face that no window can be judged by."""
        return self.one_face - self.usable


def evidence_coverage(database: Database, start: datetime, end: datetime, features_id: str) -> list[AgentCoverage]:
    """The coverage of stills captured in ``[start, end)`` (naive local), by agent, those who lack most first.

    Args:
        features_id: of the features in force; others cannot be compared with these.
    """
    # The result tells how many faces there were; the row itself would have to be read for their number.
    one_face = StreamImage.result.in_(_ONE_FACE)
    usable = and_(one_face, PresentationEvidence.features_id == features_id)
    statement = (
        select(
            StreamImage.lan_id,
            func.count().label("processed"),
            func.count(PresentationEvidence.stream_image_id).label("with_evidence"),
            func.sum(case((one_face, 1), else_=0)).label("one_face"),
            func.sum(case((usable, 1), else_=0)).label("usable"),
        )
        .outerjoin(PresentationEvidence, PresentationEvidence.stream_image_id == StreamImage.id)
        .where(
            StreamImage.capture_time >= start, StreamImage.capture_time < end, StreamImage.status == Status.PROCESSED
        )
        .group_by(StreamImage.lan_id)
    )
    spelt: dict[str, list[tuple[str, list[int]]]] = defaultdict(list)
    with database.read() as connection:
        for lan_id, *counts in connection.execute(statement):
            spelt[agent_key(lan_id)].append((lan_id or "", [int(count) for count in counts]))
    agents = [
        AgentCoverage(forms[0][0], *map(sum, zip(*(counts for _, counts in forms), strict=True)))
        for forms in spelt.values()
    ]
    return sorted(agents, key=lambda agent: (-agent.missing, agent.lan_id))


def count_evidence(database: Database, start: datetime, end: datetime) -> int:
    """How many stills captured in ``[start, end)`` (naive local) have evidence."""
    time = PresentationEvidence.capture_time
    with database.read() as connection:
        return connection.execute(select(func.count(time)).where(time >= start, time < end)).scalar_one()


def baselines_of_day(database: Database, day: date) -> tuple[int, int]:
    """How many agents are judged by a baseline of their own on that day, and how many had too few stills for one."""
    own = PresentationBaseline.parameters.is_not(null())
    with database.read() as connection:
        counts = connection.execute(
            select(func.count().label("all"), func.coalesce(func.sum(case((own, 1), else_=0)), 0).label("own")).where(
                PresentationBaseline.day == day
            )
        ).one()
    return int(counts.own), int(counts.all) - int(counts.own)
