"""On whose behalf roles are assumed, over the fakes: always the object's own namespace, in passes and in polls."""

from __future__ import annotations

from typing import Any

from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.sweeper import _grouped
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from classifier_operator.sagemaker.views import Unseen

ROLE = "arn:aws:iam::222222222222:role/Classifiers"


def of(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "metadata": {**body["metadata"], "namespace": namespace}}


def asked_for(world: World, namespace: str) -> set[str]:
    """The operations that were sent on behalf of a namespace."""
    return {operation for operation, place in world.cloud.places if place == Place(builders.REGION, ROLE, namespace)}


async def test_each_namespace_has_its_own_session_of_a_role(world: World) -> None:
    for namespace in ("vision", "audio"):
        world.cluster.create(of(namespace, builders.training(assumeRoleArn=ROLE, deletionPolicy="Delete")))
        world.cluster.create(of(namespace, builders.endpoint("served", assumeRoleArn=ROLE)))
    await world.run(4)
    for key in tuple(world.cluster.objects):
        assert world.cluster.condition(key, "Stalled") is None
        world.cluster.delete(key)
    await world.run(4)
    assert world.cluster.objects == {}
    assert {place.namespace for _, place in world.cloud.places} == {"vision", "audio"}
    assert asked_for(world, "vision") == asked_for(world, "audio")
    assert {"CreateTrainingJob", "CreateEndpoint", "DeleteEndpoint", "DeleteTrainingJob"} <= asked_for(world, "vision")


async def test_the_operators_own_calls_belong_to_nobody(world: World) -> None:
    world.cluster.create(of("vision", builders.training()))
    world.cluster.create(of("audio", builders.training()))
    await world.run(3)
    assert {place for _, place in world.cloud.places} == {Place(builders.REGION, own_account="123456789012")}


async def test_smoke_tests_and_imports_act_for_their_namespace(world: World) -> None:
    world.sources.files["https://example.org/train.rec"] = FakeFile(b"x" * 40)
    source = {"name": "train", "s3Uri": "s3://bucket/t", "source": {"url": "https://example.org/train.rec"}}
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    test = {"image": {"s3Uri": "s3://bucket/image.png"}}
    world.cluster.create(builders.training(assumeRoleArn=ROLE, inputs=[source]))
    world.cluster.create(builders.endpoint("served", assumeRoleArn=ROLE, smokeTest=test))
    await world.run(5)
    assert {"GetObject", "InvokeEndpoint", "UploadPart", "HeadObject"} <= asked_for(world, "vision")
    assert {place.namespace for _, place in world.cloud.places} == {"vision"}


async def test_a_status_says_nothing_of_namespaces_and_is_not_asked(world: World) -> None:
    """A hand may write whom to act for into a status: it is not read."""
    key = world.cluster.create(builders.training(assumeRoleArn=ROLE))
    await world.run(progress=False)
    assert "namespace" not in str(world.cluster.status(key))
    entry = world.cluster.status(key)["resources"][0]
    entry["namespace"] = "audio"
    world.restart()
    await world.look_at_aws()
    await world.run(2)
    world.cluster.delete(key)
    await world.run(2)
    assert {place.namespace for _, place in world.cloud.places} == {"vision"}


def test_polls_are_grouped_by_namespace_where_a_role_is_assumed() -> None:
    def endpoints(place: Place) -> list[Resource]:
        mine = place.acting_for("vision"), place.acting_for("audio")
        return [Resource(one, ResourceType.ENDPOINT, "a") for one in mine]

    assert len(_grouped(endpoints(Place("us-east-1")))) == 1
    assert len(_grouped(endpoints(Place("us-east-1", ROLE)))) == 2


async def test_what_one_namespace_is_denied_is_no_matter_of_another(world: World) -> None:
    keys = [world.cluster.create(of(one, builders.endpoint(assumeRoleArn=ROLE))) for one in ("vision", "audio")]
    await world.run(3)
    refusal = AwsRefusal("AssumeRole", RefusalKind.ACCESS_DENIED, "AccessDenied", "not yours")
    for resource in world.operator.inventory.guarded():
        if resource.place.namespace == "vision":
            world.operator.controller.looked(resource, refusal)
    await world.look()
    assert [_troubled(world, key) for key in keys] == [True, False]


async def test_a_namespace_does_not_see_what_another_ones_session_has_shown(world: World) -> None:
    """Whoever writes another one's endpoint into a status learns nothing of it unless AWS lets him look."""
    other = world.cluster.create(of("audio", builders.endpoint(assumeRoleArn=ROLE)))
    await world.run(3)
    name = world.cluster.status(other)["endpointName"]
    theirs = Resource(Place(builders.REGION, ROLE), ResourceType.ENDPOINT, name)
    seen = world.operator.inventory.get
    assert seen(theirs.acting_for("audio")) is not Unseen.UNKNOWN
    assert {seen(theirs), seen(theirs.acting_for("vision"))} == {Unseen.UNKNOWN}


def _troubled(world: World, key: ObjectKey) -> bool:
    return world.operator.troubles.latest(key) is not None
