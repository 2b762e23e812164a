"""Claims: each still to one holder at a time, and back again when the holder dies."""

from datetime import timedelta

import pytest

from biosense_pipeline.codes import Status, StillResult
from biosense_pipeline.store.database import Database, utc_now
from biosense_pipeline.store.scope import Scope
from biosense_pipeline.store.stills.backlog import forgotten_leases, hours_with_work, pending_outside, take_stock
from biosense_pipeline.store.stills.claims import Claim, Claims, Released
from biosense_pipeline.store.stills.outcomes import write_outcomes
from biosense_pipeline_tests.store.rows import (
    AGENT,
    HOUR,
    MODEL,
    NOW,
    OTHER,
    at_once,
    attempts_at,
    change,
    enter,
    fetch,
    outcome,
    statuses,
    still,
)

ALL = Scope()
LEASE = 60.0


@pytest.fixture
def claims(database: Database) -> Claims:
    """Claims of a minute with three attempts."""
    return Claims(database, LEASE, 3)


def test_claim_takes_the_oldest_first(database: Database, claims: Claims) -> None:
    """Stills are claimed by capture time, equal times by id, whatever the order they came in."""
    late = enter(database, start=HOUR + timedelta(minutes=5))
    early = enter(database, count=2, step=timedelta(0))
    assert _ids(claims.claim(ALL, 2)) == early
    assert _ids(claims.claim(ALL, 2)) == late
    assert _ids(claims.claim(ALL, 2)) == []


def test_claim_marks_its_rows(database: Database, claims: Claims) -> None:
    """A claimed row is P, has the claim's token, a lease by the database's clock and one attempt more."""
    ids = enter(database, 3)
    claim = claims.claim(ALL, 2)
    with database.read() as connection:
        now = utc_now(connection)
    for claimed in claim.stills:
        row = still(database, claimed.id)
        assert (row.status, row.lease_token, row.attempts) == (Status.CLAIMED, claim.token, 1)
        assert timedelta(seconds=LEASE - 10) < row.lease_expires - now <= timedelta(seconds=LEASE)
        assert (claimed.lan_id, claimed.capture_time, claimed.attempt) == (AGENT, row.capture_time, 1)
    assert _state(database, ids[2]) == (Status.PENDING, None, 0)


def test_claimed_still_keeps_everything_else(database: Database, claims: Claims) -> None:
    """A claim writes status, token, lease and attempts, and no other column."""
    (still_id,) = enter(database)
    change(database, [still_id], result=StillResult.UNKNOWN_PERSON, accuracy=12.5, num_faces=1, processed_time=NOW)
    before = still(database, still_id)._asdict()
    claims.claim(ALL, 1)
    after = still(database, still_id)._asdict()
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"status", "lease_token", "lease_expires", "attempts"}


@pytest.mark.parametrize("status", [Status.CLAIMED, Status.PROCESSED, Status.FAILED])
def test_only_pending_stills_are_claimed(database: Database, claims: Claims, status: Status) -> None:
    """Stills of any other status are left alone."""
    change(database, enter(database), status=status)
    assert not claims.claim(ALL, 10).stills


def test_threads_share_the_stills(database: Database) -> None:
    """Eight threads that claim 2,000 stills get every one exactly once, without an error."""
    total = 2000
    ids = enter(database, total, step=timedelta(milliseconds=100))

    def take_all(_: int) -> list[int]:
        claims, taken = Claims(database, LEASE, 3), []
        while batch := _ids(claims.claim(ALL, 25)):
            taken += batch
        return taken

    shares = at_once(8, take_all)
    claimed = [still_id for share in shares for still_id in share]
    assert len(claimed) == total
    assert set(claimed) == set(ids)
    assert fetch(database, "SELECT status, attempts, count(*) FROM stream_img GROUP BY 1, 2") == [("P", 1, total)]


def test_claims_release_and_write_at_once(database: Database) -> None:
    """Threads that claim, write and release the same stills leave each processed once."""
    total = 300
    ids = enter(database, total)

    def work(number: int) -> list[int]:
        claims = Claims(database, LEASE, 3)
        written: list[int] = []
        while (claim := claims.claim(ALL, 10)).stills:
            claims.release_expired(ALL)
            if number % 2:
                claims.renew(claim)
            done = write_outcomes(
                database,
                claim.token,
                [outcome(claimed.id) for claimed in claim.stills],
                model_id=MODEL,
                run_id=None,
                processed_time=NOW,
            )
            written += [one.still_id for one in done]
        return written

    written = [still_id for share in at_once(6, work) for still_id in share]
    assert sorted(written) == ids
    assert set(statuses(database)) == {Status.PROCESSED}
    assert fetch(database, "SELECT count(*), count(DISTINCT image_id) FROM process_status") == [(total, total)]


