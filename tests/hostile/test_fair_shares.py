"""One namespace, or one place that hangs, leaves the others their share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.smoke_tests import MOST_OF_NAMESPACE
from classifier_operator.runtime.workqueue import Priority
from tests.unit import builders
from tests.unit.test_app import Parts

IMAGE = "s3://bucket/image.png"


@pytest_asyncio.fixture
async def parts() -> AsyncIterator[Parts]:
    """An app between fakes, with two workers."""
    made = Parts()
    yield made
    await made.app.stop()


def training_in(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    body = builders.training(name, **spec)
    body["metadata"]["namespace"] = namespace
    return body


async def test_ten_thousand_objects_of_a_namespace_do_not_go_before_anothers_one(parts: Parts) -> None:
    for number in range(10_000):
        parts.cluster.create(training_in("flood", f"t-{number}", suspend=True))
    written: list[ObjectKey] = []
    patch = parts.cluster.patch

    async def noted(key: ObjectKey, *args: Any, **kwargs: Any) -> dict[str, Any]:
        written.append(key)
        return await patch(key, *args, **kwargs)

    parts.cluster.patch = noted  # type: ignore[method-assign]
    await parts.app.start()
    key = parts.cluster.create(training_in("quiet", "digits"))
    # Not even urgent, as what a person does is.
    parts.app.saw(parts.watched(key), Priority.LOW)
    await parts.until("Starting", key)
    others = {one for one in written[: written.index(key)] if one.namespace == "flood"}
    assert len(others) <= 2 * parts.settings.workers


# Smoke tests


def endpoint_in(namespace: str, name: str) -> dict[str, Any]:
    body = builders.endpoint(name, smokeTest={"image": {"s3Uri": IMAGE}})
    body["metadata"]["namespace"] = namespace
    return body


async def until(parts: Parts, reached: Callable[[], bool]) -> None:
    """Let time pass, and AWS get on, until it is so."""
    async with asyncio.timeout(60):
        while not reached():
            parts.clock.seconds += 1
            parts.cloud.progress()
            await asyncio.sleep(0.01)


async def test_smoke_tests_that_hang_hold_neither_workers_nor_anothers_tests() -> None:
    parts = Parts(sweep_interval=0.01)
    parts.cloud.objects[IMAGE] = b"image"
    never, hanging, invoke = asyncio.Event(), list[str](), parts.cloud.invoke

    async def hang(place: Place, endpoint: str, *args: Any, **kwargs: Any) -> bytes:
        if endpoint.startswith("flood"):
            hanging.append(endpoint)
            await never.wait()
        return await invoke(place, endpoint, *args, **kwargs)

    parts.cloud.invoke = hang  # type: ignore[method-assign]
    flood = [parts.cluster.create(endpoint_in("flood", f"e-{number}")) for number in range(20)]
    await parts.app.start()
    await until(parts, lambda: all(parts.cluster.condition(key, "Ready") == ("False", "SmokeTesting") for key in flood))
    # All say that they are tested; a few are, and the images of the others are not in memory.
    assert len(hanging) == MOST_OF_NAMESPACE
    quiet = parts.cluster.create(endpoint_in("quiet", "digits"))
    parts.app.saw(parts.watched(quiet))
    await until(parts, lambda: parts.cluster.condition(quiet, "Ready") == ("True", "InService"))
    assert len(hanging) == MOST_OF_NAMESPACE
    await parts.app.stop()


@pytest.mark.parametrize("how", ["edited", "suspended", "deleted"])
async def test_a_smoke_test_ends_with_what_it_was_asked_for(how: str) -> None:
    parts = Parts(sweep_interval=0.01)
    parts.cloud.objects[IMAGE] = b"image"
    began, ended = asyncio.Event(), asyncio.Event()
    invoke = parts.cloud.invoke

    async def hang(*args: Any, **kwargs: Any) -> bytes:
        if began.is_set():
            return await invoke(*args, **kwargs)
        began.set()
        try:
            return await asyncio.Event().wait() and b""
        finally:
            ended.set()

    parts.cloud.invoke = hang  # type: ignore[method-assign]
    key = parts.cluster.create(endpoint_in("vision", "digits"))
    await parts.app.start()
    await until(parts, began.is_set)
    if how == "deleted":
        parts.cluster.delete(key)
    else:
        test = {"smokeTest": {"image": {"s3Uri": IMAGE}, "warmUps": 2}} if how == "edited" else {"suspend": True}
        parts.cluster.edit(key, lambda body: body["spec"].update(test))
    parts.app.saw(parts.watched(key), Priority.URGENT)
    async with asyncio.timeout(60):
        await ended.wait()
    if how == "edited":
        await until(parts, lambda: parts.cluster.condition(key, "Ready") == ("True", "InService"))
    await parts.app.stop()
