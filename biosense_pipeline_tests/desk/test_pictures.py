"""Pictures: made anew, only for those who may see them, and each look written down."""

import io
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import insert

from biosense_pipeline.codes import Role
from biosense_pipeline.demo.frames import Person, own_frame, training_picture
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.stills.capture import CapturedImage, enter_stills, enter_training_images
from biosense_pipeline.store.tables.pipeline import FaceEncoding, RecognitionResult
from biosense_pipeline_tests.desk.conftest import Browser, Desk
from biosense_pipeline_tests.pictures import png_claiming, saved
from biosense_pipeline_tests.store.rows import change

NORTH, SOUTH, NOBODYS = "NA\\north1", "NA\\south1", "NA\\nobodys"
WHEN = datetime(2026, 3, 2, 9)


def enter(database: Database, lan_id: str, data: bytes) -> int:
    """A still; returns its id."""
    return enter_stills(database, [CapturedImage(lan_id, WHEN, data)])[0]


def picture(browser: Browser, path: str) -> Image.Image:
    """What a browser shows at that path."""
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["cache-control"] == "no-store"
    return Image.open(io.BytesIO(answer.content), formats=["JPEG"])


def test_pictures_are_made_anew(desk: Desk) -> None:
    """What is shown has the stored picture's look, and neither its bytes nor its metadata."""
    employee_id = desk.employee(NORTH, "North")
    exif = Image.Exif()
    exif[0x010E] = "<script>where the agent lives</script>"
    exif[0x0112] = 6  # turned by a quarter
    stored = Image.open(io.BytesIO(own_frame(Person.COLLINS, 1))).convert("RGB")
    data = saved(stored, "JPEG", exif=exif, comment=b"taken at home")
    still, training = enter(desk.database, NORTH, data), _enter_training(desk.database, NORTH, data)
    browser = desk.signed_in()
    for path in (f"/pictures/still/{still}", f"/pictures/training/{training}"):
        shown = picture(browser, path)
        assert shown.size == stored.size[::-1]
        assert not shown.getexif()
        assert not {"exif", "comment", "icc_profile"} & shown.info.keys()
        upright = np.asarray(stored.rotate(-90, expand=True), dtype=float)
        assert np.abs(np.asarray(shown, dtype=float) - upright).mean() < 6
    assert browser.get(f"/pictures/still/{still}").content != data
    looks = [(row["subject_kind"], row["subject_id"], row["employee_id"]) for row in desk.audit("look")]
    assert looks == [
        ("STREAM", still, employee_id),
        ("TRAINING", training, employee_id),
        ("STREAM", still, employee_id),
    ]


def test_png_with_hidden_text(sqlite_desk: Desk) -> None:
    """A PNG is shown as a JPEG too, transparency and all."""
    image = Image.new("RGBA", (64, 48), (200, 30, 30, 128))
    still = enter(sqlite_desk.database, NORTH, saved(image, "PNG") + b"<script>alert(1)</script>")
    shown = picture(sqlite_desk.signed_in(), f"/pictures/still/{still}")
    assert shown.size == (64, 48)


def test_widths(desk: Desk) -> None:
    """A picture is scaled down to the width asked for, never up."""
    still = enter(desk.database, NORTH, training_picture(Person.COLLINS))
    browser = desk.signed_in()
    full = picture(browser, f"/pictures/still/{still}").size
    small = picture(browser, f"/pictures/still/{still}?width=160").size
    assert small == (160, round(160 * full[1] / full[0]))
    assert picture(browser, f"/pictures/still/{still}?width=4000").size == full
    for width in ("0", "-1", "15", "99999", "1e3", "x", "", "160;", "١٦٠"):
        assert browser.get(f"/pictures/still/{still}", params={"width": width}).status_code == 400, width


