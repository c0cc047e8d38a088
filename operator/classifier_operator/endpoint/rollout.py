"""How an update moves requests to the new machines: UpdateEndpoint's DeploymentConfig (deployment guardrails)."""

from __future__ import annotations

from typing import Any

from classifier_operator.endpoint.spec import Rollout, Traffic

_ROUTING = {"": "ALL_AT_ONCE", "AllAtOnce": "ALL_AT_ONCE", "Canary": "CANARY", "Linear": "LINEAR"}
_STEPS = {"Canary": "CanarySize", "Linear": "LinearStepSize"}


def deployment_config(rollout: Rollout) -> dict[str, Any]:
    """The DeploymentConfig that a rollout asks for."""
    policy = _rolling(rollout) if rollout.type == "Rolling" else _blue_green(rollout)
    if rollout.alarms:
        alarms = [{"AlarmName": name} for name in sorted(rollout.alarms)]
        policy["AutoRollbackConfiguration"] = {"Alarms": alarms}
    return policy


def _blue_green(rollout: Rollout) -> dict[str, Any]:
    traffic = rollout.traffic
    routing: dict[str, Any] = {"Type": _ROUTING[traffic.type], "WaitIntervalInSeconds": traffic.wait_seconds}
    if traffic.type in _STEPS:
        routing[_STEPS[traffic.type]] = _size(traffic)
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **_timeout(rollout)}}


def _rolling(rollout: Rollout) -> dict[str, Any]:
    batches = {"MaximumBatchSize": _size(rollout.traffic), "WaitIntervalInSeconds": rollout.traffic.wait_seconds}
    return {"RollingUpdatePolicy": {**batches, **_timeout(rollout)}}


def _size(traffic: Traffic) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": traffic.size_percent}


def _timeout(rollout: Rollout) -> dict[str, int]:
    if rollout.timeout_seconds is None:
        return {}
    return {"MaximumExecutionTimeoutInSeconds": rollout.timeout_seconds}
