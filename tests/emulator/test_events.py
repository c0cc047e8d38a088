"""State-change events through EventBridge to SQS."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.sqs.models import sqs_backends

from sagemaker_emulator.control import Control
from sagemaker_emulator.events import upper_snake
from sagemaker_emulator.server import Emulator
from tests.emulator.builders import ACCOUNT, REGION, arn, training


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
    job = arn("training-job", "job")
    assert {(one["source"], one["account"], one["region"], *one["resources"]) for one in events} == {
        ("aws.sagemaker", ACCOUNT, REGION, job)
    }
    assert all(datetime.fromisoformat(one["time"]).tzinfo is not None for one in events)
    details = [event["detail"] for event in events]
    assert sorted(d["SecondaryStatus"] for d in details) == [
        "Completed",
        "Downloading",
        "Starting",
        "Training",
        "Uploading",
    ]
    assert details[0]["TrainingJobArn"] == job
    assert details[0]["Tags"] == {"team": "a"}
    assert details[0]["CreationTime"].isdigit()


def test_events_of_an_endpoint(sagemaker: Any, clients: Any, control: Control, queue: str, endpoint: str) -> None:
    details = [event["detail"] for event in receive(clients, queue, 2)]
    assert sorted(d["EndpointStatus"] for d in details) == ["CREATING", "IN_SERVICE"]
    assert isinstance(details[0]["LastModifiedTime"], int)


def test_hundreds_of_events_at_a_moment(sagemaker: Any, clients: Any, control: Control, queue: str) -> None:
    control.change_settings(training={"work": "none", "instant_artifact": False})
    names = [f"job-{number}" for number in range(60)]
    for name in names:
        sagemaker.create_training_job(**training(name))
    control.advance(300)
    details = [event["detail"] for event in receive(clients, queue, 300)]
    assert sorted(one["TrainingJobName"] for one in details) == sorted(names * 5)
    assert clients("sqs").receive_message(QueueUrl=queue).get("Messages", []) == []


def test_a_message_is_kept_for_as_long_as_its_queue_says(clients: Any, queue: str) -> None:
    sqs = clients("sqs")
    # A shorter time than SQS takes: moto's attribute is set behind its back.
    [backend] = [one for one in sqs_backends[ACCOUNT].values() if "events" in one.queues]
    sqs.send_message(QueueUrl=queue, MessageBody="old")
    backend.queues["events"].message_retention_period = 0
    assert sqs.receive_message(QueueUrl=queue).get("Messages", []) == []
    sqs.send_message(QueueUrl=queue, MessageBody="new")
    backend.queues["events"].message_retention_period = 60
    assert [one["Body"] for one in sqs.receive_message(QueueUrl=queue)["Messages"]] == ["new"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("InService", "IN_SERVICE"), ("Failed", "FAILED"), ("UpdateRollbackFailed", "UPDATE_ROLLBACK_FAILED")],
)
def test_status_in_events(status: str, expected: str) -> None:
    assert upper_snake(status) == expected


def long_poll(clients: Any, queue: str, seconds: int = 20) -> list[str]:
    answer = clients("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=seconds)
    return [message["Body"] for message in answer.get("Messages", ())]


def during_a_long_poll(clients: Any, queue: str, act: Callable[[], object]) -> list[str]:
    """What a long poll brings that has begun before `act`."""
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(long_poll, clients, queue)
        # Nothing tells when the emulator has begun to wait; to be early is no failure.
        time.sleep(0.1)
        act()
        return poll.result(timeout=5)


def test_a_long_poll_waits_for_a_message(clients: Any, control: Control, queue: str) -> None:
    send = lambda: clients("sqs").send_message(QueueUrl=queue, MessageBody="hello")  # noqa: E731
    assert during_a_long_poll(clients, queue, send) == ["hello"]
    [call] = control.calls("sqs.ReceiveMessage")
    assert call["status"] == 200


def test_a_long_poll_ends_without_a_message(clients: Any, queue: str) -> None:
    began = time.monotonic()
    assert long_poll(clients, queue, 1) == []
    assert 1 <= time.monotonic() - began < 10


def test_a_long_poll_ends_with_its_queue(clients: Any, queue: str) -> None:
    with pytest.raises(ClientError, match="NonExistentQueue"):
        during_a_long_poll(clients, queue, lambda: clients("sqs").delete_queue(QueueUrl=queue))


def test_who_leaves_a_long_poll_takes_no_message_with_him(clients: Any, queue: str, emulator: Emulator) -> None:
    body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20})
    scope = f"Credential=AKIAIOSFODNN7EXAMPLE/20260301/{REGION}/sqs/aws4_request"
    head = [
        "POST / HTTP/1.1",
        "Host: emulator",
        "X-Amz-Target: AmazonSQS.ReceiveMessage",
        "Content-Type: application/x-amz-json-1.0",
        f"Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        f"Content-Length: {len(body)}",
    ]
    address = ("127.0.0.1", int(emulator.url.rpartition(":")[2]))
    with socket.create_connection(address, timeout=5) as connection:
        connection.sendall("\r\n".join([*head, "", body]).encode())
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    # The emulator looks again a few times before anything is sent.
    time.sleep(0.2)
    clients("sqs").send_message(QueueUrl=queue, MessageBody="hello")
    assert long_poll(clients, queue, 5) == ["hello"]


@pytest.mark.parametrize("seconds", [-1, 21])
def test_a_wait_that_sqs_refuses(clients: Any, queue: str, seconds: int) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        long_poll(clients, queue, seconds)
