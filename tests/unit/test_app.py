"""The parts put together: what a watch brings, what a listing corrects, and when the operator calls itself ill."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.unit import builders
from tests.unit.fake_imports import FakeFile, FakeSources
from tests.unit.fakes import FakeClock, FakeCloud, FakeCluster, Points
from tests.unit.runtime.hints.fake_queue import Queue, of

from classifier_operator.adapters.tenants_file import TenantsFile
from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.app import App
from classifier_operator.runtime.election.shards import Shard, shard_of
from classifier_operator.runtime.monitoring.metrics import Metrics
from classifier_operator.runtime.ports import ClusterUnavailableError, ConflictError
from classifier_operator.runtime.workqueue import Priority
from classifier_operator.sagemaker.refusal_table import classify
from classifier_operator.settings import Settings

TRAINING = ObjectKey(Kind.TRAINING, "vision", "digits")
ENDPOINT = ObjectKey(Kind.ENDPOINT, "vision", "digits")
GAUGE = 'classifier_operator_objects{condition="Unknown",kind="ClassifierTraining",reason='


class Parts:
    """An app between fakes."""

    def __init__(self, queue: Queue | None = None, **settings: Any) -> None:
        self.clock, points = FakeClock(), Points()
        self.cluster = FakeCluster(points)
        self.cloud = FakeCloud(self.clock, points)
        self.sources = FakeSources(points)
        self.settings = Settings(workers=2, **settings)
        self.queue = queue
        self.app = self.another_app()

    def another_app(self) -> App:
        imports = self.sources, self.cloud
        queues = {} if self.queue is None else {"https://sqs/events": self.queue}
        return App(
            self.settings,
            self.cluster,
            self.cloud,
            imports,
            Metrics(),
            self.clock,
            TenantsFile(self.settings.tenants),
            queues,
        )

    def watched(self, key: ObjectKey) -> dict[str, Any]:
        return self.cluster.objects[key]

    async def metrics(self) -> str:
        body, _ = await self.app.exposition()
        return body.decode()

    def hold_listing(self, of: Kind) -> tuple[asyncio.Event, asyncio.Event]:
        """List no objects of a kind before the second of these is set; the first tells that somebody waits for it."""
        began, may_go_on = asyncio.Event(), asyncio.Event()
        list_all = self.cluster.list

        async def held(kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
            if kind is of:
                began.set()
                await may_go_on.wait()
            async for body in list_all(kind, namespace):
                yield body

        self.cluster.list = held  # type: ignore[method-assign]
        return began, may_go_on

    async def until(self, reason: str, key: ObjectKey = TRAINING) -> None:
        await self.reach(lambda: self.cluster.condition(key, "Ready") == ("False", reason))

    async def reach(self, reached: Callable[[], bool], seconds: float = 5) -> None:
        """Wait until it is so; looked at whenever an object changes."""
        changed = asyncio.Event()
        self.cluster.changed = lambda _: changed.set()
        async with asyncio.timeout(seconds):
            while not reached():
                changed.clear()
                await changed.wait()

    def says(self, key: ObjectKey, words: str) -> bool:
        """Whether a condition of the object does."""
        return words in str(self.cluster.status(key).get("conditions"))


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


async def test_where_many_are_created_a_status_waits_for_the_jobs_of_others(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    call = parts.cloud.call

    async def noted(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        written.append(parts.cluster.writes)
        return await call(place, operation, params, **turn)

    monkeypatch.setattr(parts.cloud, "call", noted)
    await parts.app.start()
    keys = [parts.cluster.create(builders.training(name=name)) for name in ("a", "b", "c", "d")]
    for key in keys:
        parts.app.saw(parts.watched(key), Priority.URGENT)
    for key in keys:
        await parts.until("Starting", key)
    # Of each the finalizer, and what is about to be made; while the last is worked on, nobody waits.
    assert written[:-1] == [2, 4, 6]


async def test_passes_that_wait_for_nothing_let_others_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Parts()
    for number in range(100):
        parts.cluster.create(builders.training(name=f"t-{number}", suspend=True))
    await parts.app.start()
    await parts.until("Suspended", ObjectKey(Kind.TRAINING, "vision", "t-99"))
    await parts.app.stop()
    # From now on there is nothing to do for any of them.
    parts.app = parts.another_app()
    turns, passes = 0, []
    reconcile = parts.app._controller.reconcile

    async def noted(key: ObjectKey) -> None:
        passes.append(turns)
        await reconcile(key)

    monkeypatch.setattr(parts.app._controller, "reconcile", noted)
    await parts.app.start()
    async with asyncio.timeout(5):
        while len(passes) < 100:
            turns += 1
            await asyncio.sleep(0)
    assert len(set(passes)) >= 100 / parts.settings.workers
    await parts.app.stop()


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


async def test_a_listing_that_breaks_off_takes_nothing_for_deleted(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        parts.cluster.create(builders.training(name, suspend=True))
    await parts.app.resync()
    listing = parts.cluster.list

    async def broken(kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
        async for body in listing(kind, namespace):
            yield body
            raise ClusterUnavailableError("HTTP 410")

    monkeypatch.setattr(parts.cluster, "list", broken)
    for informer in parts.app._listing._informers:
        with suppress(ClusterUnavailableError):
            await informer.resync()
    assert len(parts.app._store.keys(Kind.TRAINING)) == 3


async def test_a_kind_that_is_not_served_any_more_makes_no_object_of_it_gone(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The status of one is to be written when its CRD is gone: the answer is "not found", and not of the object."""
    key = parts.cluster.create(builders.training())
    await parts.app.resync()

    async def refused(*_: Any, **__: Any) -> dict[str, Any]:
        raise ClusterUnavailableError("the API server does not serve it", status=404)

    monkeypatch.setattr(parts.cluster, "patch", refused)
    assert await parts.app._passes.run(key) == "unavailable"
    assert parts.app._store.get(key) is not None
    assert parts.cloud.count("CreateTrainingJob") == 0


