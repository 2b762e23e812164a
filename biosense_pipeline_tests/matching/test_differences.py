"""Old decisions against new ones: counts that add up, and the stills worth a look."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biosense_pipeline.codes import StillResult
from biosense_pipeline.lan_ids import agent_key
from biosense_pipeline.matching.differences import (
    MOST_TELLING,
    SHARE_CELLS,
    Decided,
    Differences,
    Tally,
)

AGENT, OTHER = "NA\\vep5898", "EU\\abc1234"
MATCHED = Decided(StillResult.SUCCESS, 1, 0.3, 0.5)
UNMATCHED = Decided(StillResult.UNKNOWN_PERSON, 1, 0.6, 0.5)
ACCOMPANIED = Decided(StillResult.SUCCESS_MULTIPLE_FACES, 2, 0.3, 0.5)
EMPTY = Decided(StillResult.NO_FACES_FOUND, 0, None, 0.5)

decided = st.builds(
    Decided,
    st.sampled_from(list(StillResult)),
    st.integers(0, 3),
    st.none() | st.floats(0, 2),
    st.none() | st.floats(0.1, 2),
)
cases = st.lists(st.tuples(st.sampled_from([AGENT, AGENT.lower(), OTHER, None, ""]), decided, decided), max_size=40)


def _counted(stills: Sequence[tuple[str | None, Decided, Decided]]) -> Differences:
    differences = Differences()
    for still_id, (lan_id, old, new) in enumerate(stills):
        differences.add(still_id, lan_id, old, new)
    return differences


@given(cases)
def test_agents_add_up_to_the_total(stills: list[tuple[str | None, Decided, Decided]]) -> None:
    """The tallies of the agents add up to the total, and so does the table of results."""
    differences = _counted(stills)
    tallies = list(differences.agents.values())
    for name in vars(Tally()):
        assert sum(getattr(tally, name) for tally in tallies) == getattr(differences.total, name)
    assert differences.results.total() == differences.total.stills == len(stills)
    off_diagonal = sum(count for (old, new), count in differences.results.items() if old != new)
    assert off_diagonal == differences.total.changed == differences.total.stills - differences.total.agreeing
    assert len(tallies) == len({agent_key(lan_id) for lan_id, _, _ in stills})


@given(cases)
def test_a_match_changes_either_way_or_not_at_all(stills: list[tuple[str | None, Decided, Decided]]) -> None:
    """New and lost matches are changed results, and together explain how many more stills match."""
    total = _counted(stills).total
    assert total.newly_matched + total.newly_unmatched <= total.changed <= total.stills
    matching = [sum(pair[side].verified for _, *pair in stills) for side in (0, 1)]
    assert total.newly_matched - total.newly_unmatched == matching[1] - matching[0]


@given(cases)
def test_shares_are_counted_where_both_have_one(stills: list[tuple[str | None, Decided, Decided]]) -> None:
    """Each still with a distance under both rules is in exactly one cell."""
    both = [1 for _, old, new in stills if old.share is not None and new.share is not None]
    assert _counted(stills).share_counts.sum() == len(both)


@given(cases)
def test_most_telling_are_the_first_of_all(stills: list[tuple[str | None, Decided, Decided]]) -> None:
    """What is named as telling is the top of the whole list, changed results first."""
    several = stills * 3
    differences = _counted(several)
    named = differences.telling
    assert named == sorted(named, key=lambda still: (still.changed, still.shift, still.still_id), reverse=True)
    assert sum(still.changed for still in named) == min(MOST_TELLING, differences.total.changed)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (MATCHED, MATCHED, Tally(stills=1)),
        (UNMATCHED, MATCHED, Tally(stills=1, changed=1, newly_matched=1)),
        (MATCHED, UNMATCHED, Tally(stills=1, changed=1, newly_unmatched=1)),
        (MATCHED, ACCOMPANIED, Tally(stills=1, changed=1, face_counts_changed=1)),
        (UNMATCHED, EMPTY, Tally(stills=1, changed=1, face_counts_changed=1)),
        (EMPTY, ACCOMPANIED, Tally(stills=1, changed=1, newly_matched=1, face_counts_changed=1)),
    ],
)
def test_which_way_a_decision_changed(old: Decided, new: Decided, expected: Tally) -> None:
    """Matched or not decides the way; another number of faces is counted apart."""
    assert _counted([(AGENT, old, new)]).total == expected


def test_agents_with_most_changes_come_first() -> None:
    """Agents are listed by changed decisions, then by name, under the spelling met first."""
    stills = [(OTHER, MATCHED, MATCHED), (AGENT, MATCHED, UNMATCHED), (AGENT.upper(), MATCHED, MATCHED)]
    assert list(_counted(stills).agents) == [AGENT, OTHER]


@pytest.mark.parametrize(
    ("old", "new", "shift"),
    [
        (MATCHED, Decided(StillResult.UNKNOWN_PERSON, 1, 0.3, 0.25), 0.6),  # only the tolerance moved
        (MATCHED, Decided(StillResult.SUCCESS, 1, 0.6, 1.0), 0.0),  # twice the distance at twice the tolerance
        (MATCHED, EMPTY, 1.0),
        (Decided(StillResult.SUCCESS, 1), UNMATCHED, 0.0),  # the old distance is not known any more
    ],
)
def test_shift_is_measured_in_tolerances(old: Decided, new: Decided, shift: float) -> None:
    """Models of different scales compare; a face that only one found counts as one tolerance."""
    stills = _counted([(AGENT, old, new)]).telling
    assert [round(still.shift, 9) for still in stills] == ([shift] if shift or old.result != new.result else [])


def test_distances_far_beyond_share_the_last_cell() -> None:
    """A distance of many tolerances is counted in the last cell, not lost."""
    near, far = Decided(StillResult.SUCCESS, 1, 0.32, 0.5), Decided(StillResult.UNKNOWN_PERSON, 1, 50.0, 0.5)
    counts = _counted([(AGENT, near, far)]).share_counts
    assert counts[12, SHARE_CELLS - 1] == 1
