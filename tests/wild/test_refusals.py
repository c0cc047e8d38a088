"""Refusals and failures are read by what they say: not by a word in them, and not by a user's own name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from classifier_operator.api.kinds import ObjectKey
from tests.unit import builders
from tests.unit.world import World

ARN = "arn:aws:sagemaker:us-east-1:123456789012"
NAMED = "birds-accelerator"
NO_CONFIG = f'Could not find endpoint configuration "{ARN}:endpoint-config/vision-{NAMED}-1a2b3c4d".'
EXISTS = f'Cannot create already existing endpoint "{ARN}:endpoint/vision-{NAMED}-1a2b3c4d".'
IN_PROGRESS = f'Cannot update in-progress endpoint "{ARN}:endpoint/vision-{NAMED}-1a2b3c4d".'
YOUNG_ROLE = (
    'The execution role ARN "arn:aws:iam::123456789012:role/x" is invalid. Please ensure that the role exists and that '
    'its trust relationship policy allows the action "sts:AssumeRole" for the service principal '
    '"sagemaker.amazonaws.com".'
)
NO_DATA = "Could not find model data at s3://bucket/model.tar.gz."
NO_IMAGE = "Requested image 123456789012.dkr.ecr.us-east-1.amazonaws.com/birds:1 not found."
NO_REPOSITORY = (
    "Cannot find repository: birds in registry ID: 123456789012 Please check if your ECR repository exists and role "
    "arn:aws:iam::123456789012:role/x has proper pull permissions for SageMaker: ecr:BatchGetImage"
)
NO_BUCKET = "The S3 bucket 'birds' does not exist."
NO_ROLE = "The role 'arn:aws:iam::123456789012:role/x' does not exist."
NOT_HERE = "The requested resource {}/ml.p2.xlarge is not available in this region"
PING = (
    "The primary container,accelerator for production variant AllTraffic did not pass the ping health check. Please "
    "check CloudWatch logs for this endpoint."
)
TIMEOUT = (
    'Received server error (0) from primary with message "Your invocation timed out while waiting for a response from '
    "container primary. Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try "
    'again.". See https://us-east-1.console.aws.amazon.com/ for more information.'
)
VALIDATION = "ValidationException"
ONE = {"model": {"artifactS3Uri": builders.ARTIFACT}, "instanceType": "ml.m5.large"}
SHORT: dict[str, Any] = {}
VARIANTS: dict[str, Any] = {
    "variants": [{"name": "accelerator", **ONE}, {"name": "b", **ONE}],
    "model": None,
    "instanceType": None,
}
FORMS = pytest.mark.parametrize("form", [SHORT, VARIANTS], ids=["short form", "variants"])


@pytest.fixture
def world() -> World:
    return World()


def endpoint(name: str = "birds", **changes: Any) -> dict[str, Any]:
    body = builders.endpoint(name, **changes)
    body["spec"] = {field: value for field, value in body["spec"].items() if value is not None}
    return body


def reason(world: World, key: ObjectKey, kind: str = "Ready") -> str:
    condition = world.cluster.condition(key, kind)
    assert condition is not None
    return condition[1]


def ready(world: World, key: ObjectKey) -> tuple[str, str] | None:
    return world.cluster.condition(key, "Ready")


def change(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


# B03: an object, a variant or a namespace that is called after accelerators


@FORMS
@pytest.mark.parametrize("words", [NO_CONFIG, IN_PROGRESS, EXISTS], ids=["not there yet", "in progress", "exists"])
async def test_a_name_with_accelerator_in_it_is_no_accelerators_refusal(
    world: World, words: str, form: dict[str, Any]
) -> None:
    """B03 (a) and (b): tried again, and InService."""
    world.cloud.refuse("CreateEndpoint", VALIDATION, words)
    key = world.cluster.create(endpoint(NAMED, **form))
    await world.run(4)
    assert ready(world, key) == ("True", "InService")


async def test_an_update_of_an_object_of_that_name_is_tried_again(world: World) -> None:
    """B03 (c)."""
    key = world.cluster.create(endpoint(NAMED))
    await world.run(3)
    world.cloud.refuse("UpdateEndpoint", VALIDATION, IN_PROGRESS)
    change(world, key, instanceType="ml.m5.4xlarge")
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert world.cloud.one("Endpoint")["ProductionVariants"][0].get("InstanceType", "ml.m5.4xlarge") == "ml.m5.4xlarge"


async def test_an_answer_that_quotes_the_name_drops_no_accelerator(world: World) -> None:
    """B03 (d): neither at creation nor at an update is the accelerator recorded as refused."""
    world.cloud.refuse("CreateEndpoint", VALIDATION, NO_CONFIG)
    key = world.cluster.create(endpoint(NAMED, acceleratorType="ml.eia1.large", acceleratorFallback={}))
    await world.run(4)
    world.cloud.refuse("UpdateEndpoint", VALIDATION, IN_PROGRESS)
    change(world, key, instanceType="ml.m5.4xlarge")
    await world.run(4)
    assert ready(world, key) == ("True", "InService")
    assert "refusedAccelerators" not in world.cluster.status(key)


async def test_who_asks_for_no_accelerator_is_refused_none(world: World) -> None:
    """B03: whatever AWS says, the object does not blame an accelerator that its spec does not have."""
    world.cloud.refuse("CreateEndpoint", VALIDATION, "No accelerator today.", times=3)
    key = world.cluster.create(endpoint())
    await world.run(2)
    assert reason(world, key, "Stalled") == "InvalidSpec"
    await world.run(10, seconds=8 * 3600)
    assert ready(world, key) == ("True", "InService")


EIA_LIMIT = (
    "The account-level service limit 'ml.eia1.large for endpoint usage' is {} Instances, with current utilization of "
    "{} Instances and a request delta of 1 Instances. Please contact AWS support to request an increase for this limit."
)


@pytest.mark.parametrize("operation", ["CreateEndpointConfig", "CreateEndpoint", "UpdateEndpoint"])
async def test_a_limit_of_no_accelerators_is_their_refusal(world: World, operation: str) -> None:
    """What serves without them is made at once; the limit of the type is never raised again."""
    key = world.cluster.create(endpoint())
    await world.run(3)
    world.cloud.refuse(operation, "ResourceLimitExceeded", EIA_LIMIT.format(0, 0))
    changes = {"acceleratorType": "ml.eia1.large", "acceleratorFallback": {}}
    other = world.cluster.create(endpoint("other", **changes)) if operation != "UpdateEndpoint" else key
    if other == key:
        change(world, key, instanceType="ml.m5.4xlarge", **changes)
    await world.run(4)
    assert ready(world, other) == ("True", "InService")
    assert world.cluster.status(other)["refusedAccelerators"][0]["acceleratorType"] == "ml.eia1.large"


async def test_a_limit_above_none_is_a_quota(world: World) -> None:
    world.cloud.refuse("CreateEndpoint", "ResourceLimitExceeded", EIA_LIMIT.format(2, 2), times=3)
    key = world.cluster.create(endpoint(acceleratorType="ml.eia1.large", acceleratorFallback={}))
    await world.run(1, seconds=5)
    assert ready(world, key) == ("False", "WaitingForQuota")
    await world.run(6)
    assert ready(world, key) == ("True", "InService")
    assert "refusedAccelerators" not in world.cluster.status(key)


# B04: the container fails its ping, and AWS lists the accelerator beside it


@pytest.mark.parametrize("fallback", [{"acceleratorFallback": {}}, {}], ids=["with a fallback", "without"])
async def test_a_failed_ping_is_the_containers(world: World, fallback: dict[str, Any]) -> None:
    """B04."""
    world.cloud.endpoint_outcomes.append(("Failed", PING))
    key = world.cluster.create(endpoint(acceleratorType="ml.eia1.large", **fallback))
    await world.run(4)
    assert reason(world, key, "Stalled") == "EndpointFailed"
    assert "refusedAccelerators" not in world.cluster.status(key)
    assert world.cloud.count("CreateEndpoint") == 1


# B07: a model archive, an image or a role that another step of the same commit makes


@FORMS
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (NO_DATA, "WaitingForData"),
        (NO_IMAGE, "WaitingForData"),
        (NO_BUCKET, "WaitingForData"),
        (YOUNG_ROLE, "AccessPending"),
        (NO_ROLE, "AccessPending"),
    ],
    ids=["archive", "image", "bucket", "young role", "role"],
)
async def test_what_comes_later_is_waited_for(world: World, words: str, expected: str, form: dict[str, Any]) -> None:
    """B07: it recovers by itself, and no two tries are more than five minutes apart."""
    world.cloud.refuse("CreateModel", VALIDATION, words, times=20)
    key = world.cluster.create(endpoint(**form))
    await world.run(1, seconds=60)
    assert ready(world, key) == ("False", expected)
    await world.run(1, seconds=20)
    before = world.cloud.count("CreateModel")
    await world.run(4, seconds=450)
    assert world.cloud.count("CreateModel") >= before + 3
    world.cloud.calm()
    await world.run(4)
    assert ready(world, key) == ("True", "InService")


async def test_what_an_update_needs_is_waited_for_as_well(world: World) -> None:
    """B07: what served goes on serving meanwhile."""
    key = world.cluster.create(endpoint())
    await world.run(3)
    world.cloud.refuse("CreateModel", VALIDATION, NO_DATA, times=3)
    change(world, key, model={"artifactS3Uri": "s3://bucket/later.tar.gz"})
    await world.run(1, seconds=1)
    assert ready(world, key) == ("True", "InService")
    assert reason(world, key, "Reconciling") == "WaitingForData"
    await world.run(6)
    assert ready(world, key) == ("True", "InService")


@pytest.mark.parametrize(
    "words",
    [NO_IMAGE, NO_REPOSITORY, NO_BUCKET, YOUNG_ROLE, NO_ROLE],
    ids=["image", "repository", "bucket", "young role", "role"],
)
async def test_a_training_waits_for_what_comes_later(world: World, words: str) -> None:
    """B07 for trainings."""
    world.cloud.refuse("CreateTrainingJob", VALIDATION, words, times=3)
    key = world.cluster.create(builders.training())
    await world.run(8)
    assert ready(world, key) == ("True", "Completed")


# B09: an instance type that the region has not


@pytest.mark.parametrize("code", ["ResourceLimitExceeded", VALIDATION])
async def test_a_type_that_the_region_has_not_is_no_quota_to_wait_for(world: World, code: str) -> None:
    """B09 for trainings: Stalled, with type and region."""
    world.cloud.refuse("CreateTrainingJob", code, NOT_HERE.format("training-job"), times=1000)
    key = world.cluster.create(builders.training())
    await world.run(10)
    assert reason(world, key, "Stalled") == "InvalidSpec"
    (message,) = [one["message"] for one in world.cluster.status(key)["conditions"] if one["type"] == "Stalled"]
    assert "ml.p2.xlarge" in message
    assert builders.REGION in message
    assert world.cloud.count("CreateTrainingJob") == 1


@FORMS
@pytest.mark.parametrize("operation", ["CreateEndpointConfig", "CreateEndpoint"])
async def test_nor_is_it_for_an_endpoint(world: World, operation: str, form: dict[str, Any]) -> None:
    """B09 for endpoints."""
    world.cloud.refuse(operation, "ResourceLimitExceeded", NOT_HERE.format("endpoint"), times=1000)
    key = world.cluster.create(endpoint(**form))
    await world.run(10)
    assert reason(world, key, "Stalled") == "InvalidSpec"
    assert world.cloud.count(operation) == 1


async def test_nor_is_it_at_an_update(world: World) -> None:
    """B09: what served goes on serving."""
    key = world.cluster.create(endpoint())
    await world.run(3)
    world.cloud.refuse("UpdateEndpoint", "ResourceLimitExceeded", NOT_HERE.format("endpoint"), times=1000)
    change(world, key, instanceType="ml.p2.xlarge")
    await world.run(10)
    assert ready(world, key) == ("True", "ServingPrevious")
    assert world.cloud.count("UpdateEndpoint") == 1


# A role that is too young fails the endpoint or the job, and not the call


async def test_an_endpoint_that_failed_by_a_young_role_is_made_again(world: World) -> None:
    world.cloud.endpoint_outcomes.extend([("Failed", YOUNG_ROLE)] * 2)
    key = world.cluster.create(endpoint())
    await world.run(8)
    assert ready(world, key) == ("True", "InService")
    assert world.cloud.count("CreateEndpoint") == 3


async def test_but_not_for_ever(world: World) -> None:
    world.cloud.endpoint_outcomes.extend([("Failed", YOUNG_ROLE)] * 30)
    key = world.cluster.create(endpoint())
    await world.run(20)
    assert reason(world, key, "Stalled") == "EndpointFailed"
    assert world.cloud.count("CreateEndpoint") == 4
    world.restart()
    await world.run(5)
    assert world.cloud.count("CreateEndpoint") == 4


async def test_a_job_that_failed_by_a_young_role_is_tried_again(world: World) -> None:
    """Also where the spec asks for no retries, within a bound."""
    words = "ClientError: SageMaker was unable to assume the role 'arn:aws:iam::123456789012:role/x'"
    world.cloud.job_outcomes.extend([("Failed", "Failed", words)] * 2)
    key = world.cluster.create(builders.training())
    await world.run(8)
    assert ready(world, key) == ("True", "Completed")
    world.cloud.job_outcomes.extend([("Failed", "Failed", words)] * 30)
    other = world.cluster.create(builders.training("other"))
    await world.run(20)
    assert reason(world, other, "Stalled") == "JobFailed"
    assert world.cloud.count("CreateTrainingJob") == 3 + 4


# B13: the first calls of a new endpoint


async def test_a_warm_up_that_fails_does_not_count(world: World) -> None:
    """B13."""
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    test = {"image": {"s3Uri": "s3://bucket/image.png"}, "warmUps": 3}
    world.cloud.refuse("InvokeEndpoint", "ModelError", "Received server error (500) from primary", times=3)
    key = world.cluster.create(endpoint(smokeTest=test))
    await world.run(4)
    assert ready(world, key) == ("True", "InService")


@pytest.mark.parametrize(
    "words",
    [
        TIMEOUT,
        TIMEOUT.replace("(0)", "(500)"),
        "Received server error (503) from primary with message busy",
        'Received client error (429) from primary with message "busy"',
        'Received client error (424) from primary with message "busy"',
    ],
)
async def test_a_container_that_does_not_answer_yet_is_asked_again(world: World, words: str) -> None:
    """B13: within the test's budget, without a warm-up as well, and what is restored is not the previous one."""
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    key = world.cluster.create(endpoint(smokeTest={"image": {"s3Uri": "s3://bucket/image.png"}}))
    await world.run(3)
    for _ in range(2):
        world.cloud.refuse("InvokeEndpoint", "ModelError", words, times=3)
        change(world, key, instanceType=f"ml.m5.{world.cloud.count('UpdateEndpoint') + 2}xlarge")
        await world.run(4)
        assert ready(world, key) == ("True", "InService")
    assert world.cloud.count("UpdateEndpoint") == 2


