"""Nothing live gets smaller, whatever other hands do at AWS meanwhile (B10, B11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from classifier_operator.api.kinds import ObjectKey
from tests.unit import builders
from tests.unit.world import World
from tests.wild.test_counts import (
    FORMS,
    ONE,
    OTHER,
    PLACE,
    RESTARTS,
    adopting,
    change,
    counts,
    endpoint,
    made_by_hand,
    scale,
    settle,
)

TEST = {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}
TESTED: dict[str, Any] = {"smokeTest": TEST, "classLabels": {"values": ["0", "1"]}}
QUOTA = ("ResourceLimitExceeded", "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances")
DENIED = ("AccessDeniedException", "User: x is not authorized to perform: sagemaker:DeleteEndpointConfig")


@pytest.fixture
def world() -> World:
    return World()


def fail_the_test_of(world: World, artifact: str) -> None:
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    world.cloud.bad_artifacts.add(artifact)


def scale_theirs(world: World, name: str, count: int) -> None:
    live = world.cloud.resources[PLACE, "Endpoint", name]
    for one in live["ProductionVariants"]:
        one |= {"DesiredInstanceCount": count, "CurrentInstanceCount": count}
    world.cloud.touch(live)


def rename(world: World, key: ObjectKey, **model: Any) -> None:
    """From the short form to a variant that is called `a`."""

    def edit(body: dict[str, Any]) -> None:
        for field in ("model", "instanceType"):
            body["spec"].pop(field)
        body["spec"]["variants"] = [{"name": "a", **ONE, **model}]

    world.cluster.edit(key, edit)


def back_to_the_short_form(world: World, key: ObjectKey) -> None:
    def edit(body: dict[str, Any]) -> None:
        body["spec"].pop("variants")
        body["spec"].update(ONE)

    world.cluster.edit(key, edit)


async def scaled(world: World, **changes: Any) -> ObjectKey:
    """An endpoint of the object's own that somebody has scaled to six instances."""
    key = world.cluster.create(endpoint(**changes))
    await settle(world, key)
    scale(world, 6)
    await settle(world, key)
    return key


async def test_an_adoption_whose_smoke_test_fails_gives_all_instances_back(world: World) -> None:
    """Its configuration begins with one: AWS, or a person, had scaled it since."""
    made_by_hand(world, "prod", {"x": 1})
    scale_theirs(world, "prod", 6)
    fail_the_test_of(world, builders.ARTIFACT)
    key = adopting(world, "prod", **TESTED)
    await world.run(10)
    assert world.cluster.condition(key, "Stalled") == ("True", "SmokeTestFailed")
    assert counts(world, "prod") == {"x": 6}


async def test_a_renamed_variant_whose_smoke_test_fails_gives_all_instances_back(world: World) -> None:
    fail_the_test_of(world, OTHER["artifactS3Uri"])
    key = await scaled(world, **TESTED)
    rename(world, key, model=OTHER)
    await world.run(10)
    assert world.cluster.condition(key, "Stalled") == ("True", "SmokeTestFailed")
    assert counts(world) == {"AllTraffic": 6}


async def test_what_somebody_has_moved_comes_back_with_its_instances(world: World) -> None:
    key = await scaled(world)
    listed = [
        {"VariantName": "x", "ModelName": world.cloud.names("Model")[0], "InstanceType": "ml.m5.large"}
        | {"InitialInstanceCount": 6}
    ]
    world.cloud._make(PLACE, "EndpointConfig", {"EndpointConfigName": "theirs", "ProductionVariants": listed})
    live = world.cloud.one("Endpoint")
    world.cloud._serve(PLACE, live, "theirs")
    world.cloud.touch(live)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 6}


@pytest.mark.parametrize("how", ["the first configuration stays", "before the first one is done"])
async def test_a_name_that_is_changed_and_changed_back(world: World, how: str) -> None:
    key = await scaled(world)
    if how == "the first configuration stays":
        world.cloud.refuse("DeleteEndpointConfig", *DENIED, times=50)
    rename(world, key)
    if how == "the first configuration stays":
        await world.run(6)
        assert counts(world) == {"a": 6}
    else:
        await world.look()
    back_to_the_short_form(world, key)
    await world.run(6)
    assert counts(world) == {"AllTraffic": 6}


@pytest.mark.parametrize(
    ("theirs", "form"),
    [({"AllTraffic": 1, "b": 9}, {}), ({"a": 1, "b": 9}, {"variants": [{"name": "a", **ONE}, {"name": "c", **ONE}]})],
    ids=["one of them", "one of them beside another"],
)
async def test_adoption_of_variants_some_of_which_have_the_specs_names(
    world: World, theirs: dict[str, int], form: dict[str, Any]
) -> None:
    made_by_hand(world, "prod", theirs)
    key = adopting(world, "prod", **({**form, "model": None, "instanceType": None} if form else {}))
    await settle(world, key)
    assert sum(counts(world, "prod").values()) >= 10


