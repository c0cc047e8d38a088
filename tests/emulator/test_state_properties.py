"""Whatever is done to a resource, and whenever: its timeline stays in order, its past unchanged, its end reachable."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sagemaker_emulator import endpoint_states, timeline, training_states
from sagemaker_emulator.endpoint_states import Served, Target, Variant
from sagemaker_emulator.outcomes import KINDS, Outcome
from sagemaker_emulator.settings import Endpoint, Training
from sagemaker_emulator.training_states import GONE, TERMINAL, Order

# Machines that run tests are busy: a slow example is no failure.
SECONDS = st.floats(0, 500, allow_nan=False)
OUTCOMES = st.none() | st.builds(
    Outcome, st.just("training"), st.sampled_from(KINDS["training"]), after_seconds=st.none() | SECONDS
)
STOPPING = st.fixed_dictionaries(
    {}, optional={"MaxRuntimeInSeconds": st.integers(1, 1000), "MaxWaitTimeInSeconds": st.integers(1, 1000)}
)
ORDERS = st.builds(
    Order,
    request=st.builds(lambda stopping: {"StoppingCondition": stopping}, STOPPING),
    settings=st.just(Training()),
    outcome=OUTCOMES,
    works=st.booleans(),
    lacks_capacity=st.booleans(),
)
TRAINING_STEPS: dict[str, Callable[..., Any]] = {
    "stop": lambda phases, now: training_states.stopping(phases, now, Training()),
    "complete": lambda phases, now: training_states.completed(phases, ready_at=now, settings=Training()),
    "fail": lambda phases, now: training_states.failed(phases, at=now, reason="ClientError"),
}


@given(ORDERS, st.lists(st.tuples(st.sampled_from(sorted(TRAINING_STEPS)), SECONDS)))
def test_training_job(order: Order, steps: list[tuple[str, float]]) -> None:
    now, phases = 1000.0, training_states.planned(order, 1000.0)
    for name, wait in steps:
        now += wait
        status = timeline.current(phases, now).status
        if name == "stop" and status != "InProgress":
            continue
        past = timeline.until(phases, now)
        phases = TRAINING_STEPS[name](phases, now)
        assert timeline.until(phases, now)[: len(past)] == past
        assert training_states.is_sorted(phases)
    assert phases[-1].status in TERMINAL or phases[-1].secondary == "Training"


@given(ORDERS)
def test_ended_job_can_be_deleted(order: Order) -> None:
    phases = training_states.planned(order, 1000.0)
    gone = training_states.deleting(phases, 1e5, Training())
    assert (timeline.current(gone, 1e5).status, timeline.current(gone, 1e5 + 10).status) == ("Deleting", GONE)


VARIANTS = (Variant("v", Served("model"), count=2, desired_count=2),)
PERCENT = st.builds(lambda value: {"Type": "CAPACITY_PERCENT", "Value": value}, st.integers(1, 100))
WAITS = st.integers(0, 3600)
POLICIES = st.one_of(
    st.just({}),
    st.builds(
        lambda kind, size, wait: {
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {
                    "Type": kind,
                    "CanarySize": size,
                    "LinearStepSize": size,
                    "WaitIntervalInSeconds": wait,
                },
                "MaximumExecutionTimeoutInSeconds": 14_400,
            }
        },
        st.sampled_from(["ALL_AT_ONCE", "CANARY", "LINEAR"]),
        PERCENT,
        WAITS,
    ),
    st.builds(
        lambda size, wait: {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait}},
        PERCENT,
        WAITS,
    ),
)


@given(POLICIES, st.none() | st.floats(1, 5000), st.booleans())
def test_update_ends_in_service(policy: dict[str, Any], undone_after: float | None, fails: bool) -> None:
    durations, target = Endpoint(), Target("new", VARIANTS, policy)
    phases = endpoint_states.created(endpoint_states.creating(0.0, Target("old", VARIANTS)), 0.0, durations)
    phases = endpoint_states.updating(phases, 1000.0, target)
    phases = endpoint_states.updated(phases, 1000.0, target, durations)
    if undone_after is not None:
        phases = endpoint_states.rolling_back(phases, 1000.0 + undone_after, "", durations, fails=fails)
    assert all(before.at <= after.at for before, after in pairwise(phases))
    assert phases[-1].status == ("UpdateRollbackFailed" if undone_after is not None and fails else "InService")
    assert phases[-1].pending is None
