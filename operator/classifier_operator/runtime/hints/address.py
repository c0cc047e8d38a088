"""Where a queue is: its URL, and the region that the URL tells."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

# As a part of the host: sqs.us-east-1.amazonaws.com, vpce-1.sqs.us-gov-west-1.vpce.amazonaws.com.
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]+")


class QueueAddress(Struct, frozen=True):
    """A queue of SQS."""

    url: str
    region: str


def address_of(url: str, default_region: str) -> QueueAddress:
    """The queue of that URL.

    Raises:
        ValueError: it is no queue's URL, or says no region and there is no default.

    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"/[0-9]{12}/[-_a-zA-Z0-9.]+", parts.path):
        raise ValueError(f"{url!r} is no queue's URL, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
    labels = (parts.hostname or "").split(".")
    region = next((label for label in labels if _REGION.fullmatch(label)), default_region)
    if not region:
        raise ValueError(f"{url!r} does not say its region, and there is no default one (--region)")
    return QueueAddress(url, region)
