"""What a message hints at is the ARN's resource; everything else hints at nothing, and nothing is ever raised."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.runtime.hints.fake_queue import JOB, event

from classifier_operator.api.ledger import ResourceType
from classifier_operator.runtime.hints.events import Hint, hint_in

ENDPOINT = "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:endpoint/Digits"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_training_job_is_known_by_its_arn() -> None:
    expected = Hint("123456789012", "us-east-1", ResourceType.TRAINING_JOB, "vision-digits-1", AT)
    assert hint_in(json.dumps(event())) == expected


@pytest.mark.parametrize("kind", ["SageMaker Endpoint State Change", "SageMaker Endpoint Deployment State Change"])
def test_an_endpoint_is_known_by_its_arn_in_any_partition(kind: str) -> None:
    body = event({"EndpointArn": ENDPOINT, "EndpointStatus": "IN_SERVICE", "CreationTime": 1}, **{"detail-type": kind})
    assert hint_in(json.dumps(body)) == Hint("123456789012", "us-gov-west-1", ResourceType.ENDPOINT, "digits", AT)


NOTHING = {
    "no JSON": "{",
    "empty": "",
    "a number": "1",
    "a list": "[]",
    "deep": "[" * 100_000,
    "another service": json.dumps(event(source="aws.ec2")),
    "a pretender": json.dumps(event(source="my.sagemaker")),
    "another change": json.dumps(event(**{"detail-type": "SageMaker Model State Change"})),
    "no detail": json.dumps(event([])),
    "no ARN": json.dumps(event({"TrainingJobName": "vision-digits-1"})),
    "no text as ARN": json.dumps(event({"TrainingJobArn": 7})),
    "another ARN": json.dumps(event({"TrainingJobArn": JOB.replace("training-job", "model")})),
    "another service's ARN": json.dumps(event({"TrainingJobArn": JOB.replace("sagemaker", "s3")})),
    "a longer ARN": json.dumps(event({"TrainingJobArn": f"{JOB}\n"})),
    "half a character": '{"source": "\ud800"}',
}


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_everything_else_hints_at_nothing(body: str) -> None:
    assert hint_in(body) is None


@pytest.mark.parametrize("time", [None, 7, "yesterday", "2026-13-01T12:00:00Z", {"a": [1]}])
def test_a_time_that_cannot_be_read_is_no_time(time: Any) -> None:
    found = hint_in(json.dumps(event(time=time)))
    assert found is not None
    assert found.at is None


def test_a_time_without_a_zone_is_utc() -> None:
    found = hint_in(json.dumps(event(time="2026-03-01T12:00:00")))
    assert found is not None
    assert found.at == AT


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = st.sampled_from(["version", "detail-type", "source", "account", "time", "region", "resources", "detail"])


@given(st.text())
def test_any_text_is_survived(body: str) -> None:
    assert hint_in(body) is None


@given(st.dictionaries(MEMBERS, VALUES, max_size=4), VALUES)
def test_any_event_is_survived(changes: dict[str, Any], arn: Any) -> None:
    for detail in (None, {"TrainingJobArn": arn}, {"EndpointArn": arn, "TrainingJobArn": JOB}):
        found = hint_in(json.dumps({**event(detail), **changes}))
        assert found is None or (found.account, found.name) == ("123456789012", "vision-digits-1")


@given(st.lists(st.integers(0, 600), max_size=4))
def test_a_damaged_event_is_survived(places: list[int]) -> None:
    body = json.dumps(event())
    for place in places:
        body = body[:place] + body[place + 1 :]
    hint_in(body)
