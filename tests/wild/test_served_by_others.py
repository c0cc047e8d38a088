"""What somebody else's endpoint serves stays, whoever has made it; and what may have been sent may still appear."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from classifier_operator.api.kinds import ADOPT_ANNOTATION, UID_TAG, ObjectKey
from classifier_operator.runtime.inventory import CONFIRMED_AFTER_SECONDS
from classifier_operator.sagemaker.refusal_table import classify
from tests.unit import builders
from tests.unit.world import Operator, World
from tests.wild.test_adoption import annotate, end, make_theirs, serves
from tests.wild.test_counts import OTHER, PLACE, RESTARTS, adopting, change, endpoint, settle
from tests.wild.test_doubts import MOMENT, seconds_to_go

TEST = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}
TESTED: dict[str, Any] = {"smokeTest": TEST, "classLabels": {"values": ["0", "1"]}}
ADOPTING: dict[str, Any] = {"model": {"artifactS3Uri": builders.ARTIFACT, "image": "own:1"}}
ADOPTING_VARIANTS: dict[str, Any] = {
    "variants": [{"name": "a", "instanceType": "ml.m5.large", **ADOPTING}],
    "model": None,
    "instanceType": None,
}
DENIED = ("AccessDeniedException", "User: x is not authorized to perform: sagemaker:CreateModel")


@pytest.fixture
def world() -> World:
    return World()


def fail_the_test_of(world: World, artifact: str) -> None:
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    world.cloud.bad_artifacts.add(artifact)


# What others serve


async def adopting_a_model(world: World, **form: Any) -> ObjectKey:
    """The endpoint prod, which is somebody else's, serves this model, too."""
    make_theirs(world)
    container = {"Image": "own:1", "ModelDataUrl": builders.ARTIFACT}
    world.cloud.resources[PLACE, "Model", "m"]["PrimaryContainer"] = container
    body = endpoint(**(form or ADOPTING))
    body["metadata"]["annotations"] = {ADOPT_ANNOTATION: "m"}
    key = world.cluster.create(body)
    await settle(world, key)
    assert served_models(world, key) == ["m"]
    assert UID_TAG in world.cloud.tags_of("m", "Model")
    return key


def served_models(world: World, key: ObjectKey) -> list[str]:
    return [one["modelName"] for one in world.cluster.status(key)["variants"]]


@RESTARTS
@pytest.mark.parametrize("form", [ADOPTING, ADOPTING_VARIANTS], ids=["short form", "variants"])
@pytest.mark.parametrize("then", ["another model", "deleted", "suspended"])
async def test_an_adopted_model_that_somebody_else_serves_stays(
    world: World, then: str, form: dict[str, Any], *, is_restarted: bool
) -> None:
    key = await adopting_a_model(world, **form)
    if is_restarted:
        world.restart()
    if then == "deleted":
        world.cluster.delete(key)
    elif then == "suspended":
        change(world, key, suspend=True)
    else:
        change(world, key, **_of(OTHER, form))
    await world.run(6)
    assert serves(world, "prod")
    assert UID_TAG not in world.cloud.tags_of("m", "Model")
    assert (key in world.cluster.objects) is (then != "deleted")
    if then != "deleted":
        assert not [one for one in world.cluster.status(key).get("resources", ()) if one["name"] == "m"]


def _of(model: dict[str, str], form: dict[str, Any]) -> dict[str, Any]:
    """Return what of the spec names the model, in the form that it has."""
    variants = form.get("variants")
    return {"variants": [{**one, "model": model} for one in variants]} if variants else {"model": model}


@pytest.mark.parametrize("then", ["another model", "suspended"])
async def test_an_adopted_model_that_was_let_go_of_is_taken_back(world: World, then: str) -> None:
    key = await adopting_a_model(world)
    change(world, key, **({"model": OTHER} if then == "another model" else {"suspend": True}))
    await world.run(6)
    assert UID_TAG not in world.cloud.tags_of("m", "Model")
    change(world, key, **ADOPTING, suspend=False)
    await settle(world, key)
    assert served_models(world, key) == ["m"]
    assert UID_TAG in world.cloud.tags_of("m", "Model")
    assert [one for one in world.cluster.status(key)["resources"] if one["name"] == "m"]


