"""The old operator's matrix: each state of an endpoint, met by a deletion, another spec and a suspension.

AWS allows a change in some states only. In the others the operator does not even ask: it waits, and says for what.
"""

from __future__ import annotations

import pytest
from tests.unit import builders
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey

BUSY = ("Creating", "Deleting", "RollingBack", "SystemUpdating", "Updating")
STATES = (*BUSY, "OutOfService", "Failed", "InService")
# What another spec leads to where AWS allows it; a failed endpoint can only be deleted, and is made anew.
UPDATES = {"InService": "UpdateEndpoint", "OutOfService": "UpdateEndpoint", "Failed": "DeleteEndpoint"}


async def in_state(world: World, status: str) -> ObjectKey:
    """An object whose endpoint has served, and is in that state since; the operator has seen it."""
    key = world.cluster.create(builders.endpoint())
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus=status)
    await world.run(progress=False)
    assert world.cluster.status(key)["endpointStatus"] == status
    del world.cloud.log[:]
    return key


def changes(world: World) -> list[str]:
    """The calls that would change the endpoint."""
    asked = ("DeleteEndpoint", "UpdateEndpoint", "UpdateEndpointWeightsAndCapacities", "CreateEndpoint")
    return [operation for operation, _ in world.cloud.log if operation in asked]


def message(world: World, key: ObjectKey) -> str:
    conditions = world.cluster.status(key)["conditions"]
    return next(str(one["message"]) for one in conditions if one["type"] == "Reconciling")


@pytest.mark.parametrize("status", STATES)
async def test_deletion(world: World, status: str) -> None:
    key = await in_state(world, status)
    world.cluster.delete(key)
    await world.look()
    assert changes(world) == ([] if status in BUSY else ["DeleteEndpoint"])
    assert world.cluster.condition(key, "Reconciling") == ("True", "Deleting")
    if status in BUSY:
        assert ("AWS is deleting" if status == "Deleting" else f"is {status}") in message(world, key)


@pytest.mark.parametrize("status", STATES)
async def test_suspension(world: World, status: str) -> None:
    key = await in_state(world, status)
    world.cluster.edit(key, lambda body: body["spec"].update(suspend=True))
    await world.look()
    assert changes(world) == ([] if status in BUSY else ["DeleteEndpoint"])
    if status in BUSY:
        assert ("AWS is deleting" if status == "Deleting" else f"is {status}") in message(world, key)


@pytest.mark.parametrize("status", STATES)
async def test_another_spec(world: World, status: str) -> None:
    key = await in_state(world, status)
    world.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.c5.xlarge"))
    await world.look()
    assert changes(world)[:1] == ([UPDATES[status]] if status in UPDATES else [])
    if status in BUSY:
        assert status in message(world, key)


@pytest.mark.parametrize("status", BUSY)
async def test_what_waited_is_done_once_aws_allows_it(world: World, status: str) -> None:
    key = await in_state(world, status)
    world.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.c5.xlarge"))
    await world.look()
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="InService")
    await world.run(3)
    config = world.cluster.status(key)["endpointConfigName"]
    assert world.cloud.one("Endpoint")["EndpointConfigName"] == config
    assert world.cloud.names("EndpointConfig") == [config]
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
