"""What holds for every page: it can be used without a mouse, without eyes and without scripts of its own."""

from itertools import pairwise

import pytest

from biosense_pipeline.codes import Role
from biosense_pipeline.store.stills.summaries import summarise
from biosense_pipeline_tests.desk.conftest import Desk
from biosense_pipeline_tests.desk.reading import Structure
from biosense_pipeline_tests.desk.rows import compared_still, waiting_image
from biosense_pipeline_tests.store.rows import AGENT, HOUR


@pytest.fixture
def pages(sqlite_desk: Desk) -> list[Structure]:
    """Every page with something on it, as an admin and as a viewer have it."""
    employee_id = sqlite_desk.employee(AGENT, "east", display_name="Eileen")
    waiting_image(sqlite_desk.database)
    compared_still(sqlite_desk.database, sqlite_desk.app.state.model_id)
    summarise(sqlite_desk.database, HOUR, HOUR.replace(hour=10))
    paths = ["/", "/?q=nobody", f"/agents/{employee_id}", "/review"]
    paths += [f"/hours?view={view}" for view in ("agents", "all", "shares")]
    browsers = [sqlite_desk.signed_in(role) for role in (Role.ADMIN, Role.VIEWER)]
    answers = [browser.get(path) for browser in browsers for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    return [Structure(answer.text) for answer in answers]


def test_nothing_is_inline(pages: list[Structure]) -> None:
    """No page has a style or a script of its own: the policy would not let them work."""
    for page in pages:
        assert page.all("style") == []
        assert all("src" in script for script in page.all("script"))
        for _, attributes, _ in page.elements:
            assert not [name for name in attributes if name == "style" or name.startswith("on")]


def test_what_is_filled_in_has_a_label(pages: list[Structure]) -> None:
    """Each field that is seen has a label of its own; ids are unique, and what is referred to is there."""
    for page in pages:
        ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        labelled = {label["for"] for label in page.all("label")}
        fields = [field for field in page.all("input", "select", "textarea") if field.get("type") != "hidden"]
        assert [field for field in fields if field.get("id") not in labelled] == []
        named = {attributes.get("aria-labelledby") for _, attributes, _ in page.elements} - {None}
        assert named | labelled <= set(ids)


def test_tables_and_headings(pages: list[Structure]) -> None:
    """Each page has one main heading, none is skipped; each table a caption and headings with their direction."""
    for page in pages:
        levels = [int(tag[1]) for tag, _, _ in page.elements if tag in ("h1", "h2", "h3", "h4")]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert len(page.all("caption")) == len(page.all("table"))
        assert all(heading.get("scope") in ("row", "col") for heading in page.all("th"))


def test_pictures_are_described(pages: list[Structure]) -> None:
    """Each picture has a text in its stead, and each list of links a name."""
    for page in pages:
        assert all(picture.get("alt") for picture in page.all("img"))
        assert all(nav.get("aria-label") for nav in page.all("nav"))
        assert all(element.get("aria-label") for _, element, _ in page.elements if element.get("role") == "img")


def test_forms_that_change_something_carry_the_token(pages: list[Structure]) -> None:
    """Every form that is posted has the session's token; links change nothing."""
    for page in pages:
        posted = [form for form in page.all("form") if form.get("method") == "post"]
        tokens = [field for field in page.all("input") if field.get("name") == "csrf_token"]
        assert len(tokens) == len(posted)
        assert all(field.get("value") for field in tokens)
