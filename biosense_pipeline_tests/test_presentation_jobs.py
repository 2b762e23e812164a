"""Motion, impersonation and incidents through the real jobs: figures, checks, and live days equal to backfills."""

from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import dagster as dg
import numpy as np
import pytest
from sqlalchemy import Connection, delete, insert, select, update

from biosense_pipeline.automation.presentation import impersonation_schedule, motion_schedule
from biosense_pipeline.codes import StillResult, Verdict
from biosense_pipeline.runs.states import range_tags
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.review.verdicts import record_review
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline.store.tables.desk import DeskUser
from biosense_pipeline.store.tables.evidence import (
    ImpersonationFinding,
    ImpersonationProgress,
    MotionWindow,
    PresentationEvidence,
)
from biosense_pipeline.store.tables.incidents import AgentIdentityState, Incident
from biosense_pipeline.vision.presentation.features import FEATURES_ID, LENGTH
from biosense_pipeline_tests.alerting import enter_incident
from biosense_pipeline_tests.conftest import HOUR
from biosense_pipeline_tests.dagster_runs import KEY, checks_of, metadata_of, passed, requested, run_job
from biosense_pipeline_tests.incident_days import incidents_of, set_results
from biosense_pipeline_tests.store.rows import OTHER
from biosense_pipeline_tests.workflows.evidence_rows import (
    STEP,
    Scene,
    employee_of,
    enter_scene,
    frozen_at,
    motionless,
    person,
    remove_evidence,
)

NEXT_KEY = "2026-03-02-10:00"
MINUTE, ONE_HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Columns that tell which analysis wrote a row, and when.
_OF_THE_RUN = {"id", "run_id", "created", "updated"}
#: How the decision for an incident follows, as far as it matters here.
_NO_STEPS = {"bound": 9.0, "left_out": 0, "steps": []}


