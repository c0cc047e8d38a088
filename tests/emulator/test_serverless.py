"""Serverless variants and data capture: what is refused, what Describe shows."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control
from tests.emulator.builders import OTHER_IMAGE, ROLE, create_config, create_model, refusal, serverless, variant

MEMORY = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
CAPTURE = {
    "InitialSamplingPercentage": 20,
    "DestinationS3Uri": "s3://models/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


def deploy(sagemaker: Any, control: Control, *variants: dict[str, Any], **members: Any) -> None:
    create_model(sagemaker)
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=list(variants), **members)
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(300)


def describe(sagemaker: Any) -> dict[str, Any]:
    return dict(sagemaker.describe_endpoint(EndpointName="endpoint"))


def test_serverless_variant(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, serverless())
    shown = describe(sagemaker)["ProductionVariants"][0]
    assert shown["CurrentServerlessConfig"] == MEMORY
    assert not {"CurrentInstanceCount", "DesiredInstanceCount"} & set(shown)


def test_serverless_update(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, serverless())
    more = {"MemorySizeInMB": 4096, "MaxConcurrency": 10}
    create_config(sagemaker, "next", serverless(more))
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    assert describe(sagemaker)["ProductionVariants"][0]["CurrentServerlessConfig"] == MEMORY
    control.advance(300)
    assert describe(sagemaker)["ProductionVariants"][0]["CurrentServerlessConfig"] == more


def test_concurrency_changes_in_place(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, serverless())
    wanted = [{"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 9}}]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="endpoint", DesiredWeightsAndCapacities=wanted)
    control.advance(120)
    assert describe(sagemaker)["ProductionVariants"][0]["CurrentServerlessConfig"]["MaxConcurrency"] == 9


@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param({"MemorySizeInMB": 1500, "MaxConcurrency": 5}, "must be one of 1024, 2048", id="memory"),
        pytest.param({"MemorySizeInMB": 7168, "MaxConcurrency": 5}, "less than or equal to 6144", id="much-memory"),
        pytest.param({"MemorySizeInMB": 1024, "MaxConcurrency": 201}, "less than or equal to 200", id="concurrency"),
        pytest.param({"MemorySizeInMB": 1024}, "'productionVariants.1.member.serverlessConfig.maxConc", id="missing"),
        pytest.param({**MEMORY, "ProvisionedConcurrency": 6}, "less than or equal to MaxConcurrency", id="provisioned"),
    ],
)
def test_wrong_serverless_configuration(sagemaker: Any, config: dict[str, Any], words: str) -> None:
    params = {"EndpointConfigName": "config", "ProductionVariants": [serverless(config)]}
    assert words in refusal(sagemaker.create_endpoint_config, **params)[1]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        pytest.param(
            {"ProductionVariants": [serverless(), variant("b")]}, "multiple production variants", id="variants"
        ),
        pytest.param({"DataCaptureConfig": CAPTURE}, "do not support data capture", id="data-capture"),
        pytest.param({"ProductionVariants": [serverless(InstanceType="ml.m5.large")]}, "InstanceType", id="instances"),
    ],
)
def test_what_serverless_endpoints_exclude(sagemaker: Any, members: dict[str, Any], words: str) -> None:
    create_model(sagemaker)
    params = {"EndpointConfigName": "config", "ProductionVariants": [serverless()], **members}
    assert words in refusal(sagemaker.create_endpoint_config, **params)[1]


@pytest.mark.parametrize(
    "network",
    [{"EnableNetworkIsolation": True}, {"VpcConfig": {"Subnets": ["s-1"], "SecurityGroupIds": ["g-1"]}}],
    ids=["isolated", "vpc"],
)
def test_serverless_model_without_network(sagemaker: Any, network: dict[str, Any]) -> None:
    container = {"Image": OTHER_IMAGE}
    sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container, **network)
    params = {"EndpointConfigName": "config", "ProductionVariants": [serverless()]}
    assert "neither a VPC nor network isolation" in refusal(sagemaker.create_endpoint_config, **params)[1]


def test_instances_cannot_become_serverless(sagemaker: Any, endpoint: str) -> None:
    create_config(sagemaker, "next", serverless())
    params = {"EndpointName": endpoint, "EndpointConfigName": "next"}
    assert "cannot be updated to a serverless" in refusal(sagemaker.update_endpoint, **params)[1]


def test_serverless_can_get_instances(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, serverless())
    create_config(sagemaker, "next", variant())
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    control.advance(300)
    assert describe(sagemaker)["ProductionVariants"][0]["CurrentInstanceCount"] == 1


@pytest.mark.parametrize(
    ("changes", "enabled"), [({}, True), ({"EnableCapture": True}, True), ({"EnableCapture": False}, False)]
)
def test_data_capture_is_shown(sagemaker: Any, control: Control, changes: dict[str, bool], enabled: bool) -> None:
    deploy(sagemaker, control, variant(), DataCaptureConfig={**CAPTURE, **changes})
    assert describe(sagemaker)["DataCaptureConfig"] == {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": 20,
        "DestinationS3Uri": "s3://models/captured",
        "KmsKeyId": "",
    }
    config = sagemaker.describe_endpoint_config(EndpointConfigName="config")
    assert config["DataCaptureConfig"] == {**CAPTURE, **changes}


def test_data_capture_follows_the_configuration(sagemaker: Any, control: Control) -> None:
    deploy(sagemaker, control, variant(), DataCaptureConfig=CAPTURE)
    create_config(sagemaker, "next")
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    assert "DataCaptureConfig" in describe(sagemaker)
    control.advance(300)
    assert "DataCaptureConfig" not in describe(sagemaker)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"InitialSamplingPercentage": 101}, "less than or equal to 100", id="percent"),
        pytest.param({"CaptureOptions": []}, "length greater than or equal to 1", id="no-option"),
        pytest.param({"CaptureOptions": [{"CaptureMode": "Both"}]}, "enum value set", id="option"),
        pytest.param({"DestinationS3Uri": "bucket"}, "regular expression pattern", id="destination"),
    ],
)
def test_wrong_data_capture(sagemaker: Any, changes: dict[str, Any], words: str) -> None:
    params = {"EndpointConfigName": "config", "ProductionVariants": [variant()]}
    code, message = refusal(sagemaker.create_endpoint_config, **params, DataCaptureConfig={**CAPTURE, **changes})
    assert (code, words in message) == ("ValidationException", True), message
