"""State-change events through EventBridge to SQS."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sagemaker_emulator.control import Control
from sagemaker_emulator.events import upper_snake
from tests.emulator.builders import arn, training


@pytest.fixture
def queue(clients: Any, control: Control) -> str:
    """A queue that gets all SageMaker events."""
    control.change_settings(events=True)
    sqs, events = clients("sqs"), clients("events")
    url = str(sqs.create_queue(QueueName="events")["QueueUrl"])
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name="sagemaker", EventPattern=json.dumps({"source": ["aws.sagemaker"]}), State="ENABLED")
    events.put_targets(Rule="sagemaker", Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    return url


def receive(clients: Any, queue: str, count: int) -> list[dict[str, Any]]:
    """The next `count` events, waited for at most 5 s."""
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + 5
    while len(found) < count and time.monotonic() < deadline:
        messages = clients("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        found += [json.loads(message["Body"]) for message in messages]
    return found


def test_events_of_a_training_job(sagemaker: Any, s3: Any, clients: Any, control: Control, queue: str) -> None:
    sagemaker.create_training_job(**training(Tags=[{"Key": "team", "Value": "a"}]))
    control.advance(300)
    events = receive(clients, queue, 5)
    assert {event["detail-type"] for event in events} == {"SageMaker Training Job State Change"}
    details = [event["detail"] for event in events]
    assert sorted(d["SecondaryStatus"] for d in details) == [
        "Completed",
        "Downloading",
        "Starting",
        "Training",
        "Uploading",
    ]
    assert details[0]["TrainingJobArn"] == arn("training-job", "job")
    assert details[0]["Tags"] == {"team": "a"}
    assert details[0]["CreationTime"].isdigit()


def test_events_of_an_endpoint(sagemaker: Any, clients: Any, control: Control, queue: str, endpoint: str) -> None:
    details = [event["detail"] for event in receive(clients, queue, 2)]
    assert sorted(d["EndpointStatus"] for d in details) == ["CREATING", "IN_SERVICE"]
    assert isinstance(details[0]["LastModifiedTime"], int)


@pytest.mark.parametrize(
    ("status", "expected"),
    [("InService", "IN_SERVICE"), ("Failed", "FAILED"), ("UpdateRollbackFailed", "UPDATE_ROLLBACK_FAILED")],
)
def test_status_in_events(status: str, expected: str) -> None:
    assert upper_snake(status) == expected
