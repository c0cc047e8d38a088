"""What is refused in a ClassifierEndpoint's rollout."""

from __future__ import annotations

from typing import Any, Final

from tests.contract.refusals import sentences
from tests.contract.refusals.form import Refusal, endpoint

_SIZE: Final = "spec.rollout.traffic.sizePercent"


def _rollout(name: str, rollout: dict[str, Any], field: str, message: str) -> Refusal:
    return endpoint(name, {"spec.rollout": rollout}, field, message)


REFUSALS: Final = (
    endpoint(
        "variants-rolling",
        {"spec.rollout": {"type": "Rolling", "traffic": {"sizePercent": 50}}},
        "spec.rollout.type",
        "SageMaker cannot roll an endpoint with several variants in batches: use BlueGreen",
        base="variants",
    ),
    _rollout("rollout-type", {"type": "Recreate"}, "spec.rollout.type", "supported values"),
    _rollout(
        "traffic-untyped",
        {"traffic": {"waitSeconds": 60}},
        "spec.rollout.traffic.type",
        "say how traffic moves to the new machines: AllAtOnce, Canary or Linear",
    ),
    _rollout("traffic-type", {"traffic": {"type": "Random"}}, "spec.rollout.traffic.type", "supported values"),
    _rollout(
        "canary-unsized", {"traffic": {"type": "Canary"}}, _SIZE, "Canary and Linear need the size of a step in percent"
    ),
    _rollout("linear-unsized", {"traffic": {"type": "Linear"}}, _SIZE, "Canary and Linear need the size of a step"),
    _rollout("canary-0", {"traffic": {"type": "Canary", "sizePercent": 0}}, _SIZE, "greater than or equal to 1"),
    _rollout("canary-51", {"traffic": {"type": "Canary", "sizePercent": 51}}, _SIZE, "less than or equal to 50"),
    _rollout("linear-9", {"traffic": {"type": "Linear", "sizePercent": 9}}, _SIZE, "must be from 10 to 50 with Linear"),
    _rollout(
        "all-at-once-sized",
        {"traffic": {"type": "AllAtOnce", "sizePercent": 10}},
        _SIZE,
        "AllAtOnce is one step and takes no size",
    ),
    _rollout(
        "rolling-without-traffic", {"type": "Rolling"}, _SIZE, "type Rolling needs the size of a batch in percent"
    ),
    _rollout(
        "rolling-unsized",
        {"type": "Rolling", "traffic": {"waitSeconds": 60}},
        _SIZE,
        "type Rolling needs the size of a batch in percent",
    ),
    _rollout(
        "rolling-4",
        {"type": "Rolling", "traffic": {"sizePercent": 4}},
        _SIZE,
        "must be from 5 to 50 with type Rolling",
    ),
    _rollout(
        "rolling-canary",
        {"type": "Rolling", "traffic": {"type": "Canary", "sizePercent": 10}},
        "spec.rollout.traffic.type",
        "with type Rolling traffic moves batch by batch: leave it out",
    ),
    _rollout(
        "wait-over-an-hour",
        {"traffic": {"type": "Canary", "sizePercent": 10, "waitSeconds": 3601}},
        "spec.rollout.traffic.waitSeconds",
        "less than or equal to 3600",
    ),
    _rollout(
        "wait-as-long-as-the-timeout",
        {"traffic": {"type": "AllAtOnce", "waitSeconds": 900}, "timeoutSeconds": 900},
        "spec.rollout.timeoutSeconds",
        "must be greater than traffic.waitSeconds, because waiting is part of the time",
    ),
    _rollout("timeout-599", {"timeoutSeconds": 599}, "spec.rollout.timeoutSeconds", "greater than or equal to 600"),
    _rollout("timeout-28801", {"timeoutSeconds": 28801}, "spec.rollout.timeoutSeconds", "less than or equal to 28800"),
    _rollout("alarms-11", {"alarms": [f"a{i}" for i in range(11)]}, "spec.rollout.alarms", "at most 10"),
    _rollout("alarm-blank", {"alarms": [" "]}, "spec.rollout.alarms[0]", sentences.ALARM),
    _rollout("alarm-twice", {"alarms": ["a", "a"]}, "spec.rollout.alarms[1]", "Duplicate value"),
)
