"""Whole stories of endpoints with one variant, told over the fakes; the ids are those of the acceptance scenarios."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.world import World

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Place

RETIRED = "Amazon Elastic Inference is no longer available."
IMAGE = "s3://bucket/image.png"
SMOKE_TEST = {"image": {"s3Uri": IMAGE}, "expect": {"label": "1", "minProbability": "0.5"}}
SECOND = {"artifactS3Uri": "s3://bucket/2"}
THIRD = {"artifactS3Uri": "s3://bucket/3"}


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


def ready(world: World, key: ObjectKey) -> tuple[str, str] | None:
    return world.cluster.condition(key, "Ready")


def stalled(world: World, key: ObjectKey) -> tuple[str, str] | None:
    return world.cluster.condition(key, "Stalled")


def reasons(world: World) -> list[str]:
    return [reason for _, reason, _ in world.cluster.events]


def served(world: World) -> str:
    """The artifact that the endpoint serves."""
    config = world.cloud.one("Endpoint")["EndpointConfigName"]
    (found,) = [one for (_, _, name), one in world.cloud.resources.items() if name == config]
    model = found["ProductionVariants"][0]["ModelName"]
    (model,) = [one for (_, kind, name), one in world.cloud.resources.items() if (kind, name) == ("Model", model)]
    artifact: str = model["PrimaryContainer"]["ModelDataUrl"]
    return artifact


async def serving(world: World, **changes: Any) -> ObjectKey:
    world.cloud.objects[IMAGE] = b"image"
    key = world.cluster.create(builders.endpoint(**changes))
    await world.run(2)
    assert ready(world, key) == ("True", "InService")
    return key


async def test_e1_from_nothing_to_service(world: World) -> None:
    key = await serving(world, instanceCount=2, tags={"team": "a"})
    status = world.cluster.status(key)
    assert (status["instanceCount"], status["endpointStatus"]) == (2, "InService")
    assert status["url"].startswith("https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/vision-digits-")
    assert status["selector"]
    assert world.cloud.tags_of(status["endpointName"])["team"] == "a"
    assert reasons(world) == ["Creating", "InService"]


async def test_n20_a_settled_endpoint_costs_no_calls_of_its_own(world: World) -> None:
    await serving(world)
    calls, writes = len(world.cloud.log), world.cluster.writes
    world.restart()
    await world.operator.work()
    assert (len(world.cloud.log), world.cluster.writes) == (calls, writes)


async def test_e4_deletion_in_order(world: World) -> None:
    key = await serving(world)
    del world.cloud.log[:]
    world.cluster.delete(key)
    await world.run(2)
    assert not world.cluster.objects
    assert not world.cloud.resources
    changes = [operation for operation, _ in world.cloud.log if operation.startswith("Delete")]
    assert changes == ["DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"]


async def test_n8_deletion_while_creating_waits_and_says_so(world: World) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.look()
    world.cluster.delete(key)
    await world.look()
    assert "is Creating: AWS deletes it only after that" in world.cluster.status(key)["conditions"][0]["message"]
    await world.run(3)
    assert (world.cluster.objects, world.cloud.resources) == ({}, {})


async def test_n8_a_deletion_that_is_refused_is_tried_again(world: World) -> None:
    key = await serving(world)
    world.cloud.refuse("DeleteEndpoint", "ValidationException", 'Cannot update in-progress endpoint "x".', times=3)
    world.cluster.delete(key)
    await world.look()
    assert "DeleteEndpoint was refused" in world.cluster.status(key)["conditions"][0]["message"]
    await world.run(5)
    assert (world.cluster.objects, world.cloud.resources) == ({}, {})


async def test_r1_retain(world: World) -> None:
    key = await serving(world, deletionPolicy="Retain")
    world.cluster.delete(key)
    await world.run(2)
    assert not world.cluster.objects
    assert len(world.cloud.resources) == 3


async def test_another_model_rolls_and_the_old_one_goes(world: World) -> None:
    key = await serving(world)
    edit(world, key, model=SECOND)
    await world.look()
    assert (ready(world, key), world.cluster.condition(key, "Reconciling")) == (
        ("True", "InService"),
        ("True", "Updating"),
    )
    assert len(world.cloud.names("EndpointConfig")) == 2
    await world.run(2)
    assert served(world) == "s3://bucket/2"
    assert (len(world.cloud.names("EndpointConfig")), len(world.cloud.names("Model"))) == (1, 1)


@pytest.mark.parametrize("reason", ["", "alarm"], ids=["n1 without a reason", "e2 with a reason"])
async def test_a_rollback_is_reported_and_not_tried_again(world: World, reason: str) -> None:
    key = await serving(world)
    world.cloud.update_outcomes.append((False, reason))
    edit(world, key, model=SECOND)
    await world.run(2)
    world.restart()
    await world.run(3)
    assert (ready(world, key), stalled(world, key)) == (("True", "ServingPrevious"), ("True", "RolledBack"))
    assert served(world) == builders.ARTIFACT
    assert world.cloud.count("UpdateEndpoint") == 1
    assert reasons(world)[-2:] == ["Updating", "RolledBack"]


async def test_e3_a_good_update_after_a_rollback(world: World) -> None:
    key = await serving(world)
    world.cloud.update_outcomes.append((False, "alarm"))
    edit(world, key, model=SECOND)
    await world.run(2)
    edit(world, key, model={"artifactS3Uri": "s3://bucket/3"})
    await world.run(3)
    assert (ready(world, key), stalled(world, key)) == (("True", "InService"), None)
    assert "rolledBack" not in world.cluster.status(key)
    assert len(world.cloud.resources) == 3


async def test_n9_the_newest_of_several_edits_wins(world: World) -> None:
    key = await serving(world)
    edit(world, key, model=SECOND)
    await world.look()
    for number in (3, 4):
        edit(world, key, model={"artifactS3Uri": f"s3://bucket/{number}"})
        await world.look()
    await world.run(4)
    assert served(world) == "s3://bucket/4"
    assert world.cloud.count("UpdateEndpoint") == 2
    assert len(world.cloud.resources) == 3


async def test_n10_an_edit_that_is_taken_back_rolls_nothing(world: World) -> None:
    key = await serving(world)
    edit(world, key, model=SECOND)
    await world.look()
    edit(world, key, model={"artifactS3Uri": "s3://bucket/3"})
    await world.look()
    edit(world, key, model=SECOND)
    await world.run(4)
    assert served(world) == "s3://bucket/2"
    assert world.cloud.count("UpdateEndpoint") == 1
    assert len(world.cloud.resources) == 3


async def test_n5_an_update_whose_answer_is_lost_is_made_once(world: World) -> None:
    key = await serving(world)
    world.cloud.refuse("UpdateEndpoint", "ReadTimeoutError", status=0, after=True)
    edit(world, key, model=SECOND)
    await world.run(3)
    assert (served(world), world.cloud.count("UpdateEndpoint")) == ("s3://bucket/2", 1)


@pytest.mark.parametrize("operation", ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"])
async def test_n5_a_creation_whose_answer_is_lost_is_adopted(world: World, operation: str) -> None:
    world.cloud.refuse(operation, "ReadTimeoutError", status=0, after=True)
    key = world.cluster.create(builders.endpoint())
    await world.run(3)
    assert ready(world, key) == ("True", "InService")
    assert len(world.cloud.resources) == 3


async def test_n6_a_strangers_endpoint(world: World) -> None:
    world.cloud.refuse("CreateModel", "ThrottlingException", "Rate exceeded")
    key = world.cluster.create(builders.endpoint())
    await world.look()
    world.cloud.make_strangers(Place("us-east-1"), "Endpoint", world.cluster.status(key)["endpointName"])
    await world.run(2, progress=False)
    assert stalled(world, key) == ("True", "NameTaken")
    world.cluster.delete(key)
    await world.run(3, progress=False)
    assert (world.cluster.objects, world.cloud.names("Endpoint"), world.cloud.names("Model")) == (
        {},
        [world.cloud.one("Endpoint")["EndpointName"]],
        [],
    )


async def test_n13_the_training_goes_and_the_endpoint_serves_on(world: World) -> None:
    training = world.cluster.create(builders.training())
    key = world.cluster.create(builders.following())
    await world.run(5)
    world.cluster.delete(training)
    await world.run(2)
    edit(world, key, instanceCount=2)
    await world.run(2)
    assert ready(world, key) == ("True", "InService")
    assert len(world.cloud.names("Model")) == 1


async def test_an_endpoint_follows_its_trainings_new_model(world: World) -> None:
    training = world.cluster.create(builders.training())
    key = world.cluster.create(builders.following())
    await world.run(5)
    edit(world, training, output={"s3Uri": "s3://bucket/other"})
    await world.run(5)
    assert ready(world, key) == ("True", "InService")
    assert served(world) == world.cluster.status(training)["modelArtifacts"]["s3Uri"]


async def test_n14_an_accelerator_without_fallback(world: World) -> None:
    world.cloud.refuse("CreateEndpointConfig", "ValidationException", RETIRED, times=9)
    key = world.cluster.create(builders.endpoint(acceleratorType="ml.eia2.medium"))
    await world.run(3)
    world.restart()
    await world.run(2)
    assert stalled(world, key) == ("True", "AcceleratorUnavailable")
    assert world.cloud.count("CreateEndpointConfig") == 1
    assert RETIRED in world.cluster.status(key)["conditions"][0]["message"]


FALLBACK: dict[str, Any] = {
    "acceleratorType": "ml.eia1.large",
    "acceleratorFallback": {"instanceType": "ml.g4dn.xlarge"},
}


@pytest.mark.parametrize("operation", ["CreateEndpointConfig", "CreateEndpoint", "later"])
async def test_an_accelerator_that_is_refused_falls_back(world: World, operation: str) -> None:
    if operation == "later":
        world.cloud.endpoint_outcomes.append(("Failed", "Unable to attach the accelerator ml.eia1.large"))
    else:
        world.cloud.refuse(operation, "ValidationException", RETIRED)
    key = world.cluster.create(builders.endpoint(**FALLBACK))
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    accelerator = world.cluster.status(key)["variants"][0]["accelerator"]
    assert accelerator["requested"] == "ml.eia1.large"
    assert "effective" not in accelerator
    assert world.cloud.one("EndpointConfig")["ProductionVariants"][0]["InstanceType"] == "ml.g4dn.xlarge"
    assert len(world.cloud.resources) == 3


async def test_an_accelerator_that_aws_gives_is_used(world: World) -> None:
    key = await serving(world, **FALLBACK)
    assert world.cloud.one("EndpointConfig")["ProductionVariants"][0]["AcceleratorType"] == "ml.eia1.large"
    assert world.cluster.status(key)["variants"][0]["accelerator"]["effective"] == "ml.eia1.large"


async def test_n15_tags_change_in_place(world: World) -> None:
    key = await serving(world, tags={"team": "a", "cost": "1"})
    edit(world, key, tags={"team": "b"})
    await world.look()
    tags = world.cloud.tags_of(world.cluster.status(key)["endpointName"])
    assert (tags["team"], "cost" in tags) == ("b", False)
    assert (world.cloud.count("UpdateEndpoint"), ready(world, key)) == (0, ("True", "InService"))


async def test_the_count_changes_in_place(world: World) -> None:
    key = await serving(world)
    edit(world, key, instanceCount=3)
    await world.run(2)
    assert world.cluster.status(key)["instanceCount"] == 3
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 1
    assert world.cloud.count("UpdateEndpoint") == 0


@pytest.mark.parametrize("counts", [[1], [3, 1]], ids=str)
async def test_a_change_whose_answer_was_lost_is_undone_when_the_spec_goes_back(
    world: World, counts: list[int]
) -> None:
    """The status still says one instance; AWS has two."""
    key = await serving(world)
    for operation in ("DescribeEndpoint", "ListEndpoints"):
        world.cloud.refuse(operation, "ConnectionClosedError", status=0, times=20)
    world.cloud.refuse("UpdateEndpointWeightsAndCapacities", "ConnectionClosedError", status=0, after=True)
    edit(world, key, instanceCount=2)
    await world.operator.work()
    for count in counts:
        edit(world, key, instanceCount=count)
    await world.operator.work()
    assert world.cluster.condition(key, "Reconciling") is not None, "it is not known yet how many there are"
    world.cloud.calm()
    await world.run(3)
    assert world.cloud.one("Endpoint")["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert ready(world, key) == ("True", "InService")


async def test_n17_an_endpoint_deleted_by_hand_is_restored(world: World) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    del world.cloud.resources[next(one for one in world.cloud.resources if one[1] == "Endpoint")]
    await world.run(3)
    assert ready(world, key) == ("True", "InService")
    (note,) = [note for _, reason, note in world.cluster.events if reason == "Restoring"]
    assert note.endswith("is gone at AWS and is being created")
    assert world.cloud.count("InvokeEndpoint") == 2


async def test_n19_a_configuration_that_is_not_seen_yet(world: World) -> None:
    words = 'Could not find endpoint configuration "arn".'
    world.cloud.refuse("CreateEndpoint", "ValidationException", words, times=3)
    key = world.cluster.create(builders.endpoint())
    await world.look()
    assert (stalled(world, key), world.cluster.condition(key, "Reconciling")) == (None, ("True", "Creating"))
    await world.run(6)
    assert ready(world, key) == ("True", "InService")


async def test_a_configuration_that_somebody_deleted_is_made_again(world: World) -> None:
    world.cloud.refuse("CreateEndpoint", "ThrottlingException", "Rate exceeded")
    key = world.cluster.create(builders.endpoint())
    await world.look()
    del world.cloud.resources[next(one for one in world.cloud.resources if one[1] == "EndpointConfig")]
    await world.run(5)
    assert ready(world, key) == ("True", "InService")


async def test_n4_throttling_takes_nothing_from_a_settled_endpoint(world: World) -> None:
    key = await serving(world)
    said, news = world.cluster.status(key)["conditions"], reasons(world)
    world.cloud.touch(world.cloud.one("Endpoint"))
    world.cloud.refuse("DescribeEndpoint", "ThrottlingException", "Rate exceeded", times=6)
    await world.run(8, progress=False)
    assert (world.cluster.status(key)["conditions"], reasons(world)) == (said, news)


async def test_a_smoke_test_that_passes(world: World) -> None:
    key = await serving(world, smokeTest={**SMOKE_TEST, "warmUps": 2}, classLabels={"values": ["cat", "1"]})
    outcome = world.cluster.status(key)["smokeTest"]
    assert (outcome["outcome"], outcome["label"], outcome["probability"]) == ("Passed", "1", "0.9")
    assert world.cloud.count("InvokeEndpoint") == 3
    assert reasons(world) == ["Creating", "SmokeTesting", "InService"]


async def test_a_failed_smoke_test_of_the_first_version(world: World) -> None:
    world.cloud.objects[IMAGE] = b"image"
    world.cloud.bad_artifacts.add(builders.ARTIFACT)
    key = world.cluster.create(builders.endpoint(smokeTest=SMOKE_TEST))
    await world.run(3)
    world.restart()
    await world.run(3)
    assert (ready(world, key), stalled(world, key)) == (("False", "SmokeTestFailed"), ("True", "SmokeTestFailed"))
    assert world.cloud.count("InvokeEndpoint") == 1


@pytest.mark.parametrize("restart", [False, True], ids=["", "with restarts"])
async def test_a_failed_smoke_test_rolls_back(world: World, restart: bool) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    world.cloud.bad_artifacts.add("s3://bucket/2")
    edit(world, key, model=SECOND)
    for _ in range(6):
        await world.run()
        if restart:
            world.restart()
    assert (ready(world, key), stalled(world, key)) == (("True", "ServingPrevious"), ("True", "SmokeTestFailed"))
    assert served(world) == builders.ARTIFACT
    assert world.cloud.count("UpdateEndpoint") == 2
    assert reasons(world)[-4:] == ["Updating", "SmokeTesting", "RollingBack", "SmokeTestFailed"]


async def test_a_failed_smoke_test_rolls_back_wherever_the_operator_is_killed() -> None:
    async def story(kill_at: int | None) -> World:
        world = World()
        key = await serving(world, smokeTest=SMOKE_TEST)
        world.cloud.bad_artifacts.add("s3://bucket/2")
        edit(world, key, model=SECOND)
        world.points.kill_at = None if kill_at is None else world.points.passed + kill_at
        await world.run(6)
        assert (ready(world, key), stalled(world, key)) == (
            ("True", "ServingPrevious"),
            ("True", "SmokeTestFailed"),
        ), kill_at
        assert served(world) == builders.ARTIFACT, kill_at
        return world

    undisturbed = await story(None)
    for point in range(1, undisturbed.points.passed):
        if (await story(point)).points.kill_at is not None:
            return
    raise AssertionError("the story has no end")


async def untested(world: World, key: ObjectKey) -> None:
    """The second model serves; its smoke test gets no answer before AWS is calm again."""
    world.cloud.bad_artifacts |= {SECOND["artifactS3Uri"], THIRD["artifactS3Uri"]}
    world.cloud.refuse("InvokeEndpoint", "ThrottlingException", "Rate exceeded", times=1000)
    edit(world, key, model=SECOND)
    await world.run(3)
    assert served(world) == SECOND["artifactS3Uri"]
    assert world.cluster.condition(key, "Reconciling") == ("True", "Throttled")


@pytest.mark.parametrize("when", ["during the update", "during the test"])
@pytest.mark.parametrize("restart", [False, True], ids=["", "with restarts"])
async def test_a_failed_smoke_test_goes_back_past_what_was_never_tested(world: World, when: str, restart: bool) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    if when == "during the test":
        await untested(world, key)
        edit(world, key, model=THIRD)
        world.cloud.calm()
    else:
        world.cloud.bad_artifacts |= {SECOND["artifactS3Uri"], THIRD["artifactS3Uri"]}
        for model in (SECOND, THIRD):
            edit(world, key, model=model)
            await world.look()
    for _ in range(7):
        await world.run()
        if restart:
            world.restart()
    assert (ready(world, key), stalled(world, key)) == (("True", "ServingPrevious"), ("True", "SmokeTestFailed"))
    assert served(world) == builders.ARTIFACT
    assert world.cloud.count("UpdateEndpoint") == 3
    edit(world, key, model={"artifactS3Uri": "s3://bucket/4"})
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert len(world.cloud.resources) == 3


async def test_what_was_never_tested_is_not_ready_when_its_successor_is_rolled_back(world: World) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    await untested(world, key)
    world.cloud.update_outcomes.append((False, "alarm"))
    edit(world, key, model=THIRD)
    for _ in range(3):
        await world.run()
        world.restart()
    assert served(world) == SECOND["artifactS3Uri"]
    assert (ready(world, key), stalled(world, key)) == (("False", "RolledBack"), ("True", "RolledBack"))
    world.cloud.calm()
    world.cloud.bad_artifacts.add("s3://bucket/4")
    edit(world, key, model={"artifactS3Uri": "s3://bucket/4"})
    await world.run(5)
    assert (ready(world, key), served(world)) == (("True", "ServingPrevious"), builders.ARTIFACT)


async def test_what_was_never_tested_is_not_ready_when_its_successor_is_refused(world: World) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    await untested(world, key)
    world.cloud.refuse(
        "CreateModel", "ValidationException", 'ECR image "1.dkr.ecr.us-east-1.amazonaws.com/x" is invalid.'
    )
    edit(world, key, model=THIRD)
    await world.look()
    for _ in range(2):
        assert (ready(world, key), stalled(world, key)) == (("False", "InvalidSpec"), ("True", "InvalidSpec"))
        await world.run(2)
    edit(world, key, model=SECOND)
    await world.run(2)
    assert world.cluster.condition(key, "Reconciling") == ("True", "Throttled")


def counts(world: World) -> list[int]:
    return [one["DesiredInstanceCount"] for one in world.cloud.one("Endpoint")["ProductionVariants"]]


async def refused(world: World, way: str, **changes: Any) -> ObjectKey:
    """An object whose endpoint was scaled in place from 1 to 5 and serves what was before an edit."""
    key = await serving(world, smokeTest=SMOKE_TEST, instanceCount=1)
    edit(world, key, instanceCount=5)
    await world.run(3)
    world.cloud.bad_artifacts.add(SECOND["artifactS3Uri"])
    if way == "RolledBack":
        world.cloud.update_outcomes.append((False, "alarm"))
    if way == "InvalidSpec":
        world.cloud.refuse(
            "CreateModel", "ValidationException", 'ECR image "1.dkr.ecr.us-east-1.amazonaws.com/x" is invalid.'
        )
    edit(world, key, model=SECOND, **changes)
    await world.run(6)
    assert (ready(world, key), stalled(world, key)) == (("True", "ServingPrevious"), ("True", way))
    assert served(world) == builders.ARTIFACT
    return key


WAYS = ("SmokeTestFailed", "RolledBack", "InvalidSpec")


@pytest.mark.parametrize("way", WAYS)
async def test_what_serves_instead_keeps_its_count_and_follows_the_specs(world: World, way: str) -> None:
    key = await refused(world, way)
    assert counts(world) == [5]
    (variant,) = world.cluster.status(key)["variants"]
    assert (variant["artifactS3Uri"], variant["desiredInstanceCount"]) == (builders.ARTIFACT, 5)
    updates, events = world.cloud.count("UpdateEndpoint"), len(world.cluster.events)
    message = world.cluster.status(key)["conditions"][0]["message"]
    edit(world, key, instanceCount=8)
    for _ in range(4):
        for progress in (False, True):
            await world.run(progress=progress)
            assert (ready(world, key), stalled(world, key)) == (("True", "ServingPrevious"), ("True", way))
            assert world.cluster.status(key)["conditions"][0]["message"] == message
    status = world.cluster.status(key)
    assert (counts(world), status["instanceCount"], status["variants"][0]["currentInstanceCount"]) == ([8], 8, 8)
    assert status["observedGeneration"] == world.cluster.objects[key]["metadata"]["generation"]
    assert (world.cloud.count("UpdateEndpoint"), len(world.cluster.events)) == (updates, events)
    assert world.cloud.count("UpdateEndpointWeightsAndCapacities") == 2
    writes = world.cluster.writes
    world.restart()
    await world.run(3)
    assert (world.cluster.writes, world.cloud.count("UpdateEndpointWeightsAndCapacities")) == (writes, 2)


async def test_a_count_that_is_refused_is_said_beside_what_was_refused_before(world: World) -> None:
    key = await refused(world, "SmokeTestFailed")
    words = "The account-level service limit is 5"
    world.cloud.refuse("UpdateEndpointWeightsAndCapacities", "ResourceLimitExceeded", words, times=2)
    edit(world, key, instanceCount=8)
    await world.look()
    for _ in range(2):
        assert (ready(world, key), stalled(world, key)) == (("True", "ServingPrevious"), ("True", "SmokeTestFailed"))
        assert words in world.cluster.status(key)["conditions"][0]["message"]
        await world.run()
    await world.run(2)
    assert counts(world) == [8]
    assert words not in world.cluster.status(key)["conditions"][0]["message"]
    assert stalled(world, key) == ("True", "SmokeTestFailed")


async def test_fewer_of_other_machines_is_no_count_for_what_serves_instead(world: World) -> None:
    key = await refused(world, "RolledBack", instanceType="ml.m5.12xlarge", instanceCount=2)
    assert counts(world) == [5]
    edit(world, key, instanceCount=6)
    await world.run(3)
    assert counts(world) == [6]


async def test_fewer_of_other_machines_that_fail_their_test_leave_what_was_there_before(world: World) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST, instanceCount=5)
    world.cloud.bad_artifacts.add(SECOND["artifactS3Uri"])
    edit(world, key, model=SECOND, instanceType="ml.m5.12xlarge", instanceCount=2)
    await world.run(6)
    assert (stalled(world, key), counts(world)) == (("True", "SmokeTestFailed"), [5])
    assert world.cluster.status(key)["variants"][0]["instanceType"] == "ml.m5.large"


async def test_the_training_of_what_serves_instead_may_be_gone(world: World) -> None:
    world.cloud.objects[IMAGE] = b"image"
    training = world.cluster.create(builders.training())
    key = world.cluster.create(builders.following(smokeTest=SMOKE_TEST))
    await world.run(5)
    good = served(world)
    world.cluster.edit(training, lambda body: body["spec"].update(output={"s3Uri": "s3://bucket/other"}))
    await world.look()
    world.cloud.bad_artifacts.add(f"s3://bucket/{world.cluster.status(training)['jobName']}/model.tar.gz")
    await world.run(5)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    world.cluster.delete(training)
    await world.run(4)
    assert (served(world), ready(world, key)) == (good, ("True", "InService"))
    assert stalled(world, key) is None


async def test_a_configuration_that_is_put_back_after_a_rollback_is_what_it_was(world: World) -> None:
    key = await refused(world, "SmokeTestFailed")
    before = world.cloud.one("Endpoint")["EndpointConfigName"]
    place = next(iter(world.cloud.resources))[0]
    lost = world.cloud.resources.pop((place, "EndpointConfig", before))
    world.cloud.update_outcomes.append((False, "alarm"))
    edit(world, key, model=THIRD)
    await world.run(4)
    (made,) = world.cloud.resources[place, "EndpointConfig", before]["ProductionVariants"]
    (was,) = lost["ProductionVariants"]
    assert (made["ModelName"], made["InstanceType"]) == (was["ModelName"], was["InstanceType"])


@pytest.mark.parametrize("was_tested", [False, True], ids=["not tested", "tested and found bad"])
async def test_a_first_version_that_was_never_good_is_nothing_to_go_back_to(world: World, was_tested: bool) -> None:
    world.cloud.bad_artifacts |= {builders.ARTIFACT, SECOND["artifactS3Uri"]}
    world.cloud.objects[IMAGE] = b"image"
    world.cloud.refuse("InvokeEndpoint", "ThrottlingException", "Rate exceeded", times=0 if was_tested else 1000)
    key = world.cluster.create(builders.endpoint(smokeTest=SMOKE_TEST))
    await world.run(3)
    world.cloud.calm()
    edit(world, key, model=SECOND)
    await world.look()
    await world.run(4)
    assert (ready(world, key), stalled(world, key)) == (("False", "SmokeTestFailed"), ("True", "SmokeTestFailed"))
    assert (served(world), world.cloud.count("UpdateEndpoint")) == (SECOND["artifactS3Uri"], 1)


async def test_an_edit_that_is_reverted_during_the_test_is_not_restored_to_itself(world: World) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    await untested(world, key)
    world.cloud.bad_artifacts.add(builders.ARTIFACT)
    edit(world, key, model={"artifactS3Uri": builders.ARTIFACT}, smokeTest={**SMOKE_TEST, "warmUps": 1})
    world.cloud.calm()
    await world.run(5)
    assert (ready(world, key), stalled(world, key)) == (("False", "SmokeTestFailed"), ("True", "SmokeTestFailed"))
    assert world.cloud.count("UpdateEndpoint") == 2


async def test_a_failed_smoke_test_that_is_only_reported(world: World) -> None:
    world.cloud.objects[IMAGE] = b"image"
    world.cloud.bad_artifacts.add(builders.ARTIFACT)
    key = world.cluster.create(builders.endpoint(smokeTest={**SMOKE_TEST, "onFailure": "Report"}))
    await world.run(3)
    assert ready(world, key) == ("True", "InService")
    assert "its smoke test failed: the answer is 0" in world.cluster.status(key)["conditions"][0]["message"]


async def test_a_smoke_test_waits_for_its_image_without_flapping(world: World) -> None:
    image = {"configMapKeyRef": {"name": "sample", "key": "image.png"}}
    key = world.cluster.create(builders.endpoint(smokeTest={**SMOKE_TEST, "image": image}))
    await world.run(2)
    writes = world.cluster.writes
    await world.run(3)
    assert world.cluster.condition(key, "Reconciling") == ("True", "WaitingForData")
    assert "ConfigMap sample (key image.png)" in world.cluster.status(key)["conditions"][0]["message"]
    assert world.cluster.writes == writes
    world.cluster.config_maps["vision", "sample"] = {"binaryData": {"image.png": "aW1hZ2U="}}
    await world.run(2)
    assert ready(world, key) == ("True", "InService")


async def test_a_smoke_test_is_run_anew_when_it_is_edited(world: World) -> None:
    key = await serving(world, smokeTest=SMOKE_TEST)
    edit(world, key, smokeTest={**SMOKE_TEST, "expect": {"label": "0"}, "onFailure": "Report"})
    await world.run()
    assert world.cluster.status(key)["smokeTest"]["outcome"] == "Failed"
    assert world.cloud.count("InvokeEndpoint") == 2


async def test_suspended_and_resumed(world: World) -> None:
    key = await serving(world)
    edit(world, key, suspend=True)
    await world.run(2)
    assert (ready(world, key), world.cloud.resources) == (("False", "Suspended"), {})
    edit(world, key, suspend=False)
    await world.run(2)
    assert ready(world, key) == ("True", "InService")


async def test_m2_another_region_and_the_old_one_is_tidied_up(world: World) -> None:
    key = await serving(world)
    edit(world, key, region="eu-west-1")
    await world.run(5)
    assert ready(world, key) == ("True", "InService")
    assert {place.region for place, _, _ in world.cloud.resources} == {"eu-west-1"}
    assert "eu-west-1" in world.cluster.status(key)["url"]


async def test_nothing_is_tidied_up_before_the_new_version_serves(world: World) -> None:
    key = await serving(world)
    edit(world, key, model=SECOND)
    await world.run(progress=False)
    assert [operation for operation, _ in world.cloud.log if operation.startswith("Delete")] == []


async def test_what_cannot_be_tidied_up_is_said(world: World) -> None:
    key = await serving(world)
    world.cloud.refuse("DeleteEndpointConfig", "AccessDeniedException", "not authorized", times=2)
    edit(world, key, model=SECOND)
    await world.run(2)
    assert ready(world, key) == ("True", "InService")
    assert "DeleteEndpointConfig of" in world.cluster.status(key)["conditions"][0]["message"]
    await world.run(3)
    assert len(world.cloud.resources) == 3
    assert "refused" not in world.cluster.status(key)["conditions"][0]["message"]


async def test_invalid_for_aws_and_then_corrected(world: World) -> None:
    world.cloud.refuse(
        "CreateModel", "ValidationException", 'ECR image "1.dkr.ecr.us-east-1.amazonaws.com/x" is invalid.'
    )
    key = world.cluster.create(builders.endpoint())
    await world.run(3)
    world.restart()
    await world.run(2)
    assert stalled(world, key) == ("True", "InvalidSpec")
    assert world.cloud.count("CreateModel") == 1
    edit(world, key, model=SECOND)
    await world.run(3)
    assert ready(world, key) == ("True", "InService")


@pytest.mark.parametrize(("status", "reason"), [("OutOfService", "OutOfService")])
async def test_n3_out_of_service_and_back(world: World, status: str, reason: str) -> None:
    key = await serving(world)
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus=status)
    await world.run(progress=False)
    assert ready(world, key) == ("False", reason)
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointStatus="InService")
    await world.run(progress=False)
    assert ready(world, key) == ("True", "InService")


async def test_another_training_without_a_model_is_waited_for_while_the_old_model_serves(world: World) -> None:
    key = await serving(world)

    def follow(body: dict[str, Any]) -> None:
        del body["spec"]["model"]
        body["spec"]["trainingRef"] = {"name": "later"}

    world.cluster.edit(key, follow)
    await world.look()
    assert ready(world, key) == ("True", "InService")
    assert world.cluster.condition(key, "Reconciling") == ("True", "WaitingForTraining")
    assert served(world) == builders.ARTIFACT


async def test_a_spec_that_does_not_fit_does_not_keep_the_object_from_being_deleted(world: World) -> None:
    key = await serving(world)
    edit(world, key, instanceCount="many")
    await world.look()
    assert stalled(world, key) == ("True", "InvalidSpec")
    world.cluster.delete(key)
    await world.run(3)
    assert world.cloud.resources == {}
    assert not world.cluster.objects


@pytest.mark.parametrize("is_noticed", [True, False], ids=["noticed before", "noticed after"])
async def test_tags_reach_the_model_of_an_endpoint_that_is_made_again(world: World, is_noticed: bool) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.look()
    edit(world, key, tags={"team": "b"})
    del world.cloud.resources[next(one for one in world.cloud.resources if one[1] == "Endpoint")]
    if is_noticed:
        await world.look()
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    for kind in ("Model", "EndpointConfig", "Endpoint"):
        (name,) = world.cloud.names(kind)
        assert world.cloud.tags_of(name, kind).get("team") == "b", kind


@pytest.mark.parametrize("test", [None, {**SMOKE_TEST, "expect": {"label": "0"}}], ids=["none", "another"])
async def test_another_smoke_test_gives_what_the_last_one_refused_another_chance(
    world: World, test: dict[str, Any] | None
) -> None:
    world.cloud.bad_artifacts.add(SECOND["artifactS3Uri"])
    key = await serving(world, smokeTest=SMOKE_TEST)
    edit(world, key, model=SECOND)
    await world.run(4)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    world.restart()
    world.cluster.edit(key, lambda body: body["spec"].update(smokeTest=test) if test else body["spec"].pop("smokeTest"))
    await world.run(4)
    assert (ready(world, key), stalled(world, key)) == (("True", "InService"), None)
    assert served(world) == SECOND["artifactS3Uri"]


async def test_what_an_endpoint_could_not_become_is_made_after_a_suspension(world: World) -> None:
    key = await serving(world)
    world.cluster.edit(key, lambda body: body["spec"].pop("instanceType"))
    edit(world, key, serverless={"memorySizeMB": 2048, "maxConcurrency": 5})
    await world.run(2)
    assert stalled(world, key) == ("True", "InvalidSpec")
    edit(world, key, suspend=True)
    await world.run(4)
    assert ready(world, key) == ("False", "Suspended")
    edit(world, key, suspend=False)
    await world.run(3)
    assert ready(world, key) == ("True", "InService")


async def test_tags_that_change_on_the_way_to_another_region_and_back_reach_what_was_there(world: World) -> None:
    key = world.cluster.create(builders.endpoint())
    await world.look()
    edit(world, key, region="eu-west-1", tags={"team": "a"})
    await world.run(1, progress=False)
    edit(world, key, region="us-east-1")
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    assert world.cloud.tags_of(world.cloud.names("Model")[0], "Model")["team"] == "a"


async def test_tags_reach_a_model_that_is_wanted_again_before_it_is_gone(world: World) -> None:
    key = await serving(world)
    world.cloud.refuse("DeleteEndpointConfig", "InternalFailure", "", status=500)
    first = world.cluster.objects[key]["spec"]["model"]
    edit(world, key, model=SECOND, tags={"team": "b"})
    await world.run(1, seconds=0.5)
    assert len(world.cloud.names("Model")) == 2
    edit(world, key, model=first)
    await world.run(4)
    assert served(world) == first["artifactS3Uri"]
    assert world.cloud.tags_of(world.cloud.names("Model")[0], "Model").get("team") == "b"


async def test_what_failed_its_test_is_not_restored_to_itself(world: World) -> None:
    world.cloud.bad_artifacts.add(builders.ARTIFACT)
    key = await serving(world)
    edit(world, key, smokeTest=SMOKE_TEST)
    await world.run(1)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    edit(world, key, instanceType="ml.m5.xlarge")
    await world.run(1)
    edit(world, key, instanceType="ml.m5.large")
    await world.run(6)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    updates = world.cloud.count("UpdateEndpoint")
    await world.run(6)
    assert world.cloud.count("UpdateEndpoint") == updates


async def test_what_cannot_be_restored_is_said(world: World) -> None:
    world.cloud.bad_artifacts.add(SECOND["artifactS3Uri"])
    key = await serving(world, smokeTest=SMOKE_TEST, acceleratorType="ml.eia1.large")
    world.cluster.edit(key, lambda body: body["spec"].pop("acceleratorType"))
    edit(world, key, model=SECOND)
    await world.look()
    world.cloud.accelerators_refused_at = "CreateEndpoint"
    await world.run(4)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    assert "cannot be restored" in world.cluster.status(key)["conditions"][0]["message"]


async def test_another_smoke_test_gives_another_chance_also_when_the_endpoint_is_gone(world: World) -> None:
    world.cloud.bad_artifacts.add(SECOND["artifactS3Uri"])
    key = await serving(world, smokeTest=SMOKE_TEST)
    edit(world, key, model=SECOND)
    await world.run(4)
    del world.cloud.resources[next(one for one in world.cloud.resources if one[1] == "Endpoint")]
    await world.run(2)
    assert stalled(world, key) == ("True", "SmokeTestFailed")
    world.cluster.edit(key, lambda body: body["spec"].pop("smokeTest"))
    await world.run(3)
    assert ready(world, key) == ("True", "InService")
