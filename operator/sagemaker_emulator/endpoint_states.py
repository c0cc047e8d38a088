"""An endpoint's life as pure functions from timeline to timeline.

Traffic, quotas and the loading of models are left to others. A deployment's rest is appended when its models
are known to load, so an endpoint never shows InService before it can answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sagemaker_emulator import timeline
from sagemaker_emulator.settings import Endpoint

GONE = "Gone"
SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack", "UpdateRollbackFailed"})
CHANGEABLE = frozenset({"InService", "OutOfService", "UpdateRollbackFailed"})


@dataclass(frozen=True)
class Served:
    """The model behind a variant, as it was when the variant was deployed."""

    model: str
    image: str = ""
    artifact: str = ""


@dataclass(frozen=True)
class Variant:
    """A production variant; `weight` and `count` are the current values, `desired_*` the wanted ones."""

    name: str
    served: Served
    instance_type: str = ""
    accelerator: str = ""
    weight: float = 1.0
    count: int = 0
    desired_weight: float = 1.0
    desired_count: int = 0
    serverless: dict[str, Any] | None = None
    since: float = 0.0

    def settled(self) -> Variant:
        return replace(self, weight=self.desired_weight, count=self.desired_count)


@dataclass(frozen=True)
class Pending:
    """A deployment under way: where it leads and how far it is."""

    config: str
    variants: tuple[Variant, ...]
    started: float
    stage: str
    message: str
    share: float = 0.0


@dataclass(frozen=True)
class Phase:
    """One state of an endpoint from the moment `at`."""

    at: float
    status: str
    config: str
    variants: tuple[Variant, ...]
    reason: str = ""
    pending: Pending | None = None
    deployment: dict[str, Any] | None = None


Timeline = tuple[Phase, ...]


@dataclass(frozen=True)
class Target:
    """What an update leads to."""

    config: str
    variants: tuple[Variant, ...]
    policy: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """A part of a deployment: its VariantStatus, how long it takes, the new fleet's share of the traffic during it."""

    name: str
    seconds: float
    share: float


def creating(now: float, target: Target) -> Timeline:
    """A new endpoint, until its models are loaded."""
    idle = tuple(replace(variant, weight=0.0, count=0) for variant in target.variants)
    return (Phase(now, "Creating", target.config, idle, deployment=target.policy or None),)


def created(phases: Timeline, now: float, settings: Endpoint) -> Timeline:
    """The endpoint goes into service, `creating_seconds` after its creation at the earliest."""
    first = phases[0]
    at = max(now, first.at + settings.creating_seconds)
    settled = tuple(variant.settled() for variant in first.variants)
    return (*phases, replace(first, at=at, status="InService", variants=settled))


def creation_failed(phases: Timeline, at: float, reason: str) -> Timeline:
    last = phases[-1]
    return (*phases, Phase(max(at, last.at), "Failed", last.config, last.variants, reason[:1024]))


def updating(phases: Timeline, now: float, target: Target) -> Timeline:
    """An update has begun, and its models are being loaded."""
    past = timeline.until(phases, now)
    pending = Pending(target.config, target.variants, now, "Creating", "Provisioning the new fleet")
    return (*past, replace(past[-1], at=now, status="Updating", reason="", pending=pending))


def updated(phases: Timeline, now: float, target: Target, settings: Endpoint) -> Timeline:
    """The rest of an update that succeeds: its stages, then the new configuration in service.

    One that takes longer than its MaximumExecutionTimeoutInSeconds is rolled back then.
    """
    begin = phases[-1]
    stages = list(stages_of(target.policy, target.variants, settings))
    late = max(0.0, now - begin.at - stages[0].seconds)
    moments = _moments(begin.at + late, stages)
    timeout = _timeout(target.policy)
    if timeout is not None and moments[-1] - begin.at > timeout:
        reason = "The deployment exceeded MaximumExecutionTimeoutInSeconds."
        kept = _staged(begin, target, stages, moments)
        return rolling_back((*phases, *kept), begin.at + timeout, reason, settings)
    return (*phases, *_staged(begin, target, stages, moments), _in_service(moments[-1], target))


def rolling_back(phases: Timeline, at: float, reason: str, settings: Endpoint, *, fails: bool = False) -> Timeline:
    """The update is undone from `at` on: the old configuration is in service again, or (`fails`) a mix of both.

    `reason` may be empty: users report rollbacks without any FailureReason.
    """
    past = tuple(phase for phase in phases if phase.at < at) or phases[:1]
    old = past[-1]
    back = replace(old, at=at, status="RollingBack")
    status = "UpdateRollbackFailed" if fails else "InService"
    end = replace(old, at=at + settings.rolling_back_seconds, status=status, reason=reason[:1024], pending=None)
    return (*past, back, end)


