"""An agent's training images: the benchmark, what a still was compared with, and where enrolment stands."""

from sqlalchemy import insert

from biosense_pipeline.codes import Status, TrainingResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.view import (
    Enrolment,
    enrolments,
    reference,
    training_image,
    training_images,
)
from biosense_pipeline.store.tables.pipeline import FaceEncoding
from biosense_pipeline_tests.store.rows import AGENT, MODEL, NOW, OTHER, enter_training
from biosense_pipeline_tests.store.views.rows import agent, decide_training


def test_benchmark_is_the_newest_approved_image(database: Database) -> None:
    """An agent's images come newest first, under any spelling; the newest approved one is the benchmark."""
    own = agent(database)
    first, second, third, _ = enter_training(database, AGENT, AGENT.upper(), AGENT, OTHER)
    for image_id in (first, second):
        decide_training(database, image_id, Status.PROCESSED, TrainingResult.ONE_FACE, image_id)
    decide_training(database, third, Status.CLAIMED, TrainingResult.AWAITING_APPROVAL, 9)
    cards = training_images(database, own, MODEL).cards
    assert [(card.id, card.benchmark, card.waits) for card in cards] == [
        (third, False, True),
        (second, True, False),
        (first, False, False),
    ]
    assert enrolments(database, [own], MODEL)[own.id].waiting == 1
    card = training_image(database, third, MODEL)
    assert card is not None
    assert card.approvable
    assert training_image(database, third + 10, MODEL) is None


def test_what_a_still_was_compared_with(database: Database) -> None:
    """Beside a still stands what it was compared with, however old; the benchmark where that is gone or another's."""
    own = agent(database)
    ids = enter_training(database, *[AGENT] * 30, OTHER, status=Status.PROCESSED)
    images = training_images(database, own, MODEL).cards
    assert len(images) == 24
    oldest, compared = reference(database, own, images, ids[0], MODEL)
    assert (oldest and oldest.id, compared) == (ids[0], True)
    for missing in (None, ids[-1], ids[-1] + 1):
        benchmark, compared = reference(database, own, images, missing, MODEL)
        assert (benchmark and benchmark.id, compared) == (ids[29], False)
    assert reference(database, own, [], None, MODEL) == (None, False)


def test_failed_newest_image_is_flagged_until_one_is_approved(database: Database) -> None:
    """A newest image that failed its check hides the benchmark until an approval after it; a rejected one does not."""
    own = agent(database)
    first, second, third = enter_training(database, AGENT, AGENT, AGENT)
    decide_training(database, first, Status.PROCESSED, TrainingResult.ONE_FACE, 1)
    decide_training(database, second, Status.FAILED, TrainingResult.POOR, 2)
    decide_training(database, third, Status.FAILED, TrainingResult.REJECTED, 3)
    assert enrolments(database, [own], MODEL)[own.id].failed
    assert [card.approvable for card in training_images(database, own, MODEL).cards] == [False, True, False]
    decide_training(database, first, Status.PROCESSED, TrainingResult.ONE_FACE, 4)
    assert not enrolments(database, [own], MODEL)[own.id].failed
    decide_training(database, second, Status.FAILED, TrainingResult.REJECTED, 5)
    decide_training(database, first, Status.PENDING, None, 6)
    assert enrolments(database, [own], MODEL)[own.id] == Enrolment()


def test_benchmark_without_a_face_is_flagged(database: Database) -> None:
    """An approved image in which the model in use finds no face fails the agent's stills, as in the pipeline."""
    own = agent(database)
    older, newest = enter_training(database, AGENT, AGENT)
    for image_id in (older, newest):
        decide_training(database, image_id, Status.PROCESSED, TrainingResult.ONE_FACE, image_id)
    failure = {"training_image_id": newest, "failure": TrainingResult.NO_FACE, "created": NOW}
    database.write(lambda connection: connection.execute(insert(FaceEncoding).values(model_id=MODEL, **failure)))
    assert enrolments(database, [own], MODEL)[own.id] == Enrolment(approved=2, failed=True)
    assert enrolments(database, [own], "another")[own.id] == Enrolment(approved=2)
