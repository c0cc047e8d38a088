"""A machine's clock that is set: waits go on as long as they were to, and what a restart remembers is bounded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from classifier_operator.adapters.clock import SystemClock
from classifier_operator.reconcile.trouble import bounded_after
from tests.apiserver.world import condition
from tests.unit import builders
from tests.unit.fakes import START
from tests.unit.world import World

HOURS = timedelta(hours=5)


class Machine:
    """A machine whose two clocks go on when told to, and whose time of day may be set."""

    def __init__(self) -> None:
        self.wall, self.seconds = START, 1000.0
        self.clock = SystemClock(lambda: self.wall, lambda: self.seconds)

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


@pytest.mark.parametrize("leap", [HOURS, -HOURS], ids=["forward", "back"])
def test_a_wait_takes_as_long_as_it_was_to_when_the_clock_is_set(leap: timedelta) -> None:
    machine = Machine()
    due = machine.clock.now() + timedelta(seconds=300)
    machine.wall += leap
    assert machine.clock.now() == START
    machine.wait(200)
    assert machine.clock.now() < due
    machine.wait(250)
    assert machine.clock.now() >= due


@pytest.mark.parametrize("leap", [HOURS, -HOURS], ids=["forward", "back"])
def test_in_the_end_it_is_the_machine_s_time_again(leap: timedelta) -> None:
    machine = Machine()
    machine.wall += leap
    before = machine.clock.now()
    for _ in range(21 * 60):
        machine.wait(60)
        assert machine.clock.now() > before
        before = machine.clock.now()
    assert machine.clock.now() == machine.wall


def test_without_leaps_it_is_the_machine_s_time() -> None:
    machine = Machine()
    for _ in range(100):
        machine.wait(0.1)
        assert machine.clock.now() == machine.wall


def test_the_real_one_is_about_now() -> None:
    assert abs(SystemClock().now() - datetime.now(UTC)) < timedelta(seconds=60)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ("", ""),
        ("2026-03-01T12:30:00Z", "2026-03-01T12:30:00Z"),
        ("2026-03-01T11:00:00Z", "2026-03-01T11:00:00Z"),
        ("2036-03-01T12:00:00Z", "2026-03-01T13:00:00Z"),
        ("9999-12-31T23:59:59-12:00", "2026-03-01T12:00:00Z"),
        ("soon", "2026-03-01T12:00:00Z"),
    ],
)
def test_what_is_remembered_is_no_farther_away_than_the_longest_pause(after: str, expected: str) -> None:
    assert bounded_after(after, START, timedelta(hours=1)) == expected


async def test_a_training_s_retry_of_another_time_is_made_all_the_same() -> None:
    world = World()
    world.cloud.job_outcomes.append(("Failed", "Failed", "InternalServerError: try again"))
    key = world.cluster.create(builders.training())
    await world.run(1, seconds=0)
    assert world.cluster.status(key)["retryAfter"]
    # Written by a process whose clock was years ahead.
    world.cluster.status(key)["retryAfter"] = "2036-01-01T00:00:00Z"
    world.cluster.edit(key, lambda body: None)
    world.restart()
    await world.look()
    assert world.cluster.status(key)["retryAfter"] == "2026-03-01T13:00:00Z"
    await world.run(5, seconds=1000)
    assert condition(world.cluster.status(key), "Ready")["reason"] == "Completed"


async def test_thirty_attempts_do_not_wait_for_centuries() -> None:
    world = World()
    world.cloud.job_outcomes.extend([("Failed", "Failed", "InternalServerError: try again")] * 29)
    key = world.cluster.create(builders.training(retry={"attempts": 30}))
    await world.run(90, seconds=3700)
    assert condition(world.cluster.status(key), "Ready")["reason"] == "Completed"
