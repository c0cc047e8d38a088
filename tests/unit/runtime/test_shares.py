"""Who gets a thread, while some hold theirs for long."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

from classifier_operator.adapters.aws import CONNECTIONS
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.pacing.shares import (
    INVOCATIONS,
    KEPT_SECONDS,
    MOST_OF_PLACE,
    MOST_THREADS,
    Share,
    ThreadShares,
)


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def shares(now: Time) -> ThreadShares:
    return ThreadShares(now)


def share(region: str = "us-east-1", namespace: str = "", *, service: str = "sagemaker", role: str = "") -> Share:
    return Share(service, Place(region, role), namespace)


def taken(shares: ThreadShares, one: Share) -> int:
    """How many threads one gets until there are none for it."""
    return next(number for number in count() if not shares.take(one))


def test_one_place_gets_as_many_as_a_client_has_connections(shares: ThreadShares) -> None:
    assert taken(shares, share(namespace="team")) == MOST_OF_PLACE == CONNECTIONS


def test_places_that_hang_get_less_and_less(shares: ThreadShares) -> None:
    found = [taken(shares, share(f"region-{number}")) for number in range(15)]
    assert found == sorted(found, reverse=True)
    assert found[:7] == [16, 16, 16, 16, 11, 7, 5]
    assert (sum(found), shares.held) == (MOST_THREADS, MOST_THREADS)


def test_the_roles_of_one_region_together_leave_two_thirds_to_other_regions(shares: ThreadShares) -> None:
    assert sum(taken(shares, share(role=f"role/{number}")) for number in range(50)) == 32
    assert taken(shares, share("eu-west-1")) == 16


def test_a_namespace_gets_half_however_many_places_it_names(shares: ThreadShares) -> None:
    assert sum(taken(shares, share(f"region-{number}", "flood")) for number in range(50)) == MOST_THREADS // 2
    assert taken(shares, share("us-east-1", "quiet")) == 16


def test_the_places_of_a_namespace_that_hang_leave_threads_to_its_others(shares: ThreadShares) -> None:
    found = [taken(shares, share(f"region-{number}", "team")) for number in range(5)]
    assert found == [16, 11, 7, 5, 3]


def test_invocations_leave_threads_to_all_else(shares: ThreadShares) -> None:
    namespaces = [f"team-{number}" for number in range(50)]
    assert sum(taken(shares, share("us-east-1", one, service=INVOCATIONS)) for one in namespaces) == 8
    assert taken(shares, share()) == 16


def test_what_is_given_back_is_there_again(shares: ThreadShares) -> None:
    for _ in range(3):
        assert taken(shares, share("us-east-1", "team")) == 16
        for _ in range(16):
            shares.give_back(share("us-east-1", "team"))
    assert (shares.held, dict(vars(shares)["_held"])) == (0, {})


async def waiting(shares: ThreadShares, *names: str) -> list[str]:
    """Let these wait in the named namespaces for threads of one place; in which order they get them."""
    order: list[str] = []

    async def one(name: str) -> None:
        assert await shares.wait(share("us-east-1", name[0]))
        order.append(name)

    tasks = [asyncio.ensure_future(one(name)) for name in names]
    await asyncio.sleep(0)
    while len(order) < len(names):
        shares.give_back(share())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    return order


async def test_namespaces_take_turns(shares: ThreadShares) -> None:
    taken(shares, share())
    assert await waiting(shares, "a1", "a2", "a3", "b1", "c1") == ["a1", "b1", "c1", "a2", "a3"]
    assert (shares.waiting(), vars(shares)["_lines"]) == (0, {})


async def test_whoever_waits_for_what_hangs_is_in_nobodys_way(shares: ThreadShares) -> None:
    taken(shares, share("eu-west-1"))
    hanging = [asyncio.ensure_future(shares.wait(share("eu-west-1"))) for _ in range(40)]
    await asyncio.sleep(0)
    assert await shares.wait(share("us-east-1"))
    assert shares.take(share("us-east-1"))
    assert (shares.waiting(), [one.done() for one in hanging]) == (40, [False] * 40)
    for one in hanging:
        one.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    # Those that do not wait any more get none.
    shares.give_back(share("eu-west-1"))
    assert (shares.waiting(), shares.held) == (0, 17)


async def test_one_that_comes_later_does_not_go_before_those_who_wait(shares: ThreadShares) -> None:
    taken(shares, share())
    waits = asyncio.ensure_future(shares.wait(share()))
    await asyncio.sleep(0)
    assert not shares.take(share())
    shares.give_back(share())
    assert await waits
    assert shares.held == 16


async def test_the_wait_can_be_bounded(shares: ThreadShares) -> None:
    taken(shares, share())
    assert not await shares.wait(share(), 0.01)
    assert shares.held == 16


async def test_one_that_is_cancelled_as_it_gets_a_thread_gives_it_back(shares: ThreadShares) -> None:
    taken(shares, share())
    waits = asyncio.ensure_future(shares.wait(share()))
    await asyncio.sleep(0)
    shares.give_back(share())
    waits.cancel()
    await asyncio.gather(waits, return_exceptions=True)
    assert (waits.cancelled(), shares.held) == (True, 15)


async def test_a_caller_is_called_and_its_thread_is_kept(shares: ThreadShares) -> None:
    called: list[str] = []
    taken(shares, share())
    for _ in range(3):
        shares.call(share(), "digits", lambda: called.append("digits"))
    assert shares.is_called("digits")
    shares.give_back(share())
    assert (called, shares.is_called("digits"), shares.held) == (["digits"], False, 16)
    assert not shares.take(share(), "another")
    assert shares.take(share(), "digits")
    assert shares.held == 16


async def test_a_thread_that_is_kept_in_vain_is_free_again(shares: ThreadShares, now: Time) -> None:
    taken(shares, share())
    for name in ("never comes", "wants another", "wants nothing"):
        shares.call(share(), name, lambda: None)
        shares.give_back(share())
    assert shares.held == 16
    # What another place's thread is taken for does not need this one.
    assert shares.take(share("eu-west-1"), "wants another")
    shares.withdraw("wants nothing")
    assert shares.held == 15
    now.now += KEPT_SECONDS + 1
    async with asyncio.timeout(5):
        while shares.held != 14:  # noqa: ASYNC110 - looked at once a second
            await asyncio.sleep(0.05)


async def test_one_who_wants_nothing_any_more_is_not_called(shares: ThreadShares) -> None:
    called: list[str] = []
    taken(shares, share())
    shares.call(share(), "gone", lambda: called.append("gone"))
    shares.call(share(), "there", lambda: called.append("there"))
    shares.withdraw("gone")
    shares.give_back(share())
    assert called == ["there"]