async def test_the_end_of_the_old_object_is_not_that_of_its_successor(parts: Parts) -> None:
    key = parts.cluster.create(builders.training(suspend=True))
    parts.app.saw(parts.watched(key))
    parts.app.lost(key, "its-predecessor")
    assert GAUGE in await parts.metrics()


async def test_a_successor_that_comes_during_a_listing_is_not_missing(parts: Parts) -> None:
    """The List was read between the end of the one and the beginning of the other; the watch tells of both."""
    key = parts.cluster.create(builders.training(suspend=True))
    parts.app.saw(parts.watched(key))
    began, may_go_on = parts.hold_listing(Kind.TRAINING)
    first = parts.cluster.objects.pop(key)
    listing = asyncio.create_task(parts.app.resync())
    await began.wait()
    parts.app.lost(key, first["metadata"]["uid"])
    successor = {**builders.training(suspend=True), "metadata": {**builders.training()["metadata"], "uid": "second"}}
    parts.cluster.create(successor)
    parts.app.saw(parts.watched(key))
    parts.cluster.objects.pop(key)
    may_go_on.set()
    await listing
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


async def test_its_tasks_are_counted(parts: Parts) -> None:
    def count(metrics: str) -> float:
        line = next(line for line in metrics.splitlines() if line.startswith("classifier_operator_tasks "))
        return float(line.rpartition(" ")[2])

    before = count(await parts.metrics())
    await parts.app.start()
    assert count(await parts.metrics()) >= before + parts.app.settings.workers


async def test_it_is_ill_when_sweeps_hang() -> None:
    parts = Parts(sweep_interval=0.01)
    asked, answer = asyncio.Event(), asyncio.Event()
    call = parts.cloud.call

    async def hang(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        if operation == "DescribeTrainingJob":
            asked.set()
            await answer.wait()
        return await call(place, operation, params, **turn)

    parts.cloud.call = hang  # type: ignore[method-assign]
    parts.cluster.create(builders.training())
    await parts.app.start()
    await parts.until("Starting")
    parts.clock.seconds += 10
    await asyncio.wait_for(asked.wait(), 5)
    assert parts.app.problem() == ""
    parts.clock.seconds += 1000
    assert "has not heard anything for 1000 s" in parts.app.problem()
    await parts.app.stop()


async def test_what_others_did_while_it_was_away_is_noticed_at_the_start() -> None:
    parts = Parts(sweep_interval=0.01)
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.endpoint())))
    await parts.until("Creating", ENDPOINT)
    parts.cloud.progress()
    parts.clock.seconds += 10
    await parts.reach(lambda: parts.cluster.condition(ENDPOINT, "Ready") == ("True", "InService"))
    await parts.app.stop()
    parts.cloud.touch(parts.cloud.one("Endpoint"), EndpointStatus="OutOfService")
    parts.app = parts.another_app()
    await parts.app.start()
    await parts.reach(lambda: parts.cluster.condition(ENDPOINT, "Ready") == ("False", "OutOfService"))
    await parts.app.stop()


