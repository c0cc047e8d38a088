"""Where a queue is: its URL, and the region that the URL tells."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from msgspec import Struct

from classifier_operator.sagemaker.regions import is_region

_PATH = re.compile(r"/[0-9]{12}/[-_a-zA-Z0-9.]+")


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
    # Nothing but these characters: no user's name, query, fragment, space or line break.
    is_plain = re.fullmatch(r"[-a-zA-Z0-9.:/_\[\]]+", url) is not None
    if parts.scheme not in ("http", "https") or not _PATH.fullmatch(parts.path) or not is_plain:
        raise ValueError(f"{url!r} is no queue's URL, as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
    labels = (parts.hostname or "").split(".")
    # As in sqs.us-east-1.amazonaws.com and vpce-1.sqs.us-gov-west-1.vpce.amazonaws.com.
    region = next(filter(is_region, labels), default_region)
    if not region:
        raise ValueError(f"{url!r} does not say its region, and there is no default one (--region)")
    return QueueAddress(url, region)