def scaling(phases: Timeline, now: float, variants: tuple[Variant, ...], settings: Endpoint) -> Timeline:
    """Weights and counts change in place; `variants` hold the wanted values."""
    past = timeline.until(phases, now)
    busy = replace(past[-1], at=now, status="Updating", variants=variants, reason="")
    settled = tuple(variant.settled() for variant in variants)
    return (
        *past,
        busy,
        replace(busy, at=now + settings.scaling_seconds, status="InService", variants=settled),
    )


def deleting(phases: Timeline, now: float, settings: Endpoint) -> Timeline:
    past = timeline.until(phases, now)
    begin = replace(past[-1], at=now, status="Deleting", pending=None)
    return (*past, begin, replace(begin, at=now + settings.deleting_seconds, status=GONE))


def set_by_hand(phases: Timeline, now: float, status: str, reason: str = "") -> Timeline:
    """The state that a user of the control API ordered, until it orders another."""
    past = timeline.until(phases, now)
    return (*past, replace(past[-1], at=now, status=status, reason=reason, pending=None))


def stages_of(policy: dict[str, Any], variants: tuple[Variant, ...], settings: Endpoint) -> Iterator[Stage]:
    """The stages of a deployment with a DeploymentConfig (empty: all at once)."""
    rolling = policy.get("RollingUpdatePolicy")
    if rolling:
        yield from _rolling_stages(rolling, variants, settings)
    else:
        yield from _blue_green_stages(policy.get("BlueGreenUpdatePolicy", {}), variants, settings)


def _blue_green_stages(policy: dict[str, Any], variants: tuple[Variant, ...], settings: Endpoint) -> Iterator[Stage]:
    traffic = policy.get("TrafficRoutingConfiguration", {})
    wait = float(traffic.get("WaitIntervalInSeconds", 0))
    yield Stage("Creating", settings.updating_seconds, 0.0)
    for share in _shares(traffic, sum(variant.desired_count for variant in variants)):
        yield Stage("ActivatingTraffic", 0.0, share)
        yield Stage("Baking", wait, share)
    if termination := float(policy.get("TerminationWaitInSeconds", 0)):
        yield Stage("Deleting", termination, 1.0)


def _shares(traffic: dict[str, Any], instances: int) -> Iterable[float]:
    """The new fleet's share of the traffic after each shift."""
    kind = traffic.get("Type")
    if kind == "CANARY":
        return (_fraction(traffic.get("CanarySize"), instances), 1.0)
    if kind == "LINEAR":
        step = _fraction(traffic.get("LinearStepSize"), instances)
        return [min(1.0, step * number) for number in range(1, math.ceil(1 / step - 1e-9) + 1)]
    return (1.0,)


def _rolling_stages(policy: dict[str, Any], variants: tuple[Variant, ...], settings: Endpoint) -> Iterator[Stage]:
    """Batch after batch is replaced, each followed by its wait."""
    step = _fraction(policy.get("MaximumBatchSize"), sum(variant.desired_count for variant in variants))
    batches = math.ceil(1 / step - 1e-9)
    for number in range(1, batches + 1):
        yield Stage("Updating", settings.updating_seconds / batches, min(1.0, step * (number - 1)))
        yield Stage("Baking", float(policy["WaitIntervalInSeconds"]), min(1.0, step * number))


def _fraction(size: dict[str, Any] | None, instances: int) -> float:
    """A CapacitySize as a part of the whole, at least one instance."""
    if not size:
        return 1.0
    whole = 100.0 if size["Type"] == "CAPACITY_PERCENT" else float(max(1, instances))
    return min(1.0, max(float(size["Value"]), 1e-3) / whole)


def _timeout(policy: dict[str, Any]) -> float | None:
    for name in ("BlueGreenUpdatePolicy", "RollingUpdatePolicy"):
        if (limit := policy.get(name, {}).get("MaximumExecutionTimeoutInSeconds")) is not None:
            return float(limit)
    return None


def _moments(start: float, stages: list[Stage]) -> list[float]:
    """When each stage ends."""
    ends = []
    for stage in stages:
        start += stage.seconds
        ends.append(start)
    return ends


def _staged(begin: Phase, target: Target, stages: list[Stage], ends: list[float]) -> Iterator[Phase]:
    """The phases after the first stage, which `begin` already shows. Stages that take no time are left out."""
    for stage, at in zip(stages[1:], ends, strict=False):
        if stage.seconds:
            pending = Pending(target.config, target.variants, begin.at, stage.name, MESSAGES[stage.name], stage.share)
            yield replace(begin, at=at, pending=pending)


def _in_service(at: float, target: Target) -> Phase:
    settled = tuple(variant.settled() for variant in target.variants)
    return Phase(at, "InService", target.config, settled, deployment=target.policy or None)


MESSAGES = {
    "Creating": "Provisioning the new fleet",
    "Updating": "Replacing a batch of instances",
    "Baking": "Watching the alarms before the next step",
    "Deleting": "Terminating the old fleet",
}
