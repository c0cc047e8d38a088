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


def is_name(text: str) -> bool:
    """Whether something at SageMaker may be called that."""
    return len(text) <= MAX_LENGTH and _NAME.fullmatch(text) is not None


def content_hash(*parts: str | Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that change when any part does; a mapping's order does not matter."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


def aws_name(namespace: str, name: str, *suffixes: str) -> str:
    """`<namespace>-<name>-<suffixes>`, the readable part cut so that the suffixes always fit."""
    ending = "-".join(suffixes)
    room = MAX_LENGTH - len(ending) - 1
    readable = re.sub(r"[^a-zA-Z0-9]+", "-", f"{namespace}-{name}")[:room].strip("-")
    return f"{readable}-{ending}"