async def test_one_that_never_answers_fails_its_test(world: World) -> None:
    """The words of the container are kept."""
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    world.cloud.refuse("InvokeEndpoint", "ModelError", TIMEOUT, times=1000)
    key = world.cluster.create(endpoint(smokeTest={"image": {"s3Uri": "s3://bucket/image.png"}}))
    await world.run(4)
    assert reason(world, key, "Stalled") == "SmokeTestFailed"
    assert "Your invocation timed out" in world.cluster.status(key)["smokeTest"]["message"]


# An answer that no row of the table speaks of

Make = Callable[[], dict[str, Any]]


@pytest.mark.parametrize(
    ("manifest", "operation"),
    [
        (builders.training(), "CreateTrainingJob"),
        (builders.endpoint(), "CreateModel"),
        (builders.endpoint(), "CreateEndpointConfig"),
        (builders.endpoint(), "CreateEndpoint"),
    ],
)
async def test_an_unknown_answer_stalls_and_is_tried_again_seldom(
    world: World, manifest: dict[str, Any], operation: str
) -> None:
    world.cloud.refuse(operation, VALIDATION, "Not on a Tuesday.", times=4)
    key = world.cluster.create(manifest)
    await world.run(2)
    assert reason(world, key, "Stalled") == "InvalidSpec"
    told, writes = len(world.cluster.events), world.cluster.writes
    assert world.cloud.count(operation) == 1
    await world.run(3, seconds=6 * 3600)
    assert 2 <= world.cloud.count(operation) <= 4
    assert (len(world.cluster.events), world.cluster.writes) == (told, writes)
    await world.run(12, seconds=6 * 3600)
    assert ready(world, key) in (("True", "Completed"), ("True", "InService"))


