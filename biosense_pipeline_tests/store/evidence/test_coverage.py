"""Of how many stills there is evidence, by agent."""

from datetime import timedelta

from sqlalchemy import delete

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.evidence.baselines import StoredBaseline, write_baseline
from biosense_pipeline.store.evidence.coverage import AgentCoverage, baselines_of_day, evidence_coverage
from biosense_pipeline.store.tables.evidence import PresentationEvidence
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.store.rows import AGENT, OTHER, change, enter_finished
from biosense_pipeline_tests.workflows.evidence_rows import employee_of, enter_scene, person

ONE_HOUR = timedelta(hours=1)


def test_counts_by_agent_worst_first(database: Database) -> None:
    """Processed stills, those with evidence, those with one face, those usable; spellings are one agent."""
    complete = enter_scene(database, person(), 4, lan_id=OTHER)
    ids = enter_scene(database, person(), 6)
    gone = delete(PresentationEvidence).where(PresentationEvidence.stream_image_id.in_(ids[:2]))
    database.write(lambda connection: connection.execute(gone))
    change(database, ids[4:5], result=StillResult.NO_FACES_FOUND)
    enter_finished(database, AGENT.upper(), HOUR, StillResult.UNKNOWN_PERSON)
    enter_finished(database, AGENT, HOUR, StillResult.UNREADABLE_IMAGE, Status.FAILED)
    enter_finished(database, AGENT, HOUR + ONE_HOUR)
    enter_finished(database, OTHER, HOUR - timedelta(seconds=1))
    worst, best = evidence_coverage(database, HOUR, HOUR + ONE_HOUR, "none")
    assert worst.lan_id.lower() == AGENT.lower()
    assert (worst.processed, worst.with_evidence, worst.one_face, worst.usable, worst.missing) == (7, 4, 6, 3, 3)
    assert best == AgentCoverage(OTHER, 4, 4, 4, 4)
    assert len(complete) == 4


def test_other_features_are_of_no_use(database: Database) -> None:
    """Evidence whose features are laid out otherwise counts as evidence, and windows cannot be judged by it."""
    enter_scene(database, person(), 3)
    (agent,) = evidence_coverage(database, HOUR, HOUR + ONE_HOUR, "another release")
    assert (agent.with_evidence, agent.one_face, agent.usable) == (3, 3, 0)


def test_baselines_of_a_day(database: Database) -> None:
    """Those with parameters are the agents' own; where there were too few stills there are none."""
    agents = [employee_of(database, lan_id) for lan_id in (AGENT, OTHER, "NA\\third")]
    for agent, parameters in zip(agents, ({"stills": 30}, None, None), strict=True):
        write_baseline(database, agent, HOUR.date(), StoredBaseline("none", 30, 1, parameters))
    assert baselines_of_day(database, HOUR.date()) == (1, 2)
    assert baselines_of_day(database, HOUR.date() + timedelta(days=1)) == (0, 0)


def test_hour_without_stills(database: Database) -> None:
    """Nobody is listed."""
    assert evidence_coverage(database, HOUR, HOUR + ONE_HOUR, "none") == []
