"""Which object a line of the log is about: told by every line that is written while somebody works on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.sagemaker.refusals import AwsRefusal


class Topic(NamedTuple):
    """The object that is being worked on."""

    key: ObjectKey
    uid: str


_TOPIC: ContextVar[Topic | None] = ContextVar("topic", default=None)


def topic() -> Topic | None:
    """What is being worked on here, if anything is: also in the tasks and threads that were started from there."""
    return _TOPIC.get()


@contextmanager
def about(key: ObjectKey, uid: str) -> Iterator[None]:
    """Whatever is logged from here on is about this object."""
    token = _TOPIC.set(Topic(key, uid))
    try:
        yield
    finally:
        _TOPIC.reset(token)


def fields_of(refusal: AwsRefusal) -> dict[str, str]:
    """What a line about a refusal says of it, beside its text."""
    fields = {"operation": refusal.operation, "outcome": refusal.kind.value, "code": refusal.code}
    return {**fields, "requestId": refusal.request_id} if refusal.request_id else fields