@pytest.mark.parametrize(
    ("manifest", "operation"), [(builders.training(), "CreateTrainingJob"), (builders.endpoint(), "CreateEndpoint")]
)
async def test_an_unknown_answer_is_tried_again_after_a_restart(
    world: World, manifest: dict[str, Any], operation: str
) -> None:
    world.cloud.refuse(operation, VALIDATION, "Not on a Tuesday.")
    key = world.cluster.create(manifest)
    await world.run(2)
    assert reason(world, key, "Stalled") == "InvalidSpec"
    world.restart()
    await world.run(4)
    assert ready(world, key) in (("True", "Completed"), ("True", "InService"))


async def test_an_update_that_an_unknown_answer_refused_is_tried_again(world: World) -> None:
    key = world.cluster.create(endpoint())
    await world.run(3)
    world.cloud.refuse("UpdateEndpoint", VALIDATION, "Not on a Tuesday.")
    change(world, key, instanceType="ml.m5.4xlarge")
    await world.run(2)
    assert ready(world, key) == ("True", "ServingPrevious")
    await world.run(4, seconds=3 * 3600)
    assert ready(world, key) == ("True", "InService")
    assert world.cloud.count("UpdateEndpoint") == 2


# B09: other counts or weights of what serves, which AWS refuses for good