def test_expired_lease_returns_to_pending(database: Database, claims: Claims) -> None:
    """A still whose lease ran out is pending again, keeps its attempt, and the attempt is on record."""
    ids = enter(database)
    claims.claim(ALL, 1)
    _expire(database, ids)
    assert claims.release_expired(ALL) == Released(returned=1)
    assert _state(database, ids[0]) == (Status.PENDING, None, 1)
    (attempt,) = attempts_at(database, ids[0])
    assert (attempt.image_kind, attempt.status, attempt.result) == ("STREAM", "N", StillResult.PROCESSING_ERROR)
    assert "attempt 1" in attempt.detail
    assert claims.claim(ALL, 1).stills[0].attempt == 2


def test_last_attempt_fails_the_still(database: Database, claims: Claims) -> None:
    """A still whose lease runs out on every attempt ends as F with PROCESSING_ERROR and is not claimed again."""
    ids = enter(database)
    for attempt in (1, 2, 3):
        assert claims.claim(ALL, 1).stills[0].attempt == attempt
        _expire(database, ids)
        last = attempt == 3
        assert claims.release_expired(ALL) == Released(returned=int(not last), failed=int(last))
    assert _state(database, ids[0]) == (Status.FAILED, None, 3)
    assert still(database, ids[0]).result == StillResult.PROCESSING_ERROR
    assert [attempt.status for attempt in attempts_at(database, ids[0])] == ["N", "N", "F"]
    assert not claims.claim(ALL, 1).stills


def test_running_lease_is_respected(database: Database, claims: Claims) -> None:
    """A lease that has not ended is not released."""
    ids = enter(database)
    claim = claims.claim(ALL, 1)
    assert claims.release_expired(ALL) == Released()
    assert _state(database, ids[0]) == (Status.CLAIMED, claim.token, 1)


def test_claim_without_a_lease_counts_as_expired(database: Database, claims: Claims) -> None:
    """A P that another program left behind, without token and lease, returns to pending."""
    ids = enter(database)
    change(database, ids, status=Status.CLAIMED)
    assert forgotten_leases(database, ALL) == 1
    assert claims.release_expired(ALL) == Released(returned=1)
    assert _state(database, ids[0]) == (Status.PENDING, None, 0)


def test_more_expired_leases_than_one_transaction_takes(database: Database, claims: Claims) -> None:
    """All expired leases return, also where they fill several transactions."""
    ids = enter(database, 1001, step=timedelta(seconds=1))
    change(database, ids, status=Status.CLAIMED)
    assert claims.release_expired(ALL) == Released(returned=1001)
    assert claims.held_elsewhere(ALL) == 0


def test_release_keeps_to_its_scope(database: Database, claims: Claims) -> None:
    """Expired leases outside the scope stay as they are."""
    ids = enter(database) + enter(database, start=HOUR + timedelta(hours=1))
    change(database, ids, status=Status.CLAIMED)
    assert claims.release_expired(Scope(HOUR, HOUR + timedelta(hours=1))) == Released(returned=1)
    assert statuses(database) == [Status.PENDING, Status.CLAIMED]


def test_renewed_claim_does_not_expire(database: Database, claims: Claims) -> None:
    """A renewed claim holds for another lease from now."""
    ids = enter(database, 2)
    claim = claims.claim(ALL, 2)
    _expire(database, ids)
    claims.renew(claim)
    assert claims.release_expired(ALL) == Released()
    assert forgotten_leases(database, ALL) == 0


def test_renewal_leaves_others_claims(database: Database, claims: Claims) -> None:
    """A late renewal does not prolong the claim of whoever holds the still now."""
    ids = enter(database)
    ours = claims.claim(ALL, 1)
    _expire(database, ids)
    claims.release_expired(ALL)
    claims.claim(ALL, 1)
    _expire(database, ids)
    claims.renew(ours)
    assert forgotten_leases(database, ALL) == 1


def test_give_back_undoes_the_claim(database: Database, claims: Claims) -> None:
    """A still given back is as it was before the claim, its attempts included."""
    ids = enter(database, 2)
    before = [still(database, still_id) for still_id in ids]
    claims.give_back(claims.claim(ALL, 2))
    assert [still(database, still_id) for still_id in ids] == before


def test_give_back_leaves_what_was_written(database: Database, claims: Claims) -> None:
    """What was written before the claim is given back stays processed."""
    ids = enter(database, 2)
    claim = claims.claim(ALL, 2)
    write_outcomes(database, claim.token, [outcome(ids[0])], model_id=MODEL, run_id=None, processed_time=NOW)
    claims.give_back(claim)
    assert statuses(database) == [Status.PROCESSED, Status.PENDING]
    assert [still(database, still_id).attempts for still_id in ids] == [1, 0]


