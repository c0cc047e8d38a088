"""A pace finds out how fast AWS may be called, and remembers what was too much."""

from __future__ import annotations

import pytest

from classifier_operator.runtime.pacing.pace import REST_SECONDS, Pace


class Aws:
    """AWS's own bucket: so many calls a second, so many at once; time passes as the pace has it."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self._burst = self._tokens = burst
        self._at = 0.0
        self.throttled = 0

    def takes(self, now: float) -> bool:
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            self.throttled += 1
            return False
        self._tokens -= 1
        return True


def send(pace: Pace, aws: Aws, calls: int, now: float = 0.0) -> float:
    """Send so many calls that are waited for, one after the other; when the last one was taken."""
    taken = 0
    while taken < calls:
        now += 1 / pace.rate
        if aws.takes(now):
            taken += 1
            pace.went_well(now, is_waited_for=True)
        else:
            pace.throttled(now)
    return now


def test_a_thousand_calls_where_aws_takes_ten_a_second() -> None:
    aws = Aws(rate=10, burst=10)
    seconds = send(Pace(10, most=100, now=0), aws, 1000)
    assert seconds <= 105
    assert aws.throttled <= 10


@pytest.mark.parametrize("rate", [2.0, 4.0, 7.0, 13.0, 25.0, 60.0])
def test_whatever_aws_takes_most_of_it_is_used_and_little_is_throttled(rate: float) -> None:
    aws = Aws(rate, burst=rate)
    pace = Pace(10, most=100, now=0)
    send(pace, aws, 100)
    aws.throttled, begin = 0, 1000.0
    calls = int(rate * 100)
    seconds = send(pace, aws, calls, begin) - begin
    assert calls / seconds >= rate * 0.45
    assert aws.throttled <= calls * 0.03


def test_where_aws_does_not_limit_it_doubles_every_second() -> None:
    pace = Pace(10, most=100, now=0)
    assert 1 < send(pace, Aws(1e9, 1e9), 40) < 2
    assert 30 < pace.rate < 45
    send(pace, Aws(1e9, 1e9), 1000, 3)
    assert pace.rate == 100


def test_what_nobody_waits_for_stays_as_it_is() -> None:
    pace = Pace(10, most=100, now=0)
    for tick in range(100):
        pace.went_well(tick / 10, is_waited_for=False)
    assert pace.rate == pytest.approx(10)


def test_a_proven_pace_is_halved_and_comes_back_bit_by_bit() -> None:
    pace = Pace(10, most=10, now=0)
    pace.throttled(5)
    assert pace.rate == 5
    pace.went_well(6, is_waited_for=True)
    assert pace.rate == pytest.approx(5.9)
    for second in range(7, 15):
        pace.went_well(second, is_waited_for=True)
    assert pace.rate == 9
    for second in range(15, 25):
        pace.went_well(second, is_waited_for=True)
    assert 9 < pace.rate <= 10


def test_what_is_throttled_at_the_same_time_is_one_event() -> None:
    pace = Pace(10, most=10, now=0)
    pace.throttled(5)
    pace.throttled(5.5)
    assert pace.rate == 5
    pace.throttled(6.5)
    assert pace.rate == 2.5


def test_a_storm_is_no_limit_and_forgotten_once_it_is_over() -> None:
    pace = Pace(10, most=100, now=0)
    for second in range(100):
        pace.throttled(second * 2)
    assert pace.rate == 2
    assert send(pace, Aws(1e9, 1e9), 100, 200) - 200 < 10
    assert pace.rate > 20


def test_after_a_throttling_it_rests_and_then_climbs_gently() -> None:
    pace, free = Pace(10, most=100, now=0), Aws(1e9, 1e9)
    send(pace, free, 30)
    pace.throttled(10)
    held = pace.rate
    send(pace, free, 50, 11)
    assert pace.rate == held
    end = send(pace, free, 100, 10 + REST_SECONDS[0])
    assert held < pace.rate < held * 1.25
    before = pace.rate
    pace.throttled(end)
    assert pace.rate < before
    held = pace.rate
    send(pace, free, int(pace.rate * 9), end + REST_SECONDS[0])
    assert pace.rate == held
