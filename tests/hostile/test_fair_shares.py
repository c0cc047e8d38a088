"""One namespace, or one place that hangs, leaves the others their share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.workqueue import Priority
from tests.unit import builders
from tests.unit.test_app import Parts


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
