"""What objects name is forgotten with them: nothing in the operator's memory grows with what a tenant makes up."""

from __future__ import annotations

import asyncio
import gc
import types
from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from classifier_operator.api.kinds import FINALIZER, ObjectKey
from classifier_operator.runtime.workqueue import Priority
from tests.hostile.test_lost_state import make_stranger
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.test_app import Parts
from tests.unit.world import World

CONTAINERS = (dict, set, frozenset, list, tuple, deque)
# What they lead to is not the operator's, or is no memory of objects.
_ELSEWHERE = (types.ModuleType, types.FunctionType, type, asyncio.AbstractEventLoop, asyncio.Task, asyncio.Future)


def sizes(*roots: Any) -> Counter[str]:
    """How many entries all containers have that can be reached, by the attribute that leads there."""
    found: Counter[str] = Counter()
    seen: set[int] = set()
    waiting: deque[tuple[str, Any]] = deque((type(root).__name__, root) for root in roots)
    while waiting:
        path, one = waiting.popleft()
        if id(one) in seen or isinstance(one, (str, bytes, int, float, *_ELSEWHERE)):
            continue
        seen.add(id(one))
        if isinstance(one, CONTAINERS):
            found[path] += len(one)
            entries = [*one.keys(), *one.values()] if isinstance(one, dict) else list(one)
            waiting += ((path, entry) for entry in entries)
        else:
            waiting += ((f"{type(one).__name__}.{name}", value) for name, value in _attributes(one))
    return found


def _attributes(one: Any) -> Iterator[tuple[str, Any]]:
    module = type(one).__module__
    if isinstance(one, types.MethodType):
        yield "__self__", one.__self__
    elif module.startswith(("classifier_operator", "collections", "weakref", "prometheus_client")):
        yield from getattr(one, "__dict__", {}).items()
        for slot in getattr(type(one), "__slots__", ()):
            if hasattr(one, slot):
                yield slot, getattr(one, slot)


def grown(before: Counter[str], after: Counter[str]) -> dict[str, tuple[int, int]]:
    return {path: (before[path], count) for path, count in after.items() if count > before[path]}


def test_what_is_looked_for_is_found() -> None:
    class Leaks:
        __module__ = "classifier_operator.made_up"

        def __init__(self) -> None:
            self.table: dict[int, list[int]] = {}

    leaks = Leaks()
    before = sizes(leaks)
    leaks.table[1] = [2, 3]
    assert grown(before, sizes(leaks)) == {"Leaks.table": (0, 3)}


async def lives(world: World, number: int) -> None:
    """A training and an endpoint of regions and roles that nobody else has, from their creation to their end."""
    role = f"arn:aws:iam::{number:012}:role/made-up"
    place = {"region": f"eu-made-{number}", "assumeRoleArn": role}
    image = "registry/image:1"
    source = {"url": f"https://h/{number}.rec"}
    world.sources.files = {source["url"]: FakeFile(b"0123456789")}
    inputs = [{"name": "train", "s3Uri": f"s3://bucket/{number}", "contentType": "application/x-recordio"}]
    algorithm = {"image": image}
    model = {"artifactS3Uri": f"s3://bucket/{number}/model.tar.gz", "image": image}
    test = {"image": {"s3Uri": "s3://bucket/image.png"}}
    bodies = [
        builders.training(f"t-{number}", inputs=inputs, algorithm=algorithm, **place),
        builders.training(f"s-{number}", inputs=[{**inputs[0], "source": source}], algorithm=algorithm, **place),
        builders.endpoint(f"e-{number}", model=model, smokeTest=test, **place),
        builders.endpoint(f"f-{number}", model=None, trainingRef={"name": f"t-{number}"}, **place),
    ]
    keys: list[ObjectKey] = []
    bodies[-1]["spec"].pop("model")
    for body in bodies:
        body["metadata"]["namespace"] = f"ns-{number}"
        keys.append(world.cluster.create(body))
    await world.run(5)
    for key, reason in zip(keys, ("Completed", "Completed", "InService", "InService"), strict=True):
        assert world.cluster.condition(key, "Ready") == ("True", reason), world.cluster.status(key)
    for key in keys:
        world.cluster.edit(key, lambda body: body["spec"].update(region=f"us-made-{number}"))
    await world.run(4)
    for key in keys:
        world.cluster.delete(key)
    await world.run(6)
    assert not world.cluster.objects


async def test_nothing_is_left_of_objects_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is known of many groups of resources together is bounded by itself, and so is which objects have ended.
    monkeypatch.setattr("classifier_operator.runtime.looks.MOST_GROUPS", 3)
    monkeypatch.setattr("classifier_operator.runtime.store.REMEMBERED", 3)
    world = World()
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    operator = world.operator
    kept: list[Counter[str]] = []
    for number in range(6):
        await lives(world, number)
        await operator.controller._defaults.refresh(set())
        gc.collect()
        kept.append(
            sizes(
                operator.controller,
                operator.inventory,
                operator.importer,
                operator.smoke_tests,
                operator.sweeper,
                operator.store,
                operator.queue,
                operator.troubles,
                operator.passes,
            )
        )
    assert grown(kept[1], kept[5]) == {}


