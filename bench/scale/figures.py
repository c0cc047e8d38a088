"""Figures made of what was seen: percentiles, how late a status was, how many calls fell into a second. No I/O."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """A state that was seen, or that began, at a moment (epoch seconds)."""

    at: float
    state: str


@dataclass(frozen=True)
class Lags:
    """How late states were seen, in seconds: all of them, and those of the last state alone.

    unseen: states that were never seen, nor any later one.
    """

    every: tuple[float, ...]
    final: tuple[float, ...]
    unseen: int


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that is not exceeded by that share of all (nearest rank); nan of none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def lags(happened: Mapping[str, Sequence[Change]], seen: Mapping[str, Sequence[Change]]) -> Lags:
    """How late each change was seen that happened after the first one, by the name of what changed.

    Whoever skips a state and shows the next one is as late with both as that one was seen.
    """
    every: list[float] = []
    final: list[float] = []
    unseen = 0
    for name, changes in happened.items():
        found = [_lag(changes[number:], seen.get(name, ())) for number in range(1, len(changes))]
        every += [lag for lag in found if lag is not None]
        final += [lag for lag in found[-1:] if lag is not None]
        unseen += found.count(None)
    return Lags(tuple(every), tuple(final), unseen)


def _lag(changes: Sequence[Change], seen: Sequence[Change]) -> float | None:
    """How long after the first of these states it, or a later one, was seen."""
    states = {change.state for change in changes}
    moments = [one.at for one in seen if one.state in states]
    return min(moments) - changes[0].at if moments else None


def most_in(moments: Iterable[float], seconds: float) -> int:
    """The largest number of moments in any span of that many seconds."""
    ordered = sorted(moments)
    return max((number - bisect_left(ordered, at - seconds + 1e-9) + 1 for number, at in enumerate(ordered)), default=0)


def throttled_share(outcomes: Mapping[str, int], operation: str) -> float:
    """Which part of an operation's calls AWS throttled; the outcomes are the emulator's, by `operation:outcome`."""
    mine = {name.partition(":")[2]: count for name, count in outcomes.items() if name.partition(":")[0] == operation}
    total = sum(mine.values())
    return mine.get("ThrottlingException", 0) / total if total else 0.0