async def test_adoption_of_an_endpoint_that_is_still_made(world: World) -> None:
    """AWS tells no variants of it yet."""
    made_by_hand(world, "other", {"x": 1})
    listed = [{"VariantName": "x", "ModelName": "m", "InstanceType": "ml.c5.large", "InitialInstanceCount": 6}]
    world.cloud._make(PLACE, "EndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": listed})
    world.cloud._make(PLACE, "Endpoint", {"EndpointName": "prod", "EndpointConfigName": "c"})
    key = adopting(world, "prod")
    await settle(world, key)
    assert counts(world, "prod") == {"AllTraffic": 6}


async def test_adoption_that_waits_while_somebody_scales(world: World) -> None:
    """Nobody looks at what is to be adopted while a quota is waited for."""
    made_by_hand(world, "prod", {"x": 2})
    world.cloud.refuse("UpdateEndpoint", *QUOTA, times=3)
    key = adopting(world, "prod")
    await world.look()
    assert world.cloud.resources[PLACE, "Endpoint", "prod"]["EndpointStatus"] == "InService"
    scale_theirs(world, "prod", 6)
    await world.run(6)
    await settle(world, key)
    assert counts(world, "prod") == {"AllTraffic": 6}


async def test_what_was_scaled_a_moment_before_an_edit(world: World) -> None:
    key = world.cluster.create(endpoint())
    await settle(world, key)
    scale(world, 6)
    rename(world, key)
    await settle(world, key)
    assert counts(world) == {"a": 6}


async def test_what_failed_its_smoke_test_and_stays_may_be_scaled_down(world: World) -> None:
    """Nothing good was there before: it stays for inspection, as small as somebody makes it."""
    fail_the_test_of(world, builders.ARTIFACT)
    fail_the_test_of(world, OTHER["artifactS3Uri"])
    key = world.cluster.create(endpoint(**TESTED))
    await world.run(4)
    scale(world, 6)
    await world.run(2)
    rename(world, key, model=OTHER)
    await world.run(8)
    assert world.cluster.condition(key, "Stalled") == ("True", "SmokeTestFailed")
    assert counts(world) == {"a": 6}
    scale(world, 2)
    await world.run(4)
    assert counts(world) == {"a": 2}


@pytest.mark.parametrize("name", ["AllTraffic", "x"])
async def test_what_somebody_has_moved_comes_back_without_its_smoke_tests_image(world: World, name: str) -> None:
    """It has served: that its test cannot be run any more keeps nobody from putting it back."""
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    key = await scaled(world, **TESTED)
    world.cloud.objects.clear()
    world.restart()
    await settle(world, key)
    listed = [
        {"VariantName": name, "ModelName": world.cloud.names("Model")[0], "InstanceType": "ml.m5.large"}
        | {"InitialInstanceCount": 4}
    ]
    world.cloud._make(PLACE, "EndpointConfig", {"EndpointConfigName": "theirs", "ProductionVariants": listed})
    live = world.cloud.one("Endpoint")
    world.cloud._serve(PLACE, live, "theirs")
    world.cloud.touch(live)
    await world.run(3)
    assert world.cloud.one("Endpoint")["EndpointConfigName"] != "theirs"
    assert counts(world) == {"AllTraffic": 4}
    assert any(reason == "Restoring" for _, reason, _ in world.cluster.events)


def fail(world: World) -> None:
    reason = "Request to service failed. If failure persists after retry, contact customer support."
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="Failed", FailureReason=reason)


def delete(world: World) -> None:
    (name,) = world.cloud.names("Endpoint")
    del world.cloud.resources[PLACE, "Endpoint", name]


LOSSES = pytest.mark.parametrize("lose", [delete, fail])


@FORMS
@RESTARTS
@LOSSES
async def test_an_endpoint_that_is_made_anew_gets_its_instances_back(
    world: World, lose: Callable[[World], None], form: dict[str, Any], *, is_restarted: bool
) -> None:
    """B10: its configuration is there still, and begins with one."""
    key = await scaled(world, **form)
    lose(world)
    if is_restarted:
        await world.look()
        world.restart()
    await world.run(5)
    assert counts(world) == {"AllTraffic": 6}
    scale(world, 2)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 2}


@LOSSES
async def test_an_endpoint_that_is_made_anew_has_the_count_that_is_named_meanwhile(
    world: World, lose: Callable[[World], None]
) -> None:
    key = await scaled(world)
    lose(world)
    await world.look()
    change(world, key, instanceCount=2)
    await world.run(6)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 2}


@LOSSES
@pytest.mark.parametrize("edit", ["another model", "another name"])
async def test_an_edit_of_an_endpoint_that_is_made_anew_keeps_its_instances(
    world: World, lose: Callable[[World], None], edit: str
) -> None:
    key = await scaled(world)
    lose(world)
    world.clock.seconds += 400
    await world.operator.sweep()
    await world.run(1, progress=False)
    if edit == "another model":
        change(world, key, model=OTHER)
    else:
        rename(world, key)
    await world.run(6)
    await settle(world, key)
    assert sum(counts(world).values()) == 6


