"""Stories of the annotation `adopt`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit import builders
from tests.unit.endpoint.test_deployment import IMAGE
from tests.unit.endpoint.test_scenarios import ready, stalled
from tests.unit.fakes import START
from tests.unit.world import World

from classifier_operator.api.kinds import ADOPT_ANNOTATION, OBJECT_TAG, UID_TAG, ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType

PLACE = Place(builders.REGION)


def theirs(world: World, kind: str, name: str, **params: Any) -> None:
    """Somebody else's resource, a day old."""
    world.cloud._make(PLACE, kind, {f"{kind}Name": name, **params})
    world.cloud.resources[PLACE, kind, name]["CreationTime"] = START - timedelta(days=1)


def served_by_hand(world: World, name: str = "by-hand", **params: Any) -> None:
    container = {"Image": "other:1", "ModelDataUrl": "s3://bucket/theirs.tar.gz"}
    theirs(world, "Model", "their-model", PrimaryContainer=container)
    variants = [
        {"VariantName": "x", "ModelName": "their-model", "InstanceType": "ml.c5.large", "InitialInstanceCount": 1}
    ]
    theirs(world, "EndpointConfig", "their-config", ProductionVariants=variants)
    theirs(world, "Endpoint", name, EndpointConfigName="their-config", **params)
    world.cloud.progress()


def let_go(world: World, kind: str) -> None:
    """The owner takes the tags off."""
    world.cloud._tags[world.cloud.resources[PLACE, kind, "by-hand"][f"{kind}Arn"]].clear()


def adopting(world: World, name: str, **changes: Any) -> ObjectKey:
    body = builders.endpoint(**changes)
    body["metadata"]["annotations"] = {ADOPT_ANNOTATION: name}
    return world.cluster.create(body)


async def test_an_endpoint_is_taken_over_and_rolled_to_the_spec(world: World) -> None:
    served_by_hand(world)
    key = adopting(world, "by-hand")
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert world.cluster.status(key)["endpointName"] == "by-hand"
    assert world.cloud.tags_of("by-hand")[UID_TAG] == world.cluster.objects[key]["metadata"]["uid"]
    assert world.cloud.count("CreateEndpoint") == 0
    assert {"their-model"} < set(world.cloud.names("Model"))
    assert {"their-config"} < set(world.cloud.names("EndpointConfig"))


async def test_it_is_deleted_with_the_object_and_what_it_came_with_stays(world: World) -> None:
    served_by_hand(world)
    key = adopting(world, "by-hand")
    await world.run(4)
    world.cluster.delete(key)
    await world.run(4)
    assert sorted(name for _, _, name in world.cloud.resources) == ["their-config", "their-model"]


async def test_it_keeps_its_name_without_the_annotation_and_when_it_is_made_again(world: World) -> None:
    served_by_hand(world)
    key = adopting(world, "by-hand")
    await world.run(4)
    world.cluster.edit(key, lambda body: body["metadata"].pop("annotations"))
    world.restart()
    del world.cloud.resources[PLACE, "Endpoint", "by-hand"]
    await world.run(4)
    assert world.cloud.names("Endpoint") == ["by-hand"]
    assert ready(world, key) == ("True", "InService")


async def test_that_it_is_there_is_not_taken_for_whose_it_is(world: World) -> None:
    """A hint's look and a guard's may both come before the object's turn."""
    served_by_hand(world, Tags=[{"Key": UID_TAG, "Value": "2"}])
    key = adopting(world, "by-hand")
    await world.run(3)
    for _ in range(2):
        await world.operator.sweeper.sweep({Resource(PLACE, ResourceType.ENDPOINT, "by-hand")})
    await world.run(6)
    assert stalled(world, key) == ("True", "NameTaken")
    assert [operation for operation, *_ in world.cloud.log if operation.startswith(("Update", "Delete", "Add"))] == []


async def test_one_of_the_same_name_elsewhere_is_not_adopted_beside_it(world: World) -> None:
    """The ledger could not name both, and what it cannot name would be lost."""
    served_by_hand(world)
    key = adopting(world, "by-hand")
    await world.run(4)
    elsewhere = Place("eu-west-1")
    world.cloud._make(elsewhere, "Endpoint", {"EndpointName": "by-hand", "EndpointConfigName": "their-config"})
    world.cloud.resources[elsewhere, "Endpoint", "by-hand"]["CreationTime"] = START - timedelta(days=1)
    world.cluster.edit(key, lambda body: body["spec"].update(region="eu-west-1"))
    await world.run(4)
    assert stalled(world, key) == ("True", "InvalidSpec")
    assert "was adopted in us-east-1 already" in str(world.cluster.status(key)["conditions"])
    assert ready(world, key) == ("True", "ServingPrevious")
    assert [entry["region"] for entry in world.cluster.status(key)["resources"] if entry["name"] == "by-hand"] == [
        "us-east-1"
    ]
    world.cluster.edit(key, lambda body: body["spec"].update(region="us-east-1"))
    await world.run(4)
    assert (ready(world, key), stalled(world, key)) == (("True", "InService"), None)


