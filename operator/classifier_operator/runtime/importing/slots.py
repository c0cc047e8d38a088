"""So many transfers at a time, shared by time: whoever has had the least goes next, and others' long ones make room."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# While others wait that have had less, a transfer gives up its slot after so many seconds and goes on later, from where
# it was.
SLICE_SECONDS = 600.0
# One that would have to begin anew keeps its slot, but no longer than this.
WHOLE_SECONDS = 3600.0


class Turn:
    """A slot that a transfer has, since when."""

    def __init__(self, namespace: str, began: float) -> None:
        self.namespace = namespace
        self.began = began


class Slots:
    """Slots for transfers; `clock`: seconds that never go back."""

    def __init__(self, count: int, clock: Callable[[], float]) -> None:
        self._free = count
        self._clock = clock
        self._waiting: dict[str, deque[asyncio.Future[Turn]]] = {}
        self._held: set[Turn] = set()
        # Seconds that namespaces have had slots for. One that comes has had as much as the one that was served last,
        # and one that has gone is forgotten once the others have caught up with it.
        self._used: dict[str, float] = {}
        self._served = 0.0

    @property
    def is_full(self) -> bool:
        """Whether whoever comes now has to wait."""
        return not self._free or bool(self._waiting)

    async def enter(self, namespace: str) -> Turn:
        """Return when there is a slot, with the turn that it is held by."""
        if namespace not in self._busy:
            self._used[namespace] = max(self._served, self._used.get(namespace, 0.0))
        given: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(namespace, deque()).append(given)
        self._serve()
        try:
            return await given
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self.leave(given.result())
            raise

    def leave(self, turn: Turn) -> None:
        """Give the slot to the next one."""
        self._held.discard(turn)
        self._used[turn.namespace] += self._clock() - turn.began
        self._free += 1
        self._serve()

    def must_yield(self, turn: Turn, can_resume: bool) -> bool:
        """Whether the transfer is to give up its slot: it has had it for long, and others wait that have had less."""
        elapsed = self._clock() - turn.began
        has_several = sum(one.namespace == turn.namespace for one in self._held) > 1
        if can_resume and elapsed < SLICE_SECONDS and not has_several:
            return False
        if not can_resume and elapsed < WHOLE_SECONDS:
            return False
        mine = self._used_by(turn.namespace)
        return any(
            self._used_by(one) < mine for one, line in self._waiting.items() if one != turn.namespace and _is_live(line)
        )

    def _serve(self) -> None:
        while self._free and (namespace := self._next()) is not None:
            line = self._waiting.pop(namespace)
            turn = Turn(namespace, self._clock())
            self._free -= 1
            self._held.add(turn)
            self._served = max(self._served, self._used[namespace])
            line.popleft().set_result(turn)
            if line:
                # Of those that have had as much, others come first now.
                self._waiting[namespace] = line
        self._forget()

    def _next(self) -> str | None:
        """The namespace that has had the least of those that wait; of several, the one that came first."""
        for namespace, line in tuple(self._waiting.items()):
            while line and line[0].done():
                line.popleft()
            if not line:
                del self._waiting[namespace]
        return min(self._waiting, key=self._used_by, default=None)

    def _used_by(self, namespace: str) -> float:
        now = self._clock()
        return self._used[namespace] + sum(now - one.began for one in self._held if one.namespace == namespace)

    def _forget(self) -> None:
        busy = self._busy
        for namespace in [one for one, used in self._used.items() if one not in busy and used <= self._served]:
            del self._used[namespace]

    @property
    def _busy(self) -> set[str]:
        return {one.namespace for one in self._held} | self._waiting.keys()


def _is_live(line: deque[asyncio.Future[Turn]]) -> bool:
    return any(not one.done() for one in line)
