"""Training images: the newest, the benchmark and the references, and what still has to be examined."""

from dataclasses import replace

import numpy as np
import pytest

from biosense_pipeline.codes import Process, Status, TrainingResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import (
    MOST_REFERENCES,
    TrainingState,
    benchmark_counts,
    enrolled_faces,
    lan_ids_of,
    training_states,
    unchecked_ids,
    unencoded_benchmark_ids,
    unmeasured_ids,
)
from biosense_pipeline_tests.store.enrolment.examined import ONE_FACE, record, verdict_on
from biosense_pipeline_tests.store.rows import AGENT, MODEL, OTHER, enter_training, fetch, set_training

STATUS_OF = {TrainingResult.AWAITING_APPROVAL: Status.CLAIMED, TrainingResult.REJECTED: Status.FAILED}


def test_newest_and_benchmark_are_told_apart(database: Database) -> None:
    """The newest image has any status, the benchmark is the newest approved one."""
    approved = enter_training(database, AGENT, AGENT, status=Status.PROCESSED)
    failed = enter_training(database, AGENT, status=Status.FAILED)
    state = training_states(database, [AGENT], MODEL)["na\\vep5898"]
    assert state.newest is not None
    assert state.benchmark is not None
    assert (state.newest.id, state.newest.status) == (failed[0], "F")
    assert (state.benchmark.id, state.benchmark.status) == (approved[1], "Y")


def test_approved_newest_is_the_benchmark(database: Database) -> None:
    """Where the newest image is approved, it is both."""
    ids = enter_training(database, AGENT, status=Status.FAILED)
    ids += enter_training(database, AGENT, status=Status.PROCESSED)
    state = training_states(database, [AGENT], MODEL)["na\\vep5898"]
    assert state.newest == state.benchmark
    assert state.newest is not None
    assert state.newest.id == ids[1]


def test_agent_without_approval_has_no_benchmark(database: Database) -> None:
    """Images that wait or failed are no benchmark; an agent without any image has no state."""
    enter_training(database, AGENT)
    states = training_states(database, [AGENT, OTHER, ""], MODEL)
    assert states.keys() == {"na\\vep5898"}
    assert states["na\\vep5898"].benchmark is None


def test_states_ignore_the_spelling(database: Database) -> None:
    """An agent's images are found whichever way the LAN id is written, and the newest of all spellings counts."""
    ids = enter_training(database, "NA\\VEP5898", "na\\vep5898", "Na\\Vep5898 ", status=Status.PROCESSED)
    states = training_states(database, ["na\\VEP5898"], MODEL)
    assert states.keys() == {"na\\vep5898"}
    newest = states["na\\vep5898"].newest
    assert newest is not None
    assert newest.id == ids[-1]
    assert [row.id for row in states["na\\vep5898"].approved] == ids[::-1]
    assert benchmark_counts(database, MODEL) == {"agents": 1, "benchmarks": 3, "encoded": 0, "failed": 0}
    assert unencoded_benchmark_ids(database, MODEL) == ids


def test_names_that_differ_in_an_accent_are_two_agents(database: Database) -> None:
    """René is not Rene, also where the column's collation takes them for equal."""
    ids = enter_training(database, "NA\\rené", "NA\\rene", status=Status.PROCESSED)
    states = training_states(database, ["NA\\rené", "NA\\rene"], MODEL)
    found = {key: state.benchmark.id for key, state in states.items() if state.benchmark}
    assert found == {"na\\rené": ids[0], "na\\rene": ids[1]}
    assert unencoded_benchmark_ids(database, MODEL) == ids


def test_images_without_a_name_are_nobodys(database: Database) -> None:
    """A training image with an empty LAN id is not the reference of stills without one."""
    enter_training(database, "", "  ", status=Status.PROCESSED)
    assert training_states(database, ["", "  "], MODEL) == {}


def test_unchecked_images_come_oldest_first(database: Database) -> None:
    """Images that wait for their check are named oldest first, checked ones are not."""
    waiting = enter_training(database, AGENT, OTHER)
    enter_training(database, AGENT, status=Status.FAILED)
    assert unchecked_ids(database) == waiting
    assert lan_ids_of(database, waiting) == dict(zip(waiting, (AGENT, OTHER), strict=True))


