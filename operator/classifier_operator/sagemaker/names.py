"""Names at AWS: the same after a crash, unique by object and content, within SageMaker's rules.

SageMaker allows 63 letters, digits and inner hyphens (CreateTrainingJob, CreateModel, CreateEndpointConfig,
CreateEndpoint); a Kubernetes name may have 253 characters and dots. So a name starts with what a person recognises,
cut where it must be, and ends in a hash of what makes it unique.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

MAX_LENGTH = 63
# CreateEndpoint's EndpointName, and what else has a name there.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
HASH_LENGTH = 8
# A hash, and of a training job the number of its attempt.
_ENDING = re.compile(r"-([0-9a-f]{8})(?:-([0-9]{1,6}))?\Z")
# The shortest that the readable part of a long name is cut to.
COMMON_LENGTH = MAX_LENGTH - len("-01234567-123456")


def is_name(text: str) -> bool:
    """Whether something at SageMaker may be called that."""
    return len(text) <= MAX_LENGTH and _NAME.fullmatch(text) is not None


def is_arn_of(arn: str, name: str) -> bool:
    """Return whether the ARN is that of a resource of this name; AWS writes some names in it in lower case."""
    return arn.startswith("arn:") and arn.partition("/")[2].lower() == name.lower()


def content_hash(*parts: str | Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that change when any part does; a mapping's order does not matter."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def aws_name(namespace: str, name: str, *suffixes: str) -> str:
    """`<namespace>-<name>-<suffixes>`, the readable part cut so that the suffixes always fit."""
    ending = "-".join(suffixes)
    return f"{_readable(namespace, name, MAX_LENGTH - len(ending) - 1)}-{ending}"


def common_part(namespace: str, name: str) -> str:
    """What all of an object's names at AWS contain, for a List's NameContains; others' names may contain it, too."""
    return _readable(namespace, name, COMMON_LENGTH)


def suffixes_in(namespace: str, name: str, found: str) -> tuple[str, ...] | None:
    """The suffixes of a name that `aws_name` has made for an object of that namespace and name; None of any other."""
    match = _ENDING.search(found)
    if match is None:
        return None
    suffixes = tuple(part for part in match.groups() if part is not None)
    return suffixes if aws_name(namespace, name, *suffixes) == found else None


def _readable(namespace: str, name: str, room: int) -> str:
    return re.sub(r"[^a-zA-Z0-9]+", "-", f"{namespace}-{name}")[:room].strip("-")
