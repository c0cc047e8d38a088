"""Application Auto Scaling of endpoint variants; moto, which does the other services' targets, knows no endpoints.

Nothing scales by itself: there is no traffic to speak of. The control API lets the autoscaler act (`act`).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from sagemaker_emulator import endpoints, errors, wire
from sagemaker_emulator.context import Context, Params
from sagemaker_emulator.endpoint_states import Phase, Variant
from sagemaker_emulator.records import Endpoint, ScalableTarget
from sagemaker_emulator.store import ScopeKey
from sagemaker_emulator.world import World

SERVICE = "application-autoscaling"
NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
PAGE = 50
_VARIANT = re.compile(r"endpoint/([^/]+)/variant/([^/]+)")
_ACTIVITIES = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
Operation = Callable[[Context, Params], Params]


class AutoScaling:
    """The operations on SageMaker's scalable targets, over a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._operations: dict[str, Operation] = {
            "RegisterScalableTarget": register,
            "DeregisterScalableTarget": deregister,
            "DescribeScalableTargets": describe_targets,
            "PutScalingPolicy": put_policy,
            "DeleteScalingPolicy": delete_policy,
            "DescribeScalingPolicies": describe_policies,
        }

    def parse(self, operation: str, body: bytes) -> Params | None:
        """The checked parameters of a call that is about SageMaker, None of one that is moto's to answer."""
        if operation not in self._operations or not _is_about_sagemaker(body):
            return None
        return wire.parse(operation, body, SERVICE)

    def perform(self, operation: str, params: Params, key: ScopeKey) -> bytes:
        """Carry out a call and return the body of the answer."""
        context = Context(self._world, self._world.scope(key), self._world.clock.now())
        return wire.render(operation, self._operations[operation](context, params), self._world.clock.shown, SERVICE)


def register(context: Context, params: Params) -> Params:
    """RegisterScalableTarget: a new target, or other bounds for a known one.

    A current count outside of the bounds is moved to the nearest one (documented).
    """
    resource = _variant_of(params)
    with context.scope.lock:
        endpoint, variant = _in_service(context, *resource)
        target = context.scope.targets.get(params["ResourceId"])
        minimum, maximum = _bounds(params, target)
        if target is None:
            target = _new_target(context, params)
            context.scope.targets[target.resource_id] = target
        target.minimum, target.maximum = minimum, maximum
        target.suspended = {**target.suspended, **params.get("SuspendedState", {})}
        wanted = min(max(variant.desired_count, minimum), maximum)
    if wanted != variant.desired_count:
        _scale(context, endpoint.name, variant.name, wanted)
    return {"ScalableTargetARN": target.arn}


def deregister(context: Context, params: Params) -> Params:
    """DeregisterScalableTarget: the policies go with it (documented)."""
    with context.scope.lock:
        if context.scope.targets.pop(params["ResourceId"], None) is None:
            raise errors.no_such_object("No scalable target found", params)
    return {}


def describe_targets(context: Context, params: Params) -> Params:
    """DescribeScalableTargets."""
    wanted = params.get("ResourceIds") or list(context.scope.targets)
    with context.scope.lock:
        found = [_shown(target) for target in context.scope.targets.values() if target.resource_id in wanted]
    page, more = _page(found, params)
    return {"ScalableTargets": page, "NextToken": more}


def put_policy(context: Context, params: Params) -> Params:
    """PutScalingPolicy: a new policy, or another content for one of the same name."""
    with context.scope.lock:
        target = _target(context, params)
        known = target.policies.get(params["PolicyName"], {})
        policy = {**known, **params}
        _check_policy(policy, target)
        arn = _policy_arn(context, target, params["PolicyName"])
        target.policies[params["PolicyName"]] = {"PolicyARN": arn, "CreationTime": context.now, "Alarms": [], **policy}
    return {"PolicyARN": arn, "Alarms": []}


def delete_policy(context: Context, params: Params) -> Params:
    """DeleteScalingPolicy."""
    with context.scope.lock:
        target = context.scope.targets.get(params["ResourceId"])
        if target is None or target.policies.pop(params["PolicyName"], None) is None:
            # The code is documented, the text moto's.
            raise errors.no_such_object("No scaling policy found", params)
    return {}


def describe_policies(context: Context, params: Params) -> Params:
    """DescribeScalingPolicies."""
    with context.scope.lock:
        policies = [policy for target in context.scope.targets.values() for policy in target.policies.values()]
    found = [policy for policy in policies if _is_asked_for(policy, params)]
    page, more = _page(found, params)
    return {"ScalingPolicies": page, "NextToken": more}


def act(context: Context, endpoint: str, variant: str, count: int) -> None:
    """Let the autoscaler set a variant's count.

    Raises:
        ValueError: it would not: the variant is no target of a policy, the count is out of its bounds, scaling is
            suspended, or the endpoint is not in service (an update blocks it, documented).

    """
    target = context.scope.targets.get(f"endpoint/{endpoint}/variant/{variant}")
    if target is None or not target.policies:
        raise ValueError(f"no scaling policy acts on variant {variant!r} of endpoint {endpoint!r}")
    if not target.minimum <= count <= target.maximum:
        raise ValueError(f"count must be from {target.minimum} to {target.maximum}, not {count}")
    with context.scope.lock:
        found = _serving(context, endpoint, variant)
        if found is None:
            raise ValueError(f"endpoint {endpoint!r} is not in service")
        if target.suspended[_ACTIVITIES[count > found[1].desired_count]]:
            raise ValueError(f"scaling of {target.resource_id} is suspended")
    _scale(context, endpoint, variant, count)


