"""Source change: another signature in the middle of a sitting."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.source_change import source_change
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline_tests.matching.evidence.drawn_faces import still


def stills(sources: str) -> list[EvidenceStill]:
    """A still for each letter, ten seconds apart."""
    rng = np.random.default_rng(0)
    return [still(number, None, rng, source=source) for number, source in enumerate(sources)]


def test_another_camera_that_stays() -> None:
    """After ten stills from one source, three from another ask for attention, and no more than that."""
    evidence = source_change(stills("A" * 10 + "BBB"))
    assert evidence.species is Species.SOURCE_CHANGE
    assert evidence.llr == pytest.approx(np.log(20))
    assert evidence.numbers == {"sources": 2, "before": 10, "after": 3}
    assert evidence.still_ids == (9, 10, 11, 12)


@pytest.mark.parametrize(
    "sources",
    [
        "",
        "A",
        "AB",
        "A" * 30,
        "AB" * 15,
        "A" * 10 + "BB",
        "A" * 9 + "BBB",
        "A" * 10 + "BBBA",
        "A" * 10 + "BBBCCC",
        "ABCDEFGHIJKLMNOP",
    ],
)
def test_no_evidence(sources: str) -> None:
    """Too little, the same source, two in turns, one that comes back, or compression that differs all the time."""
    evidence = source_change(stills(sources))
    assert (evidence.llr, evidence.still_ids) == (0, ())


def test_a_new_sitting() -> None:
    """Over a gap of more than a quarter of an hour another camera means nothing."""
    window = stills("A" * 10 + "BBB")
    later = [replace(entry, captured=entry.captured + timedelta(minutes=15)) for entry in window[10:]]
    assert source_change([*window[:10], *later]).llr == 0
    sooner = [replace(entry, captured=entry.captured - timedelta(seconds=10)) for entry in later]
    assert source_change([*window[:10], *sooner]).llr > 0


def test_a_change_before_the_window() -> None:
    """A change counts in the windows that it lies in, and no longer."""
    sitting = stills("A" * 10 + "B" * 20)
    assert source_change(sitting[8:20], sitting).llr > 0
    assert source_change(sitting[11:23], sitting).llr == 0


@settings(deadline=None, max_examples=40)
@given(st.permutations(stills("A" * 10 + "BBBB")))
def test_order_of_arrival(window: list[EvidenceStill]) -> None:
    """Only capture time and id order the stills."""
    assert source_change(window).still_ids == (9, 10, 11, 12, 13)
