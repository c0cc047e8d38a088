"""What the measurements say of what was seen."""

from __future__ import annotations

import math

import pytest
from bench.scale.figures import Change, lags, most_in, percentile, throttled_share

HAPPENED = {"job": [Change(0, "Starting"), Change(30, "Downloading"), Change(40, "Training"), Change(100, "Completed")]}


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (1.0, 100)],
)
def test_percentiles_are_values_that_were_there(share: float, value: int) -> None:
    assert percentile(reversed(range(1, 101)), share) == value


def test_none_has_no_percentile() -> None:
    assert math.isnan(percentile([], 0.5))


def test_what_was_seen_is_late() -> None:
    seen = {"job": [Change(1, "Starting"), Change(32, "Downloading"), Change(45, "Training"), Change(101, "Completed")]}
    found = lags(HAPPENED, seen)
    assert (found.every, found.final, found.unseen) == ((2, 5, 1), (1,), 0)


def test_a_state_that_was_skipped_is_as_late_as_the_next_one() -> None:
    seen = {"job": [Change(1, "Starting"), Change(45, "Training"), Change(101, "Completed")]}
    assert lags(HAPPENED, seen).every == (15, 5, 1)


def test_what_was_never_seen_is_counted() -> None:
    found = lags(HAPPENED, {"job": [Change(1, "Starting"), Change(31, "Downloading")]})
    assert (found.every, found.final, found.unseen) == ((1,), (), 2)
    assert lags(HAPPENED, {}).unseen == 3


def test_the_most_calls_of_any_second() -> None:
    assert most_in([0.0, 0.5, 0.9, 1.0, 1.4, 3.0], 1.0) == 4
    assert most_in([0.0, 1.0, 2.0], 1.0) == 1
    assert most_in([], 1.0) == 0


def test_the_throttled_part_is_of_that_operation() -> None:
    outcomes = {"CreateModel:ThrottlingException": 9, "Create:200": 98, "Create:ThrottlingException": 2}
    assert throttled_share(outcomes, "Create") == pytest.approx(0.02)
    assert throttled_share(outcomes, "Describe") == 0