def test_hour_of_motion(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """motion_job leaves a window for every ten minutes of each agent, and tells outcomes and who was static."""
    enter_scene(settings_database, person(), 60)
    enter_scene(settings_database, motionless(), 70, lan_id=OTHER)
    told = metadata_of(_run(instance, "motion_job", KEY), "motion_windows")
    assert (told["dagster/row_count"], told["agents"], told["rows_changed"]) == (3, 2, 3)
    assert "| LIVE | 1 |" in told["outcomes"]
    assert "| STATIC | 1 |" in told["outcomes"]
    assert told["static"].count("EU\\\\abc1234 | 09:00 | 60 | 60") == 1
    assert told["by_agent"].startswith("![")
    assert told["recognised_stills"] == {"results": {"SUCCESS": 130}, "evidence": 130, "summed_up": None, "over": True}
    again = metadata_of(_run(instance, "motion_job", KEY), "motion_windows")
    assert again["rows_changed"] == 0


def test_hour_of_impersonation(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """impersonation_job tells coverage, findings and incidents of its hour, with tables and plots; nobody's face."""
    enter_scene(settings_database, frozen_at(person(), 30, 60), 90)
    ids = enter_scene(settings_database, person(2), 90, lan_id=OTHER)
    set_results(settings_database, ids[40:60], StillResult.UNKNOWN_PERSON)
    result = _run(instance, "impersonation_job", KEY)
    evidence, found = metadata_of(result, "presentation_evidence"), metadata_of(result, "impersonation_findings")
    assert (evidence["dagster/row_count"], evidence["one_face"], evidence["usable"]) == (180, 180, 0)
    assert (found["begun"], found["stills"]) == (1, 180)
    assert "| FROZEN | 1 |" in found["species"]
    assert "| SCREEN |" in found["not_judged"]
    told = metadata_of(result, "incidents")
    assert (told["opened"], told["open_at_the_end"], told["rows_entered"]) == (2, 0, 2)
    assert {row["species"] for row in incidents_of(settings_database)} == {"FROZEN", "UNKNOWN_PERSON"}
    assert "EU\\\\abc1234 | UNKNOWN\\_PERSON" in told["incidents"]
    for entry in (evidence["coverage"], found["evidence_over_time"], told["evidence_over_time"]):
        assert entry.startswith("![")
        assert len(entry) < 41_000
    # These stills have features of no release; how much of that is missing is another test's matter.
    assert passed(result) == {"evidence_covers_stills": False, "false_alarms_within_budget": True}


def test_empty_hour(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """An hour without stills is materialised with nothing in it, and its checks pass."""
    result = _run(instance, "impersonation_job", KEY)
    assert metadata_of(result, "incidents")["dagster/row_count"] == 0
    assert metadata_of(result, "impersonation_findings")["evidence_over_time"] == "nothing to draw"
    assert set(passed(result).values()) == {True}
    assert metadata_of(_run(instance, "motion_job", KEY), "motion_windows")["by_agent"] == "nothing to draw"


def test_what_goes_on_is_shown_in_each_hour(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """A run over a range tells each hour by itself, and in the second what began in the first and still lasts."""
    enter_scene(settings_database, frozen_at(person(), 20), 60, start=HOUR + 55 * MINUTE)
    result = _run(instance, "impersonation_job", tags=range_tags(KEY, NEXT_KEY))
    found = [metadata_of(result, "impersonation_findings", key) for key in (KEY, NEXT_KEY)]
    assert [(told["begun"], told["dagster/row_count"]) for told in found] == [(1, 1), (0, 1)]
    assert [metadata_of(result, "incidents", key)["opened"] for key in (KEY, NEXT_KEY)] == [1, 0]
    assert [metadata_of(result, "incidents", key)["open_at_the_end"] for key in (KEY, NEXT_KEY)] == [1, 1]
    assert [metadata_of(result, "incidents", key)["stills"] for key in (KEY, NEXT_KEY)] == [30, 30]


@pytest.mark.slow
def test_live_is_backfill(settings_database: Database, local_instance: dg.DagsterInstance) -> None:
    """Over the change of an hour the schedules' own runs, every few minutes, leave the rows of a backfill."""
    begin, given, number = HOUR + 45 * MINUTE, 0, 180
    scenes = {"NA\\vep5898": frozen_at(person(), 60, 110), OTHER: person(2), "NA\\still": motionless(3)}
    runs = 0
    # What is captured before a tick is recognised by then; ticks come every four minutes and at full tens.
    for minute in range(1, 36):
        now = begin + minute * MINUTE
        if minute % 4 and now.minute % 10:
            continue
        upto = min(number, int((now - begin) / STEP))
        for lan_id, scene in scenes.items():
            ids = enter_scene(
                settings_database,
                scene,
                upto - given,
                start=begin + given * STEP,
                lan_id=lan_id,
                numbers=range(given, upto),
            )
            strangers = [still for at, still in enumerate(ids, given) if lan_id == OTHER and 70 <= at < 100]
            set_results(settings_database, strangers, StillResult.UNKNOWN_PERSON)
        given = upto
        schedules = [(impersonation_schedule, "impersonation_job")]
        schedules += [(motion_schedule, "motion_job")] if now.minute % 10 == 0 else []
        for schedule, job in schedules:
            for request in requested(local_instance, schedule, now.replace(tzinfo=UTC)):
                _run(local_instance, job, tags=dict(request.tags))
                runs += 1
    live = _rows(settings_database)
    assert given == number
    assert runs > 10
    assert {row["species"] for row in live["incident"]} == {"FROZEN", "UNKNOWN_PERSON"}
    assert {row["outcome"] for row in live["motion_window"]} == {"LIVE", "STATIC"}
    # Who does not move is accused of nothing.
    assert employee_of(settings_database, "NA\\still") not in {row["employee_id"] for row in live["incident"]}
    _forget(settings_database)
    for job in ("motion_job", "impersonation_job"):
        _run(local_instance, job, tags=range_tags(KEY, NEXT_KEY))
    assert _rows(settings_database) == live


def test_evidence_check_sees_what_is_missing(settings_database: Database, instance: dg.DagsterInstance) -> None:
    """It fails where more than a twentieth of the stills with one face has no evidence, or that of other features."""
    ids = enter_scene(settings_database, _featured(person()), 100)
    remove_evidence(settings_database, ids[:5])
    assert passed(_run(instance, "impersonation_job", KEY))["evidence_covers_stills"]
    remove_evidence(settings_database, ids[5:6])
    result = _run(instance, "impersonation_job", KEY)
    assert not passed(result)["evidence_covers_stills"]
    assert metadata_of(result, "presentation_evidence")["usable_share"] == "94.0%"
    # Neither count with stills that show nobody, or several.
    set_results(settings_database, ids[:6], StillResult.NO_FACES_FOUND)
    assert passed(_run(instance, "impersonation_job", KEY))["evidence_covers_stills"]
    other = update(PresentationEvidence).where(PresentationEvidence.stream_image_id.in_(ids[6:12]))
    settings_database.write(lambda connection: connection.execute(other.values(features_id="of another release")))
    assert not passed(_run(instance, "impersonation_job", KEY))["evidence_covers_stills"]


def test_budget_check(settings_database: Database, instance: dg.DagsterInstance, use_settings: Any) -> None:
    """Too many incidents for the stills seen fail it, unless reviewers confirmed them or there are too few stills."""
    use_settings(incident_stills_per_day=1)
    ids = enter_scene(settings_database, person(), 31)
    summarise(settings_database, HOUR, HOUR + ONE_HOUR)
    # At one tolerated in a month, five are more than chance explains.
    for number in range(5):
        enter_incident(
            settings_database,
            employee_of(settings_database),
            HOUR - timedelta(days=1, seconds=number),
            HOUR,
            first_still_id=ids[number],
            last_still_id=ids[number],
            species="UNKNOWN_PERSON",
            steps=_NO_STEPS,
        )
    assert not passed(_run(instance, "impersonation_job", KEY))["false_alarms_within_budget"]
    _review(settings_database, ids[0], Verdict.FALSE_ALARM)
    assert not passed(_run(instance, "impersonation_job", KEY))["false_alarms_within_budget"]
    _review(settings_database, ids[1], Verdict.CORRECT)
    result = _run(instance, "impersonation_job", KEY)
    assert passed(result)["false_alarms_within_budget"]
    numbers = checks_of(result)["false_alarms_within_budget"].metadata
    assert [numbers[name].value for name in ("incidents", "confirmed", "false_alarms", "not_reviewed")] == [5, 1, 1, 3]
    assert (numbers["tolerated"].value, numbers["most_by_chance"].value) == (1.03, 4)
    sixth = HOUR - timedelta(days=2)
    enter_incident(settings_database, employee_of(settings_database), sixth, sixth + MINUTE, steps=_NO_STEPS)
    assert not passed(_run(instance, "impersonation_job", KEY))["false_alarms_within_budget"]
    # Of less than a month of one agent's stills nothing can be told.
    use_settings(incident_stills_per_day=2)
    assert passed(_run(instance, "impersonation_job", KEY))["false_alarms_within_budget"]


def _featured(scene: Scene) -> Scene:
    """The scene with features as they are in force, the same in every still."""
    numbers = np.zeros(LENGTH, dtype=np.float32)

    def show(number: int) -> Any:
        evidence = scene(number)
        return replace(
            evidence, face=evidence.face and replace(evidence.face, features=numbers, features_id=FEATURES_ID)
        )

    return show


def _review(database: Database, still_id: int, verdict: Verdict) -> None:
    with database.read() as connection:
        reviewer = connection.execute(select(DeskUser.id)).scalar()
    if reviewer is None:
        user = insert(DeskUser).values(id=1, name="a", password_hash="-", role="admin", created=HOUR)
        database.write(lambda connection: connection.execute(user))
    set_results(database, [still_id], StillResult.UNKNOWN_PERSON)
    record_review(
        database,
        still_id=still_id,
        round_=1,
        result=StillResult.UNKNOWN_PERSON,
        verdict=verdict,
        note=None,
        reviewer_id=1,
    )


def _rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All that the analyses wrote, without what tells of the run; nothing withdrawn is among it."""
    found = {}
    with database.read() as connection:
        for table in (MotionWindow, ImpersonationFinding, Incident, AgentIdentityState):
            rows = [dict(row._mapping) for row in connection.execute(select(table.__table__))]
            kept = [{name: value for name, value in row.items() if name not in _OF_THE_RUN} for row in rows]
            found[str(table.__tablename__)] = sorted(kept, key=str)
    assert all(row["withdrawn"] is None for row in found["incident"])
    return found


def _forget(database: Database) -> None:
    """Remove all that the analyses wrote."""

    def remove(connection: Connection) -> None:
        for table in (MotionWindow, ImpersonationFinding, ImpersonationProgress, Incident, AgentIdentityState):
            connection.execute(delete(table))

    database.write(remove)


def _run(instance: dg.DagsterInstance, job: str, key: str | None = None, **options: Any) -> dg.ExecuteInProcessResult:
    return run_job(instance, job, partition_key=key, **options)
