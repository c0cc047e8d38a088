"""A queue of SQS: what is received and deleted, and that nothing waits for a long poll."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from typing import Any

import boto3
import pytest

from classifier_operator.adapters.aws import Aws
from classifier_operator.adapters.daemon_threads import DaemonThreads
from classifier_operator.adapters.queues import EventsQueue
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.hints.address import address_of
from classifier_operator.runtime.ports import Message
from classifier_operator.sagemaker.refusals import AwsRefusal, RefusalKind
from sagemaker_emulator.control import Control

REGION = "us-east-1"


@pytest.fixture
def sqs(control: Control) -> Any:
    client = boto3.client("sqs", region_name=REGION)
    yield client
    client.close()


@pytest.fixture
def url(sqs: Any) -> str:
    """Of a queue that no other test has listened to: who is not waited for listens on."""
    return str(sqs.create_queue(QueueName=f"events-{secrets.token_hex(4)}")["QueueUrl"])


@pytest.fixture
def queue(aws: Aws, url: str) -> EventsQueue:
    return EventsQueue(aws, address_of(url, REGION))


async def test_messages_are_received_and_deleted(queue: EventsQueue, sqs: Any, url: str) -> None:
    for number in range(12):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    received: list[Message] = []
    while len(received) < 12:
        some = list(await queue.receive())
        received += some
        await queue.delete(some)
    assert sorted(int(one.body) for one in received) == list(range(12))
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert set(left.values()) == {"0"}


async def test_a_queue_that_is_gone(queue: EventsQueue, sqs: Any, url: str) -> None:
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(AwsRefusal) as refused:
        await queue.receive()
    assert refused.value.kind is RefusalKind.NOT_FOUND


async def test_nothing_waits_for_a_long_poll(aws: Aws, queue: EventsQueue, control: Control) -> None:
    before = threading.active_count()
    poll = asyncio.create_task(queue.receive())
    async with asyncio.timeout(5):
        while threading.active_count() == before:  # noqa: ASYNC110 - until it has begun
            await asyncio.sleep(0.01)
    began = time.monotonic()
    await asyncio.gather(*(aws.call(Place(REGION), "ListModels", {}) for _ in range(32)))
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await asyncio.to_thread(aws.close)
    # A long poll takes 20 s.
    assert time.monotonic() - began < 15
    assert aws._metrics.aws_in_flight._value.get() == 0


async def test_calls_are_counted(aws: Aws, queue: EventsQueue, sqs: Any, url: str) -> None:
    sqs.send_message(QueueUrl=url, MessageBody="x")
    await queue.delete(await queue.receive())
    samples = [one for family in aws._metrics.registry.collect() for one in family.samples]
    calls = {
        (one.labels["operation"], one.labels["region"], one.labels["outcome"]): one.value
        for one in samples
        if one.name == "classifier_operator_aws_calls_total" and one.labels["aws_service"] == "sqs"
    }
    assert calls == {("ReceiveMessage", REGION, "ok"): 1, ("DeleteMessageBatch", REGION, "ok"): 1}
    # What waits for SageMaker's limits is not they.
    assert not [one for one in samples if one.name.endswith("limit_wait_seconds_count") and one.value]


async def test_a_call_that_fails_says_so_to_who_waits() -> None:
    def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        await asyncio.get_running_loop().run_in_executor(DaemonThreads("test"), fail)
