"""The name of the cluster, by which operators of several clusters tell their resources apart in one AWS account."""

from __future__ import annotations

import re

from msgspec import Struct

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


class ClusterNames(Struct, frozen=True, kw_only=True):
    """The names of this cluster: what is made bears the first, and what bears one of the others is this cluster's too.

    name: "" while nobody has given one and none can be learnt.
    former: the names that the cluster had before.
    """

    name: str = ""
    former: frozenset[str] = frozenset()

    def include(self, tagged: str) -> bool:
        """Return whether a resource with that cluster's tag is this cluster's; so is one without the tag ("")."""
        return tagged in ("", self.name) or tagged in self.former


# Of a cluster whose name nobody knows.
NAMELESS = ClusterNames()
