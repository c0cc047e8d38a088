"""An adopt annotation that is corrected deletes nothing that it had taken over (B12)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from classifier_operator.api.kinds import ADOPT_ANNOTATION, OBJECT_TAG, UID_TAG, ObjectKey
from classifier_operator.sagemaker.refusal_table import classify
from tests.unit import builders
from tests.unit.world import World
from tests.wild.test_counts import PLACE, VARIANTS, adopting, endpoint, made_by_hand, settle

THEIR_CONFIGS = {"config-of-prod", "config-of-staging"}
OTHER = {"artifactS3Uri": "s3://bucket/other.tar.gz"}
RESTARTS = pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])


@pytest.fixture
def world() -> World:
    """Two endpoints that somebody has made by hand."""
    world = World()
    make_theirs(world)
    return world


def make_theirs(world: World) -> None:
    made_by_hand(world, "prod", {"x": 2})
    made_by_hand(world, "staging", {"x": 1})


def annotate(world: World, key: ObjectKey, name: str | None) -> None:
    def change(body: dict[str, Any]) -> None:
        annotations = body["metadata"].setdefault("annotations", {})
        annotations.update({ADOPT_ANNOTATION: name}) if name else annotations.pop(ADOPT_ANNOTATION)

    world.cluster.edit(key, change)


async def adopted(world: World, name: str = "prod") -> ObjectKey:
    key = adopting(world, name)
    await settle(world, key)
    return key


def serves(world: World, name: str) -> bool:
    """Tell whether the endpoint serves, and has all that it refers to."""
    one = world.cloud.resources.get((PLACE, "Endpoint", name))
    if one is None or one["EndpointStatus"] != "InService":
        return False
    config = world.cloud.resources.get((PLACE, "EndpointConfig", one["EndpointConfigName"]))
    models = [variant["ModelName"] for variant in config["ProductionVariants"]] if config else [""]
    return all((PLACE, "Model", model) in world.cloud.resources for model in models)


def owner(world: World, name: str) -> str:
    return world.cloud.tags_of(name, "Endpoint").get(UID_TAG, "")


def is_nobodys(world: World, name: str) -> bool:
    return not {UID_TAG, OBJECT_TAG} & world.cloud.tags_of(name, "Endpoint").keys()


@RESTARTS
async def test_a_corrected_annotation_lets_the_first_one_go(world: World, *, is_restarted: bool) -> None:
    """It was prod by a typing error, and becomes staging."""
    key = await adopted(world)
    assert owner(world, "prod")
    annotate(world, key, "staging")
    await world.run(1)
    await settle(world, key, is_restarted=is_restarted)
    assert world.cluster.status(key)["endpointName"] == "staging"
    assert world.cloud.count("DeleteEndpoint") == 0
    assert (serves(world, "prod"), is_nobodys(world, "prod")) == (True, True)
    assert (serves(world, "staging"), bool(owner(world, "staging"))) == (True, True)
    (note,) = [note for _, reason, note in world.cluster.events if reason == "Releasing"]
    assert "Endpoint prod" in note
    assert not [one for one in world.cluster.status(key)["resources"] if one["name"] == "prod"]


async def test_what_it_refers_to_stays_for_ever(world: World) -> None:
    """Both endpoints serve one model: that this object needs it no more, and then is gone, takes it from nobody."""
    key = await adopted(world)
    annotate(world, key, "staging")
    await settle(world, key)
    world.cluster.edit(key, lambda body: body["spec"].update(model=OTHER))
    await settle(world, key)
    assert serves(world, "prod")
    world.cluster.delete(key)
    await world.run(4)
    assert key not in world.cluster.objects
    assert serves(world, "prod")
    assert (PLACE, "Endpoint", "staging") not in world.cloud.resources


@RESTARTS
@pytest.mark.parametrize("ends", ["deleted", "suspended"])
async def test_an_object_that_ends_after_the_correction_ends_no_other(
    world: World, ends: str, *, is_restarted: bool
) -> None:
    key = await adopted(world)
    annotate(world, key, "staging")
    await settle(world, key)
    if is_restarted:
        world.restart()
    end(world, key, ends)
    await world.run(6)
    assert serves(world, "prod")
    assert (PLACE, "Endpoint", "staging") not in world.cloud.resources


def end(world: World, key: ObjectKey, how: str) -> None:
    if how == "deleted":
        world.cluster.delete(key)
    else:
        world.cluster.edit(key, lambda body: body["spec"].update(suspend=True))


@RESTARTS
@pytest.mark.parametrize("ends", ["deleted", "suspended"])
@pytest.mark.parametrize("looks", [0, 1, 2, 5])
async def test_nor_does_one_that_ends_in_the_middle_of_it(
    world: World, ends: str, looks: int, *, is_restarted: bool
) -> None:
    """Or before the operator has heard of the correction."""
    key = await adopted(world)
    annotate(world, key, "staging")
    for _ in range(looks):
        await world.look()
    if is_restarted:
        world.restart()
    end(world, key, ends)
    await world.run(6)
    assert serves(world, "prod")
    assert is_nobodys(world, "prod")
    assert (key in world.cluster.objects) is (ends == "suspended")


@pytest.mark.parametrize("ends", ["deleted", "suspended"])
async def test_nor_does_a_correction_that_names_nothing(world: World, ends: str) -> None:
    key = await adopted(world)
    annotate(world, key, "stagin")
    await world.run(2)
    assert world.cluster.condition(key, "Stalled") == ("True", "InvalidSpec")
    assert serves(world, "prod")
    end(world, key, ends)
    await world.run(4)
    assert (serves(world, "prod"), is_nobodys(world, "prod")) == (True, True)


async def test_back_to_the_first_one(world: World) -> None:
    key = await adopted(world)
    annotate(world, key, "staging")
    await settle(world, key)
    annotate(world, key, "prod")
    await settle(world, key)
    assert world.cluster.status(key)["endpointName"] == "prod"
    assert (serves(world, "prod"), bool(owner(world, "prod"))) == (True, True)
    assert (serves(world, "staging"), is_nobodys(world, "staging")) == (True, True)
    assert world.cloud.count("DeleteEndpoint") == 0


async def test_there_and_back_again(world: World) -> None:
    """Configurations have the same names again."""
    key = await adopted(world)
    for name in ("staging", "prod", "staging", "prod"):
        annotate(world, key, name)
        await settle(world, key)
        assert world.cluster.status(key)["endpointName"] == name
        (config,) = [one for one in world.cloud.names("EndpointConfig") if one == served_by(world, name)]
        assert world.cloud.tags_of(config, "EndpointConfig")[UID_TAG]
    world.cluster.delete(key)
    await world.run(4)
    assert (serves(world, "staging"), is_nobodys(world, "staging")) == (True, True)
    assert (PLACE, "Endpoint", "prod") not in world.cloud.resources
    tags = [world.cloud.tags_of(one, kind) for kind in ("EndpointConfig", "Model") for one in world.cloud.names(kind)]
    assert not any(UID_TAG in one for one in tags)


def served_by(world: World, name: str) -> str:
    return str(world.cloud.resources[PLACE, "Endpoint", name]["EndpointConfigName"])


@RESTARTS
async def test_back_to_the_first_one_that_aws_still_scales(world: World, *, is_restarted: bool) -> None:
    """Its scalable target stayed with it, and AWS changes no instance type of what it scales."""
    scaling = {"minCount": 2, "maxCount": 4, "invocationsPerInstance": 50}
    key = adopting(world, "prod", autoscaling=scaling)
    await settle(world, key)
    annotate(world, key, "staging")
    await settle(world, key)
    assert sorted(world.cloud.targets) == [f"endpoint/{name}/variant/AllTraffic" for name in ("prod", "staging")]
    world.cluster.edit(key, lambda body: body["spec"].update(instanceType="ml.m5.4xlarge"))
    await settle(world, key)
    annotate(world, key, "prod")
    await settle(world, key, is_restarted=is_restarted)
    assert world.cluster.status(key)["endpointName"] == "prod"
    assert world.cluster.status(key)["variants"][0]["instanceType"] == "ml.m5.4xlarge"
    assert sorted(world.cloud.targets) == [f"endpoint/{name}/variant/AllTraffic" for name in ("prod", "staging")]
    assert world.cluster.condition(key, "Ready") == ("True", "InService")


async def test_without_the_annotation_it_stays_the_objects_own(world: World) -> None:
    """Taking the annotation away corrects nothing: it is the object's own, and goes with it."""
    key = await adopted(world)
    annotate(world, key, None)
    await settle(world, key)
    assert world.cluster.status(key)["endpointName"] == "prod"
    world.cluster.delete(key)
    await world.run(4)
    assert (PLACE, "Endpoint", "prod") not in world.cloud.resources


