"""The served collections of objects: they are listed, watched, and compared with the memory.

A collection is one kind, in one namespace or in all of them. One that cannot be listed keeps none of the others from
being served. An answer of the API server that is older than what was known proves that its store was restored: then all
collections are listed and watched anew.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from typing import Any

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.informers import Collection, Informer, pause_after, summary
from classifier_operator.runtime.inventory import Inventory
from classifier_operator.runtime.ports import Cluster, Happening
from classifier_operator.runtime.rewinds import Rewinds
from classifier_operator.runtime.store import Body, Mark, Store, is_older, key_of, uid_of


class Listing:
    """Lists, watches and compares the collections of the namespaces that are served; all of them where none are named.

    resync_interval: seconds between full listings of a collection.
    rewind_interval: seconds between questions for the API server's revision.
    happened: called with what a watch has told.
    listed: called with each object of which a listing has brought news.
    lost: called with the key and the UID of each object that a listing does not have any more.
    unserved: called with a collection, and whether it cannot be served now, when that has changed.
    anew: called when the API server's store was restored, and everything has been listed since.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        inventory: Inventory,
        namespaces: Sequence[str],
        *,
        resync_interval: float,
        rewind_interval: float,
        rng: random.Random,
        happened: Callable[[Happening, Mapping[str, Any]], None],
        listed: Callable[[Body], None],
        lost: Callable[[ObjectKey, str], None],
        unserved: Callable[[Collection, bool], None],
        anew: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._inventory = inventory
        self._rng = rng
        self._listed = listed
        self._lost = lost
        self._unserved = unserved
        self._anew = anew
        # How many listings are under way by which more is watched at AWS than before.
        self._growing = 0
        self._informers = [
            Informer(
                cluster,
                collection,
                compare=self._compare,
                happened=happened,
                changed=self._served_or_not,
                resync_interval=resync_interval,
                rng=rng,
            )
            for collection in _collections(namespaces)
        ]
        self._rewinds = Rewinds(
            cluster, store, interval=rewind_interval, revision=self._revision, catch_up=self._catch_up
        )

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        """Return what watches the collections and the API server's revision, to be run until cancelled."""
        return [*(informer.run() for informer in self._informers), self._rewinds.run()]

    async def first(self) -> None:
        """Return when each collection has been listed, or cannot be listed now, but for one of them at least."""
        rounds = 0
        while all(informer.trouble for informer in self._informers):
            await asyncio.sleep(pause_after(rounds, self._rng))
            # What endpoints have at AWS takes longer to look at than what trainings have.
            for kind in (Kind.ENDPOINT, Kind.TRAINING):
                await asyncio.gather(*(one.begin() for one in self._informers if one.collection.kind is kind))
            rounds += 1

    async def resync(self) -> None:
        """Compare the memory with the cluster: deletions that a watch has missed are noticed here."""
        for informer in self._informers:
            await informer.resync()

    def check(self, body: Body) -> None:
        """Ask for the API server's revision where an object that a watch has listed is older than what is known.

        It may have been listed before it was written, or deleted, for the last time.
        """
        key = key_of(body)
        if is_older(body, self._store.mark(key)) or self._store.is_ended(uid_of(body)):
            self._rewinds.suspected(key)

    @property
    def serves_nothing(self) -> bool:
        """Whether none of the collections can be served now."""
        return all(informer.trouble for informer in self._informers)

    def unserved(self) -> str:
        """Return what cannot be served now, and why; "" where there is nothing of that sort."""
        return summary(self._informers)

    def can_list(self, kind: Kind, namespace: str) -> bool:
        """Whether all objects of a kind in a namespace are known, so that what is not known does not exist."""
        return not any(one.trouble for one in self._informers if one.collection.has(kind, namespace))

    @contextmanager
    def growing(self) -> Iterator[None]:
        """What is listed meanwhile is looked at at AWS at once."""
        self._growing += 1
        self._inventory.is_growing = True
        try:
            yield
        finally:
            self._growing -= 1
            self._inventory.is_growing = self._growing > 0

    async def reread(self, key: ObjectKey) -> None:
        """Take the object as it is now."""
        before, ended = self._store.mark(key), self._store.ended()
        self._answered(await self._cluster.read(key), before, ended)

    def _served_or_not(self, informer: Informer) -> None:
        """Tell whoever wants to know that a collection has begun or ceased to be served."""
        self._unserved(informer.collection, bool(informer.trouble))

    async def _compare(self, collection: Collection, overrides: bool) -> None:
        """Compare the memory of a collection with the cluster.

        overrides: the API server has gone back, and what it lists is what there is, whichever version is higher.
        """
        if not overrides:
            await self._resync(collection)
            return
        with self.growing():
            await self._resync(collection, overrides=True)
        # All of that may be different at AWS.
        self._anew()

    async def _resync(self, collection: Collection, *, overrides: bool = False) -> None:
        # Meanwhile another one may come by the name of one that goes: that one is not missing.
        unseen, ended = self._store.marks(*collection), self._store.ended()
        async for body in self._cluster.list(*collection):
            if self._answered(body, unseen.pop(key_of(body), None), ended, overrides=overrides):
                self._listed(body)
        for key, mark in unseen.items():
            self._lost(key, mark.uid)

    def _answered(self, body: Body, before: Mark | None, ended: Set[str], *, overrides: bool = False) -> bool:
        """Take an answer that was asked for after `before` and `ended` were known; whether it is news.

        One that is older, or has an object that was gone, is of an API server that has gone back, and it counts.

        overrides: it is known already that it has, and no comparison of versions tells anything.
        """
        if not overrides and (is_older(body, before) or uid_of(body) in ended):
            self._rewinds.proved(f"{key_of(body)} is older than it was")
            overrides = True
        return self._store.put_over(body, before) if overrides else self._store.put(body)

    async def _revision(self) -> int:
        """At which revision the API server is; what is known of it already while nothing can be listed."""
        for informer in self._informers:
            if not informer.trouble:
                return await self._cluster.revision(*informer.collection)
        return self._store.latest

    async def _catch_up(self) -> None:
        """The API server has gone back: list and watch anew. What cannot be listed now catches up when it can be."""
        for kind in (Kind.ENDPOINT, Kind.TRAINING):
            for informer in self._informers:
                if informer.collection.kind is kind:
                    await informer.catch_up()


def _collections(namespaces: Sequence[str]) -> list[Collection]:
    """What an operator for these namespaces serves; for all of them where none are named."""
    return [Collection(kind, namespace) for namespace in namespaces or ("",) for kind in Kind]
