"""Owns the form of a row: a change to a valid object, and the complaint that it must draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """A change to the valid object named by `base`, and what the API server must say about which field."""

    name: str
    base: str
    changes: Mapping[str, Any]
    field: str
    message: str


def training(name: str, changes: Mapping[str, Any], field: str, message: str) -> Refusal:
    """A row about a ClassifierTraining."""
    return Refusal(name, "training", changes, field, message)


def training_field(name: str, field: str, value: Any, message: str) -> Refusal:
    """A row about a ClassifierTraining whose complaint is about the very field that was changed."""
    return training(name, {field: value}, field, message)


def endpoint(name: str, changes: Mapping[str, Any], field: str, message: str, *, base: str = "endpoint") -> Refusal:
    """A row about a ClassifierEndpoint."""
    return Refusal(name, base, changes, field, message)


def endpoint_field(name: str, field: str, value: Any, message: str, *, base: str = "endpoint") -> Refusal:
    """A row about a ClassifierEndpoint whose complaint is about the very field that was changed."""
    return endpoint(name, {field: value}, field, message, base=base)
