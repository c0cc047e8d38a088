"""A part of the API server that fails, or does not answer: the operator works on, and says what it could not do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest_asyncio

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.app import FAREWELL_SECONDS
from classifier_operator.runtime.publisher import CAPACITY
from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, training, until
from tests.faults.proxy import ApiProxy, Fault, is_event
from tests.unit import builders
from tests.unit.test_app import Parts

Start = Callable[..., OperatorProcess]


@pytest_asyncio.fixture
async def parts() -> AsyncIterator[Parts]:
    made = Parts()
    yield made
    await made.app.stop()


async def test_more_events_than_have_room_stop_no_work_while_they_hang(parts: Parts) -> None:
    hung = asyncio.Event()

    async def hang(event: Mapping[str, Any]) -> None:
        await hung.wait()

    parts.cluster.post_event = hang  # type: ignore[method-assign]
    await parts.app.start()
    keys = [
        parts.cluster.create(builders.training(name=f"t-{number}", suspend=True)) for number in range(CAPACITY + 100)
    ]
    for key in keys:
        parts.app.saw(parts.watched(key))
    await parts.reach(
        lambda: all(parts.cluster.condition(key, "Ready") == ("False", "Suspended") for key in keys), seconds=60
    )
    last = parts.cluster.create(builders.training(name="last"))
    parts.app.saw(parts.watched(last))
    await parts.until("Starting", ObjectKey(Kind.TRAINING, "vision", "last"))
    assert 'kubernetes_events_dropped_total{reason="full"}' in await parts.metrics()


def test_an_events_api_that_hangs_delays_neither_work_nor_the_end(
    world: World, start: Start, api_proxy: ApiProxy
) -> None:
    api_proxy.fault = Fault(0, "", is_event, hangs=True)
    operator = start(environment={"KUBECONFIG": str(api_proxy.kubeconfig)})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    until(lambda: api_proxy.hanging, "an Event to hang")
    assert world.events("digits") == []
    began = time.monotonic()
    assert operator.stop() == 0
    # What is published is waited for FAREWELL_SECONDS; kopf and the rest take a second or two on an idle machine.
    assert time.monotonic() - began < FAREWELL_SECONDS + 15
    assert "Events were not published" in operator.log.read_text()


def test_events_are_published_again_once_the_api_answers(world: World, start: Start, api_proxy: ApiProxy) -> None:
    api_proxy.fault = Fault(0, "", is_event, hangs=True)
    start(environment={"KUBECONFIG": str(api_proxy.kubeconfig)})
    world.apply(training(suspend=True))
    world.wait_for("ctrain", "digits", "Suspended")
    until(lambda: api_proxy.hanging, "an Event to hang")
    api_proxy.fault = None
    world.patch_spec("ctrain", "digits", {"suspend": False})
    world.wait_for("ctrain", "digits", "Completed")
    until(lambda: "Completed" in world.events("digits"), "the Event to be published")
