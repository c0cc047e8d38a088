"""What the operator does when AWS denies: no try is lost, and what is gone is found to be gone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey

DENIED = "User: x is not authorized to perform: sagemaker:DeleteModel"


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
async def test_a_retry_is_not_lost_while_the_status_is_written(world: World, code: str) -> None:
    """The API server takes longer than AWS was to be left alone for."""
    quick = world.cluster.patch

    async def slow(key: ObjectKey, patch: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
        world.clock.seconds += 40.0
        return await quick(key, patch, status=status)

    world.cluster.patch = slow  # type: ignore[method-assign]
    world.cloud.refuse("CreateTrainingJob", code, times=2)
    key = world.cluster.create(builders.training())
    # What the operator has written itself it knows already, when the watch tells of it.
    world.cluster.changed = lambda key: None
    for _ in range(4):
        await world.look()
        world.clock.seconds += 400.0
        world.operator.queue.ring()
    await world.look()
    assert world.cloud.count("CreateTrainingJob") == 3
    assert world.cluster.status(key)["jobStatus"] == "InProgress"


async def test_what_is_denied_because_it_is_gone_is_not_waited_for(world: World) -> None:
    """A policy that asks for the owner's tag denies to delete what does not exist any more."""
    key = world.cluster.create(builders.endpoint())
    await world.run(2)
    [model] = [one for one in world.cloud.resources if one[1] == "Model"]
    del world.cloud.resources[model]
    world.cloud.refuse("DeleteModel", "AccessDeniedException", DENIED, times=100)
    world.cluster.delete(key)
    await world.run(4)
    assert key not in world.cluster.objects
    assert world.cloud.count("DeleteModel") == 1


async def test_an_adoption_that_is_denied_says_so_and_goes_on(world: World) -> None:
    adopted = builders.endpoint()
    adopted["metadata"].setdefault("annotations", {})["classifiers.sagemaker.dev/adopt"] = "by-hand"
    world.cloud.refuse("DescribeEndpoint", "AccessDeniedException", "not authorized: sagemaker:DescribeEndpoint")
    key = world.cluster.create(adopted)
    await world.look()
    assert world.cluster.condition(key, "Reconciling") == ("True", "AccessPending")
    said = world.cluster.status(key)["conditions"]
    assert "sagemaker:DescribeEndpoint" in next(one["message"] for one in said if one["type"] == "Reconciling")
    await world.run(3)
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
