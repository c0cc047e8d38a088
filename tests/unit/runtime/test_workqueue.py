"""Each key once, the urgent ones first, again when it was added while it was worked on."""

from __future__ import annotations

import asyncio

import pytest

from classifier_operator.runtime.workqueue import MOST_OVERTAKING, Priority, WorkQueue


@pytest.fixture
def queue() -> WorkQueue[str]:
    return WorkQueue()


async def drain(queue: WorkQueue[str]) -> list[str]:
    keys = []
    while len(queue):
        keys.append(await queue.get())
        queue.done(keys[-1])
    return keys


async def test_a_key_that_waits_is_not_added_twice(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add("a")
    assert await drain(queue) == ["a"]


async def test_the_urgent_ones_go_first_and_equals_in_order(queue: WorkQueue[str]) -> None:
    queue.add("low", Priority.LOW)
    queue.add("first")
    queue.add("second")
    queue.add("urgent", Priority.URGENT)
    assert await drain(queue) == ["urgent", "first", "second", "low"]


async def test_the_more_urgent_of_two_wishes_counts(queue: WorkQueue[str]) -> None:
    queue.add("a", Priority.LOW)
    queue.add("b")
    queue.add("a", Priority.URGENT)
    assert await drain(queue) == ["a", "b"]


async def test_how_long_a_key_has_waited() -> None:
    now = 100.0
    queue: WorkQueue[str] = WorkQueue(clock=lambda: now)
    assert queue.age("a") == 0
    queue.add("a")
    now = 103.0
    queue.add("a", Priority.URGENT)
    assert queue.age("a") == 3
    assert await queue.get() == "a"
    assert queue.age("a") == 0


async def test_whether_somebody_urgent_waits(queue: WorkQueue[str]) -> None:
    queue.add("a", Priority.URGENT)
    queue.add("b")
    queue.add("b", Priority.TURN)
    queue.add("c", Priority.URGENT)
    queue.forget("a")
    found = []
    for _ in range(2):
        found.append(queue.is_urgent)
        queue.done(await queue.get())
    queue.add("d")
    assert (found, queue.is_urgent) == ([True, True], False)


async def test_a_key_that_is_worked_on_is_given_to_nobody_else(queue: WorkQueue[str]) -> None:
    queue.add("a")
    key = await queue.get()
    queue.add("a")
    assert len(queue) == 0
    queue.done(key)
    assert await drain(queue) == ["a"]


async def test_what_was_not_added_again_does_not_come_again(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.done(await queue.get())
    assert queue.is_idle


async def test_a_worker_waits_for_the_next_key(queue: WorkQueue[str]) -> None:
    getting = asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await asyncio.wait_for(getting, 1) == "a"


@pytest.mark.parametrize("delays", [(0.01, 9.0), (9.0, 0.01)], ids=["then later", "then earlier"])
async def test_the_earliest_delay_counts(queue: WorkQueue[str], delays: tuple[float, float]) -> None:
    for delay in delays:
        queue.add_after("a", delay)
    assert await asyncio.wait_for(queue.get(), 2) == "a"
    queue.close()


async def test_no_delay_is_at_once(queue: WorkQueue[str]) -> None:
    queue.add_after("a", 0)
    assert await drain(queue) == ["a"]


async def test_a_forgotten_key_does_not_come(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.add_after("a", 0.001)
    queue.add("b")
    queue.forget("a")
    await asyncio.sleep(0.01)
    assert await drain(queue) == ["b"]


async def test_a_forgotten_key_can_be_added_again(queue: WorkQueue[str]) -> None:
    queue.add("a")
    queue.forget("a")
    queue.add("a")
    assert await drain(queue) == ["a"]


async def test_nothing_comes_after_the_end(queue: WorkQueue[str]) -> None:
    queue.add_after("a", 0.001)
    queue.close()
    await asyncio.sleep(0.01)
    assert queue.is_idle


@pytest.fixture
def fair() -> WorkQueue[str]:
    """Keys such as a1: the first letter is the group."""
    return WorkQueue(group=lambda key: key[0])


async def test_ten_thousand_keys_of_one_group_delay_another_groups_by_one(fair: WorkQueue[str]) -> None:
    for number in range(10_000):
        fair.add(f"a{number}")
    fair.add("b1")
    fair.add("c1")
    assert [await fair.get() for _ in range(4)] == ["a0", "b1", "c1", "a1"]


async def test_the_urgent_of_all_groups_go_before_what_is_not(fair: WorkQueue[str]) -> None:
    for key, priority in (
        ("a1", Priority.NORMAL),
        ("b1", Priority.LOW),
        ("b2", Priority.URGENT),
        ("a2", Priority.TURN),
    ):
        fair.add(key, priority)
    assert await drain(fair) == ["a2", "b2", "a1", "b1"]


async def test_a_group_that_always_has_something_urgent_does_not_stop_the_others(fair: WorkQueue[str]) -> None:
    fair.add("b1", Priority.NORMAL)
    fair.add("c1", Priority.LOW)
    fair.add("a-later", Priority.LOW)
    given = []
    for number in range(3 * (MOST_OVERTAKING + 1)):
        fair.add(f"a{number}", Priority.URGENT)
        given.append(await fair.get())
        fair.done(given[-1])
    assert [given.index(key) for key in ("b1", "c1")] == [MOST_OVERTAKING, 2 * MOST_OVERTAKING + 1]
    # What is its own is what waits for what it has that is more urgent.
    assert "a-later" not in given


async def test_a_worker_that_is_ended_as_a_key_comes_leaves_it_to_another(queue: WorkQueue[str]) -> None:
    first, second = asyncio.ensure_future(queue.get()), asyncio.ensure_future(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    first.cancel()
    assert await asyncio.wait_for(second, 1) == "a"
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()


async def test_groups_that_are_done_take_no_memory(fair: WorkQueue[str]) -> None:
    for number in range(500):
        fair.add(chr(number + 1000) + "1", Priority.LOW)
    for number in range(250):
        fair.forget(chr(number + 1000) + "1")
    assert len(await drain(fair)) == 250
    assert not any(vars(fair)["_lines"])


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_it_tells_how_long_keys_wait() -> None:
    time, waited = Time(), list[float]()
    queue: WorkQueue[str] = WorkQueue(clock=time, waited=waited.append)
    assert queue.oldest_age == 0
    queue.add("a")
    time.now += 5
    queue.add("b")
    queue.add("a", Priority.URGENT)
    assert (queue.oldest_age, queue.working, queue.scheduled) == (5, 0, 0)
    time.now += 1
    assert [await queue.get(), await queue.get()] == ["a", "b"]
    assert (waited, queue.oldest_age, queue.working) == ([6, 1], 0, 2)
    time.now += 10
    queue.add("a")
    queue.done("a")
    assert queue.oldest_age == 0
    queue.forget("a")
    queue.add_after("b", 60)
    assert (queue.oldest_age, queue.scheduled) == (0, 1)
    queue.close()
