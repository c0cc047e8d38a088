"""When to look at AWS: one task for all objects, and one look at a time for each type, place and occasion.

What is on the move is looked at every few seconds, what ought to stay as it is every few minutes, and what a hint is
about a moment later. A look that takes longer than the interval delays the next one at the same things, and no other.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from functools import partial

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.api.ledger import Resource
from classifier_operator.runtime.hints.events import Hint
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.looks import Group, Looks, Occasion
from classifier_operator.runtime.ports import Clock

logger = logging.getLogger(__name__)

# What is being deleted is looked at so often even if sweeps are rarer: no event tells that it is gone, and people wait.
LEAVING_SECONDS = 5.0
# While it is being listed what objects there are, it is so often looked whether there is more to look at.
GROWING_SECONDS = 0.1
# Hints come in flocks: those of so many seconds are looked at together.
HINT_SECONDS = 0.3


class Sweeper:
    """Keeps the inventory's followed and guarded resources up to date.

    interval: seconds between sweeps of what is on the move.
    guard_interval: seconds between looks at what ought to stay as it is.
    age: how many seconds an object has waited for its pass: what was seen is to be told before more is to be seen.
    oldest_age: the same of the one that has waited longest.
    observe: called with the seconds that each look at a group took.
    erred: called for each unexpected error.
    """

    def __init__(
        self,
        inventory: Inventory,
        looks: Looks,
        clock: Clock,
        *,
        interval: float,
        guard_interval: float,
        age: Callable[[ObjectKey], float],
        oldest_age: Callable[[], float],
        observe: Callable[[float], None],
        erred: Callable[[], None] = lambda: None,
    ) -> None:
        self._inventory = inventory
        self._looks = looks
        self._clock = clock
        self._interval = interval
        self._guard_interval = guard_interval
        self._age = age
        self._oldest_age = oldest_age
        self._was_left_out = False
        self._observe = observe
        self._erred = erred
        self._wanted: dict[Group, set[Resource]] = {}
        self._under_way: dict[Group, tuple[asyncio.Task[None], float]] = {}
        self._hints: set[Resource] = set()
        # What has been looked at before it was known what there is.
        self._early: set[Resource] = set()
        self._next = self._next_guard = self._next_leaving = 0.0
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Sweep until cancelled; at first at once and at everything, for anything may have happened before.

        To list thousands takes AWS half a minute, so that begins with the first that are known.
        """
        self._next = self._next_guard = self._clock.monotonic()
        self._next_leaving = self._next if self._interval > LEAVING_SECONDS else math.inf
        try:
            while True:
                await self._pause(min(self._next, self._next_leaving) - self._clock.monotonic())
                is_due = self._plan(self._clock.monotonic())
                self._begin()
                if is_due and not self._under_way:
                    # Nothing to look at is looked at in no time.
                    self._observe(0.0)
        finally:
            for task, _ in self._under_way.values():
                task.cancel()

    async def sweep(self, resources: Iterable[Resource]) -> None:
        """Look at these resources once."""
        looks = (self._looks.at(group, partial(set, members)) for group, members in _grouped(resources).items())
        await asyncio.gather(*looks)

    def soon(self) -> None:
        """Sweep now: there is more on the move than there was."""
        self._next = self._clock.monotonic()
        self._wake.set()

    def anew(self) -> None:
        """Sweep now, and look at what ought to stay as it is as well: anything may have happened to it."""
        self._next_guard = self._clock.monotonic()
        self.soon()

    def hinted(self, hint: Hint) -> bool:
        """Look soon at what a state-change event is about; return whether any object watches it."""
        resources = self._inventory.cared_for(hint.account, hint.type, hint.region, hint.name)
        for resource in resources:
            self.hint(resource)
        return bool(resources)

    def hint(self, resource: Resource) -> None:
        """Somebody says that it has changed: look at it in a moment, whatever they say of it."""
        if not self._hints:
            asyncio.get_running_loop().call_later(HINT_SECONDS, self._wake.set)
        self._hints.add(resource)

    def hangs_for(self) -> float:
        """How many seconds nothing has been heard of AWS while something was being looked at."""
        if not self._under_way:
            return 0.0
        began = min(began for _, began in self._under_way.values())
        return self._clock.monotonic() - max(began, self._looks.heard_at)

    async def _pause(self, seconds: float) -> None:
        # Not wait_for, which before Python 3.12 forgets to be cancelled when it is woken up in the same moment.
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._wake.wait()

    def _plan(self, now: float) -> bool:
        """What is to be looked at now, beside what waits for an earlier look to end; whether a sweep is due."""
        self._want(self._hints, Occasion.HINT)
        self._hints = set()
        if now >= self._next_leaving:
            self._next_leaving = now + LEAVING_SECONDS
            self._want(self._inventory.leaving())
        if now < self._next:
            return False
        if self._inventory.is_growing:
            self._next = now + GROWING_SECONDS
            self._want(self._not_looked_at_early(), Occasion.GUARD)
            return False
        self._next = now + self._interval
        self._want(self._to_be_swept())
        if now >= self._next_guard:
            self._next_guard = now + self._guard_interval
            self._want(self._not_looked_at_early(), Occasion.GUARD)
            self._early = set()
        return True

    def _not_looked_at_early(self) -> set[Resource]:
        """What ought to stay as it is, without what has been looked at early, and what such a look takes along."""
        if not (self._early or self._inventory.is_growing):
            return self._inventory.guarded()
        wanted = {one for one in self._inventory.guarded() - self._early if _guard_of(one) not in self._under_way}
        self._early |= wanted
        return wanted

    def _to_be_swept(self) -> set[Resource]:
        """What is on the move, but for that of which there is something to tell already; nothing if that is most of it.

        So it is while thousands are made: Lists would be read for the few between them, and told of as late. For as
        long as anything has to wait for longer than a sweep, every other sweep is left out.
        """
        self._was_left_out = self._oldest_age() > self._interval and not self._was_left_out
        if self._was_left_out:
            return set()
        followed = self._inventory.followed()
        news = {one for one in followed if self._has_news(one)}
        return followed - news if 2 * len(news) <= len(followed) else set()

    def _has_news(self, resource: Resource) -> bool:
        """Whether all who care for it have waited since the last sweep to be told of it: there are too many."""
        return all(self._age(key) > self._interval for key in self._inventory.carers_of(resource))

    def _want(self, resources: Iterable[Resource], occasion: Occasion = Occasion.SWEEP) -> None:
        for group, members in _grouped(resources, occasion).items():
            self._wanted[group] = self._wanted.get(group, set()) | members

    def _begin(self) -> None:
        for group in [group for group in self._wanted if group not in self._under_way]:
            members = {one for one in self._wanted.pop(group) if self._inventory.is_cared_for(one)}
            if group.occasion is Occasion.SWEEP:
                # Some may have come to rest while an earlier look went on.
                members &= self._inventory.followed()
            if members:
                task = asyncio.get_running_loop().create_task(self._look(group, self._all_of(group, members)))
                self._under_way[group] = task, self._clock.monotonic()

    def _all_of(self, group: Group, members: set[Resource]) -> Callable[[], Set[Resource]]:
        """The members, and those of which it is not known yet that there are."""
        if group.occasion is not Occasion.GUARD or not self._inventory.is_growing:
            return partial(set, members)
        before = self._early - members
        return lambda: {one for one in self._inventory.guarded() - before if _guard_of(one) == group}

    async def _look(self, group: Group, members: Callable[[], Set[Resource]]) -> None:
        began = self._clock.monotonic()
        try:
            await self._looks.at(group, members)
        except Exception:
            logger.exception("sweep of %s in %s: unforeseen", group.type, group.place.region)
            self._erred()
        finally:
            del self._under_way[group]
            self._wake.set()
        self._observe(self._clock.monotonic() - began)


def _guard_of(resource: Resource) -> Group:
    return Group(resource.place, resource.type, Occasion.GUARD)


def _grouped(resources: Iterable[Resource], occasion: Occasion = Occasion.SWEEP) -> dict[Group, set[Resource]]:
    groups: dict[Group, set[Resource]] = defaultdict(set)
    for resource in resources:
        groups[Group(resource.place, resource.type, occasion)].add(resource)
    return groups
