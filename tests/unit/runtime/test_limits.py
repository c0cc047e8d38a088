"""Whose turn it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from tests.unit.fakes import FakeClock

from classifier_operator.api.ledger import Place
from classifier_operator.runtime.pacing.limits import LEAD_SECONDS, Caller, NotYetError, RateLimits, Turn
from classifier_operator.runtime.pacing.rates import account_of, rates_for
from classifier_operator.runtime.workqueue import Priority

PLACE = Place("us-east-1")
ROLE = "arn:aws:iam::222222222222:role/"


class Callers:
    """Remembers who was called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self._arrived = asyncio.Event()

    def one(self, name: str, priority: Priority = Priority.NORMAL, group: str = "") -> Caller:
        def call() -> None:
            self.called.append(name)
            self._arrived.set()

        return Caller(name=name, priority=priority, call=call, group=group)

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(5):
            while len(self.called) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.called


def limits(rate: float) -> RateLimits:
    """Buckets of so many calls a second, with one token to begin with."""
    return RateLimits(asyncio.get_running_loop().time, {"": (rate, rate), "List": (rate, rate)})


async def test_the_first_call_is_free_and_the_next_one_waits() -> None:
    found = limits(2)
    assert (await found.acquire(PLACE, "CreateModel")).waited == 0
    assert (await found.acquire(PLACE, "CreateModel")).waited == pytest.approx(0.5, abs=0.2)


async def test_each_operation_account_and_region_has_a_bucket_of_its_own() -> None:
    found = limits(0.001)
    for place in (PLACE, Place("eu-west-1"), Place("us-east-1", ROLE + "a")):
        for operation in ("CreateModel", "CreateEndpoint"):
            assert (await found.acquire(place, operation)).waited == 0


async def test_all_lists_of_an_account_and_region_share_one_bucket() -> None:
    found = limits(0.001)
    await found.acquire(Place("us-east-1", ROLE + "a"), "ListEndpoints")
    with pytest.raises(NotYetError):
        found.claim(Place("us-east-1", ROLE + "b"), "ListTrainingJobs", Callers().one("x"))
    assert (await found.acquire(PLACE, "ListTrainingJobs")).waited == 0


async def test_tags_are_read_one_by_one_like_what_is_described() -> None:
    """After a restart each deletion asks for them: hundreds of deletions must not keep the sweeps' Lists waiting."""
    found = RateLimits(asyncio.get_running_loop().time, {"": (1, 1), "List": (1, 1), "Describe": (1000, 1000)})
    for _ in range(20):
        found.claim(PLACE, "ListTags", Callers().one("x"))
    found.claim(PLACE, "ListTrainingJobs", Callers().one("x"))


async def test_roles_of_the_operators_own_account_are_no_account_of_their_own() -> None:
    found = limits(0.001)
    by_role = Place("us-east-1", ROLE + "a")
    found.told(by_role, "arn:aws:sagemaker:us-east-1:222222222222:endpoint/x")
    await found.acquire(PLACE, "ListEndpoints")
    found.told(PLACE, "arn:aws:sagemaker:us-east-1:222222222222:endpoint/x")
    with pytest.raises(NotYetError):
        found.claim(by_role, "ListTrainingJobs", Callers().one("x"))
    await found.acquire(Place("us-east-1", "arn:aws:iam::333333333333:role/a"), "ListTrainingJobs")


async def test_lists_wait_for_the_answers_to_those_before() -> None:
    found = limits(200)
    for _ in range(2):
        await found.acquire(PLACE, "ListTrainingJobs")
    third = asyncio.ensure_future(found.acquire(PLACE, "ListEndpoints"))
    # The token is there long before.
    await asyncio.sleep(0.05)
    assert not third.done()
    found.ended(PLACE, "ListTrainingJobs")
    async with asyncio.timeout(0.5):
        await third


async def test_a_list_counts_from_its_answer_although_a_busy_loop_learns_of_it_later() -> None:
    now = [0.0]
    found = RateLimits(lambda: now[0], {"": (2, 2), "List": (2, 2)})
    for now[0] in (0.0, 0.5):
        found.claim(PLACE, "ListTrainingJobs", Callers().one("x"))
    now[0] = 1.6
    for answered in (0.1, 0.6):
        found.ended(PLACE, "ListTrainingJobs", now[0] - answered)
    found.claim(PLACE, "ListTrainingJobs", Callers().one("x"))


