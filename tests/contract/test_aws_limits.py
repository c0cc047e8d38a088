"""The schema's limits are AWS's own, as the SDK's model of the service has them."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest

from tests.contract.schemas import node, pattern_of

TRAINING, ENDPOINT = "ClassifierTraining", "ClassifierEndpoint"
# JSON schema's words for what botocore's model calls min and max.
WORDS = {
    "string": ("minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "array": ("minItems", "maxItems"),
}


@pytest.fixture(scope="module")
def model() -> Any:
    """SageMaker's service model."""
    return botocore.session.get_session().get_service_model("sagemaker")


@pytest.mark.parametrize(
    ("kind", "path", "shape"),
    [
        (TRAINING, "spec.roleArn", "RoleArn"),
        (TRAINING, "spec.algorithm.image", "AlgorithmImage"),
        (TRAINING, "spec.hyperparameters.extra{}", "HyperParameterValue"),
        (TRAINING, "spec.inputs", "InputDataConfig"),
        (TRAINING, "spec.inputs[].name", "ChannelName"),
        (TRAINING, "spec.inputs[].s3Uri", "S3Uri"),
        (TRAINING, "spec.inputs[].contentType", "ContentType"),
        (TRAINING, "spec.inputs[].attributeNames", "AttributeNames"),
        (TRAINING, "spec.inputs[].attributeNames[]", "AttributeName"),
        (TRAINING, "spec.output.kmsKeyId", "KmsKeyId"),
        (TRAINING, "spec.resources.keepAlivePeriodSeconds", "KeepAlivePeriodInSeconds"),
        (TRAINING, "spec.network.subnets", "Subnets"),
        (TRAINING, "spec.network.subnets[]", "SubnetId"),
        (TRAINING, "spec.network.securityGroupIds", "VpcSecurityGroupIds"),
        (TRAINING, "spec.network.securityGroupIds[]", "SecurityGroupId"),
        (TRAINING, "spec.environment{}", "TrainingEnvironmentValue"),
        (TRAINING, "spec.tags{}", "TagValue"),
        (ENDPOINT, "spec.model.artifactS3Uri", "Url"),
        (ENDPOINT, "spec.model.image", "ContainerImage"),
        (ENDPOINT, "spec.variants", "ProductionVariantList"),
        (ENDPOINT, "spec.variants[].name", "VariantName"),
        (ENDPOINT, "spec.serverless.maxConcurrency", "ServerlessMaxConcurrency"),
        (ENDPOINT, "spec.rollout.traffic.waitSeconds", "WaitIntervalInSeconds"),
        (ENDPOINT, "spec.rollout.timeoutSeconds", "MaximumExecutionTimeoutInSeconds"),
        (ENDPOINT, "spec.rollout.alarms", "AlarmList"),
        (ENDPOINT, "spec.rollout.alarms[]", "AlarmName"),
        (ENDPOINT, "spec.dataCapture.s3Uri", "DestinationS3Uri"),
        (ENDPOINT, "spec.dataCapture.samplingPercent", "SamplingPercentage"),
    ],
)
def test_upper_limit(model: Any, kind: str, path: str, shape: str) -> None:
    found = node(kind, path)

    assert found[WORDS[found.get("type", "string")][1]] == model.shape_for(shape).metadata["max"]


@pytest.mark.parametrize(
    ("kind", "path", "shape"),
    [
        (TRAINING, "spec.inputs", "InputDataConfig"),
        (TRAINING, "spec.inputs[].name", "ChannelName"),
        (TRAINING, "spec.stopping.maxRuntimeSeconds", "MaxRuntimeInSeconds"),
        (TRAINING, "spec.spot.maxWaitSeconds", "MaxWaitTimeInSeconds"),
        (ENDPOINT, "spec.variants", "ProductionVariantList"),
        (ENDPOINT, "spec.serverless.maxConcurrency", "ServerlessMaxConcurrency"),
        (ENDPOINT, "spec.rollout.traffic.waitSeconds", "WaitIntervalInSeconds"),
        (ENDPOINT, "spec.rollout.timeoutSeconds", "MaximumExecutionTimeoutInSeconds"),
        (ENDPOINT, "spec.rollout.alarms[]", "AlarmName"),
        (ENDPOINT, "spec.dataCapture.samplingPercent", "SamplingPercentage"),
    ],
)
def test_lower_limit(model: Any, kind: str, path: str, shape: str) -> None:
    found = node(kind, path)

    assert found[WORDS[found["type"]][0]] == model.shape_for(shape).metadata["min"]


@pytest.mark.parametrize(
    ("kind", "path", "shape"),
    [
        (TRAINING, "spec.algorithm.inputMode", "TrainingInputMode"),
        (TRAINING, "spec.inputs[].distribution", "S3DataDistribution"),
        (TRAINING, "spec.inputs[].compression", "CompressionType"),
        (TRAINING, "spec.inputs[].recordWrapper", "RecordWrapper"),
        (ENDPOINT, "spec.acceleratorType", "ProductionVariantAcceleratorType"),
        (ENDPOINT, "spec.variants[].acceleratorType", "ProductionVariantAcceleratorType"),
    ],
)
def test_choices(model: Any, kind: str, path: str, shape: str) -> None:
    assert sorted(node(kind, path)["enum"]) == sorted(model.shape_for(shape).metadata["enum"])


@pytest.mark.parametrize(
    ("kind", "path", "shape"),
    [
        (TRAINING, "spec.resources.instanceType", "TrainingInstanceType"),
        (ENDPOINT, "spec.instanceType", "ProductionVariantInstanceType"),
        (ENDPOINT, "spec.acceleratorFallback.instanceType", "ProductionVariantInstanceType"),
        (ENDPOINT, "spec.variants[].instanceType", "ProductionVariantInstanceType"),
    ],
)
def test_every_instance_type_fits(model: Any, kind: str, path: str, shape: str) -> None:
    pattern = re.compile(pattern_of(node(kind, path)))

    assert [name for name in model.shape_for(shape).metadata["enum"] if not pattern.search(name)] == []
