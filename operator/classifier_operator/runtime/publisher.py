"""Events, published behind the work: to tell what has happened must not delay what is to be done.

An Event that cannot be published is no reason to stop working: the log has it, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, GoneError

logger = logging.getLogger(__name__)

# As many Events wait; whoever has one more to tell waits until there is room, so that none is lost.
CAPACITY = 1000
# Few beside the workers: what these write comes first.
TASKS = 2
# While others have something to do they are let go first, in so many seconds asked again.
WAY_SECONDS = 0.05


class Publisher:
    """Publishes Events in the order in which they come, nearly: a moment's may overtake each other.

    is_busy: whether something is waited for that goes before Events: what a sweep has seen is told within seconds, and
    then there is time. When half of the room is taken they do not give way any more.
    """

    def __init__(self, cluster: Cluster, is_busy: Callable[[], bool], capacity: int = CAPACITY) -> None:
        self._cluster = cluster
        self._is_busy = is_busy
        self._waiting: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(capacity)
        self._is_ending = False

    async def publish(self, event: Mapping[str, Any]) -> None:
        """Have an Event (events.k8s.io/v1) published soon."""
        await self._waiting.put(event)

    async def run(self) -> None:
        """Publish until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(TASKS):
                group.create_task(self._publish_all())

    async def drain(self, seconds: float) -> None:
        """Wait until everything has been published, but no longer than that."""
        self._is_ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._waiting.join()

    async def _publish_all(self) -> None:
        while True:
            event = await self._waiting.get()
            while self._gives_way():  # noqa: ASYNC110 - the work is never told that it is done
                await asyncio.sleep(WAY_SECONDS)
            try:
                await self._post(event)
            finally:
                self._waiting.task_done()

    async def _post(self, event: Mapping[str, Any]) -> None:
        try:
            await self._cluster.post_event(event)
        except GoneError:
            # With its namespace: nobody is left to read it.
            pass
        except ClusterUnavailableError as error:
            _warn(event, str(error))
        except Exception as error:
            # A quota of Events is a conflict, and a proxy may answer anything: the next one may be published.
            _warn(event, repr(error))

    def _gives_way(self) -> bool:
        has_room = 2 * self._waiting.qsize() < self._waiting.maxsize
        return has_room and not self._is_ending and self._is_busy()


def _warn(event: Mapping[str, Any], why: str) -> None:
    key = _key_of(event)
    logger.warning("%s: no Event of it: %s", key, why, extra={"object": str(key)})


def _key_of(event: Mapping[str, Any]) -> ObjectKey:
    regarding = event["regarding"]
    return ObjectKey(Kind(regarding["kind"]), regarding["namespace"], regarding["name"])
