"""Events, published behind the work: to tell what has happened must not delay what is to be done.

An Event that cannot be published is no reason to stop working: the log has it, too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from classifier_operator.api.kinds import Kind, ObjectKey
from classifier_operator.runtime.ports import Cluster, ClusterUnavailableError, GoneError

logger = logging.getLogger(__name__)

# As many Events wait; whoever has one more to tell waits until there is room, so that none is lost.
CAPACITY = 1000
# Few beside the workers: what these write comes first.
TASKS = 2


class Publisher:
    """Publishes Events in the order in which they come, nearly: a moment's may overtake each other."""

    def __init__(self, cluster: Cluster, capacity: int = CAPACITY) -> None:
        self._cluster = cluster
        self._waiting: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(capacity)

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
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._waiting.join()

    async def _publish_all(self) -> None:
        while True:
            event = await self._waiting.get()
            try:
                await self._cluster.post_event(event)
            except GoneError:
                # With its namespace: nobody is left to read it.
                pass
            except ClusterUnavailableError as error:
                key = _key_of(event)
                logger.warning("%s: no Event of it: %s", key, error, extra={"object": str(key)})
            finally:
                self._waiting.task_done()


def _key_of(event: Mapping[str, Any]) -> ObjectKey:
    regarding = event["regarding"]
    return ObjectKey(Kind(regarding["kind"]), regarding["namespace"], regarding["name"])
