"""What must be reached, and whether it was. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

Sections = Mapping[str, Mapping[str, float]]
GROWING = ("AWS calls per object", "CPU ms per object", "memory KB per object")
# What a process takes without any object, too, and what is therefore told of each further object as well.
MARGINAL = ("CPU ms", "memory KB")
MOST_LISTS = "List calls a second, most"
# The sections that are no measurement's, but made of those of several.
TOGETHER = ("growth", "lists")


class Verdict(StrEnum):
    """Whether a target was reached; a run with fewer objects says nothing of it, nor is there always one."""

    REACHED = "reached"
    MISSED = "missed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Target:
    """A figure of a section that may be `most` at most, or anything.

    factor: by what a figure is multiplied to be of this unit, in which `most` is as well.
    peer: the section and figure of the poller that it is compared with, and by what that is to be multiplied, as the
    poller's objects were fewer.
    """

    text: str
    section: str
    figure: str
    most: float | None
    unit: str = ""
    peer: tuple[str, str, float] | None = None
    factor: float = 1.0


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    text: str
    must: str
    ours: str
    poller: str
    verdict: Verdict


def rows(targets: tuple[Target, ...], sections: Sections, *, is_full: bool) -> list[Row]:
    """A line for each target, as far as it was measured."""
    return [
        _row(target, sections, is_full=is_full)
        for target in targets
        if target.figure in sections.get(target.section, {})
    ]


def verdict(target: Target, value: float, *, is_full: bool) -> Verdict:
    """What is said of a value."""
    if not is_full or target.most is None:
        return Verdict.NOT_JUDGED
    return Verdict.REACHED if value <= target.most else Verdict.MISSED


def growth(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """By how much each cost per object has grown at most from one number of objects to the next; 1 is the same."""
    pairs = list(pairwise(found))
    return {
        f"{figure}, growth": max((after[figure] / before[figure] for before, after in pairs), default=math.nan)
        for figure in GROWING
    }


def marginal(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """By how much the cost of each further object has grown from one step between sizes to the next.

    What a process takes without any object lowers the cost per object of a large number beside that of a small one, and
    could hide that more objects cost more each: here it falls out.
    """
    return {f"{figure} of each further object, growth": _growth_of_steps(found, figure) for figure in MARGINAL}


def most_lists(sections: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The most List calls of any second of these sections, as far as it was counted in them."""
    return {MOST_LISTS: max((one[MOST_LISTS] for one in sections if MOST_LISTS in one), default=math.nan)}


def _growth_of_steps(found: Sequence[Mapping[str, float]], figure: str) -> float:
    steps = [_step(before, after, f"{figure} per object") for before, after in pairwise(found)]
    return max((after / before if before > 0 else math.nan for before, after in pairwise(steps)), default=math.nan)


def _step(before: Mapping[str, float], after: Mapping[str, float], figure: str) -> float:
    """What each object costs by which the second is larger; of none it cannot be told."""
    more = after["objects"] - before["objects"]
    cost = after[figure] * after["objects"] - before[figure] * before["objects"]
    return cost / more if more > 0 else math.nan


def _row(target: Target, sections: Sections, *, is_full: bool) -> Row:
    value = sections[target.section][target.figure] * target.factor
    return Row(
        text=target.text,
        must=f"≤ {shown(target.most)}{target.unit}" if target.most is not None else "",
        ours=f"{shown(value)}{target.unit}",
        poller=_peer(target, sections),
        verdict=verdict(target, value, is_full=is_full),
    )


def _peer(target: Target, sections: Sections) -> str:
    if target.peer is None or target.peer[1] not in sections.get(target.peer[0], {}):
        return ""
    section, figure, factor = target.peer
    about = "" if factor == 1 else "≈ "
    return f"{about}{shown(sections[section][figure] * factor * target.factor)}{target.unit}"


def shown(value: float) -> str:
    """A figure as it is read: three digits of it, no more."""
    if math.isnan(value):
        return "none"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
