"""Events are published behind the work; none is lost while there is time and room for it, and nobody waits for them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit.background import running

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError, GoneError
from classifier_operator.runtime.publisher import WAY_SECONDS, Publisher

KEY = ObjectKey(Kind.TRAINING, "vision", "a")


def event(name: str, namespace: str = "vision") -> dict[str, Any]:
    involved = {"kind": "ClassifierTraining", "namespace": namespace, "name": name}
    return {"metadata": {"name": name}, "involvedObject": involved}


class Setting:
    """A publisher, and a cluster that takes what it is not told to refuse."""

    def __init__(self, capacity: int = 10, **seconds: float) -> None:
        self.published: list[str] = []
        self.dropped: Counter[str] = Counter()
        self.failures: dict[str, Exception] = {}
        self.open = asyncio.Event()
        self.open.set()
        self.is_busy = False
        self.publisher = Publisher(
            self,  # type: ignore[arg-type]
            lambda: self.is_busy,
            lambda reason: self.dropped.update([reason.value]),
            capacity=capacity,
            **seconds,
        )

    async def post_event(self, event: Mapping[str, Any]) -> None:
        await self.open.wait()
        name = event["metadata"]["name"]
        if name in self.failures:
            raise self.failures[name]
        self.published.append(name)

    async def publish(self, *names: str, namespace: str = "vision") -> None:
        for name in names:
            await self.publisher.publish(event(name, namespace))


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "not published" in message]


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
    assert setting.dropped == {"unavailable": 1, "gone": 1}
    assert said(caplog) == [f"Events were not published (1 unavailable); the last one of {KEY}: HTTP 500"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(ConflictError("/namespaces/vision/events"), "conflict"), (ValueError("no JSON"), "error")],
    ids=["conflict", "unforeseen"],
)
async def test_whatever_is_wrong_with_one_the_others_are_published(
    error: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    setting = Setting()
    setting.failures = {"a": error}
    async with running(setting.publisher.run()):
        await setting.publish("a", "b", "c")
        await setting.publisher.drain(5)
        assert setting.published == ["b", "c"]
    assert setting.dropped == {reason: 1}
    assert said(caplog) == [f"Events were not published (1 {reason}); the last one of {KEY}: {error!r}"]


async def test_where_no_more_can_wait_nobody_waits_and_the_oldest_go() -> None:
    setting = Setting(capacity=2)
    setting.open.clear()
    async with running(setting.publisher.run()):
        async with asyncio.timeout(5):
            await setting.publish(*"abcdefghi")
        setting.open.set()
        await setting.publisher.drain(5)
    assert setting.published[-2:] == ["h", "i"]
    assert setting.dropped["full"] + len(setting.published) == 9
    assert setting.dropped == {"full": setting.dropped["full"]}


async def test_a_flood_of_one_namespace_drops_none_of_the_others() -> None:
    setting = Setting(capacity=10)
    setting.open.clear()
    async with running(setting.publisher.run()):
        await setting.publish("x", "y", namespace="quiet")
        await setting.publish(*map(str, range(100)), namespace="loud")
        await setting.publish("z", namespace="another")
        setting.open.set()
        await setting.publisher.drain(5)
    assert {"x", "y", "z"} <= set(setting.published)
    # They take turns: whoever has few waits for none of the flood's but one.
    assert setting.published.index("z") <= 6
    assert setting.dropped == {"full": 103 - len(setting.published)}


async def test_one_that_is_not_answered_is_given_up_and_the_next_is_published() -> None:
    setting = Setting(post_seconds=0.01)
    post, hung = setting.post_event, asyncio.Event()

    async def hang(event: Mapping[str, Any]) -> None:
        if event["metadata"]["name"] == "a":
            await hung.wait()
        await post(event)

    setting.post_event = hang  # type: ignore[method-assign]
    async with running(setting.publisher.run()):
        await setting.publish("a", "b")
        await setting.publisher.drain(5)
    assert setting.published == ["b"]
    assert setting.dropped == {"timeout": 1}


async def test_many_that_are_dropped_are_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting(capacity=1, report_seconds=0.01)
    async with running(setting.publisher.run()):
        await setting.publish(*map(str, range(101)))
        assert said(caplog) == [
            "Events were not published (1 full); the last one of ClassifierTraining/vision/0: too many wait"
        ]
        async with asyncio.timeout(5):
            while len(said(caplog)) < 2:  # noqa: ASYNC110 - nobody tells of a line of the log
                await asyncio.sleep(0.005)
    assert said(caplog)[1:] == [
        "Events were not published (99 full); the last one of ClassifierTraining/vision/99: too many wait"
    ]


async def test_a_farewell_does_not_take_for_ever_and_says_what_is_left(caplog: pytest.LogCaptureFixture) -> None:
    setting = Setting()
    setting.open.clear()
    async with running(setting.publisher.run()):
        await setting.publish("a", "b", "c", "d")
        async with asyncio.timeout(5):
            await setting.publisher.drain(0.01)
    assert setting.published == []
    assert setting.dropped == {"ended": 4}
    assert sum(int(count) for line in said(caplog) for count in re.findall(r"(\d+) ended", line)) == 4
