"""The report: one file that needs nothing else, in which names are data."""

import base64
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from biosense_pipeline.errors import WrongUse
from biosense_pipeline.evaluation.page import prepare_report
from biosense_pipeline.evaluation.verification.acquisition import Acquired
from biosense_pipeline.evaluation.verification.lfw import Pair, PersonImage, Protocol
from biosense_pipeline.evaluation.verification.pair_distances import Normalisation, centred_distances, plain_distances
from biosense_pipeline.evaluation.verification.protocol import verify
from biosense_pipeline.evaluation.verification.report import REPORT_FILE, render, write_report
from biosense_pipeline.evaluation.verification.run import VerificationRun
from biosense_pipeline.settings import Settings
from biosense_pipeline_tests.evaluation.verification.synthetic import drawn_encodings, drawn_protocol

ODD = "<script>alert('1')</script>&{{odd}}"


class Page(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page() -> Page:
    """A report on drawn pairs, among them people with an odd name."""
    return Page(render(drawn_run(Normalisation.PLAIN)))


def test_needs_nothing_else(page: Page) -> None:
    """There is no script, no link and no address but those of the plots, which are inside."""
    assert not {"script", "link", "iframe", "object", "a"} & set(page.tags)
    addresses = [value for name, value in page.attributes if name in ("src", "href") and value]
    assert len(addresses) == 4
    assert all(address.startswith("data:image/svg+xml;base64,") for address in addresses)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for address in addresses:
        picture = ElementTree.fromstring(base64.b64decode(address.partition(",")[2]))
        assert picture.tag.endswith("svg")
        assert not [node for node in picture.iter() if node.tag.endswith(("image", "script"))]
        assert len(address) < 120_000


def test_names_are_data(page: Page) -> None:
    """A name that looks like markup or like the template's own stands there as it is."""
    assert f"{ODD}_0001" in page.text
    assert "script" not in page.tags


def test_tells_what_was_run(page: Page) -> None:
    """Figures, remarks, failures, the hardest pairs and the settings are there."""
    for words in (
        "Cllr",
        "FNMR at FMR 0.1 %",
        "drawn-model",
        "no face found",
        "a remark",
        "SHA-256 f00d",
        "2026-03-02",
    ):
        assert words in page.text, words
    assert page.text.count("Fold") > 20


def test_the_file_is_prepared(tmp_path: Path) -> None:
    """The folder is made, an older report is left alone, and a folder that cannot be made is told in a sentence."""
    file = prepare_report(tmp_path / "new" / "folder", REPORT_FILE)
    assert file == tmp_path / "new" / "folder" / REPORT_FILE
    file.write_text("older")
    assert prepare_report(tmp_path / "new" / "folder", REPORT_FILE).read_text() == "older"
    with pytest.raises(WrongUse, match="name another --report"):
        prepare_report(file / "below", REPORT_FILE)


def test_written(tmp_path: Path) -> None:
    """The report depends on nothing but the run; where it cannot be written, a sentence says so."""
    run = drawn_run(Normalisation.CENTRED)
    (tmp_path / REPORT_FILE).write_text("older")
    write_report(tmp_path / REPORT_FILE, run)
    written = (tmp_path / REPORT_FILE).read_text()
    assert written == render(run)
    # Tolerances belong to plain distances.
    assert "At the thresholds in use" not in written
    with pytest.raises(WrongUse, match="name another --report"):
        write_report(tmp_path, run)


def drawn_run(normalisation: Normalisation) -> VerificationRun:
    """A run on drawn encodings; one image has no face."""
    drawn = drawn_protocol(folds=4, pairs=30, people=15)
    replaced = {drawn.pairs[-1].second.person: ODD}
    pairs = tuple(
        Pair(*(PersonImage(replaced.get(i.person, i.person), i.number) for i in (pair.first, pair.second)))
        for pair in drawn.pairs
    )
    protocol = Protocol(pairs, drawn.folds)
    assert protocol.folds is not None
    encodings = drawn_encodings(protocol)
    failed = pairs[0].first
    del encodings[failed]
    if normalisation is Normalisation.PLAIN:
        distances, thresholds = plain_distances(pairs, encodings), {"tolerance": 1.2, "customary": 1.4}
    else:
        distances, thresholds = centred_distances(pairs, np.array(protocol.folds), encodings), {}
    return VerificationRun(
        Path("pairs.txt"),
        "f00d",
        protocol,
        [],
        0,
        Acquired(encodings, {failed: "no face found", PersonImage(ODD, 1): "no face found"}, 0, 2.0, [8.0, 9.0]),
        verify(pairs, protocol.folds, distances, thresholds, resamples=100),
        normalisation,
        100,
        "drawn-model",
        Settings(workers=0),
        datetime(2026, 3, 2, tzinfo=UTC),
        ["a remark"],
    )
