"""A queue of SQS that EventBridge puts events into."""

from __future__ import annotations

from collections.abc import Sequence

from classifier_operator.adapters.aws import Aws
from classifier_operator.api.ledger import Place
from classifier_operator.runtime.hints.address import QueueAddress
from classifier_operator.runtime.ports import Message

# The most that SQS allows. What is read may take as long as `Aws` gives any call.
WAIT_SECONDS = 20
MOST_MESSAGES = 10


class EventsQueue:
    """Receives by long polls, as the operator itself, whatever roles it takes on for objects."""

    def __init__(self, aws: Aws, address: QueueAddress) -> None:
        self._aws = aws
        self._place = Place(address.region)
        self._queue = {"QueueUrl": address.url}

    async def receive(self) -> list[Message]:
        """Some messages, waited for if there are none."""
        wanted = {**self._queue, "MaxNumberOfMessages": MOST_MESSAGES, "WaitTimeSeconds": WAIT_SECONDS}
        answer = await self._aws.call_sqs(self._place, "ReceiveMessage", wanted)
        return [Message(one["Body"], one["ReceiptHandle"]) for one in answer.get("Messages", ())]

    async def delete(self, messages: Sequence[Message]) -> None:
        """These shall not come again. SQS may keep one all the same, and a hint that comes twice is the same hint."""
        entries = [{"Id": str(number), "ReceiptHandle": one.receipt} for number, one in enumerate(messages)]
        await self._aws.call_sqs(self._place, "DeleteMessageBatch", {**self._queue, "Entries": entries})
