"""Other accounts and regions, by the object or by its namespace, on real parts; acceptance scenario M2."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import BUCKET, REGION, World, condition, training, until

OWN = "123456789012"
ONE, TWO = "222222222222", "333333333333"
ROLE_ONE, ROLE_TWO = (f"arn:aws:iam::{account}:role/Classifiers" for account in (ONE, TWO))
GROUP = "classifiers.sagemaker.dev"
LONG = {"training_seconds": 3000}


def in_account(role: str, name: str = "digits", **changes: object) -> dict[str, object]:
    """A training in the account of that role, with its data and its execution role there."""
    account = role.split(":")[4]
    execution = f"arn:aws:iam::{account}:role/SageMakerExecution"
    output = {"s3Uri": f"s3://{BUCKET}-{account}/output"}
    return training(name, assumeRoleArn=role, roleArn=execution, output=output, **changes)


def places(world: World) -> set[tuple[str, str]]:
    """Account and region of every call to SageMaker."""
    calls = world.aws.calls()
    return {(call["account"], call["region"]) for call in calls if call["service"] == "sagemaker"}


@pytest.fixture(autouse=True)
def buckets(world: World) -> None:
    """A bucket for models in each account."""
    for role in (ROLE_ONE, ROLE_TWO):
        world.client("s3", role=role).create_bucket(Bucket=f"{BUCKET}-{role.split(':')[4]}")
    world.aws.clear_calls()


def annotate(world: World, **annotations: str) -> None:
    pairs = [f"{GROUP}/{name.replace('_', '-')}={value}" for name, value in annotations.items()]
    world.cluster.kubectl("annotate", "--overwrite", "namespace", world.namespace, *pairs)


def test_m2_another_region_than_the_operators(world: World, start: Callable[..., OperatorProcess]) -> None:
    start("--region", "us-west-2")
    world.apply(training(region="eu-west-1", deletionPolicy="Delete"))
    status = world.wait_for("ctrain", "digits", "Completed")
    assert status["jobArn"].startswith("arn:aws:sagemaker:eu-west-1:")
    assert status["image"].startswith("685385470294.dkr.ecr.eu-west-1.")
    assert world.job(region="eu-west-1")["TrainingJobStatus"] == "Completed"
    world.delete("ctrain", "digits")
    assert world.jobs() == []
    assert places(world) == {(OWN, "eu-west-1")}


def test_a_changed_region_moves_the_run(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training=LONG)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    world.patch_spec("ctrain", "digits", {"region": "eu-west-1"})
    until(lambda: sorted(world.jobs()) == ["InProgress", "Stopped"], "the run to be moved")
    until(lambda: world.status("ctrain", "digits")["jobArn"].split(":")[3] == "eu-west-1", "the job to be there")
    regions = {one["region"]: one["status"] for one in world.aws.resources()}
    assert regions == {REGION: "Stopped", "eu-west-1": "InProgress"}


def test_a_role_to_take_on_leads_to_its_account(world: World, operator: OperatorProcess) -> None:
    world.apply(in_account(ROLE_ONE, deletionPolicy="Delete"))
    status = world.wait_for("ctrain", "digits", "Completed")
    assert status["jobArn"].split(":")[4] == ONE
    assert [entry["assumeRoleArn"] for entry in status["resources"]] == [ROLE_ONE]
    assert world.job(role=ROLE_ONE)["RoleArn"] == f"arn:aws:iam::{ONE}:role/SageMakerExecution"
    world.delete("ctrain", "digits")
    assert world.jobs() == []
    assert places(world) == {(ONE, REGION)}


def test_objects_in_several_accounts_at_once(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.change_settings(training=LONG)
    names = {"own": "", "one": ROLE_ONE, "two": ROLE_TWO, "one-too": ROLE_ONE}
    world.apply(*(in_account(role, name) if role else training(name) for name, role in names.items()))
    for name in names:
        world.wait_for("ctrain", name, "Training")
    accounts = {one["name"].split("-")[-3]: one["account"] for one in world.aws.resources()}
    assert accounts == {"own": OWN, "one": ONE, "two": TWO, "too": ONE}
    operator.wait_for_more("sweep_seconds_count", 4)
    # Each role once, for all objects and all sweeps.
    assert world.calls("sts.AssumeRole") == 2
    world.kubectl("delete", "ctrain", "--all", "--timeout=60s")
    assert set(world.jobs()) == {"Stopped"}
    assert places(world) == {(OWN, REGION), (ONE, REGION), (TWO, REGION)}
    assert world.calls("sts.AssumeRole") == 2


def test_a_role_that_cannot_be_taken_on_is_waited_for(world: World, start: Callable[..., OperatorProcess]) -> None:
    words = f"User: arn:aws:iam::{OWN}:user/op is not authorized to perform: sts:AssumeRole on resource: {ROLE_ONE}"
    world.aws.fail_next("sts.AssumeRole", None, code="AccessDenied", message=words, status=403)
    operator = start()
    world.apply(in_account(ROLE_ONE), training("own"))
    status = world.wait_for("ctrain", "digits", "AccessPending")
    assert words in condition(status, "Reconciling")["message"]
    world.wait_for("ctrain", "own", "Completed")
    until(lambda: world.calls("sts.AssumeRole") >= 3, "more tries")
    assert "Traceback" not in operator.log.read_text()
    world.aws.clear_faults()
    world.wait_for("ctrain", "digits", "Completed")
    assert world.get("ctrain", "digits")["metadata"]["generation"] == 1
    assert world.events("digits").count("AccessPending") == 1


def test_deletion_waits_for_the_role_and_can_be_let_go(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.change_settings(training=LONG)
    world.apply(in_account(ROLE_ONE))
    world.wait_for("ctrain", "digits", "Training")
    operator.kill()
    world.aws.fail_next("sts.AssumeRole", None, code="AccessDenied", message="not authorized", status=403)
    world.kubectl("delete", "ctrain", "digits", "--wait=false")
    start()
    world.wait_for("ctrain", "digits", "Deleting")
    until(
        lambda: "not authorized" in condition(world.status("ctrain", "digits"), "Ready")["message"],
        "the refusal to be said",
    )
    world.patch_spec("ctrain", "digits", {"deletionPolicy": "Retain"})
    until(lambda: not world.exists("ctrain", "digits"), "the object to be let go")
    assert world.jobs() == ["InProgress"]


def test_a_namespaces_annotations_are_the_defaults(world: World, start: Callable[..., OperatorProcess]) -> None:
    execution = f"arn:aws:iam::{ONE}:role/SageMakerExecution"
    annotate(world, region="eu-west-1", role_arn=execution, assume_role_arn=ROLE_ONE, deletion_policy="Delete")
    start("--region", "us-west-2", "--role-arn", "arn:aws:iam::123456789012:role/Default")
    world.apply(training(region=None, roleArn=None, output={"s3Uri": f"s3://{BUCKET}-{ONE}/output"}))
    world.wait_for("ctrain", "digits", "Completed")
    assert world.job(region="eu-west-1", role=ROLE_ONE)["RoleArn"] == execution
    world.delete("ctrain", "digits")
    assert world.jobs() == []
    assert places(world) == {(ONE, "eu-west-1")}


def test_the_spec_goes_before_the_namespace(world: World, start: Callable[..., OperatorProcess]) -> None:
    annotate(world, region="eu-west-1", assume_role_arn=ROLE_TWO, deletion_policy="Delete")
    start()
    world.apply(in_account(ROLE_ONE, deletionPolicy="Stop"))
    world.wait_for("ctrain", "digits", "Completed")
    world.delete("ctrain", "digits")
    assert world.jobs() == ["Completed"]
    assert places(world) == {(ONE, REGION)}


def test_a_changed_annotation_reaches_a_settled_object(world: World, start: Callable[..., OperatorProcess]) -> None:
    annotate(world, region=REGION)
    start("--namespace-interval", "0.5")
    world.apply(training(region=None), training("fixed"))
    for name in ("digits", "fixed"):
        world.wait_for("ctrain", name, "Completed")
    annotate(world, region="eu-west-1")
    until(lambda: world.calls("CreateTrainingJob") == 3, "a run in the other region")
    status = world.wait_for("ctrain", "digits", "Completed")
    assert status["jobArn"].startswith("arn:aws:sagemaker:eu-west-1:")
    assert world.status("ctrain", "fixed")["jobArn"].startswith(f"arn:aws:sagemaker:{REGION}:")


def test_a_changed_deletion_policy_lets_go_of_what_cannot_be_stopped(
    world: World, start: Callable[..., OperatorProcess]
) -> None:
    start("--namespace-interval", "0.5")
    world.aws.change_settings(training=LONG)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    world.aws.fail_next("StopTrainingJob", None, code="AccessDeniedException", message="no", status=400)
    world.kubectl("delete", "ctrain", "digits", "--wait=false")
    world.wait_for("ctrain", "digits", "Deleting")
    annotate(world, deletion_policy="Retain")
    until(lambda: not world.exists("ctrain", "digits"), "the object to be let go")


def test_an_annotation_counts_for_what_is_applied_next(world: World, start: Callable[..., OperatorProcess]) -> None:
    """Not a minute later, when a run in the wrong region would have begun."""
    start()
    world.apply(training("first", suspend=True))
    world.wait_for("ctrain", "first", "Suspended")
    annotate(world, region="eu-west-1")
    world.apply(training(region=None))
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 1
    assert places(world) == {(OWN, "eu-west-1")}