def test_only_references_need_an_encoding(database: Database) -> None:
    """Of several approved images the newest five are encoded, once under each model, failures included."""
    ids = enter_training(database, *[AGENT] * (MOST_REFERENCES + 2), OTHER, status=Status.PROCESSED)
    assert unencoded_benchmark_ids(database, MODEL) == ids[2:]
    found = [verdict_on(image_id) for image_id in ids[3:-1]]
    record(database, Process.BENCHMARK_ENCODING, *found, verdict_on(ids[-1], result=TrainingResult.NO_FACE))
    assert unencoded_benchmark_ids(database, MODEL) == [ids[2]]
    assert unencoded_benchmark_ids(database, "model-b") == ids[2:]
    assert benchmark_counts(database, MODEL) == {"agents": 2, "benchmarks": 6, "encoded": 4, "failed": 1}


def test_references_are_the_five_newest_approved(database: Database) -> None:
    """Up to five approved images come newest first, whatever lies between them."""
    ids = enter_training(database, AGENT, AGENT, AGENT, AGENT, status=Status.PROCESSED)
    enter_training(database, AGENT, status=Status.FAILED)
    ids += enter_training(database, "na\\VEP5898", AGENT, status=Status.PROCESSED)
    enter_training(database, AGENT)
    state = training_states(database, [AGENT], MODEL)[agent_key(AGENT)]
    assert [row.id for row in state.approved] == ids[:0:-1]
    assert state.benchmark == state.approved[0]


@pytest.mark.parametrize("result", [TrainingResult.AWAITING_APPROVAL, TrainingResult.REJECTED])
def test_what_waits_or_was_rejected_is_passed_over(database: Database, result: TrainingResult) -> None:
    """The newest image is the newest of those that nobody has to decide on or has decided against."""
    approved = enter_training(database, AGENT, status=Status.PROCESSED)
    failed = enter_training(database, AGENT, status=Status.FAILED)
    waiting = enter_training(database, AGENT, OTHER)
    set_training(database, waiting, status=STATUS_OF[result], result=result)
    states = training_states(database, [AGENT, OTHER], MODEL)
    state = states[agent_key(AGENT)]
    assert state.newest is not None
    assert ([state.newest.id], [row.id for row in state.approved]) == (failed, approved)
    assert states[agent_key(OTHER)] == TrainingState()
    # Sent back to its check by hand, it is the newest again.
    set_training(database, waiting, status=Status.PENDING)
    newest = training_states(database, [AGENT], MODEL)[agent_key(AGENT)].newest
    assert newest is not None
    assert newest.id == waiting[0]


def test_enrolled_faces_are_approved_or_wait(database: Database) -> None:
    """Faces that a new one may collide with: approved and waiting, encoded under the model; no failed, no rejected."""
    ids = enter_training(database, AGENT, OTHER, AGENT, AGENT, OTHER)
    verdicts = [
        verdict_on(ids[0]),
        verdict_on(ids[1], OTHER, TrainingResult.AWAITING_APPROVAL),
        verdict_on(ids[2], result=TrainingResult.POOR),
        verdict_on(ids[3], result=TrainingResult.NO_FACE),
    ]
    record(database, Process.TRAINING_CHECK, *verdicts)
    found = enrolled_faces(database, MODEL)
    assert [(face.training_image_id, face.lan_id, face.approved) for face in found] == [
        (ids[0], AGENT, True),
        (ids[1], OTHER, False),
    ]
    assert verdicts[1].face is not None
    assert np.array_equal(found[1].encoding, verdicts[1].face.encoding)
    assert enrolled_faces(database, "model-b") == []


def test_waiting_images_without_checks_are_unmeasured(database: Database) -> None:
    """An image that another program set waiting is named until it has checks."""
    ids = enter_training(database, AGENT, AGENT)
    set_training(database, ids[:1], status=Status.CLAIMED, result=TrainingResult.AWAITING_APPROVAL)
    assert unmeasured_ids(database) == ids[:1]
    record(database, Process.TRAINING_CHECK, replace(verdict_on(ids[0]), checks=ONE_FACE))
    assert unmeasured_ids(database) == []
    assert fetch(database, "SELECT status FROM train_img ORDER BY id") == [("P",), ("N",)]
