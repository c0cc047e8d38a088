"""The parts put together: what a watch brings, what a listing corrects, and when the operator calls itself ill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.unit import builders
from tests.unit.fake_imports import FakeFile, FakeSources
from tests.unit.fakes import FakeClock, FakeCloud, FakeCluster, Points

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.app import App
from classifier_operator.runtime.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError, GoneError
from classifier_operator.settings import Settings

TRAINING = ObjectKey(Kind.TRAINING, "vision", "digits")
GAUGE = 'classifier_operator_objects{condition="Unknown",kind="ClassifierTraining",reason='


class Parts:
    """An app between fakes."""

    def __init__(self) -> None:
        self.clock, points = FakeClock(), Points()
        self.cluster = FakeCluster(points)
        self.cloud = FakeCloud(self.clock, points)
        self.sources = FakeSources(points)
        imports = self.sources, self.cloud
        self.app = App(Settings(workers=2), self.cluster, self.cloud, imports, Metrics(), self.clock)

    def watched(self, key: ObjectKey) -> dict[str, Any]:
        return self.cluster.objects[key]

    async def metrics(self) -> str:
        body, _ = await self.app.exposition()
        return body.decode()

    async def until(self, reason: str) -> None:
        changed = asyncio.Event()
        self.cluster.changed = lambda _: changed.set()
        async with asyncio.timeout(5):
            while self.cluster.condition(TRAINING, "Ready") != ("False", reason):
                changed.clear()
                await changed.wait()


def passes(metrics: str) -> list[str]:
    return [line for line in metrics.splitlines() if line.startswith("classifier_operator_passes_total{")]


@pytest_asyncio.fixture
async def parts() -> AsyncIterator[Parts]:
    made = Parts()
    yield made
    await made.app.stop()


async def test_what_a_watch_brings_is_worked_on(parts: Parts) -> None:
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.training())))
    await parts.until("Starting")
    assert parts.cloud.count("CreateTrainingJob") == 1


async def test_what_was_there_before_the_start_is_worked_on(parts: Parts) -> None:
    parts.cluster.create(builders.training())
    await parts.app.start()
    await parts.until("Starting")


async def test_a_listing_notices_what_was_deleted_unseen(parts: Parts) -> None:
    parts.cluster.create(builders.training(suspend=True))
    await parts.app.resync()
    assert GAUGE in await parts.metrics()
    del parts.cluster.objects[TRAINING]
    await parts.app.resync()
    assert GAUGE not in await parts.metrics()


async def test_the_end_of_the_old_object_is_not_that_of_its_successor(parts: Parts) -> None:
    key = parts.cluster.create(builders.training(suspend=True))
    parts.app.saw(parts.watched(key))
    parts.app.lost(key, "its-predecessor")
    assert GAUGE in await parts.metrics()


async def test_what_is_fetched_when_it_stops_is_left_for_the_next_one(parts: Parts) -> None:
    url = "https://example.org/x.rec"
    parts.sources.files[url] = FakeFile(b"x" * 100)
    parts.sources.files[url].breaks_after.append(50)
    train, validation = builders.training_spec()["inputs"]
    parts.cluster.create(builders.training(inputs=[{**train, "source": {"url": url}}, validation]))
    await parts.app.start()
    await parts.until("Importing")
    await parts.app.stop()
    assert parts.sources.are_open == 0
    assert parts.cloud.count("AbortMultipartUpload") == 0


async def test_it_is_well_after_the_start(parts: Parts) -> None:
    await parts.app.start()
    assert parts.app.problem() == ""


async def test_it_is_ill_when_sweeps_hang(parts: Parts) -> None:
    await parts.app.start()
    parts.clock.seconds += 1000
    assert "the last sweep" in parts.app.problem()


async def test_it_is_ill_when_a_loop_has_ended(parts: Parts) -> None:
    await parts.app.start()
    await parts.app.stop()
    assert "loops have ended" in parts.app.problem()


async def test_a_changed_annotation_of_the_namespace_reaches_a_settled_object(parts: Parts) -> None:
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.training(region="", suspend=True))))
    await parts.until("InvalidSpec")
    parts.cluster.namespaces["vision"] = {"classifiers.sagemaker.dev/region": "eu-west-1"}
    await parts.app.refresh_namespaces()
    await parts.until("Suspended")


async def test_an_annotation_that_says_the_same_disturbs_nobody(parts: Parts) -> None:
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.training(suspend=True))))
    await parts.until("Suspended")
    before = passes(await parts.metrics())
    parts.cluster.namespaces["vision"] = {"note": "hello"}
    await parts.app.refresh_namespaces()
    assert passes(await parts.metrics()) == before != []


@pytest.mark.parametrize(
    "error", [GoneError("/apis/x"), ClusterUnavailableError("HTTP 403")], ids=["no kinds", "denied"]
)
async def test_the_first_listing_waits_for_the_cluster(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.app.START_SECONDS", 0.01)
    parts = Parts()
    parts.cluster.create(builders.training())
    listing, answers = parts.cluster.list, [error, error]

    def refused_at_first(kind: Kind) -> AsyncIterator[dict[str, Any]]:
        if answers:
            raise answers.pop()
        return listing(kind)

    monkeypatch.setattr(parts.cluster, "list", refused_at_first)
    await parts.app.start()
    try:
        await parts.until("Starting")
    finally:
        await parts.app.stop()
