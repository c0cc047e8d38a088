"""How many calls a second."""

from __future__ import annotations

import pytest
from tests.unit.fakes import FakeClock

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.limits import RateLimits, TokenBucket


def test_a_burst_is_free_and_the_rest_waits() -> None:
    bucket = TokenBucket(2.0, 2.0, FakeClock().monotonic)
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.5, 1.0]


def test_tokens_come_back_with_time_and_not_beyond_the_burst() -> None:
    clock = FakeClock()
    bucket = TokenBucket(2.0, 2.0, clock.monotonic)
    bucket.take()
    clock.seconds = 100
    assert [bucket.take() for _ in range(3)] == [0.0, 0.0, 0.5]


def test_over_time_no_more_than_the_rate_is_taken() -> None:
    clock = FakeClock()
    bucket = TokenBucket(10.0, 10.0, clock.monotonic)
    waits = [bucket.take() for _ in range(110)]
    assert waits[-1] == pytest.approx(10.0)


async def test_each_operation_and_place_has_a_bucket_of_its_own() -> None:
    limits = RateLimits(FakeClock().monotonic, {"List": 0.001, "": 0.001})
    for place in (Place("a"), Place("b"), Place("a", "role")):
        await limits.acquire(place, "ListEndpoints")
        await limits.acquire(place, "ListTrainingJobs")
