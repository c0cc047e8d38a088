"""SQS's long polls: moto would wait in a thread, for a queue that may be gone by then and a caller who may be, too."""

from __future__ import annotations

import json

INTERVAL = 0.02


def without_wait(service: str, operation: str, body: bytes) -> tuple[bytes, float]:
    """The request as moto is to see it, and for how many real seconds to ask it again."""
    if service != "sqs" or operation != "ReceiveMessage":
        return body, 0.0
    try:
        asked = json.loads(body)
        seconds = int(asked["WaitTimeSeconds"])
    except (ValueError, TypeError, KeyError):
        # moto refuses what is wrong, and asks the queue where the request does not say.
        return body, 0.0
    if not 0 <= seconds <= 20:
        return body, 0.0
    return json.dumps({**asked, "WaitTimeSeconds": 0}).encode(), float(seconds)


def has_nothing(answer: bytes, code: str) -> bool:
    """Whether a queue's answer has no messages in it."""
    return not code and b'"Messages"' not in answer
