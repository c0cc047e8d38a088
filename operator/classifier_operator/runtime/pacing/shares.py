"""Threads for calls to AWS, shared so that what hangs leaves some to everything else.

A call blocks its thread until AWS has answered, which may take more than a minute. The calls of one service in one
place, of one region and of one namespace may each hold no more than a part of the threads that are free at the time.
The first ones that hang get the most, the next ones less, so it takes many to leave none for another. The same holds
for the places of one namespace among themselves. Those who wait stand in line by namespace, and there by service and
place, and these take turns.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator
from typing import NamedTuple

from classifier_operator.api.ledger import Place

# So many calls are under way at most. Only where something hangs is it more than one place's part.
MOST_THREADS = 96
# A thread that is kept for a caller which has been called, and does not come, is free again after so many seconds.
KEPT_SECONDS = 10.0
INVOCATIONS = "sagemaker-runtime"


class Share(NamedTuple):
    """What a call counts for. `namespace` is "" for what the operator does for all."""

    service: str
    place: Place
    namespace: str = ""


# At most, and no more than half of what is free: the calls of one service in one place.
MOST_OF_PLACE = 16
# At most, and no more than there are free: the calls to one region, which hangs for all roles, and of one namespace.
MOST_OF_REGION = 32
MOST_OF_NAMESPACE = 48
# At most, and no more than a quarter of what is free: what answers is a user's container, which may take a minute.
MOST_INVOCATIONS = 8
# Of these one namespace may have half: its containers may hang, also after their tests were ended.
MOST_INVOCATIONS_OF_NAMESPACE = 4


class _Waiter(NamedTuple):
    share: Share
    # Takes the thread, or tells that nobody wants it any more.
    take: Callable[[], bool]


class ThreadShares:
    """Counts the threads that calls hold, and lets those wait for which there is none."""

    def __init__(self, clock: Callable[[], float], most: int = MOST_THREADS) -> None:
        self._clock = clock
        self._most = most
        self._total = 0
        self._held: Counter[Hashable] = Counter()
        # By namespace, and there by service and place; whose turn it is comes first.
        self._lines: dict[str, dict[Hashable, deque[_Waiter]]] = {}
        self._called: dict[Hashable, Share] = {}
        self._kept: dict[Hashable, tuple[Share, float]] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def held(self) -> int:
        """How many threads are held or kept."""
        return self._total

    def waiting(self) -> int:
        """How many calls wait for a thread."""
        return sum(len(line) for lines in self._lines.values() for line in lines.values())

    def take(self, share: Share, name: Hashable = None) -> bool:
        """Take a thread if there is one, or the one that is kept for the caller of that name."""
        kept = self._kept.pop(name, None)
        if kept is not None:
            if kept[0] == share:
                return True
            self.give_back(kept[0])
        if _place(share) in self._lines.get(share.namespace, ()) or not self._has_room(share):
            return False
        self._hold(share)
        return True

    async def wait(self, share: Share, seconds: float | None = None) -> bool:
        """Wait in line for a thread and take it; returns False when there was none in so many seconds."""
        given = asyncio.get_running_loop().create_future()

        def take() -> bool:
            if given.done():
                return False
            self._hold(share)
            given.set_result(None)
            return True

        self._stand(share, take)
        try:
            async with asyncio.timeout(seconds):
                await given
        except TimeoutError:
            # It may have come in the same moment.
            return given.done() and not given.cancelled()
        except asyncio.CancelledError:
            if given.done() and not given.cancelled():
                self.give_back(share)
            raise
        return True

    def call(self, share: Share, name: Hashable, call: Callable[[], None]) -> None:
        """Call when there is a thread, which is kept for the caller of that name for some seconds."""

        def take() -> bool:
            if self._called.get(name) != share:
                return False
            del self._called[name]
            self._hold(share)
            self._kept[name] = share, self._clock() + KEPT_SECONDS
            call()
            return True

        if self._called.get(name) != share:
            self._called[name] = share
            self._stand(share, take)

    def is_called(self, name: Hashable) -> bool:
        """Whether the caller of that name is going to be called."""
        return name in self._called

    def withdraw(self, name: Hashable) -> None:
        """The caller of that name wants no thread any more."""
        self._called.pop(name, None)
        kept = self._kept.pop(name, None)
        if kept is not None:
            self.give_back(kept[0])

    def give_back(self, share: Share) -> None:
        """A call is over, and its thread free."""
        self._total -= 1
        for group in _groups(share):
            self._held[group] -= 1
            if not self._held[group]:
                del self._held[group]
        self._serve()

    def _hold(self, share: Share) -> None:
        self._total += 1
        for group in _groups(share):
            self._held[group] += 1

    def _has_room(self, share: Share) -> bool:
        held, free = self._held, self._most - self._total
        if share.service == INVOCATIONS:
            is_below = held[INVOCATIONS] < min(MOST_INVOCATIONS, free / 4)
            is_below = is_below and held[_invoked_for(share)] < MOST_INVOCATIONS_OF_NAMESPACE
        else:
            is_below = held[_place(share)] < min(MOST_OF_PLACE, free / 2)
        is_below = is_below and held[_region(share)] < min(MOST_OF_REGION, free)
        return is_below and (not share.namespace or self._namespace_has_room(share, free))

    def _namespace_has_room(self, share: Share, free: int) -> bool:
        """Whether the namespace may hold one more, and of these the place."""
        of_namespace = self._held[_namespace(share.namespace)]
        left = MOST_OF_NAMESPACE - of_namespace
        return of_namespace < min(MOST_OF_NAMESPACE, free) and self._held[_part(share)] < left / 2

    def _stand(self, share: Share, take: Callable[[], bool]) -> None:
        lanes = self._lines.setdefault(share.namespace, {})
        lanes.setdefault(_place(share), deque()).append(_Waiter(share, take))
        # Whoever was called and has not come must not keep others waiting for ever.
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(1.0, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        now = self._clock()
        for name in [name for name, (_, until) in self._kept.items() if until < now]:
            self.withdraw(name)
        self._serve()
        if self._lines or self._kept:
            self._timer = asyncio.get_running_loop().call_later(1.0, self._look_again)

    def _serve(self) -> None:
        """Give out what is free: to one of each namespace, and there of each service and place, at a time."""
        while (found := self._next()) is not None:
            namespace, lane = found
            lanes = self._lines[namespace]
            line = lanes[lane]
            # Nobody loses a turn by one who does not want it any more.
            is_taken = line.popleft().take()
            if not line:
                del lanes[lane]
            elif is_taken:
                lanes[lane] = lanes.pop(lane)
            if not lanes:
                del self._lines[namespace]
            elif is_taken:
                self._lines[namespace] = self._lines.pop(namespace)

    def _next(self) -> tuple[str, Hashable] | None:
        """The first line whose first one may have a thread."""
        if self._total >= self._most:
            return None
        for namespace, lanes in self._lines.items():
            # Of a namespace that has its part not each line need be looked at.
            if namespace and self._held[_namespace(namespace)] >= MOST_OF_NAMESPACE:
                continue
            for lane, line in lanes.items():
                if self._has_room(line[0].share):
                    return namespace, lane
        return None


def _place(share: Share) -> Hashable:
    return share.service, share.place


def _region(share: Share) -> Hashable:
    return "region", share.place.region


def _namespace(name: str) -> Hashable:
    return "namespace", name


def _part(share: Share) -> Hashable:
    return "part", share.namespace, share.service, share.place


def _invoked_for(share: Share) -> Hashable:
    return INVOCATIONS, share.namespace


def _groups(share: Share) -> Iterator[Hashable]:
    if share.service == INVOCATIONS:
        yield INVOCATIONS
        yield _invoked_for(share)
    else:
        yield _place(share)
    yield _region(share)
    if share.namespace:
        yield _namespace(share.namespace)
        yield _part(share)
