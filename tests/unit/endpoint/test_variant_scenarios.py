"""Stories of endpoints with several variants, with autoscaling, and of what somebody else does to them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.endpoint.test_scenarios import edit, ready, reasons, serving, stalled
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey

FIRST, SECOND, THIRD = (f"s3://bucket/{number}/model.tar.gz" for number in (1, 2, 3))
AUTOSCALING = {"minCount": 1, "maxCount": 4, "invocationsPerInstance": 100}


def variant(name: str, artifact: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "model": {"artifactS3Uri": artifact}, "instanceType": "ml.m5.large", "weight": 1, **changes}


def following(name: str, training: str, **changes: Any) -> dict[str, Any]:
    one = variant(name, "", trainingRef={"name": training}, **changes)
    del one["model"]
    return one


async def several(world: World, *variants: dict[str, Any], **changes: Any) -> ObjectKey:
    body = builders.endpoint(variants=list(variants), **changes)
    del body["spec"]["model"], body["spec"]["instanceType"]
    key = world.cluster.create(body)
    await world.run(2)
    assert ready(world, key) == ("True", "InService")
    return key


def live(world: World) -> dict[str, tuple[int, float]]:
    return {
        one["VariantName"]: (one["DesiredInstanceCount"], one["DesiredWeight"])
        for one in world.cloud.one("Endpoint")["ProductionVariants"]
    }


def artifacts(world: World) -> dict[str, str]:
    """What each variant serves."""
    config = world.cloud.one("Endpoint")["EndpointConfigName"]
    found = {name: one for (_, _, name), one in world.cloud.resources.items()}
    return {
        one["VariantName"]: found[one["ModelName"]]["PrimaryContainer"]["ModelDataUrl"]
        for one in found[config]["ProductionVariants"]
    }


def scale_by_aws(world: World, count: int) -> None:
    one = world.cloud.one("Endpoint")
    one["ProductionVariants"][0] |= {"CurrentInstanceCount": count, "DesiredInstanceCount": count}
    world.cloud.touch(one)


async def test_two_variants_with_weights(world: World) -> None:
    key = await several(world, variant("a", FIRST, weight=9, instanceCount=2), variant("b", SECOND))
    assert live(world) == {"a": (2, 9), "b": (1, 1)}
    status = world.cluster.status(key)
    assert [(one["name"], one["currentWeight"]) for one in status["variants"]] == [("a", "9"), ("b", "1")]
    assert status["instanceCount"] == 3


async def test_a_weight_changes_in_place(world: World) -> None:
    key = await several(world, variant("a", FIRST, weight=9), variant("b", SECOND))
    edit(world, key, variants=[variant("a", FIRST, weight=5), variant("b", SECOND, weight=5)])
    await world.run(2)
    assert live(world) == {"a": (1, 5), "b": (1, 5)}
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 1
    assert world.cloud.count("UpdateEndpoint") == 0
    assert world.cluster.condition(key, "Reconciling") is None


async def test_champion_and_challenger_each_follow_their_own_training(world: World) -> None:
    trainings = [world.cluster.create(builders.training(name)) for name in ("a", "b")]
    await world.run(2)
    await several(world, following("champion", "a"), following("challenger", "b"))
    before = artifacts(world)
    world.cluster.edit(trainings[1], lambda body: body["spec"].update(output={"s3Uri": "s3://bucket/other"}))
    await world.run(5)
    after = artifacts(world)
    assert after["champion"] == before["champion"]
    assert after["challenger"] != before["challenger"]
    assert world.cloud.count("UpdateEndpoint") == 1
    assert len(world.cloud.names("Model")) == 2


async def test_a_challenger_that_has_no_model_yet_does_not_stop_the_champion(world: World) -> None:
    key = await several(world, variant("champion", FIRST))
    edit(world, key, variants=[variant("champion", FIRST), following("challenger", "later")])
    await world.run(2)
    assert ready(world, key) == ("True", "InService")
    message = world.cluster.status(key)["conditions"][0]["message"]
    assert message == "waiting for ClassifierTraining later to exist"
    world.cluster.create(builders.training("later"))
    await world.run(6)
    assert set(artifacts(world)) == {"champion", "challenger"}


async def test_variants_are_added_renamed_and_removed(world: World) -> None:
    key = await several(world, variant("a", FIRST), rollout={"type": "BlueGreen"})
    edit(world, key, variants=[variant("a", FIRST), variant("b", SECOND)])
    await world.run(4)
    assert artifacts(world) == {"a": FIRST, "b": SECOND}
    edit(world, key, variants=[variant("c", SECOND)])
    await world.run(4)
    assert artifacts(world) == {"c": SECOND}
    assert len(world.cloud.names("Model")) == 1
    assert ready(world, key) == ("True", "InService")


async def test_the_training_of_a_renamed_variant_may_be_gone(world: World) -> None:
    training = world.cluster.create(builders.training("a"))
    await world.run(2)
    key = await several(world, following("old", "a"))
    before = artifacts(world)["old"]
    world.cluster.delete(training)
    await world.run(2)
    edit(world, key, variants=[following("new", "a")])
    await world.run(4)
    assert artifacts(world) == {"new": before}


def a_test_failed_by(artifact: str, world: World) -> dict[str, Any]:
    """A smoke test which that model fails."""
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    world.cloud.bad_artifacts.add(artifact)
    return {"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}}


async def test_weights_stay_over_a_rollback_and_change_after_it(world: World) -> None:
    test = a_test_failed_by(THIRD, world)
    key = await several(world, variant("a", FIRST, weight=9), variant("b", SECOND), smokeTest=test)
    edit(world, key, variants=[variant("a", FIRST, weight=5), variant("b", SECOND, weight=5, instanceCount=2)])
    await world.run(2)
    edit(world, key, variants=[variant("a", FIRST, weight=5), variant("b", THIRD, weight=5, instanceCount=2)])
    await world.run(6)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    assert (live(world), artifacts(world)["b"]) == ({"a": (1, 5), "b": (2, 5)}, SECOND)
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 1
    edit(world, key, variants=[variant("a", FIRST, weight=1), variant("b", THIRD, weight=5, instanceCount=3)])
    await world.run(3)
    assert live(world) == {"a": (1, 1), "b": (3, 5)}
    status = {one["name"]: one for one in world.cluster.status(key)["variants"]}
    assert (status["a"]["currentWeight"], status["b"]["artifactS3Uri"]) == ("1", SECOND)
    assert stalled(world, key) == ("True", "SmokeTestFailed")


async def test_the_numbers_of_other_variants_are_not_for_those_that_serve_instead(world: World) -> None:
    test = a_test_failed_by(THIRD, world)
    key = await several(world, variant("a", FIRST, instanceCount=2), variant("b", SECOND), smokeTest=test)
    edit(world, key, variants=[variant("a", FIRST, weight=7), variant("c", THIRD, instanceCount=4)])
    await world.run(6)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    assert live(world) == {"a": (2, 1), "b": (1, 1)}
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 0


async def test_what_aws_scales_is_not_scaled_after_a_rollback(world: World) -> None:
    test = a_test_failed_by(SECOND, world)
    key = await serving(world, autoscaling=AUTOSCALING, smokeTest=test)
    await world.run(1)
    scale_by_aws(world, 3)
    await world.run(1)
    edit(world, key, model={"artifactS3Uri": SECOND})
    await world.run(6)
    assert (stalled(world, key), live(world)) == (("True", "SmokeTestFailed"), {"AllTraffic": (3, 1)})
    said = world.cluster.status(key)["conditions"]
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="Updating")
    await world.run(1, progress=False)
    assert world.cluster.status(key)["conditions"] == said
    scale_by_aws(world, 2)
    await world.run(2)
    assert live(world) == {"AllTraffic": (2, 1)}
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 0


async def test_a_count_is_not_asked_for_while_the_scaling_of_before_may_go_on(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    world.cloud.refuse(
        "CreateModel", "ValidationException", 'ECR image "1.dkr.ecr.us-east-1.amazonaws.com/x" is invalid.'
    )
    world.cluster.edit(key, lambda body: body["spec"].pop("autoscaling"))
    edit(world, key, model={"artifactS3Uri": SECOND}, instanceCount=3)
    await world.run(4)
    assert stalled(world, key) == ("True", "InvalidSpec")
    assert live(world) == {"AllTraffic": (1, 1)}


async def test_serverless_that_serves_instead_has_no_count(world: World) -> None:
    key = world.cluster.create(builders.endpoint(serverless={"memorySizeMB": 2048, "maxConcurrency": 5}))
    world.cluster.edit(key, lambda body: body["spec"].pop("instanceType"))
    await world.run(2)
    world.cluster.edit(key, lambda body: body["spec"].pop("serverless"))
    world.cloud.update_outcomes.append((False, "alarm"))
    edit(world, key, instanceType="ml.m5.large", instanceCount=3)
    await world.run(4)
    assert stalled(world, key) == ("True", "RolledBack")
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 0


@pytest.mark.parametrize("worse", ["challenger", "champion"])
async def test_every_variant_is_smoke_tested(world: World, worse: str) -> None:
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    world.cloud.bad_artifacts.add(FIRST if worse == "champion" else SECOND)
    body = builders.endpoint(
        variants=[variant("champion", FIRST), variant("challenger", SECOND, weight=0)],
        smokeTest={"image": {"s3Uri": "s3://bucket/image.png"}, "expect": {"label": "1"}},
    )
    del body["spec"]["model"], body["spec"]["instanceType"]
    key = world.cluster.create(body)
    await world.run(3)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    assert f"variant {worse}: the answer is 0" in world.cluster.status(key)["conditions"][0]["message"]


async def test_two_accelerators_of_which_one_is_refused(world: World) -> None:
    world.cloud.refuse("CreateEndpointConfig", "ValidationException", "ml.eia2.medium is no longer available.")
    await several(
        world,
        variant("a", FIRST, acceleratorType="ml.eia1.large"),
        variant("b", SECOND, acceleratorType="ml.eia2.medium", acceleratorFallback={"instanceType": "ml.g4dn.xlarge"}),
    )
    (config,) = [one for (_, kind, _), one in world.cloud.resources.items() if kind == "EndpointConfig"]
    sent = {
        one["VariantName"]: (one["InstanceType"], one.get("AcceleratorType")) for one in config["ProductionVariants"]
    }
    assert sent == {"a": ("ml.m5.large", "ml.eia1.large"), "b": ("ml.g4dn.xlarge", None)}


async def test_n14_an_accelerator_that_makes_an_update_fail_falls_back(world: World) -> None:
    key = await serving(world)
    world.cloud.update_outcomes.append((False, "Amazon Elastic Inference is no longer available."))
    edit(world, key, acceleratorType="ml.eia1.large", acceleratorFallback={"instanceType": "ml.g4dn.xlarge"})
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    (one,) = world.cluster.status(key)["variants"]
    assert one["instanceType"] == "ml.g4dn.xlarge"
    assert one["accelerator"]["reason"] == "Amazon Elastic Inference is no longer available."


async def test_o6_autoscaling_is_registered_and_ended(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    (target,) = world.cloud.targets.values()
    assert target == {"low": 1, "high": 4, "aim": 100.0}
    assert world.cluster.status(key)["variants"][0]["autoscaling"] == AUTOSCALING
    edit(world, key, autoscaling={**AUTOSCALING, "maxCount": 3})
    await world.run(1)
    assert world.cloud.targets == {next(iter(world.cloud.targets)): {"low": 1, "high": 3, "aim": 100.0}}
    world.cluster.edit(key, lambda body: body["spec"].pop("autoscaling"))
    await world.run(2)
    assert world.cloud.targets == {}
    assert world.cluster.condition(key, "Reconciling") is None


async def test_a_settled_autoscaled_endpoint_costs_nothing(world: World) -> None:
    await serving(world, autoscaling=AUTOSCALING)
    await world.run(2)
    calls, writes = len(world.cloud.log), world.cluster.writes
    world.restart()
    await world.operator.work()
    assert (len(world.cloud.log), world.cluster.writes) == (calls, writes)


async def test_what_aws_scales_is_no_deviation(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    scale_by_aws(world, 3)
    await world.run(2)
    assert live(world) == {"AllTraffic": (3, 1.0)}
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 0
    assert world.cluster.status(key)["instanceCount"] == 3
    assert reasons(world)[-1] == "InService"


async def test_aws_at_work_on_the_count_is_not_said(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    news, said = reasons(world), world.cluster.status(key)["conditions"]
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="Updating")
    await world.run(1, progress=False)
    status = world.cluster.status(key)
    assert (status["endpointStatus"], status["conditions"]) == ("Updating", said)
    await world.run(2)
    assert (reasons(world), world.cluster.status(key)["endpointStatus"]) == (news, "InService")


async def test_o5_a_roll_keeps_the_count_that_aws_chose_and_takes_the_specs_weight(world: World) -> None:
    key = await several(world, variant("a", FIRST, weight=2), variant("b", SECOND), autoscaling=AUTOSCALING)
    await world.run(1)
    scale_by_aws(world, 2)
    edit(world, key, variants=[variant("a", THIRD, weight=3), variant("b", SECOND)])
    await world.run(4)
    assert live(world) == {"a": (2, 3), "b": (1, 1)}
    assert artifacts(world)["a"] == THIRD


async def test_other_machines_end_the_scaling_first_and_begin_it_again(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    edit(world, key, instanceType="ml.m5.xlarge")
    await world.run(5)
    changes = [one for one, _ in world.cloud.log if "Scal" in one or one == "UpdateEndpoint"]
    assert changes == [
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "DeregisterScalableTarget",
        "UpdateEndpoint",
        "RegisterScalableTarget",
        "PutScalingPolicy",
    ]
    assert ready(world, key) == ("True", "InService")
    assert len(world.cloud.targets) == 1


async def test_a_deleted_object_leaves_no_scalable_target(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    world.cluster.delete(key)
    await world.run(4)
    assert (world.cluster.objects, world.cloud.resources, world.cloud.targets) == ({}, {}, {})
    deletions = [one for one, _ in world.cloud.log if one.startswith("De") and not one.startswith("Describe")]
    assert deletions[0] == "DeregisterScalableTarget"


async def test_a_scaling_that_cannot_be_ended_at_once_does_not_hold_up_deletion_for_good(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    world.cloud.refuse("DeregisterScalableTarget", "ValidationException", "The target is being changed.")
    world.cluster.delete(key)
    await world.run(4)
    assert (world.cluster.objects, world.cloud.resources, world.cloud.targets) == ({}, {}, {})


async def test_autoscaling_that_is_denied_leaves_the_endpoint_ready_and_is_said(world: World) -> None:
    world.cloud.refuse("RegisterScalableTarget", "AccessDeniedException", "not authorized", times=2)
    key = await serving_at_all(world, autoscaling=AUTOSCALING)
    assert ready(world, key) == ("True", "InService")
    assert world.cluster.condition(key, "Reconciling") == ("True", "AccessPending")
    await world.run(3)
    assert world.cluster.condition(key, "Reconciling") is None
    assert len(world.cloud.targets) == 1


async def serving_at_all(world: World, **changes: Any) -> ObjectKey:
    key = world.cluster.create(builders.endpoint(**changes))
    await world.run(2, seconds=10)
    return key


async def test_an_endpoint_that_is_made_again_is_scaled_again(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    for one in [one for one in world.cloud.resources if one[1] == "Endpoint"]:
        del world.cloud.resources[one]
    world.cloud.targets.clear()
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert len(world.cloud.targets) == 1


async def test_n17_what_somebody_changed_by_hand_is_restored(world: World) -> None:
    counts = {"instanceCount": 1}
    key = await several(world, variant("a", FIRST, weight=9, **counts), variant("b", SECOND, **counts))
    scale_by_aws(world, 7)
    await world.run(2)
    assert live(world) == {"a": (1, 9), "b": (1, 1)}
    assert any("7 -> 1 instances (changed by somebody else)" in note for _, _, note in world.cluster.events)
    assert ready(world, key) == ("True", "InService")


@pytest.mark.parametrize("away", [False, True], ids=["", "while the operator is away"])
async def test_n17_another_configuration_by_hand_is_restored(world: World, away: bool) -> None:
    key = await serving(world)
    wanted = world.cluster.status(key)["endpointConfigName"]
    place = next(iter(world.cloud.resources))[0]
    variants = world.cloud.resources[place, "EndpointConfig", wanted]["ProductionVariants"]
    world.cloud.make_strangers(place, "EndpointConfig", "by-hand")
    world.cloud.resources[place, "EndpointConfig", "by-hand"]["ProductionVariants"] = variants
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointConfigName="by-hand")
    if away:
        world.restart()
    await world.run(3)
    assert world.cloud.one("Endpoint")["EndpointConfigName"] == wanted
    assert any("was moved to by-hand by somebody else" in note for _, _, note in world.cluster.events)
    assert "by-hand" in world.cloud.names("EndpointConfig")


async def test_n15_tags_reach_models_and_configurations_too(world: World) -> None:
    key = await serving(world, tags={"team": "a"})
    world.restart()
    edit(world, key, tags={"cost": "1"})
    await world.run(3)
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        (name,) = world.cloud.names(kind)
        tags = {tag: value for tag, value in world.cloud.tags_of(name).items() if "/" not in tag}
        assert tags == {"cost": "1"}, kind
    assert world.cloud.count("UpdateEndpoint") == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Request to service failed. If failure persists after retry, contact customer support.", "Creating"),
        ("CapacityError: Unable to provision requested ML compute capacity.", "WaitingForCapacity"),
    ],
    ids=["aws", "capacity"],
)
async def test_an_endpoint_that_aws_failed_is_made_anew(world: World, words: str, reason: str) -> None:
    world.cloud.endpoint_outcomes.extend([("Failed", words)] * 2)
    key = world.cluster.create(builders.endpoint())
    await world.run(1, seconds=10)
    assert world.cluster.condition(key, "Reconciling") == ("True", reason)
    assert world.cluster.status(key)["retry"]["failures"] == 1
    assert world.cloud.count("DeleteEndpoint") == 0
    world.restart()
    await world.run(8)
    assert ready(world, key) == ("True", "InService")
    assert (world.cloud.count("CreateEndpoint"), "retry" in world.cluster.status(key)) == (3, False)


async def test_an_endpoint_that_its_container_failed_is_not(world: World) -> None:
    world.cloud.endpoint_outcomes.append(("Failed", "The primary container did not pass the ping health check."))
    key = world.cluster.create(builders.endpoint())
    await world.run(5)
    assert stalled(world, key) == ("True", "EndpointFailed")
    assert world.cloud.count("CreateEndpoint") == 1


async def test_a_state_that_nobody_has_heard_of_is_watched(world: World) -> None:
    key = await serving(world)
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="Migrating")
    await world.run(progress=False)
    assert world.cluster.condition(key, "Reconciling") == ("True", "Updating")
    assert stalled(world, key) is None
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="InService")
    await world.run(progress=False)
    assert ready(world, key) == ("True", "InService")


@pytest.mark.parametrize("away", [False, True], ids=["", "while the operator is away"])
async def test_a_configuration_that_somebody_deleted_is_put_back_to_be_left(world: World, away: bool) -> None:
    key = await serving(world)
    (old,) = world.cloud.names("EndpointConfig")
    del world.cloud.resources[next(one for one in world.cloud.resources if one[2] == old)]
    if away:
        world.restart()
    edit(world, key, instanceType="ml.m5.xlarge")
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    (new,) = world.cloud.names("EndpointConfig")
    assert new != old


async def test_a_target_of_an_endpoint_that_never_was_does_not_hold_up_deletion(world: World) -> None:
    world.cloud.refuse("CreateModel", "ConnectionClosedError", "", status=0)
    key = world.cluster.create(builders.endpoint(autoscaling=AUTOSCALING))
    await world.look()
    world.cluster.delete(key)
    await world.run(6)
    assert not world.cluster.objects


async def test_bounds_that_move_one_variant_do_not_refuse_the_other(world: World) -> None:
    key = await several(world, variant("a", FIRST), variant("b", SECOND), autoscaling=AUTOSCALING)
    await world.run(2)
    edit(world, key, autoscaling={**AUTOSCALING, "minCount": 2})
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    assert world.cluster.condition(key, "Stalled") is None
    assert [target["low"] for target in world.cloud.targets.values()] == [2, 2]
    assert live(world) == {"a": (2, 1), "b": (2, 1)}


async def test_a_target_that_was_registered_again_goes_with_the_object(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    edit(world, key, instanceType="ml.m5.xlarge")
    await world.run(5)
    assert len(world.cloud.targets) == 1
    world.cluster.delete(key)
    await world.run(4)
    assert (world.cluster.objects, world.cloud.targets) == ({}, {})


async def test_an_update_that_has_not_begun_is_not_taken_back(world: World) -> None:
    key = await serving(world, autoscaling=AUTOSCALING)
    await world.run(1)
    world.cloud.refuse("CreateEndpointConfig", "ResourceLimitExceeded", "The account-level service limit is 0")
    edit(world, key, dataCapture={"s3Uri": "s3://bucket/captured"})
    await world.look()
    scale_by_aws(world, 3)
    await world.operator.sweep()
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert stalled(world, key) is None
