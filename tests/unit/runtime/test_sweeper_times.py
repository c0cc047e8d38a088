"""When the sweeper looks, and at what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set

import pytest
from tests.unit.background import running

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.looks import Group, Occasion
from classifier_operator.runtime.sweeper import Sweeper
from classifier_operator.sagemaker.views import JobView

JOBS = Place("us-east-1"), ResourceType.TRAINING_JOB
ENDPOINTS = Place("us-east-1"), ResourceType.ENDPOINT


def job(number: int) -> Resource:
    return Resource(*JOBS, f"job-{number}")


ENDPOINT = Resource(*ENDPOINTS, "endpoint")
LATER = Resource(*ENDPOINTS, "later")
GUARDED = Group(*ENDPOINTS, occasion=Occasion.GUARD)
FOLLOWER, GUARD = ObjectKey(Kind.TRAINING, "vision", "a"), ObjectKey(Kind.ENDPOINT, "vision", "b")
OTHER = ObjectKey(Kind.TRAINING, "vision", "c")


class Clock:
    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


class Gaze:
    """Looks that take as long as the test says."""

    def __init__(self) -> None:
        self.looks: list[tuple[Group, frozenset[Resource]]] = []
        # With those that have come to it by then.
        self.ended: list[tuple[Group, frozenset[Resource]]] = []
        self.heard_at = 0.0
        self.error: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self._changed = asyncio.Event()

    async def at(self, group: Group, members: Callable[[], Set[Resource]]) -> None:
        self.looks.append((group, frozenset(members())))
        self._changed.set()
        await self.open.wait()
        self.ended.append((group, frozenset(members())))
        if self.error is not None:
            raise self.error

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    def count(self, place: Place, kind: ResourceType) -> int:
        return sum((group.place, group.type) == (place, kind) for group, _ in self.looks)


class Setting:
    def __init__(self, interval: float, guard_interval: float = 1000.0) -> None:
        self.gaze = Gaze()
        self.observed: list[float] = []
        self.ages: dict[ObjectKey, float] = {}
        self.oldest_age = 0.0
        clock = Clock()
        self.inventory = Inventory(changed=lambda key: None, clock=clock.monotonic)
        self.sweeper = Sweeper(
            self.inventory,
            self.gaze,  # type: ignore[arg-type]
            clock,  # type: ignore[arg-type]
            interval=interval,
            guard_interval=guard_interval,
            age=lambda key: self.ages.get(key, 0.0),
            oldest_age=lambda: self.oldest_age,
            observe=self.observed.append,
        )


async def test_what_is_on_the_move_is_looked_at_again_and_again() -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1), job(2)}), guard=frozenset({ENDPOINT}))
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 3)
    assert at.gaze.looks.count((Group(*JOBS), frozenset({job(1), job(2)}))) == 3


async def test_what_is_seen_is_told_before_it_is_looked_at_again() -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1)}), guard=frozenset())
    at.inventory.watch(OTHER, follow=frozenset({job(2)}), guard=frozenset())
    # The other one's pass comes before the next sweep.
    at.ages = {FOLLOWER: 1.0, OTHER: 0.001}
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 2)
        assert at.gaze.looks == [(Group(*JOBS), frozenset({job(2)}))] * 2
        at.ages = {}
        await at.gaze.until(lambda: at.gaze.looks[-1] == (Group(*JOBS), frozenset({job(1), job(2)})))


async def test_where_most_has_yet_to_be_told_nothing_is_looked_at() -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1), job(3)}), guard=frozenset())
    at.inventory.watch(OTHER, follow=frozenset({job(2)}), guard=frozenset())
    at.ages = {FOLLOWER: 1.0}
    async with running(at.sweeper.run()):
        await asyncio.sleep(0.1)
        assert at.gaze.looks == []
        assert at.observed
        at.ages = {}
        await at.gaze.until(lambda: at.gaze.count(*JOBS) >= 1)


async def test_while_objects_wait_for_long_every_other_sweep_is_left_out() -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1)}), guard=frozenset())
    at.oldest_age = 0.02
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: len(at.gaze.looks) == 5)
        swept = len(at.observed)
        at.oldest_age = 0.005
        await at.gaze.until(lambda: len(at.gaze.looks) == 10)
    # One that is left out looks at nothing, in no time.
    assert 4 <= at.observed[:swept].count(0.0) <= 6
    assert at.observed[swept:].count(0.0) <= 1


async def test_what_came_to_rest_while_an_earlier_look_went_on_is_not_looked_at_again() -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1), job(2)}), guard=frozenset())
    at.gaze.open.clear()
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 1)
        await asyncio.sleep(0.05)
        at.inventory.record(job(1), JobView(name="job-1", arn="", status="Completed"))
        at.gaze.open.set()
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 2)
    assert at.gaze.looks[1] == (Group(*JOBS), frozenset({job(2)}))


async def test_a_look_that_takes_long_holds_up_no_other_and_is_not_doubled() -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1)}), guard=frozenset())
    at.gaze.open.clear()
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 1)
        at.inventory.watch(GUARD, follow=frozenset({ENDPOINT}), guard=frozenset())
        await at.gaze.until(lambda: at.gaze.count(*ENDPOINTS) == 1)
        assert at.gaze.count(*JOBS) == 1
        assert at.sweeper.hangs_for() > 0
        at.gaze.open.set()
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 2)


async def test_hints_are_looked_at_together_between_the_sweeps() -> None:
    at = Setting(interval=1000)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1), job(2)}), guard=frozenset())
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: len(at.gaze.looks) == 1)
        for number in (1, 2, 1, 3):
            at.sweeper.hint(job(number))
        await at.gaze.until(lambda: len(at.gaze.looks) == 2)
    # Nobody cares for the third.
    both = frozenset({job(1), job(2)})
    assert at.gaze.looks == [(Group(*JOBS), both), (Group(*JOBS, occasion=Occasion.HINT), both)]


async def test_a_hint_does_not_wait_for_a_sweep_that_takes_long() -> None:
    at = Setting(interval=1000)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1)}), guard=frozenset())
    at.gaze.open.clear()
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 1)
        at.sweeper.hint(job(1))
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 2)
        at.gaze.open.set()


async def test_what_ought_to_stay_as_it_is_is_looked_at_at_the_start_and_rarely() -> None:
    at = Setting(interval=0.01, guard_interval=1000)
    at.inventory.watch(GUARD, follow=frozenset(), guard=frozenset({ENDPOINT}))
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: bool(at.gaze.looks))
        await asyncio.sleep(0.1)
    assert at.gaze.looks == [(Group(*ENDPOINTS, occasion=Occasion.GUARD), frozenset({ENDPOINT}))]


async def test_it_is_guarded_again_after_the_interval() -> None:
    at = Setting(interval=0.01, guard_interval=0.02)
    at.inventory.watch(GUARD, follow=frozenset(), guard=frozenset({ENDPOINT}))
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: len(at.gaze.looks) == 3)


async def test_what_is_known_first_is_looked_at_before_it_is_known_what_there_is() -> None:
    at = Setting(interval=0.01)
    at.inventory.is_growing = True
    async with running(at.sweeper.run()):
        await asyncio.sleep(0.05)
        assert at.gaze.looks == []
        at.inventory.watch(FOLLOWER, follow=frozenset({job(1)}), guard=frozenset())
        at.inventory.watch(GUARD, follow=frozenset(), guard=frozenset({ENDPOINT}))
        await at.gaze.until(lambda: bool(at.gaze.looks))
        at.inventory.watch(OTHER, follow=frozenset(), guard=frozenset({LATER}))
        await at.gaze.until(lambda: len(at.gaze.looks) == 2)
        # What is on the move changes: a List of a part of it would have to be read again.
        assert at.gaze.looks == [(GUARDED, frozenset({ENDPOINT})), (GUARDED, frozenset({LATER}))]
        at.inventory.is_growing = False
        at.sweeper.soon()
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 2)
    assert at.gaze.count(*ENDPOINTS) == 2


async def test_what_comes_to_be_known_while_the_first_look_goes_on_is_taken_along() -> None:
    at = Setting(interval=0.01)
    at.inventory.is_growing = True
    at.inventory.watch(GUARD, follow=frozenset(), guard=frozenset({ENDPOINT}))
    at.gaze.open.clear()
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: bool(at.gaze.looks))
        at.inventory.watch(OTHER, follow=frozenset(), guard=frozenset({LATER, job(1)}))
        at.inventory.is_growing = False
        at.sweeper.soon()
        # It is of another group, which is looked at by itself.
        await at.gaze.until(lambda: at.gaze.count(*JOBS) == 1)
        at.gaze.open.set()
        await asyncio.sleep(0.05)
    jobs = Group(*JOBS, occasion=Occasion.GUARD)
    assert at.gaze.looks == [(GUARDED, frozenset({ENDPOINT})), (jobs, frozenset({job(1)}))]
    assert at.gaze.ended[0] == (GUARDED, frozenset({ENDPOINT, LATER}))


async def test_what_is_being_deleted_is_looked_at_between_rare_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.sweeper.LEAVING_SECONDS", 0.01)
    at = Setting(interval=1000)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1), job(2)}), guard=frozenset())
    for number, status in ((1, "InProgress"), (2, "Deleting")):
        at.inventory.record(job(number), JobView(name=f"job-{number}", arn="arn:x", status=status))
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: len(at.gaze.looks) == 3)
    assert [members for _, members in at.gaze.looks[1:]] == [{job(2)}] * 2


async def test_a_sweep_of_nothing_is_a_sweep_all_the_same() -> None:
    at = Setting(interval=0.01)
    async with running(at.sweeper.run()):
        await asyncio.sleep(0.1)
    assert set(at.observed) == {0.0}
    assert at.sweeper.hangs_for() == 0


async def test_what_nobody_has_foreseen_ends_one_look_and_not_the_sweeps(caplog: pytest.LogCaptureFixture) -> None:
    at = Setting(interval=0.01)
    at.inventory.watch(FOLLOWER, follow=frozenset({job(1)}), guard=frozenset())
    at.gaze.error = RuntimeError("x")
    async with running(at.sweeper.run()):
        await at.gaze.until(lambda: len(at.gaze.looks) == 2)
    assert "unforeseen" in caplog.text
