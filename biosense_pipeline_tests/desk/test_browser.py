"""The desk in a real browser: sign in, decide about an enrolment, judge a finding by a key."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait
from sqlalchemy import func, select

from biosense_pipeline.codes import Status, StillResult, Verdict
from biosense_pipeline.store.database import Database
from biosense_pipeline.store.tables.desk import AuditEntry, Review
from biosense_pipeline.store.tables.pipeline import Employee, StreamImage, TrainingImage
from biosense_pipeline_tests.cli.conftest import biosense, copy_database
from biosense_pipeline_tests.desk.conftest import PASSWORD, Desk

pytestmark = pytest.mark.slow

WAITING = "AP\\new0001"
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1000",
)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[WebDriver]:
    """Debian's Chromium without a window."""
    programs = [shutil.which("chromium"), shutil.which("chromedriver")]
    if None in programs:
        told = "Chromium and its driver are needed: install Debian's chromium and chromium-driver"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs[0])
    for option in (*_OPTIONS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(programs[1])))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def demo_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose database holds the demo's day, processed."""
    folder = tmp_path_factory.mktemp("demo-day")
    for command in ("seed", "drain"):
        assert biosense(folder, command).returncode == 0
    return folder


@pytest.fixture
def demo_desk(demo_day: Path, tmp_path: Path, make_desk: Callable[..., Desk]) -> Iterator[Desk]:
    """A desk over the demo's day, processed."""
    copy_database(demo_day, tmp_path)
    database = Database(f"sqlite:///{tmp_path / 'biosense.sqlite'}")
    yield make_desk(database)
    database.dispose()


def test_a_lead_decides_and_reviews(demo_desk: Desk, driver: WebDriver) -> None:
    """Sign in, approve a training image, judge a finding by a key; the agent's page and the database show both."""
    demo_desk.user("lead")
    database = demo_desk.database
    with _served(demo_desk) as address:
        driver.get(address)
        _fill(driver, name="lead", password=PASSWORD)
        _press(driver, "Sign in")
        _shoot(driver, "desk-today")
        assert "Eileen Collins" in _text(driver)

        employee_id = _one(database, select(Employee.id).where(Employee.lan_id == WAITING))
        driver.get(f"{address}/agents/{employee_id}")
        assert "Waits for approval" in _text(driver)
        _shoot(driver, "desk-agent")
        waiting = select(func.count()).where(StreamImage.lan_id == WAITING, StreamImage.status == Status.PENDING)
        assert _one(database, waiting) == 0
        _press(driver, "Approve")
        WebDriverWait(driver, 10).until(lambda _: _one(database, waiting) == 20)
        assert "Waits for approval" not in _text(driver)
        approved = select(func.count()).where(TrainingImage.lan_id == WAITING, TrainingImage.status == Status.PROCESSED)
        assert _one(database, approved) == 1

        driver.get(f"{address}/review")
        _shoot(driver, "desk-review")
        judged = int(driver.find_element(By.CSS_SELECTOR, "figcaption").text.removeprefix("Still "))
        finding = _one(database, select(StreamImage.result).where(StreamImage.id == judged))
        driver.find_element(By.TAG_NAME, "body").send_keys("f")
        WebDriverWait(driver, 10).until(lambda page: f"Your verdict on still {judged} is recorded" in _text(page))
        verdict = select(Review.verdict).where(Review.subject_id == judged)
        assert _one(database, verdict) == Verdict.FALSE_ALARM
        assert finding in (StillResult.UNKNOWN_PERSON, StillResult.UNKNOWN_MULTIPLE_FACES)
        following = int(driver.find_element(By.CSS_SELECTOR, "figcaption").text.removeprefix("Still "))
        assert following != judged

        reviewed = _one(database, select(Review.employee_id).where(Review.subject_id == judged))
        driver.get(f"{address}/agents/{reviewed}?still={judged}")
        assert "false alarm" in _text(driver).lower()
        driver.get(f"{address}/hours?from=2026-03-02&to=2026-03-02")
        _shoot(driver, "desk-hours")
        driver.get(address)
        _shoot(driver, "desk-today")
        told = driver.execute("getLog", {"type": "browser"})["value"]
        assert [entry for entry in told if entry["level"] == "SEVERE"] == []
    seen = select(AuditEntry.action).distinct()
    with database.read() as connection:
        assert {"look", "approve", "verdict"} <= set(connection.execute(seen).scalars())


def test_usable_on_a_phone(demo_desk: Desk, driver: WebDriver) -> None:
    """On a narrow screen no page is wider than the screen."""
    demo_desk.user("lead")
    driver.set_window_size(390, 844)
    with _served(demo_desk) as address:
        driver.get(address)
        _fill(driver, name="lead", password=PASSWORD)
        _press(driver, "Sign in")
        for path in ("/", "/agents/1", "/review", "/hours"):
            driver.get(address + path)
            width = driver.execute_script("return document.documentElement.scrollWidth - window.innerWidth")
            assert width <= 0, path


@contextmanager
def _served(desk: Desk) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(desk.app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def _fill(driver: WebDriver, **values: str) -> None:
    for field, value in values.items():
        driver.find_element(By.NAME, field).send_keys(value)


def _press(driver: WebDriver, label: str) -> None:
    page = driver.find_element(By.TAG_NAME, "html")
    buttons = driver.find_elements(By.CSS_SELECTOR, "main button")
    next(button for button in buttons if button.text.startswith(label)).click()
    WebDriverWait(driver, 10).until(staleness_of(page))


def _text(driver: WebDriver) -> str:
    return str(driver.execute_script("return document.body ? document.body.innerText : ''"))


def _one(database: Database, statement: object) -> object:
    with database.read() as connection:
        return connection.execute(statement).scalar_one()  # type: ignore[call-overload]


def _shoot(driver: WebDriver, name: str) -> None:
    """Keep a picture of the page where DESK_SCREENSHOTS names a folder."""
    if folder := os.environ.get("DESK_SCREENSHOTS"):
        driver.save_screenshot(str(Path(folder) / f"{name}.png"))