async def test_a_list_is_handed_over_a_moment_before_it_may_be_sent() -> None:
    now = [0.0]
    found = RateLimits(lambda: now[0], {"": (2, 2), "List": (2, 2)})
    for now[0] in (0.0, 0.5):
        assert found.claim(PLACE, "ListTrainingJobs", Callers().one("x")).opens_in == 0
    for answered in (0.25, 0.75):
        found.ended(PLACE, "ListTrainingJobs", now[0] - answered)
    now[0] = 1.25 - LEAD_SECONDS / 2
    assert found.claim(PLACE, "ListTrainingJobs", Callers().one("x")).opens_in == pytest.approx(LEAD_SECONDS / 2)
    # The next one is counted from the other answer.
    with pytest.raises(NotYetError):
        found.claim(PLACE, "ListTrainingJobs", Callers().one("y"))


async def test_others_do_not_wait_for_each_others_answers() -> None:
    found = limits(1000)
    async with asyncio.timeout(5):
        for _ in range(10):
            await found.acquire(PLACE, "DescribeEndpoint")


@pytest.mark.parametrize("moment", ["standing", "served"])
async def test_a_list_that_is_given_up_keeps_no_other_from_being_sent(moment: str) -> None:
    found = limits(1000)
    for _ in range(2):
        await found.acquire(PLACE, "ListTrainingJobs")
    second = asyncio.ensure_future(found.acquire(PLACE, "ListTrainingJobs"))
    await asyncio.sleep(0.02)
    if moment == "standing":
        second.cancel()
        found.ended(PLACE, "ListTrainingJobs")
    else:
        found.ended(PLACE, "ListTrainingJobs")
        # It has got its turn, and has not been resumed yet.
        second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    assert second.cancelled()
    async with asyncio.timeout(0.5):
        await found.acquire(PLACE, "ListTrainingJobs")


def test_roles_of_one_account_are_one_account() -> None:
    assert account_of(Place("x", ROLE + "a")) == account_of(Place("x", ROLE + "b")) == "222222222222"
    assert account_of(PLACE) == ""


def test_lists_never_go_beyond_two_a_second_and_shards_share_the_rest() -> None:
    assert rates_for(1)["List"] == (2, 2)
    assert rates_for(4)["List"] == (0.5, 0.5)
    assert rates_for(2, 40)[""] == (5, 20)
    assert rates_for(1, 4)[""] == (4, 4)
    assert rates_for(1, 100)["Describe"] == (50, 100)
    found = RateLimits(time.monotonic, rates_for(2))
    assert found.rate(PLACE, "DescribeEndpoint") == 25
    assert found.rate(PLACE, "CreateEndpoint") == 5


async def test_a_caller_does_not_wait_and_is_called_when_it_is_its_turn() -> None:
    found, callers = limits(20), Callers()
    caller = callers.one("digits")
    assert found.claim(PLACE, "CreateModel", callers.one("first")).waited == 0
    for _ in range(9):
        found.claim(PLACE, "CreateModel", callers.one("first"))
    with pytest.raises(NotYetError):
        found.claim(PLACE, "CreateModel", caller)
    assert found.waiting() == 1
    await callers.until(1)
    assert found.waiting() == 0
    assert found.claim(PLACE, "CreateModel", caller).waited > 0
    with pytest.raises(NotYetError):
        found.claim(PLACE, "CreateModel", caller)


async def test_one_that_asks_again_does_not_stand_twice() -> None:
    found, callers = limits(2), Callers()
    found.claim(PLACE, "CreateModel", callers.one("first"))
    for _ in range(3):
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one("digits"))
    assert found.waiting() == 1


async def test_the_urgent_go_first() -> None:
    found, callers = limits(20), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "CreateModel"))
    order = (("listed", Priority.LOW), ("swept", Priority.NORMAL), ("deleted", Priority.URGENT))
    for name, priority in order:
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one(name, priority))
    assert await callers.until(3) == ["deleted", "swept", "listed"]


async def test_one_that_becomes_more_urgent_goes_forward_and_is_called_once() -> None:
    found, callers = limits(20), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "CreateModel"))
    for name, priority in (("a", Priority.LOW), ("b", Priority.NORMAL), ("a", Priority.URGENT)):
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one(name, priority))
    assert await callers.until(2) == ["a", "b"]
    await found.acquire(PLACE, "CreateModel")
    assert callers.called == ["a", "b"]


async def test_nobody_waits_for_ever() -> None:
    clock, callers = FakeClock(), Callers()
    found = RateLimits(clock.monotonic, {"": (1.0, 1.0)})
    found.claim(PLACE, "CreateModel", callers.one("first"))
    for seconds, (name, priority) in enumerate((("guard", Priority.LOW), ("sweep", Priority.NORMAL)) * 2):
        clock.seconds = 12.0 * seconds / 3
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one(f"{name}-{seconds}", priority))
    clock.seconds = 100
    for count in range(4):
        called = await callers.until(count + 1)
        found.claim(PLACE, "CreateModel", callers.one(called[-1]))
        clock.seconds += 1
    assert callers.called == ["sweep-1", "guard-0", "sweep-3", "guard-2"]


