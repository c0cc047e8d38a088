"""The operator is killed at every point of both kinds' lives: between any two calls, and before any answer arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.fakes import Crash
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey

Edit = Callable[[dict[str, Any]], None]


def spec_change(**fields: Any) -> Edit:
    return lambda body: body["spec"].update(fields)


async def live(world: World, edit: Edit, body: dict[str, Any]) -> dict[str, Any]:
    """Made, settled, changed, settled again, deleted; what there was before the deletion."""
    key = world.cluster.create(body)
    await world.run(4)
    world.cluster.edit(key, edit)
    await world.run(5)
    seen = what_there_is(world, key)
    world.cluster.delete(key)
    await world.run(5)
    return seen


def what_there_is(world: World, key: ObjectKey) -> dict[str, Any]:
    return {
        "ready": world.cluster.condition(key, "Ready"),
        "jobs": len(world.cloud.names("TrainingJob")),
        "endpoints": len(world.cloud.names("Endpoint")),
        "configs": len(world.cloud.names("EndpointConfig")),
        "models": len(world.cloud.names("Model")),
        "stored": key in world.cluster.objects,
    }


LIVES: dict[str, tuple[Callable[[], dict[str, Any]], Edit]] = {
    "training, other data": (builders.training, spec_change(output={"s3Uri": "s3://bucket/elsewhere"})),
    "training, other region": (builders.training, spec_change(region="eu-west-1")),
    "training, suspended": (builders.training, spec_change(suspend=True)),
    "endpoint, other model": (builders.endpoint, spec_change(model={"artifactS3Uri": "s3://bucket/2"})),
    "endpoint, other count": (builders.endpoint, spec_change(instanceCount=3)),
    "endpoint, other region": (builders.endpoint, spec_change(region="eu-west-1")),
    "endpoint, other tags": (builders.endpoint, spec_change(tags={"team": "a"})),
    "endpoint, suspended": (builders.endpoint, spec_change(suspend=True)),
}


@pytest.mark.parametrize("name", LIVES, ids=lambda name: name.replace(", ", "-").replace(" ", "-"))
async def test_a_kill_at_any_point_changes_nothing_in_the_end(name: str) -> None:
    make, edit = LIVES[name]
    undisturbed = World()
    expected = await live(undisturbed, edit, make())
    for point in range(1, undisturbed.points.passed + 1):
        world = World()
        world.points.kill_at = point
        seen = await live(world, edit, make())
        assert not world.points.kill_at, point
        assert seen == expected, point
        assert not world.cluster.objects, point
        assert world.cloud.running() == [], point
        assert set(world.cloud.names("TrainingJob")) == set(undisturbed.cloud.names("TrainingJob")), point
        assert world.cloud.names("Model") + world.cloud.names("EndpointConfig") == [], point


async def test_the_fakes_kill() -> None:
    world = World()
    world.points.kill_at = 1
    world.cluster.create(builders.training())
    with pytest.raises(Crash):
        await world.operator.work()
