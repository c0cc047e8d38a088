"""Reads parts of stored objects that may be of any shape: an older CRD, or a hand in etcd, may have written them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def mapping(value: Any) -> Mapping[str, Any]:
    """The value, if it is a mapping; else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings in the value, if it is a list; else none."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def word(value: Any, otherwise: str = "") -> str:
    """The value, if it is a text."""
    return value if isinstance(value, str) else otherwise


def sound(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with a spec and a status that are mappings; what is in them is looked at where it is used."""
    wrong: dict[str, Any] = {
        name: {} for name in ("spec", "status") if name in body and not isinstance(body[name], Mapping)
    }
    return {**body, **wrong} if wrong else body
