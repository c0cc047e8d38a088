"""What AWS refuses a training, on real parts: acceptance scenarios N4, N6, N7, N11, N12, and other waits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, condition, training, until

THROTTLED = ("ThrottlingException", "Rate exceeded")
LONG = {"training_seconds": 3000}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def refuse(world: World, operation: str, refusal: tuple[str, str], count: int | None = None) -> None:
    code, message = refusal
    world.aws.fail_next(operation, count, code=code, message=message, status=400)


def test_n4_throttled_looks_flap_nothing_and_stay_few(world: World, operator: OperatorProcess) -> None:
    names = [f"digits-{number}" for number in range(5)]
    world.aws.change_settings(training=LONG)
    world.apply(*map(training, names))
    for name in names:
        world.wait_for("ctrain", name, "Training")
    refuse(world, "DescribeTrainingJob", THROTTLED)
    refuse(world, "ListTrainingJobs", THROTTLED)
    before = {name: world.get("ctrain", name)["metadata"]["resourceVersion"] for name in names}
    events = [world.events(name) for name in names]
    world.aws.clear_calls()
    began = time.monotonic()
    operator.wait_for_more("sweep_seconds_count", 10)
    elapsed = time.monotonic() - began
    assert {name: world.get("ctrain", name)["metadata"]["resourceVersion"] for name in names} == before
    assert [world.events(name) for name in names] == events
    counts = world.aws.counts()
    # One call a sweep, however many objects there are: the first refusal ends it.
    assert 5 <= sum(counts.values()) <= elapsed / 0.5 + 2
    world.aws.clear_faults()
    world.aws.advance(3000)
    for name in names:
        world.wait_for("ctrain", name, "Completed")


def test_n4_one_throttled_describe_after_another(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"uploading_seconds": 600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Uploading")
    refuse(world, "DescribeTrainingJob", THROTTLED, 4)
    world.wait_for("ctrain", "digits", "Completed")
    assert world.aws.outcome_counts()["DescribeTrainingJob:ThrottlingException"] == 4
    events = world.events("digits")
    assert len(events) == len(set(events))
    assert "Throttled" not in events


def test_n4_the_call_rate_is_bounded_when_everything_is_throttled(world: World, operator: OperatorProcess) -> None:
    refuse(world, "CreateTrainingJob", THROTTLED)
    world.apply(*(training(f"digits-{number}") for number in range(3)))
    until(lambda: world.calls("CreateTrainingJob") >= 9, "some tries")
    # Three objects, each after 1, 2, 4, 8 seconds and so on.
    began, tries = time.monotonic(), world.calls("CreateTrainingJob")
    until(lambda: time.monotonic() - began > 8, "some more time")
    assert world.calls("CreateTrainingJob") - tries <= 6
    world.aws.clear_faults()
    for number in range(3):
        world.wait_for("ctrain", f"digits-{number}", "Completed")
    assert len(world.jobs()) == 3


def test_throttled_creations_are_no_news_unless_they_last(world: World, operator: OperatorProcess) -> None:
    refuse(world, "CreateTrainingJob", THROTTLED, 2)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 3
    assert world.events("digits").count("Starting") == 1
    assert "Throttled" not in world.events("digits")


def test_n6_a_name_that_is_taken_is_left_alone(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.change_settings(training=LONG)
    world.apply(training())
    job = world.wait_for("ctrain", "digits", "Training")["jobArn"]
    operator.kill()
    _give_to_a_stranger(world, job)
    world.kubectl("patch", "ctrain", "digits", "--subresource=status", "--type=merge", "-p", '{"status": null}')
    restarted = start()
    status = world.wait_for("ctrain", "digits", "NameTaken", of="Stalled")
    assert "somebody/else" in condition(status, "Stalled")["message"]
    world.aws.clear_calls()
    restarted.wait_for_more("sweep_seconds_count", 3)
    assert world.aws.counts() == {}
    world.delete("ctrain", "digits")
    assert world.jobs() == ["InProgress"]
    tags = world.tags_of(job)
    assert tags["classifiers.sagemaker.dev/object"] == "somebody/else"


def _give_to_a_stranger(world: World, arn: str) -> None:
    tags = {"classifiers.sagemaker.dev/uid": "another", "classifiers.sagemaker.dev/object": "somebody/else"}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    world.client("sagemaker").add_tags(ResourceArn=arn, Tags=listed)


def test_n7_a_role_that_is_made_later_is_waited_for(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(strict_roles=True)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "AccessPending")
    assert "Could not assume role" in condition(status, "Reconciling")["message"]
    until(lambda: world.calls("CreateTrainingJob") >= 2, "another try")
    world.client("iam").create_role(RoleName="SageMakerExecution", AssumeRolePolicyDocument=json.dumps(TRUST))
    world.wait_for("ctrain", "digits", "Completed")
    world.aws.change_settings(strict_roles=False)
    assert world.events("digits")[:2] == ["Starting", "AccessPending"]
    assert world.get("ctrain", "digits")["metadata"]["generation"] == 1


def test_n11_a_quota_is_waited_for(world: World, operator: OperatorProcess) -> None:
    world.aws.set_quota("ml.p3.2xlarge", "training job", 0)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "WaitingForQuota")
    assert "ml.p3.2xlarge for training job usage" in condition(status, "Reconciling")["message"]
    until(lambda: world.calls("CreateTrainingJob") >= 2, "another try")
    world.aws.set_quota("ml.p3.2xlarge", "training job", None)
    world.wait_for("ctrain", "digits", "Completed")
    assert world.events("digits").count("WaitingForQuota") == 1
    assert world.get("ctrain", "digits")["metadata"]["generation"] == 1


def test_n11_one_that_waits_for_a_quota_goes_on_when_another_one_ends(world: World, operator: OperatorProcess) -> None:
    world.aws.set_quota("ml.p3.2xlarge", "training job", 1)
    world.aws.change_settings(training={"training_seconds": 300})
    world.apply(training("first"), training("second"))
    for name in ("first", "second"):
        world.wait_for("ctrain", name, "Completed")
    waited = [name for name in ("first", "second") if "WaitingForQuota" in world.events(name)]
    assert len(waited) == 1


@pytest.mark.parametrize("operation", ["CreateTrainingJob", "DescribeTrainingJob"])
def test_n12_what_is_not_allowed_is_waited_for(world: World, operator: OperatorProcess, operation: str) -> None:
    words = f"User: arn:aws:iam::123456789012:user/op is not authorized to perform: sagemaker:{operation}"
    refuse(world, operation, ("AccessDeniedException", words))
    world.apply(training())
    until(lambda: world.calls(operation) >= 3, "some tries")
    if operation == "CreateTrainingJob":
        status = world.wait_for("ctrain", "digits", "AccessPending")
        assert words in condition(status, "Reconciling")["message"]
    world.aws.clear_faults()
    world.wait_for("ctrain", "digits", "Completed")
    assert world.get("ctrain", "digits")["metadata"]["generation"] == 1
    assert len(world.jobs()) == 1


def test_data_that_is_put_there_later_is_waited_for(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"check_inputs": True})
    inputs = [{**one, "s3Uri": one["s3Uri"].replace("train", "later")} for one in training()["spec"]["inputs"]]
    world.apply(training(inputs=inputs))
    status = world.wait_for("ctrain", "digits", "WaitingForData")
    assert "No S3 objects found under S3 URL" in condition(status, "Reconciling")["message"]
    world.s3.put_object(Bucket="classifier-tests", Key="later/images.rec", Body=b"not looked at")
    world.wait_for("ctrain", "digits", "Completed")
    world.aws.change_settings(training={"check_inputs": False})


def test_a_spec_that_aws_refuses_stalls_with_its_words(world: World, operator: OperatorProcess) -> None:
    words = "1 validation error detected: something is wrong"
    refuse(world, "CreateTrainingJob", ("ValidationException", words), 1)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "InvalidSpec", of="Stalled")
    assert words in condition(status, "Stalled")["message"]
    operator.wait_for_more("sweep_seconds_count", 3)
    assert world.calls("CreateTrainingJob") == 1
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    world.wait_for("ctrain", "digits", "Completed")


def test_a_refused_spec_is_not_sent_again_after_a_restart(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    refuse(world, "CreateTrainingJob", ("ValidationException", "1 validation error detected: wrong"), 1)
    world.apply(training())
    world.wait_for("ctrain", "digits", "InvalidSpec", of="Stalled")
    operator.kill()
    start()
    world.apply(training("other"))
    world.wait_for("ctrain", "other", "Completed")
    assert world.calls("CreateTrainingJob") == 2


@pytest.mark.parametrize("kind", ["error", "unavailable", "reset"])
def test_an_outage_of_aws_is_sat_out(world: World, operator: OperatorProcess, kind: str) -> None:
    world.aws.change_settings(training={"training_seconds": 300})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    before = world.status("ctrain", "digits")["conditions"]
    world.aws.outage(kind)  # type: ignore[arg-type]  # one of its literals
    operator.wait_for_more("sweep_seconds_count", 8)
    assert world.status("ctrain", "digits")["conditions"] == before
    world.apply(training("other"))
    until(lambda: world.calls("CreateTrainingJob") >= 2, "a creation in vain")
    world.aws.outage("")
    for name in ("digits", "other"):
        world.wait_for("ctrain", name, "Completed")
    assert sorted(world.jobs()) == ["Completed", "Completed"]
