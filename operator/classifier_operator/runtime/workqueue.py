"""A queue of keys to look at: each key once, one worker at a time for a key, the urgent ones first.

The same idea as client-go's work queue: adding a key that waits does nothing, adding one that is being worked on
makes it come again afterwards, and a delayed key comes when its earliest delay is over.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Priority(IntEnum):
    """What goes first: what a person just did, then what AWS did, then what is looked at for the sake of order.

    Before all of these goes what has stood in line for AWS: a turn that is not taken soon is no turn any more.
    """

    TURN = 0
    URGENT = 1
    NORMAL = 2
    LOW = 3


class WorkQueue(Generic[K]):
    """Keys to look at.

    clock: seconds that never go back.
    waited: called, for each key that is given out, with the seconds that it has waited.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, waited: Callable[[float], None] = lambda _: None
    ) -> None:
        self._monotonic = clock
        self._waited = waited
        self._since: dict[K, float] = {}
        self._line: asyncio.PriorityQueue[tuple[int, int, K]] = asyncio.PriorityQueue()
        self._waiting: dict[K, Priority] = {}
        self._urgent: set[K] = set()
        self._working: dict[K, Priority] = {}
        self._again: dict[K, Priority] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._order = itertools.count()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being worked on; timers may be running."""
        return not self._waiting and not self._working

    @property
    def is_urgent(self) -> bool:
        """Whether somebody waits whom a person has just asked for, or whose turn it is."""
        return bool(self._urgent)

    def age(self, key: K) -> float:
        """How many seconds the key has waited to be looked at; 0 when it does not wait."""
        since = self._since.get(key)
        return self._monotonic() - since if since is not None else 0.0

    @property
    def working(self) -> int:
        """How many are being worked on."""
        return len(self._working)

    def urgency(self, key: K) -> Priority:
        """How urgent it is to look at a key that is being worked on."""
        return self._working.get(key, Priority.NORMAL)

    @property
    def scheduled(self) -> int:
        """How many come after a delay."""
        return len(self._timers)

    @property
    def oldest_age(self) -> float:
        """How many seconds the one has waited that waits longest; 0 when none does."""
        # In the order in which they began to wait: a more urgent wish does not begin it anew.
        first = next(iter(self._since.values()), None)
        return self._monotonic() - first if first is not None else 0.0

    def add(self, key: K, priority: Priority = Priority.NORMAL) -> None:
        """Look at the key soon; the more urgent of two wishes counts."""
        if key in self._working:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        if priority < self._waiting.get(key, Priority.LOW + 1):
            self._waiting[key] = priority
            if priority <= Priority.URGENT:
                self._urgent.add(key)
            self._since.setdefault(key, self._monotonic())
            self._line.put_nowait((priority, next(self._order), key))

    def add_after(self, key: K, seconds: float, priority: Priority = Priority.NORMAL) -> None:
        """Look at the key after that time; of two delays the earlier counts."""
        if seconds <= 0:
            self.add(key, priority)
            return
        loop = asyncio.get_running_loop()
        timer = self._timers.get(key)
        if timer is not None:
            if timer.when() <= loop.time() + seconds:
                return
            timer.cancel()
        self._timers[key] = loop.call_later(seconds, self._due, key, priority)

    def forget(self, key: K) -> None:
        """Drop what waits for the key, because there is nothing to look at any more."""
        self._waiting.pop(key, None)
        self._urgent.discard(key)
        self._since.pop(key, None)
        self._again.pop(key, None)
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()

    async def get(self) -> K:
        """The most urgent key; it is not given to anybody else before `done`."""
        while True:
            priority, _, key = await self._line.get()
            # An entry that was overtaken by a more urgent one, or forgotten, is void.
            if self._waiting.get(key) == priority:
                del self._waiting[key]
                self._urgent.discard(key)
                self._working[key] = Priority(priority)
                self._waited(self._monotonic() - self._since.pop(key))
                return key

    def done(self, key: K) -> None:
        """The key has been looked at; it comes again if it was added in the meantime."""
        self._working.pop(key, None)
        priority = self._again.pop(key, None)
        if priority is not None:
            self.add(key, priority)

    def close(self) -> None:
        """Cancel what is scheduled."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _due(self, key: K, priority: Priority) -> None:
        self._timers.pop(key, None)
        self.add(key, priority)
