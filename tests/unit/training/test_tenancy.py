"""A ClassifierTraining whose namespace may not use what it asks for, over the fakes: nothing is begun."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit import builders
from tests.unit.fake_imports import FakeFile
from tests.unit.world import World

from classifier_operator.api.kinds import RETRAIN_ANNOTATION, ObjectKey
from classifier_operator.reconcile.decision import Defaults
from classifier_operator.reconcile.tenants import Tenant, Tenants

INTERNAL = "InternalServerError: We encountered an internal error. Please try again."
LOOKS = {"DescribeTrainingJob", "ListTrainingJobs", "ListTags"}


def rules(**limits: Any) -> Tenants:
    return Tenants(entries=(Tenant(namespaces=("vision",), **limits),))


NOTHING = rules(regions=("eu-west-1",))
SENTENCE = "spec.region: us-east-1 is not allowed in namespace vision; allowed: eu-west-1"


def edit(world: World, key: ObjectKey, **fields: Any) -> None:
    world.cluster.edit(key, lambda body: body["spec"].update(fields))


def message(world: World, key: ObjectKey, kind: str = "Stalled") -> str:
    conditions = world.cluster.status(key)["conditions"]
    return next((str(one["message"]) for one in conditions if one["type"] == kind), "")


def changing(world: World) -> list[str]:
    return [operation for operation, _ in world.cloud.log if operation not in LOOKS]


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "region": ({"regions": ("eu-*",)}, {}, "spec.region: us-east-1 is"),
    "role": ({"role_arns": ("other",)}, {}, f"spec.roleArn: {builders.ROLE} is"),
    "assumed role": ({"assume_role_arns": ()}, {"assumeRoleArn": builders.ROLE}, "spec.assumeRoleArn: arn:"),
    "own identity": ({"assume_role_arns": ("x",)}, {}, "spec.assumeRoleArn (by default): the operator's own identity"),
    "instance type": ({"instance_types": ("ml.m5.*",)}, {}, "spec.resources.instanceType: ml.p3.2xlarge is"),
    "input": ({"buckets": ("bucket/output*", "bucket/train*")}, {}, "spec.inputs[validation].s3Uri: s3://bucket/val"),
    "input of an import": (
        {"buckets": ("bucket",)},
        {
            "inputs": [
                {"name": "train", "s3Uri": "s3://other/train", "source": {"url": "https://example.org/train.rec"}},
            ]
        },
        "spec.inputs[train].s3Uri: s3://other/train is",
    ),
    "prefix": ({"buckets": ("bucket/train/*", "bucket/v*", "bucket/o*")}, {}, "spec.inputs[train].s3Uri: s3://buck"),
    "manifest": (
        {"buckets": ("bucket/output*",)},
        {"inputs": [{"name": "train", "s3Uri": "s3://bucket/a.lst", "s3DataType": "ManifestFile"}]},
        "spec.inputs[train].s3Uri: s3://bucket/a.lst is",
    ),
    "output": ({"buckets": ("bucket/train*", "bucket/validation*")}, {}, "spec.output.s3Uri: s3://bucket/output is"),
    "checkpoints": (
        {"buckets": ("bucket",)},
        {"spot": {"maxWaitSeconds": 90000, "checkpointS3Uri": "s3://other/x"}},
        "spec.spot.checkpointS3Uri: s3://other/x is",
    ),
}


@pytest.mark.parametrize(("limits", "changes", "words"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_not_allowed_is_said_before_any_call(
    world: World, limits: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    world.tenants = rules(**limits)
    key = world.cluster.create(builders.training(**changes))
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("False", "NotAllowed")
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert world.cluster.condition(key, "Reconciling") is None
    assert message(world, key).startswith(words)
    assert "in namespace vision; allowed: " in message(world, key)
    assert (world.cloud.log, world.sources.opened) == ([], [])
    assert "finalizers" not in world.cluster.objects[key]["metadata"]
    assert len(world.cluster.events) == 1


async def test_what_an_annotation_or_the_operator_says_is_held_against_the_rules() -> None:
    world = World(Defaults(assume_role_arn="arn:aws:iam::123456789012:role/operator"))
    world.cluster.namespaces["vision"] = {"classifiers.sagemaker.dev/role-arn": "arn:aws:iam::210987654321:role/theirs"}
    world.tenants = rules(assume_role_arns=("arn:aws:iam::123456789012:role/operator",), role_arns=(builders.ROLE,))
    key = world.cluster.create(builders.training(roleArn=""))
    await world.run()
    assert message(world, key).startswith(
        "spec.roleArn (by default): arn:aws:iam::210987654321:role/theirs is not allowed"
    )
    assert world.cloud.log == []


async def test_a_namespace_that_no_entry_is_about(world: World) -> None:
    world.tenants = Tenants(entries=(Tenant(namespaces=("audio",)),))
    key = world.cluster.create(builders.training())
    await world.run()
    assert message(world, key).startswith("nothing may be used in namespace vision")


async def test_an_edit_or_other_rules_mend_it(world: World) -> None:
    world.tenants = rules(instance_types=("ml.m5.large",))
    key = world.cluster.create(builders.training())
    await world.run()
    edit(world, key, resources={"instanceType": "ml.m5.large"})
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    edit(world, key, resources={"instanceType": "ml.p3.2xlarge"})
    await world.run(2)
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert world.cluster.status(key)["modelArtifacts"]
    world.allow(Tenants())
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert world.cloud.count("CreateTrainingJob") == 2


async def test_a_job_under_way_goes_on_and_says_so(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(progress=False)
    world.allow(NOTHING)
    calls = len(changing(world))
    await world.run(2, progress=False)
    name = world.cluster.status(key)["jobName"]
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert message(world, key) == f"{SENTENCE}; training job {name}, which was begun before, goes on"
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert world.cluster.condition(key, "Stalled") is None
    assert world.cluster.status(key)["modelArtifacts"]["jobName"] == name
    assert len(changing(world)) == calls


async def test_a_job_under_way_is_found_again_after_a_restart(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(progress=False)
    world.tenants = NOTHING
    world.restart()
    await world.run(progress=False)
    assert "goes on" in message(world, key)
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")


async def test_an_edit_that_is_not_allowed_stops_nothing(world: World) -> None:
    """The job of the spec before goes on; it is given up once its successor may be begun."""
    world.tenants = rules(instance_types=("ml.p3.2xlarge",))
    key = world.cluster.create(builders.training())
    await world.run(progress=False)
    name = world.cluster.status(key)["jobName"]
    edit(world, key, resources={"instanceType": "ml.p3.8xlarge"})
    await world.run(2, progress=False)
    assert message(world, key).endswith(f"training job {name}, which was begun before, goes on")
    assert world.cloud.count("StopTrainingJob") == 0
    world.allow(Tenants())
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert [run["jobName"] for run in world.cluster.status(key)["history"]][-1] == name


async def test_a_failed_job_is_tried_again_once_it_is_allowed_again(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(progress=False)
    world.cloud.job_outcomes.append(("Failed", "Failed", INTERNAL))
    world.allow(NOTHING)
    await world.run(4)
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert world.cluster.status(key)["failureReason"] == INTERNAL
    assert world.cloud.count("CreateTrainingJob") == 1
    world.allow(Tenants())
    await world.run(3)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    assert world.cloud.count("CreateTrainingJob") == 2


async def test_what_has_ended_stays_what_it_is(world: World) -> None:
    key = world.cluster.create(builders.training())
    await world.run(2)
    calls = len(world.cloud.log)
    world.allow(NOTHING)
    await world.run(2)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
    edit(world, key, tags={"team": "b"})
    await world.run(2)
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert len(world.cloud.log) == calls
    world.cluster.edit(key, lambda body: body["spec"].pop("tags"))
    world.cluster.edit(key, lambda body: body["metadata"].update(annotations={RETRAIN_ANNOTATION: "now"}))
    await world.run(2)
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert len(world.cloud.log) == calls


async def test_deletion_and_suspension_proceed(world: World) -> None:
    key = world.cluster.create(builders.training(deletionPolicy="Delete"))
    other = world.cluster.create(builders.training("other"))
    await world.run(progress=False)
    world.allow(NOTHING)
    await world.run(progress=False)
    edit(world, other, suspend=True)
    await world.run(3)
    assert world.cluster.condition(other, "Ready") == ("False", "Suspended")
    assert world.cloud.count("StopTrainingJob") == 1
    world.cluster.delete(key)
    world.cluster.delete(other)
    await world.run(4)
    assert key not in world.cluster.objects
    assert other not in world.cluster.objects


async def test_what_is_being_fetched_is_fetched_no_further(world: World) -> None:
    world.sources.files["https://example.org/train.rec"] = FakeFile(b"x" * 40)
    source = {"url": "https://example.org/train.rec"}
    key = world.cluster.create(
        builders.training(inputs=[{"name": "train", "s3Uri": "s3://bucket/t", "source": source}])
    )
    world.sources.files[source["url"]].breaks_after.append(20)
    await world.look()
    assert world.cluster.status(key)["import"]["uploads"]
    world.allow(NOTHING)
    await world.run(2)
    assert world.cluster.condition(key, "Stalled") == ("True", "NotAllowed")
    assert "uploads" not in world.cluster.status(key)["import"]
    assert world.cloud.count("AbortMultipartUpload") == 1
    assert world.cloud.count("CompleteMultipartUpload") == 0
    world.allow(Tenants())
    await world.run(4)
    assert world.cluster.condition(key, "Ready") == ("True", "Completed")
