"""A namespace's wall over the fakes: nothing beyond it is called, and what is there is said and not lost."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.world import World

from classifier_operator.api.kinds import ADOPT_ANNOTATION, FINALIZER, RETRAIN_ANNOTATION, Kind, ObjectKey
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.ports import ClusterUnavailableError

MINE = "arn:aws:iam::222222222222:role/Mine"
THEIRS = "arn:aws:iam::333333333333:role/Theirs"
EXECUTION = "arn:aws:iam::222222222222:role/Execution"
HERE = Place(builders.REGION, MINE, "vision")
WALL = {
    "region": builders.REGION,
    "role_arn": builders.ROLE,
    "assume_role_arn": MINE,
    "enforce": "region,role-arn,assume-role-arn",
}
KINDS = ("training", "endpoint")
FORBIDDEN = {
    "region": {"region": "eu-west-1"},
    "execution role": {"roleArn": EXECUTION},
    "assumed role": {"assumeRoleArn": THEIRS},
    "all": {"region": "eu-west-1", "roleArn": EXECUTION, "assumeRoleArn": THEIRS},
}


def annotated(**changes: str) -> dict[str, str]:
    return {**WALL, **changes}


def body(kind: str, **changes: Any) -> dict[str, Any]:
    """An object that leaves all of it to the namespace."""
    absent: dict[str, Any] = {"region": "", "roleArn": ""}
    make = builders.training if kind == "training" else builders.endpoint
    return make(**{**absent, **changes})


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda one: one["spec"].update(fields))


def said(world: World, key: ObjectKey) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in world.cluster.status(key)["conditions"]}


def message(world: World, key: ObjectKey, kind: str = "Ready") -> str:
    conditions = world.cluster.status(key)["conditions"]
    return next((str(one["message"]) for one in conditions if one["type"] == kind), "")


def good(kind: str) -> dict[str, tuple[str, str]]:
    return {"Ready": ("True", "Completed" if kind == "training" else "InService")}


async def made(world: World, kind: str, **changes: Any) -> ObjectKey:
    """An object that is well."""
    key = world.cluster.create(body(kind, **changes))
    await world.run(3)
    assert said(world, key) == good(kind)
    return key


def forget_calls(world: World) -> None:
    world.cloud.places.clear()


def reached(world: World) -> set[Place]:
    return {place for _, place in world.cloud.places}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_leaves_it_to_the_namespace_is_made_there(world: World, kind: str) -> None:
    await world.annotate(**WALL)
    key = await made(world, kind)
    edit(world, key, region=builders.REGION, roleArn=builders.ROLE, assumeRoleArn=MINE)
    await world.run(2)
    assert said(world, key) == good(kind)
    assert reached(world) == {HERE}


@pytest.mark.parametrize("changes", FORBIDDEN.values(), ids=FORBIDDEN)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_field_that_differs_is_refused_before_any_call(
    world: World, kind: str, changes: dict[str, str]
) -> None:
    await world.annotate(**WALL)
    key = world.cluster.create(body(kind, **changes))
    await world.run(3)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    assert message(world, key).count("is not allowed: the namespace's annotation") == len(changes)
    assert (world.cloud.log, world.sources.opened) == ([], [])
    assert "finalizers" not in world.cluster.objects[key]["metadata"]
    world.cluster.delete(key)
    await world.run()
    assert not world.cluster.objects


@pytest.mark.parametrize("changes", FORBIDDEN.values(), ids=FORBIDDEN)
@pytest.mark.parametrize("kind", KINDS)
async def test_an_edit_is_refused_as_a_creation_is(world: World, kind: str, changes: dict[str, str]) -> None:
    await world.annotate(**WALL)
    key = await made(world, kind)
    effects = world.cloud.effects.copy()
    edit(world, key, **changes)
    await world.run(3)
    ready = ("False", "NotAllowed") if kind == "training" else ("True", "ServingPrevious")
    assert said(world, key) == {"Ready": ready, "Stalled": ("True", "NotAllowed")}
    assert reached(world) == {HERE}
    assert not [one for one in world.cloud.effects - effects if not one.startswith(("Describe", "List"))]
    edit(world, key, region="", roleArn="", assumeRoleArn="")
    await world.run(2)
    assert said(world, key) == good(kind)
    assert reached(world) == {HERE}


SHAPES: dict[str, dict[str, Any]] = {
    "variants": {
        "variants": [
            {"name": name, "instanceType": "ml.m5.large", "model": {"artifactS3Uri": builders.ARTIFACT}}
            for name in ("a", "b")
        ]
    },
    "serverless": {"serverless": {"memorySizeMB": 1024, "maxConcurrency": 1}, "model": {"artifactS3Uri": "s3://b/m"}},
    "followed training": {"trainingRef": {"name": "digits"}, "instanceType": "ml.m5.large"},
    "image in S3": {
        "model": {"artifactS3Uri": builders.ARTIFACT},
        "instanceType": "ml.m5.large",
        "smokeTest": {"image": {"s3Uri": "s3://bucket/image.png"}},
    },
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_however_an_endpoint_says_it(world: World, shape: dict[str, Any]) -> None:
    await world.annotate(**WALL)
    one = builders.endpoint("other")
    one["spec"] = {"assumeRoleArn": THEIRS, **shape}
    key = world.cluster.create(one)
    await world.run(3)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert world.cloud.log == []


async def test_nothing_is_adopted_by_a_role_that_is_not_allowed(world: World) -> None:
    await world.annotate(**WALL)
    one = body("endpoint", assumeRoleArn=THEIRS)
    one["metadata"]["annotations"] = {ADOPT_ANNOTATION: "theirs"}
    key = world.cluster.create(one)
    await world.run(3)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert world.cloud.log == []


async def test_nothing_is_fetched_that_would_be_put_there(world: World) -> None:
    await world.annotate(**WALL)
    world.sources.files["https://example.org/train.rec"] = FakeFile(b"x" * 40)
    source = {"name": "train", "s3Uri": "s3://bucket/t", "source": {"url": "https://example.org/train.rec"}}
    world.cluster.create(body("training", assumeRoleArn=THEIRS, inputs=[source]))
    await world.run(3)
    assert (world.cloud.log, world.sources.opened) == ([], [])


async def test_a_wall_goes_before_other_faults_of_the_spec(world: World) -> None:
    await world.annotate(**WALL)
    key = world.cluster.create(body("training", assumeRoleArn=THEIRS, algorithm={"name": "unknown"}))
    await world.run(2)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")


async def test_without_a_role_of_the_namespace_only_the_operator_itself(world: World) -> None:
    await world.annotate(enforce="assume-role-arn")
    key = world.cluster.create(builders.training(assumeRoleArn=THEIRS))
    fine = world.cluster.create(builders.training("fine"))
    await world.run(3)
    assert message(world, key).endswith("final, which is the operator's own identity")
    assert said(world, fine) == good("training")
    assert {place._replace(own_account="") for place in reached(world)} == {Place(builders.REGION)}


@pytest.mark.parametrize("annotation", ["", "Region", "region,all", "assume-role-arn;region"])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_annotation_that_cannot_be_understood_opens_nothing(world: World, kind: str, annotation: str) -> None:
    await world.annotate(**annotated(enforce=annotation))
    key = world.cluster.create(body(kind))
    await world.run(3)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    assert "the namespace's annotation classifiers.sagemaker.dev/enforce has" in message(world, key)
    assert world.cloud.log == []
    await world.annotate(**WALL)
    await world.run(3)
    assert said(world, key) == good(kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wall_that_is_put_up_reaches_what_is_there_already(world: World, kind: str) -> None:
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    key = await made(world, kind, assumeRoleArn=THEIRS)
    await world.annotate(**WALL)
    forget_calls(world)
    await world.run(4)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    assert f"by {THEIRS}" in message(world, key)
    assert world.cloud.places == []
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    await world.run(3)
    assert said(world, key) == good(kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_beyond_the_wall_is_not_looked_at_after_a_restart(world: World, kind: str) -> None:
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    key = world.cluster.create(body(kind, assumeRoleArn=THEIRS))
    await world.run(progress=False)
    await world.annotate(**WALL)
    forget_calls(world)
    world.restart()
    await world.look_at_aws()
    await world.run(3)
    assert world.cloud.places == []
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_cannot_be_read_is_not_looked_at_beyond_the_wall_either(world: World, kind: str) -> None:
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    key = world.cluster.create(body(kind, assumeRoleArn=THEIRS))
    await world.run(progress=False)
    edit(world, key, tags=5)
    await world.run(progress=False)
    assert said(world, key)["Stalled"] == ("True", "InvalidSpec")
    await world.annotate(**WALL)
    forget_calls(world)
    await world.run(3)
    assert world.cloud.places == []


@pytest.mark.parametrize("kind", KINDS)
async def test_deletion_waits_for_what_is_beyond_the_wall_and_says_so(world: World, kind: str) -> None:
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    key = world.cluster.create(body(kind, assumeRoleArn=THEIRS, deletionPolicy="Delete"))
    await world.run(2)
    await world.annotate(**WALL)
    forget_calls(world)
    world.cluster.delete(key)
    await world.run(4)
    world.restart()
    await world.look_at_aws()
    await world.run(3)
    assert said(world, key)["Ready"] == ("False", "Deleting")
    assert f"in {builders.REGION} by {THEIRS}" in message(world, key)
    assert message(world, key).endswith("or let go of it by spec.deletionPolicy Retain")
    assert world.cloud.places == []
    # Let in again, it is taken down as ever.
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    await world.run(4)
    assert not world.cluster.objects
    assert (world.cloud.names("Endpoint"), world.cloud.names("TrainingJob")) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_beyond_the_wall_can_be_let_go(world: World, kind: str) -> None:
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    key = world.cluster.create(body(kind, assumeRoleArn=THEIRS, deletionPolicy="Delete"))
    await world.run(2)
    await world.annotate(**WALL)
    forget_calls(world)
    world.cluster.delete(key)
    await world.run(2)
    edit(world, key, deletionPolicy="Retain")
    await world.run(2)
    assert not world.cluster.objects
    assert world.cloud.places == []
    assert world.cloud.names("Endpoint" if kind == "endpoint" else "TrainingJob")


@pytest.mark.parametrize("policy", ["Stop", "Delete", "Retain"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("running", [True, False])
async def test_a_status_that_names_another_place_leads_nowhere(
    world: World, kind: str, policy: str, running: bool
) -> None:
    """Whoever may write a status writes team B's role, region and endpoint into it, and deletes the object."""
    await world.annotate(**WALL)
    forged = body(kind, deletionPolicy=policy)
    forged["metadata"]["finalizers"] = [FINALIZER]
    type_ = "TrainingJob" if kind == "training" else "Endpoint"
    name, arn = ("jobName", "jobArn") if kind == "training" else ("endpointName", "endpointArn")
    forged["status"] = {
        name: "theirs",
        arn: f"arn:aws:sagemaker:eu-west-1:333333333333:{type_.lower()}/theirs",
        "resources": [
            {"type": type_, "name": "theirs", "region": "eu-west-1", "assumeRoleArn": THEIRS},
            {"type": "Model", "name": "theirs", "region": builders.REGION, "assumeRoleArn": THEIRS},
            {"type": "EndpointConfig", "name": "theirs", "region": "eu-west-1", "assumeRoleArn": MINE},
        ],
    }
    if kind == "training":
        upload = {"s3Uri": "s3://theirs/key", "source": "x", "region": "eu-west-1", "assumeRoleArn": THEIRS}
        forged["status"]["import"] = {"uploads": [{**upload, "uploadId": "1"}]}
    else:
        forged["status"]["adopted"] = {"type": type_, "name": "theirs", "region": "eu-west-1", "assumeRoleArn": THEIRS}
    key = world.cluster.create(forged)
    await world.look_at_aws()
    if running:
        await world.run(3)
    world.cluster.delete(key)
    await world.run(4)
    assert reached(world) <= {HERE}
    if policy == "Retain":
        assert not world.cluster.objects
    else:
        assert "theirs" in message(world, key)


