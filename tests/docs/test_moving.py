"""The page about moving and restoring, as stories over the fakes: what comes back with another UID."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from classifier_operator.api.kinds import ADOPT_ANNOTATION, OBJECT_TAG, UID_TAG, ObjectKey
from tests.unit import builders
from tests.unit.fakes import merged
from tests.unit.world import World


@pytest.fixture
def world() -> World:
    return World()


async def settled(world: World, body: dict[str, Any]) -> ObjectKey:
    key = world.cluster.create(body)
    await world.run(3)
    condition = world.cluster.condition(key, "Ready")
    assert condition is not None
    assert condition[0] == "True"
    return key


def restored(world: World, key: ObjectKey, *, uid: str, with_status: bool) -> None:
    """Another cluster, into which the object is restored; AWS is the same. A restore leaves the finalizer on."""
    body = copy.deepcopy(world.cluster.objects.pop(key))
    world.cluster.create({**body, "metadata": {**body["metadata"], "uid": uid}})
    if not with_status:
        world.cluster.objects[key].pop("status")
    world.restart()


@pytest.mark.parametrize("with_status", [False, True])
async def test_a_training_runs_again(world: World, with_status: bool) -> None:
    key = await settled(world, builders.training())
    restored(world, key, uid="another", with_status=with_status)
    await world.run(4)
    assert len(world.cloud.names("TrainingJob")) == 2
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")


@pytest.mark.parametrize("with_status", [False, True])
async def test_a_suspended_training_does_not(world: World, with_status: bool) -> None:
    key = await settled(world, builders.training())
    world.cluster.objects[key]["spec"]["suspend"] = True
    restored(world, key, uid="another", with_status=with_status)
    await world.run(4)
    assert len(world.cloud.names("TrainingJob")) == 1


@pytest.mark.parametrize("with_status", [False, True])
async def test_an_endpoint_is_made_anew_beside_the_old_one(world: World, with_status: bool) -> None:
    key = await settled(world, builders.endpoint())
    before = world.cluster.status(key)["endpointName"]
    restored(world, key, uid="another", with_status=with_status)
    await world.run(4)
    after = world.cluster.status(key)["endpointName"]
    assert before != after
    assert world.cloud.names("Endpoint") == sorted([before, after])
    assert world.cloud.tags_of(before)[UID_TAG] == "uid-1"
    # What carries the old UID is a stranger's, when the object goes too.
    world.cluster.delete(key)
    await world.run(6)
    assert world.cloud.names("Endpoint") == [before]


async def test_the_first_cluster_loses_nothing_that_a_sweep_sees(world: World) -> None:
    """It serves still, or trains still, and the status that came along with the object names what is its."""
    endpoint = await settled(world, builders.endpoint())
    training = world.cluster.create(builders.training())
    await world.look()
    first = {world.cluster.status(endpoint)["endpointName"], world.cluster.status(training)["jobName"]}
    for key in (endpoint, training):
        restored(world, key, uid=f"another-{key.kind}", with_status=True)
    await world.look_at_aws()
    await world.run(6, progress=False)
    assert first < {*world.cloud.names("Endpoint"), *world.cloud.names("TrainingJob")}
    assert first < set(world.cloud.running())
    assert [operation for operation, *_ in world.cloud.log if operation.startswith(("Delete", "Stop", "Update"))] == []


async def test_nothing_is_taken_of_the_first_cluster_while_the_restored_object_waits(world: World) -> None:
    """What it is said to have is looked at meanwhile; and then it is no longer wanted."""
    await settled(world, builders.training())
    key = await settled(world, builders.following())
    before = world.cluster.status(key)["endpointName"]
    world.cluster.objects[key]["spec"]["trainingRef"] = {"name": "not-yet"}
    restored(world, key, uid="another", with_status=True)
    await world.run(3)
    world.cluster.edit(key, lambda body: body["spec"].update(trainingRef={"name": "digits"}))
    await world.run(6)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert set(world.cloud.names("Endpoint")) == {before, world.cluster.status(key)["endpointName"]}


async def test_nothing_happens_with_the_same_uid_and_status(world: World) -> None:
    key = await settled(world, builders.endpoint())
    resources, writes = set(world.cloud.resources), world.cluster.writes
    restored(world, key, uid="uid-1", with_status=True)
    await world.run(3)
    assert (set(world.cloud.resources), world.cluster.writes) == (resources, writes)


async def test_an_endpoint_is_moved_by_letting_go_and_adopting(world: World) -> None:
    """The steps of the page, one by one."""
    key = await settled(world, builders.endpoint(deletionPolicy="Retain"))
    name = world.cluster.status(key)["endpointName"]
    world.cluster.delete(key)
    await world.run(2)
    assert key not in world.cluster.objects
    assert world.cloud.names("Endpoint") == [name]

    for tag in (UID_TAG, OBJECT_TAG):
        world.cloud.tags_of(name).pop(tag)
    body = merged(builders.endpoint(), {"metadata": {"uid": "another", "annotations": {ADOPT_ANNOTATION: name}}})
    world.cluster.create(body)
    await world.run(6)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert world.cluster.status(key)["endpointName"] == name
    assert world.cloud.tags_of(name)[UID_TAG] == "another"
    assert world.cloud.count("CreateEndpoint") == 1


async def test_a_training_that_its_deletion_had_stopped_comes_back_as_stopped(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(1, progress=False)
    restore = world.cluster.snapshot()
    world.cluster.delete(key)
    await world.run(3)
    assert key not in world.cluster.objects
    restore()
    world.restart()
    await world.run(3)
    assert world.cluster.condition(key, "Stalled") == ("True", "JobStopped")
    assert len(world.cloud.names("TrainingJob")) == 1