async def test_a_hundred_callers_of_a_namespace_delay_anothers_by_one() -> None:
    # So slow that nobody's turn comes while they are made.
    found, callers = limits(5), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "CreateTrainingJob"))
    names = [*(f"flood-{number}" for number in range(100)), "quiet"]
    for name in names:
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateTrainingJob", callers.one(name, Priority.URGENT, name.partition("-")[0]))
    assert (await callers.until(3))[:3] == ["flood-0", "quiet", "flood-1"]


async def test_polls_of_a_namespaces_role_take_turns_with_other_namespaces() -> None:
    found, callers = limits(50), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "DescribeEndpoint"))
    order = []

    async def poll(group: str, number: int) -> None:
        await found.acquire(PLACE, "DescribeEndpoint", group=group)
        order.append(f"{group}-{number}")

    polls = [asyncio.ensure_future(poll("flood", number)) for number in range(20)]
    await asyncio.sleep(0)
    await asyncio.gather(poll("quiet", 0))
    for task in polls:
        task.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    assert len(order) <= 3
    assert not callers.called


async def test_what_was_found_out_of_made_up_places_is_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.pacing.limits.MOST_LINES", 50)
    found, callers = limits(2), Callers()
    found.throttled(PLACE, "CreateModel")
    learned = found.rate(PLACE, "CreateModel")
    assert learned < 2
    waits_in = Place("eu-west-1")
    for name in ("first", "second"):
        with suppress(NotYetError):
            found.claim(waits_in, "CreateModel", callers.one(name))
    for number in range(300):
        await found.acquire(Place("us-east-1", f"arn:aws:iam::{number:012}:role/x"), "CreateModel")
        # What is used stays.
        assert found.rate(PLACE, "CreateModel") == learned
    assert len(vars(found)["_lines"]) == 50
    # So does a line in which somebody waits.
    assert await callers.until(1) == ["second"]


async def test_turns_that_nobody_takes_do_not_pile_up() -> None:
    found, callers = limits(20), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "CreateModel"))
    names = [str(number) for number in range(30)]
    for name in names:
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one(name))
    called = list(await callers.until(20))
    await asyncio.sleep(0.1)
    assert callers.called == called == names[:20]
    for name in called:
        assert found.claim(PLACE, "CreateModel", callers.one(name)).waited > 0
    assert await callers.until(30) == names


@pytest.mark.parametrize("is_served", [False, True], ids=["standing", "with a turn"])
async def test_nobody_waits_behind_one_that_wants_nothing_any_more(is_served: bool) -> None:
    """Its turn would be kept for half a minute, and with as many as there are calls a second nobody would go on."""
    found, callers = limits(10), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "CreateModel"))
    for number in range(30):
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one(f"stale {number}"))
    if is_served:
        await callers.until(10)
    for number in range(30):
        found.withdraw(f"stale {number}")
    called = len(callers.called)
    with pytest.raises(NotYetError):
        found.claim(PLACE, "CreateModel", callers.one("fresh"))
    async with asyncio.timeout(1):
        assert (await callers.until(called + 1))[called:] == ["fresh"]
    assert found.waiting() == 0


async def test_one_that_has_withdrawn_may_come_again() -> None:
    found, callers = limits(20), Callers()
    await _exhaust(lambda: found.acquire(PLACE, "CreateModel"))
    for _ in range(2):
        with pytest.raises(NotYetError):
            found.claim(PLACE, "CreateModel", callers.one("a"))
        found.withdraw("a")
        found.withdraw("somebody else")
    with pytest.raises(NotYetError):
        found.claim(PLACE, "CreateModel", callers.one("a"))
    assert await callers.until(1) == ["a"]
    found.claim(PLACE, "CreateModel", callers.one("a"))


async def test_one_that_waits_no_longer_takes_no_turn() -> None:
    found = limits(10)
    await _exhaust(lambda: found.acquire(PLACE, "CreateModel"))
    given_up = asyncio.ensure_future(found.acquire(PLACE, "CreateModel"))
    await asyncio.sleep(0)
    given_up.cancel()
    assert (await found.acquire(PLACE, "CreateModel")).waited == pytest.approx(0.1, abs=0.08)


async def test_throttling_slows_down_whoever_comes_next() -> None:
    found = limits(10)
    await found.acquire(PLACE, "CreateModel")
    found.throttled(PLACE, "CreateModel")
    assert found.rate(PLACE, "CreateModel") == 5
    assert (await found.acquire(PLACE, "CreateModel")).waited == pytest.approx(0.2, abs=0.08)
    found.went_well(PLACE, "CreateModel")
    assert found.rate(PLACE, "CreateModel") > 5


async def _exhaust(acquire: Callable[[], Awaitable[Turn]]) -> None:
    while not (await acquire()).waited:
        pass
