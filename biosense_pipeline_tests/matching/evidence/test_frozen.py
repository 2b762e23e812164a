"""Frozen: repeated pixels."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biosense_pipeline.codes import Species
from biosense_pipeline.matching.evidence.frozen import frozen
from biosense_pipeline.matching.evidence.still import EvidenceStill
from biosense_pipeline_tests.matching.evidence.drawn_faces import person, still

RNG = np.random.default_rng(0)
LIVE = person(20, RNG)
#: One false alarm in a month of 2,880 stills a day.
MONTHLY = np.log(30 * 2880)


def repeats(of: EvidenceStill, count: int) -> list[EvidenceStill]:
    """The still again and again, each captured ten seconds later, in other bytes."""
    return [
        replace(
            of,
            still_id=of.still_id + number,
            captured=of.captured + number * timedelta(seconds=10),
            sha256=RNG.bytes(32),
        )
        for number in range(1, count + 1)
    ]


def test_found_within_three_stills() -> None:
    """Equal pixels in other bytes are found at the third still of them, and the stills are named."""
    window = [*LIVE[:5], *repeats(LIVE[4], 2)]
    evidence = frozen(window)
    assert evidence.species is Species.FROZEN
    assert evidence.llr > MONTHLY
    assert evidence.numbers == {"stills": 7, "repeats": 2}
    assert evidence.still_ids == (4, 5, 6)


def test_live_stills() -> None:
    """Without a repeat there is no evidence."""
    evidence = frozen(LIVE)
    assert (evidence.llr, evidence.still_ids) == (0, ())
    assert evidence.numbers == {"stills": 20, "repeats": 0}


def test_equal_bytes_are_equal_pixels() -> None:
    """Equal bytes count where the pixels' hashes are of different versions."""
    again = replace(LIVE[0], still_id=99, captured=LIVE[-1].captured, pixel_hash=b"other")
    assert frozen([again], LIVE).llr > 8


def test_against_the_lookback() -> None:
    """A repeat of a still before the window counts, unless more than an hour lies between."""
    again = replace(LIVE[0], still_id=99, captured=LIVE[0].captured + timedelta(hours=1))
    assert frozen([again], LIVE).llr > 8
    assert frozen([again], LIVE).still_ids == (0, 99)
    later = replace(again, captured=again.captured + timedelta(seconds=1))
    assert frozen([later], LIVE).llr == 0


def test_covered_camera() -> None:
    """A lens cap or a logo is the same in every still; without a face nobody is shown who could be taken for one."""
    rng = np.random.default_rng(1)
    covered = [still(number, None, rng, pixel_hash=b"black") for number in range(30)]
    assert frozen(covered).llr == 0


def test_delivered_twice() -> None:
    """The same file with the same capture time is one still that was sent again."""
    twice = [*LIVE[:3], replace(LIVE[2], still_id=50)]
    assert frozen(twice).llr == 0


def test_after_the_freeze() -> None:
    """A camera that goes on living leaves less and less evidence, and in the end none."""
    frozen_stills = [LIVE[0], *repeats(LIVE[0], 2)]
    sums = [frozen([*frozen_stills, *LIVE[10 : 10 + count]]).llr for count in range(6)]
    assert sums == sorted(sums, reverse=True)
    assert sums[-1] == 0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_stills(count: int) -> None:
    """Windows of no, one or two stills have a defined outcome."""
    assert frozen(LIVE[:count]).llr == 0


@settings(deadline=None, max_examples=40)
@given(st.permutations([*LIVE[:6], *repeats(LIVE[3], 3)]))
def test_order_of_arrival(window: list[EvidenceStill]) -> None:
    """Only capture time and id order the stills."""
    assert frozen(window) == frozen(sorted(window, key=lambda entry: entry.captured))
