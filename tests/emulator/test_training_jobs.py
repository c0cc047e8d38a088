"""Training jobs over HTTP: states by the clock, refusals with their words, what Describe shows."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator import errors
from sagemaker_emulator.control import Control
from tests.emulator.builders import BUCKET, ROLE, arn, refusal, training

NOT_FOUND = ("ValidationException", "Requested resource not found.")


@pytest.fixture(autouse=True)
def _bucket(s3: Any) -> None:
    """Every job that completes writes an artifact."""


def status(sagemaker: Any, name: str = "job") -> tuple[str, str]:
    job = sagemaker.describe_training_job(TrainingJobName=name)
    return job["TrainingJobStatus"], job["SecondaryStatus"]


def test_states_over_time(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    seen = [status(sagemaker)]
    for seconds in (60, 20, 120, 10):
        control.advance(seconds)
        seen.append(status(sagemaker))
    assert seen == [
        ("InProgress", "Starting"),
        ("InProgress", "Downloading"),
        ("InProgress", "Training"),
        ("InProgress", "Uploading"),
        ("Completed", "Completed"),
    ]


def test_completed_job(sagemaker: Any, control: Control, s3: Any) -> None:
    sagemaker.create_training_job(**training())
    control.advance(300)
    job = sagemaker.describe_training_job(TrainingJobName="job")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{BUCKET}/output/job/output/model.tar.gz"
    assert s3.head_object(Bucket=BUCKET, Key="output/job/output/model.tar.gz")["ContentLength"] > 0
    assert (job["TrainingTimeInSeconds"], job["BillableTimeInSeconds"]) == (150, 150)
    assert (job["TrainingEndTime"] - job["CreationTime"]).total_seconds() == pytest.approx(210, abs=0.01)
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]][-2:] == ["Uploading", "Completed"]


def test_what_was_asked_for_is_shown_with_defaults(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training(HyperParameters={"epochs": "2"}, Environment={"A": "b"}))
    job = sagemaker.describe_training_job(TrainingJobName="job")
    assert (job["HyperParameters"], job["Environment"]) == ({"epochs": "2"}, {"A": "b"})
    assert job["OutputDataConfig"]["CompressionType"] == "GZIP"
    assert job["EnableNetworkIsolation"] is False
    assert "ModelArtifacts" not in job


def test_stop(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    control.advance(100)
    sagemaker.stop_training_job(TrainingJobName="job")
    assert status(sagemaker) == ("Stopping", "Training")
    transitions = sagemaker.describe_training_job(TrainingJobName="job")["SecondaryStatusTransitions"]
    assert [one["Status"] for one in transitions] == ["Starting", "Downloading", "Training"]
    control.advance(5)
    assert status(sagemaker) == ("Stopping", "Stopping")
    sagemaker.stop_training_job(TrainingJobName="job")
    control.advance(30)
    assert status(sagemaker) == ("Stopped", "Stopped")


def test_job_that_is_about_to_finish_completes_although_stopped(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    control.advance(205)
    sagemaker.stop_training_job(TrainingJobName="job")
    control.advance(10)
    assert status(sagemaker) == ("Completed", "Completed")


@pytest.mark.parametrize("operation", ["describe_training_job", "stop_training_job", "delete_training_job"])
def test_unknown_name(sagemaker: Any, operation: str) -> None:
    assert refusal(getattr(sagemaker, operation), TrainingJobName="none") == NOT_FOUND


def test_name_is_used_up(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training())
    assert refusal(sagemaker.create_training_job, **training()) == (
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region, and a training job with this name "
        f"already exists ({arn('training-job', 'job')})",
    )


def test_stop_of_an_ended_job(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    control.advance(300)
    assert refusal(sagemaker.stop_training_job, TrainingJobName="job") == (
        "ValidationException",
        "The request was rejected because the training job is in status Completed.",
    )


def test_delete_frees_the_name(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    control.advance(300)
    sagemaker.delete_training_job(TrainingJobName="job")
    assert status(sagemaker)[0] == "Deleting"
    control.advance(10)
    assert refusal(sagemaker.describe_training_job, TrainingJobName="job") == NOT_FOUND
    sagemaker.create_training_job(**training())
    assert status(sagemaker) == ("InProgress", "Starting")


def test_delete_of_a_running_job(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training())
    assert refusal(sagemaker.delete_training_job, TrainingJobName="job")[0] == "ResourceInUse"


def test_warm_pool(sagemaker: Any, control: Control) -> None:
    resources = {**training()["ResourceConfig"], "KeepAlivePeriodInSeconds": 600}
    sagemaker.create_training_job(**training(ResourceConfig=resources))
    control.advance(300)
    assert warm_pool(sagemaker)["Status"] == "Available"
    assert refusal(sagemaker.delete_training_job, TrainingJobName="job")[0] == "ResourceInUse"
    sagemaker.update_training_job(TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    sagemaker.delete_training_job(TrainingJobName="job")


def test_warm_pool_ends(sagemaker: Any, control: Control) -> None:
    resources = {**training()["ResourceConfig"], "KeepAlivePeriodInSeconds": 600}
    sagemaker.create_training_job(**training(ResourceConfig=resources))
    control.advance(900)
    assert warm_pool(sagemaker) == {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}
    params = {"TrainingJobName": "job", "ResourceConfig": {"KeepAlivePeriodInSeconds": 5}}
    assert refusal(sagemaker.update_training_job, **params)[0] == "ValidationException"


def warm_pool(sagemaker: Any) -> dict[str, Any]:
    return dict(sagemaker.describe_training_job(TrainingJobName="job")["WarmPoolStatus"])


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        pytest.param("fail", ("Failed", "Failed"), id="fail"),
        pytest.param("stop", ("Stopped", "Stopped"), id="stop"),
        pytest.param("max_runtime", ("Stopped", "MaxRuntimeExceeded"), id="max-runtime"),
        pytest.param("max_wait", ("Stopped", "MaxWaitTimeExceeded"), id="max-wait"),
    ],
)
def test_ordered_ending(sagemaker: Any, control: Control, result: Any, expected: tuple[str, str]) -> None:
    control.order("training", result, name="jo?")
    sagemaker.create_training_job(**training("other"))
    sagemaker.create_training_job(**training())
    control.advance(300)
    assert (status(sagemaker), status(sagemaker, "other")[0]) == (expected, "Completed")


def test_ordered_failure_reason(sagemaker: Any, control: Control) -> None:
    control.order("training", "fail", "AlgorithmError: out of luck, exit code: 1")
    sagemaker.create_training_job(**training())
    control.advance(300)
    job = sagemaker.describe_training_job(TrainingJobName="job")
    assert job["FailureReason"] == "AlgorithmError: out of luck, exit code: 1"


def test_running_job_is_ended_by_hand(sagemaker: Any, control: Control) -> None:
    sagemaker.create_training_job(**training())
    control.advance(100)
    control.end_training("job", "fail", "InternalServerError")
    assert status(sagemaker) == ("Failed", "Failed")


def test_spot_interruption(sagemaker: Any, control: Control) -> None:
    control.order("training", "interrupt", after_seconds=10)
    sagemaker.create_training_job(**training())
    control.advance(95)
    assert status(sagemaker) == ("InProgress", "Interrupted")
    control.advance(400)
    job = sagemaker.describe_training_job(TrainingJobName="job")
    assert job["TrainingJobStatus"] == "Completed"
    assert [t["Status"] for t in job["SecondaryStatusTransitions"]].count("Training") == 2


def test_quota(sagemaker: Any, control: Control) -> None:
    control.set_quota("ml.p2.xlarge", "training job", 1)
    sagemaker.create_training_job(**training())
    code, message = refusal(sagemaker.create_training_job, **training("second"))
    assert code == "ResourceLimitExceeded"
    assert message.startswith(
        "The account-level service limit 'ml.p2.xlarge for training job usage' is 1 Instances, with current "
        "utilization of 1 Instances and a request delta of 1 Instances. Please "
    )
    control.advance(300)
    sagemaker.create_training_job(**training("second"))


def test_job_waits_for_capacity_and_gets_it(sagemaker: Any, control: Control) -> None:
    control.set_shortage("ml.p2.xlarge", "training job")
    sagemaker.create_training_job(**training())
    control.advance(300)
    job = sagemaker.describe_training_job(TrainingJobName="job")
    assert job["SecondaryStatus"] == "Pending"
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == errors.CAPACITY_WAIT
    control.set_shortage("ml.p2.xlarge", "training job", short=False)
    control.advance(300)
    assert status(sagemaker) == ("Completed", "Completed")


def test_capacity_that_never_comes(sagemaker: Any, control: Control) -> None:
    control.set_shortage("ml.p2.xlarge", "training job")
    sagemaker.create_training_job(**training())
    control.advance(2000)
    job = sagemaker.describe_training_job(TrainingJobName="job")
    assert (job["TrainingJobStatus"], job["FailureReason"]) == ("Failed", errors.CAPACITY_FAILURE)


def test_role_that_does_not_exist(sagemaker: Any, control: Control) -> None:
    control.change_settings(strict_roles=True)
    assert refusal(sagemaker.create_training_job, **training()) == (
        "ValidationException",
        f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role.",
    )


@pytest.mark.parametrize(
    ("service", "accepted"),
    [pytest.param("sagemaker.amazonaws.com", True, id="trusts"), pytest.param("ec2.amazonaws.com", False, id="other")],
)
def test_role_with_a_trust_policy(sagemaker: Any, clients: Any, control: Control, service: str, accepted: bool) -> None:
    control.change_settings(strict_roles=True)
    trust = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", '
        f'"Principal": {{"Service": "{service}"}}}}]}}'
    )
    clients("iam").create_role(RoleName="SageMakerExecution", AssumeRolePolicyDocument=trust)
    if accepted:
        sagemaker.create_training_job(**training())
    else:
        assert "Could not assume role" in refusal(sagemaker.create_training_job, **training())[1]


def test_input_that_is_not_there_is_refused_on_request(sagemaker: Any, control: Control) -> None:
    control.change_settings(training={"check_inputs": True})
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    code, message = refusal(sagemaker.create_training_job, **training(InputDataConfig=[channel]))
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "s3://{BUCKET}/train" given in input data source.')
