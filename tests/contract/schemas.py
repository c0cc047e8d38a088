"""Owns ways through a CRD's schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.contract.manifests import schema


def nodes(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each node of a kind's schema with its path, such as `spec.inputs[].name`; `{}` stands for any key."""
    yield from _nodes(schema(kind), "")


def node(kind: str, path: str) -> dict[str, Any]:
    """Return the node at a path; raises KeyError."""
    return dict(nodes(kind))[path]


def _nodes(parent: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, parent
    for name, child in parent.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}" if path else name)
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in parent:
            yield from _nodes(parent[keyword], path + mark)
