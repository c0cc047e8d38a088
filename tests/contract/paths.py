"""Owns addresses inside a manifest: `spec.inputs[train].source` and how to set or drop what is there."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final


class Removal(Enum):
    """Marks a field that a patch takes away."""

    DROP = "drop"


DROP: Final = Removal.DROP
_SEGMENT: Final = re.compile(r"(?P<field>[^.\[\]]+)(?:\[(?P<key>[^\]]+)\])?\.?")


def patched(manifest: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a manifest with values set (or dropped) at paths; `inputs[train]` is the item of that name."""
    result = copy.deepcopy(dict(manifest))
    for path, value in changes.items():
        _set(result, list(_SEGMENT.finditer(path)), value)
    return result


def without_indices(path: str) -> str:
    """Return a field path with all its list and map keys left empty, to compare it with a schema's path."""
    return re.sub(r"\[[^\]]*\]", "[]", path)


def _set(parent: dict[str, Any], segments: list[re.Match[str]], value: Any) -> None:
    field, key = segments[0]["field"], segments[0]["key"]
    if key is not None:
        _set_item(parent.setdefault(field, []), key, segments[1:], value)
    elif len(segments) > 1:
        _set(parent.setdefault(field, {}), segments[1:], value)
    elif value is DROP:
        del parent[field]
    else:
        parent[field] = copy.deepcopy(value)


def _set_item(items: list[dict[str, Any]], name: str, rest: list[re.Match[str]], value: Any) -> None:
    item = next((item for item in items if item["name"] == name), None)
    if item is None:
        item = {"name": name}
        items.append(item)
    if rest:
        _set(item, rest, value)
        return
    items.remove(item)
    if value is not DROP:
        items.append({"name": name, **value})