RESCALES = [
    ("ResourceLimitExceeded", NOT_HERE.format("endpoint")),
    (VALIDATION, "1 validation error detected: Value '3' at 'desiredInstanceCount' failed to satisfy constraint"),
    (VALIDATION, "Not on a Tuesday."),
]
RESCALE = "UpdateEndpointWeightsAndCapacities"


def says(world: World, key: ObjectKey, kind: str) -> str:
    (message,) = [one["message"] for one in world.cluster.status(key)["conditions"] if one["type"] == kind]
    assert isinstance(message, str)
    return message


def rescaled(world: World, key: ObjectKey, count: int) -> None:
    """Change the count, in the short form as well as of the last variant."""

    def edit(body: dict[str, Any]) -> None:
        for one in body["spec"].get("variants", [body["spec"]])[-1:]:
            one["instanceCount"] = count

    world.cluster.edit(key, edit)


@FORMS
@pytest.mark.parametrize(("code", "words"), RESCALES, ids=["not in the region", "invalid", "unknown"])
async def test_a_rescale_that_is_refused_for_good_stalls(
    world: World, code: str, words: str, form: dict[str, Any]
) -> None:
    """B09: with AWS's words while it serves as before, and asked for once."""
    key = world.cluster.create(endpoint(**form))
    await world.run(3)
    world.cloud.refuse(RESCALE, code, words, times=1000)
    rescaled(world, key, 3)
    await world.run(2, seconds=60)
    for _ in range(2):
        assert ready(world, key) == ("True", "ServingPrevious")
        assert reason(world, key, "Stalled") == "InvalidSpec"
        assert words in says(world, key, "Stalled")
        assert world.cluster.condition(key, "Reconciling") is None
        assert "rolledBack" not in world.cluster.status(key)
        told, writes = len(world.cluster.events), world.cluster.writes
        await world.run(6, seconds=301)
        assert world.cloud.count(RESCALE) == 1
        assert (len(world.cluster.events), world.cluster.writes) == (told, writes)