async def test_aws_is_looked_at_before_all_trainings_are_known() -> None:
    parts = Parts()
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.endpoint())))
    await parts.until("Creating", ENDPOINT)
    await parts.app.stop()
    parts.app = parts.another_app()
    _, may_be_listed = parts.hold_listing(Kind.TRAINING)
    looked = asyncio.Event()
    call = parts.cloud.call

    async def noted(place: Place, operation: str, params: Mapping[str, Any], **turn: Any) -> dict[str, Any]:
        if operation == "DescribeEndpoint":
            looked.set()
        return await call(place, operation, params, **turn)

    parts.cloud.call = noted  # type: ignore[method-assign]
    starting = asyncio.ensure_future(parts.app.start())
    async with asyncio.timeout(5):
        await looked.wait()
    assert not starting.done()
    assert "not been listed" in parts.app.unready()
    may_be_listed.set()
    await starting
    assert parts.app.unready() == ""
    await parts.app.stop()


async def test_one_that_is_stopped_while_it_starts_leaves_nothing_running() -> None:
    parts = Parts()
    began, _ = parts.hold_listing(Kind.TRAINING)
    before = asyncio.all_tasks()
    starting = asyncio.ensure_future(parts.app.start())
    async with asyncio.timeout(5):
        await began.wait()
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
    assert asyncio.all_tasks() == before


async def test_it_is_ill_when_a_loop_has_ended(parts: Parts) -> None:
    await parts.app.start()
    await parts.app.stop()
    assert "loops have ended" in parts.app.problem()


async def test_a_loop_that_ends_by_itself_says_why(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise RuntimeError(words)

    words = "what nobody has foreseen"
    monkeypatch.setattr(parts.app._sweeper, "run", fail)
    await parts.app.start()
    await asyncio.sleep(0.01)
    assert parts.app.problem() == "1 of the operator's loops have ended"
    assert words in caplog.text
    assert "has ended" in caplog.text


async def test_one_that_is_stopped_has_nothing_to_say(parts: Parts, caplog: pytest.LogCaptureFixture) -> None:
    await parts.app.start()
    await parts.app.stop()
    assert "has ended" not in caplog.text


async def test_a_conflict_that_cannot_be_resolved_ends_no_worker(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def conflict(key: ObjectKey) -> None:
        raise ConflictError(str(key))

    async def fail(_: ObjectKey) -> dict[str, Any]:
        asked.set()
        raise ValueError(words)

    asked, words = asyncio.Event(), "no JSON"
    monkeypatch.setattr(parts.app._controller, "reconcile", conflict)
    monkeypatch.setattr(parts.cluster, "read", fail)
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.training())))
    await asyncio.wait_for(asked.wait(), 5)
    await asyncio.sleep(0.05)
    assert parts.app.problem() == ""
    # And it is not tried again at once.
    assert caplog.text.count(f"ValueError: {words}") == 1


