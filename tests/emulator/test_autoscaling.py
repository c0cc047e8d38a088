"""Scalable targets of endpoints: moto keeps them, SageMaker's states decide whether it may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.builders import create_config, create_model, refusal


def target(resource: str = "endpoint/endpoint/variant/AllTraffic") -> dict[str, Any]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": resource,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
    }


def test_target_in_service(clients: Any, endpoint: str) -> None:
    scaling = clients("application-autoscaling")
    scaling.register_scalable_target(**target())
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert [item["ResourceId"] for item in found] == [target()["ResourceId"]]


@pytest.mark.parametrize("exists", [True, False], ids=["creating", "unknown"])
def test_endpoint_that_is_not_in_service(sagemaker: Any, clients: Any, exists: bool) -> None:
    if exists:
        create_model(sagemaker)
        create_config(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    scaling = clients("application-autoscaling")
    assert refusal(scaling.register_scalable_target, **target()) == (
        "ValidationException",
        "The status should be in 'InService' to register it as a scalable target",
    )


@pytest.mark.parametrize("resource", ["endpoint/endpoint/variant/Other", "endpoint/endpoint"])
def test_variant_that_is_not_there(clients: Any, endpoint: str, resource: str) -> None:
    scaling = clients("application-autoscaling")
    assert refusal(scaling.register_scalable_target, **target(resource))[0] == "ValidationException"
