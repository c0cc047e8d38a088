"""A queue of events in memory, and what AWS puts into one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from classifier_operator.runtime.ports import Message

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/vision-digits-1"


def event(detail: Any = None, **changes: Any) -> dict[str, Any]:
    """An event as AWS documents it, whose name is not that of its ARN."""
    known = {"TrainingJobName": "another", "TrainingJobArn": JOB, "TrainingJobStatus": "InProgress"}
    envelope = {
        "version": "0",
        "id": "844e2571-85d4-695f-b930-0153b71dcb42",
        "detail-type": "SageMaker Training Job State Change",
        "source": "aws.sagemaker",
        "account": "123456789012",
        "time": "2026-03-01T12:00:00Z",
        "region": "us-east-1",
        "resources": [JOB],
        "detail": {**known, "CreationTime": "1583831889050", "Tags": {}} if detail is None else detail,
    }
    return {**envelope, **changes}


def of(name: str, time: str = "2026-03-01T12:00:00Z") -> str:
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
    return json.dumps(event({"TrainingJobArn": arn}, time=time))


class Queue:
    """Answers as it is told to, then is silent until it is told more."""

    def __init__(self, *answers: Sequence[str] | Exception) -> None:
        self.answers = list(answers)
        self.deleted: list[str] = []
        self.refusals: list[Exception] = []
        self.is_silent = asyncio.Event()
        self.was_left = False
        self._has_more = asyncio.Event()

    def put(self, bodies: Sequence[str]) -> None:
        """Break the silence."""
        self.answers.append(bodies)
        self._has_more.set()

    async def receive(self) -> list[Message]:
        if not self.answers:
            self.is_silent.set()
            self._has_more.clear()
            try:
                await self._has_more.wait()
            except asyncio.CancelledError:
                self.was_left = True
                raise
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [Message(body, f"receipt of {body}") for body in answer]

    async def delete(self, messages: Sequence[Message]) -> None:
        if self.refusals:
            raise self.refusals.pop(0)
        self.deleted += [one.body for one in messages]