async def test_reached_by_another_role_it_is_the_same_one(world: World) -> None:
    served_by_hand(world)
    key = adopting(world, "by-hand")
    await world.run(4)
    role = "arn:aws:iam::123456789012:role/Renamed"
    for place, kind, name in tuple(world.cloud.resources):
        world.cloud.resources[Place(place.region, role), kind, name] = world.cloud.resources[place, kind, name]
    world.cluster.edit(key, lambda body: body["spec"].update(assumeRoleArn=role))
    await world.run(6)
    named = [entry for entry in world.cluster.status(key)["resources"] if entry["name"] == "by-hand"]
    assert [entry["assumeRoleArn"] for entry in named] == [role]
    assert world.cloud.count("DeleteEndpoint") == 0


async def test_what_belongs_to_another_object_is_not_touched(world: World) -> None:
    tags = [{"Key": UID_TAG, "Value": "2"}, {"Key": OBJECT_TAG, "Value": "ClassifierEndpoint/a/b"}]
    served_by_hand(world, Tags=tags)
    key = adopting(world, "by-hand")
    await world.run(3)
    assert stalled(world, key) == ("True", "NameTaken")
    assert "belongs to ClassifierEndpoint/a/b" in world.cluster.status(key)["conditions"][0]["message"]
    world.cluster.delete(key)
    await world.run(2)
    assert not world.cluster.objects
    assert world.cloud.names("Endpoint") == ["by-hand"]
    assert world.cloud.count("AddTags") == 0


@pytest.mark.parametrize("edited", [True, False], ids=["after an edit", "by waiting"])
async def test_what_its_owner_lets_go_of_is_adopted(world: World, edited: bool) -> None:
    served_by_hand(world, Tags=[{"Key": UID_TAG, "Value": "2"}])
    key = adopting(world, "by-hand")
    await world.run(3)
    assert stalled(world, key) == ("True", "NameTaken")
    let_go(world, "Endpoint")
    if edited:
        world.cluster.edit(key, lambda body: body["spec"].update(tags={"team": "vision"}))
        await world.look()
    else:
        await world.run(5)
    await world.run(3)
    assert world.cloud.tags_of("by-hand")[UID_TAG] == world.cluster.objects[key]["metadata"]["uid"]
    assert ready(world, key) == ("True", "InService")


async def test_a_model_that_its_owner_lets_go_of_is_adopted_after_an_edit(world: World) -> None:
    container = {"Image": IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}
    theirs(world, "Model", "by-hand", PrimaryContainer=container, Tags=[{"Key": UID_TAG, "Value": "2"}])
    key = adopting(world, "by-hand", model={"artifactS3Uri": "s3://bucket/model.tar.gz"})
    await world.run(3)
    assert stalled(world, key) == ("True", "NameTaken")
    let_go(world, "Model")
    world.cluster.edit(key, lambda body: body["spec"].update(tags={"team": "vision"}))
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert world.cloud.names("Model") == ["by-hand"]


async def test_what_does_not_exist_is_said(world: World) -> None:
    key = adopting(world, "nothing")
    await world.run(4)
    assert stalled(world, key) == ("True", "InvalidSpec")
    message = world.cluster.status(key)["conditions"][0]["message"]
    assert message.endswith("there is neither an endpoint nor a model named nothing")
    served_by_hand(world, "nothing")
    await world.run(5)
    assert ready(world, key) == ("True", "InService")


async def test_a_model_is_taken_over_when_it_is_what_the_spec_asks_for(world: World) -> None:
    theirs(world, "Model", "by-hand", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": builders.ARTIFACT})
    key = adopting(world, "by-hand")
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert world.cluster.status(key)["variants"][0]["modelName"] == "by-hand"
    assert (world.cloud.names("Model"), world.cloud.count("CreateModel")) == (["by-hand"], 0)
    world.cluster.delete(key)
    await world.run(4)
    # Others may serve it.
    assert [name for _, _, name in world.cloud.resources] == ["by-hand"]


async def test_a_model_that_is_something_else_is_not(world: World) -> None:
    theirs(world, "Model", "by-hand", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://bucket/other"})
    key = adopting(world, "by-hand")
    await world.run(4)
    assert stalled(world, key) == ("True", "InvalidSpec")
    assert "s3://bucket/other, which no variant" in world.cluster.status(key)["conditions"][0]["message"]
    assert world.cloud.count("AddTags") == 0


async def test_an_endpoint_of_its_own_makes_way(world: World) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.run(2)
    served_by_hand(world)
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "by-hand"}))
    await world.run(6)
    assert world.cloud.names("Endpoint") == ["by-hand"]
    assert ready(world, key) == ("True", "InService")
    assert world.cluster.status(key)["url"].endswith("/endpoints/by-hand/invocations")


