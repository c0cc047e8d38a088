"""A training job's course as a value, without any server."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from sagemaker_emulator import timeline, training_states
from sagemaker_emulator.outcomes import Outcome
from sagemaker_emulator.settings import Training
from sagemaker_emulator.training_states import Order, Phase

NORMAL = ["Starting", "Downloading", "Training", "Uploading", "Completed"]


def order(outcome: Outcome | None = None, *, works: bool = False, **stopping: Any) -> Order:
    return Order(request={"StoppingCondition": stopping}, settings=Training(), outcome=outcome, works=works)


def secondaries(phases: tuple[Phase, ...]) -> list[str]:
    return [phase.secondary for phase in phases]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(order(), NORMAL, id="normal"),
        pytest.param(order(works=True), NORMAL[:3], id="work-is-awaited-in-training"),
        pytest.param(order(MaxRuntimeInSeconds=50), [*NORMAL[:3], "Stopping", "MaxRuntimeExceeded"], id="max-runtime"),
        pytest.param(
            order(MaxWaitTimeInSeconds=70, MaxRuntimeInSeconds=3600),
            ["Starting", "Downloading", "Stopping", "MaxWaitTimeExceeded"],
            id="max-wait",
        ),
        pytest.param(
            order(works=True, MaxWaitTimeInSeconds=90, MaxRuntimeInSeconds=3600),
            ["Starting", "Downloading", "Training", "Stopping", "MaxWaitTimeExceeded"],
            id="max-wait-with-work",
        ),
        pytest.param(order(Outcome("training", "fail")), [*NORMAL[:3], "Failed"], id="ordered-failure"),
        pytest.param(order(Outcome("training", "stop")), [*NORMAL[:3], "Stopped"], id="ordered-stop"),
        pytest.param(
            order(Outcome("training", "interrupt")),
            [*NORMAL[:3], "Interrupted", *NORMAL],
            id="spot-interruption",
        ),
        pytest.param(order(Outcome("training", "capacity")), ["Starting", "Pending", "Failed"], id="capacity"),
    ],
)
def test_course_of_a_job(given: Order, expected: list[str]) -> None:
    phases = training_states.planned(given, 1000.0)
    assert secondaries(phases) == expected
    assert training_states.is_sorted(phases)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(1010.0, ["Starting", "Starting", "Stopping", "Stopped"], id="starting"),
        pytest.param(1100.0, [*NORMAL[:3], "Training", "Stopping", "Stopped"], id="training"),
        pytest.param(1205.0, [*NORMAL[:4], "Uploading", "Completed"], id="about-to-finish-still-completes"),
    ],
)
def test_stop(now: float, expected: list[str]) -> None:
    phases = training_states.stopping(training_states.planned(order(), 1000.0), now, Training())
    assert secondaries(phases) == expected
    assert training_states.is_sorted(phases)


def test_a_stopping_job_waits_for_no_capacity() -> None:
    waiting = training_states.planned(replace(order(), lacks_capacity=True), 1000.0)
    assert training_states.is_waiting_for_capacity(waiting, 1100.0)
    stopped = training_states.stopping(waiting, 1100.0, Training())
    assert not any(training_states.is_waiting_for_capacity(stopped, at) for at in (1100.0, 1104.0, 1110.0))


@pytest.mark.parametrize("seconds", [0.0, 2.0, 30.0])
def test_a_stop_takes_the_time_that_is_set(seconds: float) -> None:
    stopped = training_states.stopping(
        training_states.planned(order(), 1000.0), 1100.0, Training(stopping_seconds=seconds)
    )
    assert (stopped[-1].secondary, stopped[-1].at) == ("Stopped", 1100.0 + seconds)
    assert training_states.is_sorted(stopped)


def test_messages_follow_each_other_within_a_status() -> None:
    starting = training_states.planned(order(), 1000.0)[0]
    assert [starting.message(seconds) for seconds in (0.0, 10.0, 40.0, math.inf)] == [
        "Starting the training job",
        "Launching requested ML instances",
        "Preparing the instances for training",
        "Preparing the instances for training",
    ]


def test_result_that_comes_early_is_shown_after_the_usual_time() -> None:
    phases = training_states.planned(order(works=True), 1000.0)
    assert training_states.completed(phases, ready_at=1081.0, settings=Training())[-2].at == 1200.0


def test_result_that_comes_late_keeps_the_job_in_training() -> None:
    phases = training_states.planned(order(works=True), 1000.0)
    assert training_states.completed(phases, ready_at=1500.0, settings=Training())[-2].at == 1500.0


def test_result_after_a_stop_changes_nothing() -> None:
    stopped = training_states.stopping(training_states.planned(order(works=True), 1000.0), 1100.0, Training())
    assert training_states.failed(stopped, at=1101.0, reason="AlgorithmError") == stopped
    assert training_states.completed(stopped, ready_at=1101.0, settings=Training()) == stopped


def test_failure_reason_is_cut_to_the_models_length() -> None:
    phases = training_states.planned(order(Outcome("training", "fail", "x" * 2000)), 1000.0)
    assert len(phases[-1].reason) == 1024


def test_interruption_is_not_billed() -> None:
    calm = training_states.planned(order(), 0.0)
    broken = training_states.planned(order(Outcome("training", "interrupt", after_seconds=60)), 0.0)
    assert training_states.training_seconds(calm, 1e6) == 20 + 120 + 10
    assert training_states.training_seconds(broken, 1e6) == 20 + 60 + 20 + 120 + 10


def test_state_before_the_beginning_is_the_first() -> None:
    phases = training_states.planned(order(), 1000.0)
    assert timeline.current(phases, 5.0).secondary == "Starting"
