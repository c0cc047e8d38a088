"""What UpdateEndpoint and Application Auto Scaling are asked for, held against their models."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.builders import endpoint_spec
from tests.unit.endpoint.test_deployment import untagged, wanted
from tests.unit.requests import problems

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.endpoint.rollout import deployment_config
from classifier_operator.endpoint.scaling import endpoint_of, registered, scalable_target, variant_of
from classifier_operator.endpoint.spec import Autoscaling, EndpointSpec, Rollout

ENDPOINT = Resource(Place("us-east-1"), ResourceType.ENDPOINT, "vision-digits-1234")
TEN_PERCENT = {"Type": "CAPACITY_PERCENT", "Value": 10}

ROLLOUTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing said": (
        {},
        {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}},
    ),
    "all at once, with a wait": (
        {"traffic": {"type": "AllAtOnce", "waitSeconds": 60}},
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 60}
            }
        },
    ),
    "canary": (
        {"traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 300}, "timeoutSeconds": 3600},
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "CANARY",
                    "WaitIntervalInSeconds": 300,
                    "CanarySize": TEN_PERCENT,
                },
                "MaximumExecutionTimeoutInSeconds": 3600,
            }
        },
    ),
    "linear": (
        {"type": "BlueGreen", "traffic": {"type": "Linear", "sizePercent": 10}},
        {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": "LINEAR",
                    "WaitIntervalInSeconds": 0,
                    "LinearStepSize": TEN_PERCENT,
                }
            }
        },
    ),
    "rolling, with alarms": (
        {"type": "Rolling", "traffic": {"sizePercent": 10, "waitSeconds": 5}, "alarms": ["b", "a"]},
        {
            "RollingUpdatePolicy": {"MaximumBatchSize": TEN_PERCENT, "WaitIntervalInSeconds": 5},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]},
        },
    ),
}


@pytest.mark.parametrize(("rollout", "expected"), ROLLOUTS.values(), ids=ROLLOUTS.keys())
def test_a_rollout_as_aws_takes_it(rollout: dict[str, Any], expected: dict[str, Any]) -> None:
    config = deployment_config(msgspec.convert(rollout, Rollout))
    assert config == expected
    request = {"EndpointName": "e", "EndpointConfigName": "c", "DeploymentConfig": config}
    assert problems("UpdateEndpoint", request) == []


FULL = {
    "minCount": 1,
    "maxCount": 4,
    "invocationsPerInstance": 100,
    "scaleInCooldownSeconds": 600,
    "scaleOutCooldownSeconds": 0,
    "disableScaleIn": True,
}


@pytest.mark.parametrize("autoscaling", [FULL, {name: FULL[name] for name in list(FULL)[:3]}], ids=["full", "least"])
def test_a_scaling_as_aws_takes_it(autoscaling: dict[str, Any]) -> None:
    target = scalable_target(ENDPOINT, "AllTraffic")
    calls = registered(target, msgspec.convert(autoscaling, Autoscaling))
    assert [call.operation for call in calls] == ["RegisterScalableTarget", "PutScalingPolicy"]
    for call in calls:
        assert problems(call.operation, call.params, "application-autoscaling") == []
        assert call.params["ResourceId"] == "endpoint/vision-digits-1234/variant/AllTraffic"


def test_cooldowns_that_are_not_given_are_awss() -> None:
    least = Autoscaling(min_count=1, max_count=2, invocations_per_instance=10)
    _, policy = registered(scalable_target(ENDPOINT, "a"), least)
    assert not any("Cooldown" in name for name in policy.params["TargetTrackingScalingPolicyConfiguration"])


def test_a_target_names_its_endpoint_and_variant() -> None:
    target = scalable_target(ENDPOINT, "champion-2")
    assert (endpoint_of(target), variant_of(target)) == (ENDPOINT, "champion-2")


def _variants(**changes: Any) -> list[dict[str, Any]]:
    model = {"artifactS3Uri": "s3://bucket/1/model.tar.gz"}
    champion = {"name": "champion", "weight": 9, "model": model, "instanceType": "ml.m5.large", "instanceCount": 2}
    challenger = {
        "name": "challenger",
        "weight": 1,
        "model": {"artifactS3Uri": "s3://bucket/2/model.tar.gz"},
        "instanceType": "ml.m4.xlarge",
        "acceleratorType": "ml.eia2.medium",
    }
    return [{**champion, **changes}, challenger]


def _several(**changes: Any) -> dict[str, Any]:
    spec = endpoint_spec(variants=_variants(**changes))
    return {name: value for name, value in spec.items() if name not in ("model", "instanceType")}


def of(spec: dict[str, Any]) -> Any:
    from tests.unit.endpoint.test_deployment import of as deployed

    return deployed(spec)


def test_two_variants_each_with_its_own() -> None:
    one = of(_several())
    names = {plan.name: plan.model.name for plan in one.variants}
    assert untagged(one.config_params)["ProductionVariants"] == [
        {
            "VariantName": "challenger",
            "ModelName": names["challenger"],
            "InstanceType": "ml.m4.xlarge",
            "AcceleratorType": "ml.eia2.medium",
            "InitialInstanceCount": 1,
        },
        {
            "VariantName": "champion",
            "ModelName": names["champion"],
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 2,
            "InitialVariantWeight": 9,
        },
    ]
    assert problems("CreateEndpointConfig", {"EndpointConfigName": "c", **one.config_params}) == []


@pytest.mark.parametrize("changes", [{"weight": 3}, {"instanceCount": 5}], ids=["weight", "count"])
def test_weights_and_counts_roll_nothing(changes: dict[str, Any]) -> None:
    assert of(_several(**changes)).resources == of(_several()).resources


def test_the_order_of_variants_says_nothing() -> None:
    spec = _several()
    reordered = {**spec, "variants": spec["variants"][::-1]}
    assert of(reordered) == of(spec)


def test_variants_that_serve_the_same_share_a_model() -> None:
    variants = [{**one, "model": {"artifactS3Uri": "s3://b/m.tar.gz"}} for one in _variants()]
    one = of({**_several(), "variants": variants})
    assert len(one.models) == 1
    assert len(one.served) == 3


def test_a_serverless_variant_has_no_machines() -> None:
    spec = endpoint_spec(serverless={"memorySizeMB": 4096, "maxConcurrency": 10})
    del spec["instanceType"]
    one = of(spec)
    (variant,) = one.config_params["ProductionVariants"]
    assert variant == {
        "VariantName": "AllTraffic",
        "ModelName": one.variants[0].model.name,
        "ServerlessConfig": {"MemorySizeInMB": 4096, "MaxConcurrency": 10},
    }
    assert problems("CreateEndpointConfig", {"EndpointConfigName": "c", **one.config_params}) == []


def test_data_capture_is_part_of_the_configuration() -> None:
    capture = {"s3Uri": "s3://bucket/captured", "samplingPercent": 20, "modes": ["Output", "Input"], "kmsKeyId": "k"}
    one = wanted(dataCapture=capture)
    assert one.config_params["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 20,
        "DestinationS3Uri": "s3://bucket/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "KmsKeyId": "k",
    }
    assert problems("CreateEndpointConfig", {"EndpointConfigName": "c", **one.config_params}) == []
    assert one.config != wanted().config


@pytest.mark.parametrize(
    "accelerator", [f"ml.eia{generation}.{size}" for generation in (1, 2) for size in ("medium", "large", "xlarge")]
)
def test_each_accelerator_is_sent_as_asked(accelerator: str) -> None:
    one = wanted(acceleratorType=accelerator)
    (variant,) = one.config_params["ProductionVariants"]
    assert variant["AcceleratorType"] == accelerator
    assert problems("CreateEndpointConfig", {"EndpointConfigName": "c", **one.config_params}) == []


@pytest.mark.parametrize(
    ("changes", "count"),
    [({}, 1), ({"instanceCount": 2}, 2), ({"autoscaling": FULL | {"minCount": 3}}, 3)],
    ids=["nothing said", "count", "fewest of autoscaling"],
)
def test_the_first_count(changes: dict[str, Any], count: int) -> None:
    (variant,) = wanted(**changes).config_params["ProductionVariants"]
    assert variant["InitialInstanceCount"] == count


def test_a_variants_own_autoscaling_goes_before_the_shared_one() -> None:
    own = {**FULL, "maxCount": 9}
    spec = msgspec.convert({**_several(autoscaling=own), "autoscaling": FULL}, EndpointSpec)
    from classifier_operator.endpoint.variants import asked_for

    bounds = {asked.name: asked.autoscaling and asked.autoscaling.max_count for asked in asked_for(spec)}
    assert bounds == {"challenger": 4, "champion": 9}