def test_boxes(desk: Desk) -> None:
    """Boxes stand where the model in use found faces, also when scaled and beyond the edge; others' do not."""
    grey = saved(Image.new("RGB", (400, 300), "#808080"), "PNG")
    still, training = enter(desk.database, NORTH, grey), _enter_training(desk.database, NORTH, grey)
    model = desk.app.state.model_id
    _store_faces(desk.database, still, model, [[100, 60, 200, 160], [300, 200, 450, 350]])
    _store_faces(desk.database, still, "earlier-model", [[10, 10, 40, 40]])
    encoded = insert(FaceEncoding).values(
        training_image_id=training, model_id=model, box=[100, 60, 200, 160], created=WHEN
    )
    desk.database.write(lambda connection: connection.execute(encoded))
    browser = desk.signed_in()
    plain = np.asarray(picture(browser, f"/pictures/still/{still}"), dtype=int)
    assert np.ptp(plain) <= 2
    for path, scale in ((f"still/{still}", 1), (f"still/{still}", 2), (f"training/{training}", 1)):
        shown = picture(browser, f"/pictures/{path}?box=1&width={400 // scale}")
        assert _yellow(shown, (100 // scale, 110 // scale))
        assert _yellow(shown, (150 // scale, 160 // scale))
        assert not _yellow(shown, (150 // scale, 110 // scale))
        assert not _yellow(shown, (10 // scale, 20 // scale))
        assert _yellow(shown, (300 // scale, 250 // scale)) == path.startswith("still")


def test_boxes_of_the_deciding_model(desk: Desk) -> None:
    """On a still that an earlier model decided stand that model's boxes, as the numbers beside it are its own."""
    still = enter(desk.database, NORTH, saved(Image.new("RGB", (400, 300), "#808080"), "PNG"))
    _store_faces(desk.database, still, "earlier-model", [[100, 60, 200, 160]])
    change(desk.database, [still], status="Y", result="SUCCESS")
    assert _yellow(picture(desk.signed_in(), f"/pictures/still/{still}?box=1&width=400"), (100, 110))


def test_boxes_of_nobody(desk: Desk) -> None:
    """Where nothing was found, or not looked yet, boxes are none."""
    stills = [enter(desk.database, NORTH, own_frame(Person.COLLINS, 1)) for _ in range(2)]
    _store_faces(desk.database, stills[0], desk.app.state.model_id, [])
    training = _enter_training(desk.database, NORTH, own_frame(Person.COLLINS, 1))
    browser = desk.signed_in()
    for path in (*(f"still/{still}" for still in stills), f"training/{training}"):
        assert browser.get(f"/pictures/{path}?box=1").content == browser.get(f"/pictures/{path}").content


UNREADABLE = {
    "empty": b"",
    "text": b"<svg onload=alert(1)>",
    "torn": own_frame(Person.COLLINS, 1)[:3000],
    "bomb": png_claiming(20000, 20000),
    "gif": saved(Image.new("RGB", (50, 50)), "GIF"),
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_unreadable_pictures(sqlite_desk: Desk, what: str) -> None:
    """What is no picture is answered with a small grey one, and is a look like any other."""
    still = enter(sqlite_desk.database, NORTH, UNREADABLE[what])
    browser = sqlite_desk.signed_in()
    assert picture(browser, f"/pictures/still/{still}").size == (320, 240)
    assert picture(browser, f"/pictures/still/{still}?width=160&box=1").size == (160, 120)
    assert len(sqlite_desk.audit("look")) == 2


def test_picture_that_is_too_large(sqlite_database: Database, make_desk: object) -> None:
    """The pipeline's limits hold here too: larger pictures are not even read."""
    assert callable(make_desk)
    desk: Desk = make_desk(sqlite_database, max_image_bytes=2000)
    still = enter(desk.database, NORTH, own_frame(Person.COLLINS, 1))
    assert picture(desk.signed_in(), f"/pictures/still/{still}").size == (320, 240)


def test_long_picture(sqlite_desk: Desk) -> None:
    """A picture longer than a JPEG can be is scaled down."""
    still = enter(sqlite_desk.database, NORTH, saved(Image.new("RGB", (70000, 2)), "PNG"))
    assert picture(sqlite_desk.signed_in(), f"/pictures/still/{still}").size == (4096, 1)


def test_own_team_only(desk: Desk) -> None:
    """A lead sees the own team's pictures in any spelling of the LAN id; others are as if they were not there."""
    north, south = desk.employee(NORTH, "North"), desk.employee(SOUTH, "South")
    desk.employee("NA\\teamless")
    data = own_frame(Person.COLLINS, 1)
    own = [enter(desk.database, spelling, data) for spelling in (NORTH, "na\\NORTH1", NORTH + " ")]
    others = [enter(desk.database, lan_id, data) for lan_id in (SOUTH, NOBODYS, "NA\\teamless")]
    browser = desk.signed_in(Role.TEAM_LEAD, "North")
    for still in own:
        picture(browser, f"/pictures/still/{still}")
    for still in others:
        refused, missing = browser.get(f"/pictures/still/{still}"), browser.get("/pictures/still/999999")
        assert refused.status_code == missing.status_code == 404
        assert refused.text == missing.text
    training = _enter_training(desk.database, SOUTH, data)
    assert browser.get(f"/pictures/training/{training}").status_code == 404
    assert [row["employee_id"] for row in desk.audit("look")] == [north] * 3
    refusals = [(row["subject_kind"], row["subject_id"], row["employee_id"]) for row in desk.audit("refused")]
    assert refusals[0] == ("STREAM", others[0], south)
    assert refusals[-1] == ("TRAINING", training, south)
    assert len(refusals) == 4


@pytest.mark.parametrize("team", ["north", "North ", "Nörth", "%", "North' OR '1'='1"])
def test_team_is_itself(desk: Desk, team: str) -> None:
    """A team whose name differs in case or an accent is another team, whatever the server's collation says."""
    desk.employee(NORTH, "North")
    still = enter(desk.database, NORTH, own_frame(Person.COLLINS, 1))
    assert desk.signed_in(Role.TEAM_LEAD, team, name="lead").get(f"/pictures/still/{still}").status_code == 404


def test_accents_tell_agents_apart(desk: Desk) -> None:
    """An agent whose LAN id differs in an accent is another one."""
    desk.employee("NA\\rene", "North")
    desk.employee("NA\\rené", "South")
    still = enter(desk.database, "NA\\rené", own_frame(Person.COLLINS, 1))
    assert desk.signed_in(Role.TEAM_LEAD, "North").get(f"/pictures/still/{still}").status_code == 404
    assert desk.signed_in(Role.TEAM_LEAD, "South").get(f"/pictures/still/{still}").status_code == 200


def test_viewer_sees_no_face(desk: Desk) -> None:
    """A viewer gets no picture of anybody, and the attempt is written down."""
    employee_id = desk.employee(NORTH)
    still = enter(desk.database, NORTH, own_frame(Person.COLLINS, 1))
    training = _enter_training(desk.database, NORTH, own_frame(Person.COLLINS, 1))
    browser = desk.signed_in(Role.VIEWER)
    for path in (f"still/{still}", f"training/{training}", f"still/{still}?width=16"):
        assert browser.get(f"/pictures/{path}").status_code == 404
        assert browser.head(f"/pictures/{path}").status_code == 404
    assert desk.audit("look") == []
    assert {row["employee_id"] for row in desk.audit("refused")} == {employee_id}


def test_nobody_sees_anything(desk: Desk) -> None:
    """Without a session there is no picture, and no word whether there is one."""
    still = enter(desk.database, NORTH, own_frame(Person.COLLINS, 1))
    for path in (f"/pictures/still/{still}", "/pictures/still/99999"):
        assert desk.browser().get(path).status_code == 303


@pytest.mark.parametrize(
    "image_id",
    ["0", str(2**63 - 1), str(2**63), "9" * 5000, "-1", "1.5", "x", "1%00", "1/../2", "١"],
    ids=lambda text: ascii(text)[1:25],
)
def test_odd_ids(desk: Desk, image_id: str) -> None:
    """Ids that no row has are not found."""
    assert desk.signed_in().get(f"/pictures/still/{image_id}").status_code == 404


def test_no_look_without_a_trace(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the look cannot be written down, there is none."""

    def unable(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    still = enter(sqlite_desk.database, NORTH, own_frame(Person.COLLINS, 1))
    browser = sqlite_desk.signed_in()
    monkeypatch.setattr("biosense_pipeline.desk.pages.pictures.record", unable)
    answer = browser.get(f"/pictures/still/{still}")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "text/html; charset=utf-8")


def _enter_training(database: Database, lan_id: str, data: bytes) -> int:
    return enter_training_images(database, [CapturedImage(lan_id, WHEN, data)])[0]


def _store_faces(database: Database, still: int, model: str, boxes: list[list[int]]) -> None:
    row = insert(RecognitionResult).values(
        stream_image_id=still,
        model_id=model,
        result="SUCCESS",
        num_faces=len(boxes),
        tolerance=0.5,
        faces=[{"box": box, "distance": 0.3} for box in boxes],
        milliseconds=1.0,
        created=WHEN,
    )
    database.write(lambda connection: connection.execute(row))


def _yellow(shown: Image.Image, at: tuple[int, int]) -> bool:
    """Whether a yellow line passes within two pixels: compression blurs it."""
    part = np.asarray(shown, dtype=int)[at[1] - 2 : at[1] + 3, at[0] - 2 : at[0] + 3]
    return bool((np.minimum(part[..., 0], part[..., 1]) - part[..., 2]).max() > 80)
