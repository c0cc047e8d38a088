"""What has something at AWS is held back by our finalizer, whoever takes it off."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import World

from classifier_operator.api.kinds import FINALIZER, ObjectKey
from classifier_operator.runtime.write import leaves_something


def replace(world: World, body: Mapping[str, Any]) -> None:
    """What `kubectl replace` does with a manifest that says nothing of finalizers."""
    (key,) = world.cluster.objects
    world.cluster.edit(key, lambda found: found["metadata"].pop("finalizers"))


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("body", [builders.training(), builders.endpoint()], ids=["training", "endpoint"])
async def test_one_that_was_replaced_is_held_back_again(body: dict[str, Any], restarts: bool) -> None:
    world = World()
    key = world.cluster.create(body)
    await world.run(3)
    replace(world, body)
    if restarts:
        world.restart()
    await world.run(2)
    assert world.cluster.objects[key]["metadata"]["finalizers"] == [FINALIZER]
    world.cluster.delete(key)
    await world.run(6)
    assert key not in world.cluster.objects
    assert world.cloud.names("Endpoint") == world.cloud.running() == []


async def test_one_that_is_being_deleted_is_not_held_back_anew() -> None:
    """The API server allows no new finalizer then."""
    world = World()
    key = world.cluster.create(builders.endpoint())
    await world.run(3)
    body = world.cluster.objects[key]
    body["metadata"]["finalizers"] = ["somebody.else/finalizer"]
    world.cluster.delete(key)
    await world.run(3)
    assert world.cluster.objects[key]["metadata"]["finalizers"] == ["somebody.else/finalizer"]


async def test_nothing_is_made_for_one_whose_deletion_came_with_our_own_words() -> None:
    """The watch may tell of it before the answer to our patch is read."""
    world = World()
    write = world.cluster.patch

    async def patched(key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        answer = await write(key, patch, status=status)
        if "finalizers" in patch.get("metadata", {}) and world.cloud.log == []:
            world.cluster.delete(key)
        return answer

    world.cluster.patch = patched  # type: ignore[method-assign]
    world.cluster.create(builders.endpoint())
    await world.look()
    assert [operation for operation, *_ in world.cloud.log if operation.startswith("Create")] == []


@pytest.mark.parametrize(
    ("status", "leaves"),
    [
        ({}, False),
        ({"resources": []}, False),
        ({"resources": [{"type": "Model"}]}, True),
        ({"import": {"uploads": []}}, False),
        ({"import": {"uploads": [{"id": "1"}]}}, True),
    ],
)
def test_what_is_to_be_cleaned_up(status: Mapping[str, Any], leaves: bool) -> None:
    assert leaves_something(status) == leaves


@pytest.mark.parametrize("ending", ["settled", "deleted"])
async def test_one_that_wants_nothing_of_aws_stands_in_nobodys_way(ending: str) -> None:
    world = World()
    left: list[Hashable] = []
    world.cloud.withdraw = left.append  # type: ignore[assignment]
    key = world.cluster.create(builders.training(suspend=True))
    if ending == "deleted":
        world.cluster.delete(key)
    await world.look()
    assert key in left
