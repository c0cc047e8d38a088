"""Keeps what is remembered of the cluster up to date: one informer lists and watches one kind in one namespace.

An informer that fails ends no other: a kind whose CRD is gone, or a namespace that the operator may not list any more,
is tried again, with growing pauses, until it can be served. Nothing is concluded meanwhile from what it does not see.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

from classifier_operator.api.kinds import Kind
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, Happening
from classifier_operator.runtime.store import Body

logger = logging.getLogger(__name__)

# Pauses before the next try: they double, and get up to a half more by chance, so that informers do not try together.
FIRST_SECONDS, MOST_SECONDS = 1.0, 15.0
# A watch that has lasted for so long has not failed at once again.
STEADY_SECONDS = 60.0
# The API server does not know the operator, does not allow it to list, or does not serve the kind.
REFUSED = (401, 403, 404)
# Errors of the API server are quoted up to so many characters.
QUOTED = 500


class Collection(NamedTuple):
    """All objects of a kind in a namespace; in all namespaces where none is named."""

    kind: Kind
    namespace: str

    def __str__(self) -> str:
        return f"{self.kind.value}s{f' in namespace {self.namespace}' if self.namespace else ''}"

    def has(self, kind: Kind, namespace: str) -> bool:
        """Whether objects of that kind in that namespace are part of it."""
        return kind is self.kind and self.namespace in ("", namespace)


class Informer:
    """Lists and watches one collection for as long as the operator runs.

    compare: lists the collection and takes what it finds for what there is. True as its second argument says that the
        API server has gone back to an earlier state. Raises what the list raises.
    happened: called with what a watch tells has happened to an object, and the object.
    changed: called with the informer whenever the collection has begun or ceased to be served.
    resync_interval: seconds between comparisons while it is watched: they notice deletions that the watch has missed.
    """

    def __init__(
        self,
        cluster: Cluster,
        collection: Collection,
        *,
        compare: Callable[[Collection, bool], Awaitable[None]],
        happened: Callable[[Happening, Body], None],
        changed: Callable[[Informer], None],
        resync_interval: float,
        rng: random.Random,
    ) -> None:
        self.collection = collection
        self._cluster = cluster
        self._compare = compare
        self._happened = happened
        self._changed = changed
        self._resync_interval = resync_interval
        self._rng = rng
        self._why = "it has not been listed yet"
        # Of which sort the last failure was, as the words of two of a sort may differ; none where nothing has failed.
        self._failure: tuple[type[Exception], int] | None = None
        self._is_listed = False
        self._has_gone_back = False
        self._anew = asyncio.Event()

    @property
    def trouble(self) -> str:
        """Why the collection is not served, or "" while it is."""
        return self._why

    async def begin(self) -> None:
        """List it for the first time, or learn that this cannot be done now."""
        self._is_listed = await self._try_to_list()
        if self._is_listed:
            self._serve()

    async def run(self) -> None:
        """Watch it, and begin anew whenever that fails; begin with `begin`."""
        failures = 0
        while True:
            lasted = await self._watch() if self._is_listed else 0.0
            failures = failures + 1 if lasted < STEADY_SECONDS else 1
            # Without a failure the watch is to begin anew, at once.
            failures = failures if self._why else 0
            await asyncio.sleep(pause_after(failures, self._rng))
            self._is_listed = await self._try_to_list()

    async def resync(self) -> None:
        """Compare what is remembered with the cluster.

        Raises:
            ClusterUnavailableError: it cannot be listed; nothing is missing by that.

        """
        has_gone_back, self._has_gone_back = self._has_gone_back, False
        try:
            await self._compare(self.collection, has_gone_back)
        except BaseException:
            self._has_gone_back = self._has_gone_back or has_gone_back
            raise

    async def catch_up(self) -> None:
        """The API server has gone back: list the collection and watch it anew, now or once it is served again.

        Raises:
            ClusterUnavailableError: it cannot be listed.

        """
        self._has_gone_back = True
        if not self._why:
            await self.resync()
        # A watch would go on from a version that is still to come.
        self._anew.set()

    async def _try_to_list(self) -> bool:
        try:
            await self.resync()
        except Exception as error:
            self._fail(error)
            return False
        return True

    async def _watch(self) -> float:
        """Watch until that fails, or has to begin anew; the seconds that it has lasted."""
        clock = asyncio.get_running_loop().time
        began = clock()
        self._anew.clear()
        kind, namespace = self.collection
        watch = asyncio.ensure_future(self._cluster.watch(kind, namespace, self._happened, self._serve))
        try:
            await self._resync_while(watch)
            if watch.done():
                await watch
        except Exception as error:
            self._fail(error)
        finally:
            watch.cancel()
            await asyncio.wait([watch])
        return clock() - began

    async def _resync_while(self, watch: asyncio.Future[None]) -> None:
        """Return when the watch has ended or has to begin anew; list everything now and then until it does."""
        anew = asyncio.ensure_future(self._anew.wait())
        try:
            while not (await _first_of(watch, anew, seconds=self._resync_interval)):
                try:
                    await self.resync()
                except ClusterUnavailableError as error:
                    if error.status in REFUSED:
                        # Whoever may not list may not begin to watch: this watch goes on only as it began before.
                        raise
                    logger.warning("%s: cannot be compared with the cluster now: %s", self.collection, error)
        finally:
            anew.cancel()

    def _serve(self) -> None:
        if self._why:
            if self._failure is not None:
                logger.info("%s are served", self.collection)
            self._why, self._failure = "", None
            self._changed(self)

    def _fail(self, error: Exception) -> None:
        """It is not served any more; said once, until it is served again or the error is another."""
        is_foreseen = isinstance(error, ClusterUnavailableError)
        failure = type(error), error.status if isinstance(error, ClusterUnavailableError) else 0
        is_news, self._why, self._failure = failure != self._failure, _words(error), failure
        if is_news:
            logger.error(
                "%s are not served, and nothing is done about them: %s",
                self.collection,
                self._why,
                exc_info=None if is_foreseen else error,
            )
            self._changed(self)


async def _first_of(*futures: asyncio.Future[Any], seconds: float) -> bool:
    """Wait until one of them is done; False when none was within so many seconds."""
    done, _ = await asyncio.wait(futures, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    return bool(done)


def pause_after(failures: int, rng: random.Random) -> float:
    """Seconds before the next try, after so many failures one after the other; none after none."""
    if not failures:
        return 0.0
    grown: float = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, 10))
    return grown * rng.uniform(1.0, 1.5)


def _words(error: Exception) -> str:
    """Why, in the error's own words, which come from the API server or from the network: cut."""
    return (str(error) or type(error).__name__)[:QUOTED]


def summary(informers: Iterable[Informer], most: int = 20) -> str:
    """The collections that are not served, each with the reason; so many of them, and how many more there are."""
    troubled = [(one.collection, one.trouble) for one in informers if one.trouble]
    named = "; ".join(f"{collection}: {trouble}" for collection, trouble in troubled[:most])
    return f"{named}; and {len(troubled) - most} more" if len(troubled) > most else named
