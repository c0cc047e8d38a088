"""What moto does with far more work than it takes, so that a thousand messages do not hold up the emulator.

moto 5.2 parses the same JSON paths for each event, and counts all of a queue's messages, thrice, for each message that
it hands out, with dates where numbers would do. All answers stay what they were.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import jsonpath_ng.ext
from moto.sqs import models


@functools.cache
def reduce() -> None:
    """Have it done with less, in this process."""
    paths: Any = jsonpath_ng.ext
    paths.parse = functools.cache(paths.parse)
    models.SQSBackend.is_message_valid_based_on_retention_period = _is_retained
    models.unix_time_millis = _milliseconds


def _is_retained(backend: Any, queue_name: str, message: Any) -> bool:
    """Whether a message is young enough to be kept."""
    period = backend.get_queue(queue_name).message_retention_period
    return bool(message.sent_timestamp / 1000 + period > time.time())


def _milliseconds(_: None = None) -> float:
    return time.time() * 1000
