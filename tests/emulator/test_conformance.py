"""Every answer fits the service model's own output shape: required members are there, values are allowed ones."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator import validation, wire
from sagemaker_emulator.control import Control
from sagemaker_emulator.server import Emulator
from tests.emulator.builders import arn, create_config, training, variant
from tests.emulator.test_validation import post


@pytest.fixture
def populated(sagemaker: Any, s3: Any, control: Control, endpoint: str) -> None:
    """One resource of each kind, the endpoint in the middle of an update."""
    sagemaker.create_training_job(**training(InputDataConfig=[channel()], Tags=[{"Key": "team", "Value": "a"}]))
    control.advance(300)
    create_config(sagemaker, "next", variant())
    traffic = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 100}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic}}
    sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName="next", DeploymentConfig=policy)


def channel() -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://models/train", "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}}


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("DescribeTrainingJob", b'{"TrainingJobName": "job"}'),
        ("DescribeModel", b'{"ModelName": "model"}'),
        ("DescribeEndpointConfig", b'{"EndpointConfigName": "next"}'),
        ("DescribeEndpoint", b'{"EndpointName": "endpoint"}'),
        ("ListTrainingJobs", b"{}"),
        ("ListModels", b"{}"),
        ("ListEndpointConfigs", b"{}"),
        ("ListEndpoints", b"{}"),
        ("ListTags", f'{{"ResourceArn": "{arn("training-job", "job")}"}}'.encode()),
    ],
)
def test_answer_fits_the_model(emulator: Emulator, populated: None, operation: str, body: bytes) -> None:
    status, answer = post(emulator.url, operation, body)
    assert status == 200
    validation.check(wire.service_model("sagemaker").operation_model(operation).output_shape, answer)


def test_answer_has_a_request_id(sagemaker: Any) -> None:
    assert len(sagemaker.list_models()["ResponseMetadata"]["RequestId"]) == 36