@pytest.fixture
async def refused(world: World) -> ObjectKey:
    key = world.cluster.create(endpoint())
    await world.run(3)
    world.cloud.refuse(RESCALE, VALIDATION, RESCALES[1][1], times=1000)
    rescaled(world, key, 3)
    await world.run(2)
    return key


async def test_a_restart_asks_for_a_refused_rescale_once_more_quietly(world: World, refused: ObjectKey) -> None:
    told, writes = len(world.cluster.events), world.cluster.writes
    world.restart()
    await world.run(5)
    assert world.cloud.count(RESCALE) == 2
    assert (len(world.cluster.events), world.cluster.writes) == (told, writes)
    assert reason(world, refused, "Stalled") == "InvalidSpec"


@pytest.mark.parametrize("count", [1, 2])
async def test_a_corrected_count_ends_it(world: World, refused: ObjectKey, count: int) -> None:
    """Back to what serves, and to another count that AWS takes."""
    world.cloud.calm()
    rescaled(world, refused, count)
    await world.look()
    assert world.cluster.condition(refused, "Stalled") is None
    await world.run(3)
    assert ready(world, refused) == ("True", "InService")
    assert world.cloud.one("Endpoint")["ProductionVariants"][0]["DesiredInstanceCount"] == count


async def test_who_scales_it_by_hand_ends_it_too(world: World, refused: ObjectKey) -> None:
    world.cloud.one("Endpoint")["ProductionVariants"][0].update(DesiredInstanceCount=3, CurrentInstanceCount=3)
    world.cloud.touch(world.cloud.one("Endpoint"))
    await world.run(3)
    assert ready(world, refused) == ("True", "InService")
    assert world.cluster.condition(refused, "Stalled") is None