@pytest.mark.parametrize("kind", KINDS)
async def test_suspension_takes_down_what_it_may_and_says_that_it_may_not_be_resumed(world: World, kind: str) -> None:
    await world.annotate(**WALL)
    key = await made(world, kind)
    edit(world, key, suspend=True, assumeRoleArn=THEIRS)
    await world.run(4)
    assert said(world, key) == {"Ready": ("False", "NotAllowed"), "Stalled": ("True", "NotAllowed")}
    assert world.cloud.names("Endpoint") == []
    assert reached(world) == {HERE}
    before = world.cluster.status(key)
    await world.run(3)
    assert world.cluster.status(key) == before
    edit(world, key, assumeRoleArn="")
    await world.run(2)
    assert said(world, key) == {"Ready": ("False", "Suspended")}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_suspended_is_not_called_beyond_the_wall(world: World, kind: str) -> None:
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE)
    key = world.cluster.create(body(kind, assumeRoleArn=THEIRS))
    await world.run(progress=False)
    await world.annotate(**WALL)
    forget_calls(world)
    edit(world, key, suspend=True)
    await world.run(3)
    world.restart()
    await world.look_at_aws()
    await world.run(3)
    assert world.cloud.places == []
    assert f"by {THEIRS}" in message(world, key)
    before = world.cluster.status(key)
    await world.run(2)
    assert world.cluster.status(key) == before


