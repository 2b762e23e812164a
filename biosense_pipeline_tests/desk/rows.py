"""A training image and a still with real faces, as pages show them."""

from sqlalchemy import select

from biosense_pipeline.codes import Status, StillResult, TrainingResult
from biosense_pipeline.demo.frames import Person, own_frame, training_picture
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline.store.tables.pipeline import TrainingImage
from biosense_pipeline_tests.store.rows import AGENT, HOUR, NOW, change, outcome
from biosense_pipeline_tests.store.views.rows import decide_training


def waiting_image(database: Database, lan_id: str = AGENT) -> int:
    """A training image with a real face that passed its checks and waits."""
    image = CapturedImage(lan_id, HOUR, training_picture(Person.COLLINS))
    image_id = enter_training_images(database, [image])[0]
    decide_training(database, image_id, Status.CLAIMED, TrainingResult.AWAITING_APPROVAL, 0)
    return image_id


def stood(database: Database, image_id: int) -> tuple[str, str | None]:
    """Status and result of a training image."""
    with database.read() as connection:
        row = connection.execute(
            select(TrainingImage.status, TrainingImage.result).where(TrainingImage.id == image_id)
        ).one()
    return row.status, row.result


def compared_still(
    database: Database, model_id: str, result: StillResult = StillResult.UNKNOWN_PERSON, distance: float = 0.62
) -> int:
    """A still with a real face that was compared with training image 7."""
    still_id = enter_stills(database, [CapturedImage(AGENT, HOUR, own_frame(Person.HOPPER, 1))])[0]
    change(database, [still_id], status=Status.CLAIMED, lease_token="t")
    done = [outcome(still_id, result, distance=distance)]
    write_outcomes(database, "t", done, model_id=model_id, run_id=None, processed_time=NOW)
    return still_id