async def test_a_model_in_place_of_an_endpoint(world: World) -> None:
    """The annotation means a model then, and the object has an endpoint of its own."""
    key = await adopted(world)
    model = world.cluster.status(key)["variants"][0]
    container = {"Image": model["image"], "ModelDataUrl": model["artifactS3Uri"]}
    world.cloud._make(PLACE, "Model", {"ModelName": "their-model", "PrimaryContainer": container})
    annotate(world, key, "their-model")
    await settle(world, key)
    assert world.cluster.status(key)["variants"][0]["modelName"] == "their-model"
    assert (serves(world, "prod"), is_nobodys(world, "prod")) == (True, True)


@RESTARTS
@pytest.mark.parametrize("form", [{}, VARIANTS], ids=["short form", "one variant"])
async def test_n02_an_object_that_serves_takes_the_model_that_the_annotation_names(
    world: World, form: dict[str, Any], *, is_restarted: bool
) -> None:
    """A model that is nobody's and fits belongs to this object then, like one that was named from the start."""
    key = world.cluster.create(endpoint(**form))
    await settle(world, key)
    name = world.cluster.status(key)["endpointName"]
    model = world.cluster.status(key)["variants"][0]
    container = {"Image": model["image"], "ModelDataUrl": model["artifactS3Uri"]}
    world.cloud._make(PLACE, "Model", {"ModelName": "their-model", "PrimaryContainer": container})
    annotate(world, key, "their-model")
    await settle(world, key, is_restarted=is_restarted)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert world.cluster.condition(key, "Stalled") is None
    assert world.cluster.status(key)["endpointName"] == name
    assert world.cluster.status(key)["variants"][0]["modelName"] == "their-model"
    config = world.cloud.resources[PLACE, "EndpointConfig", served_by(world, name)]
    assert [one["ModelName"] for one in config["ProductionVariants"]] == ["their-model"]
    assert world.cloud.tags_of("their-model", "Model")[UID_TAG]
    assert world.cloud.count("DeleteEndpoint") == 0


