"""Takes, keeps and gives back the Lease that lets this process work; `lease.py` decides, this asks the API server.

Whoever acts asks `holds` right before it does, so nothing depends on this loop noticing in time that the Lease is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import TypeVar

from msgspec import Struct

from classifier_operator.runtime.election.lease import (
    Action,
    Belief,
    Claim,
    Lease,
    Lost,
    Read,
    Standing,
    Terms,
    Wait,
    after_claiming,
    after_conflict,
    after_failure,
    after_reading,
    claimed,
    next_action,
    of_other_sets,
    released,
)
from classifier_operator.runtime.election.shards import Shard
from classifier_operator.runtime.ports import Clock, ClusterUnavailableError, ConflictError, GoneError, Leases

logger = logging.getLogger(__name__)

T = TypeVar("T")

# So often is the release tried anew when the Lease has changed in between.
RELEASES = 3


class Candidate(Struct, frozen=True, kw_only=True):
    """Who wants which Lease; `me` is a name that no other process has, nor this one after a restart."""

    me: str
    release: str
    shard: Shard = Shard()

    @property
    def lease(self) -> str:
        """The Lease's name."""
        return self.shard.lease_name(self.release)


class Leadership:
    """One process's part in the election.

    lost: called with the reason once the Lease has been held and is not any more. It must not return.
    """

    def __init__(
        self,
        leases: Leases,
        clock: Clock,
        candidate: Candidate,
        *,
        lost: Callable[[str], None],
        terms: Terms | None = None,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._candidate = candidate
        self._lost = lost
        self._terms = terms or Terms()
        self._standing = Standing()
        self._others: Mapping[str, Belief] = {}
        self._may_act = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._said = ""
        self._problem = "the Lease has not been read yet"

    async def campaign(self) -> None:
        """Return when this process may act; the Lease is renewed from then on."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._may_act.wait()

    def holds(self) -> bool:
        """Whether this process may act at this very moment. Any thread may ask."""
        held_until = self._standing.held_until
        return self._may_act.is_set() and held_until is not None and self._clock.monotonic() < held_until

    def problem(self) -> str:
        """Why this process could not take over now, or ""."""
        return self._problem

    async def resign(self) -> None:
        """Act no more, and let the next one take over at once. Nothing is under way when this is called."""
        self._may_act.clear()
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        try:
            await self._release()
        except (ClusterUnavailableError, GoneError, TimeoutError) as error:
            logger.warning("the Lease %s could not be released: %s", self._candidate.lease, str(error) or "no answer")

    async def _release(self) -> None:
        """Release what is ours; a renewal whose answer was not waited for may still have made another version of it."""
        for _ in range(RELEASES):
            lease = await self._in_time(self._leases.read(self._candidate.lease))
            if lease is None or lease.holder != self._candidate.me:
                return
            try:
                await self._in_time(self._leases.replace(released(lease, self._now())))
            except ConflictError:
                continue
            logger.info("released the Lease %s", lease.name)
            return

    async def _run(self) -> None:
        """Stand by, lead, and say when it is over."""
        try:
            why = await self._until_lost()
        except Exception as error:
            logger.exception("the election has failed")
            why = f"of an unforeseen error: {error!r}"
        self._lost(f"the Lease {self._candidate.lease} is lost: {why}")

    async def _until_lost(self) -> str:
        while True:
            now = self._clock.monotonic()
            action = next_action(self._standing, self._candidate.me, now, self._terms)
            if isinstance(action, Lost):
                return action.why
            if isinstance(action, Wait):
                await asyncio.sleep(action.seconds)
            else:
                await self._try(action, now)

    async def _try(self, action: Action, began: float) -> None:
        """One request, and what it says about the standing; `began`: the moment for which it was decided."""
        try:
            if isinstance(action, Read):
                await self._read()
            elif isinstance(action, Claim):
                await self._claim(action, began)
        except (ConflictError, GoneError):
            self._standing = after_conflict(self._standing)
        except (ClusterUnavailableError, TimeoutError) as error:
            self._standing = after_failure(self._standing, began, self._terms)
            self._problem = f"the Lease {self._candidate.lease}: {str(error) or 'no answer'}"
            self._say(self._problem, logging.WARNING)
        else:
            self._problem = ""

    async def _read(self) -> None:
        lease = await self._in_time(self._leases.read(self._candidate.lease))
        me, at = self._candidate.me, self._clock.monotonic()
        self._standing = after_reading(self._standing, lease, me, at, self._terms)
        if lease is not None and lease.holder not in ("", me):
            self._say(f"standing by: {lease.holder} holds the Lease {lease.name}")

    async def _claim(self, claim: Claim, began: float) -> None:
        candidate = self._candidate
        wanted = Lease(
            name=candidate.lease,
            holder=candidate.me,
            duration=self._terms.duration,
            shards=candidate.shard.count,
        )
        lease = claimed(claim.lease, wanted, self._now())
        write = self._leases.create if claim.lease is None else self._leases.replace
        written = await self._in_time(write(lease))
        at = self._clock.monotonic()
        self._standing = after_claiming(self._standing, written, began, at, self._terms)
        if not self._may_act.is_set():
            await self._look_at_other_sets()

    async def _look_at_other_sets(self) -> None:
        """While somebody acts for another number of shards, an object may be theirs: they have to end first."""
        began = self._clock.monotonic()
        listed = await self._in_time(self._leases.of_release())
        at = self._clock.monotonic()
        self._others = of_other_sets(self._others, listed, self._candidate.shard.count, at, self._terms)
        held = sorted(name for name, belief in self._others.items() if began < belief.until)
        if held:
            self._say(
                f"waiting: the shards are another number than {self._candidate.shard.count} for {', '.join(held)}"
            )
            return
        self._say(f"leading: {self._candidate.me} holds the Lease {self._candidate.lease}")
        self._may_act.set()

    async def _in_time(self, request: Awaitable[T]) -> T:
        """The answer; one that does not come is not waited for beyond the next try, nor beyond the Lease's end."""
        patience = self._terms.retry
        if self._standing.held_until is not None:
            patience = min(patience, max(0.0, self._standing.held_until - self._clock.monotonic()))
        async with asyncio.timeout(patience):
            return await request

    def _say(self, what: str, level: int = logging.INFO) -> None:
        """Log what is new."""
        if what != self._said:
            self._said = what
            logger.log(level, "%s", what)

    def _now(self) -> str:
        return self._clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
