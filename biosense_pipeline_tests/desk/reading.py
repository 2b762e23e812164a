"""Pages as tests read them: their links, elements and tables, and where a form leads."""

import re
from html.parser import HTMLParser
from typing import Any

from biosense_pipeline_tests.desk.conftest import Browser

VOID = {"meta", "link", "input", "img", "br"}


def links(page: str, pattern: str) -> list[str]:
    """The addresses on a page that match."""
    return [
        address.replace("&amp;", "&")
        for address in re.findall(r'(?:href|src|action)="([^"]*)"', page)
        if re.search(pattern, address)
    ]


def follow(browser: Browser, answer: Any) -> str:
    """The page that a form's answer leads to."""
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.headers["location"])
    assert page.status_code == 200
    text: str = page.text
    return text


class Structure(HTMLParser):
    """What a page consists of: elements with their attributes and the tags around them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], tuple[str, ...]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes, _ in self.elements if tag in tags]


class _Rows(HTMLParser):
    """The text of each table row's heading, and of what is labelled in it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.labels: list[str] = []
        self.tones: list[list[str]] = []
        self._heading = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "th" and given.get("scope") == "row":
            self._heading = True
            self.headings.append("")
        if given.get("role") == "img":
            self.labels.append(given["aria-label"] or "")
            self.tones.append([])
        elif "cell" in (given.get("class") or "").split() and "title" in given:
            self.tones[-1].append((given["class"] or "").removeprefix("cell tone-"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "th":
            self._heading = False

    def handle_data(self, data: str) -> None:
        if self._heading:
            self.headings[-1] = " ".join(f"{self.headings[-1]} {data}".split())


def rows_of(browser_page: str) -> _Rows:
    """What the table of agents says."""
    return _Rows(browser_page)
