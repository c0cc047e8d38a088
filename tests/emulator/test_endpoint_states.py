"""An endpoint's course as a value, without any server."""

from __future__ import annotations

from typing import Any

import pytest

from sagemaker_emulator import endpoint_states
from sagemaker_emulator.endpoint_states import Phase, Served, Target, Timeline, Variant
from sagemaker_emulator.settings import Endpoint

SETTINGS = Endpoint()


def variants(count: int = 4) -> tuple[Variant, ...]:
    return (Variant("AllTraffic", Served("model"), count=count, desired_count=count),)


def in_service() -> Timeline:
    begun = endpoint_states.creating(0.0, Target("old", variants()))
    return endpoint_states.created(begun, 0.0, SETTINGS)


def update(policy: dict[str, Any], settings: Endpoint = SETTINGS) -> Timeline:
    target = Target("new", variants(), policy)
    begun = endpoint_states.updating(in_service(), 1000.0, target)
    return endpoint_states.updated(begun, 1000.0, target, settings)


def stages(phases: Timeline) -> list[tuple[float, str, float]]:
    """When each stage of the update begins, its name, and the new fleet's share."""
    return [(p.at - 1000, p.pending.stage, round(p.pending.share, 2)) for p in phases if p.pending]


def blue_green(wait: int = 100, **traffic: Any) -> dict[str, Any]:
    routing = {"WaitIntervalInSeconds": wait, **traffic}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param({}, [(0, "Creating", 0.0)], id="default"),
        pytest.param(blue_green(Type="ALL_AT_ONCE"), [(0, "Creating", 0.0), (300, "Baking", 1.0)], id="all-at-once"),
        pytest.param(
            blue_green(Type="CANARY", CanarySize=percent(10)),
            [(0, "Creating", 0.0), (300, "Baking", 0.1), (400, "Baking", 1.0)],
            id="canary",
        ),
        pytest.param(
            blue_green(Type="CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}),
            [(0, "Creating", 0.0), (300, "Baking", 0.25), (400, "Baking", 1.0)],
            id="canary-by-instances",
        ),
        pytest.param(
            blue_green(Type="LINEAR", LinearStepSize=percent(50)),
            [(0, "Creating", 0.0), (300, "Baking", 0.5), (400, "Baking", 1.0)],
            id="linear",
        ),
        pytest.param(
            {"RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 60}},
            [(0, "Creating", 0.0), (150, "Baking", 0.5), (210, "Updating", 0.5), (360, "Baking", 1.0)],
            id="rolling",
        ),
    ],
)
def test_stages_of_an_update(policy: dict[str, Any], expected: list[tuple[float, str, float]]) -> None:
    assert stages(update(policy)) == expected


def test_old_configuration_stays_until_the_update_is_done() -> None:
    phases = update(blue_green(Type="CANARY", CanarySize=percent(10)))
    assert {p.config for p in phases[:-1]} == {"old"}
    assert (phases[-1].config, phases[-1].status, phases[-1].at) == ("new", "InService", 1500.0)


def test_termination_wait_is_the_last_stage() -> None:
    policy = blue_green(wait=0, Type="ALL_AT_ONCE")
    policy["BlueGreenUpdatePolicy"]["TerminationWaitInSeconds"] = 50
    assert stages(update(policy))[-1] == (300, "Deleting", 1.0)


def test_update_that_exceeds_its_time_limit_is_rolled_back() -> None:
    policy = blue_green(wait=500, Type="CANARY", CanarySize=percent(10))
    policy["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    *_, back, end = update(policy)
    assert (back.status, back.at) == ("RollingBack", 1600.0)
    assert (end.status, end.config) == ("InService", "old")
    assert "MaximumExecutionTimeoutInSeconds" in end.reason


@pytest.mark.parametrize(
    ("fails", "status"),
    [pytest.param(False, "InService", id="undone"), pytest.param(True, "UpdateRollbackFailed", id="fails")],
)
def test_rollback(fails: bool, status: str) -> None:
    phases = endpoint_states.rolling_back(update({}), 1100.0, "", SETTINGS, fails=fails)
    assert summary(phases[-2:]) == [(1100.0, "RollingBack", "old"), (1220.0, status, "old")]
    assert phases[-1].reason == ""


def test_models_that_load_slowly_delay_the_update() -> None:
    target = Target("new", variants())
    begun = endpoint_states.updating(in_service(), 1000.0, target)
    assert endpoint_states.updated(begun, 1900.0, target, SETTINGS)[-1].at == 1900.0


def summary(phases: Timeline) -> list[tuple[float, str, str]]:
    def of(phase: Phase) -> tuple[float, str, str]:
        return (phase.at, phase.status, phase.config)

    return [of(phase) for phase in phases]