async def test_a_model_that_was_adopted_before_is_let_go_of(world: World) -> None:
    container = {"Image": "own:1", "ModelDataUrl": builders.ARTIFACT}
    for name in ("first", "second"):
        world.cloud._make(PLACE, "Model", {"ModelName": name, "PrimaryContainer": container})
    body = endpoint(model={"artifactS3Uri": builders.ARTIFACT, "image": "own:1"})
    body["metadata"]["annotations"] = {ADOPT_ANNOTATION: "first"}
    key = world.cluster.create(body)
    await settle(world, key)
    annotate(world, key, "second")
    await settle(world, key)
    assert world.cluster.status(key)["variants"][0]["modelName"] == "second"
    assert (PLACE, "Model", "first") in world.cloud.resources
    assert UID_TAG not in world.cloud.tags_of("first", "Model")


@RESTARTS
async def test_a_lost_status_forgets_no_adoption(world: World, *, is_restarted: bool) -> None:
    """What was adopted is told by its name then: the operator gives no such name."""
    key = await adopted(world)
    annotate(world, key, "staging")
    await world.look()
    await world.look()
    world.cluster.edit(key, lambda body: body.pop("status"))
    if is_restarted:
        world.restart()
    await world.run(8)
    assert serves(world, "prod")
    world.cluster.delete(key)
    await world.run(4)
    assert serves(world, "prod")