@RESTARTS
@pytest.mark.parametrize("annotation", ["m", None], ids=["", "without the annotation"])
@pytest.mark.parametrize("then", ["another model", "deleted", "suspended"])
async def test_nor_does_a_lost_status_delete_an_adopted_model(
    world: World, then: str, annotation: str | None, *, is_restarted: bool
) -> None:
    key = await adopting_a_model(world)
    annotate(world, key, annotation)
    world.cluster.edit(key, lambda body: body.pop("status"))
    if is_restarted:
        world.restart()
    if then == "deleted":
        world.cluster.delete(key)
    else:
        change(world, key, **({"model": OTHER} if then == "another model" else {"suspend": True}))
    await world.run(8)
    assert serves(world, "prod")
    if then != "deleted":
        world.cluster.delete(key)
        await world.run(8)
    assert key not in world.cluster.objects
    assert serves(world, "prod")


async def test_a_model_is_let_go_of_although_its_name_looks_like_one_of_the_objects_own(world: World) -> None:
    """One that an object of this name had made before, whose tags were taken off."""
    container = {"Image": "own:1", "ModelDataUrl": builders.ARTIFACT}
    world.cloud._make(PLACE, "Model", {"ModelName": "vision-birds-0a1b2c3d", "PrimaryContainer": container})
    body = endpoint(**ADOPTING)
    body["metadata"]["annotations"] = {ADOPT_ANNOTATION: "vision-birds-0a1b2c3d"}
    key = world.cluster.create(body)
    await settle(world, key)
    assert served_models(world, key) == ["vision-birds-0a1b2c3d"]
    world.cluster.delete(key)
    await world.run(6)
    assert (key in world.cluster.objects, world.cloud.names("Model")) == (False, ["vision-birds-0a1b2c3d"])


@pytest.mark.parametrize("may_look", [True, False], ids=["", "not allowed to look"])
@pytest.mark.parametrize("has_own_config", [True, False], ids=["", "its configuration deleted"])
@pytest.mark.parametrize("then", ["another model", "deleted", "suspended"])
async def test_a_model_stays_that_a_released_endpoint_serves_by_another_configuration(
    world: World, then: str, has_own_config: bool, may_look: bool
) -> None:
    """The status is lost after its owner has moved it to a configuration of theirs with the object's model."""
    make_theirs(world)
    key = adopting(world, "prod")
    await settle(world, key)
    annotate(world, key, "staging")
    await settle(world, key)
    live = world.cloud.resources[PLACE, "Endpoint", "prod"]
    before = live["EndpointConfigName"]
    moved = {
        "EndpointConfigName": "theirs",
        "ProductionVariants": world.cloud.resources[PLACE, "EndpointConfig", before]["ProductionVariants"],
    }
    world.cloud._make(PLACE, "EndpointConfig", moved)
    world.cloud._serve(PLACE, live, "theirs")
    world.cloud.touch(live)
    if not has_own_config:
        del world.cloud.resources[PLACE, "EndpointConfig", before]
    if not may_look:
        deny_to_describe(world, "EndpointConfig", "theirs")
    world.cluster.edit(key, lambda body: body.pop("status"))
    world.restart()
    if then == "another model":
        await world.run(6)
        change(world, key, model=OTHER)
        await world.run(6)
    else:
        end(world, key, then)
        await world.run(8)
    assert serves(world, "prod")
    if then != "deleted":
        world.cluster.delete(key)
        await world.run(8)
    assert key not in world.cluster.objects
    assert serves(world, "prod")
    model = moved["ProductionVariants"][0]["ModelName"]
    # Another model of the object's has gone with it, where AWS says that nobody else serves it.
    assert world.cloud.names("Model") == sorted({"m", model}) or not may_look


