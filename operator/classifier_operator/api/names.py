"""What names in Kubernetes look like, as the CRDs have it: an object of an older CRD may still hold something else."""

from __future__ import annotations

import re

# A DNS-1123 subdomain: what most objects may be called, ConfigMaps among them.
OBJECT_NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
# A key of a ConfigMap's data: a file name that is neither `.` nor `..`, and does not begin with two dots.
DATA_KEY = r"\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*"
NAME_LENGTH = 253

# A DNS-1123 label: what a namespace may be called.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OBJECT_NAME = re.compile(OBJECT_NAME)
_DATA_KEY = re.compile(DATA_KEY)


def is_namespace(name: str) -> bool:
    """Whether a namespace may be called that."""
    return _LABEL.fullmatch(name) is not None


def is_object_name(name: str) -> bool:
    """Whether an object may be called that."""
    return len(name) <= NAME_LENGTH and _OBJECT_NAME.fullmatch(name) is not None


def is_data_key(key: str) -> bool:
    """Whether a ConfigMap may have such a key."""
    return len(key) <= NAME_LENGTH and _DATA_KEY.fullmatch(key) is not None
