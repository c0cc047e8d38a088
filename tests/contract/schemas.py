"""Owns ways through a CRD's schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from tests.contract.manifests import schema

_MATCHES: Final = re.compile(r"(?<!!)self\.matches\(r'(?P<pattern>[^']*)'\)")


def nodes(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each node of a kind's schema with its path, such as `spec.inputs[].name`; `{}` stands for any key."""
    yield from _nodes(schema(kind), "")


def node(kind: str, path: str) -> dict[str, Any]:
    """Return the node at a path; raises KeyError."""
    return dict(nodes(kind))[path]


def pattern_of(node: dict[str, Any]) -> str:
    """Return the regular expression that a text has to match.

    It is in a rule, which says in words what to write, or in the schema's `pattern`, which says only itself.
    """
    rules = [found for one in node.get("x-kubernetes-validations", ()) if (found := _MATCHES.search(one["rule"]))]
    return rules[0]["pattern"] if rules else str(node["pattern"])


def _nodes(parent: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, parent
    for name, child in parent.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}" if path else name)
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in parent:
            yield from _nodes(parent[keyword], path + mark)
