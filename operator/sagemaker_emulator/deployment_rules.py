"""What a DeploymentConfig may ask for: the documented rules of deployment guardrails. Their texts are unconfirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sagemaker_emulator import errors
from sagemaker_emulator.endpoint_states import Phase, Target, Variant

# The part of the variant's instances that one step may take, in percent.
LIMITS = {"CanarySize": (0, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
SIZES = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}


def check(target: Target, phase: Phase) -> None:
    """Refuse a policy that does not fit an update from `phase` to `target`."""
    policy = target.policy
    if not policy:
        return
    if {"RollingUpdatePolicy", "BlueGreenUpdatePolicy"} <= set(policy):
        raise errors.validation("Specify only one of BlueGreenUpdatePolicy and RollingUpdatePolicy.")
    if {v.name for v in target.variants} != {v.name for v in phase.variants}:
        raise errors.validation("Variant names must be the same in the old and the new endpoint configuration.")
    if rolling := policy.get("RollingUpdatePolicy"):
        _check_rolling(rolling, target.variants)
    if blue_green := policy.get("BlueGreenUpdatePolicy"):
        _check_blue_green(blue_green, target.variants)


def effective(target: Target, phase: Phase) -> Target:
    """The update that AWS makes: Inf1 and Elastic Inference endpoints get all traffic at once (documented)."""
    if any(v.accelerator or v.instance_type.startswith("ml.inf1.") for v in (*phase.variants, *target.variants)):
        return replace(target, policy={})
    return target


def _check_rolling(policy: dict[str, Any], variants: tuple[Variant, ...]) -> None:
    if len(variants) > 1 or variants[0].serverless:
        raise errors.validation("Rolling deployments are not supported for serverless and multi-variant endpoints.")
    _check_size("MaximumBatchSize", policy["MaximumBatchSize"], variants)
    _check_time(policy, policy["WaitIntervalInSeconds"])


def _check_blue_green(policy: dict[str, Any], variants: tuple[Variant, ...]) -> None:
    traffic = policy["TrafficRoutingConfiguration"]
    wanted = SIZES.get(traffic["Type"])
    for name in SIZES.values():
        if (name in traffic) != (name == wanted):
            verb = "requires" if name == wanted else "does not take"
            raise errors.validation(f"Traffic routing of type {traffic['Type']} {verb} a {name}.")
    if wanted:
        _check_size(wanted, traffic[wanted], variants)
    _check_time(policy, traffic["WaitIntervalInSeconds"] + policy.get("TerminationWaitInSeconds", 0))


def _check_size(name: str, size: dict[str, Any], variants: tuple[Variant, ...]) -> None:
    low, high = LIMITS[name]
    for variant in variants:
        percent = size["Value"]
        if size["Type"] == "INSTANCE_COUNT" and not variant.serverless:
            percent = 100 * size["Value"] / max(1, variant.desired_count)
        if not low <= percent <= high:
            raise errors.validation(
                f"{name} must be from {low}% to {high}% of the instances of variant {variant.name}."
            )


def _check_time(policy: dict[str, Any], waits: int) -> None:
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and limit <= waits:
        raise errors.validation(f"MaximumExecutionTimeoutInSeconds must be larger than the waiting time of {waits} s.")
