"""Counts that the spec does not name are nobody's wish: whoever scales an endpoint at AWS is not corrected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from classifier_operator.api.kinds import ADOPT_ANNOTATION, ObjectKey
from classifier_operator.api.ledger import Place
from tests.unit import builders
from tests.unit.world import World

PLACE = Place(builders.REGION)
ONE = {"model": {"artifactS3Uri": builders.ARTIFACT}, "instanceType": "ml.m5.large"}
OTHER = {"artifactS3Uri": "s3://bucket/other.tar.gz"}
SHORT: dict[str, Any] = {}
VARIANTS: dict[str, Any] = {"variants": [{"name": "AllTraffic", **ONE}], "model": None, "instanceType": None}
FORMS = pytest.mark.parametrize("form", [SHORT, VARIANTS], ids=["short form", "variants"])
RESTARTS = pytest.mark.parametrize("is_restarted", [False, True], ids=["", "restarted"])


@pytest.fixture
def world() -> World:
    return World()


def endpoint(**changes: Any) -> dict[str, Any]:
    body = builders.endpoint("birds", **changes)
    body["spec"] = {field: value for field, value in body["spec"].items() if value is not None}
    return body


def change(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


def counts(world: World, name: str = "") -> dict[str, int]:
    live = world.cloud.resources[PLACE, "Endpoint", name] if name else world.cloud.one("Endpoint")
    return {one["VariantName"]: one["DesiredInstanceCount"] for one in live["ProductionVariants"]}


def scale(world: World, count: int) -> None:
    """Somebody scales all variants: another controller, a schedule, a policy, or a person."""
    live = world.cloud.one("Endpoint")
    for one in live["ProductionVariants"]:
        one |= {"DesiredInstanceCount": count, "CurrentInstanceCount": count}
    world.cloud.touch(live)


def made_by_hand(world: World, name: str, variants: Mapping[str, int]) -> None:
    """Make somebody's endpoint, in service with so many instances of each variant."""
    world.cloud._make(
        PLACE, "Model", {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "s3://b/m"}}
    )
    listed = [
        {"VariantName": one, "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": count}
        for one, count in variants.items()
    ]
    config = {"EndpointConfigName": f"config-of-{name}", "ProductionVariants": listed}
    world.cloud._make(PLACE, "EndpointConfig", config)
    world.cloud._make(PLACE, "Endpoint", {"EndpointName": name, "EndpointConfigName": f"config-of-{name}"})
    world.cloud.progress()
    assert counts(world, name) == dict(variants)


def adopting(world: World, name: str, **changes: Any) -> ObjectKey:
    body = endpoint(**changes)
    body["metadata"]["annotations"] = {ADOPT_ANNOTATION: name}
    return world.cluster.create(body)


async def settle(world: World, key: ObjectKey, *, is_restarted: bool = False) -> None:
    if is_restarted:
        world.restart()
    await world.run(4)
    assert world.cluster.condition(key, "Ready") == ("True", "InService")
    assert world.cluster.condition(key, "Reconciling") is None


@FORMS
@RESTARTS
async def test_what_somebody_else_scales_stays(world: World, form: dict[str, Any], *, is_restarted: bool) -> None:
    """B10: neither a poll nor a drift check, a change of tags nor a restart brings the count back."""
    key = world.cluster.create(endpoint(**form))
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 1}
    told = len(world.cluster.events)
    for count in (4, 5, 2):
        scale(world, count)
        await settle(world, key, is_restarted=is_restarted)
        assert counts(world) == {"AllTraffic": count}
    change(world, key, tags={"team": "birds"})
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 2}
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 0
    assert len(world.cluster.events) == told


@FORMS
@RESTARTS
async def test_an_update_keeps_the_count(world: World, form: dict[str, Any], *, is_restarted: bool) -> None:
    """B10, B11: of another model, and of other machines."""
    key = world.cluster.create(endpoint(**form))
    await settle(world, key)
    scale(world, 6)
    await settle(world, key, is_restarted=is_restarted)
    for fields in ({"model": OTHER}, {"instanceType": "ml.m5.4xlarge"}):
        new = {"variants": [{"name": "AllTraffic", **ONE, **fields}]} if form else fields
        change(world, key, **new)
        await settle(world, key)
        assert counts(world) == {"AllTraffic": 6}


async def test_a_count_that_is_named_counts_and_one_that_is_taken_out_stays(world: World) -> None:
    key = world.cluster.create(endpoint(instanceCount=3))
    await settle(world, key)
    scale(world, 6)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 3}
    world.cluster.edit(key, lambda body: body["spec"].pop("instanceCount"))
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 3}
    scale(world, 6)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 6}
    change(world, key, instanceCount=2)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 2}