@LOSSES
async def test_an_endpoint_that_aws_scales_is_made_anew_within_its_bounds(
    world: World, lose: Callable[[World], None]
) -> None:
    """It has as many as it last had, and AWS goes on from there."""
    bounds = {"minCount": 1, "maxCount": 8, "invocationsPerInstance": 100}
    key = await scaled(world, autoscaling=bounds)
    lose(world)
    world.clock.seconds += 400
    await world.operator.sweep()
    change(world, key, autoscaling={**bounds, "maxCount": 4})
    await world.run(6)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 4}
    scale(world, 2)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 2}


SUSPENDED = pytest.mark.parametrize("is_seen", [False, True], ids=["a moment before", "before"])


@FORMS
@RESTARTS
@SUSPENDED
async def test_a_suspension_keeps_the_instances(
    world: World, form: dict[str, Any], *, is_seen: bool, is_restarted: bool
) -> None:
    """B10: somebody has scaled it a moment before; how many there are is looked at before it goes."""
    key = world.cluster.create(endpoint(**form))
    await settle(world, key)
    scale(world, 6)
    if is_seen:
        await settle(world, key)
    if is_restarted:
        world.restart()
    change(world, key, suspend=True)
    await world.run(4)
    assert world.cloud.resources == {}
    assert world.cluster.condition(key, "Ready") == ("False", "Suspended")
    change(world, key, suspend=False)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 6}


async def test_a_suspension_whose_last_look_is_refused_goes_on(world: World) -> None:
    """What costs money does not stay for a number."""
    key = await scaled(world)
    denied = "User: x is not authorized to perform: sagemaker:DescribeEndpoint"
    world.cloud.refuse("DescribeEndpoint", "AccessDeniedException", denied, times=1)
    change(world, key, suspend=True)
    await world.run(4)
    assert world.cloud.resources == {}
    change(world, key, suspend=False)
    await settle(world, key)
    assert counts(world) == {"AllTraffic": 6}


async def test_a_suspension_with_a_named_count_looks_no_more_than_before(world: World) -> None:
    key = world.cluster.create(endpoint(instanceCount=2))
    await settle(world, key)
    looks = world.cloud.count("DescribeEndpoint")
    change(world, key, suspend=True)
    await world.look()
    assert world.cloud.count("DeleteEndpoint") == 1
    assert world.cloud.count("DescribeEndpoint") == looks


def weights(world: World, name: str) -> dict[str, float]:
    live = world.cloud.resources[PLACE, "Endpoint", name]
    return {one["VariantName"]: one["DesiredWeight"] for one in live["ProductionVariants"]}


def weigh(world: World, name: str, **shares: float) -> None:
    live = world.cloud.resources[PLACE, "Endpoint", name]
    for one in live["ProductionVariants"]:
        one |= {"DesiredWeight": shares[one["VariantName"]], "CurrentWeight": shares[one["VariantName"]]}
    world.cloud.touch(live)


def two(*shares: int, **model: Any) -> list[dict[str, Any]]:
    """Variants a and b; the API server gives those that have no weight one."""
    return [{"name": name, **ONE, **model, "weight": share} for name, share in zip("ab", shares, strict=True)]


@RESTARTS
@pytest.mark.parametrize("shares", [(9, 1), (0.9, 0.1), (1, 0)])
async def test_adoption_keeps_the_weights_that_the_spec_does_not_name(
    world: World, shares: tuple[float, float], *, is_restarted: bool
) -> None:
    """B11: what is absent means what is there; over an update, a deletion and a lost status as well."""
    there = dict(zip("ab", shares, strict=True))
    made_by_hand(world, "prod", {"a": 2, "b": 2})
    weigh(world, "prod", **there)
    key = adopting(world, "prod", variants=two(1, 1), model=None, instanceType=None)
    await settle(world, key, is_restarted=is_restarted)
    assert weights(world, "prod") == there
    change(world, key, variants=two(1, 1, model=OTHER))
    await settle(world, key)
    assert weights(world, "prod") == there
    delete(world)
    await settle(world, key)
    assert weights(world, "prod") == there
    world.cluster.edit(key, lambda body: body.pop("status"))
    world.restart()
    await settle(world, key)
    assert weights(world, "prod") == there
    assert counts(world, "prod") == {"a": 2, "b": 2}


async def test_weights_that_the_spec_names_count_from_then_on(world: World) -> None:
    made_by_hand(world, "prod", {"a": 1, "b": 1})
    weigh(world, "prod", a=9, b=1)
    key = adopting(world, "prod", variants=two(1, 1), model=None, instanceType=None)
    await settle(world, key)
    for shares in ((3, 1), (1, 1)):
        change(world, key, variants=two(*shares))
        await settle(world, key)
        assert weights(world, "prod") == dict(zip("ab", shares, strict=True))


async def test_weights_of_an_adopted_endpoint_that_somebody_changes_are_put_back(world: World) -> None:
    """As on every endpoint."""
    made_by_hand(world, "prod", {"a": 1, "b": 1})
    weigh(world, "prod", a=9, b=1)
    key = adopting(world, "prod", variants=two(1, 1), model=None, instanceType=None)
    await settle(world, key)
    weigh(world, "prod", a=1, b=1)
    await settle(world, key)
    assert weights(world, "prod") == {"a": 9, "b": 1}
