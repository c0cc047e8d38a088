"""Other operators that work on the same objects: each holds a Lease of its own, and both say so.

Replicas and shards of one installation share a Lease's name and agree by it. Two installations know nothing of each
other, and would both create, change and delete at AWS for the same objects.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from classifier_operator.runtime.election.lease import Terms
from classifier_operator.runtime.ports import Clock, ClusterUnavailableError

logger = logging.getLogger(__name__)

# Holders renew their Leases every 2 s, so the second look tells which of them live.
SECOND_LOOK_SECONDS = 5.0


class HeldLease(Struct, frozen=True, kw_only=True):
    """A Lease of an operator.

    place: namespace and name, of the installation and not of its shards: they agree among themselves.
    name: the Lease's own name.
    version: its resourceVersion: another one each time that it is renewed.
    serves: the namespaces that its holder serves; none: all of them.
    """

    place: str
    name: str
    version: str
    holder: str = ""
    serves: tuple[str, ...] = ()


class HeldLeases(Protocol):
    """The Leases of all operators of the cluster."""

    async def everywhere(self) -> Sequence[HeldLease]:
        """All that may be listed. Raises ClusterUnavailableError."""
        ...


class _Seen(Struct, frozen=True):
    """A Lease as it was seen last, and until when its holder is believed to live; None: it was not seen to change."""

    lease: HeldLease
    until: float | None = None


class OtherOperators:
    """What is known of other operators that serve some of the same namespaces.

    me: the place of this installation's own Lease; "" without one.
    serves: the namespaces that this one serves; none: all of them.
    interval: seconds between looks.
    """

    def __init__(
        self,
        leases: HeldLeases,
        clock: Clock,
        *,
        me: str,
        serves: Sequence[str],
        interval: float,
        terms: Terms | None = None,
    ) -> None:
        self._leases = leases
        self._clock = clock
        self._me = me
        self._serves = frozenset(serves)
        self._interval = interval
        self._terms = terms or Terms()
        self._seen: Mapping[str, _Seen] = {}
        self._found: dict[str, HeldLease] = {}
        self._said = ""

    async def run(self) -> None:
        """Look until cancelled."""
        await self.look()
        await asyncio.sleep(min(SECOND_LOOK_SECONDS, self._interval))
        while True:
            await self.look()
            await asyncio.sleep(self._interval)

    async def look(self) -> None:
        """Look once, and log what is new."""
        try:
            listed = await self._leases.everywhere()
        except ClusterUnavailableError as error:
            self._say_unknown(str(error))
            return
        self._take([one for one in listed if one.place != self._me and self._overlaps(one)], self._clock.monotonic())

    def remark(self) -> str:
        """Return which others work on the same objects, or ""."""
        return "; ".join(map(self._words, self._found.values()))

    def _take(self, listed: Sequence[HeldLease], now: float) -> None:
        self._seen = {f"{one.place} {one.name}": self._believed(one, now) for one in listed}
        live = {key: seen.lease for key, seen in self._seen.items() if seen.until is not None and now < seen.until}
        for key in live.keys() - self._found.keys():
            logger.error("%s", self._words(live[key]))
        for key in self._found.keys() - live.keys():
            logger.info("the operator of the Lease %s has ended", self._found[key].place)
        self._found = live

    def _believed(self, lease: HeldLease, now: float) -> _Seen:
        before = self._seen.get(f"{lease.place} {lease.name}")
        if not lease.holder or before is None:
            return _Seen(lease)
        if before.lease.version != lease.version:
            return _Seen(lease, now + self._terms.duration)
        return _Seen(lease, before.until)

    def _overlaps(self, lease: HeldLease) -> bool:
        return not self._serves or not lease.serves or not self._serves.isdisjoint(lease.serves)

    def _words(self, lease: HeldLease) -> str:
        shared = sorted(self._serves & set(lease.serves)) or sorted(self._serves) or sorted(lease.serves)
        return (
            f"another operator works on the same objects: {lease.holder} holds the Lease {lease.place} and serves "
            f"{', '.join(shared) or 'all namespaces'}, too: stop one of them, or give each --namespace of its own"
        )

    def _say_unknown(self, why: str) -> None:
        if why != self._said:
            self._said = why
            logger.info("whether another operator works on the same objects is not known: %s", why)