async def test_adoption_survives_a_kill_at_any_point() -> None:
    async def story(kill_at: int | None) -> World:
        world = World()
        served_by_hand(world)
        key = adopting(world, "by-hand")
        world.points.kill_at = kill_at
        await world.run(6)
        assert ready(world, key) == ("True", "InService"), kill_at
        assert world.cloud.names("Endpoint") == ["by-hand"], kill_at
        world.cluster.delete(key)
        await world.run(5)
        assert sorted(name for _, _, name in world.cloud.resources) == ["their-config", "their-model"], kill_at
        return world

    undisturbed = await story(None)
    for point in range(1, undisturbed.points.passed):
        await story(point)


@pytest.mark.parametrize("is_there", [True, False], ids=["still there", "gone"])
async def test_n6_a_stranger_is_looked_for_quietly_after_a_restart(world: World, is_there: bool) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.look()
    name = world.cluster.status(key)["endpointName"]
    await world.run(2)
    world.cluster.delete(key)
    await world.run(4)
    body = builders.endpoint()
    body["metadata"]["uid"] = "uid-1"
    served_by_hand(world, name)
    world.restart()
    key = world.cluster.create(body)
    await world.run(3)
    assert stalled(world, key) == ("True", "NameTaken")
    writes, created = world.cluster.writes, world.cloud.count("CreateEndpoint")
    if not is_there:
        del world.cloud.resources[PLACE, "Endpoint", name]
    world.restart()
    await world.run(4)
    if is_there:
        assert (world.cluster.writes, world.cloud.count("CreateEndpoint")) == (writes, created)
    else:
        assert ready(world, key) == ("True", "InService")


@pytest.mark.parametrize("owner", ["another", ""], ids=["somebody's", "nothing"])
async def test_an_adoption_that_is_not_possible_does_not_hide_what_happens_to_its_own(world: World, owner: str) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.run(2)
    own = world.cluster.status(key)["endpointName"]
    if owner:
        served_by_hand(world, Tags=[{"Key": UID_TAG, "Value": owner}])
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "by-hand"}))
    await world.run(2)
    assert ready(world, key) == ("True", "ServingPrevious")
    del world.cloud.resources[PLACE, "Endpoint", own]
    await world.run(2)
    condition = ready(world, key)
    assert condition is not None
    assert condition[0] == "False"


async def test_what_appears_later_and_belongs_to_another_object_is_not_touched_either(world: World) -> None:
    key = adopting(world, "by-hand")
    await world.run(3)
    assert stalled(world, key) == ("True", "InvalidSpec")
    served_by_hand(world, Tags=[{"Key": UID_TAG, "Value": "2"}, {"Key": OBJECT_TAG, "Value": "ClassifierEndpoint/a/b"}])
    await world.run(5)
    assert stalled(world, key) == ("True", "NameTaken")
    assert world.cloud.one("Endpoint")["EndpointConfigName"] == "their-config"
    world.cluster.delete(key)
    await world.run(3)
    assert world.cloud.names("Endpoint") == ["by-hand"]


async def test_what_is_taken_over_is_scaled_and_tested_itself(world: World) -> None:
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    key = world.cluster.create(
        builders.endpoint(
            autoscaling={"minCount": 2, "maxCount": 4, "invocationsPerInstance": 100},
            smokeTest={"image": {"s3Uri": "s3://bucket/image.png"}},
        )
    )
    await world.run(3)
    served_by_hand(world)
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "by-hand"}))
    await world.run(8)
    assert ready(world, key) == ("True", "InService")
    assert list(world.cloud.targets) == ["endpoint/by-hand/variant/AllTraffic"]
    assert world.cloud.one("Endpoint")["ProductionVariants"][0]["DesiredInstanceCount"] == 2
    assert ("InvokeEndpoint", "by-hand") in world.cloud.log


async def test_ready_stays_true_to_the_endpoint_of_another_region(world: World) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.run(2)
    own = world.cluster.status(key)["endpointName"]
    world.cluster.edit(key, lambda body: body["spec"].update(region="eu-west-1"))
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "nothing"}))
    await world.run(2)
    assert ready(world, key) == ("True", "ServingPrevious")
    del world.cloud.resources[PLACE, "Endpoint", own]
    await world.run(2)
    assert ready(world, key) == ("False", "InvalidSpec")


@pytest.mark.parametrize("name", ["../x", "..", "by-hand/../x", "%2e%2e", "by-hand\n", "by-hand?x", "a" * 64, "ü"])
async def test_what_is_no_name_at_aws_is_not_asked_for(world: World, name: str) -> None:
    key = adopting(world, name)
    await world.run(4)
    assert stalled(world, key) == ("True", "InvalidSpec")
    assert world.cloud.log == []
