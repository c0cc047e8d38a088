"""What is known to be at AWS before the first pass."""

from __future__ import annotations

from typing import Any

import pytest

from classifier_operator.api.ledger import Place, Resource, ResourceType
from classifier_operator.runtime.gather import left_at_aws

JOB = Resource(Place("us-east-1"), ResourceType.TRAINING_JOB, "job")
ENDPOINT = Resource(Place("us-east-1"), ResourceType.ENDPOINT, "endpoint")
NOTHING: frozenset[Resource] = frozenset()
LEDGER = [
    {"type": "Model", "name": "model", "region": "us-east-1"},
    {"type": "TrainingJob", "name": "job", "region": "us-east-1"},
    {"type": "TrainingJob", "name": "old", "region": "us-east-1"},
    {"type": "Endpoint", "name": "endpoint", "region": "us-east-1"},
    {"type": "Endpoint", "name": "endpoint", "region": "eu-west-1"},
]


@pytest.mark.parametrize(
    ("status", "follow"),
    [
        ({"jobName": "job", "jobArn": "arn:x", "jobStatus": "InProgress"}, {JOB}),
        ({"jobName": "job", "jobArn": "arn:x"}, {JOB}),
        ({"jobName": "job", "jobArn": "arn:x", "jobStatus": "Completed"}, set()),
        ({"jobName": "job"}, set()),
        ({}, set()),
    ],
    ids=["runs", "was just made", "is over", "may be a stranger's", "nothing"],
)
def test_a_job_that_may_run_is_followed(status: dict[str, Any], follow: set[Resource]) -> None:
    assert left_at_aws({"status": {**status, "resources": LEDGER}}) == (frozenset(follow), NOTHING)


@pytest.mark.parametrize("arn", ["", "arn:x"], ids=["may be a stranger's", "was made"])
def test_an_endpoint_is_guarded(arn: str) -> None:
    status = {"endpointName": "endpoint", "endpointArn": arn, "resources": LEDGER}
    elsewhere = ENDPOINT._replace(place=Place("eu-west-1"))
    assert left_at_aws({"status": status}) == (NOTHING, frozenset({ENDPOINT, elsewhere}) if arn else NOTHING)


def test_of_what_makes_no_sense_nothing_is_expected() -> None:
    assert left_at_aws({"status": {"resources": [{"type": 5}], "jobArn": "x"}}) == (NOTHING, NOTHING)
    assert left_at_aws({}) == (NOTHING, NOTHING)
