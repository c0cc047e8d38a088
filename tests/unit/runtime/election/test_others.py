"""Two operators over the same objects are noticed by both, and said once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import structs

from classifier_operator.runtime.election.others import HeldLease, OtherOperators
from classifier_operator.runtime.ports import Clock, ClusterUnavailableError

THEIRS = HeldLease(place="ops/classifier-operator", name="classifier-operator", version="1", holder="pod_1")


class World:
    """A clock, the Leases that there are, and an operator that looks at them."""

    def __init__(self, *, me: str = "default/classifier-operator", serves: Sequence[str] = ()) -> None:
        self.now = 0.0
        self.leases: list[HeldLease] = []
        self.error: ClusterUnavailableError | None = None
        clock = cast(Clock, SimpleNamespace(monotonic=lambda: self.now))
        self.others = OtherOperators(self, clock, me=me, serves=serves, interval=60.0)

    async def everywhere(self) -> list[HeldLease]:
        if self.error is not None:
            raise self.error
        return self.leases

    async def look(self, *leases: HeldLease, after: float = 5.0) -> str:
        self.now += after
        self.leases = list(leases)
        await self.others.look()
        return self.others.remark()


def _renewed(lease: HeldLease, version: str = "2", **changes: Any) -> HeldLease:
    return structs.replace(lease, version=version, **changes)


async def test_a01_one_that_lives_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    assert await world.look(THEIRS) == ""
    said = await world.look(_renewed(THEIRS))
    assert said.startswith("another operator works on the same objects: pod_1 holds the Lease ops/classifier-operator")
    assert "all namespaces, too: stop one of them" in said
    assert await world.look(_renewed(THEIRS, "3"), after=60.0) == said
    assert await world.look(_renewed(THEIRS, "3"), after=60.0) == ""
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


@pytest.mark.parametrize(
    ("mine", "theirs", "shared"),
    [
        ([], (), "all namespaces"),
        (["a"], (), "a"),
        ([], ("b",), "b"),
        (["a", "b"], ("b", "c"), "b"),
        (["a"], ("b",), None),
    ],
    ids=["all", "mine", "theirs", "both", "neither"],
)
async def test_a01_only_shared_namespaces_count(mine: list[str], theirs: tuple[str, ...], shared: str | None) -> None:
    world = World(serves=mine)
    lease = structs.replace(THEIRS, serves=theirs)
    await world.look(lease)
    said = await world.look(_renewed(lease))
    assert (f"serves {shared}, too" in said) if shared else said == ""


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (THEIRS, THEIRS),
        (THEIRS, _renewed(THEIRS, holder="")),
        (
            structs.replace(THEIRS, place="default/classifier-operator"),
            _renewed(THEIRS, place="default/classifier-operator"),
        ),
    ],
    ids=["dead", "released", "a replica of its own"],
)
async def test_a01_others_are_no_trouble(first: HeldLease, second: HeldLease) -> None:
    world = World()
    await world.look(first)
    assert await world.look(second) == ""


async def test_a01_shards_of_another_installation_are_told_apart() -> None:
    world = World()
    shards = [structs.replace(THEIRS, name=f"classifier-operator-{n}-of-2", holder=f"pod_{n}") for n in (1, 2)]
    await world.look(*shards)
    said = await world.look(*(_renewed(one) for one in shards))
    assert "pod_1" in said
    assert "pod_2" in said


async def test_a01_what_may_not_be_listed_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World()
    world.error = ClusterUnavailableError("HTTP 403: leases is forbidden", status=403)
    await world.look()
    await world.look()
    [record] = caplog.records
    assert "is not known: HTTP 403" in record.getMessage()
