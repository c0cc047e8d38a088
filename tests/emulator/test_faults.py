"""Trouble on request: what clients see, and what took effect."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError

from sagemaker_emulator.control import Control
from sagemaker_emulator.faults import TokenBucket
from tests.emulator.builders import BUCKET, refusal, training

THROTTLED = ("ThrottlingException", "Rate exceeded")


def job_names(control: Control) -> list[str]:
    return [item["name"] for item in control.resources() if item["kind"] == "training-jobs"]


def test_token_bucket() -> None:
    bucket = TokenBucket(rate=2, burst=3, now=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_throttle_by_operation(sagemaker: Any, control: Control) -> None:
    control.throttle("ListTrainingJobs", rate=0.001, burst=2)
    sagemaker.list_training_jobs()
    sagemaker.list_training_jobs()
    with pytest.raises(ClientError) as caught:
        sagemaker.list_training_jobs()
    assert caught.value.response["Error"] == {"Code": THROTTLED[0], "Message": THROTTLED[1]}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    sagemaker.list_models()


def test_throttle_is_lifted(sagemaker: Any, control: Control) -> None:
    control.throttle("ListModels", rate=0.001, burst=1)
    sagemaker.list_models()
    control.throttle("ListModels", rate=0, burst=0)
    sagemaker.list_models()


def test_random_throttle(sagemaker: Any, control: Control) -> None:
    control.throttle_randomly(1.0)
    assert refusal(sagemaker.list_models) == THROTTLED
    control.throttle_randomly(0.0)
    sagemaker.list_models()


@pytest.mark.parametrize(
    ("when", "exists"),
    [pytest.param("before", [], id="before"), pytest.param("after", ["job"], id="after")],
)
def test_failure_before_and_after_the_effect(sagemaker: Any, control: Control, when: Any, exists: list[str]) -> None:
    control.fail_next("CreateTrainingJob", when=when)
    assert refusal(sagemaker.create_training_job, **training())[0] == "InternalFailure"
    assert job_names(control) == exists
    assert [call["effect"] for call in control.calls("CreateTrainingJob")] == [bool(exists)]


@pytest.mark.parametrize(
    ("when", "exists"),
    [pytest.param("before", [], id="before"), pytest.param("after", ["job"], id="after")],
)
def test_connection_cut_before_and_after_the_effect(
    sagemaker: Any, control: Control, when: Any, exists: list[str]
) -> None:
    control.fail_next("CreateTrainingJob", when=when, reset=True)
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        sagemaker.create_training_job(**training())
    assert job_names(control) == exists


def test_only_the_next_calls_fail(sagemaker: Any, control: Control) -> None:
    control.fail_next("ListModels", 2, code="AccessDeniedException", message="No.", status=400)
    assert [refusal(sagemaker.list_models) for _ in range(2)] == [("AccessDeniedException", "No.")] * 2
    sagemaker.list_models()


def test_failure_until_cleared(sagemaker: Any, control: Control) -> None:
    control.fail_next("Delete*", None, code="AccessDeniedException", status=400)
    for _ in range(3):
        assert refusal(sagemaker.delete_model, ModelName="model")[0] == "AccessDeniedException"
    control.clear_faults()
    assert refusal(sagemaker.delete_model, ModelName="model")[0] == "ValidationException"


def test_failure_of_one_resource(sagemaker: Any, control: Control) -> None:
    control.fail_next("CreateTrainingJob", resource="unlucky-*")
    sagemaker.create_training_job(**training("lucky"))
    assert refusal(sagemaker.create_training_job, **training("unlucky-1"))[0] == "InternalFailure"


def test_latency(sagemaker: Any, control: Control) -> None:
    control.latency("ListModels", 0.2)
    began = time.monotonic()
    sagemaker.list_models()
    assert time.monotonic() - began >= 0.2
    control.latency("ListModels", 0)
    assert control.faults()["latencies"] == {}


@pytest.mark.parametrize(
    ("kind", "status"), [pytest.param("error", 500, id="500"), pytest.param("unavailable", 503, id="503")]
)
def test_outage_of_every_service(sagemaker: Any, s3: Any, control: Control, kind: Any, status: int) -> None:
    control.outage(kind)
    for call in (sagemaker.list_models, s3.list_buckets):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    control.outage("")
    sagemaker.list_models()


def test_outage_by_cut_connections(sagemaker: Any, control: Control) -> None:
    control.outage("reset")
    with pytest.raises((ConnectionClosedError, HTTPClientError)):
        sagemaker.list_models()


@pytest.mark.parametrize(
    ("service", "operation", "call"),
    [
        pytest.param("s3", "s3.PUT", lambda c: c.put_object(Bucket=BUCKET, Key="k", Body=b""), id="s3"),
        pytest.param("sts", "sts.GetCallerIdentity", lambda c: c.get_caller_identity(), id="sts"),
        pytest.param("logs", "logs.DescribeLogGroups", lambda c: c.describe_log_groups(), id="logs"),
        pytest.param("sqs", "sqs.ListQueues", lambda c: c.list_queues(), id="sqs"),
    ],
)
def test_other_services_fail_in_their_own_protocol(
    s3: Any, clients: Any, control: Control, service: str, operation: str, call: Any
) -> None:
    control.fail_next(operation, code="AccessDenied", message="No.", status=403)
    with pytest.raises(ClientError) as caught:
        call(clients(service))
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert caught.value.response["Error"]["Message"] == "No."
    assert control.outcome_counts()[f"{operation}:AccessDenied"] == 1
