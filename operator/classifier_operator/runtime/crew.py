"""How many passes are under way: those that wait for AWS for long do not count."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

from classifier_operator.runtime.pacing.shares import MOST_THREADS

# AWS answers most calls within parts of a second. A pass that waits longer gives its seat to another.
PATIENCE_SECONDS = 1.0


class Crew:
    """Seats for passes. A place of AWS that hangs holds the passes that wait for it, and not the seats of the others.

    seats: how many passes are worked on at a time.
    most: how many there may be together with those that wait.
    """

    def __init__(self, seats: int) -> None:
        # One for each seat, and for each call that may be waited for.
        self.most = seats + MOST_THREADS
        self._seats = asyncio.Semaphore(seats)
        self._seated: set[Hashable] = set()

    async def sit(self) -> None:
        """Wait for a seat."""
        await self._seats.acquire()

    def begin(self, name: Hashable) -> None:
        """Whoever has got a seat begins a pass of that name."""
        self._seated.add(name)

    def end(self, name: Hashable) -> None:
        """The pass is over; its seat is free, if it is not already."""
        if name in self._seated:
            self._leave(name)

    @contextmanager
    def waiting(self, name: Hashable) -> Iterator[None]:
        """Wait for AWS within the pass of that name; after a while its seat is another's."""
        if name not in self._seated:
            yield
            return
        timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._leave, name)
        try:
            yield
        finally:
            timer.cancel()

    def _leave(self, name: Hashable) -> None:
        self._seated.discard(name)
        self._seats.release()
