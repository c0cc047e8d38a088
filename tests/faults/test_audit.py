"""The audit finds what it is there to find."""

from __future__ import annotations

import pytest

from tests.apiserver.serving import UID_TAG
from tests.apiserver.world import Json
from tests.faults.audit import Carried, is_about_nothing, made_twice, moved_twice, told_twice
from tests.faults.ends import COMPLETED, GONE, IN_SERVICE, End, stalled
from tests.faults.groups import GROUPS

# The states of the contract's tables that a condition's reason names.
STATES = {
    "ctrain": "Starting Downloading Training Uploading Stopping WaitingForCapacity WaitingForQuota AccessPending "
    "Completed JobFailed JobStopped MaxRuntimeExceeded InvalidSpec Suspended Deleting",
    "cep": "WaitingForTraining Creating Updating InService RolledBack EndpointFailed AcceleratorUnavailable Suspended "
    "Deleting",
}


def call(operation: str, resource: str, uid: str = "1", **request: object) -> Json:
    tags = [{"Key": UID_TAG, "Value": uid}]
    return {"operation": operation, "resource": resource, "request": {**request, "Tags": tags}}


def test_there_are_a_hundred_objects_in_all_states() -> None:
    assert sum(group.count for group in GROUPS) == 100
    for kind, states in STATES.items():
        there = " ".join(group.at[1] for group in GROUPS if group.kind == kind)
        assert [state for state in states.split() if state not in there] == []


@pytest.mark.parametrize(
    ("second", "complaints"),
    [
        (call("CreateTrainingJob", "b", RoleArn="r"), 1),
        (call("CreateTrainingJob", "b", RoleArn="other"), 0),
        (call("CreateTrainingJob", "b", uid="2", RoleArn="r"), 0),
    ],
    ids=["the same", "another request", "another object"],
)
def test_a_job_that_is_made_twice_is_found(second: Json, complaints: int) -> None:
    calls = [call("CreateTrainingJob", "a", RoleArn="r"), call("DeleteTrainingJob", "a"), second]
    assert len(made_twice(Carried(calls), {})) == complaints


def test_a_retried_job_may_be_made_twice_and_not_three_times() -> None:
    calls = [call("CreateTrainingJob", f"test-retried-0-x-{number}") for number in (1, 2, 3)]
    assert made_twice(Carried(calls[:2]), {"retried-0": 2}) == []
    assert len(made_twice(Carried(calls), {"retried-0": 2})) == 1


def test_two_endpoints_of_an_object_are_found_unless_one_comes_after_the_other() -> None:
    first, other = (
        call("CreateEndpoint", "a", EndpointConfigName="x"),
        call("CreateEndpoint", "b", EndpointConfigName="y"),
    )
    assert len(made_twice(Carried([first, other]), {})) == 1
    assert made_twice(Carried([first, call("DeleteEndpoint", "a"), other]), {}) == []


def test_an_endpoint_that_is_moved_twice_to_the_same_place_is_found() -> None:
    to_x, to_y = (call("UpdateEndpoint", "a", EndpointConfigName=name) for name in ("x", "y"))
    assert moved_twice(Carried([to_x, to_y, to_x])) == []
    assert len(moved_twice(Carried([to_x, to_x]))) == 1


def test_what_is_told_twice_is_found() -> None:
    def event(time: int, reason: str, uid: str = "1") -> Json:
        return {"eventTime": str(time), "reason": reason, "note": "", "regarding": {"uid": uid, "name": "digits"}}

    assert told_twice([event(3, "Training"), event(2, "Starting"), event(1, "Training")]) == []
    assert told_twice([event(1, "Training"), event(2, "Training", uid="2")]) == []
    assert len(told_twice([event(1, "Training"), event(2, "Training")])) == 1


def test_a_denial_counts_unless_what_it_is_about_is_gone() -> None:
    tags = {f"aws:ResourceTag/{UID_TAG}": ["1"]}
    assert is_about_nothing({"action": "sagemaker:DeleteModel", "context": {}})
    assert not is_about_nothing({"action": "sagemaker:DeleteModel", "context": tags})
    assert not is_about_nothing({"action": "sagemaker:CreateModel", "context": {}})


def body(observed: int = 2, **reasons: str) -> Json:
    conditions = [
        {
            "type": name,
            "status": "True" if name != "Ready" or reason == "Completed" else "False",
            "reason": reason,
            "message": "",
        }
        for name, reason in reasons.items()
    ]
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": conditions}}


@pytest.mark.parametrize(
    ("end", "found", "words"),
    [
        (COMPLETED, body(Ready="Completed"), ""),
        (COMPLETED, body(Ready="Training", Reconciling="Training"), "ought to be"),
        (COMPLETED, body(Ready="Completed", Reconciling="Training"), "ought to be"),
        (COMPLETED, body(1, Ready="Completed"), "is not observed"),
        (COMPLETED, None, "does not exist"),
        (IN_SERVICE, body(Ready="Completed"), "ought to be"),
        (stalled("JobFailed"), body(Ready="JobFailed", Stalled="JobFailed"), ""),
        (GONE, None, ""),
        (GONE, body(Ready="Completed"), "is still there"),
    ],
)
def test_what_is_missing_is_said(end: End, found: Json | None, words: str) -> None:
    missing = end.missing_in(found)
    assert words in missing
    assert bool(missing) == bool(words)