async def test_one_variants_count_is_named_and_the_others_is_not(world: World) -> None:
    variants: list[dict[str, Any]] = [{"name": "a", **ONE, "instanceCount": 2}, {"name": "b", **ONE}]
    key = world.cluster.create(endpoint(variants=variants, model=None, instanceType=None))
    await settle(world, key)
    scale(world, 5)
    await settle(world, key)
    assert counts(world) == {"a": 2, "b": 5}
    change(world, key, variants=[{**one, "model": OTHER} for one in variants])
    await settle(world, key)
    assert counts(world) == {"a": 2, "b": 5}


async def test_a_variant_of_another_name_takes_the_instances_over(world: World) -> None:
    key = world.cluster.create(endpoint())
    await settle(world, key)
    scale(world, 6)
    await settle(world, key)
    world.cluster.edit(key, lambda body: body["spec"].pop("model"))
    world.cluster.edit(key, lambda body: body["spec"].pop("instanceType"))
    change(world, key, variants=[{"name": "a", **ONE, "weight": 2}, {"name": "b", **ONE}])
    await settle(world, key)
    assert counts(world) == {"a": 4, "b": 2}


async def test_an_update_that_is_taken_back_keeps_the_count(world: World) -> None:
    key = world.cluster.create(endpoint())
    await settle(world, key)
    scale(world, 6)
    await settle(world, key)
    world.cloud.update_outcomes.append((False, "alarm"))
    change(world, key, model=OTHER)
    await world.run(4)
    assert world.cluster.condition(key, "Stalled") == ("True", "RolledBack")
    assert counts(world) == {"AllTraffic": 6}


async def test_a_smoke_test_that_fails_restores_what_served_with_its_count(world: World) -> None:
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    world.cloud.bad_artifacts.add(OTHER["artifactS3Uri"])
    test = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}
    labels = {"values": ["0", "1"]}
    key = world.cluster.create(endpoint(smokeTest=test, classLabels=labels))
    await settle(world, key)
    scale(world, 6)
    await settle(world, key)
    change(world, key, model=OTHER)
    await world.run(6)
    assert world.cluster.condition(key, "Stalled") == ("True", "SmokeTestFailed")
    assert counts(world) == {"AllTraffic": 6}


@FORMS
@RESTARTS
@pytest.mark.parametrize("theirs", ["AllTraffic", "variant-1"], ids=["same name", "other name"])
async def test_adoption_makes_no_endpoint_smaller(
    world: World, form: dict[str, Any], theirs: str, *, is_restarted: bool
) -> None:
    """B11: six instances stay six, whatever their variant is called; until the spec names a number."""
    made_by_hand(world, "by-hand", {theirs: 6})
    key = adopting(world, "by-hand", **form)
    await world.run(1)
    await settle(world, key, is_restarted=is_restarted)
    assert counts(world, "by-hand") == {"AllTraffic": 6}
    new = {"variants": [{"name": "AllTraffic", **ONE, "instanceCount": 2}]} if form else {"instanceCount": 2}
    change(world, key, **new)
    await settle(world, key)
    assert counts(world, "by-hand") == {"AllTraffic": 2}


async def test_adoption_of_several_variants_into_one(world: World) -> None:
    """B11: all their instances together."""
    made_by_hand(world, "by-hand", {"a": 3, "b": 2})
    key = adopting(world, "by-hand")
    await settle(world, key)
    assert counts(world, "by-hand") == {"AllTraffic": 5}


async def test_adoption_with_autoscaling_begins_with_what_is_there(world: World) -> None:
    """B11: AWS moves it between the bounds afterwards."""
    made_by_hand(world, "by-hand", {"variant-1": 4})
    key = adopting(world, "by-hand", autoscaling={"minCount": 1, "maxCount": 8, "invocationsPerInstance": 100})
    await settle(world, key)
    assert counts(world, "by-hand") == {"AllTraffic": 4}


async def test_adoption_after_an_endpoint_of_its_own(world: World) -> None:
    """The count of what is adopted counts, not that of what served before."""
    key = world.cluster.create(endpoint())
    await settle(world, key)
    made_by_hand(world, "by-hand", {"variant-1": 4})
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={ADOPT_ANNOTATION: "by-hand"}))
    await settle(world, key)
    assert counts(world, "by-hand") == {"AllTraffic": 4}


async def test_one_that_serves_in_two_regions_can_be_suspended(world: World) -> None:
    """After a move to another region the former endpoint, which has the same name, cannot be deleted for a while."""
    key = world.cluster.create(endpoint())
    await settle(world, key)
    denied = ("AccessDeniedException", "User: x is not authorized to perform: sagemaker:DeleteEndpoint")
    world.cloud.refuse("DeleteEndpoint", *denied, times=8)
    change(world, key, region="eu-west-1")
    await world.run(4)
    change(world, key, suspend=True)
    await world.run(12)
    assert world.cluster.condition(key, "Ready") == ("False", "Suspended")
    assert not world.cloud.names("Endpoint")
