"""Calls as values."""

from __future__ import annotations

import pytest

from classifier_operator.api.kinds import OBJECT_TAG, UID_TAG
from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.reconcile import calls

ENDPOINT = Resource(Place("us-east-1"), ResourceType.ENDPOINT, "e")
JOB = Resource(Place("us-east-1"), ResourceType.TRAINING_JOB, "j")
CALLS = {
    "CreateEndpoint": (calls.create(ENDPOINT, {"EndpointConfigName": "c"}), True),
    "DescribeEndpoint": (calls.describe(ENDPOINT), False),
    "DeleteEndpoint": (calls.delete(ENDPOINT), False),
    "UpdateEndpoint": (calls.update_endpoint(ENDPOINT, {"EndpointConfigName": "c"}), True),
    "UpdateEndpointWeightsAndCapacities": (calls.update_capacities(ENDPOINT, []), True),
}


@pytest.mark.parametrize(("operation", "case"), CALLS.items(), ids=CALLS.keys())
def test_each_call_names_its_resource(operation: str, case: tuple[calls.Call, bool]) -> None:
    call, is_announced = case
    assert (call.operation, call.params["EndpointName"]) == (operation, "e")
    assert call.is_announced is is_announced
    assert call.changes is not operation.startswith("Describe")


def test_a_job_is_stopped_by_name() -> None:
    assert calls.stop_job(JOB).params == {"TrainingJobName": "j"}


def test_a_strangers_resource_may_be_behind_an_identification() -> None:
    assert calls.identify(JOB).checks_owner
    assert not calls.describe(JOB).checks_owner


RETAGGED = {
    "nothing": ({"a": "1"}, {"a": "1"}, []),
    "added": ({"a": "1", "b": "2"}, {"a": "1"}, [("AddTags", [{"Key": "b", "Value": "2"}])]),
    "changed": ({"a": "2"}, {"a": "1"}, [("AddTags", [{"Key": "a", "Value": "2"}])]),
    "removed": ({}, {"a": "1"}, [("DeleteTags", ["a"])]),
    "both": ({"b": "1"}, {"a": "1"}, [("DeleteTags", ["a"]), ("AddTags", [{"Key": "b", "Value": "1"}])]),
    "all three": (
        {"a": "2", "b": "1"},
        {"a": "1", "c": "1"},
        [("DeleteTags", ["c"]), ("AddTags", [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "1"}])],
    ),
    "never the owner's": ({}, {UID_TAG: "1", OBJECT_TAG: "x"}, []),
}


@pytest.mark.parametrize(("wanted", "had", "expected"), RETAGGED.values(), ids=RETAGGED.keys())
def test_tags_change_by_what_differs(
    wanted: dict[str, str], had: dict[str, str], expected: list[tuple[str, object]]
) -> None:
    made: list[calls.Call] = []
    while following := calls.retag(ENDPOINT, "arn", wanted=wanted, had=had):
        made += following
        had = calls.retagged(wanted=wanted, had=had)
    assert [(call.operation, call.params.get("Tags") or call.params["TagKeys"]) for call in made] == expected
