"""Doubt ends with the answer: what AWS has clearly refused to make, and what was never asked for, is not waited for."""

from __future__ import annotations

from typing import Any

import pytest

from classifier_operator.runtime.inventory import CONFIRMED_AFTER_SECONDS
from tests.unit import builders
from tests.unit.world import World

DENIED = ("AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized to perform: sagemaker:CreateModel")
INVALID = ("ValidationException", "1 validation error detected: Value 'x' at 'y' failed to satisfy constraint: z")
QUOTA = ("ResourceLimitExceeded", "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances")
ONE = {"model": {"artifactS3Uri": builders.ARTIFACT}, "instanceType": "ml.m5.large"}
OTHER = {"model": {"artifactS3Uri": "s3://bucket/other.tar.gz"}}
VARIANTS = {"variants": [{"name": "a", **ONE}, {"name": "b", **ONE}], "model": None, "instanceType": None}
LOOKS = ("DescribeEndpoint", "DescribeEndpointConfig", "DescribeModel", "DescribeTrainingJob", "ListTags")
# How long one pass may come after another without that anybody waits for something.
MOMENT = 1.0


@pytest.fixture
def world() -> World:
    return World()


def endpoint(**changes: Any) -> dict[str, Any]:
    body = builders.endpoint("birds", **changes)
    body["spec"] = {field: value for field, value in body["spec"].items() if value is not None}
    return body


def looks(world: World) -> int:
    return sum(map(world.cloud.count, LOOKS))


async def seconds_to_go(world: World, key: Any) -> float:
    """Delete it, and return the time that passes until it is gone."""
    world.cluster.delete(key)
    began = world.clock.seconds
    for _ in range(120):
        await world.look()
        if key not in world.cluster.objects:
            return float(world.clock.seconds - began)
        world.aws.progress()
        world.clock.seconds += MOMENT / 2
        await world.operator.sweep()
    raise AssertionError(f"still there: {world.cluster.status(key)}")


@pytest.mark.parametrize("form", [{}, VARIANTS], ids=["short form", "variants"])
@pytest.mark.parametrize("refusal", [DENIED, INVALID, QUOTA], ids=lambda one: one[0])
@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
async def test_n01_what_was_refused_is_not_waited_for(
    world: World, operation: str, refusal: tuple[str, str], form: dict[str, Any]
) -> None:
    world.cloud.refuse(operation, *refusal, times=99)
    key = world.cluster.create(endpoint(**form))
    await world.look()
    before = looks(world)
    assert await seconds_to_go(world, key) <= MOMENT
    named = 2 + len(form.get("variants", "1"))
    assert looks(world) - before <= named
    assert not world.cloud.resources


async def test_n01_an_update_that_was_refused_leaves_no_doubt(world: World) -> None:
    key = world.cluster.create(endpoint())
    await world.run(6)
    world.cloud.refuse("CreateModel", *DENIED, times=99)
    world.cluster.edit(key, lambda body: body["spec"].update(OTHER))
    await world.look()
    assert world.cloud.count("CreateModel") == 2
    world.cluster.delete(key)
    await world.look()
    # The endpoint is deleted before all else.
    world.aws.progress()
    before = looks(world)
    assert await seconds_to_go(world, key) <= MOMENT
    # The endpoint that is gone, its configuration and its model, and those that were refused.
    assert looks(world) - before <= 5


async def test_n01_a_training_that_was_refused_goes_at_once(world: World) -> None:
    world.cloud.refuse("CreateTrainingJob", *DENIED, times=99)
    key = world.cluster.create(builders.training("birds"))
    await world.look()
    assert await seconds_to_go(world, key) <= MOMENT


@pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize("after", [False, True], ids=["not made", "made"])
@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
async def test_what_an_answer_was_lost_of_is_asked_for_again(
    world: World, operation: str, after: bool, is_restarted: bool
) -> None:
    """A lost answer leaves the doubt, also where later ones are clear; it ends once for all of the object's names."""
    world.cloud.refuse(operation, "ReadTimeoutError", status=0, after=after)
    world.cloud.refuse(operation, *DENIED, times=99)
    key = world.cluster.create(endpoint())
    await world.look()
    world.clock.seconds += 400
    await world.look()
    if is_restarted:
        world.restart()
    world.aws.progress()
    before = looks(world)
    seconds = await seconds_to_go(world, key)
    assert not world.cloud.resources
    # Twice for each of the three names, and the tags of what is there.
    assert looks(world) - before <= 8
    assert seconds <= CONFIRMED_AFTER_SECONDS + MOMENT
    if not after:
        assert seconds >= CONFIRMED_AFTER_SECONDS
