"""A queue of keys to look at: each key once, one worker at a time for a key, the urgent ones first.

The same idea as client-go's work queue: adding a key that waits does nothing, adding one that is being worked on
makes it come again afterwards, and a delayed key comes when its earliest delay is over.

Groups of keys (namespaces) take turns within a priority, so ten thousand keys of one group delay a key of another group
by one pass. A group that always has something urgent delays what others have that is less urgent, but does not stop it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable
from enum import IntEnum
from typing import Generic, TypeVar

from classifier_operator.runtime.rounds import RoundRobin

K = TypeVar("K", bound=Hashable)

# After so many keys that were more urgent, one goes that is less urgent and of a group with nothing urgent: whoever
# edits without end must not keep what AWS says from everybody else.
MOST_OVERTAKING = 7


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
    group: the group of a key.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        waited: Callable[[float], None] = lambda _: None,
        group: Callable[[K], Hashable] = lambda _: None,
    ) -> None:
        self._monotonic = clock
        self._waited = waited
        self._group = group
        self._since: dict[K, float] = {}
        # Entries that were overtaken by a more urgent one, or forgotten, are void, and are dropped when they are met.
        self._lines: tuple[RoundRobin[K], ...] = tuple(RoundRobin() for _ in Priority)
        self._overtakings = 0
        self._getters: deque[asyncio.Future[None]] = deque()
        self._waiting: dict[K, Priority] = {}
        self._urgent: set[K] = set()
        self._working: dict[K, Priority] = {}
        self._again: dict[K, Priority] = {}
        self._timers: dict[K, asyncio.TimerHandle] = {}

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
            self._lines[priority].add(self._group(key), key)
            self._wake_one()

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
        while (key := self._next()) is None:
            getter = asyncio.get_running_loop().create_future()
            self._getters.append(getter)
            try:
                await getter
            except asyncio.CancelledError:
                if getter.cancelled():
                    self._getters.remove(getter)
                else:
                    # It was woken up, and cancelled in the same moment: the key is somebody else's.
                    self._wake_one()
                raise
        priority = self._waiting.pop(key)
        self._urgent.discard(key)
        self._working[key] = priority
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

    def _next(self) -> K | None:
        """The key that is to go next, which is taken out of its line."""
        if self._overtakings >= MOST_OVERTAKING and (key := self._next_overtaken()) is not None:
            return key
        for priority, line in enumerate(self._lines):
            if line and (key := self._first_of(priority)) is not None:
                is_overtaking = any(self._lines[priority + 1 :])
                self._overtakings = self._overtakings + 1 if is_overtaking else 0
                return key
        return None

    def _next_overtaken(self) -> K | None:
        """A key that is less urgent than others, of a group that has nothing as urgent as they are."""
        more_urgent: list[RoundRobin[K]] = []
        for priority, line in enumerate(self._lines):
            if line and more_urgent:
                if any(line.next_group in other for other in more_urgent):
                    # Another group is looked at the next time.
                    line.skip()
                elif (key := self._first_of(priority)) is not None:
                    self._overtakings = 0
                    return key
            if line:
                more_urgent.append(line)
        return None

    def _first_of(self, priority: int) -> K | None:
        waiting = self._waiting
        return self._lines[priority].pop(lambda key: waiting.get(key) == priority)

    def _wake_one(self) -> None:
        while self._getters:
            getter = self._getters.popleft()
            if not getter.done():
                getter.set_result(None)
                return