@pytest.mark.parametrize("kind", KINDS)
async def test_a_namespace_that_moves_behind_its_wall_leaves_the_old_place_as_it_is(world: World, kind: str) -> None:
    await world.annotate(**WALL)
    key = world.cluster.create(body(kind))
    await world.run(2)
    await world.annotate(**annotated(region="eu-west-1"))
    forget_calls(world)
    await world.run(4)
    assert said(world, key) == good(kind)
    assert reached(world) == {Place("eu-west-1", MINE, "vision")}
    if kind == "endpoint":
        assert f"in {builders.REGION} by {MINE}" in message(world, key)
    # With the wall down for a while, what was left behind is tidied up.
    await world.annotate(**annotated(region="eu-west-1", enforce="role-arn"))
    await world.run(4)
    assert said(world, key) == good(kind)
    assert builders.REGION not in message(world, key)
    if kind == "endpoint":
        assert {entry["region"] for entry in world.cluster.status(key)["resources"]} == {"eu-west-1"}


async def test_a_run_by_another_execution_role_goes_on_and_is_not_repeated(world: World) -> None:
    await world.annotate(region=builders.REGION, assume_role_arn=MINE)
    key = world.cluster.create(body("training", roleArn=EXECUTION))
    await world.run(progress=False)
    await world.annotate(**WALL)
    await world.run(2, progress=False)
    assert "which was begun before, goes on" in message(world, key)
    await world.run(2)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    assert world.cluster.status(key)["modelArtifacts"]
    world.cluster.edit(key, lambda one: one["metadata"].update(annotations={RETRAIN_ANNOTATION: "now"}))
    await world.run(2)
    assert world.cloud.count("CreateTrainingJob") == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_an_enforced_deletion_policy_is_kept(world: World, kind: str) -> None:
    await world.annotate(**annotated(deletion_policy="Retain", enforce="deletion-policy"))
    key = world.cluster.create(body(kind, deletionPolicy="Delete"))
    await world.run(2)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    edit(world, key, deletionPolicy="")
    await world.run(3)
    assert said(world, key) == good(kind)
    edit(world, key, deletionPolicy="Delete")
    world.cluster.delete(key)
    await world.run(3)
    assert not world.cluster.objects
    assert world.cloud.names("Endpoint" if kind == "endpoint" else "TrainingJob")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_namespace_that_cannot_be_read_after_a_restart_keeps_its_objects_waiting(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.annotate(**WALL)
    key = world.cluster.create(body(kind, assumeRoleArn=THEIRS))
    await world.run(2)

    async def flaky(name: str) -> dict[str, Any]:
        raise ClusterUnavailableError(f"HTTP 403: {name}")

    monkeypatch.setattr(world.cluster, "read_namespace", flaky)
    edit(world, key, tags={"a": "b"})
    await world.run(2)
    assert said(world, key)["Stalled"] == ("True", "NotAllowed")
    world.restart()
    await world.look_at_aws()
    await world.run()
    assert world.cloud.log == []


async def test_the_training_that_an_endpoint_follows_may_be_kept_out_by_itself(world: World) -> None:
    """A model that was trained before is no call by the role that trained it."""
    await world.annotate(region=builders.REGION, role_arn=builders.ROLE, assume_role_arn=MINE)
    world.cluster.create(builders.training(assumeRoleArn=THEIRS))
    await world.run(3)
    await world.annotate(**WALL)
    forget_calls(world)
    following = builders.following()
    key = world.cluster.create(following)
    await world.run(3)
    assert said(world, ObjectKey(Kind.TRAINING, "vision", "digits"))["Stalled"] == ("True", "NotAllowed")
    assert said(world, key) == good("endpoint")
    assert reached(world) == {HERE}
