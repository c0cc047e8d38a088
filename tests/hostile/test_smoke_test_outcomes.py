"""Outcomes of smoke tests that end when something else has happened meanwhile: each is written once, or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.ports import ClusterUnavailableError
from classifier_operator.runtime.workqueue import Priority
from tests.unit import builders
from tests.unit.test_app import Parts

IMAGE = "s3://bucket/image.png"
SMOKE_TEST = {"image": {"s3Uri": IMAGE}, "warmUps": 0}
PATIENCE = 60.0


class Container:
    """Answers invocations when a test lets it: what was sent is answered, also when nobody waits for it any more."""

    def __init__(self, parts: Parts) -> None:
        self.invoked = 0
        self.given_up = 0
        self.error: Exception | None = None
        self._may_answer = asyncio.Event()
        self._invoke = parts.cloud.invoke
        parts.cloud.invoke = self._answer  # type: ignore[method-assign]

    def answers(self) -> None:
        """From now on it does."""
        self._may_answer.set()

    async def _answer(self, *args: Any, **kwargs: Any) -> bytes:
        self.invoked += 1
        try:
            await self._may_answer.wait()
        except asyncio.CancelledError:
            self.given_up += 1
            raise
        if self.error is not None:
            raise self.error
        return await self._invoke(*args, **kwargs)


@pytest_asyncio.fixture
async def parts() -> AsyncIterator[Parts]:
    made = Parts(sweep_interval=0.01)
    made.cloud.objects[IMAGE] = b"image"
    yield made
    await made.app.stop()


async def until(parts: Parts, reached: Callable[[], bool]) -> None:
    """Let time pass, and AWS get on, until it is so."""
    async with asyncio.timeout(PATIENCE):
        while not reached():
            parts.clock.seconds += 1
            parts.cloud.progress()
            await asyncio.sleep(0.01)


async def being_tested(parts: Parts, container: Container) -> ObjectKey:
    """An endpoint whose smoke test is under way, and whose status says so."""
    key = parts.cluster.create(builders.endpoint(smokeTest=SMOKE_TEST))
    await parts.app.start()
    await until(parts, lambda: container.invoked == 1 and is_testing(parts, key))
    await idle(parts)
    return key


async def idle(parts: Parts) -> None:
    """Until no pass is due or under way."""
    async with asyncio.timeout(PATIENCE):
        while not parts.app._queue.is_idle:  # noqa: ASYNC110
            await asyncio.sleep(0)


def is_testing(parts: Parts, key: ObjectKey) -> bool:
    return parts.cluster.condition(key, "Ready") == ("False", "SmokeTesting")


def is_ready(parts: Parts, key: ObjectKey) -> bool:
    return parts.cluster.condition(key, "Ready") == ("True", "InService")


def outcome(parts: Parts, key: ObjectKey) -> Any:
    return parts.cluster.status(key).get("smokeTest")


async def test_an_outcome_in_the_status_is_not_run_again(parts: Parts) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    container.answers()
    await until(parts, lambda: is_ready(parts, key))
    said = outcome(parts, key)
    for _ in range(3):
        parts.app.saw(parts.watched(key), Priority.URGENT)
        parts.app._queue.add(key)
        await idle(parts)
    await parts.app.stop()
    parts.app = parts.another_app()
    await parts.app.start()
    await idle(parts)
    assert (outcome(parts, key), container.invoked) == (said, 1)


async def test_a_restart_runs_it_again(parts: Parts) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    async with asyncio.timeout(PATIENCE):
        await parts.app.stop()
    assert container.given_up == 1
    container.answers()
    await asyncio.sleep(0)
    assert outcome(parts, key) is None
    parts.app = parts.another_app()
    await parts.app.start()
    await until(parts, lambda: is_ready(parts, key))
    assert (outcome(parts, key)["outcome"], container.invoked) == ("Passed", 2)


async def test_a_deletion_does_not_wait_for_it(parts: Parts) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    parts.cluster.delete(key)
    parts.app.saw(parts.watched(key), Priority.URGENT)
    await until(parts, lambda: key not in parts.cluster.objects)
    assert (container.invoked, container.given_up, parts.cloud.names("Endpoint")) == (1, 1, [])


async def test_a_deletion_does_not_wait_for_what_kept_it_from_being_run(parts: Parts) -> None:
    container = Container(parts)
    container.error = ClusterUnavailableError("away")
    key = await being_tested(parts, container)
    parts.cluster.delete(key)
    # It fails at the moment of the deletion, and the pass that deletes hears of it.
    container.answers()
    async with asyncio.timeout(PATIENCE):
        while parts.app._smoke_tests.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    parts.app.saw(parts.watched(key), Priority.URGENT)
    await idle(parts)
    assert parts.cloud.count("DeleteEndpoint") == 1


async def test_nothing_is_written_of_an_object_that_is_gone(parts: Parts) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    # Somebody takes the finalizer off, and makes another object of the same name without a smoke test.
    del parts.cluster.objects[key]
    parts.app.lost(key)
    parts.cluster.create(builders.endpoint(suspend=True))
    parts.app.saw(parts.watched(key), Priority.URGENT)
    await idle(parts)
    container.answers()
    await idle(parts)
    assert (outcome(parts, key), container.given_up, len(parts.app._smoke_tests)) == (None, 1, 0)


async def test_an_endpoint_that_has_gone_meanwhile_is_made_and_tested_again(parts: Parts) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    del parts.cloud.resources[next(one for one in parts.cloud.resources if one[1] == "Endpoint")]
    await until(parts, lambda: parts.cloud.count("CreateEndpoint") == 2)
    # The first one's answer comes when the second endpoint is there.
    await until(parts, lambda: container.invoked == 2)
    assert (outcome(parts, key), container.given_up) == (None, 1)
    container.answers()
    await until(parts, lambda: is_ready(parts, key))
    assert container.invoked == 2


@pytest.mark.parametrize(
    "change",
    [{"region": "eu-west-1"}, {"instanceType": "ml.m5.xlarge"}, {"smokeTest": {**SMOKE_TEST, "warmUps": 1}}],
    ids=["another region", "another machine", "another test"],
)
async def test_an_outcome_of_what_was_asked_for_before_is_not_written(parts: Parts, change: dict[str, Any]) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    before = parts.app._smoke_tests.of(key)
    parts.cluster.edit(key, lambda body: body["spec"].update(change))
    # It ends before the operator hears of the edit.
    container.answers()
    async with asyncio.timeout(PATIENCE):
        while parts.app._smoke_tests.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    parts.app.saw(parts.watched(key), Priority.URGENT)
    await until(parts, lambda: is_ready(parts, key) and outcome(parts, key) is not None)
    said = outcome(parts, key)
    assert before is not None
    assert container.invoked == 2 + int("smokeTest" in change)
    is_same_test = said["testHash"] == before.test.test_hash
    assert is_same_test is ("smokeTest" not in change)


async def test_an_outcome_that_comes_while_a_status_is_written_is_not_lost(parts: Parts) -> None:
    container = Container(parts)
    key = await being_tested(parts, container)
    patch, held, may_go = parts.cluster.patch, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any, **kwargs: Any) -> Any:
        held.set()
        await may_go.wait()
        return await patch(*args, **kwargs)

    parts.cluster.patch = slow  # type: ignore[method-assign]
    # A status that has something to write, of the test that is under way.
    parts.cluster.edit(key, lambda body: body["spec"].update(tags={"team": "a"}))
    parts.app.saw(parts.watched(key), Priority.URGENT)
    async with asyncio.timeout(PATIENCE):
        await held.wait()
        container.answers()
        while parts.app._smoke_tests.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    may_go.set()
    await until(parts, lambda: is_ready(parts, key))
    assert (outcome(parts, key)["outcome"], container.invoked) == ("Passed", 1)
