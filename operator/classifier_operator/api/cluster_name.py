"""The name of the cluster, by which operators of several clusters tell their resources apart in one AWS account."""

from __future__ import annotations

import re

# What a tag's value and a role session's name have in common; the latter has 64 characters at most (STS, AssumeRole).
PATTERN = "[A-Za-z0-9][A-Za-z0-9_.=+@-]{1,63}"


def checked_cluster_name(text: str) -> str:
    """Return the name as it is; "" stays "".

    Raises:
        ValueError: it cannot be a tag's value and a role session's name.

    """
    if text and not re.fullmatch(PATTERN, text):
        allowed = "2 to 64 letters, digits and _.=+@- that begin with a letter or a digit"
        raise ValueError(f"{text!r} is no name of a cluster: write {allowed}")
    return text
