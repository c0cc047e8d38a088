"""Events are published behind the work, and none is lost while there is time for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.background import running

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError, GoneError
from classifier_operator.runtime.publisher import WAY_SECONDS, Publisher

KEY = ObjectKey(Kind.TRAINING, "vision", "a")


def event(name: str) -> dict[str, Any]:
    regarding = {"kind": "ClassifierTraining", "namespace": "vision", "name": name}
    return {"metadata": {"name": name}, "regarding": regarding}


class Setting:
    """A publisher, and a cluster that takes what it is not told to refuse."""

    def __init__(self, capacity: int = 10) -> None:
        self.published: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.is_busy = False
        self.publisher = Publisher(self, lambda: self.is_busy, capacity)  # type: ignore[arg-type]

    async def post_event(self, event: Mapping[str, Any]) -> None:
        await self.open.wait()
        name = event["metadata"]["name"]
        if name in self.failures:
            raise self.failures[name]
        self.published.append(name)

    async def publish(self, *names: str) -> None:
        for name in names:
            await self.publisher.publish(event(name))


async def test_what_is_told_is_published() -> None:
    setting = Setting()
    async with running(setting.publisher.run()):
        await setting.publish("a", "b", "c")
        await setting.publisher.drain(5)
    assert setting.published == ["a", "b", "c"]


async def test_what_is_to_be_done_goes_before_what_is_to_be_told() -> None:
    setting = Setting()
    setting.is_busy = True
    async with running(setting.publisher.run()):
        await setting.publish("a", "b", "c")
        await asyncio.sleep(3 * WAY_SECONDS)
        assert setting.published == []
        setting.is_busy = False
        await setting.publisher.drain(5)
    assert sorted(setting.published) == ["a", "b", "c"]


async def test_when_the_room_is_half_full_nothing_goes_before_it() -> None:
    setting = Setting(capacity=10)
    setting.is_busy = True
    names = [str(number) for number in range(9)]
    async with running(setting.publisher.run()):
        await setting.publish(*names)
        await asyncio.sleep(3 * WAY_SECONDS)
        assert 0 < len(setting.published) < len(names)


async def test_in_the_end_they_are_published_however_much_is_left_to_do() -> None:
    setting = Setting()
    setting.is_busy = True
    async with running(setting.publisher.run()):
        await setting.publish("a", "b")
        async with asyncio.timeout(4):
            await setting.publisher.drain(5)
    assert setting.published == ["a", "b"]


async def test_nobody_waits_for_an_event_to_be_published() -> None:
    setting = Setting()
    setting.open.clear()
    async with running(setting.publisher.run()):
        async with asyncio.timeout(5):
            await setting.publish("a", "b")
        assert setting.published == []


async def test_one_that_cannot_be_published_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting()
    setting.failures = {"a": ClusterUnavailableError("HTTP 500"), "b": GoneError("/namespaces/vision")}
    async with running(setting.publisher.run()):
        await setting.publish("a", "b", "c")
        await setting.publisher.drain(5)
    assert setting.published == ["c"]
    assert [said for said in caplog.messages if "Event" in said] == [f"{KEY}: no Event of it: HTTP 500"]


@pytest.mark.parametrize(
    "error", [ConflictError("/namespaces/vision/events"), ValueError("no JSON")], ids=["conflict", "unforeseen"]
)
async def test_whatever_is_wrong_with_one_the_others_are_published(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    setting = Setting()
    setting.failures = {"a": error}
    async with running(setting.publisher.run()):
        await setting.publish("a", "b", "c")
        await setting.publisher.drain(5)
        assert setting.published == ["b", "c"]
    assert [said for said in caplog.messages if "Event" in said] == [f"{KEY}: no Event of it: {error!r}"]


async def test_where_no_more_can_wait_one_waits_and_none_is_lost() -> None:
    setting = Setting(capacity=2)
    names = [f"{number}" for number in range(9)]
    async with running(setting.publisher.run()):
        async with asyncio.timeout(5):
            await setting.publish(*names)
            await setting.publisher.drain(5)
    assert sorted(setting.published) == names


async def test_a_farewell_does_not_take_for_ever() -> None:
    setting = Setting()
    setting.open.clear()
    async with running(setting.publisher.run()):
        await setting.publish("a")
        async with asyncio.timeout(5):
            await setting.publisher.drain(0.01)
    assert setting.published == []