def _is_about_sagemaker(body: bytes) -> bool:
    try:
        params = json.loads(body or b"{}")
    except ValueError:
        return False
    return isinstance(params, dict) and params.get("ServiceNamespace") == NAMESPACE


def _variant_of(params: Params) -> tuple[str, str]:
    """The endpoint's and the variant's name in a request's ResourceId."""
    found = _VARIANT.fullmatch(params["ResourceId"])
    if found is None or params["ScalableDimension"] != DIMENSION:
        # The text is unconfirmed.
        raise errors.validation("Unsupported service namespace, resource type or scalable dimension")
    return found[1], found[2]


def _in_service(context: Context, endpoint: str, variant: str) -> tuple[Endpoint, Variant]:
    found = _serving(context, endpoint, variant)
    if found is None:
        raise errors.validation("The status should be in 'InService' to register it as a scalable target")
    if found[1].serverless:
        # Documented: serverless variants have another dimension. The text is unconfirmed.
        raise errors.validation(f"Variant {variant} of endpoint {endpoint} is serverless and has no instance count.")
    return found


def _serving(context: Context, name: str, variant: str) -> tuple[Endpoint, Variant] | None:
    endpoint = context.scope.endpoints.get(name, context.now)
    phase: Phase | None = endpoint.phase(context.now) if endpoint else None
    if endpoint is None or phase is None or phase.status != "InService":
        return None
    return next(((endpoint, known) for known in phase.variants if known.name == variant), None)


def _bounds(params: Params, known: ScalableTarget | None) -> tuple[int, int]:
    """The target's bounds; what a known target's request leaves out stays. The texts are unconfirmed."""
    minimum = params.get("MinCapacity", known.minimum if known else None)
    maximum = params.get("MaxCapacity", known.maximum if known else None)
    if minimum is None or maximum is None:
        raise errors.validation("MinCapacity and MaxCapacity are required to register a new scalable target.")
    if not 0 <= minimum <= maximum:
        raise errors.validation("MinCapacity must not be negative or greater than MaxCapacity.")
    return minimum, maximum


def _new_target(context: Context, params: Params) -> ScalableTarget:
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"{params['ResourceId']} at {context.now}").hex
    role = f"arn:aws:iam::{context.key.account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    return ScalableTarget(
        resource_id=params["ResourceId"],
        arn=context.key.arn("scalable-target", number, service=SERVICE),
        role=f"{role}AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        created=context.now,
        suspended=dict.fromkeys(_ACTIVITIES, False),
    )


def _target(context: Context, params: Params) -> ScalableTarget:
    target = context.scope.targets.get(params["ResourceId"])
    if target is None or params["ScalableDimension"] != DIMENSION:
        # Reported: cloudposse/terraform-aws-ecs-cloudwatch-autoscaling#36, ansible/ansible#40237.
        raise errors.no_such_object("No scalable target registered", params)
    return target


def _check_policy(policy: Params, target: ScalableTarget) -> None:
    """Rules for a policy as it would become. Their texts are unconfirmed."""
    tracking = policy.get("TargetTrackingScalingPolicyConfiguration")
    if policy.get("PolicyType", "StepScaling") != "TargetTrackingScaling":
        return
    if tracking is None:
        raise errors.validation("A TargetTrackingScalingPolicyConfiguration is required for TargetTrackingScaling.")
    metrics = {"PredefinedMetricSpecification", "CustomizedMetricSpecification"} & set(tracking)
    if len(metrics) != 1:
        raise errors.validation(
            "Specify exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification."
        )
    kind = _metric(tracking)
    if kind and not kind.startswith("SageMakerVariant"):
        raise errors.validation(f"Metric type {kind} is not supported for service namespace {NAMESPACE}.")
    others = [other for name, other in target.policies.items() if name != policy["PolicyName"]]
    if kind and kind in [_metric(other.get("TargetTrackingScalingPolicyConfiguration", {})) for other in others]:
        raise errors.validation("Only one TargetTrackingScaling policy for a given metric specification is allowed.")


def _metric(tracking: Params) -> str:
    return str(tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", ""))


def _policy_arn(context: Context, target: ScalableTarget, name: str) -> str:
    *start, _ = context.key.arn("", "", service="autoscaling").split(":")
    number = target.arn.rpartition("/")[2]
    return ":".join(
        [*start, "scalingPolicy", number, f"resource/{NAMESPACE}/{target.resource_id}", f"policyName/{name}"]
    )


def _is_asked_for(policy: Params, params: Params) -> bool:
    names = params.get("PolicyNames") or [policy["PolicyName"]]
    return policy["PolicyName"] in names and all(
        params.get(member) in (None, policy[member]) for member in ("ResourceId", "ScalableDimension")
    )


def _shown(target: ScalableTarget) -> Params:
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": target.resource_id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": target.minimum,
        "MaxCapacity": target.maximum,
        "RoleARN": target.role,
        "CreationTime": target.created,
        "SuspendedState": dict(target.suspended),
        "ScalableTargetARN": target.arn,
    }


def _page(found: list[Params], params: Params) -> tuple[list[Params], str | None]:
    token = params.get("NextToken") or "0"
    if not token.isdigit():
        raise errors.AwsError("InvalidNextTokenException", "The next token supplied was invalid.")
    start, size = int(token), int(params.get("MaxResults", PAGE))
    more = str(start + size) if len(found) > start + size else None
    return found[start : start + size], more


def _scale(context: Context, endpoint: str, variant: str, count: int) -> None:
    """Application Auto Scaling calls SageMaker as everybody does."""
    wanted: list[dict[str, Any]] = [{"VariantName": variant, "DesiredInstanceCount": count}]
    endpoints.scale(context, {"EndpointName": endpoint, "DesiredWeightsAndCapacities": wanted})
