"""What an event of EventBridge hints at, or that it hints at nothing.

Only the ARN is read. The name beside it differs from the ARN's in AWS's own examples, and the rest may be late by the
time it arrives: that is asked of AWS.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from classifier_operator.api.ledger import ResourceType

SOURCE = "aws.sagemaker"
# A deployment's events tell the steps of an update, which no status does; whoever's rule sends them does no harm.
DETAIL_TYPES = frozenset(
    {
        "SageMaker Training Job State Change",
        "SageMaker Endpoint State Change",
        "SageMaker Endpoint Deployment State Change",
    }
)
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]+):([0-9]{12}):(training-job|endpoint)/([a-zA-Z0-9-]{1,63})")
_TYPES = {"training-job": ResourceType.TRAINING_JOB, "endpoint": ResourceType.ENDPOINT}


class Hint(NamedTuple):
    """Something has happened to this resource.

    name: in lower case, as AWS writes it in ARNs.
    at: when it happened; None where the event does not say so in a way that can be read.
    """

    account: str
    region: str
    type: ResourceType
    name: str
    at: datetime | None = None


class _Detail(msgspec.Struct):
    TrainingJobArn: str = ""
    EndpointArn: str = ""


class _Envelope(msgspec.Struct, rename={"detail_type": "detail-type"}):
    source: str
    detail_type: str
    detail: _Detail
    time: msgspec.Raw = msgspec.Raw(b"null")


def hint_in(body: str) -> Hint | None:
    """What a message hints at; None of what is no state change of SageMaker's, whatever it is."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    if envelope.source != SOURCE or envelope.detail_type not in DETAIL_TYPES:
        return None
    detail = envelope.detail
    found = _ARN.fullmatch(detail.TrainingJobArn or detail.EndpointArn)
    if found is None:
        return None
    region, account, kind, name = found.groups()
    return Hint(account, region, _TYPES[kind], name.lower(), _time_in(envelope.time))


def _time_in(value: msgspec.Raw) -> datetime | None:
    try:
        time = msgspec.json.decode(value, type=datetime)
    except msgspec.MsgspecError:
        return None
    # AWS writes UTC.
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)
