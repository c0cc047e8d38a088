"""Notices that the API server has gone back, because its store was restored from a snapshot, and takes us along.

A watch does not tell: it goes on from a resourceVersion that is still to come, and stays silent until that is reached.
So the API server is asked now and then at which revision it is, which never goes down otherwise.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from classifier_operator.api.kinds import ObjectKey
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, GoneError
from classifier_operator.runtime.store import Store, is_older

logger = logging.getLogger(__name__)

# The pause between two tries to catch up, and between two looks at what only may be a sign.
PAUSE_SECONDS = 3.0


class Rewinds:
    """One loop that looks for signs, and catches up once.

    interval: seconds between two questions for the revision.
    revision: asks the API server at which revision it is.
    catch_up: lists all objects and takes them as they are, and has them watched anew. It may be repeated.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        *,
        interval: float,
        revision: Callable[[], Awaitable[int]],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._interval = interval
        self._revision = revision
        self._catch_up = catch_up
        self._proof = ""
        self._suspected: ObjectKey | None = None
        self._wake = asyncio.Event()

    def proved(self, by: str) -> None:
        """The API server has gone back; `by` says by what one knows."""
        self._proof = self._proof or by
        self._wake.set()

    def suspected(self, key: ObjectKey) -> None:
        """A watch has listed the object in an older version than is known: it may have been asked for before that."""
        self._suspected = key
        self._wake.set()

    async def run(self) -> None:
        """Look and catch up until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self.look()
            except (ClusterUnavailableError, GoneError) as error:
                logger.warning("looking whether the API server has gone back: %s", error)
                if self._proof:
                    self._wake.set()
            await asyncio.sleep(PAUSE_SECONDS)

    async def look(self) -> None:
        """Look once, and catch up if the API server has gone back.

        Raises:
            ClusterUnavailableError, GoneError: it could not be asked, or not to the end.

        """
        if not self._proof:
            self._proof = await self._sign()
        if not self._proof:
            return
        logger.warning(
            "the API server has gone back, its store was restored: %s; all objects are read anew", self._proof
        )
        self._store.went_back(await self._revision())
        await self._catch_up()
        self._proof = ""

    async def _sign(self) -> str:
        """What proves that it has gone back; "" if nothing does."""
        latest = self._store.latest
        revision = await self._revision()
        if revision < latest:
            return f"it is at revision {revision}, and was at {latest}"
        self._store.reached(revision)
        key, self._suspected = self._suspected, None
        before = self._store.mark(key) if key is not None else None
        if key is None or before is None:
            return ""
        with suppress(GoneError):
            if is_older(await self._cluster.read(key), before):
                return f"{key} is older than it was"
        return ""