def test_old_token_cannot_give_back(database: Database, claims: Claims) -> None:
    """Giving back a claim that was lost does not take the stills from their new holder."""
    ids = enter(database)
    ours = claims.claim(ALL, 1)
    _expire(database, ids)
    claims.release_expired(ALL)
    theirs = claims.claim(ALL, 1)
    claims.give_back(ours)
    assert _state(database, ids[0]) == (Status.CLAIMED, theirs.token, 2)


def test_old_token_cannot_write(database: Database, claims: Claims) -> None:
    """Outcomes under a token that lost its still are not written, and the caller is told which were."""
    ids = enter(database, 2)
    ours = claims.claim(ALL, 2)
    _expire(database, ids[:1])
    claims.release_expired(ALL)
    theirs = claims.claim(ALL, 1)
    late = [outcome(still_id, StillResult.UNKNOWN_PERSON) for still_id in ids]
    written = write_outcomes(database, ours.token, late, model_id=MODEL, run_id=None, processed_time=NOW)
    assert [one.still_id for one in written] == ids[1:]
    assert _state(database, ids[0]) == (Status.CLAIMED, theirs.token, 2)
    assert fetch(database, "SELECT stream_image_id FROM recognition_result") == [(ids[1],)]
    assert [attempt.status for attempt in attempts_at(database, ids[0])] == ["N"]


def test_claim_keeps_to_its_hour(database: Database, claims: Claims) -> None:
    """An hour holds its first moment and not its last; stills without a time belong to no hour."""
    end = HOUR + timedelta(hours=1)
    inside = enter(database, 2, step=timedelta(minutes=59, seconds=59))
    enter(database, start=HOUR - timedelta(seconds=1))
    enter(database, start=end)
    change(database, enter(database), capture_time=None)
    assert _ids(claims.claim(Scope(HOUR, end), 10)) == inside
    assert pending_outside(database, HOUR, end) == 3
    assert len(claims.claim(ALL, 10).stills) == 3


def test_claim_keeps_to_its_agents_and_ids(database: Database, claims: Claims) -> None:
    """A scope of agents and of a highest id holds only stills within both."""
    ours = enter(database, 3)
    enter(database, 3, OTHER)
    later = enter(database, 1, start=HOUR - timedelta(hours=1))
    scope = Scope(lan_ids=(AGENT,))
    assert _ids(claims.claim(scope.up_to(ours[1]), 10)) == ours[:2]
    assert _ids(claims.claim(scope, 10)) == [*later, ours[2]]
    assert claims.held_elsewhere(scope) == 4
    assert take_stock(database, Scope(lan_ids=(OTHER,))).pending == 3
    assert not claims.claim(Scope(lan_ids=()), 10).stills


def test_hours_with_work_are_named_newest_first(database: Database, claims: Claims) -> None:
    """Hours with pending stills or expired leases are named once each, newest first, up to the limit."""
    hours = [HOUR + timedelta(hours=number) for number in range(5)]
    stills = {hour: enter(database, 3, start=hour + timedelta(minutes=7)) for hour in hours}
    change(database, enter(database, start=HOUR - timedelta(days=1)), status=Status.CLAIMED)
    claims.claim(Scope(hours[4], hours[4] + timedelta(hours=1)), 10)
    change(database, stills[hours[3]], status=Status.PROCESSED)
    assert hours_with_work(database, ALL, 10) == [hours[2], hours[1], hours[0], HOUR - timedelta(days=1)]
    assert hours_with_work(database, ALL, 2) == [hours[2], hours[1]]
    assert hours_with_work(database, Scope(start=hours[2]), 10) == [hours[2]]


def test_stock_counts_what_is_pending(database: Database) -> None:
    """The stock has the pending stills of each agent, the oldest and the highest id of the scope."""
    assert take_stock(database, ALL).highest_id is None
    enter(database, 2, OTHER)
    ids = enter(database, 3, start=HOUR - timedelta(minutes=1))
    change(database, ids[2:], status=Status.PROCESSED)
    stock = take_stock(database, ALL)
    assert (stock.per_agent, stock.pending) == ({OTHER: 2, AGENT: 2}, 4)
    assert (stock.oldest, stock.highest_id) == (HOUR - timedelta(minutes=1), ids[2])


def _ids(claim: Claim) -> list[int]:
    return [claimed.id for claimed in claim.stills]


def _state(database: Database, still_id: int) -> tuple[str | None, str | None, int]:
    row = still(database, still_id)
    return row.status, row.lease_token, row.attempts


def _expire(database: Database, ids: list[int]) -> None:
    with database.read() as connection:
        change(database, ids, lease_expires=utc_now(connection) - timedelta(milliseconds=1))