def deny_to_describe(world: World, kind: str, name: str) -> None:
    answer = world.cloud.call

    async def refusing(place: Any, operation: str, params: Any, **more: Any) -> Any:
        if operation == f"Describe{kind}" and params[f"{kind}Name"] == name:
            raise classify(operation, "AccessDeniedException", f"not authorized to perform: sagemaker:{operation}")
        return await answer(place, operation, params, **more)

    world.cloud.call = refusing  # type: ignore[method-assign]


async def test_one_that_was_released_is_adopted_by_another_object_and_taken_back(world: World) -> None:
    """It goes back to the first object's configuration, which served it well."""
    make_theirs(world)
    fail_the_test_of(world, OTHER["artifactS3Uri"])
    key = adopting(world, "prod")
    await settle(world, key)
    annotate(world, key, "staging")
    await settle(world, key)
    before = world.cloud.resources[PLACE, "Endpoint", "prod"]["EndpointConfigName"]
    world.cluster.create(fish_adopting_prod())
    await world.run(10)
    assert world.cloud.resources[PLACE, "Endpoint", "prod"]["EndpointConfigName"] == before
    assert serves(world, "prod")


async def test_nor_does_a_written_status_take_it_to_another_configuration_of_that_object(world: World) -> None:
    """Only to what it came with."""
    make_theirs(world)
    fail_the_test_of(world, OTHER["artifactS3Uri"])
    key = adopting(world, "prod")
    await settle(world, key)
    annotate(world, key, "staging")
    await settle(world, key)
    came_with, another = (
        world.cloud.resources[PLACE, "Endpoint", name]["EndpointConfigName"] for name in ("prod", "staging")
    )
    fish = world.cluster.create(fish_adopting_prod())
    while not world.cluster.status(fish).get("update"):
        await world.operator.passes.run(fish)
    assert world.cluster.status(fish)["update"]["previousEndpointConfigName"] == came_with
    written = copy.deepcopy(world.cluster.status(fish))
    written["revision"] += 1000
    written["update"]["previousEndpointConfigName"] = another
    world.cluster.edit(fish, lambda body: body.update(status=written))
    await world.run(10)
    assert world.cluster.condition(fish, "Stalled") == ("True", "SmokeTestFailed")
    (said,) = [one["message"] for one in world.cluster.status(fish)["conditions"] if one["type"] == "Stalled"]
    assert f"NotOwned: EndpointConfig {another} belongs to" in said
    assert world.cloud.resources[PLACE, "Endpoint", "prod"]["EndpointConfigName"] != another


def fish_adopting_prod() -> dict[str, Any]:
    body = endpoint(model=OTHER, **TESTED)
    body["metadata"] |= {"name": "fish", "uid": "uid-of-fish", "annotations": {ADOPT_ANNOTATION: "prod"}}
    return body


# Doubt


@pytest.mark.parametrize("made", ["Model", "TrainingJob"])
async def test_what_another_process_has_put_on_record_may_have_been_sent(world: World, made: str) -> None:
    """Two processes after a change of the leader: this one's view of the object is older than the other's record."""
    key = world.cluster.create(endpoint() if made == "Model" else builders.training("birds"))
    tell, world.cluster.changed = world.cluster.changed, lambda key: None
    other = Operator(world)
    other.saw(copy.deepcopy(world.cluster.objects[key]), key)
    world.cloud.refuse(f"Create{made}", "ReadTimeoutError", status=0)
    await other.work()
    other.die()
    assert (world.cloud.count(f"Create{made}"), bool(world.cluster.status(key)["resources"])) == (1, True)
    world.cluster.changed = tell
    world.cloud.refuse(f"Create{made}", *DENIED, times=99)
    await world.look()
    assert world.cloud.count(f"Create{made}") == 2
    # The other process may have made something in this account.
    assert world.cluster.status(key)["account"]
    assert CONFIRMED_AFTER_SECONDS <= await seconds_to_go(world, key) <= CONFIRMED_AFTER_SECONDS + MOMENT
