"""The operator is killed at every point of both kinds' lives: between any two calls, and before any answer arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.unit import builders
from tests.unit.fakes import Crash
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey

Edit = Callable[[dict[str, Any]], None]


class Life(NamedTuple):
    """An object and what its user does to it; `is_slow`: AWS is not done with one when the next comes."""

    make: Callable[[], dict[str, Any]]
    edits: tuple[Edit, ...]
    is_slow: bool = False


def spec_change(**fields: Any) -> Edit:
    return lambda body: body["spec"].update(fields)


async def live(world: World, life: Life) -> dict[str, Any]:
    """Made, settled, changed, settled again, deleted; what there was before the deletion."""
    key = world.cluster.create(life.make())
    for edit in life.edits:
        await world.run(4, progress=not life.is_slow)
        world.cluster.edit(key, edit)
    await world.run(6)
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
        "targets": world.cloud.targets,
        "stored": key in world.cluster.objects,
    }


def variants() -> dict[str, Any]:
    body = builders.endpoint(variants=pair(), autoscaling={"minCount": 1, "maxCount": 4, "invocationsPerInstance": 100})
    del body["spec"]["model"], body["spec"]["instanceType"]
    return body


def pair(**changes: Any) -> list[dict[str, Any]]:
    first = {"name": "a", "model": {"artifactS3Uri": "s3://bucket/1"}, "instanceType": "ml.m5.large", "weight": 9}
    return [first, {**first, "name": "b", "model": {"artifactS3Uri": "s3://bucket/2"}, "weight": 1, **changes}]


LIVES: dict[str, Life] = {
    "training, other data": Life(builders.training, (spec_change(output={"s3Uri": "s3://bucket/elsewhere"}),)),
    "training, other data and back at once": Life(
        builders.training,
        (spec_change(output={"s3Uri": "s3://bucket/elsewhere"}), spec_change(output={"s3Uri": "s3://bucket/output"})),
        is_slow=True,
    ),
    "training, other region": Life(builders.training, (spec_change(region="eu-west-1"),)),
    "training, suspended": Life(builders.training, (spec_change(suspend=True),)),
    "training, suspended and resumed at once": Life(
        builders.training, (spec_change(suspend=True), spec_change(suspend=False)), is_slow=True
    ),
    "endpoint, other model": Life(builders.endpoint, (spec_change(model={"artifactS3Uri": "s3://bucket/2"}),)),
    "endpoint, other count": Life(builders.endpoint, (spec_change(instanceCount=3),)),
    "endpoint, other region": Life(builders.endpoint, (spec_change(region="eu-west-1"),)),
    "endpoint, other tags": Life(builders.endpoint, (spec_change(tags={"team": "a"}),)),
    "endpoint, suspended": Life(builders.endpoint, (spec_change(suspend=True),)),
    "endpoint, suspended and resumed": Life(builders.endpoint, (spec_change(suspend=True), spec_change(suspend=False))),
    "variants, other machines": Life(variants, (spec_change(variants=pair(instanceType="ml.m5.xlarge")),)),
    "variants, other bounds": Life(
        variants, (spec_change(autoscaling={"minCount": 2, "maxCount": 3, "invocationsPerInstance": 50}),)
    ),
    "variants, one less": Life(variants, (spec_change(variants=pair()[:1]),)),
    "variants, suspended": Life(variants, (spec_change(suspend=True),)),
}


@pytest.mark.parametrize("name", LIVES, ids=lambda name: name.replace(", ", "-").replace(" ", "-"))
async def test_a_kill_at_any_point_changes_nothing_in_the_end(name: str) -> None:
    undisturbed = World()
    expected = await live(undisturbed, LIVES[name])
    for point in range(1, undisturbed.points.passed + 1):
        world = World()
        world.points.kill_at = point
        seen = await live(world, LIVES[name])
        assert not world.points.kill_at, point
        assert seen == expected, point
        assert not world.cluster.objects, point
        assert world.cloud.running() == [], point
        assert set(world.cloud.names("TrainingJob")) == set(undisturbed.cloud.names("TrainingJob")), point
        assert world.cloud.names("Model") + world.cloud.names("EndpointConfig") == [], point
        assert not world.cloud.targets, point


async def test_the_fakes_kill() -> None:
    world = World()
    world.points.kill_at = 1
    world.cluster.create(builders.training())
    with pytest.raises(Crash):
        await world.operator.work()