# One is described; of two AWS is asked for a List.
@pytest.mark.parametrize(("poll", "count"), [("DescribeTrainingJob", 1), ("ListTrainingJobs", 2)])
async def test_a_poll_that_ends_after_its_object_leaves_nothing_behind(poll: str, count: int) -> None:
    parts = Parts(sweep_interval=0.01)
    keys = [parts.cluster.create(builders.training(f"digits-{number}")) for number in range(count)]
    await parts.app.start()
    for key in keys:
        await parts.until("Starting", key)
    answered = Held(parts, poll)
    parts.clock.seconds += 10
    await answered.by_aws()
    for key in keys:
        await vanishes(parts, key)
    await idle(parts)
    answered.let_go()
    async with asyncio.timeout(30):
        while parts.app._sweeper._under_way:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await parts.app.stop()
    assert remembered(parts) == {}


@pytest.mark.parametrize("is_edited", [False, True], ids=["created", "edited"])
async def test_a_pass_that_ends_after_its_object_leaves_nothing_behind(is_edited: bool) -> None:
    parts = Parts(sweep_interval=0.01)
    key = parts.cluster.create(builders.endpoint())
    await parts.app.start()
    if is_edited:
        await parts.until("Creating", key)
    answered = Held(parts, "CreateModel")
    if is_edited:
        parts.cluster.edit(key, lambda body: body["spec"].update(region="eu-west-1"))
    parts.app.saw(parts.watched(key), Priority.URGENT)
    await answered.by_aws()
    await vanishes(parts, key)
    answered.let_go()
    await idle(parts)
    await parts.app.stop()
    assert remembered(parts) == {}


class Held:
    """The calls of one operation: AWS has answered, and the operator does not hear of it before a test says so."""

    def __init__(self, parts: Parts, operation: str) -> None:
        self._answered, self._may_go = asyncio.Event(), asyncio.Event()
        self._call, self._operation = parts.cloud.call, operation
        parts.cloud.call = self._slow  # type: ignore[method-assign]

    async def by_aws(self) -> None:
        async with asyncio.timeout(30):
            await self._answered.wait()

    def let_go(self) -> None:
        self._may_go.set()

    async def _slow(self, place: Any, operation: str, params: Any, **turn: Any) -> dict[str, Any]:
        answer = await self._call(place, operation, params, **turn)
        if operation == self._operation:
            self._answered.set()
            await self._may_go.wait()
        return answer


async def vanishes(parts: Parts, key: ObjectKey) -> None:
    """Somebody takes the finalizer off, and the operator is told."""
    del parts.cluster.objects[key]
    parts.app.lost(key)


async def idle(parts: Parts) -> None:
    """Until no pass is due or under way."""
    async with asyncio.timeout(30):
        while not parts.app._queue.is_idle:  # noqa: ASYNC110
            await asyncio.sleep(0)


def remembered(parts: Parts) -> dict[str, Any]:
    """What is in the inventory."""
    inventory = parts.app._inventory
    return {name: value for name, value in vars(inventory).items() if isinstance(value, dict | set) and value}


async def test_nothing_is_left_of_strangers_that_a_search_has_met() -> None:
    """A status that was lost may have named an adopted endpoint of any name: all of the account's are asked for."""
    world = World()
    for number in range(20):
        make_stranger(world, f"other-{number}")
    body = builders.endpoint(suspend=True)
    body["metadata"]["finalizers"] = [FINALIZER]
    inventory, before = world.operator.inventory, sizes(world.operator.inventory)
    key = world.cluster.create(body)
    await world.run(2)
    world.cluster.delete(key)
    await world.run(3)
    assert key not in world.cluster.objects
    assert world.cloud.count("ListTags") >= 20
    assert grown(before, sizes(inventory)) == {}


async def test_all_endpoints_of_an_account_are_asked_for_once_however_many_statuses_are_lost() -> None:
    """What is remembered of a search would else be as much for each object as the account has endpoints."""
    world = World()
    for number in range(20):
        make_stranger(world, f"other-{number}")
    for number in range(10):
        body = builders.endpoint(f"lost-{number}", suspend=True)
        body["metadata"]["finalizers"] = [FINALIZER]
        world.cluster.create(body)
    await world.run(2)
    assert world.cloud.count("ListTags") == 20
    assert {world.cluster.condition(key, "Ready") for key in world.cluster.objects} == {("False", "Suspended")}


def _change(fields: dict[str, Any], body: dict[str, Any]) -> None:
    body["spec"].update(fields)


async def test_nothing_is_left_of_a_search_by_a_role_that_is_refused() -> None:
    """Each edit names another role; the status of before the restart may not tell all that there is."""
    world = World()
    keys = [world.cluster.create(builders.training()), world.cluster.create(builders.endpoint())]
    await world.run(3)
    world.restart()
    world.cloud.refuse("ListTrainingJobs", "AccessDeniedException", times=1000)
    world.cloud.refuse("ListEndpoints", "AccessDeniedException", times=1000)
    before: Counter[str] = Counter()
    for number in range(10):
        fields = {"assumeRoleArn": f"arn:aws:iam::{number:012}:role/made-up", "suspend": True}
        for key in keys:
            world.cluster.edit(key, partial(_change, fields))
        await world.run(1)
        before = before or sizes(world.operator.controller._searcher)
    assert grown(before, sizes(world.operator.controller._searcher)) == {}