async def test_conflicts_in_a_row_are_waited_out_ever_longer(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    async def conflict(key: ObjectKey) -> None:
        raise ConflictError(str(key))

    pauses: list[float] = []
    monkeypatch.setattr(parts.app._controller, "reconcile", conflict)
    monkeypatch.setattr(parts.app._queue, "add_after", lambda _, seconds: pauses.append(seconds))
    key = parts.cluster.create(builders.training())
    for _ in range(12):
        await parts.app._passes.run(key)
    assert pauses[0] == 0
    assert all(0.05 * 2**at <= pause <= 0.1 * 2**at for at, pause in enumerate(pauses[1:9]))
    assert all(15 <= pause <= 30 for pause in pauses[10:])
    monkeypatch.undo()
    await parts.app._passes.run(key)
    monkeypatch.setattr(parts.app._controller, "reconcile", conflict)
    monkeypatch.setattr(parts.app._queue, "add_after", lambda _, seconds: pauses.append(seconds))
    await parts.app._passes.run(key)
    assert pauses[-1] == 0


class Restored(Parts):
    """An app whose API server goes back; who watches is deaf from then on, and only a listing tells what there is."""

    def __init__(self) -> None:
        super().__init__(namespace_interval=0.01)

    @property
    def times_watched_anew(self) -> int:
        return self.cluster.watches_begun - len(Kind)

    async def served(self, body: dict[str, Any]) -> ObjectKey:
        """One that is done."""
        key = self.cluster.create(body)
        self.app.saw(self.watched(key))
        await self.reach(lambda: self.cluster.condition(key, "Ready") is not None)
        return key


@pytest_asyncio.fixture
async def restored(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Restored]:
    monkeypatch.setattr("classifier_operator.runtime.rewinds.PAUSE_SECONDS", 0.0)
    made = Restored()
    await made.app.start()
    yield made
    await made.app.stop()


SUSPENDED: dict[str, Any] = {"suspend": True}


async def turned(reached: Callable[[], bool]) -> None:
    """Wait until it is so: nothing that changes in the cluster tells of it."""
    async with asyncio.timeout(5):
        while not reached():  # noqa: ASYNC110 - there is no event
            await asyncio.sleep(0.001)


async def test_an_edit_after_the_api_server_has_gone_back_is_done(restored: Restored) -> None:
    key = await restored.served(builders.training(**SUSPENDED))
    restore = restored.cluster.snapshot()
    for count in range(10):
        tags = {"a": str(count)}
        restored.cluster.edit(key, lambda body: body["spec"].update(tags=tags))  # noqa: B023 - called here
        restored.app.saw(restored.watched(key))
    await restored.reach(lambda: restored.cluster.status(key)["observedGeneration"] == 11)
    restore()
    restored.cluster.edit(key, lambda body: body["spec"].update(suspend=False))
    await restored.until("Starting")
    await turned(lambda: restored.times_watched_anew > 0)
    assert restored.app._store.latest < 20


async def test_what_is_younger_than_the_snapshot_is_forgotten_and_named(
    restored: Restored, caplog: pytest.LogCaptureFixture
) -> None:
    restore = restored.cluster.snapshot()
    key = await restored.served(builders.training())
    await restored.until("Starting")
    job = restored.cluster.status(key)["jobName"]
    restore()
    await turned(lambda: restored.app._store.get(key) is None)
    assert f"{key} is gone and was not let go; at AWS there may be, for nobody: TrainingJob {job}" in caplog.text
    # Nobody has asked for that.
    assert restored.cloud.count("StopTrainingJob") == 0


async def test_what_was_deleted_since_the_snapshot_is_worked_on_again(restored: Restored) -> None:
    key = await restored.served(builders.training(**SUSPENDED))
    restore = restored.cluster.snapshot()
    body = restored.cluster.objects.pop(key)
    restored.cluster.create(builders.training(name="makes-versions"))
    restored.app.lost(key, body["metadata"]["uid"])
    await turned(lambda: restored.app._store.latest >= restored.cluster._version)
    restore()
    await turned(lambda: restored.app._store.get(key) is not None)
    restored.cluster.edit(key, lambda body: body["spec"].update(suspend=False))
    restored.app.saw(restored.watched(key))
    await restored.until("Starting")


async def test_a_revision_that_was_pushed_up_hides_nothing(restored: Restored) -> None:
    """As etcdutl does with --bump-revision: the watch is refused, and lists; each object is as old as the snapshot."""
    key = await restored.served(builders.training(**SUSPENDED))
    restore = restored.cluster.snapshot()
    restored.cluster.edit(key, lambda body: body["spec"].update(tags={"a": "b"}))
    restored.app.saw(restored.watched(key))
    await restored.reach(lambda: restored.cluster.status(key)["observedGeneration"] == 2)
    restore()
    restored.cluster._version += 1_000_000
    restored.app.listed(restored.watched(key))
    await turned(lambda: restored.times_watched_anew > 0)
    await restored.reach(lambda: restored.app._store.get(key) == restored.watched(key))


async def test_a_list_that_is_late_takes_nothing_back(restored: Restored) -> None:
    key = await restored.served(builders.training(**SUSPENDED))
    late = {**restored.watched(key), "metadata": dict(restored.watched(key)["metadata"])}
    restored.cluster.edit(key, lambda body: body["spec"].update(tags={"a": "b"}))
    restored.app.saw(restored.watched(key))
    restored.app.listed(late)
    await turned(lambda: restored.app._listing._rewinds._suspected is None)
    assert restored.app._store.get(key) == restored.watched(key)
    assert restored.times_watched_anew == 0


async def test_a_forced_end_of_one_that_has_nothing_at_aws_is_not_named(
    restored: Restored, caplog: pytest.LogCaptureFixture
) -> None:
    key = await restored.served(builders.training(**SUSPENDED))
    restored.app.lost(key)
    assert "was not let go" not in caplog.text


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


async def test_other_rules_of_what_may_be_used_reach_every_object(tmp_path: Path) -> None:
    rules = tmp_path / "tenants.yaml"
    rules.write_text("tenants: []")
    parts = Parts(tenants=rules, namespace_interval=0.01)
    await parts.app.start()
    try:
        parts.app.saw(parts.watched(parts.cluster.create(builders.training())))
        await parts.until("NotAllowed")
        assert parts.cloud.log == []
        rules.write_text("tenants: [{namespaces: [vision]}]")
        await parts.until("Starting")
        rules.write_text("tenants: [{}]")
        parts.app.refresh_tenants()
        assert parts.app.problem() == ""
    finally:
        await parts.app.stop()


@pytest.mark.parametrize(
    "error",
    [ClusterUnavailableError("install the CRDs", status=404), ClusterUnavailableError("HTTP 403")],
    ids=["no kinds", "denied"],
)
async def test_the_first_listing_waits_for_the_cluster(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.informers.FIRST_SECONDS", 0.01)
    parts = Parts()
    parts.cluster.create(builders.training())
    listing, answers = parts.cluster.list, [error, error]

    def refused_at_first(kind: Kind, namespace: str) -> AsyncIterator[dict[str, Any]]:
        if answers:
            raise answers.pop()
        return listing(kind, namespace)

    monkeypatch.setattr(parts.cluster, "list", refused_at_first)
    await parts.app.start()
    try:
        await parts.until("Starting")
    finally:
        await parts.app.stop()


async def test_it_is_ready_once_it_knows_what_there_is(parts: Parts) -> None:
    assert "not been listed yet" in parts.app.unready()
    await parts.app.start()
    assert (parts.app.unready(), parts.app.unserved()) == ("", "")


def refuse(parts: Parts, *refused: tuple[Kind, str]) -> Callable[[], None]:
    """Let some collections be listed by nobody, until what is returned is called."""
    listing = parts.cluster.list

    def listed(kind: Kind, namespace: str = "") -> AsyncIterator[dict[str, Any]]:
        if (kind, namespace) in refused:
            raise ClusterUnavailableError("HTTP 403", status=403)
        return listing(kind, namespace)

    parts.cluster.list = listed  # type: ignore[method-assign]

    def allow() -> None:
        parts.cluster.list = listing  # type: ignore[method-assign]

    return allow


async def test_with_a_part_of_what_it_is_for_it_is_ready_and_says_what_is_missing() -> None:
    parts = Parts(namespaces=("vision", "audio"))
    refuse(parts, (Kind.ENDPOINT, "audio"))
    parts.cluster.create(builders.training())
    await parts.app.start()
    assert (parts.app.unready(), parts.app.problem()) == ("", "")
    assert parts.app.unserved() == "ClassifierEndpoints in namespace audio: HTTP 403"
    assert 'unserved{kind="ClassifierEndpoint",namespace="audio"} 1.0' in await parts.metrics()
    assert 'unserved{kind="ClassifierEndpoint",namespace="vision"} 0.0' in await parts.metrics()
    await parts.until("Starting")
    await parts.app.stop()


async def test_what_waits_for_a_training_says_so_when_trainings_can_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.informers.FIRST_SECONDS", 0.01)
    parts = Parts()
    allow = refuse(parts, (Kind.TRAINING, ""))
    parts.cluster.create(builders.endpoint(trainingRef={"name": "digits"}, model=None))
    await parts.app.start()
    await parts.reach(lambda: parts.says(ENDPOINT, "cannot list the ClassifierTrainings of this namespace now"))
    allow()
    await parts.reach(lambda: parts.says(ENDPOINT, "ClassifierTraining digits to exist"))
    await parts.app.stop()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ClusterUnavailableError("install the CRDs"), "install the CRDs"),
        (ClusterUnavailableError("HTTP 403"), "HTTP 403"),
    ],
    ids=["no kinds", "denied"],
)
async def test_what_it_waits_for_is_said_and_is_no_illness(
    parts: Parts, error: Exception, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(kind: Kind, namespace: str) -> AsyncIterator[dict[str, Any]]:
        raise error

    listing = parts.cluster.list
    monkeypatch.setattr("classifier_operator.runtime.informers.FIRST_SECONDS", 0.01)
    monkeypatch.setattr(parts.cluster, "list", refused)
    start = asyncio.ensure_future(parts.app.start())
    async with asyncio.timeout(5):
        while words not in parts.app.unready():  # noqa: ASYNC110 - the app says nothing when it tries again
            await asyncio.sleep(0.01)
    parts.clock.seconds += 1000
    assert parts.app.problem() == ""
    monkeypatch.setattr(parts.cluster, "list", listing)
    await start
    assert (parts.app.unready(), parts.app.problem()) == ("", "")


OTHERS = ObjectKey(Kind.TRAINING, "vision", "digits-1")


async def test_another_shards_objects_are_not_touched() -> None:
    shard = Shard(shard_of("vision", "digits", 3), 3)
    assert not shard.owns("vision", OTHERS.name)
    parts = Parts(shard=shard)
    parts.cluster.create(builders.training(OTHERS.name))
    parts.cluster.create(builders.endpoint(OTHERS.name))
    await parts.app.start()
    parts.app.saw(parts.watched(parts.cluster.create(builders.training())))
    await parts.until("Starting")
    parts.app.lost(OTHERS)
    await parts.app.resync()
    await parts.app.refresh_namespaces()
    await parts.app.stop()
    assert "status" not in parts.watched(OTHERS)
    assert parts.cloud.count("CreateTrainingJob") == 1
    assert parts.cloud.count("CreateEndpoint") == 0
    assert f'{GAUGE}"Unknown"}}' not in await parts.metrics()


async def test_a_listing_notices_that_another_shards_training_is_gone() -> None:
    parts = Parts(shard=Shard(shard_of("vision", "digits", 3), 3))
    follower = parts.cluster.create(builders.endpoint(trainingRef={"name": OTHERS.name}, model=None))
    parts.cluster.create(builders.training(OTHERS.name))
    await parts.app.start()
    await parts.until("WaitingForTraining", follower)
    assert parts.says(follower, "has not looked at it yet")
    del parts.cluster.objects[OTHERS]
    await parts.app.resync()
    await parts.reach(lambda: not parts.says(follower, "has not looked at it yet"))
    await parts.app.stop()


async def test_an_event_is_followed_before_any_sweep() -> None:
    parts = Parts(queue := Queue(), sweep_interval=3600.0)
    key = parts.cluster.create(builders.training())
    await parts.app.start()
    try:
        await parts.until("Starting")
        job = parts.cluster.status(key)["jobName"]
        while not parts.app._inventory.followed():  # noqa: ASYNC110 - after the status is written
            await asyncio.sleep(0)
        parts.cloud.progress()
        queue.put(["{", of("somebodys"), of(job), of(job)])
        await parts.reach(lambda: parts.cluster.condition(key, "Ready") == ("True", "Completed"))
        assert parts.app.problem() == ""
        assert len(queue.deleted) == 4
        said = await parts.metrics()
    finally:
        await parts.app.stop()
    assert queue.was_left
    for outcome, count in {"used": 2, "unclaimed": 1, "malformed": 1}.items():
        assert f'classifier_operator_events_received_total{{outcome="{outcome}"}} {count}.0' in said
    assert "classifier_operator_events_age_seconds_count 3.0" in said


async def test_a_queue_that_is_gone_is_no_illness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier_operator.runtime.troubles.RETRY_SECONDS", (0.01, 0.01))
    gone = classify("ReceiveMessage", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
    parts = Parts(queue := Queue(gone))
    await parts.app.start()
    async with asyncio.timeout(5):
        await queue.is_silent.wait()
    assert parts.app.problem() == ""
    await parts.app.stop()
