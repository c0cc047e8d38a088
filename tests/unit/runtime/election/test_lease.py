"""What to do with the Lease as it was read; how decisions meet bad luck is in tests/properties/test_elections.py."""

from __future__ import annotations

import pytest
from msgspec import structs

from classifier_operator.runtime.election.lease import (
    Action,
    Claim,
    Lease,
    Lost,
    Read,
    Standing,
    Terms,
    Wait,
    after_claiming,
    after_conflict,
    after_failure,
    after_reading,
    claimed,
    next_action,
    of_other_sets,
    released,
)

ME = "me"
TERMS = Terms()
FREE = Lease(name="op", version="1", duration=1.0)
THEIRS = Lease(name="op", version="1", holder="other", duration=10.0, transitions=3, acquired="then", renewed="then")
MINE = structs.replace(THEIRS, holder=ME)


def do(standing: Standing, now: float) -> Action:
    return next_action(standing, ME, now, TERMS)


def read(lease: Lease | None, at: float, before: Standing | None = None) -> Standing:
    return after_reading(before or Standing(), lease, ME, at, TERMS)


def leading(sent_at: float, at: float | None = None) -> Standing:
    return after_claiming(Standing(), MINE, sent_at, sent_at if at is None else at, TERMS)


def test_the_first_thing_is_to_read() -> None:
    assert do(Standing(), 0) == Read()


@pytest.mark.parametrize("lease", [None, FREE, MINE], ids=["none", "released", "mine"])
def test_a_free_lease_is_claimed_at_once(lease: Lease | None) -> None:
    assert do(read(lease, 5), 5) == Claim(lease)


def test_a_held_lease_is_read_again_and_again() -> None:
    standing = read(THEIRS, 5)
    assert do(standing, 5) == Wait(2)
    assert do(standing, 7) == Read()


def test_a_lease_that_has_not_changed_for_its_duration_is_claimed() -> None:
    standing = read(THEIRS, 5)
    for at in (7.0, 9.0, 11.0, 13.0):
        standing = read(THEIRS, at, standing)
    assert do(standing, 13) == Wait(2)
    standing = read(THEIRS, 14, standing)
    assert do(standing, 14) == Wait(1), "claimed when it is over, not at the next look"
    assert do(standing, 15) == Claim(THEIRS)


def test_each_renewal_is_waited_out_anew() -> None:
    standing = read(structs.replace(THEIRS, version="2"), 14, read(THEIRS, 5))
    assert do(standing, 23.9) == Read()
    standing = read(structs.replace(THEIRS, version="2"), 23.9, standing)
    assert do(standing, 24) == Claim(structs.replace(THEIRS, version="2"))


def test_a_version_that_comes_again_with_another_holder_is_another_lease() -> None:
    """The API server's store was restored, and its versions count up a second time."""
    standing = read(structs.replace(THEIRS, holder="third", renewed="later"), 14, read(THEIRS, 5))
    assert do(standing, 17) == Read()
    assert standing.barred_until == 24


def test_what_was_read_long_ago_is_read_again_before_it_is_claimed() -> None:
    standing = read(FREE, 0)
    assert do(standing, 3.9) == Claim(FREE)
    assert do(standing, 4) == Read()


def test_another_ones_own_duration_counts() -> None:
    assert read(structs.replace(THEIRS, duration=60.0), 0).barred_until == 60
    assert read(structs.replace(THEIRS, duration=0.0), 0).barred_until == 10


def test_a_lease_that_was_deleted_is_waited_out_by_who_has_seen_it() -> None:
    standing = read(None, 13, read(THEIRS, 5))
    standing = read(None, 22, standing)
    assert do(standing, 22) == Wait(1)
    assert do(standing, 23) == Claim(None)


def test_it_is_held_from_before_the_claim_was_sent() -> None:
    standing = leading(sent_at=3, at=4)
    assert standing.held_until == 10
    assert do(standing, 4) == Wait(1)
    assert do(standing, 5) == Claim(MINE)


def test_what_fails_is_tried_again_until_the_deadline() -> None:
    standing = after_failure(leading(0), 2, TERMS)
    assert do(standing, 3) == Wait(1)
    assert do(standing, 4) == Claim(MINE)
    standing = after_failure(standing, 6, TERMS)
    assert do(standing, 6.5) == Wait(0.5), "not beyond the deadline"
    assert isinstance(do(standing, 7), Lost)


def test_a_conflict_is_looked_into_at_once() -> None:
    standing = after_conflict(leading(0))
    assert do(standing, 2) == Read()
    assert do(read(structs.replace(MINE, version="2"), 2, standing), 2) == Claim(structs.replace(MINE, version="2"))
    assert do(read(THEIRS, 2, standing), 2) == Lost("other holds it by now")
    assert do(read(None, 2, standing), 2) == Lost("nobody holds it by now")


def test_a_renewal_that_is_answered_too_late_is_none() -> None:
    standing = after_claiming(leading(0), structs.replace(MINE, version="2"), 6.9, 7.1, TERMS)
    assert standing.held_until == 7
    assert isinstance(do(standing, 7.1), Lost)


def test_what_is_written() -> None:
    wanted = Lease(name="op", holder=ME, duration=10.0, shards=3)
    assert claimed(None, wanted, "now") == structs.replace(wanted, acquired="now", renewed="now")
    taken = structs.replace(wanted, version="1", transitions=4, acquired="now", renewed="now")
    assert claimed(THEIRS, wanted, "now") == taken
    assert claimed(taken, wanted, "later") == structs.replace(taken, renewed="later")
    assert released(taken, "later") == structs.replace(taken, holder="", duration=1.0, renewed="later")


def test_leases_of_the_same_number_of_shards_are_no_matter() -> None:
    assert of_other_sets({}, [structs.replace(THEIRS, shards=3)], 3, 0, TERMS) == {}


def test_a_released_lease_of_another_number_is_no_matter() -> None:
    known = of_other_sets({}, [THEIRS], 3, 0, TERMS)
    assert of_other_sets(known, [structs.replace(THEIRS, holder="", version="2")], 3, 1, TERMS) == {}


def test_a_held_lease_of_another_number_is_believed_for_its_duration() -> None:
    known = of_other_sets({}, [THEIRS], 3, 0, TERMS)
    known = of_other_sets(known, [THEIRS], 3, 9, TERMS)
    assert known["op"].until == 10
    assert of_other_sets(known, [structs.replace(THEIRS, version="2")], 3, 9, TERMS)["op"].until == 19
    assert of_other_sets(known, [], 3, 9, TERMS)["op"].until == 10, "one that was deleted too"
