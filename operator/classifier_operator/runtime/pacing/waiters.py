"""Those who wait for a turn: the urgent ones first, and groups (namespaces) take turns. No I/O."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable
from typing import NamedTuple

from classifier_operator.runtime.workqueue import Priority

# Whoever has waited for so many seconds is one priority more urgent, so nobody waits for ever.
PATIENCE_SECONDS = 5.0
_MOST_URGENT = Priority.URGENT


class Waiter(NamedTuple):
    """One who waits, ordered within its group.

    turn: the time at which it counts as urgent.
    number: tells apart those who came in the same moment.
    take: takes the turn; returns False if it is not wanted any more.
    """

    turn: float
    number: int
    since: float
    priority: Priority
    take: Callable[[], bool]


class Waiters:
    """Waiters by group. A group of which nobody waits takes no memory."""

    def __init__(self) -> None:
        # The group that comes next is the first one.
        self._groups: dict[Hashable, list[Waiter]] = {}
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return sum(map(len, self._groups.values()))

    def __bool__(self) -> bool:
        return bool(self._groups)

    def add(self, group: Hashable, since: float, priority: Priority, take: Callable[[], bool]) -> Waiter:
        """Let one more wait, as from `since` on."""
        turn = since + PATIENCE_SECONDS * (priority - _MOST_URGENT)
        waiter = Waiter(turn, next(self._numbers), since, priority, take)
        heapq.heappush(self._groups.setdefault(group, []), waiter)
        return waiter

    def serve_one(self, now: float) -> bool:
        """Give the turn to the next one who wants it; returns False when nobody does."""
        while self._groups:
            group = self._next_group(now)
            line = self._groups[group]
            is_taken = heapq.heappop(line).take()
            if not line:
                del self._groups[group]
            elif is_taken:
                self._groups[group] = self._groups.pop(group)
            if is_taken:
                return True
        return False

    def _next_group(self, now: float) -> Hashable:
        """The first group of those whose first one is the most urgent."""
        best, least = next(iter(self._groups)), float("inf")
        for group, line in self._groups.items():
            urgency = _urgency(line[0], now)
            if urgency <= _MOST_URGENT:
                return group
            if urgency < least:
                best, least = group, urgency
        return best


def _urgency(waiter: Waiter, now: float) -> float:
    return max(_MOST_URGENT, waiter.priority - (now - waiter.since) // PATIENCE_SECONDS)
