"""The clock and the things that happen at its moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from sagemaker_emulator.clock import Clock
from sagemaker_emulator.scheduler import Scheduler, WorkPool


class RealTime:
    """Real seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler(Clock(0, start=0.0), WorkPool(1))
    yield scheduler
    scheduler.close()


def test_clock_runs_at_its_speed() -> None:
    real = RealTime()
    clock = Clock(60, start=1000.0, real=real)
    real.now = 2.0
    assert clock.now() == 1120.0
    clock.set_speed(1)
    real.now = 3.0
    assert clock.now() == 1121.0


def test_clock_never_jumps_back() -> None:
    clock = Clock(0, start=1000.0)
    clock.jump_to(900.0)
    assert clock.now() == 1000.0


@pytest.mark.parametrize(("speed", "expected"), [(2.0, 5.0), (0.0, None)])
def test_real_seconds_until_a_moment(speed: float, expected: float | None) -> None:
    assert Clock(speed, start=0.0, real=RealTime()).real_seconds_until(10.0) == expected


def test_actions_run_in_order_at_their_moments(scheduler: Scheduler) -> None:
    seen: list[float] = []
    for moment in (20.0, 10.0, 30.0):
        scheduler.at(moment, lambda: seen.append(scheduler.clock.now()))
    scheduler.advance(25)
    assert seen == [10.0, 20.0]
    assert scheduler.clock.now() == 25.0


def test_action_that_an_action_plans_runs_too(scheduler: Scheduler) -> None:
    seen: list[float] = []
    scheduler.at(10.0, lambda: scheduler.at(15.0, lambda: seen.append(scheduler.clock.now())))
    scheduler.advance(20)
    assert seen == [15.0]


def test_advance_waits_for_work(scheduler: Scheduler) -> None:
    done: list[bool] = []

    def work() -> None:
        done.append(threading.Event().wait(0.2))

    scheduler.at(10.0, lambda: scheduler.pool.submit(work))
    scheduler.advance(20)
    assert done == [False]


def test_action_that_fails_stops_no_other(scheduler: Scheduler, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    scheduler.at(1.0, lambda: [][0])
    scheduler.at(2.0, lambda: seen.append("ran"))
    scheduler.advance(5)
    assert seen == ["ran"]
    assert "a scheduled action failed" in caplog.text


def test_running_clock_needs_no_advance() -> None:
    scheduler = Scheduler(Clock(1000), WorkPool(1))
    scheduler.start()
    ran = threading.Event()
    scheduler.at(scheduler.clock.now() + 50, ran.set)
    assert ran.wait(5)
    scheduler.close()


def test_a25_moments_are_shown_as_the_wall_clock_s_times() -> None:
    """At any speed, after changes of it and jumps; in order, and never later than now."""
    real = RealTime()
    before = time.time()
    clock = Clock(100, real=real)
    moments = [clock.now()]

    def wait() -> None:
        real.now += 3
        moments.append(clock.now())

    wait()
    clock.set_speed(1000)
    wait()
    clock.jump_to(clock.now() + 5000)
    wait()
    clock.set_speed(0)
    wait()
    clock.set_speed(2)
    wait()
    start = clock.shown(moments[0])
    assert before - 0.001 <= start <= time.time() + 0.001
    # Frozen for 3 of the seconds, in which no moment is met.
    assert [round(clock.shown(moment) - start) for moment in moments] == [0, 3, 6, 9, 9, 15]
    # In the middle of the jump.
    assert round(clock.shown(moments[2] + 2500) - start) == 6


def test_a_clock_by_hand_shows_its_own_time() -> None:
    clock = Clock(0)
    clock.jump_to(clock.now() + 3600)
    assert clock.shown(clock.now()) == clock.now()
