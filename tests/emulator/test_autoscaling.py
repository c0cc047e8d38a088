"""Scalable targets of endpoints, and what they forbid."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator.control import Control, ControlError
from sagemaker_emulator.server import Emulator
from tests.emulator.builders import client, create_config, create_model, refusal, serverless, variant

RESOURCE = "endpoint/endpoint/variant/AllTraffic"
WHO = "service namespace: sagemaker, resource ID: {}, scalable dimension: sagemaker:variant:DesiredInstanceCount"


def target(resource: str = RESOURCE) -> dict[str, Any]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": resource,
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def bounds(minimum: int = 1, maximum: int = 4, **changes: Any) -> dict[str, Any]:
    return {**target(), "MinCapacity": minimum, "MaxCapacity": maximum, **changes}


def policy(name: str = "policy", **changes: Any) -> dict[str, Any]:
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    tracking = {"TargetValue": 70.0, "PredefinedMetricSpecification": metric, **changes}
    return {
        **target(),
        "PolicyName": name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }


@pytest.fixture
def scaling(clients: Any, endpoint: str) -> Any:
    """The service, with an endpoint in service."""
    return clients("application-autoscaling")


@pytest.fixture
def registered(scaling: Any) -> Any:
    """And its variant a scalable target with a policy."""
    scaling.register_scalable_target(**bounds())
    scaling.put_scaling_policy(**policy())
    return scaling


def targets(scaling: Any, **params: Any) -> list[dict[str, Any]]:
    return list(scaling.describe_scalable_targets(ServiceNamespace="sagemaker", **params)["ScalableTargets"])


def policies(scaling: Any, **params: Any) -> list[dict[str, Any]]:
    return list(scaling.describe_scaling_policies(ServiceNamespace="sagemaker", **params)["ScalingPolicies"])


def counts(sagemaker: Any) -> tuple[str, int, int]:
    shown = sagemaker.describe_endpoint(EndpointName="endpoint")
    one = shown["ProductionVariants"][0]
    return shown["EndpointStatus"], one["CurrentInstanceCount"], one["DesiredInstanceCount"]


def test_target_is_shown_as_registered(scaling: Any) -> None:
    arn = scaling.register_scalable_target(**bounds())["ScalableTargetARN"]
    [shown] = targets(scaling)
    assert shown.pop("CreationTime")
    assert shown.pop("RoleARN").endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")
    assert shown == {
        **bounds(),
        "ScalableTargetARN": arn,
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
    }


def test_registering_again_changes_what_is_given(scaling: Any) -> None:
    first = scaling.register_scalable_target(**bounds())["ScalableTargetARN"]
    state = {"DynamicScalingInSuspended": True}
    assert (
        scaling.register_scalable_target(**target(), MaxCapacity=3, SuspendedState=state)["ScalableTargetARN"] == first
    )
    [shown] = targets(scaling)
    assert (shown["MinCapacity"], shown["MaxCapacity"]) == (1, 3)
    assert shown["SuspendedState"]["DynamicScalingInSuspended"] is True


@pytest.mark.parametrize("exists", [True, False], ids=["creating", "unknown"])
def test_endpoint_that_is_not_in_service(sagemaker: Any, clients: Any, exists: bool) -> None:
    if exists:
        create_model(sagemaker)
        create_config(sagemaker)
        sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    scaling = clients("application-autoscaling")
    assert refusal(scaling.register_scalable_target, **bounds()) == (
        "ValidationException",
        "The status should be in 'InService' to register it as a scalable target",
    )


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"ResourceId": "endpoint/endpoint/variant/Other"}, id="other-variant"),
        pytest.param({"ResourceId": "endpoint/endpoint"}, id="no-variant"),
        pytest.param({"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"}, id="dimension"),
        pytest.param({"ScalableDimension": "sagemaker:variant:Mood"}, id="no-dimension"),
        pytest.param({"MinCapacity": None}, id="no-minimum"),
        pytest.param({"MinCapacity": 5}, id="minimum-above-maximum"),
        pytest.param({"MinCapacity": -1}, id="negative"),
    ],
)
def test_target_that_is_refused(scaling: Any, changes: dict[str, Any]) -> None:
    params = {name: value for name, value in bounds(**changes).items() if value is not None}
    assert refusal(scaling.register_scalable_target, **params)[0] == "ValidationException"
    assert targets(scaling) == []


def test_serverless_variant_has_no_count_to_scale(sagemaker: Any, clients: Any, control: Control) -> None:
    create_model(sagemaker)
    create_config(sagemaker, "config", serverless())
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    control.advance(300)
    assert "is serverless" in refusal(clients("application-autoscaling").register_scalable_target, **bounds())[1]


@pytest.mark.parametrize(("minimum", "maximum", "count"), [(2, 4, 2), (1, 4, 1), (0, 0, 0)])
def test_registering_moves_the_count_into_the_bounds(
    sagemaker: Any, scaling: Any, control: Control, minimum: int, maximum: int, count: int
) -> None:
    scaling.register_scalable_target(**bounds(minimum, maximum))
    control.advance(120)
    assert counts(sagemaker) == ("InService", count, count)


def test_policy_is_shown_as_put(registered: Any) -> None:
    [shown] = policies(registered)
    assert shown.pop("CreationTime")
    arn = shown.pop("PolicyARN")
    assert arn.endswith(f":resource/sagemaker/{RESOURCE}:policyName/policy")
    assert shown == {**policy(), "Alarms": []}


def test_putting_a_policy_again_replaces_its_content(registered: Any) -> None:
    registered.put_scaling_policy(**policy(TargetValue=10.0))
    [shown] = policies(registered)
    assert shown["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 10.0


def test_policy_of_an_unknown_target(scaling: Any) -> None:
    assert refusal(scaling.put_scaling_policy, **policy()) == (
        "ObjectNotFoundException",
        f"No scalable target registered for {WHO.format(RESOURCE)}",
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(policy("other"), "Only one TargetTrackingScaling policy", id="second-of-a-metric"),
        pytest.param(policy(PredefinedMetricSpecification=None), "exactly one of", id="no-metric"),
        pytest.param(policy(TargetValue=None), "targetValue", id="no-value"),
        pytest.param(
            {"TargetTrackingScalingPolicyConfiguration": None, "PolicyName": "x"}, "required", id="no-content"
        ),
        pytest.param(
            policy(PredefinedMetricSpecification={"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}),
            "not supported for service namespace sagemaker",
            id="other-service",
        ),
    ],
)
def test_policy_that_is_refused(registered: Any, changes: dict[str, Any], words: str) -> None:
    params = without_none({**policy(), **changes})
    code, message = refusal(registered.put_scaling_policy, **params)
    assert (code, words in message) == ("ValidationException", True), message


def without_none(params: dict[str, Any]) -> dict[str, Any]:
    present = {name: value for name, value in params.items() if value is not None}
    return {name: without_none(value) if isinstance(value, dict) else value for name, value in present.items()}


def test_deregistering_deletes_the_policies(registered: Any) -> None:
    registered.deregister_scalable_target(**target())
    assert (targets(registered), policies(registered)) == ([], [])


def test_deregistering_an_unknown_target(scaling: Any) -> None:
    assert refusal(scaling.deregister_scalable_target, **target()) == (
        "ObjectNotFoundException",
        f"No scalable target found for {WHO.format(RESOURCE)}",
    )


def test_policy_is_deleted_once(registered: Any) -> None:
    registered.delete_scaling_policy(**target(), PolicyName="policy")
    assert policies(registered) == []
    assert refusal(registered.delete_scaling_policy, **target(), PolicyName="policy")[0] == "ObjectNotFoundException"


def test_lists_are_filtered_and_paged(sagemaker: Any, registered: Any, control: Control) -> None:
    sagemaker.create_endpoint(EndpointName="endpoint2", EndpointConfigName="config")
    control.advance(300)
    other = RESOURCE.replace("endpoint/endpoint/", "endpoint/endpoint2/")
    registered.register_scalable_target(**bounds(ResourceId=other))
    registered.put_scaling_policy(**{**policy(), "ResourceId": other})
    assert [one["ResourceId"] for one in targets(registered, ResourceIds=[other, "x"])] == [other]
    assert [one["ResourceId"] for one in policies(registered, ResourceId=RESOURCE)] == [RESOURCE]
    assert policies(registered, PolicyNames=["other"]) == []
    pages = registered.get_paginator("describe_scalable_targets").paginate(
        ServiceNamespace="sagemaker", PaginationConfig={"PageSize": 1}
    )
    assert [len(page["ScalableTargets"]) for page in pages] == [1, 1]


def test_another_region_has_its_own(registered: Any, emulator: Emulator) -> None:
    assert targets(client("application-autoscaling", emulator.url, region="eu-west-1")) == []


@pytest.mark.parametrize(
    "variants", [[variant(InstanceType="ml.m5.large")], [variant("Other")]], ids=["instance-type", "dropped"]
)
def test_target_forbids_an_update(sagemaker: Any, registered: Any, variants: list[dict[str, Any]]) -> None:
    create_config(sagemaker, "next", *variants)
    params = {"EndpointName": "endpoint", "EndpointConfigName": "next"}
    code, message = refusal(sagemaker.update_endpoint, **params)
    assert code == "ValidationException"
    assert '"["AllTraffic"]" must be deregistered as scalable targets' in message
    registered.deregister_scalable_target(**target())
    sagemaker.update_endpoint(**params)


def test_target_allows_another_model(sagemaker: Any, registered: Any, control: Control) -> None:
    create_model(sagemaker, "other")
    create_config(sagemaker, "next", variant(model="other"), variant("added"))
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    control.advance(300)
    assert len(targets(registered)) == 1


def test_endpoint_takes_its_targets_along(sagemaker: Any, registered: Any) -> None:
    sagemaker.delete_endpoint(EndpointName="endpoint")
    assert targets(registered) == []


def test_caller_who_may_not_deregister(sagemaker: Any, registered: Any, control: Control) -> None:
    control.change_settings(deregister_with_endpoint=False)
    message = refusal(sagemaker.delete_endpoint, EndpointName="endpoint")[1]
    assert "does not have application-autoscaling:DeregisterScalableTarget permission" in message
    registered.deregister_scalable_target(**target())
    sagemaker.delete_endpoint(EndpointName="endpoint")


def test_autoscaler_acts(sagemaker: Any, registered: Any, control: Control) -> None:
    control.autoscale("endpoint", "AllTraffic", 3)
    assert counts(sagemaker) == ("Updating", 1, 3)
    control.advance(120)
    assert counts(sagemaker) == ("InService", 3, 3)


@pytest.mark.parametrize("count", [0, 5])
def test_autoscaler_keeps_to_its_bounds(registered: Any, control: Control, count: int) -> None:
    with pytest.raises(ControlError, match="count must be from 1 to 4"):
        control.autoscale("endpoint", "AllTraffic", count)


def test_autoscaler_needs_a_policy(scaling: Any, control: Control) -> None:
    scaling.register_scalable_target(**bounds())
    with pytest.raises(ControlError, match="no scaling policy acts on variant 'AllTraffic'"):
        control.autoscale("endpoint", "AllTraffic", 2)


def test_autoscaler_is_blocked_by_an_update(sagemaker: Any, registered: Any, control: Control) -> None:
    create_config(sagemaker, "next")
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next")
    with pytest.raises(ControlError, match="is not in service"):
        control.autoscale("endpoint", "AllTraffic", 2)


@pytest.mark.parametrize(("activity", "count"), [("DynamicScalingOut", 3), ("DynamicScalingIn", 1)])
def test_autoscaler_can_be_suspended(registered: Any, control: Control, activity: str, count: int) -> None:
    control.autoscale("endpoint", "AllTraffic", 2)
    control.advance(120)
    registered.register_scalable_target(**target(), SuspendedState={f"{activity}Suspended": True})
    with pytest.raises(ControlError, match="is suspended"):
        control.autoscale("endpoint", "AllTraffic", count)


@pytest.mark.parametrize(("params", "count"), [({}, 1), ({"RetainAllVariantProperties": True}, 3)])
def test_update_and_the_autoscalers_count(
    sagemaker: Any, registered: Any, control: Control, params: dict[str, bool], count: int
) -> None:
    control.autoscale("endpoint", "AllTraffic", 3)
    control.advance(120)
    create_config(sagemaker, "next")
    sagemaker.update_endpoint(EndpointName="endpoint", EndpointConfigName="next", **params)
    control.advance(300)
    assert counts(sagemaker)[1] == count


def test_targets_are_resources(registered: Any, control: Control) -> None:
    [found] = [one for one in control.resources() if one["kind"] == "scalable-targets"]
    assert (found["name"], found["minimum"], found["maximum"]) == (RESOURCE, 1, 4)
    assert [one["PolicyName"] for one in found["policies"]] == ["policy"]
    control.reset()
    assert control.resources() == []


def test_calls_are_logged_with_their_target(registered: Any, control: Control) -> None:
    [call] = control.calls("application-autoscaling.PutScalingPolicy")
    assert (call["resource"], call["request"]["PolicyName"]) == (RESOURCE, "policy")


def test_faults_by_target(scaling: Any, control: Control) -> None:
    control.fail_next("application-autoscaling.RegisterScalableTarget", code="AccessDeniedException", resource=RESOURCE)
    assert refusal(scaling.register_scalable_target, **bounds())[0] == "AccessDeniedException"


def test_targets_of_other_services_are_motos(clients: Any) -> None:
    scaling = clients("application-autoscaling")
    table = {
        "ServiceNamespace": "dynamodb",
        "ResourceId": "table/x",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    scaling.register_scalable_target(**table, MinCapacity=1, MaxCapacity=2)
    assert len(scaling.describe_scalable_targets(ServiceNamespace="dynamodb")["ScalableTargets"]) == 1
    assert targets(scaling) == []
