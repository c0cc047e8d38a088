"""Answers of AWS that come in by a thread, waited for and read within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from classifier_operator.sagemaker.refusal_table import classify

T = TypeVar("T")

# They are in the account of whoever asks; an answer has ARNs of others', too.
_OWN_ARNS = frozenset({"TrainingJobArn", "ModelArn", "EndpointConfigArn", "EndpointArn"})


class Answered(NamedTuple, Generic[T]):
    """The value that a call is made for, and botocore's ResponseMetadata of it."""

    value: T
    metadata: Mapping[str, Any]


def own_arn(answer: Any) -> str:
    """Return the ARN of the resource that an answer is about; "" where it is about none."""
    members = answer.items() if isinstance(answer, dict) else ()
    return next((str(value) for name, value in members if name in _OWN_ARNS), "")


async def within(seconds: float, future: Future[T], operation: str) -> T:
    """Wait for what a thread does, no longer than that."""
    try:
        async with asyncio.timeout(seconds):
            return await asyncio.wrap_future(future)
    except TimeoutError as error:
        raise classify(operation, "NoAnswer", f"AWS has not answered to the end in {seconds:.0f} s", 0) from error


def call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    """Call from a thread; a loop that has ended needs it no more."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)


def read_some(body: Any, limit: int) -> bytes:
    """At most so many bytes of an answer that is streamed; the connection is of no further use when there are more."""
    read: bytes = body.read(limit)
    # Only a read at the end compares what came with the Content-Length: an answer that was cut off is none.
    if len(read) == limit or body.read(1):
        body.close()
    return read
