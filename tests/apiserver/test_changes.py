"""Edits, suspension, refusals and failures, on real parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.apiserver.operator_process import OperatorProcess
from tests.apiserver.world import World, condition, endpoint, reason_of, training, until


def test_a_changed_spec_starts_another_run(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    first = world.wait_for("ctrain", "digits", "Completed")
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    world.wait_for("ctrain", "digits", "Starting")
    second = world.wait_for("ctrain", "digits", "Completed")
    assert second["jobName"] != first["jobName"]
    assert [run["jobName"] for run in second["history"]] == [second["jobName"], first["jobName"]]


def test_a_changed_spec_stops_the_run_under_way(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    first = world.wait_for("ctrain", "digits", "Training")
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    until(lambda: ("training-jobs", first["jobName"], "Stopped") in world.remaining(), "the first job to be stopped")
    assert world.status("ctrain", "digits")["jobName"] != first["jobName"]


def test_a_label_changes_nothing_at_aws(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    world.aws.clear_calls()
    world.kubectl("label", "ctrain", "digits", "team=vision")
    world.kubectl("annotate", "ctrain", "digits", "note=hello")
    assert world.calls("CreateTrainingJob") == 0


def test_the_retrain_annotation_starts_another_run(world: World, operator: OperatorProcess) -> None:
    world.apply(training())
    first = world.wait_for("ctrain", "digits", "Completed")
    world.kubectl("annotate", "ctrain", "digits", "classifiers.sagemaker.dev/retrain=now")
    until(lambda: world.status("ctrain", "digits")["jobName"] != first["jobName"], "another run")
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 2


def test_a_suspended_training_stops_and_resumes(world: World, operator: OperatorProcess) -> None:
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    world.wait_for("ctrain", "digits", "Training")
    world.patch_spec("ctrain", "digits", {"suspend": True})
    world.wait_for("ctrain", "digits", "Suspended")
    world.aws.change_settings(training={"training_seconds": 60})
    world.patch_spec("ctrain", "digits", {"suspend": False})
    assert world.wait_for("ctrain", "digits", "Completed")["attempt"] == 2


def test_a_new_model_rolls_the_endpoint(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), endpoint())
    before = world.wait_for("cep", "digits", "InService")
    world.patch_spec("ctrain", "digits", {"hyperparameters": {"epochs": 3}})
    until(
        lambda: (
            world.status("cep", "digits")["endpointConfigName"] != before["endpointConfigName"]
            and reason_of(world.status("cep", "digits"), "Reconciling") == ""
        ),
        "the endpoint to follow",
    )
    assert world.calls("CreateEndpoint") == 1
    until(lambda: [kind for kind, _, _ in world.remaining()].count("models") == 1, "the old model to be deleted")


def test_an_update_keeps_the_endpoint_ready(world: World, operator: OperatorProcess) -> None:
    world.apply(training(), endpoint())
    world.wait_for("cep", "digits", "InService")
    world.patch_spec("cep", "digits", {"instanceType": "ml.m5.xlarge"})
    status = world.wait_for("cep", "digits", "Updating", of="Reconciling")
    assert condition(status, "Ready")["status"] == "True"


def test_a_spec_that_aws_refuses_stalls_with_its_words(world: World, operator: OperatorProcess) -> None:
    words = "1 validation error detected: something is wrong"
    world.aws.fail_next("CreateTrainingJob", code="ValidationException", message=words, status=400)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "InvalidSpec", of="Stalled")
    assert words in condition(status, "Stalled")["message"]
    assert world.calls("CreateTrainingJob") == 1


def test_a_refused_spec_is_not_sent_again_after_a_restart(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.fail_next("CreateTrainingJob", code="ValidationException", message="wrong", status=400)
    world.apply(training())
    world.wait_for("ctrain", "digits", "InvalidSpec", of="Stalled")
    operator.kill()
    start()
    world.apply(training("other"))
    world.wait_for("ctrain", "other", "Completed")
    assert world.calls("CreateTrainingJob") == 2


def test_a_quota_is_waited_for(world: World, operator: OperatorProcess) -> None:
    world.aws.set_quota("ml.p3.2xlarge", "training job", 0)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "WaitingForQuota")
    assert "ml.p3.2xlarge for training job usage" in condition(status, "Reconciling")["message"]
    world.aws.set_quota("ml.p3.2xlarge", "training job", None)
    world.wait_for("ctrain", "digits", "Completed")


def test_throttling_is_waited_out(world: World, operator: OperatorProcess) -> None:
    world.aws.fail_next("CreateTrainingJob", 2, code="ThrottlingException", message="Rate exceeded", status=400)
    world.apply(training())
    world.wait_for("ctrain", "digits", "Completed")
    assert world.calls("CreateTrainingJob") == 3


def test_a_failed_job_stalls_with_its_reason(world: World, operator: OperatorProcess) -> None:
    world.aws.order("training", "fail", "ClientError: too few images, exit code: 2")
    world.apply(training())
    status = world.wait_for("ctrain", "digits", "JobFailed", of="Stalled")
    assert status["failureReason"] == "ClientError: too few images, exit code: 2"
    assert world.calls("CreateTrainingJob") == 1


@pytest.mark.parametrize(
    ("result", "reason"), [("stop", "JobStopped"), ("max_runtime", "MaxRuntimeExceeded")], ids=["stopped", "too long"]
)
def test_a_job_that_was_stopped_is_no_success(
    world: World, operator: OperatorProcess, result: str, reason: str
) -> None:
    world.aws.order("training", result)
    world.apply(training())
    status = world.wait_for("ctrain", "digits", reason, of="Stalled")
    assert condition(status, "Ready")["status"] == "False"


def test_a_name_that_is_taken_is_left_alone(world: World, start: Callable[..., OperatorProcess]) -> None:
    operator = start()
    world.aws.change_settings(training={"training_seconds": 3600})
    world.apply(training())
    job = world.wait_for("ctrain", "digits", "Training")["jobArn"]
    operator.kill()
    _give_to_a_stranger(world, job)
    world.kubectl("patch", "ctrain", "digits", "--subresource=status", "--type=merge", "-p", '{"status": null}')
    start()
    status = world.wait_for("ctrain", "digits", "NameTaken", of="Stalled")
    assert "somebody/else" in condition(status, "Stalled")["message"]
    world.delete("ctrain", "digits")
    assert [status for _, _, status in world.remaining()] == ["InProgress"]


def test_a_namespaces_annotations_are_the_defaults(world: World, start: Callable[..., OperatorProcess]) -> None:
    world.cluster.kubectl("annotate", "namespace", world.namespace, "classifiers.sagemaker.dev/region=eu-west-1")
    start("--role-arn", "arn:aws:iam::123456789012:role/Default")
    world.apply(training(region=None, roleArn=None))
    status = world.wait_for("ctrain", "digits", "Completed")
    assert status["jobArn"].startswith("arn:aws:sagemaker:eu-west-1:")


def _give_to_a_stranger(world: World, arn: str) -> None:
    import boto3

    sagemaker = boto3.client(
        "sagemaker",
        endpoint_url=world.aws.url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    tags = {"classifiers.sagemaker.dev/uid": "another", "classifiers.sagemaker.dev/object": "somebody/else"}
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