async def test_a_refused_rescale_holds_no_other_edit_back(world: World, refused: ObjectKey) -> None:
    """Another configuration, with the count that was refused, and tags."""
    change(world, refused, instanceType="ml.m5.4xlarge", tags={"team": "birds"})
    await world.run(4)
    assert ready(world, refused) == ("True", "InService")
    assert world.cloud.one("Endpoint")["ProductionVariants"][0]["DesiredInstanceCount"] == 3


async def test_tags_and_a_smoke_test_of_the_same_edit_come_about(world: World) -> None:
    world.cloud.objects["s3://bucket/image.png"] = b"image"
    key = world.cluster.create(endpoint())
    await world.run(3)
    world.cloud.refuse(RESCALE, VALIDATION, RESCALES[1][1], times=1000)
    test = {"image": {"s3Uri": "s3://bucket/image.png"}}
    change(world, key, instanceCount=3, tags={"team": "birds"}, smokeTest=test)
    await world.run(4)
    assert reason(world, key, "Stalled") == "InvalidSpec"
    assert world.cluster.status(key)["tags"]["team"] == "birds"
    assert world.cluster.status(key)["smokeTest"]["outcome"] == "Passed"
    assert world.cloud.count(RESCALE) <= 3


async def test_what_is_deleted_meanwhile_is_made_again(world: World, refused: ObjectKey) -> None:
    """The drift check goes on."""
    (gone,) = [one for one in world.cloud.resources if one[1] == "Endpoint"]
    del world.cloud.resources[gone]
    await world.run(5)
    assert ready(world, refused) == ("True", "ServingPrevious")
    assert world.cloud.count("CreateEndpoint") == 2


async def test_what_is_moved_away_meanwhile_is_brought_back(world: World, refused: ObjectKey) -> None:
    served = world.cloud.one("Endpoint")["EndpointConfigName"]
    ((place, kind, _), config), *_ = [one for one in world.cloud.resources.items() if one[0][1] == "EndpointConfig"]
    world.cloud.resources[place, kind, "another"] = {**config, "EndpointConfigName": "another", "Tags": []}
    world.cloud.touch(world.cloud.one("Endpoint"), EndpointConfigName="another")
    await world.run(5)
    assert world.cloud.one("Endpoint")["EndpointConfigName"] == served
    assert reason(world, refused, "Stalled") == "InvalidSpec"
