"""Instance counts that AWS chooses: scalable targets and their policies at Application Auto Scaling.

RegisterScalableTarget and PutScalingPolicy make or change, whichever it is, so they may be repeated at any time.
Deregistering a target deletes its policies.
"""

from __future__ import annotations

from typing import Any

from classifier_operator.api.ledger import Resource, ResourceType
from classifier_operator.endpoint.spec import Autoscaling
from classifier_operator.reconcile.calls import Call

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
# The name under which SageMaker's own console shows a policy.
POLICY = "SageMakerEndpointInvocationScalingPolicy"


def scalable_target(endpoint: Resource, variant: str) -> Resource:
    """The target of a variant's instance count."""
    return Resource(endpoint.place, ResourceType.SCALABLE_TARGET, f"endpoint/{endpoint.name}/variant/{variant}")


def variant_of(target: Resource) -> str:
    """The variant whose count a target is."""
    return target.name.rpartition("/")[2]


def endpoint_of(target: Resource) -> Resource:
    """The endpoint whose target it is."""
    return Resource(target.place, ResourceType.ENDPOINT, target.name.split("/")[1])


def registered(target: Resource, autoscaling: Autoscaling) -> tuple[Call, Call]:
    """The calls that make AWS scale the variant so."""
    bounds = {"MinCapacity": autoscaling.min_count, "MaxCapacity": autoscaling.max_count}
    policy = {
        "PolicyName": POLICY,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": _tracking(autoscaling),
    }
    return _call("RegisterScalableTarget", target, bounds), _call("PutScalingPolicy", target, policy)


def deregistered(target: Resource) -> Call:
    """The call that ends the scaling; the count stays as it is."""
    return _call("DeregisterScalableTarget", target, {})


def _call(operation: str, target: Resource, params: dict[str, Any]) -> Call:
    subject = {"ServiceNamespace": "sagemaker", "ResourceId": target.name, "ScalableDimension": DIMENSION}
    return Call(operation, target, {**subject, **params})


def _tracking(autoscaling: Autoscaling) -> dict[str, Any]:
    chosen = {
        "ScaleInCooldown": autoscaling.scale_in_cooldown_seconds,
        "ScaleOutCooldown": autoscaling.scale_out_cooldown_seconds,
    }
    return {
        "TargetValue": float(autoscaling.invocations_per_instance),
        "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
        "DisableScaleIn": autoscaling.disable_scale_in,
        **{name: value for name, value in chosen.items() if value is not None},
    }