@RESTARTS
@pytest.mark.parametrize("then", ["", "another model", "deleted", "suspended"])
@pytest.mark.parametrize("status", ["none", "of before the correction", "of the first pass"])
async def test_nor_does_a_status_that_is_lost_after_it_was_let_go_of(
    world: World, status: str, then: str, *, is_restarted: bool
) -> None:
    """Only AWS knows then that an endpoint which is nobody's serves a configuration of the object's."""
    key = adopting(world, "prod")
    await world.look()
    statuses = {"none": None, "of the first pass": copy.deepcopy(world.cluster.status(key))}
    await settle(world, key)
    statuses["of before the correction"] = copy.deepcopy(world.cluster.status(key))
    annotate(world, key, "staging")
    await settle(world, key)
    assert is_nobodys(world, "prod")
    world.cluster.edit(key, lambda body: body.update(status=statuses[status] or {}))
    if then in ("deleted", "suspended"):
        end(world, key, then)
    if is_restarted:
        world.restart()
    await world.run(8)
    if then == "another model":
        world.cluster.edit(key, lambda body: body["spec"].update(model=OTHER))
    await world.run(8)
    assert serves(world, "prod")
    if key in world.cluster.objects:
        world.cluster.delete(key)
        await world.run(8)
    assert key not in world.cluster.objects
    assert serves(world, "prod")
    left = {(kind, name) for _, kind, name in world.cloud.resources}
    assert ("Endpoint", "staging") not in left
    if status == "none":
        # An older status tells no more than that each of them may be served by it.
        kept = {served_by(world, "prod"), *THEIR_CONFIGS}
        assert {name for kind, name in left if kind == "EndpointConfig"} <= kept


async def test_what_may_be_served_by_an_endpoint_that_cannot_be_looked_at_stays(world: World) -> None:
    key = await adopted(world)
    annotate(world, key, "staging")
    await settle(world, key)
    world.cluster.edit(key, lambda body: body.pop("status"))
    world.restart()
    describe = world.cloud.call

    async def refusing(place: Any, operation: str, params: Any, **more: Any) -> Any:
        if operation == "DescribeEndpoint" and params["EndpointName"] == "prod":
            raise classify(operation, "AccessDeniedException", "not authorized to perform: sagemaker:DescribeEndpoint")
        return await describe(place, operation, params, **more)

    world.cloud.call = refusing  # type: ignore[method-assign]
    await world.run(8)
    assert serves(world, "prod")
    world.cluster.delete(key)
    await world.run(8)
    assert key not in world.cluster.objects
    assert serves(world, "prod")


async def test_tags_that_cannot_be_removed_are_said_and_delete_nothing(world: World) -> None:
    key = await adopted(world)
    world.cloud.refuse("DeleteTags", "AccessDeniedException", "not authorized", times=3)
    annotate(world, key, "staging")
    await world.run(2)
    (message,) = [one["message"] for one in world.cluster.status(key)["conditions"] if one["type"] == "Reconciling"]
    assert "DeleteTags of prod was refused" in message
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    await world.run(6)
    await settle(world, key)
    assert is_nobodys(world, "prod")


async def test_a_kill_at_any_point_deletes_nothing() -> None:
    """And what was adopted last serves in the end."""
    for point in range(1, 200):
        world = World()
        make_theirs(world)
        key = await adopted(world)
        annotate(world, key, "staging")
        world.points.passed, world.points.kill_at = 0, point
        await world.run(6)
        was_killed = world.points.kill_at is None
        world.points.kill_at = None
        await settle(world, key)
        assert world.cluster.status(key)["endpointName"] == "staging"
        assert (serves(world, "prod"), is_nobodys(world, "prod")) == (True, True)
        if not was_killed:
            return
    raise AssertionError
