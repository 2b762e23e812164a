"""The people of a made-up site: agents in teams with their training images, and those who sign in at the desk."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import Connection, insert

from biosense_pipeline.codes import Role, Status, TrainingResult
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.enrolment.images import ENCODING_DTYPE
from biosense_pipeline.store.tables.pipeline import Employee, FaceEncoding, TrainingCheck, TrainingImage
from biosense_pipeline.store.users.accounts import add_user

#: Agents of a team.
TEAM = 20
#: Names under which people sign in to be measured, and those who gave the reviews.
ADMIN, LEAD, REVIEWERS = "measuring-admin", "measuring-lead", ("reviewer-1", "reviewer-2", "reviewer-3")
#: One in so many agents has no approved image, one that waits for approval, or one that was rejected.
UNENROLLED, _WAITING, _REJECTED = 50, 25, 30
_GIVEN = ("Ana", "Ben", "Carla", "Dev", "Elif", "Femi", "Grace", "Hugo", "Ines", "Juan")
_FAMILY = ("Abara", "Brandt", "Castro", "Dahl", "Evans", "Fischer", "Gupta", "Haddad", "Ito", "Jensen")


def enter_people(
    database: Database, agents: int, now: datetime, model_id: str, password_hash: Callable[[str], str]
) -> str:
    """Agents with their training images, and users; returns the name of the team that the lead leads."""
    enrolled = now - timedelta(days=40)
    employees = [
        {
            "id": number,
            "lan_id": f"NA\\agent{number:05}",
            "employee_number": 10_000 + number,
            "display_name": f"{_GIVEN[number % 10]} {_FAMILY[number // 10 % 10]}",
            "team_lead": f"Lead {number % max(1, agents // TEAM):02}",
            "registered": enrolled,
        }
        for number in range(1, agents + 1)
    ]
    jpeg = picture()
    images: list[dict[str, Any]] = []
    for employee in employees:
        for status, result in _training(int(str(employee["id"]))):
            images.append(
                {
                    "id": len(images) + 1,
                    "lan_id": employee["lan_id"],
                    "capture_time": enrolled,
                    "image": jpeg,
                    "status": status,
                    "result": result,
                    "processed_time": enrolled,
                }
            )
    encoding = np.full(128, 0.05, dtype=ENCODING_DTYPE).tobytes()
    encodings = [
        {"training_image_id": image["id"], "model_id": model_id, "encoding": encoding, "created": enrolled}
        for image in images
    ]
    checks = [
        {
            "training_image_id": image["id"],
            "name": name,
            "value": value,
            "threshold": threshold,
            "passed": True,
            "decides": True,
            "created": enrolled,
        }
        for image in images
        for name, value, threshold in (("face_width", 142.0, 80.0), ("sharpness", 210.0, 40.0), ("dark", 0.02, 0.3))
    ]

    def enter(connection: Connection) -> None:
        for table, rows in ((Employee, employees), (TrainingImage, images)):
            connection.execute(insert(table), rows)
        connection.execute(insert(FaceEncoding), encodings)
        connection.execute(insert(TrainingCheck), checks)

    database.write(enter)
    team = str(employees[0]["team_lead"])
    for name in (ADMIN, *REVIEWERS):
        add_user(database, name, password_hash(name), Role.ADMIN, None, created=enrolled)
    add_user(database, LEAD, password_hash(LEAD), Role.TEAM_LEAD, team, created=enrolled)
    return team


def _training(number: int) -> Iterator[tuple[str, str]]:
    """Status and result of an agent's training images, oldest first."""
    if number % _REJECTED == 0:
        yield Status.FAILED, TrainingResult.REJECTED
    if number % UNENROLLED:
        yield Status.PROCESSED, TrainingResult.ONE_FACE
    if number % _WAITING == 0:
        yield Status.CLAIMED, TrainingResult.AWAITING_APPROVAL


def picture() -> bytes:
    """A small JPEG."""
    buffer = io.BytesIO()
    Image.new("L", (8, 8), 128).save(buffer, "JPEG", quality=10, optimize=True)
    return buffer.getvalue()
