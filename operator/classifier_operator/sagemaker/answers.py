"""Typed reads of AWS's answers: what is missing or of another type is an error here, and not of whoever looks at it."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from classifier_operator.api.cut import cut
from classifier_operator.api.redaction import redacted
from classifier_operator.sagemaker.refusals import UNREADABLE_CODE, AwsRefusal, RefusalKind

Answer = Mapping[str, Any]
# JSON's own limit of whole numbers.
_MOST_COUNT = 2**53 - 1
# Characters of a name, an ARN or an address. AWS allows 2,048; a status takes no longer one than this (maxLength).
TEXT_LIMIT = 4096
# AWS limits the token of a next page to 8,192 characters.
TOKEN_LIMIT = 16_384


class UnreadableAnswerError(ValueError):
    """AWS's answer is not what its API promises; the message names the member."""


@contextmanager
def reading(operation: str) -> Iterator[None]:
    """Turn an UnreadableAnswerError of the block into an AwsRefusal: the call got no answer that could be used."""
    try:
        yield
    except UnreadableAnswerError as error:
        raise AwsRefusal(operation, RefusalKind.UNREADABLE, UNREADABLE_CODE, str(error)) from error


def text(answer: Answer, name: str, default: str | None = None, *, limit: int = TEXT_LIMIT) -> str:
    """Return a text of at most `limit` characters; a member that is absent is an error without a default.

    What names something is never cut: a longer one is an error.
    """
    value = answer.get(name, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise _error(name, "a text", value)
    if len(value) > limit:
        raise UnreadableAnswerError(f"the answer's {name} has {len(value)} characters, more than {limit}")
    return value


def next_token(page: Answer) -> str:
    """Return the token of the page after this one; empty on the last."""
    return text(page, "NextToken", "", limit=TOKEN_LIMIT)


def sentences(answer: Answer, name: str) -> str:
    """Return what AWS says in a member that people read: redacted, and cut where it is long; empty where absent."""
    return cut(redacted(text(answer, name, "", limit=sys.maxsize)))


def number(answer: Answer, name: str, default: float = 0, *, is_finite: bool = True) -> float:
    """A number, a finite one unless said otherwise."""
    value = answer.get(name, default)
    if value is None:
        return default
    # A bool is an int to Python, and a number to nobody; an int may have any number of digits.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _error(name, "a number", value)
    if (isinstance(value, int) and abs(value) > _MOST_COUNT) or (is_finite and not math.isfinite(value)):
        raise _error(name, "a finite number", value)
    return float(value)


def count(answer: Answer, name: str, default: int = 0) -> int:
    """A whole number, 0 or more."""
    value = answer.get(name, default)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_COUNT:
        raise _error(name, "a count", value)
    return value


def time(answer: Answer, name: str) -> datetime | None:
    """A time with a time zone; None where it is absent."""
    value = answer.get(name)
    if value is not None and not (isinstance(value, datetime) and value.tzinfo is not None):
        raise _error(name, "a time", value)
    return value


def structure(answer: Answer, name: str) -> Answer:
    """A structure; empty where it is absent."""
    value = answer.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _error(name, "a structure", value)
    return value


def structures(answer: Answer, name: str) -> Sequence[Answer]:
    """A list of structures; empty where it is absent."""
    value = answer.get(name)
    if value is None:
        return ()
    if not isinstance(value, list | tuple) or not all(isinstance(one, Mapping) for one in value):
        raise _error(name, "a list of structures", value)
    return value


def tags_in(answer: Answer) -> dict[str, str]:
    """The tags of a ListTags answer."""
    return {text(tag, "Key"): text(tag, "Value") for tag in structures(answer, "Tags")}


def _error(name: str, wanted: str, value: object) -> UnreadableAnswerError:
    # Never the value: it may be anything, of any length.
    found = "nothing" if value is None else type(value).__name__
    return UnreadableAnswerError(f"the answer's {name} is {found}, not {wanted}")
