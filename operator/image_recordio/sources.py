"""The images to pack, before any is read: where each is, how it is labelled, and which part it belongs to."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Label = int | tuple[float, ...]
"""The number of the class, or a vector: several classes, or an indicator for each."""


@dataclass(frozen=True, slots=True)
class Source:
    """One image: its label, where it is, and the name that the `.lst` gives it."""

    label: Label
    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The images of both parts, in the order in which they are packed.

    `labels`: the class names, in class order. `label_format`: how a vector is meant, `multi-hot` or
    `class-id`; empty where each image has one class. `notes`: what the user should know of what was found.
    """

    train: tuple[Source, ...]
    validation: tuple[Source, ...]
    labels: tuple[str, ...]
    label_format: str = ""
    notes: tuple[str, ...] = ()


def split(classes: Iterable[list[Source]], fraction: float, chance: random.Random) -> tuple[list[Source], list[Source]]:
    """Take `fraction` of every class, at least one image, for validation; the rest, at least one, is for training."""
    train: list[Source] = []
    validation: list[Source] = []
    for sources in classes:
        chance.shuffle(sources)
        cut = min(max(1, round(len(sources) * fraction)), len(sources) - 1)
        validation += sources[:cut]
        train += sources[cut:]
    return train, validation


def mixed(sources: Sequence[Source], chance: random.Random) -> tuple[Source, ...]:
    """Mix the classes: a reader that takes the file in order would otherwise see one class at a time."""
    order = list(sources)
    chance.shuffle(order)
    return tuple(order)


def shown(text: object) -> str:
    """A path or name for a message: bytes that are no UTF-8, and control characters, are escaped."""
    plain = str(text).encode("utf-8", "backslashreplace").decode()
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in plain)
