"""Input that breaks the service model's rules, and the words in which it is refused."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from sagemaker_emulator.server import Emulator
from tests.emulator.builders import ROLE, refusal, training, variant

NAME = "[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
CHANNEL = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3DataType": "Folder", "S3Uri": "s3://bucket/train"}},
}
RESOURCES = {"InstanceType": "ml.p2.xlarge", "InstanceCount": -1, "VolumeSizeInGB": 50}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {"TrainingJobName": "-bad_name!"},
            f"Value '-bad_name!' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular "
            f"expression pattern: {NAME}",
            id="pattern",
        ),
        pytest.param(
            {"RoleArn": None},
            "Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
            id="required",
        ),
        pytest.param(
            {"OutputDataConfig": {"S3OutputPath": "s3://bucket/out", "CompressionType": "ZIP"}},
            "Value 'ZIP' at 'outputDataConfig.compressionType' failed to satisfy constraint: Member must satisfy enum "
            "value set: [GZIP, NONE]",
            id="enum",
        ),
        pytest.param(
            {"ResourceConfig": RESOURCES},
            "Value '-1' at 'resourceConfig.instanceCount' failed to satisfy constraint: Member must have value "
            "greater than or equal to 0",
            id="minimum",
        ),
        pytest.param(
            {"ResourceConfig": {**RESOURCES, "InstanceCount": 1, "KeepAlivePeriodInSeconds": 21601}},
            "Value '21601' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have "
            "value less than or equal to 21600",
            id="maximum",
        ),
        pytest.param(
            {"InputDataConfig": []},
            "Value '[]' at 'inputDataConfig' failed to satisfy constraint: Member must have length greater than or "
            "equal to 1",
            id="list-too-short",
        ),
        pytest.param(
            {"InputDataConfig": [CHANNEL]},
            "Value 'Folder' at 'inputDataConfig.1.member.dataSource.s3DataSource.s3DataType' failed to satisfy "
            "constraint: Member must satisfy enum value set: [ManifestFile, S3Prefix, AugmentedManifestFile, Converse]",
            id="nested-in-a-list",
        ),
        pytest.param(
            {"HyperParameters": {"epochs": "1" * 2501}},
            f"Value '{'1' * 2501}' at 'hyperParameters.epochs.member' failed to satisfy constraint: Member must have "
            "length less than or equal to 2500",
            id="map-value",
        ),
        pytest.param(
            {"Tags": [{"Key": "a;b", "Value": "c"}]},
            "Value 'a;b' at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression "
            r"pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)",
            id="unicode-pattern",
        ),
    ],
)
def test_refused_member(sagemaker: Any, changes: dict[str, Any], expected: str) -> None:
    code, message = refusal(sagemaker.create_training_job, **training(**changes))
    assert (code, message) == ("ValidationException", f"1 validation error detected: {expected}")


def test_every_violation_is_named(sagemaker: Any) -> None:
    _, message = refusal(sagemaker.create_training_job, **training("-bad", RoleArn="x"))
    assert message.startswith("3 validation errors detected: ")
    assert message.count("; Value ") == 2


def test_name_that_is_too_long(sagemaker: Any) -> None:
    _, message = refusal(sagemaker.describe_training_job, TrainingJobName="a" * 64)
    assert "Member must have length less than or equal to 63" in message


def test_unicode_tag_is_accepted(sagemaker: Any) -> None:
    sagemaker.create_training_job(**training(Tags=[{"Key": "größe", "Value": "日本 1"}]))


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        pytest.param(b"{", "SerializationException", "The request body is not valid JSON.", id="no-json"),
        pytest.param(b"[]", "SerializationException", "Start of structure or map found where not expected.", id="list"),
        pytest.param(
            b'{"TrainingJobName": 5}',
            "SerializationException",
            "NUMBER_VALUE can not be converted to a String",
            id="number-for-string",
        ),
        pytest.param(
            b'{"TrainingJobName": "job", "Nmae": 1}',
            "ValidationException",
            "1 validation error detected: Value at 'nmae' failed to satisfy constraint: Member must be one of: "
            "[TrainingJobName]",
            id="unknown-member",
        ),
    ],
)
def test_body_that_no_sdk_would_send(emulator: Emulator, body: bytes, code: str, message: str) -> None:
    status, answer = post(emulator.url, "DescribeTrainingJob", body)
    assert (status, answer["__type"], answer["message"]) == (400, code, message)


def test_operation_that_is_not_emulated(emulator: Emulator) -> None:
    status, answer = post(emulator.url, "CreateNotebookInstance", b"{}")
    assert (status, answer["__type"]) == (400, "UnknownOperationException")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "exactly one of", id="no-image"),
        pytest.param({"ResourceConfig": None}, "ResourceConfig requires InstanceType", id="no-resources"),
        pytest.param({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds", id="spot-without-wait"),
        pytest.param(
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 70}},
            "only be set when EnableManagedSpotTraining",
            id="wait-without-spot",
        ),
        pytest.param(
            {
                "InputDataConfig": [
                    {
                        "ChannelName": "train",
                        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/x"}},
                    }
                ]
                * 2
            },
            "'train' is given more than once",
            id="channel-twice",
        ),
    ],
)
def test_refused_combination_in_a_training(sagemaker: Any, changes: dict[str, Any], words: str) -> None:
    code, message = refusal(sagemaker.create_training_job, **training(**changes))
    assert code == "ValidationException"
    assert words in message


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        pytest.param([variant("a"), variant("a")], "'a' is given more than once", id="name-twice"),
        pytest.param([variant(InstanceType=None)], "requires InstanceType", id="no-instance"),
        pytest.param([variant(InitialInstanceCount=None)], "requires InitialInstanceCount", id="no-count"),
        pytest.param(
            [variant(ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5})],
            "cannot be combined with InitialInstanceCount, InstanceType",
            id="serverless-with-instances",
        ),
    ],
)
def test_refused_combination_in_a_configuration(sagemaker: Any, variants: list[Any], words: str) -> None:
    params = {"EndpointConfigName": "config", "ProductionVariants": variants}
    code, message = refusal(sagemaker.create_endpoint_config, **params)
    assert code == "ValidationException"
    assert words in message


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"ExecutionRoleArn": ROLE}, "exactly one of", id="no-container"),
        pytest.param({"PrimaryContainer": {"Image": "a/b:1"}}, "ExecutionRoleArn is required", id="no-role"),
        pytest.param(
            {"ExecutionRoleArn": ROLE, "PrimaryContainer": {}},
            "Specify one of either Image and Model Data URL",
            id="no-image",
        ),
    ],
)
def test_refused_combination_in_a_model(sagemaker: Any, params: dict[str, Any], words: str) -> None:
    code, message = refusal(sagemaker.create_model, ModelName="model", **params)
    assert code == "ValidationException"
    assert words in message


def post(url: str, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
    scope = "AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sagemaker/aws4_request"
    headers = {
        "X-Amz-Target": f"SageMaker.{operation}",
        "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
    }
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
