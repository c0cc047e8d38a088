"""When a call to AWS may be made: it has its turn by the rate limits, and a thread, in the same moment.

A turn that is kept while there is no thread would be lost to others, and many that were kept would be taken at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from classifier_operator.runtime.pacing.limits import Caller, NotYetError, RateLimits, Turn
from classifier_operator.runtime.pacing.shares import Share, ThreadShares
from classifier_operator.runtime.workqueue import Priority

# Threads are given back within parts of a second, unless something hangs.
BRIEF_SECONDS = 1.0


class Admission:
    """Gives a call its turn and its thread."""

    def __init__(self, limits: RateLimits, shares: ThreadShares) -> None:
        self._limits = limits
        self._shares = shares

    def waiting(self) -> int:
        """Return how many calls wait."""
        return self._limits.waiting() + self._shares.waiting()

    def withdraw(self, name: Hashable) -> None:
        """Forget the caller of that name, who wants nothing any more."""
        self._limits.withdraw(name)
        self._shares.withdraw(name)

    async def enter(self, share: Share, operation: str, turn: Caller | Priority) -> Turn:
        """Return once the call may be made, or a moment before it may; it holds a thread from then on.

        Raises:
            NotYetError: the caller is called when it may.

        """
        if isinstance(turn, Caller):
            return await self._enter_or_be_called(share, operation, turn)
        while True:
            given = await self._limits.acquire(share.place, operation, turn, share.namespace)
            if await self._has_thread(share, operation):
                return given
            await self._shares.wait(share)
            try:
                async with asyncio.timeout(BRIEF_SECONDS):
                    return await self._limits.acquire(share.place, operation, turn, share.namespace)
            except TimeoutError:
                self._shares.give_back(share)
            except BaseException:
                self._shares.give_back(share)
                raise

    async def _enter_or_be_called(self, share: Share, operation: str, caller: Caller) -> Turn:
        try:
            given = self._limits.claim(share.place, operation, caller)
        except NotYetError:
            self._shares.withdraw(caller.name)
            raise
        if await self._has_thread(share, operation, caller.name):
            return given
        self._shares.call(share, caller.name, caller.call)
        raise NotYetError

    async def _has_thread(self, share: Share, operation: str, name: Hashable = None) -> bool:
        """Take a thread, if there is one soon; else the turn is given back."""
        try:
            if self._shares.take(share, name):
                return True
            if not self._shares.is_called(name) and await self._shares.wait(share, BRIEF_SECONDS):
                return True
        except BaseException:
            self._limits.give_back(share.place, operation)
            raise
        self._limits.give_back(share.place, operation)
        return False
